// What an entry is about, with the page where it is shown.
import type { AuditEntry } from "../api_gen";
import { enc, href } from "../router";

type About = Pick<AuditEntry, "kind" | "name" | "version">;

/** pageOfObject is the address of the page that shows an object, undefined when none does. */
export function pageOfObject({ kind, name, version }: About): string | undefined {
  const first = (separator: string) => name.split(separator)[0] ?? name;
  switch (kind) {
    case "endpoint":
    case "endpointState":
      return `endpoints/${enc(name)}`;
    case "rollout":
      return `rollouts/${enc(name)}`;
    case "model":
    case "registeredModel":
      return `models/${enc(name)}`;
    case "modelVersion":
      return version ? `models/${enc(name)}/versions/${enc(version)}` : `models/${enc(name)}`;
    case "decision":
      return `decisions/${enc(name)}`;
    case "incident":
      return `incidents/${enc(name)}`;
    case "monitor":
      return `monitors/${enc(name)}`;
    case "window":
      return `monitors/${enc(name)}${version ? `?window=${enc(version)}` : ""}`;
    case "datasource":
      return `data/sources/${enc(name)}`;
    case "datacontract":
      return `data/contracts/${enc(name)}`;
    case "contractResult":
      return `data/contracts/${enc(first("/"))}`;
    case "pipeline":
      return `pipelines/${enc(name)}`;
    case "pipelineRun":
      return `pipelineruns/${enc(name)}`;
    case "step":
    case "attempt":
      return `pipelineruns/${enc(first("."))}`;
    case "experiment":
      return `experiments/${enc(name)}`;
    case "run":
      return `experiments/-/runs/${enc(name)}`; // the run knows its experiment
    case "evaluation":
      return `models/${enc(first("/"))}`;
    case "snapshot":
      return `data/sources/${enc(name)}`;
    case "segment":
      return `endpoints/${enc(first("/"))}`;
    case "policyState":
    case "retrainpolicy":
    case "pause":
      return "loop";
    case "channel":
      return "settings";
  }
  return undefined;
}

const words: Record<string, string> = {
  endpointState: "state of endpoint",
  registeredModel: "model",
  modelVersion: "version of model",
  loggedModel: "logged model",
  pipelineRun: "pipeline run",
  contractResult: "result of contract",
  datacontract: "data contract",
  datasource: "data source",
  policyState: "state of policy",
  retrainpolicy: "retrain policy",
  evaluationsuite: "evaluation suite",
  changeplan: "change plan",
};

/** kindWord writes a kind of object for people. */
export function kindWord(kind: string): string {
  return words[kind] ?? kind;
}

/** ObjectLink names an object and leads to its page. */
export function ObjectLink({ of }: { of: About }) {
  const page = pageOfObject(of);
  const text = (
    <>
      {of.name}
      {of.version && <span class="audit-version"> {of.version}</span>}
    </>
  );
  if (!page) return <span class="audit-name">{text}</span>;
  const [path = "", query = ""] = page.split("?");
  return (
    <a class="audit-name" href={href(path, Object.fromEntries(new URLSearchParams(query)))} data-page>
      {text}
    </a>
  );
}
