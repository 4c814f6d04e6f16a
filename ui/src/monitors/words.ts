// How signals, windows and columns of monitors are called.
import type { MonitorCell, MonitorWindows } from "../api_gen";
import { count, figure, metricName } from "../format";
import type { Tone } from "../shapes";

/** signalNames are the heads of the matrix. */
export const signalNames: Record<string, string> = {
  quality: "Quality",
  estimate: "Estimated quality",
  calibration: "Calibration",
  score: "Drift of the score",
  columns: "Drift of columns",
  contract: "Contract",
  volume: "Volume",
  labels: "Labels",
  faults: "Data faults",
};

/** tabOf is where on a monitor's page a signal is explained. */
export const tabOf: Record<string, string> = {
  quality: "quality",
  estimate: "quality",
  calibration: "quality",
  score: "drift",
  columns: "drift",
  contract: "rows",
  volume: "rows",
  labels: "rows",
  faults: "rows",
};

const tones: Record<string, Tone> = { bad: "bad", warn: "warn", ok: "ok", none: "off" };

/** toneOfCell is the shape of a state of a cell. */
export function toneOfCell(state: string): Tone {
  return tones[state] ?? "off";
}

/** share writes a share of rows: 0 %, 0.3 %, 12.4 %, 100 %. */
export function share(v: number | null | undefined): string {
  if (v == null || Number.isNaN(v)) return "–";
  if (v === 0 || v === 1) return `${100 * v} %`;
  const p = 100 * v;
  if (p < 0.01) return "< 0.01 %";
  if (p > 99.99) return "> 99.99 %";
  return `${p < 1 ? p.toFixed(2) : p.toFixed(1)} %`;
}

/** valueOf writes the value of a cell by its kind. */
export function valueOf(kind: string, v: number | undefined): string {
  if (v === undefined) return "";
  switch (kind) {
    case "share":
      return share(v);
    case "rows":
    case "columns":
      return count(Math.round(v));
  }
  return figure(v);
}

/** cellWords is a cell as one sentence. */
export function cellWords(signal: string, c: MonitorCell): string {
  const kind = c.kind ?? "";
  const parts = [`${signalNames[signal] ?? signal}: ${c.word}`];
  if (c.value !== undefined) parts.push(`${unitOf(kind)}${valueOf(kind, c.value)}${c.of ? ` of ${c.of}` : ""}`);
  if (c.limit !== undefined) parts.push(`limit ${c.below ? "at least" : "at most"} ${valueOf(kind, c.limit)}`);
  if (c.detail) parts.push(c.detail);
  return parts.join(", ");
}

/** unitOf stands before a value that does not say by itself what it is. */
export function unitOf(kind: string): string {
  if (kind === "psi") return "PSI ";
  if (kind === "share" || kind === "rows" || kind === "columns" || kind === "") return "";
  if (kind === "calibration_in_the_large") return "log-odds ";
  return `${metricName(kind)} `;
}

const calibrations: Record<string, string> = {
  ece: "Expected calibration error",
  calibration_slope: "Slope",
  calibration_intercept: "Intercept",
  calibration_in_the_large: "In the large",
  brier_reliability: "Brier: reliability",
  brier_resolution: "Brier: resolution",
  brier_uncertainty: "Brier: uncertainty",
};

/** calibrationName writes the name of a figure of calibration. */
export function calibrationName(metric: string): string {
  return calibrations[metric] ?? metric;
}

/** iso writes ms since 1970 as the server does. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** at finds the window that starts at an ISO time; the newest without one, −1 when there is none. */
export function at(w: MonitorWindows, start: string): number {
  if (start === "") return w.start.length - 1;
  return w.start.indexOf(Date.parse(start));
}

/** driftWord is the word of a state code of a column: see MonitorDrift. */
export const driftWords = ["not compared", "ok", "suspect", "drift", "too few rows"];

/** driftTones are the shapes of the state codes. */
export const driftTones: Tone[] = ["off", "ok", "wait", "warn", "off"];

const incidents: Record<string, string> = {
  dataFault: "data fault",
  breach: "contract broken",
  drift: "drift",
  decay: "quality fell",
  miscalibration: "miscalibrated",
  labelsStopped: "labels stopped",
  trafficStopped: "traffic stopped",
  rolledBack: "rolled back",
  trainingFailed: "training failed",
  didNotHelp: "cure did not help",
  loopBroken: "loop stopped",
};

/** incidentWord says in few words what kind an incident is of. */
export function incidentWord(kind: string): string {
  return incidents[kind] ?? kind;
}

/** toneOfIncident is the shape of a severity. */
export function toneOfIncident(severity: string, open: boolean | undefined): Tone {
  if (!open) return "off";
  return severity === "critical" ? "bad" : severity === "warning" ? "warn" : "wait";
}

/** round writes a share in few signs, for an axis: 49 %, 4.9 %, 0.49 %. */
export function round(v: number): string {
  const p = 100 * v;
  return `${p === 0 ? 0 : p >= 10 ? Math.round(p) : Number(p.toPrecision(2))} %`;
}
