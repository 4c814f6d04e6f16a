// State is always shape and word: colour alone says nothing.
import type { ComponentChildren } from "preact";

/** Tone is what a state means for the reader. */
export type Tone = "ok" | "run" | "wait" | "warn" | "bad" | "off";

const shapes: Record<Tone, ComponentChildren> = {
  ok: <circle cx="6" cy="6" r="4" fill="currentColor" />,
  run: <path d="M6 1.500A4.500 4.500 0 1 1 1.500 6" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />,
  wait: <circle cx="6" cy="6" r="3.500" fill="none" stroke="currentColor" stroke-width="1.500" />,
  warn: <path d="M6 1.200 11.200 10.500H.8z" fill="currentColor" />,
  bad: <path d="M6 .8 11.200 6 6 11.200.8 6z" fill="currentColor" />,
  off: <path d="M2.500 6h7" stroke="currentColor" stroke-width="2" stroke-linecap="round" />,
};

/** Shape is the mark of a tone; the word stands beside it. */
export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg class={`shape ${tone}`} viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
      {shapes[tone]}
    </svg>
  );
}

/** State is a shape with its word. */
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <Shape tone={tone} />
      {children}
    </span>
  );
}

/** Arrow points from one thing to the next. */
export function Arrow() {
  return (
    <svg class="arrow" viewBox="0 0 12 12" width="11" height="11" aria-hidden="true" focusable="false">
      <path d="M1.500 6h8M6.500 3l3 3-3 3" fill="none" stroke="currentColor" stroke-width="1.300" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

const tones: Record<string, [Tone, string]> = {
  pending: ["wait", "pending"],
  waiting: ["wait", "waiting"],
  starting: ["run", "starting"],
  running: ["run", "running"],
  canceling: ["run", "cancelling"],
  succeeded: ["ok", "succeeded"],
  cached: ["ok", "cached"],
  failed: ["bad", "failed"],
  canceled: ["off", "cancelled"],
  skipped: ["off", "skipped"],
  RUNNING: ["run", "running"],
  SCHEDULED: ["wait", "scheduled"],
  FINISHED: ["ok", "finished"],
  FAILED: ["bad", "failed"],
  KILLED: ["off", "killed"],
};

/** toneOf gives tone and word of a state of a run, a pipeline run, a step or a replay. */
export function toneOf(state: string): [Tone, string] {
  return tones[state] ?? ["wait", state.toLowerCase()];
}
