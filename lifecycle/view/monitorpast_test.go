package view

import (
	"math"
	"testing"

	"github.com/trimtab/trimtab"
)

// Neighbouring windows make one point: rows are summed, the metric is weighed, what
// nobody measured is absent.
func TestMonitorPast(t *testing.T) {
	var all []PastWindow
	for n := range 7 {
		w := trimtab.WindowResult{Start: trimtab.Time(n * 10), End: trimtab.Time(n*10 + 10), Rows: 100, Labelled: int64(n), Quality: []trimtab.Quality{{Metric: "rmse", Value: 9}, {Metric: "auc", Value: float64(n), HasInterval: true, Lo: float64(n) - 1, Hi: float64(n) + 1}}}
		for range n % 3 {
			w.Drift = append(w.Drift, trimtab.ColumnDrift{State: "drift"}, trimtab.ColumnDrift{State: "ok"})
		}
		if n == 6 {
			w.Quality = nil
		}
		all = append(all, PastWindowOf(w, "auc"))
	}
	p := MonitorPastOf(all, "auc", 4)
	if p.Each != 2 || p.Windows != 7 || len(p.Start) != 4 || len(p.Value) != 4 {
		t.Fatalf("%+v", p)
	}
	if p.Start[1] != 20 || p.End[1] != 40 || p.Rows[1] != 200 || p.Rows[3] != 100 || p.Drifted[1] != 2 || p.Lo[1] != 1 || p.Hi[1] != 4 {
		t.Errorf("%+v", p)
	}
	if want := (2*2 + 3*3) / 5.; math.Abs(float64(p.Value[1])-want) > 1e-5 {
		t.Errorf("%v, want %v", p.Value[1], want)
	}
	if !math.IsNaN(float64(p.Value[3])) || !math.IsNaN(float64(p.Hi[3])) {
		t.Errorf("%v", p.Value[3])
	}
	if one := MonitorPastOf(all, "auc", 400); one.Each != 1 || len(one.Rows) != 7 {
		t.Errorf("%+v", one)
	}
	if none := MonitorPastOf(nil, "", 400); none.Windows != 0 || none.Start == nil {
		t.Errorf("%+v", none)
	}
}
