// The frame of every page: header, the page of the address, footer, key sheet.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Overview } from "./api_gen";
import { apiURL, pageURL } from "./base";
import { setServerTime } from "./clock";
import { keysOn, KeySheet, startKeys } from "./keys";
import { follow, link } from "./live";
import { OverviewPage } from "./overview/page";
import { query } from "./query";
import { place } from "./router";
import { Shape, type Tone } from "./shapes";
import { choice, choose, type Choice } from "./theme";

const sheet = signal(false); // whether the key sheet is open

/** App is everything inside the body. */
export function App() {
  const project = place.value.project;
  const overview = query<Overview>(apiURL(project, "overview"));
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    let due = false; // news came while nobody looked
    const refresh = () => {
      if (document.hidden) due = true;
      else overview.refresh();
    };
    const shown = () => {
      if (!document.hidden && due) {
        due = false;
        overview.refresh();
      }
    };
    document.addEventListener("visibilitychange", shown);
    const stop = follow(project, (n) => {
      const known = overview.data.peek()?.server.journal ?? -1;
      if (n.index > known || n.kind === "replay" || n.kind === "reset" || overview.problem.peek()) refresh();
    });
    return () => {
      stop();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [project]);

  const server = overview.data.value?.server;
  useEffect(() => {
    if (server) setServerTime(server.now);
  }, [server]);
  useEffect(() => startKeys(() => (sheet.value = true)), []);
  useEffect(() => {
    document.title = place.value.page === "missing" ? "Not found · trimtab" : project === "default" ? "trimtab" : `${project} · trimtab`;
  }, [place.value.page, project]);

  const skip = (e: Event) => {
    e.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Header project={project} version={server?.version} />
      <main id="main" ref={main} tabIndex={-1}>
        {place.value.page === "overview" ? <OverviewPage overview={overview} focus={place.value.focus} /> : <Missing path={place.value.path} />}
      </main>
      <footer class="footer">
        {server && <span>Journal entry {server.journal.toLocaleString("en-US")}</span>}
        <a href={pageURL("licences.txt")}>Licences</a>
        <button type="button" class="link" onClick={() => (sheet.value = true)}>
          Keys{keysOn.value ? " (?)" : ""}
        </button>
      </footer>
      {sheet.value && <KeySheet close={() => (sheet.value = false)} />}
    </>
  );
}

function Header({ project, version }: { project: string; version: string | undefined }) {
  return (
    <header class="header">
      <a class="brand" href={pageURL("")} data-page>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
          <path class="hull" d="M3 2h7.200C12.200 2 13.800 3.600 13.800 5.600V18H7.400C5 18 3 16 3 13.600z" />
          <path class="tab" d="M15.200 11.200l2.800 1.400V18h-2.800z" />
        </svg>
        trimtab
      </a>
      {version && <span class="version">{version}</span>}
      {project !== "default" && <span class="project">{project}</span>}
      <span class="grow" />
      <LinkState />
      <ThemeSwitch />
    </header>
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
        <a href={pageURL("")} data-page>
          To the overview
        </a>
      </p>
    </section>
  );
}
