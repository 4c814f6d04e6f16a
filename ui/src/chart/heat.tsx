// A matrix as a drawing: one canvas however many cells, with names at the left
// and at the bottom, a cursor for pointer and keys, and the same as a table.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { dark } from "../theme";
import { cut, ink, short } from "./draw";
import { Frame, useWidth } from "./frame";

interface Props {
  label: string;
  rows: string[];
  columns: string[];
  value: (r: number, c: number) => number | null;
  scale?: "sequential" | "diverging";
  /** max is the value of the strongest colour; the largest there is by default. */
  max?: number;
  title?: (r: number, c: number) => string;
  /** marks put a sign of one or two characters into a cell. */
  marks?: (r: number, c: number) => string;
  /** legend says what the shades mean, where they are not simply from 0 to the largest. */
  legend?: string;
  onPick?: (r: number, c: number) => void;
  rowHeight?: number;
}

const most = 2000; // cells of a table for people

/** Heat draws rows × columns; null is an empty cell. */
export function Heat(p: Props) {
  const { label, rows, columns, value, scale = "sequential", title, marks, onPick, rowHeight = 14 } = p;
  const [box, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<[number, number] | null>(null);
  const names = Math.min(Math.max(40, Math.min(26, Math.max(0, ...rows.map((r) => r.length))) * 6.6 + 12), Math.max(60, width * 0.4));
  const step = Math.max(0, (width - names) / Math.max(1, columns.length));
  const foot = 20;
  const height = rows.length * rowHeight + foot;
  const values = useMemo(() => rows.map((_, r) => columns.map((_, c) => value(r, c))), [rows, columns, value]);
  const top = p.max ?? Math.max(1e-300, ...values.map((row) => row.reduce<number>((m, v) => (v !== null && Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0)));
  const isDark = dark.value;
  useEffect(() => {
    const c = canvas.current;
    const ctx = c?.getContext("2d");
    if (!c || !ctx || width === 0) return;
    const dpr = devicePixelRatio || 1;
    c.width = Math.round(width * dpr);
    c.height = Math.round(height * dpr);
    ctx.scale(dpr, dpr);
    const col = ink(isDark);
    ctx.font = '450 11px "Inter Variable", system-ui, sans-serif';
    ctx.textBaseline = "middle";
    const gap = step > 6 ? 1 : 0;
    const seen = new Map<string, string>();
    values.forEach((row, r) => {
      row.forEach((v, k) => {
        const x = names + k * step;
        if (v === null || Number.isNaN(v)) return;
        const f = Math.max(-1, Math.min(1, v / top));
        const key = f.toFixed(2);
        let fill = seen.get(key);
        if (!fill) seen.set(key, (fill = scale === "diverging" ? col.diverge(f) : col.ramp(f)));
        ctx.fillStyle = fill;
        ctx.fillRect(x, r * rowHeight, Math.max(0.6, step - gap), rowHeight - (rowHeight > 6 ? 1 : 0));
        const m = marks?.(r, k);
        if (m && step >= 6) {
          ctx.fillStyle = (scale === "sequential" ? f > 0.5 : Math.abs(f) > 0.6) ? col.bg : col.text;
          ctx.textAlign = "center";
          ctx.fillText(m, x + (step - gap) / 2, r * rowHeight + rowHeight / 2);
        }
      });
      if (rowHeight >= 11) {
        ctx.fillStyle = col.muted;
        ctx.textAlign = "left";
        ctx.fillText(cut(rows[r]!, Math.floor((names - 8) / 6.2)), 0, r * rowHeight + rowHeight / 2);
      }
    });
    ctx.fillStyle = col.muted;
    const longest = Math.max(1, ...columns.map((n) => Math.min(16, n.length)));
    const each = Math.max(1, Math.ceil((longest * 6.4 + 10) / Math.max(0.01, step)));
    let free = names; // where the name before has ended
    columns.forEach((n, k) => {
      if (k % each) return;
      const x = names + (k + 0.5) * step;
      const text = cut(n, Math.max(3, Math.floor((each * step - 6) / 6)));
      const w = ctx.measureText(text).width;
      ctx.textAlign = "left";
      // The outermost names are moved inwards: they must not run into their neighbours.
      const left = Math.max(names, Math.min(x - w / 2, width - w));
      if (left < free) return;
      free = left + w + 8;
      ctx.fillText(text, left, rows.length * rowHeight + foot / 2 + 2);
    });
    if (at) {
      ctx.strokeStyle = col.accent;
      ctx.lineWidth = 2;
      ctx.strokeRect(names + at[1] * step, at[0] * rowHeight, Math.max(2, step - gap), rowHeight - 1);
    }
  }, [values, width, height, isDark, at, scale, top, marks, step, names]);

  const words = (r: number, c: number) => {
    const v = values[r]?.[c];
    return title ? title(r, c) : `${rows[r]}, ${columns[c]}: ${v == null ? "none" : short(v)}`;
  };
  const place = (e: MouseEvent): [number, number] | null => {
    const b = canvas.current!.getBoundingClientRect();
    const c = Math.floor((e.clientX - b.left - names) / step);
    const r = Math.floor((e.clientY - b.top) / rowHeight);
    return r >= 0 && r < rows.length && c >= 0 && c < columns.length ? [r, c] : null;
  };
  const keys = (e: KeyboardEvent) => {
    if (!rows.length || !columns.length) return;
    const [r, c] = at ?? [0, -1];
    const moves: Record<string, [number, number]> = {
      ArrowRight: [r, Math.min(columns.length - 1, c + 1)], ArrowLeft: [r, Math.max(0, c - 1)],
      ArrowDown: [Math.min(rows.length - 1, at ? r + 1 : 0), Math.max(0, c)], ArrowUp: [Math.max(0, r - 1), Math.max(0, c)],
      Home: [r, 0], End: [r, columns.length - 1],
    };
    if (e.key === "Escape" && at) {
      e.stopPropagation();
      return setAt(null);
    }
    if (e.key === "Enter" && at && onPick) {
      e.preventDefault();
      return onPick(at[0], at[1]);
    }
    const to = moves[e.key];
    if (!to) return;
    e.preventDefault();
    setAt(to);
  };
  const said = at ? words(at[0], at[1]) : "";
  return (
    <Frame label={label} hint={`The arrow keys move from cell to cell${onPick ? ", Enter opens one" : ""}.`} said={said} onKeyDown={keys} class="chart-heat"
      legend={<span class="chart-said" aria-hidden="true">{said || p.legend || `0 to ${short(top)}`}</span>}
      sheet={() => {
        const keep = Math.max(1, Math.floor(most / Math.max(1, columns.length)));
        return {
          head: ["", ...columns],
          rows: rows.slice(0, keep).map((name, r) => [name, ...columns.map((_, c) => (values[r]![c] == null ? "–" : short(values[r]![c] as number)))]),
          note: rows.length > keep ? `The first ${keep} of ${rows.length} rows.` : undefined,
        };
      }}>
      <div ref={box} style={{ height: `${height}px` }}>
        <canvas ref={canvas} style={{ width: "100%", height: `${height}px`, cursor: onPick ? "pointer" : undefined }} onMouseMove={(e) => {
          const to = place(e);
          if (to?.[0] !== at?.[0] || to?.[1] !== at?.[1]) setAt(to);
        }} onMouseLeave={() => setAt(null)} onClick={(e) => {
          const to = place(e);
          if (to && onPick) onPick(to[0], to[1]);
        }} />
      </div>
    </Frame>
  );
}
