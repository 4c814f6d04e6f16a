// A registered model: which version each alias names and since when, how good what
// was served has been, and every version.
import { useMemo, useRef, useState } from "preact/hooks";
import type { AliasMove, ModelAlias, ModelPage, ModelQuality, Service } from "../api_gen";
import { apiURL } from "../base";
import { LineChart } from "../chart/line";
import { date, metricName, moment, plural } from "../format";
import { Answer, Empty, Page, Tabs } from "../page";
import { Age, Section, Table, toast, type Column } from "../parts";
import { useQuery } from "../query";
import { enc, go, href, project, useParam } from "../router";
import { State } from "../shapes";
import { Describe, Tags } from "./edit";
import { Drop, Move } from "./move";
import { Link, quoted } from "./words";
import { Versions } from "./versions";

const watched = ["registeredModel", "modelVersion", "model", "endpoint", "rollout", "window", "evaluation"];

export default function Model({ params }: { params: Record<string, string> }) {
  const name = params.model!;
  const address = apiURL(project.value, `catalog/models/${enc(name)}`);
  const q = useQuery<ModelPage>(address, watched);
  const [tab] = useParam("tab", "versions");
  const [chosen, setChosen] = useState<number[]>([]);
  const [asked, ask] = useState<{ what: "move" | "drop" | "describe"; alias?: string; version?: number }>();
  const choose = (v: number) => setChosen((all) => (all.includes(v) ? all.filter((x) => x !== v) : [...all.slice(-1), v]));
  const data = q.data.value;
  const marked = useRef(chosen); // what a key means is decided when it is pressed
  marked.current = chosen;
  const compare = () => {
    const chosen = marked.current;
    const served = data?.services.find((s) => s.version)?.version ?? data?.aliases[0]?.version;
    const two = chosen.length === 1 && served && served !== chosen[0] ? [served, chosen[0]!] : chosen;
    if (two.length < 2) return toast("Choose two versions, or one beside the one that serves", "warn");
    const [a, b] = [...two].sort((x, y) => x - y);
    go(`models/${enc(name)}/diff?a=${a}&b=${b}`);
  };
  const mark = () => {
    const line = document.activeElement?.closest<HTMLElement>("tr[data-version]")?.dataset.version;
    if (line) choose(Number(line));
  };
  const move = () => ask({ what: "move", ...(marked.current.length === 1 ? { version: marked.current[0]! } : {}) });
  return (
    <Page
      title={name}
      crumbs={[{ text: "Models", to: "models" }]}
      summary={data?.description}
      copy={{ curl: { url: address }, cli: `trimtab model show ${quoted(name)}`, ...(data ? { yaml: () => yamlOf(data) } : {}) }}
      keys={[
        { keys: "a", text: "move an alias", run: move },
        { keys: "x", text: "choose the version", run: mark },
        { keys: "d", text: "compare the chosen versions", run: compare },
      ]}
      actions={[
        { text: `Move an alias of ${name}`, run: move },
        { text: `Describe ${name}`, run: () => ask({ what: "describe" }) },
      ]}
      aside={
        data &&
        data.versions.items.length > 0 && (
          <>
            <button type="button" class="quiet" onClick={compare}>
              Compare
            </button>
            <button type="button" class="primary" onClick={move}>
              Move alias
            </button>
          </>
        )
      }
    >
      <Answer of={q}>
        {(data) => (
          <>
            <Aliases data={data} ask={(what, alias) => ask({ what, alias })} />
            {data.quality.map((one) => one.windows.some((w) => w.value != null) && <Quality key={one.monitor} of={one} model={name} />)}
            <Tabs
              label="More of this model"
              tabs={[
                { id: "versions", text: "Versions" },
                { id: "history", text: "Alias history", count: data.moves.length },
                { id: "about", text: "Description and tags" },
              ]}
            />
            {tab === "versions" &&
              (data.versions.items.length === 0 ? (
                <Empty title="No version yet" commands={[`mlflow.register_model("runs:/RUN_ID/model", "${name}")`, "trimtab pipeline run PIPELINE"]}>
                  A run registers the first one.
                </Empty>
              ) : (
                <Versions key={name} model={name} first={data.versions} total={data.versions.items[0]!.version} chosen={chosen} choose={choose} />
              ))}
            {tab === "history" && <History moves={data.moves} more={data.more === true} model={name} />}
            {tab === "about" && (
              <div class="models-about">
                <Section id="models-text" title="Description" aside={<button type="button" class="quiet" onClick={() => ask({ what: "describe" })}>Edit</button>}>
                  <p class="models-prose">{data.description || <span class="detail">Nobody has described this model yet.</span>}</p>
                </Section>
                <Section id="models-tags" title="Tags">
                  <Tags of={{ name }} tags={data.tags ?? {}} done={q.refresh} />
                </Section>
              </div>
            )}
            {asked?.what === "move" && <Move model={data} alias={asked.alias} version={asked.version} close={() => ask(undefined)} done={q.refresh} />}
            {asked?.what === "drop" && <Drop model={data} alias={asked.alias!} close={() => ask(undefined)} done={q.refresh} />}
            {asked?.what === "describe" && <Describe of={{ name }} text={data.description ?? ""} close={() => ask(undefined)} done={q.refresh} />}
          </>
        )}
      </Answer>
    </Page>
  );
}

/** yamlOf is the model as it would be declared. */
function yamlOf(data: ModelPage): string {
  const text = (s: string) => JSON.stringify(s); // a JSON string is one in YAML
  const lines = ["apiVersion: trimtab.dev/v1alpha1", "kind: Model", "metadata:", `  name: ${text(data.name)}`, "spec:"];
  if (data.description) lines.push(`  description: ${text(data.description)}`);
  if (data.task) lines.push(`  task: ${data.task}`);
  const tags = Object.entries(data.tags ?? {});
  if (tags.length) lines.push("  tags:", ...tags.map(([k, v]) => `    ${text(k)}: ${text(v)}`));
  return lines.join("\n") + "\n";
}

function Aliases({ data, ask }: { data: ModelPage; ask: (what: "move" | "drop", alias: string) => void }) {
  const columns: Column<ModelAlias>[] = [
    { id: "alias", title: "Alias", sort: (a) => a.name, value: (a) => a.name },
    { id: "version", title: "Version", num: true, sort: (a) => a.version, value: (a) => <Link model={data.name} version={a.version} /> },
    {
      id: "serves",
      title: "Serves",
      value: (a) => {
        const all = data.services.filter((s) => s.alias === a.name);
        if (all.length === 0) return <span class="detail">no endpoint follows it</span>;
        return (
          <span class="models-stack">
            {all.map((s) => (
              <span key={s.endpoint} class="models-serve">
                <State tone={s.open ? "run" : s.version === a.version ? "ok" : "warn"}>
                  <a href={href(`endpoints/${enc(s.endpoint)}`)} data-page>
                    {s.endpoint}
                  </a>
                </State>
                {s.open ? (
                  <a href={href(`rollouts/${enc(s.open)}`)} data-page>
                    rollout {s.open}
                  </a>
                ) : (
                  s.version !== a.version && <span class="detail">{s.version ? `version ${s.version} answers still` : "nothing answers"}</span>
                )}
                {(s.monitors ?? []).map((m) => (
                  <a key={m} href={href(`monitors/${enc(m)}`)} data-page class="detail" aria-label={`Monitor ${m}`}>
                    monitor
                  </a>
                ))}
                {(s.policies ?? []).length > 0 && (
                  <a href={href(`loop/${enc(s.endpoint)}`)} data-page class="detail" aria-label={`Loop of ${s.endpoint}`}>
                    loop
                  </a>
                )}
              </span>
            ))}
          </span>
        );
      },
    },
    { id: "since", title: "Since", num: true, sort: (a) => a.since ?? null, value: (a) => <Age at={a.since} /> },
    { id: "by", title: "By", value: (a) => a.actor ?? <span class="detail">–</span> },
    { id: "why", title: "Why", value: (a) => <Why reason={a.reason} /> },
    {
      id: "act",
      title: "Actions",
      value: (a) => (
        <span class="models-act">
          <button type="button" class="quiet" onClick={() => ask("move", a.name)} aria-label={`Move ${a.name}`}>
            Move
          </button>
          <button type="button" class="quiet" onClick={() => ask("drop", a.name)} aria-label={`Drop ${a.name}`}>
            Drop
          </button>
        </span>
      ),
    },
  ];
  return (
    <Section id="models-aliases-head" title="Aliases">
      {data.aliases.length === 0 ? (
        <p class="detail">No alias points to a version: nothing that follows an alias can be served.</p>
      ) : (
        <div class="panel models-panel">
          <Table label="Aliases and what follows them" columns={columns} rows={data.aliases} rowKey={(a) => a.name} />
        </div>
      )}
    </Section>
  );
}

/** Why is the reason of a move, with a link where it names a rollout, a decision or a pipeline run. */
function Why({ reason }: { reason?: string | undefined }) {
  if (!reason) return <span class="detail">–</span>;
  const rollout = /^rollout (\S+)$/.exec(reason)?.[1];
  const decision = /^decision (\S+)$/.exec(reason)?.[1];
  const step = /^(pr-[0-9a-f]+)\.(.+)\.\d+$/.exec(reason);
  if (rollout) return <a href={href(`rollouts/${enc(rollout)}`)} data-page>{reason}</a>;
  if (decision) return <a href={href(`decisions/${enc(decision)}`)} data-page>{reason}</a>;
  if (step) {
    return (
      <a href={href(`pipelineruns/${enc(step[1]!)}`)} data-page title={reason}>
        step {step[2]} of a pipeline run
      </a>
    );
  }
  return <>{reason}</>;
}

const ms = (iso: string) => Date.parse(iso);

/** few is how many versions have a line of their own; more are one line, with a mark where each came. */
const few = 8;

/** drawn is the line of each version that served, or one line with marks. */
function drawn(of: ModelQuality) {
  const starts = of.windows.map((w) => ms(w.start));
  const values = (f: (w: (typeof of.windows)[number]) => number | null | undefined, keep: (i: number) => boolean) => of.windows.map((w, i) => (keep(i) ? (f(w) ?? null) : null));
  const line = (label: string, keep: (i: number) => boolean) => ({ label, x: starts, y: values((w) => w.value, keep), lo: values((w) => w.lo, keep), hi: values((w) => w.hi, keep), points: of.windows.length < 80 });
  const versions = [...new Set(of.spans.map((s: Service) => s.version))];
  if (versions.length < 2 || versions.length > few) {
    const marks = of.spans.filter((s: Service) => s.from).map((s: Service) => ({ x: ms(s.from!), label: `version ${s.version}`, id: String(s.version) }));
    return [[line(metricName(of.metric), () => true)], versions.length < 2 ? [] : marks] as const;
  }
  // A window is of the version that served at its end; the line is led on to the first window of the next.
  const at = of.windows.map((w) => of.spans.filter((s: Service) => !s.from || ms(s.from) < ms(w.end)).pop()?.version);
  const series = versions.map((v) => line(`version ${v}`, (i) => at[i] === v));
  for (const s of series) {
    const own = s.y.map((y) => y !== null);
    own.forEach((is, i) => {
      if (is && i + 1 < own.length && !own[i + 1] && of.windows[i + 1]!.value != null) {
        [s.y[i + 1], s.lo[i + 1], s.hi[i + 1]] = [of.windows[i + 1]!.value!, null, null];
      }
    });
  }
  return [series, []] as const;
}

function Quality({ of, model }: { of: ModelQuality; model: string }) {
  const [series, marks] = useMemo(() => drawn(of), [of]);
  const last = of.windows[of.windows.length - 1];
  return (
    <Section
      id={`models-quality-${of.monitor}`}
      title={`${metricName(of.metric)} of what endpoint ${of.endpoint} answered`}
      aside={
        <span class="detail">
          {plural(of.windows.length, "window")}
          {last && ` to ${date(last.end)}`} of monitor{" "}
          <a href={href(`monitors/${enc(of.monitor)}`)} data-page>
            {of.monitor}
          </a>
        </span>
      }
    >
      <LineChart label={`${metricName(of.metric)} by window, with the versions that came to serve`} height={180} x="time" series={[...series]} marks={[...marks]} onMark={(v) => go(`models/${enc(model)}/versions/${v}`)} />
    </Section>
  );
}

function History({ moves, more, model }: { moves: AliasMove[]; more: boolean; model: string }) {
  const columns: Column<AliasMove>[] = [
    {
      id: "time",
      title: "When",
      sort: (m) => m.time,
      value: (m) => (
        <a href={href(`audit/${m.index}`)} data-page data-row title={`Journal entry ${m.index}`}>
          {moment(m.time).slice(0, 19)}
        </a>
      ),
    },
    { id: "alias", title: "Alias", sort: (m) => m.alias, value: (m) => m.alias },
    { id: "from", title: "From", num: true, value: (m) => (m.from ? <Link model={model} version={m.from} /> : <span class="detail">new</span>) },
    { id: "to", title: "To", num: true, value: (m) => (m.to ? <Link model={model} version={m.to} /> : <span class="detail">dropped</span>) },
    { id: "actor", title: "Who", sort: (m) => m.actor, value: (m) => m.actor },
    { id: "why", title: "Why", value: (m) => <Why reason={m.reason} /> },
  ];
  if (moves.length === 0) return <p class="detail">No alias has been moved yet.</p>;
  return (
    <>
      <div class="panel models-panel">
        <Table label="Moves of aliases" columns={columns} rows={moves} rowKey={(m) => String(m.index)} />
      </div>
      {more && <p class="detail">Older moves are in the audit log.</p>}
    </>
  );
}
