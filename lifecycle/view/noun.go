package view

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/trimtab/trimtab"
)

// Number is a float64 whose JSON also spells what JSON numbers cannot: NaN,
// Infinity and -Infinity are strings.
type Number float64

func (n Number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

func (n *Number) UnmarshalJSON(p []byte) error {
	var text string
	if json.Unmarshal(p, &text) == nil {
		p = []byte(text)
	}
	f, err := strconv.ParseFloat(string(p), 64)
	*n = Number(f)
	return err
}

// Declaration is a resource as somebody declares it: what plan and apply take.
type Declaration struct {
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        json.RawMessage   `json:"spec"`
}

// Proposal is a set of declarations to plan or to apply. Delete names resources
// ("endpoint/flights") and excludes Resources. Expect, when not empty, is the
// digest of the plan that was agreed to: another one is refused.
type Proposal struct {
	Resources []Declaration  `json:"resources,omitempty"`
	Delete    []string       `json:"delete,omitempty"`
	Manager   string         `json:"manager,omitempty"`
	Inventory string         `json:"inventory,omitempty"`
	Prune     bool           `json:"prune,omitempty"`
	Expect    trimtab.Digest `json:"expect,omitempty"`
}

// Resource is a declared resource with its status.
type Resource struct {
	trimtab.Resource
	Updated trimtab.Time    `json:"updated,omitempty"`
	Status  json.RawMessage `json:"status,omitempty"`
}

// OfResource completes a resource.
func OfResource(r trimtab.Resource) Resource {
	v := Resource{Resource: r, Updated: r.Updated}
	if len(r.Status) > 0 && string(r.Status) != "{}" {
		v.Status = r.Status
	}
	return v
}

// PipelineRun is a pipeline run with its steps.
type PipelineRun struct {
	trimtab.PipelineRun
	Steps []Step `json:"steps"`
}

// Step is a step with its attempts, oldest first.
type Step struct {
	trimtab.Step
	Attempts []trimtab.Attempt `json:"attempts,omitempty"`
}

// OfPipelineRun completes a pipeline run; attempts are added by who has them.
func OfPipelineRun(r trimtab.PipelineRun) PipelineRun {
	v := PipelineRun{PipelineRun: r, Steps: make([]Step, len(r.Steps))}
	for i, s := range r.Steps {
		v.Steps[i] = Step{Step: s}
	}
	return v
}

// StartRun asks for a pipeline run.
type StartRun struct {
	Pipeline string            `json:"pipeline"`
	Params   map[string]string `json:"params,omitempty"`
	Cache    string            `json:"cache,omitempty"` // "off" | "refresh"
	Cause    string            `json:"cause,omitempty"`
}

// Explanation says why a step ran or was taken from the cache.
type Explanation struct {
	Step     string                `json:"step"`
	State    trimtab.StepState     `json:"state"`
	Text     string                `json:"text"`
	Key      trimtab.Digest        `json:"key,omitempty"`
	CachedOf trimtab.AttemptID     `json:"cachedOf,omitempty"`
	Against  trimtab.PipelineRunID `json:"against,omitempty"` // the run it was compared with
	Differs  []Difference          `json:"differs,omitempty"`
}

// Difference is a part of a cache key that is not what it was; a part that was
// or is not there is "".
type Difference struct {
	Part string `json:"part"`
	Then string `json:"then,omitempty"`
	Now  string `json:"now,omitempty"`
}

// Metric is the latest point of a metric of a run.
type Metric struct {
	Key   string       `json:"key"`
	Value Number       `json:"value"`
	Time  trimtab.Time `json:"time,omitempty"`
	Step  int64        `json:"step"`
}

// Run is a run with what it logged.
type Run struct {
	trimtab.Run
	ExperimentName string            `json:"experimentName,omitempty"`
	Params         map[string]string `json:"params,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Metrics        []Metric          `json:"metrics,omitempty"`
}

// OfRun completes a run.
func OfRun(r trimtab.Run, experiment string) Run {
	v := Run{Run: r, ExperimentName: experiment, Params: r.Params, Tags: r.Tags}
	for _, m := range r.Metrics {
		v.Metrics = append(v.Metrics, Metric{Key: m.Key, Value: Number(m.Value), Time: m.Time, Step: m.Step})
	}
	return v
}

// Model is a registered model with its versions, newest first.
type Model struct {
	trimtab.RegisteredModel
	Updated  trimtab.Time `json:"updated,omitempty"`
	Versions []Version    `json:"versions,omitempty"`
}

// Version is a model version with the aliases that point to it.
type Version struct {
	trimtab.ModelVersion
	Aliases []trimtab.Alias `json:"aliases,omitempty"`
}

// OfVersion completes a version.
func OfVersion(v trimtab.ModelVersion) Version { return Version{ModelVersion: v, Aliases: v.Aliases} }

// MoveAlias asks to point an alias to a version; Version 0 removes the alias.
type MoveAlias struct {
	Alias   trimtab.Alias    `json:"alias"`
	Version trimtab.Version  `json:"version"`
	From    *trimtab.Version `json:"from,omitempty"`
	Cause   string           `json:"cause,omitempty"`
}

// Endpoint is an endpoint as it is: what it serves, how far event time has
// come, and what it has counted since the server started.
type Endpoint struct {
	Name       string                `json:"name"`
	Model      trimtab.ModelName     `json:"model"`
	Alias      trimtab.Alias         `json:"alias"`
	Version    trimtab.Version       `json:"version,omitempty"` // that answers now; 0: none
	Since      trimtab.Time          `json:"since,omitempty"`   // of that version
	State      trimtab.EndpointState `json:"state"`
	Watermark  trimtab.Time          `json:"watermark,omitempty"`
	Conditions []trimtab.Condition   `json:"conditions,omitempty"`
	Counts     map[string]int64      `json:"counts,omitempty"` // predictions, dropped, labels, late, …
	Settled    []trimtab.Settlement  `json:"settled,omitempty"`
	URL        string                `json:"url,omitempty"`
}

// StartReplay asks for a replay; zero times mean the span of the source.
type StartReplay struct {
	Endpoint string       `json:"endpoint"`
	Source   string       `json:"source"`
	From     trimtab.Time `json:"from,omitempty"`
	To       trimtab.Time `json:"to,omitempty"`
	// Faults of a drill, such as 'unit wind_speed x1.609344 2013-04-08..2013-04-15', injected in this order.
	Faults []trimtab.Fault `json:"faults,omitempty"`
}

// Replay is a replay with its progress. Wait says what it waits for, when it does.
type Replay struct {
	trimtab.Replay
	Position trimtab.Time `json:"position,omitempty"`
	Rows     int64        `json:"rows"`
	Labels   int64        `json:"labels"`
	Failed   int64        `json:"failed"`
	Resumed  bool         `json:"resumed,omitempty"` // the answer to a start: it existed already
}

// OfReplay completes a replay.
func OfReplay(r trimtab.Replay) Replay {
	return Replay{Replay: r, Position: r.Position, Rows: r.Rows, Labels: r.Labels, Failed: r.Failed}
}

// Ended reports whether the replay goes no further.
func (r Replay) Ended() bool { return r.State != "running" }

// Entry is a journal entry with its place.
type Entry struct {
	trimtab.Entry
	Index int64 `json:"index"`
	Leaf  int64 `json:"leaf"`
}

// OfEntry completes an entry.
func OfEntry(e trimtab.Entry) Entry { return Entry{Entry: e, Index: e.Index, Leaf: e.Leaf} }

// Notice is an event of the event stream: something of that kind and name moved.
// Index is that of the journal entry, or of the newest one for a notice about
// progress that no entry records: such a one has neither Action nor Time. Kind
// "head" says where the journal stands as the stream begins, kind "reset" the same
// and that notices were skipped.
type Notice struct {
	Index   int64        `json:"index"`
	Time    trimtab.Time `json:"time,omitzero"`
	Action  string       `json:"action,omitempty"`
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	Version string       `json:"version,omitempty"`
}

// OfNotice shortens an entry to a notice.
func OfNotice(e trimtab.Entry) Notice {
	return Notice{Index: e.Index, Time: e.Time, Action: e.Action, Kind: e.Object.Kind, Name: e.Object.Name, Version: e.Object.Version}
}

// List is one page of anything.
type List[T any] struct {
	Items []T               `json:"items"`
	Next  trimtab.PageToken `json:"next,omitempty"`
}
