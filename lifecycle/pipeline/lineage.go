package pipeline

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/trimtab/trimtab"
)

// Lineage tells what the version that an attempt registered has learnt from: the
// snapshot of the nearest dataset step that the attempt's step needs. The zero
// Lineage, without error, when its pipeline has no such step.
func (e *Engine) Lineage(ctx context.Context, attempt trimtab.AttemptID) (l trimtab.Lineage, err error) {
	defer trimtab.Wrap(&err, "pipeline.Lineage(%s)", attempt)
	id, rest, _ := strings.Cut(string(attempt), ".")
	name := rest
	if i := strings.LastIndexByte(rest, '.'); i >= 0 {
		name = rest[:i]
	}
	run, err := e.cfg.Store.GetRun(ctx, trimtab.PipelineRunID(id))
	if err != nil {
		return l, err
	}
	v := view{run: run}
	if err := json.Unmarshal(run.Spec, &v.spec); err != nil {
		return l, err
	}
	source := upstream(v.spec, name)
	if source == "" {
		return l, nil
	}
	j := e.step(v, source)
	d, err := j.dataset()
	if err != nil {
		return l, err
	}
	asOf, err := trimtab.ParseTime(d.AsOf)
	if err != nil {
		return l, err
	}
	l = trimtab.Lineage{Until: asOf, Run: run.ID, Snapshot: j.row.Outputs[trimtab.RowsOutput], Source: d.Source}
	if d.To != "" {
		if to, err := trimtab.ParseTime(d.To); err == nil && to < l.Until {
			l.Until = to
		}
	}
	if r, err := e.cfg.Resources.Get(ctx, trimtab.KindDataSource, d.Source); err == nil {
		var spec trimtab.SourceSpec
		if json.Unmarshal(r.Spec, &spec) == nil && spec.Label != nil {
			l.Label = spec.Label.Column
		}
	}
	return l, nil
}

// upstream names the nearest dataset step that a step needs, breadth first in the
// order of the declaration, "" when there is none.
func upstream(spec trimtab.PipelineSpec, name string) string {
	byName := map[string]trimtab.StepSpec{}
	for _, s := range spec.Steps {
		byName[s.Name] = s
	}
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		s := byName[queue[0]]
		if s.Dataset != nil {
			return s.Name
		}
		for _, need := range s.Needs {
			if !seen[need] {
				seen[need] = true
				queue = append(queue, need)
			}
		}
	}
	return ""
}

// Registered is the newest settled version of a model that a run registered, or
// that the steps whose outputs it took over had. Precondition when there is none.
func (e *Engine) Registered(ctx context.Context, id trimtab.PipelineRunID, model trimtab.ModelName) (trimtab.ModelVersion, error) {
	run, err := e.cfg.Store.GetRun(ctx, id)
	if err != nil {
		return trimtab.ModelVersion{}, err
	}
	return stepJob{Engine: e, view: view{run: run}}.registered(ctx, model)
}
