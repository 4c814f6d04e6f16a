// Live updates: one stream of notices per project says that what is shown is
// old. Nothing is asked for on a timer.
import { signal } from "@preact/signals";
import type { Notice } from "./api_gen";
import { apiURL } from "./base";

/** Link is the state of the stream. */
export type Link = "connecting" | "live" | "lost";

/** link says whether changes arrive by themselves. */
export const link = signal<Link>("connecting");

const firstRetry = 2_000; // ms; doubles
const lastRetry = 60_000;

const listeners = new Set<(n: Notice) => void>();

/** onNotice calls a function with each notice until the returned function is called. */
export function onNotice(f: (n: Notice) => void): () => void {
  listeners.add(f);
  return () => listeners.delete(f);
}

function tell(n: Notice): void {
  for (const f of listeners) f(n);
}

/** follow listens to the notices of a project until the returned function is called. */
export function follow(project: string): () => void {
  let source: EventSource | undefined;
  let timer = 0;
  let wait = firstRetry;
  const open = () => {
    timer = 0;
    source = new EventSource(apiURL(project, "overview/events"));
    source.onopen = () => {
      // What happened while nobody listened is unknown: everything is asked for anew.
      if (link.value === "lost") tell({ index: 0, kind: "reset", name: "" });
      link.value = "live";
      wait = firstRetry;
    };
    source.onmessage = (e) => {
      let n: Notice = { index: 0, kind: "reset", name: "" }; // something moved; what, the page will see
      try {
        n = JSON.parse(String(e.data)) as Notice;
      } catch {
        // told as a reset
      }
      tell(n);
    };
    source.onerror = () => {
      link.value = "lost";
      // The browser comes back by itself after a cut, not after a refusal.
      if (source?.readyState === EventSource.CLOSED && !timer) {
        timer = window.setTimeout(open, wait);
        wait = Math.min(2 * wait, lastRetry);
      }
    };
  };
  link.value = "connecting";
  open();
  return () => {
    window.clearTimeout(timer);
    source?.close();
  };
}
