package rollout

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab"
)

// openIncident tells people of a roll back, with the looks that led to it. It stays
// open until another version is promoted on the endpoint, or a person closes it.
func (s *pass) openIncident(ctx context.Context, r trimtab.Rollout) error {
	id := trimtab.IncidentID(s.name, trimtab.RolledBack, fmt.Sprintf("%d", r.To), r.Begun)
	_, err := s.cfg.Incidents.Move(ctx, id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		i := trimtab.Incident{ID: id, Kind: trimtab.RolledBack, Endpoint: s.name, Severity: trimtab.Warning, Begin: r.Begun, Found: r.Since,
			Cause:  fmt.Sprintf("rollout %s: %s", r.ID, r.Reason),
			Remedy: fmt.Sprintf("version %d answers; trimtab rollout show %s", r.From, r.ID)}
		for _, l := range r.Looks {
			if l.At != r.Looked {
				continue
			}
			text := fmt.Sprintf("%s: %s to %s of %d, %s", l.Stage, percent(l.Lo), percent(l.Hi), l.N, l.Verdict)
			i.Evidence = append(i.Evidence, trimtab.Evidence{Name: l.Test, Value: l.Estimate, Limit: l.Limit, Text: text})
			i.Rows = max(i.Rows, l.N)
		}
		return i, trimtab.Changed("incident.open", nil, i, i.Cause), nil
	})
	if err != nil {
		return err
	}
	return s.cfg.Crash("incident opened")
}

// closeIncidents closes earlier roll backs of the endpoint: another version is promoted.
func (s *pass) closeIncidents(ctx context.Context, r trimtab.Rollout) error {
	all, err := s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.name, Open: true})
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Kind != trimtab.RolledBack {
			continue
		}
		if _, err := s.cfg.Incidents.Move(ctx, i.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
			if old == nil {
				return i, trimtab.Change{}, nil
			}
			return old.Close(r.Since, r.Since, fmt.Sprintf("rollout %s: version %d took over", r.ID, r.To))
		}); err != nil {
			return err
		}
		if err := s.cfg.Crash("incident closed"); err != nil {
			return err
		}
	}
	return nil
}
