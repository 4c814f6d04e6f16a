// The runs of an experiment: a query bar, charts of the runs that are chosen, and
// a table of any size. Everything that is chosen is in the address.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ExperimentRow, RunKeys } from "../api_gen";
import { apiURL, serverURL } from "../base";
import { now } from "../clock";
import { count, date, duration, figure, moment, plural } from "../format";
import { Grid, type GridColumn } from "../grid/grid";
import { rowHeight } from "../grid/window";
import { onNotice } from "../live";
import { Empty, Page, type Action, type KeyBinding } from "../page";
import { Confirm, Menu, ProblemPanel, toast } from "../parts";
import { call, useQuery } from "../query";
import { enc, go, href, project, setParams, useParam } from "../router";
import { Shape, toneOf } from "../shapes";
import { Charts, type Shown } from "./charts";
import { clauseOf, kindOf, keyOf, nameColumn, pick, sorted, sortsOf, titleOf, widthOf, writeSorts } from "./column";
import { Picker, standard } from "./columns";
import { Rename } from "./rename";
import { QueryBar } from "./search";
import { Runs, type Row, type Search } from "./store";

const drawn = 8; // runs in the charts while none is chosen
const drawnMost = 200;
const inAddress = 200; // chosen runs that the address holds

export default function RunsPage({ params }: { params: Record<string, string> }) {
  const experiment = params.experiment as string;
  const where = project.value;
  const [filter] = useParam("filter");
  const [order] = useParam("order");
  const [view] = useParam("view", "active");
  const [columnsText] = useParam("columns");
  const [chosenText] = useParam("selected");
  const [hiddenText] = useParam("hidden");
  const [group] = useParam("group");
  const [pinnedText] = useParam("pinned");
  const [chartsText] = useParam("charts");
  const [x] = useParam("x", "step");
  const about = useQuery<ExperimentRow>(apiURL(where, `experiments/${enc(experiment)}`), ["run", "experiment"]);
  const keys = useQuery<RunKeys>(apiURL(where, `experiments/${enc(experiment)}/keys?order=telling&limit=24`), ["run"]);
  const [dialog, setDialog] = useState<"" | "columns" | "charts" | "group" | "delete" | "restore" | "rename">("");
  const input = useRef<HTMLInputElement>(null);
  const [widths, setWidths] = useWidths(`trimtab.widths.${where}`);

  const sorts = useMemo(() => sortsOf(order), [order]);
  const clauses = sorts.map((s) => `${clauseOf(s.id)} ${s.desc ? "DESC" : "ASC"}`);
  const search: Search = useMemo(() => ({ project: where, experiment, filter, order: clauses, view }), [where, experiment, filter, clauses.join("\n"), view]);
  const runs = useTable(search);
  const version = runs.version.value;
  const problem = runs.problem.value;

  const fallback = useMemo(() => standard(keys.data.value?.items ?? []), [keys.data.value]);
  const shownColumns = useMemo(() => (columnsText ? columnsText.split(",") : fallback), [columnsText, fallback]);
  const setColumns = (ids: string[]) => setParams({ columns: ids.join(",") });

  const [selected, select] = useSelection(chosenText);
  const hidden = useMemo(() => new Set(hiddenText.split(",").filter(Boolean)), [hiddenText]);

  // What the charts show: the chosen runs, or the first ones.
  const known = useRef(new Map<string, Row>());
  const groups = useRef(new Map<string, string>());
  for (let i = 0; i < Math.min(runs.loaded, 400); i++) {
    const r = runs.row(i);
    if (!r) continue;
    known.current.set(r.id, r);
    if (group) groups.current.set(r.id, textOf(runs.value(i, group)) || "–");
  }
  const shownRuns: Shown[] = useMemo(() => {
    let ids = [...selected];
    if (ids.length === 0) {
      ids = [];
      for (let i = 0; i < runs.loaded && ids.length < (group ? drawnMost : drawn); i++) {
        const r = runs.row(i);
        if (r) ids.push(r.id);
      }
    }
    const names = [...new Set(ids.map((id) => groups.current.get(id) ?? "–"))];
    return ids
      .slice(0, drawnMost)
      .filter((id) => !hidden.has(id))
      .map((id) => ({ id, name: known.current.get(id)?.name || id.slice(0, 8), color: group ? names.indexOf(groups.current.get(id) ?? "–") : ids.indexOf(id), ...(group ? { group: groups.current.get(id) ?? "–" } : {}) }));
  }, [selected, hidden, version, group]);
  const colors = useMemo(() => new Map(shownRuns.map((r) => [r.id, r.color])), [shownRuns]); // of the runs that are drawn
  const charted = useMemo(() => {
    if (chartsText === "none") return [];
    if (chartsText) return chartsText.split(",");
    return shownColumns.filter((id) => kindOf(id) === "metric").slice(0, 3).map(keyOf);
  }, [chartsText, shownColumns]);
  const chartsOpen = chartsText !== "none" && (chartsText !== "" || charted.length > 0);
  const setCharts = (metrics: string[]) => setParams({ charts: metrics.length ? metrics.join(",") : "none" });

  const columns: GridColumn[] = useMemo(() => {
    const narrow = innerWidth < 640;
    const pinned = pinnedText.split(",");
    const make = (id: string): GridColumn => {
      const at = sorts.findIndex((s) => s.id === id);
      const kind = kindOf(id);
      return {
        id, title: titleOf(id), pinned: pinned.includes(id), hint: kind === "attribute" ? titleOf(id) : id, width: widths[id] ?? widthOf(id), num: kind === "metric" || id === "attributes.duration",
        sortable: clauseOf(id) !== "", sort: at < 0 ? undefined : sorts[at]?.desc ? "desc" : "asc", rank: sorts.length > 1 && at >= 0 ? at + 1 : undefined,
      };
    };
    return [
      { id: pick, title: "", hint: "Chosen, and shown in the charts", width: 62, pinned: true, fixed: true },
      { ...make(nameColumn), width: widths[nameColumn] ?? (narrow ? 132 : 228), pinned: true, fixed: false },
      ...shownColumns.map(make),
    ];
  }, [shownColumns, sorts, widths, pinnedText]);

  const open = (row: number) => {
    const r = runs.row(row);
    if (r) go(`experiments/${enc(experiment)}/runs/${enc(r.id)}`);
  };
  const compare = () => {
    const ids = [...selected];
    if (ids.length < 2) toast("Choose two runs or more to compare them: x chooses a run", "warn");
    else go(`compare?runs=${ids.join(",")}`);
  };
  const onGrid = (press: string) => {
    const grid = document.querySelector<HTMLElement>("[data-grid]");
    grid?.focus();
    grid?.dispatchEvent(new KeyboardEvent("keydown", { key: press, bubbles: true, cancelable: true }));
  };
  const acts = useRef({ compare, setDialog, onGrid, toggleCharts: () => {} });
  acts.current = { compare, setDialog, onGrid, toggleCharts: () => setParams({ charts: chartsOpen ? "none" : "" }) };
  const bindings: KeyBinding[] = useMemo(
    () => [
      { keys: "/", text: "search runs", run: () => input.current?.focus() },
      { keys: "v", text: "choose columns", run: () => acts.current.setDialog("columns") },
      { keys: "c", text: "compare the chosen runs", run: () => acts.current.compare() },
      { keys: "h", text: "show or hide the charts", run: () => acts.current.toggleCharts() },
      { keys: "x", text: "choose a run (X: up to here)", run: () => acts.current.onGrid("x") },
      { keys: "Shift+← →", text: "in a head: make the column wider or narrower; Alt moves it, p pins it, Delete hides it", run: () => {} },
      { keys: "j", text: "next run", run: () => acts.current.onGrid("j") },
      { keys: "k", text: "previous run", run: () => acts.current.onGrid("k") },
    ],
    [],
  );
  const offered: Action[] = [
    { text: "Choose columns", run: () => setDialog("columns") },
    { text: "Compare the chosen runs", run: compare },
    { text: "Group the runs", run: () => setDialog("group") },
    { text: chartsOpen ? "Hide the charts" : "Show the charts", run: () => acts.current.toggleCharts() },
  ];

  const head = about.data.value;
  const title = head?.name ?? (about.problem.value ? `Experiment ${experiment}` : "…");
  const paramKeys = (keys.data.value?.items ?? []).filter((k) => k.kind !== "metric" && k.runs > 1 && !k.key.startsWith("mlflow."));
  if (about.problem.value?.status === 404)
    return (
      <Page title={`Experiment ${experiment}`} crumbs={[{ text: "Experiments", to: "experiments" }]}>
        <ProblemPanel problem={about.problem.value} retry={about.refresh} />
      </Page>
    );
  const nothing = head !== undefined && head.runs.total === 0 && runs.rows === 0 && !runs.busy.value && filter === "" && view === "active" && runs.total === 0;
  return (
    <Page
      title={title}
      crumbs={[{ text: "Experiments", to: "experiments" }]}
      summary={summaryOf(runs, filter, view)}
      keys={bindings}
      actions={offered}
      copy={{ curl: { method: "POST", url: apiURL(where, `experiments/${enc(experiment)}/table`), body: { ...(filter ? { filter } : {}), ...(clauses.length ? { order: clauses } : {}), columns: shownColumns.filter((c) => kindOf(c) !== "attribute") } } }}
    >
      {head?.note && <p class="exp-note">{head.note}</p>}
      {nothing ? (
        <Nothing name={head.name} />
      ) : (
        <>
          <div class="exp-bar">
            <QueryBar search={search} filter={filter} apply={(f) => setParams({ filter: f })} problem={problem} input={input} />
            <div class="exp-tools">
              <Segments label="Stage" value={view} set={(v) => setParams({ view: v === "active" ? "" : v, selected: "" })} of={[["active", "Active"], ["deleted", "Deleted"]]} />
              <Menu text={group ? `Grouped by ${titleOf(group)}` : "Group"} items={[...(group ? [{ text: "No groups", run: () => setParams({ group: "" }) }] : []), ...paramKeys.slice(0, 14).map((k) => ({ text: k.key, run: () => setParams({ group: k.id }) })), { text: "Another key…", run: () => setDialog("group") }]} />
              <button type="button" class="quiet" aria-pressed={chartsOpen} onClick={() => acts.current.toggleCharts()}>
                Charts
              </button>
              <button type="button" class="quiet" onClick={() => setDialog("columns")}>
                Columns
              </button>
            </div>
          </div>
          {chartsOpen && runs.rows > 0 && (
            <Charts project={where} runs={shownRuns} metrics={charted} stamp={runs.search === search ? stampOf(version, shownRuns, known.current) : 0} x={x === "relative" ? "relative" : "step"} setX={(v) => setParams({ x: v === "step" ? "" : v })} grouping={group ? titleOf(group) : undefined} drop={(m) => setCharts(charted.filter((c) => c !== m))} add={() => setDialog("charts")} />
          )}
          {runs.rows === 0 && !runs.busy.value ? (
            problem && problem.status !== 400 ? (
              <ProblemPanel problem={problem} retry={() => void runs.refresh()} />
            ) : (
              !problem && (
                <p class="panel">
                  {filter ? "No run matches. " : view === "deleted" ? "No run is deleted. " : "No run yet. "}
                  {filter && (
                    <button type="button" class="link" onClick={() => setParams({ filter: "" })}>
                      Clear the filter
                    </button>
                  )}
                </p>
              )
            )
          ) : (
            <div class="exp-table">
            <Grid
              label={`Runs of ${title}`}
              columns={columns}
              rows={runs.rows}
              rowKey={(i) => runs.row(i)?.id}
              cell={(i, c) => <Cell runs={runs} row={i} column={c} experiment={experiment} selected={selected} hidden={hidden} color={chartsOpen ? colors.get(runs.row(i)?.id ?? "") : undefined} select={select} />}
              text={(i, c) => wordOf(runs, i, c)}
              rowClass={(i) => (runs.row(i)?.deleted ? "gone" : "")}
              selected={selected}
              onSelect={select}
              onOpen={open}
              onSort={(id, add) => setParams({ order: writeSorts(sorted(sorts, id, add)) })}
              onResize={(id, w) => setWidths({ ...widths, [id]: w })}
              onMove={(id, before) => setColumns(movedTo(shownColumns, id, before))}
              onHide={(id) => id !== nameColumn && setColumns(shownColumns.filter((c) => c !== id))}
              onPin={(id) => {
                const pinned = pinnedText.split(",").filter(Boolean);
                if (id !== nameColumn) setParams({ pinned: (pinned.includes(id) ? pinned.filter((c) => c !== id) : [...pinned, id]).join(",") });
              }}
              onView={(from, to, ids) => runs.look(from, to, group && !ids.includes(group) ? [...ids, group] : ids)}
              shift={runs.shift.value}
              height={`min(${(runs.rows + 1) * rowHeight + 20 + (selected.size > 0 ? 52 : 0)}px, max(${chartsOpen ? 280 : 320}px, calc(100vh - ${(chartsOpen ? 452 : 208) + (head?.note ? 18 : 0)}px)))`}
              below={selected.size > 0 ? 52 : 0}
            />
              {selected.size > 0 && (
            <div class="exp-chosen-bar" role="status">
              <span>{plural(selected.size, "run")} chosen</span>
              <button type="button" class="primary" onClick={compare} disabled={selected.size < 2}>
                Compare
              </button>
              {view === "deleted" ? (
                <button type="button" class="quiet" onClick={() => setDialog("restore")}>
                  Restore
                </button>
              ) : (
                <>
                  <button type="button" class="quiet" disabled={selected.size !== 1} onClick={() => setDialog("rename")}>
                    Rename
                  </button>
                  <button type="button" class="quiet" onClick={() => setDialog("delete")}>
                    Delete
                  </button>
                </>
              )}
              <button type="button" class="quiet" onClick={() => select([...selected], false)}>
                Choose none
              </button>
            </div>
          )}
            </div>
          )}
        </>
      )}
      {dialog === "columns" && <Picker title="Columns" project={where} experiment={experiment} chosen={shownColumns} choose={setColumns} close={() => setDialog("")} />}
      {dialog === "charts" && <Picker title="Charts" kind="metric" project={where} experiment={experiment} chosen={charted.map((m) => `metrics.${m}`)} choose={(ids) => setCharts(ids.map(keyOf))} close={() => setDialog("")} />}
      {dialog === "group" && <Picker title="Group by" project={where} experiment={experiment} chosen={group ? [group] : []} choose={(ids) => (setParams({ group: ids.filter((i) => i !== group && (kindOf(i) === "param" || kindOf(i) === "tag")).pop() ?? "" }), setDialog(""))} close={() => setDialog("")} />}
      {dialog === "rename" && <Rename noun="run" most={250} save={(next) => call("POST", `${serverURL}/api/2.0/mlflow/runs/update`, { run_id: [...selected][0], run_name: next })} name={known.current.get([...selected][0] as string)?.name ?? ""} done={() => void runs.refresh()} close={() => setDialog("")} />}
      {(dialog === "delete" || dialog === "restore") && (
        <Confirm
          title={dialog === "delete" ? `Delete ${plural(selected.size, "run")}` : `Restore ${plural(selected.size, "run")}`}
          action={dialog === "delete" ? "Delete" : "Restore"}
          danger={dialog === "delete"}
          {...(dialog === "delete" && selected.size > 1 ? { word: String(selected.size) } : {})}
          run={async () => {
            const ids = [...selected];
            for (const id of ids) await call("POST", `${serverURL}/api/2.0/mlflow/runs/${dialog}`, { run_id: id });
            select(ids, false);
            toast(`${plural(ids.length, "run")} ${dialog === "delete" ? "deleted" : "restored"}`, "ok");
            void runs.refresh();
          }}
          close={() => setDialog("")}
        >
          <p>{dialog === "delete" ? "They leave all lists. Nothing is lost: they can be restored under Deleted." : "They are in all lists again."}</p>
        </Confirm>
      )}
    </Page>
  );
}

function summaryOf(runs: Runs, filter: string, view: string): string {
  void runs.version.value;
  if (runs.busy.value && runs.loaded === 0) return "";
  const all = plural(runs.total, view === "deleted" ? "deleted run" : "run");
  if (!filter) return all;
  if (runs.matching < 0) return `of ${all}`;
  return `${count(runs.matching)}${runs.atLeast ? " or more" : ""} of ${all}`;
}

/** useTable keeps the table of a search; while a new one is on its way the old one is shown. */
function useTable(search: Search): Runs {
  const [shown, setShown] = useState(() => new Runs(search));
  const next = useRef<Runs>(shown);
  useEffect(() => {
    if (next.current.search === search) return;
    const old = next.current;
    const fresh = new Runs(search);
    next.current = fresh;
    fresh.look(0, 40, shown.wanted);
    const stop = fresh.busy.subscribe((busy) => {
      if (busy || next.current !== fresh) return;
      // A search that is refused leaves what was found before.
      if (fresh.problem.peek() && fresh.loaded === 0 && shown.loaded > 0) shown.problem.value = fresh.problem.peek();
      else {
        setShown(fresh);
        shown.close();
        document.querySelector("[data-grid]")?.scrollTo({ top: 0 });
      }
    });
    if (old !== shown) old.close();
    return stop;
  }, [search]);
  useEffect(() => {
    let timer = 0;
    let due = false;
    const refresh = () => {
      if (timer) return;
      timer = window.setTimeout(() => {
        timer = 0;
        if (document.hidden) due = true;
        else void shown.refresh();
      }, 400);
    };
    const stop = onNotice((n) => {
      if (n.kind === "run" || n.kind === "reset" || n.kind === "experiment") refresh();
    });
    const back = () => {
      if (!document.hidden && due) {
        due = false;
        void shown.refresh();
      }
    };
    document.addEventListener("visibilitychange", back);
    return () => {
      stop();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", back);
    };
  }, [shown]);
  useEffect(() => () => next.current.close(), []);
  return shown;
}

/** useSelection keeps the chosen runs, in the address as far as it can hold them. */
function useSelection(text: string): [ReadonlySet<string>, (ids: string[], on: boolean) => void] {
  const [many, setMany] = useState<ReadonlySet<string>>();
  const few = useMemo(() => new Set(text.split(",").filter(Boolean)), [text]);
  const all = many ?? few;
  return [
    all,
    (ids, on) => {
      const next = new Set(all);
      for (const id of ids) {
        if (on) next.add(id);
        else next.delete(id);
      }
      setMany(next.size > inAddress ? next : undefined);
      setParams({ selected: [...next].slice(0, inAddress).join(",") });
    },
  ];
}

function useWidths(store: string): [Record<string, number>, (w: Record<string, number>) => void] {
  const [widths, set] = useState<Record<string, number>>(() => {
    try {
      return JSON.parse(localStorage.getItem(store) ?? "{}") as Record<string, number>;
    } catch {
      return {};
    }
  });
  return [
    widths,
    (w) => {
      set(w);
      try {
        localStorage.setItem(store, JSON.stringify(w));
      } catch {
        // The widths are kept until the page is closed.
      }
    },
  ];
}

function movedTo(all: string[], id: string, before: string | null): string[] {
  if (!all.includes(id)) return all;
  const rest = all.filter((c) => c !== id);
  const at = before === null ? rest.length : rest.indexOf(before);
  rest.splice(at < 0 ? rest.length : at, 0, id);
  return rest;
}

/** stampOf changes when runs in the charts may have logged more: while one of them runs. */
function stampOf(version: number, shown: Shown[], known: Map<string, Row>): number {
  return shown.some((r) => known.get(r.id)?.state === "RUNNING") ? version : 0;
}

function textOf(v: unknown): string {
  return typeof v === "string" ? v : typeof v === "number" ? String(v) : "";
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** ago is an age in short, for a column. */
function ago(ms: number): string {
  const s = (now.value - ms) / 1000;
  if (s < 60) return "now";
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ago`;
  if (s < 60 * 86_400) return `${Math.floor(s / 86_400)} d ago`;
  return date(iso(ms));
}

/** wordOf is a cell as text, as exact as it is known. */
function wordOf(runs: Runs, i: number, column: string): string {
  const r = runs.row(i);
  if (!r) return "";
  switch (column) {
    case nameColumn:
      return r.name;
    case "attributes.created":
      return r.start ? iso(r.start) : "";
    case "attributes.ended":
      return r.end ? iso(r.end) : "";
    case "attributes.duration":
      return r.start && r.end ? String((r.end - r.start) / 1000) : "";
    case "attributes.user":
      return r.user;
    case "attributes.state":
      return r.state;
    case "attributes.id":
      return r.id;
  }
  const v = runs.value(i, column);
  return v === null ? "NaN" : v === undefined ? "" : String(v);
}

interface CellProps {
  runs: Runs;
  row: number;
  column: string;
  experiment: string;
  selected: ReadonlySet<string>;
  hidden: ReadonlySet<string>;
  color: number | undefined;
  select: (ids: string[], on: boolean) => void;
}

/** Cell is what a cell shows. */
function Cell({ runs, row, column, experiment, selected, hidden, color, select }: CellProps): ComponentChildren {
  const r = runs.row(row);
  if (!r) return null;
  switch (column) {
    case pick: {
      const off = hidden.has(r.id);
      return (
        <>
          <input type="checkbox" tabIndex={-1} aria-label={`Choose ${r.name}`} checked={selected.has(r.id)} onChange={(e) => select([r.id], e.currentTarget.checked)} />
          <button
            type="button"
            class="exp-eye"
            tabIndex={-1}
            aria-pressed={color !== undefined}
            aria-label={off ? `Show ${r.name} in the charts` : `Hide ${r.name} in the charts`}
            onClick={() => {
              const next = new Set(hidden);
              if (off) next.delete(r.id);
              else if (color === undefined) select([r.id], true);
              else next.add(r.id);
              setParams({ hidden: [...next].join(",") });
            }}
          >
            <i class={color === undefined ? "exp-chip none" : `exp-chip c${color < 8 ? color + 1 : 0}`} />
          </button>
        </>
      );
    }
    case nameColumn: {
      const [tone, word] = toneOf(r.state);
      return (
        <>
          <span title={word}>
            <Shape tone={tone} />
            <span class="visually-hidden">{word} </span>
          </span>
          <a class="grid-text" href={href(`experiments/${enc(experiment)}/runs/${enc(r.id)}`)} data-page tabIndex={-1} title={r.name}>
            {r.name || r.id.slice(0, 8)}
          </a>
        </>
      );
    }
    case "attributes.created":
      return r.start ? <time class="grid-text" title={moment(iso(r.start))}>{ago(r.start)}</time> : null;
    case "attributes.ended":
      return r.end ? <time class="grid-text" title={moment(iso(r.end))}>{ago(r.end)}</time> : null;
    case "attributes.duration":
      return r.start ? <span class="grid-text">{r.end ? duration(r.end - r.start) : r.state === "RUNNING" ? duration(now.value - r.start) : ""}</span> : null;
    case "attributes.user":
      return <span class="grid-text">{r.user}</span>;
    case "attributes.state": {
      const [tone, word] = toneOf(r.state);
      return (
        <span class={`state ${tone}`}>
          <Shape tone={tone} />
          {word}
        </span>
      );
    }
    case "attributes.id":
      return <code class="grid-text">{r.id.slice(0, 12)}</code>;
  }
  const v = runs.value(row, column);
  if (v === undefined) return null;
  if (typeof v === "string") return <span class="grid-text" title={v.length > 16 ? v : undefined}>{v}</span>;
  return <span class={v === null ? "exp-nan" : undefined} title={v === null ? undefined : String(v)}>{figure(v)}</span>;
}

function Segments({ label, value, set, of }: { label: string; value: string; set: (v: string) => void; of: [string, string][] }) {
  return (
    <div class="exp-segments" role="group" aria-label={label}>
      {of.map(([id, text]) => (
        <button key={id} type="button" aria-pressed={value === id} onClick={() => set(id)}>
          {text}
        </button>
      ))}
    </div>
  );
}

function Nothing({ name }: { name: string }) {
  return (
    <Empty title="No run in this experiment yet" commands={[`export MLFLOW_TRACKING_URI=${serverURL}`, `export MLFLOW_EXPERIMENT_NAME=${shell(name)}`, `python -c "import mlflow; mlflow.log_param('depth', 6); mlflow.log_metric('auc', 0.81)"`]}>
      Any MLflow client logs here; so do the steps of a pipeline. These three lines log the first run.
    </Empty>
  );
}

function shell(text: string): string {
  return /^[\w.\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
