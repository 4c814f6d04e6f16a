// What of a large grid is in the document: rows of one height, columns of their
// own widths. Without the page.

/** rowHeight is the height of every row in px; the style sheet has the same. */
export const rowHeight = 30;

/** mostRows bounds the rows in the document, whatever the screen. */
export const mostRows = 72;

const ahead = 8; // rows beyond the edge, so that scrolling shows no gap

/** rowsIn gives the rows [from, to) that a scroll position needs. */
export function rowsIn(top: number, height: number, count: number): [number, number] {
  const first = Math.max(0, Math.floor(top / rowHeight) - ahead);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + ahead);
  return [Math.min(first, Math.max(0, count - 1)), Math.min(last, first + mostRows)];
}

/** Sized is a column with its width. */
export interface Sized {
  id: string;
  width: number;
  pinned?: boolean | undefined;
}

/** Spread is where columns stand: those that are pinned first, then those that scroll. */
export interface Spread<C extends Sized> {
  all: C[]; // in the order of the screen
  left: number[]; // of each of all, from the left edge of the grid
  pinned: number; // how many of all are pinned
  pinnedWidth: number;
  width: number; // of all
}

/** spread places columns. */
export function spread<C extends Sized>(columns: C[]): Spread<C> {
  const all = [...columns.filter((c) => c.pinned), ...columns.filter((c) => !c.pinned)];
  const left: number[] = [];
  let at = 0;
  for (const c of all) {
    left.push(at);
    at += c.width;
  }
  const pinned = columns.filter((c) => c.pinned).length;
  return { all, left, pinned, pinnedWidth: left[pinned] ?? at, width: at };
}

/** columnsIn gives the scrolling columns [from, to) that a scroll position needs. */
export function columnsIn(s: Spread<Sized>, left: number, width: number): [number, number] {
  const from = left + s.pinnedWidth - 120;
  const to = left + width + 120;
  let first = s.pinned;
  while (first < s.all.length && (s.left[first] as number) + (s.all[first] as Sized).width <= from) first++;
  let last = first;
  while (last < s.all.length && (s.left[last] as number) < to) last++;
  return [first, last];
}

/** between is the keys from one row to another, both included. */
export function between(a: number, b: number, key: (i: number) => string | undefined): string[] {
  const out: string[] = [];
  for (let i = Math.min(a, b); i <= Math.max(a, b); i++) {
    const k = key(i);
    if (k !== undefined) out.push(k);
  }
  return out;
}
