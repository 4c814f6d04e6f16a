// One endpoint: what it answers now, the way of the newest version, and a console to ask it.
import { useMemo, useState } from "preact/hooks";
import type { EndpointPage, EndpointTraffic, RolloutLine, TrafficSeries } from "../api_gen";
import { apiURL } from "../base";
import { LineChart } from "../chart/line";
import { Split } from "../chart/split";
import { bytesText, count, date, instant, moment, percent, plural } from "../format";
import { Answer, Page, Tabs } from "../page";
import { Age, CopyButton, Facts, Section, Table, Version } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, useParam } from "../router";
import { Shape, State } from "../shapes";
import { Acting, endpointActs, type Act } from "./actions";
import { sharesOf, Word } from "./list";
import { sentence, Steps, Tests, testsOf } from "./steps";
import { useTraffic } from "./traffic";
import { TryIt } from "./tryit";
import { healthOf, measure, ms, originOf, rate, rolloutOf, syncOf, testName, verdictOf } from "./words";

const watch = ["endpoint", "endpointState", "registeredModel", "modelVersion", "rollout", "pause", "monitor", "retrainpolicy"];

export default function Endpoint({ params }: { params: Record<string, string> }) {
  const name = params.endpoint ?? "";
  const address = apiURL(project.value, `pages/endpoints/${enc(name)}`);
  const q = useQuery<EndpointPage>(address, watch);
  const traffic = useTraffic(name);
  const [tab] = useParam("tab", "now");
  const [act, setAct] = useState<Act>();
  const p = q.data.value;
  const acts = useMemo(() => (p ? endpointActs(p) : []), [p]);
  const back = acts.find((a) => a.id === "rollback");
  const keys = useMemo(() => (back ? [{ keys: "r", text: "roll back", run: () => setAct(back) }] : []), [back]);
  const recent = traffic.data.value?.endpoints[0];
  const e = p?.endpoint;
  return (
    <Page
      title={name}
      crumbs={[{ text: "Endpoints", to: "endpoints" }]}
      label={
        e && (
          <span class="endpoints-label">
            <Word of={syncOf(e)} />
            <Word of={healthOf(e, recent?.minute)} />
          </span>
        )
      }
      summary={e && (e.serving ? `version ${e.serving} of ${e.model} answers` : `no version of ${e.model} answers`)}
      copy={{ curl: { url: address }, cli: `trimtab endpoint show ${name}` }}
      keys={keys}
      actions={acts.map((a) => ({ text: `${a.text} (${name})`, run: () => setAct(a) }))}
      aside={acts.map((a) => (
        <button key={a.id} type="button" class={a.danger ? "danger" : "quiet"} onClick={() => setAct(a)}>
          {a.text}
        </button>
      ))}
      busy={!!e?.rollout}
    >
      <Answer of={q}>
        {(page) => (
          <>
            <Tabs
              label={`Endpoint ${name}`}
              tabs={[
                { id: "now", text: "Now" },
                { id: "rollouts", text: "Rollouts", count: page.rollouts.length },
                { id: "try", text: "Try it" },
                { id: "declared", text: "Declared" },
              ]}
            />
            {tab === "rollouts" ? <Rollouts of={page} /> : tab === "try" ? <TryIt of={page} /> : tab === "declared" ? <Declared of={page} /> : <Now of={page} recent={recent} lost={traffic.lost.value} />}
          </>
        )}
      </Answer>
      {act && <Acting act={act} close={() => setAct(undefined)} done={q.refresh} />}
    </Page>
  );
}

function Now({ of: p, recent, lost }: { of: EndpointPage; recent: EndpointTraffic | undefined; lost: boolean }) {
  const e = p.endpoint;
  const m = recent?.minute;
  const person = p.listeners.filter((l) => l.wait === "human");
  return (
    <>
      {e.message && (
        <p class="note warn">
          <Shape tone={healthOf(e)[0]} />
          <span>{e.message}</span>
        </p>
      )}
      {p.loopPaused ? (
        <p class="note warn">
          <Shape tone="warn" />
          <span>
            The loop of this project is paused by {p.loopPaused}: no policy starts anything. It is resumed on the page of the{" "}
            <a href={href("loop")} data-page>
              loop
            </a>
            , or by <code>trimtab loop resume</code>.
          </span>
        </p>
      ) : (
        p.policies
          .filter((x) => x.paused)
          .map((x) => (
            <p key={x.name} class="note warn">
              <Shape tone="warn" />
              <span>
                Policy{" "}
                <a href={href(`loop/${enc(e.name)}`)} data-page>
                  {x.name}
                </a>{" "}
                is paused by {x.paused}: it starts nothing until it is resumed.
              </span>
            </p>
          ))
      )}
      {person
        .filter((l) => !l.detail?.startsWith("the loop is paused"))
        .map((l) => (
          <p key={l.listener} class="note warn">
            <Shape tone="warn" />
            <span>
              <Person listener={l.listener} detail={l.detail ?? ""} endpoint={e.name} />
            </span>
          </p>
        ))}
      <Section id="endpoint-live" title="Last 15 minutes" aside={lost ? <State tone="warn">figures broke off</State> : "steps of 5 s, counted by this server"}>
        <dl class="endpoints-now">
          <Big label="requests/s" value={rate(m?.rate)} />
          <Big label="p50" value={ms(m?.p50)} />
          <Big label="p99" value={ms(m?.p99)} />
          <Big label="failed" value={m && m.requests > 0 ? percent(m.failed / m.requests) : "–"} bad={!!m && m.failed > 0} />
          <Big label="refused or wrong" value={m && m.requests > 0 ? percent((m.invalid + m.refused) / m.requests) : "–"} />
          <Big label="rows logged in all" value={count(e.predictions)} />
          <Big label="labelled in all" value={count(e.labels)} />
        </dl>
        <Charts of={recent} page={p} />
      </Section>
      <div class="endpoints-pair">
        <Routes of={p} />
        <Conditions of={p} />
      </div>
      {p.rollout && p.rollout.steps.length > 1 && <Newest of={p} />}
      <Services of={p} />
    </>
  );
}

/** Person says what a policy or a rollout waits for, with the way to where it is said yes or no to. */
function Person({ listener, detail, endpoint }: { listener: string; detail: string; endpoint: string }) {
  const [kind, ...rest] = listener.split("/");
  const name = rest.join("/");
  const decision = detail.match(/^trimtab decisions approve (\S+), or reject it$/)?.[1];
  if (kind === "policy" && decision)
    return (
      <>
        Policy {name} waits for a yes or no to{" "}
        <a href={href(`decisions/${enc(decision)}`)} data-page>
          what it decided
        </a>
        .
      </>
    );
  const text = kind === "policy" ? `Policy ${name}` : kind === "rollout" ? `The rollout of ${name || endpoint}` : listener;
  return (
    <>
      {text} waits for a person: {detail}
    </>
  );
}

function Big({ label, value, bad }: { label: string; value: string; bad?: boolean }) {
  return (
    <div>
      <dd class={bad ? "bad" : undefined}>{value}</dd>
      <dt>{label}</dt>
    </div>
  );
}

/** Charts draws requests by version, times and errors, on one time axis. */
function Charts({ of: t, page: p }: { of: EndpointTraffic | undefined; page: EndpointPage }) {
  const some = t?.all?.rate.some((v) => v !== null && v > 0);
  const charts = useMemo(() => (t?.all && some ? chartsOf(t, t.all, sharesOf(p.endpoint).map((s) => s.label)) : undefined), [t, some, p.endpoint]);
  if (!t) return <div class="endpoints-charts-none" aria-hidden="true" />;
  if (!charts)
    return (
      <p class="endpoints-idle">
        No request in the last 15 minutes.{" "}
        {p.endpoint.mode === "driven"
          ? "Its event time is driven by a replay; live requests are refused."
          : p.url && (
              <>
                Clients send to <code>{p.url}/invocations</code>
              </>
            )}
      </p>
    );
  const sync = `traffic of ${p.endpoint.name}`;
  return (
    <div class="endpoints-charts">
      <figure>
        <figcaption>Requests/s by version</figcaption>
        <LineChart label={`Requests a second to ${p.endpoint.name} by version`} height={180} x="time" series={charts.rates} extent={charts.extent} sync={sync} y={{ min: 0, format: (v) => rate(v) }} legend={charts.rates.length > 1} />
      </figure>
      <figure>
        <figcaption>p50 and p99</figcaption>
        <LineChart label={`Response times of ${p.endpoint.name}`} height={180} x="time" series={charts.times} extent={charts.extent} sync={sync} y={{ min: 0, format: (v) => ms(v) }} legend />
      </figure>
      <figure>
        <figcaption>Errors</figcaption>
        <LineChart label={`Share of requests to ${p.endpoint.name} that were not answered`} height={180} x="time" series={charts.errors} extent={charts.extent} sync={sync} y={{ min: 0, max: flat(charts.errors) ? 0.01 : undefined, format: (v) => percent(v) }} legend />
      </figure>
    </div>
  );
}

/** flat reports whether nothing rises above 0: without a bound of its own the axis would have no scale. */
function flat(series: { y: ArrayLike<number | null> }[]) {
  return series.every((s) => Array.from(s.y).every((v) => !((v ?? 0) > 0)));
}

/** chartsOf gives each version the colour that it has in the bar of shares. */
function chartsOf(t: EndpointTraffic, all: TrafficSeries, order: string[]) {
  const start = Date.parse(t.start);
  const x = all.rate.map((_, i) => start + i * t.step);
  const versions = t.versions ?? [];
  let more = order.length;
  const colorOf = (version: number) => {
    const at = order.indexOf(`v${version}`);
    return at >= 0 ? at : more++;
  };
  return {
    extent: [start, start + (x.length - 1) * t.step] as [number, number],
    rates: versions.map((v) => ({ label: `version ${v.version}`, x, y: v.series.rate, color: colorOf(v.version) })).sort((a, b) => a.color - b.color),
    times: [
      { label: "p50", x, y: all.p50 },
      { label: "p99", x, y: all.p99 },
    ],
    errors: [
      { label: "failed", x, y: all.failed, color: 7 },
      { label: "refused or wrong", x, y: all.refused, color: 1 },
    ],
  };
}

const roles: Record<string, string> = { answers: "answers", canary: "canary", shadow: "in the shadow", spare: "kept, to fall back on" };

function Routes({ of: p }: { of: EndpointPage }) {
  const e = p.endpoint;
  const parts = sharesOf(e);
  return (
    <Section id="endpoint-routes" title="Routes" aside={p.flavor && `${p.flavor}${p.library ? ` ${p.library.replace(/^v/, "")}` : ""}`}>
      {parts.length > 0 && <Split label={`Traffic of ${e.name}`} parts={parts} />}
      {p.routes.length === 0 ? (
        <p class="detail">No version is loaded.</p>
      ) : (
        <div class="panel endpoints-below">
          <Table
            label="Loaded versions"
            rows={p.routes}
            rowKey={(r) => String(r.version)}
            columns={[
              { id: "version", title: "Version", value: (r) => <Version model={e.model} version={r.version} /> },
              { id: "role", title: "Role", value: (r) => roles[r.role] ?? r.role },
              { id: "share", title: "Share", num: true, value: (r) => percent(r.share) },
              { id: "requests", title: "Asked", num: true, value: (r) => count(r.requests) },
              { id: "errors", title: "Failed", num: true, value: (r) => count(r.errors) },
            ]}
          />
        </div>
      )}
      <Shadow of={p} />
    </Section>
  );
}

/** Shadow says how the version in the shadow differs from the one that answers. */
function Shadow({ of: p }: { of: EndpointPage }) {
  const r = p.rollout;
  if (!r?.rollout.open) return null;
  const of = (test: string) => testsOf(r.looks).find((t) => t.test === test)?.looks.at(-1);
  const differ = of("disagreement");
  const shift = of("scoreShift");
  const shadow = p.routes.find((x) => x.version === r.rollout.to);
  const scored = shadow?.scored ?? 0;
  if (!differ && !shift && !scored) return null;
  return (
    <p class="detail endpoints-below">
      On the same rows version {r.rollout.to}
      {differ && ` decides ${measure("disagreement", differ.estimate)} differently`}
      {differ && shift && " and"}
      {shift && ` scores up to ${measure("scoreShift", shift.estimate)} apart`} from version {r.rollout.from}.
      {scored > 0 && ` In the shadow it scored ${plural(scored, "request")}, ${count(shadow?.failed ?? 0)} of them failed.`}
    </p>
  );
}

function Conditions({ of: p }: { of: EndpointPage }) {
  const e = p.endpoint;
  return (
    <Section id="endpoint-conditions" title="Conditions">
      <ul class="endpoints-conditions">
        {p.conditions.map((c) => {
          const well = c.status !== (c.type === "NoVersion" || c.type === "Aborted");
          return (
            <li key={c.type}>
              <State tone={well ? "ok" : "warn"}>{c.type}</State>
              <span class="detail">
                {c.status ? "yes" : "no"}
                {c.reason && c.reason !== c.type && `, ${c.reason}`}
                {c.message && `: ${c.message}`}
                {c.since && (
                  <>
                    , <Age at={c.since} />
                  </>
                )}
              </span>
            </li>
          );
        })}
        {p.conditions.length === 0 && <li class="detail">It has not been taken up yet.</li>}
      </ul>
      <Facts
        of={[
          ["Event time", e.mode === "driven" ? (e.holder ? `driven by ${e.holder}` : "driven by a replay") : `clock, minus ${p.declared.allowedLateness}`],
          ["Watermark", e.watermark && instant(e.watermark)],
          ["Live since", e.liveSince && moment(e.liveSince)],
          ["Late rows", e.late ? count(e.late) : undefined],
          ["Quarantined", e.quarantined ? <a href={href(`data/quarantine/${enc(e.name)}`)} data-page>{count(e.quarantined)}</a> : undefined],
          ["Dropped", e.dropped ? count(e.dropped) : undefined],
          ["Lost", e.lost ? count(e.lost) : undefined],
          ["Loop", p.policies.length > 0 && <a href={href(`loop/${enc(e.name)}`)} data-page>{p.policies.map((x) => `${x.name} (${x.paused ? "paused by " + x.paused : x.mode})`).join(", ")}</a>],
          ["Monitors", p.monitors.length > 0 && p.monitors.map((m, i) => <>{i > 0 && ", "}<a key={m} href={href(`monitors/${enc(m)}`)} data-page>{m}</a></>)],
        ]}
      />
    </Section>
  );
}

function Newest({ of: p }: { of: EndpointPage }) {
  const r = p.rollout;
  if (!r) return null;
  return (
    <Section
      id="endpoint-rollout"
      title={r.rollout.open ? "Rollout under way" : "Last rollout"}
      aside={
        <a href={href(`rollouts/${enc(r.rollout.id)}`)} data-page>
          {r.rollout.id}: every look
        </a>
      }
    >
      <Steps of={r} />
      {r.rollout.reason && <p class="endpoints-why">{sentence(r.rollout.reason)}</p>}
      {r.rollout.open ? (
        <Tests of={r} height={150} />
      ) : (
        <ul class="endpoints-last">
          {testsOf(r.looks).map((t) => {
            const last = t.looks[t.looks.length - 1];
            const [tone, word] = verdictOf(last?.verdict ?? "", t.test);
            return (
              <li key={t.test}>
                <State tone={tone}>{testName(t.test)}</State>{" "}
                <span class="detail">
                  {measure(t.test, last?.estimate ?? null)}, {word}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

/** Services lists who answered when. */
function Services({ of: p }: { of: EndpointPage }) {
  if (p.services.length === 0) return null;
  const model = p.endpoint.model;
  return (
    <Section id="endpoint-services" title="Who answered when" aside="event time">
      <div class="panel">
        <Table
          label="Versions that have answered"
          rows={p.services}
          rowKey={(s) => `${s.version} ${s.from ?? ""}`}
          columns={[
            { id: "version", title: "Version", value: (s) => <Version model={model} version={s.version} /> },
            { id: "from", title: "From", value: (s) => (s.from ? <span class="endpoints-when" title={moment(s.from)}>{date(s.from)}</span> : "the beginning") },
            { id: "to", title: "To", value: (s) => (s.to ? <span class="endpoints-when" title={moment(s.to)}>{date(s.to)}</span> : "now") },
            {
              id: "rollout",
              title: "By rollout",
              value: (s) =>
                s.rollout ? (
                  <a href={href(`rollouts/${enc(s.rollout)}`)} data-page data-row>
                    {s.rollout}
                  </a>
                ) : (
                  "–"
                ),
            },
            { id: "why", title: "Why", value: (s) => <Why text={s.why} /> },
          ]}
        />
      </div>
    </Section>
  );
}

/** Why writes a cause: a decision's id leads to its page. */
function Why({ text }: { text: string }) {
  if (/^[^\s@]+@\d{8}T\d{6}$/.test(text))
    return (
      <>
        decision{" "}
        <a href={href(`decisions/${enc(text)}`)} data-page>
          {text}
        </a>
      </>
    );
  return <>{text || "–"}</>;
}

function Rollouts({ of: p }: { of: EndpointPage }) {
  if (p.rollouts.length === 0) return <p class="detail">No version has been rolled out: a rollout begins when the alias {p.endpoint.alias} moves, or when a policy decides so.</p>;
  return (
    <div class="panel">
      <Table
        label={`Rollouts of ${p.endpoint.name}`}
        rows={p.rollouts}
        rowKey={(r) => r.id}
        columns={[
          {
            id: "id",
            title: "Rollout",
            value: (r) => (
              <a href={href(`rollouts/${enc(r.id)}`)} data-page data-row>
                {r.id}
              </a>
            ),
          },
          { id: "state", title: "State", sort: (r) => r.state, value: (r) => <Word of={rolloutOf(r)} /> },
          { id: "from", title: "From", num: true, sort: (r) => r.from, value: (r) => r.from || "–" },
          { id: "to", title: "To", num: true, sort: (r) => r.to, value: (r) => <a href={href(`models/${enc(r.model)}/versions/${r.to}`)} data-page>{r.to}</a> },
          { id: "begun", title: "Begun", sort: (r) => r.begun, value: (r) => <span class="endpoints-when">{date(r.begun)}</span> },
          { id: "ended", title: "Ended", sort: (r) => r.ended, value: (r) => <span class="endpoints-when">{r.ended ? date(r.ended) : "–"}</span> },
          { id: "by", title: "Begun by", value: (r) => <Cause of={r} /> },
          { id: "why", title: "Outcome", value: (r) => <span class="endpoints-clip" title={r.reason}>{r.reason ?? r.cause}</span> },
        ]}
      />
    </div>
  );
}

function Cause({ of: r }: { of: RolloutLine }) {
  if (r.decision)
    return (
      <a href={href(`decisions/${enc(r.decision)}`)} data-page title={r.decision}>
        a decision
      </a>
    );
  return <span title={r.cause}>{originOf(r)}</span>;
}

function Declared({ of: p }: { of: EndpointPage }) {
  const d = p.declared;
  const e = p.endpoint;
  return (
    <>
      <Section id="endpoint-declared" title="As declared" aside={`generation ${d.generation}${d.manager ? `, by ${d.manager}` : ""}`}>
        <Facts
          of={[
            ["Model", <a href={href(`models/${enc(e.model)}`)} data-page>{e.model}@{e.alias}</a>],
            ["Answers with", d.output],
            ["Address", p.url && <><code>{p.url}/invocations</code> <CopyButton text={`${p.url}/invocations`} /></>],
            ["Request id", d.requestId ? <code>{d.requestId}</code> : "header X-Request-Id"],
            ["Event time", d.eventTime ? <code>{d.eventTime}</code> : "header Trimtab-Event-Time, else arrival"],
            ["Log", d.durability],
            ["Allowed lateness", d.allowedLateness],
            ["Rows a request", d.maxRows && count(d.maxRows)],
            ["Body", d.maxBodySize && bytesText(d.maxBodySize)],
            ["New versions", d.rollout ? "roll out in stages" : "answer at once"],
            ["Changed", d.updated && <Age at={d.updated} />],
          ]}
        />
      </Section>
      <div class="endpoints-pair">
        <Section id="endpoint-columns" title="Input columns" aside={plural(p.columns.length, "column")}>
          <div class="panel endpoints-columns">
            <Table
              label="Input columns"
              rows={p.columns}
              rowKey={(c) => c.name}
              columns={[
                { id: "name", title: "Column", value: (c) => <code>{c.name}</code> },
                { id: "type", title: "Type", value: (c) => c.type },
                { id: "required", title: "Required", value: (c) => (c.required ? "yes" : "no") },
                { id: "values", title: "Categories", num: true, value: (c) => (c.values?.length ? (c.values.length === 200 ? "200 or more" : count(c.values.length)) : "–") },
              ]}
            />
          </div>
        </Section>
        <Section
          id="endpoint-changes"
          title="Changes"
          aside={
            <a href={href("audit", { kind: "endpoint", name: e.name })} data-page>
              In the audit log
            </a>
          }
        >
          <div class="panel">
            <Table
              label="Changes of the declaration"
              rows={p.changes}
              rowKey={(c) => String(c.index)}
              columns={[
                {
                  id: "index",
                  title: "Entry",
                  value: (c) => (
                    <a href={href(`audit/${c.index}`)} data-page data-row>
                      {c.index}
                    </a>
                  ),
                },
                { id: "when", title: "When", value: (c) => <Age at={c.time} /> },
                { id: "action", title: "Action", value: (c) => <code>{c.action}</code> },
                { id: "who", title: "Who", value: (c) => c.actor },
              ]}
            />
          </div>
        </Section>
      </div>
    </>
  );
}
