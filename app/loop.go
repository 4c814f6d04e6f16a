package app

import (
	"context"
	"net/http"

	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/lifecycle/rollout"
)

// The closed loop, in one place.
//
//	replay moves the endpoint's watermark border by border; at each border it
//	waits until every listener below has handled the whole journal and come
//	through the border.
//
// Listeners of an endpoint's event time, in the order in which they act:
//
//	monitor/NAME      each Monitor on the endpoint: looks at windows when they end,
//	                  finds faults and holds them, closes windows when labels are there
//	rollout/ENDPOINT  the open rollout: looks, goes on, promotes, rolls back
//	policy/NAME       each RetrainPolicy: decides on what the others have found, and
//	                  carries it out: trains, gates, begins a rollout
//
// Consumers of the journal, each a named cursor:
//
//	registry   declared Models: registers them
//	contract   declared DataContracts
//	serve      endpoints, aliases, rollouts: loads and swaps versions
//	monitor    watermarks and declarations
//	rollout    watermarks, moved aliases, rollouts that others begin
//	policy     watermarks, windows, and what became of decisions
//	notify     incidents, decisions, rollouts: tells the declared channels; nothing waits for it
func (s *server) loop() error {
	db := s.db
	s.monitors = monitor.New(monitor.Config{
		Resources: db.Resources, States: db.Endpoints, Windows: db.Windows, Traffic: s.traffic, Incidents: db.Incidents, Contracts: s.contracts, Rollouts: db.Rollouts,
		Models: s, Scorer: s.serve.Scorer(), Blobs: s.blobs, Log: s.log.With("part", "monitor"),
	})
	if err := s.metrics.Register(s.monitors); err != nil {
		return err
	}
	s.rollouts = rollout.New(rollout.Config{
		Resources: db.Resources, States: db.Endpoints, Rollouts: db.Rollouts, Incidents: db.Incidents, Pauses: db.Pauses,
		Aliases: db.Models, Versions: db.Versions, Traffic: s.traffic, Scorer: s.serve.Scorer(), Plane: s.serve, Meter: s.serve, Log: s.log.With("part", "rollout"),
	})
	s.policies = retrain.New(retrain.Config{
		Resources: db.Resources, States: db.Endpoints, Windows: db.Windows, Traffic: s.traffic, Policies: db.Policies, Decisions: db.Decisions,
		Incidents: db.Incidents, History: db.Rollouts, Pauses: db.Pauses, Scorer: s.serve.Scorer(), Models: versions{s}, Engine: trainer{s},
		Gate: s.evaluator(), Rollouts: s.rollouts, Log: s.log.With("part", "policy"),
	})
	s.replays = replay.New(replay.Config{
		Store: db.Replays, States: db.Endpoints, Endpoints: db.Resources, Source: s.datasets,
		Listeners: listeners{s.monitors, []listener{{s.rollouts.Listeners, s.rollouts.Border}, {s.policies.Listeners, s.policies.Border}}},
		Columns:   replay.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, KnownAt: dataset.KnownAtColumn, Label: dataset.LabelColumn},
		URL:       "http://" + s.cfg.Listen + s.cfg.Prefix, Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
		Moved: s.serve.Refresh, BatchRows: s.cfg.batch(), Log: s.log.With("part", "replay"),
	})
	consumers := []control.Consumer{registry.Declared(db.Resources, db.Models), s.contracts.Consumer(), s.serve.Consumer(), s.monitors.Consumer(), s.rollouts.Consumer(), s.policies.Consumer(), s.notifications()}
	s.group.add("traffic", s.traffic.Run)
	s.group.add("serve", s.serve.Run)
	s.group.add("monitors", s.monitors.Run)
	s.group.add("rollouts", s.rollouts.Run)
	s.group.add("policies", s.policies.Run)
	s.group.add("consumers", func(ctx context.Context) error {
		return control.Consume(ctx, db.Journal, s.log.With("part", "journal"), consumers...)
	})
	return nil
}
