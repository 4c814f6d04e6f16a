// The audit log: searched, read a page at a time, and verified in the browser.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AuditEntry, AuditEvidence, AuditPage } from "../api_gen";
import { apiURL } from "../base";
import { count, moment, plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Age, Section, Table } from "../parts";
import { call, useQuery, type Problem } from "../query";
import { href, project, setParams, useParam } from "../router";
import { Shape, State } from "../shapes";
import { Typed } from "../typed";
import { Checks, VerdictLine } from "./checks";
import { kindWord, ObjectLink } from "./object";
import { cannot, remember, seenBefore, verify, type Verdict } from "./verify";

const limit = 100;

/** often are searches that people come for. */
const often: [string, Record<string, string>][] = [
  ["By people", { actor: "user" }],
  ["Decisions", { action: "decision" }],
  ["Aliases", { action: "model.alias" }],
  ["Rollouts begun", { action: "rollout.begin" }],
  ["Incidents", { action: "incident" }],
];

/** Report is what the server finds when it verifies itself. */
interface Report {
  entries: number;
  rows: number;
  sealed: number;
  open: number;
  findings?: { workspace: string; subject: string; problem: string }[];
}

const fields = ["text", "action", "kind", "name", "actor", "from", "to"] as const;

export default function List() {
  const values = Object.fromEntries(fields.map((f) => [f, useParam(f)[0]])) as Record<(typeof fields)[number], string>;
  const [before] = useParam("before");
  const ask = new URLSearchParams({ limit: String(limit) });
  for (const f of fields) if (values[f]) ask.set(f, f === "from" || f === "to" ? dayOf(values[f], f) : values[f]);
  if (before) ask.set("before", before);
  const address = apiURL(project.value, `pages/audit?${ask}`);
  const q = useQuery<AuditPage>(address, before ? [] : undefined);
  const items = q.data.value?.items ?? [];
  const search = useRef<HTMLInputElement>(null);
  const keys = useMemo(() => [{ keys: "/", text: "search", run: () => search.current?.focus() }], []);
  const filtered = fields.some((f) => values[f] !== "");
  return (
    <Page title="Audit" summary="Every change, who made it and why, in one log that nobody can rewrite unseen" copy={{ curl: { url: address }, cli: "trimtab audit verify" }} keys={keys}>
      <Filters values={values} input={search} items={items} />
      <Answer of={q}>
        {(p) =>
          p.items.length === 0 && !p.next && !filtered && !before ? (
            <Empty title="Nothing was changed yet" commands={["trimtab apply examples/", "export MLFLOW_TRACKING_URI=http://127.0.0.1:5000", "trimtab audit verify"]}>
              Each change of a model, an endpoint, a declaration or a decision becomes an entry here.
            </Empty>
          ) : (
            <>
              <Proven items={p.items} />
              <Section id="audit-entries" title={before ? "Older entries" : filtered ? "Entries found" : "Newest entries"} aside={shownText(p)}>
                {p.items.length === 0 ? (
                  <p class="detail">{p.next ? `None of the ${count(p.looked)} entries looked at fits; there are older ones.` : "No entry fits."}</p>
                ) : (
                  <div class="panel audit-list"><Entries items={p.items} /></div>
                )}
                <nav class="audit-pages" aria-label="Pages of entries">
                  {before && (
                    <button type="button" class="quiet" onClick={() => setParams({ before: "" }, { push: true })}>
                      To the newest
                    </button>
                  )}
                  {p.next && (
                    <button type="button" class="quiet" onClick={() => setParams({ before: String(p.next) }, { push: true })}>
                      Older entries
                    </button>
                  )}
                </nav>
              </Section>
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function dayOf(value: string, side: "from" | "to"): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  if (side === "from") return `${value}T00:00:00Z`;
  return new Date(Date.parse(`${value}T00:00:00Z`) + 86_400_000).toISOString(); // the day itself is meant, too
}

function shownText(p: AuditPage): string {
  const first = p.items[0];
  const last = p.items[p.items.length - 1];
  if (!first || !last) return "";
  return `${plural(p.items.length, "entry", "entries")}, ${last.index} to ${first.index}`;
}

function Filters({ values, input, items }: { values: Record<(typeof fields)[number], string>; input: { current: HTMLInputElement | null }; items: AuditEntry[] }) {
  const set = (name: string) => (value: string) => setParams({ [name]: value, before: "" });
  const known = (f: (e: AuditEntry) => string) => [...new Set(items.map(f))].sort();
  const any = fields.some((f) => values[f]);
  return (
    <form class="audit-filters" role="search" aria-label="Search the audit log" onSubmit={(e) => e.preventDefault()}>
      <label class="audit-search">
        <span class="visually-hidden">Text</span>
        <Typed input={input} type="search" placeholder="Text in an entry" value={values.text} set={set("text")} />
      </label>
      <Field name="action" title="Action" value={values.action} set={set("action")} options={known((e) => e.action)} />
      <Field name="kind" title="Kind" value={values.kind} set={set("kind")} options={known((e) => e.kind)} />
      <Field name="name" title="Name" value={values.name} set={set("name")} options={known((e) => e.name)} />
      <Field name="actor" title="Who" value={values.actor} set={set("actor")} options={known((e) => e.actor)} />
      <label class="audit-field">
        <span>From</span>
        <input type="date" value={values.from.slice(0, 10)} onChange={(e) => set("from")(e.currentTarget.value)} />
      </label>
      <label class="audit-field">
        <span>To</span>
        <input type="date" value={values.to.slice(0, 10)} onChange={(e) => set("to")(e.currentTarget.value)} />
      </label>
      <nav class="audit-often" aria-label="Often looked for">
        {often.map(([text, query]) => {
          const chosen = fields.every((f) => values[f] === (query[f] ?? ""));
          return (
            <a key={text} class="chip" href={href("audit", query)} data-page aria-current={chosen ? "true" : undefined}>
              {text}
            </a>
          );
        })}
      </nav>
      {any && (
        <button type="button" class="quiet" onClick={() => setParams(Object.fromEntries([...fields, "before"].map((f) => [f, ""])))}>
          Clear
        </button>
      )}
    </form>
  );
}

function Field({ name, title, value, set, options }: { name: string; title: string; value: string; set: (value: string) => void; options: string[] }) {
  return (
    <label class="audit-field">
      <span>{title}</span>
      <Typed value={value} set={set} list={`audit-${name}`} />
      <datalist id={`audit-${name}`}>
        {options.map((o) => (
          <option key={o} value={o} />
        ))}
      </datalist>
    </label>
  );
}

function Entries({ items }: { items: AuditEntry[] }) {
  return (
    <Table
      label="Entries of the audit log"
      rows={items}
      rowKey={(e) => String(e.index)}
      columns={[
        {
          id: "index",
          title: "Entry",
          width: "72px",
          value: (e) => (
            <a href={href(`audit/${e.index}`)} data-page data-row>
              {e.index}
            </a>
          ),
        },
        { id: "when", title: "When", width: "96px", value: (e) => <Age at={e.time} /> },
        { id: "who", title: "Who", value: (e) => <span title={`${e.actorKind}${e.via ? ` by ${e.via}` : ""}`}>{e.actor}</span> },
        { id: "action", title: "Action", value: (e) => <code>{e.action}</code> },
        {
          id: "object",
          title: "About",
          value: (e) => (
            <span class="audit-about">
              <span class="detail">{kindWord(e.kind)}</span> <ObjectLink of={e} />
            </span>
          ),
        },
        { id: "why", title: "Why", value: (e) => <span class="audit-clip" title={e.reason}>{e.reason}</span> },
      ]}
    />
  );
}

/** Proven verifies what is shown, and lets the server verify itself. */
function Proven({ items }: { items: AuditEntry[] }) {
  const [verdict, setVerdict] = useState<Verdict>();
  const [report, setReport] = useState<Report>();
  const [busy, setBusy] = useState<"browser" | "server">();
  const [problem, setProblem] = useState<Problem>();
  const shown = items.map((e) => e.index).join();
  useEffect(() => setVerdict(undefined), [shown]);
  const no = cannot();
  const inBrowser = async () => {
    setBusy("browser");
    setProblem(undefined);
    try {
      const seen = seenBefore(project.value);
      const indices = items.map((e) => e.index);
      const e = await call<AuditEvidence>("GET", apiURL(project.value, `audit/proofs?index=${indices.join(",")}${seen ? `&since=${seen.size}` : ""}`));
      const v = await verify(e, project.value, indices, seen);
      setVerdict(v);
      remember(project.value, e, v);
    } catch (e) {
      setProblem(e as Problem);
    }
    setBusy(undefined);
  };
  const onServer = async () => {
    setBusy("server");
    setProblem(undefined);
    try {
      setReport(await call<Report>("POST", apiURL(project.value, "audit/verify")));
    } catch (e) {
      setProblem(e as Problem);
    }
    setBusy(undefined);
  };
  const seen = seenBefore(project.value);
  return (
    <Section id="audit-verify" title="Verification" aside={seen && `This browser last verified ${count(seen.size)} entries, signed ${moment(seen.at)}`}>
      <div class="audit-verify">
        <button type="button" class="primary" disabled={!!no || !!busy || items.length === 0} onClick={inBrowser}>
          {busy === "browser" ? "Verifying" : `Verify the ${plural(items.length, "entry", "entries")} shown`}
        </button>
        <button type="button" class="quiet" disabled={!!busy} onClick={onServer}>
          {busy === "server" ? "Verifying" : "Let the server verify everything"}
        </button>
        {verdict && <VerdictLine of={verdict} />}
        {report && <ReportLine of={report} />}
      </div>
      {no && (
        <p class="note warn">
          <Shape tone="warn" />
          <span>This browser cannot verify. {no}</span>
        </p>
      )}
      {problem && (
        <p class="note warn" role="alert">
          <Shape tone="bad" />
          <span>
            {problem.message} <span class="detail">{problem.kind}{problem.requestId && `, request ${problem.requestId}`}</span>
          </span>
        </p>
      )}
      {verdict && <Checks of={verdict} again={inBrowser} />}
      {report?.findings && report.findings.length > 0 && (
        <Table
          label="What the server found"
          rows={report.findings}
          rowKey={(f) => `${f.workspace} ${f.subject} ${f.problem}`}
          columns={[
            { id: "subject", title: "Subject", value: (f) => f.subject },
            { id: "problem", title: "Problem", value: (f) => f.problem },
            { id: "project", title: "Project", value: (f) => f.workspace },
          ]}
        />
      )}
    </Section>
  );
}

function ReportLine({ of: r }: { of: Report }) {
  const n = r.findings?.length ?? 0;
  if (n > 0) return <State tone="bad">the server found {plural(n, "problem")}</State>;
  return (
    <State tone="ok">
      the server hashed {plural(r.entries, "entry", "entries")} and compared {plural(r.rows, "row")} and {plural(r.sealed, "seal")}: nothing found
      {r.open > 0 && `, ${plural(r.open, "run")} not sealed yet`}
    </State>
  );
}
