// Moving and dropping an alias: what it does is said before, and asked for by name.
import { useState } from "preact/hooks";
import type { ModelPage, ModelService } from "../api_gen";
import { apiURL } from "../base";
import { Confirm, toast } from "../parts";
import { call } from "../query";
import { enc, project } from "../router";

interface Props {
  model: ModelPage;
  alias?: string;
  version?: number;
  close: () => void;
  done: () => void;
}

/** effects says what the endpoints that follow an alias will do. */
export function effects(services: ModelService[], alias: string, to: number | undefined): string[] {
  const follow = services.filter((s) => s.alias === alias);
  if (follow.length === 0) return ["No endpoint follows this alias: only those who load the model by it will see the move."];
  return follow.map((s) => {
    if (!to) return `Endpoint ${s.endpoint} goes on answering with version ${s.version ?? "–"} until the alias names another one.`;
    if (s.version === to) return `Endpoint ${s.endpoint} answers with version ${to} already.`;
    if (s.open) return `Endpoint ${s.endpoint} has rollout ${s.open} under way: it is superseded by this move.`;
    if (s.rollout && s.version) return `Endpoint ${s.endpoint} declares a rollout: it begins with this move, and version ${to} takes over when its tests allow it.`;
    return `Endpoint ${s.endpoint} answers with version ${to} at once.`;
  });
}

/** Move points an alias to a version. */
export function Move({ model, alias: first = "", version, close, done }: Props) {
  const [alias, setAlias] = useState(first || model.services[0]?.alias || "champion");
  const [to, setTo] = useState(version ? String(version) : String(model.versions.items[0]?.version ?? ""));
  const [why, setWhy] = useState("");
  const now = model.aliases.find((a) => a.name === alias)?.version;
  const number = /^[1-9][0-9]*$/.test(to) ? Number(to) : undefined;
  const run = async () => {
    if (!number) throw { kind: "invalid", message: `version “${to}”: expected a number from 1`, status: 400 };
    await call("POST", apiURL(project.value, `models/${enc(model.name)}/aliases`), { alias, version: number, from: now ?? 0, ...(why ? { cause: why } : {}) });
    toast(`${alias} of ${model.name} points to version ${number}`);
    done();
  };
  return (
    <Confirm title={`Move an alias of ${model.name}`} word={model.name} action={`Point ${alias || "the alias"} to version ${to || "…"}`} run={run} close={close}>
      <div class="models-move">
        <label class="field">
          <span>Alias</span>
          <input list="models-aliases" value={alias} onInput={(e) => setAlias(e.currentTarget.value.trim())} autocomplete="off" spellcheck={false} />
          <datalist id="models-aliases">
            {model.aliases.map((a) => (
              <option key={a.name} value={a.name} />
            ))}
          </datalist>
        </label>
        <label class="field">
          <span>Version</span>
          <input inputMode="numeric" value={to} onInput={(e) => setTo(e.currentTarget.value.trim())} autocomplete="off" />
        </label>
        <label class="field wide">
          <span>Why (is written into the journal)</span>
          <input value={why} onInput={(e) => setWhy(e.currentTarget.value)} maxLength={500} autocomplete="off" />
        </label>
      </div>
      <p>{now ? `${alias} points to version ${now} now.` : `There is no alias ${alias || "without a name"} yet: it is made.`}</p>
      <ul class="models-effects">
        {effects(model.services, alias, number).map((e) => (
          <li key={e}>{e}</li>
        ))}
      </ul>
    </Confirm>
  );
}

/** Drop removes an alias. */
export function Drop({ model, alias, close, done }: { model: ModelPage; alias: string; close: () => void; done: () => void }) {
  const run = async () => {
    await call("POST", apiURL(project.value, `models/${enc(model.name)}/aliases`), { alias, version: 0 });
    toast(`${alias} of ${model.name} is gone`);
    done();
  };
  return (
    <Confirm title={`Drop the alias ${alias}`} word={alias} action="Drop it" danger run={run} close={close}>
      <p>Whoever loads {model.name} by this alias finds nothing from then on. The version itself stays.</p>
      <ul class="models-effects">
        {effects(model.services, alias, undefined).map((e) => (
          <li key={e}>{e}</li>
        ))}
      </ul>
    </Confirm>
  );
}
