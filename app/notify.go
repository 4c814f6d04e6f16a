package app

import (
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/notify"
)

// notifications makes what tells people, runs it, and returns what it reads of the journal.
func (s *server) notifications() control.Consumer {
	db := s.db
	s.notifier = notify.New(notify.Config{
		Resources: db.Resources, Incidents: db.Incidents, Decisions: db.Decisions, Rollouts: db.Rollouts, Deliveries: db.Deliveries,
		Data: s.cfg.Data, URL: s.cfg.PublicURL, Log: s.log.With("part", "notify"), Registerer: s.metrics,
	})
	s.group.add("notify", s.notifier.Run)
	return s.notifier.Consumer()
}
