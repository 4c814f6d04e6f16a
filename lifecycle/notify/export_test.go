package notify

import (
	"cmp"
	"context"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Pass looks at one channel as the controller does.
func (n *Notifier) Pass(ctx context.Context, key string) (control.Result, error) {
	return n.reconcile(ctx, key)
}

// Ordered are deliveries in the order of the journal.
func Ordered(all []trimtab.Delivery) []trimtab.Delivery {
	slices.SortFunc(all, func(a, b trimtab.Delivery) int { return cmp.Compare(a.Entry, b.Entry) })
	return all
}
