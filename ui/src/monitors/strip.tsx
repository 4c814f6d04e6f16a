// The windows of a monitor in a row: rows as bars, what was found as marks. One is
// chosen, by a click or by the arrow keys, and with Shift another one to compare with.
import type { MonitorPage } from "../api_gen";
import { useWidth } from "../chart/frame";
import { count } from "../format";
import { driftWords } from "./words";

interface Props {
  m: MonitorPage;
  chosen: number;
  against: number; // −1: none
  choose: (i: number) => void;
  compare: (i: number) => void;
}

const height = 56;
const floor = 40; // below it stand the marks

/** Strip draws the windows. */
export function Strip({ m, chosen, against, choose, compare }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const w = m.windows;
  const n = w.start.length;
  const step = width / Math.max(1, n);
  const most = Math.max(1, ...w.rows);
  const bar = Math.max(1, Math.min(step - (step > 4 ? 1 : 0), 40));
  const x = (i: number) => i * step + (step - bar) / 2;
  const keys = (e: KeyboardEvent) => {
    const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: n - 1, PageUp: chosen - 10, PageDown: chosen + 10 }[e.key];
    if (to === undefined || e.metaKey || e.ctrlKey || e.altKey) return;
    e.preventDefault();
    choose(Math.min(n - 1, Math.max(0, to)));
  };
  const click = (e: MouseEvent) => {
    const left = (e.currentTarget as Element).getBoundingClientRect().left;
    const i = Math.min(n - 1, Math.max(0, Math.floor((e.clientX - left) / step)));
    if (e.shiftKey) compare(i === chosen ? -1 : i);
    else choose(i);
  };
  const worst = (i: number) => m.drift.state.reduce((s, column) => Math.max(s, column[i] === 3 ? 3 : 0), 0);
  return (
    <div
      ref={box}
      class="monitors-strip"
      role="slider"
      tabIndex={0}
      aria-label="Window"
      aria-valuemin={1}
      aria-valuemax={n}
      aria-valuenow={chosen + 1}
      aria-valuetext={words(m, chosen)}
      onKeyDown={keys}
      onClick={click}
      style={{ height }}
    >
      {width > 0 && (
        <svg width={width} height={height} aria-hidden="true" focusable="false">
          {w.rows.map((rows, i) => {
            const h = (v: number) => (v / most) * (floor - 6);
            const clean = rows - (w.held[i] ?? 0) - (w.quarantined[i] ?? 0);
            const all = h(rows);
            return (
              <g key={i}>
                <title>{words(m, i)}</title>
                <rect x={i * step} y={0} width={step} height={height} class={i === chosen ? "chosen" : i === against ? "against" : "free"} />
                <rect x={x(i)} y={floor - all} width={bar} height={all} class="kept-out" />
                <rect x={x(i)} y={floor - h(clean)} width={bar} height={h(clean)} class="clean" />
                <rect x={x(i)} y={floor - h(w.labelled[i] ?? 0)} width={bar} height={h(w.labelled[i] ?? 0)} class="labelled" />
                {(w.held[i] ?? 0) > 0 && <path d={diamond(i * step + step / 2, 49, 4)} class="fault" />}
                {(w.held[i] ?? 0) === 0 && worst(i) === 3 && <path d={triangle(i * step + step / 2, 49, Math.min(4, Math.max(2, step / 2)))} class="drift" />}
                {!w.closed[i] && <rect x={x(i)} y={floor + 1} width={bar} height={1.5} class="open" />}
              </g>
            );
          })}
          {w.served.map((v, i) => i > 0 && v !== w.served[i - 1] && v > 0 && <line key={`v${i}`} x1={i * step} x2={i * step} y1={0} y2={floor} class="deploy" />)}
          {chosen >= 0 && <rect x={Math.max(1, chosen * step)} y={1} width={Math.max(2, Math.min(step, width - chosen * step - 1))} height={height - 2} class="frame" />}
          {against >= 0 && <rect x={Math.max(1, against * step)} y={1} width={Math.max(2, Math.min(step, width - against * step - 1))} height={height - 2} class="frame second" />}
        </svg>
      )}
    </div>
  );
}

function diamond(x: number, y: number, r: number): string {
  return `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;
}

function triangle(x: number, y: number, r: number): string {
  return `M${x} ${y - r}l${r} ${1.8 * r}h${-2 * r}z`;
}

/** words is a window as one sentence. */
export function words(m: MonitorPage, i: number): string {
  const w = m.windows;
  if (i < 0 || i >= w.start.length) return "none";
  const parts = [`window ${w.label[i]}`, `${count(w.rows[i] ?? 0)} rows`, w.closed[i] ? `${count(w.labelled[i] ?? 0)} labelled` : "labels not mature"];
  if (w.held[i]) parts.push(`${count(w.held[i] ?? 0)} held`);
  if (w.quarantined[i]) parts.push(`${count(w.quarantined[i] ?? 0)} quarantined`);
  const moved = m.drift.columns.filter((_, c) => m.drift.state[c]?.[i] === 3);
  if (moved.length) parts.push(`${driftWords[3]} in ${moved.length > 3 ? `${moved.length} columns` : moved.join(", ")}`);
  return parts.join(", ");
}
