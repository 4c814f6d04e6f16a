// All registered models: what each is, what serves it, and how good it is now.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ModelCatalog, ModelLine } from "../api_gen";
import { apiURL, serverURL } from "../base";
import { Spark } from "../chart/spark";
import { count, figure, metricName, plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Age, Interval, Table, toast, type Column } from "../parts";
import { call, useQuery, type Problem } from "../query";
import { enc, href, project, useParam } from "../router";
import { State } from "../shapes";
import { Link } from "./words";

const piece = 50; // models asked for at once
const watched = ["registeredModel", "modelVersion", "model", "endpoint", "rollout", "window"];

export default function Models() {
  const [wanted, want] = useParam("q");
  const [typed, setTyped] = useState(wanted);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => want(typed.trim()), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  const call = `catalog/models?limit=${piece}${wanted ? `&q=${enc(wanted)}` : ""}`;
  const q = useQuery<ModelCatalog>(apiURL(project.value, call), watched);
  const none = q.data.value !== undefined && q.data.value.items.length === 0 && wanted === "";
  return (
    <Page
      title="Models"
      copy={{ curl: { url: apiURL(project.value, call) }, cli: "trimtab model list" }}
      keys={[{ keys: "/", text: "search", run: () => box.current?.focus() }]}
    >
      {!none && (
        <div class="toolbar">
          <input ref={box} type="search" class="models-search" aria-label="Search models" placeholder="Name or description" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
        </div>
      )}
      <Answer of={q}>
        {(data) =>
          none ? (
            <Empty
              title="No model is registered yet"
              commands={[`export MLFLOW_TRACKING_URI=${serverURL}`, "python -c 'import mlflow; mlflow.lightgbm.log_model(model, name=\"model\", registered_model_name=\"flights\")'", "trimtab apply -f model.yaml"]}
            >
              A model is a name under which versions are kept. A training run registers one, or a Model is declared.
            </Empty>
          ) : data.items.length === 0 ? (
            <p class="detail">No model has “{wanted}” in its name or description.</p>
          ) : (
            <Lines key={wanted} first={data} address={call} />
          )
        }
      </Answer>
    </Page>
  );
}

/** Lines are the first page, and the further ones that were asked for. */
function Lines({ first, address }: { first: ModelCatalog; address: string }) {
  const [more, setMore] = useState<ModelCatalog[]>([]);
  const [busy, setBusy] = useState(false);
  const next = (more[more.length - 1] ?? first).next;
  const seen = new Set<string>();
  const rows = [first, ...more].flatMap((p) => p.items).filter((m) => !seen.has(m.name) && seen.add(m.name));
  const load = async () => {
    setBusy(true);
    try {
      const page = await call<ModelCatalog>("GET", apiURL(project.value, `${address}&after=${enc(next ?? "")}`));
      setMore((all) => [...all, page]);
    } catch (e) {
      toast((e as Problem).message, "bad");
    }
    setBusy(false);
  };
  return (
    <div class="panel models-panel">
      <Table label="Models" columns={columns} rows={rows} rowKey={(m) => m.name} />
      <footer class="models-foot">
        <span class="detail">{next ? `The first ${count(rows.length)}` : plural(rows.length, "model")}</span>
        {next && (
          <button type="button" class="quiet" disabled={busy} onClick={() => void load()}>
            {busy ? "Working" : `Show ${piece} more`}
          </button>
        )}
      </footer>
    </div>
  );
}

const columns: Column<ModelLine>[] = [
  {
    id: "name",
    title: "Model",
    sort: (m) => m.name,
    value: (m) => (
      <div class="models-name">
        <a href={href(`models/${enc(m.name)}`)} data-page data-row>
          {m.name}
        </a>
        {m.description && <span class="detail">{m.description}</span>}
      </div>
    ),
  },
  {
    id: "aliases",
    title: "Aliases",
    value: (m) =>
      m.aliases.length === 0 ? (
        <span class="detail">–</span>
      ) : (
        <span class="chips">
          {m.aliases.slice(0, 4).map((a) => (
            <span key={a.name} class="chip">
              {a.name} → <Link model={m.name} version={a.version} />
            </span>
          ))}
          {m.aliases.length > 4 && <span class="detail">+{m.aliases.length - 4}</span>}
        </span>
      ),
  },
  {
    id: "serving",
    title: "Serving",
    sort: (m) => (m.serves.length ? m.serves[0]!.endpoint : null),
    value: (m) =>
      m.serves.length === 0 ? (
        <span class="detail">not served</span>
      ) : (
        <div class="models-stack">
          {m.serves.slice(0, 3).map((s) => (
            <span key={s.endpoint} class="models-serve">
              <State tone={s.version ? (s.open ? "run" : "ok") : "wait"}>
                <a href={href(`endpoints/${enc(s.endpoint)}`)} data-page>
                  {s.endpoint}
                </a>
              </State>
              <span class="detail">{s.version ? `version ${s.version}${s.open ? ", rollout under way" : ""}` : "no version answers"}</span>
            </span>
          ))}
          {m.serves.length > 3 && <span class="detail">+{m.serves.length - 3}</span>}
        </div>
      ),
  },
  {
    id: "quality",
    title: "Quality",
    num: true,
    sort: (m) => m.quality?.metric.value ?? null,
    value: (m) =>
      m.quality ? (
        <div class="models-quality" title={`${metricName(m.quality.metric.metric)} of monitor ${m.quality.monitor} in the window ${m.quality.window}`}>
          <span>
            <span class="detail">{metricName(m.quality.metric.metric)}</span> <Interval value={m.quality.metric.value} lo={m.quality.metric.lo} hi={m.quality.metric.hi} />
          </span>
        </div>
      ) : (
        <span class="detail">–</span>
      ),
  },
  {
    id: "trend",
    title: "Trend",
    value: (m) => (m.trend && m.trend.length > 1 ? <Spark y={m.trend} label={`${m.trend.length} windows, ${figure(m.trend[0] ?? null)} to ${figure(m.trend[m.trend.length - 1] ?? null)}`} /> : <span class="detail">–</span>),
  },
  { id: "versions", title: "Versions", num: true, sort: (m) => m.versions, value: (m) => count(m.versions) },
  { id: "newest", title: "Newest", num: true, sort: (m) => m.newest ?? null, value: (m) => <Age at={m.newest} /> },
  {
    id: "labels",
    title: "Labels",
    value: (m) => {
      const all = Object.entries(m.labels ?? {});
      return all.length === 0 ? (
        <span class="detail">–</span>
      ) : (
        <span class="chips">
          {all.slice(0, 3).map(([k, v]) => (
            <span key={k} class="chip">
              {k}: {v}
            </span>
          ))}
        </span>
      );
    },
  },
];
