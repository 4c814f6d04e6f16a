package retrain

import (
	"context"
	"math"

	"github.com/trimtab/trimtab"
)

// challengerGain is what the challenger of a decision saved per row, in pairs with what was served, in the window that
// was decided on and that it has not learnt from. ok is false where that cannot be told: the rows are gone, or one of
// the two cannot be scored. Nothing is decided by it; later promises of the probe are corrected by it.
func (s *pass) challengerGain(ctx context.Context, d trimtab.Decision) (gain float64, ok bool, err error) {
	all, err := s.cfg.Windows.List(ctx, s.spec.Monitor)
	if err != nil {
		return 0, false, err
	}
	for _, w := range all {
		if w.Start != d.Window {
			continue
		}
		holds, err := s.holds(ctx)
		if err != nil {
			return 0, false, err
		}
		l, err := s.load(ctx, w, holds)
		if err != nil {
			return 0, false, err
		}
		for _, v := range []trimtab.Version{d.Served, d.Candidate} {
			if err := s.score(ctx, l, v); err != nil {
				if trimtab.IsKind(err, trimtab.Unavailable) || trimtab.IsKind(err, trimtab.Canceled) || trimtab.IsKind(err, trimtab.Internal) {
					return 0, false, err
				}
				return 0, false, nil
			}
		}
		g := spanOf(Pair(s.task, &l.Rows, l.Versions[d.Served], l.Versions[d.Candidate]), 1)
		return g.mean, !math.IsNaN(g.mean), nil
	}
	return 0, false, nil
}
