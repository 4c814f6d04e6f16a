// Paints the tracks of the timeline. Each paints into the whole of its canvas;
// more windows than pixels cost as much as the canvas is wide.
import type { Ink } from "../chart/draw";
import { cellRatio, cellState, px, type Domain } from "./scale";

/** Pad is a canvas in CSS pixels, ready to be drawn on. */
export interface Pad {
  ctx: CanvasRenderingContext2D;
  width: number;
  height: number;
  x: Domain;
  start: number[];
  end: number[];
  ink: Ink;
}

/** fit sizes a canvas to its box and gives it cleared. */
export function pad(canvas: HTMLCanvasElement, width: number, height: number, x: Domain, start: number[], end: number[], ink: Ink): Pad | undefined {
  const dpr = Math.max(1, window.devicePixelRatio || 1);
  const w = Math.max(1, Math.round(width * dpr));
  const h = Math.max(1, Math.round(height * dpr));
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const ctx = canvas.getContext("2d");
  if (!ctx) return undefined;
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height, x, start, end, ink };
}

/** visible are the indices of the windows in the span, with a neighbour at each side. */
function visible(p: Pad): [number, number] {
  let a = 0;
  while (a < p.end.length && (p.end[a] as number) < p.x[0]) a++;
  let b = p.start.length - 1;
  while (b > a && (p.start[b] as number) > p.x[1]) b--;
  return [Math.max(0, a - 1), Math.min(p.start.length - 1, b + 1)];
}

const mid = (p: Pad, i: number) => px(p.x, p.width, ((p.start[i] as number) + (p.end[i] as number)) / 2);

/** grid draws lines at values, and what they are at the left. */
export function grid(p: Pad, ticks: number[], y: (v: number) => number): void {
  p.ctx.strokeStyle = p.ink.line;
  p.ctx.lineWidth = 1;
  for (const t of ticks) {
    const at = Math.round(y(t)) + 0.5;
    p.ctx.beginPath();
    p.ctx.moveTo(0, at);
    p.ctx.lineTo(p.width, at);
    p.ctx.stroke();
  }
}

/** Line is a row of values with their interval. */
export interface Line {
  v: (number | null)[];
  lo?: (number | null)[] | undefined;
  hi?: (number | null)[] | undefined;
  color: string;
  width: number;
  dash: number[];
  dots: boolean;
}

/** alpha thins a colour of the tokens, which are six hexadecimal digits. */
function alpha(color: string, a: number): string {
  return color + Math.round(a * 255).toString(16).padStart(2, "0");
}

/** lines draws bands first, then the lines over them. */
export function lines(p: Pad, all: Line[], y: (v: number) => number): void {
  const [a, b] = visible(p);
  const { ctx } = p;
  for (const l of all) {
    if (!l.lo || !l.hi) continue;
    ctx.fillStyle = alpha(l.color, 0.16);
    let i = a;
    while (i <= b) {
      while (i <= b && (l.lo[i] == null || l.hi[i] == null)) i++;
      const from = i;
      while (i <= b && l.lo[i] != null && l.hi[i] != null) i++;
      if (i === from) continue;
      if (i - from === 1) {
        ctx.fillRect(mid(p, from) - 2, y(l.hi[from] as number), 4, y(l.lo[from] as number) - y(l.hi[from] as number));
        continue;
      }
      ctx.beginPath();
      for (let k = from; k < i; k++) ctx.lineTo(mid(p, k), y(l.hi[k] as number));
      for (let k = i - 1; k >= from; k--) ctx.lineTo(mid(p, k), y(l.lo[k] as number));
      ctx.fill();
    }
  }
  for (const l of all) {
    ctx.strokeStyle = ctx.fillStyle = l.color;
    ctx.lineWidth = l.width;
    ctx.setLineDash(l.dash);
    ctx.lineJoin = "round";
    ctx.beginPath();
    let pen = false;
    for (let i = a; i <= b; i++) {
      const v = l.v[i];
      if (v == null) {
        pen = false;
        continue;
      }
      if (pen) ctx.lineTo(mid(p, i), y(v));
      else ctx.moveTo(mid(p, i), y(v));
      pen = true;
    }
    ctx.stroke();
    ctx.setLineDash([]);
    for (let i = a; i <= b; i++) {
      const v = l.v[i];
      if (v == null) continue;
      const lone = l.v[i - 1] == null && l.v[i + 1] == null;
      if (!lone && !(l.dots && (b - a) * 14 < p.width)) continue;
      ctx.beginPath();
      ctx.arc(mid(p, i), y(v), 2.5, 0, 7);
      ctx.fill();
    }
  }
}

/** gains draws what was saved in each window, with its interval, around zero. */
export function gains(p: Pad, v: (number | null)[], lo: (number | null)[], hi: (number | null)[], y: (v: number) => number): void {
  const [a, b] = visible(p);
  const { ctx } = p;
  const zero = Math.round(y(0)) + 0.5;
  ctx.strokeStyle = p.ink.strong;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(0, zero);
  ctx.lineTo(p.width, zero);
  ctx.stroke();
  const dense = ((b - a + 1) * 5) / Math.max(1, p.width) > 1;
  for (let i = a; i <= b; i++) {
    const g = v[i];
    if (g == null) continue;
    const l = lo[i];
    const h = hi[i];
    const color = l != null && l > 0 ? p.ink.tone("ok") : h != null && h < 0 ? p.ink.tone("bad") : p.ink.strong;
    const x = mid(p, i);
    ctx.strokeStyle = ctx.fillStyle = color;
    if (l != null && h != null) {
      ctx.globalAlpha = dense ? 0.35 : 0.7;
      ctx.lineWidth = dense ? 1 : 1.5;
      ctx.beginPath();
      ctx.moveTo(x, y(h));
      ctx.lineTo(x, y(l));
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    if (dense) ctx.fillRect(x - 0.75, y(g) - 0.75, 1.5, 1.5);
    else {
      ctx.beginPath();
      ctx.arc(x, y(g), 2.75, 0, 7);
      ctx.fill();
    }
  }
}

/** volume draws rows, and in them those that have labels and those that are held. */
export function volume(p: Pad, rows: number[], labelled: number[], held: number[], most: number): void {
  const [a, b] = visible(p);
  const h = (n: number) => (most > 0 ? (n / most) * (p.height - 2) : 0);
  const { ctx } = p;
  for (let i = a; i <= b; i++) {
    const from = px(p.x, p.width, p.start[i] as number);
    const to = px(p.x, p.width, p.end[i] as number);
    const gap = to - from > 6 ? 1 : 0;
    const w = Math.max(1, to - from - gap);
    const bar = (n: number, color: string, under = 0) => {
      ctx.fillStyle = color;
      ctx.fillRect(from, p.height - h(n) - under, w, h(n));
    };
    bar(rows[i] as number, alpha(p.ink.strong, 0.3));
    bar(labelled[i] as number, alpha(p.ink.series(0), 0.5));
    if (held[i]) {
      const n = held[i] as number;
      ctx.fillStyle = p.ink.bg;
      ctx.fillRect(from, p.height - h(n), w, h(n));
      ctx.fillStyle = alpha(p.ink.tone("bad"), 0.85);
      ctx.save();
      ctx.beginPath();
      ctx.rect(from, p.height - h(n), w, h(n));
      ctx.clip();
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = p.ink.tone("bad");
      for (let s = from - p.height; s < to + p.height; s += 4) {
        ctx.beginPath();
        ctx.moveTo(s, p.height);
        ctx.lineTo(s + p.height, 0);
        ctx.stroke();
      }
      ctx.restore();
    }
  }
}

/** rowHeight is the height of a column of the drift. */
export const rowHeight = 20;

/**
 * drift draws a cell for each column and window: low where it is within its limit,
 * half high beyond it once, full where drift is confirmed, the stronger the farther.
 * Of windows that share a pixel the worst shows.
 */
export function drift(p: Pad, columns: Uint8Array[]): void {
  const [a, b] = visible(p);
  const { ctx } = p;
  const full = rowHeight - 5;
  columns.forEach((cells, row) => {
    const foot = row * rowHeight + rowHeight - 1;
    ctx.fillStyle = p.ink.line;
    ctx.fillRect(0, foot - 1, p.width, 1);
    let at = -1;
    let worst = 0;
    let wide = 1;
    const put = () => {
      if (at < 0 || worst >> 6 === 0) return;
      const state = cellState(worst);
      const ratio = cellRatio(worst);
      const height = state === 3 ? full : state === 2 ? full * 0.6 : 2 + Math.min(1, ratio) * 3;
      ctx.fillStyle = state === 3 ? p.ink.diverge(0.62 + 0.38 * Math.min(1, Math.max(0, ratio - 1) / 3)) : state === 2 ? p.ink.diverge(0.42) : alpha(p.ink.strong, 0.45);
      ctx.fillRect(at, foot - height, wide, height);
    };
    for (let i = a; i <= b && i < cells.length; i++) {
      const from = px(p.x, p.width, p.start[i] as number);
      const to = px(p.x, p.width, p.end[i] as number);
      const x = Math.floor(from);
      if (x === at && to - from < 1) {
        worst = Math.max(worst, cells[i] as number);
        continue;
      }
      put();
      at = x;
      worst = cells[i] as number;
      wide = to - from > 6 ? to - from - 1 : Math.max(1, Math.ceil(to) - x);
    }
    put();
  });
}
