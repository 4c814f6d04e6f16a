// A rollout as the steps of its state machine, and its tests over time.
import { useMemo, useState } from "preact/hooks";
import type { RolloutLook, RolloutPage, RolloutStep } from "../api_gen";
import { LineChart } from "../chart/line";
import { count, date, instant, percent, plural, said } from "../format";
import { More, Section, Table, type Column } from "../parts";
import { href } from "../router";
import { Arrow, Shape, State, type Tone } from "../shapes";
import { measure, testName, testText, verdictOf } from "./words";

const tones: Record<string, [Tone, string]> = {
  done: ["ok", "passed"],
  now: ["run", "now"],
  next: ["wait", "to come"],
  stopped: ["bad", "ended here"],
  skipped: ["off", "skipped"],
};

/** Steps draws the way of a rollout. */
export function Steps({ of: p }: { of: RolloutPage }) {
  const ended = p.rollout.state;
  return (
    <ol class="endpoints-steps" aria-label={`Steps of rollout ${p.rollout.id}`}>
      {p.steps.map((s, i) => (
        <li key={s.name} class={s.state} aria-current={s.state === "now" ? "step" : undefined}>
          <StepHead of={s} ended={ended} />
          <span class="detail">{stepText(s)}</span>
          {i < p.steps.length - 1 && (
            <span class="endpoints-then">
              <Arrow />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

function StepHead({ of: s, ended }: { of: RolloutStep; ended: string }) {
  let [tone, word] = tones[s.state] ?? ["wait", s.state];
  if (s.state === "stopped" && ended === "superseded") [tone, word] = ["off", "superseded"];
  if (s.state === "stopped" && ended === "rolledBack") word = "rolled back";
  if (s.state === "next" && (ended === "rolledBack" || ended === "superseded")) [tone, word] = ["off", "not reached"];
  if (s.state === "now" && ended === "held") [tone, word] = ["warn", "held"];
  if (s.state === "now" && ended === "rollingBack") [tone, word] = ["bad", "rolling back"];
  if (s.name === "promoted" && s.state === "done") word = "for good";
  return (
    <span class="endpoints-step">
      <b>
        {s.title}
        {s.share > 0 && s.share < 1 && ` ${percent(s.share)}`}
      </b>
      <State tone={tone}>{word}</State>
    </span>
  );
}

function stepText(s: RolloutStep): string {
  const parts = [];
  if (s.for) parts.push(`for ${s.for}`);
  if (s.from) parts.push(s.to && s.to !== s.from ? between(s.from, s.to) : s.state === "now" ? `since ${shortly(s.from)}` : shortly(s.from));
  return parts.join(", ");
}

/** between writes a span: by days, and within a day by the clock. */
function between(from: string, to: string): string {
  return date(from) === date(to) ? `${date(from)} ${clock(from)} – ${clock(to)}` : `${shortly(from)} – ${shortly(to)}`;
}

/** shortly leaves midnight out. */
function shortly(at: string): string {
  return at.slice(11, 19) === "00:00:00" ? date(at) : `${date(at)} ${clock(at).slice(0, 5)}`;
}

function clock(at: string): string {
  return at.slice(11, 19);
}

/** sentence makes a reason one. */
export function sentence(text: string): string {
  const s = said(text.charAt(0).toUpperCase() + text.slice(1));
  return /[.!?]$/.test(s) ? s : s + ".";
}

/** testsOf parts looks by test, in the order in which they first came. */
export function testsOf(looks: RolloutLook[]): { test: string; looks: RolloutLook[] }[] {
  const out = new Map<string, RolloutLook[]>();
  for (const l of looks) {
    const all = out.get(l.test);
    if (all) all.push(l);
    else out.set(l.test, [l]);
  }
  return [...out].map(([test, all]) => ({ test, looks: all }));
}

/** Tests shows each test: its newest look in words, and all looks against the limit. */
export function Tests({ of: p, height = 190 }: { of: RolloutPage; height?: number }) {
  const tests = useMemo(() => testsOf(p.looks), [p.looks]);
  if (tests.length === 0)
    return <p class="detail">No test has looked yet{p.nextLook ? `: the first look is due at ${instant(p.nextLook)} of event time.` : ". Without stages a version takes over at once."}</p>;
  return (
    <>
      {!p.everyLook && <p class="detail endpoints-partly">Of this rollout the newest look of each test in each stage is kept; newer rollouts keep every look.</p>}
      <div class="endpoints-tests">
        {tests.map((t) => (
          <Test key={t.test} test={t.test} looks={t.looks} page={p} height={height} />
        ))}
      </div>
    </>
  );
}

const farthest = 1.5; // bounds that are wider than this share say "nothing is known", and would flatten the rest

/** parted puts a gap between stages: each step of a canary counts anew. */
function parted(looks: RolloutLook[]): RolloutLook[] {
  const out: RolloutLook[] = [];
  for (const l of looks) {
    const last = out[out.length - 1];
    if (last && last.stage !== l.stage) out.push({ ...l, at: new Date((Date.parse(last.at) + Date.parse(l.at)) / 2).toISOString(), estimate: null, lo: null, hi: null, limit: null });
    out.push(l);
  }
  return out;
}

function Test({ test, looks, page: p, height }: { test: string; looks: RolloutLook[]; page: RolloutPage; height: number }) {
  const last = looks[looks.length - 1] as RolloutLook;
  const [tone, word] = verdictOf(last.verdict, test);
  const chart = useMemo(() => {
    const cut = (v: number | null) => (v === null || test === "latency" ? v : Math.max(-farthest, Math.min(farthest, v)));
    const points = test === "sampleRatio" ? parted(looks) : looks;
    const x = points.map((l) => Date.parse(l.at));
    const series = [{ label: "estimate", x, y: points.map((l) => cut(l.estimate)), lo: points.map((l) => cut(l.lo)), hi: points.map((l) => cut(l.hi)), points: looks.length < 60 }];
    const limits = [{ x, y: points.map((l) => l.limit), ...(test === "sampleRatio" ? { label: "share given", tone: "accent" as const } : { label: "limit", tone: "bad" as const }) }];
    const marks: { x: number; label: string }[] = [];
    let stage = "";
    for (const l of looks) {
      if (l.stage !== stage && stage !== "") marks.push({ x: Date.parse(l.at), label: l.stage });
      stage = l.stage;
    }
    return { series, limits, marks };
  }, [looks, test]);
  return (
    <section class="endpoints-test" aria-label={testName(test)}>
      <header>
        <h3>{testName(test)}</h3>
        <State tone={tone}>{word}</State>
      </header>
      <p class="endpoints-figure">
        <b>{last.n > 0 ? signed(test, last.estimate) : "–"}</b>{" "}
        {last.n > 0 && (
          <span class="interval">
            [{signed(test, last.lo)}, {signed(test, last.hi)}]
          </span>
        )}{" "}
        <span class="detail">
          {test === "sampleRatio" ? "given" : "limit"} {measure(test, last.limit)} · {plural(last.n, test === "latency" ? "request" : "row")}
        </span>
      </p>
      <p class="detail">{sentence(last.why || testText(test))}</p>
      {looks.length > 1 && looks.some((l) => l.n > 0) && (
        <LineChart
          label={`${testName(test)} of rollout ${p.rollout.id}, estimate with bounds that hold at every look, against the limit`}
          height={height}
          x="time"
          series={chart.series}
          limits={chart.limits}
          marks={chart.marks}
          sync={`rollout ${p.rollout.id}`}
          legend={false}
          y={{ format: (v) => measure(test, v) }}
        />
      )}
    </section>
  );
}

function signed(test: string, v: number | null): string {
  const text = measure(test, v);
  return (test === "loss" || test === "errors") && v !== null && v > 0.0005 ? `+${text}` : text;
}

/** entryColumn leads to the record of a look; those that were not kept one by one have none. */
const entryColumn: Column<RolloutLook> = {
  id: "entry",
  title: "Audit",
  value: (l) =>
    l.entry ? (
      <a href={href(`audit/${l.entry}`)} data-page>
        {l.entry}
      </a>
    ) : (
      "–"
    ),
};

const firstLooks = 25; // of five tests the newest five

/** Looks lists every look, newest first. */
export function Looks({ of: p }: { of: RolloutPage }) {
  const rows = useMemo(() => [...p.looks].reverse(), [p.looks]);
  const [all, setAll] = useState(false);
  if (rows.length === 0) return null;
  return (
    <Section id="rollout-looks" title="Every look" aside={`${plural(rows.length, "look")}${p.everyLook ? "" : ", the newest of each test and stage"}`}>
      <div class="panel endpoints-looks">
        <Table
          label="Looks of the tests"
          rows={rows}
          first={all ? undefined : firstLooks}
          rowKey={(l) => `${l.at} ${l.stage} ${l.test}`}
          columns={[
            { id: "at", title: "At (event time)", sort: (l) => l.at, value: (l) => <span class="endpoints-when">{shortly(l.at)}</span> },
            { id: "stage", title: "Stage", sort: (l) => l.stage, value: (l) => l.stage },
            { id: "test", title: "Test", sort: (l) => l.test, value: (l) => testName(l.test) },
            { id: "n", title: "Rows", num: true, sort: (l) => l.n, value: (l) => count(l.n) },
            { id: "estimate", title: "Estimate", num: true, sort: (l) => l.estimate, value: (l) => signed(l.test, l.estimate) },
            {
              id: "bounds",
              title: "Bounds",
              num: true,
              value: (l) => (
                <span class="interval">
                  [{signed(l.test, l.lo)}, {signed(l.test, l.hi)}]
                </span>
              ),
            },
            { id: "limit", title: "Limit", num: true, value: (l) => measure(l.test, l.limit) },
            {
              id: "verdict",
              title: "Verdict",
              sort: (l) => l.verdict,
              value: (l) => {
                const [tone, word] = verdictOf(l.verdict, l.test);
                return (
                  <span title={l.why}>
                    <Shape tone={tone} />
                    {word}
                  </span>
                );
              },
            },
            ...(rows.some((l) => l.entry) ? [entryColumn] : []),
          ]}
        />
      </div>
      <More total={rows.length} shown={firstLooks} open={all} toggle={() => setAll(!all)} noun="looks" />
    </Section>
  );
}
