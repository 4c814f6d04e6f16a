// The head that every page has, and what a page tells the frame: its title, its
// keys, its actions for the palette, and what can be copied of it.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { startClock } from "./clock";
import { registerKeys, type KeyBinding } from "./keys";
import { CopyAs, ProblemPanel, Skeleton, Stale, type CopyOf } from "./parts";
import type { Problem, Query } from "./query";
import { href, project, useParam } from "./router";
import { Command } from "./parts";

export type { CopyOf } from "./parts";
export type { KeyBinding } from "./keys";

/** Crumb is a page above the present one. */
export interface Crumb {
  text: string;
  to: string; // address below the pages' root
}

/** Action is something that a page can do, offered by the palette. */
export interface Action {
  text: string;
  run: () => void;
}

/** crumbs and title of the page that is shown; the bar shows them. */
export const shown = signal<{ title: string; crumbs: Crumb[] }>({ title: "", crumbs: [] });

/** actions are what the page that is shown can do. */
export const actions = signal<Action[]>([]);

interface Props {
  title: string;
  label?: ComponentChildren; // before the title: a state
  crumbs?: Crumb[];
  summary?: ComponentChildren;
  aside?: ComponentChildren; // buttons at the right
  copy?: CopyOf;
  keys?: KeyBinding[];
  actions?: Action[];
  busy?: boolean; // something runs: ages move every second
  children: ComponentChildren;
}

/** Page is the head of a page and what stands below it. */
export function Page({ title, label, crumbs = [], summary, aside, copy, keys = [], actions: offered = [], busy = false, children }: Props) {
  useEffect(() => startClock(busy), [busy]);
  useEffect(() => {
    shown.value = { title, crumbs };
    const where = project.value === "default" ? "" : `${project.value} · `;
    document.title = title === "Overview" && where === "" ? "trimtab" : `${title} · ${where}trimtab`;
  }, [title, crumbs.map((c) => c.text + c.to).join("|"), project.value]);
  // Before the page is painted: what a person sees answers to its own keys, not to those of the page before.
  useLayoutEffect(() => registerKeys(keys), [keys.map((k) => k.keys).join("|"), keys]);
  useEffect(() => {
    actions.value = offered;
    return () => (actions.value = []);
  }, [offered.map((a) => a.text).join("|")]);
  return (
    <div class="page">
      <header class="page-head">
        <div class="page-title">
          <h1>{title}</h1>
          {label}
          {summary && <p class="summary">{summary}</p>}
        </div>
        {(aside || copy) && (
          <div class="page-aside">
            {aside}
            {copy && <CopyAs of={copy} />}
          </div>
        )}
      </header>
      {children}
    </div>
  );
}

/** Tab is one of the views of a page. */
export interface Tab {
  id: string;
  text: string;
  count?: number | undefined;
}

/** Tabs choose what a page shows; the choice is in the address. useParam(name, first tab) reads it. */
export function Tabs({ name = "tab", label, tabs }: { name?: string; label: string; tabs: Tab[] }) {
  const [chosen, choose] = useParam(name, tabs[0]?.id);
  const move = (e: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const at = tabs.findIndex((t) => t.id === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.id);
    (e.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((t) => (
        <button key={t.id} type="button" role="tab" data-tab={t.id} aria-selected={t.id === chosen} tabIndex={t.id === chosen ? 0 : -1} onClick={() => choose(t.id)}>
          {t.text}
          {t.count !== undefined && <span class="count">{t.count.toLocaleString("en-US")}</span>}
        </button>
      ))}
    </div>
  );
}

/** Empty stands where there is nothing yet, with the commands that fill the place. */
export function Empty({ title, commands, children }: { title: string; commands?: string[]; children?: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children && <p class="detail">{children}</p>}
      {commands && commands.length > 0 && (
        <ol>
          {commands.map((c) => (
            <li key={c}>
              <Command>{c}</Command>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Answer shows what a query brought: a skeleton before, the problem instead, and a note when a later question failed. */
export function Answer<T>({ of: q, children }: { of: Query<T>; children: (data: T) => ComponentChildren }) {
  const data = q.data.value;
  const problem = q.problem.value;
  if (data === undefined) return problem ? <NoAnswer problem={problem} retry={q.refresh} /> : <Skeleton />;
  return (
    <>
      {problem && <Stale message={problem.message} at={q.at.value} retry={q.refresh} />}
      {children(data)}
    </>
  );
}

/** NoAnswer is the page of a problem: what is not there is said otherwise than what failed. */
function NoAnswer({ problem, retry }: { problem: Problem; retry: () => void }) {
  if (problem.status !== 404) return <ProblemPanel problem={problem} retry={retry} />;
  return (
    <section class="problem">
      <h1>Not found</h1>
      <p>{problem.message}</p>
      <p>
        <a href={href("")} data-page>
          To the overview
        </a>
      </p>
    </section>
  );
}
