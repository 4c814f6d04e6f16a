// All data of a project: where rows come from, what they must look like, and what
// is kept out of training and figures.
import type { DataContract, DataPage, DataQuarantine, DataSource } from "../api_gen";
import { apiURL } from "../base";
import { Spark } from "../chart/spark";
import { count, plural } from "../format";
import { share, toneOfCell } from "../monitors/words";
import { Answer, Empty, Page } from "../page";
import { Age, Digest, Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project } from "../router";
import { State } from "../shapes";
import { dateOf, subjectWords } from "./words";

export default function DataList() {
  const url = apiURL(project.value, "data");
  const answer = useQuery<DataPage>(url, ["datasource", "datacontract", "snapshot", "contractResult", "incident", "pipeline"]);
  const d = answer.data.value;
  return (
    <Page title="Data" summary={d && summary(d)} copy={{ curl: { url }, cli: "trimtab get datasource" }}>
      <Answer of={answer}>
        {(d) =>
          d.sources.length + d.contracts.length + d.quarantine.length === 0 ? (
            <Empty title="No data yet" commands={["trimtab data infer rows.parquet > my-model/contract.yaml", "trimtab apply my-model", "trimtab pipeline run train --follow"]}>
              A source says where rows come from and what their columns mean; a contract what they must look like. A pipeline takes snapshots, which never change.
            </Empty>
          ) : (
            <>
              <Quarantine all={d.quarantine} />
              <Sources all={d.sources} />
              <Contracts all={d.contracts} />
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function summary(d: DataPage): string {
  const broken = d.contracts.filter((c) => c.state === "bad").length;
  const held = d.quarantine.reduce((n, q) => n + q.rows, 0);
  const parts = [plural(d.sources.length, "source"), plural(d.contracts.length, "contract") + (broken ? `, ${broken} broken` : "")];
  if (held) parts.push(`${plural(held, "row")} held`);
  return parts.join(" · ");
}

function Sources({ all }: { all: DataSource[] }) {
  return (
    <Section id="sources" title="Sources" aside={plural(all.length, "source")}>
      {all.length === 0 ? (
        <p class="panel">No source is declared.</p>
      ) : (
        <div class="panel">
          <Table
            label="Sources"
            rows={all}
            rowKey={(s) => s.name}
            order={{ by: "name" }}
            columns={[
              { id: "name", title: "Source", value: (s) => <a href={href(`data/sources/${enc(s.name)}`)} data-page data-row title={s.name}>{s.name}</a>, sort: (s) => s.name },
              { id: "where", title: "Rows of", value: (s) => (s.endpoint ? <>endpoint <a href={href(`endpoints/${enc(s.endpoint)}`)} data-page>{s.endpoint}</a></> : <code class="data-path" title={s.path}>{s.path}</code>) },
              { id: "inventory", title: "Declared in", value: (s) => <span class="data-path" title={s.inventory}>{s.inventory?.replace(/^\w+:/, "") || "–"}</span>, sort: (s) => s.inventory },
              { id: "used", title: "Read by", value: (s) => (s.pipelines.length ? s.pipelines.map((p, i) => <>{i > 0 && ", "}<a href={href(`pipelines/${enc(p)}`)} data-page>{p}</a></>) : "–") },
              { id: "snapshots", title: "Snapshots", num: true, value: (s) => count(s.snapshots), sort: (s) => s.snapshots },
              { id: "newest", title: "Newest", value: (s) => (s.newest ? <Digest of={s.newest.digest} /> : "–") },
              { id: "asof", title: "As of", value: (s) => (s.newest ? <span class="data-date">{dateOf(s.newest.asOf)}</span> : "–"), sort: (s) => s.newest?.asOf },
              { id: "rows", title: "Rows", num: true, value: (s) => (s.newest ? count(s.newest.rows) : "–"), sort: (s) => s.newest?.rows },
              { id: "age", title: "Taken", value: (s) => <Age at={s.newest?.created} />, sort: (s) => s.newest?.created },
            ]}
          />
        </div>
      )}
    </Section>
  );
}

function Contracts({ all }: { all: DataContract[] }) {
  return (
    <Section id="contracts" title="Contracts" aside={plural(all.length, "contract")}>
      {all.length === 0 ? (
        <p class="panel">
          No contract is declared: <code>trimtab data infer</code> makes one from rows.
        </p>
      ) : (
        <div class="panel">
          <Table
            label="Contracts"
            rows={all}
            rowKey={(c) => c.name}
            columns={[
              { id: "name", title: "Contract", value: (c) => <a href={href(`data/contracts/${enc(c.name)}`)} data-page data-row title={c.name}>{c.name}</a>, sort: (c) => c.name },
              { id: "state", title: "State", value: (c) => <State tone={toneOfCell(c.state)}>{c.state === "bad" ? "broken" : c.state === "ok" ? "kept" : "not judged yet"}</State>, sort: (c) => (c.state === "bad" ? 0 : c.state === "none" ? 2 : 1) },
              { id: "about", title: "About", value: (c) => (c.endpoint ? <>endpoint <a href={href(`endpoints/${enc(c.endpoint)}`)} data-page>{c.endpoint}</a></> : c.source ? <>source <a href={href(`data/sources/${enc(c.source)}`)} data-page>{c.source}</a></> : "–") },
              { id: "rules", title: "Rules", num: true, value: (c) => (c.rules ? count(c.rules) : "–"), sort: (c) => c.rules },
              { id: "onfail", title: "A failing row is", value: (c) => onFail(c.onFail) },
              { id: "subject", title: "Judged last", value: (c) => (c.subject ? subjectWords(c.subject) : "–"), sort: (c) => c.at },
              { id: "failed", title: "Failing", num: true, value: (c) => (c.rows ? `${count(c.failed)} of ${count(c.rows)}` : "–"), sort: (c) => (c.rows ? c.failed / c.rows : null) },
              { id: "broken", title: "Broken rules", value: (c) => (c.broken.length ? <span title={c.broken.join(", ")}>{c.broken.slice(0, 2).join(", ")}{c.broken.length > 2 ? ` and ${c.broken.length - 2} more` : ""}</span> : "") },
              { id: "spark", title: "Share failing", value: (c) => ((c.spark?.length ?? 0) > 1 ? <Spark y={c.spark ?? []} label={`Share of failing rows, ${share(c.rows ? c.failed / c.rows : null)} at last`} width={88} height={20} /> : "") },
            ]}
          />
        </div>
      )}
    </Section>
  );
}

/** onFail says what happens to a row that breaks a rule. */
export function onFail(word: string): string {
  return { report: "reported", quarantine: "quarantined", reject: "refused" }[word] ?? word;
}

function Quarantine({ all }: { all: DataQuarantine[] }) {
  if (all.length === 0) return null;
  return (
    <Section id="quarantine" title="Quarantine" aside="kept out of training, references and figures until a person releases it">
      <div class="panel">
        <Table
          label="Quarantine by endpoint"
          rows={all}
          rowKey={(q) => q.endpoint}
          columns={[
            { id: "endpoint", title: "Endpoint", value: (q) => <a href={href(`data/quarantine/${enc(q.endpoint)}`)} data-page data-row>{q.endpoint}</a>, sort: (q) => q.endpoint },
            { id: "state", title: "State", value: (q) => <State tone={q.holds ? "bad" : "ok"}>{q.holds ? plural(q.holds, "incident holds", "incidents hold") + " rows" : "nothing is held"}</State> },
            { id: "rows", title: "Rows held", num: true, value: (q) => count(q.rows), sort: (q) => q.rows },
            { id: "logged", title: "Quarantined by contracts", num: true, value: (q) => count(q.logged), sort: (q) => q.logged },
            { id: "columns", title: "Columns", value: (q) => <span title={q.columns.join(", ")}>{q.columns.slice(0, 4).join(", ")}{q.columns.length > 4 ? ` and ${q.columns.length - 4} more` : ""}</span> },
            { id: "newest", title: "Newest from", value: (q) => <span class="data-date">{dateOf(q.newest)}</span>, sort: (q) => q.newest },
            { id: "released", title: "Released", num: true, value: (q) => count(q.released), sort: (q) => q.released },
          ]}
        />
      </div>
    </Section>
  );
}
