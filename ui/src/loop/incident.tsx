// The page of an incident.
import type { IncidentPage } from "../api_gen";
import { apiURL } from "../base";
import { Answer, Page } from "../page";
import { useQuery } from "../query";
import { enc, go, href, project } from "../router";
import { State } from "../shapes";
import { IncidentView } from "./incidentview";
import { dayOf, incidentState, incidentWord } from "./words";

export default function IncidentOf({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const url = apiURL(project.value, `loop/incidents/${enc(id)}`);
  const q = useQuery<IncidentPage>(url, ["incident", "decision", "window"]);
  const data = q.data.value;
  const i = data?.incident;
  const title = i ? `${incidentWord(i.kind).replace(/^./, (c) => c.toUpperCase())}${i.columns?.length ? `: ${i.columns.slice(0, 3).join(", ")}${i.columns.length > 3 ? ` and ${i.columns.length - 3} more` : ""}` : ""}` : id;
  const [tone, word] = i ? incidentState({ ...i, held: i.hold }) : (["off", ""] as const);
  return (
    <Page
      title={title}
      label={i && <State tone={tone}>{word}</State>}
      crumbs={[{ text: "Incidents", to: "incidents" }]}
      summary={i && `${i.endpoint}, ${dayOf(i.begin)} to ${i.end ? dayOf(i.end) : "now"}`}
      aside={
        i && (
          <a class="loop-link" href={href(`loop/${enc(i.endpoint)}`, { incident: i.id })} data-page>
            In the timeline
          </a>
        )
      }
      copy={{ curl: { url }, cli: data?.commands[0] ?? `trimtab incidents show ${id}` }}
      keys={i ? [{ keys: "t", text: "see it in the timeline", run: () => go(`loop/${enc(i.endpoint)}?incident=${enc(i.id)}`) }] : []}
    >
      <Answer of={q}>{(p) => <IncidentView page={p} wide changed={q.refresh} />}</Answer>
    </Page>
  );
}
