// A line in the height of a word, with its band and its last point.
import { useMemo } from "preact/hooks";
import { real } from "./draw";

interface Props {
  y: ArrayLike<number | null>;
  lo?: ArrayLike<number | null>;
  hi?: ArrayLike<number | null>;
  label: string;
  width?: number;
  height?: number;
  color?: number; // palette index
}

/** Spark draws values at equal distances; null and NaN are gaps. */
export function Spark({ y, lo, hi, label, width = 96, height = 24, color = 0 }: Props) {
  const d = useMemo(() => shape(y, lo, hi, width, height), [y, lo, hi, width, height]);
  return (
    <svg class="chart-spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label} style={{ color: `var(--series-${(color % 8) + 1})` }}>
      {d.band && <path d={d.band} fill="currentColor" opacity="0.18" />}
      <path d={d.line} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" />
      {d.end && <circle cx={d.end[0]} cy={d.end[1]} r="2" fill="currentColor" />}
    </svg>
  );
}

function shape(y: ArrayLike<number | null>, lo: Props["lo"], hi: Props["hi"], width: number, height: number) {
  // More points than pixels say nothing more: each column keeps its extremes by their order.
  const n = y.length;
  let min = Infinity;
  let max = -Infinity;
  for (const a of [y, lo, hi]) {
    for (let i = 0; a && i < a.length; i++) {
      const v = a[i];
      if (real(v)) {
        if (v < min) min = v;
        if (v > max) max = v;
      }
    }
  }
  if (min > max) return { line: "", band: "", end: undefined };
  if (min === max) {
    min -= 1;
    max += 1;
  }
  const px = (i: number) => (n === 1 ? width - 3 : 3 + ((width - 6) * i) / (n - 1));
  const py = (v: number) => height - 3 - ((height - 6) * (v - min)) / (max - min);
  const at = (i: number, v: number) => `${px(i).toFixed(1)} ${py(v).toFixed(1)}`;
  const stride = Math.max(1, Math.ceil(n / (width * 2)));
  let line = "";
  let pen = false;
  let end: [number, number] | undefined;
  for (let i = 0; i < n; i += stride) {
    let best: number | undefined;
    let where = i;
    for (let j = i; j < Math.min(n, i + stride); j++) {
      const v = y[j];
      if (real(v) && (best === undefined || Math.abs(v - (min + max) / 2) > Math.abs(best - (min + max) / 2))) [best, where] = [v, j];
    }
    if (best === undefined) {
      pen = false;
      continue;
    }
    const lone = !pen && !real(y[where + 1]);
    line += `${pen ? "L" : "M"}${at(where, best)}${lone ? "h.01" : ""}`;
    pen = true;
    end = [px(where), py(best)];
  }
  let band = "";
  if (lo && hi) {
    const up: string[] = [];
    const down: string[] = [];
    for (let i = 0; i < n; i += stride) {
      const [l, h] = [lo[i], hi[i]];
      if (!real(l) || !real(h)) continue;
      up.push(at(i, h));
      down.unshift(at(i, l));
    }
    if (up.length > 1) band = `M${up.join("L")}L${down.join("L")}Z`;
  }
  return { line, band, end };
}
