// The experiments of a project: how many runs, how they ended, when the last one began.
import { useEffect, useState } from "preact/hooks";
import type { ExperimentPage, ExperimentRow } from "../api_gen";
import { apiURL, serverURL } from "../base";
import { Spark } from "../chart/spark";
import { count, plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Age, Confirm, Menu, Table, toast } from "../parts";
import { call, useQuery, type Problem } from "../query";
import { enc, href, project, useParam } from "../router";
import { State, toneOf } from "../shapes";
import { Rename } from "./rename";

const most = 500;

export default function Experiments() {
  const where = project.value;
  const [search, setSearch] = useParam("search");
  const [stage, setStage] = useParam("stage", "active");
  const [typed, setTyped] = useState(search);
  const [acting, setActing] = useState<{ what: "delete" | "restore" | "rename"; row: ExperimentRow }>();
  const [more, setMore] = useState<ExperimentRow[]>([]);
  const [next, setNext] = useState<string>();
  const address = (after: string) => apiURL(where, `experiments?limit=${most}&stage=${stage}${search ? `&search=${enc(search)}` : ""}${after ? `&after=${enc(after)}` : ""}`);
  const all = useQuery<ExperimentPage>(address(""), ["experiment", "run"]);
  useEffect(() => {
    setMore([]);
    setNext(undefined);
  }, [where, search, stage]);
  useEffect(() => {
    if (typed === search) return;
    const timer = setTimeout(() => setSearch(typed), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  const rows = [...(all.data.value?.items ?? []), ...more];
  const after = next ?? all.data.value?.next ?? "";
  const runs = rows.reduce((n, e) => n + e.runs.total, 0);
  const fetchMore = async () => {
    try {
      const page = await call<ExperimentPage>("GET", address(after));
      setMore([...more, ...page.items]);
      setNext(page.next ?? "");
    } catch (e) {
      toast((e as Problem).message, "bad");
    }
  };
  return (
    <Page
      title="Experiments"
      summary={all.data.value && `${plural(rows.length, "experiment")}${after ? " and more" : ""}, ${plural(runs, "run")}`}
      copy={{ curl: { url: address("") } }}
      keys={[{ keys: "/", text: "search experiments", run: () => document.querySelector<HTMLElement>(".exp-list-head input")?.focus() }]}
    >
      <div class="exp-list-head">
        <input type="search" aria-label="Search experiments by name" placeholder="Search by name" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} autocomplete="off" spellcheck={false} />
        <div class="exp-segments" role="group" aria-label="Stage">
          {[
            ["active", "Active"],
            ["deleted", "Deleted"],
          ].map(([id, text]) => (
            <button key={id} type="button" aria-pressed={stage === id} onClick={() => setStage(id as string)}>
              {text}
            </button>
          ))}
        </div>
      </div>
      <Answer of={all}>
        {(data) =>
          data.items.length === 0 ? (
            <p class="panel">{search ? `No experiment has “${search}” in its name.` : stage === "deleted" ? "No experiment is deleted." : "No experiment yet."}</p>
          ) : (
            <div class="exp-list">
              <Table
                label="Experiments"
                rows={rows}
                rowKey={(e) => e.id}
                order={{ by: "last", down: true }}
                columns={[
                  {
                    id: "name", title: "Experiment", sort: (e) => e.name.toLowerCase(),
                    value: (e) => (
                      <a class="exp-name title" href={href(`experiments/${enc(e.id)}`)} data-page data-row title={e.note || e.name}>
                        {e.name}
                      </a>
                    ),
                  },
                  { id: "runs", title: "Runs", num: true, sort: (e) => e.runs.total, value: (e) => count(e.runs.total) },
                  { id: "states", title: "States", sort: (e) => e.runs.failed, value: (e) => <States e={e} /> },
                  { id: "days", title: "Runs a day, 30 days", value: (e) => (e.days.some((n) => n > 0) ? <Spark y={e.days} label={`Runs a day of the last 30 days, at most ${Math.max(...e.days)}`} width={120} height={22} /> : <span class="detail">none</span>) },
                  { id: "last", title: "Last run", sort: (e) => (e.last?.start ? Date.parse(e.last.start) : 0), value: (e) => e.last && <Last e={e} /> },
                  { id: "user", title: "By", sort: (e) => e.last?.user ?? "", value: (e) => e.last?.user && <span class="exp-by" title={e.last.user}>{e.last.user}</span> },
                  {
                    id: "more", title: "Actions",
                    value: (e) => <Menu text="" label={`More of ${e.name}`} items={stage === "deleted" ? [{ text: "Restore", run: () => setActing({ what: "restore", row: e }) }] : [{ text: "Rename", run: () => setActing({ what: "rename", row: e }) }, { text: "Delete", run: () => setActing({ what: "delete", row: e }), ...(e.id === "0" ? { off: "the default stays" } : {}) }]} />,
                  },
                ]}
              />
              {after && (
                <button type="button" class="quiet more" onClick={() => void fetchMore()}>
                  Show more
                </button>
              )}
              {runs === 0 && search === "" && stage === "active" && (
                <Empty title="No run yet" commands={[`export MLFLOW_TRACKING_URI=${serverURL}`, `python -c "import mlflow; mlflow.set_experiment('first'); mlflow.log_metric('auc', 0.81)"`, "trimtab pipeline run NAME"]}>
                  Any MLflow client logs here unchanged; so do the steps of a declared pipeline.
                </Empty>
              )}
            </div>
          )
        }
      </Answer>
      {acting?.what === "rename" && <Rename noun="experiment" name={acting.row.name} most={500} save={(next) => call("POST", `${serverURL}/api/2.0/mlflow/experiments/update`, { experiment_id: acting.row.id, new_name: next })} done={all.refresh} close={() => setActing(undefined)} />}
      {acting && acting.what !== "rename" && (
        <Confirm
          title={`${acting.what === "delete" ? "Delete" : "Restore"} ${acting.row.name}`}
          action={acting.what === "delete" ? "Delete" : "Restore"}
          danger={acting.what === "delete"}
          {...(acting.what === "delete" ? { word: acting.row.name.slice(0, 60) } : {})}
          run={async () => {
            await call("POST", `${serverURL}/api/2.0/mlflow/experiments/${acting.what}`, { experiment_id: acting.row.id });
            toast(acting.what === "delete" ? "Deleted; it can be restored" : "Restored", "ok");
            all.refresh();
          }}
          close={() => setActing(undefined)}
        >
          <p>{acting.what === "delete" ? `The experiment and its ${plural(acting.row.runs.total, "run")} leave all lists. They can be restored under Deleted.` : "The experiment and its runs are in all lists again."}</p>
        </Confirm>
      )}
    </Page>
  );
}

function States({ e }: { e: ExperimentRow }) {
  const parts: [string, number][] = [
    ["RUNNING", e.runs.running],
    ["SCHEDULED", e.runs.scheduled],
    ["FINISHED", e.runs.finished],
    ["FAILED", e.runs.failed],
    ["KILLED", e.runs.killed],
  ];
  return (
    <span class="exp-states">
      {parts
        .filter(([, n]) => n > 0)
        .map(([state, n]) => {
          const [tone, word] = toneOf(state);
          return (
            <State key={state} tone={tone}>
              {count(n)} {word}
            </State>
          );
        })}
    </span>
  );
}

function Last({ e }: { e: ExperimentRow }) {
  const last = e.last;
  if (!last) return null;
  return (
    <>
      <Age at={last.start} />{" "}
      <a class="detail exp-last" href={href(`experiments/${enc(e.id)}/runs/${enc(last.id)}`)} data-page title={last.name}>
        {last.name}
      </a>
    </>
  );
}
