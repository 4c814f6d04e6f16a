// Paints lines, bands, limits and spans into the plot of a chart. Of more points
// than pixels, each column of pixels keeps its first, lowest, highest and last,
// so that 100,000 points cost as much as the screen is wide.
import { dashOf, lowerBound, real, type Ink } from "./draw";
import { colorOf, type Limit, type Series, type Span } from "./series";

/** Field is the plot in device pixels, with the scales as numbers. */
export interface Field {
  ctx: CanvasRenderingContext2D;
  left: number;
  top: number;
  width: number;
  height: number;
  dpr: number;
  x: [number, number];
  y: [number, number];
  log: boolean;
}

function mapping(f: Field) {
  const kx = f.width / (f.x[1] - f.x[0] || 1);
  const tf = f.log ? (v: number) => Math.log10(v > 0 ? v : 1e-300) : (v: number) => v;
  const y0 = tf(f.y[0]);
  const ky = f.height / (tf(f.y[1]) - y0 || 1);
  const lo = f.top - 4 * f.height;
  const hi = f.top + 5 * f.height;
  return {
    px: (v: number) => f.left + (v - f.x[0]) * kx,
    // A value far outside is drawn at the edge of what a canvas can hold.
    py: (v: number) => Math.min(hi, Math.max(lo, f.top + f.height - (tf(v) - y0) * ky)),
  };
}

function clip(f: Field): void {
  f.ctx.save();
  f.ctx.beginPath();
  f.ctx.rect(f.left, f.top, f.width, f.height);
  f.ctx.clip();
}

/** paintSpans fills stretches of the x axis, behind everything. */
export function paintSpans(f: Field, spans: Span[], ink: Ink): void {
  const { px } = mapping(f);
  clip(f);
  let free = -Infinity;
  f.ctx.font = font(f);
  f.ctx.textBaseline = "top";
  f.ctx.textAlign = "left";
  for (const s of [...spans].sort((a, b) => a.from - b.from)) {
    const a = px(s.from);
    const b = Math.max(px(s.to), a + f.dpr);
    f.ctx.fillStyle = alpha(ink.tone(s.tone), 0.1);
    f.ctx.fillRect(a, f.top, b - a, f.height);
    f.ctx.fillStyle = alpha(ink.tone(s.tone), 0.55);
    f.ctx.fillRect(a, f.top + f.height - 3 * f.dpr, b - a, 3 * f.dpr);
    const from = Math.max(a, f.left) + 4 * f.dpr;
    const room = Math.min(b, f.left + f.width) - from - 4 * f.dpr;
    const text = f.ctx.measureText(s.label).width <= room ? s.label : ""; // the legend names those without room
    if (!text || from < free) continue;
    f.ctx.fillStyle = ink.tone(s.tone);
    f.ctx.fillText(text, from, f.top + f.height - 18 * f.dpr);
    free = from + f.ctx.measureText(text).width + 8 * f.dpr;
  }
  f.ctx.restore();
}

/** paintLimits draws values that lines are held against, with their names at the right. */
export function paintLimits(f: Field, limits: Limit[], ink: Ink): void {
  const { px, py } = mapping(f);
  clip(f);
  const taken: number[] = [];
  for (const l of limits) {
    f.ctx.strokeStyle = ink.tone(l.tone ?? "bad");
    f.ctx.lineWidth = f.dpr;
    f.ctx.setLineDash([2 * f.dpr, 3 * f.dpr]);
    f.ctx.beginPath();
    let y: number | undefined;
    if (l.value !== undefined) {
      y = py(l.value);
      f.ctx.moveTo(f.left, y);
      f.ctx.lineTo(f.left + f.width, y);
    }
    let pen = false;
    for (let i = 0; l.x && l.y && i < l.x.length; i++) {
      const v = l.y[i];
      if (!real(v)) {
        pen = false;
        continue;
      }
      if (pen) f.ctx.lineTo(px(l.x[i] as number), py(v));
      else f.ctx.moveTo(px(l.x[i] as number), py(v));
      pen = true;
      if ((l.x[i] as number) <= f.x[1]) y = py(v);
    }
    f.ctx.stroke();
    if (y === undefined || y < f.top || y > f.top + f.height) continue;
    let at = y - 15 * f.dpr < f.top ? y + 3 * f.dpr : y - 15 * f.dpr;
    while (taken.some((t) => Math.abs(t - at) < 14 * f.dpr) && at < f.top + f.height) at += 14 * f.dpr;
    taken.push(at);
    f.ctx.font = font(f);
    f.ctx.textAlign = "right";
    f.ctx.textBaseline = "top";
    f.ctx.lineJoin = "round";
    f.ctx.setLineDash([]);
    const text = fit(f.ctx, l.label, f.width * 0.6);
    f.ctx.strokeStyle = ink.bg; // a rim keeps the word readable over lines
    f.ctx.lineWidth = 3 * f.dpr;
    f.ctx.strokeText(text, f.left + f.width - 4 * f.dpr, at);
    f.ctx.fillStyle = ink.tone(l.tone ?? "bad");
    f.ctx.fillText(text, f.left + f.width - 4 * f.dpr, at);
  }
  f.ctx.restore();
}

/** paintMarks draws the lines of moments; their heads are buttons of the page. */
export function paintMarks(f: Field, marks: { x: number; tone?: Span["tone"] }[], ink: Ink): void {
  const { px } = mapping(f);
  clip(f);
  f.ctx.lineWidth = f.dpr;
  for (const m of marks) {
    f.ctx.strokeStyle = alpha(ink.tone(m.tone), 0.6);
    f.ctx.beginPath();
    const x = Math.round(px(m.x)) + 0.5 * (f.dpr % 2);
    f.ctx.moveTo(x, f.top);
    f.ctx.lineTo(x, f.top + f.height);
    f.ctx.stroke();
  }
  f.ctx.restore();
}

/** paintSeries draws all lines; one that is chosen comes last, and the others step back. */
export function paintSeries(f: Field, series: Series[], ink: Ink, chosen: number | null, hidden: ReadonlySet<number>): void {
  clip(f);
  const order = series.map((_, i) => i).filter((i) => !hidden.has(i));
  // What is grey lies below what has a colour, and the chosen line above all.
  const grey = (i: number) => colorOf(series, i) >= 8;
  order.sort((a, b) => Number(a === chosen) - Number(b === chosen) || Number(grey(b)) - Number(grey(a)));
  for (const i of order) {
    const s = series[i]!;
    const color = ink.series(colorOf(series, i));
    const back = chosen !== null && chosen !== i;
    f.ctx.globalAlpha = back ? 0.25 : grey(i) && i !== chosen && order.length > 24 ? 0.45 : 1;
    if (s.lo && s.hi) band(f, s, alpha(color, s.faint ? 0.12 : 0.18));
    line(f, s, color, s.faint ? 0.35 : 1, dashOf(colorOf(series, i), s.dash), i === chosen ? 2.5 : s.faint || (grey(i) && order.length > 24) ? 1 : order.length > 12 ? 1.5 : 1.75);
  }
  f.ctx.globalAlpha = 1;
  f.ctx.restore();
}

function window(f: Field, x: ArrayLike<number>): [number, number] {
  const a = Math.max(0, lowerBound(x, f.x[0]) - 1);
  let b = lowerBound(x, f.x[1]);
  while (b < x.length && (x[b] as number) <= f.x[1]) b++;
  return [a, Math.min(x.length - 1, b)];
}

function line(f: Field, s: Series, color: string, strength: number, dash: number[], width: number): void {
  const { ctx, dpr } = f;
  const { px, py } = mapping(f);
  const [a, b] = window(f, s.x);
  const many = b - a > 3 * f.width;
  const own = ctx.globalAlpha;
  ctx.globalAlpha = own * strength;
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.lineWidth = width * dpr;
  ctx.lineJoin = "round";
  ctx.lineCap = dash.length ? "butt" : "round";
  ctx.setLineDash(dash.map((d) => d * dpr));
  ctx.beginPath();
  const lone: [number, number][] = [];
  const far: [number, boolean][] = [];
  let pen = false;
  let before = 0;
  if (!many) {
    for (let i = a; i <= b; i++) {
      const v = s.y[i];
      if (!real(v) || (f.log && v <= 0)) {
        if (v != null && !Number.isNaN(v) && !f.log) far.push([px(s.x[i] as number), v > 0]);
        pen = false;
        continue;
      }
      const x = px(s.x[i] as number);
      const y = py(v);
      if (!pen) {
        ctx.moveTo(x, y);
        const next = s.y[i + 1];
        if (i === s.x.length - 1 || !real(next)) lone.push([x, y]);
      } else if (s.steps) {
        ctx.lineTo(x, before);
        ctx.lineTo(x, y);
      } else ctx.lineTo(x, y);
      before = y;
      pen = true;
    }
  } else {
    // Values are compared as they are, and only what is drawn is turned into pixels.
    const kx = f.width / (f.x[1] - f.x[0] || 1);
    let column = NaN;
    let min = 0;
    let max = 0;
    let last = 0;
    const flush = () => {
      if (Number.isNaN(column)) return;
      ctx.lineTo(column, py(min));
      if (max !== min) ctx.lineTo(column, py(max));
      if (last !== max) ctx.lineTo(column, py(last));
    };
    for (let i = a; i <= b; i++) {
      const v = s.y[i] as number;
      if (!real(v) || (f.log && v <= 0)) {
        flush();
        column = NaN;
        pen = false;
        continue;
      }
      const x = Math.round(f.left + ((s.x[i] as number) - f.x[0]) * kx);
      if (x === column) {
        if (v < min) min = v;
        if (v > max) max = v;
      } else {
        flush();
        if (pen) ctx.lineTo(x, py(v));
        else ctx.moveTo(x, py(v));
        column = x;
        min = max = v;
      }
      last = v;
      pen = true;
    }
    flush();
  }
  ctx.stroke();
  ctx.setLineDash([]);
  const dots = s.points ?? (!s.faint && b - a < 40 && f.width > 160 * dpr && (f.width / Math.max(1, b - a)) > 14 * dpr);
  if (dots && !many) for (let i = a; i <= b; i++) real(s.y[i]) && dot(f, px(s.x[i] as number), py(s.y[i] as number), 2.5, s, i);
  else for (const [x, y] of lone) dot(f, x, y, 2.5, s, -1);
  // An infinity lies beyond any axis: a small triangle at the edge says so.
  for (const [x, up] of far.slice(0, 200)) {
    const y = up ? f.top + dpr : f.top + f.height - dpr;
    const d = (up ? 6 : -6) * dpr;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x - 4 * dpr, y + d);
    ctx.lineTo(x + 4 * dpr, y + d);
    ctx.fill();
  }
  ctx.globalAlpha = own;
}

function dot(f: Field, x: number, y: number, r: number, s: Series, i: number): void {
  f.ctx.beginPath();
  f.ctx.arc(x, y, r * f.dpr, 0, 2 * Math.PI);
  f.ctx.fill();
  // A band needs two neighbours; a lone point shows its interval as a bar.
  if (i < 0 || !s.lo || !s.hi || real(s.y[i - 1]) || real(s.y[i + 1]) || !real(s.lo[i]) || !real(s.hi[i])) return;
  const { py } = mapping(f);
  f.ctx.beginPath();
  f.ctx.moveTo(x, py(s.lo[i] as number));
  f.ctx.lineTo(x, py(s.hi[i] as number));
  f.ctx.lineWidth = 1.5 * f.dpr;
  f.ctx.stroke();
}

function band(f: Field, s: Series, fill: string): void {
  const { px, py } = mapping(f);
  const [a, b] = window(f, s.x);
  const stride = Math.max(1, Math.floor((b - a) / (2 * f.width)));
  f.ctx.fillStyle = fill;
  let up: [number, number][] = [];
  let down: [number, number][] = [];
  const flush = () => {
    if (up.length > 1) {
      f.ctx.beginPath();
      for (const [x, y] of up) f.ctx.lineTo(x, y);
      for (let i = down.length - 1; i >= 0; i--) f.ctx.lineTo(down[i]![0], down[i]![1]);
      f.ctx.fill();
    }
    up = [];
    down = [];
  };
  for (let i = a; i <= b; i += stride) {
    const l = s.lo![i];
    const h = s.hi![i];
    if (!real(l) || !real(h)) {
      flush();
      continue;
    }
    const x = px(s.x[i] as number);
    if (s.steps && up.length) {
      up.push([x, up[up.length - 1]![1]]);
      down.push([x, down[down.length - 1]![1]]);
    }
    up.push([x, py(h)]);
    down.push([x, py(l)]);
  }
  flush();
}

function font(f: Field): string {
  return `500 ${11 * f.dpr}px "Inter Variable", system-ui, sans-serif`;
}

/** fit cuts a text to a width in pixels; "" when nothing of it fits. */
export function fit(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (room < 16) return "";
  if (ctx.measureText(text).width <= room) return text;
  let lo = 0;
  let hi = text.length;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (ctx.measureText(`${text.slice(0, mid)}…`).width <= room) lo = mid;
    else hi = mid - 1;
  }
  return lo < 2 ? "" : `${text.slice(0, lo)}…`;
}

function alpha(color: string, a: number): string {
  return color + Math.round(a * 255).toString(16).padStart(2, "0");
}
