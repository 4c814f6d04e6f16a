// The dialog that starts a pipeline: params, cache, and what each step would do.
import { useEffect, useState } from "preact/hooks";
import type { PipelinePage, Prospect } from "../api_gen";
import { apiURL } from "../base";
import { Dialog, ProblemLine } from "../dialog";
import { toast } from "../parts";
import { call, type Problem } from "../query";
import { enc, go, project } from "../router";
import { State, type Tone } from "../shapes";
import { Differences } from "./explain";

const does: Record<string, [Tone, string]> = { cached: ["ok", "from the cache"], run: ["run", "runs"], open: ["wait", "open"] };

/** Start asks for params and starts a run. */
export function Start({ of: p, close }: { of: PipelinePage; close: () => void }) {
  const defaults = p.params ?? {};
  const [params, setParams] = useState<Record<string, string>>(defaults);
  const [cache, setCache] = useState("");
  const [cause, setCause] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [prospects, setProspects] = useState<Prospect[]>();
  const changed = Object.fromEntries(Object.entries(params).filter(([k, v]) => v !== defaults[k]));
  const body = { pipeline: p.name, params: changed, ...(cache ? { cache } : {}), cause: cause.trim() || "started in the browser" };
  const key = JSON.stringify([changed, cache]);
  useEffect(() => {
    let late = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await call<{ items: Prospect[] }>("POST", apiURL(project.value, `pipelines/${enc(p.name)}/foresee`), { pipeline: p.name, params: changed, ...(cache ? { cache } : {}) });
        if (late) return;
        setProspects(answer.items);
        setProblem(undefined);
      } catch (e) {
        if (late) return;
        setProspects(undefined);
        setProblem(e as Problem);
      }
    }, 250);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [key]);
  const start = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      const run = await call<{ id: string }>("POST", apiURL(project.value, "pipelineruns"), body);
      toast(`${p.name} started`);
      close();
      go(`pipelineruns/${enc(run.id)}`);
    } catch (e) {
      setProblem(e as Problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Run ${p.name}`} close={close} wide>
      <form class="pipelines-start" onSubmit={start}>
        <div class="fields">
          {Object.keys(defaults).map((name) => (
            <label key={name} class="field">
              <span>{name}</span>
              <input value={params[name] ?? ""} onInput={(e) => setParams({ ...params, [name]: e.currentTarget.value })} autocomplete="off" spellcheck={false} />
            </label>
          ))}
          <label class="field">
            <span>Cache</span>
            <select value={cache} onChange={(e) => setCache(e.currentTarget.value)}>
              <option value="">as the steps say</option>
              <option value="refresh">refresh: compute and keep anew</option>
              <option value="off">off: compute every step</option>
            </select>
          </label>
          <label class="field">
            <span>Why</span>
            <input value={cause} onInput={(e) => setCause(e.currentTarget.value)} maxLength={1000} placeholder="for the record" autocomplete="off" />
          </label>
        </div>
        <section aria-labelledby="foreseen">
          <h3 id="foreseen">What it would do</h3>
          {prospects ? (
            <ol class="pipelines-prospects">
              {prospects.map((s) => {
                const [tone, word] = does[s.does] ?? ["wait", s.does];
                return (
                  <li key={s.step}>
                    <span class="title">{s.step}</span>
                    <State tone={tone}>{word}</State>
                    <div class="detail">
                      {s.text}
                      <Differences of={s.differs} />
                    </div>
                  </li>
                );
              })}
            </ol>
          ) : (
            <p class="detail">{problem ? "It would be refused." : "Asking the server"}</p>
          )}
        </section>
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class="primary" disabled={busy}>
            {busy ? "Starting" : "Start"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
