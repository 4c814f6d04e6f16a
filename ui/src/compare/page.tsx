// Runs side by side: what differs in a table against a baseline, curves of one
// metric over each other, and for many runs parallel coordinates and a scatter.
import { useEffect, useMemo, useState } from "preact/hooks";
import { apiURL } from "../base";
import type { ComparedMetric, ComparedRun, Comparison } from "../api_gen";
import { plural, count } from "../format";
import { Answer, Empty, Page, type KeyBinding } from "../page";
import { Section } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, setParams, useParam } from "../router";
import { Curves } from "./curves";
import { Relations } from "./relations";
import { Side } from "./side";

/** Named is a run with a label that no other of the comparison has. */
export interface Named extends ComparedRun {
  label: string;
  color: number;
}

/** Compare is the page. */
export default function Compare() {
  const [runs] = useParam("runs");
  const [experiment] = useParam("experiment");
  const [filter] = useParam("filter");
  const [all, setAll] = useParam("all");
  const [search] = useParam("q");
  const [chosen] = useParam("metric");
  const late = useLate(search);
  const address = useMemo(() => {
    if (!runs && !experiment) return null;
    const p = new URLSearchParams(runs ? { runs } : { experiment, ...(filter ? { filter } : {}) });
    if (all) p.set("same", "true");
    if (late) p.set("search", late);
    if (chosen) p.append("key", chosen);
    return apiURL(project.value, `compare?${p}`);
  }, [runs, experiment, filter, all, late, chosen, project.value]);
  const q = useQuery<Comparison>(address, ["run"]);
  // While another search is on its way the table stays as it is.
  const [last, setLast] = useState<Comparison>();
  useEffect(() => {
    if (q.data.value) setLast(q.data.value);
  }, [q.data.value]);
  const keys = useMemo<KeyBinding[]>(() => [{ keys: "d", text: "only what differs, or all", run: () => setAll(all ? "" : "1") }], [all]);
  const data = q.data.value ?? (q.problem.value ? undefined : last);
  const crumbs = [{ text: "Experiments", to: "experiments" }, ...(experiment ? [{ text: `Experiment ${experiment}`, to: `experiments/${enc(experiment)}` }] : [])];
  return (
    <Page title="Compare runs" crumbs={crumbs} summary={data && `${plural(data.runs.length, "run")}${data.more ? ", the newest of more" : ""}`} keys={keys}
      copy={address ? { curl: { url: address } } : undefined}
      actions={[{ text: all ? "Show only what differs" : "Show all params", run: () => setAll(all ? "" : "1") }]}>
      {address === null ? (
        <Empty title="No runs are chosen" commands={["trimtab run list"]}>
          Choose runs in an experiment with x and press c, or put their ids into the address: compare?runs=ID,ID. <a href={href("experiments")} data-page>To the experiments</a>
        </Empty>
      ) : data ? (
        data.runs.length === 0 ? <Empty title="None of the runs exists" commands={["trimtab run list"]} /> : <Shown data={data} />
      ) : (
        <Answer of={q}>{() => null}</Answer>
      )}
    </Page>
  );
}

function useLate(text: string): string {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), 150);
    return () => clearTimeout(timer);
  }, [text]);
  return late;
}

function Shown({ data }: { data: Comparison }) {
  const [base, setBase] = useParam("base");
  const named = useMemo(() => nameAll(data.runs), [data.runs]);
  const baseline = Math.max(0, named.findIndex((r) => r.id === base));
  const [kept, setKept] = useState<boolean[]>([]);
  const shown = useMemo(() => named.map((_, i) => kept[i] !== false), [named, kept]);
  const curve = curveOf(data.metrics);
  return (
    <>
      <Section id="compare-side" title="Side by side" aside={<Differs equal={data.paramsEqual} left={data.paramsLeft ?? 0} />}>
        <Side data={data} runs={named} baseline={baseline} setBaseline={(id) => setBase(id === named[0]?.id ? "" : id)} />
      </Section>
      {curve && (
        <Section id="compare-curves" title="Curves">
          <Curves data={data} runs={named} shown={shown} first={curve} />
        </Section>
      )}
      {named.length > 2 && <Relations data={data} runs={named} kept={kept} onKeep={setKept} />}
    </>
  );
}

function Differs({ equal, left }: { equal: number; left: number }) {
  const [all] = useParam("all");
  return (
    <label class="check compare-differs">
      <input type="checkbox" checked={!all} onChange={(e) => setParams({ all: e.currentTarget.checked ? "" : "1" })} />
      Only params that differ <kbd>d</kbd>
      <span class="detail">
        {count(equal)} equal{left > 0 && `, ${count(left)} left out`}
      </span>
    </label>
  );
}

/** curveOf is the metric to begin with: one of several steps that measures the model, as far as its name tells. */
function curveOf(all: ComparedMetric[]): string | undefined {
  const curves = all.filter((m) => m.step > 0);
  return (curves.find((m) => /loss|acc|auc|f1|rmse|mae|score|reward/i.test(m.key)) ?? curves[0] ?? all[0])?.key;
}

function nameAll(runs: ComparedRun[]): Named[] {
  const times = new Map<string, number>();
  for (const r of runs) times.set(r.name, (times.get(r.name) ?? 0) + 1);
  return runs.map((r, i) => ({ ...r, color: i, label: r.name && times.get(r.name) === 1 ? r.name : `${r.name || "run"} ${r.id.slice(0, 6)}` }));
}
