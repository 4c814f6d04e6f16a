package view

import (
	"github.com/trimtab/trimtab"
)

// VersionPage is a model version as a card: what it is, where it comes from, how it was judged, where it serves. Lists
// are never null. Card is absent while the version's files are not frozen; NoCard says why there is none.
type VersionPage struct {
	Line     VersionLine       `json:"line"`
	Model    trimtab.ModelName `json:"model"`
	Source   string            `json:"source,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Manifest trimtab.Digest    `json:"manifest,omitempty"`
	Files    []VersionFile     `json:"files"`
	Bytes    int64             `json:"bytes"`
	More     int               `json:"more,omitempty"` // files that are left out
	Card     *VersionCard      `json:"card,omitempty"`
	NoCard   string            `json:"noCard,omitempty"`

	Lineage     VersionLineage       `json:"lineage"`
	RunFacts    *VersionRun          `json:"runFacts,omitempty"`
	Evaluations []trimtab.Evaluation `json:"evaluations"` // of this version, the newest first
	Measured    []VersionMeasured    `json:"measured"`    // windows in which it was scored, oldest first
	Children    []VersionChild       `json:"children"`    // recalibrated from it
	Services    []ModelService       `json:"services"`    // endpoints of its model
	Before      trimtab.Version      `json:"before,omitempty"`
	After       trimtab.Version      `json:"after,omitempty"` // the versions beside it, 0 for none
	Reproduce   []string             `json:"reproduce"`       // commands
}

// VersionFile is a file of a version.
type VersionFile struct {
	Path   string         `json:"path"`
	Size   int64          `json:"size"`
	Digest trimtab.Digest `json:"digest"`
}

// VersionCard is what the files of a version say of it.
type VersionCard struct {
	Flavors      []string             `json:"flavors"`
	Flavor       string               `json:"flavor,omitempty"`    // that is served natively, "" for none
	NotServed    string               `json:"notServed,omitempty"` // why it is not
	Library      string               `json:"library,omitempty"`
	Objective    string               `json:"objective,omitempty"`
	Classes      int                  `json:"classes,omitempty"`
	MLflow       string               `json:"mlflow,omitempty"`
	Python       string               `json:"python,omitempty"`
	Inputs       []VersionField       `json:"inputs"`
	Outputs      []VersionField       `json:"outputs"`
	Params       []VersionField       `json:"params"`
	BadSignature string               `json:"badSignature,omitempty"`
	Importances  []VersionImportance  `json:"importances"`
	NoImportance string               `json:"noImportance,omitempty"`
	Calibration  []VersionCalibration `json:"calibration"` // corrections of the score, in order
	Scale        string               `json:"scale,omitempty"`
	Requirements []string             `json:"requirements"`
}

// VersionField is a column, tensor or parameter of a signature.
type VersionField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
	Default  string `json:"default,omitempty"`
}

// VersionImportance is how much a model's trees use an input.
type VersionImportance struct {
	Name   string `json:"name"`
	Splits int64  `json:"splits"`
	Gain   Figure `json:"gain"`
	Share  Figure `json:"share"` // of all gain
	Cover  Figure `json:"cover"`
}

// VersionCalibration is one correction a + b · score, on the scale that the card names.
type VersionCalibration struct {
	A Figure `json:"a"`
	B Figure `json:"b"`
}

// VersionLineage is what a version has learnt from, as far as it is known.
type VersionLineage struct {
	Known       bool                  `json:"known"`
	Until       trimtab.Time          `json:"until,omitzero"` // rows known by then taught it
	Parent      trimtab.Version       `json:"parent,omitempty"`
	Pipeline    string                `json:"pipeline,omitempty"`
	PipelineRun trimtab.PipelineRunID `json:"pipelineRun,omitempty"`
	Snapshot    trimtab.Digest        `json:"snapshot,omitempty"`
	DataSource  string                `json:"dataSource,omitempty"`
	Label       string                `json:"label,omitempty"`
	Code        trimtab.Digest        `json:"code,omitempty"`
	Lock        string                `json:"lock,omitempty"` // file of the environment's lock inside the code
	Cause       string                `json:"cause,omitempty"`
	Params      map[string]string     `json:"params,omitempty"` // of the pipeline run
	Generation  int64                 `json:"generation,omitempty"`
	// Reason is what the data step said of the rows it took.
	Reason string `json:"reason,omitempty"`
}

// VersionRun is the run that made a version.
type VersionRun struct {
	ID             trimtab.RunID        `json:"id"`
	Name           string               `json:"name"`
	Experiment     trimtab.ExperimentID `json:"experiment"`
	ExperimentName string               `json:"experimentName,omitempty"`
	Status         trimtab.RunStatus    `json:"status"`
	User           string               `json:"user,omitempty"`
	Start          trimtab.Time         `json:"start,omitzero"`
	End            trimtab.Time         `json:"end,omitzero"`
	Params         map[string]string    `json:"params"`
	Metrics        []RunMetric          `json:"metrics"`
	Commit         string               `json:"commit,omitempty"` // mlflow.source.git.commit
	SourceName     string               `json:"sourceName,omitempty"`
	More           int                  `json:"more,omitempty"` // params and metrics that are left out
}

// VersionMeasured is what a version scored in a window: its mean loss, and by how much less than what was served it lost
// per row, whoever answered. Served tells that it answered rows of the window itself.
type VersionMeasured struct {
	Endpoint string       `json:"endpoint"`
	Start    trimtab.Time `json:"start"`
	End      trimtab.Time `json:"end"`
	Rows     int64        `json:"rows"`
	Loss     Figure       `json:"loss"`
	Gain     Figure       `json:"gain"`
	StdErr   *Figure      `json:"stderr,omitempty"`
	Served   bool         `json:"served,omitempty"`
	Learnt   bool         `json:"learnt,omitempty"` // the window began before it had learnt: no test of it
}

// VersionChild is a version that was made of another one.
type VersionChild struct {
	Version trimtab.Version `json:"version"`
	Origin  string          `json:"origin"`
	Created trimtab.Time    `json:"created"`
}

// Limits of a version's page.
const (
	maxVersionFiles   = 500
	maxVersionParams  = 300
	maxVersionWindows = 1000
	maxRequirements   = 400
)

// FilesOf lists the files of a manifest.
func (p *VersionPage) FilesOf(m trimtab.Manifest) {
	p.Files = []VersionFile{}
	for i, f := range m {
		p.Bytes += f.Size
		if i < maxVersionFiles {
			p.Files = append(p.Files, VersionFile{Path: f.Path, Size: f.Size, Digest: f.Digest})
		}
	}
	p.More = max(0, len(m)-maxVersionFiles)
}

// RunFactsOf shortens the run that made a version.
func RunFactsOf(r trimtab.Run, experiment string) *VersionRun {
	out := &VersionRun{ID: r.ID, Name: r.Name, Experiment: r.Experiment, ExperimentName: experiment, Status: r.Status, User: r.User, Start: r.Start, End: r.End,
		Params: map[string]string{}, Metrics: []RunMetric{}, Commit: r.Tags["mlflow.source.git.commit"], SourceName: r.Tags["mlflow.source.name"]}
	for _, key := range sortedNames(r.Params) {
		if len(out.Params) == maxVersionParams {
			out.More++
			continue
		}
		out.Params[key] = clip(r.Params[key], 500)
	}
	for i, m := range r.Metrics {
		if i >= maxVersionParams {
			out.More++
			continue
		}
		out.Metrics = append(out.Metrics, RunMetric{Key: m.Key, Value: Figure(m.Value)})
	}
	return out
}

// MeasuredOf reads from windows, oldest first, what a version scored in them.
func MeasuredOf(v trimtab.Version, until trimtab.Time, windows []trimtab.WindowResult) []VersionMeasured {
	out := []VersionMeasured{}
	for _, w := range windows {
		for _, s := range w.Scores {
			if s.Version != v || s.Rows == 0 {
				continue
			}
			x := VersionMeasured{Endpoint: w.Endpoint, Start: w.Start, End: w.End, Rows: s.Rows, Loss: Figure(s.Loss), Gain: Figure(s.Gain / float64(s.Rows)), Learnt: w.Start < max(until, s.Trained)}
			for _, answered := range w.Versions {
				x.Served = x.Served || answered == v
			}
			if se := blockError(s.Blocks); se > 0 {
				x.StdErr = figure(se)
			}
			out = append(out, x)
		}
	}
	return out[max(0, len(out)-maxVersionWindows):]
}
