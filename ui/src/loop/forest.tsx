// Differences with their intervals against the margins of a gate, each on its own
// scale: metrics differ in size, what counts is on which side of the margin they lie.
import type { GateResult } from "../api_gen";
import { count, figure } from "../format";
import { Shape, type Tone } from "../shapes";
import { between, metricLabel, small } from "./words";

const width = 260;
const verdicts: Record<string, [Tone, string]> = { pass: ["ok", "pass"], fail: ["bad", "fail"], borderline: ["warn", "borderline"], insufficient: ["warn", "not enough data"], warn: ["warn", "warns"] };

/** verdictOf is tone and word of a verdict of the gate. */
export function verdictOf(verdict: string): [Tone, string] {
  return verdicts[verdict] ?? ["wait", verdict];
}

/** Forest draws one line per demand. Right of zero the challenger is better. */
export function Forest({ results }: { results: GateResult[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="What the gate demanded and found">
      <table class="loop-forest">
        <thead>
          <tr>
            <th scope="col">Demand</th>
            <th scope="col">Verdict</th>
            <th scope="col" class="num">
              Served
            </th>
            <th scope="col" class="num">
              Challenger
            </th>
            <th scope="col">Difference, right is better</th>
            <th scope="col" class="num">
              Rows
            </th>
          </tr>
        </thead>
        <tbody>
          {results.map((r, i) => {
            const [tone, word] = verdictOf(r.verdict);
            return (
              <tr key={i}>
                <th scope="row">
                  {demandText(r)}
                  {r.slice && <span class="chip">{r.slice}</span>}
                  {r.on !== "fresh" && <span class="detail"> on {r.on} rows</span>}
                </th>
                <td>
                  <span class={`state ${tone}`} title={r.why}>
                    <Shape tone={tone} />
                    {word}
                  </span>
                </td>
                <td class="num">{r.champion === undefined ? "–" : figure(r.champion)}</td>
                <td class="num">{isMeasured(r) ? figure(r.challenger) : "–"}</td>
                <td>{r.lo === undefined && r.hi === undefined ? <span class="detail">{r.why}</span> : <Whisker r={r} />}</td>
                <td class="num">{count(r.rows)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function isMeasured(r: GateResult): boolean {
  return r.metric !== "schema";
}

/** demandText says what a gate asks for: log-loss better, AUC not worse by more than 0.01. */
function demandText(r: GateResult): string {
  const [, kind] = r.gate.split(" ");
  const name = metricLabel(r.metric);
  switch (kind) {
    case "better":
      return `${name}: better by more than chance`;
    case "nonInferior":
      return `${name}: not worse by ${small(r.limit ?? 0)}`;
    case "min":
      return `${name}: at least ${small(r.limit ?? 0)}`;
    case "max":
      return `${name}: at most ${small(r.limit ?? 0)}`;
    case "compatible":
      return "Takes every row that the served version takes";
  }
  return r.gate;
}

/** margin is where the interval has to lie right of: zero for better, minus the limit for not worse. */
function margin(r: GateResult): number | null {
  const kind = r.gate.split(" ")[1];
  if (kind === "better") return 0;
  if (kind === "nonInferior") return -(r.limit ?? 0);
  return null;
}

function Whisker({ r }: { r: GateResult }) {
  const diff = r.diff ?? 0;
  const lo = r.lo ?? 0;
  const hi = r.hi ?? 0;
  const m = margin(r);
  const far = Math.max(Math.abs(lo), Math.abs(hi), Math.abs(m ?? 0), 1e-12) * 1.12;
  const x = (v: number) => width / 2 + (v / far) * (width / 2 - 6);
  const [tone] = verdictOf(r.verdict);
  return (
    <span class="loop-whisker">
      <svg viewBox={`0 0 ${width} 22`} width={width} height={22} role="img" aria-label={`${small(diff, true)}, between ${small(lo, true)} and ${small(hi, true)}${m === null ? "" : `, against a margin of ${small(m)}`}`}>
        {m !== null && m < 0 && <rect class="loop-room" x={x(m)} y="1" width={x(0) - x(m)} height="20" />}
        <line class="loop-zero" x1={x(0)} x2={x(0)} y1="1" y2="21" />
        {m !== null && <line class="loop-margin" x1={x(m)} x2={x(m)} y1="1" y2="21" />}
        <g class={`state ${tone}`}>
          <line x1={x(lo)} x2={x(hi)} y1="11" y2="11" stroke="currentColor" stroke-width="2" />
          <line x1={x(lo)} x2={x(lo)} y1="7" y2="15" stroke="currentColor" stroke-width="2" />
          <line x1={x(hi)} x2={x(hi)} y1="7" y2="15" stroke="currentColor" stroke-width="2" />
          <path d={`M${x(diff)} 6l5 5-5 5-5-5z`} fill="currentColor" />
        </g>
      </svg>
      <span class="detail">
        {between(diff, lo, hi)}
      </span>
    </span>
  );
}
