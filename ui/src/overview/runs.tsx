import type { Overview, Run } from "../api_gen";
import { now } from "../clock";
import { count, duration, figure } from "../format";
import { Age, Section } from "../parts";
import { enc, href } from "../router";
import { State, toneOf } from "../shapes";

/** Runs are the newest runs with the metrics that say most. */
export function Runs({ o }: { o: Overview }) {
  return (
    <Section
      id="runs"
      title="Latest runs"
      aside={
        <a href={href("experiments")} data-page>
          All
        </a>
      }
    >
      {o.runs.length === 0 ? (
        <p class="panel none">
          No run yet. Point any MLflow client here: <code>MLFLOW_TRACKING_URI</code>.
        </p>
      ) : (
        <ul class="runs panel">
          {o.runs.map((r) => (
            <Item key={r.id} r={r} />
          ))}
        </ul>
      )}
    </Section>
  );
}

/** value writes a metric of a run: a step or a count stays whole. */
function value(v: number | null): string {
  return v !== null && Number.isInteger(v) && Math.abs(v) < 1e9 ? count(v).replace(/^-/, "−") : figure(v);
}

function Item({ r }: { r: Run }) {
  const [tone, word] = toneOf(r.status);
  const start = r.start ? Date.parse(r.start) : NaN;
  const took = Number.isNaN(start) ? "" : duration((r.end ? Date.parse(r.end) : now.value) - start);
  return (
    <li>
      <p class="title" title={r.id}>
        <a href={href(`experiments/${enc(r.experiment)}/runs/${enc(r.id)}`)} data-page data-row>
          {r.name || r.id.slice(0, 8)}
        </a>
        <span class="detail">
          <State tone={tone}>{word}</State>
          {took && (r.end ? ` in ${took}` : ` for ${took}`)}
          {r.step && `, step ${r.step}`}
        </span>
      </p>
      <p class="when">
        <Age at={r.start} />
      </p>
      {r.metrics.length > 0 && (
        <ul class="metrics" aria-label={`Metrics of ${r.name || r.id}`}>
          {r.metrics.map((m) => (
            <li key={m.key}>
              <span class="key">{m.key}</span> {value(m.value)}
            </li>
          ))}
          {r.more > 0 && <li class="key">{r.more} more</li>}
        </ul>
      )}
    </li>
  );
}
