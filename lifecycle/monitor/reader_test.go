package monitor_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
)

// TestReaderShowsWhatWasCompared reads windows of a history with a fault and quarantined rows again: shares, references
// and counts of what is shown are those that the monitor wrote down when it looked.
func TestReaderShowsWhatWasCompared(t *testing.T) {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	w.tell("e", loopSpec, 0)
	all, err := w.db.Windows.List(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	ctx := trimtab.WithCall(t.Context(), trimtab.Call{Workspace: trimtab.DefaultWorkspace})
	r := monitor.NewReader(w.cfg)
	for day, x := range all {
		for _, d := range x.Drift {
			got, err := r.Distribution(ctx, x, nil, d.Column)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Samples) != 2 || got.Samples[0].Name != d.Reference || got.Samples[0].Role != "reference" || got.Samples[1].Role != "window" {
				t.Fatalf("day %d, %s: %+v, want the reference %q and the window", day, d.Column, got.Samples, d.Reference)
			}
			s := got.Samples[1]
			if s.Rows != x.Rows-x.Held-x.Quarantined {
				t.Errorf("day %d, %s: %d rows, want %d-%d-%d", day, d.Column, s.Rows, x.Rows, x.Held, x.Quarantined)
			}
			if present := float64(s.Rows - s.Missing); s.Rows > 0 && (math.Abs(float64(s.Below)/present-d.Below) > 1e-12 || math.Abs(float64(s.Above)/present-d.Above) > 1e-12) {
				t.Errorf("day %d, %s: %d below, %d above of %v; want %v %v", day, d.Column, s.Below, s.Above, present, d.Below, d.Above)
			}
			for k, s := range got.Samples {
				sum := s.Missing + s.Invalid + s.Below + s.Above
				for _, b := range got.Bins {
					sum += b.Rows[k]
				}
				if sum != s.Rows {
					t.Errorf("day %d, %s, %s: bins and the rest have %d of %d rows", day, d.Column, s.Name, sum, s.Rows)
				}
			}
			if !slices.IsSortedFunc(got.Bins, func(a, b monitor.DistributionBin) int { return int(a.Lo - b.Lo) }) || len(got.Bins) > 40 {
				t.Errorf("day %d, %s: bins %+v", day, d.Column, got.Bins)
			}
		}
		o, err := r.Outcome(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		kept := int64(0)
		for _, k := range o.Kept {
			kept += k.Rows
			if k.Incident == "" && k.Rule != "wind.max" {
				t.Errorf("day %d: kept out by %+v", day, k)
			}
		}
		if o.Rows != x.Rows || kept != x.Held+x.Quarantined || o.Labelled != x.Labelled {
			t.Errorf("day %d: %+v, want %d rows, %d kept out, %d labelled", day, o, x.Rows, x.Held+x.Quarantined, x.Labelled)
		}
		n := int64(0)
		for _, p := range o.Curve {
			n += p.Rows
			if !(p.Lo <= p.Observed && p.Observed <= p.Hi) {
				t.Errorf("day %d: %+v", day, p)
			}
		}
		if n != o.Labelled || (o.Lag == nil) != (n == 0) || o.Lag != nil && (o.Lag.P50 != 5*int64(hourMS) || o.Lag.Labels != n) {
			t.Errorf("day %d: a curve of %d rows, lag %+v", day, n, o.Lag)
		}
	}
	// A window beside another, a category, and a column that nobody has.
	x, y := all[2], all[1]
	both, err := r.Distribution(ctx, x, &y, "place")
	if err != nil || both.Kind != "category" || len(both.Samples) != 3 || both.Samples[2].Role != "against" || len(both.Bins) != 3 {
		t.Errorf("%+v %v", both, err)
	}
	nothing, err := r.Distribution(ctx, x, nil, "nothing")
	if err != nil || len(nothing.Bins) != 0 || len(nothing.Samples) != 1 || nothing.Samples[0].Missing != nothing.Samples[0].Rows {
		t.Errorf("%+v %v", nothing, err)
	}
	x.Monitor = "other"
	if _, err := r.Outcome(ctx, x); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a monitor that is not there: %v", err)
	}
}
