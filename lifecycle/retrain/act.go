package retrain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
)

// carryOn takes the open decision of the policy one step further. moved is true
// when it changed something; else wait says what the policy waits for.
func (s *pass) carryOn(ctx context.Context) (wait trimtab.Wait, detail string, moved bool, err error) {
	open, err := s.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: s.name, Open: true})
	if err != nil || len(open) == 0 {
		return trimtab.WaitEventTime, "", false, err
	}
	d := open[len(open)-1] // the oldest
	if d.Endpoint != s.monitor.Endpoint {
		return s.cancel(ctx, d, fmt.Sprintf("the policy watches endpoint %s now", s.monitor.Endpoint))
	}
	switch d.State {
	case trimtab.DecisionAwaiting:
		return trimtab.WaitHuman, fmt.Sprintf("trimtab decisions approve %s, or reject it", d.ID), false, nil
	case trimtab.DecisionTraining:
		return s.training(ctx, d)
	case trimtab.DecisionGating:
		return s.gating(ctx, d)
	case trimtab.DecisionRollout:
		return s.rollingOut(ctx, d)
	}
	return trimtab.WaitEventTime, "", false, nil
}

// hold waits while the loop is paused: nothing is started.
func (s *pass) hold(ctx context.Context) (bool, string, error) {
	why, err := s.paused(ctx)
	if err != nil || why == "" {
		return false, "", err
	}
	return true, "the loop is paused " + why + ": trimtab loop resume", nil
}

// training starts the pipeline that the decision asks for, and waits for its end.
func (s *pass) training(ctx context.Context, d trimtab.Decision) (trimtab.Wait, string, bool, error) {
	if d.Run == "" {
		if s.served != d.Served {
			return s.cancel(ctx, d, s.stale(d))
		}
		if paused, detail, err := s.hold(ctx); err != nil || paused {
			return trimtab.WaitHuman, detail, false, err
		}
		params := maps.Clone(s.spec.Params)
		if params == nil {
			params = map[string]string{}
		}
		params[s.spec.AsOfParam] = d.Window.String()
		run, err := s.cfg.Engine.Train(ctx, s.spec.Pipeline, params, d.ID, "decision "+d.ID)
		if err != nil {
			switch trimtab.KindOf(err) {
			case trimtab.Invalid, trimtab.NotFound, trimtab.Precondition:
				return s.fail(ctx, d, "the training cannot be started: "+trimtab.Message(err))
			}
			return "", "", false, err
		}
		if err := s.cfg.Crash("run started"); err != nil {
			return "", "", false, err
		}
		d, err = s.edit(ctx, d, "decision.run", func(d *trimtab.Decision) { d.Run = run.ID })
		if err != nil {
			return "", "", false, err
		}
		if err := s.cfg.Crash("run noted"); err != nil {
			return "", "", false, err
		}
	}
	s.mu.Lock()
	s.running[d.Run] = s.key()
	s.mu.Unlock()
	run, err := s.cfg.Engine.Run(ctx, d.Run)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return s.fail(ctx, d, trimtab.Message(err))
	}
	if err != nil {
		return "", "", false, err
	}
	if !run.State.Ended() {
		return trimtab.WaitProcess, fmt.Sprintf("pipeline run %s trains", d.Run), false, nil
	}
	s.mu.Lock()
	delete(s.running, d.Run)
	s.mu.Unlock()
	if run.State != trimtab.PipelineSucceeded {
		return s.fail(ctx, d, fmt.Sprintf("pipeline run %s %s: %s", d.Run, run.State, run.Reason))
	}
	v, err := s.cfg.Engine.Registered(ctx, d.Run, s.endpoint.Model.Name)
	if trimtab.IsKind(err, trimtab.Precondition) {
		return s.fail(ctx, d, trimtab.Message(err))
	}
	if err != nil {
		return "", "", false, err
	}
	if v.Version == s.served {
		return s.reject(ctx, d, fmt.Sprintf("the training gave version %d again, which serves already", v.Version))
	}
	_, err = s.to(ctx, d, trimtab.DecisionGating, "", func(d *trimtab.Decision) { d.Candidate = v.Version })
	return "", "", true, err
}

// gating compares the challenger with what serves, on rows that it has not seen.
func (s *pass) gating(ctx context.Context, d trimtab.Decision) (trimtab.Wait, string, bool, error) {
	e, err := s.cfg.Gate.Evaluate(ctx, s.spec.Gate, s.spec.Monitor, s.endpoint.Model.Name, d.Candidate, d.At)
	if err != nil {
		switch trimtab.KindOf(err) {
		case trimtab.Invalid, trimtab.NotFound, trimtab.Precondition, trimtab.Unsupported:
			return s.reject(ctx, d, "the challenger cannot be evaluated: "+trimtab.Message(err))
		}
		return "", "", false, err
	}
	if err := s.cfg.Crash("evaluated"); err != nil {
		return "", "", false, err
	}
	gain, known, err := s.challengerGain(ctx, d)
	if err != nil {
		return "", "", false, err
	}
	if d, err = s.edit(ctx, d, "decision.evaluated", func(d *trimtab.Decision) {
		d.Evaluation = e.ID
		if _, noted := fact(*d, FactChallenger); known && !noted {
			d.Facts = append(slices.Clone(d.Facts), trimtab.Fact{Name: FactChallenger, Value: gain})
		}
	}); err != nil {
		return "", "", false, err
	}
	switch {
	case e.Verdict == trimtab.VerdictPass:
		_, err = s.to(ctx, d, trimtab.DecisionRollout, "the gate passed: "+e.Reason, nil)
	case e.Verdict == trimtab.VerdictBorderline && s.spec.Mode == "approve":
		_, err = s.to(ctx, d, trimtab.DecisionAwaiting, "borderline: "+e.Reason, nil)
	default:
		return s.reject(ctx, d, "the gate: "+e.Reason)
	}
	return "", "", true, err
}

// rollingOut puts the cure into service and waits for what becomes of it.
func (s *pass) rollingOut(ctx context.Context, d trimtab.Decision) (trimtab.Wait, string, bool, error) {
	if d.Rollout == "" {
		for _, r := range s.rollouts { // begun before a crash, and perhaps through already
			if r.Origin == origin && r.Cause == d.ID {
				_, err := s.edit(ctx, d, "decision.rollout", func(d *trimtab.Decision) { d.Candidate, d.Rollout = r.To, r.ID })
				return "", "", true, err
			}
		}
		if s.served != d.Served {
			return s.cancel(ctx, d, s.stale(d))
		}
		if at := s.effect(d); !s.clock && s.mark < at {
			return trimtab.WaitEventTime, "", false, nil
		}
		if paused, detail, err := s.hold(ctx); err != nil || paused {
			return trimtab.WaitHuman, detail, false, err
		}
		to, err := s.cure(ctx, d)
		if err != nil {
			switch trimtab.KindOf(err) {
			case trimtab.Invalid, trimtab.NotFound, trimtab.Precondition, trimtab.Unsupported:
				return s.fail(ctx, d, trimtab.Message(err))
			}
			return "", "", false, err
		}
		if err := s.cfg.Crash("cure made"); err != nil {
			return "", "", false, err
		}
		at := s.effect(d)
		if s.clock {
			at = d.At // the training took the time that it took
		}
		r, err := s.cfg.Rollouts.Begin(ctx, s.monitor.Endpoint, to, origin, d.ID, at)
		if trimtab.IsKind(err, trimtab.Conflict) {
			return s.crossed(ctx, d, err)
		}
		if trimtab.IsKind(err, trimtab.Precondition) || trimtab.IsKind(err, trimtab.Invalid) {
			return s.fail(ctx, d, trimtab.Message(err))
		}
		if err != nil {
			return "", "", false, err
		}
		if err := s.cfg.Crash("rollout begun"); err != nil {
			return "", "", false, err
		}
		_, err = s.edit(ctx, d, "decision.rollout", func(d *trimtab.Decision) { d.Candidate, d.Rollout = to, r.ID })
		return "", "", true, err
	}
	r, err := s.cfg.History.Get(ctx, d.Rollout)
	if err != nil {
		return "", "", false, err
	}
	switch r.State {
	case trimtab.RolloutPromoting, trimtab.RolloutRolling:
		return trimtab.WaitProcess, fmt.Sprintf("rollout %s is %s", r.ID, r.State), false, nil
	case trimtab.RolloutBaking, trimtab.RolloutPromoted:
		return s.done(ctx, d, r)
	case trimtab.RolloutRolledBack, trimtab.RolloutSuperseded:
		return s.reject(ctx, d, fmt.Sprintf("rollout %s: %s: %s", r.ID, r.State, r.Reason))
	case trimtab.RolloutHeld:
		return trimtab.WaitHuman, fmt.Sprintf("rollout %s is undecided: trimtab rollout promote %s, or roll it back", r.ID, r.ID), false, nil
	}
	return trimtab.WaitEventTime, "", false, nil
}

// origin is how rollouts know who began them.
const origin = "policy"

// crossed is what becomes of a cure that meets another rollout: it was weighed against
// what will not serve any more, so it is given up; no pipeline is to blame.
func (s *pass) crossed(ctx context.Context, d trimtab.Decision, why error) (trimtab.Wait, string, bool, error) {
	if err := s.refresh(ctx); err != nil {
		return "", "", false, err
	}
	for _, r := range s.rollouts {
		if r.State == trimtab.RolloutPromoting || r.State == trimtab.RolloutRolling {
			return trimtab.WaitProcess, fmt.Sprintf("rollout %s is %s", r.ID, r.State), false, nil
		}
	}
	return s.cancel(ctx, d, trimtab.Message(why))
}

func (s *pass) stale(d trimtab.Decision) string {
	return fmt.Sprintf("version %d serves now, it was decided when version %d did", s.served, d.Served)
}

// cure is the version that the decision puts into service.
func (s *pass) cure(ctx context.Context, d trimtab.Decision) (trimtab.Version, error) {
	switch d.Action {
	case trimtab.DoRetrain:
		return d.Candidate, nil
	case trimtab.DoPromoteOlder, trimtab.DoRollBack:
		return d.Version, nil
	case trimtab.DoRecalibrate:
		c := Identity
		for _, f := range d.Facts {
			switch f.Name {
			case factSlope:
				c.Slope = f.Value
			case factIntercept:
				c.Intercept = f.Value
			}
		}
		return s.cfg.Models.Recalibrated(ctx, s.endpoint.Model.Name, d.Served, s.task, c, d.Window, d.ID)
	}
	return 0, trimtab.Errorf(trimtab.Invalid, d.Object().String(), "decision %s asks for nothing", d.ID)
}

// done notes that the cure serves. First what the policy remembers, then the
// decision: a crash between them finds the decision open and repeats both.
func (s *pass) done(ctx context.Context, d trimtab.Decision, r trimtab.Rollout) (trimtab.Wait, string, bool, error) {
	var trained trimtab.Time
	if l, ok, err := s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, r.To); err != nil {
		return "", "", false, err
	} else if ok {
		trained = l.Until
	}
	promoted := func(st trimtab.PolicyState) (trimtab.PolicyState, *Verdict) {
		if st.Applied == d.ID {
			return st, nil
		}
		next, verdict := Promoted(s.spec, st, d, r.To, trained, r.Since, s.window)
		next.Applied = d.ID
		return next, verdict
	}
	st, err := s.state(ctx)
	if err != nil {
		return "", "", false, err
	}
	// The verdict on the promise before goes first: once the state is written nobody knows it any more.
	if _, v := promoted(st); v != nil {
		if err := s.verdict(ctx, v, r.Since); err != nil {
			return "", "", false, err
		}
	}
	if err := s.remember(ctx, "policyState.promoted", func(st trimtab.PolicyState) trimtab.PolicyState {
		next, _ := promoted(st)
		return next
	}); err != nil {
		return "", "", false, err
	}
	if err := s.cfg.Crash("promotion remembered"); err != nil {
		return "", "", false, err
	}
	_, err = s.to(ctx, d, trimtab.DecisionDone, fmt.Sprintf("version %d serves since %s", r.To, r.Since), nil)
	return "", "", true, err
}

// reject notes that the challenger lost.
func (s *pass) reject(ctx context.Context, d trimtab.Decision, why string) (trimtab.Wait, string, bool, error) {
	return s.lost(ctx, d, trimtab.DecisionRejected, why, Rejected)
}

// fail notes that the cure could not be made.
func (s *pass) fail(ctx context.Context, d trimtab.Decision, why string) (trimtab.Wait, string, bool, error) {
	id := trimtab.IncidentID(s.monitor.Endpoint, trimtab.TrainingFailed, s.spec.Pipeline, d.At)
	if _, err := s.cfg.Incidents.Move(ctx, id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		i := trimtab.Incident{ID: id, Kind: trimtab.TrainingFailed, Endpoint: s.monitor.Endpoint, Monitor: s.spec.Monitor, Severity: trimtab.Warning,
			Begin: d.At, Found: d.At, End: d.At, Closed: d.At, Cause: why, Remedy: "trimtab decisions explain " + d.ID}
		return i, trimtab.Changed("incident.open", nil, i, why), nil
	}); err != nil {
		return "", "", false, err
	}
	return s.lost(ctx, d, trimtab.DecisionFailed, why, Failed)
}

// cancel gives a decision up about which nothing was found out. A training is paid for all the same.
func (s *pass) cancel(ctx context.Context, d trimtab.Decision, why string) (trimtab.Wait, string, bool, error) {
	return s.lost(ctx, d, trimtab.DecisionCancelled, why, func(_ trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, _ time.Duration) trimtab.PolicyState {
		if d.Run != "" {
			st.Retrains = spend(st.Retrains, at)
		}
		return st
	})
}

func (s *pass) lost(ctx context.Context, d trimtab.Decision, state trimtab.DecisionState, why string, rule func(trimtab.RetrainPolicySpec, trimtab.PolicyState, trimtab.Decision, trimtab.Time, time.Duration) trimtab.PolicyState) (trimtab.Wait, string, bool, error) {
	err := s.remember(ctx, "policyState."+string(state), func(st trimtab.PolicyState) trimtab.PolicyState {
		if st.Applied == d.ID {
			return st
		}
		next := rule(s.spec, st, d, d.At, s.window)
		next.Applied = d.ID
		return next
	})
	if err != nil {
		return "", "", false, err
	}
	if err := s.cfg.Crash("loss remembered"); err != nil {
		return "", "", false, err
	}
	_, err = s.to(ctx, d, state, why, nil)
	return "", "", true, err
}

// to moves the decision to a state, with what else changes.
func (s *pass) to(ctx context.Context, d trimtab.Decision, state trimtab.DecisionState, outcome string, edit func(*trimtab.Decision)) (trimtab.Decision, error) {
	next, err := s.cfg.Decisions.Move(ctx, d.ID, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		next, change, err := old.To(state, outcome)
		if err != nil || change.Action == "" {
			return next, change, err
		}
		if edit != nil {
			edit(&next)
		}
		return next, trimtab.Changed(change.Action, old, next, outcome), nil
	})
	if err != nil {
		return next, err
	}
	return next, s.cfg.Crash("decision " + string(state))
}

// edit changes the decision in its state.
func (s *pass) edit(ctx context.Context, d trimtab.Decision, action string, edit func(*trimtab.Decision)) (trimtab.Decision, error) {
	return s.cfg.Decisions.Move(ctx, d.ID, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		next := *old
		edit(&next)
		if trimtab.StateDigest(next) == trimtab.StateDigest(*old) {
			return next, trimtab.Change{}, nil
		}
		return next, trimtab.Changed(action, old, next, ""), nil
	})
}
