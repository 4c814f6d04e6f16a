package monitor_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
)

// between lets something happen right after the state of an endpoint was read.
type between struct {
	monitor.States
	happen func()
}

func (b *between) State(ctx context.Context, endpoint string) (trimtab.EndpointState, error) {
	s, err := b.States.State(ctx, endpoint)
	if f := b.happen; f != nil {
		b.happen = nil
		f()
	}
	return s, err
}

// TestMonitorWhileReplayBegins lets a replay take the endpoint and send its first
// rows while the monitor holds a state in which the clock still moved the
// watermark: it must close no window of the history as of today, and must not
// have settled the replay's borders in advance.
func TestMonitorWhileReplayBegins(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	w.apply("e", trimtab.MonitorSpec{Window: "1d"})
	cfg := w.config()
	cfg.States = &between{cfg.States, func() {
		w.move("e", func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
			return s.AcquireLease("test", 1, time.Hour)
		})
		w.send("e", history(), 0, began+dayMS/2, rand.New(rand.NewPCG(1, 1)))
	}}
	if err := monitor.New(cfg).Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"); err != nil {
		t.Fatal(err)
	}
	if all := w.windows("e"); len(all) != 0 {
		t.Errorf("%d windows were closed at the beginning of a replay, the first: %+v", len(all), all[0])
	}
	if ok, _, err := w.db.Endpoints.Settled(t.Context(), "e", began+dayMS, []string{monitor.Listener("e")}); err != nil || ok {
		t.Errorf("a border that the watermark has not reached is settled: %t, %v", ok, err)
	}
	// Reached by the clock's settlement alone, whatever the journal's consumers have read.
	all, err := w.db.Endpoints.Settlements(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Through > began+dayMS/2 {
			t.Errorf("settled through %s, and the watermark of the replay is none", s.Through)
		}
	}
}
