// One pipeline: its steps, its runs, and the dialog that starts one.
import { useState } from "preact/hooks";
import type { PipelinePage, PipelineRunSummary } from "../api_gen";
import { apiURL } from "../base";
import { call, useQuery } from "../query";
import { Answer, Empty, Page } from "../page";
import { Age, Digest, Facts, Section, Table, toast, type Column } from "../parts";
import { enc, href, project, type Params } from "./route";
import { toneOf } from "../shapes";
import { RunBars, tookOf } from "./bars";
import { Cause, ended, RunState } from "./cause";
import { Graph } from "./graph";
import { Starters } from "./list";
import { Start } from "./start";
import { duration, plain } from "./words";

export default function Pipeline({ params }: { params: Params }) {
  const name = params.pipeline ?? "";
  const url = apiURL(project.value, `pipelines/${enc(name)}`);
  const q = useQuery<PipelinePage>(url, ["pipeline", "pipelineRun", "step", "retrainpolicy"]);
  const [starting, setStarting] = useState(false);
  const [older, setOlder] = useState<{ runs: PipelineRunSummary[]; next: string }>();
  const p = q.data.value;
  const canStart = p?.declared === true;
  const start = () => canStart && setStarting(true);
  const more = async (after: string) => {
    try {
      const page = await call<PipelinePage>("GET", `${url}?after=${enc(after)}`);
      setOlder({ runs: [...(older?.runs ?? []), ...page.runs], next: page.next ?? "" });
    } catch {
      toast("The older runs could not be read", "bad");
    }
  };
  return (
    <Page
      title={name}
      crumbs={[{ text: "Pipelines", to: "pipelines" }]}
      summary={p?.description && <span class="pipelines-break">{p.description}</span>}
      aside={
        canStart && (
          <button type="button" class="primary" onClick={start}>
            Run…
          </button>
        )
      }
      copy={{ curl: { url }, cli: `trimtab pipeline run ${name}`, yaml: () => call<{ spec: unknown }>("GET", apiURL(project.value, `resources/pipeline/${enc(name)}`)).then((r) => JSON.stringify({ apiVersion: "trimtab.dev/v1alpha1", kind: "Pipeline", metadata: { name }, spec: r.spec }, null, 2)) }}
      keys={canStart ? [{ keys: "r", text: "run the pipeline", run: start }] : []}
      actions={canStart ? [{ text: `Run ${name}`, run: start }] : []}
      busy={p?.runs.some((r) => !ended(r.state)) ?? false}
    >
      <Answer of={q}>
        {(p) => {
          const seen = new Set(p.runs.map((r) => r.id));
          const runs = [...p.runs, ...(older?.runs.filter((r) => !seen.has(r.id)) ?? [])];
          const next = older ? older.next : (p.next ?? "");
          return (
            <>
              <Facts
                of={[
                  ["Declared", p.declared ? <Declared p={p} /> : "not any more: only its runs are left"],
                  ["Started by", <Starters of={p.startedBy} />],
                  ["Experiment", <span class="pipelines-break">{p.experiment}</span>],
                  ["Code", p.codeDigest && <Digest of={p.codeDigest} />],
                  ["Environment", p.lock && <code>{p.lock}</code>],
                  ["Params", p.params && <ParamList of={p.params} />],
                ]}
              />
              <Section id="steps" title="Steps" aside={`${p.steps.length}`}>
                <div class="panel">
                  <Graph steps={p.steps} />
                </div>
              </Section>
              <Section id="runs" title="Runs" aside={p.runs.length > 0 && <RunBars runs={p.runs.slice(0, 60).reverse()} of={name} />}>
                {runs.length === 0 ? (
                  <Empty title="It has never run" commands={[`trimtab pipeline run ${name}`, `trimtab pipeline run ${name} --dry-run`]}>
                    Start it here with Run…, or by a command.
                  </Empty>
                ) : (
                  <>
                    <div class="panel pipelines-runs">
                      <Table label={`Runs of ${name}`} columns={columns} rows={runs} rowKey={(r) => r.id} />
                    </div>
                    {next !== "" && (
                      <button type="button" class="quiet more" onClick={() => void more(next)}>
                        Show older runs
                      </button>
                    )}
                  </>
                )}
              </Section>
              {starting && <Start of={p} close={() => setStarting(false)} />}
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

function Declared({ p }: { p: PipelinePage }) {
  return (
    <>
      generation {p.generation}, <Age at={p.updated} /> <span class="detail">{p.inventory || p.manager}</span>
    </>
  );
}

/** ParamList is names with values. */
export function ParamList({ of: all }: { of: Record<string, string> | undefined }) {
  const names = Object.keys(all ?? {});
  if (!all || names.length === 0) return <span class="detail">as declared</span>;
  return (
    <span class="pipelines-params">
      {names.map((k) => (
        <code key={k} title={`${k} = ${all[k]}`}>
          {k}={all[k]}
        </code>
      ))}
    </span>
  );
}

const columns: Column<PipelineRunSummary>[] = [
  {
    id: "run",
    title: "Run",
    value: (r) => (
      <a href={href(`pipelineruns/${enc(r.id)}`)} data-page data-row>
        <code>{r.id}</code>
      </a>
    ),
  },
  { id: "state", title: "State", sort: (r) => r.state, value: (r) => <RunState state={r.state} /> },
  { id: "began", title: "Started", sort: (r) => r.created, value: (r) => <Age at={r.created} /> },
  { id: "took", title: "Took", num: true, sort: tookOf, value: (r) => duration(tookOf(r)) },
  { id: "steps", title: "Steps", value: (r) => <Strip run={r} /> },
  { id: "cause", title: "Cause", sort: (r) => r.cause, value: (r) => <Cause text={r.cause} /> },
  {
    id: "what",
    title: "Params and cache",
    value: (r) => (
      <>
        <ParamList of={r.params} />
        {r.cache && <span class="detail"> cache {r.cache}</span>}
      </>
    ),
  },
  { id: "reason", title: "Why it ended so", value: (r) => <span class="pipelines-reason" title={plain(r.reason)}>{plain(r.reason)}</span> },
];

/** Strip shows the steps of a run by state; the words stand in its label. */
function Strip({ run }: { run: PipelineRunSummary }) {
  const label = run.steps.map((s) => `${s.name} ${toneOf(s.state)[1]}`).join(", ");
  return (
    <span class="pipelines-strip" role="img" aria-label={label} title={label}>
      {run.steps.map((s) => (
        <span key={s.name} class={`${toneOf(s.state)[0]} ${s.state}`} />
      ))}
    </span>
  );
}
