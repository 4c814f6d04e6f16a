package replay_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/replay"
)

// decider is a listener that decides something at one border: from when the replay
// has seen that settled, it wants to look at it an hour later.
type decider struct {
	*monitor.Monitors
	replay.States
	at      trimtab.Time
	settled *bool
}

func (d decider) Settled(ctx context.Context, endpoint string, w trimtab.Time, listeners []string) (bool, *trimtab.Settlement, error) {
	ok, held, err := d.States.Settled(ctx, endpoint, w, listeners)
	*d.settled = *d.settled || ok && w == d.at
	return ok, held, err
}

func (d decider) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error) {
	next, err := d.Monitors.Border(ctx, ws, endpoint, t)
	if look := d.at.Add(time.Hour); *d.settled && t < look {
		next = min(next, look)
	}
	return next, err
}

// TestReplayStopsForWhatABorderDecided: what is decided while a border settles may
// want to look before the next border that was known until then.
func TestReplayStopsForWhatABorderDecided(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(44, single, "id"), "id")
	s.declare("a", trimtab.EndpointSpec{}, "1d")
	cfg := s.config()
	at := trimtab.TimeOf(time.Date(2013, 3, 2, 6, 0, 0, 0, time.UTC)) // the first day's labels are mature
	d := decider{Monitors: s.monitor, States: cfg.States, at: at, settled: new(bool)}
	cfg.Listeners, cfg.States = d, d
	var marks []trimtab.Time
	cfg.Moved = func(x trimtab.EndpointState) {
		if n := len(marks); x.Watermark != 0 && (n == 0 || marks[n-1] != x.Watermark) {
			marks = append(marks, x.Watermark)
		}
	}
	r := replay.New(cfg)
	x, err := r.Start(t.Context(), replay.StartOptions{Endpoint: "a", Source: "s"})
	s.must(err)
	s.must(r.Reconcile(t.Context(), trimtab.DefaultWorkspace, x.ID))
	if look := at.Add(time.Hour); !slices.Contains(marks, at) || !slices.Contains(marks, look) {
		t.Errorf("the replay went through %v, expected both %v and %v, which was asked for when the first was settled", marks, at, look)
	}
}
