// What became of the rows of a window: how many came, how long labels took, which
// are kept out and why, what contracts said, and what was found.
import { useMemo } from "preact/hooks";
import type { ContractResult, LabelLag, MonitorPage, MonitorWindow } from "../api_gen";
import { apiURL } from "../base";
import { Bars } from "../chart/bars";
import { LineChart } from "../chart/line";
import { count, duration } from "../format";
import { Answer } from "../page";
import { Facts, Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project } from "../router";
import { State } from "../shapes";
import { served } from "./drift";
import { incidentWord, iso, share, toneOfIncident } from "./words";

/** Rows is the tab about the rows of window i. */
export function Rows({ m, i }: { m: MonitorPage; i: number }) {
  const start = iso(m.windows.start[i] ?? 0);
  const answer = useQuery<MonitorWindow>(apiURL(project.value, `monitors/${enc(m.name)}/windows/${start}`), ["window", "incident", "contractResult"]);
  const x = m.windows.start;
  const series = useMemo(
    () => [
      { label: "rows", x, y: m.windows.rows, color: 0, steps: true },
      { label: "labelled", x, y: m.windows.labelled, color: 2, steps: true },
      { label: "kept out", x, y: m.windows.held.map((h, k) => h + (m.windows.quarantined[k] ?? 0)), color: 1, steps: true },
    ],
    [m],
  );
  const marks = useMemo(() => [...served(m), { x: x[i] ?? 0, label: m.windows.label[i] ?? "" }], [m, i]);
  return (
    <>
      <Section id="rows-time" title="Rows by window" aside={m.windows.late[i] ? `${count(m.windows.late[i] ?? 0)} came late in ${m.windows.label[i]}` : undefined}>
        <div class="panel monitors-pad">
          <LineChart label="Rows by window" height={170} x="time" series={series} marks={marks} y={{ min: 0, format: (v) => count(Math.round(v)) }} sync="monitor" />
        </div>
      </Section>
      <Answer of={answer}>
        {(w) => (
          <div class="monitors-split even">
            <KeptOut m={m} w={w} />
            <Labels w={w} lag={w.outcome.lag} />
          </div>
        )}
      </Answer>
      <Answer of={answer}>{(w) => <Judged m={m} w={w} />}</Answer>
      <Incidents m={m} i={i} />
    </>
  );
}

function KeptOut({ m, w }: { m: MonitorPage; w: MonitorWindow }) {
  const o = w.outcome;
  return (
    <Section id="rows-kept" title="Kept out of figures and training" aside={<a href={href(`data/quarantine/${enc(m.endpoint)}`)} data-page>Quarantine</a>}>
      {o.kept.length === 0 ? (
        <p class="panel">No row of this window is kept out.</p>
      ) : (
        <div class="panel">
          <Table
            label="Rows kept out, by reason"
            rows={o.kept}
            rowKey={(k) => `${k.incident} ${k.rule}`}
            columns={[
              { id: "why", title: "Reason", value: (k) => (k.incident ? <a href={href(`data/quarantine/${enc(m.endpoint)}`, { incident: k.incident })} data-page data-row>{k.rule || k.incident}</a> : k.rule) },
              { id: "by", title: "Kept out by", value: (k) => (k.rule ? "a contract" : "an incident") },
              { id: "rows", title: "Rows", num: true, value: (k) => count(k.rows), sort: (k) => k.rows },
              { id: "share", title: "Share", num: true, value: (k) => share(o.rows ? k.rows / o.rows : null) },
            ]}
          />
        </div>
      )}
    </Section>
  );
}

function Labels({ w, lag }: { w: MonitorWindow; lag: LabelLag | undefined }) {
  return (
    <Section id="rows-labels" title="How long labels took" aside={lag ? `${count(lag.labels)} labels` : undefined}>
      {!lag ? (
        <p class="panel">{w.outcome.rows === 0 ? "No row came in this window." : "No row that counts has a label yet."}</p>
      ) : (
        <div class="panel monitors-pad">
          <Facts
            of={[
              ["half within", duration(lag.p50)],
              ["90 %", duration(lag.p90)],
              ["99 %", duration(lag.p99)],
              ["the last", duration(lag.max)],
            ]}
          />
          {lag.max > 0 && (
            <Bars label="Labels by the time they took" height={120} names={["labels"]} bins={lag.within.map((n, k) => ({ label: duration((lag.max * (k + 1)) / lag.within.length), a: n }))} format={(v) => count(Math.round(v))} />
          )}
        </div>
      )}
    </Section>
  );
}

function Judged({ m, w }: { m: MonitorPage; w: MonitorWindow }) {
  if (m.contracts.length === 0) return null;
  const rows = w.judged.flatMap((r: ContractResult) => r.results.map((x) => ({ contract: r.contract, rows: r.rows, x })));
  return (
    <Section
      id="rows-contracts"
      title="What contracts said"
      aside={m.contracts.map((c, k) => (
        <>
          {k > 0 && " · "}
          <a href={href(`data/contracts/${enc(c)}`)} data-page>
            {c}
          </a>
        </>
      ))}
    >
      {w.judged.length === 0 ? (
        <p class="panel">No contract has judged this window.</p>
      ) : rows.length === 0 ? (
        <p class="panel">
          <State tone="ok">kept</State> No row of {count(w.judged[0]?.rows ?? 0)} breaks a rule.
        </p>
      ) : (
        <div class="panel">
          <Table
            label="Rules that rows break"
            rows={rows}
            rowKey={(r) => `${r.contract} ${r.x.rule}`}
            columns={[
              { id: "rule", title: "Rule", value: (r) => <a href={href(`data/contracts/${enc(r.contract)}`, { rule: r.x.rule })} data-page data-row>{r.x.rule}</a>, sort: (r) => r.x.rule },
              { id: "state", title: "", value: (r) => <State tone={r.x.passed ? "wait" : r.x.severity === "warning" ? "warn" : "bad"}>{r.x.passed ? "within what is allowed" : r.x.severity === "warning" ? "warning" : "broken"}</State> },
              { id: "expected", title: "Expected", value: (r) => r.x.expected ?? "" },
              { id: "failed", title: "Failing", num: true, value: (r) => count(r.x.failed), sort: (r) => r.x.failed },
              { id: "share", title: "Share", num: true, value: (r) => share(r.x.rows ? r.x.failed / r.x.rows : null) },
              { id: "allowed", title: "Allowed", num: true, value: (r) => share(r.x.allowed ?? 0) },
            ]}
          />
        </div>
      )}
    </Section>
  );
}

function Incidents({ m, i }: { m: MonitorPage; i: number }) {
  const start = m.windows.start[i] ?? 0;
  const end = m.windows.end[i] ?? 0;
  const here = (x: MonitorPage["incidents"][number]) => Date.parse(x.begin) < end && (!x.end || Date.parse(x.end) > start);
  const rows = [...m.incidents].reverse();
  return (
    <Section id="rows-incidents" title="What was found" aside="those of the chosen window are lit">
      {rows.length === 0 ? (
        <p class="panel">Nothing was found in these windows.</p>
      ) : (
        <div class="panel">
          <Table
            label="Incidents of these windows"
            rows={rows}
            rowKey={(x) => x.id}
            chosen={here}
            columns={[
              { id: "kind", title: "Incident", value: (x) => <a href={href(`incidents/${enc(x.id)}`)} data-page data-row>{incidentWord(x.kind)}</a>, sort: (x) => x.kind },
              { id: "state", title: "State", value: (x) => <State tone={toneOfIncident(x.severity, x.open)}>{x.open ? (x.hold && !x.released ? "open, holds rows" : "open") : x.hold && !x.released ? "closed, holds rows" : x.released ? "released" : "closed"}</State> },
              { id: "begin", title: "Begin", value: (x) => <span class="monitors-date">{x.begin.slice(0, 10)}</span>, sort: (x) => x.begin },
              { id: "end", title: "End", value: (x) => <span class="monitors-date">{x.end?.slice(0, 10) ?? "–"}</span>, sort: (x) => x.end ?? "9" },
              { id: "rows", title: "Rows", num: true, value: (x) => (x.bad ? count(x.bad) : ""), sort: (x) => x.bad },
              { id: "cause", title: "Cause", value: (x) => <span class="monitors-cause">{x.cause}</span> },
            ]}
          />
        </div>
      )}
    </Section>
  );
}
