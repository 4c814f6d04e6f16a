// The table: a column per run, a row per param or metric. Only the columns on the
// screen are in the page, so that two hundred runs scroll as two do.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ComparedMetric, ComparedParam, Comparison } from "../api_gen";
import { count, figure } from "../format";
import { figureOf, numberOf } from "../run/metrics";
import { Age } from "../parts";
import { enc, href, useParam } from "../router";
import { Shape, toneOf } from "../shapes";
import type { Named } from "./page";

const columnWidth = 148;

/** Side shows the runs side by side, metrics with their distance to the baseline. */
export function Side({ data, runs, baseline, setBaseline }: { data: Comparison; runs: Named[]; baseline: number; setBaseline: (id: string) => void }) {
  const [search, setSearch] = useParam("q");
  const box = useRef<HTMLDivElement>(null);
  const [window, setWindow] = useState<[number, number]>([0, 12]);
  useEffect(() => {
    const b = box.current;
    if (!b) return;
    let asked = 0;
    const read = () => {
      asked = 0;
      const first = Math.max(0, Math.floor(b.scrollLeft / columnWidth) - 2);
      const last = Math.min(runs.length, Math.ceil((b.scrollLeft + b.clientWidth) / columnWidth) + 2);
      setWindow((w) => (w[0] === first && w[1] === last ? w : [first, last]));
    };
    const onScroll = () => {
      if (!asked) asked = requestAnimationFrame(read);
    };
    read();
    b.addEventListener("scroll", onScroll, { passive: true });
    const watch = new ResizeObserver(read);
    watch.observe(b);
    return () => {
      b.removeEventListener("scroll", onScroll);
      watch.disconnect();
      cancelAnimationFrame(asked);
    };
  }, [runs.length]);
  const [from, to] = [Math.min(window[0], Math.max(0, runs.length - 1)), Math.min(window[1], runs.length)];
  const columns = useMemo(() => runs.slice(from, to), [runs, from, to]);
  const before = from * columnWidth;
  const after = (runs.length - to) * columnWidth;
  const text = search.toLowerCase();
  const params = data.params.filter((p) => text === "" || p.key.toLowerCase().includes(text));
  const single = runs.length === 1;
  const pad = (w: number, key: string) => (w > 0 ? <td key={key} class="compare-gap" style={{ width: `${w}px` }} aria-hidden="true" /> : null);
  return (
    <div class="panel">
      <div class="compare-tools">
        <input type="search" placeholder={`Search params and ${count(data.metricKeys)} metrics`} aria-label="Search params and metrics" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        <label class="compare-base">
          Baseline
          <select value={runs[baseline]?.id} onChange={(e) => setBaseline(e.currentTarget.value)}>
            {runs.map((r) => (
              <option key={r.id} value={r.id}>
                {r.label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div ref={box} class="scroll compare-scroll" tabIndex={0} role="region" aria-label="Runs side by side">
        <table class="compare-table" aria-colcount={runs.length + 1} style={{ width: `${220 + runs.length * columnWidth}px` }}>
          <thead>
            <tr>
              <th scope="col" class="compare-name">
                {count(runs.length)} runs
              </th>
              {pad(before, "b")}
              {columns.map((r, i) => (
                <th key={r.id} scope="col" aria-colindex={from + i + 2} class="compare-run" style={{ width: `${columnWidth}px` }}>
                  <span class="compare-run-name">
                    <i style={{ background: r.color < 8 ? `var(--series-${r.color + 1})` : "var(--line-strong)" }} aria-hidden="true" />
                    <a href={href(`experiments/${enc(r.experiment)}/runs/${enc(r.id)}`)} data-page data-row title={r.label}>
                      {r.label}
                    </a>
                  </span>
                  <span class="compare-run-state">
                    <Shape tone={toneOf(r.status)[0]} />
                    {toneOf(r.status)[1]} · <Age at={r.start} />
                  </span>
                </th>
              ))}
              {pad(after, "a")}
            </tr>
          </thead>
          <tbody>
            <Group title={data.params.length ? "Params" : "Params: none differ"} width={columns.length + 1 + (before > 0 ? 1 : 0) + (after > 0 ? 1 : 0)} />
            {params.map((p) => (
              <tr key={`p${p.key}`} class={p.same ? "same" : undefined}>
                <th scope="row" class="compare-name" title={p.key}>
                  {p.key}
                </th>
                {pad(before, "b")}
                {columns.map((r, i) => (
                  <ParamCell key={r.id} of={p} at={from + i} baseline={baseline} />
                ))}
                {pad(after, "a")}
              </tr>
            ))}
            <Group title={`Metrics, latest value${single ? "" : ` and distance to ${runs[baseline]?.label ?? "the baseline"}`}`} width={columns.length + 1 + (before > 0 ? 1 : 0) + (after > 0 ? 1 : 0)} />
            {data.metrics.map((m) => (
              <tr key={`m${m.key}`}>
                <th scope="row" class="compare-name" title={m.key}>
                  {m.key}
                </th>
                {pad(before, "b")}
                {columns.map((r, i) => (
                  <MetricCell key={r.id} of={m} at={from + i} baseline={baseline} />
                ))}
                {pad(after, "a")}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data.metricsFound > data.metrics.length && (
        <p class="detail compare-more">
          {count(data.metrics.length)} of {count(data.metricsFound)} metrics, those that most runs have first: search for the others.
        </p>
      )}
    </div>
  );
}

function Group({ title, width }: { title: string; width: number }) {
  return (
    <tr class="compare-group">
      <th scope="colgroup" colSpan={width}>
        <span>{title}</span>
      </th>
    </tr>
  );
}

function ParamCell({ of: p, at, baseline }: { of: ComparedParam; at: number; baseline: number }) {
  const v = p.values[at];
  const other = at !== baseline && v !== p.values[baseline];
  return (
    <td class={`num ${other && !p.same ? "differs" : ""}`} title={v ?? undefined}>
      {v ?? <span class="detail">–</span>}
    </td>
  );
}

function MetricCell({ of: m, at, baseline }: { of: ComparedMetric; at: number; baseline: number }) {
  const v = m.values[at];
  if (v == null) {
    return (
      <td class="num">
        <span class="detail">–</span>
      </td>
    );
  }
  const base = m.values[baseline];
  const delta = base == null || at === baseline ? NaN : numberOf(v) - numberOf(base);
  return (
    <td class="num">
      {figureOf(v)}
      <span class="compare-delta">{at === baseline ? "baseline" : Number.isFinite(delta) ? `${delta > 0 ? "+" : ""}${delta === 0 ? "±0" : change(delta, figureOf(v))}${relative(delta, numberOf(base))}` : ""}</span>
    </td>
  );
}

/** change writes a distance with the decimals of the value that it belongs to, unless it is too small for them. */
function change(delta: number, value: string): string {
  const decimals = /^−?\d+\.(\d+)$/.exec(value)?.[1]?.length;
  return decimals === undefined || Math.abs(delta) < 10 ** -decimals ? figure(delta) : delta.toFixed(decimals).replace(/^-/, "−");
}

function relative(delta: number, base: number): string {
  if (!Number.isFinite(delta) || base === 0 || delta === 0) return "";
  const share = (100 * delta) / Math.abs(base);
  return Math.abs(share) >= 1000 ? "" : ` (${share > 0 ? "+" : "−"}${Math.abs(share).toFixed(Math.abs(share) < 10 ? 1 : 0)} %)`;
}
