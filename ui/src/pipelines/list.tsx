// All pipelines: how their last runs went, what runs now, what starts them.
import type { PipelineStarter, PipelineSummary } from "../api_gen";
import { apiURL } from "../base";
import { now } from "../clock";
import { duration, percent, plural } from "./words";
import { Answer, Empty, Page } from "../page";
import { Age, Command, Table, type Column } from "../parts";
import { useQuery } from "../query";
import { enc, href, project } from "../router";
import { RunBars } from "./bars";
import { Cause, RunState } from "./cause";

export default function Pipelines() {
  const url = apiURL(project.value, "pipelines");
  const q = useQuery<{ items: PipelineSummary[] }>(url, ["pipeline", "pipelineRun", "step", "retrainpolicy"]);
  const all = q.data.value?.items ?? [];
  const running = all.filter((p) => p.running).length;
  const failing = all.filter((p) => p.runs.at(-1)?.state === "failed").length;
  return (
    <Page
      title="Pipelines"
      summary={all.length > 0 && `${plural(all.length, "pipeline")}${running ? `, ${running} running` : ""}${failing ? `, ${failing} failed last` : ""}`}
      copy={{ curl: { url }, cli: "trimtab pipeline list" }}
      busy={running > 0}
    >
      <Answer of={q}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No pipeline yet. Three commands make one and run it:" commands={["trimtab init demo", "trimtab apply demo", "trimtab pipeline run train --follow"]}>
              A pipeline is declared as steps in YAML: data sets, commands, and the alias that points to what they register.
            </Empty>
          ) : (
            <div class="panel pipelines-all">
              <Table label="Pipelines" columns={columns} rows={items} rowKey={(p) => p.name} />
            </div>
          )
        }
      </Answer>
    </Page>
  );
}

const columns: Column<PipelineSummary>[] = [
  {
    id: "name",
    title: "Pipeline",
    sort: (p) => p.name,
    value: (p) => (
      <div class="pipelines-name">
        <a class="title" href={href(`pipelines/${enc(p.name)}`)} data-page data-row>
          {p.name}
        </a>
        <p class="detail" title={p.description}>
          {p.declared ? p.description : "not declared any more"}
        </p>
      </div>
    ),
  },
  { id: "runs", title: "Last runs", value: (p) => (p.runs.length > 0 ? <RunBars runs={p.runs} of={p.name} /> : <Command label={`the command that runs ${p.name}`}>{`trimtab pipeline run ${p.name}`}</Command>) },
  { id: "last", title: "Newest", sort: (p) => p.runs.at(-1)?.created, value: (p) => <Newest p={p} /> },
  { id: "good", title: "Succeeded", num: true, sort: (p) => (p.ended ? p.succeeded / p.ended : null), value: (p) => (p.ended ? <span title={`${p.succeeded} of the last ${p.ended} that ended`}>{percent(p.succeeded / p.ended)}</span> : "–") },
  { id: "p50", title: "Half take", num: true, sort: (p) => p.p50, value: (p) => (p.p50 ? duration(p.p50) : "–") },
  { id: "starts", title: "Started by", value: (p) => <Starters of={p.startedBy} /> },
];

function Newest({ p }: { p: PipelineSummary }) {
  const last = p.runs.at(-1);
  if (!last) return <span class="detail">never run</span>;
  const r = p.running;
  if (r)
    return (
      <div class="pipelines-now">
        <a href={href(`pipelineruns/${enc(r.id)}`)} data-page>
          <RunState state={r.state} />
        </a>
        <span class="detail">
          {" "}
          {r.now?.join(", ") ?? "waits"}, {duration(now.value - Date.parse(r.since))}
        </span>
        <progress max={r.total} value={r.done} aria-label={`${r.done} of ${r.total} steps of ${p.name}`} />
      </div>
    );
  return (
    <div>
      <a href={href(`pipelineruns/${enc(last.id)}`)} data-page>
        <RunState state={last.state} />
      </a>{" "}
      <Age at={last.created} />
      <p class="detail">
        <Cause text={last.cause} />
      </p>
    </div>
  );
}

/** Starters are the policies that may start a pipeline. */
export function Starters({ of: all }: { of: PipelineStarter[] | undefined }) {
  if (!all || all.length === 0) return <span class="detail">people and commands</span>;
  return (
    <ul>
      {all.map((s) => (
        <li key={s.policy}>
          policy {s.policy}{" "}
          <span class="detail">
            {s.mode}, {s.strategy}
            {s.every && ` every ${s.every}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
