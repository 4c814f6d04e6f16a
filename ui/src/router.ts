// The router over the History API. Every state of a page is in its address.
import { computed, signal } from "@preact/signals";
import { pagePath, pageURL } from "./base";
import { pages, type Entry, type Params } from "./pages";

/** Place is what an address means; without an entry there is no such page. */
export interface Place {
  entry: Entry | undefined;
  params: Params;
  path: string;
  project: string;
}

/** placeOf reads an address. */
export function placeOf(address: URL): Place {
  const path = (pagePath(address) ?? "").replace(/\/+$/, "");
  const project = address.searchParams.get("project") || address.searchParams.get("workspace") || "default";
  const parts = path === "index.html" ? [""] : path.split("/");
  for (const entry of pages) {
    const params = match(entry, parts);
    if (params) return { entry, params, path, project };
  }
  return { entry: undefined, params: {}, path, project };
}

function match(entry: Entry, parts: string[]): Params | undefined {
  const wanted = entry.pattern.split("/");
  if (parts.length < wanted.length || (parts.length > wanted.length && !entry.tail)) return undefined;
  const params: Params = {};
  for (const [i, w] of wanted.entries()) {
    const part = parts[i] as string;
    if (!w.startsWith(":")) {
      if (w !== part) return undefined;
    } else if (part === "") return undefined;
    else params[w.slice(1)] = decoded(part);
  }
  return params;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const address = signal(location.href);

/** place is where the reader is. */
export const place = computed(() => placeOf(new URL(address.value)));

/** project is the project that the pages show. */
export const project = computed(() => place.value.project);

/** enc makes a name one part of an address. */
export const enc = encodeURIComponent;

/** href is the address of a page of the present project: href("models/flights", {tab: "history"}). */
export function href(page: string, query: Record<string, string> = {}): string {
  const to = new URL(pageURL(page));
  for (const [name, value] of Object.entries(query)) to.searchParams.set(name, value);
  return keepProject(to).href;
}

function keepProject(to: URL): URL {
  if (project.value !== "default" && !to.searchParams.has("project") && !to.searchParams.has("workspace")) to.searchParams.set("project", project.value);
  return to;
}

/** arrived is called after another page was gone to, for focus and scroll. */
let arrived: () => void = () => {};
export function onArrival(f: () => void): void {
  arrived = f;
}

/** go leads to a page of the same project ("models/flights?tab=history") without loading it from the server. */
export function go(page: string): void {
  leadTo(keepProject(new URL(pageURL(page))));
}

function leadTo(to: URL): void {
  const before = place.peek();
  history.pushState(null, "", to);
  address.value = location.href;
  if (place.peek().path !== before.path || place.peek().project !== before.project) {
    scrollTo(0, 0);
    arrived();
  }
}

/**
 * useParam is one parameter of the query string: its value, and a function that sets it.
 * The fallback is not written into the address. With push, "back" undoes the change.
 */
export function useParam(name: string, fallback = ""): [string, (value: string, o?: { push?: boolean }) => void] {
  const value = new URL(address.value).searchParams.get(name) ?? fallback;
  return [value, (next, o) => setParams({ [name]: next === fallback ? "" : next }, o)];
}

/** readParam is a parameter at this moment: for keys, which may come faster than the page is drawn. */
export function readParam(name: string): string {
  return new URL(location.href).searchParams.get(name) ?? "";
}

/** setParams sets several parameters at once; "" takes one away. */
export function setParams(values: Record<string, string>, o: { push?: boolean } = {}): void {
  const to = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") to.searchParams.delete(name);
    else to.searchParams.set(name, value);
  }
  if (to.href === location.href) return;
  if (o.push) history.pushState(null, "", to);
  else history.replaceState(history.state, "", to);
  address.value = location.href;
}

/** startRouter listens to the browser's back and forward and to clicks on links of our own. */
export function startRouter(): void {
  addEventListener("popstate", () => (address.value = location.href));
  document.addEventListener("click", (e) => {
    const link = e.target instanceof Element ? e.target.closest("a") : null;
    if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (link.target || link.hasAttribute("download") || !link.hasAttribute("data-page")) return;
    const to = new URL(link.href);
    if (pagePath(to) === undefined) return;
    e.preventDefault();
    leadTo(keepProject(to));
  });
}
