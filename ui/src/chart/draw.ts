// What all charts share: the colours of the theme, ticks of the three kinds of x
// axis, and words for a value on an axis. Nothing here touches the page, so the
// tests run it without a browser.
import tokens from "../../tokens.json";

/** Tone is what a limit, a mark or a span means. */
export type ChartTone = "ok" | "run" | "wait" | "warn" | "bad" | "off" | "info" | "accent" | "muted";

/** Kind is what x counts: moments in ms since 1970, steps, or ms since a start. */
export type Kind = "time" | "step" | "relative";

/** Ink is the set of colours of one theme. */
export interface Ink {
  bg: string;
  text: string;
  muted: string;
  line: string;
  strong: string;
  accent: string;
  tone(t: ChartTone | undefined): string;
  /** series is the colour of an index; beyond the palette it is grey. */
  series(i: number): string;
  /** ramp maps 0…1 to a one-hue ramp, and diverge −1…1 to blue, neutral, orange. */
  ramp(v: number): string;
  diverge(v: number): string;
}

const toneToken: Record<ChartTone, keyof typeof tokens.color> = {
  ok: "ok", run: "info", wait: "muted", warn: "warn", bad: "bad", off: "muted", info: "info", accent: "accent", muted: "muted",
};

/** ink gives the colours of the light or the dark theme. */
export function ink(dark: boolean): Ink {
  const i = dark ? 1 : 0;
  const c = (name: keyof typeof tokens.color) => tokens.color[name][i] as string;
  return {
    bg: c("bg"), text: c("text"), muted: c("muted"), line: c("line"), strong: c("line-strong"), accent: c("accent"),
    tone: (t) => c(toneToken[t ?? "muted"]),
    series: (n) => tokens.series[n]?.[i] ?? c("line-strong"),
    // By lightness in OKLCH, as the notes on the ramps say.
    ramp: (v) => {
      const at = Math.min(1, Math.max(0, v));
      const l = dark ? 0.22 + 0.63 * at : 0.97 - 0.62 * at;
      return `oklch(${l.toFixed(3)} ${(0.008 + 0.14 * Math.sin(Math.PI * (0.02 + 0.8 * at))).toFixed(3)} 258)`;
    },
    diverge: (v) => {
      const at = Math.min(1, Math.abs(v));
      const l = dark ? 0.24 + 0.5 * at : 0.97 - 0.42 * at;
      return `oklch(${l.toFixed(3)} ${(0.16 * at).toFixed(3)} ${v < 0 ? 258 : 52})`;
    },
  };
}

/** dashes of a series: those of the second half of the palette are told apart by them, too. */
export function dashOf(color: number, dash: boolean | undefined): number[] {
  return dash || (color >= 5 && color < 8) ? [5, 3] : [];
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const spans = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute,
  10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day,
];
const months = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Ticks are places on an axis with their words; a second line gives what they share. */
export interface Ticks {
  at: number[];
  text: string[];
}

/** ticks places at most `most` ticks between two values of an x axis. */
export function ticks(kind: Kind, min: number, max: number, most: number): Ticks {
  if (!(max > min) || !Number.isFinite(max - min)) return { at: [min], text: [kind === "time" ? moments([min], day)[0]! : tickText(kind, min, 1)] };
  const n = Math.max(1, most);
  if (kind === "step") {
    const step = niceStep(Math.max(1, (max - min) / n), true);
    const at = multiples(min, max, step);
    return { at, text: at.map((v) => tickText(kind, v, step)) };
  }
  const rough = (max - min) / n;
  const span = spans.find((s) => s >= rough);
  if (kind === "relative") {
    const step = span ?? niceStep(rough / day, true) * day;
    const at = multiples(min, max, step);
    return { at, text: at.map((v) => tickText(kind, v, step)) };
  }
  if (span) {
    // Weeks begin on a Monday: the epoch was a Thursday.
    const shift = span === 7 * day || span === 14 * day ? 4 * day : 0;
    const at = multiples(min - shift, max - shift, span).map((v) => v + shift);
    return { at, text: moments(at, span) };
  }
  const per = months.find((m) => m * 30.4 * day >= rough) ?? 1200;
  const first = new Date(min);
  let m = first.getUTCFullYear() * 12 + first.getUTCMonth();
  m = Math.ceil(m / per) * per;
  const at: number[] = [];
  for (; at.length < 200; m += per) {
    const t = Date.UTC(Math.floor(m / 12), ((m % 12) + 12) % 12, 1);
    if (t > max) break;
    if (t >= min) at.push(t);
  }
  return { at, text: moments(at, per * 30 * day) };
}

/** moments writes times at a spacing: the part that changes first, and below it what changed last. */
function moments(at: number[], span: number): string[] {
  let before = "";
  return at.map((t) => {
    const d = new Date(t);
    const year = String(d.getUTCFullYear());
    const date = `${d.getUTCDate()} ${monthNames[d.getUTCMonth()]}`;
    const two = (n: number) => String(n).padStart(2, "0");
    let top: string;
    let below: string;
    if (span >= 330 * day) [top, below] = [year, ""];
    else if (span >= 28 * day) [top, below] = [monthNames[d.getUTCMonth()]!, year];
    else if (span >= day) [top, below] = [date, year];
    else {
      top = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
      if (span < minute) top += `:${two(d.getUTCSeconds())}`;
      if (span < second) top = `${two(d.getUTCSeconds())}.${String(d.getUTCMilliseconds()).padStart(3, "0")}`;
      below = `${date} ${year}`;
    }
    const show = below !== before ? `${top}\n${below}` : top;
    before = below;
    return show;
  });
}

function tickText(kind: Kind, v: number, step: number): string {
  if (kind === "relative") {
    if (v === 0) return "0";
    if (step >= day) return `${round(v / day)} d`;
    if (step >= hour) return `${round(v / hour)} h`;
    if (step >= minute) return v % hour === 0 && v >= hour ? `${v / hour} h` : `${round(v / minute)} m`;
    if (step >= second) return v % minute === 0 && v >= minute ? `${v / minute} m` : `${round(v / second)} s`;
    return `${round(v)} ms`;
  }
  return short(v);
}

function round(v: number): string {
  return minus(String(Math.round(v * 100) / 100));
}

/** niceStep is the next of 1, 2, 5, 10, … at or above a step. */
export function niceStep(rough: number, whole = false): number {
  const base = 10 ** Math.floor(Math.log10(rough));
  const f = rough / base;
  const nice = f <= 1.0000001 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10;
  return whole ? Math.max(1, Math.round(nice * base)) : nice * base;
}

/** multiples are those of a step within a range, at most some hundred. */
export function multiples(min: number, max: number, step: number): number[] {
  const out: number[] = [];
  const first = Math.ceil(min / step - 1e-9);
  for (let i = first; i * step <= max + step * 1e-9 && out.length < 400; i++) out.push(i * step + 0); // + 0: no minus zero
  return out;
}

function minus(s: string): string {
  return s.replace(/^-/, "−");
}

/** short writes a number for an axis: 1,500 · 12k · 2.5M · 0.0012 · 3e-7. */
export function short(v: number): string {
  if (!Number.isFinite(v)) return v > 0 ? "∞" : v < 0 ? "−∞" : "NaN";
  const a = Math.abs(v);
  if (a === 0) return "0";
  if (a >= 1e15 || a < 1e-4) return minus(v.toExponential(Math.abs(v) >= 1e15 ? 1 : 1).replace(/\.0e/, "e").replace("e+", "e"));
  for (const [size, mark] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (a >= size) {
      const unit = mark === "k" ? 1e3 : size;
      return minus(trim(v / unit)) + mark;
    }
  }
  if (a >= 1000) return minus(new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 }).format(v));
  return minus(trim(v));
}

function trim(v: number): string {
  return String(Number(v.toPrecision(4)));
}

/** cut shortens a label in the middle, where names that share both ends differ least. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** xWord is an x value in words, for a readout. */
export function xWord(kind: Kind, v: number): string {
  if (kind === "time") {
    const iso = new Date(v).toISOString();
    if (v % day === 0) return iso.slice(0, 10);
    return iso.slice(0, v % minute === 0 ? 16 : 19).replace("T", " ");
  }
  if (kind === "step") return `step ${new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 }).format(v)}`;
  const s = v / second;
  if (s < 60) return `${round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${String(Math.round(s % 60)).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} m`;
}

/** lowerBound is the first index whose x is at or above v. */
export function lowerBound(x: ArrayLike<number>, v: number): number {
  let lo = 0;
  let hi = x.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if ((x[mid] as number) < v) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** nearest is the index of the x closest to v, -1 of none. */
export function nearest(x: ArrayLike<number>, v: number): number {
  const i = lowerBound(x, v);
  if (i === 0) return x.length ? 0 : -1;
  if (i === x.length) return i - 1;
  return v - (x[i - 1] as number) <= (x[i] as number) - v ? i - 1 : i;
}

/** huge is how MLflow's clients' infinities are kept: the largest number there is. */
export const huge = 1.79e308;

/** real says whether a value lies on a chart: no gap and no infinity. */
export function real(v: number | null | undefined): v is number {
  return v != null && v > -huge && v < huge;
}
