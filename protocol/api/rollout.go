package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// RolloutIn names a rollout.
type RolloutIn struct {
	ProjectIn
	ID string `path:"id" doc:"ENDPOINT.N" example:"flights.3"`
}

func (t *table) rollouts() {
	loop := t.cfg.Loop
	add(t, operation{id: "listRollouts", method: "GET", path: "/rollouts", summary: "List changes of the version that answers, newest first", auth: route.Reader},
		func(ctx context.Context, in *FindIn) (view.List[trimtab.Rollout], error) {
			out := view.List[trimtab.Rollout]{Items: []trimtab.Rollout{}}
			if loop.Rollouts == nil {
				return out, absent("rollouts")
			}
			q, err := in.query(in.Endpoint)
			if err != nil {
				return out, err
			}
			all, err := loop.Rollouts.List(ctx, q)
			out.Items = append(out.Items, all...)
			return out, err
		})
	add(t, operation{id: "getRollout", method: "GET", path: "/rollouts/{id}", summary: "Show a rollout with its newest looks", auth: route.Reader},
		func(ctx context.Context, in *RolloutIn) (trimtab.Rollout, error) {
			if loop.Rollouts == nil {
				return trimtab.Rollout{}, absent("rollouts")
			}
			return loop.Rollouts.Get(ctx, in.ID)
		})
	type say func(context.Context, string, string) (trimtab.Rollout, error)
	for _, x := range []struct {
		verb, summary string
		of            func(Roller) say
	}{
		{"promote", "Let the new version answer everything now", func(r Roller) say { return r.Promote }},
		{"rollback", "Let the old version answer everything again", func(r Roller) say { return r.RollBack }},
		{"hold", "Keep the stage as it is; tests still roll back", func(r Roller) say { return r.Hold }},
		{"resume", "Begin the stage anew in which it was held", func(r Roller) say { return r.Resume }},
	} {
		add(t, operation{id: x.verb + "Rollout", method: "POST", path: "/rollouts/{id}/" + x.verb, summary: x.summary, auth: route.Writer},
			func(ctx context.Context, in *struct {
				RolloutIn
				Body reasonBody
			}) (trimtab.Rollout, error) {
				if loop.Roller == nil {
					return trimtab.Rollout{}, absent("rollouts")
				}
				return x.of(loop.Roller)(ctx, in.ID, in.Body.Reason)
			})
	}
}
