// Two versions side by side: what differs in how they were made and in what they
// take, and how they do on the same rows.
import { useMemo } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Performance, PerformanceMetric, VersionPage } from "../api_gen";
import { apiURL } from "../base";
import { Curve } from "../chart/curve";
import { bytesText, date, figure, plural } from "../format";
import { Answer, Page } from "../page";
import { Digest, Section, Table, toast, type Column } from "../parts";
import { useQuery, type Query } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { Typed } from "../typed";
import { nums, Rows } from "./performance";
import { lower, nameOf, origins } from "./words";

/** Line is one thing of both versions. */
interface Line {
  key: string;
  a: string;
  b: string;
  show?: (v: string) => ComponentChildren;
}

export default function Diff({ params }: { params: Record<string, string> }) {
  const name = params.model!;
  const [a] = useParam("a");
  const [b] = useParam("b");
  const [all, setAll] = useParam("all");
  const ready = /^[1-9]\d*$/.test(a) && /^[1-9]\d*$/.test(b);
  const of = (v: string) => (ready ? apiURL(project.value, `catalog/models/${enc(name)}/versions/${v}`) : null);
  const one = useQuery<VersionPage>(of(a), ["modelVersion"]);
  const two = useQuery<VersionPage>(of(b), ["modelVersion"]);
  const rows = ready && a !== b ? apiURL(project.value, `catalog/models/${enc(name)}/versions/${b}/performance?against=${a}`) : null;
  const measured = useQuery<Performance>(rows, ["modelVersion"]);
  const step = (which: "a" | "b", v: number | undefined) => (v ? setParams({ [which]: String(v) }) : toast("There is no further version", "warn"));
  return (
    <Page
      title={ready ? `${name}: version ${a} and ${b}` : `Compare versions of ${name}`}
      crumbs={[
        { text: "Models", to: "models" },
        { text: name, to: `models/${enc(name)}` },
      ]}
      copy={rows ? { curl: { url: rows } } : undefined}
      keys={[
        { keys: "s", text: "swap the two", run: () => setParams({ a: b, b: a }) },
        { keys: "[", text: "the second: the version before", run: () => step("b", two.data.value?.before) },
        { keys: "]", text: "the second: the version after", run: () => step("b", two.data.value?.after) },
        { keys: "o", text: "only what differs, or all", run: () => setAll(all ? "" : "1") },
      ]}
      aside={
        <>
          <button type="button" class="quiet" onClick={() => setParams({ a: b, b: a })} disabled={!ready}>
            Swap
          </button>
          <button type="button" class="quiet models-toggle" aria-pressed={!all} onClick={() => setAll(all ? "" : "1")}>
            Only what differs
          </button>
        </>
      }
    >
      <form class="toolbar" onSubmit={(e) => e.preventDefault()}>
        {(
          [
            ["a", a],
            ["b", b],
          ] as const
        ).map(([which, v]) => (
          <label key={which} class="models-pick">
            <span>{which === "a" ? "Version" : "and version"}</span>
            <Typed numeric size={5} value={v} set={(next) => setParams({ [which]: next })} />
          </label>
        ))}
      </form>
      {!ready ? (
        <p class="detail">Give two versions by their numbers.</p>
      ) : (
        <>
          {a === b ? <p class="detail">A version differs from itself in nothing.</p> : <Same of={measured} a={a} b={b} />}
          <Answer of={one}>{(x) => <Answer of={two}>{(y) => <Facts a={x} b={y} all={all !== ""} />}</Answer>}</Answer>
        </>
      )}
    </Page>
  );
}

/** Same is how both do on the same rows. */
function Same({ of, a, b }: { of: Query<Performance>; a: string; b: string }) {
  const columns: Column<PerformanceMetric>[] = [
    { id: "metric", title: "Metric", value: (m) => <>{nameOf(m.metric)}{lower(m.metric) && <span class="detail"> less is better</span>}</> },
    { id: "a", title: `Version ${a}`, num: true, value: (m) => (m.other != null ? figure(m.other) : "–") },
    { id: "b", title: `Version ${b}`, num: true, value: (m) => figure(m.value) },
    {
      id: "diff",
      title: `Version ${b} is better by`,
      num: true,
      value: (m) =>
        m.diff == null ? (
          "–"
        ) : (
          <>
            {m.diff > 0 ? "+" : ""}
            {figure(m.diff)}
            {m.diffLo != null && m.diffHi != null && (
              <>
                {" "}
                <span class="interval">
                  [{figure(m.diffLo)}, {figure(m.diffHi)}]
                </span>
              </>
            )}
          </>
        ),
    },
    {
      id: "says",
      title: "So",
      value: (m) => (m.diffLo == null || m.diffHi == null ? <span class="detail">no interval</span> : m.diffLo > 0 ? `version ${b} is better` : m.diffHi < 0 ? `version ${a} is better` : <span class="detail">no difference that is sure</span>),
    },
  ];
  return (
    <Section id="models-same" title="On the same rows">
      <Answer of={of}>
        {(p) =>
          p.metrics.length === 0 ? (
            <p class="detail">Not measured: {p.why}.</p>
          ) : (
            <div class="models-measured">
              <Rows of={p} />
              <div class="panel">
                <Table label="Both versions on the same rows" columns={columns} rows={p.metrics} rowKey={(m) => m.metric} />
              </div>
              {p.binary && p.againstBinary && (
                <div class="models-curves two">
                  {[
                    { v: a, x: p.againstBinary },
                    { v: b, x: p.binary },
                  ].map(({ v, x }, i) => (
                    <figure key={v}>
                      <figcaption>
                        Reliability of version {v} <span class="detail">ECE {figure(x.ece)}</span>
                      </figcaption>
                      <Curve label={`Reliability of version ${v}`} x={nums(x.reliability.map((r) => r.predicted))} y={nums(x.reliability.map((r) => r.observed))} lo={nums(x.reliability.map((r) => r.lo))} hi={nums(x.reliability.map((r) => r.hi))} n={x.reliability.map((r) => r.rows)} diagonal xLabel="predicted" yLabel="happened" color={i} size={280} />
                    </figure>
                  ))}
                </div>
              )}
            </div>
          )
        }
      </Answer>
    </Section>
  );
}

/** Facts are the things of both, part by part; those that are alike are left out unless all are wanted. */
function Facts({ a, b, all }: { a: VersionPage; b: VersionPage; all: boolean }) {
  const parts = useMemo(() => partsOf(a, b), [a, b]);
  return (
    <>
      {parts.map(({ id, title, lines }) => {
        const shown = all ? lines : lines.filter((l) => l.a !== l.b);
        const alike = lines.length - lines.filter((l) => l.a !== l.b).length;
        if (lines.length === 0) return null;
        return (
          <Section key={id} id={`models-diff-${id}`} title={title} aside={<span class="detail">{alike === lines.length ? (lines.length === 1 ? "alike" : `all ${lines.length} alike`) : `${plural(lines.length - alike, "difference")}, ${alike} alike`}</span>}>
            {shown.length > 0 && (
              <div class="panel">
                <Table label={`${title}, of both versions`} columns={columnsOf(a, b, shown)} rows={shown} rowKey={(l) => l.key} chosen={(l) => all && l.a !== l.b} />
              </div>
            )}
          </Section>
        );
      })}
    </>
  );
}

function columnsOf(a: VersionPage, b: VersionPage, lines: Line[]): Column<Line>[] {
  const num = lines.every((l) => !l.show && Number.isFinite(Number(l.a)) && Number.isFinite(Number(l.b)));
  const side = (l: Line, v: string) => (v === "" ? <span class="detail">–</span> : l.show ? l.show(v) : <span class="models-value">{v}</span>);
  return [
    { id: "key", title: "What", sort: (l) => l.key, value: (l) => l.key, width: "28%" },
    { id: "a", title: `Version ${a.line.version}`, num, value: (l) => side(l, l.a) },
    { id: "b", title: `Version ${b.line.version}`, num, value: (l) => side(l, l.b) },
    {
      id: "delta",
      title: "Change",
      num: true,
      value: (l) => {
        const [x, y] = [Number(l.a), Number(l.b)];
        if (l.a === "" || l.b === "" || l.show || !Number.isFinite(x) || !Number.isFinite(y)) return <span class="detail">{l.a === l.b ? "" : l.a === "" ? "added" : l.b === "" ? "removed" : "changed"}</span>;
        return x === y ? "" : `${y > x ? "+" : ""}${figure(y - x)}`;
      },
    },
  ];
}

function partsOf(a: VersionPage, b: VersionPage): { id: string; title: string; lines: Line[] }[] {
  const both = (key: string, f: (v: VersionPage) => string | number | undefined | null, show?: Line["show"]): Line[] => {
    const [x, y] = [f(a), f(b)].map((v) => (v == null ? "" : String(v))) as [string, string];
    return x === "" && y === "" ? [] : [{ key, a: x, b: y, ...(show ? { show } : {}) }];
  };
  const maps = (f: (v: VersionPage) => Record<string, string>): Line[] => {
    const [x, y] = [f(a), f(b)];
    return [...new Set([...Object.keys(x), ...Object.keys(y)])].sort().map((key) => ({ key, a: x[key] ?? "", b: y[key] ?? "" }));
  };
  const digest = (v: string) => <Digest of={v} />;
  const signature = (v: VersionPage) => Object.fromEntries([...(v.card?.inputs ?? []).map((f, i): [string, string] => [f.name || `input ${i + 1}`, f.type + (f.optional ? ", optional" : "")]), ...(v.card?.outputs ?? []).map((f, i): [string, string] => [`output ${f.name || i + 1}`, f.type])]);
  const needs = (v: VersionPage) =>
    Object.fromEntries(
      (v.card?.requirements ?? []).map((r): [string, string] => {
        const m = /^([\w.[\]-]+)\s*(.*)$/.exec(r);
        return m ? [m[1]!, m[2] || "any version"] : [r, "as given"];
      }),
    );
  return [
    {
      id: "made",
      title: "How they were made",
      lines: [
        ...both("origin", (v) => (origins[v.line.origin] ?? v.line.origin) + (v.line.parent ? ` of ${v.line.parent}` : "")),
        ...both("learnt until", (v) => v.lineage.until && date(v.lineage.until)),
        ...both("data source", (v) => v.lineage.dataSource),
        ...both("data snapshot", (v) => v.lineage.snapshot, digest),
        ...both("code", (v) => v.lineage.code, digest),
        ...both("environment lock", (v) => v.lineage.lock),
        ...both("commit", (v) => v.runFacts?.commit),
        ...both("pipeline run", (v) => v.lineage.pipelineRun, (id) => <a href={href(`pipelineruns/${enc(id)}`)} data-page><code>{id}</code></a>),
        ...both("started by", (v) => v.lineage.cause),
        ...both("kind", (v) => v.card?.flavor ?? v.card?.flavors.join(", ")),
        ...both("library", (v) => v.card?.library),
        ...both("Python", (v) => v.card?.python),
        ...both("MLflow", (v) => v.card?.mlflow),
        ...both("size", (v) => v.bytes || undefined, (v) => bytesText(Number(v))),
        ...both("files", (v) => v.manifest, digest),
        ...both("correction", (v) => v.card?.calibration.map((c) => v.card!.scale === "logit" ? `logit = ${figure(c.a)} + ${figure(c.b)} · logit of the score` : `score = ${figure(c.a)} + ${figure(c.b)} · score`).join(", then ") || undefined),
      ],
    },
    { id: "signature", title: "What they take and give", lines: maps(signature) },
    { id: "pipeline-params", title: "Parameters of the pipeline run", lines: maps((v) => v.lineage.params ?? {}) },
    { id: "params", title: "Parameters of the run", lines: maps((v) => v.runFacts?.params ?? {}) },
    { id: "metrics", title: "Metrics of the run", lines: maps((v) => Object.fromEntries((v.runFacts?.metrics ?? []).map((m) => [m.key, m.value == null ? "NaN" : String(Number(m.value.toPrecision(6)))]))) },
    { id: "importance", title: "Share of gain by input", lines: byShare(maps((v) => Object.fromEntries((v.card?.importances ?? []).slice(0, 200).map((i) => [i.name, i.share == null ? "" : String(Number(i.share.toPrecision(3)))])))) },
    { id: "needs", title: "Requirements", lines: maps(needs) },
    { id: "tags", title: "Tags", lines: maps((v) => v.tags ?? {}) },
  ];
}


/** byShare puts the inputs that matter most first. */
function byShare(lines: Line[]): Line[] {
  const most = (l: Line) => Math.max(Number(l.a), Number(l.b));
  return [...lines].sort((x, y) => most(y) - most(x));
}
