// How snapshots, subjects of contracts and values are written.
import { date } from "../format";

/** dateOf is the date of a moment, with the time of day where it is not midnight. */
export function dateOf(t: string | undefined): string {
  if (!t) return "–";
  return t.slice(11, 19) === "00:00:00" ? date(t) : t.slice(0, 16).replace("T", " ");
}

/** subjectWords is a set of rows in short: "window 2013-03-04 of flights", "snapshot 0123abcd". */
export function subjectWords(subject: string): string {
  const window = /^window (\S+)( of .*)?$/.exec(subject);
  if (window) return `window ${dateOf(window[1])}${window[2] ?? ""}`;
  const snapshot = /^snapshot sha256:([0-9a-f]+)$/.exec(subject);
  if (snapshot) return `snapshot ${(snapshot[1] ?? "").slice(0, 12)}`;
  return subject;
}

/** figureOf writes a value of a column: few digits, and times as times. */
export function figureOf(v: number | undefined, type: string | undefined): string {
  if (v === undefined) return "–";
  if (type === "datetime") return new Date(v / 1e6).toISOString().slice(0, 16).replace("T", " ");
  const a = Math.abs(v);
  const text = Number.isInteger(v) && a < 1e15 ? v.toLocaleString("en-US") : a !== 0 && (a < 1e-3 || a >= 1e9) ? v.toExponential(2) : String(Number(v.toPrecision(5)));
  return text.replace(/^-/, "−");
}
