// The column picker: the catalogue of keys with a search, never all columns at once.
import { useEffect, useRef, useState } from "preact/hooks";
import type { RunKey, RunKeys } from "../api_gen";
import { apiURL } from "../base";
import { count, plural } from "../format";
import { Dialog } from "../parts";
import { call, type Problem } from "../query";
import { attributes, titleOf } from "./column";

interface Props {
  title: string;
  project: string;
  experiment: string;
  /** kind narrows the catalogue. */
  kind?: "metric" | "all";
  chosen: string[];
  choose: (ids: string[]) => void;
  close: () => void;
}

const page = 100;

/** Picker is the dialog in which columns are shown and hidden. */
export function Picker({ title, project, experiment, kind = "all", chosen, choose, close }: Props) {
  const [search, setSearch] = useState("");
  const [only, setOnly] = useState<string>(kind);
  const [keys, setKeys] = useState<RunKey[]>();
  const [next, setNext] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const turn = useRef(0);
  const ask = async (after: string) => {
    const mine = ++turn.current;
    try {
      const a = await call<RunKeys>("GET", apiURL(project, `experiments/${encodeURIComponent(experiment)}/keys?kind=${only}&limit=${page}&search=${encodeURIComponent(search)}${after ? `&after=${encodeURIComponent(after)}` : ""}`));
      if (mine !== turn.current) return;
      setKeys((old) => (after && old ? [...old, ...a.items] : a.items));
      setNext(a.next ?? "");
      setProblem(undefined);
    } catch (e) {
      if (mine === turn.current) setProblem(e as Problem);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void ask(""), search === "" ? 0 : 80);
    return () => clearTimeout(timer);
  }, [search, only]);
  const toggle = (id: string) => choose(chosen.includes(id) ? chosen.filter((c) => c !== id) : [...chosen, id]);
  const move = (id: string, step: number) => {
    const at = chosen.indexOf(id);
    const to = at + step;
    if (to < 0 || to >= chosen.length) return;
    const all = chosen.filter((c) => c !== id);
    all.splice(to, 0, id);
    choose(all);
  };
  const words = search.toLowerCase().split(/\s+/);
  const base = kind === "all" && only === "all" ? Object.keys(attributes).filter((id) => words.every((w) => titleOf(id).toLowerCase().includes(w))) : [];
  const box = useRef<HTMLDivElement>(null);
  const steps = (e: KeyboardEvent) => {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
    const all = [...(box.current?.querySelectorAll<HTMLElement>("input") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = all[at + (e.key === "ArrowDown" ? 1 : -1)];
    if (!to) return;
    e.preventDefault();
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  };
  return (
    <Dialog title={title} close={close} wide>
      <div class="exp-picker" ref={box} onKeyDown={steps}>
        <div class="exp-picker-head">
          <input type="text" placeholder="Search the keys" aria-label="Search the keys" value={search} onInput={(e) => setSearch(e.currentTarget.value)} autofocus autocomplete="off" spellcheck={false} />
          {kind === "all" && (
            <div class="exp-segments" role="group" aria-label="Kind of keys">
              {[
                ["all", "All"],
                ["metric", "Metrics"],
                ["param", "Params"],
                ["tag", "Tags"],
              ].map(([id, text]) => (
                <button key={id} type="button" aria-pressed={only === id} onClick={() => setOnly(id as string)}>
                  {text}
                </button>
              ))}
            </div>
          )}
        </div>
        {problem && (
          <p class="note warn" role="alert">
            {problem.message}
          </p>
        )}
        <div class="exp-picker-lists">
          <section aria-label="Keys">
            <ul class="exp-keys">
              {base.map((id) => (
                <Line key={id} id={id} text={titleOf(id)} kind="attribute" on={chosen.includes(id)} toggle={() => toggle(id)} />
              ))}
              {keys?.map((k) => (
                <Line key={k.id} id={k.id} text={k.key} kind={k.kind} runs={k.runs} on={chosen.includes(k.id)} toggle={() => toggle(k.id)} />
              ))}
            </ul>
            {keys?.length === 0 && base.length === 0 && <p class="detail exp-none">No key has {search ? `“${search}”` : "been logged"}.</p>}
            {next && (
              <button type="button" class="quiet more" onClick={() => void ask(next)}>
                Show {page} more
              </button>
            )}
          </section>
          <section aria-label="Shown">
            <h3>{plural(chosen.length, "column")} shown</h3>
            <ol class="exp-chosen">
              {chosen.map((id, i) => (
                <li key={id}>
                  <span class="grid-text" title={titleOf(id)}>
                    {titleOf(id)}
                  </span>
                  <button type="button" class="exp-small" aria-label={`Move ${titleOf(id)} up`} disabled={i === 0} onClick={() => move(id, -1)}>
                    ↑
                  </button>
                  <button type="button" class="exp-small" aria-label={`Move ${titleOf(id)} down`} disabled={i === chosen.length - 1} onClick={() => move(id, 1)}>
                    ↓
                  </button>
                  <button type="button" class="exp-small" aria-label={`Hide ${titleOf(id)}`} onClick={() => toggle(id)}>
                    ×
                  </button>
                </li>
              ))}
            </ol>
          </section>
        </div>
      </div>
      <div class="buttons">
        <button type="button" class="primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

function Line({ id, text, kind, runs, on, toggle }: { id: string; text: string; kind: string; runs?: number; on: boolean; toggle: () => void }) {
  return (
    <li>
      <label title={id}>
        <input type="checkbox" checked={on} onChange={toggle} />
        <span class="grid-text">{text}</span>
        <span class="detail">
          {kind === "attribute" ? "every run" : `${kind}${runs !== undefined ? `, ${count(runs)} ${runs === 1 ? "run" : "runs"}` : ""}`}
        </span>
      </label>
    </li>
  );
}

/** standard is the columns that are shown at first: times, and the metrics and params that say most. */
export function standard(keys: RunKey[]): string[] {
  const of = (kind: string) => keys.filter((k) => k.kind === kind).slice(0, 5).map((k) => k.id);
  return ["attributes.created", "attributes.duration", "attributes.user", ...of("metric"), ...of("param")];
}
