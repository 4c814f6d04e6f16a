// The charts beside the table: a metric of the runs that are chosen, as lines, as
// means of groups, or, where each run has one value only, as bars.
import { useMemo } from "preact/hooks";
import { Bars } from "../chart/bars";
import { LineChart } from "../chart/line";
import { linesAddress, useLines } from "../chart/lines";
import type { Series } from "../chart/series";
import type { Item } from "../dialog";
import { Menu } from "../parts";
import { grouped, meanOf } from "./group";

/** Shown is a run in the charts. */
export interface Shown {
  id: string;
  name: string;
  color: number; // palette index; 8 and above are grey
  group?: string | undefined; // of its group; undefined without grouping
}

interface Props {
  project: string;
  runs: Shown[];
  metrics: string[]; // keys
  /** stamp changes when the runs may have logged more. */
  stamp: number;
  x: "step" | "relative";
  setX: (x: "step" | "relative") => void;
  grouping: string | undefined; // title of what is grouped by
  drop: (metric: string) => void;
  add: () => void;
}

const points = 300;
const height = 176;

/** Charts shows one chart for each metric. */
export function Charts(p: Props) {
  return (
    <section class="exp-charts" aria-label="Charts of the runs">
      {p.metrics.map((m) => (
        <figure key={m} class="exp-chart">
          <figcaption>
            <span class="exp-chart-title" title={m}>
              {m}
            </span>
            <Menu label={`More of the chart of ${m}`} text="" items={axisItems(p, m)} />
          </figcaption>
          <Chart metric={m} {...p} />
        </figure>
      ))}
      {p.metrics.length === 0 && (
        <p class="detail">
          No chart is open.{" "}
          <button type="button" class="link" onClick={p.add}>
            Add a metric
          </button>
        </p>
      )}
    </section>
  );
}

function axisItems(p: Props, metric: string): Item[] {
  return [
    { text: p.x === "step" ? "By time since the start" : "By step", run: () => p.setX(p.x === "step" ? "relative" : "step") },
    { text: "Add a chart", run: p.add },
    { text: "Close this chart", run: () => p.drop(metric) },
  ];
}

function Chart({ metric, runs, x, grouping, project, stamp }: Props & { metric: string }) {
  const asked = useLines(runs.length > 0 ? linesAddress(project, { runs: runs.map((r) => r.id), keys: [metric], x, points }) : null, stamp);
  const curves = asked.lines;
  const by = useMemo(() => new Map(runs.map((r) => [r.id, r])), [runs]);
  const known = useMemo(() => curves?.filter((c) => by.has(c.run) && c.x.length > 0), [curves, by]);
  const single = known !== undefined && known.length > 0 && known.every((c) => new Set(c.x).size <= 1);
  const series = useMemo<Series[]>(() => {
    if (!known || single) return [];
    if (grouping === undefined)
      return known.map((c) => {
        const r = by.get(c.run) as Shown;
        return { label: r.name, x: c.x, y: c.y, color: r.color };
      });
    return grouped(known, (c) => by.get(c.run)?.group ?? "–").map(([group, all], i) => {
      const m = meanOf(group, all);
      return { label: `${group} (${all.length})`, x: m.x, y: m.y, lo: m.lo, hi: m.hi, color: by.get(all[0]?.run ?? "")?.color ?? i };
    });
  }, [known, single, grouping, by]);
  if (asked.problem && curves === undefined) return <p class="exp-chart-none detail">The curves could not be read: {asked.problem.message}</p>;
  if (runs.length === 0) return <p class="exp-chart-none detail">No run is chosen.</p>;
  if (curves === undefined) return <div class="exp-chart-none" aria-hidden="true" />;
  if (!known || known.length === 0) return <p class="exp-chart-none detail">None of these runs has it.</p>;
  if (single) {
    const bins =
      grouping === undefined
        ? known.slice(0, 24).map((c) => ({ label: by.get(c.run)?.name ?? c.run, a: c.y[c.y.length - 1] ?? NaN, color: by.get(c.run)?.color }))
        : grouped(known, (c) => by.get(c.run)?.group ?? "–").map(([group, all]) => ({ label: `${group} (${all.length})`, a: mean(all.map((c) => c.y[c.y.length - 1] ?? NaN)) }));
    const real = bins.filter((b) => Number.isFinite(b.a));
    return <Bars label={`${metric} by ${grouping === undefined ? "run" : grouping}`} bins={real} names={[metric]} height={height} format={(v) => String(Number(v.toPrecision(3)))} />;
  }
  return <LineChart label={`${metric} of ${runs.length} runs`} height={height} x={x} series={series} sync="experiment" legend={grouping !== undefined} />;
}

function mean(values: number[]): number {
  const real = values.filter((v) => Number.isFinite(v));
  return real.length ? real.reduce((a, b) => a + b, 0) / real.length : NaN;
}
