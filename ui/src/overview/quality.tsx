import { useMemo, useState } from "preact/hooks";
import type { Monitor, Overview, Quality, Window } from "../api_gen";
import { LineChart, type Mark, type Series } from "../chart/line";
import { count, figure, metricName, plural, said, versions } from "../format";
import { Section, WhenVisible } from "../parts";
import { enc, go, href } from "../router";
import { Shape } from "../shapes";

/** QualityByWindow shows what each monitor measured: charts, and the table beneath. Without a monitor it is not shown. */
export function QualityByWindow({ o }: { o: Overview }) {
  const more = o.leftOut.monitors > 0 ? `${plural(o.leftOut.monitors, "more monitor")} not shown` : undefined;
  return (
    <Section id="quality" title="Quality by window" aside={more}>
      {o.monitors.map((m) => (
        <article key={m.name} class="monitor panel" aria-labelledby={`monitor-${m.name}`}>
          <header>
            <h3 id={`monitor-${m.name}`}>
              <a href={href(`monitors/${enc(m.name)}`)} data-page data-row>
                {m.name}
              </a>
            </h3>
            <p class="detail">
              {every(m.window)} windows of endpoint {m.endpoint}
              {m.windows.length > 0 && `, ${Math.round(m.confidence * 100)} % intervals, ${plural(m.total, "window")}`}
            </p>
            {m.windows.length > 0 && (
              <a class="monitor-loop" href={href(`loop/${enc(m.endpoint)}`)} data-page>
                Open the loop
              </a>
            )}
          </header>
          {m.windows.length === 0 ? (
            <p class="none detail">No window is closed yet. One closes when the endpoint's watermark has passed its end and the labels have had time to arrive.</p>
          ) : (
            <WhenVisible height={520}>{() => <Measurements m={m} />}</WhenVisible>
          )}
        </article>
      ))}
    </Section>
  );
}

function every(window: string): string {
  return { month: "Monthly", "1d": "Daily", "1w": "Weekly", "7d": "Weekly", "1h": "Hourly" }[window] ?? `${window}`;
}

function of(w: Window, metric: string): Quality | undefined {
  return w.quality.find((q) => q.metric === metric);
}

function line(m: Monitor, metric: string): Series {
  const found = m.windows.map((w) => of(w, metric));
  return {
    label: metricName(metric),
    x: m.windows.map((w) => Date.parse(w.start)),
    y: found.map((q) => q?.value ?? NaN),
    lo: found.map((q) => q?.lo ?? NaN),
    hi: found.map((q) => q?.hi ?? NaN),
  };
}

const tones: Record<string, Mark["tone"]> = { fault: "bad", incident: "warn", rollout: "warn", deploy: "accent", decision: "accent" };
const places: Record<string, string> = { fault: "incidents", incident: "incidents", rollout: "rollouts", deploy: "rollouts", decision: "decisions" };

/** marks are what happened, on the axis of the windows. */
function marks(m: Monitor): Mark[] {
  return (m.events ?? []).map((e) => ({ x: Date.parse(e.at), label: said(e.text), tone: tones[e.kind] ?? "muted", id: `${places[e.kind] ?? "incidents"}/${enc(e.id)}` }));
}

const markNames = { accent: "decision or rollout", warn: "incident", bad: "data fault" };

const short = 12; // windows in the table before it is opened

function Measurements({ m }: { m: Monitor }) {
  const [all, setAll] = useState(false);
  const lines = useMemo(() => m.metrics.slice(0, 2).map((metric) => [line(m, metric)]), [m]);
  const events = useMemo(() => marks(m), [m]);
  const shown = (all ? m.windows : m.windows.slice(-short)).toReversed(); // the newest first, as on every page
  return (
    <>
      <p class="reading">{reading(m, m.windows.at(-1) as Window)}</p>
      <div class="charts">
        {lines.map((series, i) => (
          <figure key={series[0]?.label}>
            <figcaption>{series[0]?.label}</figcaption>
            <LineChart
              label={`${series[0]?.label} of ${m.name} by window`}
              height={i === 0 ? 208 : 124}
              x="time"
              series={series.map((one) => ({ ...one, color: i }))}
              y={{ format: figure }}
              marks={i === 0 ? events : []}
              onMark={go}
              markNames={i === 0 ? markNames : undefined}
              sync={`overview ${m.name}`}
              table={false}
            />
          </figure>
        ))}
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Windows of ${m.name}`}>
        <table class="figures">
          <caption class="visually-hidden">
            Quality of {m.name} by window
          </caption>
          <thead>
            <tr>
              <th scope="col">Window</th>
              <th scope="col" class="num">
                Version
              </th>
              <th scope="col" class="num">
                Rows
              </th>
              <th scope="col" class="num">
                Labelled
              </th>
              {m.metrics.map((x) => (
                <th key={x} scope="col" class="num">
                  {metricName(x)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((w) => (
              <tr key={w.start}>
                <th scope="row">
                  <a href={href(`monitors/${enc(m.name)}`, { window: w.label })} data-page data-row>
                    {w.label}
                  </a>
                </th>
                <td class="num">{versions(w.versions)}</td>
                <td class="num">{count(w.rows)}</td>
                <td class="num">{count(w.labelled)}</td>
                {w.quality.length === 0 ? (
                  <td colSpan={m.metrics.length} class="reason">
                    <Shape tone="warn" /> {w.reason ?? "not measured"}
                  </td>
                ) : (
                  m.metrics.map((x, j) => <Cell key={x} q={of(w, x)} interval={j === 0} />)
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {m.windows.length > short && (
        <button type="button" class="quiet more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the newest ${short}` : `Show all ${m.windows.length} windows`}
          {m.total > m.windows.length && ` of ${count(m.total)}`}
        </button>
      )}
    </>
  );
}

function Cell({ q, interval }: { q: Quality | undefined; interval: boolean }) {
  if (!q) return <td class="num">–</td>;
  return (
    <td class="num">
      {interval ? <strong>{figure(q.value)}</strong> : figure(q.value)}
      {interval && q.lo != null && q.hi != null && " "}
      {interval && q.lo != null && q.hi != null && (
        <span class="interval">
          [{figure(q.lo)}, {figure(q.hi)}]
        </span>
      )}
    </td>
  );
}

/** reading is a window in words: what the live region says. */
function reading(m: Monitor, w: Window): string {
  const parts = m.metrics.flatMap((x) => {
    const q = of(w, x);
    if (!q) return [];
    const interval = q.lo != null && q.hi != null && x === m.metrics[0] ? ` [${figure(q.lo)}, ${figure(q.hi)}]` : "";
    return [`${metricName(x)} ${figure(q.value)}${interval}`];
  });
  return `${w.label}: ${parts.join(" · ") || (w.reason ?? "not measured")}`;
}
