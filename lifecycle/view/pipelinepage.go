package view

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// PipelineSummary is a pipeline in a list: what it is, what starts it, and how its
// last runs went. Declared is false for one that is no longer declared and has runs.
type PipelineSummary struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Declared    bool              `json:"declared"`
	Generation  int64             `json:"generation,omitempty"`
	Steps       int               `json:"steps"`
	StartedBy   []PipelineStarter `json:"startedBy,omitempty"`
	Runs        []PipelineBar     `json:"runs"`  // the newest last, at most PipelineBars
	Ended       int               `json:"ended"` // of the runs looked at
	Succeeded   int               `json:"succeeded"`
	P50         int64             `json:"p50,omitempty"` // ms that half of those that succeeded took at most
	Running     PipelineProgress  `json:"running,omitzero"`
}

// PipelineStarter is a policy that may start a pipeline.
type PipelineStarter struct {
	Policy   string `json:"policy"`
	Mode     string `json:"mode"`     // "advise", "approve" or "auto"
	Strategy string `json:"strategy"` // "cost-aware", "threshold" or "schedule"
	Every    string `json:"every,omitempty"`
}

// PipelineBars is how many runs of a pipeline a list shows.
const PipelineBars = 30

// PipelineBar is a run in short.
type PipelineBar struct {
	ID      trimtab.PipelineRunID `json:"id"`
	State   trimtab.PipelineState `json:"state"`
	Reason  string                `json:"reason,omitempty"`
	Cause   string                `json:"cause,omitempty"`
	Created trimtab.Time          `json:"created"`
	Ended   trimtab.Time          `json:"ended,omitzero"`
}

// PipelineProgress is how far the newest open run has come.
type PipelineProgress struct {
	ID    trimtab.PipelineRunID `json:"id"`
	State trimtab.PipelineState `json:"state"`
	Since trimtab.Time          `json:"since"`
	Done  int                   `json:"done"`
	Total int                   `json:"total"`
	Now   []string              `json:"now,omitempty"` // steps that run
	Open  int                   `json:"open"`          // runs that have not ended
}

// Pipelines puts declared pipelines together with their newest runs, which come
// newest first; policies may start them.
func Pipelines(declared, policies []trimtab.Resource, runs []trimtab.PipelineRun) []PipelineSummary {
	byName := map[string]*PipelineSummary{}
	get := func(name string) *PipelineSummary {
		if byName[name] == nil {
			byName[name] = &PipelineSummary{Name: name, Runs: []PipelineBar{}}
		}
		return byName[name]
	}
	for _, r := range declared {
		var spec trimtab.PipelineSpec
		_ = json.Unmarshal(r.Spec, &spec) // a spec that cannot be read has no steps to show
		s := get(r.Name)
		s.Declared, s.Description, s.Generation, s.Steps = true, spec.Description, r.Generation, len(spec.Steps)
	}
	for name, starters := range startersOf(policies) {
		if s := get(name); s.Declared {
			s.StartedBy = starters
		}
	}
	took := map[string][]int64{}
	for _, r := range runs {
		s := get(r.Pipeline)
		s.Steps = max(s.Steps, len(r.Steps))
		if len(s.Runs) < PipelineBars {
			s.Runs = append(s.Runs, barOf(r))
		}
		if r.State.Ended() {
			s.Ended++
			if r.State == trimtab.PipelineSucceeded {
				s.Succeeded++
				took[r.Pipeline] = append(took[r.Pipeline], int64(r.Ended-r.Created))
			}
			continue
		}
		if s.Running.ID == "" {
			s.Running = progressOf(r)
		}
		s.Running.Open++
	}
	out := []PipelineSummary{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s := byName[name]
		if !s.Declared && len(s.Runs) == 0 {
			continue
		}
		slices.Reverse(s.Runs)
		s.P50 = median(took[name])
		out = append(out, *s)
	}
	return out
}

// startersOf lists the policies by the pipeline that they may start.
func startersOf(policies []trimtab.Resource) map[string][]PipelineStarter {
	out := map[string][]PipelineStarter{}
	for _, r := range policies {
		var spec trimtab.RetrainPolicySpec
		if json.Unmarshal(r.Spec, &spec) != nil || spec.Pipeline == "" {
			continue
		}
		s := PipelineStarter{Policy: r.Name, Mode: cmp.Or(spec.Mode, "advise"), Strategy: cmp.Or(spec.Strategy, "cost-aware")}
		if spec.Every != 0 {
			s.Every = spec.Every.String()
		}
		out[spec.Pipeline] = append(out[spec.Pipeline], s)
	}
	return out
}

func barOf(r trimtab.PipelineRun) PipelineBar {
	return PipelineBar{ID: r.ID, State: r.State, Reason: r.Reason, Cause: r.Cause, Created: r.Created, Ended: r.Ended}
}

func progressOf(r trimtab.PipelineRun) PipelineProgress {
	p := PipelineProgress{ID: r.ID, State: r.State, Since: r.Created, Total: len(r.Steps)}
	for _, s := range r.Steps {
		switch {
		case s.State.Ended():
			p.Done++
		case s.State == trimtab.StepRunning || s.State == trimtab.StepStarting:
			p.Now = append(p.Now, s.Name)
		}
	}
	return p
}

// median is the lower median, 0 of nothing.
func median(all []int64) int64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// PipelinePage is a pipeline with a page of its runs, newest first. Declared is
// false when only its runs are left; then the steps are those of the newest run.
type PipelinePage struct {
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Declared    bool                 `json:"declared"`
	Generation  int64                `json:"generation,omitempty"`
	Manager     string               `json:"manager,omitempty"`
	Inventory   string               `json:"inventory,omitempty"`
	Updated     trimtab.Time         `json:"updated,omitzero"`
	Experiment  string               `json:"experiment,omitempty"`
	Params      map[string]string    `json:"params,omitempty"`
	Code        string               `json:"code,omitempty"` // the folder, as it is declared
	CodeDigest  trimtab.Digest       `json:"codeDigest,omitempty"`
	Lock        string               `json:"lock,omitempty"`
	StartedBy   []PipelineStarter    `json:"startedBy,omitempty"`
	Steps       []PipelineStep       `json:"steps"`
	Runs        []PipelineRunSummary `json:"runs"`
	Next        trimtab.PageToken    `json:"next,omitempty"`
}

// PipelineStep is a declared step as a graph shows it. Kind is "run", "dataset" or "promote".
type PipelineStep struct {
	Name    string            `json:"name"`
	Kind    string            `json:"kind"`
	Needs   []string          `json:"needs,omitempty"` // all that it waits for, those whose outputs it reads included
	Run     string            `json:"run,omitempty"`
	Source  string            `json:"source,omitempty"` // of a dataset step
	AsOf    string            `json:"asOf,omitempty"`
	Model   trimtab.ModelName `json:"model,omitempty"` // of a promote step
	Alias   trimtab.Alias     `json:"alias,omitempty"`
	When    string            `json:"when,omitempty"`
	Inputs  map[string]string `json:"inputs,omitempty"`
	Outputs map[string]string `json:"outputs,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Timeout string            `json:"timeout,omitempty"`
	Retries int               `json:"retries,omitempty"`
	Cache   string            `json:"cache,omitempty"`
	Effects string            `json:"effects,omitempty"`
}

// PipelineRunSummary is a run in the table of its pipeline.
type PipelineRunSummary struct {
	ID         trimtab.PipelineRunID `json:"id"`
	State      trimtab.PipelineState `json:"state"`
	Reason     string                `json:"reason,omitempty"`
	Cause      string                `json:"cause,omitempty"`
	Created    trimtab.Time          `json:"created"`
	Ended      trimtab.Time          `json:"ended,omitzero"`
	Generation int64                 `json:"generation"`
	Cache      string                `json:"cache,omitempty"`
	RetryOf    trimtab.PipelineRunID `json:"retryOf,omitempty"`
	Params     map[string]string     `json:"params,omitempty"` // that differ from the defaults of its time
	Steps      []PipelineStepState   `json:"steps"`
}

// PipelineStepState is a step of a run in short.
type PipelineStepState struct {
	Name  string            `json:"name"`
	State trimtab.StepState `json:"state"`
	Took  int64             `json:"took,omitempty"` // ms; 0 before it begins and from the cache
}

// PipelinePageOf puts a pipeline together; declared is nil when it is not declared
// any more.
func PipelinePageOf(name string, declared *trimtab.Resource, policies []trimtab.Resource, runs []trimtab.PipelineRun, next trimtab.PageToken, now trimtab.Time) PipelinePage {
	p := PipelinePage{Name: name, Steps: []PipelineStep{}, Runs: []PipelineRunSummary{}, Next: next}
	var spec trimtab.PipelineSpec
	if declared != nil {
		p.Declared, p.Generation, p.Manager, p.Inventory, p.Updated = true, declared.Generation, declared.Manager, declared.Inventory, declared.Updated
		_ = json.Unmarshal(declared.Spec, &spec)
	} else if len(runs) > 0 {
		_ = json.Unmarshal(runs[0].Spec, &spec)
	}
	p.Description, p.Experiment, p.Params = spec.Description, cmp.Or(spec.Experiment, name), spec.Params
	if spec.Code != nil {
		p.Code, p.CodeDigest = spec.Code.Path, spec.Code.Digest
	}
	if spec.Env != nil {
		p.Lock = spec.Env.Lock
	}
	p.Steps = StepsOf(spec)
	p.StartedBy = startersOf(policies)[name]
	for _, r := range runs {
		p.Runs = append(p.Runs, summaryOf(r, now))
	}
	return p
}

func summaryOf(r trimtab.PipelineRun, now trimtab.Time) PipelineRunSummary {
	s := PipelineRunSummary{ID: r.ID, State: r.State, Reason: r.Reason, Cause: r.Cause, Created: r.Created, Ended: r.Ended, Generation: r.Generation, Cache: r.Cache, RetryOf: r.RetryOf, Params: overridden(r), Steps: []PipelineStepState{}}
	for _, st := range r.Steps {
		x := PipelineStepState{Name: st.Name, State: st.State}
		switch {
		case st.Started == 0 || st.State == trimtab.StepCached:
		case st.Ended != 0:
			x.Took = int64(st.Ended - st.Started)
		default:
			x.Took = max(0, int64(now-st.Started))
		}
		s.Steps = append(s.Steps, x)
	}
	return s
}

// overridden are the params of a run that are not the defaults of its spec.
func overridden(r trimtab.PipelineRun) map[string]string {
	var spec struct {
		Params map[string]string `json:"params"`
	}
	_ = json.Unmarshal(r.Spec, &spec)
	var out map[string]string
	for k, v := range r.Params {
		if was, ok := spec.Params[k]; !ok || was != v {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

// StepsOf lists the steps of a spec for a graph.
func StepsOf(spec trimtab.PipelineSpec) []PipelineStep {
	out := []PipelineStep{}
	for _, s := range spec.Steps {
		p := PipelineStep{Name: s.Name, Kind: "run", Needs: s.Requires(), Run: s.Run, Inputs: s.Inputs, Outputs: s.Outputs, Env: s.Env, Cache: s.Cache, Effects: s.Effects}
		if s.Timeout != 0 {
			p.Timeout = s.Timeout.String()
		}
		if s.Retry != nil {
			p.Retries = s.Retry.Max
		}
		switch {
		case s.Dataset != nil:
			p.Kind, p.Source, p.AsOf = "dataset", s.Dataset.Source, s.Dataset.AsOf
			p.Outputs = map[string]string{trimtab.RowsOutput: "rows.parquet"}
		case s.Promote != nil:
			p.Kind, p.Model, p.Alias, p.When = "promote", s.Promote.Model, s.Promote.Alias, s.Promote.When
		}
		out = append(out, p)
	}
	return out
}

// PipelineRunPage is a run with all of its steps and attempts. RetriedAs is the
// retry that stands for its failed steps, Products the versions that its attempts
// registered.
type PipelineRunPage struct {
	Run        PipelineRunSummary    `json:"run"`
	Pipeline   string                `json:"pipeline"`
	Now        trimtab.Time          `json:"now"`              // of the server: what has no end yet lasts until then
	Params     map[string]string     `json:"params,omitempty"` // all of them
	Experiment string                `json:"experiment"`
	Code       string                `json:"code,omitempty"`
	CodeDigest trimtab.Digest        `json:"codeDigest,omitempty"`
	Lock       string                `json:"lock,omitempty"`
	RetriedAs  trimtab.PipelineRunID `json:"retriedAs,omitempty"`
	Declared   bool                  `json:"declared"` // the pipeline still is
	Rows       []PipelineRunStep     `json:"rows"`
	Products   []PipelineProduct     `json:"products"`
}

// PipelineRunStep is a step of a run: what was declared, and what became of it.
// Ready is when all that it waits for had ended.
type PipelineRunStep struct {
	Step      PipelineStep          `json:"step"`
	State     trimtab.StepState     `json:"state"`
	Attempt   int                   `json:"attempt,omitempty"`
	Reason    string                `json:"reason,omitempty"`
	CacheKey  trimtab.Digest        `json:"cacheKey,omitempty"`
	CachedOf  trimtab.AttemptID     `json:"cachedOf,omitempty"`
	CachedRun trimtab.PipelineRunID `json:"cachedRun,omitempty"`
	Ready     trimtab.Time          `json:"ready,omitzero"`
	NotBefore trimtab.Time          `json:"notBefore,omitzero"`
	Started   trimtab.Time          `json:"started,omitzero"`
	Ended     trimtab.Time          `json:"ended,omitzero"`
	Reads     []PipelineFile        `json:"reads,omitempty"`
	Left      []PipelineFile        `json:"left,omitempty"`
	Attempts  []PipelineAttempt     `json:"attempts,omitempty"`
}

// PipelineFile is an input or an output; Digest is "" before it is there.
type PipelineFile struct {
	Path   string         `json:"path"`
	From   string         `json:"from,omitempty"` // STEP.OUTPUT of an input
	Digest trimtab.Digest `json:"digest,omitempty"`
}

// PipelineAttempt is one try of a step.
type PipelineAttempt struct {
	N         int                  `json:"n"`
	State     trimtab.AttemptState `json:"state"`
	Exit      int                  `json:"exit,omitempty"`
	Reason    string               `json:"reason,omitempty"`
	MLflowRun trimtab.RunID        `json:"mlflowRun,omitempty"`
	Started   trimtab.Time         `json:"started"`
	Ended     trimtab.Time         `json:"ended,omitzero"`
}

// PipelineProduct is a version that a step registered.
type PipelineProduct struct {
	Model   trimtab.ModelName `json:"model"`
	Version trimtab.Version   `json:"version"`
	Step    string            `json:"step"`
	Run     trimtab.RunID     `json:"run,omitempty"` // its MLflow run
	Settled bool              `json:"settled"`       // the attempt succeeded: aliases may point to it
	Aliases []trimtab.Alias   `json:"aliases,omitempty"`
}

// PipelineRunPageOf puts a run together.
func PipelineRunPageOf(r trimtab.PipelineRun, attempts []trimtab.Attempt, versions []trimtab.ModelVersion, now trimtab.Time) PipelineRunPage {
	var spec trimtab.PipelineSpec
	_ = json.Unmarshal(r.Spec, &spec)
	p := PipelineRunPage{Run: summaryOf(r, now), Pipeline: r.Pipeline, Now: now, Params: r.Params, Experiment: cmp.Or(spec.Experiment, r.Pipeline),
		Rows: []PipelineRunStep{}, Products: []PipelineProduct{}}
	if spec.Code != nil {
		p.Code, p.CodeDigest = spec.Code.Path, spec.Code.Digest
	}
	if spec.Env != nil {
		p.Lock = spec.Env.Lock
	}
	rows := map[string]trimtab.Step{}
	for _, s := range r.Steps {
		rows[s.Name] = s
	}
	for _, declared := range StepsOf(spec) {
		p.Rows = append(p.Rows, runStep(r, declared, rows, attempts))
	}
	for _, v := range versions {
		_, rest, _ := strings.Cut(string(v.Attempt), ".")
		step := rest
		if i := strings.LastIndexByte(rest, '.'); i >= 0 {
			step = rest[:i]
		}
		p.Products = append(p.Products, PipelineProduct{Model: v.Model, Version: v.Version, Step: step, Run: v.Run, Settled: v.Settled, Aliases: v.Aliases})
	}
	return p
}

func runStep(r trimtab.PipelineRun, declared PipelineStep, rows map[string]trimtab.Step, attempts []trimtab.Attempt) PipelineRunStep {
	s := rows[declared.Name]
	out := PipelineRunStep{Step: declared, State: s.State, Attempt: s.Attempt, Reason: s.Reason, CacheKey: s.CacheKey, CachedOf: s.CachedOf,
		NotBefore: s.NotBefore, Started: s.Started, Ended: s.Ended}
	if run, _, ok := strings.Cut(string(s.CachedOf), "."); ok {
		out.CachedRun = trimtab.PipelineRunID(run)
	}
	out.Ready = r.Created
	for _, need := range declared.Needs {
		end := rows[need].Ended
		if end == 0 {
			out.Ready = 0
			break
		}
		out.Ready = max(out.Ready, end)
	}
	for _, path := range slices.Sorted(maps.Keys(declared.Inputs)) {
		from := declared.Inputs[path]
		step, output, _ := strings.Cut(from, ".")
		out.Reads = append(out.Reads, PipelineFile{Path: path, From: from, Digest: rows[step].Outputs[output]})
	}
	for _, name := range slices.Sorted(maps.Keys(declared.Outputs)) {
		out.Left = append(out.Left, PipelineFile{Path: name, Digest: s.Outputs[name]})
	}
	for _, a := range attempts {
		if a.Step == declared.Name {
			out.Attempts = append(out.Attempts, PipelineAttempt{N: a.N, State: a.State, Exit: a.Exit, Reason: a.Reason, MLflowRun: a.MLflowRun, Started: a.Started, Ended: a.Ended})
		}
	}
	return out
}

// Prospect is what a start would do with one step: "cached", "run", or "open" when
// that depends on what steps before it leave.
type Prospect struct {
	Step     string                `json:"step"`
	Does     string                `json:"does"`
	Text     string                `json:"text"`
	CachedOf trimtab.AttemptID     `json:"cachedOf,omitempty"`
	Against  trimtab.PipelineRunID `json:"against,omitempty"`
	Differs  []Difference          `json:"differs,omitempty"`
}
