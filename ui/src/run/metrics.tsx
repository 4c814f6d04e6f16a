// Metrics of a run: a card per curve, mounted near the screen, and the single
// values in a table. The keys are searched on the server, however many there are.
import { useEffect, useMemo, useState } from "preact/hooks";
import { apiURL } from "../base";
import type { RunFigure, RunMetrics } from "../api_gen";
import { LineChart, type Series } from "../chart/line";
import { huge, type Kind } from "../chart/draw";
import { joined, linesAddress, smooth, useLines } from "../chart/lines";
import { count, figure } from "../format";
import { Empty } from "../page";
import { ProblemLine } from "../dialog";
import { Table, WhenVisible } from "../parts";
import { call, type Problem } from "../query";
import { enc, project, useParam } from "../router";

const pageSize = 100;

/** numberOf reads a number as the API spells it. */
export function numberOf(v: number | string | null | undefined): number {
  return v == null ? NaN : Number(v);
}

/** figureOf writes it for people. */
export function figureOf(v: number | string | null | undefined): string {
  const n = numberOf(v);
  if (Number.isNaN(n)) return "NaN";
  if (Math.abs(n) >= huge) return n > 0 ? "∞" : "−∞";
  return figure(n);
}

/** Metrics shows all metrics of a run. */
export function Metrics({ run, total, version }: { run: string; total: number; version: number }) {
  const [search, setSearch] = useParam("q");
  const [x, setX] = useParam("x", "step");
  const [log, setLog] = useParam("log");
  const [weight, setWeight] = useParam("smooth", "0");
  const [open, setOpen] = useParam("metric");
  const [view, setView] = useParam("view", "charts");
  const page = useKeys(run, search, version);
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  useEffect(() => setZoom(null), [x]);
  if (total === 0) {
    return (
      <Empty title="No metrics yet" commands={[`python -c "import mlflow; mlflow.start_run(run_id='${run}'); mlflow.log_metric('loss', 0.5, step=1)"`]}>
        A run logs metrics through any MLflow client.
      </Empty>
    );
  }
  const kind = x as Kind;
  const w = Math.min(0.99, Math.max(0, Number(weight) || 0));
  const items = page.items;
  const curves = items.filter((m) => m.count > 1);
  const singles = items.filter((m) => m.count <= 1);
  const rows = view === "table" ? items : singles;
  const card = (m: RunFigure, wide: boolean) => (
    <Card key={m.key} run={run} metric={m} kind={kind} log={log === "1"} weight={w} version={version} zoom={zoom} onZoom={setZoom} wide={wide} toggle={() => setOpen(wide ? "" : m.key)} />
  );
  return (
    <div class="run-metrics">
      <div class="run-tools">
        <input class="run-search" type="search" placeholder={`Search ${count(total)} metrics`} aria-label="Search metrics" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        <Choice label="View" value={view} options={[["charts", "Charts"], ["table", "Table"]]} choose={setView} />
        <Choice label="x axis" value={x} options={[["step", "Step"], ["time", "Time"], ["relative", "Relative"]]} choose={setX} />
        <label class="run-smooth">
          Smoothing
          <input type="range" min="0" max="0.99" step="0.01" value={String(w)} aria-describedby="run-formula" onInput={(e) => setWeight(e.currentTarget.value)} />
          <output>{w.toFixed(2)}</output>
        </label>
        <label class="check run-log">
          <input type="checkbox" checked={log === "1"} onChange={(e) => setLog(e.currentTarget.checked ? "1" : "")} />
          Log scale
        </label>
        <span class="detail run-count">{page.found === undefined ? "" : search ? `${count(page.found)} of ${count(total)}` : ""}</span>
      </div>
      <p id="run-formula" class={w > 0 ? "detail" : "visually-hidden"}>
        Exponential moving average without its bias to zero: sₜ = {w.toFixed(2)}·sₜ₋₁ + {(1 - w).toFixed(2)}·yₜ, shown as sₜ / (1 − {w.toFixed(2)}ᵗ). The faint line is what was logged.
      </p>
      {page.problem && <ProblemLine problem={page.problem} />}
      {page.found === 0 && <p class="panel">No metric has “{search}” in its name.</p>}
      {view !== "table" && curves.length > 0 && (
        <div class="run-cards">{curves.map((m) => (m.key === open ? card(m, true) : <WhenVisible key={m.key} height={252}>{() => card(m, false)}</WhenVisible>))}</div>
      )}
      {rows.length > 0 && (
        <div class="panel run-table">
          <Table label={view === "table" ? "All metrics" : "Metrics of one value"} rows={rows} rowKey={(m) => m.key}
            columns={
              view === "table"
                ? [
                    { id: "key", title: "metric", value: (m) => <span class="run-key">{m.key}</span>, sort: (m) => m.key },
                    { id: "value", title: "latest", num: true, value: (m) => figureOf(m.value), sort: (m) => numberOf(m.value) },
                    { id: "min", title: "lowest", num: true, value: (m) => figureOf(m.min), sort: (m) => numberOf(m.min) },
                    { id: "max", title: "highest", num: true, value: (m) => figureOf(m.max), sort: (m) => numberOf(m.max) },
                    { id: "step", title: "last step", num: true, value: (m) => count(m.step), sort: (m) => m.step },
                    { id: "count", title: "points", num: true, value: (m) => count(m.count), sort: (m) => m.count },
                  ]
                : [
                    { id: "key", title: "metric of one value", value: (m) => <span class="run-key">{m.key}</span>, sort: (m) => m.key },
                    { id: "value", title: "value", num: true, value: (m) => figureOf(m.value), sort: (m) => numberOf(m.value) },
                  ]
            } />
        </div>
      )}
      {page.more && (
        <button type="button" class="quiet" onClick={page.more}>
          Show {count(Math.min(pageSize, (page.found ?? 0) - items.length))} more of {count(page.found ?? 0)}
        </button>
      )}
    </div>
  );
}

/** Choice is a small set of which one is chosen. */
export function Choice({ label, value, options, choose }: { label: string; value: string; options: [string, string][]; choose: (v: string) => void }) {
  return (
    <span class="run-choice" role="group" aria-label={label}>
      {options.map(([id, text]) => (
        <button key={id} type="button" aria-pressed={value === id} onClick={() => choose(id)}>
          {text}
        </button>
      ))}
    </span>
  );
}

interface Keys {
  items: RunFigure[];
  found: number | undefined;
  problem: Problem | undefined;
  more: (() => void) | undefined;
}

/** useKeys reads the catalogue page by page; a search waits for the typing to pause. */
function useKeys(run: string, search: string, version: number): Keys {
  const [state, setState] = useState<{ items: RunFigure[]; found?: number; next?: string; problem?: Problem }>({ items: [] });
  const address = (after: string, limit: number) => {
    const p = new URLSearchParams({ limit: String(limit) });
    if (search) p.set("search", search);
    if (after) p.set("after", after);
    return apiURL(project.peek(), `runs/${enc(run)}/metrics?${p}`);
  };
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      call<RunMetrics>("GET", address("", Math.min(1000, Math.max(pageSize, state.items.length)))).then(
        (a) => !gone && setState({ items: a.items, found: a.found, next: a.next }),
        (problem: Problem) => !gone && setState((s) => ({ ...s, problem })),
      );
    }, state.found === undefined ? 0 : 120);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [run, search, version]);
  const more = async () => {
    try {
      const a = await call<RunMetrics>("GET", address(state.next ?? "", pageSize));
      setState((s) => ({ items: [...s.items, ...a.items], found: a.found, next: a.next }));
    } catch (e) {
      setState((s) => ({ ...s, problem: e as Problem }));
    }
  };
  return { items: state.items, found: state.found, problem: state.problem, more: state.next ? () => void more() : undefined };
}

interface CardProps {
  run: string;
  metric: RunFigure;
  kind: Kind;
  log: boolean;
  weight: number;
  version: number;
  zoom: [number, number] | null;
  onZoom: (zoom: [number, number] | null) => void;
  wide: boolean;
  toggle: () => void;
}

function Card({ run, metric, kind, log, weight, version, zoom, onZoom, wide, toggle }: CardProps) {
  const ask = { runs: [run], keys: [metric.key], x: kind, points: wide ? 1200 : 400 };
  const all = useLines(linesAddress(project.value, ask), version);
  const line = all.lines?.[0];
  const part = useLines(zoom && line && !line.exact ? linesAddress(project.value, { ...ask, from: zoom[0], to: zoom[1] }) : null);
  const series = useMemo<Series[]>(() => {
    if (!line) return [];
    const { x, y } = zoom ? joined(line, part.lines?.[0], zoom[0], zoom[1]) : line;
    if (weight <= 0) return [{ label: metric.key, x, y: y as ArrayLike<number>, color: 0 }];
    return [
      { label: metric.key, x, y, color: 0, faint: true },
      { label: metric.key, x, y: smooth(y as ArrayLike<number>, weight), color: 0 },
    ];
  }, [line, part.lines, zoom, weight]);
  const extent = useMemo<[number, number] | undefined>(() => (line && line.points ? [line.x[0] as number, line.x[line.points - 1] as number] : undefined), [line]);
  const exact = line?.exact || part.lines?.[0]?.exact;
  return (
    <section class={`panel run-card ${wide ? "wide" : ""}`} aria-label={metric.key}>
      <header>
        <h2 title={metric.key}>{metric.key}</h2>
        <span class="run-latest">{figureOf(metric.value)}</span>
        <button type="button" class="run-expand" data-row aria-expanded={wide} aria-label={`${wide ? "Make smaller" : "Make larger"}: ${metric.key}`} onClick={toggle}>
          <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
            <path d={wide ? "M5 1v4H1M7 11V7h4" : "M7 1h4v4M5 11H1V7"} fill="none" stroke="currentColor" stroke-width="1.500" />
          </svg>
        </button>
      </header>
      {all.problem && !line ? (
        <ProblemLine problem={all.problem} />
      ) : (
        <LineChart label={metric.key} height={wide ? 360 : 168} x={kind} series={series} y={{ log }} sync={`run-${run}-${kind}`} legend={false} extent={extent} onZoom={(a, b) => onZoom(a === null || b === null ? null : [a, b])} />
      )}
      <p class="run-card-foot detail">
        {figureOf(metric.min)} to {figureOf(metric.max)} · {count(metric.count)} points{line && !exact && <span title="Of many points the lowest and the highest per pixel are drawn. Zoom in for every one."> · thinned</span>}
        {metric.nans ? ` · ${count(metric.nans)} NaN` : ""}
      </p>
    </section>
  );
}
