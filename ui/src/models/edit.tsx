// Description and tags, written through the routes that MLflow's clients use.
import { useState } from "preact/hooks";
import { serverURL } from "../base";
import { Dialog, toast } from "../parts";
import { ProblemLine } from "../dialog";
import type { Problem } from "../query";
import { project } from "../router";

/** write calls a route of the registry as MLflow's clients do; it throws a Problem. */
async function write(method: string, route: string, body: unknown): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(`${serverURL}/api/2.0/mlflow/${route}`, {
      method,
      headers: { "Content-Type": "application/json", ...(project.value === "default" ? {} : { "X-MLFLOW-WORKSPACE": project.value }) },
      body: JSON.stringify(body),
    });
  } catch {
    throw { kind: "unreachable", message: "The server does not answer. Is it running?", status: 0 } satisfies Problem;
  }
  if (answer.ok) return;
  const said = (await answer.json().catch(() => ({}))) as { message?: string; error_code?: string };
  throw { kind: said.error_code ?? "refused", message: said.message ?? `The server answered with status ${answer.status}.`, status: answer.status } satisfies Problem;
}

interface Of {
  name: string;
  version?: number; // of a version; without it the model itself
}

const noun = (of: Of) => (of.version ? "model-versions" : "registered-models");
const key = (of: Of) => (of.version ? { name: of.name, version: String(of.version) } : { name: of.name });

/** Describe edits the description. */
export function Describe({ of, text, close, done }: { of: Of; text: string; close: () => void; done: () => void }) {
  const [value, setValue] = useState(text);
  const [problem, setProblem] = useState<Problem>();
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      await write("PATCH", `${noun(of)}/update`, { ...key(of), description: value });
      toast("The description is written");
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title={`Describe ${of.name}${of.version ? ` version ${of.version}` : ""}`} close={close}>
      <form class="confirm" onSubmit={save}>
        <label class="field">
          <span>What it is for, what to know about it</span>
          <textarea rows={6} value={value} onInput={(e) => setValue(e.currentTarget.value)} autofocus />
        </label>
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class="primary">Write</button>
        </div>
      </form>
    </Dialog>
  );
}

/** Tags shows tags, adds and removes them. */
export function Tags({ of, tags, done }: { of: Of; tags: Record<string, string>; done: () => void }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const attempt = async (what: () => Promise<void>) => {
    setProblem(undefined);
    try {
      await what();
      done();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  const add = (e: Event) => {
    e.preventDefault();
    if (!name.trim()) return;
    void attempt(async () => {
      await write("POST", `${noun(of)}/set-tag`, { ...key(of), key: name.trim(), value });
      setName("");
      setValue("");
    });
  };
  const all = Object.entries(tags).sort(([a], [b]) => a.localeCompare(b));
  return (
    <div class="models-tags">
      {all.length === 0 ? (
        <p class="detail">No tag yet.</p>
      ) : (
        <dl>
          {all.map(([k, v]) => (
            <div key={k}>
              <dt>{k}</dt>
              <dd>
                <span>{v || <span class="detail">empty</span>}</span>
                <button type="button" class="quiet" aria-label={`Remove the tag ${k}`} onClick={() => void attempt(() => write("DELETE", `${noun(of)}/delete-tag`, { ...key(of), key: k }))}>
                  Remove
                </button>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <form class="toolbar" onSubmit={add}>
        <input aria-label="Tag" placeholder="tag" value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <input aria-label="Value" placeholder="value" value={value} onInput={(e) => setValue(e.currentTarget.value)} />
        <button class="quiet" disabled={!name.trim()}>
          Set
        </button>
      </form>
      {problem && <ProblemLine problem={problem} />}
    </div>
  );
}
