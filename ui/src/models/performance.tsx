// How good a version is on logged rows: metrics with intervals, reliability, ROC,
// precision and recall, the confusion at a threshold that the reader moves; of a
// number what was predicted against what happened, and what was left over.
import { useState } from "preact/hooks";
import type { BinaryPerformance, Performance, RegressionPerformance } from "../api_gen";
import { Bars } from "../chart/bars";
import { Curve } from "../chart/curve";
import { short } from "../chart/draw";
import { count, date, figure, percent, plural } from "../format";
import { Interval, Section } from "../parts";
import { enc, href, useParam } from "../router";
import { Cloud } from "./cloud";
import { nameOf } from "./words";

/** nums takes null as a gap. */
export const nums = (all: (number | null)[]): number[] => all.map((v) => v ?? NaN);

/** Rows says which rows were taken, and what was left out. */
export function Rows({ of }: { of: Performance }) {
  const r = of.rows;
  if (!r.endpoint) return null;
  const left = [
    r.unlabelled > 0 && `${count(r.unlabelled)} without a label`,
    r.held > 0 && `${count(r.held)} kept out by an incident or a contract`,
    r.refused > 0 && `${count(r.refused)} that it gave no score`,
  ].filter(Boolean);
  return (
    <p class="models-rows">
      {plural(r.used, "row")}
      {r.from && r.to && <> of {date(r.from)} to {date(r.to)}</>} at endpoint{" "}
      <a href={href(`endpoints/${enc(r.endpoint)}`)} data-page>
        {r.endpoint}
      </a>
      {r.source === "answered" ? `, all answered by version ${of.version} itself` : `, new to ${of.against ? "both versions" : `version ${of.version}`} and scored now, whoever answered them`}.
      {left.length > 0 && ` Left out: ${left.join(", ")}.`}
      {r.share != null && r.share < 1 && ` One row in ${Math.round(1 / r.share)} is taken, by its id.`}
    </p>
  );
}

/** Metrics are the figures of a sample, each with its interval where it has one. */
export function Metrics({ of }: { of: Performance }) {
  return (
    <dl class="models-metrics">
      {of.metrics.map((m) => (
        <div key={m.metric}>
          <dt>{nameOf(m.metric)}</dt>
          <dd>
            <strong>{figure(m.value)}</strong>
            {m.lo != null && m.hi != null && (
              <span class="interval">
                [{figure(m.lo)}, {figure(m.hi)}]
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Binary draws what a probability does. */
export function Binary({ of, version, rows }: { of: BinaryPerformance; version: number; rows: number }) {
  const one = of.positives === 0 || of.negatives === 0;
  return (
    <>
      <div class="models-curves">
        <figure>
          <figcaption>
            Reliability <span class="detail">ECE {figure(of.ece)}, largest gap {figure(of.mce)}</span>
          </figcaption>
          <Curve
            label={`Reliability of version ${version}`}
            x={of.reliability.map((b) => b.predicted ?? NaN)}
            y={of.reliability.map((b) => b.observed ?? NaN)}
            lo={of.reliability.map((b) => b.lo ?? NaN)}
            hi={of.reliability.map((b) => b.hi ?? NaN)}
            n={of.reliability.map((b) => b.rows)}
            diagonal
            xLabel="predicted"
            yLabel="happened"
            size={440}
          />
        </figure>
        {one ? (
          <p class="detail models-one">All {plural(rows, "row")} have the label {of.positives > 0 ? 1 : 0}: there is no pair to rank, so there are no curves and no AUC.</p>
        ) : (
          <>
            <figure>
              <figcaption>
                ROC <span class="detail">AUC {figure(of.auc)}</span>
              </figcaption>
              <Curve label={`ROC curve of version ${version}`} x={nums(of.fpr)} y={nums(of.tpr)} diagonal xLabel="false positive rate" yLabel="true positive rate" size={440} />
            </figure>
            <figure>
              <figcaption>
                Precision and recall <span class="detail">average precision {figure(of.ap)}, base rate {percent(of.positives / (of.positives + of.negatives))}</span>
              </figcaption>
              <Curve label={`Precision-recall curve of version ${version}`} x={nums(of.tpr)} y={nums(of.precision)} xLabel="recall" yLabel="precision" size={440} />
            </figure>
          </>
        )}
      </div>
      <Threshold of={of} version={version} />
    </>
  );
}

/** Threshold shows what deciding at a threshold does. The threshold is in the address. */
function Threshold({ of, version }: { of: BinaryPerformance; version: number }) {
  const [text, set] = useParam("cut", "0.5");
  const last = of.cuts.length - 1;
  const at = Math.max(0, Math.min(last, Math.round(Number(text) * last) || 0));
  const cut = of.cuts[at] ?? 0;
  const [tp, fp] = [of.tp[at] ?? 0, of.fp[at] ?? 0];
  const [fn, tn] = [of.positives - tp, of.negatives - fp];
  const all = of.positives + of.negatives;
  const part = (a: number, b: number) => (b > 0 ? figure(a / b) : "–");
  const cell = (n: number, word: string) => (
    <td class="models-cell" style={{ background: `color-mix(in oklab, var(--accent) ${((40 * n) / Math.max(1, all)).toFixed(0)}%, var(--bg))` }}>
      <strong>{count(n)}</strong>
      <span>{word}</span>
      <span>{percent(n / Math.max(1, all))}</span>
    </td>
  );
  return (
    <div class="models-threshold">
      <figure>
        <figcaption>
          Confusion at <output>{cut.toFixed(3)}</output>
        </figcaption>
        <label class="models-slider">
          <span class="visually-hidden">Threshold of version {version}</span>
          <input type="range" min={0} max={last} value={at} onInput={(e) => set(String(of.cuts[Number(e.currentTarget.value)] ?? 0.5))} aria-valuetext={`${cut.toFixed(3)}: ${count(tp)} found, ${count(fn)} missed, ${count(fp)} false alarms`} />
        </label>
        <table class="models-confusion">
          <caption class="visually-hidden">Rows by what was decided and what happened</caption>
          <thead>
            <tr>
              <td />
              <th scope="col">predicted</th>
              <th scope="col">not predicted</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">happened</th>
              {cell(tp, "found")}
              {cell(fn, "missed")}
            </tr>
            <tr>
              <th scope="row">did not</th>
              {cell(fp, "false alarms")}
              {cell(tn, "left alone")}
            </tr>
          </tbody>
        </table>
        <dl class="models-rates">
          {(
            [
              ["Precision", part(tp, tp + fp)],
              ["Recall", part(tp, of.positives)],
              ["F1", part(2 * tp, 2 * tp + fp + fn)],
              ["Specificity", part(tn, of.negatives)],
              ["Accuracy", part(tp + tn, all)],
            ] as const
          ).map(([k, v]) => (
            <div key={k}>
              <dt>{k}</dt>
              <dd>{v}</dd>
            </div>
          ))}
        </dl>
      </figure>
      <figure>
        <figcaption>
          Scores <span class="detail">share of each class in steps of {(1 / of.bins.length).toFixed(3)}</span>
        </figcaption>
        <Bars
          label={`Scores of version ${version} by what happened`}
          height={230}
          names={["did not happen", "happened"]}
          format={percent}
          bins={of.bins.map((b) => ({ label: (b.from ?? 0).toFixed(2), a: of.negatives ? b.negatives / of.negatives : 0, b: of.positives ? b.positives / of.positives : 0 }))}
        />
      </figure>
    </div>
  );
}

/** Regression draws what a predicted number does. */
export function Regression({ of, version }: { of: RegressionPerformance; version: number }) {
  return (
    <div class="models-curves two">
      <figure>
        <figcaption>
          Predicted and happened <span class="detail">mean error {figure(of.bias)}, largest {figure(of.maxError)}</span>
        </figcaption>
        <Cloud label={`What version ${version} predicted, and what happened`} x={nums(of.predicted)} y={nums(of.actual)} bins={of.bins} />
      </figure>
      <figure>
        <figcaption>
          Residuals <span class="detail">happened less predicted; the ends hold what lies beyond</span>
        </figcaption>
        <Bars label={`Residuals of version ${version}`} height={300} names={["rows"]} format={count} bins={of.residuals.map((b) => ({ label: short(b.from ?? NaN), a: b.rows }))} />
      </figure>
    </div>
  );
}

/** Measured is a whole sample, or why there is none. */
export function Measured({ of }: { of: Performance }) {
  const [open, setOpen] = useState(false);
  if (of.metrics.length === 0) return <p class="detail models-why">{of.why ? `Not measured: ${of.why}.` : "Nothing was measured."}</p>;
  return (
    <div class="models-measured">
      <Rows of={of} />
      <Metrics of={of} />
      {of.why && <p class="detail">{of.why}</p>}
      {of.binary && <Binary of={of.binary} version={of.version} rows={of.rows.used} />}
      {of.regression && <Regression of={of.regression} version={of.version} />}
      <p class="detail">
        Intervals of 95 % are by days, since rows of one day depend on each other; {of.binary ? "the bars of the reliability diagram are Wilson's and take rows as independent." : "those of the twentieths take rows as independent."}{" "}
        {of.binary && (
          <button type="button" class="models-inline" aria-expanded={open} onClick={() => setOpen(!open)}>
            What the Brier score is made of
          </button>
        )}
      </p>
      {open && of.binary && (
        <Section id="models-brier" title="Brier score">
          <p>
            <Interval value={of.binary.brier.brier} /> = {figure(of.binary.brier.reliability)} reliability (0 is perfect) − {figure(of.binary.brier.resolution)} resolution (more is better) + {figure(of.binary.brier.uncertainty)} uncertainty of the rows themselves, and what differs within the ten bins.
          </p>
        </Section>
      )}
    </div>
  );
}
