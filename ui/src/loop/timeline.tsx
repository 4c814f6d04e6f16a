// The timeline: all tracks of an endpoint on one axis of event time, with one
// crosshair and one zoom. Tracks are painted; what can be opened is a button.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { LoopFault, LoopMark, LoopPage, LoopQuality } from "../api_gen";
import { ink as inkOf, ticks } from "../chart/draw";
import { count, figure } from "../format";
import { enc, href } from "../router";
import { dark } from "../theme";
import { Glyph, glyphTone, markWord } from "./marks";
import { drift, gains, grid, lines, pad, rowHeight, volume, type Pad } from "./paint";
import { at, cluster, decodeCells, px, range, windowAt, yTicks, type Domain } from "./scale";
import { day, metricLabel, small } from "./words";

/** Opened is what the panel beside the timeline shows. */
export interface Opened {
  kind: "decision" | "incident" | "column";
  id: string;
}

interface Props {
  page: LoopPage;
  domain: Domain;
  metric: string;
  setMetric: (m: string) => void;
  cursor: Signal<number | null>; // index of the window
  event: string; // id of the mark that stands out
  opened: Opened | undefined;
  open: (o: Opened | { kind: "rollout"; id: string }) => void;
  zoom: (from: number | null, to: number | null) => void;
  onKey: (e: KeyboardEvent) => void;
  box: { current: HTMLDivElement | null };
}

const someColumns = 8;

/** Timeline shows the tracks. */
export function Timeline(p: Props) {
  const { page, domain, cursor } = p;
  const [width, setWidth] = useState(0);
  const measure = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  const drag = useRef<number | null>(null);
  const [brush, setBrush] = useState<Domain | null>(null);
  useLayoutEffect(() => {
    const e = measure.current;
    if (!e) return;
    const set = () => setWidth(e.clientWidth);
    set();
    const watch = new ResizeObserver(set);
    watch.observe(e);
    return () => watch.disconnect();
  }, []);
  const ink = useMemo(() => inkOf(dark.value), [dark.value]);
  const { start, end } = page.points;
  const quality = page.quality.find((q) => q.metric === p.metric);
  const columns = all ? page.columns : page.columns.slice(0, someColumns);
  const cells = useMemo(() => page.columns.map((c) => decodeCells(c.cells)), [page.columns]);
  const x = (t: number) => px(domain, width, t);
  const axis = useMemo(() => ticks("time", domain[0] * 1000, domain[1] * 1000, Math.max(2, Math.floor(width / 88))), [domain[0], domain[1], width]);
  const inside = (m: { at: string }) => {
    const t = Date.parse(m.at) / 1000;
    return t >= domain[0] && t <= domain[1];
  };
  const decisions = page.marks.filter((m) => m.kind === "decision" && inside(m));
  const found = page.marks.filter((m) => m.kind !== "decision" && m.kind !== "fault" && inside(m));

  // One crosshair: whatever track the pointer is over.
  const plotX = (e: PointerEvent) => e.clientX - (measure.current?.getBoundingClientRect().left ?? 0);
  const move = (e: PointerEvent) => {
    const px0 = plotX(e);
    if (drag.current !== null) {
      if (Math.abs(px0 - drag.current) > 6) setBrush([Math.min(px0, drag.current), Math.max(px0, drag.current)]);
      return;
    }
    if (px0 < 0 || px0 > width) return;
    const i = windowAt(start, end, at(domain, width, px0));
    if (i >= 0 && cursor.peek() !== i) cursor.value = i;
  };
  const down = (e: PointerEvent) => {
    const px0 = plotX(e);
    if (e.button !== 0 || px0 < 0 || px0 > width || (e.target instanceof Element && e.target.closest("button, select, a"))) return;
    drag.current = px0;
    (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
  };
  const up = () => {
    if (brush && drag.current !== null) {
      const from = windowAt(start, end, at(domain, width, Math.max(0, brush[0])));
      const to = windowAt(start, end, at(domain, width, Math.min(width, brush[1])));
      if (from >= 0 && to >= from) p.zoom(start[from] as number, end[to] as number);
    }
    drag.current = null;
    setBrush(null);
  };
  const paint = { width, domain, start, end, ink };
  const ranges = useMemo(() => {
    const cut = <T,>(list: T[] | undefined): T[] | undefined => list?.filter((_, i) => (end[i] as number) > domain[0] && (start[i] as number) < domain[1]);
    const q = quality && range(cut(quality.value), cut(quality.frozen), cut(quality.estimated), tame(cut(quality.lo), cut(quality.value)), tame(cut(quality.hi), cut(quality.value)));
    const g = range([0], cut(page.points.gain), tame(cut(page.points.gainLo), cut(page.points.gain)), tame(cut(page.points.gainHi), cut(page.points.gain)));
    return { quality: q ?? ([0, 1] as Domain), gain: g, rows: Math.max(1, ...(cut(page.points.rows) ?? [])) };
  }, [page, quality, domain[0], domain[1]]);
  const hasGain = page.points.gain.some((v) => v !== null);

  return (
    <div
      ref={p.box}
      class="loop-time"
      role="application"
      aria-roledescription="timeline"
      tabIndex={0}
      aria-label={`Timeline of ${page.endpoint}. The arrow keys move from window to window, n and p from event to event, Enter opens, plus and minus zoom, 0 shows all.`}
      onKeyDown={p.onKey}
      onPointerMove={move}
      onPointerDown={down}
      onPointerUp={up}
      onPointerCancel={up}
      onPointerLeave={() => drag.current === null && (cursor.value = p.event ? cursor.peek() : null)}
      onDblClick={(e) => !(e.target instanceof Element && e.target.closest("button, select, a")) && p.zoom(null, null)}
    >
      <div class="loop-track loop-axis" aria-hidden="true">
        <div class="loop-label" />
        <div class="loop-plot" ref={measure}>
          {axis.at.map((t, i) => {
            const left = x(t / 1000);
            const edge = left < 24 ? "start" : left > width - 24 ? "end" : "";
            return (
              <span key={t} class={`loop-tick ${edge}`} style={{ left: `${left}px` }}>
                {(axis.text[i] ?? "").split("\n").join(" ")}
              </span>
            );
          })}
        </div>
      </div>

      <Track label="Decisions">
        <Marks {...p} marks={decisions} x={x} />
      </Track>
      <Track label="Incidents">
        <Marks {...p} marks={found} x={x} />
      </Track>
      <Track label="Data faults">
        <Faults page={page} x={x} width={width} domain={domain} opened={p.opened} open={p.open} event={p.event} />
      </Track>
      <Track label="Served" detail={page.services.some((s) => s.stage) ? "steps: share on trial" : undefined}>
        <Lanes page={page} x={x} width={width} />
      </Track>
      <Track
        label={
          <select class="loop-metric" aria-label="Metric of quality" value={p.metric} onChange={(e) => p.setMetric(e.currentTarget.value)}>
            {page.quality.map((q) => (
              <option key={q.metric} value={q.metric}>
                {metricLabel(q.metric)}
              </option>
            ))}
          </select>
        }
        legend={quality && <QualityLegend quality={quality} page={page} />}
        ticks={quality && { range: ranges.quality, height: 168, most: 4 }}
      >
        <Canvas {...paint} height={168} deps={[quality, ranges.quality, page]} draw={(c) => quality && drawQuality(c, quality, ranges.quality)} />
      </Track>
      {hasGain && (
        <Track label="Saved per row" detail={`against version ${page.frozen}, the first`} ticks={{ range: ranges.gain, height: 92, most: 2, signed: true }}>
          <Canvas
            {...paint}
            height={92}
            deps={[page, ranges.gain]}
            draw={(c) => {
              const y = yOf(ranges.gain, 92);
              grid(c, yTicks(...ranges.gain, 2), y);
              gains(c, page.points.gain, page.points.gainLo, page.points.gainHi, y);
            }}
          />
        </Track>
      )}
      <Track label="Rows" legend={<VolumeLegend held={page.summary.held > 0} />} ticks={{ range: [0, ranges.rows], height: 56, most: 1 }}>
        <Canvas {...paint} height={56} deps={[page, ranges.rows]} draw={(c) => volume(c, page.points.rows, page.points.labelled, page.points.held, ranges.rows)} />
      </Track>
      {columns.length > 0 && (
        <div class="loop-track loop-drift">
          <div class="loop-label">
            <span class="loop-name">Drift by column</span>
            <ul class="loop-columns">
              {columns.map((c) => (
                <li
                  key={c.column}
                  style={{ height: `${rowHeight}px` }}
                  class={p.opened?.kind === "column" && p.opened.id === c.column ? "chosen" : undefined}
                  title={`${c.column}: drift in ${c.moved} ${c.moved === 1 ? "window" : "windows"}${c.worst === null ? "" : `, at most ${figure(c.worst)} × its limit`}`}
                  onClick={() => p.open({ kind: "column", id: c.column })}
                >
                  {c.column}
                </li>
              ))}
            </ul>
          </div>
          <div class="loop-plot loop-heat">
            <Canvas {...paint} height={columns.length * rowHeight} deps={[page, all]} draw={(c) => drift(c, cells.slice(0, columns.length))} />
          </div>
        </div>
      )}
      <div class="loop-under">
        {page.columns.length > someColumns && (
          <button type="button" class="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Show the ${someColumns} columns that moved most` : `Show all ${page.columns.length} columns`}
          </button>
        )}
        {page.columns.length > 0 && (
          <select
            class="loop-open-column"
            aria-label="Open a column"
            value={p.opened?.kind === "column" ? p.opened.id : ""}
            onChange={(e) => e.currentTarget.value && p.open({ kind: "column", id: e.currentTarget.value })}
          >
            <option value="">Open a column</option>
            {page.columns.map((c) => (
              <option key={c.column} value={c.column}>
                {c.column}
                {c.moved ? `, drift in ${c.moved}` : ""}
              </option>
            ))}
          </select>
        )}
        {page.columns.length > 0 && <DriftLegend />}
        {!!page.unshown && <span class="detail">{count(page.unshown)} further columns moved less and are left out.</span>}
      </div>
      <Crosshair cursor={cursor} x={x} page={page} width={width} domain={domain} />
      {brush && <div class="loop-brush" style={{ "--from": `${brush[0]}px`, width: `${brush[1] - brush[0]}px` }} />}
    </div>
  );
}

/** tame keeps bounds that lie far outside of the values from flattening the line. */
function tame(bounds: (number | null)[] | undefined, values: (number | null)[] | undefined): (number | null)[] | undefined {
  if (!bounds || !values) return bounds;
  const [a, b] = range(values);
  const room = (b - a) * 1.5;
  return bounds.map((v) => (v === null ? null : Math.min(b + room, Math.max(a - room, v))));
}

const yOf = (r: Domain, height: number) => (v: number) => height - 4 - ((v - r[0]) / (r[1] - r[0] || 1)) * (height - 8);

function drawQuality(c: Pad, q: LoopQuality, r: Domain): void {
  const y = yOf(r, c.height);
  grid(c, yTicks(...r, 4), y);
  const all = [];
  if (q.estimated) all.push({ v: q.estimated, color: c.ink.series(2), width: 1.5, dash: [2, 3], dots: false });
  if (q.frozen) all.push({ v: q.frozen, color: c.ink.series(1), width: 1.75, dash: [6, 4], dots: false });
  all.push({ v: q.value, lo: q.lo, hi: q.hi, color: c.ink.series(0), width: 2, dash: [], dots: true });
  lines(c, all, y);
}

/** Track is a line of the timeline: its name, and what is drawn on the axis. */
function Track({ label, detail, legend, ticks: t, children }: { label: ComponentChildren; detail?: string; legend?: ComponentChildren; ticks?: { range: Domain; height: number; most: number; signed?: boolean } | undefined; children: ComponentChildren }) {
  return (
    <div class="loop-track">
      <div class="loop-label">
        <span class="loop-name">{label}</span>
        {detail && <span class="detail">{detail}</span>}
        {legend}
      </div>
      <div class="loop-plot">
        {children}
        {t && (
          <span class="loop-ys" aria-hidden="true">
            {yTicks(...t.range, t.most).map((v) => (
              <span key={v} style={{ top: `${yOf(t.range, t.height)(v)}px` }}>
                {t.signed ? small(v, true) : compact(v)}
              </span>
            ))}
          </span>
        )}
      </div>
    </div>
  );
}

function compact(v: number): string {
  const a = Math.abs(v);
  if (a >= 1e6) return `${Number((v / 1e6).toPrecision(3))} M`;
  if (a >= 1e4) return `${Number((v / 1e3).toPrecision(3))} k`;
  return small(v);
}

interface CanvasProps {
  width: number;
  height: number;
  domain: Domain;
  start: number[];
  end: number[];
  ink: ReturnType<typeof inkOf>;
  deps: unknown[];
  draw: (c: Pad) => void;
}

function Canvas(p: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current || p.width < 2) return;
    const c = pad(canvas.current, p.width, p.height, p.domain, p.start, p.end, p.ink);
    if (c) p.draw(c);
  }, [p.width, p.height, p.domain[0], p.domain[1], p.ink, ...p.deps]);
  return <canvas ref={canvas} style={{ height: `${p.height}px` }} aria-hidden="true" />;
}

function Marks({ marks, x, event, opened, open }: Props & { marks: LoopMark[]; x: (t: number) => number }) {
  const placed = cluster(marks, (m) => x(Date.parse(m.at) / 1000), 24);
  return (
    <div class="loop-marks">
      {placed.map(({ x: left, marks: here }) => {
        const m = here.find((one) => one.id === event) ?? (here[0] as LoopMark);
        const chosen = here.some((one) => one.id === opened?.id);
        return (
          <button
            key={m.id}
            type="button"
            class={`loop-mark ${glyphTone(m)}${here.some((one) => one.id === event) ? " lit" : ""}${here.some((one) => one.open) ? " open" : ""}`}
            style={{ left: `${left}px` }}
            aria-pressed={chosen}
            aria-label={here.map((one) => `${one.at.slice(0, 10)}: ${markWord(one)}. ${one.text}`).join(" And ")}
            title={here.map((one) => `${one.at.slice(0, 10)}  ${markWord(one)}\n${one.text}`).join("\n\n")}
            onClick={() => {
              const at = here.findIndex((one) => one.id === opened?.id);
              const next = here[(at + 1) % here.length] as LoopMark;
              open(openOf(next));
            }}
          >
            <Glyph what={m.what} />
            {here.length > 1 && <span class="loop-more">{here.length}</span>}
          </button>
        );
      })}
    </div>
  );
}

/** openOf is what a mark opens. */
export function openOf(m: LoopMark): Opened | { kind: "rollout"; id: string } {
  if (m.kind === "decision") return { kind: "decision", id: m.id };
  if (m.kind === "rollout") return { kind: "rollout", id: m.id };
  return { kind: "incident", id: m.id };
}

function Faults({ page, x, width, domain, opened, open, event }: { page: LoopPage; x: (t: number) => number; width: number; domain: Domain; opened: Opened | undefined; open: Props["open"]; event: string }) {
  const placed = page.faults
    .map((f) => {
      const from = Date.parse(f.from) / 1000;
      const to = f.to ? Date.parse(f.to) / 1000 : domain[1];
      return { f, left: Math.max(0, x(from)), right: Math.min(width, x(to)), seen: to >= domain[0] && from <= domain[1] };
    })
    .filter((p) => p.seen)
    .sort((a, b) => a.left - b.left);
  // What would lie over another goes into a lane of its own: each can be hit with a finger.
  const lanes: number[] = [];
  const lined = placed.map((p) => {
    const room = Math.max(24, p.right - p.left);
    const place = Math.max(0, Math.min(p.left, width - room));
    let lane = lanes.findIndex((end) => end <= place);
    if (lane < 0) lane = lanes.length < 4 ? lanes.length : lanes.indexOf(Math.min(...lanes));
    lanes[lane] = place + room;
    return { ...p, room, place, lane };
  });
  return (
    <div class="loop-faults" style={{ height: `${34 + 26 * Math.max(0, lanes.length - 1)}px` }}>
      {lined.map(({ f, room, place, lane }) => {
        return (
          <button
            key={f.id}
            type="button"
            class={`loop-fault${f.held && !f.released ? " held" : ""}${f.id === event ? " lit" : ""}`}
            style={{ left: `${place}px`, top: `${5 + 26 * lane}px`, width: `${room}px` }}
            aria-pressed={opened?.id === f.id}
            aria-label={faultText(f)}
            title={faultText(f)}
            onClick={() => open({ kind: "incident", id: f.id })}
          >
            {room > 64 && <span>{f.columns.length ? f.columns.join(", ") : f.kind}</span>}
          </button>
        );
      })}
      {placed.length === 0 && <span class="loop-none">none</span>}
    </div>
  );
}

function faultText(f: LoopFault): string {
  const span = `${f.from.slice(0, 10)} to ${f.to ? f.to.slice(0, 10) : "now"}`;
  return `${span}: ${f.columns.join(", ") || f.kind}. ${f.text}${f.held ? ` ${count(f.rows)} rows held${f.released ? ", released" : ""}.` : ""}`;
}

function Lanes({ page, x, width }: { page: LoopPage; x: (t: number) => number; width: number }) {
  const place = (from: string | undefined, to: string | undefined): [number, number] => [
    Math.max(0, from ? x(Date.parse(from) / 1000) : 0),
    Math.min(width, to ? x(Date.parse(to) / 1000) : width),
  ];
  return (
    <div class="loop-lanes">
      {page.services.map((s) => {
        const [left, right] = place(s.from, s.to);
        if (right <= left || width === 0) return null;
        const days = `${s.from ? s.from.slice(0, 10) : "the beginning"} to ${s.to ? s.to.slice(0, 10) : "now"}`;
        const text = s.stage ? `Version ${s.version} tried, ${s.stage}: ${Math.round(s.share * 100)} % of requests, ${days}` : `Version ${s.version} served, ${days}: ${s.why}`;
        return s.stage ? (
          <span key={`${s.rollout}${s.stage}`} class="loop-trial" style={{ left: `${left}px`, width: `${Math.max(2, right - left)}px`, "--share": Math.max(0.12, s.share), "--lane": lane(s.version) }} title={text}>
            <span class="visually-hidden">{text}</span>
          </span>
        ) : (
          <span key={`${s.version}@${s.from ?? ""}`} class="loop-lane" style={{ left: `${left}px`, width: `${right - left}px`, "--lane": lane(s.version) }} title={text}>
            {right - left > 28 &&
              (page.model ? (
                <a href={href(`models/${enc(page.model)}/versions/${s.version}`)} data-page aria-label={`Version ${s.version}`}>
                  v{s.version}
                </a>
              ) : (
                <span aria-hidden="true">v{s.version}</span>
              ))}
            <span class="visually-hidden">{text}</span>
          </span>
        );
      })}
    </div>
  );
}

/** lane is the colour of a version. */
function lane(version: number): string {
  return `var(--series-${((version - 1) % 8) + 1})`;
}

function Crosshair({ cursor, x, page, width, domain }: { cursor: Signal<number | null>; x: (t: number) => number; page: LoopPage; width: number; domain: Domain }) {
  const i = cursor.value;
  if (i === null || page.points.start[i] === undefined || width === 0) return null;
  const from = page.points.start[i] as number;
  const to = page.points.end[i] as number;
  if (to <= domain[0] || from >= domain[1]) return null;
  const left = Math.max(0, x(from));
  return <div class="loop-cross" style={{ "--from": `${left}px`, width: `${Math.max(1, Math.min(width, x(to)) - left)}px` }} aria-hidden="true" />;
}

function QualityLegend({ quality, page }: { quality: LoopQuality; page: LoopPage }) {
  return (
    <ul class="loop-legend">
      <li>
        <i class="served" /> served
      </li>
      {quality.frozen && (
        <li>
          <i class="frozen" /> version {page.frozen}, frozen
        </li>
      )}
      {quality.estimated && (
        <li>
          <i class="estimated" /> estimated
        </li>
      )}
    </ul>
  );
}

function VolumeLegend({ held }: { held: boolean }) {
  return (
    <ul class="loop-legend">
      <li>
        <i class="labelled" /> labelled
      </li>
      {held && (
        <li>
          <i class="held" /> held
        </li>
      )}
    </ul>
  );
}

function DriftLegend() {
  return (
    <ul class="loop-legend across">
      <li>
        <i class="cell-ok" /> within its limit
      </li>
      <li>
        <i class="cell-suspect" /> beyond it once
      </li>
      <li>
        <i class="cell-drift" /> confirmed drift
      </li>
    </ul>
  );
}

/** borderText writes the border of a decision as its id does. */
export function decisionID(policy: string, seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return `${policy}@${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}T${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}`;
}

export { day };
