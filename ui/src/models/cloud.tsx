// A cloud of predicted against happened, with the mean of each twentieth and its
// interval, and the line on which predictions would be right.
import type { ReliabilityBin } from "../api_gen";
import { short } from "../chart/draw";
import { Frame, useWidth } from "../chart/frame";
import { figure } from "../format";

interface Props {
  label: string;
  x: number[];
  y: number[];
  bins: ReliabilityBin[];
}

/** Cloud draws points; at most some hundred are sent. */
export function Cloud({ label, x, y, bins }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const all = [...x, ...y].filter(Number.isFinite);
  const [min, max] = [Math.min(...all), Math.max(...all)];
  const [lo, hi] = min < max ? [min, max] : [min - 1, max + 1];
  const left = 56;
  const side = Math.min(320, Math.max(80, width - left - 10));
  const px = (v: number) => left + (side * (v - lo)) / (hi - lo);
  const py = (v: number) => 8 + side * (1 - (v - lo) / (hi - lo));
  return (
    <Frame
      label={label}
      hint="The table holds the figures."
      said=""
      sheet={() => ({
        head: ["predicted", "happened", "low", "high", "rows"],
        rows: bins.map((b) => [figure(b.predicted), figure(b.observed), figure(b.lo), figure(b.hi), String(b.rows)]),
        note: "Means of twentieths by predicted value.",
      })}
    >
      <div ref={box} class="models-cloud" style={{ height: side + 48 }}>
        {width > 0 && (
          <svg width={Math.max(width, 1)} height={side + 48} aria-hidden="true">
            {[0, 0.5, 1].map((f) => {
              const v = lo + f * (hi - lo);
              return (
                <g key={f}>
                  <line x1={left} x2={left + side} y1={py(v)} y2={py(v)} class="grid" />
                  <line x1={px(v)} x2={px(v)} y1={8} y2={8 + side} class="grid" />
                  <text x={left - 6} y={py(v) + 4} class="tick end">
                    {short(v)}
                  </text>
                  <text x={px(v)} y={8 + side + 16} class={`tick ${f === 1 ? "end" : "mid"}`}>
                    {short(v)}
                  </text>
                </g>
              );
            })}
            <line x1={px(lo)} y1={py(lo)} x2={px(hi)} y2={py(hi)} class="right" />
            {x.map((a, i) => Number.isFinite(a) && Number.isFinite(y[i]) && <circle key={i} cx={px(a)} cy={py(y[i]!)} r="1.8" class="point" />)}
            {bins.map((b, i) => b.predicted != null && b.observed != null && (
              <g key={i} class="mean">
                {b.lo != null && b.hi != null && <line x1={px(b.predicted)} x2={px(b.predicted)} y1={py(b.lo)} y2={py(b.hi)} />}
                <circle cx={px(b.predicted)} cy={py(b.observed)} r="3.5" />
              </g>
            ))}
            <text x={left + side / 2} y={side + 44} class="tick mid">
              predicted
            </text>
            <text transform={`translate(11 ${8 + side / 2}) rotate(-90)`} class="tick mid">
              happened
            </text>
          </svg>
        )}
      </div>
    </Frame>
  );
}
