package app

import (
	"context"
	"strconv"

	"github.com/trimtab/trimtab"
)

// Lineage tells what a version has learnt from. ok is false when nobody knows: it
// was made outside of a pipeline and carries no tag that says so.
func (s *server) Lineage(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (l trimtab.Lineage, ok bool, err error) {
	l.Model, l.Version = model, version
	for at := version; ; {
		v, err := s.db.Versions.Get(ctx, model, at)
		if err != nil {
			return l, false, err
		}
		if until, err := trimtab.ParseTime(v.Tags[trimtab.TrainedUntilTag]); err == nil && until > l.Until {
			l.Until = until
		}
		parent, err := strconv.ParseInt(v.Tags[trimtab.ParentTag], 10, 64)
		if err == nil && parent > 0 && trimtab.Version(parent) < at {
			if at = trimtab.Version(parent); l.Parent == 0 {
				l.Parent = at
			}
			continue
		}
		if v.Attempt == "" {
			return l, l.Until != 0, nil
		}
		from, err := s.engine.Lineage(ctx, v.Attempt)
		if err != nil {
			return l, false, err
		}
		l.Run, l.Snapshot, l.Source, l.Label = from.Run, from.Snapshot, from.Source, from.Label
		l.Until = max(l.Until, from.Until)
		return l, l.Until != 0, nil
	}
}
