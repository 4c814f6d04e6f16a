import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Endpoint, Model, Overview, Rollout } from "../api_gen";
import { rolloutOf } from "../endpoints/words";
import { date, figure, metricName, plural } from "../format";
import { Age, More, Section, Version } from "../parts";
import { enc, href } from "../router";
import { Arrow, State, type Tone } from "../shapes";

const first = 12; // strips before the list is opened

/** Models is one strip per model: trained, registered, serving, measured. */
export function Models({ o }: { o: Overview }) {
  const [all, setAll] = useState(false);
  if (o.models.length === 0) return null;
    const shown = all ? o.models : o.models.slice(0, first);
  const more = o.leftOut.more ? "more exist" : o.leftOut.models > 0 ? `${plural(o.leftOut.models, "more model")} not shown` : undefined;
  return (
    <Section id="models" title="Models" aside={more}>
      <ul class="models panel">
        {shown.map((m) => (
          <Strip key={m.name} m={m} endpoints={o.endpoints.filter((e) => e.model === m.name)} rollouts={o.loop.rollouts} />
        ))}
      </ul>
      <More total={o.models.length} shown={first} open={all} toggle={() => setAll(!all)} noun="models" />
    </Section>
  );
}

function Strip({ m, endpoints, rollouts }: { m: Model; endpoints: Endpoint[]; rollouts: Rollout[] }) {
  return (
    <li>
      <div class="who">
        <h3>
          <a href={href(`models/${enc(m.name)}`)} data-page data-row>
            {m.name}
          </a>
        </h3>
        {m.description && <p class="detail">{m.description}</p>}
      </div>
      <dl>
        <Stage name="Data">
          <Data m={m} />
        </Stage>
        <Stage name="Trained">
          <Trained m={m} />
        </Stage>
        <Stage name="Evaluated">
          <Evaluated m={m} />
        </Stage>
        <Stage name="Registered">
          <Registered m={m} />
        </Stage>
        <Stage name="Serving">
          {endpoints.length === 0 ? <Nothing>no endpoint serves it</Nothing> : endpoints.map((e) => <Serving key={e.name} e={e} alone={endpoints.length === 1} rollout={rollouts.find((r) => r.endpoint === e.name)} />)}
        </Stage>
        <Stage name="Monitored">
          <Measured m={m} />
        </Stage>
      </dl>
    </li>
  );
}

function Stage({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="stage">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Nothing says in the place of a stage why it is empty. */
function Nothing({ children }: { children: ComponentChildren }) {
  return (
    <p class="value none">
      <State tone="off">{children}</State>
    </p>
  );
}

function Data({ m }: { m: Model }) {
  const d = m.data;
  if (!d) return <Nothing>{m.latest ? "not recorded" : "none yet"}</Nothing>;
  return (
    <>
      <p class="value">
        <a href={href(`data/sources/${enc(d.source)}`)} data-page>
          {d.source}
        </a>{" "}
        <span class="detail">to {date(d.to)}</span>
      </p>
      <p class="detail">
        {plural(d.rows, "row")}, <Age at={d.created} />
      </p>
    </>
  );
}

function Evaluated({ m }: { m: Model }) {
  const e = m.evaluated;
  if (!e) return <Nothing>by no suite</Nothing>;
  const [tone, word] = verdicts[e.verdict] ?? ["wait", e.verdict];
  return (
    <>
      <p class="value">
        <a href={href(`models/${enc(m.name)}/versions/${e.version}`)} data-page title={`What suite ${e.suite} found`}>
          <State tone={tone}>{word}</State>
        </a>
      </p>
      <p class="detail">
        version {e.version}
        {e.against ? ` against ${e.against}` : ""}, <span class="nowrap">{date(e.at)}</span>
      </p>
    </>
  );
}

const verdicts: Record<string, [Tone, string]> = {
  pass: ["ok", "passed"],
  fail: ["bad", "failed"],
  borderline: ["warn", "borderline"],
  insufficient: ["wait", "not enough data"],
};

function Trained({ m }: { m: Model }) {
  const v = m.latest;
  if (!v) return <Nothing>not yet</Nothing>;
  return (
    <>
      <p class="value">
        <Age at={v.created} />
      </p>
      <p class="detail">
        {v.pipelineRun ? (
          <a href={href(`pipelineruns/${enc(v.pipelineRun)}`)} data-page>
            {v.runName || v.step || "pipeline run"}
          </a>
        ) : (
          <a href={href(`models/${enc(m.name)}/versions/${v.version}`, { tab: "origin" })} data-page title="How it was made">
            {v.runName || (v.run ? `run ${v.run.slice(0, 8)}` : "outside of a run")}
          </a>
        )}
      </p>
    </>
  );
}

function Registered({ m }: { m: Model }) {
  const v = m.latest;
  if (!v) return <Nothing>no version yet</Nothing>;
  return (
    <>
      <p class="value">
        <Version model={m.name} version={v.version} />
        {v.status !== "READY" && <span class="detail"> {v.status.toLowerCase().replace(/_/g, " ")}</span>}
      </p>
      <p class="aliases">
        {m.aliases.length === 0 && <span class="detail">no alias</span>}
        {m.aliases.map((a) => (
          <span key={a.name} class="alias">
            {a.name} <Arrow />{" "}
            <a href={href(`models/${enc(m.name)}/versions/${a.version}`)} data-page aria-label={`version ${a.version}, ${a.name}`}>
              {a.version}
            </a>
          </span>
        ))}
      </p>
    </>
  );
}

function Serving({ e, alone, rollout: r }: { e: Endpoint; alone: boolean; rollout: Rollout | undefined }) {
  const switching = e.state === "serving" && e.target > 0 && e.serving !== e.target;
  let [tone, why]: [Tone, ComponentChildren] = servingState(e, switching);
  if (r && e.state === "serving" && r.state !== "baking") {
    const [at, word] = rolloutOf(r);
    tone = at;
    why = (
      <a href={href(`rollouts/${enc(r.id)}`)} data-page>
        version {r.to} {word}
      </a>
    );
  }
  return (
    <div class="serving">
      <p class="value">
        <State tone={tone}>{e.serving > 0 ? <Version model={e.model} version={e.serving} /> : "no version"}</State>
        {!alone && <span class="detail"> {e.name}</span>}
      </p>
      <p class="detail">
        {alone && (
          <>
            endpoint{" "}
            <a href={href(`endpoints/${enc(e.name)}`)} data-page>
              {e.name}
            </a>
            ,{" "}
          </>
        )}
        {why}
      </p>
    </div>
  );
}

function servingState(e: Endpoint, switching: boolean): [Tone, string] {
  switch (e.state) {
    case "serving":
      if (switching) return ["run", `version ${e.target} is loading`];
      return ["ok", e.mode === "driven" ? "driven by replay" : e.liveSince ? "live traffic" : "no traffic yet"];
    case "behind":
      return ["bad", e.message ?? e.reason ?? `version ${e.target} did not load`];
    case "loading":
      return ["run", `version ${e.target} is loading`];
    case "noVersion":
      return ["warn", `alias ${e.alias} names no version`];
    default:
      return ["bad", e.message ?? e.reason ?? "not ready"];
  }
}

function Measured({ m }: { m: Model }) {
  const q = m.quality;
  if (!q) return <Nothing>{m.monitors.length ? "no window closed yet" : "no monitor watches it"}</Nothing>;
  return (
    <>
      <p class="value">
        <a href={href(`monitors/${enc(q.monitor)}`, { window: q.window })} data-page title="What was measured in this window">
          {metricName(q.metric.metric)} {figure(q.metric.value)}
        </a>{" "}
        {q.metric.lo != null && q.metric.hi != null && (
          <span class="interval">
            [{figure(q.metric.lo)}, {figure(q.metric.hi)}]
          </span>
        )}
      </p>
      <p class="detail">
        <span class="nowrap">window {q.window}</span>, <span class="nowrap">
          <Age at={q.computed} />
        </span>
      </p>
    </>
  );
}
