// Which address is which page. Each page is a chunk of its own, fetched when it
// is first shown.
import type { ComponentType } from "preact";

/** Params are the named parts of an address. */
export type Params = Record<string, string>;

/** PageModule is a file that shows one page. */
export interface PageModule {
  default: ComponentType<{ params: Params }>;
}

/** Entry is one line of the table. In a pattern, :name is one part of the path. */
export interface Entry {
  pattern: string;
  area: string; // the line of the rail that is lit
  load: () => Promise<PageModule>;
  tail?: boolean; // more may follow in the address and is left aside: links of MLflow clients lead into tabs
}

/** pages is every page, the more special first. */
export const pages: Entry[] = [
  { pattern: "", area: "overview", load: () => import("./overview/page") },
  { pattern: "experiments", area: "experiments", load: () => import("./experiments/list") },
  { pattern: "experiments/:experiment/runs/:run", area: "experiments", load: () => import("./run/page"), tail: true },
  { pattern: "experiments/:experiment", area: "experiments", load: () => import("./experiments/runs"), tail: true },
  { pattern: "compare", area: "experiments", load: () => import("./compare/page") },
  { pattern: "models", area: "models", load: () => import("./models/list") },
  { pattern: "models/:model/diff", area: "models", load: () => import("./models/diff") },
  { pattern: "models/:model/versions/:version", area: "models", load: () => import("./models/version"), tail: true },
  { pattern: "models/:model", area: "models", load: () => import("./models/model"), tail: true },
  { pattern: "endpoints", area: "endpoints", load: () => import("./endpoints/list") },
  { pattern: "endpoints/:endpoint", area: "endpoints", load: () => import("./endpoints/endpoint") },
  { pattern: "rollouts/:id", area: "endpoints", load: () => import("./endpoints/rollout") },
  { pattern: "loop", area: "loop", load: () => import("./loop/list") },
  { pattern: "loop/:endpoint", area: "loop", load: () => import("./loop/page") },
  { pattern: "decisions", area: "decisions", load: () => import("./loop/decisions") },
  { pattern: "decisions/:id", area: "decisions", load: () => import("./loop/decision") },
  { pattern: "incidents", area: "incidents", load: () => import("./loop/incidents") },
  { pattern: "incidents/:id", area: "incidents", load: () => import("./loop/incident") },
  { pattern: "monitors", area: "monitors", load: () => import("./monitors/list") },
  { pattern: "monitors/:monitor", area: "monitors", load: () => import("./monitors/monitor") },
  { pattern: "data", area: "data", load: () => import("./data/list") },
  { pattern: "data/sources/:source", area: "data", load: () => import("./data/source") },
  { pattern: "data/contracts/:contract", area: "data", load: () => import("./data/contract") },
  { pattern: "data/quarantine/:endpoint", area: "data", load: () => import("./data/quarantine") },
  { pattern: "pipelines", area: "pipelines", load: () => import("./pipelines/list") },
  { pattern: "pipelines/:pipeline", area: "pipelines", load: () => import("./pipelines/pipeline") },
  { pattern: "pipelineruns/:id", area: "pipelines", load: () => import("./pipelines/run") },
  { pattern: "changes", area: "changes", load: () => import("./changes/list") },
  { pattern: "changes/:id", area: "changes", load: () => import("./changes/change") },
  { pattern: "audit", area: "audit", load: () => import("./audit/list") },
  { pattern: "audit/:index", area: "audit", load: () => import("./audit/entry") },
  { pattern: "settings", area: "settings", load: () => import("./settings/page") },
];

/** Line is one line of the rail. */
export interface Line {
  area: string;
  text: string;
  key: string; // after g
}

/** rail is the rail by what one does there. */
export const rail: { verb: string; lines: Line[] }[] = [
  { verb: "", lines: [{ area: "overview", text: "Overview", key: "o" }] },
  {
    verb: "Build",
    lines: [
      { area: "experiments", text: "Experiments", key: "e" },
      { area: "pipelines", text: "Pipelines", key: "p" },
      { area: "data", text: "Data", key: "d" },
    ],
  },
  {
    verb: "Ship",
    lines: [
      { area: "models", text: "Models", key: "m" },
      { area: "endpoints", text: "Endpoints", key: "s" },
      { area: "changes", text: "Changes", key: "c" },
    ],
  },
  {
    verb: "Watch",
    lines: [
      { area: "loop", text: "Loop", key: "l" },
      { area: "monitors", text: "Monitors", key: "w" },
      { area: "decisions", text: "Decisions", key: "t" },
      { area: "incidents", text: "Incidents", key: "i" },
    ],
  },
  {
    verb: "Govern",
    lines: [
      { area: "audit", text: "Audit", key: "a" },
      { area: "settings", text: "Settings", key: "," },
    ],
  },
];

/** pageOf is the address of the first page of an area. */
export function pageOf(area: string): string {
  return area === "overview" ? "" : area;
}
