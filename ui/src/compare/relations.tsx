// How params and metrics hang together over many runs.
import { useMemo } from "preact/hooks";
import type { Comparison } from "../api_gen";
import { Parallel, type Axis } from "../chart/parallel";
import { Scatter, type Dot } from "../chart/scatter";
import { Section } from "../parts";
import { enc, go, useParam } from "../router";
import type { Named } from "./page";

interface Measure {
  id: string; // "params.lr"
  label: string;
  values: (number | string | null)[];
  numeric: boolean;
  varies: boolean;
}

/** Relations draws parallel coordinates, and a scatter of two measures. */
export function Relations({ data, runs, kept, onKeep }: { data: Comparison; runs: Named[]; kept: boolean[]; onKeep: (kept: boolean[]) => void }) {
  const measures = useMemo(() => measuresOf(data), [data]);
  const [axesText, setAxes] = useParam("axes");
  const usable = measures.filter((m) => m.varies);
  const suggested = useMemo(() => {
    const params = usable.filter((m) => m.id.startsWith("params.")).slice(0, 5);
    const measured = usable.filter((m) => m.id.startsWith("metrics."));
    const telling = measured.filter((m) => /loss|acc|auc|f1|rmse|mae|score|reward/i.test(m.id));
    const metrics = (telling.length ? telling : measured).slice(0, Math.max(1, 7 - params.length));
    return [...params, ...metrics].map((m) => m.id);
  }, [usable]);
  const ids = axesText ? axesText.split("\n") : suggested;
  const axes: Axis[] = useMemo(() => ids.flatMap((id) => measures.find((m) => m.id === id) ?? []), [ids.join("\n"), measures]);
  const numbers = usable.filter((m) => m.numeric);
  const [xid, setX] = useParam("sx", numbers[0]?.id ?? "");
  const [yid, setY] = useParam("sy", (numbers.find((m) => m.id === suggested.find((id) => id.startsWith("metrics."))) ?? numbers[1])?.id ?? "");
  const [mx, my] = [measures.find((m) => m.id === xid), measures.find((m) => m.id === yid)];
  const names = useMemo(() => runs.map((r) => r.label), [runs]);
  const colors = useMemo(() => runs.map((r) => (runs.length > 8 ? 0 : r.color)), [runs]);
  const dots = useMemo<Dot[]>(
    () => (mx && my ? runs.flatMap((r, i) => (kept[i] === false ? [] : [{ id: r.id, label: r.label, x: numeric(mx.values[i]), y: numeric(my.values[i]), color: runs.length > 8 ? 0 : r.color }])) : []),
    [runs, mx, my, kept],
  );
  const open = (id: string) => {
    const r = runs.find((x) => x.id === id);
    if (r) go(`experiments/${enc(r.experiment)}/runs/${enc(r.id)}`);
  };
  if (usable.length < 2) return null;
  const rest = usable.filter((m) => !ids.includes(m.id));
  return (
    <>
      <Section id="compare-parallel" title="Parallel coordinates">
        <div class="panel compare-pad">
          <div class="compare-tools compare-axes">
            <ul class="chips" aria-label="Axes">
              {axes.map((a) => (
                <li key={a.id}>
                  {a.label}
                  <button type="button" class="compare-drop" aria-label={`Remove the axis ${a.label}`} disabled={axes.length < 3} onClick={() => setAxes(ids.filter((id) => id !== a.id).join("\n"))}>
                    ×
                  </button>
                </li>
              ))}
            </ul>
            {rest.length > 0 && axes.length < 12 && (
              <select aria-label="Add an axis" value="" onChange={(e) => e.currentTarget.value && setAxes([...ids, e.currentTarget.value].join("\n"))}>
                <option value="">Add an axis</option>
                {rest.map((m) => (
                  <option key={m.id} value={m.id}>
                    {m.label}
                  </option>
                ))}
              </select>
            )}
          </div>
          <Parallel label={`Parallel coordinates of ${runs.length} runs`} axes={axes} names={names} colors={colors} onBrush={onKeep} onPick={(i) => open(runs[i]?.id ?? "")} />
        </div>
      </Section>
      {mx && my && (
        <Section id="compare-scatter" title="Scatter">
          <div class="panel compare-pad">
            <div class="compare-tools">
              <Pick label="x" value={mx.id} of={numbers} choose={setX} />
              <Pick label="y" value={my.id} of={numbers} choose={setY} />
            </div>
            <Scatter label={`${my.label} over ${mx.label}`} points={dots} xLabel={mx.label} yLabel={my.label} onPick={open} />
          </div>
        </Section>
      )}
    </>
  );
}

function Pick({ label, value, of, choose }: { label: string; value: string; of: Measure[]; choose: (id: string) => void }) {
  return (
    <label class="compare-base">
      {label}
      <select value={value} onChange={(e) => choose(e.currentTarget.value)}>
        {of.map((m) => (
          <option key={m.id} value={m.id}>
            {m.label}
          </option>
        ))}
      </select>
    </label>
  );
}

function numeric(v: number | string | null | undefined): number {
  return v == null || v === "" ? NaN : Number(v);
}

function measuresOf(data: Comparison): Measure[] {
  const make = (id: string, label: string, values: (number | string | null)[]): Measure => {
    const given = values.filter((v) => v !== null && v !== "");
    return { id, label, values, numeric: given.length > 0 && given.every((v) => Number.isFinite(Number(v)) || v === "NaN"), varies: new Set(given).size > 1 };
  };
  return [
    ...data.params.map((p) => make(`params.${p.key}`, p.key, p.values.map((v) => v ?? null))),
    ...data.metrics.map((m) => make(`metrics.${m.key}`, m.key, m.values.map((v) => (v == null ? null : (v as number | string))))),
  ];
}
