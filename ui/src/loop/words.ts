// Words, tones and figures of the loop. Times are event times, in UTC.
import { figure, said } from "../format";
import type { Tone } from "../shapes";

const actions: Record<string, string> = {
  nothing: "do nothing",
  recalibrate: "recalibrate",
  retrain: "retrain",
  promoteOlder: "promote an older version",
  rollback: "roll back",
  quarantine: "quarantine rows",
};

/** actionWord says what a decision asks for: retrain, or promote version 2 again. */
export function actionWord(action: string, version?: number): string {
  if (action === "promoteOlder" && version) return `promote version ${version} again`;
  return actions[action] ?? action;
}

const incidents: Record<string, string> = {
  dataFault: "data fault",
  breach: "broken contract",
  drift: "drift",
  decay: "decay",
  miscalibration: "miscalibration",
  labelsStopped: "labels stopped",
  trafficStopped: "traffic stopped",
  rolledBack: "rolled back",
  trainingFailed: "training failed",
  didNotHelp: "did not help",
  loopBroken: "loop broken",
};

/** incidentWord names a kind of incident. */
export function incidentWord(kind: string): string {
  return incidents[kind] ?? kind;
}

const states: Record<string, [Tone, string]> = {
  noted: ["off", "noted"],
  advised: ["warn", "advised"],
  awaiting: ["warn", "waits for a person"],
  training: ["run", "training"],
  gating: ["run", "at the gate"],
  rollout: ["run", "rolling out"],
  done: ["ok", "done"],
  rejected: ["bad", "rejected"],
  failed: ["bad", "failed"],
  cancelled: ["off", "cancelled"],
};

/** decisionState is tone and word of the state of a decision. */
export function decisionState(state: string): [Tone, string] {
  return states[state] ?? ["wait", state];
}

/** incidentState is tone and word of where an incident stands. */
export function incidentState(i: { closed?: string; held?: boolean; released?: boolean; severity: string; seenBy?: string; acknowledgedBy?: string }): [Tone, string] {
  if (i.released) return ["off", i.closed ? "closed, released" : "released"];
  if (i.closed) return ["ok", i.held ? "closed, rows held" : "closed"];
  const tone: Tone = i.severity === "critical" ? "bad" : i.severity === "warning" ? "warn" : "wait";
  const seen = i.seenBy || i.acknowledgedBy ? ", looked after" : "";
  return [tone, (i.held ? "open, holds rows" : "open") + seen];
}

/** severityTone is the tone of a severity. */
export function severityTone(severity: string): Tone {
  return severity === "critical" ? "bad" : severity === "warning" ? "warn" : "off";
}

/** day writes seconds since 1970 as a date, with the time of day where there is one. */
export function day(seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return seconds % 86_400 === 0 ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

/** dayOf writes a moment like day. */
export function dayOf(iso: string | undefined): string {
  return iso ? day(Date.parse(iso) / 1000) : "–";
}

/** spanText writes a window: its last day is the one before its end. */
export function spanText(start: number, end: number): string {
  if (start % 86_400 || end % 86_400) {
    const a = day(start);
    const b = day(end);
    return a.slice(0, 10) === b.slice(0, 10) && a.length > 10 && b.length > 10 ? `${a} – ${b.slice(11)}` : `${a} – ${b}`;
  }
  const last = end - 86_400;
  if (last <= start) return day(start);
  const a = day(start);
  const b = day(last);
  return a.slice(0, 4) === b.slice(0, 4) ? `${a} – ${b.slice(5)}` : `${a} – ${b}`;
}

/** small writes a figure that is a difference or a price, with the digits that count. */
export function small(v: number | null | undefined, signed = false): string {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  const a = Math.abs(v);
  let s: string;
  if (a === 0) s = "0";
  else if (a >= 1000) s = Math.round(a).toLocaleString("en-US");
  else if (a >= 0.001) s = String(Number(a.toPrecision(3)));
  else s = a.toPrecision(2);
  return (v < 0 ? "−" : signed && v > 0 ? "+" : "") + s;
}

/** places is how many decimals write the largest of some figures with three digits. */
function places(...values: number[]): number {
  const most = Math.max(...values.map(Math.abs));
  return most > 0 && Number.isFinite(most) ? Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(most)))) : 0;
}

function fixed(v: number, decimals: number, signed: boolean): string {
  const s = Math.abs(v).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return (v < 0 && Number(s.replace(/,/g, "")) !== 0 ? "−" : signed && v > 0 ? "+" : "") + s;
}

/** within writes a difference with its error, with as many decimals in both: +0.0163 ± 0.0040. */
export function within(v: number, error: number, signed = true): string {
  const decimals = Math.max(places(v, error), Math.min(places(error) - 1, 4));
  return `${fixed(v, decimals, signed)} ± ${fixed(error, decimals, false)}`;
}

/** realised writes what was measured afterwards, with the error that its text holds. */
export function realised(v: number, error: string | undefined): string {
  const n = Number(/[\d.]+(?:e-?\d+)?/.exec(error ?? "")?.[0]);
  return error && n > 0 ? within(v, n) : small(v, true);
}

/** between writes a difference with its interval, with as many decimals in all three: +0.0035 [−0.0147, +0.0217]. */
export function between(v: number | null | undefined, lo?: number | null, hi?: number | null): string {
  if (v === null || v === undefined) return "–";
  if (lo == null || hi == null) return small(v, true);
  const decimals = places(v, lo, hi);
  const write = (x: number) => fixed(x, decimals, true);
  return `${write(v)} [${write(lo)}, ${write(hi)}]`;
}

const labels: Record<string, string> = {
  ece: "ECE",
  calibration_slope: "Calibration slope",
  calibration_intercept: "Calibration intercept",
  calibration_in_the_large: "Calibration in the large",
  brier_reliability: "Brier reliability",
  brier_resolution: "Brier resolution",
  brier_uncertainty: "Brier uncertainty",
  auc: "AUC",
  log_loss: "Log-loss",
  brier: "Brier",
  accuracy: "Accuracy",
  rmse: "RMSE",
  mae: "MAE",
  r2: "R²",
};

/** metricLabel names a metric, those of the calibration too. */
export function metricLabel(metric: string): string {
  return labels[metric] ?? metric;
}

/** with interval: 0.744 [0.729, 0.759]. */
export function bounded(v: number | null | undefined, lo?: number | null, hi?: number | null, write: (v: number) => string = (x) => figure(x)): string {
  if (v === null || v === undefined) return "–";
  return lo == null || hi == null ? write(v) : `${write(v)} [${write(lo)}, ${write(hi)}]`;
}

const factNames: Record<string, string> = {
  rows: "labelled rows of the window",
  held: "rows held back",
  positives: "positive rows",
  loss: "mean loss of what serves",
  learnable: "rows to learn from",
  horizon: "a gain is expected to last for",
  unit: "gains and costs are in",
  "probe gain": "a trial training saved per row",
  "challenger gain": "the trained candidate saved per row",
  excess: "trial trainings promised too much by",
  theta: "evidence asked for, times",
  believe: "share of a promise that is believed",
  slope: "slope of the recalibration",
  intercept: "intercept of the recalibration",
};

/** factName says what an input of a decision is. */
export function factName(name: string): string {
  return factNames[name] ?? name;
}

/** sentence begins a text with a capital and ends it with a full stop. */
export function sentence(text: string): string {
  if (!text) return "";
  const [first] = text.split(" ");
  const known = first && labels[first] ? labels[first] + text.slice(first.length) : text;
  const s = said(known.charAt(0).toUpperCase() + known.slice(1));
  return /[.!?]$/.test(s) ? s : `${s}.`;
}
