// The router over the History API. Every state of a page is in its address.
import { computed, signal } from "@preact/signals";
import { pagePath, pageURL } from "./base";

/** Focus is what an address points to on the overview: the links that MLflow clients print lead to runs and models. */
export interface Focus {
  kind: "run" | "experiment" | "model";
  name: string;
}

/** Place is what an address means. */
export interface Place {
  page: "overview" | "missing";
  path: string;
  project: string;
  focus?: Focus;
}

const patterns: [RegExp, Focus["kind"]][] = [
  [/^experiments\/[^/]+\/runs\/([^/]+)(?:\/.*)?$/, "run"],
  [/^experiments\/([^/]+)(?:\/.*)?$/, "experiment"],
  [/^models\/([^/]+)(?:\/.*)?$/, "model"],
];

/** placeOf reads an address. */
export function placeOf(address: URL): Place {
  const path = pagePath(address) ?? "";
  const project = address.searchParams.get("project") || address.searchParams.get("workspace") || "default";
  if (path === "" || path === "index.html") return { page: "overview", path, project };
  for (const [pattern, kind] of patterns) {
    const m = path.match(pattern);
    if (m?.[1]) return { page: "overview", path, project, focus: { kind, name: decoded(m[1]) } };
  }
  return { page: "missing", path, project };
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

/** go leads to a page of the same project without loading it from the server. */
export function go(page: string): void {
  const to = new URL(pageURL(page));
  if (place.peek().project !== "default") to.searchParams.set("project", place.peek().project);
  history.pushState(null, "", to);
  address.value = location.href;
  scrollTo(0, 0);
}

/** startRouter listens to the browser's back and forward and to clicks on links of our own. */
export function startRouter(): void {
  addEventListener("popstate", () => (address.value = location.href));
  document.addEventListener("click", (e) => {
    const link = e.target instanceof Element ? e.target.closest("a") : null;
    if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (link.target || link.hasAttribute("download") || !link.hasAttribute("data-page")) return;
    const path = pagePath(new URL(link.href));
    if (path === undefined) return;
    e.preventDefault();
    go(path);
  });
}
