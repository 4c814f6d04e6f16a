// Words and small parts that the pages of models share.
import type { VersionGate, VersionLine, VersionSpan } from "../api_gen";
import { date, figure, metricName } from "../format";
import { enc, href } from "../router";
import { State, type Tone } from "../shapes";

/** origins says in words where a version comes from. */
export const origins: Record<string, string> = {
  trained: "trained",
  recalibrated: "recalibrated",
  copied: "copied",
  registered: "registered",
};

const names: Record<string, string> = {
  ece: "ECE",
  calibration_slope: "Calibration slope",
  calibration_intercept: "Calibration in the large",
};

/** nameOf writes the name of a metric, those of calibration too. */
export function nameOf(metric: string): string {
  return names[metric] ?? metricName(metric);
}

/** lower tells that a smaller value of the metric is the better one. */
export function lower(metric: string): boolean {
  return ["log_loss", "brier", "rmse", "mae", "ece"].includes(metric);
}

/** Link leads to a version by its number alone. */
export function Link({ model, version, row }: { model: string; version: number; row?: boolean }) {
  return (
    <a href={href(`models/${enc(model)}/versions/${version}`)} data-page data-row={row ? "" : undefined} aria-label={`Version ${version}`}>
      {version}
    </a>
  );
}

/** Readiness is the state of a version's files, when it is not the usual one. */
export function Readiness({ status }: { status: string }) {
  if (status === "READY") return <State tone="ok">ready</State>;
  if (status === "PENDING_REGISTRATION") return <State tone="wait">files not frozen yet</State>;
  return <State tone="bad">{status.toLowerCase().replace(/_/g, " ")}</State>;
}

const verdicts: Record<string, Tone> = { pass: "ok", fail: "bad", borderline: "warn", insufficient: "wait" };

/** Verdict is what a gate said. */
export function Verdict({ verdict }: { verdict: string }) {
  return <State tone={verdicts[verdict] ?? "wait"}>{verdict}</State>;
}

/** Gate is the newest evaluation of a version in a cell. */
export function Gate({ gate }: { gate: VersionGate | undefined }) {
  if (!gate) return <span class="detail">not evaluated</span>;
  return (
    <span class="models-gate" title={gate.reason}>
      <Verdict verdict={gate.verdict} />
      {gate.metric && gate.value != null && (
        <span class="detail">
          {nameOf(gate.metric)} {figure(gate.value)}
          {gate.diff != null && <> ({gate.diff > 0 ? "better" : "worse"} by {figure(Math.abs(gate.diff))})</>}
        </span>
      )}
    </span>
  );
}

/** spanText writes a span of service. */
export function spanText(s: VersionSpan): string {
  if (!s.to) return s.from ? `since ${date(s.from)}` : "from the beginning until now";
  return s.from ? `${date(s.from)} – ${date(s.to)}` : `until ${date(s.to)}`;
}

/** Spans are the spans of service of a version in a cell: the newest, and how many more. */
export function Spans({ line }: { line: VersionLine }) {
  const all = line.spans ?? [];
  const last = all[all.length - 1];
  if (!last) return <span class="detail">never</span>;
  return (
    <span title={all.map((s) => `${s.endpoint}: ${spanText(s)}`).join("\n")}>
      {!last.to ? <State tone="ok">serves {spanText(last)}</State> : spanText(last)}
      {all.length > 1 && <span class="detail"> +{all.length - 1}</span>}
    </span>
  );
}

/** quoted is a word of a command line that a POSIX shell reads back whole. */
export function quoted(word: string): string {
  return /^[\w.:/=@+-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}
