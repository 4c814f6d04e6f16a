// What is kept out of an endpoint's rows: the incidents that hold them, the rows
// themselves, and the release, which lets them be learnt from after all.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { DataHold, KeptOutRows, QuarantinePage } from "../api_gen";
import { apiURL } from "../base";
import { count, plural } from "../format";
import { quoted } from "../monitors/monitor";
import { incidentWord, toneOfIncident } from "../monitors/words";
import { Answer, Empty, Page } from "../page";
import { Confirm, Section, Table, toast } from "../parts";
import { call, useQuery, type Problem } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { State } from "../shapes";
import { dateOf } from "./words";

export default function Quarantine({ params }: { params: Record<string, string> }) {
  const endpoint = params.endpoint ?? "";
  const url = apiURL(project.value, `data/quarantine/${enc(endpoint)}`);
  const answer = useQuery<QuarantinePage>(url, ["incident"]);
  const p = answer.data.value;
  const [wanted] = useParam("incident");
  const [asking, setAsking] = useState<DataHold>();
  const hold = p && (p.holds.find((h) => h.id === wanted) ?? p.holds[0]);
  const can = hold !== undefined && !hold.released;
  const ask = () => can && setAsking(hold);
  const keys = useMemo(() => (can ? [{ keys: "r", text: "release the rows of the chosen incident", run: ask }] : []), [hold?.id, can]);
  const actions = can ? [{ text: `Release the rows of ${hold.id}`, run: ask }] : [];
  return (
    <Page
      title={`Quarantine of ${endpoint}`}
      crumbs={[{ text: "Data", to: "data" }]}
      label={p && <State tone={p.summary.holds ? "bad" : "ok"}>{p.summary.holds ? `${plural(p.summary.rows, "row")} held` : "nothing is held"}</State>}
      summary={p && p.logged > 0 ? `${plural(p.logged, "row")} quarantined by contracts since the log began` : undefined}
      copy={{ curl: { url }, cli: `trimtab incidents list --endpoint ${quoted(endpoint)}` }}
      keys={keys}
      actions={actions}
    >
      <Answer of={answer}>
        {(p) =>
          p.holds.length === 0 && p.logged === 0 ? (
            <Empty title="Nothing is kept out" commands={[`trimtab incidents list --endpoint ${quoted(endpoint)}`]}>
              Rows of a data fault that is sure, and rows that break a contract with onFail quarantine, are answered and then kept out of training, references and figures until a person releases them.
            </Empty>
          ) : (
            <>
              <Holds p={p} hold={hold} ask={setAsking} />
              <Rows endpoint={endpoint} hold={hold} all={p.holds.length === 0} />
            </>
          )
        }
      </Answer>
      {asking && <Release hold={asking} endpoint={endpoint} close={() => setAsking(undefined)} done={answer.refresh} />}
    </Page>
  );
}

function Holds({ p, hold, ask }: { p: QuarantinePage; hold: DataHold | undefined; ask: (h: DataHold) => void }) {
  if (p.holds.length === 0) return <p class="panel">No incident holds rows. Those that contracts quarantined since the last window follow.</p>;
  return (
    <Section id="holds" title="What holds rows" aside={plural(p.holds.length, "incident")}>
      <div class="panel">
        <Table
          label="Incidents that hold rows"
          rows={p.holds}
          rowKey={(h) => h.id}
          chosen={(h) => h.id === hold?.id}
          columns={[
            { id: "what", title: "What", value: (h) => <button type="button" class="data-link" data-row onClick={() => setParams({ incident: h.id })}>{h.rule || `${h.fault || incidentWord(h.kind)}${h.columns.length ? ` in ${h.columns.slice(0, 2).join(", ")}${h.columns.length > 2 ? ` and ${h.columns.length - 2} more` : ""}` : ""}`}</button> },
            { id: "state", title: "State", value: (h) => <State tone={h.released ? "ok" : toneOfIncident(h.severity, true)}>{h.released ? "released" : h.open ? "held, goes on" : "held"}</State> },
            { id: "rows", title: "Rows", num: true, value: (h) => count(h.bad), sort: (h) => h.bad },
            { id: "span", title: "Event time", value: (h) => <span class="data-date">{dateOf(h.begin)} to {h.end ? dateOf(h.end) : "now"}</span>, sort: (h) => h.begin },
            { id: "cause", title: "Cause", value: (h) => <span class="data-cause">{h.cause}</span> },
            { id: "incident", title: "Incident", value: (h) => <a href={href(`incidents/${enc(h.id)}`)} data-page title={h.id}>evidence</a> },
            { id: "act", title: "", value: (h) => (h.released ? <span class="detail">{h.releasedBy ? `by ${h.releasedBy}` : ""}{h.note ? `: ${h.note}` : ""}</span> : <button type="button" class="danger" aria-label={`Release the rows of ${h.id}`} onClick={() => ask(h)}>Release</button>) },
          ]}
        />
      </div>
    </Section>
  );
}

const pageSize = 50;

/** Rows are the rows that the chosen incident keeps out, page by page. */
function Rows({ endpoint, hold, all }: { endpoint: string; hold: DataHold | undefined; all: boolean }) {
  const where = all || !hold ? "" : `incident=${enc(hold.id)}&`;
  const first = apiURL(project.value, `data/quarantine/${enc(endpoint)}/rows?${where}limit=${pageSize}`);
  const answer = useQuery<KeptOutRows>(first, ["incident"]);
  return (
    <Section id="rows" title="Rows" aside={hold ? (hold.columns.length ? `columns of the incident first: ${hold.columns.slice(0, 6).join(", ")}` : undefined) : undefined}>
      <Answer of={answer}>{(r) => <Preview key={first} first={r} address={first} columns={hold?.columns ?? []} />}</Answer>
    </Section>
  );
}

function Preview({ first, address, columns }: { first: KeptOutRows; address: string; columns: string[] }) {
  const [more, setMore] = useState<KeptOutRows[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => setMore([]), [first]);
  const last = more[more.length - 1] ?? first;
  const pages = [first, ...more];
  const rows = pages.flatMap((page) => page.rows.map((r) => ({ r, columns: page.columns })));
  const looked = first.looked + more.reduce((n, m) => n + m.looked, 0);
  // The columns of the incident come first: they are what one wants to see.
  const order = useMemo(() => {
    const rank = (name: string) => (columns.includes(name) ? columns.indexOf(name) : columns.length);
    const all = [...new Set(pages.flatMap((page) => page.columns))];
    return all.map((name, i) => ({ name, i })).sort((a, b) => rank(a.name) - rank(b.name) || a.i - b.i);
  }, [pages.map((page) => page.columns.join("|")).join("|"), columns.join("|")]);
  const load = async () => {
    setBusy(true);
    try {
      const next = await call<KeptOutRows>("GET", `${address}&after=${enc(last.next ?? "")}`);
      setMore([...more, next]);
      setProblem(undefined);
    } catch (e) {
      setProblem(e as Problem);
    }
    setBusy(false);
  };
  return (
    <>
      {rows.length === 0 ? (
        <p class="panel">{last.next ? `No row up to ${dateOf(last.through)}; further ones have not been looked at.` : "No row is kept out here."}</p>
      ) : (
        <div class="panel data-tall">
          <div class="scroll" tabIndex={0} role="group" aria-label="Rows that are kept out">
            <table class="listing data-rows">
              <thead>
                <tr>
                  <th scope="col">Row</th>
                  <th scope="col">Event time</th>
                  <th scope="col">Reason</th>
                  <th scope="col" class="num">
                    Answer
                  </th>
                  {order.map((c) => (
                    <th key={c.name} scope="col" class={`num ${columns.includes(c.name) ? "data-lit" : ""}`}>
                      {c.name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map(({ r, columns: own }) => (
                  <tr key={`${r.at} ${r.id}`}>
                    <th scope="row">
                      <code>{r.id}</code>
                    </th>
                    <td class="data-date">{r.at.slice(0, 19).replace("T", " ")}</td>
                    <td>{r.rule ? <span title={r.reason}>{r.rule}</span> : r.released ? "released" : "held"}</td>
                    <td class="num">{r.output === undefined ? "–" : r.output.toPrecision(4)}</td>
                    {order.map((c) => {
                      const v = r.values[own.indexOf(c.name)] as string | null | undefined; // a page has columns of its own
                      return (
                        <td key={c.name} class={`num ${columns.includes(c.name) ? "data-lit" : ""}`}>
                          {v == null ? <span class="detail">missing</span> : v}
                        </td>
                      );
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
      <div class="toolbar data-more">
        <span class="detail">
          {plural(rows.length, "row")}
          {looked > rows.length ? ` among ${count(looked)} that were looked at` : ""}
        </span>
        {last.next && (
          <button type="button" class="quiet" disabled={busy} onClick={load}>
            {busy ? "Reading" : "More rows"}
          </button>
        )}
        {problem && <State tone="bad">{problem.message}</State>}
      </div>
    </>
  );
}

/** Release asks for the reason and the endpoint's name: released rows are learnt from. */
function Release({ hold, endpoint, close, done }: { hold: DataHold; endpoint: string; close: () => void; done: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title="Release held rows?"
      word={endpoint}
      action="Release"
      danger
      close={close}
      run={async () => {
        if (reason.trim() === "") throw { kind: "Invalid", message: "A release needs a reason: it stands in the audit log.", status: 400 } satisfies Problem;
        await call("POST", apiURL(project.value, `incidents/${enc(hold.id)}/release`), { reason: reason.trim() });
        toast(`Released ${plural(hold.bad, "row")}`, "ok");
        done();
      }}
    >
      <p>
        {plural(hold.bad, "row")} of {dateOf(hold.begin)} to {hold.end ? dateOf(hold.end) : "now"} count again: as quality, as reference, and for every training from now on. Windows that were closed without them are corrected. It cannot be undone.
      </p>
      <p class="detail">{hold.cause}</p>
      <label class="field">
        <span>Reason, for the audit log</span>
        <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} required maxLength={500} />
      </label>
    </Confirm>
  );
}
