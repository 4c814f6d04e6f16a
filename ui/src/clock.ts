// The present, by the server's clock, moving on so that ages stay true.
import { signal } from "@preact/signals";

let skew = 0; // server minus browser, ms

/** now is the present by the server's clock, in ms. */
export const now = signal(Date.now());

/** setServerTime says what time the server has. */
export function setServerTime(iso: string): void {
  const t = Date.parse(iso);
  if (!Number.isNaN(t)) skew = t - Date.now();
  now.value = Date.now() + skew;
}

let timer = 0;

/** startClock lets now move: every second while something runs, else every ten. */
export function startClock(busy: boolean): () => void {
  window.clearInterval(timer);
  timer = window.setInterval(() => (now.value = Date.now() + skew), busy ? 1_000 : 10_000);
  return () => window.clearInterval(timer);
}
