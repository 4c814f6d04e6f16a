// The loops of a project: one line per policy.
import { useState } from "preact/hooks";
import type { LoopList, LoopRow } from "../api_gen";
import { apiURL } from "../base";
import { Spark } from "../chart/spark";
import { count, plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Command, Confirm, Table, toast } from "../parts";
import { call, useQuery } from "../query";
import { enc, href, project } from "../router";
import { Shape, State } from "../shapes";
import { standing } from "./policybar";
import { actionWord, dayOf, decisionState, metricLabel, small } from "./words";

export default function Loops() {
  const url = apiURL(project.value, "loop/endpoints");
  const q = useQuery<LoopList>(url, ["window", "decision", "incident", "rollout", "policyState", "pause", "retrainpolicy", "endpoint", "endpointState"]);
  const [asks, setAsks] = useState(false);
  const [reason, setReason] = useState("");
  const data = q.data.value;
  const paused = !!data?.pause?.paused;
  const toggle = async () => {
    await call("POST", apiURL(project.value, `loop/${paused ? "resume" : "pause"}`), { reason });
    toast(paused ? "The loop goes on" : "The loop is paused", "ok");
    q.refresh();
  };
  const close = () => {
    setAsks(false);
    setReason(""); // what was said is said once
  };
  return (
    <Page
      title="Loop"
      summary={paused ? <State tone="warn">paused by {data?.pause?.by ?? "somebody"}</State> : "models that are looked after by a policy"}
      aside={
        data && data.items.length > 0 ? (
          <button type="button" class="quiet" onClick={() => setAsks(true)}>
            {paused ? "Resume the loop" : "Pause the loop"}
          </button>
        ) : undefined
      }
      copy={{ curl: { url }, cli: "trimtab loop" }}
      actions={data ? [{ text: paused ? "Resume the loop" : "Pause the loop", run: () => setAsks(true) }] : []}
    >
      <Answer of={q}>
        {(list) => (
          <>
            {list.items.length === 0 ? (
              <Empty title="No policy yet" commands={["trimtab advise --predictions FILE.parquet", "trimtab apply POLICY.yaml", "trimtab loop"]}>
                A RetrainPolicy says when a model is recalibrated, retrained or set back, and at what price. Its first mode, advise, does nothing by itself.
              </Empty>
            ) : (
              <Table<LoopRow>
                label="Policies"
                rows={list.items}
                rowKey={(r) => r.policy.name}
                columns={[
                  {
                    id: "endpoint",
                    title: "Endpoint",
                    sort: (r) => r.policy.endpoint ?? r.policy.name,
                    value: (r) =>
                      r.policy.endpoint ? (
                        <>
                          <a data-row href={href(`loop/${enc(r.policy.endpoint)}`)} data-page>
                            {r.policy.endpoint}
                          </a>
                          {r.policy.name !== r.policy.endpoint && <span class="detail loop-name-of"> policy {r.policy.name}</span>}
                        </>
                      ) : (
                        <>
                          {r.policy.name} <span class="detail">no monitor {r.policy.monitor}</span>
                        </>
                      ),
                  },
                  {
                    id: "state",
                    title: "State",
                    value: (r) => {
                      const [tone, word] = standing(r.policy, list.pause);
                      return <State tone={tone}>{word}</State>;
                    },
                  },
                  {
                    id: "spark",
                    title: "Quality",
                    value: (r) =>
                      r.spark.some((v) => v !== null) ? (
                        <span class="loop-spark">
                          <Spark y={r.spark} label={`${metricLabel(r.metric ?? "")} of the newest ${r.spark.length} windows`} width={120} height={24} />
                          <span class="detail">{metricLabel(r.metric ?? "")}</span>
                        </span>
                      ) : (
                        <span class="detail">not measured yet</span>
                      ),
                  },
                  {
                    id: "gain",
                    title: "Saved per row so far",
                    num: true,
                    sort: (r) => r.summary.gain,
                    value: (r) =>
                      r.summary.days > 0 && (r.summary.gain !== 0 || r.summary.hi !== 0) ? (
                        <span class={r.said.tone === "bad" ? "state bad" : undefined} title={r.said.text}>
                          {r.said.tone !== "off" && <Shape tone={r.said.tone === "ok" ? "ok" : "bad"} />}
                          {small(r.summary.gain, true)}
                          {(r.summary.lo !== 0 || r.summary.hi !== 0) && (
                            <span class="interval">
                              {" "}
                              [{small(r.summary.lo, true)}, {small(r.summary.hi, true)}]
                            </span>
                          )}
                        </span>
                      ) : (
                        "–"
                      ),
                  },
                  {
                    id: "acted",
                    title: "Last act",
                    value: (r) =>
                      r.acted ? (
                        <>
                          <a href={href(`decisions/${enc(r.acted.id)}`)} data-page>
                            {actionWord(r.acted.action, r.acted.version)}
                          </a>{" "}
                          <span class="detail">
                            {dayOf(r.acted.at)}, {decisionState(r.acted.state)[1]}
                          </span>
                        </>
                      ) : (
                        "–"
                      ),
                  },
                  { id: "next", title: "Next look", sort: (r) => r.policy.next, value: (r) => <span class="loop-date">{r.policy.next ? dayOf(r.policy.next) : "–"}</span> },
                  {
                    id: "incidents",
                    title: "Incidents",
                    num: true,
                    sort: (r) => r.incidents,
                    value: (r) =>
                      r.incidents > 0 ? (
                        <a href={href("incidents", { endpoint: r.policy.endpoint ?? "", state: "open" })} data-page>
                          {count(r.incidents)} open
                        </a>
                      ) : (
                        "–"
                      ),
                  },
                  { id: "used", title: "Trainings", num: true, value: (r) => (r.policy.budget ? `${r.policy.used} of ${r.policy.budget}` : count(r.policy.used)) },
                ]}
              />
            )}
            {list.unwatched.length > 0 && (
              <section class="section" aria-labelledby="unwatched">
                <header class="section-head">
                  <h2 id="unwatched">Without a policy</h2>
                  <div class="aside">{plural(list.unwatched.length, "endpoint")}</div>
                </header>
                <p class="detail">
                  Nobody decides about{" "}
                  {list.unwatched.slice(0, 12).map((name, i) => (
                    <>
                      {i > 0 && ", "}
                      <a href={href(`loop/${enc(name)}`)} data-page>
                        {name}
                      </a>
                    </>
                  ))}
                  {list.unwatched.length > 12 && ` and ${list.unwatched.length - 12} more`}. What a policy would have done with the recorded traffic:
                </p>
                <div class="loop-digest">
                  <Command>{`trimtab endpoint export ${list.unwatched[0]} --out ${list.unwatched[0]}.parquet`}</Command>
                  <Command>{`trimtab advise --predictions ${list.unwatched[0]}.parquet`}</Command>
                </div>
              </section>
            )}
          </>
        )}
      </Answer>
      {asks && (
        <Confirm title={paused ? "Resume the loop" : "Pause the loop"} word={paused ? undefined : "pause"} action={paused ? "Resume" : "Pause"} run={toggle} close={close}>
          <p>{paused ? "Every policy of this project decides again on the windows that have closed meanwhile." : "No policy of this project starts anything until the loop is resumed. What runs goes on to its end; rollouts keep their step and can still roll back."}</p>
          <label class="field">
            <span>Reason, which is recorded</span>
            <input value={reason} maxLength={1000} onInput={(e) => setReason(e.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </Page>
  );
}
