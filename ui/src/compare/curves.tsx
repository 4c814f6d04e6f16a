// Curves of one metric of all runs over each other.
import { useMemo, useState } from "preact/hooks";
import type { Comparison } from "../api_gen";
import { LineChart, type Series } from "../chart/line";
import type { Kind } from "../chart/draw";
import { joined, linesAddress, smooth, useLines } from "../chart/lines";
import { ProblemLine } from "../dialog";
import { count } from "../format";
import { Choice } from "../run/metrics";
import { project, useParam } from "../router";
import type { Named } from "./page";

/** Curves draws one line per run that is shown; the eighth and further ones share a grey. */
export function Curves({ data, runs, shown, first }: { data: Comparison; runs: Named[]; shown: boolean[]; first: string }) {
  const [key, setKey] = useParam("metric", first);
  const [x, setX] = useParam("x", "step");
  const [log, setLog] = useParam("log");
  const [weight, setWeight] = useParam("smooth", "0");
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  const w = Math.min(0.99, Math.max(0, Number(weight) || 0));
  const ids = useMemo(() => runs.map((r) => r.id), [runs]);
  const ask = { runs: ids, keys: [key], x: x as Kind, points: runs.length > 20 ? 200 : 600 };
  const all = useLines(linesAddress(project.value, ask));
  const part = useLines(zoom && all.lines?.some((l) => !l.exact) ? linesAddress(project.value, { ...ask, from: zoom[0], to: zoom[1] }) : null);
  const series = useMemo<Series[]>(() => {
    const at = new Map(runs.map((r, i) => [r.id, i]));
    const out: Series[] = [];
    for (const l of all.lines ?? []) {
      const i = at.get(l.run);
      if (i === undefined || !shown[i]) continue;
      const r = runs[i] as Named;
      const { x: xs, y } = zoom ? joined(l, part.lines?.find((p) => p.run === l.run), zoom[0], zoom[1]) : l;
      if (w > 0 && runs.length <= 8) out.push({ label: r.label, x: xs, y, color: r.color, faint: true });
      out.push({ label: r.label, x: xs, y: w > 0 ? smooth(y as ArrayLike<number>, w) : y, color: r.color });
    }
    return out;
  }, [all.lines, part.lines, zoom, runs, shown, w]);
  const curves = data.metrics.filter((m) => m.step > 0 || m.key === key);
  const missing = all.lines ? runs.length - all.lines.length : 0;
  return (
    <div class="panel compare-curves">
      <div class="compare-tools">
        <label class="compare-base">
          Metric
          <select value={key} onChange={(e) => {
            setZoom(null);
            setKey(e.currentTarget.value);
          }}>
            {!curves.some((m) => m.key === key) && <option value={key}>{key}</option>}
            {curves.map((m) => (
              <option key={m.key} value={m.key}>
                {m.key}
              </option>
            ))}
          </select>
        </label>
        <Choice label="x axis" value={x} options={[["step", "Step"], ["time", "Time"], ["relative", "Relative"]]} choose={(v) => {
          setZoom(null);
          setX(v);
        }} />
        <label class="run-smooth">
          Smoothing
          <input type="range" min="0" max="0.99" step="0.01" value={String(w)} onInput={(e) => setWeight(e.currentTarget.value)} />
          <output>{w.toFixed(2)}</output>
        </label>
        <label class="check run-log">
          <input type="checkbox" checked={log === "1"} onChange={(e) => setLog(e.currentTarget.checked ? "1" : "")} />
          Log scale
        </label>
        {missing > 0 && <span class="detail">{count(missing)} runs have no {key}</span>}
      </div>
      {all.problem && !all.lines ? (
        <ProblemLine problem={all.problem} />
      ) : (
        <LineChart key={`${key}-${x}`} label={`${key} by ${x} of ${count(series.length)} lines`} height={340} x={x as Kind} series={series} y={{ log: log === "1" }} onZoom={(a, b) => setZoom(a === null || b === null ? null : [a, b])} />
      )}
    </div>
  );
}
