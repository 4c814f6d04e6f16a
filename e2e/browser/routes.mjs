// Every page on the world of flights: its address, and what its heading says.

/** api asks the native API of a server. */
export async function api(server, call) {
  const r = await fetch(`${server.url}/api/trimtab/v1alpha1/default/${call}`);
  if (!r.ok) throw new Error(`${call}: ${r.status} ${await r.text()}`);
  return r.json();
}

/** routes lists [name, address below /ui/, heading] of every page; ids come from the server. */
export async function routes(server) {
  const enc = encodeURIComponent;
  const first = async (call) => (await api(server, call)).items[0];
  const [run, decision, incident, rollout, pipelineRun] = await Promise.all([
    first("runs?limit=1"),
    api(server, "decisions?limit=1000").then(({ items }) => items.find((d) => d.action === "retrain") ?? items[0]),
    first("incidents?limit=1"),
    first("rollouts?limit=1"),
    first("pipelineruns?limit=1"),
  ]);
  const experiment = run.experiment;
  const runs = (await api(server, "runs?limit=6")).items.filter((r) => r.experiment === experiment).map((r) => r.id);
  return [
    ["overview", "", "Overview"],
    ["experiments", "experiments", "Experiments"],
    ["runs", `experiments/${experiment}`],
    ["run", `experiments/${experiment}/runs/${run.id}`],
    ["run-artifacts", `experiments/${experiment}/runs/${run.id}?tab=artifacts`],
    ["compare", `compare?runs=${runs.join(",")}`],
    ["models", "models", "Models"],
    ["model", "models/flights", "flights"],
    ["version", "models/flights/versions/1"],
    ["diff", "models/flights/diff?a=1&b=2"],
    ["endpoints", "endpoints", "Endpoints"],
    ["endpoint", "endpoints/flights", "flights"],
    ["rollout", `rollouts/${enc(rollout.id)}`],
    ["loops", "loop"],
    ["loop", "loop/flights"],
    ["loop-decision", `loop/flights?decision=${enc(decision.id)}`],
    ["decisions", "decisions", "Decisions"],
    ["decision", `decisions/${enc(decision.id)}`],
    ["incidents", "incidents", "Incidents"],
    ["incident", `incidents/${enc(incident.id)}`],
    ["monitors", "monitors", "Monitors"],
    ["monitor", "monitors/flights", "flights"],
    ["data", "data", "Data"],
    ["source", "data/sources/flights", "flights"],
    ["contract", "data/contracts/flights"],
    ["quarantine", "data/quarantine/flights"],
    ["pipelines", "pipelines", "Pipelines"],
    ["pipeline", "pipelines/train-flights", "train-flights"],
    ["pipeline-run", `pipelineruns/${pipelineRun.id}`],
    ["changes", "changes", "Changes"],
    ["audit", "audit", "Audit"],
    ["audit-entry", "audit/3"],
    ["settings", "settings", "Settings"],
  ];
}

/** pictures are the pages that the documents show. */
export const pictures = ["overview", "loop-decision", "decision", "runs", "compare", "version", "rollout", "monitor", "pipeline-run", "audit-entry"];
