package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// perform does a step that needs no process: it takes a snapshot or moves an
// alias. Both may be done twice.
func (j stepJob) perform(ctx context.Context) error {
	outputs, reason, err := map[string]trimtab.Digest(nil), "", error(nil)
	if j.spec.Dataset != nil {
		outputs, reason, err = j.snapshot(ctx)
	} else {
		reason, err = j.promote(ctx)
	}
	if err != nil {
		return err
	}
	j.cfg.crash("performed")
	a := j.attempt()
	a.State, a.Ended = trimtab.AttemptSucceeded, j.cfg.Clock()
	return j.succeed(ctx, outputs, reason, a)
}

// dataset is the step's data set with its references replaced.
func (j stepJob) dataset() (d trimtab.DatasetSpec, err error) {
	d = *j.spec.Dataset
	for _, f := range []*string{&d.AsOf, &d.From, &d.To, &d.Window} {
		if *f, err = j.expand(*f, j.row.Attempt); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (j stepJob) snapshot(ctx context.Context) (map[string]trimtab.Digest, string, error) {
	d, err := j.dataset()
	if err != nil {
		return nil, "", err
	}
	s, err := j.cfg.Datasets.Take(ctx, d)
	if err != nil {
		return nil, "", err
	}
	reason := strconv.FormatInt(s.Rows, 10) + " rows of " + s.Source + " as of " + s.AsOf.String()
	var dropped []string
	for why, n := range s.Dropped {
		dropped = append(dropped, strconv.FormatInt(n, 10)+" "+why)
	}
	if slices.Sort(dropped); len(dropped) > 0 {
		reason += "; left out " + strings.Join(dropped, ", ")
	}
	return map[string]trimtab.Digest{trimtab.RowsOutput: s.Digest}, reason, nil
}

// promote points the alias to the version that this pipeline run registered: by
// one of its own attempts, or by the attempt that a cached step stands for.
func (j stepJob) promote(ctx context.Context) (string, error) {
	p := j.spec.Promote
	v, err := j.registered(ctx, p.Model)
	if err != nil {
		return "", err
	}
	move := trimtab.MoveAlias{Alias: p.Alias, To: v.Version, Cause: string(j.row.AttemptID())}
	if p.When == "absent" {
		move.From = new(trimtab.Version)
	}
	m, err := j.cfg.Models.SetAlias(ctx, p.Model, move)
	switch {
	case trimtab.IsKind(err, trimtab.Conflict) && p.When == "absent":
		return fmt.Sprintf("version %d of %s registered; alias %s is set already and stays", v.Version, p.Model, p.Alias), nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("alias %s of %s points to version %d", p.Alias, p.Model, m.Aliases[p.Alias]), nil
}

// registered is the newest settled version of the model that this run registered.
func (j stepJob) registered(ctx context.Context, model trimtab.ModelName) (best trimtab.ModelVersion, err error) {
	found, unsettled := false, 0
	consider := func(run trimtab.PipelineRunID, of func(trimtab.ModelVersion) bool) error {
		versions, err := j.cfg.Versions.ByAttempt(ctx, run)
		if err != nil {
			return err
		}
		for _, v := range versions {
			switch {
			case v.Model != model || v.Deleted() || !of(v):
			case !v.Settled:
				unsettled++
			case !found || v.Version > best.Version:
				best, found = v, true
			}
		}
		return nil
	}
	if err := consider(j.view.run.ID, func(trimtab.ModelVersion) bool { return true }); err != nil {
		return best, err
	}
	if !found {
		for _, s := range j.view.run.Steps {
			if s.CachedOf == "" {
				continue
			}
			run, _, _ := strings.Cut(string(s.CachedOf), ".")
			if err := consider(trimtab.PipelineRunID(run), func(v trimtab.ModelVersion) bool { return v.Attempt == s.CachedOf }); err != nil {
				return best, err
			}
		}
	}
	if found {
		return best, nil
	}
	if unsettled > 0 {
		return best, trimtab.Errorf(trimtab.Precondition, j.row.Object().String(), "the steps that registered a version of model %q did not succeed; name them in needs", model)
	}
	return best, trimtab.Errorf(trimtab.Precondition, j.row.Object().String(), "no step of this run registered a version of model %q: call mlflow.register_model, or log_model with registered_model_name=%q", model, model)
}
