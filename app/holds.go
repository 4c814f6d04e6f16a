package app

import (
	"context"

	"github.com/trimtab/trimtab"
)

// holds tells what incidents keep out of what is learnt, and what was released.
type holds struct{ *server }

func (h holds) Holds(ctx context.Context, endpoint string) (out []trimtab.Hold, err error) {
	all, err := h.db.Incidents.List(ctx, trimtab.DocumentQuery{Scope: endpoint, Limit: 10_000})
	for _, i := range all {
		if x, ok := i.Held(); ok {
			out = append(out, x)
		}
	}
	return out, err
}
