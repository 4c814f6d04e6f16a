// An incident: what was wrong, how it was found, what it kept out, and what is to be done.
import { useState } from "preact/hooks";
import type { IncidentLine, IncidentPage } from "../api_gen";
import { apiURL } from "../base";
import { count, figure, moment, percent } from "../format";
import { Command, Confirm, Table, toast } from "../parts";
import { call } from "../query";
import { enc, href, project } from "../router";
import { Shape, State, type Tone } from "../shapes";
import { Line, Part } from "./decisionview";
import { Glyph } from "./marks";
import { actionWord, dayOf, decisionState, incidentState, incidentWord, metricLabel, sentence, small, spanText } from "./words";
import { Record } from "./record";

/** IncidentMark is an incident in a line. */
export function IncidentMark({ incident: i }: { incident: IncidentLine }) {
  const [tone] = incidentState(i);
  return (
    <li class="loop-incident-line">
      <span class={`state ${tone}`}>
        <Glyph what={i.kind} size={12} />
      </span>
      <a href={href(`incidents/${enc(i.id)}`)} data-page>
        {incidentWord(i.kind)}
        {i.columns.length > 0 && `: ${i.columns.join(", ")}`}
      </a>
      <span class="detail">{sentence(i.cause)}</span>
    </li>
  );
}

const dots: Record<string, Tone> = { began: "bad", found: "warn", decision: "run", ended: "ok", closed: "ok", released: "off" };

const verbs = {
  acknowledge: { title: "Look after the incident", action: "Acknowledge", done: "You look after it" },
  release: { title: "Release", action: "Release", done: "Released: the rows will be learnt from" },
  close: { title: "Close the incident", action: "Close", done: "Closed" },
};
type Verb = keyof typeof verbs;

/** IncidentView is the whole of it. */
export function IncidentView({ page: p, wide, changed }: { page: IncidentPage; wide: boolean; changed: () => void }) {
  const i = p.incident;
  const id = (name: string) => `${wide ? "i" : "q"}-${name}`;
  const [tone, word] = incidentState({ ...i, held: i.hold });
  const held = i.hold && !i.released;
  const seen = p.entries.findLast((e) => e.action === "incident.acknowledge");
  return (
    <div class={wide ? "loop-decision wide" : "loop-decision"}>
      <div class="loop-verdict">
        <p class="loop-said">{sentence(i.cause)}</p>
        <p class="detail">
          {!wide && <State tone={tone}>{word}</State>}
          <span>
            {wide ? i.severity.replace(/^./, (c) => c.toUpperCase()) : i.severity} {incidentWord(i.kind)} at{" "}
            <a href={href(`loop/${enc(i.endpoint)}`, { incident: i.id })} data-page>
              {i.endpoint}
            </a>
            {i.also && i.also.length > 0 && `, with the same cause at ${i.also.join(", ")}`}
          </span>
        </p>
        <Actions page={p} changed={changed} />
      </div>

      <Part id={id("course")} title="What happened" wide={wide}>
        <ol class="loop-course">
          {p.steps.map((s, n) => (
            <li key={n}>
              <time dateTime={s.at}>{dayOf(s.at)}</time>
              <Shape tone={dots[s.kind] ?? "wait"} />
              <div>
                <b>
                  {s.id ? (
                    <a href={href(`decisions/${enc(s.id)}`)} data-page>
                      {s.title}
                    </a>
                  ) : (
                    s.title
                  )}
                </b>
                {s.text && <p class="detail">{sentence(s.text)}</p>}
                {s.noted && <p class="detail">{moment(s.noted)}</p>}
              </div>
            </li>
          ))}
          {!i.closed && (
            <li>
              <time>now</time>
              <Shape tone="wait" />
              <div>
                <b>It goes on</b>
              </div>
            </li>
          )}
        </ol>
      </Part>

      <div class="loop-two">
        <Part id={id("what")} title="What is wrong" wide={wide}>
          <dl class="loop-facts">
            {i.columns && i.columns.length > 0 && (
              <Line name="columns">
                <span class="chips">
                  {i.columns.map((c) => (
                    <a key={c} class="chip" href={i.monitor ? href(`monitors/${enc(i.monitor)}`, { column: c }) : href(`loop/${enc(i.endpoint)}`, { column: c })} data-page>
                      {c}
                    </a>
                  ))}
                </span>
              </Line>
            )}
            {i.fault && <Line name="fault">{i.fault}</Line>}
            {!!i.factor && <Line name="what came is">{`${small(i.factor)} × what is right${i.offset ? ` ${i.offset < 0 ? "−" : "+"} ${small(Math.abs(i.offset))}` : ""}`}</Line>}
            {!!i.rows && (
              <Line name="rows">
                {count(i.rows)}, {i.bad === i.rows ? "all" : count(i.bad ?? 0)} of them wrong
              </Line>
            )}
            <Line name="held back">
              {held
                ? i.rule
                  ? `what rule ${i.rule} caught: kept out of training, references and figures`
                  : "all rows of the span: kept out of training, references and figures"
                : i.released
                  ? `nothing: released by ${i.releasedBy}`
                  : "nothing"}
            </Line>
            {i.acknowledgedBy && (
              <Line name="looked after by">
                {i.acknowledgedBy}
                {i.acknowledgement && `: ${i.acknowledgement}`}
                {seen && <span class="detail"> {moment(seen.time)}</span>}
              </Line>
            )}
            {i.monitor && (
              <Line name="seen by monitor">
                <a href={href(`monitors/${enc(i.monitor)}`)} data-page>
                  {i.monitor}
                </a>
              </Line>
            )}
            {(i.kind === "breach" || i.hold) && (
              <Line name="rows kept out">
                <a href={href(`data/quarantine/${enc(i.endpoint)}`)} data-page>
                  Quarantine of {i.endpoint}
                </a>
              </Line>
            )}
          </dl>
          {i.remedy && !i.released && (!i.closed || held) && <p class="loop-remedy">{sentence(i.remedy.split(": trimtab")[0] ?? i.remedy)}</p>}
        </Part>
        <Part id={id("evidence")} title="Evidence" wide={wide}>
          {i.evidence && i.evidence.length > 0 ? (
            <Table
              label="Evidence"
              rows={i.evidence}
              rowKey={(e) => e.name}
              columns={[
                {
                  id: "what",
                  title: "What",
                  value: (e) => (
                    <>
                      {e.name}
                      {e.text && <span class="detail"> {e.text}</span>}
                    </>
                  ),
                },
                { id: "value", title: "Value", num: true, value: (e) => (isShare(e.name) ? percent(e.value) : small(e.value)) },
                { id: "limit", title: "Limit", num: true, value: (e) => (!e.limit ? "–" : isShare(e.name) ? percent(e.limit) : small(e.limit)) },
              ]}
            />
          ) : (
            <p class="detail">No figures were kept with it.</p>
          )}
        </Part>
      </div>

      {p.decisions.length > 0 && (
        <Part id={id("decisions")} title="What was decided meanwhile" wide={wide}>
          <ul class="loop-record">
            {p.decisions.slice(0, 20).map((d) => (
              <li key={d.id}>
                <a href={href(`decisions/${enc(d.id)}`)} data-page>
                  {dayOf(d.at)}
                </a>
                <State tone={decisionState(d.state)[0]}>{actionWord(d.action, d.version)}</State>
                <span class="detail">{sentence(d.reason.replaceAll(i.id, "this one"))}</span>
              </li>
            ))}
          </ul>
          {p.decisions.length > 20 && <p class="detail">and {p.decisions.length - 20} more</p>}
        </Part>
      )}

      <Part id={id("windows")} title="Windows that it touches" wide={wide}>
        {p.windows.length === 0 ? (
          <p class="detail">No window of the monitor has been looked at in its span yet.</p>
        ) : (
          <Table
            label="Windows that it touches"
            rows={p.windows}
            rowKey={(w) => w.start}
            columns={[
              { id: "window", title: "Window", value: (w) => <WindowLink monitor={i.monitor} start={w.start} end={w.end} /> },
              { id: "rows", title: "Rows", num: true, value: (w) => count(w.rows) },
              { id: "labelled", title: "Labelled", num: true, value: (w) => count(w.labelled) },
              { id: "held", title: "Held", num: true, value: (w) => (w.held ? count(w.held) : "–") },
              { id: "quarantined", title: "Quarantined", num: true, value: (w) => (w.quarantined ? count(w.quarantined) : "–") },
              { id: "quality", title: p.windows[0]?.metric ? metricLabel(p.windows[0].metric) : "Quality", num: true, value: (w) => (w.value === undefined ? "–" : figure(w.value)) },
            ]}
          />
        )}
        {!!p.more && <p class="detail">and {count(p.more)} more windows</p>}
      </Part>

      <Part id={id("record")} title="On record" wide={wide}>
        <Record entries={p.entries} />
        <div class="loop-digest">
          {p.commands.map((c) => (
            <Command key={c}>{c}</Command>
          ))}
        </div>
      </Part>
    </div>
  );
}

function Actions({ page: p, changed }: { page: IncidentPage; changed: () => void }) {
  const [verb, setVerb] = useState<Verb | "">("");
  const [reason, setReason] = useState("");
  const i = p.incident;
  const canRelease = i.hold && !i.released;
  const canClose = !i.closed;
  const asked = verb === "" ? undefined : verbs[verb];
  if (!canRelease && !canClose) return null;
  const run = async () => {
    await call("POST", apiURL(project.value, `incidents/${enc(i.id)}/${verb}`), { reason });
    toast(asked!.done, "ok");
    changed();
  };
  return (
    <div class="loop-answer">
      {canClose && !i.acknowledgedBy && (
        <button type="button" class="primary" onClick={() => setVerb("acknowledge")}>
          Acknowledge
        </button>
      )}
      {canRelease && (
        <button type="button" class="quiet" onClick={() => setVerb("release")}>
          Release the rows
        </button>
      )}
      {canClose && (
        <button type="button" class="quiet" onClick={() => setVerb("close")}>
          Close
        </button>
      )}
      {asked && (
        <Confirm
          title={verb === "release" ? `Release ${count(i.bad ?? i.rows ?? 0)} rows` : asked.title}
          word={verb === "acknowledge" ? undefined : i.endpoint}
          action={asked.action}
          danger={verb === "release"}
          run={run}
          close={() => {
            setVerb("");
            setReason("");
          }}
        >
          <p>
            {verb === "acknowledge"
              ? "It leaves what needs attention, and others see that you have it. The loop does the same as before; should it turn out to be worse, it asks for attention again."
              : verb === "release"
              ? "The rows count again: trainings learn from them, references and quality are computed anew with them. This cannot be taken back."
              : "It is over for the loop: what it stopped may go on. Rows that it holds stay held."}
          </p>
          <label class="field">
            <span>{verb === "acknowledge" ? "What you do about it, if you want to say" : "Reason, which is recorded"}</span>
            <input value={reason} required={verb !== "acknowledge"} maxLength={1000} onInput={(e) => setReason(e.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </div>
  );
}

/** isShare says whether evidence is a part of a whole, written in percent. */
function isShare(name: string): boolean {
  return name.startsWith("share ") || name === "confidence";
}

/** WindowLink leads to a window of the monitor, where one is known. */
function WindowLink({ monitor, start, end }: { monitor: string | undefined; start: string; end: string }) {
  const text = spanText(Date.parse(start) / 1000, Date.parse(end) / 1000);
  if (!monitor) return <>{text}</>;
  return (
    <a class="nowrap" href={href(`monitors/${enc(monitor)}`, { window: start })} data-page>
      {text}
    </a>
  );
}
