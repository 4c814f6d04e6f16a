// The windows of the timeline as a table: the same figures in words. Only the rows
// that can be seen are in the page.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { LoopMark, LoopPage } from "../api_gen";
import { count, figure } from "../format";
import { href } from "../router";
import { Glyph, glyphTone, markWord } from "./marks";
import { decisionID, openOf, type Opened } from "./timeline";
import { between, bounded, metricLabel, spanText } from "./words";

const line = 30;
const viewport = 420;

interface Props {
  page: LoopPage;
  metric: string;
  cursor: Signal<number | null>;
  open: (o: Opened | { kind: "rollout"; id: string }) => void;
}

/** WindowTable lists the windows, the newest first. */
export function WindowTable({ page, metric, cursor, open }: Props) {
  const { points } = page;
  const n = points.start.length;
  const [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const at = cursor.value;
  const row = (i: number) => n - 1 - i;
  useEffect(() => {
    const b = box.current;
    if (at === null || !b || b.contains(document.activeElement)) return;
    const y = row(at) * line;
    if (y < b.scrollTop) b.scrollTop = y;
    else if (y > b.scrollTop + viewport - 3 * line) b.scrollTop = y - viewport + 3 * line;
  }, [at]);
  const first = Math.max(0, Math.floor(top / line) - 6);
  const last = Math.min(n, Math.ceil((top + viewport) / line) + 6);
  const quality = page.quality.find((q) => q.metric === metric);
  const held = page.summary.held > 0;
  const gain = points.gain.some((v) => v !== null);
  const drifts = page.columns.length > 0;
  // Marks by the window that holds them.
  const marks = new Map<number, LoopMark[]>();
  for (const m of page.marks) {
    const t = Date.parse(m.at) / 1000;
    let lo = 0;
    let hi = n - 1;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if ((points.end[mid] as number) > t) hi = mid;
      else lo = mid + 1;
    }
    if (n > 0) marks.set(lo, [...(marks.get(lo) ?? []), m]);
  }
  const rows = [];
  for (let k = first; k < last; k++) {
    const i = row(k);
    const start = points.start[i] as number;
    const end = points.end[i] as number;
    const decided = points.decided[i];
    rows.push(
      <tr key={start} style={{ height: `${line}px` }} class={at === i ? "chosen" : undefined} aria-rowindex={k + 2} onMouseEnter={() => (cursor.value = i)}>
        <th scope="row">
          {decided && page.policy ? (
            <a
              data-row
              href={href(`loop/${encodeURIComponent(page.endpoint)}`, { decision: decisionID(page.policy.name, decided) })}
              title="What was decided on this window"
              onClick={(e) => {
                if (e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return;
                e.preventDefault();
                open({ kind: "decision", id: decisionID(page.policy?.name ?? "", decided) });
              }}
              onFocus={() => (cursor.value = i)}
            >
              {spanText(start, end)}
            </a>
          ) : (
            spanText(start, end)
          )}
          {points.open[i] && <span class="detail"> labels to come</span>}
        </th>
        <td>{points.served[i] ? `v${points.served[i]}` : "–"}</td>
        <td class="num">{count(points.rows[i] ?? 0)}</td>
        <td class="num less">{count(points.labelled[i] ?? 0)}</td>
        {held && <td class="num">{points.held[i] ? count(points.held[i] ?? 0) : "–"}</td>}
        {quality && <td class="num">{bounded(quality.value[i], quality.lo[i], quality.hi[i], (v) => figure(v))}</td>}
        {quality?.frozen && <td class="num less">{bounded(quality.frozen[i])}</td>}
        {gain && <td class="num">{between(points.gain[i], points.gainLo[i], points.gainHi[i])}</td>}
        {drifts && <td class="num">{points.drifted[i] ? count(points.drifted[i] ?? 0) : "–"}</td>}
        <td class="loop-what">
          {(marks.get(i) ?? []).map((m) => (
            <button key={m.id} type="button" class={`loop-chip ${glyphTone(m)}`} title={m.text} onClick={() => open(openOf(m))}>
              <Glyph what={m.what} size={11} />
              {markWord(m)}
            </button>
          ))}
        </td>
      </tr>,
    );
  }
  return (
    <div ref={box} class="scroll loop-windows" tabIndex={0} role="region" aria-label="Table of the windows" style={{ maxHeight: `${viewport}px` }} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
      <table class="listing" aria-rowcount={n + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">{page.each > 1 ? `${page.each} windows` : "Window"}</th>
            <th scope="col">Served</th>
            <th scope="col" class="num">
              Rows
            </th>
            <th scope="col" class="num less">
              Labelled
            </th>
            {held && (
              <th scope="col" class="num">
                Held
              </th>
            )}
            {quality && (
              <th scope="col" class="num">
                {metricLabel(metric)}
              </th>
            )}
            {quality?.frozen && (
              <th scope="col" class="num less">
                Frozen v{page.frozen}
              </th>
            )}
            {gain && (
              <th scope="col" class="num">
                Saved per row
              </th>
            )}
            {drifts && (
              <th scope="col" class="num">
                Drift
              </th>
            )}
            <th scope="col">What happened</th>
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr aria-hidden="true" style={{ height: `${first * line}px` }} />}
          {rows}
          {last < n && <tr aria-hidden="true" style={{ height: `${(n - last) * line}px` }} />}
        </tbody>
      </table>
    </div>
  );
}
