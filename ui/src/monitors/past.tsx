// All that a monitor has seen as one line, where a page shows a part of it in
// detail: that part is marked, and zooming in takes the page there.
import type { MonitorPage, MonitorPast } from "../api_gen";
import { LineChart } from "../chart/line";
import { count, figure, metricName } from "../format";
import { setParams } from "../router";
import { iso } from "./words";

const figures = (all: (number | null)[]) => all.map((v) => v ?? NaN);

/** Past draws the whole history above the windows of the page. */
export function Past({ m, past }: { m: MonitorPage; past: MonitorPast }) {
  const n = m.windows.start.length;
  const measured = !!past.metric && past.value.some((v) => v !== null);
  const name = measured ? metricName(past.metric ?? "") : "rows";
  const each = past.each > 1 ? `, ${past.each} windows in a point` : "";
  const to = (end: number | null) => setParams({ before: end === null ? "" : iso(end), window: "", against: "" }, { push: true });
  return (
    <div class="monitors-past">
      <LineChart
        label={`${name} over all ${count(past.windows)} windows${each}`}
        height={96}
        x="time"
        series={[
          measured
            ? { label: name, x: past.start, y: figures(past.value), lo: figures(past.lo), hi: figures(past.hi) }
            : { label: name, x: past.start, y: past.rows, steps: true },
        ]}
        y={{ format: measured ? figure : count }}
        spans={[{ from: m.windows.start[0] ?? 0, to: m.windows.end[n - 1] ?? 0, label: "in detail below", tone: "info" }]}
        onZoom={(_, end) => to(end === null ? null : lastEnd(past, end))}
      />
      <span class="detail">
        {name} over all {count(past.windows)} windows{each}. What is marked is shown below; zoom in on another span to see its windows.
      </span>
    </div>
  );
}

/** lastEnd is the end of the point in which a moment lies. */
export function lastEnd(past: Pick<MonitorPast, "start" | "end">, moment: number): number {
  let i = past.start.findIndex((s) => s > moment);
  if (i < 0) i = past.start.length;
  return past.end[Math.max(0, i - 1)] ?? moment;
}
