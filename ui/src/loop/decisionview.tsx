// A decision as it was made: what was known, what could be done, what had to hold,
// what the gate found, what became of it, who answers for it. The panel beside the
// timeline and the page of a decision show the same.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { DecisionOption, DecisionPage, Fact, IncidentLine } from "../api_gen";
import { apiURL } from "../base";
import { rolloutOf } from "../endpoints/words";
import { count, moment, percent, plural } from "../format";
import { Command, Confirm, Digest, Facts, Version, toast } from "../parts";
import { call } from "../query";
import { enc, href, project } from "../router";
import { Shape, State } from "../shapes";
import { Forest, verdictOf } from "./forest";
import { actionWord, dayOf, decisionState, factName, incidentWord, realised, sentence, small, within } from "./words";
import { Record } from "./record";
import { IncidentMark } from "./incidentview";

/** waits says whether a person can approve or reject. */
export function waits(p: DecisionPage): boolean {
  return p.decision.state === "awaiting" || p.decision.state === "advised";
}

/** headline is the decision in a few words. */
export function headline(p: DecisionPage): string {
  const d = p.decision;
  const word = actionWord(d.action, d.version);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** DecisionView is the whole of it. In the panel, wide is false. */
export function DecisionView({ page: p, wide, changed }: { page: DecisionPage; wide: boolean; changed: () => void }) {
  const d = p.decision;
  const id = (name: string) => `${wide ? "d" : "p"}-${name}`;
  const [tone, word] = decisionState(d.state);
  return (
    <div class={wide ? "loop-decision wide" : "loop-decision"}>
      <div class="loop-verdict">
        <p class="loop-said">{named(sentence(d.reason), p.incidents)}</p>
        <p class="detail">
          {!wide && <State tone={tone}>{word}</State>}
          <span>
            {wide ? "Decided" : "decided"} for <b>{dayOf(d.at)}</b> by policy{" "}
            <a href={href(`loop/${enc(d.endpoint)}`)} data-page>
              {d.policy}
            </a>
            , mode {d.mode}, strategy {d.strategy}
          </span>
        </p>
        {waits(p) && <Answer page={p} changed={changed} />}
      </div>

      <Part id={id("options")} title="What could be done" wide={wide}>
        <Options options={p.options} unit={unitOf(d.facts, p.limits.currency)} horizon={horizonText(d.facts)} wide={wide} />
      </Part>

      <div class="loop-two">
        <Part id={id("known")} title="What was known" wide={wide}>
          <dl class="loop-facts">
            <Line name="newest mature window">
              from {dayOf(d.window)}
            </Line>
            <Line name="version that served">{p.model ? <Version model={p.model} version={d.served} /> : `version ${d.served}`}</Line>
            {(d.facts ?? []).map((f) => (
              <Line key={f.name} name={factName(f.name)}>
                {factText(f)}
              </Line>
            ))}
          </dl>
          {p.incidents.length > 0 && (
            <div class="loop-open">
              <h4>Open at that moment</h4>
              <ul>
                {p.incidents.map((i) => (
                  <IncidentMark key={i.id} incident={i} />
                ))}
              </ul>
            </div>
          )}
        </Part>
        <Part id={id("guards")} title="What had to hold" wide={wide}>
          {d.guards && d.guards.length > 0 ? (
            <ul class="loop-guards">
              {d.guards.map((g) => (
                <li key={g.name} class={g.passed ? "passed" : "failed"}>
                  <State tone={g.passed ? "ok" : "bad"}>{g.name}</State>
                  {!g.passed && <span class="detail">{named(g.why ?? "", p.incidents)}</span>}
                </li>
              ))}
            </ul>
          ) : (
            <p class="detail">Nothing was to be done, so no guard was asked.</p>
          )}
          {p.limits.known && (
            <p class="detail">
              {limitsText(p)}
              {!p.limits.same && " The policy has changed since: these are its limits now."}
            </p>
          )}
        </Part>
      </div>

      {(p.evaluation || d.evaluation) && (
        <Part id={id("gate")} title="What the gate found" wide={wide} aside={p.evaluation && <Verdict verdict={p.evaluation.verdict} />}>
          {p.evaluation ? (
            <>
              <p class="loop-gate-said">{sentence(p.evaluation.reason)}</p>
              <p class="detail">
                Suite {p.evaluation.suite}, version {p.evaluation.version} against {p.evaluation.against || "none"}, on {count(p.evaluation.rows)} rows in pairs
                {p.evaluation.from && (
                  <>
                    , <span class="nowrap">{dayOf(p.evaluation.from)}</span> to <span class="nowrap">{dayOf(p.evaluation.to)}</span>
                  </>
                )}
              </p>
              <Forest results={p.evaluation.results ?? []} />
            </>
          ) : (
            <p class="detail">
              The evaluation <code>{d.evaluation}</code> is no longer kept.
            </p>
          )}
        </Part>
      )}

      <Part id={id("after")} title="What became of it" wide={wide}>
        <Outcome page={p} />
      </Part>

      <Part id={id("record")} title="On record" wide={wide}>
        <Record entries={p.entries} />
        <div class="loop-digest">
          <Facts of={[["Policy as it stood", <Digest of={d.policyDigest} />], ["Decision", <code>{d.id}</code>]]} />
          {p.commands.map((c) => (
            <Command key={c}>{c}</Command>
          ))}
        </div>
      </Part>
    </div>
  );
}

/** named puts words for the ids of incidents. */
function named(text: string, incidents: IncidentLine[]): string {
  return incidents.reduce((t, i) => t.replaceAll(i.id, `${incidentWord(i.kind)}${i.columns.length ? ` in ${i.columns.length > 3 ? `${i.columns.slice(0, 3).join(", ")} and ${i.columns.length - 3} more` : i.columns.join(", ")}` : ""}`), text);
}

/** Part is a titled part; the heading is one step lower in the panel. */
export function Part({ id, title, wide, aside, children }: { id: string; title: string; wide: boolean; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="loop-part" aria-labelledby={id}>
      <header>
        {wide ? <h2 id={id}>{title}</h2> : <h3 id={id}>{title}</h3>}
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Line is a named value. */
export function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Verdict({ verdict }: { verdict: string }) {
  const [tone, word] = verdictOf(verdict);
  return <State tone={tone}>{word}</State>;
}

function factText(f: Fact): string {
  const value = f.value ?? 0;
  if (f.text && !value) return f.text;
  const written = Number.isInteger(value) ? count(value) : small(value);
  return f.text ? `${written} ${f.text}` : written;
}

function unitOf(facts: Fact[] | undefined, currency: string | undefined): string {
  return facts?.find((f) => f.name === "unit")?.text ?? currency ?? "loss";
}

function horizonText(facts: Fact[] | undefined): string {
  const f = facts?.find((x) => x.name === "horizon");
  return f?.value ? `${count(f.value)} ${f.text ?? ""}`.trim() : "its horizon";
}

function limitsText(p: DecisionPage): string {
  const l = p.limits;
  const parts = [];
  if (l.minRows) parts.push(`asks for at least ${count(l.minRows)} labelled rows to learn from`);
  if (l.cooldown) parts.push(`waits ${l.cooldown} after an act`);
  parts.push(l.retrains ? `allows ${plural(l.retrains, "training")} in ${l.per}` : "sets no limit of trainings");
  return `The policy ${parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0]}.`;
}

/** whyNot says why an alternative was not chosen. */
function whyNot(o: DecisionOption, acts: boolean): string {
  if (o.alternative.chosen) return "chosen";
  return o.alternative.why ?? (o.alternative.action === "nothing" && acts ? "another cure is worth more" : "");
}

function Options({ options, unit, horizon, wide }: { options: DecisionOption[]; unit: string; horizon: string; wide: boolean }) {
  if (options.length === 0) return <p class="detail">Nothing was weighed: there was no clean window to weigh it on.</p>;
  const far = Math.max(...options.map((o) => Math.abs(o.alternative.gain) + 2 * (o.alternative.stderr ?? 0)), 1e-12);
  const acts = options.some((o) => o.alternative.chosen && o.alternative.action !== "nothing");
  if (!wide || matchMedia("(max-width: 639px)").matches) {
    return (
      <>
        <ul class="loop-choices">
          {options.map((o) => {
            const a = o.alternative;
            const measured = !!a.windows;
            const parts = measured ? [`worth ${small(a.expected)}`, `costs ${small(a.cost)}`] : [];
            if (o.chance !== undefined) parts.unshift(`real with a chance of ${percent(o.chance)}`);
            if (whyNot(o, acts) && !a.chosen) parts.push(whyNot(o, acts));
            return (
              <li key={`${a.action}${a.version ?? ""}`} class={a.chosen ? "chosen" : undefined}>
                <b>
                  {a.chosen && <Chosen />}
                  {actionWord(a.action, a.version)}
                  {a.chosen && <span class="visually-hidden"> (chosen)</span>}
                </b>
                {measured && <Gain gain={a.gain} error={a.stderr ?? 0} far={far} title={`saved per row on ${plural(a.windows ?? 0, "window")}, ${plural(a.rows ?? 0, "row")}`} />}
                {measured && <span class="num">net {small(a.net, true)}</span>}
                <span class="detail">{parts.join(" · ")}</span>
              </li>
            );
          })}
        </ul>
        <p class="detail">
          What each saved per row so far ± its error, the bar two errors; worth, cost and net are in {unit} over {horizon}.
        </p>
      </>
    );
  }
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of the alternatives">
        <table class="loop-options">
          <thead>
            <tr>
              <th scope="col">Alternative</th>
              <th scope="col" title="With its standard error; the bar is two of them at each side">Saved per row so far</th>
              <th scope="col" class="num" title="The chance that the gain is real, as far as it was said">
                Real
              </th>
              <th scope="col" class="num">
                Worth
              </th>
              <th scope="col" class="num">
                Cost
              </th>
              <th scope="col" class="num">
                Net
              </th>
              <th scope="col">Why not</th>
            </tr>
          </thead>
          <tbody>
            {options.map((o) => {
              const a = o.alternative;
              const measured = !!a.windows;
              return (
                <tr key={`${a.action}${a.version ?? ""}`} class={a.chosen ? "chosen" : undefined}>
                  <th scope="row">
                    {a.chosen && <Chosen />}
                    {actionWord(a.action, a.version)}
                  </th>
                  <td>{measured ? <Gain gain={a.gain} error={a.stderr ?? 0} far={far} title={`on ${plural(a.windows ?? 0, "window")}, ${plural(a.rows ?? 0, "row")}`} /> : <span class="detail">{a.action === "nothing" ? "the measure of the others" : "not measured"}</span>}</td>
                  <td class="num">{o.chance === undefined ? "–" : percent(o.chance)}</td>
                  <td class="num">{measured ? small(a.expected) : "–"}</td>
                  <td class="num">{measured ? small(a.cost) : "–"}</td>
                  <td class="num">{measured ? small(a.net, true) : "–"}</td>
                  <td class="detail">{whyNot(o, acts)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="detail">
        Saved per row ± its error, the bar two errors at each side. Worth, cost and net are in {unit} over {horizon}.
      </p>
    </>
  );
}

function Chosen() {
  return (
    <svg class="loop-chosen" viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false">
      <path d="M2 1l9 5-9 5z" fill="currentColor" />
    </svg>
  );
}

function Gain({ gain, error, far, title }: { gain: number; error: number; far: number; title: string }) {
  const w = 96;
  const x = (v: number) => w / 2 + (Math.max(-1, Math.min(1, v / far)) * (w - 8)) / 2;
  const tone = gain - 2 * error > 0 ? "ok" : gain + 2 * error < 0 ? "bad" : "off";
  return (
    <span class="loop-gain" title={title}>
      <svg class={`state ${tone}`} viewBox={`0 0 ${w} 14`} width={w} height={14} aria-hidden="true" focusable="false">
        <line class="loop-zero" x1={w / 2} x2={w / 2} y1="0" y2="14" />
        <line x1={x(gain - 2 * error)} x2={x(gain + 2 * error)} y1="7" y2="7" stroke="currentColor" stroke-width="2" />
        <circle cx={x(gain)} cy="7" r="3" fill="currentColor" />
      </svg>
      <span>
        {within(gain, error)}
      </span>
    </span>
  );
}

function Outcome({ page: p }: { page: DecisionPage }) {
  const d = p.decision;
  // What a person said when asked stays, whatever became of it later.
  const word = p.entries.find((e) => e.action === "decision.approve" || e.action === "decision.reject");
  const outcome = word && d.outcome === `${word.action === "decision.approve" ? "approved" : "rejected"} by ${d.approver}${word.reason ? `: ${word.reason}` : ""}` ? "" : d.outcome;
  const waiting: Record<string, string> = { noted: "Nothing was done.", advised: "Nobody has taken the advice yet.", awaiting: "It waits for a person.", training: "The pipeline trains." };
  const r = d.realised;
  const promised = p.options.find((o) => o.alternative.chosen)?.alternative.gain;
  return (
    <>
      <ol class="loop-steps">
        {d.approver && (
          <Step title={`${d.state === "rejected" ? "Rejected" : "Approved"} by ${d.approver}`} tone={d.state === "rejected" ? "bad" : "ok"}>
            {word?.reason} {word && <span class="detail">{moment(word.time)}</span>}
          </Step>
        )}
        {d.run && (
          <Step title="Training" tone={p.runState === "failed" ? "bad" : p.runState === "succeeded" || !p.runState ? "ok" : "run"}>
            <a href={href(`pipelineruns/${enc(d.run)}`)} data-page>
              {d.run}
            </a>
            {p.runState && <span class="detail"> {p.runState}</span>}
          </Step>
        )}
        {!!d.candidate && (
          <Step title="Candidate" tone="ok">
            {p.model ? <Version model={p.model} version={d.candidate} /> : `version ${d.candidate}`}
          </Step>
        )}
        {p.evaluation && (
          <Step title="Gate" tone={verdictOf(p.evaluation.verdict)[0]}>
            {verdictOf(p.evaluation.verdict)[1]}
          </Step>
        )}
        {p.rollout && (
          <Step title="Rollout" tone={p.rollout.state === "promoted" ? "ok" : p.rollout.state === "rolledBack" ? "bad" : "run"}>
            <a href={href(`rollouts/${enc(p.rollout.id)}`)} data-page>
              {p.rollout.id}
            </a>
            <span class="detail">
              {" "}
              {rolloutOf({ state: p.rollout.state, share: p.rollout.share })[1]}
              {p.rollout.promoted && `, serves since ${dayOf(p.rollout.promoted)}`}
            </span>
          </Step>
        )}
        {r && (
          <Step title="Measured afterwards" tone={r.value !== undefined && r.value > 0 ? "ok" : "bad"}>
            <b>
              {realised(r.value ?? 0, r.text)}
            </b>{" "}
            saved per row
            {promised !== undefined && <span class="detail"> · promised were {small(promised, true)}</span>}
          </Step>
        )}
        {p.consequences.map((i) => (
          <Step key={i.id} title={incidentWord(i.kind).charAt(0).toUpperCase() + incidentWord(i.kind).slice(1)} tone={i.closed && i.kind !== "didNotHelp" ? "ok" : "bad"}>
            <a href={href(`incidents/${enc(i.id)}`)} data-page>
              {sentence(i.cause)}
            </a>
          </Step>
        ))}
      </ol>
      <p>{outcome ? sentence(outcome) : word ? "" : (waiting[d.state] ?? "")}</p>
    </>
  );
}

function Step({ title, tone, children }: { title: string; tone: "ok" | "bad" | "run" | "warn" | "wait" | "off"; children?: ComponentChildren }) {
  return (
    <li>
      <Shape tone={tone} />
      <span class="loop-step-title">{title}</span>
      <span>{children}</span>
    </li>
  );
}

/** Answer lets a person approve or reject; both ask for a word to be typed. */
function Answer({ page: p, changed }: { page: DecisionPage; changed: () => void }) {
  const [verb, setVerb] = useState<"approve" | "reject" | "">("");
  const [reason, setReason] = useState("");
  const d = p.decision;
  const run = async () => {
    await call("POST", apiURL(project.value, `decisions/${enc(d.id)}/${verb}`), { reason });
    toast(verb === "approve" ? "Approved: it is carried out" : "Rejected: the policy asks for more evidence next time", "ok");
    changed();
  };
  return (
    <div class="loop-answer">
      <button type="button" class="primary" onClick={() => setVerb("approve")}>
        Approve
      </button>
      <button type="button" class="quiet" onClick={() => setVerb("reject")}>
        Reject
      </button>
      <span class="detail">
        {d.state === "awaiting" ? "Nothing happens until a person says so." : "It was advised: nothing happens by itself."}
        {p.paused && (
          <>
            {" "}
            Paused by {p.paused}: what is approved is started when{" "}
            <a href={href(`loop/${enc(d.endpoint)}`)} data-page>
              the loop goes on
            </a>
            .
          </>
        )}
      </span>
      {verb !== "" && (
        <Confirm
          title={verb === "approve" ? `Approve: ${actionWord(d.action, d.version)}` : `Reject: ${actionWord(d.action, d.version)}`}
          word={d.policy}
          action={verb === "approve" ? "Approve" : "Reject"}
          danger={verb === "reject"}
          run={run}
          close={() => {
            setVerb("");
            setReason("");
          }}
        >
          <p>
            {verb === "approve"
              ? d.action === "retrain"
                ? "The pipeline trains, the gate compares in pairs, and what passes is rolled out as the endpoint declares."
                : "What was decided is rolled out as the endpoint declares."
              : "The decision ends. The policy learns it: next time more evidence is asked, and later."}
          </p>
          <label class="field">
            <span>Reason{verb === "reject" ? "" : " (recorded, may be left out)"}</span>
            <input value={reason} required={verb === "reject"} maxLength={1000} onInput={(e) => setReason(e.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </div>
  );
}
