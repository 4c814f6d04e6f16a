// How endpoints and rollouts are said: a tone and a word for each state.
import type { EndpointLine, RolloutLine, TrafficSummary } from "../api_gen";
import { figure, percent } from "../format";
import type { Tone } from "../shapes";

/** syncOf says whether what is declared is what is live. */
export function syncOf(e: EndpointLine): [Tone, string] {
  switch (e.sync) {
    case "live":
      return ["ok", "live"];
    case "rolling":
      return ["run", `rolling out ${e.candidate}`];
    case "undecided":
      return ["warn", "rollout held"];
    case "unnamed":
      return ["wait", `${e.alias} names no version`];
  }
  return ["warn", `${e.alias} names ${e.target}`];
}

/** failing is the share of requests of the last minute that the server failed, from which on an endpoint is not well. */
const failing = 0.01;

/** healthOf says whether an endpoint works: what its conditions say, then what its traffic shows. */
export function healthOf(e: EndpointLine, minute?: TrafficSummary): [Tone, string] {
  switch (e.health) {
    case "failed":
      return ["bad", "does not answer"];
    case "noVersion":
      return ["wait", "no version"];
    case "loading":
      return ["run", "loading"];
    case "behind":
      return ["warn", "new version not loaded"];
  }
  const share = minute && minute.requests > 0 ? minute.failed / minute.requests : 0;
  if (share >= failing) return ["bad", `${percent(share)} of requests fail`];
  if (e.lost) return ["bad", "answers are not logged"];
  if (e.dropped) return ["warn", "drops log rows"];
  return ["ok", "healthy"];
}

const states: Record<string, [Tone, string]> = {
  shadow: ["run", "in the shadow"],
  canary: ["run", "canary"],
  promoting: ["run", "promoting"],
  baking: ["run", "baking"],
  promoted: ["ok", "promoted"],
  held: ["warn", "held"],
  rollingBack: ["bad", "rolling back"],
  rolledBack: ["bad", "rolled back"],
  superseded: ["off", "superseded"],
};

/** rolloutOf says where a rollout stands. */
export function rolloutOf(r: Pick<RolloutLine, "state" | "share">): [Tone, string] {
  const [tone, word] = states[r.state] ?? ["wait", r.state];
  return [tone, r.state === "canary" ? `${word} at ${percent(r.share)}` : word];
}

const verdicts: Record<string, [Tone, string]> = {
  promote: ["ok", "within the limit"],
  hold: ["wait", "no evidence of harm"],
  rollback: ["bad", "worse than the limit"],
  inconclusive: ["warn", "inconclusive"],
};

/** verdictOf says what a look of a test found. */
export function verdictOf(verdict: string, test = ""): [Tone, string] {
  if (test === "sampleRatio" && verdict === "hold") return ["ok", "as it was given"];
  return verdicts[verdict] ?? ["wait", verdict];
}

const tests: Record<string, [string, string]> = {
  loss: ["Loss", "How much higher the mean loss of the new version is, as a share of the old one's, on the same labelled rows"],
  disagreement: ["Disagreement", "Share of rows on which the two versions decide differently at 0.5"],
  scoreShift: ["Score shift", "Largest distance of the two distributions of scores"],
  errors: ["Errors", "How many more of the rows the new version fails on"],
  latency: ["Latency p99", "Time within which the new version answers 99 of 100 requests"],
  sampleRatio: ["Sample ratio", "Share of the step that the new version answers: it must be the share that was given to it"],
};

/** testName names a test of a rollout. */
export function testName(test: string): string {
  return tests[test]?.[0] ?? test;
}

/** testText says what a test measures. */
export function testText(test: string): string {
  return tests[test]?.[1] ?? "";
}

/** measure writes a value of a test: a share, or seconds for latency. */
export function measure(test: string, v: number | null): string {
  if (v === null) return "–";
  if (test === "latency") return ms(v * 1000);
  if (v !== 0 && Math.abs(v) < 0.0005) return "0.0 %";
  return percent(v);
}

/** ms writes a time in milliseconds. */
export function ms(v: number | null | undefined): string {
  if (v === null || v === undefined) return "–";
  if (v === 0) return "0 ms";
  if (v >= 1000) return `${(v / 1000).toPrecision(3)} s`;
  return v < 0.995 ? `${v.toFixed(2)} ms` : `${Number(v.toPrecision(3))} ms`;
}

/** rate writes requests a second. */
export function rate(v: number | null | undefined): string {
  if (v === null || v === undefined) return "–";
  if (v === 0) return "0";
  return v >= 100 ? figure(Math.round(v)) : v >= 1 ? v.toFixed(1) : v.toFixed(2);
}

/** origin says what began a rollout. */
export function originOf(r: RolloutLine): string {
  switch (r.origin) {
    case "alias":
      return "somebody moved the alias";
    case "policy":
      return "a policy decided it";
    case "person":
      return "a person";
  }
  return r.origin;
}
