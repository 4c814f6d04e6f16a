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

/** follow calls news with each notice of a project until the returned function is called. */
export function follow(project: string, news: (n: Notice) => void): () => void {
  let source: EventSource | undefined;
  let timer = 0;
  let wait = firstRetry;
  const open = () => {
    timer = 0;
    source = new EventSource(apiURL(project, "overview/events"));
    source.onopen = () => {
      link.value = "live";
      wait = firstRetry;
    };
    source.onmessage = (e) => {
      try {
        news(JSON.parse(String(e.data)) as Notice);
      } catch {
        news({ index: 0, kind: "reset", name: "" }); // something moved; what, the page will see
      }
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
