// What a person can do to an endpoint and a rollout, each after a typed confirmation.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { EndpointPage, RolloutLine } from "../api_gen";
import { apiURL } from "../base";
import { Confirm, toast } from "../parts";
import { call, type Problem } from "../query";
import { enc, project } from "../router";

/** Act is something that can be done. */
export interface Act {
  id: string;
  text: string; // of the button and the palette
  danger?: boolean;
  word: string; // to be typed
  title: string;
  what: ComponentChildren;
  run: (reason: string) => Promise<void>;
}

/** Acting asks for the reason and the word, and does it. */
export function Acting({ act, close, done }: { act: Act; close: () => void; done: () => void }) {
  const reason = useRef<HTMLInputElement>(null);
  return (
    <Confirm
      title={act.title}
      word={act.word}
      action={act.text}
      danger={act.danger ?? false}
      close={close}
      run={async () => {
        const why = reason.current?.value.trim() ?? "";
        if (why === "") throw { kind: "invalid", message: "Say why: the reason stays in the audit log.", status: 0 } satisfies Problem;
        await act.run(why);
        toast(`${act.text}: done`);
        done();
      }}
    >
      <div class="endpoints-what">{act.what}</div>
      <label class="field">
        <span>Reason, kept in the audit log</span>
        <input ref={reason} maxLength={1000} autocomplete="off" />
      </label>
    </Confirm>
  );
}

const rolloutWords: Record<string, { text: string; title: (r: RolloutLine) => string; what: (r: RolloutLine) => string; danger?: boolean }> = {
  promote: {
    text: "Promote",
    title: (r) => `Promote version ${r.to}`,
    what: (r) => `Version ${r.to} answers everything at once, whatever the tests have found so far. What is declared as a bake follows.`,
  },
  hold: { text: "Hold", title: (r) => `Hold rollout ${r.id}`, what: () => "The stage stays as it is until a person decides. A test that finds harm still rolls back." },
  resume: { text: "Resume", title: (r) => `Resume rollout ${r.id}`, what: () => "The stage in which it was held begins anew." },
  rollback: {
    text: "Stop and roll back",
    danger: true,
    title: (r) => `Stop rollout ${r.id}`,
    what: (r) => (r.from ? `Version ${r.from} answers everything again, at once, and the alias ${r.alias} goes back to it where it was moved.` : "Nothing answered before: the endpoint stays without a version."),
  },
};

/** rolloutActs are what can be done to an open rollout. */
export function rolloutActs(r: RolloutLine, verbs: string[]): Act[] {
  return verbs.flatMap((verb) => {
    const w = rolloutWords[verb];
    if (!w) return [];
    return {
      id: verb,
      text: w.text,
      danger: w.danger ?? false,
      word: r.id,
      title: w.title(r),
      what: <p>{w.what(r)}</p>,
      run: async (reason) => void (await call("POST", apiURL(project.value, `rollouts/${enc(r.id)}/${verb}`), { reason })),
    } satisfies Act;
  });
}

/** endpointActs are what can be done to an endpoint: to go back, and to pause what acts on it by itself. */
export function endpointActs(p: EndpointPage): Act[] {
  const e = p.endpoint;
  const open = p.rollout?.rollout.open ? p.rollout : undefined;
  const acts: Act[] = [];
  if (open) acts.push(...rolloutActs(open.rollout, open.actions).map((a) => (a.id === "rollback" ? { ...a, word: e.name } : a)));
  const before = p.services.find((s) => s.version !== e.serving && s.version !== e.target)?.version;
  if (!open && before && e.target) {
    acts.push({
      id: "rollback",
      text: "Roll back",
      danger: true,
      word: e.name,
      title: `Roll back to version ${before}`,
      what: (
        <>
          <p>
            Alias {e.alias} of model {e.model} moves from version {e.target} back to version {before}, which answered before.
          </p>
          <p>{p.declared.rollout ? "A rollout is declared: version " + before + " takes over in its stages, watched by the tests. Promote it to skip them." : `Version ${before} answers as soon as it is loaded.`}</p>
        </>
      ),
      run: async (reason) => void (await call("POST", apiURL(project.value, `models/${enc(e.model)}/aliases`), { alias: e.alias, version: before, from: e.target, cause: reason })),
    });
  }
  for (const policy of p.policies) {
    const paused = !!policy.paused;
    acts.push({
      id: `${paused ? "resume" : "pause"} ${policy.name}`,
      text: paused ? `Resume policy ${policy.name}` : `Pause policy ${policy.name}`,
      word: policy.name,
      title: paused ? `Resume policy ${policy.name}` : `Pause policy ${policy.name}`,
      what: <p>{paused ? "It decides again at the next border, on everything that happened meanwhile." : "It starts nothing until it is resumed. What runs goes on; tests of an open rollout still roll back."}</p>,
      run: async (reason) => void (await call("POST", apiURL(project.value, `loop/${paused ? "resume" : "pause"}`), { policy: policy.name, reason })),
    });
  }
  return acts;
}
