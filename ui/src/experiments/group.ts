// Groups of runs, and the mean of their lines with the band of one standard
// deviation. Without the page.

/** Curve is a line of one run. */
export interface Curve {
  run: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>; // NaN: a gap
}

/** Mean is the mean of the lines of a group. */
export interface Mean {
  group: string;
  runs: number;
  x: number[];
  y: number[];
  lo: number[];
  hi: number[];
}

const places = 160; // of the common axis

/** at reads a line between its points; NaN outside of it and in its gaps. */
export function at(c: Curve, x: number): number {
  const n = c.x.length;
  if (n === 0 || x < (c.x[0] as number) || x > (c.x[n - 1] as number)) return NaN;
  let low = 0;
  let high = n - 1;
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((c.x[mid] as number) < x) low = mid + 1;
    else high = mid;
  }
  const x1 = c.x[low] as number;
  const y1 = c.y[low] as number;
  if (x1 === x || low === 0) return y1;
  const x0 = c.x[low - 1] as number;
  const y0 = c.y[low - 1] as number;
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/** meanOf is the mean of lines: at the points of all where they are few, else at places of equal distance. */
export function meanOf(group: string, curves: Curve[]): Mean {
  const xs = new Set<number>();
  for (const c of curves) for (let i = 0; i < c.x.length && xs.size <= 4 * places; i++) xs.add(c.x[i] as number);
  let x = [...xs].sort((a, b) => a - b);
  if (xs.size > 2 * places) {
    const min = Math.min(...curves.filter((c) => c.x.length).map((c) => c.x[0] as number));
    const max = Math.max(...curves.filter((c) => c.x.length).map((c) => c.x[c.x.length - 1] as number));
    x = Array.from({ length: places }, (_, i) => min + ((max - min) * i) / (places - 1));
  }
  const out: Mean = { group, runs: curves.length, x, y: [], lo: [], hi: [] };
  for (const place of x) {
    const values = curves.map((c) => at(c, place)).filter((v) => Number.isFinite(v));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const sd = values.length < 2 ? 0 : Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
    out.y.push(values.length ? mean : NaN);
    out.lo.push(values.length ? mean - sd : NaN);
    out.hi.push(values.length ? mean + sd : NaN);
  }
  return out;
}

/** grouped splits by a key, the largest groups first. */
export function grouped<T>(all: T[], key: (t: T) => string): [string, T[]][] {
  const by = new Map<string, T[]>();
  for (const t of all) {
    const k = key(t);
    const old = by.get(k);
    if (old) old.push(t);
    else by.set(k, [t]);
  }
  return [...by].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
}
