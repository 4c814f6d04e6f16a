// Bars of a histogram or of categories, one series or two laid over each other:
// the first as a filled block, the second as an outline, so that both are seen.
import { useState } from "preact/hooks";
import { cut, multiples, niceStep, short } from "./draw";
import { Frame, useWidth } from "./frame";

/** Bin is one bar; a and b are counts or shares. */
export interface Bin {
  label: string;
  a: number;
  b?: number;
  color?: number | undefined; // of the palette, where the bar is something that has one elsewhere
}

interface Props {
  label: string;
  bins: Bin[];
  names?: [string] | [string, string] | string[];
  horizontal?: boolean;
  height?: number;
  format?: (v: number) => string;
}

const widest = 80; // of a bar: few bars are no walls

/** Bars draws the bins in their order. */
export function Bars(p: Props) {
  const { label, bins, names = ["value"], horizontal, height = 160, format = short } = p;
  const [box, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const two = bins.some((b) => b.b !== undefined);
  const max = Math.max(1e-300, ...bins.flatMap((b) => [b.a, b.b ?? 0]).filter(Number.isFinite));
  const least = Math.min(0, ...bins.flatMap((b) => [b.a, b.b ?? 0]).filter(Number.isFinite)); // bars stand on zero, whichever way they go
  const words = (b: Bin) => `${b.label}: ${names[0] ?? "value"} ${format(b.a)}${b.b !== undefined ? `, ${names[1] ?? "second"} ${format(b.b)}` : ""}`;
  const keys = (e: KeyboardEvent) => {
    const last = bins.length - 1;
    const to: Record<string, number | null> = {
      ArrowRight: at === null ? 0 : Math.min(last, at + 1), ArrowDown: at === null ? 0 : Math.min(last, at + 1),
      ArrowLeft: at === null ? last : Math.max(0, at - 1), ArrowUp: at === null ? last : Math.max(0, at - 1), Home: 0, End: last,
    };
    if (e.key === "Escape" && at !== null) {
      e.stopPropagation();
      return setAt(null);
    }
    if (last < 0 || !(e.key in to)) return;
    e.preventDefault();
    setAt(to[e.key] as number | null);
  };
  const chosen = at === null ? undefined : bins[at];
  const frame = {
    label, hint: "The arrow keys move from bar to bar.", said: chosen ? words(chosen) : "", onKeyDown: keys, onBlur: () => setAt(null),
    sheet: () => ({ head: ["", ...names.slice(0, two ? 2 : 1)], rows: bins.map((b) => [b.label, format(b.a), ...(two ? [b.b === undefined ? "–" : format(b.b)] : [])]) }),
    legend: (
      <>
        {two && names.slice(0, 2).map((n, i) => (
          <span key={n} class="chart-key">
            <i class={i ? "outline" : "block"} aria-hidden="true" />
            {n}
          </span>
        ))}
        {chosen && <span class="chart-said" aria-hidden="true">{words(chosen)}</span>}
      </>
    ),
  };
  if (horizontal) {
    return (
      <Frame {...frame} class="chart-bars-lying">
        <div class="chart-hbars">
          {bins.map((b, i) => (
            <div key={i} class={`chart-hbar ${at === i ? "at" : ""}`} title={words(b)} onMouseEnter={() => setAt(i)} onMouseLeave={() => setAt(null)}>
              <span class="name">{b.label}</span>
              <span class="track">
                <i class="a" style={{ width: `${(100 * Math.max(0, b.a)) / max}%` }} />
                {b.b !== undefined && <i class="b" style={{ width: `${(100 * Math.max(0, b.b)) / max}%` }} />}
              </span>
              <span class="figure">
                {format(b.a)}
                {b.b !== undefined && <span class="second"> / {format(b.b)}</span>}
              </span>
            </div>
          ))}
        </div>
      </Frame>
    );
  }
  const foot = 18;
  const left = 40;
  const inner = Math.max(1, width - left - 8);
  const step = inner / Math.max(1, bins.length);
  const gap = step > 12 ? 2 : step > 4 ? 1 : 0;
  const py = (v: number) => 6 + ((height - foot - 6) * (max - v)) / (max - least);
  // A label has the room to the next label that is shown.
  const longest = Math.max(...bins.map((b) => Math.min(14, b.label.length)), 1) * 6.4 + 8;
  const each = Math.max(1, Math.ceil(longest / step));
  const most = Math.max(3, Math.floor((each * step - 4) / 6.2));
  const tick = niceStep((max - least) / 4);
  const ticks = multiples(least, max, tick).filter((v) => v !== 0 || least < 0); // else zero is the foot
  return (
    <Frame {...frame}>
      <div ref={box} style={{ height: `${height}px` }}>
        {width > 0 && (
          <svg width={width} height={height} class="chart-bars" aria-hidden="true" onMouseLeave={() => setAt(null)}>
            {ticks.map((v) => (
              <g key={v}>
                <line x1={left} x2={width - 8} y1={py(v)} y2={py(v)} class="grid" />
                <text x={left - 6} y={py(v) + 4} class="tick end">{format(v)}</text>
              </g>
            ))}
            {bins.map((b, i) => {
              const w = Math.min(widest, Math.max(0.75, step - gap));
              const x = left + (i + 0.5) * step - w / 2;
              const from = (v: number) => Math.min(py(v), py(0));
              const long = (v: number) => Math.abs(py(v) - py(0)) || 0;
              return (
                <g key={i} onMouseEnter={() => setAt(i)}>
                  <title>{words(b)}</title>
                  <rect x={left + i * step} y={0} width={step} height={height - foot} fill={at === i ? "var(--selected)" : "transparent"} />
                  <rect x={x} y={from(b.a)} width={w} height={long(b.a)} class={two ? "a" : "a only"} style={b.color === undefined ? undefined : { fill: b.color < 8 ? `var(--series-${b.color + 1})` : "var(--line-strong)" }} />
                  {b.b !== undefined && <rect x={x + 0.75} y={from(b.b)} width={Math.max(0.5, w - 1.5)} height={long(b.b)} class="b" />}
                </g>
              );
            })}
            <line x1={left} x2={width - 8} y1={py(0)} y2={py(0)} class="base" />
            {bins.map((b, i) => i % each === 0 && (
              <text key={i} x={Math.min(left + (i + 0.5) * step, width - 4)} y={height - 4} class={`tick ${i > 0 && left + (i + 0.5) * step + most * 3 > width ? "end" : "mid"}`}>
                {cut(b.label, most)}
              </text>
            ))}
          </svg>
        )}
      </div>
    </Frame>
  );
}
