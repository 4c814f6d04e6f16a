// Numbers and times for people. Times are UTC: they name moments of data.

const grouped = new Intl.NumberFormat("en-US");
const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** count groups a whole number: 336,776. */
export function count(n: number): string {
  return grouped.format(n);
}

/** figure writes a metric: three decimals near one, five significant digits elsewhere, so that numbers below each other end alike; null is NaN. */
export function figure(v: number | null): string {
  if (v === null) return "NaN";
  const a = Math.abs(v);
  if (a === 0 || (a >= 0.01 && a < 10)) return minus(v.toFixed(3));
  if (Number.isInteger(v) && a < 1e9) return minus(grouped.format(v));
  if (a >= 9999.95 && a < 1e9) return minus(grouped.format(Math.round(v)));
  if (a >= 999.995 && a < 9999.95) return minus(tenths.format(v));
  if (a >= 10 && a < 9999.95) return minus(v.toPrecision(5));
  return minus(v.toPrecision(3));
}

function minus(s: string): string {
  return s.replace(/^-/, "−");
}

/** duration writes a span of ms: 4.2 s, 1 m 03 s, 2 h 05 m, 3 d 4 h. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 0.05) return "0 s";
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 59.5) return `${Math.round(s)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}

/** age writes how long ago a moment was: now, 12 s ago, 3 min ago, 2 h ago, 5 d ago, or the date. */
export function age(iso: string, now: number): string {
  const s = (now - Date.parse(iso)) / 1000;
  if (Number.isNaN(s)) return "–";
  if (s < 5) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ago`;
  if (s < 60 * 86_400) return `${Math.floor(s / 86_400)} d ago`;
  return date(iso);
}

/** moment writes a time in full: 2013-03-01 04:05:06 UTC. */
export function moment(iso: string): string {
  return iso.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
}

/** instant writes a time of the data: the date alone at midnight, else in full. */
export function instant(iso: string): string {
  return /T00:00:00(\.0+)?Z$/.test(iso) ? date(iso) : moment(iso);
}

/** date is the date of a time. */
export function date(iso: string): string {
  return iso.slice(0, 10);
}

const names: Record<string, string> = {
  auc: "AUC",
  log_loss: "Log-loss",
  brier: "Brier",
  accuracy: "Accuracy",
  rmse: "RMSE",
  mae: "MAE",
  r2: "R²",
};

/** metricName writes the name of a monitor's metric. */
export function metricName(metric: string): string {
  return names[metric] ?? metric;
}

/** plural writes a number with its noun. */
export function plural(n: number, one: string, many = one + "s"): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** versions writes a list of versions: 1 or 1, 2. */
export function versions(all: number[]): string {
  return all.length ? all.join(", ") : "–";
}

/** bytesText writes a size: 640 B, 12.4 kB, 3.1 MB. Powers of 1000. */
export function bytesText(n: number): string {
  if (Math.abs(n) < 1000) return `${n} B`;
  for (const unit of ["kB", "MB", "GB", "TB"]) {
    n /= 1000;
    if (Math.abs(n) < 999.5 || unit === "TB") return `${Math.abs(n) < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
  }
  return "";
}

const counted = "(?:labelled |clean |fresh |new |of the )*(?:rows?|labels?|requests?|values?|windows?|loss|runs?)";
const grouping = new RegExp(`(?<![\\w.,:@/-])(\\d{4,9})(?= ${counted}\\b)`, "g");

/**
 * said writes a sentence of the server as the pages write: a minus that is as wide
 * as a plus, a share with a space, grouped counts, a midnight as its date. What
 * belongs to a number does not begin a line without it.
 */
export function said(text: string): string {
  return text
    .replace(/T00:00:00Z/g, "")
    .replace(/(^|[\s([])-(?=\d)/g, "$1−")
    .replace(/(\d) ?%/g, "$1\u00a0%")
    .replace(/ ([±×]) /g, "\u00a0$1\u00a0")
    .replace(grouping, (n) => count(Number(n)));
}

/** percent writes a share: 12 %, 0.4 %, 99.96 %. */
export function percent(share: number): string {
  const p = share * 100;
  const a = Math.abs(p);
  if (a === 0) return "0 %";
  if (a >= 10 && a <= 99) return `${minus(p.toFixed(0))} %`;
  if (a > 99 && a < 100) return `${minus(Math.min(99.99, a).toFixed(2))} %`;
  if (a >= 100) return `${minus(p.toFixed(0))} %`;
  return `${minus(a >= 1 ? p.toFixed(1) : p.toPrecision(1))} %`;
}
