package overview

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// loop reads what is open: incidents, decisions, rollouts, and of each declared policy
// its newest decision, as that may be an advice.
func (s *Service) loop(ctx context.Context, o *view.Overview, d declared) error {
	c := &s.cfg.Loop
	open := trimtab.DocumentQuery{Open: true, Limit: maxOfEach}
	incidents, err := listed(ctx, c.Incidents, open)
	if err != nil {
		return err
	}
	decisions, err := listed(ctx, c.Decisions, open)
	if err != nil {
		return err
	}
	rollouts, err := listed(ctx, c.Rollouts, open)
	if err != nil {
		return err
	}
	policies, err := listed(ctx, c.Policies, open)
	if err != nil {
		return err
	}
	policies = slices.DeleteFunc(policies, func(p trimtab.PolicyState) bool { return !slices.Contains(d.policies, p.Policy) })
	for _, name := range d.policies[:min(len(d.policies), maxOfEach)] {
		newest, err := listed(ctx, c.Decisions, trimtab.DocumentQuery{Scope: name, Limit: 1})
		if err != nil {
			return err
		}
		if len(newest) > 0 && newest[0].State == trimtab.DecisionAdvised {
			decisions = append(decisions, newest[0])
		}
	}
	pauses, err := listed(ctx, c.Pauses, open)
	if err != nil {
		return err
	}
	var pause *trimtab.Pause
	var paused []trimtab.Pause
	for _, p := range pauses {
		switch {
		case p.Name == trimtab.LoopPause:
			pause = &p
		case slices.Contains(d.policies, p.Name):
			paused = append(paused, p)
		}
	}
	o.Loop = view.OfLoop(pause, incidents, decisions, rollouts, policies)
	o.Loop.Paused = paused
	return nil
}

func listed[T trimtab.Document](ctx context.Context, d Documents[T], q trimtab.DocumentQuery) ([]T, error) {
	if d == nil {
		return nil, nil
	}
	return d.List(ctx, q)
}
