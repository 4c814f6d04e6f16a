package sql

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSeriesFold folds walks whose range is known or grows, in order or not, and
// holds what is kept against all points.
func TestSeriesFold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name    string
		n       int
		x       func(i int) float64
		spanned bool
	}{
		{"few", 20, func(i int) float64 { return float64(i) }, false},
		{"known range", 10_000, func(i int) float64 { return float64(i) }, true},
		{"growing", 10_000, func(i int) float64 { return float64(i) * 7 }, false},
		{"falling", 10_000, func(i int) float64 { return -float64(i) }, false},
		{"in no order", 10_000, func(int) float64 { return math.Floor(rng.Float64() * 1e6) }, false},
		{"one place", 10_000, func(int) float64 { return 5 }, false},
		{"one place, known", 10_000, func(int) float64 { return 5 }, true},
		{"late leap", 10_000, func(i int) float64 { return float64(i) + 1e12*math.Floor(float64(i)/9999) }, false},
		{"far apart", 3000, func(i int) float64 { return (float64(i) - 1500) * 6e15 }, true},
	} {
		f := &seriesFold{most: 50}
		var all []SeriesPoint
		for i := range c.n {
			p := SeriesPoint{X: c.x(i), Value: math.Sin(float64(i)), step: int64(i)}
			if i == c.n/3 {
				p.Value = math.NaN()
			}
			if i == c.n/2 {
				p.Value = 9
			}
			all = append(all, p)
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range all {
			lo, hi = min(lo, p.X), max(hi, p.X)
		}
		if c.spanned {
			f.span(lo, hi)
		}
		for _, p := range all {
			f.add(p)
		}
		got := f.points()
		if f.count != int64(c.n) || f.exact() != (c.n <= 100) || len(got) > 152 && !f.exact() {
			t.Errorf("%s: exact %v, %d of %d points", c.name, f.exact(), len(got), f.count)
		}
		var top float64
		holes := 0
		for i, p := range got {
			if i > 0 && p.X < got[i-1].X {
				t.Errorf("%s: point %d is out of order", c.name, i)
			}
			if math.IsNaN(p.Value) {
				holes++
			} else {
				top = max(top, p.Value)
			}
		}
		if top != 9 || holes < 1 || got[0].X != lo || got[len(got)-1].X != hi {
			t.Errorf("%s: highest %v, %d holes, from %v to %v, want 9, 1, %v, %v", c.name, top, holes, got[0].X, got[len(got)-1].X, lo, hi)
		}
	}
}
