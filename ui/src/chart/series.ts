// What a line chart is given, and what it reads out of it: extents, what stands
// at a place, the same as a table. Without the page and without a canvas.
import { lowerBound, nearest, real, short, xWord, type ChartTone, type Kind } from "./draw";
import type { Sheet } from "./frame";

/** Series is one line. x ascends and may repeat; NaN and null in y are gaps. */
export interface Series {
  label: string;
  x: ArrayLike<number>;
  y: ArrayLike<number | null>;
  lo?: ArrayLike<number | null>;
  hi?: ArrayLike<number | null>;
  color?: number; // palette index; by the order of the lines without it
  dash?: boolean;
  faint?: boolean; // in the background: no entry in legend, readout and table
  steps?: boolean;
  points?: boolean;
}

/** Limit is a value that lines are held against, or a curve of such values. */
export interface Limit {
  value?: number;
  x?: ArrayLike<number>;
  y?: ArrayLike<number | null>;
  label: string;
  tone?: ChartTone;
}

/** Mark is a moment on the x axis. */
export interface Mark {
  x: number;
  label: string;
  tone?: ChartTone;
  id?: string;
}

/** Span is a stretch of the x axis. */
export interface Span {
  from: number;
  to: number;
  label: string;
  tone?: ChartTone;
}

/** YAxis is how values are shown. */
export interface YAxis {
  log?: boolean;
  format?: (v: number) => string;
  unit?: string;
  min?: number;
  max?: number;
}

/** extent is from the first to the last x of all lines; undefined without points. */
export function extent(series: Series[]): [number, number] | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const s of series) {
    const n = s.x.length;
    if (!n) continue;
    min = Math.min(min, s.x[0] as number);
    max = Math.max(max, s.x[n - 1] as number);
  }
  return min <= max ? [min, max] : undefined;
}

/** yRange is what the values between two x need, with air; limits count when they are near. */
export function yRange(series: Series[], limits: Limit[], y: YAxis, from: number, to: number): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  const take = (v: number | null | undefined) => {
    if (!real(v) || (y.log && v <= 0)) return;
    if (v < min) min = v;
    if (v > max) max = v;
  };
  for (const s of series) {
    const first = Math.max(0, lowerBound(s.x, from) - 1);
    for (let i = first; i < s.x.length; i++) {
      take(s.y[i]);
      if (!s.faint || s.lo) {
        take(s.lo?.[i]);
        take(s.hi?.[i]);
      }
      if ((s.x[i] as number) > to) break;
    }
  }
  const span = max - min;
  for (const l of limits) {
    const near = (v: number | null | undefined) => {
      if (real(v) && (min > max || y.log || (v > min - 2 * Math.max(span, Math.abs(max) * 0.02) && v < max + 2 * Math.max(span, Math.abs(max) * 0.02)))) take(v);
    };
    if (l.value !== undefined) near(l.value);
    for (let i = 0; l.x && l.y && i < l.x.length; i++) if ((l.x[i] as number) >= from && (l.x[i] as number) <= to) near(l.y[i]);
  }
  if (min > max) return y.log ? [0.1, 1] : [y.min ?? 0, y.max ?? 1];
  if (y.log) {
    if (min === max) return [min / 2, max * 2];
    const pad = (max / min) ** 0.05;
    return [y.min !== undefined && y.min > 0 ? y.min : min / pad, y.max ?? max * pad];
  }
  const pad = Math.max((max - min) * 0.08, Math.abs(max) * 1e-4, 1e-12);
  return [y.min ?? (min >= 0 && min - pad < 0 ? 0 : min - pad), y.max ?? max + pad];
}

/** colorOf is the palette index of a line. */
export function colorOf(series: Series[], i: number): number {
  const own = series[i]?.color;
  if (own !== undefined) return own;
  let n = 0;
  for (let k = 0; k < i; k++) if (!series[k]?.faint && series[k]?.color === undefined) n++;
  return n;
}

/** At is what stands at a place of a line. */
export interface At {
  series: number;
  index: number;
  x: number;
  y: number | null;
}

/** nearestX is the x of a point, of any line, that is closest to v. */
export function nearestX(series: Series[], v: number): number | null {
  let best: number | null = null;
  for (const s of series) {
    if (s.faint && series.some((o) => !o.faint)) continue;
    const i = nearest(s.x, v);
    if (i >= 0 && (best === null || Math.abs((s.x[i] as number) - v) < Math.abs(best - v))) best = s.x[i] as number;
  }
  return best;
}

/** neighbourX is the next x of a point after v, or before it, `by` points on. */
export function neighbourX(series: Series[], v: number, by: number): number | null {
  let at = v;
  for (let k = 0; k < Math.abs(by); k++) {
    let best: number | null = null;
    for (const s of series) {
      let i = lowerBound(s.x, at);
      if (by > 0) while (i < s.x.length && (s.x[i] as number) <= at) i++;
      else i--;
      const x = s.x[i];
      if (x !== undefined && (best === null || (by > 0 ? x < best : x > best))) best = x;
    }
    if (best === null) return k === 0 ? null : at;
    at = best;
  }
  return at;
}

/** standing is what the lines have at x: the closest point of each, when it is within reach. */
export function standing(series: Series[], x: number, reach: number): At[] {
  const out: At[] = [];
  series.forEach((s, i) => {
    if (s.faint) return;
    const k = nearest(s.x, x);
    if (k < 0 || Math.abs((s.x[k] as number) - x) > reach) return;
    out.push({ series: i, index: k, x: s.x[k] as number, y: s.y[k] ?? null });
  });
  return out;
}

/** valueWord writes a value with its unit. */
export function valueWord(v: number | null | undefined, y: YAxis): string {
  if (v == null || Number.isNaN(v)) return "none";
  if (!real(v)) return v > 0 ? "∞" : "−∞";
  const w = y.format ? y.format(v) : fine(v);
  return y.unit ? `${w} ${y.unit}` : w;
}

function fine(v: number): string {
  const a = Math.abs(v);
  if (a !== 0 && (a < 1e-4 || a >= 1e9)) return v.toPrecision(4).replace(/^-/, "−").replace(/\.?0+e/, "e").replace("e+", "e");
  return new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 }).format(v).replace(/^-/, "−");
}

const rowsMost = 500;
const linesMost = 24;

/** sheetOf is the chart as a table: the points between two x, evenly chosen when there are many. */
export function sheetOf(series: Series[], kind: Kind, y: YAxis, from: number, to: number): Sheet {
  const shown = series.filter((s) => !s.faint).slice(0, linesMost);
  const windows = shown.map((s) => [lowerBound(s.x, from), lowerBound(s.x, to)] as [number, number]);
  shown.forEach((s, i) => {
    const w = windows[i]!;
    while (w[1] < s.x.length && (s.x[w[1]] as number) <= to) w[1]++;
  });
  const same = shown.every((s, i) => s.x === shown[0]!.x || (windows[i]![1] - windows[i]![0] === windows[0]![1] - windows[0]![0] && equal(s.x, shown[0]!.x)));
  const rows: string[][] = [];
  const cells = (s: Series, i: number) => {
    const v = valueWord(s.y[i], y);
    return s.lo && s.hi && real(s.lo[i]) && real(s.hi[i]) ? `${v} (${valueWord(s.lo[i], { ...y, unit: undefined })} to ${valueWord(s.hi[i], { ...y, unit: undefined })})` : v;
  };
  let total = 0;
  if (same && shown.length) {
    const [a, b] = windows[0]!;
    total = b - a;
    const stride = Math.max(1, Math.ceil(total / rowsMost));
    for (let i = a; i < b; i += stride) rows.push([xWord(kind, shown[0]!.x[i] as number), ...shown.map((s) => cells(s, i))]);
  } else {
    // Lines of their own x: row by row in the order of x.
    const at = windows.map((w) => w[0]);
    const all: [number, (number | null)[]][] = [];
    for (;;) {
      let min = Infinity;
      shown.forEach((s, i) => at[i]! < windows[i]![1] && (min = Math.min(min, s.x[at[i]!] as number)));
      if (min === Infinity || all.length > 200_000) break;
      all.push([min, shown.map((s, i) => (at[i]! < windows[i]![1] && (s.x[at[i]!] as number) === min ? at[i]!++ : null))]);
    }
    total = all.length;
    const stride = Math.max(1, Math.ceil(total / rowsMost));
    for (let i = 0; i < total; i += stride) rows.push([xWord(kind, all[i]![0]), ...shown.map((s, k) => (all[i]![1][k] === null ? "" : cells(s, all[i]![1][k] as number)))]);
  }
  const hidden = series.filter((s) => !s.faint).length - shown.length;
  const notes = [];
  if (total > rows.length) notes.push(`${rows.length} of ${total} rows, evenly chosen: zoom in for the others.`);
  if (hidden > 0) notes.push(`${hidden} more lines are not in the table.`);
  return { head: [kind === "time" ? "time (UTC)" : kind === "step" ? "step" : "since the start", ...shown.map((s) => s.label)], rows, note: notes.join(" ") || undefined };
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** axisFormat writes the values of the y axis. Small ones get as many decimals as the finest of them needs. */
export function axisFormat(y: YAxis, splits: readonly (number | null)[] = []): (v: number) => string {
  if (y.format) return y.format;
  const known = splits.filter((v): v is number => v !== null);
  if (y.log || known.some((v) => Math.abs(v) >= 1000)) return short;
  const decimals = Math.max(0, ...known.map((v) => /\.(\d+)$/.exec(short(v))?.[1]?.length ?? 0));
  if (decimals === 0 || decimals > 6) return short;
  return (v) => (v === 0 ? "0" : v.toFixed(decimals).replace(/^-/, "−"));
}
