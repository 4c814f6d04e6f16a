// The plot of a line chart on uPlot: axes, scales, crosshair and the drag that
// zooms. The lines are painted by this project itself, since each has its own x.
// This module is the only one that knows uPlot, and is loaded with the first chart.
import uPlot from "uplot";
import { ticks, type Ink, type Kind } from "./draw";
import { paintLimits, paintMarks, paintSeries, paintSpans, type Field } from "./paint";
import { axisFormat, yRange, type Limit, type Mark, type Series, type Span, type YAxis } from "./series";

/** State is what is drawn; the plot reads it anew with every drawing. */
export interface State {
  kind: Kind;
  xLabel: string;
  series: Series[];
  limits: Limit[];
  marks: Mark[];
  spans: Span[];
  y: YAxis;
  ink: Ink;
  chosen: number | null;
  hidden: ReadonlySet<number>;
  window: [number, number]; // of x
}

/** Events are what the plot reports. */
export interface Events {
  /** pointer is the x under the pointer and its height, null when it left. */
  pointer(x: number | null, left: number, top: number): void;
  snap(x: number): number | null;
  zoom(from: number, to: number): void;
  reset(): void;
  drawn(): void;
}

/** Plot is a drawing in its place. */
export interface Plot {
  draw(): void;
  resize(width: number, height: number): void;
  /** left is where an x lies, in px from the left of the plot. */
  left(x: number): number;
  top(y: number): number;
  cross(x: number | null): void;
  area(): { left: number; top: number; width: number; height: number };
  over: HTMLElement;
  destroy(): void;
}

const fontSmall = '500 11px "Inter Variable", system-ui, sans-serif';

/** newPlot draws into host. */
export function newPlot(host: HTMLElement, width: number, height: number, state: () => State, on: Events): Plot {
  const logged = () => state().y.log === true;
  const log = logged();
  const field = (u: uPlot): Field => ({
    ctx: u.ctx, left: u.bbox.left, top: u.bbox.top, width: u.bbox.width, height: u.bbox.height, dpr: devicePixelRatio || 1,
    x: [u.scales.x!.min ?? 0, u.scales.x!.max ?? 1], y: [u.scales.y!.min ?? 0, u.scales.y!.max ?? 1], log,
  });
  let byHand = false;
  const u = new uPlot(
    {
      width, height, padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: {
        y: false, points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        move: (self, left, top) => {
          if (left < 0) return [left, top];
          const x = on.snap(self.posToVal(left, "x"));
          return [x === null ? left : self.valToPos(x, "x"), top];
        },
        bind: { dblclick: () => () => (on.reset(), null) },
      },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: () => state().window },
        y: {
          ...(log ? { distr: 3, log: 10 } : {}),
          range: () => {
            const s = state();
            return yRange(s.series.filter((_, i) => !s.hidden.has(i)), s.limits, s.y, s.window[0], s.window[1]);
          },
        },
      },
      axes: [
        {
          size: state().kind === "time" ? 38 : 26, font: fontSmall, gap: 4,
          ...(state().xLabel && height >= 150 ? { label: state().xLabel, labelFont: fontSmall, labelSize: 16, labelGap: 0 } : {}),
          stroke: () => state().ink.muted,
          grid: { show: false },
          ticks: { show: true, stroke: () => state().ink.line, width: 1, size: 4 },
          border: { show: true, stroke: () => state().ink.strong, width: 1 },
          splits: (self) => xTicks(self, state()).at,
          // What a last name shares with its neighbours is left out where it would be cut at the edge.
          values: (self) => {
            const { at, text } = xTicks(self, state());
            const room = self.bbox.width / (devicePixelRatio || 1) + 16;
            return text.map((t, i) => {
              const [top = "", below = ""] = t.split("\n");
              return self.valToPos(at[i] as number, "x") + below.length * 3.1 > room ? top : t;
            });
          },
        },
        {
          size: (_, values) => Math.min(86, Math.max(52, Math.max(0, ...(values ?? []).map((v) => String(v ?? "").length)) * 6.4 + 16)),
          font: fontSmall, gap: 6,
          stroke: () => state().ink.muted,
          grid: { stroke: () => state().ink.line, width: 1 },
          ticks: { show: false },
          space: height > 160 ? 36 : 24,
          values: (_, splits) => {
            const write = axisFormat(state().y, splits);
            return splits.map((v) => (v === null ? "" : write(v)));
          },
        },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        drawAxes: [(self) => {
          const s = state();
          paintSpans(field(self), s.spans, s.ink);
          paintMarks(field(self), s.marks, s.ink);
        }],
        draw: [(self) => {
          const s = state();
          paintSeries(field(self), s.series, s.ink, s.chosen, s.hidden);
          paintLimits(field(self), s.limits, s.ink);
          on.drawn();
        }],
        setCursor: [(self) => {
          if (byHand) return;
          const left = self.cursor.left ?? -1;
          on.pointer(left < 0 ? null : self.posToVal(left, "x"), left, self.cursor.top ?? 0);
        }],
        setSelect: [(self) => {
          const { left, width: w } = self.select;
          if (w < 6) return;
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          on.zoom(self.posToVal(left, "x"), self.posToVal(left + w, "x"));
        }],
      },
    },
    // uPlot needs points to have scales; the lines are ours.
    [[...state().window], [null, null]] as uPlot.AlignedData,
    host,
  );
  return {
    draw() {
      u.setData([[...state().window], [null, null]] as uPlot.AlignedData, true);
    },
    resize: (w, h) => u.setSize({ width: w, height: h }),
    left: (x) => u.valToPos(x, "x"),
    top: (y) => u.valToPos(y, "y"),
    cross(x) {
      byHand = true;
      if (x === null) u.setCursor({ left: -10, top: -10 }, false);
      else u.setCursor({ left: u.valToPos(x, "x"), top: 4 }, false);
      byHand = false;
    },
    area() {
      const dpr = devicePixelRatio || 1;
      return { left: u.bbox.left / dpr, top: u.bbox.top / dpr, width: u.bbox.width / dpr, height: u.bbox.height / dpr };
    },
    over: u.over,
    destroy: () => u.destroy(),
  };
}

function xTicks(u: uPlot, s: State) {
  const px = u.bbox.width / (devicePixelRatio || 1);
  const room = s.kind === "time" ? 76 : 64;
  const most = Math.max(1, Math.floor(px / room));
  const found = ticks(s.kind, s.window[0], s.window[1], most);
  // One name alone does not say how long anything takes: a narrow chart sets them closer.
  if (found.at.length > 2 || px < 120) return found;
  const closer = ticks(s.kind, s.window[0], s.window[1], most * 2);
  return closer.at.length * 44 <= px ? closer : found;
}
