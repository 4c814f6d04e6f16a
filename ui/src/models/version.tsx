// A model version as a card: how good it is and on which rows, what it takes and
// what it looks at, where it comes from, what it is made of.
import { useMemo, useState } from "preact/hooks";
import type { Evaluation, GateResult, Performance, VersionField, VersionImportance, VersionPage } from "../api_gen";
import { apiURL } from "../base";
import { LineChart, type Limit } from "../chart/line";
import { bytesText, count, date, figure, moment, percent, plural, said } from "../format";
import { Answer, Page, Tabs } from "../page";
import { Age, Command, Digest, Facts, Section, Table, toast, type Column } from "../parts";
import { useQuery } from "../query";
import { enc, go, href, project, useParam } from "../router";
import { State } from "../shapes";
import { Describe, Tags } from "./edit";
import { Measured } from "./performance";
import { Maker, Parent } from "./versions";
import { Link, nameOf, origins, quoted, Readiness, spanText, Verdict } from "./words";

const watched = ["modelVersion", "registeredModel", "endpoint", "rollout", "evaluation", "window"];

export default function Version({ params }: { params: Record<string, string> }) {
  const [name, number] = [params.model!, Number(params.version)];
  const address = apiURL(project.value, `catalog/models/${enc(name)}/versions/${enc(params.version!)}`);
  const q = useQuery<VersionPage>(address, watched);
  const [tab] = useParam("tab", "quality");
  const [editing, edit] = useState(false);
  const data = q.data.value;
  const to = (v: number | undefined) => {
    if (v) go(`models/${enc(name)}/versions/${v}`);
    else toast("There is no further version", "warn");
  };
  const served = data?.services.find((s) => s.version && s.version !== number)?.version;
  const compare = () => {
    const other = served ?? data?.before ?? data?.after;
    if (!other) return toast("There is no other version to compare with", "warn");
    const [a, b] = [other, number].sort((x, y) => x - y);
    go(`models/${enc(name)}/diff?a=${a}&b=${b}`);
  };
  const open = (data?.line.spans ?? []).some((s) => !s.to);
  return (
    <Page
      title={`${name} version ${params.version}`}
      label={data && (open ? <State tone="ok">serves</State> : data.line.status !== "READY" && <Readiness status={data.line.status} />)}
      crumbs={[
        { text: "Models", to: "models" },
        { text: name, to: `models/${enc(name)}` },
      ]}
      summary={data?.line.description}
      copy={{ curl: { url: address }, cli: `trimtab gate ${quoted(`models:/${name}/${params.version}`)}` }}
      keys={[
        { keys: "[", text: "the version before", run: () => to(data?.before) },
        { keys: "]", text: "the version after", run: () => to(data?.after) },
        { keys: "d", text: "compare with what serves", run: compare },
        { keys: "a", text: "aliases of the model", run: () => go(`models/${enc(name)}`) },
      ]}
      actions={[{ text: `Describe ${name} version ${params.version}`, run: () => edit(true) }]}
      aside={
        data && (
          <>
            <nav class="models-beside" aria-label="Versions beside">
              <a class={data.before ? "" : "off"} href={data.before ? href(`models/${enc(name)}/versions/${data.before}`) : undefined} data-page aria-label="The version before">
                ‹ {data.before || ""}
              </a>
              <a class={data.after ? "" : "off"} href={data.after ? href(`models/${enc(name)}/versions/${data.after}`) : undefined} data-page aria-label="The version after">
                {data.after || ""} ›
              </a>
            </nav>
            <button type="button" class="quiet" onClick={compare}>
              {served ? `Compare with ${served}` : "Compare"}
            </button>
          </>
        )
      }
    >
      <Answer of={q}>
        {(data) => (
          <>
            <Head data={data} />
            <Tabs
              label="Parts of the card"
              tabs={[
                { id: "quality", text: "Quality" },
                { id: "inputs", text: "Inputs", count: data.card?.inputs.length },
                { id: "origin", text: "Origin" },
                { id: "files", text: "Files", count: data.files.length + (data.more ?? 0) },
              ]}
            />
            {tab === "quality" && <Quality key={`${name}/${number}`} data={data} />}
            {tab === "inputs" && <Inputs data={data} />}
            {tab === "origin" && <Origin data={data} done={q.refresh} edit={() => edit(true)} />}
            {tab === "files" && <Files data={data} />}
            {editing && <Describe of={{ name, version: number }} text={data.line.description ?? ""} close={() => edit(false)} done={q.refresh} />}
          </>
        )}
      </Answer>
    </Page>
  );
}

function Head({ data }: { data: VersionPage }) {
  const { line, card, lineage } = data;
  const spans = line.spans ?? [];
  return (
    <Facts
      of={[
        ["Aliases", (line.aliases ?? []).length > 0 && <span class="chips">{line.aliases!.map((a) => <span key={a} class="chip">{a}</span>)}</span>],
        [
          "Served",
          spans.length > 0 ? (
            <span class="models-stack">
              {spans.slice(-3).map((s) => (
                <span key={s.endpoint + (s.from ?? "")}>
                  <a href={href(`endpoints/${enc(s.endpoint)}`)} data-page>
                    {s.endpoint}
                  </a>{" "}
                  {spanText(s)}
                </span>
              ))}
              {spans.length > 3 && <span class="detail">and {spans.length - 3} spans before</span>}
            </span>
          ) : (
            "never"
          ),
        ],
        ["Origin", <>{origins[line.origin] ?? line.origin}{line.parent && <> of version <Parent of={line.parent} model={data.model} /></>}</>],
        ["Made by", <Maker line={line} />],
        ["Run", data.runFacts && <a href={href(`experiments/${enc(data.runFacts.experiment)}/runs/${enc(data.runFacts.id)}`)} data-page>{data.runFacts.name || data.runFacts.id.slice(0, 8)}</a>],
        ["Learnt until", lineage.until && <span title={moment(lineage.until)}>{date(lineage.until)}</span>],
        ["Kind", card && (card.flavor ?? card.flavors.join(", "))],
        ["Size", data.bytes > 0 && bytesText(data.bytes)],
        ["Created", <Age at={line.created} />],
        ["Files", data.manifest && <Digest of={data.manifest} />],
      ]}
    />
  );
}

function Quality({ data }: { data: VersionPage }) {
  const [rows, setRows] = useParam("rows");
  const { model, line } = data;
  const call = `catalog/models/${enc(model)}/versions/${line.version}/performance${rows ? `?rows=${enc(rows)}` : ""}`;
  const q = useQuery<Performance>(apiURL(project.value, call), ["modelVersion"]);
  const source = q.data.value?.rows.source;
  return (
    <>
      <Section
        id="models-measured"
        title="On logged rows"
        aside={
          <span class="models-switch" role="group" aria-label="Which rows">
            {[
              ["answered", "Rows it answered"],
              ["scored", "Rows new to it"],
            ].map(([id, text]) => (
              <button key={id} type="button" class="quiet" aria-pressed={(rows || source) === id} onClick={() => setRows(id!)}>
                {text}
              </button>
            ))}
          </span>
        }
      >
        <Answer of={q}>{(p) => <Measured of={p} />}</Answer>
      </Section>
      <Windows data={data} />
      <Evaluations data={data} />
    </>
  );
}

/** baseline is where a version does as what was served. */
const baseline: Limit[] = [{ value: 0, label: "as what was served", tone: "off" }];

/** Windows is what the version saved or lost against what was served, window by window. */
function Windows({ data }: { data: VersionPage }) {
  const all = data.measured;
  const series = useMemo(() => {
    const fair = all.filter((w) => !w.learnt);
    const x = fair.map((w) => Date.parse(w.start));
    const edge = (sign: number) => fair.map((w) => (w.gain == null || w.stderr == null ? null : w.gain + sign * 1.96 * w.stderr));
    return [{ label: "loss saved per row", x, y: fair.map((w) => w.gain), lo: edge(-1), hi: edge(1), points: fair.length < 80 }];
  }, [all]);
  if (all.length === 0) return null;
  const learnt = all.filter((w) => w.learnt).length;
  return (
    <Section
      id="models-windows"
      title="Against what was served"
      aside={<span class="detail">loss saved per row by window, on the same rows; bands hold 95 %</span>}
    >
      {series[0]!.x.length > 0 ? (
        <LineChart label="Loss that this version saves per row against what was served, by window" height={170} x="time" series={series} limits={baseline} legend={false} />
      ) : (
        <p class="detail">It has learnt from all windows in which it was scored.</p>
      )}
      {learnt > 0 && series[0]!.x.length > 0 && <p class="detail">{plural(learnt, "earlier window is", "earlier windows are")} left out: it has learnt from {learnt === 1 ? "it" : "them"}.</p>}
    </Section>
  );
}

function Evaluations({ data }: { data: VersionPage }) {
  const results: Column<GateResult>[] = [
    { id: "gate", title: "Demand", value: (r) => <>{r.gate}{r.slice && <span class="detail"> in {r.slice}</span>}</> },
    { id: "verdict", title: "Verdict", value: (r) => <Verdict verdict={r.verdict} /> },
    { id: "value", title: "This version", num: true, value: (r) => (r.metric === "schema" ? <span class="detail">–</span> : figure(r.challenger)) },
    { id: "other", title: "Compared with", num: true, value: (r) => (r.champion !== undefined ? figure(r.champion) : <span class="detail">–</span>) },
    {
      id: "diff",
      title: "Better by",
      num: true,
      value: (r) =>
        r.diff !== undefined ? (
          <>
            {figure(r.diff)}
            {r.lo !== undefined && r.hi !== undefined && (
              <>
                {" "}
                <span class="interval">
                  [{figure(r.lo)}, {figure(r.hi)}]
                </span>
              </>
            )}
          </>
        ) : (
          <span class="detail">–</span>
        ),
    },
    { id: "rows", title: "Rows", num: true, value: (r) => count(r.rows) },
    { id: "on", title: "On", value: (r) => r.on },
  ];
  return (
    <Section id="models-evaluations" title="Gates">
      {data.evaluations.length === 0 ? (
        <div class="models-stack">
          <p class="detail">No suite has looked at this version{data.line.origin === "recalibrated" ? ": what the loop recalibrates is tried in the rollout itself" : ""}.</p>
          <Command>{`trimtab gate ${quoted(`models:/${data.model}/${data.line.version}`)}`}</Command>
        </div>
      ) : (
        data.evaluations.map((e: Evaluation, i) => (
          <details key={e.id} class="models-evaluation" open={i === 0}>
            <summary>
              <Verdict verdict={e.verdict} /> <span>{e.suite || "built-in suite"}</span>
              <span class="detail">
                as of {moment(e.at).slice(0, 10)}
                {e.against ? `, against version ${e.against}` : ""}, {count(e.rows)} rows{e.from && e.to ? ` of ${date(e.from)} to ${date(e.to)}` : ""}
              </span>
            </summary>
            <p>{said(e.reason)}.</p>
            <div class="panel models-panel">
              <Table label={`Results of ${e.suite}`} columns={results} rows={e.results ?? []} rowKey={(r) => `${r.gate}/${r.on}/${r.slice ?? ""}`} />
            </div>
          </details>
        ))
      )}
    </Section>
  );
}

interface Input extends VersionField {
  place: number;
  importance?: VersionImportance;
}

function Inputs({ data }: { data: VersionPage }) {
  const card = data.card;
  if (!card) return <p class="detail">There is no card: {data.noCard}.</p>;
  const by = new Map(card.importances.map((i) => [i.name, i]));
  const signed = card.inputs.length > 0;
  const rows: Input[] = signed
    ? card.inputs.map((f, i) => ({ ...f, place: i, ...(by.has(f.name) ? { importance: by.get(f.name)! } : {}) }))
    : card.importances.map((i, place) => ({ name: i.name || `feature ${place}`, type: "", place, importance: i }));
  const most = Math.max(...rows.map((r) => r.importance?.share ?? 0), 1e-9);
  const known = card.importances.length > 0;
  const columns: Column<Input>[] = [
    { id: "place", title: "#", num: true, sort: (f) => f.place, value: (f) => f.place + 1, width: "48px" },
    { id: "name", title: "Input", sort: (f) => f.name, value: (f) => f.name || <span class="detail">by position</span> },
    { id: "type", title: "Type", sort: (f) => f.type, value: (f) => <>{f.type || "–"}{f.optional && <span class="detail"> optional</span>}</> },
    ...(known
      ? ([
          {
            id: "gain",
            title: "Share of gain",
            sort: (f) => f.importance?.share ?? -1,
            num: true,
            value: (f) => (
              <span class="models-bar">
                <i style={{ width: `${(100 * (f.importance?.share ?? 0)) / most}%` }} aria-hidden="true" />
                <span>{f.importance ? percent(f.importance.share ?? 0) : "–"}</span>
              </span>
            ),
          },
          { id: "splits", title: "Splits", num: true, sort: (f) => f.importance?.splits ?? -1, value: (f) => (f.importance ? count(f.importance.splits) : "–") },
          { id: "total", title: "Gain", num: true, sort: (f) => f.importance?.gain ?? -1, value: (f) => (f.importance ? (f.importance.gain != null && f.importance.gain >= 1000 ? count(Math.round(f.importance.gain)) : figure(f.importance.gain)) : "–") },
        ] satisfies Column<Input>[])
      : []),
  ];
  return (
    <>
      {card.badSignature && <p class="note warn">{card.badSignature}</p>}
      <Section
        id="models-inputs"
        title={signed ? "What it takes" : "What it looks at"}
      >
        {rows.length > 0 && <p class="detail models-note">{known ? "Importance as the library counts it, from the file of the model; a recalibrated version has its parent's." : `No importance: ${card.noImportance}.`}</p>}
        {rows.length === 0 ? (
          <p class="detail">The version has no signature: log the model with an input example, and requests are checked and cast.</p>
        ) : (
          <div class="panel models-panel">
            <Table label="Inputs" columns={columns} rows={rows} rowKey={(f) => String(f.place)} {...(known ? { order: { by: "gain", down: true } } : {})} />
          </div>
        )}
      </Section>
      {(card.outputs.length > 0 || card.params.length > 0) && (
        <Section id="models-outputs" title="What it gives">
          <Facts of={[...card.outputs.map((f, i): [string, string] => [f.name || `output ${i + 1}`, f.type]), ...card.params.map((f): [string, string] => [`parameter ${f.name}`, f.type + (f.default ? `, ${f.default} by default` : "")])]} />
        </Section>
      )}
    </>
  );
}

function Origin({ data, done, edit }: { data: VersionPage; done: () => void; edit: () => void }) {
  const { lineage: l, runFacts: r, card, line } = data;
  const params: Column<[string, string]>[] = [
    { id: "key", title: "Parameter", sort: ([k]) => k, value: ([k]) => k },
    { id: "value", title: "Value", value: ([, v]) => <code class="models-value">{v}</code> },
  ];
  return (
    <>
      <Section id="models-lineage" title="What it has learnt from">
        {!l.known && <p class="detail">Nobody knows until when it has learnt: it was made outside of a pipeline. The tag trimtab.trained_until says it.</p>}
        <Facts
          of={[
            ["Learnt until", l.until && moment(l.until)],
            ["Data", l.dataSource && <a href={href(`data/sources/${enc(l.dataSource)}`)} data-page>{l.dataSource}</a>],
            ["Snapshot", l.snapshot && <Digest of={l.snapshot} />],
            ["Label", l.label],
            ["Pipeline", l.pipeline && <a href={href(`pipelines/${enc(l.pipeline)}`)} data-page>{l.pipeline}</a>],
            ["Pipeline run", l.pipelineRun && <a href={href(`pipelineruns/${enc(l.pipelineRun)}`)} data-page><code>{l.pipelineRun}</code></a>],
            ["Started by", l.cause && <Cause text={l.cause} />],
            ["Code", l.code && <Digest of={l.code} />],
            ["Environment", l.lock],
            ["Source", data.source && <code>{data.source}</code>],
          ]}
        />
        {l.reason && <p class="detail models-said">{l.reason}</p>}
      </Section>
      {(line.parent || data.children.length > 0 || (card?.calibration.length ?? 0) > 0) && (
        <Section id="models-family" title="Made of and from">
          <Facts
            of={[
              ["Made of", line.parent && <>version <Parent of={line.parent} model={data.model} /></>],
              [
                "Recalibrated from it",
                data.children.length > 0 && (
                  <span class="chips">
                    {data.children.map((c) => (
                      <span key={c.version} class="chip">
                        <Link model={data.model} version={c.version} />
                      </span>
                    ))}
                  </span>
                ),
              ],
              ...(card?.calibration ?? []).map((c, i): [string, string] => [
                `Correction ${i + 1}`,
                card!.scale === "logit" ? `logit = ${figure(c.a)} + ${figure(c.b)} · logit of the score` : `score = ${figure(c.a)} + ${figure(c.b)} · score`,
              ]),
            ]}
          />
        </Section>
      )}
      {r && (
        <Section
          id="models-run"
          title="Its run"
          aside={
            <a href={href(`experiments/${enc(r.experiment)}/runs/${enc(r.id)}`)} data-page>
              {r.name || r.id}
            </a>
          }
        >
          <Facts
            of={[
              ["Experiment", r.experimentName && <a href={href(`experiments/${enc(r.experiment)}`)} data-page>{r.experimentName}</a>],
              ["State", r.status.toLowerCase()],
              ["By", r.user],
              ["Started", r.start && <Age at={r.start} />],
              ["Commit", r.commit && <code>{r.commit.slice(0, 12)}</code>],
              ["Program", r.sourceName],
            ]}
          />
          <div class="models-two">
            {Object.keys(r.params).length > 0 && (
              <div class="panel models-panel">
                <Table label="Parameters of the run" columns={params} rows={Object.entries(r.params)} rowKey={([k]) => k} />
              </div>
            )}
            {r.metrics.length > 0 && (
              <div class="panel models-panel">
                <Table
                  label="Metrics of the run"
                  columns={[
                    { id: "key", title: "Metric", sort: (m) => m.key, value: (m) => nameOf(m.key) },
                    { id: "value", title: "Value", num: true, sort: (m) => m.value, value: (m) => figure(m.value) },
                  ]}
                  rows={r.metrics}
                  rowKey={(m) => m.key}
                />
              </div>
            )}
          </div>
          {r.more ? <p class="detail">{count(r.more)} more are on the page of the run.</p> : null}
        </Section>
      )}
      <Section id="models-reproduce" title="Reproduce">
        <div class="models-stack">
          {data.reproduce.map((c) => (
            <Command key={c}>{c}</Command>
          ))}
        </div>
        {card && card.requirements.length > 0 && (
          <p class="models-requirements">
            <span class="detail">
              Needs{card.python && ` Python ${card.python}`}
              {card.mlflow && `, logged by MLflow ${card.mlflow}`}:
            </span>{" "}
            {card.requirements.map((x) => (
              <code key={x}>{x}</code>
            ))}
          </p>
        )}
      </Section>
      <Section id="models-version-tags" title="Description and tags" aside={<button type="button" class="quiet" onClick={edit}>Edit description</button>}>
        <p class="models-prose">{line.description || <span class="detail">Nobody has described this version yet.</span>}</p>
        <Tags of={{ name: data.model, version: line.version }} tags={data.tags ?? {}} done={done} />
      </Section>
    </>
  );
}

/** Cause links a decision where a text names one. */
function Cause({ text }: { text: string }) {
  const id = /^decision (\S+)$/.exec(text)?.[1];
  return id ? <a href={href(`decisions/${enc(id)}`)} data-page>{text}</a> : <>{text}</>;
}

function Files({ data }: { data: VersionPage }) {
  if (data.files.length === 0) return <p class="detail">{data.noCard ? `No files: ${data.noCard}.` : "The version has no files."}</p>;
  return (
    <>
      {data.card?.notServed && <p class="note warn">{data.card.notServed}</p>}
      <div class="panel models-panel">
        <Table
          label="Files"
          columns={[
            { id: "path", title: "File", sort: (f) => f.path, value: (f) => <code>{f.path}</code> },
            { id: "size", title: "Size", num: true, sort: (f) => f.size, value: (f) => bytesText(f.size) },
            { id: "digest", title: "SHA-256", value: (f) => <Digest of={f.digest} /> },
          ]}
          rows={data.files}
          rowKey={(f) => f.path}
        />
      </div>
      {data.more ? <p class="detail">{count(data.more)} more files are not listed.</p> : null}
    </>
  );
}
