// The overview: what needs attention, what runs, every model's way from
// training to measured quality, the newest runs and changes.
import type { Overview } from "../api_gen";
import { apiURL } from "../base";
import { plural } from "../format";
import { Answer, Page } from "../page";
import { useQuery } from "../query";
import { project } from "../router";
import { AttentionList } from "./attention";
import { Changes } from "./changes";
import { Empty } from "./empty";
import { Models } from "./models";
import { Progress } from "./progress";
import { QualityByWindow } from "./quality";
import { Runs } from "./runs";

export default function OverviewPage() {
  const url = apiURL(project.value, "overview");
  const overview = useQuery<Overview>(url);
  const o = overview.data.value;
  const busy = !!o && (o.pipelines.some((p) => !p.ended) || o.replays.some((r) => r.state === "running"));
  const empty = !o || o.models.length + o.endpoints.length + o.monitors.length + o.pipelines.length + o.replays.length + o.runs.length === 0;
  return (
    <Page title="Overview" summary={o && !empty ? summary(o) : undefined} copy={{ curl: { url }, cli: "trimtab status" }} busy={busy}>
      <Answer of={overview}>{(o) => (empty ? <Empty project={o.server.project} /> : <Filled o={o} />)}</Answer>
    </Page>
  );
}

function Filled({ o }: { o: Overview }) {
  return (
    <>
      <AttentionList items={o.attention} />
      <Models o={o} />
      <Progress o={o} />
      {o.monitors.length > 0 ? (
        <div class="columns">
          <QualityByWindow o={o} />
          <div class="column">
            <Runs o={o} />
            <Changes o={o} />
          </div>
        </div>
      ) : (
        <div class="columns even">
          <Runs o={o} />
          <Changes o={o} />
        </div>
      )}
    </>
  );
}

function summary(o: Overview): string {
  const serving = o.endpoints.filter((e) => e.serving > 0).length;
  const windows = o.monitors.reduce((n, m) => n + m.total, 0);
  const parts = [plural(o.models.length + o.leftOut.models, "model")];
  if (o.leftOut.more) parts[0] = `more than ${parts[0]}`;
  if (o.endpoints.length) parts.push(`${serving} of ${plural(o.endpoints.length + o.leftOut.endpoints, "endpoint")} serving`);
  if (windows) parts.push(plural(windows, "window") + " measured");
  return parts.join(" · ");
}
