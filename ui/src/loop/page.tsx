// The loop of an endpoint: one timeline of all that is known, and beside it what was
// known at a moment.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { signal, type Signal } from "@preact/signals";
import type { DecisionPage, IncidentPage, LoopColumnPage, LoopPage } from "../api_gen";
import { apiURL } from "../base";
import { LineChart } from "../chart/line";
import { count, figure, plural, said } from "../format";
import { Answer, Empty, Page, type KeyBinding } from "../page";
import { useQuery } from "../query";
import { enc, go, href, project, readParam, setParams, useParam } from "../router";
import { Shape, State } from "../shapes";
import { DecisionView, headline } from "./decisionview";
import { IncidentView } from "./incidentview";
import { PolicyBar, standing } from "./policybar";
import { cellState, cellWords, decodeCells, windowAt, type Domain } from "./scale";
import { decisionID, openOf, Timeline, type Opened } from "./timeline";
import { WindowTable } from "./windows";
import { between, bounded, day, incidentWord, metricLabel, spanText } from "./words";

const watched = ["window", "decision", "incident", "rollout", "policyState", "pause", "endpointState", "retrainpolicy", "monitor", "replay"];

/** address is where the page's figures are asked for. */
function address(endpoint: string, from: string, to: string, monitor: string): string {
  const query = new URLSearchParams();
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  if (monitor) query.set("monitor", monitor);
  const q = query.toString();
  return apiURL(project.value, `loop/endpoints/${enc(endpoint)}${q && `?${q}`}`);
}

export default function LoopOf({ params }: { params: Record<string, string> }) {
  const endpoint = params.endpoint ?? "";
  const [from] = useParam("from");
  const [to] = useParam("to");
  const [monitor, setMonitor] = useParam("monitor");
  const url = address(endpoint, from, to, monitor);
  const q = useQuery<LoopPage>(url, watched);
  // While another span is asked for, the present one stays.
  const last = useRef<{ endpoint: string; page: LoopPage } | null>(null);
  if (q.data.value) last.current = { endpoint, page: q.data.value };
  const page = q.data.value ?? (last.current?.endpoint === endpoint ? last.current.page : undefined);
  if (!page) {
    const problem = q.problem.value;
    return (
      <Page title={endpoint} crumbs={[{ text: "Loop", to: "loop" }]}>
        {problem?.status === 412 || problem?.kind === "precondition" ? (
          <Empty title="Nothing to show yet" commands={noMonitor(endpoint)}>
            {problem.message}
          </Empty>
        ) : (
          <Answer of={q}>{() => null}</Answer>
        )}
      </Page>
    );
  }
  return <Loop page={page} url={url} refresh={q.refresh} busy={!q.data.value} setMonitor={setMonitor} stale={q.problem.value?.message} />;
}

/** noMonitor are the commands that begin to fill the page. */
function noMonitor(endpoint: string): string[] {
  return ["trimtab schema > trimtab.schema.json", "trimtab apply MONITOR.yaml", `trimtab timeline ${endpoint}`];
}

interface LoopProps {
  page: LoopPage;
  url: string;
  refresh: () => void;
  busy: boolean;
  setMonitor: (m: string) => void;
  stale: string | undefined;
}

const secondsOf = (text: string): number | null => {
  const ms = text ? Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) : NaN;
  return Number.isNaN(ms) ? null : ms / 1000;
};

/** endOf is where the timeline ends: with its last window, or later, where something is decided or rolled out that no window shows yet. */
function endOf(page: LoopPage): number | null {
  const last = secondsOf(page.end ?? "");
  const first = secondsOf(page.begin ?? "");
  if (last === null || first === null) return last;
  const after = page.marks.map((m) => Date.parse(m.at) / 1000).concat(page.services.filter((s) => s.stage).flatMap((s) => [s.from, s.to || page.watermark].map((t) => (t ? Date.parse(t) / 1000 : 0))));
  const newest = Math.max(...after, last);
  return newest > last ? newest + (newest - first) * 0.02 : last;
}

const written = (seconds: number): string => (seconds % 86_400 === 0 ? day(seconds) : new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));

function Loop({ page, url, refresh, busy, setMonitor, stale }: LoopProps) {
  const [from] = useParam("from");
  const [to] = useParam("to");
  const [decision] = useParam("decision");
  const [incident] = useParam("incident");
  const [column] = useParam("column");
  const [event, setEvent] = useParam("event");
  // The metric in which losses are counted: there the frozen version can be shown beside.
  const losses = page.task === "regression" ? "rmse" : "log_loss";
  const counted = (page.quality.find((m) => m.metric === losses) ?? page.quality[0])?.metric ?? "";
  const [metric, setMetric] = useParam("metric", counted);
  const cursor = useMemo(() => signal<number | null>(null), []);
  const box = useRef<HTMLDivElement | null>(null);
  const before = useRef<Element | null>(null); // what had the focus when the panel opened
  const opened = useMemo<Opened | undefined>(
    () => (decision ? { kind: "decision", id: decision } : incident ? { kind: "incident", id: incident } : column ? { kind: "column", id: column } : undefined),
    [decision, incident, column],
  );
  const { start, end } = page.points;
  const n = start.length;
  const domain = useMemo<Domain>(() => {
    const a = secondsOf(from) ?? (page.begin ? Date.parse(page.begin) / 1000 : 0);
    const b = secondsOf(to) ?? endOf(page) ?? a + 1;
    return b > a ? [a, b] : [a, a + 86_400];
  }, [from, to, page]);

  const open = (o: Opened | { kind: "rollout"; id: string }) => {
    if (o.kind === "rollout") return go(`rollouts/${enc(o.id)}`);
    if (!opened) before.current = document.activeElement;
    setParams({ decision: "", incident: "", column: "", [o.kind]: o.id }, { push: true });
  };
  const shut = () => {
    setParams({ decision: "", incident: "", column: "" }, { push: true });
    const back = before.current;
    if (back instanceof HTMLElement && back.isConnected) back.focus();
    else box.current?.focus();
  };
  const zoom = (a: number | null, b: number | null) => setParams({ from: a === null ? "" : written(a), to: b === null ? "" : written(b) }, { push: true });

  const step = (by: number) => {
    if (n === 0) return;
    const now = cursor.peek();
    cursor.value = now === null ? (by > 0 ? 0 : n - 1) : Math.min(n - 1, Math.max(0, now + by));
    setEvent("");
  };
  const toEvent = (by: number) => {
    const marks = page.marks;
    if (marks.length === 0) return;
    let i = marks.findIndex((m) => m.id === readParam("event"));
    if (i >= 0) i = Math.min(marks.length - 1, Math.max(0, i + by));
    else {
      const now = cursor.peek();
      const t = now === null ? (by > 0 ? -Infinity : Infinity) : (start[now] as number);
      i = by > 0 ? marks.findIndex((m) => Date.parse(m.at) / 1000 >= t) : marks.findLastIndex((m) => Date.parse(m.at) / 1000 < t);
      if (i < 0) i = by > 0 ? marks.length - 1 : 0;
    }
    const m = marks[i];
    if (!m) return;
    cursor.value = windowAt(start, end, Date.parse(m.at) / 1000);
    setEvent(m.id);
    box.current?.focus({ preventScroll: true });
    if (opened) open(openOf(m));
  };
  const enter = () => {
    const m = page.marks.find((one) => one.id === readParam("event"));
    if (m) return open(openOf(m));
    const i = cursor.peek();
    const decided = i === null ? 0 : page.points.decided[i];
    if (decided && page.policy) open({ kind: "decision", id: decisionID(page.policy.name, decided) });
  };
  const nearer = (by: number) => {
    const span = domain[1] - domain[0];
    const i = cursor.peek();
    const mid = i === null ? (domain[0] + domain[1]) / 2 : ((start[i] as number) + (end[i] as number)) / 2;
    const whole: Domain = [page.begin ? Date.parse(page.begin) / 1000 : domain[0], endOf(page) ?? domain[1]];
    const wide = span * by;
    if (wide >= whole[1] - whole[0]) return zoom(null, null);
    const a = windowAt(start, end, Math.max(whole[0], mid - wide / 2));
    const b = windowAt(start, end, Math.min(whole[1], mid + wide / 2) - 1);
    if (by > 1) return zoom(Math.max(whole[0], Math.round(mid - wide / 2)), Math.min(whole[1], Math.round(mid + wide / 2)));
    if (b > a || a >= 0) zoom(start[a] as number, end[b] as number);
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.target !== e.currentTarget || e.metaKey || e.ctrlKey || e.altKey) return;
    const all: Record<string, () => void> = {
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
      Home: () => step(-n),
      End: () => step(n),
      Enter: enter,
    };
    const run = all[e.key];
    if (!run) return;
    e.preventDefault();
    run();
  };
  const escape = () => {
    if (opened) shut();
    else if (cursor.peek() !== null || event) {
      cursor.value = null;
      setEvent("");
    } else if (from || to) zoom(null, null);
  };
  const keys: KeyBinding[] = [
    { keys: "n", text: "next event", run: () => toEvent(1) },
    { keys: "p", text: "previous event", run: () => toEvent(-1) },
    { keys: "ArrowRight", text: "next window", run: () => step(1) },
    { keys: "ArrowLeft", text: "previous window", run: () => step(-1) },
    { keys: "+", text: "zoom in at the window", run: () => nearer(0.5) },
    { keys: "-", text: "zoom out", run: () => nearer(2) },
    { keys: "0", text: "show the whole span", run: () => zoom(null, null) },
    { keys: "Escape", text: "close the panel, let go of the window, zoom out", run: escape },
  ];
  const p = page.policy;
  const [tone, word] = p ? standing(p, page.pause) : (["off", "no policy"] as const);
  const zoomed = !!from || !!to;

  return (
    <Page
      title={page.endpoint}
      label={<State tone={tone}>{word}</State>}
      crumbs={[{ text: "Loop", to: "loop" }]}
      aside={
        <>
          {page.monitors.length > 1 && (
            <select aria-label="Monitor" value={page.monitor} onChange={(e) => setMonitor(e.currentTarget.value)}>
              {page.monitors.map((m) => (
                <option key={m}>{m}</option>
              ))}
            </select>
          )}
          <a class="loop-link" href={href(`decisions`, { endpoint: page.endpoint })} data-page>
            Decisions
          </a>
          <a class="loop-link" href={href(`incidents`, { endpoint: page.endpoint })} data-page>
            Incidents
          </a>
          {page.monitor && (
            <a class="loop-link" href={href(`monitors/${enc(page.monitor)}`)} data-page>
              Monitor
            </a>
          )}
        </>
      }
      copy={{ curl: { url }, cli: `trimtab timeline ${page.endpoint}${from ? ` --from ${from}` : ""}${to ? ` --to ${to}` : ""}` }}
      keys={keys}
      actions={[{ text: zoomed ? "Show the whole span" : "Go to the newest event", run: () => (zoomed ? zoom(null, null) : toEvent(-1)) }]}
    >
      <section class="loop-head" aria-label="All in all">
        <p class={`loop-sum ${page.said.tone}`}>
          <Shape tone={page.said.tone === "ok" ? "ok" : page.said.tone === "bad" ? "bad" : "off"} />
          {said(page.said.text)}
        </p>
        <Totals page={page} />
        <PolicyBar page={page} refresh={refresh} />
      </section>

      {n === 0 ? (
        <Empty title={page.monitor ? "No window has been looked at yet" : "Nobody watches this endpoint"} commands={page.monitor ? [`trimtab get monitor ${page.monitor} -o yaml`, `trimtab replay ${page.endpoint} --source SOURCE --follow`, `trimtab timeline ${page.endpoint}`] : noMonitor(page.endpoint)}>
          {!page.monitor ? "No monitor watches this endpoint: its windows are what a timeline is made of." : zoomed ? "No window lies in this span." : `Monitor ${page.monitor} closes its first window when the watermark has passed it.`}
        </Empty>
      ) : (
        <div class={`loop-body${opened ? " split" : ""}`} aria-busy={busy}>
          <div class="loop-main">
            <section aria-label="Timeline" class="loop-chart">
              <div class="loop-bar">
                <Readout page={page} cursor={cursor} metric={metric} event={event} />
                <div class="loop-zoom">
                  <button type="button" class="quiet" aria-label="Zoom in" onClick={() => nearer(0.5)}>
                    +
                  </button>
                  <button type="button" class="quiet" aria-label="Zoom out" disabled={!zoomed} onClick={() => nearer(2)}>
                    −
                  </button>
                  <button type="button" class="quiet" disabled={!zoomed} onClick={() => zoom(null, null)}>
                    All
                  </button>
                </div>
              </div>
              {stale && (
                <p class="note warn">
                  <Shape tone="warn" /> {stale}
                </p>
              )}
              <Timeline page={page} domain={domain} metric={metric} setMetric={setMetric} cursor={cursor} event={event} opened={opened} open={open} zoom={zoom} onKey={onKey} box={box} />
              {page.each > 1 && <p class="detail">One point stands for {page.each} windows: rows are summed, means are weighed by rows, intervals are the widest, drift is the worst. Zoom in to see each.</p>}
            </section>
            <section aria-labelledby="windows">
              <header class="section-head">
                <h2 id="windows">Windows</h2>
                <div class="aside">{plural(page.windows, "window")}, newest first</div>
              </header>
              <WindowTable page={page} metric={metric} cursor={cursor} open={open} />
            </section>
          </div>
          {opened && <Panel key={`${opened.kind}${opened.id}`} opened={opened} page={page} shut={shut} domain={domain} changed={refresh} />}
        </div>
      )}
    </Page>
  );
}

/** Totals are the numbers of the whole span, each beside where it comes from. */
function Totals({ page }: { page: LoopPage }) {
  const s = page.summary;
  const endpoint = page.endpoint;
  const to = (text: string, path: string, params?: Record<string, string>) => (
    <a href={href(path, params)} data-page>
      {text}
    </a>
  );
  const monitor = page.monitor ? `monitors/${enc(page.monitor)}` : "";
  const decisions = (text: string) => to(text, "decisions", { endpoint });
  const rollouts = (text: string) => to(text, `endpoints/${enc(endpoint)}`, { tab: "rollouts" });
  return (
    <ul class="loop-totals detail">
      <li>
        {monitor ? to(plural(s.rows, "row"), monitor, { tab: "rows" }) : plural(s.rows, "row")}, {count(s.labelled)} labelled
        {s.held > 0 && <>, {to(`${count(s.held)} held`, `data/quarantine/${enc(endpoint)}`)}</>}
      </li>
      <li>
        {decisions(plural(s.retrains, "training"))}, {decisions(plural(s.recalibrated, "recalibration"))}
      </li>
      <li>
        {rollouts(`${count(s.promoted)} put into service`)}, {count(s.rejected)} rejected, {count(s.rolledBack)} rolled back
      </li>
      <li>{s.faults > 0 ? to(plural(s.faults, "data fault"), "incidents", { endpoint, kind: "dataFault" }) : plural(s.faults, "data fault")}</li>
      {s.columnWindows > 0 && (
        <li>
          {monitor ? to(`drift in ${count(s.driftWindows)}`, monitor, { tab: "drift" }) : `drift in ${count(s.driftWindows)}`} of {plural(s.columnWindows, "look")} at a column
        </li>
      )}
    </ul>
  );
}

/** Readout says what stands under the crosshair; it is read out when the keys move it. */
function Readout({ page, cursor, metric, event }: { page: LoopPage; cursor: Signal<number | null>; metric: string; event: string }) {
  const i = cursor.value;
  const pts = page.points;
  const cells = useMemo(() => page.columns.map((c) => decodeCells(c.cells)), [page.columns]);
  const mark = page.marks.find((m) => m.id === event);
  if (i === null || pts.start[i] === undefined) {
    const first = pts.start[0];
    const last = pts.end.at(-1);
    return (
      <p class="loop-readout" aria-live="polite">
        <b>{first !== undefined && last !== undefined ? spanText(first, last) : ""}</b>
        <span class="detail loop-hint">
          <kbd>n</kbd> next event <kbd>←</kbd> <kbd>→</kbd> window <kbd>Enter</kbd> open · drag to zoom
        </span>
      </p>
    );
  }
  const q = page.quality.find((one) => one.metric === metric);
  const drifting = page.columns.filter((_, c) => cellState(cells[c]?.[i] ?? 0) === 3);
  return (
    <p class="loop-readout" aria-live="polite">
      <b>{spanText(pts.start[i] as number, pts.end[i] as number)}</b>
      {!!pts.served[i] && <span>v{pts.served[i]}</span>}
      <span>{plural(pts.rows[i] ?? 0, "row")}</span>
      {!!pts.held[i] && <span class="state bad">{count(pts.held[i] ?? 0)} held</span>}
      {q && (
        <span>
          {metricLabel(metric)} {bounded(q.value[i], q.lo[i], q.hi[i])}
          {q.frozen?.[i] != null && ` · frozen ${figure(q.frozen[i] ?? null)}`}
          {q.estimated?.[i] != null && ` · estimated ${figure(q.estimated[i] ?? null)}`}
        </span>
      )}
      {pts.gain[i] != null && <span>saved {between(pts.gain[i], pts.gainLo[i], pts.gainHi[i])}</span>}
      {drifting.length > 0 && <span>drift: {drifting.slice(0, 3).map((c) => c.column).join(", ")}{drifting.length > 3 ? ` and ${drifting.length - 3} more` : ""}</span>}
      {mark && <span class="loop-now">{said(mark.text)}</span>}
    </p>
  );
}

function Panel({ opened, page, shut, domain, changed }: { opened: Opened; page: LoopPage; shut: () => void; domain: Domain; changed: () => void }) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  return (
    <aside class="loop-panel" aria-label="What was known">
      {opened.kind === "decision" ? (
        <DecisionPanel id={opened.id} head={head} shut={shut} changed={changed} />
      ) : opened.kind === "incident" ? (
        <IncidentPanel id={opened.id} head={head} shut={shut} changed={changed} />
      ) : (
        <ColumnPanel column={opened.id} page={page} head={head} shut={shut} domain={domain} />
      )}
    </aside>
  );
}

type HeadRef = { current: HTMLHeadingElement | null };

function PanelHead({ title, head, shut, to }: { title: string; head: HeadRef; shut: () => void; to?: string }) {
  return (
    <header class="loop-panel-head">
      <h2 ref={head} tabIndex={-1}>
        {title}
      </h2>
      {to && (
        <a href={href(to)} data-page>
          Open the page
        </a>
      )}
      <button type="button" class="quiet" aria-label="Close the panel" title="Close (Esc)" onClick={shut}>
        ✕
      </button>
    </header>
  );
}

function DecisionPanel({ id, head, shut, changed }: { id: string; head: HeadRef; shut: () => void; changed: () => void }) {
  const q = useQuery<DecisionPage>(apiURL(project.value, `loop/decisions/${enc(id)}`), ["decision", "rollout", "pipelineRun", "evaluation", "incident", "pause"]);
  const data = q.data.value;
  const around = (to: string | undefined) => to && setParams({ decision: to });
  return (
    <>
      <PanelHead title={data ? headline(data) : "Decision"} head={head} shut={shut} to={`decisions/${enc(id)}`} />
      {data && (
        <nav class="loop-around" aria-label="Other decisions">
          <button type="button" class="quiet" disabled={!data.before} onClick={() => around(data.before)}>
            ← before
          </button>
          <button type="button" class="quiet" disabled={!data.after} onClick={() => around(data.after)}>
            after →
          </button>
        </nav>
      )}
      <Answer of={q}>
        {(d) => (
          <DecisionView
            page={d}
            wide={false}
            changed={() => {
              q.refresh();
              changed();
            }}
          />
        )}
      </Answer>
    </>
  );
}

function IncidentPanel({ id, head, shut, changed }: { id: string; head: HeadRef; shut: () => void; changed: () => void }) {
  const q = useQuery<IncidentPage>(apiURL(project.value, `loop/incidents/${enc(id)}`), ["incident", "decision", "window"]);
  const data = q.data.value;
  const word = data ? incidentWord(data.incident.kind) : "incident";
  return (
    <>
      <PanelHead title={word.charAt(0).toUpperCase() + word.slice(1)} head={head} shut={shut} to={`incidents/${enc(id)}`} />
      <Answer of={q}>
        {(d) => (
          <IncidentView
            page={d}
            wide={false}
            changed={() => {
              q.refresh();
              changed();
            }}
          />
        )}
      </Answer>
    </>
  );
}

function ColumnPanel({ column, page, head, shut, domain }: { column: string; page: LoopPage; head: HeadRef; shut: () => void; domain: Domain }) {
  const span = `from=${new Date(domain[0] * 1000).toISOString()}&to=${new Date(domain[1] * 1000).toISOString()}&monitor=${enc(page.monitor)}`;
  const q = useQuery<LoopColumnPage>(apiURL(project.value, `loop/endpoints/${enc(page.endpoint)}/columns/${enc(column)}?${span}`), ["window"]);
  const c = page.columns.find((x) => x.column === column);
  return (
    <>
      <PanelHead title={column} head={head} shut={shut} to={`monitors/${enc(page.monitor)}?column=${enc(column)}`} />
      {c && (
        <p class="detail">
          Confirmed drift in {plural(c.moved, "window")}
          {c.worst !== null && `; at most ${figure(c.worst)} × its limit`}
          {c.at && `, in the window from ${c.at.slice(0, 10)}`}.
        </p>
      )}
      <Answer of={q}>
        {(d) => {
          const x = d.start.map((s, i) => ((s + (d.end[i] as number)) / 2) * 1000);
          const num = (list: (number | null)[]) => list.map((v) => (v === null ? NaN : v));
          const some = (list: (number | null)[]) => list.some((v) => !!v);
          return (
            <div class="loop-column">
              <h3>Drift score</h3>
              <LineChart
                label={`Drift score of ${column} by window`}
                height={200}
                x="time"
                series={[
                  { label: "score", x, y: num(d.score), color: 0, points: true },
                  { label: "limit of chance", x, y: num(d.noise), color: 1, dash: true },
                  { label: "limit of what matters", x, y: num(d.effect), color: 2, dash: true },
                ]}
              />
              {some(d.missing) && <h3>Share missing</h3>}
              {some(d.missing) && <LineChart label={`Share of missing values of ${column}`} height={120} x="time" series={[{ label: "missing", x, y: num(d.missing), color: 3 }]} y={{ min: 0 }} legend={false} />}
              {some(d.unseen) && <h3>Share never seen in training</h3>}
              {some(d.unseen) && <LineChart label={`Share of values of ${column} never seen in training`} height={120} x="time" series={[{ label: "never seen in training", x, y: num(d.unseen), color: 6 }]} y={{ min: 0 }} legend={false} />}
              <p class="detail">{driftWords(d)}</p>
            </div>
          );
        }}
      </Answer>
    </>
  );
}

function driftWords(d: LoopColumnPage): string {
  const states = [0, 0, 0, 0];
  for (const s of d.state) states[s] = (states[s] ?? 0) + 1;
  return `${plural(d.state.length, "point")}: ${[1, 2, 3].map((s) => `${states[s]} ${cellWords[s]}`).join(", ")}.`;
}

