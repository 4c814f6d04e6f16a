// Parallel coordinates on a canvas: one line per run through its values on each
// axis. A drag along an axis keeps the lines that pass there; so do two fields
// below for those without a pointer.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { dark } from "../theme";
import { cut, ink, real, short } from "./draw";
import { Frame, useWidth } from "./frame";

/** Axis is one measure. Values that are no numbers are placed by their order. */
export interface Axis {
  id: string;
  label: string;
  values: (number | string | null | undefined)[]; // one per line
}

interface Props {
  label: string;
  axes: Axis[];
  names: string[]; // of the lines
  colors?: (number | undefined)[];
  chosen?: number | null;
  onBrush?: (kept: boolean[]) => void;
  onPick?: (i: number) => void;
  height?: number;
}

interface Scale {
  numeric: boolean;
  min: number;
  max: number;
  ranks?: Map<string, number>;
}

const right = 52;
const left = 26;
const top = 36;
const bottom = 24;

/** Parallel draws a line per name; a brush is [low, high] in 0…1 of an axis. */
export function Parallel({ label, axes, names, colors, chosen, onBrush, onPick, height = 300 }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [brushes, setBrushes] = useState<Record<string, [number, number]>>({});
  const [at, setAt] = useState<number | null>(null);
  const [axis, setAxis] = useState(0);
  const drag = useRef<{ axis: number; from: number } | null>(null);
  const isDark = dark.value;
  const scales = useMemo(() => axes.map(scaleOf), [axes]);
  const places = useMemo(() => names.map((_, i) => axes.map((a, k) => place(scales[k]!, a.values[i]))), [axes, names, scales]);
  const kept = useMemo(() => places.map((row) => axes.every((a, k) => {
    const b = brushes[a.id];
    const v = row[k];
    return !b || (v != null && v >= b[0] - 1e-9 && v <= b[1] + 1e-9);
  })), [places, brushes, axes]);
  useEffect(() => onBrush?.(kept), [kept]);
  const px = (k: number) => (axes.length < 2 ? width / 2 : left + ((width - left - right) * k) / (axes.length - 1));
  const py = (v: number) => top + (height - top - bottom) * (1 - v);
  useEffect(() => {
    const c = canvas.current;
    const ctx = c?.getContext("2d");
    if (!c || !ctx || !width) return;
    const dpr = devicePixelRatio || 1;
    c.width = Math.round(width * dpr);
    c.height = Math.round(height * dpr);
    ctx.scale(dpr, dpr);
    const col = ink(isDark);
    ctx.lineJoin = "round";
    const draw = (i: number, strong: boolean) => {
      ctx.beginPath();
      let pen = false;
      places[i]!.forEach((v, k) => {
        if (v == null) {
          pen = false;
          return;
        }
        if (pen) ctx.lineTo(px(k), py(v));
        else ctx.moveTo(px(k), py(v));
        pen = true;
      });
      ctx.lineWidth = strong ? 3 : 1.25;
      ctx.stroke();
    };
    const lit = at ?? chosen ?? null;
    names.forEach((_, i) => {
      if (i === lit) return;
      ctx.globalAlpha = kept[i] ? (names.length > 60 ? 0.55 : 0.85) : 0.12;
      // Many lines are coloured by where they end: what leads to a high value is seen.
      const end = places[i]![axes.length - 1];
      ctx.strokeStyle = !kept[i] ? col.strong : names.length <= 8 ? col.series(colors?.[i] ?? i) : end == null ? col.strong : col.ramp(0.3 + 0.7 * end);
      draw(i, false);
    });
    ctx.globalAlpha = 1;
    if (lit !== null && places[lit]) {
      ctx.strokeStyle = col.series(colors?.[lit] ?? 1);
      draw(lit, true);
    }
    ctx.font = '500 11px "Inter Variable", system-ui, sans-serif';
    const room = axes.length < 2 ? width : (width - left - right) / (axes.length - 1);
    axes.forEach((a, k) => {
      const x = px(k);
      ctx.strokeStyle = k === axis ? col.text : col.strong;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(x, py(0));
      ctx.lineTo(x, py(1));
      ctx.stroke();
      ctx.fillStyle = k === axis ? col.text : col.muted;
      ctx.textAlign = k === 0 ? "left" : k === axes.length - 1 ? "right" : "center";
      const tx = k === 0 ? 0 : k === axes.length - 1 ? width : x;
      ctx.fillText(cut(a.label, Math.max(4, Math.floor(room / 6.4) - 1)), tx, k % 2 && room < 70 ? 26 : 13);
      ctx.textAlign = "left";
      const words = ends(scales[k]!);
      for (const [v, text] of words) {
        ctx.strokeStyle = col.bg; // a rim keeps the word readable over lines
        ctx.lineWidth = 3;
        const t = cut(text, Math.max(4, Math.floor(Math.min(room, 90) / 6.4) - 1));
        ctx.strokeText(t, x + 5, py(v) + 4);
        ctx.fillStyle = col.muted;
        ctx.fillText(t, x + 5, py(v) + 4);
      }
      const b = brushes[a.id];
      if (b) {
        ctx.fillStyle = `${col.accent}33`;
        ctx.strokeStyle = col.accent;
        ctx.lineWidth = 1.5;
        ctx.fillRect(x - 7, py(b[1]), 14, Math.max(2, py(b[0]) - py(b[1])));
        ctx.strokeRect(x - 7, py(b[1]), 14, Math.max(2, py(b[0]) - py(b[1])));
      }
    });
  }, [places, kept, width, height, isDark, at, chosen, brushes, axis, colors]);

  const spot = (e: MouseEvent) => {
    const b = canvas.current!.getBoundingClientRect();
    const x = e.clientX - b.left;
    const k = axes.length < 2 ? 0 : Math.round(((x - left) / (width - left - right)) * (axes.length - 1));
    const v = 1 - (e.clientY - b.top - top) / (height - top - bottom);
    return { k: Math.max(0, Math.min(axes.length - 1, k)), v: Math.max(0, Math.min(1, v)), far: Math.abs(x - px(Math.max(0, Math.min(axes.length - 1, k)))), x, y: e.clientY - b.top };
  };
  const closest = (x: number, y: number) => {
    let best: number | null = null;
    let dist = 12;
    places.forEach((row, i) => {
      if (!kept[i]) return;
      for (let k = 0; k + 1 < axes.length; k++) {
        const [a, b] = [row[k], row[k + 1]];
        if (a == null || b == null || x < px(k) || x > px(k + 1)) continue;
        const f = (x - px(k)) / (px(k + 1) - px(k));
        const d = Math.abs(py(a + (b - a) * f) - y);
        if (d < dist) [best, dist] = [i, d];
      }
    });
    return best;
  };
  const brush = (k: number, b: [number, number] | null) => {
    const id = axes[k]?.id;
    if (id === undefined) return;
    const next = { ...brushes };
    if (b) next[id] = b;
    else delete next[id];
    setBrushes(next);
  };
  const keys = (e: KeyboardEvent) => {
    const live = kept.flatMap((ok, i) => (ok ? [i] : []));
    const n = at === null ? -1 : live.indexOf(at);
    if (e.key === "ArrowRight") setAxis(Math.min(axes.length - 1, axis + 1));
    else if (e.key === "ArrowLeft") setAxis(Math.max(0, axis - 1));
    else if (e.key === "ArrowDown" && live.length) setAt(live[Math.min(live.length - 1, n + 1)] as number);
    else if (e.key === "ArrowUp" && live.length) setAt(live[Math.max(0, n < 0 ? live.length - 1 : n - 1)] as number);
    else if (e.key === "Enter" && at !== null && onPick) onPick(at);
    else if (e.key === "Escape" && (at !== null || Object.keys(brushes).length)) {
      if (at !== null) setAt(null);
      else setBrushes({});
    } else if (e.key === "[" || e.key === "]") {
      // Around the line that is lit, a tenth of the axis to both sides; again to widen.
      const v = at === null ? 0.5 : (places[at]![axis] ?? 0.5);
      const b = brushes[axes[axis]?.id ?? ""] ?? [v, v];
      const by = e.key === "]" ? 0.1 : -0.1;
      const to: [number, number] = [Math.max(0, b[0] - by), Math.min(1, b[1] + by)];
      brush(axis, to[1] <= to[0] || (to[0] === 0 && to[1] === 1) ? null : to);
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const count = kept.filter(Boolean).length;
  const said = at === null ? `${axes[axis]?.label ?? ""}: ${count} of ${names.length} lines kept` : `${names[at]}: ${axes.map((a) => `${a.label} ${word(a.values[at])}`).join(", ")}`;
  return (
    <Frame label={label} hint="Left and right choose an axis, up and down a line, ] and [ widen and narrow what is kept, Escape keeps all." said={said} onKeyDown={keys} onBlur={() => setAt(null)}
      legend={<span class="chart-said" aria-hidden="true">{at !== null ? said : Object.keys(brushes).length ? `${count} of ${names.length} kept. Esc or a click on the axis keeps all.` : "Drag along an axis to keep the lines that pass there."}</span>}
      sheet={() => ({ head: ["", ...axes.map((a) => a.label)], rows: names.flatMap((n, i) => (kept[i] ? [[n, ...axes.map((a) => word(a.values[i]))]] : [])).slice(0, 500) })}>
      <div ref={box} style={{ height: `${height}px` }}>
        <canvas ref={canvas} style={{ width: "100%", height: `${height}px`, display: "block", touchAction: "pan-y" }}
          onMouseDown={(e) => {
            const s = spot(e);
            if (s.far < 16) drag.current = { axis: s.k, from: s.v };
          }}
          onMouseMove={(e) => {
            const s = spot(e);
            if (drag.current) {
              const { axis: k, from } = drag.current;
              brush(k, [Math.min(from, s.v), Math.max(from, s.v)]);
            } else setAt(closest(s.x, s.y));
          }}
          onMouseUp={(e) => {
            const d = drag.current;
            drag.current = null;
            if (d && Math.abs(d.from - spot(e).v) < 0.02) brush(d.axis, null);
            else if (!d && at !== null) onPick?.(at);
          }}
          onMouseLeave={() => {
            drag.current = null;
            setAt(null);
          }} />
      </div>
    </Frame>
  );
}

function word(v: number | string | null | undefined): string {
  return v == null ? "–" : typeof v === "number" ? short(v) : v;
}

function scaleOf(a: Axis): Scale {
  const given = a.values.filter((v) => v != null && v !== "");
  const numbers = given.map(Number);
  if (given.length && numbers.every((n) => real(n))) {
    let min = Infinity;
    let max = -Infinity;
    for (const n of numbers) {
      if (n < min) min = n;
      if (n > max) max = n;
    }
    return { numeric: true, min, max };
  }
  const words = [...new Set(given.map(String))].sort((x, y) => x.localeCompare(y, "en", { numeric: true }));
  return { numeric: false, min: 0, max: words.length - 1, ranks: new Map(words.map((w, i) => [w, i])) };
}

function place(s: Scale, v: number | string | null | undefined): number | null {
  if (v == null || v === "") return null;
  const n = s.numeric ? Number(v) : s.ranks?.get(String(v));
  if (n === undefined || !real(n)) return null;
  return s.max === s.min ? 0.5 : (n - s.min) / (s.max - s.min);
}

function ends(s: Scale): [number, string][] {
  if (s.numeric) return s.max === s.min ? [[0.5, short(s.min)]] : [[0, short(s.min)], [1, short(s.max)]];
  const all = [...(s.ranks ?? [])];
  const each = Math.max(1, Math.ceil(all.length / 8));
  return all.filter(([, i]) => i % each === 0).map(([w, i]) => [s.max === s.min ? 0.5 : (i - s.min) / (s.max - s.min), w]);
}
