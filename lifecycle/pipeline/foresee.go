package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Prospect is what a start would do with one step. Does is "cached" when an equal
// step has succeeded, "run" when none has or none is looked for, and "open" when
// that depends on what steps before it leave.
type Prospect struct {
	Step     string            `json:"step"`
	Does     string            `json:"does"`
	Text     string            `json:"text"`
	CachedOf trimtab.AttemptID `json:"cachedOf,omitempty"`
	// Against is the newest run in which the step had a key; Differs what is not as it was then.
	Against trimtab.PipelineRunID `json:"against,omitempty"`
	Differs []Difference          `json:"differs,omitempty"`
}

// Foresee says what a start with these options would do, step by step, and starts
// and records nothing. It refuses what Start refuses.
func (e *Engine) Foresee(ctx context.Context, pipeline string, opt StartOptions) (out []Prospect, err error) {
	defer trimtab.Wrap(&err, "pipeline.Foresee(%s)", pipeline)
	run, err := e.prepare(ctx, pipeline, opt)
	if err != nil {
		return nil, err
	}
	v := view{run: run, now: e.cfg.Clock()}
	if err := json.Unmarshal(run.Spec, &v.spec); err != nil {
		return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: "pipeline " + pipeline, Err: err}
	}
	before, _, err := e.cfg.Store.ListRuns(ctx, pipeline, explainRuns, "")
	if err != nil {
		return nil, err
	}
	found := map[string]foreseen{}
	for range v.spec.Steps { // each round settles at least one step, as needs have no circle
		for i, s := range v.spec.Steps {
			if _, done := found[s.Name]; done || slices.ContainsFunc(s.Requires(), func(need string) bool { _, ok := found[need]; return !ok }) {
				continue
			}
			f, err := e.step(v, s.Name).foresee(ctx, found, before)
			if err != nil {
				return nil, err
			}
			found[s.Name] = f
			if f.hit != nil {
				v.run.Steps[i].State, v.run.Steps[i].Outputs = trimtab.StepCached, maps.Clone(f.hit.Outputs)
			}
		}
	}
	for _, s := range v.spec.Steps {
		out = append(out, found[s.Name].Prospect)
	}
	return out, nil
}

// foreseen is a prospect with the step whose outputs would be taken.
type foreseen struct {
	Prospect
	hit *trimtab.Step
}

// foresee judges a step all of whose needs are judged.
func (j stepJob) foresee(ctx context.Context, found map[string]foreseen, before []trimtab.PipelineRun) (f foreseen, err error) {
	f.Step = j.spec.Name
	for _, path := range slices.Sorted(maps.Keys(j.spec.Inputs)) {
		if from, _, _ := strings.Cut(j.spec.Inputs[path], "."); found[from].hit == nil {
			f.Does, f.Text = "open", "it depends on what step "+from+" leaves"
			break
		}
	}
	mode := j.cacheMode()
	switch {
	case j.spec.Promote != nil:
		f.Does, f.Text = "run", "an alias is judged anew by every run"
	case j.spec.Effects == "external":
		f.Does, f.Text = "run", "its effects are external: it is never taken from the cache"
	case mode == "off":
		f.Does, f.Text = "run", "its cache is off"
	case mode == "refresh":
		f.Does, f.Text = "run", "the cache is refreshed"
	}
	if f.Does != "" {
		return f, nil
	}
	parts, err := j.parts(ctx)
	if err != nil {
		f.Does, f.Text = "run", "it would fail: "+trimtab.Message(err)
		return f, nil // what stops the step is what is to be said of it
	}
	key := trimtab.StateDigest(parts)
	if f.hit, err = j.cached(ctx, key); err != nil {
		return f, err
	}
	if f.hit != nil {
		f.Does, f.CachedOf = "cached", f.hit.AttemptID()
		f.Text = "nothing differs from " + string(f.CachedOf) + ": its outputs are taken"
		return f, nil
	}
	f.Does, f.Text = "run", "no run before has this step"
	for _, r := range before {
		old, err := stepOf(r, j.spec.Name)
		if err != nil || old.CacheKey == "" {
			continue
		}
		then, err := j.keyParts(ctx, old.CacheKey)
		if trimtab.IsKind(err, trimtab.NotFound) {
			continue
		}
		if err != nil {
			return f, err
		}
		f.Against, f.Differs = r.ID, differences(then, parts)
		f.Text = "no equal step has succeeded"
		if len(f.Differs) > 0 {
			names := make([]string, len(f.Differs))
			for i, d := range f.Differs {
				names[i] = d.Part
			}
			f.Text = "differs from run " + string(r.ID) + " in " + strings.Join(names, ", ")
		}
		break
	}
	return f, nil
}
