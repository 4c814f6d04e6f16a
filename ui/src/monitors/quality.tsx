// How good the answers were: measured with its interval, estimated without labels,
// calibrated or not, and what every retained version would have lost.
import { useMemo } from "preact/hooks";
import type { MonitorPage, MonitorSeries, MonitorWindow, OutcomePoint } from "../api_gen";
import { apiURL } from "../base";
import { Curve } from "../chart/curve";
import { LineChart } from "../chart/line";
import { count, figure, metricName } from "../format";
import { Answer } from "../page";
import { Interval, Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, useParam } from "../router";
import { State } from "../shapes";
import { served } from "./drift";
import { calibrationName, iso } from "./words";

/** Quality is the tab about measured and estimated quality of window i; j is another window, −1 none. */
export function Quality({ m, i, j }: { m: MonitorPage; i: number; j: number }) {
  const metrics = m.quality.length ? m.quality.map((q) => q.metric) : m.estimated.map((q) => q.metric);
  const [wanted, choose] = useParam("metric", metrics[0] ?? "");
  const metric = metrics.includes(wanted) ? wanted : (metrics[0] ?? "");
  if (metrics.length === 0) {
    return <p class="panel">No window has a figure of quality yet: it needs labels, which mature {m.settings.maturity} after a window ends, or enough of them before to estimate from.</p>;
  }
  return (
    <>
      <Section
        id="quality-time"
        title={`${metricName(metric)} by window`}
        aside={
          metrics.length > 1 && (
            <label>
              <span class="visually-hidden">Metric</span>
              <select value={metric} onChange={(e) => choose(e.currentTarget.value)}>
                {metrics.map((x) => (
                  <option key={x} value={x}>
                    {metricName(x)}
                  </option>
                ))}
              </select>
            </label>
          )
        }
      >
        <div class="panel monitors-pad">
          <Measured m={m} metric={metric} i={i} />
        </div>
      </Section>
      <div class="monitors-split even">
        <Figures m={m} i={i} j={j} />
        <Reliability m={m} i={i} j={j} />
      </div>
      {m.versions.length > 0 && <Versions m={m} i={i} />}
    </>
  );
}

function Measured({ m, metric, i }: { m: MonitorPage; metric: string; i: number }) {
  const q = m.quality.find((x) => x.metric === metric);
  const e = m.estimated.find((x) => x.metric === metric);
  const x = m.windows.start;
  const series = useMemo(() => {
    const out = [];
    const points = x.length < 60;
    if (q) out.push({ label: "measured", x, y: q.value, lo: q.lo, hi: q.hi, color: 0, points });
    if (e) out.push({ label: "estimated without labels", x, y: e.value, color: 1, dash: true });
    return out;
  }, [m, metric]);
  const marks = useMemo(() => [...served(m), { x: x[i] ?? 0, label: m.windows.label[i] ?? "", tone: "accent" as const }], [m, i]);
  const spans = useMemo(
    () =>
      m.incidents
        .filter((s) => s.kind === "decay" || (s.kind === "dataFault" && s.hold))
        .map((s) => ({ from: Date.parse(s.begin), to: s.end ? Date.parse(s.end) : (m.windows.end[m.windows.end.length - 1] ?? 0), label: s.kind === "decay" ? "quality fell" : "data fault", tone: s.kind === "decay" ? ("warn" as const) : ("bad" as const) })),
    [m],
  );
  return <LineChart label={`${metricName(metric)} by window`} height={230} x="time" series={series} marks={marks} markNames={markNames} spans={spans} sync="monitor" />;
}

const markNames = { muted: "another version serves", accent: "the window shown" };

const read = (s: MonitorSeries | undefined, i: number) => ({ value: s?.value[i] ?? undefined, lo: s?.lo[i] ?? undefined, hi: s?.hi[i] ?? undefined });

function Figures({ m, i, j }: { m: MonitorPage; i: number; j: number }) {
  const names = [...new Set([...m.quality, ...m.estimated].map((q) => q.metric))];
  const unreliable = m.estimated.some((e) => e.value[i] != null) && !m.windows.reliable[i];
  const detail = useQuery<MonitorWindow>(apiURL(project.value, `monitors/${enc(m.name)}/windows/${iso(m.windows.start[i] ?? 0)}`), ["window", "incident"]);
  const w = detail.data.value?.window;
  const cell = (s: MonitorSeries | undefined, k: number) => {
    const v = read(s, k);
    return v.value === undefined ? <>–</> : <Interval value={v.value} lo={v.lo} hi={v.hi} />;
  };
  return (
    <Section id="quality-figures" title="The window in figures" aside={m.windows.label[i]}>
      <div class="scroll panel monitors-facts" tabIndex={0} role="group" aria-label="Figures of the window">
        <table>
          <thead>
            <tr>
              <th scope="col">Quality</th>
              <th scope="col" class="num">
                measured
              </th>
              <th scope="col" class="num">
                estimated
              </th>
              {j >= 0 && (
                <th scope="col" class="num">
                  {m.windows.label[j]}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{metricName(name)}</th>
                <td class="num">{cell(m.quality.find((q) => q.metric === name), i)}</td>
                <td class="num">{cell(m.estimated.find((q) => q.metric === name), i)}</td>
                {j >= 0 && <td class="num">{cell(m.quality.find((q) => q.metric === name), j)}</td>}
              </tr>
            ))}
            {m.calibration.length > 0 && (
              <tr class="monitors-group">
                <th scope="row">Calibration</th>
                <td />
                <td />
                {j >= 0 && <td />}
              </tr>
            )}
            {m.calibration.map((q) => (
              <tr key={q.metric}>
                <th scope="row">{calibrationName(q.metric)}</th>
                <td class="num">{cell(q, i)}</td>
                <td class="num">–</td>
                {j >= 0 && <td class="num">{cell(q, j)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {w?.reason && (
        <p class="monitors-why">
          <State tone="wait">not all is measured</State> {w.reason}
        </p>
      )}
      {unreliable && (
        <p class="monitors-why">
          <State tone="warn">the estimate is not reliable</State> {w?.unreliable ?? ""}
        </p>
      )}
      {w && w.revision ? <p class="detail monitors-note">Corrected {w.revision} times by labels that came, or rows that were released, after the window was closed.</p> : null}
    </Section>
  );
}

/** Reliability is whether what was predicted happened: of probabilities over the unit square, else means beside each other. */
function Reliability({ m, i, j }: { m: MonitorPage; i: number; j: number }) {
  const start = iso(m.windows.start[i] ?? 0);
  const answer = useQuery<MonitorWindow>(apiURL(project.value, `monitors/${enc(m.name)}/windows/${start}`), ["window", "incident"]);
  const other = useQuery<MonitorWindow>(j >= 0 ? apiURL(project.value, `monitors/${enc(m.name)}/windows/${iso(m.windows.start[j] ?? 0)}`) : null, ["window", "incident"]);
  const binary = m.settings.task === "binary";
  return (
    <Section id="quality-reliability" title={binary ? "Does it happen as often as predicted?" : "Is it as large as predicted?"} aside={m.windows.label[i]}>
      <Answer of={answer}>
        {(w) =>
          !w.outcome.curve?.length ? (
            <p class="panel">{w.outcome.rows === 0 ? "No row came in this window." : w.outcome.labelled === 0 ? "No row of this window has a label yet." : "The scores are no probabilities."}</p>
          ) : (
            <div class="monitors-reliability">
              {binary ? (
                <Figure2 points={w.outcome.curve} label={`Reliability in ${w.window.label}`} />
              ) : (
                <div class="panel monitors-pad">
                  <LineChart label="Mean of labels over that of predictions" height={240} x="step" xLabel="predicted" series={[{ label: "observed", x: w.outcome.curve.map((p) => p.predicted), y: w.outcome.curve.map((p) => p.observed), lo: w.outcome.curve.map((p) => p.lo), hi: w.outcome.curve.map((p) => p.hi), points: true }, { label: "as predicted", x: w.outcome.curve.map((p) => p.predicted), y: w.outcome.curve.map((p) => p.predicted), dash: true }]} />
                </div>
              )}
              {other.data.value?.outcome.curve?.length ? <Figure2 points={other.data.value.outcome.curve} label={`Reliability in ${other.data.value.window.label}`} /> : null}
              <p class="detail monitors-note">
                {count(w.outcome.labelled)} labelled rows in groups of about equal size{w.outcome.error !== undefined ? `; mean gap ${figure(w.outcome.error)}` : ""}.
                {w.outcome.partial ? " Of a large window the first rows are shown." : ""}
              </p>
            </div>
          )
        }
      </Answer>
    </Section>
  );
}

function Figure2({ points, label }: { points: OutcomePoint[]; label: string }) {
  return (
    <div class="panel monitors-pad">
      <Curve label={label} x={points.map((p) => p.predicted)} y={points.map((p) => p.observed)} lo={points.map((p) => p.lo)} hi={points.map((p) => p.hi)} n={points.map((p) => p.rows)} diagonal xLabel="predicted" yLabel="happened" size={360} />
    </div>
  );
}

function Versions({ m, i }: { m: MonitorPage; i: number }) {
  const x = m.windows.start;
  const series = useMemo(() => m.versions.map((v, k) => ({ label: `version ${v.version}`, x, y: v.loss, color: k % 8, dash: v.version !== m.windows.served[i] })), [m, i]);
  const marks = useMemo(() => [...served(m), { x: x[i] ?? 0, label: m.windows.label[i] ?? "", tone: "accent" as const }], [m, i]);
  const now = m.windows.served[i];
  return (
    <Section id="quality-versions" title="Loss of every retained version on the same rows" aside="less is better; the solid line is the version that serves">
      <div class="panel monitors-pad">
        <LineChart label="Mean loss of versions by window" height={200} x="time" series={series} marks={marks} markNames={markNames} sync="monitor" />
      </div>
      <div class="panel">
        <Table
          label={`Versions in ${m.windows.label[i]}`}
          rows={m.versions}
          rowKey={(v) => String(v.version)}
          chosen={(v) => v.version === now}
          columns={[
            { id: "version", title: "Version", value: (v) => (m.model ? <a class="monitors-date" href={href(`models/${enc(m.model)}/versions/${v.version}`)} data-page data-row>{`version ${v.version}`}</a> : `version ${v.version}`), sort: (v) => v.version },
            { id: "served", title: "", value: (v) => (v.version === now ? <State tone="ok">served</State> : "") },
            { id: "trained", title: "Learnt up to", value: (v) => <span class="monitors-date">{v.trained ? v.trained.slice(0, 10) : "–"}</span>, sort: (v) => v.trained },
            { id: "loss", title: "Mean loss", num: true, value: (v) => figure2(v.loss[i]), sort: (v) => v.loss[i] },
            { id: "gain", title: "Saved per row", num: true, value: (v) => (v.version === now ? "" : signed(v.gain[i])), sort: (v) => v.gain[i] },
          ]}
        />
      </div>
    </Section>
  );
}

const figure2 = (v: number | null | undefined) => (v == null ? "–" : Math.abs(v) < 10 ? v.toFixed(4).replace("-", "−") : figure(v));
const signed = (v: number | null | undefined) => (v == null ? "–" : (v > 0 ? "+" : "") + figure2(v));
