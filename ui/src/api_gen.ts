// Written by ui/gen from the Go structs; `go run ./ui/gen > ui/src/api_gen.ts` writes it anew.

export interface MonitorWindow {
  window: WindowFacts;
  outcome: Outcome;
  judged: ContractResult[];
}

export interface WindowFacts {
  start: string;
  end: string;
  label: string;
  closed: boolean;
  through?: string;
  versions: number[];
  served?: number;
  since?: string;
  reason?: string;
  unreliable?: string;
  revision?: number;
  incidents: string[];
  drift: ColumnDrift[];
}

export interface ColumnDrift {
  column: string;
  psi: number;
  noise: number;
  effect: number;
  p: number;
  q: number;
  missing?: number;
  unseen?: number;
  below?: number;
  above?: number;
  state: string;
  alone?: string;
  why?: string;
  reference?: string;
}

export interface Outcome {
  rows: number;
  labelled: number;
  partial?: boolean;
  curve?: OutcomePoint[];
  error?: number;
  lag?: LabelLag;
  kept: KeptOut[];
  versions: VersionAnswers[];
}

export interface OutcomePoint {
  rows: number;
  predicted: number;
  observed: number;
  lo: number;
  hi: number;
}

export interface LabelLag {
  labels: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  within: number[];
}

export interface KeptOut {
  incident?: string;
  rule?: string;
  rows: number;
}

export interface VersionAnswers {
  version: number;
  rows: number;
}

export interface ContractResult {
  ws: string;
  contract: string;
  subject: string;
  at: string;
  rows: number;
  failed: number;
  passed: boolean;
  results: RuleResult[];
  failingRows?: string;
}

export interface RuleResult {
  rule: string;
  column?: string;
  severity?: string;
  onFail?: string;
  rows: number;
  failed: number;
  allowed?: number;
  passed: boolean;
  expected?: string;
  examples?: FailedRow[];
}

export interface FailedRow {
  key: string;
  value: string;
}

export interface FailingPage {
  rows: FailingRow[];
  all: number;
  next?: number;
}

export interface FailingRow {
  key: string;
  rule: string;
  value: string;
}

export interface KeptOutRows {
  columns: string[];
  rows: KeptOutRow[];
  looked: number;
  through?: string;
  next?: string;
}

export interface KeptOutRow {
  id: string;
  at: string;
  version: number;
  reason: string;
  incident?: string;
  rule?: string;
  released?: boolean;
  output?: number;
  values: string[];
}

export interface SnapshotLook {
  digest: string;
  against?: string;
  rows: number;
  before?: number;
  looked: number;
  columns: SnapshotColumn[];
  added: number;
  removed: number;
  retyped: number;
  moved: number;
}

export interface SnapshotColumn {
  name: string;
  type?: string;
  was?: string;
  change?: string;
  kind?: string;
  now?: SnapshotFacts;
  then?: SnapshotFacts;
  bins?: SnapshotBin[];
  psi?: number;
  effect?: number;
  state?: string;
  why?: string;
}

export interface SnapshotFacts {
  rows: number;
  missing: number;
  distinct?: number;
  more?: boolean;
  mean?: number;
  sd?: number;
  min?: number;
  max?: number;
  outside?: number;
}

export interface SnapshotBin {
  label?: string;
  lo: number;
  hi: number;
  now: number;
  then?: number;
}

export interface Distribution {
  column: string;
  kind: string;
  type: string;
  samples: DistributionSample[];
  bins: DistributionBin[];
  even?: boolean;
}

export interface DistributionSample {
  name: string;
  role: string;
  rows: number;
  missing: number;
  invalid: number;
  below: number;
  above: number;
  unseen: number;
  mean?: number;
  sd?: number;
  min?: number;
  max?: number;
  sampled?: boolean;
  partial?: boolean;
}

export interface DistributionBin {
  label?: string;
  lo: number;
  hi: number;
  other?: boolean;
  new?: boolean;
  rows: number[];
}

export interface About {
  version: string;
  go: string;
  platform: string;
  started: string;
  memory: number;
  database: string;
  journal: number;
  settings: Setting[];
  stores: StoreHealth[];
  consumers: ConsumerLag[];
  parked: Parked[];
  free?: number;
}

export interface Setting {
  name: string;
  value: string;
  help: string;
}

export interface StoreHealth {
  name: string;
  holds: string;
  where: string;
  files?: number;
  bytes?: number;
  atLeast?: boolean;
  problem?: string;
}

export interface ConsumerLag {
  name: string;
  cursor: number;
  behind: number;
}

export interface Parked {
  consumer: string;
  index: number;
  reason: string;
  time: string;
}

export interface AuditEvidence {
  note: string;
  key: string;
  signed: string;
  size: number;
  since?: number;
  extends: string[];
  proofs: AuditProof[];
  left?: number;
}

export interface AuditProof {
  index: number;
  leaf: number;
  body: string;
  path: string[];
}

export interface AuditPage {
  items: AuditEntry[];
  next?: number;
  looked: number;
}

export interface AuditEntry {
  index: number;
  leaf: number;
  id: string;
  time: string;
  actor: string;
  actorKind: string;
  via?: string;
  attempt?: string;
  requestId?: string;
  action: string;
  kind: string;
  name: string;
  version?: string;
  reason?: string;
  before?: string;
  after?: string;
}

export interface ChangePage {
  set: ChangeSet;
  actions: ChangeAction[];
  undo?: string;
}

export interface ChangeSet {
  id: number;
  time: string;
  actor: string;
  via?: string;
  requestId?: string;
  manager?: string;
  inventory?: string;
  created: number;
  updated: number;
  deleted: number;
  replaced: number;
  lines: ChangeLine[];
}

export interface ChangeLine {
  verb: string;
  kind: string;
  name: string;
  index: number;
}

export interface ChangeAction {
  verb: string;
  kind: string;
  name: string;
  reason?: string;
  known: boolean;
  since?: string;
  index?: number;
  fields: ChangeField[];
}

export interface ChangeField {
  path: string;
  old?: string;
  new?: string;
}

export interface ChangePlan {
  manager?: string;
  inventory?: string;
  inventories: string[];
  actions: ChangeAction[];
  drift: ChangeDrift[];
  effects: ChangeEffect[];
  unknown: ChangeEffect[];
  notes: string[];
  problems: ChangeProblem[];
  unchanged: number;
  missing: number;
  digest?: string;
}

export interface ChangeDrift {
  kind: string;
  name: string;
  manager: string;
  at?: string;
  known: boolean;
  fields: ChangeField[];
}

export interface ChangeEffect {
  subject: string;
  text: string;
}

export interface ChangeProblem {
  severity: string;
  summary: string;
  detail?: string;
  path?: string;
  line?: number;
  column?: number;
  endColumn?: number;
  excerpt?: string;
  expected?: string;
  didYouMean?: string;
}

export interface ChangesPage {
  items: ChangeSet[];
  next?: number;
  sources: ChangeSource[];
}

export interface ChangeSource {
  inventory: string;
  manager: string;
  resources: number;
  last?: string;
  drift: ChangeDrift[];
}

export interface Comparison {
  runs: ComparedRun[];
  more?: boolean;
  params: ComparedParam[];
  paramsEqual: number;
  paramsLeft?: number;
  metrics: ComparedMetric[];
  metricKeys: number;
  metricsFound: number;
}

export interface ComparedRun {
  id: string;
  name: string;
  experiment: string;
  status: string;
  start: string;
  end?: string;
}

export interface ComparedParam {
  key: string;
  same?: boolean;
  values: string[];
}

export interface ComparedMetric {
  key: string;
  runs: number;
  step: number;
  values: (number | string)[];
}

export interface ContractPage {
  contract: DataContract;
  key: string[];
  rules: ContractRule[];
  sets: ContractSets;
  share: ((number | null)[])[];
  state: number[][];
  incidents: MonitorIncident[];
  more?: boolean;
}

export interface DataContract {
  name: string;
  source?: string;
  endpoint?: string;
  onFail: string;
  rules: number;
  state: string;
  broken: string[];
  subject?: string;
  at?: string;
  rows: number;
  failed: number;
  spark?: (number | null)[];
}

export interface ContractRule {
  rule: string;
  column?: string;
  severity: string;
  onFail: string;
  expected?: string;
  allowed: number;
  examples: FailedRow[];
}

export interface ContractSets {
  subject: string[];
  at: number[];
  rows: number[];
  failed: number[];
  passed: boolean[];
  failing: string[];
}

export interface MonitorIncident {
  id: string;
  kind: string;
  severity: string;
  begin: string;
  end?: string;
  open?: boolean;
  columns?: string[];
  cause: string;
  hold?: boolean;
  released?: boolean;
  bad?: number;
}

export interface DataPage {
  sources: DataSource[];
  contracts: DataContract[];
  quarantine: DataQuarantine[];
}

export interface DataSource {
  name: string;
  path?: string;
  endpoint?: string;
  format?: string;
  digest?: string;
  key: string[];
  eventTime: string;
  available?: string;
  label?: string;
  labelAt?: string;
  manager?: string;
  inventory?: string;
  updated?: string;
  contracts: string[];
  pipelines: string[];
  snapshots: number;
  newest?: DataSnapshot;
}

export interface DataSnapshot {
  digest: string;
  sourceData?: string;
  asOf: string;
  from?: string;
  to?: string;
  rows: number;
  dropped?: Record<string, number>;
  created: string;
  runs?: DataUse[];
  verdicts?: DataVerdict[];
}

export interface DataUse {
  run: string;
  pipeline: string;
  step: string;
  state: string;
  created: string;
}

export interface DataVerdict {
  contract: string;
  passed: boolean;
  failed: number;
}

export interface DataQuarantine {
  endpoint: string;
  holds: number;
  released: number;
  rows: number;
  logged: number;
  newest?: string;
  columns: string[];
}

export interface DecisionList {
  items: DecisionLine[];
  next?: string;
  endpoints: string[];
  waiting: number;
}

export interface DecisionLine {
  id: string;
  policy: string;
  endpoint: string;
  at: string;
  action: string;
  version?: number;
  state: string;
  reason: string;
  outcome?: string;
  approver?: string;
  candidate?: number;
  gain?: number;
  stderr?: number;
  realised?: number;
  error?: string;
}

export interface DecisionPage {
  decision: DecisionRecord;
  options: DecisionOption[];
  evaluation?: Evaluation;
  rollout?: DecisionRollout;
  runState?: string;
  model?: string;
  limits: DecisionLimits;
  incidents: IncidentLine[];
  consequences: IncidentLine[];
  entries: LoopEntry[];
  before?: string;
  after?: string;
  commands: string[];
  paused?: string;
}

export interface DecisionRecord {
  ws: string;
  id: string;
  policy: string;
  endpoint: string;
  at: string;
  window: string;
  served: number;
  mode: string;
  strategy: string;
  action: string;
  version?: number;
  state: string;
  reason: string;
  command?: string;
  facts?: Fact[];
  alternatives?: Alternative[];
  guards?: Guard[];
  incidents?: string[];
  policyDigest: string;
  approver?: string;
  run?: string;
  candidate?: number;
  evaluation?: string;
  rollout?: string;
  outcome?: string;
  realised?: Fact;
}

export interface Fact {
  name: string;
  value?: number;
  text?: string;
}

export interface Alternative {
  action: string;
  version?: number;
  windows?: number;
  rows?: number;
  gain: number;
  stderr?: number;
  expected: number;
  cost: number;
  net: number;
  chosen?: boolean;
  why?: string;
}

export interface Guard {
  name: string;
  passed: boolean;
  why?: string;
}

export interface DecisionOption {
  alternative: Alternative;
  chance?: number;
}

export interface Evaluation {
  ws: string;
  id: string;
  suite: string;
  model: string;
  version: number;
  against?: number;
  at: string;
  from?: string;
  to?: string;
  rows: number;
  golden?: number;
  verdict: string;
  reason: string;
  results?: GateResult[];
  suiteDigest: string;
}

export interface GateResult {
  gate: string;
  on: string;
  slice?: string;
  metric: string;
  challenger: number;
  champion?: number;
  diff?: number;
  stderr?: number;
  lo?: number;
  hi?: number;
  limit?: number;
  rows: number;
  verdict: string;
  why?: string;
}

export interface DecisionRollout {
  id: string;
  from: number;
  to: number;
  state: string;
  share: number;
  begun: string;
  promoted?: string;
  ended?: string;
  reason?: string;
}

export interface DecisionLimits {
  known: boolean;
  same: boolean;
  horizon?: number;
  cooldown?: number;
  retrains?: number;
  per?: number;
  minRows?: number;
  currency?: string;
}

export interface IncidentLine {
  id: string;
  kind: string;
  endpoint: string;
  severity: string;
  begin: string;
  end?: string;
  closed?: string;
  columns: string[];
  fault?: string;
  cause: string;
  held?: boolean;
  released?: boolean;
  bad?: number;
  seenBy?: string;
}

export interface LoopEntry {
  index: number;
  time: string;
  action: string;
  by: string;
  kind: string;
  reason?: string;
}

export interface EndpointExample {
  source: string;
  at?: string;
  id?: string;
  body: string;
  v2: string;
  eventTime?: string;
}

export interface EndpointList {
  items: EndpointLine[];
  leftOut?: number;
}

export interface EndpointLine {
  name: string;
  model: string;
  alias: string;
  target: number;
  serving: number;
  since?: string;
  sync: string;
  health: string;
  reason?: string;
  message?: string;
  rollout?: string;
  stage?: string;
  candidate?: number;
  share?: number;
  mode: string;
  watermark?: string;
  liveSince?: string;
  holder?: string;
  waits: EndpointWait[];
  predictions: number;
  labels: number;
  dropped?: number;
  lost?: number;
  late?: number;
  duplicates?: number;
  quarantined?: number;
}

export interface EndpointWait {
  listener: string;
  through?: string;
  wait: string;
  detail?: string;
}

export interface EndpointPage {
  endpoint: EndpointLine;
  url?: string;
  flavor?: string;
  library?: string;
  conditions: EndpointCondition[];
  listeners: EndpointWait[];
  declared: EndpointDeclared;
  routes: EndpointRoute[];
  columns: EndpointColumn[];
  outputs: string[];
  rollouts: RolloutLine[];
  rollout?: RolloutPage;
  services: EndpointService[];
  policies: EndpointPolicy[];
  loopPaused?: string;
  monitors: string[];
  changes: AuditEntry[];
}

export interface EndpointCondition {
  type: string;
  status: boolean;
  reason?: string;
  message?: string;
  since?: string;
}

export interface EndpointDeclared {
  generation: number;
  updated?: string;
  manager?: string;
  output?: string;
  durability?: string;
  requestId?: string;
  eventTime?: string;
  allowedLateness?: string;
  maxRows?: number;
  maxBodySize?: number;
  rollout: boolean;
}

export interface EndpointRoute {
  version: number;
  role: string;
  share: number;
  flavor?: string;
  scored?: number;
  failed?: number;
  problem?: string;
  requests: number;
  errors: number;
}

export interface EndpointColumn {
  name: string;
  type: string;
  required: boolean;
  values?: string[];
}

export interface RolloutLine {
  id: string;
  endpoint: string;
  model: string;
  alias: string;
  from: number;
  to: number;
  state: string;
  share: number;
  origin: string;
  cause?: string;
  decision?: string;
  begun: string;
  since: string;
  promoted?: string;
  ended?: string;
  verdict?: string;
  reason?: string;
  open: boolean;
}

export interface RolloutPage {
  rollout: RolloutLine;
  steps: RolloutStep[];
  looks: RolloutLook[];
  everyLook: boolean;
  confidence: number;
  onTimeout: string;
  nextLook?: string;
  ends?: string;
  latest?: string;
  versions: RolloutVersion[];
  actions: string[];
  entries: AuditEntry[];
}

export interface RolloutStep {
  name: string;
  title: string;
  for?: string;
  share: number;
  state: string;
  from?: string;
  to?: string;
}

export interface RolloutLook {
  at: string;
  stage: string;
  test: string;
  n: number;
  estimate: number | null;
  lo: number | null;
  hi: number | null;
  limit: number | null;
  verdict: string;
  why?: string;
  entry?: number;
}

export interface RolloutVersion {
  version: number;
  role: string;
  monitor?: string;
  rows: number;
  loss: number | null;
  requests: number;
  errors: number;
}

export interface EndpointService {
  version: number;
  from?: string;
  to?: string;
  why: string;
  rollout?: string;
}

export interface EndpointPolicy {
  name: string;
  mode: string;
  paused?: string;
}

export interface EndpointTrial {
  version: number;
  rows: number;
  outputs: string[];
  values: (number | null)[];
  micros: number;
}

export interface ExperimentPage {
  items: ExperimentRow[];
  next?: string;
}

export interface ExperimentRow {
  id: string;
  name: string;
  lifecycle: string;
  created: string;
  note?: string;
  artifacts?: string;
  runs: ExperimentRuns;
  last?: ExperimentRun;
  days: number[];
}

export interface ExperimentRuns {
  total: number;
  running: number;
  scheduled: number;
  finished: number;
  failed: number;
  killed: number;
}

export interface ExperimentRun {
  id: string;
  name: string;
  status: string;
  user?: string;
  start?: string;
  end?: string;
}

export interface Explanation {
  step: string;
  state: string;
  text: string;
  key?: string;
  cachedOf?: string;
  against?: string;
  differs?: Difference[];
}

export interface Difference {
  part: string;
  then?: string;
  now?: string;
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

export interface IncidentList {
  items: IncidentLine[];
  next?: string;
  endpoints: string[];
  kinds: string[];
  open: number;
}

export interface IncidentPage {
  incident: IncidentRecord;
  model?: string;
  steps: IncidentStep[];
  windows: IncidentWindow[];
  more?: number;
  decisions: DecisionLine[];
  entries: LoopEntry[];
  commands: string[];
}

export interface IncidentRecord {
  ws: string;
  id: string;
  kind: string;
  endpoint: string;
  monitor?: string;
  also?: string[];
  columns?: string[];
  severity: string;
  begin: string;
  found: string;
  end?: string;
  closed?: string;
  fault?: string;
  factor?: number;
  offset?: number;
  cause: string;
  remedy?: string;
  evidence?: Evidence[];
  rows?: number;
  bad?: number;
  hold?: boolean;
  rule?: string;
  released?: boolean;
  releasedBy?: string;
  note?: string;
  acknowledgedBy?: string;
  acknowledgement?: string;
}

export interface Evidence {
  name: string;
  value: number;
  limit?: number;
  text?: string;
}

export interface IncidentStep {
  at: string;
  kind: string;
  title: string;
  text?: string;
  id?: string;
  by?: string;
  noted?: string;
}

export interface IncidentWindow {
  start: string;
  end: string;
  rows: number;
  labelled: number;
  held: number;
  quarantined: number;
  metric?: string;
  value?: number;
}

export interface Lines {
  x: string;
  lines: Line[];
}

export interface Line {
  run: string;
  key: string;
  start: string;
  count: number;
  exact: boolean;
  points: number;
  x?: number[];
  y?: (number | string)[];
}

export interface LoopColumnPage {
  endpoint: string;
  monitor: string;
  column: string;
  each: number;
  start: number[];
  end: number[];
  score: (number | null)[];
  noise: (number | null)[];
  effect: (number | null)[];
  missing: (number | null)[];
  unseen: (number | null)[];
  state: number[];
}

export interface LoopList {
  pause?: Pause;
  items: LoopRow[];
  unwatched: string[];
}

export interface Pause {
  ws: string;
  name: string;
  paused: boolean;
  by?: string;
  reason?: string;
  at: string;
}

export interface LoopRow {
  policy: LoopPolicy;
  watermark?: string;
  acted?: LoopDone;
  summary: TimelineSummary;
  said: LoopSentence;
  metric?: string;
  spark: (number | null)[];
  windows: number;
  incidents: number;
}

export interface LoopPolicy {
  name: string;
  endpoint?: string;
  monitor: string;
  mode: string;
  strategy: string;
  pause?: Pause;
  served?: number;
  through?: string;
  next?: string;
  cooldown?: string;
  broken?: boolean;
  failures?: number;
  rejections?: number;
  used: number;
  budget?: number;
  per?: number;
  open?: string[];
  under?: LoopDecision;
  waits?: string;
  wait?: string;
  newest?: LoopDecision;
}

export interface LoopDecision {
  id: string;
  at: string;
  action: string;
  version?: number;
  state: string;
  reason: string;
}

export interface LoopDone {
  id: string;
  at: string;
  action: string;
  version?: number;
  state: string;
  outcome?: string;
}

export interface TimelineSummary {
  rows: number;
  labelled: number;
  held: number;
  servedLoss: number;
  frozenLoss: number;
  gain: number;
  lo: number;
  hi: number;
  days: number;
  retrains: number;
  promoted: number;
  recalibrated: number;
  rejected: number;
  rolledBack: number;
  faults: number;
  notices: number;
  driftWindows: number;
  columnWindows: number;
}

export interface LoopSentence {
  text: string;
  tone: string;
}

export interface LoopPage {
  endpoint: string;
  model?: string;
  monitor: string;
  monitors: string[];
  window: string;
  task?: string;
  watermark?: string;
  begin?: string;
  end?: string;
  windows: number;
  each: number;
  frozen?: number;
  policy?: LoopPolicy;
  pause?: Pause;
  points: LoopPoints;
  quality: LoopQuality[];
  columns: LoopColumn[];
  unshown?: number;
  services: LoopService[];
  faults: LoopFault[];
  marks: LoopMark[];
  summary: TimelineSummary;
  said: LoopSentence;
}

export interface LoopPoints {
  start: number[];
  end: number[];
  rows: number[];
  labelled: number[];
  held: number[];
  quarantined: number[];
  served: number[];
  open: boolean[];
  drifted: number[];
  gain: (number | null)[];
  gainLo: (number | null)[];
  gainHi: (number | null)[];
  decided: number[];
}

export interface LoopQuality {
  metric: string;
  value: (number | null)[];
  lo: (number | null)[];
  hi: (number | null)[];
  estimated?: (number | null)[];
  estimatedLo?: (number | null)[];
  estimatedHi?: (number | null)[];
  frozen?: (number | null)[];
}

export interface LoopColumn {
  column: string;
  moved: number;
  worst: number | null;
  at?: string;
  cells: string;
}

export interface LoopService {
  version: number;
  from?: string;
  to?: string;
  share: number;
  stage?: string;
  rollout?: string;
  why: string;
}

export interface LoopFault {
  id: string;
  kind: string;
  from: string;
  to?: string;
  found?: string;
  columns: string[];
  text: string;
  rows: number;
  held: boolean;
  released: boolean;
}

export interface LoopMark {
  at: string;
  kind: string;
  what: string;
  id: string;
  text: string;
  open: boolean;
}

export interface ModelCatalog {
  items: ModelLine[];
  next?: string;
}

export interface ModelLine {
  name: string;
  description?: string;
  task?: string;
  versions: number;
  newest?: string;
  status?: string;
  aliases: Alias[];
  serves: ModelService[];
  quality?: Headline;
  trend?: (number | null)[];
  labels?: Record<string, string>;
  tags?: Record<string, string>;
  updated?: string;
}

export interface Alias {
  name: string;
  version: number;
}

export interface ModelService {
  endpoint: string;
  alias: string;
  version?: number;
  rollout?: boolean;
  open?: string;
  monitors?: string[];
  policies?: string[];
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

export interface ModelPage {
  name: string;
  description?: string;
  task?: string;
  declared?: boolean;
  created?: string;
  updated?: string;
  tags?: Record<string, string>;
  aliases: ModelAlias[];
  moves: AliasMove[];
  more?: boolean;
  services: ModelService[];
  quality: ModelQuality[];
  versions: VersionLines;
}

export interface ModelAlias {
  name: string;
  version: number;
  since?: string;
  actor?: string;
  reason?: string;
}

export interface AliasMove {
  index: number;
  time: string;
  alias: string;
  from?: number;
  to?: number;
  actor: string;
  reason?: string;
  rollout?: string;
  decision?: string;
}

export interface ModelQuality {
  endpoint: string;
  monitor: string;
  metric: string;
  windows: ModelQualityWindow[];
  spans: Service[];
}

export interface ModelQualityWindow {
  start: string;
  end: string;
  value?: number | null;
  lo?: number | null;
  hi?: number | null;
  rows: number;
  versions?: number[];
}

export interface Service {
  version: number;
  from?: string;
  to?: string;
  why: string;
}

export interface VersionLines {
  items: VersionLine[];
  next?: string;
}

export interface VersionLine {
  version: number;
  status: string;
  stage?: string;
  created: string;
  user?: string;
  description?: string;
  origin: string;
  parent?: string;
  run?: string;
  pipelineRun?: string;
  step?: string;
  aliases?: string[];
  gate?: VersionGate;
  spans?: VersionSpan[];
}

export interface VersionGate {
  id: string;
  suite: string;
  verdict: string;
  reason?: string;
  at?: string;
  against?: number;
  metric?: string;
  value?: number | null;
  diff?: number | null;
  lo?: number | null;
  hi?: number | null;
}

export interface VersionSpan {
  endpoint: string;
  from?: string;
  to?: string;
  why?: string;
}

export interface MonitorPage {
  name: string;
  endpoint: string;
  model?: string;
  settings: MonitorSettings;
  windows: MonitorWindows;
  quality: MonitorSeries[];
  estimated: MonitorSeries[];
  calibration: MonitorSeries[];
  drift: MonitorDrift;
  versions: MonitorVersion[];
  incidents: MonitorIncident[];
  contracts: string[];
  more?: boolean;
  past?: MonitorPast;
}

export interface MonitorSettings {
  window: string;
  maturity: string;
  task: string;
  metrics: string[];
  confidence: number;
  drift: boolean;
  reference: string;
  fdr: number;
  effect: number;
  confirm: number;
  of: number;
  estimate: boolean;
  diagnosis: boolean;
  hold: boolean;
  stopped: number;
}

export interface MonitorWindows {
  start: number[];
  end: number[];
  label: string[];
  closed: boolean[];
  rows: number[];
  labelled: number[];
  held: number[];
  quarantined: number[];
  late: number[];
  served: number[];
  reliable: boolean[];
  incidents: number[];
}

export interface MonitorSeries {
  metric: string;
  value: (number | null)[];
  lo: (number | null)[];
  hi: (number | null)[];
}

export interface MonitorDrift {
  columns: string[];
  psi: ((number | null)[])[];
  effect: ((number | null)[])[];
  noise: ((number | null)[])[];
  state: number[][];
}

export interface MonitorVersion {
  version: number;
  trained?: string;
  loss: (number | null)[];
  gain: (number | null)[];
}

export interface MonitorPast {
  windows: number;
  each: number;
  metric?: string;
  start: number[];
  end: number[];
  rows: number[];
  drifted: number[];
  value: (number | null)[];
  lo: (number | null)[];
  hi: (number | null)[];
}

export interface MonitorTable {
  signals: string[];
  items: MonitorLine[];
  next?: string;
}

export interface MonitorLine {
  name: string;
  endpoint: string;
  model?: string;
  served?: number;
  window: string;
  label?: string;
  start?: string;
  state: string;
  cells: MonitorCell[];
}

export interface MonitorCell {
  state: string;
  word: string;
  kind?: string;
  value?: number;
  lo?: number;
  hi?: number;
  limit?: number;
  below?: boolean;
  of?: number;
  detail?: string;
  column?: string;
  incident?: string;
  at?: string;
  spark?: (number | null)[];
}

export interface Notice {
  index: number;
  time?: string;
  action?: string;
  kind: string;
  name: string;
  version?: string;
}

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
  declared: Declared;
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
  data?: Data;
  latest?: Version;
  evaluated?: Gate;
  aliases: Alias[];
  endpoints: string[];
  monitors: string[];
  quality?: Headline;
}

export interface Data {
  source: string;
  to: string;
  rows: number;
  digest: string;
  created: string;
  snapshots: number;
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

export interface Gate {
  id: string;
  suite: string;
  version: number;
  against?: number;
  verdict: string;
  at: string;
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
  events?: TimelineEvent[];
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

export interface TimelineEvent {
  at: string;
  kind: string;
  id: string;
  text: string;
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
  paused?: Pause[];
  incidents: Incident[];
  decisions: Decision[];
  rollouts: Rollout[];
  stopped: Stopped[];
}

export interface Incident {
  id: string;
  kind: string;
  endpoint: string;
  severity: string;
  begin: string;
  fault?: string;
  cause: string;
  holds?: boolean;
  released?: boolean;
  seenBy?: string;
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

export interface Declared {
  resources: number;
  changed: number;
}

export interface LeftOut {
  models: number;
  endpoints: number;
  monitors: number;
  pipelines: number;
  more: boolean;
}

export interface Performance {
  model: string;
  version: number;
  against?: number;
  rows: PerformanceRows;
  task?: string;
  metrics: PerformanceMetric[];
  binary?: BinaryPerformance;
  regression?: RegressionPerformance;
  againstBinary?: BinaryPerformance;
  againstRegression?: RegressionPerformance;
  why?: string;
  digest?: string;
}

export interface PerformanceRows {
  source?: string;
  endpoint?: string;
  monitor?: string;
  from?: string;
  to?: string;
  until?: string;
  used: number;
  seen: number;
  unlabelled: number;
  held: number;
  refused: number;
  share: number | null;
}

export interface PerformanceMetric {
  metric: string;
  value: number | null;
  lo?: number | null;
  hi?: number | null;
  other?: number | null;
  diff?: number | null;
  diffLo?: number | null;
  diffHi?: number | null;
}

export interface BinaryPerformance {
  positives: number;
  negatives: number;
  auc: number | null;
  ap: number | null;
  thresholds: (number | null)[];
  tpr: (number | null)[];
  fpr: (number | null)[];
  precision: (number | null)[];
  cuts: (number | null)[];
  tp: number[];
  fp: number[];
  reliability: ReliabilityBin[];
  ece: number | null;
  mce: number | null;
  brier: BrierSplit;
  bins: ScoreBin[];
}

export interface ReliabilityBin {
  predicted: number | null;
  observed: number | null;
  lo: number | null;
  hi: number | null;
  rows: number;
}

export interface BrierSplit {
  brier: number | null;
  reliability: number | null;
  resolution: number | null;
  uncertainty: number | null;
}

export interface ScoreBin {
  from: number | null;
  to: number | null;
  positives: number;
  negatives: number;
}

export interface RegressionPerformance {
  bias: number | null;
  maxError: number | null;
  predicted: (number | null)[];
  actual: (number | null)[];
  bins: ReliabilityBin[];
  residuals: ResidualBin[];
}

export interface ResidualBin {
  from: number | null;
  to: number | null;
  rows: number;
}

export interface PipelinePage {
  name: string;
  description?: string;
  declared: boolean;
  generation?: number;
  manager?: string;
  inventory?: string;
  updated?: string;
  experiment?: string;
  params?: Record<string, string>;
  code?: string;
  codeDigest?: string;
  lock?: string;
  startedBy?: PipelineStarter[];
  steps: PipelineStep[];
  runs: PipelineRunSummary[];
  next?: string;
}

export interface PipelineStarter {
  policy: string;
  mode: string;
  strategy: string;
  every?: string;
}

export interface PipelineStep {
  name: string;
  kind: string;
  needs?: string[];
  run?: string;
  source?: string;
  asOf?: string;
  model?: string;
  alias?: string;
  when?: string;
  inputs?: Record<string, string>;
  outputs?: Record<string, string>;
  env?: Record<string, string>;
  timeout?: string;
  retries?: number;
  cache?: string;
  effects?: string;
}

export interface PipelineRunSummary {
  id: string;
  state: string;
  reason?: string;
  cause?: string;
  created: string;
  ended?: string;
  generation: number;
  cache?: string;
  retryOf?: string;
  params?: Record<string, string>;
  steps: PipelineStepState[];
}

export interface PipelineStepState {
  name: string;
  state: string;
  took?: number;
}

export interface PipelineRunPage {
  run: PipelineRunSummary;
  pipeline: string;
  now: string;
  params?: Record<string, string>;
  experiment: string;
  code?: string;
  codeDigest?: string;
  lock?: string;
  retriedAs?: string;
  declared: boolean;
  rows: PipelineRunStep[];
  products: PipelineProduct[];
}

export interface PipelineRunStep {
  step: PipelineStep;
  state: string;
  attempt?: number;
  reason?: string;
  cacheKey?: string;
  cachedOf?: string;
  cachedRun?: string;
  ready?: string;
  notBefore?: string;
  started?: string;
  ended?: string;
  reads?: PipelineFile[];
  left?: PipelineFile[];
  attempts?: PipelineAttempt[];
}

export interface PipelineFile {
  path: string;
  from?: string;
  digest?: string;
}

export interface PipelineAttempt {
  n: number;
  state: string;
  exit?: number;
  reason?: string;
  mlflowRun?: string;
  started: string;
  ended?: string;
}

export interface PipelineProduct {
  model: string;
  version: number;
  step: string;
  run?: string;
  settled: boolean;
  aliases?: string[];
}

export interface PipelineSummary {
  name: string;
  description?: string;
  declared: boolean;
  generation?: number;
  steps: number;
  startedBy?: PipelineStarter[];
  runs: PipelineBar[];
  ended: number;
  succeeded: number;
  p50?: number;
  running?: PipelineProgress;
}

export interface PipelineBar {
  id: string;
  state: string;
  reason?: string;
  cause?: string;
  created: string;
  ended?: string;
}

export interface PipelineProgress {
  id: string;
  state: string;
  since: string;
  done: number;
  total: number;
  now?: string[];
  open: number;
}

export interface Projects {
  projects: string[];
}

export interface Prospect {
  step: string;
  does: string;
  text: string;
  cachedOf?: string;
  against?: string;
  differs?: Difference[];
}

export interface QuarantinePage {
  endpoint: string;
  holds: DataHold[];
  logged: number;
  summary: DataQuarantine;
}

export interface DataHold {
  id: string;
  kind: string;
  severity: string;
  columns: string[];
  fault?: string;
  rule?: string;
  cause: string;
  remedy?: string;
  begin: string;
  end?: string;
  rows: number;
  bad: number;
  open?: boolean;
  released?: boolean;
  releasedBy?: string;
  note?: string;
}

export interface RecentTraffic {
  now: string;
  endpoints: EndpointTraffic[];
}

export interface EndpointTraffic {
  endpoint: string;
  minute: TrafficSummary;
  start: string;
  step: number;
  spark?: (number | null)[];
  all?: TrafficSeries;
  versions?: VersionTraffic[];
}

export interface TrafficSummary {
  requests: number;
  rate: number | null;
  failed: number;
  invalid: number;
  refused: number;
  p50: number | null;
  p99: number | null;
}

export interface TrafficSeries {
  rate: (number | null)[];
  rows: (number | null)[];
  failed: (number | null)[];
  refused: (number | null)[];
  p50: (number | null)[];
  p99: (number | null)[];
}

export interface VersionTraffic {
  version: number;
  minute: TrafficSummary;
  series: TrafficSeries;
}

export interface RunFiles {
  path: string;
  items: RunFileEntry[];
  more?: number;
}

export interface RunFileEntry {
  name: string;
  path: string;
  dir?: boolean;
  size: number;
  digest?: string;
  kind?: string;
}

export interface RunKeys {
  items: RunKey[];
  next?: string;
}

export interface RunKey {
  id: string;
  kind: string;
  key: string;
  name: string;
  runs: number;
}

export interface RunMetrics {
  items: RunFigure[];
  total: number;
  found: number;
  next?: string;
}

export interface RunFigure {
  key: string;
  value: number | string;
  step: number;
  time: string;
  count: number;
  nans?: number;
  min: number | string;
  max: number | string;
}

export interface RunPage {
  id: string;
  name: string;
  experiment: string;
  experimentName: string;
  user?: string;
  status: string;
  lifecycle: string;
  start: string;
  end?: string;
  seal?: string;
  description?: string;
  params: RunPair[];
  tags: RunPair[];
  paramCount: number;
  tagCount: number;
  metricKeys: number;
  newer?: string;
  older?: string;
  source: RunSource;
  inputs: RunInput[];
  models: RunModel[];
  versions: RunVersion[];
  origin?: RunOrigin;
  recipes: Recipe[];
}

export interface RunPair {
  key: string;
  value: string;
  cut?: number;
}

export interface RunSource {
  name?: string;
  type?: string;
  commit?: string;
  branch?: string;
  repository?: string;
  entryPoint?: string;
}

export interface RunInput {
  name: string;
  digest: string;
  context?: string;
  sourceType?: string;
  source?: string;
  schema?: string;
  profile?: string;
}

export interface RunModel {
  id: string;
  role: string;
  name?: string;
  type?: string;
  status?: string;
  step?: number;
  created?: string;
}

export interface RunVersion {
  model: string;
  version: number;
  aliases: string[];
  created: string;
}

export interface RunOrigin {
  run: string;
  pipeline: string;
  state: string;
  cause?: string;
  step: string;
  attempt: number;
  command?: string;
  code?: string;
  lock?: string;
  key?: string;
  params?: Record<string, string>;
  inputs: RunFile[];
  outputs: RunFile[];
}

export interface RunFile {
  name: string;
  from?: string;
  digest?: string;
}

export interface Recipe {
  title: string;
  note?: string;
  commands: string[];
}

export interface RunSearchCheck {
  filter: string;
  faults: RunSearchFault[];
}

export interface RunSearchFault {
  part: string;
  clause: number;
  offset: number;
  length: number;
  message: string;
  hint?: string;
}

export interface RunTable {
  ids: string[];
  names: string[];
  states: string[];
  users: string[];
  starts: number[];
  ends: number[];
  deleted: boolean[];
  columns: RunTableColumn[];
  total: number;
  matching: number;
  countedTo: number;
  filter: string;
  next?: string;
}

export interface RunTableColumn {
  id: string;
  numbers?: (number | null)[];
  nan?: number[];
  codes?: number[];
  texts?: string[];
}

export interface SourcePage {
  source: DataSource;
  snapshots: DataSnapshot[];
  next?: string;
}

export interface VersionPage {
  line: VersionLine;
  model: string;
  source?: string;
  tags?: Record<string, string>;
  manifest?: string;
  files: VersionFile[];
  bytes: number;
  more?: number;
  card?: VersionCard;
  noCard?: string;
  lineage: VersionLineage;
  runFacts?: VersionRun;
  evaluations: Evaluation[];
  measured: VersionMeasured[];
  children: VersionChild[];
  services: ModelService[];
  before?: number;
  after?: number;
  reproduce: string[];
}

export interface VersionFile {
  path: string;
  size: number;
  digest: string;
}

export interface VersionCard {
  flavors: string[];
  flavor?: string;
  notServed?: string;
  library?: string;
  objective?: string;
  classes?: number;
  mlflow?: string;
  python?: string;
  inputs: VersionField[];
  outputs: VersionField[];
  params: VersionField[];
  badSignature?: string;
  importances: VersionImportance[];
  noImportance?: string;
  calibration: VersionCalibration[];
  scale?: string;
  requirements: string[];
}

export interface VersionField {
  name: string;
  type: string;
  optional?: boolean;
  default?: string;
}

export interface VersionImportance {
  name: string;
  splits: number;
  gain: number | null;
  share: number | null;
  cover: number | null;
}

export interface VersionCalibration {
  a: number | null;
  b: number | null;
}

export interface VersionLineage {
  known: boolean;
  until?: string;
  parent?: number;
  pipeline?: string;
  pipelineRun?: string;
  snapshot?: string;
  dataSource?: string;
  label?: string;
  code?: string;
  lock?: string;
  cause?: string;
  params?: Record<string, string>;
  generation?: number;
  reason?: string;
}

export interface VersionRun {
  id: string;
  name: string;
  experiment: string;
  experimentName?: string;
  status: string;
  user?: string;
  start?: string;
  end?: string;
  params: Record<string, string>;
  metrics: RunMetric[];
  commit?: string;
  sourceName?: string;
  more?: number;
}

export interface VersionMeasured {
  endpoint: string;
  start: string;
  end: string;
  rows: number;
  loss: number | null;
  gain: number | null;
  stderr?: number | null;
  served?: boolean;
  learnt?: boolean;
}

export interface VersionChild {
  version: number;
  origin: string;
  created: string;
}
