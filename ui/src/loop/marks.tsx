// The shapes of what was decided, found and done: each kind has its own, so that
// colour alone says nothing.
import type { ComponentChildren } from "preact";
import type { LoopMark } from "../api_gen";
import type { Tone } from "../shapes";
import { actionWord, incidentWord } from "./words";

const shapes: Record<string, ComponentChildren> = {
  retrain: <path d="M7 1 13 12.500H1z" fill="currentColor" />,
  recalibrate: <path d="M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1zm0 2v8a4 4 0 0 0 0-8z" fill="currentColor" fill-rule="evenodd" />,
  promoteOlder: <path d="M12.500 1v12L1.500 7z" fill="currentColor" />,
  rollback: <path d="M7 1.500v11L1 7zM13 1.500v11L7 7z" fill="currentColor" />,
  quarantine: <path d="M1.500 1.500h11v11h-11zM4 6v2h6V6z" fill="currentColor" fill-rule="evenodd" />,
  nothing: <circle cx="7" cy="7" r="3" fill="none" stroke="currentColor" stroke-width="1.500" />,
  dataFault: <path d="M4 1h6l3.500 6L10 13H4L.5 7z" fill="currentColor" />,
  breach: <path d="M4 1h6l3.500 6L10 13H4L.5 7zM6.200 3.500v4.200h1.600V3.500zm0 5.400v1.600h1.600V8.900z" fill="currentColor" fill-rule="evenodd" />,
  decay: <path d="M1.800 2.200h10.400L7 12z" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linejoin="round" />,
  miscalibration: <path d="M7 1.500 12.500 7 7 12.500 1.500 7z" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linejoin="round" />,
  didNotHelp: <path d="M2.500 2.500l9 9M11.500 2.500l-9 9" stroke="currentColor" stroke-width="2.200" stroke-linecap="round" />,
  trainingFailed: <path d="M2.500 2.500l9 9M11.500 2.500l-9 9" stroke="currentColor" stroke-width="2.200" stroke-linecap="round" />,
  labelsStopped: <path d="M3 1.500h3v11H3zM8 1.500h3v11H8z" fill="none" stroke="currentColor" stroke-width="1.500" />,
  trafficStopped: <path d="M3 1.500h3v11H3zM8 1.500h3v11H8z" fill="currentColor" />,
  rolledBack: <path d="M5.500 2 2 5.500 5.500 9M2 5.500h6a3.500 3.500 0 0 1 0 7H5" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linecap="round" stroke-linejoin="round" />,
  held: <path d="M3 1.500h3v11H3zM8 1.500h3v11H8z" fill="currentColor" />,
  loopBroken: <path d="M7 1a6 6 0 1 1 0 12A6 6 0 0 1 7 1zM3.600 5 9 10.400 10.400 9 5 3.600z" fill="currentColor" fill-rule="evenodd" />,
};

const other = <circle cx="7" cy="7" r="5" fill="none" stroke="currentColor" stroke-width="1.800" />;

/** Glyph is the shape of a mark. */
export function Glyph({ what, size = 14 }: { what: string; size?: number }) {
  return (
    <svg class="loop-glyph" viewBox="0 0 14 14" width={size} height={size} aria-hidden="true" focusable="false">
      {shapes[what] ?? other}
    </svg>
  );
}

/** glyphTone is the tone of a mark: decisions in the accent, what is wrong by how grave it is. */
export function glyphTone(m: { kind: string; what: string }): Tone | "accent" {
  if (m.kind === "decision") return "accent";
  if (m.kind === "fault" || m.what === "rolledBack" || m.what === "loopBroken" || m.what === "trainingFailed") return "bad";
  return "warn";
}

/** markWord says in a word or two what a mark is. */
export function markWord(m: Pick<LoopMark, "kind" | "what" | "text">): string {
  if (m.kind === "decision") return actionWord(m.what);
  if (m.kind === "rollout") return m.what === "held" ? "rollout held" : "rolled back";
  return incidentWord(m.what);
}
