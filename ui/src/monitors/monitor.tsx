// One monitor: its windows in a row, and of the chosen one how good the answers
// were, what has moved, and what became of its rows.
import { useMemo } from "preact/hooks";
import type { MonitorPage } from "../api_gen";
import { apiURL } from "../base";
import { count, plural } from "../format";
import { Answer, Empty, Page, Tabs } from "../page";
import { Version } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { State } from "../shapes";
import { declaration } from "./declaration";
import { Drift } from "./drift";
import { Past } from "./past";
import { Quality } from "./quality";
import { Rows } from "./rows";
import { Strip } from "./strip";
import { at, incidentWord, iso, toneOfIncident } from "./words";

export default function MonitorPageOf({ params }: { params: Record<string, string> }) {
  const name = params.monitor ?? "";
  const [before] = useParam("before");
  const [chosen] = useParam("window");
  const url = apiURL(project.value, `monitors/${enc(name)}${before ? `?before=${enc(before)}` : ""}`);
  const answer = useQuery<MonitorPage>(url, ["window", "monitor", "incident"]);
  const m = answer.data.value;
  const keys = useMemo(
    () => [
      { keys: "ArrowLeft", text: "the window before", run: () => step(m, -1) },
      { keys: "ArrowRight", text: "the window after", run: () => step(m, 1) },
    ],
    [m],
  );
  const open = m?.incidents.filter((i) => i.open) ?? [];
  return (
    <Page
      title={name}
      crumbs={[{ text: "Monitors", to: "monitors" }]}
      label={m && <Verdict m={m} open={open} />}
      summary={m && summary(m)}
      aside={
        m && (
          <nav class="toolbar" aria-label="Related pages">
            <a href={href(`endpoints/${enc(m.endpoint)}`)} data-page>
              Endpoint
            </a>
            <a href={href(`loop/${enc(m.endpoint)}`)} data-page>
              Loop
            </a>
            <a href={href(`data/quarantine/${enc(m.endpoint)}`)} data-page>
              Quarantine
            </a>
          </nav>
        )
      }
      copy={{ curl: { url }, cli: `trimtab monitor show ${quoted(name)}`, yaml: () => declaration("Monitor", name) }}
      keys={keys}
    >
      <Answer of={answer}>
        {(m) =>
          m.windows.start.length === 0 ? (
            <Empty title="No window yet" commands={[`trimtab replay ${quoted(m.endpoint)} --source SOURCE --follow`, `trimtab labels push ${quoted(m.endpoint)} labels.parquet`, `trimtab monitor show ${quoted(name)}`]}>
              A window of {m.settings.window} is looked at when it ends, and measured {m.settings.maturity} later with the labels known by then.
            </Empty>
          ) : (
            <Filled m={m} chosen={chosen} />
          )
        }
      </Answer>
    </Page>
  );
}

/** quoted makes a name one word of a command line. */
export function quoted(name: string): string {
  return /^[\w.@%+=:,/-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}

function step(m: MonitorPage | undefined, by: number) {
  if (!m) return;
  const now = at(m.windows, new URL(location.href).searchParams.get("window") ?? "");
  choose(m, Math.min(m.windows.start.length - 1, Math.max(0, (now < 0 ? m.windows.start.length - 1 : now) + by)));
}

function choose(m: MonitorPage, i: number) {
  const start = m.windows.start[i];
  if (start !== undefined) setParams({ window: i === m.windows.start.length - 1 ? "" : iso(start) });
}

function Verdict({ m, open }: { m: MonitorPage; open: MonitorPage["incidents"] }) {
  const first = open.find((i) => i.severity === "critical") ?? open.find((i) => i.severity === "warning") ?? open[0];
  if (!first) return m.windows.start.length ? <State tone="ok">nothing is open</State> : null;
  return (
    <a href={href(`incidents/${enc(first.id)}`)} data-page title={first.cause}>
      <State tone={toneOfIncident(first.severity, true)}>
        {incidentWord(first.kind)}
        {open.length > 1 ? ` and ${open.length - 1} more` : ""}
      </State>
    </a>
  );
}

function summary(m: MonitorPage): string {
  const s = m.settings;
  const parts = [`windows of ${s.window} on ${m.endpoint}`, s.drift ? `against ${s.reference === "training" ? "the training of the served version" : `the ${s.reference} before`}` : "no drift", `labels mature after ${s.maturity}`];
  return parts.join(" · ");
}

function Filled({ m, chosen }: { m: MonitorPage; chosen: string }) {
  const [tab] = useParam("tab", "quality");
  const [compared] = useParam("against");
  const found = at(m.windows, chosen);
  const i = found < 0 ? m.windows.start.length - 1 : found;
  const j = compared ? at(m.windows, compared) : -1;
  const w = m.windows;
  const n = w.start.length;
  const drifting = m.drift.columns.filter((_, c) => m.drift.state[c]?.[i] === 3).length;
  const served = w.served[i] ?? 0;
  return (
    <>
      {m.past && <Past m={m} past={m.past} />}
      <section class="monitors-windows" aria-label="Windows">
        <div class="toolbar monitors-bar">
          <button type="button" class="quiet" aria-label="The window before" disabled={i <= 0} onClick={() => choose(m, i - 1)}>
            ←
          </button>
          <button type="button" class="quiet" aria-label="The window after" disabled={i >= n - 1} onClick={() => choose(m, i + 1)}>
            →
          </button>
          <strong>{w.label[i]}</strong>
          <State tone={w.closed[i] ? "ok" : "wait"}>{w.closed[i] ? "closed" : "labels not mature"}</State>
          <span class="detail">
            {plural(w.rows[i] ?? 0, "row")} · {count(w.labelled[i] ?? 0)} labelled
            {w.held[i] ? ` · ${count(w.held[i] ?? 0)} held` : ""}
            {w.quarantined[i] ? ` · ${count(w.quarantined[i] ?? 0)} quarantined` : ""}
          </span>
          {served > 0 && m.model && <Version model={m.model} version={served} />}
          <label class="monitors-against">
            <span class="detail">compare with</span>
            <select value={j < 0 ? "" : String(j)} onChange={(e) => setParams({ against: e.currentTarget.value === "" ? "" : iso(w.start[Number(e.currentTarget.value)] ?? 0) })}>
              <option value="">its reference</option>
              {w.label.map((l, k) => (
                <option key={k} value={String(k)} disabled={k === i}>
                  {l}
                </option>
              )).reverse()}
            </select>
          </label>
        </div>
        <Strip m={m} chosen={i} against={j} choose={(k) => choose(m, k)} compare={(k) => setParams({ against: k < 0 ? "" : iso(w.start[k] ?? 0) })} />
        <div class="monitors-ends detail">
          <span>
            {m.more ? (
              <button type="button" class="quiet" onClick={() => setParams({ before: iso(w.start[0] ?? 0), window: "", against: "" }, { push: true })}>
                Older windows
              </button>
            ) : (
              w.label[0]
            )}
          </span>
          <span class="monitors-legend">
            <span>
              <i class="labelled" aria-hidden="true" />
              labelled
            </span>
            <span>
              <i class="clean" aria-hidden="true" />
              not labelled
            </span>
            <span>
              <i class="kept-out" aria-hidden="true" />
              kept out
            </span>
          </span>
          <span>
            {new URL(location.href).searchParams.get("before") ? (
              <button type="button" class="quiet" onClick={() => setParams({ before: "", window: "", against: "" }, { push: true })}>
                Newest windows
              </button>
            ) : (
              w.label[n - 1]
            )}
          </span>
        </div>
      </section>
      <Tabs
        label="What the monitor watches"
        tabs={[
          { id: "quality", text: "Quality" },
          { id: "drift", text: "Drift", count: m.settings.drift ? drifting : undefined },
          { id: "rows", text: "Rows and labels", count: m.incidents.filter((x) => x.open).length || undefined },
        ]}
      />
      {tab === "drift" ? <Drift m={m} i={i} j={j} /> : tab === "rows" ? <Rows m={m} i={i} /> : <Quality m={m} i={i} j={j} />}
    </>
  );
}
