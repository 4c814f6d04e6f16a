// The frame of every page: rail, bar, the page of the address, footer.
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Declared, Overview, Projects } from "./api_gen";
import { apiURL, pageURL } from "./base";
import { setServerTime } from "./clock";
import { Toasts } from "./dialog";
import { keysOn, KeySheet, startKeys } from "./keys";
import { follow, link } from "./live";
import { Palette } from "./palette";
import { Skeleton } from "./parts";
import { shown } from "./page";
import { plural } from "./format";
import { pageOf, rail, type Entry, type Params } from "./pages";
import { useQuery } from "./query";
import { href, onArrival, place } from "./router";
import { Shape, type Tone } from "./shapes";
import { choice, choose, type Choice } from "./theme";

const sheet = signal(false); // whether the key sheet is open
const palette = signal(false);
const railOpen = signal(false); // on narrow screens the rail lies over the page

/** App is everything inside the body. */
export function App() {
  const { project, entry, params, path } = place.value;
  // What the rail marks, and what the start page shows; watched closely only there.
  // Elsewhere it is asked for once the page has what it needs itself.
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 700);
    return () => clearTimeout(timer);
  }, []);
  const overview = useQuery<Overview>(late || entry?.area === "overview" ? apiURL(project, "overview") : null, entry?.area === "overview" ? undefined : ["incident", "decision", "rollout", "endpoint", "pipelineRun"]);
  const main = useRef<HTMLElement>(null);
  const server = overview.data.value?.server;

  useEffect(() => follow(project), [project]);
  useEffect(() => {
    if (server) setServerTime(server.now);
  }, [server]);
  useEffect(
    () =>
      startKeys(
        () => (sheet.value = true),
        () => (palette.value = !palette.value),
      ),
    [],
  );
  useEffect(() => {
    onArrival(() => {
      railOpen.value = false;
      main.current?.focus({ preventScroll: true });
    });
  }, []);
  useEffect(() => {
    if (!entry) shown.value = { title: "Not found", crumbs: [] };
  }, [entry]);

  const skip = (e: Event) => {
    e.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Bar project={project} declared={overview.data.value?.declared} />
      <div class={railOpen.value ? "frame rail-open" : "frame"}>
        <Rail area={entry?.area} o={overview.data.value} />
        <div class="veil" onClick={() => (railOpen.value = false)} />
        <div class="sheet-of-page">
          <main id="main" ref={main} tabIndex={-1}>
            {entry ? <Shown entry={entry} params={params} /> : <Missing path={path} />}
          </main>
          <footer class="footer">
            {server && <span>trimtab {server.version}</span>}
            {server && <span>Journal entry {server.journal.toLocaleString("en-US")}</span>}
            <a href={pageURL("licences.txt")}>Licences</a>
            <button type="button" class="link" onClick={() => (sheet.value = true)}>
              Keys{keysOn.value ? " (?)" : ""}
            </button>
          </footer>
        </div>
      </div>
      <Toasts />
      {sheet.value && <KeySheet close={() => (sheet.value = false)} />}
      {palette.value && <Palette close={() => (palette.value = false)} />}
    </>
  );
}

/** Shown fetches the chunk of a page and shows it. A page that is fetched already shows at once. */
function Shown({ entry, params }: { entry: Entry; params: Params }) {
  const [, again] = useState(0);
  const known = fetched.get(entry);
  useEffect(() => {
    if (known) return;
    let over = false;
    entry
      .load()
      .then((m) => fetched.set(entry, m.default))
      .catch(() => fetched.set(entry, Gone))
      .finally(() => !over && again((n) => n + 1));
    return () => (over = true);
  }, [entry, known]);
  if (!known) return <Skeleton />;
  const Shows = known;
  // Another object is another page: nothing that was typed or opened stays.
  return <Shows key={`${entry.pattern} ${Object.values(params).join(" ")}`} params={params} />;
}

const fetched = new Map<Entry, ComponentType<{ params: Params }>>();

/** Gone is shown when a part of the pages could not be fetched. */
function Gone() {
  return (
    <section class="problem" role="alert">
      <h1>
        <Shape tone="bad" /> This page could not be fetched
      </h1>
      <p>The server does not answer, or a newer version of the pages is running there.</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        Reload
      </button>
    </section>
  );
}

function Rail({ area, o }: { area: string | undefined; o: Overview | undefined }) {
  const marks = marksOf(o);
  return (
    <nav class="rail" aria-label="Pages">
      <div class="rail-lines">
      {rail.map((group) => (
        <section key={group.verb}>
          {group.verb && <h2>{group.verb}</h2>}
          <ul>
            {group.lines.map((l) => {
              const mark = marks[l.area];
              return (
                <li key={l.area}>
                  <a href={href(pageOf(l.area))} data-page aria-current={l.area === area ? "page" : undefined}>
                    <span>{l.text}</span>
                    {mark && (
                      <span class={`mark ${mark.tone}`} title={mark.why}>
                        {mark.tone !== "off" && <Shape tone={mark.tone} />}
                        {mark.count}
                        {mark.more && "+"}
                        <span class="visually-hidden"> {mark.why}</span>
                      </span>
                    )}
                  </a>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
      </div>
    </nav>
  );
}

interface Mark {
  tone: Tone;
  count: number;
  more?: boolean; // there are more than were counted
  why: string;
}

/** marksOf says what the rail marks: counts quietly, trouble with its shape. */
function marksOf(o: Overview | undefined): Record<string, Mark | undefined> {
  if (!o) return {};
  const failing = o.endpoints.filter((e) => e.state !== "serving" && e.state !== "loading").length;
  const running = o.pipelines.filter((p) => !p.ended).length;
  const waits = o.loop.decisions.filter((d) => d.state === "awaiting").length;
  const urgent = o.loop.incidents.filter((i) => i.severity !== "info" && !i.seenBy).length;
  const some = (tone: Tone, count: number, why: string): Mark | undefined => (count > 0 ? { tone, count, why } : undefined);
  return {
    overview: some("warn", o.attention.length, "need attention"),
    pipelines: some("run", running, "running"),
    models: o.leftOut.more ? { tone: "off", count: o.models.length + o.leftOut.models, more: true, why: "or more models" } : some("off", o.models.length + o.leftOut.models, "models"),
    endpoints: some("bad", failing, "not serving") ?? some("off", o.endpoints.length + o.leftOut.endpoints, "endpoints"),
    monitors: some("off", o.monitors.length + o.leftOut.monitors, "monitors"),
    decisions: some("warn", waits, "wait for a person"),
    // The shape of trouble counts what asks for somebody: the same that the overview lists.
    incidents: some("warn", urgent, "open that nobody looks after") ?? some("off", o.loop.incidents.length, "open"),
  };
}

function Bar({ project, declared }: { project: string; declared: Declared | undefined }) {
  return (
    <header class="header">
      <button type="button" class="rail-button" aria-label="Pages" aria-expanded={railOpen.value} onClick={() => (railOpen.value = !railOpen.value)}>
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
          <path d="M2 4.500h12M2 8h12M2 11.500h12" stroke="currentColor" stroke-width="1.400" stroke-linecap="round" />
        </svg>
      </button>
      <a class="brand" href={href("")} data-page>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
          <path class="hull" d="M3 2h7.200C12.200 2 13.800 3.600 13.800 5.600V18H7.400C5 18 3 16 3 13.600z" />
          <path class="tab" d="M15.200 11.200l2.800 1.400V18h-2.800z" />
        </svg>
        trimtab
      </a>
      <ProjectSwitch project={project} />
      <Crumbs />
      <span class="grow" />
      <PlanState of={declared} />
      <button type="button" class="find" onClick={() => (palette.value = true)} aria-label="Find a page, an object, an action">
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
          <path d="M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9zM10.300 10.300 14 14" fill="none" stroke="currentColor" stroke-width="1.400" stroke-linecap="round" />
        </svg>
        <span class="find-text">Find</span>
        <kbd>{/mac/i.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <LinkState />
      <ThemeSwitch />
    </header>
  );
}

/** PlanState says whether what is declared is still what its sources declared last. */
function PlanState({ of: d }: { of: Declared | undefined }) {
  if (!d?.resources) return null;
  const tone: Tone = d.changed ? "warn" : "ok";
  return (
    <a class={`plan-state state ${tone}`} href={href("changes")} data-page title={d.changed ? `Of ${d.resources} declared resources, others than their source changed ${d.changed}` : `All ${d.resources} declared resources are as their source declared them last`}>
      <Shape tone={tone} />
      {d.changed ? plural(d.changed, "change") : "in sync"}
    </a>
  );
}

function Crumbs() {
  const { title, crumbs } = shown.value;
  if (crumbs.length === 0) return null;
  return (
    <nav class="crumbs" aria-label="Breadcrumbs">
      <ol>
        {crumbs.map((c) => (
          <li key={c.to}>
            <a href={href(c.to)} data-page>
              {c.text}
            </a>
          </li>
        ))}
        <li aria-current="page">{title}</li>
      </ol>
    </nav>
  );
}

/** ProjectSwitch chooses the project; with one project there is nothing to choose. */
function ProjectSwitch({ project }: { project: string }) {
  const all = useQuery<Projects>(apiURL(project, "projects"), ["project"]).data.value?.projects ?? [];
  if (all.length < 2 && project === "default") return null;
  const names = all.includes(project) ? all : [project, ...all];
  return (
    <select
      class="project"
      aria-label="Project"
      value={project}
      onChange={(e) => {
        const to = new URL(pageURL(""));
        if (e.currentTarget.value !== "default") to.searchParams.set("project", e.currentTarget.value);
        location.href = to.href; // another project is another world: nothing of this one stays in memory
      }}
    >
      {names.map((n) => (
        <option key={n} value={n}>
          {n}
        </option>
      ))}
    </select>
  );
}

const links: Record<string, [Tone, string, string]> = {
  connecting: ["wait", "connecting", "Asking the server to tell of changes"],
  live: ["ok", "live", "Changes show by themselves"],
  lost: ["warn", "not live", "The server tells of no changes now; the page tries again by itself"],
};

function LinkState() {
  const [tone, word, why] = links[link.value] as [Tone, string, string];
  return (
    <span class={`link-state state ${tone}`} role="status" title={why}>
      <Shape tone={tone} />
      {word}
    </span>
  );
}

const icons: Record<Choice, preact.JSX.Element> = {
  system: <path d="M2.500 3.500h11v7.500h-11zM6 13.500h4" fill="none" stroke="currentColor" stroke-width="1.300" />,
  light: (
    <g fill="none" stroke="currentColor" stroke-width="1.300" stroke-linecap="round">
      <circle cx="8" cy="8" r="2.800" />
      <path d="M8 1.500v1.300M8 13.200v1.300M1.500 8h1.300M13.200 8h1.300M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9" />
    </g>
  ),
  dark: <path d="M13.300 9.600A5.600 5.600 0 0 1 6.400 2.700a5.600 5.600 0 1 0 6.900 6.900z" fill="none" stroke="currentColor" stroke-width="1.300" stroke-linejoin="round" />,
};

function ThemeSwitch() {
  return (
    <div class="themes" role="group" aria-label="Theme">
      {(["system", "light", "dark"] as Choice[]).map((c) => (
        <button key={c} type="button" aria-pressed={choice.value === c} aria-label={`${c} theme`} title={`${c} theme`} onClick={() => choose(c)}>
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            {icons[c]}
          </svg>
        </button>
      ))}
    </div>
  );
}

function Missing({ path }: { path: string }) {
  return (
    <section class="problem">
      <h1>There is no such page</h1>
      <p>
        Nothing is shown at <code>{path}</code>.
      </p>
      <p>
        <a href={href("")} data-page>
          To the overview
        </a>
      </p>
    </section>
  );
}
