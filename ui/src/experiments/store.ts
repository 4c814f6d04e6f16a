// The runs of a table: pages that are asked for as they come into view, each with
// the columns that are looked at. Pages far from the view give their cells back;
// what they begin after is kept, so that they can be asked for again.
import { signal } from "@preact/signals";
import type { RunTable, RunTableColumn } from "../api_gen";
import { apiURL } from "../base";
import { call, type Problem } from "../query";
import { kindOf } from "./column";

/** Search is what decides which runs there are, and in which order. */
export interface Search {
  project: string;
  experiment: string;
  filter: string;
  order: string[]; // clauses
  view: string; // active | deleted | all
}

/** Row is a run as the table has it. */
export interface Row {
  id: string;
  name: string;
  state: string;
  user: string;
  start: number; // ms, 0: none
  end: number;
  deleted: boolean;
}

/** Value of a cell: undefined where the run has none, null for NaN. */
export type Value = number | string | null | undefined;

interface Page {
  after: string;
  from: number; // row
  n: number;
  next: string;
  rows: Row[] | undefined; // undefined: given back
  cells: Map<string, Value[]>;
  asked: Set<string>; // columns on their way
  used: number;
}

const firstPage = 100; // small: it is what the reader waits for
const laterPage = 200;
const farPage = 1000; // on the way to a place far below
const keptPages = 24;

/** Runs is the table of one search. */
export class Runs {
  /** version changes whenever something that is shown has changed. */
  readonly version = signal(0);
  readonly problem = signal<Problem | undefined>(undefined);
  /** busy says that the first page is on its way. */
  readonly busy = signal(true);
  /** shift is by how many rows what was shown has moved down at the last refresh. */
  readonly shift = signal<{ by: number } | undefined>(undefined);
  total = 0; // runs of the view
  matching = -1; // runs that match; -1: not known yet
  atLeast = false; // matching is that many or more
  private pages: Page[] = [];
  private end = false; // the last page is known
  private from = 0;
  private to = 0;
  private columns: string[] = [];
  private chain: Promise<void> | undefined;
  private clock = 0;
  private closed = false;

  constructor(readonly search: Search) {}

  /** close stops the table: answers on their way change nothing any more. */
  close(): void {
    this.closed = true;
  }

  /** loaded is how many rows are known. */
  get loaded(): number {
    const last = this.pages[this.pages.length - 1];
    return last ? last.from + last.n : 0;
  }

  /** rows is how many rows there are, as far as is known. */
  get rows(): number {
    if (this.end) return this.loaded;
    return this.matching >= 0 ? Math.max(this.matching, this.loaded) : this.loaded + (this.pages.length ? 40 : 0);
  }

  /** wanted is the columns that are looked at. */
  get wanted(): string[] {
    return this.columns;
  }

  private page(row: number): Page | undefined {
    let low = 0;
    let high = this.pages.length - 1;
    while (low <= high) {
      const mid = (low + high) >> 1;
      const p = this.pages[mid] as Page;
      if (row < p.from) high = mid - 1;
      else if (row >= p.from + p.n) low = mid + 1;
      else return p;
    }
    return undefined;
  }

  /** row is a run; undefined while it is not known. */
  row(i: number): Row | undefined {
    const p = this.page(i);
    return p?.rows?.[i - p.from];
  }

  /** value is a cell; undefined while it is not known as well. */
  value(i: number, column: string): Value {
    const p = this.page(i);
    return p?.cells.get(column)?.[i - p.from];
  }

  /** find gives the row of a run among those that are known; -1 for none. */
  find(id: string): number {
    for (const p of this.pages) {
      const at = p.rows?.findIndex((r) => r.id === id) ?? -1;
      if (at >= 0) return p.from + at;
    }
    return -1;
  }

  /** look says which rows and columns are looked at, and asks for what of them is not known. */
  look(from: number, to: number, columns: string[]): void {
    this.from = from;
    this.to = to;
    this.columns = columns.filter((c) => kindOf(c) !== "attribute" && c.includes("."));
    this.fill();
  }

  private fill(): void {
    if (this.closed) return;
    for (const p of this.pages) {
      if (p.from >= this.to || p.from + p.n <= this.from) continue;
      p.used = ++this.clock;
      const missing = this.columns.filter((c) => !p.cells.has(c) && !p.asked.has(c));
      if (missing.length > 0 || p.rows === undefined) void this.again(p, missing);
    }
    // One page beyond the view is fetched ahead.
    if (!this.end && this.loaded < this.to + laterPage / 2) this.chain ??= this.more().finally(() => (this.chain = undefined));
  }

  /** more asks for pages in turn until the view is filled. */
  private async more(): Promise<void> {
    while (!this.closed && !this.end && this.loaded < this.to + laterPage / 2) {
      const last = this.pages[this.pages.length - 1];
      const far = this.from - this.loaded > laterPage;
      const columns = far ? [] : this.columns;
      let t: RunTable;
      try {
        t = await this.ask(last?.next ?? "", last ? (far ? farPage : laterPage) : firstPage, columns);
      } catch (e) {
        if (!this.closed) {
          this.problem.value = e as Problem;
          this.busy.value = false;
        }
        return;
      }
      if (this.closed || this.pages[this.pages.length - 1] !== last) return;
      this.problem.value = undefined;
      this.busy.value = false;
      if (!last) this.counted(t);
      if (t.ids.length > 0) this.pages.push(newPage(t, last?.next ?? "", last ? last.from + last.n : 0, ++this.clock));
      this.end = !t.next || t.ids.length === 0;
      if (this.end) this.matching = this.loaded;
      this.evict();
      this.version.value++;
      if (!last && this.matching < 0) void this.count();
      this.fill();
    }
  }

  private counted(t: RunTable): void {
    this.total = t.total;
    this.matching = t.matching;
    this.atLeast = t.matching === t.countedTo;
  }

  /** count asks how many runs match, after the first of them are shown. */
  private async count(): Promise<void> {
    try {
      const t = await this.ask("", 1, [], true);
      if (this.closed || this.end) return;
      this.counted(t);
      this.version.value++;
    } catch {
      // The number is not shown then; the runs are.
    }
  }

  /** again asks for columns of a page that is known, or for a page that gave its rows back. */
  private async again(p: Page, columns: string[]): Promise<void> {
    const asked = p.rows === undefined ? [...new Set([...columns, ...this.columns])] : columns;
    for (const c of asked) p.asked.add(c);
    const had = p.rows;
    p.rows ??= [];
    try {
      const t = await this.ask(p.after, Math.min(1000, Math.max(1, p.n)), asked);
      if (this.closed || !this.pages.includes(p)) return;
      this.put(p, t, asked);
      this.problem.value = undefined;
    } catch (e) {
      if (this.closed) return;
      p.rows = had;
      this.problem.value = e as Problem;
    } finally {
      for (const c of asked) p.asked.delete(c);
    }
    this.evict();
    this.version.value++;
    this.fill();
  }

  /** put replaces what a page holds; cells of other columns stay where the runs are the same. */
  private put(p: Page, t: RunTable, columns: string[]): void {
    const same = p.rows !== undefined && t.ids.length === p.rows.length && t.ids.every((id, i) => p.rows?.[i]?.id === id);
    if (!same) p.cells.clear();
    p.rows = rowsOf(t);
    for (const c of t.columns) p.cells.set(c.id, valuesOf(c, t.ids.length));
    for (const c of columns) if (!p.cells.has(c)) p.cells.set(c, []);
    if (t.ids.length !== p.n && t.ids.length > 0) {
      // The answer was cut short by its size, or runs went away: what follows is asked for anew.
      const at = this.pages.indexOf(p);
      p.n = t.ids.length;
      p.next = t.next ?? "";
      this.pages.length = at + 1;
      this.end = !p.next;
    }
  }

  /** refresh asks anew for what is looked at. What moved down keeps its place on the screen. */
  async refresh(): Promise<void> {
    if (this.closed || this.chain) return;
    const seen = this.pages.filter((p) => p.from < this.to && p.from + p.n > this.from);
    const first = this.row(this.from);
    for (const p of seen) {
      let t: RunTable;
      const columns = [...new Set([...this.columns, ...p.cells.keys()])].slice(0, 200);
      try {
        t = await this.ask(p.after, p.from === 0 ? Math.max(firstPage, p.n) : p.n, columns, p.from === 0 && this.search.filter !== "");
      } catch (e) {
        if (!this.closed) this.problem.value = e as Problem;
        return;
      }
      if (this.closed || !this.pages.includes(p)) return;
      const moved = t.ids.length !== p.n || t.ids[t.ids.length - 1] !== p.rows?.[p.n - 1]?.id;
      if (p.from === 0) this.counted(t);
      p.cells.clear();
      p.rows = rowsOf(t);
      for (const c of t.columns) p.cells.set(c.id, valuesOf(c, t.ids.length));
      if (moved) {
        p.n = t.ids.length;
        p.next = t.next ?? "";
        this.pages.length = this.pages.indexOf(p) + 1;
        this.end = !p.next;
        if (p.n === 0) this.pages.length--;
        break;
      }
    }
    if (seen.length === 0 && this.pages.length === 0) {
      this.end = false;
      this.chain ??= this.more().finally(() => (this.chain = undefined));
      return;
    }
    this.problem.value = undefined;
    const at = first ? this.find(first.id) : -1;
    if (at > this.from) this.shift.value = { by: at - this.from };
    this.version.value++;
    this.fill();
  }

  private evict(): void {
    const held = this.pages.filter((p) => p.rows !== undefined && p.asked.size === 0);
    if (held.length <= keptPages) return;
    held.sort((a, b) => a.used - b.used);
    for (const p of held.slice(0, held.length - keptPages)) {
      if (p.from < this.to && p.from + p.n > this.from) continue;
      p.rows = undefined;
      p.cells.clear();
    }
  }

  private ask(after: string, limit: number, columns: string[], count = false): Promise<RunTable> {
    const s = this.search;
    return readTable(s, { after, limit, columns, count });
  }
}

/** readTable asks for a page of runs. */
export function readTable(s: Search, o: { after?: string; limit: number; columns: string[]; count?: boolean }): Promise<RunTable> {
  return call<RunTable>("POST", apiURL(s.project, `experiments/${encodeURIComponent(s.experiment)}/table`), {
    ...(s.filter ? { filter: s.filter } : {}),
    ...(s.order.length ? { order: s.order } : {}),
    ...(s.view !== "active" ? { view: s.view } : {}),
    ...(o.after ? { after: o.after } : {}),
    ...(o.columns.length ? { columns: o.columns } : {}),
    limit: o.limit,
    ...(o.count ? { count: true } : {}),
  });
}

function newPage(t: RunTable, after: string, from: number, used: number): Page {
  const cells = new Map<string, Value[]>();
  for (const c of t.columns) cells.set(c.id, valuesOf(c, t.ids.length));
  return { after, from, n: t.ids.length, next: t.next ?? "", rows: rowsOf(t), cells, asked: new Set(), used };
}

/** rowsOf reads the runs of an answer. */
export function rowsOf(t: RunTable): Row[] {
  return t.ids.map((id, i) => ({
    id,
    name: t.names[i] ?? "",
    state: t.states[i] ?? "",
    user: t.users[i] ?? "",
    start: t.starts[i] ?? 0,
    end: t.ends[i] ?? 0,
    deleted: t.deleted[i] ?? false,
  }));
}

/** valuesOf reads the cells of a column. */
export function valuesOf(c: RunTableColumn, n: number): Value[] {
  if (c.codes) return c.codes.map((code) => (code < 0 ? undefined : c.texts?.[code]));
  if (!c.numbers) return new Array<Value>(n).fill(undefined);
  const out: Value[] = c.numbers.map((v) => v ?? undefined);
  for (const i of c.nan ?? []) out[i] = null;
  return out;
}
