// What a run read and made: data sets, files of its step, models and versions.
import type { RunFile, RunInput, RunPage } from "../api_gen";
import { Empty } from "../page";
import { Age, Digest, Facts, Section, Table, Version } from "../parts";
import { enc, href } from "../router";
import { State, toneOf } from "../shapes";

/** Inputs shows lineage: what came in, what the run is a part of, what came out. */
export function Inputs({ run }: { run: RunPage }) {
  const o = run.origin;
  if (!o && run.inputs.length + run.models.length + run.versions.length === 0) {
    return (
      <Empty title="No inputs and no models" commands={[`python -c "import mlflow; mlflow.start_run(run_id='${run.id}'); mlflow.log_input(mlflow.data.from_pandas(rows))"`]}>
        A run that logs its data sets and models shows here what it was made from and what came of it.
      </Empty>
    );
  }
  return (
    <div class="run-inputs">
      {o && (
        <Section id="run-origin" title="Made by" aside={<a href={href(`pipelineruns/${enc(o.run)}`)} data-page>Open the pipeline run</a>}>
          <div class="panel run-pad">
            <Facts
              of={[
                ["Pipeline", <a href={href(`pipelines/${enc(o.pipeline)}`)} data-page>{o.pipeline}</a>],
                ["Pipeline run", <a href={href(`pipelineruns/${enc(o.run)}`)} data-page><code>{o.run}</code></a>],
                ["State", <State tone={toneOf(o.state)[0]}>{toneOf(o.state)[1]}</State>],
                ["Step", `${o.step}, attempt ${o.attempt}`],
                ["Cause", o.cause],
                ["Code", o.code && <Digest of={o.code} />],
                ["Cache key", o.key && <Digest of={o.key} />],
              ]}
            />
            {o.command && <p class="run-command"><code>{o.command}</code></p>}
          </div>
          <Files title="Read" files={o.inputs} />
          <Files title="Wrote" files={o.outputs} />
        </Section>
      )}
      {run.inputs.length > 0 && (
        <Section id="run-data" title="Data sets">
          <div class="run-datasets">{run.inputs.map((d) => <DataSet key={d.name + d.digest} of={d} />)}</div>
        </Section>
      )}
      {run.models.length > 0 && (
        <Section id="run-models" title="Logged models">
          <div class="panel">
            <Table label="Logged models" rows={run.models} rowKey={(m) => m.id + m.role} columns={[
              { id: "name", title: "name", value: (m) => m.name || "–", sort: (m) => m.name },
              { id: "id", title: "id", value: (m) => <Digest of={m.id} /> },
              { id: "role", title: "role", value: (m) => (m.role === "input" ? "read by the run" : "made by the run") },
              { id: "status", title: "status", value: (m) => m.status?.replace("LOGGED_MODEL_", "").toLowerCase() || "–" },
              { id: "created", title: "created", value: (m) => <Age at={m.created} /> },
            ]} />
          </div>
        </Section>
      )}
      {run.versions.length > 0 && (
        <Section id="run-versions" title="Registered versions">
          <div class="panel">
            <Table label="Registered versions" rows={run.versions} rowKey={(v) => `${v.model}/${v.version}`} columns={[
              { id: "model", title: "model", value: (v) => <a href={href(`models/${enc(v.model)}`)} data-page data-row>{v.model}</a> },
              { id: "version", title: "version", value: (v) => <Version model={v.model} version={v.version} /> },
              { id: "aliases", title: "aliases", value: (v) => v.aliases.join(", ") || "–" },
              { id: "created", title: "registered", value: (v) => <Age at={v.created} /> },
            ]} />
          </div>
        </Section>
      )}
    </div>
  );
}

function Files({ title, files }: { title: string; files: RunFile[] }) {
  if (files.length === 0) return null;
  return (
    <div class="panel">
      <Table label={`${title} by the step`} rows={files} rowKey={(f) => f.name} columns={[
        { id: "name", title: title === "Read" ? "read" : "wrote", value: (f) => f.name },
        { id: "from", title: "from", value: (f) => f.from ?? "–" },
        { id: "digest", title: "digest", value: (f) => <Digest of={f.digest} /> },
      ]} />
    </div>
  );
}

interface ColumnOf {
  name?: string;
  type?: string;
}

function DataSet({ of: d }: { of: RunInput }) {
  const columns = columnsOf(d.schema);
  return (
    <div class="panel run-pad">
      <h3>{d.name}</h3>
      <Facts of={[["Digest", <code>{d.digest}</code>], ["Used for", d.context], ["Source", d.source && <span class="run-source">{sourceOf(d)}</span>], ["Profile", d.profile && <code class="run-source">{d.profile.slice(0, 200)}</code>]]} />
      {columns.length > 0 && (
        <ul class="chips run-columns" aria-label="Columns">
          {columns.slice(0, 60).map((c, i) => (
            <li key={i}>
              {c.name} <span class="detail">{c.type}</span>
            </li>
          ))}
          {columns.length > 60 && <li class="detail">and {columns.length - 60} more</li>}
        </ul>
      )}
    </div>
  );
}

function columnsOf(schema: string | undefined): ColumnOf[] {
  if (!schema) return [];
  try {
    const s = JSON.parse(schema) as { mlflow_colspec?: ColumnOf[] };
    return Array.isArray(s.mlflow_colspec) ? s.mlflow_colspec : [];
  } catch {
    return []; // a client may write what it likes there
  }
}

function sourceOf(d: RunInput): string {
  try {
    const s = JSON.parse(d.source ?? "") as { uri?: string; path?: string };
    return s.uri ?? s.path ?? d.source ?? "";
  } catch {
    return d.source ?? "";
  }
}
