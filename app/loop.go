package app

import (
	"context"
	"net/http"

	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/replay"
)

// The closed loop, in one place.
//
//	replay moves the endpoint's watermark border by border; at each border it
//	waits until every listener below has handled the whole journal and come
//	through the border.
//
// Listeners of an endpoint's event time:
//
//	monitor/NAME   each Monitor on the endpoint: closes windows
//
// Consumers of the journal, each a named cursor:
//
//	registry   declared Models: registers them
//	serve      endpoints and aliases: loads and swaps versions
//	monitor    watermarks and declarations: closes windows
func (s *server) loop() error {
	s.monitors = monitor.New(monitor.Config{
		Resources: s.db.Resources, States: s.db.Endpoints, Windows: s.db.Windows, Traffic: s.traffic, Log: s.log.With("part", "monitor"),
	})
	s.replays = replay.New(replay.Config{
		Store: s.db.Replays, States: s.db.Endpoints, Endpoints: s.db.Resources, Listeners: s.monitors, Source: s.datasets,
		Columns: replay.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, KnownAt: dataset.KnownAtColumn, Label: dataset.LabelColumn},
		URL:     "http://" + s.cfg.Listen + s.cfg.Prefix, Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
		Moved: s.serve.Refresh, Log: s.log.With("part", "replay"),
	})
	consumers := []control.Consumer{registry.Declared(s.db.Resources, s.db.Models), s.serve.Consumer(), s.monitors.Consumer()}
	s.group.add("traffic", s.traffic.Run)
	s.group.add("serve", s.serve.Run)
	s.group.add("monitors", s.monitors.Run)
	s.group.add("consumers", func(ctx context.Context) error {
		return control.Consume(ctx, s.db.Journal, s.log.With("part", "journal"), consumers...)
	})
	return nil
}
