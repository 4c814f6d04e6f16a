// Giving a run or an experiment another name.
import { useState } from "preact/hooks";
import { ProblemLine } from "../dialog";
import { Dialog, toast } from "../parts";
import type { Problem } from "../query";

interface Props {
  noun: string;
  name: string;
  most: number; // letters
  save: (name: string) => Promise<unknown>; // throws a Problem
  done: () => void;
  close: () => void;
}

/** Rename asks for the new name of something. */
export function Rename({ noun, name, most, save, done, close }: Props) {
  const [typed, setTyped] = useState(name);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (e: Event) => {
    e.preventDefault();
    const next = typed.trim();
    if (next === "" || next === name) return close();
    try {
      await save(next);
      toast("Renamed", "ok");
      done();
      close();
    } catch (e) {
      setProblem(e as Problem);
    }
  };
  return (
    <Dialog title={`Rename the ${noun}`} close={close}>
      <form class="confirm" onSubmit={submit}>
        <label class="field">
          <span>Name</span>
          <input value={typed} maxLength={most} onInput={(e) => setTyped(e.currentTarget.value)} autofocus autocomplete="off" spellcheck={false} />
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
