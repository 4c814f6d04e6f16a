package retrain

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
)

// Approve lets a decision be carried out: one that waits for a person, or one that
// was advised, as long as the version that it is about still serves and nothing else
// is under way. Approving twice is the same; anything else is a Precondition.
func (p *Policies) Approve(ctx context.Context, id, reason string) (d trimtab.Decision, err error) {
	defer trimtab.Wrap(&err, "Policies.Approve(%s)", id)
	p.people.Lock()
	defer p.people.Unlock()
	if d, err = p.cfg.Decisions.Get(ctx, id); err != nil {
		return d, err
	}
	if d.Approver != "" && d.State != trimtab.DecisionAwaiting {
		return d, nil
	}
	if err := person(d, "approved"); err != nil {
		return d, err
	}
	if err := p.stillApplies(ctx, d); err != nil {
		return d, err
	}
	st, err := p.cfg.Policies.Get(ctx, d.Policy)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return d, err
	}
	if st.Applied == id { // a crash came between what the policy learnt and the decision
		return d, trimtab.Errorf(trimtab.Precondition, d.Object().String(), "decision %s is being rejected: reject it again", id)
	}
	by := trimtab.CallOf(ctx).Actor.ID
	d, err = p.cfg.Decisions.Move(ctx, id, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		state := trimtab.DecisionRollout
		if old.Action == trimtab.DoRetrain && old.Candidate == 0 {
			state = trimtab.DecisionTraining
		}
		next, _, err := old.To(state, told("approved", by, reason))
		if err != nil {
			return next, trimtab.Change{}, err
		}
		next.Approver = by
		return next, trimtab.Changed("decision.approve", old, next, reason), nil
	})
	if err == nil {
		p.look(ctx, d.Policy)
	}
	return d, err
}

// Reject ends a decision that waits for a person, or one that was advised. The policy
// learns it: more evidence is asked next time, and later. It needs a reason; rejecting
// twice is the same.
func (p *Policies) Reject(ctx context.Context, id, reason string) (d trimtab.Decision, err error) {
	defer trimtab.Wrap(&err, "Policies.Reject(%s)", id)
	if reason == "" {
		return d, noReason("decision " + id)
	}
	p.people.Lock()
	defer p.people.Unlock()
	if d, err = p.cfg.Decisions.Get(ctx, id); err != nil || d.State == trimtab.DecisionRejected {
		return d, err
	}
	if err := person(d, "rejected"); err != nil {
		return d, err
	}
	s, err := p.passOf(ctx, d.Policy)
	if err != nil {
		return d, err
	}
	// First what the policy remembers, then the decision, as for every outcome: after a
	// crash between them the decision can be rejected again, and is learnt once.
	if err := s.remember(ctx, "policyState."+string(trimtab.DecisionRejected), func(st trimtab.PolicyState) trimtab.PolicyState {
		if st.Applied == d.ID {
			return st
		}
		next := Refused(s.spec, st, d, s.window)
		next.Applied = d.ID
		return next
	}); err != nil {
		return d, err
	}
	if err := p.cfg.Crash("rejection remembered"); err != nil {
		return d, err
	}
	by := trimtab.CallOf(ctx).Actor.ID
	d, err = p.cfg.Decisions.Move(ctx, id, func(old *trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		next, change, err := old.To(trimtab.DecisionRejected, told("rejected", by, reason))
		if err != nil || change.Action == "" {
			return next, change, err
		}
		next.Approver = by
		return next, trimtab.Changed("decision.reject", old, next, reason), nil
	})
	if err == nil {
		p.look(ctx, d.Policy)
	}
	return d, err
}

// CloseBreaker lets a policy act again whose cures could not be made several times in
// a row. It needs a reason; closing one that is closed is the same.
func (p *Policies) CloseBreaker(ctx context.Context, policy, reason string) (st trimtab.PolicyState, err error) {
	defer trimtab.Wrap(&err, "Policies.CloseBreaker(%s)", policy)
	if reason == "" {
		return st, noReason("policy " + policy)
	}
	if _, err := p.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, policy); err != nil {
		return st, err
	}
	p.people.Lock()
	defer p.people.Unlock()
	st, err = p.cfg.Policies.Move(ctx, policy, func(old *trimtab.PolicyState) (trimtab.PolicyState, trimtab.Change, error) {
		if old == nil || !old.Broken {
			return trimtab.PolicyState{Policy: policy}, trimtab.Change{}, nil
		}
		next := Closed(*old)
		return next, trimtab.Changed("policyState.closeBreaker", old, next, reason), nil
	})
	if err == nil {
		p.look(ctx, policy)
	}
	return st, err
}

// Pause pauses or resumes the loop of a project, name trimtab.LoopPause, or one policy of it.
// What is under way is not undone: a training goes on to its end, and a rollout keeps
// its step and can still roll back.
func (p *Policies) Pause(ctx context.Context, name string, paused bool, reason string) (x trimtab.Pause, err error) {
	defer trimtab.Wrap(&err, "Policies.Pause(%s, %t)", name, paused)
	if name == "" {
		name = trimtab.LoopPause
	}
	if name != trimtab.LoopPause {
		if _, err := p.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, name); err != nil {
			return x, err
		}
	}
	action := "loop.resume"
	if paused {
		action = "loop.pause"
	}
	who, now := trimtab.CallOf(ctx), p.cfg.Clock()
	return p.cfg.Pauses.Move(ctx, name, func(old *trimtab.Pause) (trimtab.Pause, trimtab.Change, error) {
		next := trimtab.Pause{Workspace: who.Workspace, Name: name, Paused: paused, By: who.Actor.ID, Reason: reason, At: now}
		if old != nil && old.Paused == paused || old == nil && !paused {
			return next, trimtab.Change{}, nil
		}
		return next, trimtab.Changed(action, old, next, reason), nil
	})
}

// PauseAll pauses or resumes the loop of every project that declares a policy, and of
// the caller's. A failure leaves the projects before it paused.
func (p *Policies) PauseAll(ctx context.Context, paused bool, reason string) ([]trimtab.Pause, error) {
	call := trimtab.CallOf(ctx)
	all, err := p.cfg.Resources.Everywhere(ctx, trimtab.KindRetrainPolicy)
	if err != nil {
		return nil, err
	}
	projects := []trimtab.Workspace{call.Workspace}
	seen := map[trimtab.Workspace]bool{call.Workspace: true}
	for _, r := range all {
		if !seen[r.Workspace] {
			seen[r.Workspace] = true
			projects = append(projects, r.Workspace)
		}
	}
	var out []trimtab.Pause
	for _, ws := range projects {
		call.Workspace = ws
		x, err := p.Pause(trimtab.WithCall(ctx, call), trimtab.LoopPause, paused, reason)
		if err != nil {
			return out, err
		}
		x.Workspace = ws
		out = append(out, x)
	}
	return out, nil
}

// Refused is the state after a person rejected a decision. What no training was spent
// on costs no budget, and says nothing about what probes promise.
func Refused(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, window time.Duration) trimtab.PolicyState {
	next := Rejected(spec, st, d, d.At, window)
	if d.Run == "" {
		next.Excess, next.Retrains = st.Excess, st.Retrains
	}
	next.CooldownUntil = max(next.CooldownUntil, st.CooldownUntil)
	return next
}

// person reports whether a person can still say something about a decision.
func person(d trimtab.Decision, what string) error {
	if d.State == trimtab.DecisionAwaiting || d.State == trimtab.DecisionAdvised {
		return nil
	}
	hint := ""
	switch d.State {
	case trimtab.DecisionRollout:
		if d.Rollout != "" {
			hint = "; it can still be stopped: trimtab rollout rollback " + d.Rollout
		}
	case trimtab.DecisionTraining:
		if d.Run != "" {
			hint = "; it can still be stopped: trimtab pipeline cancel " + string(d.Run)
		}
	case trimtab.DecisionNoted:
		hint = ": it asks for nothing"
	}
	return trimtab.Errorf(trimtab.Precondition, d.Object().String(), "decision %s is %s and cannot be %s%s", d.ID, d.State, what, hint)
}

// stillApplies reports whether what a decision was made on is still so.
func (p *Policies) stillApplies(ctx context.Context, d trimtab.Decision) error {
	s, err := p.passOf(ctx, d.Policy)
	if err != nil {
		return err
	}
	if err := s.refresh(ctx); err != nil {
		return err
	}
	stale := func(format string, args ...any) error {
		e := trimtab.Errorf(trimtab.Precondition, d.Object().String(), format, args...)
		e.Msg = "decision " + d.ID + " cannot be carried out any more: " + e.Msg
		return e
	}
	if s.served != d.Served {
		return stale("it is about version %d, and version %d serves now", d.Served, s.served)
	}
	if d.State == trimtab.DecisionAwaiting {
		return nil // the policy has waited with everything else
	}
	open, err := p.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: d.Policy, Open: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return stale("decision %s is under way", open[0].ID)
	}
	for _, r := range s.rollouts {
		if !r.State.Ended() {
			return stale("rollout %s is under way", r.ID)
		}
	}
	return nil
}

// passOf reads a policy of the caller's project with what it refers to.
func (p *Policies) passOf(ctx context.Context, policy string) (*pass, error) {
	r, err := p.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, policy)
	if err != nil {
		return nil, err
	}
	d, err := p.resolve(ctx, r)
	if err != nil {
		return nil, err
	}
	if d.problem != "" {
		return nil, trimtab.Errorf(trimtab.Precondition, "policy "+policy, "policy %s is incomplete: %s", policy, d.problem)
	}
	return &pass{Policies: p, declared: d}, nil
}

// look lets a pass do the rest soon.
func (p *Policies) look(ctx context.Context, policy string) {
	p.controller.Add(place{trimtab.CallOf(ctx).Workspace, policy}.key())
}

func told(what, by, reason string) string {
	if reason == "" {
		return what + " by " + by
	}
	return what + " by " + by + ": " + reason
}

func noReason(subject string) error {
	return trimtab.Errorf(trimtab.Invalid, subject, "what a person decides needs a reason: it is recorded")
}
