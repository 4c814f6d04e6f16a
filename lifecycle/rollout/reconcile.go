package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// pass is one look at one endpoint.
type pass struct {
	*Rollouts
	place
	kept     *held
	spec     trimtab.EndpointSpec
	declared bool // it declares a rollout
	driven   bool // a replay moves the watermark
	mark     trimtab.Time
	// at is from when a change made now takes effect: in driven time the watermark, before
	// which everything has been sent; else the present, as requests of the span between
	// have been answered.
	at trimtab.Time

	all      []trimtab.Rollout // of the endpoint, the newest first
	rollouts []trimtab.Rollout // those of the model and alias that it serves now
	current  trimtab.Version   // that the alias points to, 0 for none
}

// errStale says that the record changed since it was read: the pass begins anew.
var errStale = errors.New("the rollout changed meanwhile")

// soon is when what nobody announces is looked at again.
const soon = 20 * time.Millisecond

// Reconcile brings one endpoint up to date and returns when it is done: for tests.
func (c *Rollouts) Reconcile(ctx context.Context, ws trimtab.Workspace, endpoint string) error {
	_, err := c.reconcile(ctx, place{ws, endpoint}.key())
	return err
}

func (c *Rollouts) reconcile(ctx context.Context, key string) (control.Result, error) {
	p := split(key)
	h := c.of(p)
	h.Lock()
	defer h.Unlock()
	ctx = call(ctx, p.ws)
	s, err := c.pass(ctx, p, h)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, c.abandon(ctx, p, h)
	}
	if err != nil {
		return control.Result{}, err
	}
	for {
		next, err := s.step(ctx)
		switch {
		case errors.Is(err, errStale) || trimtab.IsKind(err, trimtab.Conflict):
			if ctx.Err() != nil {
				return control.Result{}, ctx.Err()
			}
		case err != nil:
			return control.Result{}, err
		case !next.again:
			return s.settle(ctx, next)
		}
		if err := s.refresh(ctx); err != nil {
			return control.Result{}, err
		}
	}
}

// abandon ends what is open of an endpoint that is not declared any more.
func (c *Rollouts) abandon(ctx context.Context, p place, h *held) error {
	h.forget()
	all, err := c.history(ctx, p.name)
	if err != nil {
		return err
	}
	s := &pass{Rollouts: c, place: p, kept: h}
	if r := openOf(all); r != nil {
		return s.end(ctx, *r, "the endpoint is not declared any more")
	}
	return nil
}

// pass reads where an endpoint stands.
func (c *Rollouts) pass(ctx context.Context, p place, h *held) (*pass, error) {
	s := &pass{Rollouts: c, place: p, kept: h}
	r, err := c.cfg.Resources.Get(ctx, trimtab.KindEndpoint, p.name)
	if err != nil {
		return nil, err
	}
	if s.spec, err = specOf(r); err != nil {
		return nil, control.Terminal(err)
	}
	s.declared = s.spec.Rollout != nil
	state, err := c.cfg.States.State(ctx, p.name)
	if err != nil {
		return nil, err
	}
	s.driven = state.Mode == trimtab.DrivenMode
	now := c.cfg.Clock()
	s.mark = state.WatermarkAt(now, s.spec.AllowedLateness)
	if s.at = s.mark; !s.driven {
		s.at = now
	}
	return s, s.refresh(ctx)
}

// refresh reads rollouts and alias.
func (s *pass) refresh(ctx context.Context) (err error) {
	if s.all, err = s.history(ctx, s.name); err != nil {
		return err
	}
	s.rollouts = nil
	for _, r := range s.all {
		if r.Model == s.spec.Model.Name && r.Alias == s.spec.Model.Alias {
			s.rollouts = append(s.rollouts, r)
		}
	}
	m, err := s.cfg.Aliases.Get(ctx, s.spec.Model.Name)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return err
	}
	s.current = m.Aliases[s.spec.Model.Alias]
	return nil
}

// served is the version that answers what no open rollout gives away.
func (s *pass) served() trimtab.Version {
	if open := openOf(s.rollouts); open != nil {
		return open.Answers()
	}
	if s.declared && len(s.rollouts) > 0 {
		return answering(s.rollouts)
	}
	return s.current
}

// outcome is what a step leaves: another step, or what the endpoint waits for.
type outcome struct {
	again  bool
	wait   trimtab.Wait
	detail string
	next   trimtab.Time // the next look, 0 for none
}

// step does the next thing that is due.
func (s *pass) step(ctx context.Context) (outcome, error) {
	r := openOf(s.rollouts)
	if r == nil {
		if old := openOf(s.all); old != nil {
			return outcome{again: true}, s.end(ctx, *old, fmt.Sprintf("the endpoint serves model %s by alias %s now", s.spec.Model.Name, s.spec.Model.Alias))
		}
		return s.watch(ctx)
	}
	if r.State == trimtab.RolloutRolling {
		return outcome{again: true}, s.rollBack(ctx, *r)
	}
	if moved, err := s.moved(ctx, *r); err != nil || moved {
		return outcome{again: true}, err
	}
	if r.From != 0 && r.State != trimtab.RolloutBaking {
		switch never, err := s.loaded(ctx, r.To); {
		case never:
			return outcome{again: true}, s.move(ctx, *r, trimtab.RolloutRolling, 0, RollBack, fmt.Sprintf("version %d cannot be served: %s", r.To, trimtab.Message(err)))
		case err != nil:
			return outcome{wait: trimtab.WaitProcess, detail: fmt.Sprintf("version %d is being loaded: %s", r.To, trimtab.Message(err))}, nil
		}
	}
	if r.State == trimtab.RolloutPromoting {
		return outcome{again: true}, s.promote(ctx, *r)
	}
	return s.look(ctx, *r)
}

// loaded reports why a version cannot answer requests yet, and whether it never will.
func (s *pass) loaded(ctx context.Context, v trimtab.Version) (never bool, err error) {
	if s.cfg.Plane == nil {
		return false, nil
	}
	if err = s.cfg.Plane.Loaded(s.ws, s.name, v); err == nil {
		return false, nil
	}
	if _, gone := s.cfg.Versions.Get(ctx, s.spec.Model.Name, v); trimtab.IsKind(gone, trimtab.NotFound) {
		return true, gone
	}
	return trimtab.IsKind(err, trimtab.Invalid) || trimtab.IsKind(err, trimtab.Unsupported), err
}

// watch looks for an alias that was moved while no rollout is open.
func (s *pass) watch(ctx context.Context) (outcome, error) {
	idle := outcome{wait: trimtab.WaitEventTime}
	if s.current == 0 || !s.declared && len(s.rollouts) == 0 {
		return idle, nil
	}
	if len(s.rollouts) == 0 {
		_, err := s.direct(ctx, s.current)
		return outcome{again: true}, err
	}
	from := answering(s.rollouts)
	if from == s.current {
		return idle, nil
	}
	_, err := s.open(ctx, from, s.current, "alias", fmt.Sprintf("alias %s was moved to version %d", s.spec.Model.Alias, s.current))
	return outcome{again: true}, err
}

// moved handles an alias that somebody moved while the rollout is open.
func (s *pass) moved(ctx context.Context, r trimtab.Rollout) (bool, error) {
	expected := r.From
	if r.Origin == "alias" || r.State == trimtab.RolloutBaking {
		expected = r.To
	}
	switch s.current {
	case expected, r.To, 0:
		return false, nil
	case r.From:
		return true, s.move(ctx, r, trimtab.RolloutRolling, 0, Person, fmt.Sprintf("alias %s was moved back to version %d", r.Alias, r.From))
	}
	return true, s.end(ctx, r, fmt.Sprintf("alias %s was moved to version %d", r.Alias, s.current))
}

// end closes a rollout because another version comes. What has been promoted stays so.
func (s *pass) end(ctx context.Context, r trimtab.Rollout, why string) error {
	if r.Answers() == r.To {
		return s.move(ctx, r, trimtab.RolloutPromoted, 1, "", why)
	}
	return s.move(ctx, r, trimtab.RolloutSuperseded, 0, "", why)
}

// promote moves the alias, then notes it.
func (s *pass) promote(ctx context.Context, r trimtab.Rollout) error {
	if s.current != r.To {
		from := s.current
		_, err := s.cfg.Aliases.SetAlias(ctx, r.Model, trimtab.MoveAlias{Alias: r.Alias, To: r.To, From: &from, Cause: "rollout " + r.ID})
		switch trimtab.KindOf(err) {
		case trimtab.NotFound, trimtab.Precondition, trimtab.Invalid:
			return s.move(ctx, r, trimtab.RolloutRolling, 0, RollBack, fmt.Sprintf("version %d cannot be promoted: %s", r.To, trimtab.Message(err)))
		}
		if err != nil {
			return err
		}
		if err := s.cfg.Crash("alias moved"); err != nil {
			return err
		}
	}
	if err := s.closeIncidents(ctx, r); err != nil {
		return err
	}
	state := trimtab.RolloutPromoted
	if r.Spec.Bake > 0 && r.From != 0 {
		state = trimtab.RolloutBaking
	}
	return s.move(ctx, r, state, 1, "", r.Reason)
}

// rollBack moves the alias back where the rollout had moved it, tells people, then notes it.
func (s *pass) rollBack(ctx context.Context, r trimtab.Rollout) error {
	if s.current == r.To && r.From != 0 {
		to := r.To
		_, err := s.cfg.Aliases.SetAlias(ctx, r.Model, trimtab.MoveAlias{Alias: r.Alias, To: r.From, From: &to, Cause: "rollout " + r.ID + " rolled back"})
		if err != nil {
			if !trimtab.IsKind(err, trimtab.Conflict) {
				s.cfg.Log.ErrorContext(ctx, "an alias cannot be moved back: the old version answers, point the alias to a version that exists", "project", s.ws, "endpoint", s.name, "rollout", r.ID, "error", err)
			}
			return err
		}
		if err := s.cfg.Crash("alias moved back"); err != nil {
			return err
		}
	}
	if r.Verdict != Person {
		if err := s.openIncident(ctx, r); err != nil {
			return err
		}
	}
	return s.move(ctx, r, trimtab.RolloutRolledBack, 0, "", r.Reason)
}

// move takes the rollout from the state as it was read to another one, from now on. A
// verdict of "" leaves the present one.
func (s *pass) move(ctx context.Context, r trimtab.Rollout, state trimtab.RolloutState, share float64, verdict, why string) error {
	_, err := s.change(ctx, r, func(old trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		next, change, err := old.Move(state, old.Step, share, max(s.at, old.Since), why)
		if err != nil || change.Action == "" || verdict == "" {
			return next, change, err
		}
		next.Verdict = verdict
		return next, trimtab.Changed(change.Action, &old, next, why), nil
	})
	return err
}

// change writes what follows from the record as it was read; a record that has changed
// since is errStale.
func (s *pass) change(ctx context.Context, r trimtab.Rollout, rule func(trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error)) (trimtab.Rollout, error) {
	read := trimtab.StateDigest(r)
	next, err := s.cfg.Rollouts.Move(ctx, r.ID, func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		if old == nil || trimtab.StateDigest(*old) != read {
			return r, trimtab.Change{}, errStale
		}
		return rule(r)
	})
	if err != nil {
		return next, err
	}
	if next.State != r.State || next.Step != r.Step {
		s.cfg.Log.InfoContext(ctx, "rollout moves", "project", s.ws, "endpoint", s.name, "rollout", r.ID, "to", r.To, "state", next.State, "share", next.Share, "why", next.Reason)
	}
	return next, s.cfg.Crash("rollout " + string(next.State))
}

// look lets the tests look when it is time.
func (s *pass) look(ctx context.Context, r trimtab.Rollout) (outcome, error) {
	wait := outcome{wait: trimtab.WaitEventTime, next: r.NextLook(max(r.Looked, r.Since))}
	if r.State == trimtab.RolloutHeld {
		wait.wait, wait.detail = trimtab.WaitHuman, fmt.Sprintf("rollout %s is undecided: trimtab rollout promote %s, or trimtab rollout rollback %s", r.ID, r.ID, r.ID)
	}
	if wait.next == 0 || wait.next > s.mark {
		return wait, nil
	}
	o, err := s.observe(ctx, r)
	if err != nil {
		return outcome{}, err
	}
	if o.Paused, err = s.paused(ctx); err != nil {
		return outcome{}, err
	}
	o.At = s.at
	next, looks, action, why := Decide(r, o, s.mark)
	// The record keeps the newest look of a test in a stage; the journal has every one.
	data, err := trimtab.Canonical(looks)
	if err != nil {
		return outcome{}, err
	}
	if _, err := s.change(ctx, r, func(old trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		what := "rollout.look"
		if action != Stay {
			what = fmt.Sprintf("rollout.%s", next.State)
		}
		change := trimtab.Changed(what, &old, next, why)
		change.Data = data
		return next, change, nil
	}); err != nil {
		return outcome{}, err
	}
	return outcome{again: true}, nil
}

// paused says why nothing is started by itself, "" when it is.
func (s *pass) paused(ctx context.Context) (string, error) {
	p, err := s.cfg.Pauses.Get(ctx, trimtab.LoopPause)
	switch {
	case trimtab.IsKind(err, trimtab.NotFound):
		return "", nil
	case err != nil || !p.Paused:
		return "", err
	case p.Reason != "":
		return p.Reason, nil
	}
	return "by " + p.By, nil
}

// settle notes how far the endpoint's rollouts have come. By the clock no border is settled.
func (s *pass) settle(ctx context.Context, o outcome) (control.Result, error) {
	if s.declared || openOf(s.rollouts) != nil || len(s.rollouts) > 0 {
		x := trimtab.Settlement{Workspace: s.ws, Endpoint: s.name, Listener: Listener(s.name), Wait: o.wait, Detail: o.detail}
		if s.driven {
			x.Through = s.mark
		}
		if err := s.cfg.States.Settle(ctx, x); err != nil {
			return control.Result{}, err
		}
		if err := s.cfg.Crash("settled"); err != nil {
			return control.Result{}, err
		}
	}
	if openOf(s.rollouts) == nil {
		s.kept.forget()
	}
	switch {
	case o.wait == trimtab.WaitProcess:
		return control.Result{After: soon}, nil
	case s.driven || o.next == 0:
		return control.Result{}, nil // an entry announces what comes
	}
	return control.Result{After: min(max(o.next.Sub(s.mark), time.Second), time.Hour)}, nil
}
