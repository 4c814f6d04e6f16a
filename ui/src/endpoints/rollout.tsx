// One rollout: its steps, every look of its tests, who began it, and what a person can do.
import { useMemo, useState } from "preact/hooks";
import type { RolloutPage } from "../api_gen";
import { ObjectLink } from "../audit/object";
import { apiURL } from "../base";
import { count, figure, instant, plural } from "../format";
import { Answer, Page } from "../page";
import { Age, Facts, Section, Table, Version } from "../parts";
import { useQuery } from "../query";
import { enc, href, project } from "../router";
import { State } from "../shapes";
import { Acting, rolloutActs, type Act } from "./actions";
import { Looks, sentence, Steps, Tests } from "./steps";
import { originOf, rolloutOf } from "./words";

export default function Rollout({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const address = apiURL(project.value, `pages/rollouts/${enc(id)}`);
  const q = useQuery<RolloutPage>(address, ["rollout", "registeredModel", "window"]);
  const [act, setAct] = useState<Act>();
  const p = q.data.value;
  const acts = useMemo(() => (p ? rolloutActs(p.rollout, p.actions) : []), [p]);
  const keys = useMemo(() => {
    const back = acts.find((a) => a.id === "rollback");
    return back ? [{ keys: "r", text: "stop and roll back", run: () => setAct(back) }] : [];
  }, [acts]);
  const r = p?.rollout;
  const endpoint = r?.endpoint ?? id.slice(0, Math.max(0, id.lastIndexOf(".")));
  return (
    <Page
      title={`Rollout ${id}`}
      crumbs={[
        { text: "Endpoints", to: "endpoints" },
        { text: endpoint, to: `endpoints/${enc(endpoint)}` },
      ]}
      label={r && <State tone={rolloutOf(r)[0]}>{rolloutOf(r)[1]}</State>}
      summary={r && (r.from ? `version ${r.from} → ${r.to}` : `version ${r.to}, the first`)}
      copy={{ curl: { url: address }, cli: `trimtab rollout status ${id}` }}
      keys={keys}
      actions={acts.map((a) => ({ text: `${a.text} ${id}`, run: () => setAct(a) }))}
      aside={acts.map((a) => (
        <button key={a.id} type="button" class={a.danger ? "danger" : "quiet"} onClick={() => setAct(a)}>
          {a.text}
        </button>
      ))}
      busy={r?.open ?? false}
    >
      <Answer of={q}>{(page) => <Shown of={page} />}</Answer>
      {act && <Acting act={act} close={() => setAct(undefined)} done={q.refresh} />}
    </Page>
  );
}

function Shown({ of: p }: { of: RolloutPage }) {
  const r = p.rollout;
  return (
    <>
      <Section id="rollout-way" title="Where it stands">
        <Steps of={p} />
        {r.reason && <p class="endpoints-why">{sentence(r.reason)}</p>}
        <Facts
          of={[
            ["New", r.to > 0 && <Version model={r.model} version={r.to} />],
            ["Old", r.from > 0 ? <Version model={r.model} version={r.from} /> : "none"],
            ["Begun by", r.decision ? <a href={href(`decisions/${enc(r.decision)}`)} data-page>{r.decision}</a> : `${originOf(r)}${r.cause ? `: ${r.cause}` : ""}`],
            ["Begun (event time)", instant(r.begun)],
            ["Answers everything since", r.promoted && instant(r.promoted)],
            ["Ended", r.ended && instant(r.ended)],
            ["Next look", p.nextLook && instant(p.nextLook)],
            ["Stage ends", r.state === "held" ? "when a person decides: promote, resume or roll back" : p.ends && `${instant(p.ends)}${p.latest && p.latest !== p.ends ? `, at the latest ${instant(p.latest)}` : ""}`],
            ["If undecided", r.open && r.state !== "held" && p.onTimeout],
          ]}
        />
      </Section>
      <Section id="rollout-tests" title="Tests" aside={p.looks.length > 0 && `Bounds hold at all looks together: ${figure(100 * p.confidence).replace(/\.?0+$/, "")} % for all tests`}>
        <Tests of={p} />
      </Section>
      <div class="endpoints-pair">
        <Versions of={p} />
        <Entries of={p} />
      </div>
      <Looks of={p} />
    </>
  );
}

function Versions({ of: p }: { of: RolloutPage }) {
  if (p.versions.length === 0) return null;
  const monitor = p.versions.find((v) => v.monitor)?.monitor;
  return (
    <Section id="rollout-versions" title="The two versions" aside={monitor ? <a href={href(`monitors/${enc(monitor)}`)} data-page>monitor {monitor}</a> : undefined}>
      <div class="panel">
        <Table
          label="The versions of the rollout"
          rows={p.versions}
          rowKey={(v) => v.role}
          columns={[
            { id: "version", title: "Version", value: (v) => <><Version model={p.rollout.model} version={v.version} /> <span class="detail">{v.role}</span></> },
            { id: "loss", title: "Mean loss", num: true, value: (v) => figure(v.rows ? v.loss : null).replace("NaN", "–") },
            { id: "rows", title: "Labelled rows", num: true, value: (v) => count(v.rows) },
            { id: "requests", title: "Requests", num: true, value: (v) => count(v.requests) },
            { id: "errors", title: "Failed", num: true, value: (v) => count(v.errors) },
          ]}
        />
      </div>
      <p class="detail endpoints-below">{p.versions.some((v) => v.rows) ? "Loss over the monitor's windows that the rollout spans, both versions on the same rows." : "No window of the monitor that the rollout spans is closed yet; the tests above look at single rows."} Requests since this server started.</p>
    </Section>
  );
}

function Entries({ of: p }: { of: RolloutPage }) {
  const moves = p.entries.filter((e) => e.action !== "rollout.look");
  const looks = p.entries.length - moves.length;
  return (
    <Section
      id="rollout-audit"
      title="Audit"
      aside={
        <a href={href("audit", { kind: "rollout", name: p.rollout.id })} data-page>
          All entries{looks > 0 && `, with ${plural(looks, "look")}`}
        </a>
      }
    >
      <div class="panel">
        <Table
          label="Audit entries of the rollout"
          rows={moves}
          rowKey={(e) => String(e.index)}
          columns={[
            { id: "index", title: "Entry", value: (e) => <a href={href(`audit/${e.index}`)} data-page data-row>{e.index}</a> },
            { id: "action", title: "Action", value: (e) => <code>{e.action}</code> },
            { id: "who", title: "Who", value: (e) => e.actor },
            { id: "when", title: "When", value: (e) => <span class="endpoints-when"><Age at={e.time} /></span> },
          ]}
        />
      </div>
      {p.rollout.decision && (
        <p class="detail endpoints-below">
          Decision <ObjectLink of={{ kind: "decision", name: p.rollout.decision }} /> says what was known when it began.
        </p>
      )}
    </Section>
  );
}
