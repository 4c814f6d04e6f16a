// The query bar: a filter in the search language of runs, with completion, the
// queries asked before, and the word that is not understood marked under it.
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { RunKeys, RunSearchCheck, RunSearchFault } from "../api_gen";
import { apiURL } from "../base";
import { count } from "../format";
import { call, type Problem } from "../query";
import { Shape } from "../shapes";
import { keyOf, kindOf } from "./column";
import { names, operatorsOf, placeOf, prefixes, quoted, wantedAt, type Wanted } from "./complete";
import { readTable, valuesOf, type Search } from "./store";

/** Choice is a line of the completion. */
interface Choice {
  text: string; // what is written
  shown?: string;
  note?: string;
  from: number;
  to: number;
  whole?: boolean; // an earlier query: it replaces everything and is asked at once
}

interface Props {
  search: Search;
  filter: string;
  apply: (filter: string) => void;
  problem: Problem | undefined;
  input: { current: HTMLInputElement | null };
}

const pause = 220; // ms without a key until what was typed is applied
const recentMost = 8;

/** QueryBar is the line in which runs are searched for. */
export function QueryBar({ search, filter, apply, problem, input }: Props) {
  const [text, setText] = useState(filter);
  const [fault, setFault] = useState<RunSearchFault>();
  const [choices, setChoices] = useState<Choice[]>([]);
  const [at, setAt] = useState(-1);
  const [open, setOpen] = useState(false);
  const back = useRef<HTMLDivElement>(null);
  const applied = useRef(filter);
  const turn = useRef(0);
  const id = useId();
  const store = `trimtab.queries.${search.project}.${search.experiment}`;
  const root = (path: string) => apiURL(search.project, path);

  useEffect(() => {
    if (filter === applied.current) return;
    applied.current = filter;
    setText(filter);
    setFault(undefined);
  }, [filter]);

  // What stands in the address may be wrong, too.
  useEffect(() => {
    if (filter !== "") void check(filter, true);
  }, []);

  const check = async (query: string, tell: boolean): Promise<boolean> => {
    if (query.trim() === "") {
      setFault(undefined);
      return true;
    }
    try {
      const c = await call<RunSearchCheck>("GET", root(`run-search?filter=${encodeURIComponent(query)}`));
      const bad = c.faults.find((f) => f.part === "filter");
      if (tell || !bad) setFault(bad);
      return !bad;
    } catch {
      return true; // the table will say what is wrong
    }
  };
  const use = (query: string, keep: boolean) => {
    const q = query.trim() === "" ? "" : query;
    if (keep && q !== "") remember(store, q);
    applied.current = q;
    apply(q);
  };
  // What is typed is applied by itself as soon as it is understood.
  useEffect(() => {
    if (text === applied.current) return;
    const mine = ++turn.current;
    const timer = setTimeout(async () => {
      const good = await check(text, false);
      if (mine !== turn.current) return;
      if (good) use(text, false);
    }, pause);
    // Only a longer pause says that what stands there is meant: half a query is no mistake.
    const later = setTimeout(() => void (mine === turn.current && check(text, true)), 1_400);
    return () => {
      clearTimeout(timer);
      clearTimeout(later);
    };
  }, [text]);

  const suggest = async (value: string, cursor: number) => {
    const mine = ++suggestions.current;
    if (value.trim() === "") {
      setChoices([...recent(store).map((q) => ({ text: q, note: "asked before", from: 0, to: value.length, whole: true })), ...(await namesFor({ what: "name", from: 0, typed: "" }, value.length, root, search))]);
      setAt(-1);
      return;
    }
    const w = wantedAt(value, cursor);
    const found = await choicesFor(w, cursor, root, search);
    if (mine !== suggestions.current) return;
    setChoices(found);
    // What must follow is offered for Enter and Tab; where a query may end, Enter asks it.
    setAt(found.length > 0 && w.what !== "joint" && w.what !== "nothing" && !(w.what === "name" && w.typed === "") ? 0 : -1);
  };
  const suggestions = useRef(0);

  const take = (c: Choice) => {
    if (c.whole) {
      setText(c.text);
      setOpen(false);
      use(c.text, true);
      return;
    }
    // What was typed since the choices were made is part of the word that is completed.
    const typed = input.current?.value ?? text;
    const next = typed.slice(0, c.from) + c.text + typed.slice(Math.max(c.to, input.current?.selectionStart ?? c.to));
    const cursor = c.from + c.text.length;
    // At once: what is typed next must find the cursor there.
    if (input.current) {
      input.current.value = next;
      input.current.focus();
      input.current.setSelectionRange(cursor, cursor);
    }
    setText(next);
    setFault(undefined);
    setChoices([]);
    void suggest(next, cursor);
  };
  const keys = async (e: KeyboardEvent) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (!open) {
        setOpen(true);
        void suggest(text, input.current?.selectionStart ?? text.length);
      } else if (choices.length > 0) setAt(e.key === "ArrowDown" ? (at + 1) % choices.length : at <= 0 ? choices.length - 1 : at - 1);
    } else if ((e.key === "Tab" || e.key === "Enter") && open && at >= 0 && choices[at] && !e.shiftKey) {
      e.preventDefault();
      take(choices[at] as Choice);
    } else if (e.key === "Enter") {
      e.preventDefault();
      setOpen(false);
      turn.current++;
      const typed = input.current?.value ?? text; // the state may be a keystroke behind
      if (await check(typed, true)) use(typed, true);
    } else if (e.key === "Escape") {
      e.preventDefault();
      if (open && choices.length > 0) setOpen(false);
      else {
        input.current?.blur();
        document.querySelector<HTMLElement>("[data-grid]")?.focus();
      }
    }
  };
  const marked = useMemo(() => {
    if (!fault) return undefined;
    const from = placeOf(text, fault.offset);
    const to = Math.max(from + 1, placeOf(text, fault.offset + fault.length));
    return [text.slice(0, from), text.slice(from, to) || " ", text.slice(to)];
  }, [fault, text]);
  const listed = open && choices.length > 0;
  return (
    <div class="exp-query">
      <div class={`exp-query-line${fault ? " bad" : ""}`}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
          <circle cx="7" cy="7" r="4.500" fill="none" stroke="currentColor" stroke-width="1.400" />
          <path d="M10.500 10.500 14 14" stroke="currentColor" stroke-width="1.400" stroke-linecap="round" />
        </svg>
        <div class="exp-query-text">
          <div class="exp-query-back" ref={back} aria-hidden="true">
            {marked && (
              <>
                {marked[0]}
                <mark>{marked[1]}</mark>
                {marked[2]}
              </>
            )}
          </div>
          <input
            ref={input}
            type="text"
            role="combobox"
            aria-label="Filter of the runs"
            aria-expanded={listed}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={listed && at >= 0 ? `${id}-${at}` : undefined}
            aria-invalid={fault ? "true" : undefined}
            aria-describedby={fault ? `${id}-fault` : undefined}
            placeholder="metrics.auc > 0.8 AND params.depth = '6'"
            value={text}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(e) => {
              const value = e.currentTarget.value;
              setText(value);
              setFault(undefined);
              setOpen(true);
              void suggest(value, e.currentTarget.selectionStart ?? value.length);
            }}
            onFocus={(e) => {
              setOpen(true);
              void suggest(e.currentTarget.value, e.currentTarget.selectionStart ?? 0);
            }}
            onClick={(e) => {
              setOpen(true);
              void suggest(e.currentTarget.value, e.currentTarget.selectionStart ?? 0);
            }}
            onBlur={() => setOpen(false)}
            onScroll={(e) => back.current && (back.current.scrollLeft = e.currentTarget.scrollLeft)}
            onKeyDown={keys}
          />
        </div>
        {text !== "" ? (
          <button
            type="button"
            class="exp-clear"
            aria-label="Clear the filter"
            onClick={() => {
              setText("");
              setFault(undefined);
              use("", false);
              input.current?.focus();
            }}
          >
            ×
          </button>
        ) : (
          <kbd>/</kbd>
        )}
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label="What can stand here" class="exp-choices" hidden={!listed}>
        {listed &&
          choices.map((c, i) => (
            <li key={`${c.text} ${c.note ?? ""}`} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseDown={(e) => (e.preventDefault(), take(c))} ref={(li) => void (i === at && li?.scrollIntoView({ block: "nearest" }))}>
              <code>{c.shown ?? c.text}</code>
              {c.note && <span class="detail">{c.note}</span>}
            </li>
          ))}
      </ul>
      {fault ? (
        <p class="exp-fault" id={`${id}-fault`} role="alert">
          <Shape tone="bad" />
          {fault.message}
          {fault.hint && <span class="detail">; {fault.hint}</span>}
        </p>
      ) : (
        problem &&
        problem.status !== 0 && (
          <p class="exp-fault" role="alert">
            <Shape tone="bad" />
            {problem.message}
            {problem.requestId && (
              <span class="detail">
                {" "}
                request <code>{problem.requestId}</code>
              </span>
            )}
          </p>
        )
      )}
    </div>
  );
}

type Root = (path: string) => string;

async function choicesFor(w: Wanted, cursor: number, root: Root, s: Search): Promise<Choice[]> {
  switch (w.what) {
    case "name":
      return namesFor(w, cursor, root, s);
    case "operator": {
      const typed = w.typed.trim().toLowerCase();
      return operatorsOf(w.kind)
        .filter(([op]) => op.toLowerCase().startsWith(typed) && op.toLowerCase() !== typed)
        .map(([op, note]) => ({ text: `${op} ${op === "IN" ? "('" : ""}`, shown: op, note, from: w.from, to: cursor }));
    }
    case "value":
      return valuesFor(w, cursor, s);
    case "joint":
      return ["AND", "OR"].filter((j) => j.toLowerCase().startsWith(w.typed.toLowerCase())).map((j) => ({ text: `${j} `, shown: j, from: w.from, to: cursor }));
  }
  return [];
}

async function namesFor(w: Extract<Wanted, { what: "name" }>, cursor: number, root: Root, s: Search): Promise<Choice[]> {
  const out: Choice[] = [];
  const typed = w.typed.replace(/[`"]/g, "").toLowerCase();
  if (!w.prefix) {
    for (const [name, , note] of names) if (name.includes(typed)) out.push({ text: `${name} `, shown: name, note, from: w.from, to: cursor });
    for (const [prefix, note] of prefixes) if (prefix.startsWith(typed)) out.push({ text: `${prefix}.`, shown: `${prefix}.…`, note, from: w.from, to: cursor });
    if (typed === "") return out;
  }
  const kind = w.prefix ? w.prefix.slice(0, -1) : "all";
  try {
    const keys = await call<RunKeys>("GET", root(`experiments/${encodeURIComponent(s.experiment)}/keys?kind=${kind}&limit=20&search=${encodeURIComponent(typed)}`));
    for (const k of keys.items) out.push({ text: `${k.name} `, shown: k.name, note: `${count(k.runs)} ${k.runs === 1 ? "run" : "runs"}`, from: w.from, to: cursor });
  } catch {
    // Completion helps; without the server it has less to say.
  }
  return out;
}

const states = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

/** valuesFor gives the values that runs have under a name. */
async function valuesFor(w: Extract<Wanted, { what: "value" }>, cursor: number, s: Search): Promise<Choice[]> {
  if (w.kind === "number") return [];
  const typed = w.typed.replace(/^['"]/, "").toLowerCase();
  const name = w.name.replace(/^(attributes?|attr|run)\./, "");
  const seen = new Map<string, number>();
  if (name === "status") for (const state of states) seen.set(state, 0);
  else {
    const prefix = name.match(/^(params|tags)\./)?.[0];
    const id = prefix ? prefix + name.slice(prefix.length).replace(/^[`"]|[`"]$/g, "") : "";
    if (!id && name !== "user_id" && name !== "run_name") return [];
    try {
      const t = await readTable({ ...s, filter: "", order: [] }, { limit: 300, columns: id && kindOf(id) !== "attribute" && keyOf(id) !== "" ? [id] : [] });
      const column = t.columns[0];
      const values = column ? valuesOf(column, t.ids.length) : name === "user_id" ? t.users : t.names;
      for (const v of values) if (typeof v === "string" && v !== "" && !v.endsWith("…")) seen.set(v, (seen.get(v) ?? 0) + 1);
    } catch {
      return [];
    }
  }
  return [...seen]
    .filter(([v]) => v.toLowerCase().includes(typed))
    .sort((a, b) => b[1] - a[1])
    .slice(0, 20)
    .map(([v]) => ({ text: quoted(v) + (w.list ? "" : " "), shown: quoted(v), from: w.from, to: cursor }));
}

function recent(store: string): string[] {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(store) ?? "[]");
    return Array.isArray(all) ? all.filter((q): q is string => typeof q === "string").slice(0, recentMost) : [];
  } catch {
    return [];
  }
}

function remember(store: string, query: string): void {
  try {
    localStorage.setItem(store, JSON.stringify([query, ...recent(store).filter((q) => q !== query)].slice(0, recentMost)));
  } catch {
    // A browser that stores nothing has no recent queries.
  }
}
