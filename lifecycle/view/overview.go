package view

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
)

// Overview is a project on one page: the answer that the start page and `trimtab
// status` show. Lists are never null. Times are RFC 3339 and absent when there is
// none. Its parts are shorter than the views of the same nouns, and named after them.
type Overview struct {
	Server    Server             `json:"server"`
	Attention []Attention        `json:"attention"`
	Pipelines []OverviewPipeline `json:"pipelines"`          // the newest run of each pipeline, running ones first
	NeverRun  []string           `json:"neverRun,omitempty"` // declared pipelines without a run
	Replays   []OverviewReplay   `json:"replays"`            // the last replay of each endpoint, running ones first
	Models    []OverviewModel    `json:"models"`
	Endpoints []OverviewEndpoint `json:"endpoints"`
	Monitors  []OverviewMonitor  `json:"monitors"`
	Runs      []OverviewRun      `json:"runs"`    // the newest of the project
	Changes   []OverviewChange   `json:"changes"` // the newest of the project, without the finest steps
	Loop      OverviewLoop       `json:"loop"`
	Declared  OverviewDeclared   `json:"declared"`
	LeftOut   LeftOut            `json:"leftOut"`
}

// OverviewDeclared counts what is declared in the project, and of it what is no longer
// as its source declared it last.
type OverviewDeclared struct {
	Resources int `json:"resources"`
	Changed   int `json:"changed"`
}

// Server says who answers. Journal is the index of the newest journal entry
// that the answer certainly holds: a notice up to it says nothing new.
type Server struct {
	Version string            `json:"version"`
	Project trimtab.Workspace `json:"project"`
	Now     trimtab.Time      `json:"now"`
	Journal int64             `json:"journal"`
}

// LeftOut counts what exists beyond what the answer shows.
type LeftOut struct {
	Models    int  `json:"models"`
	Endpoints int  `json:"endpoints"`
	Monitors  int  `json:"monitors"`
	Pipelines int  `json:"pipelines"`
	More      bool `json:"more"` // more models exist than have been counted
}

// OverviewModel is a registered model, or a declared one that has no version yet.
type OverviewModel struct {
	Name        trimtab.ModelName `json:"name"`
	Description string            `json:"description,omitempty"`
	Task        string            `json:"task,omitempty"`
	Data        *OverviewData     `json:"data,omitempty"`
	Latest      *OverviewVersion  `json:"latest,omitempty"`
	Evaluated   *OverviewGate     `json:"evaluated,omitempty"` // newest evaluation with a suite
	Aliases     []OverviewAlias   `json:"aliases"`
	Endpoints   []string          `json:"endpoints"` // that serve it
	Monitors    []string          `json:"monitors"`  // on those endpoints
	Quality     *Headline         `json:"quality,omitempty"`
}

// OverviewVersion is the newest version of a model and where it came from.
// PipelineRun and Step are set when a pipeline step registered it.
type OverviewVersion struct {
	Version     trimtab.Version       `json:"version"`
	Status      string                `json:"status"`
	Created     trimtab.Time          `json:"created"`
	User        string                `json:"user,omitempty"`
	Run         trimtab.RunID         `json:"run,omitempty"`
	RunName     string                `json:"runName,omitempty"` // when the run is among the newest
	PipelineRun trimtab.PipelineRunID `json:"pipelineRun,omitempty"`
	Step        string                `json:"step,omitempty"`
}

// OverviewData is the newest snapshot of the source that the newest version learnt from.
type OverviewData struct {
	Source    string         `json:"source"`
	To        trimtab.Time   `json:"to"` // event time of its rows lies before
	Rows      int64          `json:"rows"`
	Digest    trimtab.Digest `json:"digest"`
	Created   trimtab.Time   `json:"created"`
	Snapshots int64          `json:"snapshots"` // of the source
}

// OverviewGate is an evaluation of a version with a suite.
type OverviewGate struct {
	ID      string          `json:"id"`
	Suite   string          `json:"suite"`
	Version trimtab.Version `json:"version"`
	Against trimtab.Version `json:"against,omitempty"`
	Verdict string          `json:"verdict"`
	At      trimtab.Time    `json:"at"`
}

// OverviewAlias points to a version.
type OverviewAlias struct {
	Name    trimtab.Alias   `json:"name"`
	Version trimtab.Version `json:"version"`
}

// Headline is the newest measured quality of a model: its monitor's first
// metric in the newest window that has it.
type Headline struct {
	Monitor  string          `json:"monitor"`
	Window   string          `json:"window"`
	Metric   OverviewQuality `json:"metric"`
	Computed trimtab.Time    `json:"computed,omitzero"`
}

// OverviewEndpoint is a served model. Serving is the version that answers now, 0
// for none; Target is the version that the alias names, 0 for none. Reason, Message
// and Since are those of State. Predictions, Dropped and Lost count since the server
// started: what was answered and logged, what found the queue of the log full, and
// what could not be written. Waits are the decisions that it waits for.
type OverviewEndpoint struct {
	Name        string                `json:"name"`
	Model       trimtab.ModelName     `json:"model"`
	Alias       trimtab.Alias         `json:"alias"`
	Target      trimtab.Version       `json:"target"`
	Serving     trimtab.Version       `json:"serving"`
	State       EndpointHealth        `json:"state"`
	Reason      string                `json:"reason,omitempty"`
	Message     string                `json:"message,omitempty"`
	Since       trimtab.Time          `json:"since,omitzero"`
	Mode        trimtab.WatermarkMode `json:"mode"`
	Watermark   trimtab.Time          `json:"watermark,omitzero"`
	LiveSince   trimtab.Time          `json:"liveSince,omitzero"`
	Predictions int64                 `json:"predictions,omitempty"`
	Dropped     int64                 `json:"dropped,omitempty"`
	Lost        int64                 `json:"lost,omitempty"`
	Waits       []OverviewWait        `json:"waits,omitempty"`
}

// OverviewWait is a listener of an endpoint that waits for a person. Command
// resolves it.
type OverviewWait struct {
	Listener string `json:"listener"`
	Command  string `json:"command,omitempty"`
}

// EndpointHealth says in one word how an endpoint is.
type EndpointHealth string

const (
	EndpointServing   EndpointHealth = "serving"   // a version answers
	EndpointBehind    EndpointHealth = "behind"    // a version answers, and the one that the alias names did not load
	EndpointLoading   EndpointHealth = "loading"   // nothing answers yet; it has not been looked at since the server started
	EndpointNoVersion EndpointHealth = "noVersion" // nothing answers: the alias names no version
	EndpointFailed    EndpointHealth = "failed"    // nothing answers: the version that the alias names did not load
)

// OverviewMonitor is a monitor with its newest windows, oldest first. Total counts
// all windows that it has looked at.
type OverviewMonitor struct {
	Name       string            `json:"name"`
	Endpoint   string            `json:"endpoint"`
	Model      trimtab.ModelName `json:"model,omitempty"`
	Window     trimtab.Window    `json:"window"`
	Task       string            `json:"task"`
	Metrics    []string          `json:"metrics"` // the first is the headline
	Confidence float64           `json:"confidence"`
	Total      int               `json:"total"`
	Windows    []OverviewWindow  `json:"windows"`
	Events     []TimelineEvent   `json:"events,omitempty"` // within the windows, oldest first
}

// OverviewWindow is what a monitor found in one window. Reason says why metrics are
// missing; Early that the window has ended and its labels have not matured.
type OverviewWindow struct {
	Label    string            `json:"label"`
	Start    trimtab.Time      `json:"start"`
	End      trimtab.Time      `json:"end"`
	Versions []trimtab.Version `json:"versions"`
	Rows     int64             `json:"rows"`
	Labelled int64             `json:"labelled"`
	Late     int64             `json:"late,omitempty"`
	Quality  []OverviewQuality `json:"quality"`
	Reason   string            `json:"reason,omitempty"`
	Early    bool              `json:"early,omitempty"`
	Held     int64             `json:"held,omitempty"`  // rows that an incident keeps out
	Drift    []string          `json:"drift,omitempty"` // columns that drift
	Computed trimtab.Time      `json:"computed,omitzero"`
}

// OverviewQuality is one metric; Lo and Hi bound it and are absent without an interval.
type OverviewQuality struct {
	Metric string  `json:"metric"`
	Value  Figure  `json:"value"`
	Lo     *Figure `json:"lo,omitempty"`
	Hi     *Figure `json:"hi,omitempty"`
}

// OverviewPipeline is a pipeline run with its steps in order. Deleted says that
// the pipeline is no longer declared.
type OverviewPipeline struct {
	ID       trimtab.PipelineRunID `json:"id"`
	Pipeline string                `json:"pipeline"`
	State    trimtab.PipelineState `json:"state"`
	Reason   string                `json:"reason,omitempty"`
	Cause    string                `json:"cause,omitempty"`
	Deleted  bool                  `json:"deleted,omitempty"`
	Created  trimtab.Time          `json:"created"`
	Ended    trimtab.Time          `json:"ended,omitzero"`
	Steps    []OverviewStep        `json:"steps"`
}

// OverviewStep is one step of a pipeline run.
type OverviewStep struct {
	Name    string            `json:"name"`
	State   trimtab.StepState `json:"state"`
	Attempt int               `json:"attempt"`
	Reason  string            `json:"reason,omitempty"`
	Started trimtab.Time      `json:"started,omitzero"`
	Ended   trimtab.Time      `json:"ended,omitzero"`
}

// OverviewReplay is a replay and how far it has come: Position is the event time
// up to which everything has been sent.
type OverviewReplay struct {
	ID       trimtab.ReplayID `json:"id"`
	Endpoint string           `json:"endpoint"`
	Source   string           `json:"source"`
	From     trimtab.Time     `json:"from"`
	To       trimtab.Time     `json:"to"`
	Position trimtab.Time     `json:"position,omitzero"`
	State    string           `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	Rows     int64            `json:"rows"`
	Labels   int64            `json:"labels"`
	Failed   int64            `json:"failed"`
	Created  trimtab.Time     `json:"created"`
	Ended    trimtab.Time     `json:"ended,omitzero"`
}

// OverviewRun is an MLflow run with the few metrics that say most. More counts the
// metrics that are not shown.
type OverviewRun struct {
	ID          trimtab.RunID         `json:"id"`
	Name        string                `json:"name"`
	Experiment  trimtab.ExperimentID  `json:"experiment"`
	User        string                `json:"user,omitempty"`
	Status      trimtab.RunStatus     `json:"status"`
	Start       trimtab.Time          `json:"start,omitzero"`
	End         trimtab.Time          `json:"end,omitzero"`
	PipelineRun trimtab.PipelineRunID `json:"pipelineRun,omitempty"`
	Step        string                `json:"step,omitempty"`
	Metrics     []RunMetric           `json:"metrics"`
	More        int                   `json:"more"`
}

// RunMetric is the latest value of a metric of a run.
type RunMetric struct {
	Key   string `json:"key"`
	Value Figure `json:"value"`
}

// OverviewChange is a journal entry for people, or several that follow each other
// with the same action on the same thing: then Count is above one and the rest is
// the newest's. Detail says what the action did, where the entry tells.
type OverviewChange struct {
	Index   int64        `json:"index"`
	Time    trimtab.Time `json:"time"`
	Action  string       `json:"action"`
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	Version string       `json:"version,omitempty"`
	Count   int          `json:"count"`
	Detail  string       `json:"detail,omitempty"`
	Actor   string       `json:"actor"`
	Via     string       `json:"via,omitempty"`
}

// LabelAge is how far the newest window with labels lies behind the watermark; ok
// is false when there is none.
func (m OverviewMonitor) LabelAge(watermark trimtab.Time) (age time.Duration, ok bool) {
	for _, w := range slices.Backward(m.Windows) {
		if w.Labelled > 0 {
			return max(0, watermark.Sub(w.End)), true
		}
	}
	return 0, false
}

// Figure is a float64 whose NaN and infinities, which JSON cannot spell, are null.
type Figure float64

// MarshalJSON writes null for NaN and infinities.
func (n Figure) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Figure) UnmarshalJSON(p []byte) error {
	if string(p) == "null" {
		*n = Figure(math.NaN())
		return nil
	}
	return json.Unmarshal(p, (*float64)(n))
}
