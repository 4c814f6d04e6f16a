// Where the policy of an endpoint stands, and what a person can do about it.
import { useState } from "preact/hooks";
import type { LoopPage, LoopPolicy, Pause } from "../api_gen";
import { apiURL } from "../base";
import { Confirm, toast } from "../parts";
import { call } from "../query";
import { enc, href, project } from "../router";
import { State, type Tone } from "../shapes";
import { actionWord, dayOf, sentence } from "./words";

/** standing is tone and word of where a policy stands. */
export function standing(p: LoopPolicy, pause: Pause | undefined): [Tone, string] {
  if (pause?.paused) return ["warn", "loop paused"];
  if (p.pause?.paused) return ["warn", "paused"];
  if (p.broken) return ["bad", "stopped after failures"];
  if (p.under?.state === "awaiting") return ["warn", "waits for a yes or no"];
  if (p.waits && p.wait === "human") return ["warn", "waits for a person"];
  if (p.under) return ["run", acts[p.under.state] ?? "acts"];
  return ["ok", p.mode === "auto" ? "acts by itself" : p.mode === "approve" ? "asks first" : "advises"];
}

const acts: Record<string, string> = { training: "trains", gating: "at the gate", rollout: "rolls out" };

const modes: Record<string, string> = { auto: "auto: acts by itself", approve: "approve: asks first", advise: "advise: says what it would do" };

/** PolicyBar is the line of facts under the title. */
export function PolicyBar({ page, refresh }: { page: LoopPage; refresh: () => void }) {
  const p = page.policy;
  const [ask, setAsk] = useState<"pause" | "resume" | "breaker" | "">("");
  const [reason, setReason] = useState("");
  if (!p) {
    return (
      <p class="detail loop-nopolicy">
        No policy decides here: what is shown was found and served, nothing is decided. <code>trimtab endpoint export {page.endpoint} --out FILE.parquet</code>, then <code>trimtab advise --predictions FILE.parquet</code>, says
        what one would have done.
      </p>
    );
  }
  const paused = p.pause?.paused || page.pause?.paused;
  const all = !!page.pause?.paused; // the whole loop, not this policy alone
  const run = async () => {
    if (ask === "breaker") await call("POST", apiURL(project.value, "loop/closebreaker"), { policy: p.name, reason });
    else await call("POST", apiURL(project.value, `loop/${ask}`), all && ask === "resume" ? { reason } : { policy: p.name, reason });
    toast(ask === "pause" ? `Policy ${p.name} is paused` : ask === "resume" ? "The loop goes on" : "The breaker is closed", "ok");
    refresh();
  };
  const facts: [string, preact.ComponentChildren][] = [
    ["Mode", modes[p.mode] ?? p.mode],
    ["Strategy", p.strategy],
    ["Next look", p.next ? dayOf(p.next) : "when windows and labels are there"],
    ["Cooldown", p.cooldown ? `until ${dayOf(p.cooldown)}` : "over"],
    ["Trainings", p.budget ? `${p.used} of ${p.budget} in ${p.per}` : `${p.used}, no limit`],
    ["Breaker", p.broken ? <State tone="bad">open after {p.failures} failures</State> : p.failures ? `closed, ${p.failures} failed` : "closed"],
  ];
  return (
    <div class="loop-policy">
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="loop-policy-actions">
        {p.open && p.open.length > 0 && (
          <a href={href(`decisions/${enc(p.open[0] as string)}`)} data-page>
            {p.open.length === 1 ? "1 decision under way" : `${p.open.length} decisions under way`}
          </a>
        )}
        {p.broken && (
          <button type="button" class="quiet" onClick={() => setAsk("breaker")}>
            Close the breaker
          </button>
        )}
        <button type="button" class="quiet" data-action={paused ? "resume" : "pause"} onClick={() => setAsk(paused ? "resume" : "pause")}>
          {paused ? (all ? "Resume the loop" : "Resume") : "Pause"}
        </button>
      </div>
      {paused && (
        <p class="note warn">
          <State tone="warn">{all ? "The loop of this project is paused" : "This policy is paused"}</State>
          <span class="detail">
            {" "}
            by {(all ? page.pause : p.pause)?.by ?? "somebody"}
            {(all ? page.pause : p.pause)?.reason ? `: ${ended((all ? page.pause : p.pause)?.reason ?? "")}` : "."} Windows are still looked at; nothing is started.
          </span>
        </p>
      )}
      <Waits policy={p} paused={!!paused} />
      {ask !== "" && (
        <Confirm
          title={ask === "pause" ? `Pause policy ${p.name}` : ask === "resume" ? (all ? "Resume the loop" : `Resume policy ${p.name}`) : "Close the breaker"}
          action={ask === "pause" ? "Pause" : ask === "resume" ? "Resume" : "Close it"}
          run={run}
          close={() => {
            setAsk("");
            setReason("");
          }}
        >
          <p>
            {ask === "pause"
              ? "Nothing new is started until it is resumed. A training that runs goes on to its end; a rollout keeps its step and can still roll back."
              : ask === "resume"
                ? "It decides on the windows that have closed meanwhile and acts again."
                : "Its cures failed several times in a row. It acts again when the cause is mended."}
          </p>
          <label class="field">
            <span>Reason, which is recorded</span>
            <input value={reason} required={ask === "breaker"} maxLength={1000} onInput={(e) => setReason(e.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </div>
  );
}

/** ended puts a full stop after what a person wrote. */
const ended = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** Waits says what is under way and what it waits for; a yes or no is one click away. */
function Waits({ policy: p, paused }: { policy: LoopPolicy; paused: boolean }) {
  const d = p.under;
  if (d?.state === "awaiting")
    return (
      <p class="note warn">
        <State tone="warn">Waits for a yes or no</State>
        <span class="detail">
          {" "}
          to{" "}
          <a href={href(`decisions/${enc(d.id)}`)} data-page>
            {actionWord(d.action, d.version)}
          </a>
          , decided for {dayOf(d.at)}. Nothing happens until a person approves or rejects it; a replay waits too.
        </span>
      </p>
    );
  if (!p.waits || (paused && p.waits.startsWith("the loop is paused"))) return null;
  const [text, ...command] = p.waits.split(": trimtab ");
  const person = p.wait === "human";
  return (
    <p class={person ? "note warn" : "note"}>
      <State tone={person ? "warn" : "run"}>{person ? "Waits for a person" : "Under way"}</State>
      <span class="detail">
        {" "}
        {d && (
          <>
            <a href={href(`decisions/${enc(d.id)}`)} data-page>
              {actionWord(d.action, d.version)}
            </a>
            , decided for {dayOf(d.at)}:{" "}
          </>
        )}
        {d ? ended(text ?? "") : sentence(text ?? "")}
        {command.length > 0 && (
          <>
            {" "}
            <code>trimtab {command.join(": trimtab ")}</code>
          </>
        )}
      </span>
    </p>
  );
}
