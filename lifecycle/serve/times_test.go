package serve

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTimes: a quantile is never below the true one and at most a quarter above, from microseconds to minutes.
func TestTimes(t *testing.T) {
	var c times
	if c.quantile(0.99) != 0 {
		t.Error("a quantile of nothing")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(math.Exp(r.Float64()*18) * float64(4*stepUnit))
		all = append(all, d)
		c.add(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		want := all[int(math.Ceil(q*float64(len(all))))-1]
		if got := c.quantile(q); got < want || float64(got) > 1.25*float64(want)+float64(stepUnit) {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	for _, d := range []time.Duration{-1, 0, 1, stepUnit, 5 * stepUnit, time.Hour, math.MaxInt64} {
		var c times
		c.add(d) // never beyond the table
		if got := c.quantile(0.99); got < min(d, 15*time.Minute) {
			t.Errorf("%v: %v", d, got)
		}
	}
}
