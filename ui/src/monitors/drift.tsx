// What has moved: all columns over all windows, which of them carry the drift of
// the chosen window, and one column in full.
import { useMemo, useState } from "preact/hooks";
import type { ColumnDrift, Distribution as Answered, DistributionSample, MonitorPage, MonitorWindow } from "../api_gen";
import { apiURL } from "../base";
import { Bars, type Bin } from "../chart/bars";
import { Heat } from "../chart/heat";
import { LineChart } from "../chart/line";
import { count, figure } from "../format";
import { Answer } from "../page";
import { More, Section } from "../parts";
import { useQuery } from "../query";
import { enc, project, setParams, useParam } from "../router";
import { Shape, State } from "../shapes";
import { driftTones, driftWords, iso, round, share } from "./words";

const firstRows = 24;

/** Drift is the tab about what has moved in window i, compared with window j or (−1) with its reference. */
export function Drift({ m, i, j }: { m: MonitorPage; i: number; j: number }) {
  const [wanted] = useParam("column");
  const d = m.drift;
  const order = useMemo(() => ranked(m, i), [m, i]);
  const column = d.columns.includes(wanted) ? wanted : (d.columns[order[0] ?? 0] ?? "");
  if (!m.settings.drift) return <p class="panel">This monitor does not compare columns: its declaration has drift turned off.</p>;
  if (d.columns.length === 0) {
    return <p class="panel">No window has been compared yet: a column needs a reference, which is what the served version has learnt from, or the first windows of its service.</p>;
  }
  return (
    <>
      <Overview m={m} i={i} column={column} />
      <div class="monitors-split">
        <Ranking m={m} i={i} order={order} column={column} />
        <Column m={m} i={i} j={j} column={column} />
      </div>
    </>
  );
}

/** ranked are the columns by how far they lie beyond what matters, those that drift first. */
function ranked(m: MonitorPage, i: number): number[] {
  const d = m.drift;
  const weight = (c: number) => {
    const state = d.state[c]?.[i] ?? 0;
    return (state === 3 ? 2e9 : state === 2 ? 1e9 : state === 0 || state === 4 ? -1e9 : 0) + ratio(m, c, i);
  };
  return d.columns.map((_, c) => c).sort((a, b) => weight(b) - weight(a));
}

function ratio(m: MonitorPage, c: number, i: number): number {
  const psi = m.drift.psi[c]?.[i];
  const effect = m.drift.effect[c]?.[i];
  if (psi == null || effect == null || effect <= 0) return 0;
  return psi / effect;
}

/** Overview is the distance of every column in every window, in parts of what matters. */
function Overview({ m, i, column }: { m: MonitorPage; i: number; column: string }) {
  const [all, setAll] = useState(false);
  const d = m.drift;
  // The columns that drifted most often come first: what never moved is not what one looks for.
  const order = useMemo(() => {
    const seen = d.columns.map((_, c) => (d.state[c] ?? []).reduce((n, s) => n + (s === 3 ? 1000 : s === 2 ? 1 : 0), 0));
    return d.columns.map((_, c) => c).sort((a, b) => Number(d.columns[b] === "score") - Number(d.columns[a] === "score") || (seen[b] ?? 0) - (seen[a] ?? 0));
  }, [m]);
  const shown = all ? order : order.slice(0, firstRows);
  const rows = useMemo(() => shown.map((c) => d.columns[c] ?? ""), [m, all]);
  return (
    <Section
      id="drift-all"
      title="Distance by column and window"
      aside={<>in parts of what matters: 1 is the limit; ▲ drift, ? suspect, · too few rows</>}
    >
      <div class="panel monitors-pad">
        <Heat
          label="Distance of columns by window, in parts of the limit"
          rows={rows}
          columns={m.windows.label}
          max={3}
          legend="The stronger, the farther beyond the limit"
          rowHeight={rows.length > 40 ? 12 : 16}
          value={(r, k) => {
            const c = shown[r] ?? 0;
            return d.psi[c]?.[k] == null ? null : Math.min(3, Math.sqrt(ratio(m, c, k)) * 1.2);
          }}
          title={(r, k) => {
            const c = shown[r] ?? 0;
            const psi = d.psi[c]?.[k];
            return `${d.columns[c]}, ${m.windows.label[k]}: ${driftWords[d.state[c]?.[k] ?? 0]}${psi == null ? "" : `, PSI ${figure(psi)}, limit ${figure(d.effect[c]?.[k] ?? null)}`}`;
          }}
          marks={(r, k) => ["", "", "?", "▲", "·"][d.state[shown[r] ?? 0]?.[k] ?? 0] ?? ""}
          onPick={(r, k) => setParams({ column: d.columns[shown[r] ?? 0] ?? "", window: k === m.windows.start.length - 1 ? "" : iso(m.windows.start[k] ?? 0) })}
        />
      </div>
      <p class="detail monitors-note">
        Chosen: {column} in {m.windows.label[i]}. A cell opens its window and column.
      </p>
      <More total={order.length} shown={firstRows} open={all} toggle={() => setAll(!all)} noun="columns" />
    </Section>
  );
}

// The axis of the ranking: a hundredth of the limit to a hundred times it.
const decades = 4;
const along = (r: number) => Math.min(1, Math.max(0, (Math.log10(Math.max(r, 1e-9)) + 2) / decades));

/** Ranking is which columns carry the drift of a window. */
function Ranking({ m, i, order, column }: { m: MonitorPage; i: number; order: number[]; column: string }) {
  const [all, setAll] = useState(false);
  const d = m.drift;
  const shown = all ? order : order.slice(0, firstRows);
  return (
    <Section id="drift-rank" title="Which columns carry it" aside={m.windows.label[i]}>
      <ol class="panel monitors-ranking" aria-label={`Columns by distance in ${m.windows.label[i]}`}>
        <li class="monitors-axis" aria-hidden="true">
          <span>column</span>
          <span class="track">
            <i style={{ left: `${100 * along(1)}%` }}>limit</i>
          </span>
          <span class="num">PSI</span>
        </li>
        {shown.map((c) => {
          const name = d.columns[c] ?? "";
          const psi = d.psi[c]?.[i];
          const effect = d.effect[c]?.[i] ?? null;
          const noise = d.noise[c]?.[i];
          const state = d.state[c]?.[i] ?? 0;
          return (
            <li key={name}>
              <button
                type="button"
                data-row
                class={`monitors-rank ${state === 3 ? "drift" : ""}`}
                aria-pressed={name === column}
                aria-label={`${name}: ${driftWords[state]}${psi == null ? "" : `, PSI ${figure(psi)}, limit ${figure(effect)}`}`}
                onClick={() => setParams({ column: name })}
              >
                <span class="name" title={name}>
                  <Shape tone={driftTones[state] ?? "off"} />
                  {name}
                </span>
                <span class="track">
                  {noise != null && effect != null && effect > 0 && <i class="noise" style={{ width: `${100 * along(noise / effect)}%` }} />}
                  {psi != null && <i class="bar" style={{ width: `${100 * along(ratio(m, c, i))}%` }} />}
                  <i class="limit" style={{ left: `${100 * along(1)}%` }} />
                </span>
                <span class="num">{psi == null ? "–" : figure(psi)}</span>
              </button>
            </li>
          );
        })}
      </ol>
      <p class="detail monitors-note">
        The bar is the distance in parts of the limit, by powers of ten; the pale one behind it is how far chance alone goes.
      </p>
      <More total={order.length} shown={firstRows} open={all} toggle={() => setAll(!all)} noun="columns" />
    </Section>
  );
}

/** Column is one column: its distance over time and how its values are spread. */
function Column({ m, i, j, column }: { m: MonitorPage; i: number; j: number; column: string }) {
  const c = m.drift.columns.indexOf(column);
  const start = iso(m.windows.start[i] ?? 0);
  const base = `monitors/${enc(m.name)}`;
  const detail = useQuery<MonitorWindow>(apiURL(project.value, `${base}/windows/${start}`), ["window", "incident"]);
  const against = j >= 0 ? `&against=${enc(iso(m.windows.start[j] ?? 0))}` : "";
  const spread = useQuery<Answered>(apiURL(project.value, `${base}/distribution?window=${enc(start)}&column=${enc(column)}${against}`), ["window", "incident"]);
  const found = detail.data.value?.window.drift.find((x) => x.column === column);
  const series = useMemo(
    () => [{ label: "PSI", x: m.windows.start, y: m.drift.psi[c] ?? [], points: m.windows.start.length < 60 }],
    [m, c],
  );
  const limits = useMemo(
    () => [
      { x: m.windows.start, y: m.drift.effect[c] ?? [], label: "what matters", tone: "warn" as const },
      { x: m.windows.start, y: m.drift.noise[c] ?? [], label: "chance", tone: "off" as const },
    ],
    [m, c],
  );
  const marks = useMemo(() => [...served(m), { x: m.windows.start[i] ?? 0, label: m.windows.label[i] ?? "" }], [m, i]);
  return (
    <Section id="drift-column" title={column} aside={found && <Found d={found} />}>
      <div class="panel monitors-pad">
        <LineChart label={`Distance of ${column} by window`} height={170} x="time" series={series} limits={limits} marks={marks} y={{ min: 0 }} sync="monitor" />
      </div>
      {found?.why && <p class="monitors-why">{found.why}</p>}
      <h3 class="monitors-sub">{spread.data.value ? spreadTitle(spread.data.value) : "How its values are spread"}</h3>
      <Answer of={spread}>{(x) => <Spread d={x} />}</Answer>
    </Section>
  );
}

/** served are the moments at which another version began to answer. */
export function served(m: MonitorPage): { x: number; label: string }[] {
  const w = m.windows;
  const out: { x: number; label: string }[] = [];
  let last = 0;
  w.served.forEach((v, i) => {
    if (v > 0 && v !== last) {
      if (last > 0) out.push({ x: w.start[i] ?? 0, label: `version ${v}` });
      last = v;
    }
  });
  return out;
}

function Found({ d }: { d: ColumnDrift }) {
  const tone = d.state === "drift" ? "warn" : d.state === "suspect" ? "wait" : d.state === "unknown" ? "off" : "ok";
  return (
    <>
      <State tone={tone}>{d.state === "unknown" ? "too few rows" : d.state}</State>
      {d.alone && d.alone !== d.state ? ` (this window alone: ${d.alone})` : ""} · q {d.q < 0.001 ? d.q.toExponential(1) : figure(d.q)}
    </>
  );
}

function spreadTitle(d: Answered): string {
  const [a, b] = pair(d);
  return a && b ? `${b.name} against ${a.name}` : `${a?.name ?? d.column}, which nothing is compared with`;
}

/** pair are the two samples that are laid over each other: the other window where one is chosen, else the reference. */
function pair(d: Answered): [DistributionSample | undefined, DistributionSample | undefined] {
  const window = d.samples.find((s) => s.role === "window");
  const other = d.samples.find((s) => s.role === "against") ?? d.samples.find((s) => s.role === "reference");
  return other ? [other, window] : [window, undefined];
}

/** Spread is how the values of a column are spread in two samples, with the figures of all. */
function Spread({ d }: { d: Answered }) {
  const [a, b] = pair(d);
  const bins = useMemo(() => (a ? binsOf(d, a, b) : []), [d]);
  if (!a) return null;
  const time = d.type === "datetime";
  const write = (v: number | undefined) => (v === undefined ? "–" : time ? new Date(v / 1e6).toISOString().slice(0, 16).replace("T", " ") : figure(v));
  const lines: [string, (s: DistributionSample) => string][] = [
    ["rows", (s) => count(s.rows) + (s.partial ? " (the first)" : s.sampled ? " (sampled)" : "")],
    ["missing", (s) => share(s.rows ? s.missing / s.rows : null)],
  ];
  if (d.samples.some((s) => s.invalid)) lines.push(["of another type", (s) => share(s.rows ? s.invalid / s.rows : null)]);
  if (d.kind === "number") {
    lines.push(["below the reference", (s) => (s.role === "reference" ? "" : share(s.rows ? s.below / s.rows : null))], ["above it", (s) => (s.role === "reference" ? "" : share(s.rows ? s.above / s.rows : null))]);
    lines.push(["mean", (s) => write(s.mean)]);
    if (!time) lines.push(["standard deviation", (s) => write(s.sd)]);
    lines.push(["least", (s) => write(s.min)], ["greatest", (s) => write(s.max)]);
  }
  if (d.samples.some((s) => s.unseen)) lines.splice(2, 0, ["never seen before", (s) => (s.role === "reference" ? "" : share(s.rows ? s.unseen / s.rows : null))]);
  const many = d.kind === "category" && bins.length > 8;
  return (
    <>
      {bins.length > 0 && (
        <div class="panel monitors-pad">
          <Bars label={`Values of ${d.column}`} bins={bins} names={b ? [a.name, b.name] : [a.name]} horizontal={many || (d.kind === "category" && bins.some((x) => x.label.length > 12))} height={200} format={round} />
        </div>
      )}
      <div class="scroll panel monitors-facts" tabIndex={0} role="group" aria-label={`Figures of ${d.column}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Share of rows</th>
              {d.samples.map((s) => (
                <th key={s.role} scope="col" class="num">
                  {s.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map(([label, of]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {d.samples.map((s) => (
                  <td key={s.role} class="num">
                    {of(s)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function binsOf(d: Answered, a: DistributionSample, b: DistributionSample | undefined): Bin[] {
  const ia = d.samples.indexOf(a);
  const ib = b ? d.samples.indexOf(b) : -1;
  const of = (s: DistributionSample, n: number) => (s.rows > 0 ? n / s.rows : 0);
  const one = (label: string, na: number, nb: number): Bin => (b ? { label, a: of(a, na), b: of(b, nb) } : { label, a: of(a, na) });
  const out: Bin[] = [];
  const special = (label: string, read: (s: DistributionSample) => number) => {
    const na = read(a);
    const nb = b ? read(b) : 0;
    if (na + nb > 0) out.push(one(label, na, nb));
  };
  if (d.kind === "number") special("below", (s) => s.below);
  const time = d.type === "datetime";
  const write = (v: number) => (time ? new Date(v / 1e6).toISOString().slice(0, 10) : short(v));
  for (const x of d.bins) {
    const label = d.kind === "category" ? (x.new ? `${x.label || "(empty)"} (new)` : x.other ? "all others" : x.label || "(empty)") : x.lo === x.hi ? write(x.lo) : `${write(x.lo)} to ${write(x.hi)}`;
    out.push(one(label, x.rows[ia] ?? 0, ib >= 0 ? (x.rows[ib] ?? 0) : 0));
  }
  if (d.kind === "number") special("above", (s) => s.above);
  special("other type", (s) => s.invalid);
  special("missing", (s) => s.missing);
  return out;
}

function short(v: number): string {
  if (Number.isInteger(v) && Math.abs(v) < 1e6) return String(v).replace("-", "−");
  return String(Number(v.toPrecision(3))).replace("-", "−");
}
