// The page of a run: what it is at the top, and what it logged in tabs.
import { useEffect, useMemo, useState } from "preact/hooks";
import { apiURL } from "../base";
import type { RunPage } from "../api_gen";
import { duration } from "../format";
import { Answer, Page, Tabs, type Action, type KeyBinding } from "../page";
import { Age, Confirm, Dialog, Digest, Facts, Menu, Version, toast } from "../parts";
import { ProblemLine } from "../dialog";
import { useQuery, type Problem } from "../query";
import { enc, go, href, project, useParam } from "../router";
import { State, toneOf } from "../shapes";
import { now } from "../clock";
import { Artifacts } from "./artifacts";
import { Inputs } from "./inputs";
import { Logs } from "./logs";
import { Metrics } from "./metrics";
import { mlflow } from "./mlflow";
import { Pairs } from "./pairs";
import { Reproduce } from "./reproduce";

/** RunView is the page. */
export default function RunView({ params }: { params: Record<string, string> }) {
  const id = params.run ?? "";
  const q = useQuery<RunPage>(apiURL(project.value, `runs/${enc(id)}/page`), ["run", "modelVersion", "loggedModel", "pipelineRun"]);
  const known = q.data.value;
  if (!known) {
    return (
      <Page title="Run" crumbs={[{ text: "Experiments", to: "experiments" }]}>
        <Answer of={q}>{() => null}</Answer>
      </Page>
    );
  }
  return <Shown key={known.id} run={known} refresh={q.refresh} of={q} />;
}

type Asked = "rename" | "describe" | "delete" | "restore" | null;

function Shown({ run, refresh, of }: { run: RunPage; refresh: () => void; of: ReturnType<typeof useQuery<RunPage>> }) {
  const [tab] = useParam("tab", "metrics");
  const [asked, setAsked] = useState<Asked>(null);
  const live = run.status === "RUNNING";
  const beat = useBeat(live, refresh);
  const [tone, word] = toneOf(run.status);
  const at = `experiments/${enc(run.experiment)}/runs/`;
  const near = (to: string | undefined) => to && go(`${at}${enc(to)}${tab === "metrics" ? "" : `?tab=${tab}`}`);
  const keys = useMemo<KeyBinding[]>(
    () => [
      { keys: "[", text: "newer run", run: () => near(run.newer) },
      { keys: "]", text: "older run", run: () => near(run.older) },
      { keys: "c", text: "compare with the older run", run: () => run.older && go(`compare?runs=${run.id},${run.older}`) },
    ],
    [run.id, run.newer, run.older, tab],
  );
  const deleted = run.lifecycle === "deleted";
  const actions: Action[] = [
    { text: "Rename this run", run: () => setAsked("rename") },
    { text: "Describe this run", run: () => setAsked("describe") },
    deleted ? { text: "Restore this run", run: () => setAsked("restore") } : { text: "Delete this run", run: () => setAsked("delete") },
  ];
  const commit = run.source.commit;
  const tabs = [
    { id: "metrics", text: "Metrics", count: run.metricKeys },
    { id: "params", text: "Params & tags", count: run.paramCount },
    { id: "artifacts", text: "Artifacts" },
    { id: "inputs", text: "Inputs & models", count: run.inputs.length + run.models.length + run.versions.length || undefined },
    ...(run.origin ? [{ id: "logs", text: "Logs" }] : []),
    { id: "reproduce", text: "Reproduce" },
  ];
  const end = run.end ?? new Date(now.value).toISOString();
  return (
    <Page
      title={run.name || run.id}
      label={<State tone={deleted ? "off" : tone}>{deleted ? "deleted" : word}</State>}
      crumbs={[
        { text: "Experiments", to: "experiments" },
        { text: run.experimentName || run.experiment, to: `experiments/${enc(run.experiment)}` },
      ]}
      busy={live}
      keys={keys}
      actions={actions}
      copy={{ curl: { url: apiURL(project.value, `runs/${enc(run.id)}/page`) }, cli: `trimtab run show ${run.id}` }}
      aside={
        <>
          <span class="run-near">
            <button type="button" class="quiet" disabled={!run.newer} onClick={() => near(run.newer)} aria-label="Newer run">
              ←
            </button>
            <button type="button" class="quiet" disabled={!run.older} onClick={() => near(run.older)} aria-label="Older run">
              →
            </button>
          </span>
          {run.older && (
            <a class="run-button" href={href("compare", { runs: `${run.id},${run.older}` })} data-page>
              Compare
            </a>
          )}
          <Menu text="More" items={actions} />
        </>
      }
    >
      <div class="run-head">
        {run.description && <p class="run-note">{run.description}</p>}
        <Facts
          of={[
            ["Started", <Age at={run.start} />],
            ["Duration", duration(Date.parse(end) - Date.parse(run.start)) + (live ? " so far" : "")],
            ["User", run.user],
            ["Source", run.source.name && <span class="run-cut" title={run.source.name}>{run.source.name.split(/[\\/]/).pop()}</span>],
            ["Commit", commit && <span><Digest of={commit} />{run.source.branch && <span class="detail"> {run.source.branch}</span>}</span>],
            ["Pipeline run", run.origin && <a href={href(`pipelineruns/${enc(run.origin.run)}`)} data-page>{run.origin.pipeline} / {run.origin.step}</a>],
            ["Data", dataOf(run)],
            ["Environment", run.origin?.lock],
            ["Registered", run.versions[0] && <>
              {run.versions[0].model} <Version model={run.versions[0].model} version={run.versions[0].version} />
              {run.versions.length > 1 && <span class="detail"> and {run.versions.length - 1} more</span>}
            </>],
            ["Run id", <Digest of={run.id} />],
          ]}
        />
      </div>
      <div class="run-body">
        <Tabs label="What the run logged" tabs={tabs} />
        <Answer of={of}>
          {() => (
            <div class="run-tab" role="tabpanel" aria-label={tabs.find((t) => t.id === tab)?.text ?? "Metrics"}>
              {tab === "params" ? (
                <Pairs run={run} refresh={refresh} />
              ) : tab === "artifacts" ? (
                <Artifacts run={run.id} />
              ) : tab === "inputs" ? (
                <Inputs run={run} />
              ) : tab === "logs" && run.origin ? (
                <Logs origin={run.origin} live={live} />
              ) : tab === "reproduce" ? (
                <Reproduce run={run} />
              ) : (
                <Metrics run={run.id} total={run.metricKeys} version={beat} />
              )}
            </div>
          )}
        </Answer>
      </div>
      {asked === "rename" && <Write title="Rename the run" value={run.name} close={() => setAsked(null)} save={(name) => mlflow(project.value, "runs/update", { run_id: run.id, run_name: name })} done={refresh} />}
      {asked === "describe" && (
        <Write title="Describe the run" value={run.description ?? ""} long close={() => setAsked(null)}
          save={(text) => mlflow(project.value, "runs/set-tag", { run_id: run.id, key: "mlflow.note.content", value: text })} done={refresh} />
      )}
      {asked === "delete" && (
        <Confirm title="Delete the run" action="Delete" danger close={() => setAsked(null)} run={async () => {
          await mlflow(project.value, "runs/delete", { run_id: run.id });
          toast("The run is deleted. It can be restored here.", "ok");
          refresh();
        }}>
          <p>It leaves lists and searches. Its data stays, and it can be restored.</p>
        </Confirm>
      )}
      {asked === "restore" && (
        <Confirm title="Restore the run" action="Restore" close={() => setAsked(null)} run={async () => {
          await mlflow(project.value, "runs/restore", { run_id: run.id });
          refresh();
        }}>
          <p>It appears in lists and searches again.</p>
        </Confirm>
      )}
    </Page>
  );
}

function dataOf(run: RunPage) {
  const file = run.origin?.inputs.find((f) => f.digest);
  if (file) return <Digest of={file.digest} />;
  const first = run.inputs[0];
  if (!first) return undefined;
  return (
    <span>
      {first.name} <code>{first.digest}</code>
      {run.inputs.length > 1 && <span class="detail"> and {run.inputs.length - 1} more</span>}
    </span>
  );
}

/** useBeat counts up while a run goes on: what it measures is in no journal that would tell of it. */
function useBeat(live: boolean, refresh: () => void): number {
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => {
      if (document.hidden) return;
      refresh();
      setBeat((n) => n + 1);
    }, 5_000);
    return () => clearInterval(timer);
  }, [live]);
  return beat;
}

function Write({ title, value, long, save, done, close }: { title: string; value: string; long?: boolean; save: (text: string) => Promise<void>; done: () => void; close: () => void }) {
  const [text, setText] = useState(value);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (e: Event) => {
    e.preventDefault();
    try {
      await save(text);
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form class="confirm" onSubmit={submit}>
        <label class="field">
          <span class="visually-hidden">{title}</span>
          {long ? <textarea rows={6} value={text} onInput={(e) => setText(e.currentTarget.value)} autofocus /> : <input value={text} onInput={(e) => setText(e.currentTarget.value)} autofocus />}
        </label>
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class="primary" disabled={!long && text.trim() === ""}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
