// The palette: pages, objects and actions by name.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Find, Found } from "./api_gen";
import { apiURL } from "./base";
import { actions } from "./page";
import { pageOf, rail } from "./pages";
import { call } from "./query";
import { enc, go, project } from "./router";
import { choose } from "./theme";

interface Choice {
  id: string;
  group: string;
  text: string;
  detail?: string | undefined;
  run: () => void;
}

/** addresses says where an object is shown. */
const addresses: Record<string, (f: Found) => string> = {
  run: (f) => `experiments/${enc(f.parent ?? "")}/runs/${enc(f.name)}`,
  experiment: (f) => `experiments/${enc(f.name)}`,
  model: (f) => `models/${enc(f.name)}`,
  endpoint: (f) => `endpoints/${enc(f.name)}`,
  monitor: (f) => `monitors/${enc(f.name)}`,
  pipeline: (f) => `pipelines/${enc(f.name)}`,
  dataSource: (f) => `data/sources/${enc(f.name)}`,
  dataContract: (f) => `data/contracts/${enc(f.name)}`,
  retrainPolicy: (f) => `loop/${enc(f.parent ?? "")}`,
  decision: (f) => `decisions/${enc(f.name)}`,
  incident: (f) => `incidents/${enc(f.name)}`,
  rollout: (f) => `rollouts/${enc(f.name)}`,
  pipelineRun: (f) => `pipelineruns/${enc(f.name)}`,
};

const words: Record<string, string> = { dataSource: "source", dataContract: "contract", retrainPolicy: "policy", pipelineRun: "pipeline run" };

/** Palette finds what is typed and leads there. */
export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [found, setFound] = useState<Found[]>([]);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
    };
  }, []);
  useEffect(() => {
    let over = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await call<Find>("GET", `${apiURL(project.value, "find")}?text=${encodeURIComponent(text.trim())}`);
        if (!over) setFound(answer.found);
      } catch {
        if (!over) setFound([]); // pages and actions are found without the server
      }
    }, 80);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [text]);

  const choices = useMemo(() => {
    const all: Choice[] = [];
    for (const a of actions.value) all.push({ id: `action ${a.text}`, group: "Actions", text: a.text, run: a.run });
    for (const { lines } of rail) for (const l of lines) all.push({ id: `page ${l.area}`, group: "Pages", text: l.text, detail: `g ${l.key}`, run: () => go(pageOf(l.area)) });
    for (const theme of ["system", "light", "dark"] as const) all.push({ id: `theme ${theme}`, group: "Actions", text: `Theme: ${theme}`, run: () => choose(theme) });
    const objects = found.flatMap((f): Choice[] => {
      const to = addresses[f.kind];
      return to ? [{ id: `${f.kind} ${f.name} ${f.parent ?? ""}`, group: "Objects", text: f.text || f.name, detail: words[f.kind] ?? f.kind, run: () => go(to(f)) }] : [];
    });
    const fitting = all.filter((c) => fits(c.text, text));
    return text.trim() === "" ? [...fitting.filter((c) => c.group === "Actions" && !c.id.startsWith("theme")), ...fitting.filter((c) => c.group === "Pages"), ...objects] : [...fitting, ...objects];
  }, [text, found]);

  useEffect(() => setAt(0), [text]);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at, choices]);

  const take = (c: Choice | undefined) => {
    if (!c) return;
    dialog.current?.close();
    c.run();
  };
  const key = (e: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) {
      e.preventDefault();
      setAt((at + step + choices.length) % Math.max(1, choices.length));
    } else if (e.key === "Enter") {
      e.preventDefault();
      take(choices[at]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Find a page, an object, an action"
      onClose={close}
      onMouseDown={(e) => e.target === dialog.current && dialog.current?.close()}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={choices[at] ? `palette-${at}` : undefined}
        aria-label="Find a page, an object, an action"
        placeholder="Find a page, an object, an action"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={key}
      />
      <ul ref={list} id="palette-list" role="listbox" aria-label="Found">
        {choices.map((c, i) => (
          <li key={c.id} id={`palette-${i}`} role="option" aria-selected={i === at} onMouseMove={() => setAt(i)} onClick={() => take(c)}>
            <span class="palette-text">{c.text}</span>
            <span class="detail">{c.detail ?? c.group.toLowerCase()}</span>
          </li>
        ))}
      </ul>
      {choices.length === 0 && <p class="detail palette-none">Nothing is called so.</p>}
    </dialog>
  );
}

/** fits says whether the words that were typed all occur in a text. */
function fits(text: string, typed: string): boolean {
  const lower = text.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((w) => lower.includes(w));
}
