// One run of a pipeline: its steps as a graph and along time, and the step that is
// looked at: what it printed, read, left, and why it ran.
import { useState } from "preact/hooks";
import type { PipelineFile, PipelineRunPage, PipelineRunStep } from "../api_gen";
import { apiURL } from "../base";
import { setServerTime } from "../clock";
import { call, useQuery } from "../query";
import { Answer, Page } from "../page";
import { Age, Command, Confirm, Digest, Facts, Section, Table, toast, Version, type Column } from "../parts";
import { tookOf } from "./bars";
import { Cause, ended, RunState } from "./cause";
import { Explain } from "./explain";
import { Gantt } from "./gantt";
import { Graph } from "./graph";
import { Logs } from "./logs";
import { ParamList } from "./pipeline";
import { enc, go, href, project, useParam, type Params } from "./route";
import { duration, plain, plural } from "./words";

type Attempt = NonNullable<PipelineRunStep["attempts"]>[number];

export default function Run({ params }: { params: Params }) {
  const id = params.id ?? "";
  const url = apiURL(project.value, `pipelineruns/${enc(id)}/page`);
  const q = useQuery<PipelineRunPage>(url, ["pipelineRun", "step", "attempt", "version", "modelVersion"]);
  const [asked, ask] = useState<"cancel" | "retry">();
  const [step, setStep] = useParam("step");
  const [view, setView] = useParam("view", "log");
  const p = q.data.value;
  if (p && p.run.ended === undefined) setServerTime(p.now);
  const going = p !== undefined && !ended(p.run.state);
  const failed = p !== undefined && ["failed", "canceled"].includes(p.run.state);
  const canRetry = failed && p.declared;
  const chosen = p ? (p.rows.find((r) => r.step.name === step) ?? interesting(p.rows)) : undefined;
  const look = (what: string) => {
    setView(what);
    if (what === "log") setTimeout(() => document.getElementById("pipelines-log-search")?.focus());
  };
  const actions = [
    ...(going ? [{ text: `Cancel run ${id}`, run: () => ask("cancel") }] : []),
    ...(canRetry ? [{ text: `Retry run ${id}`, run: () => ask("retry") }] : []),
  ];
  return (
    <Page
      title={id}
      label={p && <RunState state={p.run.state} />}
      crumbs={[{ text: "Pipelines", to: "pipelines" }, ...(p ? [{ text: p.pipeline, to: `pipelines/${enc(p.pipeline)}` }] : [])]}
      summary={p?.run.reason && <span class="pipelines-summary" title={plain(p.run.reason)}>{plain(p.run.reason)}</span>}
      aside={
        <>
          {going && p.run.state !== "canceling" && (
            <button type="button" class="quiet" onClick={() => ask("cancel")}>
              Cancel…
            </button>
          )}
          {canRetry && !p.retriedAs && (
            <button type="button" class="primary" onClick={() => ask("retry")}>
              Retry…
            </button>
          )}
        </>
      }
      copy={{ curl: { url }, cli: `trimtab pipeline show ${id}` }}
      keys={[
        { keys: "l", text: "the log of the step", run: () => look("log") },
        { keys: "e", text: "explain why the step ran", run: () => look("explain") },
      ]}
      actions={actions}
      busy={going}
    >
      <Answer of={q}>
        {(p) => (
          <>
            <Facts
              of={[
                [
                  "Pipeline",
                  <>
                    <a href={href(`pipelines/${enc(p.pipeline)}`)} data-page>
                      {p.pipeline}
                    </a>{" "}
                    <span class="detail">generation {p.run.generation}</span>
                  </>,
                ],
                ["Cause", <Cause text={p.run.cause} />],
                ["Started", <Age at={p.run.created} />],
                ["Took", duration(tookOf(p.run))],
                ["Params", <ParamList of={p.params} />],
                ["Cache", p.run.cache],
                ["Code", p.codeDigest && <Digest of={p.codeDigest} />],
                ["Environment", p.lock && <code>{p.lock}</code>],
                ["Registered", p.products.length > 0 && <Products of={p} />],
                [
                  "Retried as",
                  p.retriedAs && (
                    <a href={href(`pipelineruns/${enc(p.retriedAs)}`)} data-page>
                      <code>{p.retriedAs}</code>
                    </a>
                  ),
                ],
              ]}
            />
            <Section id="graph" title="Steps" aside={progress(p)}>
              <div class="panel">
                <Graph steps={p.rows.map((r) => r.step)} state={(n) => p.rows.find((r) => r.step.name === n)?.state} {...(chosen ? { chosen: chosen.step.name } : {})} choose={(n) => setStep(n)} />
              </div>
            </Section>
            <div class="pipelines-run">
              <div class="whole">
                <Section id="gantt" title="Along time">
                  <div class="panel">
                    <Gantt of={p} chosen={chosen?.step.name} choose={(n) => setStep(n)} />
                  </div>
                </Section>
                <Section id="reproduce" title="Do it again">
                  <Command label="the command that runs it again">{again(p)}</Command>
                  <p class="detail">With the declaration as it is now. The code of this run is kept under its digest.</p>
                </Section>
              </div>
              {chosen && <StepPanel p={p} s={chosen} view={view} setView={setView} />}
            </div>
            {asked === "cancel" && (
              <Confirm
                title={`Cancel ${id}`}
                word="cancel"
                action="Cancel the run"
                danger
                close={() => ask(undefined)}
                run={async () => {
                  await call("POST", apiURL(project.value, `pipelineruns/${enc(id)}/cancel`), { reason: "cancelled in the browser" });
                  q.refresh();
                }}
              >
                <p>Steps that run get SIGTERM, and SIGKILL five seconds later. What has succeeded stays, and a retry can go on from there.</p>
              </Confirm>
            )}
            {asked === "retry" && (
              <Confirm
                title={`Retry ${id}`}
                action="Retry"
                close={() => ask(undefined)}
                run={async () => {
                  const run = await call<{ id: string }>("POST", apiURL(project.value, `pipelineruns/${enc(id)}/retry`));
                  toast("Retried");
                  go(`pipelineruns/${enc(run.id)}`);
                }}
              >
                <Retrying p={p} />
              </Confirm>
            )}
          </>
        )}
      </Answer>
    </Page>
  );
}

/** interesting is the step to look at first: one that failed, one that runs, else the one that took longest. */
function interesting(rows: PipelineRunStep[]): PipelineRunStep | undefined {
  const by = (state: string) => rows.find((r) => r.state === state);
  const took = (r: PipelineRunStep) => (r.started && r.ended ? Date.parse(r.ended) - Date.parse(r.started) : 0);
  return by("failed") ?? by("running") ?? by("starting") ?? [...rows].sort((a, b) => took(b) - took(a))[0];
}

function progress(p: PipelineRunPage): string {
  const done = p.rows.filter((r) => r.state === "succeeded" || r.state === "cached").length;
  const cached = p.rows.filter((r) => r.state === "cached").length;
  return `${done} of ${p.rows.length} done${cached ? `, ${cached} from the cache` : ""}`;
}

/** again is the command that starts the same. */
function again(p: PipelineRunPage): string {
  const quote = (s: string) => (/^[\w@%+=:,./-]+$/.test(s) ? s : `'${s.replace(/'/g, `'\\''`)}'`);
  const params = Object.entries(p.run.params ?? {}).map(([k, v]) => ` -p ${quote(`${k}=${v}`)}`);
  return `trimtab pipeline run ${quote(p.pipeline)}${params.join("")}${p.run.cache ? ` --cache ${p.run.cache}` : ""} --follow`;
}

function Products({ of: p }: { of: PipelineRunPage }) {
  return (
    <ul>
      {p.products.map((v) => (
        <li key={`${v.model} ${v.version}`}>
          {v.model} <Version model={v.model} version={v.version} />
          <span class="detail">
            {v.aliases?.length ? ` ${v.aliases.join(", ")}` : ""}
            {!v.settled && " its step has not succeeded"}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Retrying({ p }: { p: PipelineRunPage }) {
  const good = p.rows.filter((r) => r.state === "succeeded" || r.state === "cached").map((r) => r.step.name);
  const anew = p.rows.filter((r) => !good.includes(r.step.name)).map((r) => r.step.name);
  const external = p.rows.filter((r) => anew.includes(r.step.name) && r.step.effects === "external").map((r) => r.step.name);
  return (
    <>
      <p>A new run with the declaration and the params of this one. {good.length > 0 ? `${good.join(", ")} ${good.length === 1 ? "is" : "are"} taken over; ${anew.join(", ")} ${anew.length === 1 ? "starts" : "start"} anew.` : "All steps start anew: none succeeded."}</p>
      {external.length > 0 && <p>The effects of {external.join(", ")} are external: whatever of them happened already is known by the same idempotency key.</p>}
    </>
  );
}

const views: [string, string][] = [
  ["log", "Log"],
  ["files", "In and out"],
  ["attempts", "Attempts"],
  ["explain", "Cache"],
  ["declared", "Declared"],
];

function StepPanel({ p, s, view, setView }: { p: PipelineRunPage; s: PipelineRunStep; view: string; setView: (v: string) => void }) {
  const [attempt, setAttempt] = useParam("attempt");
  const n = Number(attempt) || 0;
  const live = !ended(s.state) && (n === 0 || n === s.attempt);
  const move = (e: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!by) return;
    e.preventDefault();
    const at = views.findIndex(([v]) => v === view);
    const next = views[(at + by + views.length) % views.length] as [string, string];
    setView(next[0]);
    (e.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next[0]}"]`)?.focus();
  };
  return (
    <section class="section pipelines-step" aria-labelledby="step">
      <header class="section-head">
        <h2 id="step">{s.step.name}</h2>
        <div class="aside">
          <RunState state={s.state} />
          {s.started && s.state !== "cached" && ` ${duration((s.ended ? Date.parse(s.ended) : Date.parse(p.now)) - Date.parse(s.started))}`}
        </div>
      </header>
      {s.reason && <p class="pipelines-said">{plain(s.reason)}</p>}
      {s.cachedRun && (
        <p class="detail">
          Outputs of{" "}
          <a href={href(`pipelineruns/${enc(s.cachedRun)}`, { step: s.step.name })} data-page>
            <code>{s.cachedOf}</code>
          </a>
        </p>
      )}
      <div class="panel">
        <div class="tabs" role="tablist" aria-label="What of the step" onKeyDown={move}>
          {views.map(([v, text]) => (
            <button key={v} type="button" role="tab" data-tab={v} aria-selected={v === view} tabIndex={v === view ? 0 : -1} onClick={() => setView(v)}>
              {text}
              {v === "attempts" && (s.attempts?.length ?? 0) > 1 && <span class="count">{s.attempts?.length}</span>}
            </button>
          ))}
        </div>
        <div role="tabpanel" class="inside">
          {view === "files" ? (
            <Files s={s} />
          ) : view === "attempts" ? (
            <Attempts s={s} p={p} look={(n) => (setAttempt(String(n)), setView("log"))} />
          ) : view === "explain" ? (
            <Explain run={p.run.id} step={s.step.name} cachedRun={s.cachedRun} />
          ) : view === "declared" ? (
            <Declared s={s} />
          ) : (
            <>
              {(s.attempts?.length ?? 0) > 1 && (
                <label class="pipelines-attempt">
                  Attempt{" "}
                  <select value={String(n || s.attempt)} onChange={(e) => setAttempt(Number(e.currentTarget.value) === s.attempt ? "" : e.currentTarget.value)}>
                    {s.attempts?.map((a) => (
                      <option key={a.n} value={String(a.n)}>
                        {a.n}, {a.state}
                      </option>
                    ))}
                  </select>
                </label>
              )}
              <Logs key={`${s.step.name} ${n || s.attempt}`} run={p.run.id} step={s.step.name} attempt={n || (s.attempt ?? 0)} live={live} />
            </>
          )}
        </div>
      </div>
    </section>
  );
}

const fileColumns = (what: string): Column<PipelineFile>[] => [
  { id: "path", title: what, value: (f) => <code>{f.path}</code> },
  { id: "from", title: "From", value: (f) => f.from && <code>{f.from}</code> },
  { id: "digest", title: "Digest", value: (f) => (f.digest ? <Digest of={f.digest} /> : <span class="detail">not there</span>) },
];

function Files({ s }: { s: PipelineRunStep }) {
  const left = fileColumns("Output").filter((c) => c.id !== "from");
  return (
    <div class="pipelines-files">
      {s.reads?.length ? <Table label="Inputs" columns={fileColumns("Input")} rows={s.reads} rowKey={(f) => f.path} /> : <p class="detail">It reads no outputs of other steps.</p>}
      {s.left?.length ? <Table label="Outputs" columns={left} rows={s.left} rowKey={(f) => f.path} /> : <p class="detail">It declares no outputs.</p>}
    </div>
  );
}

function Attempts({ s, p, look }: { s: PipelineRunStep; p: PipelineRunPage; look: (n: number) => void }) {
  if (!s.attempts?.length) return <p class="detail">{s.cachedRun ? "None: its outputs were taken from an earlier step." : "None has begun."}</p>;
  const columns: Column<Attempt>[] = [
    {
      id: "n",
      title: "Attempt",
      value: (a) => (
        <button type="button" class="link" onClick={() => look(a.n)}>
          {a.n}
        </button>
      ),
    },
    { id: "state", title: "State", value: (a) => <RunState state={a.state} /> },
    { id: "exit", title: "Exit", num: true, value: (a) => (a.ended ? (a.exit ?? 0) : "–") },
    { id: "took", title: "Took", num: true, value: (a) => duration((a.ended ? Date.parse(a.ended) : Date.parse(p.now)) - Date.parse(a.started)) },
    {
      id: "run",
      title: "MLflow run",
      value: (a) =>
        a.mlflowRun ? (
          <a href={href(`experiments/${enc(p.experiment)}/runs/${enc(a.mlflowRun)}`)} data-page>
            <code>{a.mlflowRun.slice(0, 8)}</code>
          </a>
        ) : (
          "–"
        ),
    },
    { id: "why", title: "Why", value: (a) => <span class="pipelines-reason" title={plain(a.reason)}>{plain(a.reason)}</span> },
  ];
  return (
    <>
      <Table label={`Attempts of ${s.step.name}`} columns={columns} rows={s.attempts} rowKey={(a) => String(a.n)} />
      <p class="detail">{s.step.retries ? `Up to ${plural(s.step.retries, "retry", "retries")} as declared; lost processes are tried again in any case.` : "No retries are declared; lost processes are tried again in any case."}</p>
    </>
  );
}

function Declared({ s }: { s: PipelineRunStep }) {
  const x = s.step;
  return (
    <>
      {x.run && (
        <pre class="pipelines-command" tabIndex={0}>
          {x.run}
        </pre>
      )}
      <Facts
        of={[
          ["Kind", x.kind],
          ["Waits for", x.needs?.join(", ")],
          ["Source", x.source && <a href={href(`data/sources/${enc(x.source)}`)} data-page>{x.source}</a>],
          ["As of", x.asOf && <code>{x.asOf}</code>],
          ["Model", x.model && <a href={href(`models/${enc(x.model)}`)} data-page>{x.model}</a>],
          ["Alias", x.alias && `${x.alias}${x.when === "absent" ? ", when absent" : ""}`],
          ["Timeout", x.kind === "run" && (x.timeout || "1h")],
          ["Retries", x.retries],
          ["Cache", x.cache],
          ["Effects", x.effects],
          ["Environment", x.env && <ParamList of={x.env} />],
        ]}
      />
    </>
  );
}
