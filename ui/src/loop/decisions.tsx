// What policies decided, newest first.
import type { DecisionLine, DecisionList } from "../api_gen";
import { apiURL } from "../base";
import { Answer, Empty, Page } from "../page";
import { Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { Shape, State } from "../shapes";
import { Glyph } from "./marks";
import { Pager } from "./pager";
import { actionWord, dayOf, decisionState, realised, sentence, within } from "./words";

const states = ["awaiting", "advised", "training", "gating", "rollout", "done", "rejected", "failed", "cancelled", "noted"];

export default function Decisions() {
  const [endpoint, setEndpoint] = useParam("endpoint");
  const [state, setState] = useParam("state");
  const [acted] = useParam("show", "acted");
  const [after] = useParam("after");
  const query = new URLSearchParams({ limit: "50" });
  if (endpoint) query.set("endpoint", endpoint);
  if (state) query.set("state", state);
  if (acted === "acted") query.set("acted", "true");
  if (after) query.set("after", after);
  const url = apiURL(project.value, `loop/decisions?${query}`);
  const q = useQuery<DecisionList>(url, ["decision"]);
  const data = q.data.value;
  const first = { after: "", trail: "" };
  return (
    <Page
      title="Decisions"
      summary={data && data.waiting > 0 ? <State tone="warn">{data.waiting === 1 ? "1 waits for a person" : `${data.waiting} wait for a person`}</State> : "what policies decided, and why"}
      copy={{ curl: { url }, cli: `trimtab decisions list${acted === "acted" ? "" : " --all"}${endpoint ? ` --endpoint ${endpoint}` : ""}` }}
    >
      <div class="loop-filters">
        <div class="loop-switch" role="group" aria-label="Which decisions">
          <button type="button" aria-pressed={acted === "acted"} onClick={() => setParams({ show: "", ...first })}>
            That act
          </button>
          <button type="button" aria-pressed={acted !== "acted"} onClick={() => setParams({ show: "all", ...first })}>
            All
          </button>
        </div>
        <select aria-label="Endpoint" value={endpoint} onChange={(e) => (setParams(first), setEndpoint(e.currentTarget.value))}>
          <option value="">Every endpoint</option>
          {(data?.endpoints ?? (endpoint ? [endpoint] : [])).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <select aria-label="State" value={state} onChange={(e) => (setParams(first), setState(e.currentTarget.value))}>
          <option value="">Every state</option>
          {states.map((s) => (
            <option key={s} value={s}>
              {decisionState(s)[1]}
            </option>
          ))}
        </select>
      </div>
      <Answer of={q}>
        {(list) =>
          list.items.length === 0 ? (
            <Empty
              title={endpoint || state || after ? "No such decision" : acted === "acted" ? "Nothing was to be done yet" : "Nothing was decided yet"}
              commands={endpoint || state || after ? [] : ["trimtab advise --predictions FILE.parquet", "trimtab apply POLICY.yaml", "trimtab loop"]}
            >
              {list.next ? "Older ones are on the next page." : acted === "acted" && !endpoint && !state ? "A policy decides on every window that has closed; those that found nothing to do are under All." : undefined}
            </Empty>
          ) : (
            <Table<DecisionLine>
              label="Decisions"
              rows={list.items}
              rowKey={(d) => d.id}
              columns={[
                {
                  id: "action",
                  title: "Decision",
                  value: (d) => (
                    <a class="loop-action" data-row href={href(`decisions/${enc(d.id)}`)} data-page>
                      <Glyph what={d.action} size={12} />
                      {actionWord(d.action, d.version)}
                    </a>
                  ),
                },
                { id: "state", title: "State", value: (d) => <State tone={decisionState(d.state)[0]}>{decisionState(d.state)[1]}</State> },
                { id: "at", title: "For", value: (d) => <span class="loop-date">{dayOf(d.at)}</span> },
                {
                  id: "endpoint",
                  title: "Endpoint",
                  value: (d) => (
                    <a href={href(`loop/${enc(d.endpoint)}`, { decision: d.id })} data-page>
                      {d.endpoint}
                    </a>
                  ),
                },
                { id: "gain", title: "Promised per row", num: true, value: (d) => (d.gain === undefined ? "–" : within(d.gain, d.stderr ?? 0)) },
                {
                  id: "realised",
                  title: "Measured per row",
                  num: true,
                  value: (d) =>
                    d.realised === undefined ? (
                      "–"
                    ) : (
                      <span class={d.realised > 0 ? undefined : "state bad"}>
                        {d.realised <= 0 && <Shape tone="bad" />}
                        {realised(d.realised, d.error)}
                      </span>
                    ),
                },
                { id: "why", title: "Why, and what became of it", value: (d) => <span class="loop-why">{sentence(d.outcome && d.action !== "nothing" ? d.outcome : d.reason)}</span> },
              ]}
            />
          )
        }
      </Answer>
      <Pager next={data?.next} shown={data?.items.length ?? 0} />
    </Page>
  );
}
