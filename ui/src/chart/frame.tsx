// What stands around every chart: the words that a screen reader hears, the
// table that shows the same figures, and the width that a drawing follows.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Sheet is a chart as a table. */
export interface Sheet {
  head: string[];
  rows: string[][];
  note?: string; // when not every figure is in the rows
}

/** useWidth measures an element and follows its width; 0 before it is known. */
export function useWidth<T extends HTMLElement>(): [{ current: T | null }, number] {
  const box = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const read = () => setWidth(Math.round(host.clientWidth));
    read();
    const watch = new ResizeObserver(read);
    watch.observe(host);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

/** useNear says whether an element is on the screen or close to it. */
export function useNear(box: { current: HTMLElement | null }, margin = 600): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!box.current) return;
    const watch = new IntersectionObserver((all) => setNear(all[all.length - 1]?.isIntersecting ?? false), { rootMargin: `${margin}px` });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return near;
}

/** TableButton opens and closes the table of a chart. */
export function TableButton({ open, toggle, label }: { open: boolean; toggle: () => void; label: string }) {
  return (
    <button type="button" class="chart-table-button" aria-expanded={open} onClick={toggle} aria-label={`View ${label} as ${open ? "chart only" : "table"}`}>
      {open ? "Hide table" : "View as table"}
    </button>
  );
}

/** SheetTable shows a chart's figures. */
export function SheetTable({ sheet, label }: { sheet: Sheet; label: string }) {
  return (
    <div class="chart-sheet">
      <div class="scroll" tabIndex={0} role="region" aria-label={`${label} as table`}>
        <table>
          <thead>
            <tr>
              {sheet.head.map((h, i) => (
                <th key={i} scope="col" class={i ? "num" : undefined} title={h}>
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sheet.rows.map((row, r) => (
              <tr key={r}>
                {row.map((cell, i) => (i === 0 ? <th key={i} scope="row">{cell}</th> : <td key={i} class="num">{cell}</td>))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sheet.note && <p class="detail">{sheet.note}</p>}
    </div>
  );
}

interface FrameProps {
  label: string;
  /** hint tells what the keys do, after the label. */
  hint?: string;
  children: ComponentChildren;
  sheet?: () => Sheet;
  legend?: ComponentChildren;
  /** said is read out politely when it changes. */
  said?: string;
  class?: string;
  onKeyDown?: (e: KeyboardEvent) => void;
  onBlur?: () => void;
  width?: number; // px at most
}

/** Frame holds a drawing that takes focus, with legend and table below. */
export function Frame(p: FrameProps) {
  const [open, setOpen] = useState(false);
  return (
    <figure class={`chart-figure ${p.class ?? ""}`} style={p.width ? { maxWidth: `${p.width}px` } : undefined}>
      <div class="chart-focus" role={p.onKeyDown ? "application" : "img"} aria-roledescription={p.onKeyDown ? "chart" : undefined} tabIndex={p.onKeyDown ? 0 : undefined}
        aria-label={p.hint ? `${p.label}. ${p.hint}` : p.label} onKeyDown={p.onKeyDown} onBlur={p.onBlur}>
        {p.children}
      </div>
      {p.onKeyDown && <div class="visually-hidden" aria-live="polite">{p.said}</div>}
      {(p.legend || p.sheet) && (
        <div class="chart-foot">
          <div class="chart-legend">{p.legend}</div>
          {p.sheet && <TableButton open={open} toggle={() => setOpen(!open)} label={p.label} />}
        </div>
      )}
      {open && p.sheet && <SheetTable sheet={p.sheet()} label={p.label} />}
    </figure>
  );
}
