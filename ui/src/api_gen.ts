// Written by ui/gen from the Go structs; `go run ./ui/gen > ui/src/api_gen.ts` writes it anew.

export interface Overview {
  server: Server;
  attention: Attention[];
  pipelines: Pipeline[];
  neverRun?: string[];
  replays: Replay[];
  models: Model[];
  endpoints: Endpoint[];
  monitors: Monitor[];
  runs: Run[];
  changes: Change[];
  loop: Loop;
  leftOut: LeftOut;
}

export interface Server {
  version: string;
  project: string;
  now: string;
  journal: number;
}

export interface Attention {
  severity: string;
  rule: string;
  kind: string;
  name: string;
  title: string;
  detail?: string;
  since?: string;
  command?: string;
}

export interface Pipeline {
  id: string;
  pipeline: string;
  state: string;
  reason?: string;
  cause?: string;
  deleted?: boolean;
  created: string;
  ended?: string;
  steps: Step[];
}

export interface Step {
  name: string;
  state: string;
  attempt: number;
  reason?: string;
  started?: string;
  ended?: string;
}

export interface Replay {
  id: string;
  endpoint: string;
  source: string;
  from: string;
  to: string;
  position?: string;
  state: string;
  reason?: string;
  rows: number;
  labels: number;
  failed: number;
  created: string;
  ended?: string;
}

export interface Model {
  name: string;
  description?: string;
  task?: string;
  latest?: Version;
  aliases: Alias[];
  endpoints: string[];
  monitors: string[];
  quality?: Headline;
}

export interface Version {
  version: number;
  status: string;
  created: string;
  user?: string;
  run?: string;
  runName?: string;
  pipelineRun?: string;
  step?: string;
}

export interface Alias {
  name: string;
  version: number;
}

export interface Headline {
  monitor: string;
  window: string;
  metric: Quality;
  computed?: string;
}

export interface Quality {
  metric: string;
  value: number | null;
  lo?: number | null;
  hi?: number | null;
}

export interface Endpoint {
  name: string;
  model: string;
  alias: string;
  target: number;
  serving: number;
  state: string;
  reason?: string;
  message?: string;
  since?: string;
  mode: string;
  watermark?: string;
  liveSince?: string;
  predictions?: number;
  dropped?: number;
  lost?: number;
  waits?: Wait[];
}

export interface Wait {
  listener: string;
  command?: string;
}

export interface Monitor {
  name: string;
  endpoint: string;
  model?: string;
  window: string;
  task: string;
  metrics: string[];
  confidence: number;
  total: number;
  windows: Window[];
}

export interface Window {
  label: string;
  start: string;
  end: string;
  versions: number[];
  rows: number;
  labelled: number;
  late?: number;
  quality: Quality[];
  reason?: string;
  early?: boolean;
  held?: number;
  drift?: string[];
  computed?: string;
}

export interface Run {
  id: string;
  name: string;
  experiment: string;
  user?: string;
  status: string;
  start?: string;
  end?: string;
  pipelineRun?: string;
  step?: string;
  metrics: RunMetric[];
  more: number;
}

export interface RunMetric {
  key: string;
  value: number | null;
}

export interface Change {
  index: number;
  time: string;
  action: string;
  kind: string;
  name: string;
  version?: string;
  count: number;
  detail?: string;
  actor: string;
  via?: string;
}

export interface Loop {
  pause?: Pause;
  incidents: Incident[];
  decisions: Decision[];
  rollouts: Rollout[];
  stopped: Stopped[];
}

export interface Pause {
  ws: string;
  name: string;
  paused: boolean;
  by?: string;
  reason?: string;
  at: string;
}

export interface Incident {
  id: string;
  kind: string;
  endpoint: string;
  severity: string;
  begin: string;
  cause: string;
  holds?: boolean;
  released?: boolean;
}

export interface Decision {
  id: string;
  policy: string;
  endpoint: string;
  at: string;
  action: string;
  version?: number;
  state: string;
  reason: string;
}

export interface Rollout {
  id: string;
  endpoint: string;
  from: number;
  to: number;
  state: string;
  share: number;
  since: string;
  reason?: string;
}

export interface Stopped {
  policy: string;
  failures: number;
}

export interface LeftOut {
  models: number;
  endpoints: number;
  monitors: number;
  pipelines: number;
  more: boolean;
}

export interface Notice {
  index: number;
  time?: string;
  action?: string;
  kind: string;
  name: string;
  version?: string;
}

export interface Find {
  found: Found[];
}

export interface Found {
  kind: string;
  name: string;
  parent?: string;
  text?: string;
}

export interface Projects {
  projects: string[];
}
