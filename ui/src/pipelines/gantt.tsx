// When each step of a run waited, ran and was tried again.
import type { PipelineRunPage, PipelineRunStep } from "../api_gen";
import { now } from "../clock";
import { Shape, toneOf, type Tone } from "../shapes";
import { ended } from "./cause";
import { duration } from "./words";

interface Span {
  from: number; // ms after the start of the run
  to: number;
  tone: Tone | "waiting";
  label: string;
}

const attemptTones: Record<string, Tone> = { succeeded: "ok", failed: "bad", timeout: "bad", lost: "warn", canceled: "off" };

/** spansOf are the parts of a step's line: the wait until it could begin, each attempt, the wait between them. */
export function spansOf(s: PipelineRunStep, start: number, until: number): Span[] {
  const at = (iso: string | undefined) => (iso ? Date.parse(iso) - start : undefined);
  const out: Span[] = [];
  const ready = at(s.ready);
  const attempts = s.attempts ?? [];
  let last = ready;
  for (const a of attempts) {
    const from = at(a.started) ?? 0;
    if (last !== undefined && from > last) out.push({ from: last, to: from, tone: "waiting", label: `${a.n === 1 ? "waited" : "waited for the next attempt"} ${duration(from - last)}` });
    const to = at(a.ended) ?? until;
    out.push({ from, to: Math.max(from, to), tone: attemptTones[a.state] ?? "run", label: `attempt ${a.n} ${a.state}, ${duration(to - from)}${a.exit ? `, exit code ${a.exit}` : ""}` });
    last = to;
  }
  if (!ended(s.state) && last !== undefined && (attempts.length === 0 || s.state === "waiting") && until > last) out.push({ from: last, to: until, tone: "waiting", label: `waits since ${duration(until - last)}` });
  return out;
}

/** ticksOf are round moments along the length of a run. */
export function ticksOf(length: number): number[] {
  const steps = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];
  const step = steps.find((s) => length / s <= 6) ?? 864e5 * Math.ceil(length / 6 / 864e5);
  const out: number[] = [];
  for (let t = 0; t < length; t += step) out.push(t);
  return out;
}

/** Gantt draws the steps of a run along time; each line is a button. */
export function Gantt({ of: p, chosen, choose }: { of: PipelineRunPage; chosen: string | undefined; choose: (step: string) => void }) {
  const start = Date.parse(p.run.created);
  const until = (p.run.ended ? Date.parse(p.run.ended) : Math.max(now.value, Date.parse(p.now))) - start;
  const length = Math.max(1, until, ...p.rows.flatMap((s) => spansOf(s, start, until).map((x) => x.to)));
  const share = (t: number) => `${(Math.max(0, Math.min(length, t)) / length) * 100}%`;
  return (
    <div class="pipelines-gantt" role="group" aria-label="Steps along time">
      <div class="axis" aria-hidden="true">
        <span />
        <span class="ticks">
          {ticksOf(length).map((t) => (
            <span key={t} style={{ left: share(t) }}>
              {t === 0 ? "0" : duration(t)}
            </span>
          ))}
        </span>
        <span />
      </div>
      {p.rows.map((s) => {
        const [tone, word] = toneOf(s.state);
        const spans = spansOf(s, start, until);
        const took = s.started && s.state !== "cached" ? (s.ended ? Date.parse(s.ended) : start + until) - Date.parse(s.started) : undefined;
        const label = `${s.step.name}: ${word}${spans.map((x) => `, ${x.label}`).join("")}`;
        return (
          <button key={s.step.name} type="button" class="line" data-row aria-pressed={chosen === s.step.name} aria-label={label} title={label} onClick={() => choose(s.step.name)}>
            <span class="name">
              <Shape tone={tone} />
              {s.step.name}
            </span>
            <span class="track">
              {ticksOf(length).map((t) => (
                <span key={t} class="tick" style={{ left: share(t) }} />
              ))}
              {spans.map((x, i) => (
                <span key={i} class={`span ${x.tone}`} style={{ left: share(x.from), width: `max(2px, ${((Math.min(length, x.to) - Math.max(0, x.from)) / length) * 100}%)` }} />
              ))}
              {s.state === "cached" && <span class="cached" style={{ left: share(s.ended ? Date.parse(s.ended) - start : 0) }} />}
            </span>
            <span class="took">{took === undefined ? word : duration(took)}</span>
          </button>
        );
      })}
    </div>
  );
}
