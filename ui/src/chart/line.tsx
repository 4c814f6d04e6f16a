// LineChart: lines over time, steps or time since a start. The pointer and the
// keys move one crosshair, which charts of one key share together with the zoom;
// what stands there is shown, and read out when the keys moved it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { effect } from "@preact/signals";
import { dark } from "../theme";
import { dashOf, ink, xWord, type Kind } from "./draw";
import { SheetTable, TableButton, useNear } from "./frame";
import type { Plot, State } from "./plot";
import { colorOf, extent, nearestX, neighbourX, sheetOf, standing, valueWord, type Limit, type Mark, type Series, type Span, type YAxis } from "./series";
import { useShared } from "./share";

export type { Limit, Mark, Series, Span, YAxis } from "./series";

interface Props {
  /** label is what a screen reader hears the chart is. */
  label: string;
  height?: number;
  x: Kind;
  /** xLabel says what x counts; "step" for steps, nothing for times, which say it themselves. */
  xLabel?: string;
  series: Series[];
  y?: YAxis;
  limits?: Limit[];
  marks?: Mark[];
  spans?: Span[];
  /** sync: charts of the same key share crosshair and zoom. */
  sync?: string;
  /** onZoom tells what is zoomed to, null and null for all. */
  onZoom?: (from: number | null, to: number | null) => void;
  onMark?: (id: string) => void;
  /** markNames says below the chart what marks of a tone are; those that are not there are left out. */
  markNames?: Partial<Record<NonNullable<Mark["tone"]>, string>>;
  /** table: offer the figures as a table; default true. */
  table?: boolean;
  /** legend: name the lines below; default when there are two or more. */
  legend?: boolean;
  /** extent is the whole of x, where the lines are only a part of it. */
  extent?: [number, number];
  /** chosen is the index of a line that stands out. */
  chosen?: number | null;
}

const readoutMost = 10;
const legendMost = 16;
const none: never[] = [];

/** LineChart draws series that may each have their own x. */
export function LineChart(p: Props) {
  const { height = 220, series, limits = none, marks = none, spans = none, y = {} } = p;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const near = useNear(box);
  const shared = useShared(p.sync);
  const me = useMemo(() => ({}), []);
  const [open, setOpen] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [lit, setLit] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const [drawn, setDrawn] = useState(0); // counts drawings, for what lies above the canvas
  const [at, setAt] = useState<{ x: number; top: number } | null>(null);
  const all = useMemo(() => p.extent ?? extent(series) ?? [0, 1], [series, p.extent]);
  const zoomed = shared.zoom.value;
  const whole = useMemo<[number, number]>(() => padded(all as [number, number], p.x), [all, p.x]);
  const window = zoomed ?? whole;
  const off = useMemo(() => new Set(series.flatMap((s, i) => (hidden.has(s.label) ? [i] : []))), [series, hidden]);
  const isDark = dark.value;
  const now = useRef<State>(null as unknown as State);
  now.current = { kind: p.x, xLabel: p.xLabel ?? (p.x === "step" ? "step" : ""), series, limits, marks, spans, y, ink: ink(isDark), chosen: lit ?? p.chosen ?? null, hidden: off, window };
  const props = useRef(p);
  props.current = p;

  const zoomTo = (range: [number, number] | null) => {
    shared.zoom.value = range;
    props.current.onZoom?.(range?.[0] ?? null, range?.[1] ?? null);
  };

  // The plot lives while the chart is near the screen.
  useEffect(() => {
    const host = box.current;
    if (!near || !host) return;
    let gone = false;
    let watch: ResizeObserver | undefined;
    void import("./plot").then(({ newPlot }) => {
      if (gone) return;
      const made = newPlot(host, Math.max(80, host.clientWidth), height, () => now.current, {
        pointer(x, _left, top) {
          shared.owner.value = x === null ? null : me;
          shared.x.value = x;
          setAt(x === null ? null : { x, top });
        },
        snap: (x) => nearestX(visible(now.current), x),
        zoom: (from, to) => zoomTo([from, to]),
        reset: () => zoomTo(null),
        drawn: () => setDrawn((n) => n + 1),
      });
      plot.current = made;
      watch = new ResizeObserver(() => {
        if (host.clientWidth > 0) made.resize(Math.max(80, host.clientWidth), height);
      });
      watch.observe(host);
      void document.fonts?.ready.then(() => !gone && made.draw());
    });
    return () => {
      gone = true;
      watch?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [near, height, p.x, y.log]);
  useEffect(() => plot.current?.draw(), [series, limits, marks, spans, isDark, off, lit, p.chosen, window[0], window[1], y.min, y.max, y.format]);
  // The crosshair of another chart of the key moves this one, without a readout.
  useEffect(
    () =>
      effect(() => {
        const x = shared.x.value;
        if (shared.owner.value === me) return;
        setAt(null);
        plot.current?.cross(x === null ? null : (nearestX(visible(now.current), x) ?? x));
        setDrawn((n) => n + 1);
      }),
    [shared],
  );

  const move = (x: number | null) => {
    if (x === null) return;
    const [a, b] = now.current.window;
    if (shared.zoom.peek() && (x < a || x > b)) {
      const by = x < a ? x - a - (b - a) * 0.1 : x - b + (b - a) * 0.1;
      zoomTo([a + by, b + by]);
    }
    shared.owner.value = me;
    shared.x.value = x;
    plot.current?.cross(x);
    setAt({ x, top: 12 });
    setSaid(words(now.current, x));
  };
  const keys = (e: KeyboardEvent) => {
    if (e.metaKey || e.ctrlKey || e.altKey) return;
    const s = visible(now.current);
    const [a, b] = now.current.window;
    const x = at?.x ?? null;
    const by = e.shiftKey ? 10 : 1;
    switch (e.key) {
      case "ArrowLeft":
        move(x === null ? nearestX(s, b) : neighbourX(s, x, -by));
        break;
      case "ArrowRight":
        move(x === null ? nearestX(s, a) : neighbourX(s, x, by));
        break;
      case "Home":
        move(nearestX(s, -1e300));
        break;
      case "End":
        move(nearestX(s, 1e300));
        break;
      case "ArrowUp":
      case "ArrowDown": {
        const named = series.flatMap((o, i) => (o.faint || off.has(i) ? [] : [i]));
        if (named.length < 2) return;
        const k = lit === null ? -1 : named.indexOf(lit);
        const to = named[(k + (e.key === "ArrowDown" ? 1 : named.length - 1)) % named.length] as number;
        setLit(to);
        setSaid(`${series[to]!.label}${x === null ? "" : `: ${wordAt(now.current, to, x)}`}`);
        break;
      }
      case "+":
      case "=":
      case "-": {
        const mid = x ?? (a + b) / 2;
        const f = e.key === "-" ? 2 : 0.5;
        const to: [number, number] = [mid - (mid - a) * f, mid + (b - mid) * f];
        if (to[0] <= whole[0] && to[1] >= whole[1]) zoomTo(null);
        else if (to[1] - to[0] > (whole[1] - whole[0]) * 1e-9) zoomTo([Math.max(whole[0], to[0]), Math.min(whole[1], to[1])]);
        setSaid(e.key === "-" ? "zoomed out" : "zoomed in");
        break;
      }
      case "Enter": {
        const m = x === null ? undefined : closeMark(plot.current, marks, x);
        if (!m?.id || !p.onMark) return;
        p.onMark(m.id);
        break;
      }
      case "Escape":
        if (at) {
          setAt(null);
          shared.x.value = null;
          plot.current?.cross(null);
        } else if (lit !== null) setLit(null);
        else if (shared.zoom.peek()) zoomTo(null);
        else return;
        break;
      default:
        return;
    }
    e.preventDefault();
    e.stopPropagation();
  };
  const leave = () => {
    if (shared.owner.peek() !== me) return;
    shared.owner.value = null;
    shared.x.value = null;
    setAt(null);
    plot.current?.cross(null);
  };

  const named = series.map((s, i) => ({ s, i })).filter(({ s }) => !s.faint);
  const legend = p.legend ?? named.length > 1;
  const shownMost = named.length > legendMost ? 8 : legendMost; // those beyond are grey
  const table = p.table ?? true;
  const stretches = spans.filter((s, i) => spans.findIndex((o) => o.label === s.label) === i).slice(0, 4);
  const kinds = Object.entries(p.markNames ?? {}).filter(([tone]) => marks.some((m) => (m.tone ?? "muted") === tone)) as [NonNullable<Mark["tone"]>, string][];
  return (
    <figure class="chart-figure">
      <div class="chart-place" style={{ height: px(height) }}>
        <div ref={box} class="chart chart-focus" style={{ height: px(height) }} role="application" aria-roledescription="chart" tabIndex={0} onKeyDown={keys} onBlur={leave}
          aria-label={`${p.label}. Left and right move from point to point, plus and minus zoom, Escape goes back.`} />
        {plot.current && <Above plot={plot.current} state={now.current} at={at} shared={shared.x.value} mine={shared.owner.value === me || shared.owner.value === null} onMark={p.onMark} drawn={drawn} />}
        {!series.some((s) => s.x.length) && <p class="chart-none detail">No points</p>}
        {zoomed && (
          <button type="button" class="chart-reset" onClick={() => zoomTo(null)}>
            Reset zoom
          </button>
        )}
      </div>
      <div class="visually-hidden" aria-live="polite">
        {said}
      </div>
      {(legend || table || kinds.length > 0 || stretches.length > 0) && (
        <div class="chart-foot">
          <div class="chart-legend">
            {legend && named.slice(0, shownMost).map(({ s, i }) => (
              <button key={s.label} type="button" class="chart-key" aria-pressed={!off.has(i)} title={s.label} onMouseEnter={() => setLit(i)} onMouseLeave={() => setLit(null)}
                onClick={() => setHidden(toggled(hidden, s.label))}>
                <Sample color={colorOf(series, i)} dash={s.dash} />
                <span>{s.label}</span>
              </button>
            ))}
            {legend && named.length > shownMost && <span class="detail">and {named.length - shownMost} more</span>}
            {stretches.map((s) => (
              <span key={s.label} class="chart-key" style={{ color: toneVar(s.tone) }}>
                <i class="stretch" style={{ background: `color-mix(in srgb, ${toneVar(s.tone)} 14%, transparent)`, borderBottom: `2px solid ${toneVar(s.tone)}` }} />
                <span>{s.label}</span>
              </span>
            ))}
            {kinds.map(([tone, name]) => (
              <span key={tone} class="chart-key" style={{ color: toneVar(tone) }}>
                <Head tone={tone} />
                <span>{name}</span>
              </span>
            ))}
          </div>
          {table && <TableButton open={open} toggle={() => setOpen(!open)} label={p.label} />}
        </div>
      )}
      {open && <SheetTable sheet={sheetOf(series, p.x, y, window[0], window[1])} label={p.label} />}
    </figure>
  );
}

function visible(s: State): Series[] {
  const some = s.series.filter((_, i) => !s.hidden.has(i));
  return some.length ? some : s.series;
}

function toggled(all: ReadonlySet<string>, label: string): ReadonlySet<string> {
  const next = new Set(all);
  if (!next.delete(label)) next.add(label);
  return next;
}

/** padded leaves air at both ends; a lone point stands in the middle. */
function padded([a, b]: [number, number], kind: Kind): [number, number] {
  if (a === b) {
    const pad = kind === "time" ? 43_200_000 : kind === "relative" ? 1000 : 1;
    return [a - pad, b + pad];
  }
  const pad = (b - a) * 0.015;
  return [a - pad, b + pad];
}

/** reachOf is how far from the crosshair a point may lie and still be meant: 6 px. */
function reachOf(s: State, width: number): number {
  return ((s.window[1] - s.window[0]) / Math.max(1, width)) * 6;
}

function wordAt(s: State, i: number, x: number): string {
  const one = standing([s.series[i]!], x, Infinity)[0];
  return one ? valueWord(one.y, s.y) : "none";
}

function words(s: State, x: number): string {
  const found = standing(s.series, x, reachOf(s, 600)).filter((a) => !s.hidden.has(a.series));
  const shown = found.slice(0, 4).map((a) => {
    const o = s.series[a.series]!;
    const interval = o.lo && o.hi && o.lo[a.index] != null && o.hi[a.index] != null ? `, ${valueWord(o.lo[a.index], s.y)} to ${valueWord(o.hi[a.index], s.y)}` : "";
    return `${found.length > 1 ? `${o.label} ` : ""}${valueWord(a.y, s.y)}${interval}`;
  });
  if (found.length > 4) shown.push(`and ${found.length - 4} more`);
  const near = s.marks.filter((m) => Math.abs(m.x - x) <= reachOf(s, 600)).map((m) => m.label);
  const within = s.spans.filter((o) => o.from <= x && x < o.to).map((o) => o.label);
  return [`${xWord(s.kind, x)}: ${shown.join("; ") || "no value"}`, ...near, ...within].join(". ");
}

function closeMark(plot: Plot | null, marks: Mark[], x: number): Mark | undefined {
  if (!plot) return undefined;
  const px = plot.left(x);
  const near = marks.filter((m) => Math.abs(plot.left(m.x) - px) <= 6);
  near.sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x));
  return near[0];
}

function Sample({ color, dash }: { color: number; dash?: boolean }) {
  const stroke = color < 8 ? `var(--series-${color + 1})` : "var(--line-strong)";
  return (
    <svg width="16" height="8" viewBox="0 0 16 8" aria-hidden="true">
      <path d="M1 4h14" stroke={stroke} stroke-width="2.5" stroke-dasharray={dashOf(color, dash).join(" ") || undefined} />
    </svg>
  );
}

const heads: Partial<Record<NonNullable<Mark["tone"]>, string>> = { bad: "M4 0l4 4-4 4-4-4z", warn: "M1.100 .700h5.800L4 5.800z" };

/** Head of a mark: its shape tells trouble apart, not its colour alone. */
function Head({ tone = "muted" }: { tone?: Mark["tone"] }) {
  return (
    <svg viewBox="0 0 8 8" width="9" height="9" aria-hidden="true">
      <path d={heads[tone] ?? "M0 0h8L4 7z"} fill={tone === "warn" ? "var(--bg)" : "currentColor"} stroke={tone === "warn" ? "currentColor" : undefined} stroke-width="1.400" />
    </svg>
  );
}

interface AboveProps {
  plot: Plot;
  state: State;
  at: { x: number; top: number } | null;
  shared: number | null;
  mine: boolean;
  onMark?: (id: string) => void;
  drawn: number;
}

/** Above is what lies over the canvas: the heads of marks, the points at the crosshair, the readout. */
function Above({ plot, state, at, shared, onMark }: AboveProps) {
  const area = plot.area();
  const width = area.width;
  const inside = (x: number) => x >= state.window[0] && x <= state.window[1];
  const x = at?.x ?? shared;
  const found = x === null || !inside(x) ? none : standing(state.series, x, reachOf(state, width)).filter((a) => !state.hidden.has(a.series));
  const shownMarks = state.marks.filter((m) => inside(m.x));
  let last = -Infinity; // where the last mark that can be pressed stands: fingers need room between two
  return (
    <div class="chart-above" style={{ left: px(area.left), top: px(area.top), width: px(width), height: px(area.height) }}>
      {shownMarks.map((m, i) => {
        const left = plot.left(m.x);
        const style = { left: px(left), color: toneVar(m.tone) };
        const head = <Head tone={m.tone} />;
        const room = left - last >= 24;
        if (room && onMark && m.id) last = left;
        return room && onMark && m.id ? (
          <button key={i} type="button" class="chart-mark" style={style} title={m.label} aria-label={m.label} tabIndex={shownMarks.length > 12 ? -1 : 0} onClick={() => onMark(m.id as string)}>
            {head}
          </button>
        ) : (
          <span key={i} class="chart-mark" style={style} title={m.label}>
            {head}
          </span>
        );
      })}
      {found.slice(0, 24).map((a) => {
        const top = a.y === null || Number.isNaN(a.y) ? -9 : plot.top(a.y);
        if (!(top >= 0 && top <= area.height)) return null;
        const color = colorOf(state.series, a.series);
        return <i key={a.series} class="chart-dot" style={{ left: px(plot.left(a.x)), top: px(top), background: color < 8 ? `var(--series-${color + 1})` : "var(--line-strong)" }} />;
      })}
      {at && inside(at.x) && <Readout state={state} at={at} found={found} left={plot.left(at.x)} area={area} plot={plot} />}
    </div>
  );
}

function Readout({ state, at, found, left, area, plot }: { state: State; at: { x: number; top: number }; found: ReturnType<typeof standing>; left: number; area: { width: number; height: number }; plot: Plot }) {
  // The closest to the pointer first, where there are more than can be shown.
  const sorted = [...found].sort((a, b) => (b.y ?? -Infinity) - (a.y ?? -Infinity));
  let shown = sorted;
  if (sorted.length > readoutMost) {
    const dist = (a: { y: number | null }) => (a.y === null ? Infinity : Math.abs(plot.top(a.y) - at.top));
    const keep = new Set([...sorted].sort((a, b) => dist(a) - dist(b)).slice(0, readoutMost));
    shown = sorted.filter((a) => keep.has(a));
  }
  const right = left > area.width / 2;
  const marks = state.marks.filter((m) => Math.abs(plot.left(m.x) - left) <= 6).slice(0, 4);
  const within = state.spans.filter((s) => s.from <= at.x && at.x < s.to).slice(0, 4);
  return (
    <div class="chart-readout" style={right ? { right: px(area.width - left + 10), top: "4px" } : { left: px(left + 10), top: "4px" }} aria-hidden="true">
      <div class="chart-readout-x">{xWord(state.kind, at.x)}</div>
      {shown.map((a) => {
        const s = state.series[a.series]!;
        return (
          <div key={a.series} class="chart-readout-line">
            <Sample color={colorOf(state.series, a.series)} dash={s.dash} />
            <span>{s.label}</span>
            <b>
              {a.y !== null && Number.isNaN(a.y) ? "NaN" : valueWord(a.y, state.y)}
              {s.lo && s.hi && s.lo[a.index] != null && s.hi[a.index] != null && !Number.isNaN(s.lo[a.index] as number) && (
                <em> [{valueWord(s.lo[a.index], { ...state.y, unit: undefined })}, {valueWord(s.hi[a.index], { ...state.y, unit: undefined })}]</em>
              )}
            </b>
          </div>
        );
      })}
      {sorted.length > shown.length && <div class="detail">and {sorted.length - shown.length} more</div>}
      {[...marks, ...within].map((m, i) => (
        <div key={i} class="chart-readout-note" style={{ color: toneVar(m.tone) }}>
          {m.label}
        </div>
      ))}
    </div>
  );
}

function px(v: number): string {
  return `${v}px`;
}

function toneVar(t: Mark["tone"]): string {
  const names: Record<string, string> = { ok: "ok", run: "info", wait: "muted", warn: "warn", bad: "bad", off: "muted", info: "info", accent: "accent", muted: "muted" };
  return `var(--${names[t ?? "muted"]})`;
}
