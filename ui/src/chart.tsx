// A line with its interval over windows, on uPlot. The canvas is drawn on the
// page's background in the colours of the theme; arrows move the cursor, and
// what it stands on is said in words above the chart.
import { useEffect, useRef } from "preact/hooks";
import { effect, type Signal } from "@preact/signals";
import uPlot from "uplot";
import tokens from "../tokens.json";
import { dark } from "./theme";

/** Point is one window: v, lo and hi are null where nothing was measured. */
export interface Point {
  x: number; // ms since 1970
  v: number | null;
  lo: number | null;
  hi: number | null;
}

interface Props {
  points: Point[];
  label: string; // what a screen reader hears the chart is
  height: number;
  series: number; // index into the palette
  tick: (ms: number) => string;
  write: (v: number) => string; // a value on the axis
  cursor: Signal<number | null>; // index of the point under the cursor, shared by the charts of a monitor
  axis: boolean; // whether the x axis has words
}

function colours(isDark: boolean, series: number) {
  const i = isDark ? 1 : 0;
  const c = (name: keyof typeof tokens.color) => tokens.color[name][i] as string;
  return { bg: c("bg"), line: c("line"), strong: c("line-strong"), muted: c("muted"), series: tokens.series[series]?.[i] as string };
}

/** Chart draws the points and follows its width, the theme and the cursor. */
export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const props = useRef(p);
  props.current = p;

  // The plot is made anew with the theme and with the set of series; points only move its data.
  useEffect(
    () =>
      effect(() => {
        const host = box.current;
        if (!host) return;
        plot.current?.destroy();
        plot.current = new uPlot(options(host.clientWidth, props, colours(dark.value, p.series)), data(props.current.points), host);
      }),
    [p.series, p.height, p.axis],
  );
  useEffect(() => plot.current?.setData(data(p.points)), [p.points]);
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      if (box.current && plot.current) plot.current.setSize({ width: box.current.clientWidth, height: p.height });
    });
    if (box.current) watch.observe(box.current);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  // The cursor of another chart, or of the keyboard, moves this one.
  useEffect(
    () =>
      effect(() => {
        const i = p.cursor.value;
        const u = plot.current;
        if (!u || u.cursor.idx === i || (i === null && (u.cursor.left ?? -1) < 0)) return;
        if (i === null) u.setCursor({ left: -10, top: -10 }, false);
        else u.setCursor({ left: u.valToPos(u.data[0][i] as number, "x"), top: 10 }, false);
      }),
    [],
  );

  const move = (e: KeyboardEvent) => {
    const last = p.points.length - 1;
    const at = p.cursor.value;
    const to: Record<string, number | null> = {
      ArrowLeft: at === null ? last : Math.max(0, at - 1),
      ArrowRight: at === null ? 0 : Math.min(last, at + 1),
      Home: 0,
      End: last,
      Escape: null,
    };
    if (last < 0 || !(e.key in to)) return;
    e.preventDefault();
    p.cursor.value = to[e.key] as number | null;
  };
  return (
    <div
      ref={box}
      class="chart"
      style={{ height: p.height }}
      role="application"
      aria-roledescription="chart"
      tabIndex={0}
      aria-label={`${p.label} The arrow keys move from window to window.`}
      onKeyDown={move}
    />
  );
}

function data(points: Point[]): uPlot.AlignedData {
  return [points.map((p) => p.x / 1000), points.map((p) => p.v), points.map((p) => p.lo), points.map((p) => p.hi)];
}

/** range keeps the line off the edges, and a lone point in the middle. */
function range(_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const pad = Math.max((max - min) * 0.12, Math.abs(max) * 1e-3, 1e-6);
  return [min - pad, max + pad];
}

function options(width: number, props: { current: Props }, c: ReturnType<typeof colours>): uPlot.Options {
  const font = '11px "Inter Variable", system-ui, sans-serif';
  const p = props.current;
  const grid = { stroke: c.line, width: 1 };
  return {
    width,
    height: p.height,
    padding: [8, 12, p.axis ? 0 : 6, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, fill: () => c.series, stroke: () => c.bg, width: 2 } },
    scales: {
      x: {
        time: true,
        range: (_, min, max) => {
          const pad = min === max ? 86_400 : (max - min) * 0.03;
          return [min - pad, max + pad];
        },
      },
      y: { range },
    },
    axes: [
      {
        show: true,
        size: p.axis ? 26 : 0,
        stroke: c.muted,
        font,
        grid: { show: false },
        ticks: { show: p.axis, stroke: c.line, width: 1, size: 4 },
        border: { show: true, stroke: c.strong, width: 1 },
        splits: (u) => spread(u.data[0] as number[], u.width),
        values: (_, splits) => (p.axis ? splits.map((s) => props.current.tick(s * 1000)) : splits.map(() => "")),
      },
      {
        size: 46,
        stroke: c.muted,
        font,
        grid,
        ticks: { show: false },
        space: p.height > 160 ? 34 : 20,
        values: (_, splits) => splits.map((s) => props.current.write(s)),
      },
    ],
    series: [
      {},
      { label: "value", stroke: c.series, width: 2, points: { show: (u) => (u.data[0]?.length ?? 0) <= 60, size: 6, fill: c.series, stroke: c.series } },
      { label: "low", stroke: "transparent", points: { show: false } },
      { label: "high", stroke: "transparent", points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: c.series + "2e" }],
    hooks: {
      // A band needs two neighbours; a lone window shows its interval as a bar.
      drawSeries: [
        (u, series) => {
          if (series !== 1) return;
          const [xs, vs, lo, hi] = u.data as (number | null)[][];
          const ctx = u.ctx;
          ctx.save();
          ctx.strokeStyle = c.series;
          ctx.lineWidth = devicePixelRatio * 1.5;
          xs?.forEach((x, i) => {
            const l = lo?.[i];
            const h = hi?.[i];
            if (x == null || l == null || h == null || vs?.[i - 1] != null || vs?.[i + 1] != null) return;
            const px = u.valToPos(x, "x", true);
            ctx.beginPath();
            ctx.moveTo(px, u.valToPos(l, "y", true));
            ctx.lineTo(px, u.valToPos(h, "y", true));
            ctx.stroke();
          });
          ctx.restore();
        },
      ],
      setCursor: [
        (u) => {
          const i = (u.cursor.left ?? -1) < 0 ? null : (u.cursor.idx ?? null);
          if (props.current.cursor.peek() !== i) props.current.cursor.value = i;
        },
      ],
    },
  };
}

/** spread picks the windows whose names fit on the axis, the last among them. */
function spread(xs: number[], width: number): number[] {
  const step = Math.max(1, Math.ceil(xs.length / Math.max(1, Math.floor((width - 60) / 64))));
  return xs.filter((_, i) => (xs.length - 1 - i) % step === 0);
}
