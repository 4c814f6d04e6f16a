// The last runs of a pipeline as bars: height is duration, colour and form the state.
import type { PipelineBar } from "../api_gen";
import { now } from "../clock";
import { duration, moment, plural } from "../format";
import { enc, href } from "../router";
import { toneOf } from "../shapes";
import { plain } from "./words";

const height = 26;
const width = 6;
const gap = 2;

/** tookOf is how long a run took, or has taken so far, in ms. */
export function tookOf(r: { created: string; ended?: string }): number {
  return Math.max(0, (r.ended ? Date.parse(r.ended) : now.value) - Date.parse(r.created));
}

/** RunBars are runs, the newest at the right. Arrow keys are not needed: each run is in the table of its pipeline. */
export function RunBars({ runs, of }: { runs: PipelineBar[]; of: string }) {
  if (runs.length === 0) return null;
  const longest = Math.max(1, ...runs.map(tookOf));
  const failed = runs.filter((r) => r.state === "failed").length;
  return (
    <svg
      class="pipelines-bars"
      width={runs.length * (width + gap)}
      height={height + 2}
      role="group"
      aria-label={`The last ${plural(runs.length, "run")} of ${of}, ${failed === 0 ? "none" : failed} of them failed`}
    >
      {runs.map((r, i) => {
        const [tone, word] = toneOf(r.state);
        const h = Math.max(4, Math.round((tookOf(r) / longest) * height));
        const label = `${word}, ${duration(tookOf(r))}, ${moment(r.created)}${r.reason ? `: ${plain(r.reason)}` : ""}`;
        return (
          <a key={r.id} href={href(`pipelineruns/${enc(r.id)}`)} data-page tabIndex={-1} aria-label={label}>
            <title>{label}</title>
            <rect class="hit" x={i * (width + gap)} y={0} width={width + gap} height={height + 2} />
            <rect class={`mark ${tone}`} x={i * (width + gap) + 0.5} y={height + 1 - h} width={width - 1} height={h} rx={1} />
            {tone === "bad" && <path class="cut" d={`M${i * (width + gap)} ${height - 1}l${width} -${Math.min(h, width)}`} />}
          </a>
        );
      })}
    </svg>
  );
}
