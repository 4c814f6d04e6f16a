// Giving an experiment another name.
import { useState } from "preact/hooks";
import type { ExperimentRow } from "../api_gen";
import { serverURL } from "../base";
import { ProblemLine } from "../dialog";
import { Dialog, toast } from "../parts";
import { call, type Problem } from "../query";

/** RenameExperiment asks for the new name of an experiment. */
export function RenameExperiment({ e: { id, name }, done, close }: { e: ExperimentRow; done: () => void; close: () => void }) {
  const [typed, setTyped] = useState(name);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (e: Event) => {
    e.preventDefault();
    const next = typed.trim();
    if (next === "" || next === name) return close();
    try {
      await call("POST", `${serverURL}/api/2.0/mlflow/experiments/update`, { experiment_id: id, new_name: next });
      toast("Renamed", "ok");
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title="Rename the experiment" close={close}>
      <form class="confirm" onSubmit={submit}>
        <label class="field">
          <span>Name</span>
          <input value={typed} maxLength={500} onInput={(e) => setTyped(e.currentTarget.value)} autofocus autocomplete="off" spellcheck={false} />
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
