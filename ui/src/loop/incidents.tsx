// What is or was wrong, newest first.
import type { IncidentLine, IncidentList } from "../api_gen";
import { apiURL } from "../base";
import { count } from "../format";
import { Answer, Empty, Page } from "../page";
import { Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { Shape, State } from "../shapes";
import { Glyph } from "./marks";
import { Pager } from "./pager";
import { dayOf, incidentState, incidentWord, sentence, severityTone } from "./words";

export default function Incidents() {
  const [endpoint, setEndpoint] = useParam("endpoint");
  const [kind, setKind] = useParam("kind");
  const [state, setState] = useParam("state");
  const [after] = useParam("after");
  const query = new URLSearchParams({ limit: "50" });
  if (endpoint) query.set("endpoint", endpoint);
  if (kind) query.set("kind", kind);
  if (state) query.set("state", state);
  if (after) query.set("after", after);
  const url = apiURL(project.value, `loop/incidents?${query}`);
  const q = useQuery<IncidentList>(url, ["incident"]);
  const data = q.data.value;
  const first = { after: "", trail: "" };
  const filtered = !!(endpoint || kind || state || after);
  return (
    <Page title="Incidents" summary={data && (data.open > 0 ? `${count(data.open)} open` : "none is open")} copy={{ curl: { url }, cli: `trimtab incidents list --all${endpoint ? ` --endpoint ${endpoint}` : ""}${kind ? ` --kind ${kind}` : ""}` }}>
      <div class="loop-filters">
        <div class="loop-switch" role="group" aria-label="State">
          {[
            ["", "All"],
            ["open", "Open"],
            ["holds", "Holding rows"],
            ["closed", "Closed"],
          ].map(([value, text]) => (
            <button key={value} type="button" aria-pressed={state === value} onClick={() => (setParams(first), setState(value ?? ""))}>
              {text}
            </button>
          ))}
        </div>
        <select aria-label="Kind" value={kind} onChange={(e) => (setParams(first), setKind(e.currentTarget.value))}>
          <option value="">Every kind</option>
          {(data?.kinds ?? (kind ? [kind] : [])).map((k) => (
            <option key={k} value={k}>
              {incidentWord(k)}
            </option>
          ))}
        </select>
        <select aria-label="Endpoint" value={endpoint} onChange={(e) => (setParams(first), setEndpoint(e.currentTarget.value))}>
          <option value="">Every endpoint</option>
          {(data?.endpoints ?? (endpoint ? [endpoint] : [])).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <Answer of={q}>
        {(list) =>
          list.items.length === 0 ? (
            <Empty title={filtered ? "No such incident" : "There was no incident"} commands={filtered ? [] : ["trimtab replay ENDPOINT --source SOURCE --follow", "trimtab replay ENDPOINT --source SOURCE --fault 'unit COLUMN x1.6 FROM..TO' --dry-run", "trimtab incidents list --all"]}>
              {list.next ? "Older ones are on the next page." : filtered ? undefined : "Monitors look for faults in the data, drift, decay and whatever stops; contracts for broken rules."}
            </Empty>
          ) : (
            <Table<IncidentLine>
              label="Incidents"
              rows={list.items}
              rowKey={(i) => i.id}
              columns={[
                {
                  id: "kind",
                  title: "Incident",
                  value: (i) => (
                    <a class="loop-action" data-row href={href(`incidents/${enc(i.id)}`)} data-page>
                      <Glyph what={i.kind} size={12} />
                      {incidentWord(i.kind)}
                    </a>
                  ),
                },
                { id: "state", title: "State", value: (i) => <State tone={incidentState(i)[0]}>{incidentState(i)[1]}</State> },
                {
                  id: "severity",
                  title: "Severity",
                  value: (i) => (
                    <span class="loop-date">
                      <Shape tone={severityTone(i.severity)} />
                      {i.severity}
                    </span>
                  ),
                },
                {
                  id: "endpoint",
                  title: "Endpoint",
                  value: (i) => (
                    <a href={href(`loop/${enc(i.endpoint)}`, { incident: i.id })} data-page>
                      {i.endpoint}
                    </a>
                  ),
                },
                { id: "began", title: "Began", value: (i) => <span class="loop-date">{dayOf(i.begin)}</span> },
                { id: "ended", title: "Ended", value: (i) => <span class="loop-date">{i.end && i.closed ? dayOf(i.end) : i.closed ? dayOf(i.closed) : "goes on"}</span> },
                { id: "held", title: "Rows held", num: true, value: (i) => (i.held && !i.released && i.bad ? count(i.bad) : "–") },
                {
                  id: "cause",
                  title: "Cause",
                  value: (i) => (
                    <span class="loop-why">
                      {i.columns.length > 0 && i.kind !== "drift" && <b>{i.columns.length > 3 ? `${i.columns.slice(0, 3).join(", ")} and ${i.columns.length - 3} more` : i.columns.join(", ")}: </b>}
                      {sentence(i.cause)}
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </Answer>
      <Pager next={data?.next} shown={data?.items.length ?? 0} />
    </Page>
  );
}
