// Lines of metrics as the server answers them: docs/format/series.md. They come in
// binary, and are kept for as long as somebody may come back to them.
import { useEffect, useState } from "preact/hooks";
import { apiURL } from "../base";
import { bytes, type Problem } from "../query";
import type { Kind } from "./draw";

/** RunLine is one metric of one run. */
export interface RunLine {
  run: string;
  key: string;
  start: string;
  count: number;
  exact: boolean;
  points: number;
  x: Float64Array;
  y: Float64Array;
}

/** Ask is which lines are wanted. */
export interface Ask {
  runs: string[];
  keys: string[];
  x?: Kind;
  from?: number | null;
  to?: number | null;
  points?: number;
}

/** linesAddress is the address of lines in a project. */
export function linesAddress(project: string, a: Ask): string {
  const p = new URLSearchParams();
  if (a.runs.length !== 1) p.set("runs", a.runs.join(","));
  for (const k of a.keys) p.append("key", k);
  if (a.x && a.x !== "step") p.set("x", a.x);
  if (a.from != null) p.set("from", String(a.from));
  if (a.to != null) p.set("to", String(a.to));
  if (a.points) p.set("points", String(a.points));
  return apiURL(project, `${a.runs.length === 1 ? `runs/${encodeURIComponent(a.runs[0] as string)}/series` : "series"}?${p}`);
}

/** parseLines reads the binary form. */
export function parseLines(raw: ArrayBuffer): RunLine[] {
  const n = new DataView(raw).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4, n))) as { lines: Omit<RunLine, "x" | "y">[] };
  let at = 4 + n;
  return head.lines.map((l) => {
    const x = new Float64Array(raw, at, l.points);
    const y = new Float64Array(raw, at + 8 * l.points, l.points);
    at += 16 * l.points;
    return { ...l, x, y };
  });
}

const cache = new Map<string, Promise<RunLine[]>>();
const kept = 200;

/** readLines asks for lines; an answer is asked for once, unless fresh. */
export function readLines(address: string, fresh = false): Promise<RunLine[]> {
  const known = fresh ? undefined : cache.get(address);
  if (known) return known;
  const asked = bytes(address).then(parseLines);
  cache.delete(address);
  cache.set(address, asked);
  asked.catch(() => cache.delete(address)); // it is asked for again the next time
  for (const old of cache.keys()) {
    if (cache.size <= kept) break;
    cache.delete(old);
  }
  return asked;
}

/** Asked is what is known of lines: the last answer stays while a newer one is on its way. */
export interface Asked {
  lines: RunLine[] | undefined;
  problem: Problem | undefined;
  /** of is the address that lines are the answer of. */
  of: string | null;
}

/** useLines asks for lines while they are shown; a new version asks anew. Null asks for nothing. */
export function useLines(address: string | null, version: unknown = 0): Asked {
  const [state, setState] = useState<Asked>({ lines: undefined, problem: undefined, of: null });
  useEffect(() => {
    if (address === null) {
      setState({ lines: undefined, problem: undefined, of: null });
      return;
    }
    let gone = false;
    readLines(address, version !== 0 && version !== undefined).then(
      (lines) => !gone && setState({ lines, problem: undefined, of: address }),
      (problem: Problem) => !gone && setState((s) => ({ ...s, problem })),
    );
    return () => {
      gone = true;
    };
  }, [address, version]);
  return state;
}

/**
 * smooth is the exponential moving average of values, freed of its bias to zero:
 * s₀ = 0, sₜ = w·sₜ₋₁ + (1 − w)·yₜ, shown sₜ / (1 − wᵗ). Gaps stay gaps.
 */
export function smooth(y: ArrayLike<number>, w: number): Float64Array {
  const out = new Float64Array(y.length);
  let s = 0;
  let bias = 1;
  for (let i = 0; i < y.length; i++) {
    const v = y[i] as number;
    if (!Number.isFinite(v) || Math.abs(v) > 1.79e308) {
      out[i] = v;
      continue;
    }
    s = w * s + (1 - w) * v;
    bias *= w;
    out[i] = s / (1 - bias);
  }
  return out;
}

/** joined puts the exact points of a part in place of the coarse ones. */
export function joined(coarse: RunLine, part: RunLine | undefined, from: number, to: number): { x: ArrayLike<number>; y: ArrayLike<number> } {
  if (!part) return coarse;
  const x: number[] = [];
  const y: number[] = [];
  let i = 0;
  for (; i < coarse.points && (coarse.x[i] as number) < from; i++) {
    x.push(coarse.x[i] as number);
    y.push(coarse.y[i] as number);
  }
  for (let k = 0; k < part.points; k++) {
    x.push(part.x[k] as number);
    y.push(part.y[k] as number);
  }
  for (; i < coarse.points; i++) {
    if ((coarse.x[i] as number) <= to) continue;
    x.push(coarse.x[i] as number);
    y.push(coarse.y[i] as number);
  }
  return { x, y };
}
