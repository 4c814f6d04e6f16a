// Declarations pasted or dropped: planned while one types, applied once the plan is
// agreed to.
import { useEffect, useState } from "preact/hooks";
import type { ChangePlan } from "../api_gen";
import { apiURL } from "../base";
import { Confirm, Dialog, ProblemLine } from "../dialog";
import { toast } from "../parts";
import { call, type Problem } from "../query";
import { project } from "../router";
import { Plan, counted } from "./plan";

const mostBytes = 1 << 20;

/** Declare takes YAML, shows its plan and applies it. */
export function Declare({ close, applied }: { close: () => void; applied: () => void }) {
  const [text, setText] = useState("");
  const [inventory, setInventory] = useState("");
  const [plan, setPlan] = useState<ChangePlan>();
  const [problem, setProblem] = useState<Problem>();
  const [sure, setSure] = useState(false);
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (text.trim() === "") {
      setPlan(undefined);
      setProblem(undefined);
      return;
    }
    let late = false;
    const timer = setTimeout(async () => {
      try {
        const p = await call<ChangePlan>("POST", apiURL(project.value, "changes/plan"), { text, manager: "ui", inventory });
        if (late) return;
        setPlan(p);
        setProblem(undefined);
      } catch (e) {
        if (late) return;
        setPlan(undefined);
        setProblem(e as Problem);
      }
    }, 300);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [text, inventory]);
  const take = async (files: FileList | null | undefined) => {
    const texts: string[] = [];
    for (const f of files ?? []) {
      if (f.size > mostBytes) {
        setProblem({ kind: "invalid", message: `${f.name} has ${f.size} bytes; at most ${mostBytes} are taken.`, status: 0, requestId: undefined });
        return;
      }
      texts.push((await f.text()).trim());
    }
    if (texts.length > 0) setText(texts.join("\n---\n") + "\n");
  };
  const ready = plan !== undefined && plan.actions.length > 0 && plan.missing === 0 && !plan.problems.some((x) => x.severity === "error");
  return (
    <Dialog title="Plan declarations" close={close} wide>
      <div class="changes-declare">
        <div
          class={over ? "drop over" : "drop"}
          onDragOver={(e) => {
            e.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(e) => {
            e.preventDefault();
            setOver(false);
            void take(e.dataTransfer?.files);
          }}
        >
          <label class="field">
            <span>YAML or JSON, as in files: paste it, drop files here, or choose them</span>
            <textarea rows={12} value={text} onInput={(e) => setText(e.currentTarget.value)} spellcheck={false} autocomplete="off" autocapitalize="off" placeholder={"apiVersion: trimtab.dev/v1alpha1\nkind: Endpoint\nmetadata:\n  name: …"} />
          </label>
          <div class="toolbar">
            <input type="file" aria-label="Choose files of declarations" accept=".yaml,.yml,.json" multiple onChange={(e) => void take(e.currentTarget.files)} />
            {plan && plan.inventories.length > 1 && (
              <label>
                Belongs to{" "}
                <select value={plan.inventory ?? ""} onChange={(e) => setInventory(e.currentTarget.value)}>
                  {plan.inventories.map((i) => (
                    <option key={i} value={i}>
                      {i === "ui:" ? "the browser" : i}
                    </option>
                  ))}
                </select>
              </label>
            )}
          </div>
        </div>
        {problem && <ProblemLine problem={problem} />}
        {plan ? <Plan of={plan} /> : !problem && <p class="detail">The plan appears here: what would be created, changed and deleted, and what follows. Nothing happens before it is agreed to.</p>}
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            Close
          </button>
          <button type="button" class="primary" disabled={!ready} onClick={() => setSure(true)}>
            Apply…
          </button>
        </div>
      </div>
      {sure && plan && (
        <Confirm
          title="Apply this plan"
          word="apply"
          action="Apply"
          danger={plan.actions.some((a) => a.verb === "delete" || a.verb === "replace")}
          close={() => setSure(false)}
          run={async () => {
            await call("POST", apiURL(project.value, "changes/apply"), { text, manager: "ui", inventory: plan.inventory, expect: plan.digest });
            toast("Applied");
            applied();
            close();
          }}
        >
          <Agreed plan={plan} />
        </Confirm>
      )}
    </Dialog>
  );
}

/** Agreed says what is agreed to: the plan with this digest and no other. */
export function Agreed({ plan }: { plan: ChangePlan }) {
  return (
    <>
      <p>
        {counted(plan.actions)}
        {plan.effects.length > 0 && `; ${plan.effects.map((e) => `${e.subject} ${e.text}`).join("; ")}`}.
      </p>
      <p class="detail">
        The plan has the digest <code>{(plan.digest ?? "").replace(/^sha256:/, "").slice(0, 12)}</code>. If the server has changed meanwhile, nothing is applied.
      </p>
    </>
  );
}
