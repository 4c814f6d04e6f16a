// A square curve between 0 and 1: reliability with intervals and counts, ROC, PR.
import { useState } from "preact/hooks";
import { short } from "./draw";
import { Frame, useWidth } from "./frame";

interface Props {
  label: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  lo?: ArrayLike<number>;
  hi?: ArrayLike<number>;
  n?: ArrayLike<number>; // rows behind each point, drawn as bars at the bottom
  diagonal?: boolean;
  xLabel?: string;
  yLabel?: string;
  size?: number; // px at most
  points?: boolean; // default: when intervals or counts are given
  color?: number;
}

/** Curve draws points over the unit square; its side is the width of its place, at most size. */
export function Curve(p: Props) {
  const { label, x, y, lo, hi, n, diagonal, xLabel = "", yLabel = "", size = 320, color = 0 } = p;
  const [box, measured] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const width = Math.min(size, measured || size);
  const left = 44;
  const bottom = xLabel ? 40 : 24;
  const side = Math.max(40, width - left - 10);
  const height = side + bottom + 8;
  const px = (v: number) => left + side * Math.min(1, Math.max(0, v));
  const py = (v: number) => 8 + side * (1 - Math.min(1, Math.max(0, v)));
  const dots = p.points ?? (lo !== undefined || n !== undefined);
  const count = x.length;
  let d = "";
  for (let i = 0; i < count; i++) {
    const [a, b] = [x[i] as number, y[i] as number];
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    d += `${d ? "L" : "M"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`;
  }
  let most = 0;
  for (let i = 0; n && i < n.length; i++) most = Math.max(most, n[i] as number);
  const words = (i: number) =>
    `${xLabel || "x"} ${short(x[i] as number)}, ${yLabel || "y"} ${short(y[i] as number)}` +
    (lo && hi ? `, interval ${short(lo[i] as number)} to ${short(hi[i] as number)}` : "") + (n ? `, ${short(n[i] as number)} rows` : "");
  const keys = (e: KeyboardEvent) => {
    const stride = Math.max(1, Math.floor(count / 100));
    const to: Record<string, number> = { ArrowRight: at === null ? 0 : Math.min(count - 1, at + stride), ArrowLeft: at === null ? count - 1 : Math.max(0, at - stride), Home: 0, End: count - 1 };
    if (e.key === "Escape" && at !== null) {
      e.stopPropagation();
      return setAt(null);
    }
    if (!count || !(e.key in to)) return;
    e.preventDefault();
    setAt(to[e.key] as number);
  };
  const point = (e: MouseEvent) => {
    const r = (e.currentTarget as Element).getBoundingClientRect();
    let best = -1;
    let dist = Infinity;
    for (let i = 0; i < count; i++) {
      const q = (px(x[i] as number) - (e.clientX - r.left)) ** 2 + (py(y[i] as number) - (e.clientY - r.top)) ** 2;
      if (q < dist) [best, dist] = [i, q];
    }
    setAt(best < 0 ? null : best);
  };
  return (
    <Frame label={label} hint="The arrow keys move along the curve." said={at === null ? "" : words(at)} onKeyDown={keys} onBlur={() => setAt(null)} width={size} class="chart-square"
      legend={at !== null && <span class="chart-said" aria-hidden="true">{words(at)}</span>}
      sheet={() => sheetOf(p, xLabel || "x", yLabel || "y")}>
      <div ref={box}>
        <svg width={width} height={height} class="chart-curve" aria-hidden="true" onMouseMove={point} onMouseLeave={() => setAt(null)}>
          {[0, 0.25, 0.5, 0.75, 1].map((v) => (
            <g key={v}>
              <line x1={px(0)} x2={px(1)} y1={py(v)} y2={py(v)} class="grid" />
              <line x1={px(v)} x2={px(v)} y1={py(0)} y2={py(1)} class="grid" />
              <text x={left - 6} y={py(v) + 4} class="tick end">{v}</text>
              <text x={px(v)} y={py(0) + 16} class={v === 1 ? "tick end" : "tick mid"}>{v}</text>
            </g>
          ))}
          {diagonal && <line x1={px(0)} y1={py(0)} x2={px(1)} y2={py(1)} class="diagonal" />}
          {n && Array.from(n, (c, i) => <line key={i} x1={px(x[i] as number)} x2={px(x[i] as number)} y1={py(0)} y2={py(0) - 0.18 * side * (most ? c / most : 0)} class="counts" />)}
          <path d={d} fill="none" stroke={`var(--series-${(color % 8) + 1})`} stroke-width="2" stroke-linejoin="round" />
          {lo && hi && Array.from(x, (a, i) => Number.isFinite(lo[i] as number) && Number.isFinite(hi[i] as number) && (
            <line key={i} x1={px(a)} x2={px(a)} y1={py(lo[i] as number)} y2={py(hi[i] as number)} stroke={`var(--series-${(color % 8) + 1})`} stroke-width="1.5" opacity="0.7" />
          ))}
          {dots && Array.from(x, (a, i) => <circle key={i} cx={px(a)} cy={py(y[i] as number)} r="3" fill={`var(--series-${(color % 8) + 1})`} />)}
          {at !== null && at < count && <circle cx={px(x[at] as number)} cy={py(y[at] as number)} r="5" class="cursor" />}
          {xLabel && <text x={left + side / 2} y={height - 4} class="tick mid">{xLabel}</text>}
          {yLabel && <text transform={`translate(11 ${8 + side / 2}) rotate(-90)`} class="tick mid">{yLabel}</text>}
        </svg>
      </div>
    </Frame>
  );
}

function sheetOf({ x, y, lo, hi, n }: Props, xLabel: string, yLabel: string) {
  const stride = Math.max(1, Math.ceil(x.length / 200));
  const rows: string[][] = [];
  for (let i = 0; i < x.length; i += stride) {
    rows.push([short(x[i] as number), short(y[i] as number), ...(lo && hi ? [short(lo[i] as number), short(hi[i] as number)] : []), ...(n ? [short(n[i] as number)] : [])]);
  }
  return {
    head: [xLabel, yLabel, ...(lo && hi ? ["low", "high"] : []), ...(n ? ["rows"] : [])],
    rows,
    note: stride > 1 ? `Every ${stride}th of ${x.length} points.` : undefined,
  };
}
