// One contract: its rules over all sets of rows that it judged, and the failing
// rows of the chosen set with key and value.
import { useMemo, useState } from "preact/hooks";
import type { ContractPage, FailingPage, FailingRow } from "../api_gen";
import { apiURL } from "../base";
import { Heat } from "../chart/heat";
import { LineChart } from "../chart/line";
import { count, plural } from "../format";
import { declaration } from "../monitors/declaration";
import { quoted } from "../monitors/monitor";
import { incidentWord, iso, round, share, toneOfCell, toneOfIncident } from "../monitors/words";
import { Answer, Empty, Page } from "../page";
import { Section, Table } from "../parts";
import { call, useQuery, type Problem } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { State } from "../shapes";
import { onFail } from "./list";
import { dateOf, subjectWords } from "./words";

const words = ["not judged", "kept", "within what is allowed", "broken", "warning"];

export default function Contract({ params }: { params: Record<string, string> }) {
  const name = params.contract ?? "";
  const [before] = useParam("before");
  const url = apiURL(project.value, `data/contracts/${enc(name)}${before ? `?before=${enc(before)}` : ""}`);
  const answer = useQuery<ContractPage>(url, ["datacontract", "contractResult", "incident"]);
  const p = answer.data.value;
  const keys = useMemo(
    () => [
      { keys: "ArrowLeft", text: "the set before", run: () => p && step(p, -1) },
      { keys: "ArrowRight", text: "the set after", run: () => p && step(p, 1) },
    ],
    [p],
  );
  return (
    <Page
      title={name}
      crumbs={[{ text: "Data", to: "data" }]}
      label={p && <State tone={toneOfCell(p.contract.state)}>{p.contract.state === "bad" ? "broken" : p.contract.state === "ok" ? "kept" : "not judged yet"}</State>}
      summary={p && about(p)}
      aside={p && (p.contract.endpoint ? <a href={href(`data/quarantine/${enc(p.contract.endpoint)}`)} data-page>Quarantine</a> : p.contract.source ? <a href={href(`data/sources/${enc(p.contract.source)}`)} data-page>Source</a> : undefined)}
      copy={{ curl: { url }, cli: `trimtab get datacontract ${quoted(name)}`, yaml: () => declaration("DataContract", name) }}
      keys={keys}
    >
      <Answer of={answer}>{(p) => (p.sets.at.length === 0 ? <NotJudged p={p} /> : <Filled p={p} />)}</Answer>
    </Page>
  );
}

function about(p: ContractPage): string {
  const c = p.contract;
  return `${c.endpoint ? `what endpoint ${c.endpoint} is asked` : `source ${c.source}`} · ${plural(p.rules.length, "rule")} · a failing row is ${onFail(c.onFail)}`;
}

function NotJudged({ p }: { p: ContractPage }) {
  return (
    <Empty title="Nothing was judged yet" commands={p.contract.endpoint ? [`trimtab replay ${quoted(p.contract.endpoint)} --source SOURCE --follow`, "trimtab get monitor"] : ["trimtab pipeline run PIPELINE --follow"]}>
      {p.contract.endpoint ? "A window of the endpoint is judged when it ends; a monitor on the endpoint cuts the windows." : "A snapshot of the source is judged when a pipeline takes it."}
    </Empty>
  );
}

/** chosenOf is the set that is shown: the one in the address, else the newest broken one, else the newest. */
function chosenOf(p: ContractPage, subject: string): number {
  const i = p.sets.subject.indexOf(subject);
  if (i >= 0) return i;
  const bad = p.sets.failed.findLastIndex((n) => n > 0);
  return bad >= 0 ? bad : p.sets.at.length - 1;
}

function step(p: ContractPage, by: number) {
  const i = chosenOf(p, new URL(location.href).searchParams.get("set") ?? "");
  const to = Math.min(p.sets.at.length - 1, Math.max(0, i + by));
  setParams({ set: p.sets.subject[to] ?? "" });
}

function Filled({ p }: { p: ContractPage }) {
  const [subject] = useParam("set");
  const [rule] = useParam("rule");
  const i = chosenOf(p, subject);
  const series = useMemo(() => [{ label: "failing rows", x: p.sets.at, y: p.sets.rows.map((n, k) => (n ? (p.sets.failed[k] ?? 0) / n : null)), points: p.sets.at.length < 80, color: 1 }], [p]);
  const calm = p.sets.failed.every((n) => n === 0); // a line at nought needs an axis all the same
  const marks = useMemo(() => [{ x: p.sets.at[i] ?? 0, label: subjectWords(p.sets.subject[i] ?? "") }], [p, i]);
  // Rules that were ever broken come first.
  const order = useMemo(() => {
    const weight = p.state.map((s) => s.reduce((n, x) => n + (x === 3 ? 1000 : x === 4 ? 500 : x === 2 ? 1 : 0), 0));
    return p.rules.map((_, r) => r).sort((a, b) => (weight[b] ?? 0) - (weight[a] ?? 0));
  }, [p]);
  return (
    <>
      <Section id="contract-time" title="Failing rows over time" aside={`${plural(p.sets.at.length, "set")} of rows${p.more ? ", older ones exist" : ""}`}>
        <div class="panel data-pad">
          <LineChart label="Share of failing rows" height={150} x="time" series={series} marks={marks} y={calm ? { min: 0, max: 0.01, format: round } : { min: 0, format: round }} />
        </div>
        <nav class="toolbar data-more" aria-label="More results">
          {new URL(location.href).searchParams.get("before") && (
            <button type="button" class="quiet" onClick={() => setParams({ before: "", set: "" })}>
              Newest results
            </button>
          )}
          {p.more && (
            <button type="button" class="quiet" onClick={() => setParams({ before: iso(p.sets.at[0] ?? 0), set: "" }, { push: true })}>
              Older results
            </button>
          )}
        </nav>
      </Section>
      <Section id="contract-rules" title="Rules by set" aside="▲ broken, · rows fail within what is allowed, ? warning">
        <div class="panel data-pad">
          <Heat
            label="Share of failing rows by rule and set"
            rows={order.map((r) => p.rules[r]?.rule ?? "")}
            columns={p.sets.at.map((t) => dateOf(iso(t)))}
            rowHeight={p.rules.length > 40 ? 12 : 16}
            max={1}
            legend="The darker, the more rows fail; lightest: none"
            value={(r, k) => {
              const s = p.share[order[r] ?? 0]?.[k];
              return s == null ? null : Math.sqrt(s);
            }}
            title={(r, k) => {
              const at = order[r] ?? 0;
              return `${p.rules[at]?.rule}, ${subjectWords(p.sets.subject[k] ?? "")}: ${words[p.state[at]?.[k] ?? 0]}, ${share(p.share[at]?.[k])} of rows, ${share(p.rules[at]?.allowed)} allowed`;
            }}
            marks={(r, k) => ["", "", "·", "▲", "?"][p.state[order[r] ?? 0]?.[k] ?? 0] ?? ""}
            onPick={(r, k) => setParams({ set: p.sets.subject[k] ?? "", rule: p.rules[order[r] ?? 0]?.rule ?? "" })}
          />
        </div>
      </Section>
      <div class="data-split">
        <Rules p={p} i={i} order={order} rule={rule} />
        <FailingRows p={p} i={i} rule={rule} />
      </div>
      {p.incidents.length > 0 && <Breaches p={p} />}
    </>
  );
}

function Rules({ p, i, order, rule }: { p: ContractPage; i: number; order: number[]; rule: string }) {
  return (
    <Section id="contract-set" title="Rules" aside={subjectWords(p.sets.subject[i] ?? "")}>
      <div class="panel">
        <Table
          label={`Rules in ${subjectWords(p.sets.subject[i] ?? "")}`}
          rows={order.map((r) => ({ r, x: p.rules[r] }))}
          rowKey={({ r }) => String(r)}
          chosen={({ x }) => x?.rule === rule}
          columns={[
            { id: "rule", title: "Rule", value: ({ x }) => <button type="button" class="data-link" data-row onClick={() => setParams({ rule: x?.rule === rule ? "" : (x?.rule ?? "") })}>{x?.rule}</button>, sort: ({ x }) => x?.rule },
            { id: "state", title: "State", value: ({ r }) => { const s = p.state[r]?.[i] ?? 0; return <State tone={s === 3 ? "bad" : s === 4 ? "warn" : s === 2 ? "wait" : s === 1 ? "ok" : "off"}>{words[s]}</State>; }, sort: ({ r }) => -(p.state[r]?.[i] ?? 0) },
            { id: "expected", title: "Expected", value: ({ x }) => x?.expected ?? "" },
            { id: "share", title: "Failing", num: true, value: ({ r }) => share(p.share[r]?.[i]), sort: ({ r }) => p.share[r]?.[i] },
            { id: "allowed", title: "Allowed", num: true, value: ({ x }) => share(x?.allowed) },
          ]}
        />
      </div>
    </Section>
  );
}

/** FailingRows are the rows of a set that break a rule, page by page. */
function FailingRows({ p, i, rule }: { p: ContractPage; i: number; rule: string }) {
  const subject = p.sets.subject[i] ?? "";
  const base = `data/contracts/${enc(p.contract.name)}`;
  const kept = p.sets.failing[i] !== "";
  const query = `subject=${enc(subject)}${rule ? `&rule=${enc(rule)}` : ""}`;
  const answer = useQuery<FailingPage>(kept ? apiURL(project.value, `${base}/failing?${query}&limit=100`) : null, ["contractResult"]);
  return (
    <Section
      id="contract-failing"
      title={rule ? `Rows that break ${rule}` : "Failing rows"}
      aside={
        <>
          {rule && (
            <button type="button" class="quiet" onClick={() => setParams({ rule: "" })}>
              All rules
            </button>
          )}
          {kept && (
            <a href={apiURL(project.value, `${base}/failing.parquet?subject=${enc(subject)}`)} download="failing.parquet">
              All as Parquet
            </a>
          )}
        </>
      }
    >
      {!kept ? (
        <p class="panel">
          {(p.sets.failed[i] ?? 0) === 0 ? `No row of ${subjectWords(subject)} breaks a rule.` : "The failing rows of this set are not kept."}
        </p>
      ) : (
        <Answer of={answer}>{(f) => <Page1 key={query} first={f} base={base} query={query} />}</Answer>
      )}
    </Section>
  );
}

function Page1({ first, base, query }: { first: FailingPage; base: string; query: string }) {
  const [more, setMore] = useState<FailingRow[]>([]);
  const [next, setNext] = useState(first.next ?? 0);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const rows = [...first.rows, ...more].map((r, k) => ({ ...r, k }));
  const load = async () => {
    setBusy(true);
    try {
      const f = await call<FailingPage>("GET", apiURL(project.value, `${base}/failing?${query}&limit=200&after=${next}`));
      setMore([...more, ...f.rows]);
      setNext(f.next ?? 0);
      setProblem(undefined);
    } catch (e) {
      setProblem(e as Problem);
    }
    setBusy(false);
  };
  if (rows.length === 0) return <p class="panel">No row of this set breaks this rule.</p>;
  return (
    <>
      <div class="panel data-tall">
        <Table
          label="Failing rows"
          rows={rows}
          rowKey={(r) => String(r.k)}
          columns={[
            { id: "key", title: "Row", value: (r) => <code>{r.key}</code> },
            { id: "rule", title: "Rule", value: (r) => r.rule, sort: (r) => r.rule },
            { id: "value", title: "Value", num: true, value: (r) => <code>{r.value === "" ? "missing" : r.value}</code>, sort: (r) => (Number.isNaN(Number(r.value)) ? r.value : Number(r.value)) },
          ]}
        />
      </div>
      <div class="toolbar data-more">
        <span class="detail">
          {count(rows.length)} of {query.includes("&rule=") ? `those of one rule; ${count(first.all)} in all` : count(first.all)}
        </span>
        {next > 0 && (
          <button type="button" class="quiet" disabled={busy} onClick={load}>
            {busy ? "Reading" : "More rows"}
          </button>
        )}
        {problem && <State tone="bad">{problem.message}</State>}
      </div>
    </>
  );
}

function Breaches({ p }: { p: ContractPage }) {
  return (
    <Section id="contract-incidents" title="Incidents">
      <div class="panel">
        <Table
          label="Incidents of this contract"
          rows={p.incidents}
          rowKey={(x) => x.id}
          columns={[
            { id: "kind", title: "Incident", value: (x) => <a href={href(`incidents/${enc(x.id)}`)} data-page data-row>{incidentWord(x.kind)}</a> },
            { id: "state", title: "State", value: (x) => <State tone={toneOfIncident(x.severity, x.open)}>{x.released ? "released" : x.open ? "open" : "closed"}{x.hold && !x.released ? ", holds rows" : ""}</State> },
            { id: "begin", title: "Begin", value: (x) => <span class="data-date">{dateOf(x.begin)}</span>, sort: (x) => x.begin },
            { id: "end", title: "End", value: (x) => <span class="data-date">{dateOf(x.end)}</span>, sort: (x) => x.end ?? "9" },
            { id: "rows", title: "Rows", num: true, value: (x) => (x.bad ? count(x.bad) : ""), sort: (x) => x.bad },
            { id: "cause", title: "Cause", value: (x) => x.cause },
          ]}
        />
      </div>
    </Section>
  );
}
