// The overview: what needs attention, what runs, every model's way from
// training to measured quality, the newest runs and changes.
import { useEffect } from "preact/hooks";
import type { Overview } from "../api_gen";
import { startClock } from "../clock";
import { plural } from "../format";
import { ProblemPanel, Skeleton } from "../parts";
import type { Query } from "../query";
import type { Focus } from "../router";
import { Shape } from "../shapes";
import { AttentionList } from "./attention";
import { Changes } from "./changes";
import { Empty } from "./empty";
import { Models } from "./models";
import { Progress } from "./progress";
import { QualityByWindow } from "./quality";
import { Runs } from "./runs";

/** OverviewPage shows an overview, or why there is none. */
export function OverviewPage({ overview, focus }: { overview: Query<Overview>; focus: Focus | undefined }) {
  const o = overview.data.value;
  const problem = overview.problem.value;
  const busy = !!o && (o.pipelines.some((p) => !p.ended) || o.replays.some((r) => r.state === "running"));
  useEffect(() => startClock(busy), [busy]);
  if (!o) return problem ? <ProblemPanel problem={problem} retry={overview.refresh} /> : <Skeleton />;
  const empty = o.models.length + o.endpoints.length + o.monitors.length + o.pipelines.length + o.replays.length + o.runs.length === 0;
  return (
    <div class="page">
      <header class="page-head">
        <h1>Overview</h1>
        {!empty && <p class="summary">{summary(o)}</p>}
      </header>
      {problem && <Stale message={problem.message} at={overview.at.value} retry={overview.refresh} />}
      {focus && <FocusNote o={o} focus={focus} />}
      {empty ? (
        <Empty project={o.server.project} />
      ) : (
        <>
          <AttentionList items={o.attention} />
          <Progress o={o} />
          <Models o={o} focus={focus} />
          {o.monitors.length > 0 ? (
            <div class="columns">
              <QualityByWindow o={o} />
              <div class="column">
                <Runs o={o} focus={focus} />
                <Changes o={o} />
              </div>
            </div>
          ) : (
            <div class="columns even">
              <Runs o={o} focus={focus} />
              <Changes o={o} />
            </div>
          )}
        </>
      )}
    </div>
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

function Stale({ message, at, retry }: { message: string; at: number; retry: () => void }) {
  return (
    <div class="note warn" role="status">
      <Shape tone="warn" />
      <span>
        {message} What you see is from {new Date(at).toLocaleTimeString("en-GB")}.
      </span>
      <button type="button" class="quiet" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** FocusNote says where to find what a link pointed to when it is not on the page. */
function FocusNote({ o, focus }: { o: Overview; focus: Focus }) {
  const found =
    focus.kind === "run"
      ? o.runs.some((r) => r.id === focus.name)
      : focus.kind === "experiment"
        ? o.runs.some((r) => r.experiment === focus.name)
        : o.models.some((m) => m.name === focus.name);
  if (found) return null;
  const where = { run: "the latest runs", experiment: "the experiments of the latest runs", model: "the models shown" }[focus.kind];
  const command = { run: "trimtab run show", experiment: "trimtab run list --experiment", model: "trimtab model show" }[focus.kind];
  return (
    <div class="note" role="status">
      <span>
        The {focus.kind} <code>{focus.name}</code> is not among {where}. <code>{`${command} ${focus.name}`}</code> shows it.
      </span>
    </div>
  );
}
