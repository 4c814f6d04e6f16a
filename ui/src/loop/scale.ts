// Where a moment stands in the timeline, and what its cells say. Nothing here
// touches the page.

/** Domain is the span that is shown, in seconds since 1970. */
export type Domain = [from: number, to: number];

/** px is where a moment stands in a plot of a width. */
export function px(d: Domain, width: number, at: number): number {
  return ((at - d[0]) / (d[1] - d[0] || 1)) * width;
}

/** at is the moment at a place of the plot. */
export function at(d: Domain, width: number, x: number): number {
  return d[0] + (x / Math.max(1, width)) * (d[1] - d[0]);
}

/** windowAt is the index of the window that holds a moment, or of the nearest. */
export function windowAt(start: number[], end: number[], moment: number): number {
  let lo = 0;
  let hi = start.length - 1;
  if (hi < 0) return -1;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if ((start[mid] as number) <= moment) lo = mid;
    else hi = mid - 1;
  }
  const gap = moment - (end[lo] as number);
  const next = start[lo + 1];
  return gap > 0 && next !== undefined && next - moment < gap ? lo + 1 : lo;
}

/** Cells are the drift of one column: a byte for each point. */
export function decodeCells(text: string): Uint8Array {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

export const cellState = (cell: number): number => cell >> 6;
export const cellRatio = (cell: number): number => (cell & 63) / 16;
export const cellWords = ["unknown", "within its limit", "beyond its limit once", "confirmed drift"];

/** Placed is a mark with its place; near ones share it. */
export interface Placed<T> {
  x: number;
  marks: T[];
}

/** cluster puts marks that would touch together; they come in order of time. */
export function cluster<T>(marks: T[], place: (m: T) => number, room: number): Placed<T>[] {
  const out: Placed<T>[] = [];
  for (const m of marks) {
    const x = place(m);
    const last = out.at(-1);
    if (last && x - last.x < room) last.marks.push(m);
    else out.push({ x, marks: [m] });
  }
  return out;
}

/** yTicks places three or four round values between two. */
export function yTicks(min: number, max: number, most: number): number[] {
  const rough = (max - min) / Math.max(1, most);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const out: number[] = [];
  for (let v = Math.ceil(min / step) * step; v <= max + step * 1e-9; v += step) out.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return out;
}

/** range is the span of values with a little room; lines far outside of a band do not flatten it. */
export function range(...lists: (ArrayLike<number | null> | undefined)[]): Domain {
  let min = Infinity;
  let max = -Infinity;
  for (const list of lists) {
    if (!list) continue;
    for (let i = 0; i < list.length; i++) {
      const v = list[i];
      if (v === null || v === undefined || !Number.isFinite(v)) continue;
      if (v < min) min = v;
      if (v > max) max = v;
    }
  }
  if (min > max) return [0, 1];
  const pad = Math.max((max - min) * 0.08, Math.abs(max) * 1e-3, 1e-6);
  return [min - pad, max + pad];
}
