package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// pauseBody says what is paused or resumed, and why.
type pauseBody struct {
	Policy string `json:"policy,omitempty" doc:"Only this policy; without it the whole loop of the project."`
	All    bool   `json:"all,omitempty" doc:"The loop of every project."`
	Reason string `json:"reason,omitempty" maxLength:"1000"`
}

// breakerBody closes the circuit breaker of a policy.
type breakerBody struct {
	Policy string `json:"policy"`
	Reason string `json:"reason" maxLength:"1000"`
}

func (t *table) loop() {
	add(t, operation{id: "getLoop", method: "GET", path: "/loop", summary: "Show the loop: paused or not, and where each policy stands", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.Loop, error) { return t.loopView(ctx) })
	for _, x := range []struct {
		verb, summary string
		paused        bool
	}{
		{"pause", "Stop the loop from starting anything", true},
		{"resume", "Let the loop act again", false},
	} {
		add(t, operation{id: x.verb + "Loop", method: "POST", path: "/loop/" + x.verb, summary: x.summary, auth: route.Writer},
			func(ctx context.Context, in *struct {
				ProjectIn
				Body pauseBody
			}) (view.List[trimtab.Pause], error) {
				out := view.List[trimtab.Pause]{Items: []trimtab.Pause{}}
				b := in.Body
				switch {
				case t.cfg.Loop.Decider == nil:
					return out, absent("policies")
				case b.All && b.Policy != "":
					return out, trimtab.Errorf(trimtab.Invalid, "loop", "either one policy or everything is meant, not both")
				case b.All && trimtab.CallOf(ctx).Actor.Attempt != "":
					return out, trimtab.Errorf(trimtab.Denied, "loop", "the attempt token opens no other project")
				case b.All:
					all, err := t.cfg.Loop.Decider.PauseAll(ctx, x.paused, b.Reason)
					out.Items = append(out.Items, all...)
					return out, err
				}
				p, err := t.cfg.Loop.Decider.Pause(ctx, b.Policy, x.paused, b.Reason)
				out.Items = append(out.Items, p)
				return out, err
			})
	}
	add(t, operation{id: "closeBreaker", method: "POST", path: "/loop/closebreaker", summary: "Let a policy act again whose cures failed several times", auth: route.Writer},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body breakerBody
		}) (view.LoopPolicy, error) {
			if t.cfg.Loop.Decider == nil {
				return view.LoopPolicy{}, absent("policies")
			}
			if _, err := t.cfg.Loop.Decider.CloseBreaker(ctx, in.Body.Policy, in.Body.Reason); err != nil {
				return view.LoopPolicy{}, err
			}
			r, err := t.cfg.Resources.Get(ctx, trimtab.KindRetrainPolicy, in.Body.Policy)
			if err != nil {
				return view.LoopPolicy{}, err
			}
			return t.policyView(ctx, r)
		})
}

func (t *table) loopView(ctx context.Context) (view.Loop, error) {
	out := view.Loop{Policies: []view.LoopPolicy{}}
	if t.cfg.Loop.Decisions == nil || t.cfg.Loop.Policies == nil || t.cfg.Loop.Pauses == nil {
		return out, absent("policies")
	}
	var err error
	if out.Pause, err = t.pause(ctx, trimtab.LoopPause); err != nil {
		return out, err
	}
	all, err := t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy)
	if err != nil {
		return out, err
	}
	for _, r := range all {
		p, err := t.policyView(ctx, r)
		if err != nil {
			return out, err
		}
		out.Policies = append(out.Policies, p)
	}
	return out, nil
}

func (t *table) policyView(ctx context.Context, r trimtab.Resource) (p view.LoopPolicy, err error) {
	f := view.PolicyFacts{Name: r.Name}
	if f.Spec, err = declaredSpec[trimtab.RetrainPolicySpec](r); err != nil {
		return p, err
	}
	loop := t.cfg.Loop
	if f.State, err = loop.Policies.Get(ctx, r.Name); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return p, err
	}
	if f.Pause, err = t.pause(ctx, r.Name); err != nil {
		return p, err
	}
	if f.Decisions, err = loop.Decisions.List(ctx, trimtab.DocumentQuery{Scope: r.Name, Limit: 1}); err != nil {
		return p, err
	}
	open, err := loop.Decisions.List(ctx, trimtab.DocumentQuery{Scope: r.Name, Open: true})
	if err != nil {
		return p, err
	}
	for _, d := range open {
		if len(f.Decisions) == 0 || d.ID != f.Decisions[0].ID {
			f.Decisions = append(f.Decisions, d)
		}
	}
	m, err := t.cfg.Resources.Get(ctx, trimtab.KindMonitor, f.Spec.Monitor)
	switch {
	case err == nil:
		s, err := declaredSpec[trimtab.MonitorSpec](m)
		if err != nil {
			return p, err
		}
		f.Monitor = &s
		if f.Watermark, err = t.watermark(ctx, s.Endpoint); err != nil {
			return p, err
		}
		if t.cfg.Endpoints != nil {
			if f.Settled, err = t.cfg.Endpoints.Settlements(ctx, s.Endpoint); err != nil {
				return p, err
			}
		}
	case !trimtab.IsKind(err, trimtab.NotFound):
		return p, err
	}
	return view.OfPolicy(f), nil
}

// pause is a pause, nil when there never was one of the name.
func (t *table) pause(ctx context.Context, name string) (*trimtab.Pause, error) {
	p, err := t.cfg.Loop.Pauses.Get(ctx, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, nil
	}
	return &p, err
}
