package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/trimtab/trimtab"
)

// Retry runs again what did not succeed of a run that failed or was cancelled: a
// new run of the same frozen spec and params takes over the results of the steps
// that succeeded, and the others start anew. The old run stays as it ended. Of one
// run there is one retry: asking again returns it, so that a lost answer starts
// nothing twice. The new run and all that it takes over are recorded at once, or
// nothing is. A step whose outputs are no longer kept starts anew. A run that goes
// on or that succeeded is Precondition.
func (e *Engine) Retry(ctx context.Context, id trimtab.PipelineRunID) (run trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "pipeline.Retry(%s)", id)
	old, err := e.cfg.Store.GetRun(ctx, id)
	if err != nil {
		return run, err
	}
	next := RetryID(old.Workspace, id)
	if run, err = e.cfg.Store.GetRun(ctx, next); !trimtab.IsKind(err, trimtab.NotFound) {
		return run, err
	}
	switch {
	case !old.State.Ended():
		return run, trimtab.Errorf(trimtab.Precondition, old.Object().String(), "pipeline run %s is %s: it can be retried once it has ended", id, old.State)
	case old.State == trimtab.PipelineSucceeded:
		return run, trimtab.Errorf(trimtab.Precondition, old.Object().String(), "pipeline run %s succeeded: there is nothing to retry; start the pipeline anew", id)
	}
	if _, err := e.cfg.Resources.Get(ctx, trimtab.KindPipeline, old.Pipeline); trimtab.IsKind(err, trimtab.NotFound) {
		return run, trimtab.Errorf(trimtab.Precondition, "pipeline "+old.Pipeline, "there is no Pipeline %q any more: declare it and apply", old.Pipeline)
	} else if err != nil {
		return run, err
	}
	var spec trimtab.PipelineSpec
	if err := json.Unmarshal(old.Spec, &spec); err != nil {
		return run, &trimtab.Error{Kind: trimtab.Internal, Subject: old.Object().String(), Err: err}
	}
	steps := make([]trimtab.Step, len(old.Steps))
	for i, s := range old.Steps {
		steps[i] = trimtab.Step{Name: s.Name, Ordinal: s.Ordinal, State: trimtab.StepWaiting}
		kept, err := e.kept(ctx, s)
		if err != nil {
			return run, err
		}
		if kept {
			steps[i] = takeOver(s)
		}
	}
	e.cfg.crash("retry prepared")
	run, err = e.cfg.Store.CreateRun(ctx, trimtab.PipelineRun{Workspace: old.Workspace, ID: next, Pipeline: old.Pipeline,
		Generation: old.Generation, Spec: old.Spec, Params: maps.Clone(old.Params), State: trimtab.PipelinePending,
		Cause: "retry of " + string(id), Cache: old.Cache, RetryOf: id, Created: e.cfg.Clock()}, steps)
	if trimtab.IsKind(err, trimtab.Exists) { // somebody else asked at the same time
		return e.cfg.Store.GetRun(ctx, next)
	}
	if err != nil {
		return run, err
	}
	e.cfg.crash("retry recorded")
	e.controller.Add(key(run.Workspace, run.ID))
	return run, nil
}

// RetryID is the id that the retry of a run has, whether or not there is one.
func RetryID(ws trimtab.Workspace, id trimtab.PipelineRunID) trimtab.PipelineRunID {
	return keyed(ws, "retry/"+string(id))
}

// kept reports whether a step succeeded and all that it left is still there.
func (e *Engine) kept(ctx context.Context, s trimtab.Step) (bool, error) {
	if !s.State.Good() {
		return false, nil
	}
	for _, d := range s.Outputs {
		if _, err := e.cfg.Blobs.Stat(ctx, d); trimtab.IsKind(err, trimtab.NotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// takeOver is the step of a retry that stands for one that succeeded.
func takeOver(s trimtab.Step) trimtab.Step {
	from := s.CachedOf
	if from == "" {
		from = s.AttemptID()
	}
	return trimtab.Step{Name: s.Name, Ordinal: s.Ordinal, State: trimtab.StepCached, CacheKey: s.CacheKey, CachedOf: from,
		Outputs: maps.Clone(s.Outputs), Reason: "taken over from run " + string(s.Run), Started: s.Ended, Ended: s.Ended}
}

// mostRetries bounds a chain of retries that is followed to its beginning.
const mostRetries = 1000

// origin is the run that a chain of retries began with: what an external effect
// knows its intent by stays the same in all of them.
func (j stepJob) origin(ctx context.Context) (trimtab.PipelineRunID, error) {
	run := j.view.run
	for range mostRetries {
		if run.RetryOf == "" {
			return run.ID, nil
		}
		var err error
		if run, err = j.cfg.Store.GetRun(ctx, run.RetryOf); err != nil {
			return "", err
		}
	}
	return "", trimtab.Errorf(trimtab.Precondition, j.view.run.Object().String(), "the run is the retry of a retry, and so on, more than %s times: start the pipeline anew", strconv.Itoa(mostRetries))
}
