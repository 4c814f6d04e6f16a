package overview

import (
	"encoding/json"
	"math"

	"github.com/trimtab/trimtab"
)

// Overview is the whole answer. Lists are never null. Times are RFC 3339 and
// absent when there is none.
type Overview struct {
	Server    Server      `json:"server"`
	Attention []Attention `json:"attention"`
	Pipelines []Pipeline  `json:"pipelines"` // the newest run of each pipeline, running ones first
	Replays   []Replay    `json:"replays"`   // the last replay of each endpoint, running ones first
	Models    []Model     `json:"models"`
	Endpoints []Endpoint  `json:"endpoints"`
	Monitors  []Monitor   `json:"monitors"`
	Runs      []Run       `json:"runs"`    // the newest of the project
	Changes   []Change    `json:"changes"` // the newest of the project, without the finest steps
	LeftOut   LeftOut     `json:"leftOut"`
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

// Severity says how loud a line of attention is.
type Severity string

const (
	Bad  Severity = "bad"  // something that should work does not
	Warn Severity = "warn" // something is missing or will be
)

// Attention is one thing that a person should look at, and why. Command shows
// more or resolves it; "" when there is none.
type Attention struct {
	Severity Severity     `json:"severity"`
	Rule     string       `json:"rule"` // "pipeline.failed", "endpoint.noVersion", …
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Detail   string       `json:"detail,omitempty"`
	Since    trimtab.Time `json:"since,omitzero"`
	Command  string       `json:"command,omitempty"`
}

// Model is a registered model, or a declared one that has no version yet.
type Model struct {
	Name        trimtab.ModelName `json:"name"`
	Description string            `json:"description,omitempty"`
	Task        string            `json:"task,omitempty"`
	Latest      *Version          `json:"latest,omitempty"`
	Aliases     []Alias           `json:"aliases"`
	Endpoints   []string          `json:"endpoints"` // that serve it
	Monitors    []string          `json:"monitors"`  // on those endpoints
	Quality     *Headline         `json:"quality,omitempty"`
}

// Version is the newest version of a model and where it came from. PipelineRun
// and Step are set when a pipeline step registered it.
type Version struct {
	Version     trimtab.Version       `json:"version"`
	Status      string                `json:"status"`
	Created     trimtab.Time          `json:"created"`
	User        string                `json:"user,omitempty"`
	Run         trimtab.RunID         `json:"run,omitempty"`
	RunName     string                `json:"runName,omitempty"` // when the run is among the newest
	PipelineRun trimtab.PipelineRunID `json:"pipelineRun,omitempty"`
	Step        string                `json:"step,omitempty"`
}

// Alias points to a version.
type Alias struct {
	Name    trimtab.Alias   `json:"name"`
	Version trimtab.Version `json:"version"`
}

// Headline is the newest measured quality of a model: its monitor's first
// metric in the newest window that has it.
type Headline struct {
	Monitor  string       `json:"monitor"`
	Window   string       `json:"window"`
	Metric   Quality      `json:"metric"`
	Computed trimtab.Time `json:"computed,omitzero"`
}

// Endpoint is a served model. Serving is the version that answers now, 0 for
// none; Target is the version that the alias names, 0 for none.
type Endpoint struct {
	Name      string                `json:"name"`
	Model     trimtab.ModelName     `json:"model"`
	Alias     trimtab.Alias         `json:"alias"`
	Target    trimtab.Version       `json:"target"`
	Serving   trimtab.Version       `json:"serving"`
	State     EndpointState         `json:"state"`
	Reason    string                `json:"reason,omitempty"`
	Message   string                `json:"message,omitempty"`
	Since     trimtab.Time          `json:"since,omitzero"`
	Mode      trimtab.WatermarkMode `json:"mode"`
	Watermark trimtab.Time          `json:"watermark,omitzero"`
	LiveSince trimtab.Time          `json:"liveSince,omitzero"`
}

// EndpointState says in one word how an endpoint is.
type EndpointState string

const (
	Serving   EndpointState = "serving"   // a version answers
	Behind    EndpointState = "behind"    // a version answers, and the one that the alias names did not load
	Loading   EndpointState = "loading"   // nothing answers yet; it has not been looked at since the server started
	NoVersion EndpointState = "noVersion" // nothing answers: the alias names no version
	Failed    EndpointState = "failed"    // nothing answers: the version that the alias names did not load
)

// Monitor is a monitor with its newest windows, oldest first. Total counts all
// windows that it has closed.
type Monitor struct {
	Name       string            `json:"name"`
	Endpoint   string            `json:"endpoint"`
	Model      trimtab.ModelName `json:"model,omitempty"`
	Window     trimtab.Window    `json:"window"`
	Task       string            `json:"task"`
	Metrics    []string          `json:"metrics"` // the first is the headline
	Confidence float64           `json:"confidence"`
	Total      int               `json:"total"`
	Windows    []Window          `json:"windows"`
}

// Window is what a monitor found in one closed window. Reason says why metrics
// are missing.
type Window struct {
	Label    string            `json:"label"`
	Start    trimtab.Time      `json:"start"`
	End      trimtab.Time      `json:"end"`
	Versions []trimtab.Version `json:"versions"`
	Rows     int64             `json:"rows"`
	Labelled int64             `json:"labelled"`
	Late     int64             `json:"late,omitempty"`
	Quality  []Quality         `json:"quality"`
	Reason   string            `json:"reason,omitempty"`
	Computed trimtab.Time      `json:"computed,omitzero"`
}

// Quality is one metric; Lo and Hi bound it and are absent without an interval.
type Quality struct {
	Metric string  `json:"metric"`
	Value  Number  `json:"value"`
	Lo     *Number `json:"lo,omitempty"`
	Hi     *Number `json:"hi,omitempty"`
}

// Pipeline is a pipeline run with its steps in order.
type Pipeline struct {
	ID       trimtab.PipelineRunID `json:"id"`
	Pipeline string                `json:"pipeline"`
	State    trimtab.PipelineState `json:"state"`
	Reason   string                `json:"reason,omitempty"`
	Cause    string                `json:"cause,omitempty"`
	Created  trimtab.Time          `json:"created"`
	Ended    trimtab.Time          `json:"ended,omitzero"`
	Steps    []Step                `json:"steps"`
}

// Step is one step of a pipeline run.
type Step struct {
	Name    string            `json:"name"`
	State   trimtab.StepState `json:"state"`
	Attempt int               `json:"attempt"`
	Reason  string            `json:"reason,omitempty"`
	Started trimtab.Time      `json:"started,omitzero"`
	Ended   trimtab.Time      `json:"ended,omitzero"`
}

// Replay is a replay and how far it has come: Position is the event time up to
// which everything has been sent.
type Replay struct {
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

// Run is an MLflow run with the few metrics that say most. More counts the
// metrics that are not shown.
type Run struct {
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
	Value Number `json:"value"`
}

// Change is a journal entry for people, or several that follow each other with
// the same action on the same thing: then Count is above one and the rest is the
// newest's. Detail says what the action did, where the entry tells.
type Change struct {
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

// Notice is one event of the stream: something of that kind and name moved.
// Index is that of the journal entry, or of the newest one for a notice about
// progress that no entry records. Kind "reset" says that notices were skipped.
type Notice struct {
	Index   int64  `json:"index"`
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Number is a float64 whose NaN and infinities, which JSON cannot spell, are null.
type Number float64

// MarshalJSON writes null for NaN and infinities.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(p []byte) error {
	if string(p) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(p, (*float64)(n))
}
