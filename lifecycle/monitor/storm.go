package monitor

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab"
)

// drifts turns the states of a window into incidents. Where columns of a source drift
// under several endpoints that it feeds, that is one incident: the endpoint whose
// drift is confirmed first has it, the others are named in Also, and open none of
// their own while it is open.
func (s *pass) drifts(ctx context.Context, w step, r trimtab.WindowResult, earlier []trimtab.WindowResult, open []trimtab.Incident) ([]move, error) {
	source := ""
	if l, ok, err := s.learntBy(ctx, r.Served); err != nil {
		return nil, err
	} else if ok {
		source = l.Source
	}
	moves := s.drifted(w, r.Drift, earlier, open, source)
	columns := confirmed(r.Drift)
	if source == "" || s.cfg.Incidents == nil || len(open) > 0 || len(columns) == 0 {
		return moves, nil
	}
	others, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Open: true})
	if err != nil {
		return nil, err
	}
	for _, i := range others {
		if i.Kind == trimtab.Drift && i.Endpoint != s.spec.Endpoint && i.Found <= w.at && fedBy(i, source) && covers(i.Columns, columns) {
			return []move{joinIncident(i.ID, s.spec.Endpoint)}, nil
		}
	}
	return moves, nil
}

// fedBy reports whether an incident is about the drift of a source.
func fedBy(i trimtab.Incident, source string) bool {
	return slices.ContainsFunc(i.Evidence, func(e trimtab.Evidence) bool { return e.Name == sourceEvidence && e.Text == source })
}

// covers reports whether all columns but the score, which belongs to a model, are among those of an incident.
func covers(all, columns []string) bool {
	n := 0
	for _, c := range columns {
		if c == scoreColumn {
			continue
		}
		if n++; !slices.Contains(all, c) {
			return false
		}
	}
	return n > 0
}

// joinIncident names a further endpoint with the same cause.
func joinIncident(id, endpoint string) move {
	return move{id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old == nil || old.Closed != 0 || slices.Contains(old.Also, endpoint) {
			return trimtab.Incident{}, trimtab.Change{}, nil
		}
		i := *old
		i.Also = append(slices.Clone(old.Also), endpoint)
		slices.Sort(i.Also)
		return i, trimtab.Changed("incident.join", old, i, "the same columns drift under endpoint "+endpoint), nil
	}}
}
