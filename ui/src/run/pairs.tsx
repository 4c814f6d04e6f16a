// Params and tags: searched, copied, and tags edited.
import { useMemo, useState } from "preact/hooks";
import type { RunPage, RunPair } from "../api_gen";
import { bytesText, count } from "../format";
import { Empty } from "../page";
import { ProblemLine } from "../dialog";
import { Dialog, Section, copyText, toast } from "../parts";
import type { Problem } from "../query";
import { project, useParam } from "../router";
import { mlflow } from "./mlflow";

/** Pairs shows params and tags side by side. */
export function Pairs({ run, refresh }: { run: RunPage; refresh: () => void }) {
  const [search, setSearch] = useParam("q");
  const [edit, setEdit] = useState<RunPair | null>(null);
  const text = search.toLowerCase();
  const match = (p: RunPair) => text === "" || p.key.toLowerCase().includes(text) || p.value.toLowerCase().includes(text);
  const params = useMemo(() => run.params.filter(match), [run.params, text]);
  const tags = useMemo(() => run.tags.filter(match), [run.tags, text]);
  const all = async () => {
    const ok = await copyText(JSON.stringify(Object.fromEntries(params.map((p) => [p.key, p.value])), null, 2));
    toast(ok ? `${count(params.length)} params copied as JSON` : "The browser does not let this page write to the clipboard", ok ? "ok" : "warn");
  };
  return (
    <div class="run-pairs">
      <div class="run-tools">
        <input class="run-search" type="search" placeholder="Search names and values" aria-label="Search params and tags" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
      </div>
      <div class="run-two">
        <Section id="run-params" title="Params" aside={params.length > 0 && <button type="button" class="link" onClick={all}>Copy as JSON</button>}>
          {run.paramCount === 0 ? (
            <Empty title="No params" commands={[`python -c "import mlflow; mlflow.start_run(run_id='${run.id}'); mlflow.log_param('depth', 6)"`]} />
          ) : (
            <List label="Params" pairs={params} none={search} hidden={run.paramCount - run.params.length} />
          )}
        </Section>
        <Section id="run-tags" title="Tags" aside={<button type="button" class="link" onClick={() => setEdit({ key: "", value: "" })}>Add a tag</button>}>
          <List label="Tags" pairs={tags} none={search} hidden={run.tagCount - run.tags.length} edit={setEdit} />
        </Section>
      </div>
      {edit && <Edit run={run.id} pair={edit} close={() => setEdit(null)} done={refresh} />}
    </div>
  );
}

function List({ label, pairs, none, hidden, edit }: { label: string; pairs: RunPair[]; none: string; hidden: number; edit?: (p: RunPair) => void }) {
  if (pairs.length === 0) return <p class="panel">{none ? `Nothing has “${none}” in it.` : "None."}</p>;
  return (
    <div class="panel">
      <div class="scroll run-pair-scroll" tabIndex={0} role="region" aria-label={`All ${label.toLowerCase()}`}>
        <table class="run-pair-table">
          <thead class="visually-hidden">
            <tr>
              <th scope="col">name</th>
              <th scope="col">value</th>
              <th scope="col">actions</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((p) => (
              <tr key={p.key}>
                <th scope="row">{p.key}</th>
                <td>
                  <span class="run-value">{p.value === "" ? <span class="detail">empty</span> : p.value}</span>
                  {p.cut ? <span class="detail"> … cut: it is {bytesText(p.cut)}</span> : null}
                </td>
                <td class="run-pair-actions">
                  <button type="button" class="link" aria-label={`Copy ${p.key}`} onClick={async () => toast((await copyText(p.value)) ? `${p.key} copied` : "The browser does not let this page write to the clipboard")}>
                    Copy
                  </button>
                  {edit && !p.cut && (
                    <button type="button" class="link" aria-label={`Edit ${p.key}`} onClick={() => edit(p)}>
                      Edit
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hidden > 0 && <p class="detail run-more">{count(hidden)} more are not shown: trimtab run show lists them all.</p>}
    </div>
  );
}

function Edit({ run, pair, close, done }: { run: string; pair: RunPair; close: () => void; done: () => void }) {
  const fresh = pair.key === "";
  const [key, setKey] = useState(pair.key);
  const [value, setValue] = useState(pair.value);
  const [problem, setProblem] = useState<Problem>();
  const act = async (call: string, body: Record<string, string>) => {
    try {
      await mlflow(project.value, call, { run_id: run, ...body });
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title={fresh ? "Add a tag" : `Edit the tag ${pair.key}`} close={close}>
      <form class="confirm" onSubmit={(e) => {
        e.preventDefault();
        if (key) void act("runs/set-tag", { key, value });
      }}>
        {fresh && (
          <label class="field">
            <span>Name</span>
            <input value={key} onInput={(e) => setKey(e.currentTarget.value)} autofocus />
          </label>
        )}
        <label class="field">
          <span>Value</span>
          <textarea rows={4} value={value} onInput={(e) => setValue(e.currentTarget.value)} autofocus={!fresh} />
        </label>
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          {!fresh && (
            <button type="button" class="danger" onClick={() => void act("runs/delete-tag", { key })}>
              Delete
            </button>
          )}
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class="primary" disabled={key === ""}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
