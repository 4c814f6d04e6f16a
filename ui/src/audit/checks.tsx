// The checks of a verification, each with what it was computed from.
import { State, Shape } from "../shapes";
import { count, moment, plural } from "../format";
import { project } from "../router";
import { useState } from "preact/hooks";
import { Confirm } from "../parts";
import { forget, type Check, type Verdict } from "./verify";

/** VerdictLine says in one line what came of a verification. */
export function VerdictLine({ of: v }: { of: Verdict }) {
  const failed = v.checks.filter((c) => !c.ok);
  if (!v.ok)
    return (
      <State tone="bad">
        not verified: {plural(failed.length, "check")} of {v.checks.length} failed
      </State>
    );
  return (
    <State tone="ok">
      verified in this browser{v.entries.length > 1 ? `: ${plural(v.entries.length, "entry", "entries")}` : ""} against the signed log of {count(v.checkpoint?.size ?? 0)}
    </State>
  );
}

/** Checks lists every check with its values. */
export function Checks({ of: v, again, values = true }: { of: Verdict; again?: () => void; values?: boolean }) {
  const [asks, setAsks] = useState(false);
  const broken = v.checks.some((c) => !c.ok && (c.id === "history" || c.id === "key"));
  return (
    <>
      <ol class="audit-checks">
        {v.checks.map((c) => (
          <CheckLine key={c.id} of={c} values={values} />
        ))}
      </ol>
      {broken && (
        <p class="audit-trust">
          If an older database was put back on purpose, or the key was changed on purpose, this browser can trust the log anew.
          <button type="button" class="danger" onClick={() => setAsks(true)}>
            Trust it anew
          </button>
        </p>
      )}
      {asks && (
        <Confirm
          title="Trust this log anew"
          word={project.value}
          action="Trust it"
          danger
          close={() => setAsks(false)}
          run={async () => {
            forget(project.value);
            again?.();
          }}
        >
          <p>What this browser saw before is forgotten. Whoever cut entries off can no longer be found out by it: keep a note of the failed check first.</p>
        </Confirm>
      )}
    </>
  );
}

function CheckLine({ of: c, values }: { of: Check; values: boolean }) {
  return (
    <li class={c.ok ? "ok" : "bad"} data-check={c.id}>
      <Shape tone={c.ok ? "ok" : "bad"} />
      <div>
        <p>
          {c.title}
          <span class="audit-word">{c.ok ? "checked" : "failed"}</span>
        </p>
        {c.why && <p class="audit-why">{c.why}</p>}
        {values && c.values.length > 0 && (
          <details open={!c.ok}>
            <summary>{plural(c.values.length, "value")}</summary>
            <dl>
              {c.values.map(([label, value], i) => (
                <div key={i}>
                  <dt>{label}</dt>
                  <dd>
                    <code>{value.endsWith("Z") ? moment(value) : value.trimEnd()}</code>
                  </dd>
                </div>
              ))}
            </dl>
          </details>
        )}
      </div>
    </li>
  );
}
