import { useState } from "preact/hooks";
import type { Overview, Pipeline, Replay, Step } from "../api_gen";
import { now } from "../clock";
import { count, date, duration, plural } from "../format";
import { Age, More, Section } from "../parts";
import { enc, href } from "../router";
import { Arrow, Shape, State, toneOf } from "../shapes";

const ended = 6; // lines of what has ended, before the list is opened

/** Progress shows the newest run of each pipeline with its steps, and the last replay of each endpoint. */
export function Progress({ o }: { o: Overview }) {
  const [all, setAll] = useState(false);
  if (o.pipelines.length + o.replays.length === 0) return null;
  const lines = [
    ...o.pipelines.map((p) => ({ id: p.id, runs: !p.ended, line: <PipelineLine key={p.id} p={p} /> })),
    ...o.replays.map((r) => ({ id: r.id, runs: r.state === "running", line: <ReplayLine key={r.id} r={r} waits={r.state === "running" && o.endpoints.some((e) => e.name === r.endpoint && e.waits?.length)} /> })),
  ];
  const running = lines.filter((l) => l.runs).length;
  // What runs is always shown; of the rest, a few lines are enough until asked for.
  let room = ended;
  const shown = lines.filter((l) => all || l.runs || room-- > 0);
  const more = o.leftOut.pipelines > 0 ? `${plural(o.leftOut.pipelines, "more pipeline")} not shown` : undefined;
  return (
    <Section id="progress" title="Pipelines and replays" aside={running > 0 ? <State tone="run">{running} running</State> : more}>
      <ul class="progress panel">{shown.map((l) => l.line)}</ul>
      <More total={lines.length} shown={running + ended} open={all} toggle={() => setAll(!all)} noun="lines" />
    </Section>
  );
}

function took(started: string | undefined, ended: string | undefined): string {
  return started ? duration((ended ? Date.parse(ended) : now.value) - Date.parse(started)) : "";
}

function PipelineLine({ p }: { p: Pipeline }) {
  const [tone, word] = toneOf(p.state);
  return (
    <li>
      <div class="who">
        <p class="title">
          <a href={href(`pipelines/${enc(p.pipeline)}`)} data-page>
            {p.pipeline}
          </a>
        </p>
        <p class="detail">
          <a href={href(`pipelineruns/${enc(p.id)}`)} data-page>
            <code>{p.id}</code>
          </a>
        </p>
      </div>
      <State tone={tone}>{word}</State>
      <ol class="steps" aria-label={`Steps of ${p.pipeline}`}>
        {p.steps.map((s, i) => (
          <StepItem key={s.name} s={s} first={i === 0} />
        ))}
      </ol>
      <p class="when">
        {p.ended ? (
          <>
            <Age at={p.ended} />, {took(p.created, p.ended)}
          </>
        ) : (
          took(p.created, undefined)
        )}
      </p>
    </li>
  );
}

function StepItem({ s, first }: { s: Step; first: boolean }) {
  const [tone, word] = toneOf(s.state);
  const time = s.state === "cached" ? "" : took(s.started, s.ended);
  return (
    <li class="step">
      {!first && <Arrow />}
      <span class={`state ${tone}`} title={s.reason ?? word}>
        <Shape tone={tone} />
        <span class="name">{s.name}</span>
        <span class="detail">
          {tone === "ok" && time ? <span class="visually-hidden">{word}</span> : word} {time}
          {s.attempt > 1 && `, attempt ${s.attempt}`}
        </span>
      </span>
    </li>
  );
}

function ReplayLine({ r, waits }: { r: Replay; waits: boolean }) {
  const [tone, word] = waits ? (["warn", "waits"] as const) : toneOf(r.state);
  const from = Date.parse(r.from);
  const to = Date.parse(r.to);
  const at = r.state === "succeeded" ? to : r.position ? Math.min(to, Math.max(from, Date.parse(r.position))) : from;
  const share = to > from ? (at - from) / (to - from) : 0;
  const percent = Math.floor(share * 100);
  return (
    <li>
      <div class="who" title={r.id}>
        <p class="title">
          <a href={href(`endpoints/${enc(r.endpoint)}`)} data-page>
            {r.endpoint}
          </a>
        </p>
        <p class="detail">
          replay of <a href={href(`data/sources/${enc(r.source)}`)} data-page>{r.source}</a>
        </p>
      </div>
      <State tone={tone}>{word}</State>
      <div class="replay">
        <div class="bar" role="progressbar" aria-label={`Replay of ${r.source} through ${r.endpoint}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
          <div style={{ width: `${share * 100}%` }} />
        </div>
        <p class="detail">
          <span>{date(r.from)}</span>
          <span class="mid">
            {waits ? "for a person, " : ""}
            {r.state === "running" ? `at ${date(new Date(at).toISOString())}, ${percent} %, ` : ""}
            {plural(r.rows, "row")}, {plural(r.labels, "label")}
            {r.failed > 0 && `, ${count(r.failed)} failed`}
          </span>
          <span>{date(r.to)}</span>
        </p>
      </div>
      <p class="when">
        {r.ended ? (
          <>
            <Age at={r.ended} />, {took(r.created, r.ended)}
          </>
        ) : (
          took(r.created, undefined)
        )}
      </p>
    </li>
  );
}
