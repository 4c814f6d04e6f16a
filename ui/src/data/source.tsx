// One source: how its columns are meant, its snapshots and who used them, and two
// snapshots beside each other: columns that came, went or moved.
import { useMemo, useState } from "preact/hooks";
import type { DataSnapshot, SnapshotColumn, SnapshotFacts, SnapshotLook, SourcePage } from "../api_gen";
import { apiURL } from "../base";
import { count, plural } from "../format";
import { declaration } from "../monitors/declaration";
import { quoted } from "../monitors/monitor";
import { share } from "../monitors/words";
import { Answer, Empty, Page } from "../page";
import { Age, CopyButton, Digest, Facts, Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { State, toneOf } from "../shapes";
import { dateOf, figureOf } from "./words";

export default function Source({ params }: { params: Record<string, string> }) {
  const name = params.source ?? "";
  const [after] = useParam("after");
  const url = apiURL(project.value, `data/sources/${enc(name)}?limit=50${after ? `&after=${enc(after)}` : ""}`);
  const answer = useQuery<SourcePage>(url, ["datasource", "snapshot", "pipelineRun", "contractResult"]);
  const s = answer.data.value?.source;
  return (
    <Page
      title={name}
      crumbs={[{ text: "Data", to: "data" }]}
      summary={s && (s.endpoint ? `what endpoint ${s.endpoint} served` : `${s.format} · ${s.path}`)}
      copy={{ curl: { url }, cli: `trimtab get datasource ${quoted(name)}`, yaml: () => declaration("DataSource", name) }}
    >
      <Answer of={answer}>{(p) => <Filled p={p} after={after} />}</Answer>
    </Page>
  );
}

function Filled({ p, after }: { p: SourcePage; after: string }) {
  const s = p.source;
  return (
    <>
      <Facts
        of={[
          ["Key", s.key.join(", ")],
          ["Event time", s.eventTime],
          ["Known from", s.available && s.available !== s.eventTime ? s.available : undefined],
          ["Label", s.label ? `${s.label}, known at ${s.labelAt}` : undefined],
          ["File", s.digest ? <Digest of={s.digest} /> : undefined],
          ["Declared in", s.inventory],
          ["Read by", s.pipelines.length ? s.pipelines.map((x, i) => <>{i > 0 && ", "}<a href={href(`pipelines/${enc(x)}`)} data-page>{x}</a></>) : undefined],
          ["Contracts", s.contracts.length ? s.contracts.map((x, i) => <>{i > 0 && ", "}<a href={href(`data/contracts/${enc(x)}`)} data-page>{x}</a></>) : undefined],
        ]}
      />
      {p.snapshots.length === 0 ? (
        <Empty title="No snapshot yet" commands={[`trimtab pipeline run ${s.pipelines[0] ? quoted(s.pipelines[0]) : "PIPELINE"} --follow`]}>
          {s.endpoint ? "A pipeline whose dataset names this source as served takes its rows into the snapshots of the file." : "A pipeline with a dataset step on this source takes one: an immutable set of rows as they were known at a moment."}
        </Empty>
      ) : (
        <>
          <Snapshots p={p} after={after} />
          <Look p={p} />
        </>
      )}
    </>
  );
}

function Snapshots({ p, after }: { p: SourcePage; after: string }) {
  const [chosen] = useParam("snapshot");
  const [against] = useParam("against");
  const now = chosen || (p.snapshots[0]?.digest ?? "");
  return (
    <Section id="snapshots" title="Snapshots" aside={plural(p.source.snapshots, "snapshot")}>
      <div class="panel">
        <Table
          label="Snapshots"
          rows={p.snapshots}
          rowKey={(s) => s.digest}
          chosen={(s) => s.digest === now}
          columns={[
            { id: "asof", title: "As of", value: (s) => <a href={href(`data/sources/${enc(p.source.name)}`, { snapshot: s.digest, ...(against ? { against } : {}) })} data-page data-row class="data-date">{dateOf(s.asOf)}</a>, sort: (s) => s.asOf },
            { id: "digest", title: "Digest", value: (s) => <Digest of={s.digest} /> },
            { id: "span", title: "Event time", value: (s) => <span class="data-date">{s.from ? `${dateOf(s.from)} to ` : "up to "}{dateOf(s.to)}</span> },
            { id: "rows", title: "Rows", num: true, value: (s) => count(s.rows), sort: (s) => s.rows },
            { id: "dropped", title: "Left out", value: (s) => <Dropped s={s} /> },
            { id: "verdict", title: "Contracts", value: (s) => (s.verdicts?.length ? s.verdicts.map((v) => <State tone={v.passed ? "ok" : "bad"}>{v.contract} {v.passed ? "kept" : "broken"}</State>) : "–") },
            { id: "runs", title: "Used by", value: (s) => <Uses s={s} /> },
            { id: "created", title: "Taken", value: (s) => <Age at={s.created} />, sort: (s) => s.created },
          ]}
        />
      </div>
      {(p.next || after) && (
        <nav class="toolbar data-more" aria-label="More snapshots">
          {after && (
            <button type="button" class="quiet" onClick={() => setParams({ after: "" })}>
              Newest snapshots
            </button>
          )}
          {p.next && (
            <button type="button" class="quiet" onClick={() => setParams({ after: p.next ?? "" }, { push: true })}>
              Older snapshots
            </button>
          )}
        </nav>
      )}
    </Section>
  );
}

function Dropped({ s }: { s: DataSnapshot }) {
  const all = Object.entries(s.dropped ?? {}).sort((a, b) => b[1] - a[1]);
  if (all.length === 0) return <>–</>;
  const words = all.map(([why, n]) => `${count(n)} ${why}`);
  return (
    <details class="data-dropped">
      <summary title={words.join("\n")}>{words[0]}</summary>
      <ul>
        {words.slice(1).map((w) => (
          <li key={w}>{w}</li>
        ))}
      </ul>
    </details>
  );
}

function Uses({ s }: { s: DataSnapshot }) {
  const all = s.runs ?? [];
  if (all.length === 0) return <>–</>;
  return (
    <>
      {all.slice(0, 3).map((u) => {
        const [tone, word] = toneOf(u.state);
        return (
          <div key={u.run} class="data-use" title={`${u.pipeline}, step ${u.step}: ${word}`}>
            <State tone={tone}>
              <a href={href(`pipelineruns/${enc(u.run)}`)} data-page>
                {u.run}
              </a>
            </State>
          </div>
        );
      })}
      {all.length > 3 && <span class="detail">and {all.length - 3} more</span>}
    </>
  );
}

const none = "none";

/** Look is a snapshot beside an earlier one. */
function Look({ p }: { p: SourcePage }) {
  const [chosen] = useParam("snapshot");
  const [wanted] = useParam("against");
  const now = p.snapshots.find((s) => s.digest === chosen) ?? p.snapshots[0];
  const next = now ? p.snapshots[p.snapshots.indexOf(now) + 1] : undefined;
  const against = wanted === none ? undefined : (p.snapshots.find((s) => s.digest === wanted) ?? next);
  const url = now ? apiURL(project.value, `data/sources/${enc(p.source.name)}/snapshots/${now.digest}${against ? `?against=${against.digest}` : ""}`) : null;
  const answer = useQuery<SnapshotLook>(url, []);
  const [all, setAll] = useState(true);
  if (!now) return null;
  return (
    <Section
      id="look"
      title={`As of ${dateOf(now.asOf)}${against ? ` against ${dateOf(against.asOf)}` : ""}`}
      aside={
        <label class="data-against">
          <span>compare with</span>
          <select value={against?.digest ?? none} onChange={(e) => setParams({ against: e.currentTarget.value })}>
            <option value={none}>nothing</option>
            {p.snapshots
              .filter((s) => s.digest !== now.digest)
              .map((s) => (
                <option key={s.digest} value={s.digest}>
                  {dateOf(s.asOf)} · {s.digest.slice(7, 15)}
                </option>
              ))}
          </select>
        </label>
      }
    >
      <Answer of={answer}>
        {(l) => (
          <>
            <div class="toolbar data-verdict">
              <span>{against ? changes(l) : plural(l.columns.length, "column")}</span>
              <span class="detail">
                {count(l.rows)} rows{against ? `, ${count(l.before ?? 0)} before` : ""}
                {l.looked < l.rows ? `; figures of the first ${count(l.looked)}` : ""}
              </span>
              {against && (
                <label class="check data-check">
                  <input type="checkbox" checked={!all} onChange={(e) => setAll(!e.currentTarget.checked)} />
                  what differs only
                </label>
              )}
              {against && l.added + l.removed + l.retyped > 0 && <CopyButton text={schemaText(l)} label="Copy the schema diff" />}
            </div>
            <Columns l={l} compared={against !== undefined} all={all || !against} />
          </>
        )}
      </Answer>
    </Section>
  );
}

function changes(l: SnapshotLook): string {
  const parts = [];
  if (l.added) parts.push(`${plural(l.added, "column")} added`);
  if (l.removed) parts.push(`${plural(l.removed, "column")} removed`);
  if (l.retyped) parts.push(`${l.retyped} of another type`);
  if (parts.length === 0) parts.push("the same columns");
  parts.push(l.moved ? `values moved in ${plural(l.moved, "column")}` : "no values moved");
  return parts.join(", ");
}

function schemaText(l: SnapshotLook): string {
  return l.columns
    .filter((c) => c.change)
    .map((c) => (c.change === "added" ? `+ ${c.name} ${c.type}` : c.change === "removed" ? `- ${c.name} ${c.was}` : `~ ${c.name} ${c.was} -> ${c.type}`))
    .join("\n");
}

function Columns({ l, compared, all }: { l: SnapshotLook; compared: boolean; all: boolean }) {
  const rows = useMemo(() => l.columns.filter((c) => all || c.change || c.state === "drift"), [l, all]);
  if (rows.length === 0) return <p class="panel">Nothing differs by more than chance and by enough to matter.</p>;
  const both = (c: SnapshotColumn, of: (f: SnapshotFacts) => string) => (
    <>
      {c.now ? of(c.now) : "–"}
      {compared && c.then && <span class="detail data-then">{of(c.then)}</span>}
    </>
  );
  return (
    <div class="panel data-columns">
      <Table
        label="Columns"
        rows={rows}
        rowKey={(c) => c.name}
        columns={[
          { id: "name", title: "Column", value: (c) => <span class="title" title={c.name}>{c.name}</span>, sort: (c) => c.name },
          { id: "type", title: "Type", value: (c) => (c.change === "added" ? <State tone="run">added, {c.type}</State> : c.change === "removed" ? <State tone="warn">removed, {c.was}</State> : c.was ? <State tone="warn">{c.was} → {c.type}</State> : c.type), sort: (c) => c.type },
          ...(compared ? [{ id: "state", title: "Values", value: (c: SnapshotColumn) => (c.state ? <span title={c.why}><State tone={c.state === "drift" ? "warn" : c.state === "suspect" ? "wait" : c.state === "ok" ? "ok" : "off"}>{{ ok: "alike", suspect: "suspect", drift: "moved", unknown: "too few rows" }[c.state] ?? c.state}</State></span> : "–"), sort: (c: SnapshotColumn) => ["drift", "suspect", "ok", "unknown"].indexOf(c.state ?? "") }, { id: "psi", title: "PSI", num: true, value: (c: SnapshotColumn) => (c.psi === undefined ? "–" : c.psi.toFixed(3)), sort: (c: SnapshotColumn) => c.psi }] : []),
          { id: "bins", title: compared ? "Now over then" : "Values", value: (c) => <Tiny c={c} /> },
          { id: "missing", title: "Missing", num: true, value: (c) => both(c, (f) => share(f.rows ? f.missing / f.rows : null)), sort: (c) => (c.now?.rows ? c.now.missing / c.now.rows : null) },
          { id: "mean", title: "Mean", num: true, value: (c) => (c.type === "datetime" ? "" : both(c, (f) => figureOf(f.mean, c.type))), sort: (c) => c.now?.mean },
          { id: "sd", title: "SD", num: true, value: (c) => (c.type === "datetime" ? "" : both(c, (f) => figureOf(f.sd, c.type))), sort: (c) => c.now?.sd },
          { id: "min", title: "Least", num: true, value: (c) => both(c, (f) => figureOf(f.min, c.type)), sort: (c) => c.now?.min },
          { id: "max", title: "Greatest", num: true, value: (c) => both(c, (f) => figureOf(f.max, c.type)), sort: (c) => c.now?.max },
          compared
            ? { id: "outside", title: "New values", num: true, value: (c: SnapshotColumn) => (c.now?.outside ? share(c.now.outside / Math.max(1, c.now.rows)) : ""), sort: (c: SnapshotColumn) => c.now?.outside }
            : { id: "distinct", title: "Distinct", num: true, value: (c: SnapshotColumn) => (c.now?.distinct ? `${c.now.more ? "≥ " : ""}${count(c.now.distinct)}` : "–"), sort: (c: SnapshotColumn) => c.now?.distinct },
        ]}
      />
    </div>
  );
}

/** Tiny is the distribution of a column in the height of two words: now as bars, then as an outline. */
function Tiny({ c }: { c: SnapshotColumn }) {
  const bins = c.bins ?? [];
  if (bins.length === 0) return <>–</>;
  const most = Math.max(1e-9, ...bins.flatMap((b) => [b.now, b.then ?? 0]));
  const width = 120;
  const step = width / bins.length;
  const h = (v: number) => Math.max(v > 0 ? 1 : 0, (26 * v) / most);
  const name = (i: number) => {
    const b = bins[i];
    if (!b) return "";
    return c.kind === "category" ? b.label || "(empty)" : b.lo === b.hi ? figureOf(b.lo, c.type) : `${figureOf(b.lo, c.type)} to ${figureOf(b.hi, c.type)}`;
  };
  const words = bins.map((b, i) => `${name(i)}: ${share(b.now)}${b.then === undefined ? "" : `, then ${share(b.then)}`}`).join("; ");
  return (
    <svg class="data-tiny" width={width} height={28} role="img" aria-label={`${c.name}: ${words}`}>
      {bins.map((b, i) => (
        <g key={i}>
          <title>{`${name(i)}: ${share(b.now)}${b.then === undefined ? "" : `, then ${share(b.then)}`}`}</title>
          <rect x={i * step} y={0} width={step} height={28} fill="transparent" />
          {b.then !== undefined && <rect x={i * step + 0.5} y={28 - h(b.then)} width={Math.max(1, step - 1)} height={h(b.then)} class="then" />}
          <rect x={i * step + step * 0.22} y={28 - h(b.now)} width={Math.max(1, step * 0.56)} height={h(b.now)} class="now" />
        </g>
      ))}
    </svg>
  );
}
