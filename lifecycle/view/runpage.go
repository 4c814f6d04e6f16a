package view

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// valueMost bounds a value of a param or a tag on the page of a run, in bytes;
// and pairMost how many there are.
const (
	valueMost = 4000
	pairMost  = 1000
	textMost  = 20_000
)

// RunPage is a run with what surrounds it.
type RunPage struct {
	ID             trimtab.RunID        `json:"id"`
	Name           string               `json:"name"`
	Experiment     trimtab.ExperimentID `json:"experiment"`
	ExperimentName string               `json:"experimentName"`
	User           string               `json:"user,omitempty"`
	Status         trimtab.RunStatus    `json:"status"`
	Lifecycle      trimtab.Lifecycle    `json:"lifecycle"`
	Start          trimtab.Time         `json:"start"`
	End            trimtab.Time         `json:"end,omitempty"`
	Seal           trimtab.Digest       `json:"seal,omitempty"` // of the measured data at the last end
	Description    string               `json:"description,omitempty"`
	Params         []RunPair            `json:"params"`
	Tags           []RunPair            `json:"tags"`
	ParamCount     int                  `json:"paramCount"`
	TagCount       int                  `json:"tagCount"`
	MetricKeys     int64                `json:"metricKeys"`
	Newer          trimtab.RunID        `json:"newer,omitempty"` // neighbours in the experiment
	Older          trimtab.RunID        `json:"older,omitempty"`
	Source         RunSource            `json:"source"`
	Inputs         []RunInput           `json:"inputs"`
	Models         []RunModel           `json:"models"`
	Versions       []RunVersion         `json:"versions"`
	Origin         *RunOrigin           `json:"origin,omitempty"` // the step that made it
	Recipes        []Recipe             `json:"recipes"`
}

// RunPair is a param or a tag. Cut is the length in bytes of a value that is
// longer than what is shown.
type RunPair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Cut   int    `json:"cut,omitempty"`
}

// RunSource is where the code of a run comes from, as its client said.
type RunSource struct {
	Name       string `json:"name,omitempty"`
	Type       string `json:"type,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Repository string `json:"repository,omitempty"`
	EntryPoint string `json:"entryPoint,omitempty"`
}

// RunInput is a data set that the run read.
type RunInput struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	Context    string `json:"context,omitempty"`
	SourceType string `json:"sourceType,omitempty"`
	Source     string `json:"source,omitempty"`
	Schema     string `json:"schema,omitempty"` // JSON as the client wrote it
	Profile    string `json:"profile,omitempty"`
}

// RunModel is a logged model: made by the run ("output") or read by it ("input").
type RunModel struct {
	ID      trimtab.LoggedModelID `json:"id"`
	Role    string                `json:"role"`
	Name    string                `json:"name,omitempty"`
	Type    string                `json:"type,omitempty"`
	Status  string                `json:"status,omitempty"`
	Step    int64                 `json:"step,omitempty"`
	Created trimtab.Time          `json:"created,omitempty"`
}

// RunVersion is a model version that was registered from the run.
type RunVersion struct {
	Model   trimtab.ModelName `json:"model"`
	Version trimtab.Version   `json:"version"`
	Aliases []trimtab.Alias   `json:"aliases"`
	Created trimtab.Time      `json:"created"`
}

// RunOrigin is the attempt of a pipeline's step that owns the run.
type RunOrigin struct {
	Run      trimtab.PipelineRunID `json:"run"`
	Pipeline string                `json:"pipeline"`
	State    trimtab.PipelineState `json:"state"`
	Cause    string                `json:"cause,omitempty"`
	Step     string                `json:"step"`
	Attempt  int                   `json:"attempt"`
	Command  string                `json:"command,omitempty"`
	Code     trimtab.Digest        `json:"code,omitempty"` // of the packed code
	Lock     string                `json:"lock,omitempty"` // the file that locks the environment
	Key      trimtab.Digest        `json:"key,omitempty"`  // of the cache: code, environment, params and inputs
	Params   map[string]string     `json:"params,omitempty"`
	Inputs   []RunFile             `json:"inputs"`
	Outputs  []RunFile             `json:"outputs"`
}

// RunFile is an object that a step read or wrote.
type RunFile struct {
	Name   string         `json:"name"`
	From   string         `json:"from,omitempty"` // STEP.OUTPUT
	Digest trimtab.Digest `json:"digest,omitempty"`
}

// Recipe is a way to do a run again.
type Recipe struct {
	Title    string   `json:"title"`
	Note     string   `json:"note,omitempty"`
	Commands []string `json:"commands"`
}

// RunFacts is what the page of a run is made of. Run has no metrics; Pipeline is
// nil for a person's run and for one whose pipeline run cannot be read.
type RunFacts struct {
	Run            trimtab.Run
	ExperimentName string
	MetricKeys     int64
	Newer, Older   trimtab.RunID
	Models         []trimtab.LoggedModel
	Versions       []trimtab.ModelVersion
	Pipeline       *trimtab.PipelineRun
	Step           string
	Attempt        int
}

// RunPageOf makes the page of a run.
func RunPageOf(f RunFacts) RunPage {
	r := f.Run
	p := RunPage{ID: r.ID, Name: r.Name, Experiment: r.Experiment, ExperimentName: f.ExperimentName, User: r.User, Status: r.Status, Lifecycle: r.Lifecycle,
		Start: r.Start, End: r.End, Seal: r.Seal, MetricKeys: f.MetricKeys, Newer: f.Newer, Older: f.Older,
		ParamCount: len(r.Params), TagCount: len(r.Tags),
		Inputs: []RunInput{}, Models: []RunModel{}, Versions: []RunVersion{}}
	p.Params, p.Tags = pairsOf(r.Params), pairsOf(r.Tags)
	p.Description = cutText(r.Tags["mlflow.note.content"], textMost)
	if p.User == "" {
		p.User = r.Tags["mlflow.user"]
	}
	p.Source = RunSource{Name: r.Tags["mlflow.source.name"], Type: r.Tags["mlflow.source.type"], Commit: r.Tags["mlflow.source.git.commit"],
		Branch: r.Tags["mlflow.source.git.branch"], Repository: r.Tags["mlflow.source.git.repoURL"], EntryPoint: r.Tags["mlflow.project.entryPoint"]}
	for _, in := range r.Inputs {
		one := RunInput{Name: in.Dataset.Name, Digest: in.Dataset.Digest, SourceType: in.Dataset.SourceType, Source: cutText(in.Dataset.Source, textMost),
			Schema: cutText(in.Dataset.Schema, textMost), Profile: cutText(in.Dataset.Profile, textMost)}
		for _, t := range in.Tags {
			if t.Key == "mlflow.data.context" {
				one.Context = t.Value
			}
		}
		p.Inputs = append(p.Inputs, one)
		if len(p.Inputs) == 20 {
			break
		}
	}
	p.Models = modelsOf(f)
	for _, v := range f.Versions {
		p.Versions = append(p.Versions, RunVersion{Model: v.Model, Version: v.Version, Aliases: append([]trimtab.Alias{}, v.Aliases...), Created: v.Created})
	}
	p.Origin = originOf(f)
	p.Recipes = recipesOf(p, r)
	return p
}

func pairsOf(all map[string]string) []RunPair {
	out := make([]RunPair, 0, min(len(all), pairMost))
	for key, value := range all {
		pair := RunPair{Key: key, Value: cutText(value, valueMost)}
		if len(value) > valueMost {
			pair.Cut = len(value)
		}
		out = append(out, pair)
	}
	slices.SortFunc(out, func(a, b RunPair) int { return strings.Compare(a.Key, b.Key) })
	// However many and long they are, the page stays within its size.
	size := 0
	for i, pair := range out {
		if size += len(pair.Key) + len(pair.Value); i == pairMost || size > 600_000 {
			return out[:i]
		}
	}
	return out
}

// cutText cuts a text at a whole character.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most]
}

func modelsOf(f RunFacts) []RunModel {
	out := []RunModel{}
	known := map[trimtab.LoggedModelID]trimtab.LoggedModel{}
	for _, m := range f.Models {
		known[m.ID] = m
	}
	listed := map[trimtab.LoggedModelID]bool{}
	add := func(id trimtab.LoggedModelID, role string, step int64) {
		if listed[id] || len(out) == 100 {
			return
		}
		listed[id] = true
		m := known[id]
		out = append(out, RunModel{ID: id, Role: role, Name: m.Name, Type: m.Type, Status: string(m.Status), Step: step, Created: m.Created})
	}
	for _, o := range f.Run.Outputs {
		add(o.Model, "output", o.Step)
	}
	for _, m := range f.Models {
		add(m.ID, "output", 0)
	}
	for _, in := range f.Run.ModelInputs {
		add(in.Model, "input", 0)
	}
	return out
}

func originOf(f RunFacts) *RunOrigin {
	if f.Pipeline == nil {
		return nil
	}
	run := *f.Pipeline
	o := &RunOrigin{Run: run.ID, Pipeline: run.Pipeline, State: run.State, Cause: run.Cause, Step: f.Step, Attempt: f.Attempt, Params: run.Params, Inputs: []RunFile{}, Outputs: []RunFile{}}
	var spec trimtab.PipelineSpec
	if json.Unmarshal(run.Spec, &spec) != nil {
		return o // what ran is known all the same
	}
	if spec.Code != nil {
		o.Code = spec.Code.Digest
	}
	if spec.Env != nil {
		o.Lock = spec.Env.Lock
	}
	outputs := map[string]map[string]trimtab.Digest{}
	for _, s := range run.Steps {
		outputs[s.Name] = s.Outputs
		if s.Name == f.Step {
			o.Key = s.CacheKey
			for name, digest := range s.Outputs {
				o.Outputs = append(o.Outputs, RunFile{Name: name, Digest: digest})
			}
		}
	}
	for _, s := range spec.Steps {
		if s.Name != f.Step {
			continue
		}
		o.Command = s.Run
		for name, from := range s.Inputs {
			step, output, _ := strings.Cut(from, ".")
			o.Inputs = append(o.Inputs, RunFile{Name: name, From: from, Digest: outputs[step][output]})
		}
	}
	byName := func(a, b RunFile) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(o.Inputs, byName)
	slices.SortFunc(o.Outputs, byName)
	return o
}
