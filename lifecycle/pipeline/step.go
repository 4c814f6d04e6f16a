package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// stepJob is the work on one step as it was when it was looked at.
type stepJob struct {
	*Engine
	view view
	spec trimtab.StepSpec
	row  trimtab.Step
}

func (e *Engine) step(v view, name string) stepJob {
	j := stepJob{Engine: e, view: v}
	for _, s := range v.spec.Steps {
		if s.Name == name {
			j.spec = s
		}
	}
	for _, s := range v.run.Steps {
		if s.Name == name {
			j.row = s
		}
	}
	return j
}

// attempt is the step's newest attempt as it was read.
func (j stepJob) attempt() trimtab.Attempt {
	for _, a := range j.view.attempts[j.row.Name] {
		if a.N == j.row.Attempt {
			return a
		}
	}
	return trimtab.Attempt{Workspace: j.view.run.Workspace, Run: j.view.run.ID, Step: j.row.Name, N: j.row.Attempt, State: trimtab.AttemptStarting, Started: j.view.now}
}

// move commits a new state of the step, with what else changes in the row, and the effects.
func (j stepJob) move(ctx context.Context, to trimtab.StepState, reason string, edit func(*trimtab.Step), effects ...trimtab.StepEffect) error {
	reason = clean(reason)
	_, err := j.cfg.Store.MoveStep(ctx, j.view.run.ID, j.row.Name, func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
		if s.State != j.row.State {
			return s, trimtab.Change{}, trimtab.Errorf(trimtab.Conflict, s.Object().String(), "step %s.%s has become %s", s.Run, s.Name, s.State)
		}
		n, change, err := s.To(to, j.row.Attempt, reason, j.cfg.Clock())
		if err != nil {
			return s, change, err
		}
		if edit != nil {
			edit(&n)
		}
		return n, n.Change(change.Action, &s), nil
	}, effects...)
	return err
}

// begin commits the intent of the next attempt. A step whose equal has succeeded
// before takes its outputs instead.
func (j stepJob) begin(ctx context.Context) error {
	key, err := j.cacheKey(ctx)
	if err != nil {
		return err
	}
	if key != "" && j.cacheMode() == "auto" {
		hit, err := j.cached(ctx, key)
		if err != nil {
			return err
		}
		if hit != nil {
			from := hit.AttemptID()
			return j.move(ctx, trimtab.StepCached, "the same as "+string(from), func(s *trimtab.Step) {
				s.CacheKey, s.CachedOf, s.Outputs, s.Started = key, from, maps.Clone(hit.Outputs), s.Ended
			})
		}
	}
	a := trimtab.Attempt{Workspace: j.view.run.Workspace, Run: j.view.run.ID, Step: j.row.Name, N: j.row.Attempt + 1,
		State: trimtab.AttemptStarting, Started: j.cfg.Clock()}
	return j.move(ctx, trimtab.StepStarting, "", func(s *trimtab.Step) { s.CacheKey = key }, trimtab.PutAttempt{Attempt: a})
}

// launch makes the effect of the intent: the attempt's MLflow run and its process.
// Everything in it has the attempt's name and may be done again.
func (j stepJob) launch(ctx context.Context) error {
	order, err := j.order(ctx)
	if err != nil {
		return err
	}
	exp, err := j.experiment(ctx)
	if err != nil {
		return err
	}
	a := j.attempt()
	run, err := j.cfg.MLflowRuns.Create(ctx, trimtab.Run{Experiment: exp.ID, Name: j.view.run.Pipeline + "/" + j.row.Name, User: "pipeline",
		Start: a.Started, Attempt: a.ID(), Tags: map[string]string{
			"mlflow.source.name": j.view.run.Pipeline, "mlflow.source.type": "PROJECT", "mlflow.user": "pipeline",
			"trimtab.pipeline": j.view.run.Pipeline, "trimtab.pipelineRun": string(j.view.run.ID), "trimtab.step": j.row.Name, "trimtab.attempt": string(a.ID()),
		}}, "attempt/"+string(a.ID()))
	if err != nil {
		return err
	}
	j.cfg.crash("MLflow run made")
	order.Env["MLFLOW_EXPERIMENT_NAME"], order.Env["MLFLOW_RUN_ID"] = exp.Name, string(run.ID)
	err = j.cfg.Executor.Start(ctx, order, func() (string, error) {
		token := j.cfg.Random.Token()
		sum := sha256.Sum256([]byte(token))
		a.MLflowRun, a.TokenHash = run.ID, hex.EncodeToString(sum[:])
		if err := j.touch(ctx, trimtab.PutAttempt{Attempt: a}); err != nil {
			return "", err
		}
		j.cfg.crash("token recorded")
		return token, nil
	})
	if err == nil {
		j.cfg.Log.InfoContext(ctx, "step started", "attempt", a.ID(), "mlflow_run", run.ID)
	}
	return err
}

// touch commits effects while the step stays what it is, if it still is.
func (j stepJob) touch(ctx context.Context, effects ...trimtab.StepEffect) error {
	_, err := j.cfg.Store.MoveStep(ctx, j.view.run.ID, j.row.Name, func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
		if s.State != j.row.State || s.Attempt != j.row.Attempt {
			return s, trimtab.Change{}, trimtab.Errorf(trimtab.Conflict, s.Object().String(), "step %s.%s is at attempt %d, %s", s.Run, s.Name, s.Attempt, s.State)
		}
		return s, trimtab.Change{}, nil
	}, effects...)
	return err
}

// experiment is the MLflow experiment of the pipeline's runs, made when absent.
func (j stepJob) experiment(ctx context.Context) (trimtab.Experiment, error) {
	name := j.view.spec.Experiment
	if name == "" {
		name = j.view.run.Pipeline
	}
	exp, err := j.cfg.Experiments.ByName(ctx, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		exp, err = j.cfg.Experiments.Create(ctx, trimtab.Experiment{Name: name, Created: j.cfg.Clock()})
		if trimtab.IsKind(err, trimtab.Exists) {
			exp, err = j.cfg.Experiments.ByName(ctx, name)
		}
	}
	if err == nil && exp.Lifecycle == trimtab.Deleted {
		err = trimtab.Errorf(trimtab.Precondition, exp.Object().String(), "the experiment %q is deleted: restore it, or name another one in the pipeline", name)
	}
	return exp, err
}

// adopt records that the attempt runs.
func (j stepJob) adopt(ctx context.Context) error {
	a := j.attempt()
	a.State = trimtab.AttemptRunning
	return j.move(ctx, trimtab.StepRunning, "", nil, trimtab.PutAttempt{Attempt: a})
}

// publish stages the outputs, then commits them with everything that the
// attempt's success means: one transaction, fenced by the attempt.
func (j stepJob) publish(ctx context.Context) error {
	outputs := map[string]trimtab.Digest{}
	for _, name := range slices.Sorted(maps.Keys(j.spec.Outputs)) {
		path := j.spec.Outputs[name]
		r, err := j.cfg.Executor.Collect(ctx, j.row.AttemptID(), path)
		if trimtab.IsKind(err, trimtab.NotFound) {
			return trimtab.Errorf(trimtab.Precondition, j.row.Object().String(), "output %q: the step left nothing at $OUT/%s", name, path)
		}
		if err != nil {
			return err
		}
		digest, _, err := j.cfg.Blobs.Put(ctx, r)
		r.Close()
		if err != nil {
			return err
		}
		outputs[name] = digest
		j.cfg.crash("output staged")
	}
	o := j.view.seen[j.row.Name]
	a := j.attempt()
	a.State, a.Ended = trimtab.AttemptSucceeded, endOf(o, j.cfg.Clock())
	return j.succeed(ctx, outputs, "", a)
}

func endOf(o Observation, now trimtab.Time) trimtab.Time {
	if o.Ended != 0 {
		return o.Ended
	}
	return now
}

// succeed commits the success of an attempt.
func (j stepJob) succeed(ctx context.Context, outputs map[string]trimtab.Digest, reason string, a trimtab.Attempt) error {
	effects := []trimtab.StepEffect{trimtab.PutAttempt{Attempt: a}, trimtab.SettleVersions{Attempt: a.ID()}}
	if a.MLflowRun != "" {
		effects = append(effects, trimtab.EndMLflowRun{Run: a.MLflowRun, Status: trimtab.RunFinished})
	}
	err := j.move(ctx, trimtab.StepSucceeded, reason, func(s *trimtab.Step) { s.Outputs = outputs }, effects...)
	if err == nil {
		j.cfg.crash("published")
		j.forget(ctx)
	}
	return err
}

// end commits the end of a step or of its attempt that is no success.
func (j stepJob) end(ctx context.Context, to trimtab.StepState, a action) error {
	var effects []trimtab.StepEffect
	if j.row.State == trimtab.StepStarting || j.row.State == trimtab.StepRunning {
		o := j.view.seen[j.row.Name]
		at := j.attempt()
		at.Ended, at.Exit, at.Reason = endOf(o, j.cfg.Clock()), o.Code, clean(a.reason)
		status := trimtab.RunFailed
		switch {
		case to == trimtab.StepCanceled:
			at.State, status = trimtab.AttemptCanceled, trimtab.RunKilled
		case a.cause == CauseLost:
			at.State = trimtab.AttemptLost
		case a.cause == CauseTimeout:
			at.State = trimtab.AttemptTimeout
		default:
			at.State = trimtab.AttemptFailed
		}
		effects = append(effects, trimtab.PutAttempt{Attempt: at})
		if at.MLflowRun != "" {
			effects = append(effects, trimtab.EndMLflowRun{Run: at.MLflowRun, Status: status})
		}
	}
	err := j.move(ctx, to, a.reason, func(s *trimtab.Step) {
		if to == trimtab.StepWaiting {
			s.NotBefore = a.at
		}
	}, effects...)
	if err == nil && len(effects) > 0 {
		j.cfg.Log.InfoContext(ctx, "attempt ended", "attempt", j.row.AttemptID(), "step", string(to), "cause", a.cause, "reason", a.reason)
		j.forget(ctx)
	}
	return err
}

// forget removes what the attempt worked with; what stays behind costs space only.
func (j stepJob) forget(ctx context.Context) {
	if j.spec.Run == "" {
		return
	}
	if err := j.cfg.Executor.Forget(ctx, j.row.AttemptID()); err != nil {
		j.cfg.Log.WarnContext(ctx, "an attempt's files could not be removed", "attempt", j.row.AttemptID(), "error", err)
	}
}

// orFail ends the step with an error that lies in what the user declared or in
// what the step left. All other errors are the engine's own: they are tried again
// and never fail a step.
func (j stepJob) orFail(ctx context.Context, err error) error {
	switch trimtab.KindOf(err) {
	case trimtab.Invalid, trimtab.NotFound, trimtab.Precondition, trimtab.Unsupported, trimtab.Exists, trimtab.Denied:
	default:
		return err
	}
	if j.spec.Run != "" && j.row.State == trimtab.StepStarting { // whatever began to start never will
		if err := j.cfg.Executor.Kill(ctx, j.row.AttemptID(), CauseCanceled); err != nil {
			return err
		}
	}
	return j.end(ctx, trimtab.StepFailed, action{verb: doFail, step: j.row.Name, cause: CauseError, reason: trimtab.Message(err)})
}

// controls are the control sequences by which programs colour what they print.
var controls = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// clean makes text from outside fit into a row: without colours, valid, and not long.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(controls.ReplaceAllString(s, ""), "\uFFFD"), "\x00", "")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
