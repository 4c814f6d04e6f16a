import { useMemo, useState } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Monitor, Overview, Quality, Window } from "../api_gen";
import { Chart, type Point } from "../chart";
import { count, figure, metricName, plural, versions } from "../format";
import { Section, WhenVisible } from "../parts";
import { Shape } from "../shapes";

/** QualityByWindow shows what each monitor measured: charts, and the table beneath. Without a monitor it is not shown. */
export function QualityByWindow({ o }: { o: Overview }) {
  const more = o.leftOut.monitors > 0 ? `${plural(o.leftOut.monitors, "more monitor")} not shown` : undefined;
  return (
    <Section id="quality" title="Quality by window" aside={more}>
      {o.monitors.map((m) => (
        <article key={m.name} class="monitor panel" aria-labelledby={`monitor-${m.name}`}>
          <header>
            <h3 id={`monitor-${m.name}`}>{m.name}</h3>
            <p class="detail">
              {every(m.window)} windows of endpoint {m.endpoint}
              {m.windows.length > 0 && `, ${Math.round(m.confidence * 100)} % intervals, ${plural(m.total, "window")}`}
            </p>
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

function points(m: Monitor, metric: string): Point[] {
  return m.windows.map((w) => {
    const q = of(w, metric);
    return { x: Date.parse(w.start), v: q?.value ?? null, lo: q?.lo ?? null, hi: q?.hi ?? null };
  });
}

const short = 12; // windows in the table before it is opened

function Measurements({ m }: { m: Monitor }) {
  const cursor = useSignal<number | null>(null);
  const [all, setAll] = useState(false);
  const [headline, second] = m.metrics;
  const charts = useMemo(() => [headline, second].filter((x) => x !== undefined).map((metric) => ({ metric, points: points(m, metric) })), [m]);
  const at = cursor.value === null ? undefined : m.windows[cursor.value];
  const shown = all ? m.windows : m.windows.slice(-short);
  const offset = m.windows.length - shown.length;
  const name = (ms: number) => tick(m.window, ms);
  return (
    <>
      <p class="reading" aria-live="polite">
        {reading(m, at ?? (m.windows.at(-1) as Window))}
      </p>
      <div class="charts" onPointerLeave={() => (cursor.value = null)}>
        {charts.map(({ metric, points }, i) => (
          <figure key={metric}>
            <figcaption>{metricName(metric)}</figcaption>
            <Chart
              points={points}
              label={`${metricName(metric)} by window, from ${m.windows[0]?.label} to ${m.windows.at(-1)?.label}; the table below has the same figures.`}
              height={i === 0 ? 208 : 116}
              series={i}
              tick={name}
              write={(v) => figure(Number(v.toPrecision(4)))}
              cursor={cursor}
              axis={i === charts.length - 1}
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
            {shown.map((w, i) => (
              <tr key={w.start} class={cursor.value === i + offset ? "chosen" : undefined} onPointerEnter={() => (cursor.value = i + offset)} onPointerLeave={() => (cursor.value = null)}>
                <th scope="row">{w.label}</th>
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

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** tick names a window on the axis. */
function tick(window: string, ms: number): string {
  const t = new Date(ms);
  const month = months[t.getUTCMonth()] as string;
  if (window === "month") return t.getUTCMonth() === 0 ? `${month} ${t.getUTCFullYear()}` : month;
  if (/[dw]$/.test(window)) return `${t.getUTCDate()} ${month}`;
  return t.toISOString().slice(11, 16);
}
