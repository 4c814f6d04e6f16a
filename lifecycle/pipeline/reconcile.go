package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// rounds bounds how often one call reads the state anew: a run with much to do
// gives way to the others.
const rounds = 64

// reconcile brings a pipeline run as far as it goes without waiting.
func (e *Engine) reconcile(ctx context.Context, key string) (control.Result, error) {
	ws, id, _ := strings.Cut(key, "/")
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("pipeline"), Workspace: trimtab.Workspace(ws), RequestID: id})
	for range rounds {
		v, err := e.look(ctx, trimtab.PipelineRunID(id))
		if err != nil {
			return control.Result{}, err
		}
		moved, wake := false, trimtab.Time(0)
		var failed error
		for _, a := range next(v) {
			if a.verb == doWait {
				at := v.now.Add(e.cfg.Poll)
				if v.seen[a.step].Sight == "" && a.at != 0 { // nothing to watch: a backoff
					at = a.at
				} else if a.at != 0 {
					at = min(at, a.at)
				}
				if wake == 0 || at < wake {
					wake = at
				}
				continue
			}
			progress, err := e.act(ctx, v, a)
			switch {
			case trimtab.IsKind(err, trimtab.Conflict): // the state moved meanwhile: read it again
				moved = true
			case err != nil: // the others go on
				failed = errors.Join(failed, err)
			case progress:
				moved = true
			case wake == 0 || v.now.Add(e.cfg.Poll) < wake:
				wake = v.now.Add(e.cfg.Poll)
			}
		}
		switch {
		case failed != nil:
			return control.Result{}, failed
		case !moved && wake != 0:
			return control.Result{After: max(time.Millisecond, wake.Sub(v.now))}, nil
		case !moved:
			return control.Result{}, nil
		}
	}
	return control.Result{After: time.Millisecond}, nil
}

// look reads all that the next decision depends on.
func (e *Engine) look(ctx context.Context, id trimtab.PipelineRunID) (v view, err error) {
	if v.run, err = e.cfg.Store.GetRun(ctx, id); err != nil {
		return v, err
	}
	k := key(v.run.Workspace, id)
	if v.run.State.Ended() {
		e.running(k, 0)
		return v, nil
	}
	if err := json.Unmarshal(v.run.Spec, &v.spec); err != nil {
		return v, &trimtab.Error{Kind: trimtab.Internal, Subject: v.run.Object().String(), Err: err}
	}
	process := map[string]bool{}
	for _, s := range v.spec.Steps {
		process[s.Name] = s.Run != ""
	}
	v.attempts, v.seen = map[string][]trimtab.Attempt{}, map[string]Observation{}
	live := 0
	for _, s := range v.run.Steps {
		if s.State != trimtab.StepStarting && s.State != trimtab.StepRunning {
			continue
		}
		if v.attempts[s.Name], err = e.cfg.Store.Attempts(ctx, id, s.Name); err != nil {
			return v, err
		}
		if !process[s.Name] {
			continue
		}
		if v.seen[s.Name], err = e.cfg.Executor.Observe(ctx, s.AttemptID()); err != nil {
			return v, err
		}
		if v.seen[s.Name].Sight != Exited {
			live++
		}
	}
	v.slots = e.running(k, live)
	v.now = e.cfg.Clock()
	e.cfg.crash("looked")
	return v, nil
}

// running notes how many attempts of a run are live and returns how many more may be.
func (e *Engine) running(key string, n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n == 0 {
		delete(e.live, key)
	} else {
		e.live[key] = n
	}
	total := 0
	for _, m := range e.live {
		total += m
	}
	return e.cfg.Parallel - total
}

// act does one action. progress is false when all that can be done is to look again later.
func (e *Engine) act(ctx context.Context, v view, a action) (progress bool, err error) {
	defer trimtab.Wrap(&err, "pipeline %s: %s %s", v.run.ID, a.verb, a.step)
	e.cfg.crash("before " + string(a.verb))
	defer func() {
		if err == nil {
			e.cfg.crash("after " + string(a.verb))
		}
	}()
	if a.step == "" {
		return true, e.moveRun(ctx, v, a)
	}
	s := e.step(v, a.step)
	switch a.verb {
	case doBegin:
		return true, s.orFail(ctx, s.begin(ctx))
	case doLaunch:
		return true, s.orFail(ctx, s.launch(ctx))
	case doPerform:
		return true, s.orFail(ctx, s.perform(ctx))
	case doPublish:
		return true, s.orFail(ctx, s.publish(ctx))
	case doAdopt:
		return true, s.adopt(ctx)
	case doKill:
		return false, e.cfg.Executor.Kill(ctx, s.row.AttemptID(), a.cause)
	case doRetry:
		return true, s.end(ctx, trimtab.StepWaiting, a)
	case doFail:
		return true, s.end(ctx, trimtab.StepFailed, a)
	case doCancel:
		return true, s.end(ctx, trimtab.StepCanceled, a)
	case doSkip:
		return true, s.end(ctx, trimtab.StepSkipped, a)
	}
	return false, trimtab.Errorf(trimtab.Internal, "pipeline", "no action %q", a.verb)
}

func (e *Engine) moveRun(ctx context.Context, v view, a action) error {
	to, reason := a.state, a.reason
	if a.verb == doBeginRun {
		to, reason = trimtab.PipelineRunning, ""
	}
	_, err := e.cfg.Store.MoveRun(ctx, v.run.ID, func(r trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error) {
		if r.State != v.run.State {
			return r, trimtab.Change{}, trimtab.Errorf(trimtab.Conflict, r.Object().String(), "pipeline run %s has become %s", r.ID, r.State)
		}
		return r.To(to, reason, e.cfg.Clock())
	})
	if err == nil && to.Ended() {
		e.cfg.Log.InfoContext(ctx, "pipeline run ended", "run", v.run.ID, "pipeline", v.run.Pipeline, "state", to, "reason", reason)
	}
	return err
}
