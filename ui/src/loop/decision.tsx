// The page of a decision.
import type { DecisionPage } from "../api_gen";
import { apiURL } from "../base";
import { Answer, Page, type KeyBinding } from "../page";
import { useQuery } from "../query";
import { enc, go, href, project } from "../router";
import { State } from "../shapes";
import { DecisionView, headline, waits } from "./decisionview";
import { dayOf, decisionState } from "./words";

export default function DecisionOf({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const url = apiURL(project.value, `loop/decisions/${enc(id)}`);
  const q = useQuery<DecisionPage>(url, ["decision", "rollout", "pipelineRun", "evaluation", "incident", "pause"]);
  const data = q.data.value;
  const d = data?.decision;
  const keys: KeyBinding[] = [];
  if (data?.before) keys.push({ keys: "[", text: "the decision before", run: () => go(`decisions/${enc(data.before ?? "")}`) });
  if (data?.after) keys.push({ keys: "]", text: "the decision after", run: () => go(`decisions/${enc(data.after ?? "")}`) });
  if (d) keys.push({ keys: "t", text: "see it in the timeline", run: () => go(`loop/${enc(d.endpoint)}?decision=${enc(d.id)}`) });
  const [tone, word] = decisionState(d?.state ?? "noted");
  return (
    <Page
      title={data ? headline(data) : id}
      label={d && <State tone={tone}>{word}</State>}
      crumbs={[{ text: "Decisions", to: "decisions" }]}
      summary={d && `${d.endpoint}, ${dayOf(d.at)}`}
      aside={
        d && (
          <>
            <a class="loop-link" href={href(`loop/${enc(d.endpoint)}`, { decision: d.id })} data-page>
              In the timeline
            </a>
            {data.before && (
              <a class="loop-link" href={href(`decisions/${enc(data.before)}`)} data-page aria-label="The decision before">
                ← before
              </a>
            )}
            {data.after && (
              <a class="loop-link" href={href(`decisions/${enc(data.after)}`)} data-page aria-label="The decision after">
                after →
              </a>
            )}
          </>
        )
      }
      copy={{ curl: { url }, cli: data?.commands[0] ?? `trimtab decisions explain ${id}` }}
      keys={keys}
      busy={!!data && waits(data)}
    >
      <Answer of={q}>{(p) => <DecisionView page={p} wide changed={q.refresh} />}</Answer>
    </Page>
  );
}
