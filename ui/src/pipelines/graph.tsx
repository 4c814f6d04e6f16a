// The steps of a pipeline from left to right: what waits for what, the sources
// they read and the models they move.
import { useEffect, useRef } from "preact/hooks";
import type { PipelineStep } from "../api_gen";
import { enc, href } from "../router";
import { Shape, toneOf } from "../shapes";

const box = { width: 176, height: 46 };
const space = { x: 44, y: 14 };

/** Node is a step, a source or a model in the graph. */
interface Node {
  id: string;
  kind: "step" | "source" | "model";
  name: string;
  detail: string;
  needs: string[];
  layer: number;
  row: number;
  step?: PipelineStep;
  link?: string;
}

/** layout puts nodes into layers by the longest way to them, and orders each layer by what its nodes need. */
export function layout(steps: PipelineStep[]): { nodes: Node[]; layers: number; rows: number } {
  const nodes: Node[] = [];
  const sources = new Map<string, string>();
  for (const s of steps) {
    const needs = [...(s.needs ?? [])];
    if (s.source && !sources.has(s.source)) {
      sources.set(s.source, `source ${s.source}`);
      nodes.push({ id: `source ${s.source}`, kind: "source", name: s.source, detail: "source", needs: [], layer: 0, row: 0, link: href(`data/sources/${enc(s.source)}`) });
    }
    if (s.source) needs.push(`source ${s.source}`);
    const detail = s.kind === "run" ? (s.run ?? "") : s.kind === "dataset" ? `as of ${s.asOf ?? ""}` : `${s.alias ?? ""}${s.when === "absent" ? ", when absent" : ""}`;
    nodes.push({ id: s.name, kind: "step", name: s.name, detail, needs, layer: 0, row: 0, step: s });
    if (s.model) nodes.push({ id: `model ${s.name}`, kind: "model", name: s.model, detail: "model", needs: [s.name], layer: 0, row: 0, link: href(`models/${enc(s.model)}`) });
  }
  const byId = new Map(nodes.map((n) => [n.id, n]));
  for (let round = 0; round < nodes.length; round++) {
    let moved = false;
    for (const n of nodes) {
      const at = Math.max(0, ...n.needs.map((id) => (byId.get(id)?.layer ?? -1) + 1));
      if (at > n.layer) {
        n.layer = at;
        moved = true;
      }
    }
    if (!moved) break;
  }
  const layers = Math.max(0, ...nodes.map((n) => n.layer)) + 1;
  let rows = 1;
  for (let l = 0; l < layers; l++) {
    const here = nodes.filter((n) => n.layer === l);
    const middle = (n: Node) => (n.needs.length === 0 ? 0 : n.needs.reduce((sum, id) => sum + (byId.get(id)?.row ?? 0), 0) / n.needs.length);
    here.map((n, i) => ({ n, at: middle(n), i })).sort((a, b) => a.at - b.at || a.i - b.i).forEach(({ n }, row) => (n.row = row));
    rows = Math.max(rows, here.length);
  }
  return { nodes, layers, rows };
}

interface Props {
  steps: PipelineStep[];
  state?: (step: string) => string | undefined; // of a run
  chosen?: string;
  choose?: (step: string) => void;
}

/** Graph draws the steps; with choose each is a button. */
export function Graph({ steps, state, chosen, choose }: Props) {
  const { nodes, layers, rows } = layout(steps);
  const full = { width: layers * (box.width + space.x) - space.x, height: rows * (box.height + space.y) - space.y };
  const count = new Map<number, number>();
  for (const n of nodes) count.set(n.layer, (count.get(n.layer) ?? 0) + 1);
  const place = (n: Node) => ({ x: n.layer * (box.width + space.x), y: (full.height - (count.get(n.layer) ?? 1) * (box.height + space.y) + space.y) / 2 + n.row * (box.height + space.y) });
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const field = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const f = field.current;
    const n = chosen === undefined ? undefined : byId.get(chosen);
    if (!f || !n) return;
    const { x } = place(n);
    if (x < f.scrollLeft || x + box.width + 32 > f.scrollLeft + f.clientWidth) f.scrollLeft = x - (f.clientWidth - box.width) / 2;
  }, [chosen]);
  return (
    <div class="pipelines-graph" ref={field} tabIndex={0} role="region" aria-label="The steps and what they wait for">
      <div class="canvas" style={{ width: `${full.width}px`, height: `${full.height}px` }}>
        <svg width={full.width} height={full.height} aria-hidden="true" focusable="false">
          {nodes.flatMap((n) =>
            n.needs.map((id) => {
              const from = byId.get(id);
              if (!from) return null;
              const a = place(from);
              const b = place(n);
              const [x, y, to, down] = [a.x + box.width, a.y + box.height / 2, b.x - 5, b.y + box.height / 2];
              const bend = Math.max(16, (to - x) / 2);
              return (
                <g key={`${id} ${n.id}`}>
                  <path class="edge" d={`M${x} ${y}C${x + bend} ${y} ${to - bend} ${down} ${to} ${down}`} />
                  <path class="tip" d={`M${to - 2} ${down - 4}l6 4-6 4z`} />
                </g>
              );
            }),
          )}
        </svg>
        {nodes.map((n) => {
          const at = place(n);
          const style = { left: `${at.x}px`, top: `${at.y}px`, width: `${box.width}px`, height: `${box.height}px` };
          const is = n.kind === "step" ? state?.(n.id) : undefined;
          const [tone, word] = is ? toneOf(is) : [undefined, ""];
          const inside = (
            <>
              <span class="head">
                {tone && <Shape tone={tone} />}
                <span class="name">{n.name}</span>
                {word && <span class="word">{word}</span>}
              </span>
              <span class="what">{n.detail}</span>
            </>
          );
          if (n.kind !== "step")
            return (
              <a key={n.id} class={`node ${n.kind}`} style={style} href={n.link} data-page title={`${n.kind} ${n.name}`}>
                {inside}
              </a>
            );
          if (!choose)
            return (
              <div key={n.id} class="node step" style={style} title={n.detail}>
                {inside}
              </div>
            );
          return (
            <button key={n.id} type="button" class={`node step ${tone ?? ""}`} style={style} title={n.detail} aria-pressed={chosen === n.id} onClick={() => choose(n.id)}>
              {inside}
            </button>
          );
        })}
      </div>
    </div>
  );
}
