// Points over two measures, one per run or version, on a canvas: thousands are
// drawn at once, the closest to the pointer is named, and the keys walk by x.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { dark } from "../theme";
import { ink, niceStep, real, short } from "./draw";
import { Frame, useWidth } from "./frame";

/** Dot is one point; color is an index into the palette. */
export interface Dot {
  id: string;
  label: string;
  x: number;
  y: number;
  color?: number;
}

interface Props {
  label: string;
  points: Dot[];
  xLabel: string;
  yLabel: string;
  height?: number;
  chosen?: string | null;
  onPick?: (id: string) => void;
  onHover?: (id: string | null) => void;
}

/** Scatter draws the points that have both values. */
export function Scatter({ label, points, xLabel, yLabel, height = 280, chosen, onPick, onHover }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const shown = useMemo(() => points.filter((p) => real(p.x) && real(p.y)).sort((a, b) => a.x - b.x), [points]);
  const isDark = dark.value;
  const area = { left: 56, top: 10, right: 14, bottom: 40 };
  const [xr, yr] = [range(shown.map((p) => p.x)), range(shown.map((p) => p.y))];
  const px = (v: number) => area.left + ((width - area.left - area.right) * (v - xr[0])) / (xr[1] - xr[0]);
  const py = (v: number) => height - area.bottom - ((height - area.top - area.bottom) * (v - yr[0])) / (yr[1] - yr[0]);
  useEffect(() => {
    const c = canvas.current;
    const ctx = c?.getContext("2d");
    if (!c || !ctx || !width) return;
    const dpr = devicePixelRatio || 1;
    c.width = Math.round(width * dpr);
    c.height = Math.round(height * dpr);
    ctx.scale(dpr, dpr);
    const col = ink(isDark);
    ctx.font = '500 11px "Inter Variable", system-ui, sans-serif';
    ctx.lineWidth = 1;
    const xs = tickList(xr, Math.max(3, Math.floor(width / 80)));
    const ys = tickList(yr, Math.max(3, Math.floor(height / 44)));
    ctx.fillStyle = col.muted;
    ctx.strokeStyle = col.line;
    for (const v of xs) {
      line(ctx, px(v), area.top, px(v), height - area.bottom);
      ctx.textAlign = "center";
      ctx.fillText(short(v), px(v), height - area.bottom + 15);
    }
    for (const v of ys) {
      line(ctx, area.left, py(v), width - area.right, py(v));
      ctx.textAlign = "right";
      ctx.fillText(short(v), area.left - 6, py(v) + 4);
    }
    ctx.strokeStyle = col.strong;
    line(ctx, area.left, height - area.bottom, width - area.right, height - area.bottom);
    ctx.textAlign = "center";
    ctx.fillText(fitted(ctx, xLabel, width - area.left - area.right), (area.left + width - area.right) / 2, height - 6);
    ctx.save();
    ctx.translate(11, (height - area.bottom + area.top) / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(fitted(ctx, yLabel, height - area.bottom - area.top), 0, 0);
    ctx.restore();
    const r = shown.length > 400 ? 3 : 4.5;
    shown.forEach((p, i) => {
      const on = i === at || p.id === chosen;
      ctx.globalAlpha = on || shown.length < 60 ? 1 : 0.75;
      ctx.fillStyle = col.series(p.color ?? 0);
      ctx.beginPath();
      ctx.arc(px(p.x), py(p.y), on ? r + 2 : r, 0, 2 * Math.PI);
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.strokeStyle = on ? col.text : col.bg;
      ctx.lineWidth = on ? 2 : 1;
      ctx.stroke();
    });
  }, [shown, width, height, isDark, at, chosen, xLabel, yLabel]);
  const choose = (i: number | null) => {
    setAt(i);
    onHover?.(i === null ? null : (shown[i]?.id ?? null));
  };
  const near = (e: MouseEvent) => {
    const b = canvas.current!.getBoundingClientRect();
    let best: number | null = null;
    let dist = 400;
    shown.forEach((p, i) => {
      const d = (px(p.x) - (e.clientX - b.left)) ** 2 + (py(p.y) - (e.clientY - b.top)) ** 2;
      if (d < dist) [best, dist] = [i, d];
    });
    return best;
  };
  const keys = (e: KeyboardEvent) => {
    const last = shown.length - 1;
    const to: Record<string, number> = { ArrowRight: at === null ? 0 : Math.min(last, at + 1), ArrowLeft: at === null ? last : Math.max(0, at - 1), Home: 0, End: last };
    if (e.key === "Escape" && at !== null) choose(null);
    else if (e.key === "Enter" && at !== null && onPick) onPick(shown[at]!.id);
    else if (last >= 0 && e.key in to) choose(to[e.key] as number);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const one = at === null ? undefined : shown[at];
  const said = one ? `${one.label}: ${xLabel} ${short(one.x)}, ${yLabel} ${short(one.y)}` : "";
  const lost = points.length - shown.length;
  return (
    <Frame label={label} hint={`The arrow keys move from point to point${onPick ? ", Enter opens one" : ""}.`} said={said} onKeyDown={keys} onBlur={() => choose(null)}
      legend={<span class="chart-said" aria-hidden="true">{said || (lost ? `${lost} of ${points.length} have no value for both.` : "")}</span>}
      sheet={() => ({ head: ["", xLabel, yLabel], rows: shown.slice(0, 500).map((p) => [p.label, short(p.x), short(p.y)]), note: shown.length > 500 ? `The first 500 of ${shown.length}.` : undefined })}>
      <div ref={box} style={{ height: `${height}px` }}>
        <canvas ref={canvas} style={{ width: "100%", height: `${height}px`, display: "block", cursor: onPick && at !== null ? "pointer" : undefined }} onMouseMove={(e) => {
          const i = near(e);
          if (i !== at) choose(i);
        }} onMouseLeave={() => choose(null)} onClick={() => one && onPick?.(one.id)} />
      </div>
    </Frame>
  );
}

function range(all: number[]): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (const v of all) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
  if (min > max) return [0, 1];
  const pad = (max - min) * 0.06 || Math.abs(max) * 0.1 || 1;
  return [min - pad, max + pad];
}

function tickList([min, max]: [number, number], most: number): number[] {
  const step = niceStep((max - min) / most);
  const out: number[] = [];
  for (let i = Math.ceil(min / step); i * step <= max && out.length < 50; i++) out.push(i * step);
  return out;
}

function line(ctx: CanvasRenderingContext2D, a: number, b: number, c: number, d: number): void {
  ctx.beginPath();
  ctx.moveTo(a, b);
  ctx.lineTo(c, d);
  ctx.stroke();
}

function fitted(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  let t = text;
  while (t.length > 3 && ctx.measureText(t).width > room) t = `${t.slice(0, -2)}…`;
  return t;
}
