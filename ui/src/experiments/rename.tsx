// Giving a run another name.
import { useState } from "preact/hooks";
import { serverURL } from "../base";
import { ProblemLine } from "../dialog";
import { Dialog, toast } from "../parts";
import { call, type Problem } from "../query";

/** Rename asks for the new name of a run. */
export function Rename({ id, name, done, close }: { id: string; name: string; done: () => void; close: () => void }) {
  const [typed, setTyped] = useState(name);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (e: Event) => {
    e.preventDefault();
    const next = typed.trim();
    if (next === "" || next === name) return close();
    try {
      await call("POST", `${serverURL}/api/2.0/mlflow/runs/update`, { run_id: id, run_name: next });
      toast("Renamed", "ok");
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title="Rename the run" close={close}>
      <form class="confirm" onSubmit={submit}>
        <label class="field">
          <span>Name</span>
          <input value={typed} maxLength={250} onInput={(e) => setTyped(e.currentTarget.value)} autofocus autocomplete="off" spellcheck={false} />
        </label>
        {problem && <ProblemLine problem={problem} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button class="primary">Rename</button>
        </div>
      </form>
    </Dialog>
  );
}
