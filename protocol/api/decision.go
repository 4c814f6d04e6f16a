package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// DecisionIn names a decision.
type DecisionIn struct {
	ProjectIn
	ID string `path:"id" doc:"POLICY@BORDER" example:"flights@20130408T000000"`
}

func (t *table) decisions() {
	loop := t.cfg.Loop
	add(t, operation{id: "listDecisions", method: "GET", path: "/decisions", summary: "List what policies decided, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			FindIn
			Policy string `query:"policy" doc:"Only of this policy."`
			Acted  bool   `query:"acted" doc:"Only those that ask for something to be done."`
		}) (view.List[trimtab.Decision], error) {
			out := view.List[trimtab.Decision]{Items: []trimtab.Decision{}}
			if loop.Decisions == nil {
				return out, absent("policies")
			}
			q, err := in.query(in.Policy)
			if err != nil {
				return out, err
			}
			if in.Endpoint != "" || in.Acted {
				q.Limit = farBack
			}
			all, err := loop.Decisions.List(ctx, q)
			for _, d := range all {
				if len(out.Items) == in.Limit {
					break
				}
				if (in.Endpoint == "" || d.Endpoint == in.Endpoint) && (!in.Acted || d.Action != trimtab.DoNothing) {
					out.Items = append(out.Items, d)
				}
			}
			return out, err
		})
	add(t, operation{id: "getDecision", method: "GET", path: "/decisions/{id}", summary: "Show a decision with all that was known", auth: route.Reader},
		func(ctx context.Context, in *DecisionIn) (trimtab.Decision, error) {
			if loop.Decisions == nil {
				return trimtab.Decision{}, absent("policies")
			}
			return loop.Decisions.Get(ctx, in.ID)
		})
	type say func(context.Context, string, string) (trimtab.Decision, error)
	for _, x := range []struct {
		verb, summary string
		of            func(Decider) say
	}{
		{"approve", "Carry out a decision that waits for it, or was advised", func(d Decider) say { return d.Approve }},
		{"reject", "End a decision that waits for a person, or was advised", func(d Decider) say { return d.Reject }},
	} {
		add(t, operation{id: x.verb + "Decision", method: "POST", path: "/decisions/{id}/" + x.verb, summary: x.summary, auth: route.Writer},
			func(ctx context.Context, in *struct {
				DecisionIn
				Body reasonBody
			}) (trimtab.Decision, error) {
				if loop.Decider == nil {
					return trimtab.Decision{}, absent("policies")
				}
				return x.of(loop.Decider)(ctx, in.ID, in.Body.Reason)
			})
	}
}
