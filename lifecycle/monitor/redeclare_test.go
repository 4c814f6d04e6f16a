package monitor_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
)

// TestMonitorRedeclared changes a monitor's window after windows were closed: it
// goes on behind what is closed, measures no moment twice, and settles.
func TestMonitorRedeclared(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	w.declare("m", trimtab.MonitorSpec{Window: "1d"})
	events, r := history(), rand.New(rand.NewPCG(5, 5))
	m := monitor.New(w.config())
	reach := func(from, b trimtab.Time) {
		t.Helper()
		w.send("m", events, from, b, r)
		w.advance("m", b)
		if err := m.Reconcile(t.Context(), trimtab.DefaultWorkspace, "m"); err != nil {
			t.Fatalf("at %s: %v", b, err)
		}
		settled, err := w.db.Endpoints.Settlements(t.Context(), "m")
		if err != nil || len(settled) != 1 || settled[0].Through != b {
			t.Fatalf("at %s: settled %+v, %v", b, settled, err)
		}
	}
	reach(0, began+3*dayMS)
	w.redeclare("m", trimtab.MonitorSpec{Endpoint: "m", Window: trimtab.Monthly})
	reach(began+3*dayMS, began+70*dayMS)
	all := w.windows("m")
	for i := 1; i < len(all); i++ {
		if all[i].Start < all[i-1].End {
			t.Errorf("windows %d and %d overlap: %s to %s, %s to %s", i-1, i, all[i-1].Start, all[i-1].End, all[i].Start, all[i].End)
		}
	}
	if len(all) != 4 || all[3].Start != trimtab.TimeOf(time.Date(2013, 4, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%d windows, want three days of March and April: %+v", len(all), all)
	}
}
