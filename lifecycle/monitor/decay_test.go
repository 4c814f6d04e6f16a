package monitor_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/trimtab/trimtab"
)

// calm is a world without faults whose version 1 says the true probability.
func calm(t *testing.T, days int) *loopWorld {
	w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
	w.rows, w.until = weather(0, 24*days, 12), began+trimtab.Time(days)*dayMS+dayMS/2
	for i := range w.rows {
		w.rows[i].score = w.rows[i].own
	}
	return w
}

// on applies f to the rows of some days.
func (w *loopWorld) on(from, to int, f func(i int, x *servedRow)) {
	for i := range w.rows {
		if x := &w.rows[i]; x.at >= began+trimtab.Time(from)*dayMS && x.at < began+trimtab.Time(to)*dayMS {
			f(i, x)
		}
	}
}

// TestDecay lets labels turn away from the scores for some days: what was expected stays, what is measured is worse,
// and the incident lasts as long as it does.
func TestDecay(t *testing.T) {
	w := calm(t, 16)
	r := rand.New(rand.NewPCG(3, 3))
	w.on(10, 13, func(_ int, x *servedRow) {
		if r.Float64() < 0.4 {
			x.label = float64(r.IntN(2))
		}
	})
	got, _ := w.tell("ep", loopSpec, 0)
	i := got.only(t, trimtab.Decay)
	day := func(n trimtab.Time) trimtab.Time { return began + n*dayMS }
	if i.Begin != day(10) || i.Found != day(12)+dayMS/2 || i.Closed == 0 || i.End < day(13) || i.End > day(15) || i.Hold || len(i.Evidence) != 1 {
		t.Errorf("%+v", i)
	}
	for _, x := range got.Windows[:16] {
		e, q := quality(x.Estimated, "auc"), quality(x.Quality, "auc")
		bad := x.Start >= day(10) && x.Start < day(13)
		switch {
		case x.Start == began:
			if len(x.Estimated) != 0 || x.Reliable != nil || x.Unreliable == "" {
				t.Errorf("the first window: %+v", x)
			}
		case !e.HasInterval || x.Reliable == nil || !*x.Reliable:
			t.Errorf("%s: no reliable estimate: %+v, %s", x.Start, x.Estimated, x.Unreliable)
		case bad == (q.Value > e.Lo) && (bad || q.Value < e.Lo-0.02):
			t.Errorf("%s: expected %+v, measured %+v", x.Start, e, q)
		}
		if slices.Contains(x.Incidents, i.ID) != (x.Start >= i.Begin && x.Through >= i.Found && (x.Start < i.End || x.Through < i.Closed)) {
			t.Errorf("%s: incidents %v", x.Start, x.Incidents)
		}
	}
	for _, i := range got.Incidents {
		if i.Kind != trimtab.Decay && i.Kind != trimtab.Miscalibration {
			t.Errorf("%+v", i)
		}
	}
}

func quality(all []trimtab.Quality, metric string) trimtab.Quality {
	for _, q := range all {
		if q.Metric == metric {
			return q
		}
	}
	return trimtab.Quality{}
}

// TestMiscalibration has scores that are too low for four days.
func TestMiscalibration(t *testing.T) {
	w := calm(t, 18)
	w.on(5, 9, func(_ int, x *servedRow) { x.score *= 0.6 })
	got, _ := w.tell("ep", loopSpec, 0)
	i := got.only(t, trimtab.Miscalibration)
	if i.Begin != began+5*dayMS || i.Found != began+7*dayMS+dayMS/2 || i.Closed == 0 {
		t.Errorf("%+v", i)
	}
	for d, x := range got.Windows[:18] {
		q, ece := quality(x.Calibration, "calibration_in_the_large"), quality(x.Calibration, "ece")
		if !q.HasInterval || (q.Lo > 0.2) != (d >= 5 && d < 9) || ece.Value <= 0 || (ece.Value > 0.15) != (d >= 5 && d < 9) {
			t.Errorf("day %d: %+v", d, x.Calibration)
		}
	}
}

// TestStops lets traffic fall to nothing, and labels stop without that.
func TestStops(t *testing.T) {
	w := calm(t, 14)
	w.on(5, 7, func(i int, x *servedRow) { x.unlabelled = i%20 != 0 })
	w.rows = slices.DeleteFunc(w.rows, func(x servedRow) bool { return x.at >= began+9*dayMS && x.at < began+11*dayMS })
	got, _ := w.tell("ep", loopSpec, 0)
	labels, rows := got.only(t, trimtab.LabelsStopped), got.only(t, trimtab.TrafficStopped)
	day := func(n trimtab.Time) trimtab.Time { return began + n*dayMS }
	if labels.Begin != day(5) || labels.End != day(7) || labels.Found != day(6)+dayMS/2 || labels.Closed != day(8)+dayMS/2 {
		t.Errorf("%+v", labels)
	}
	if rows.Begin != day(9) || rows.End != day(11) || rows.Found != day(10) || rows.Closed != day(12) {
		t.Errorf("%+v", rows)
	}
	for _, i := range got.Incidents {
		if i.Hold {
			t.Errorf("%+v", i)
		}
	}
}
