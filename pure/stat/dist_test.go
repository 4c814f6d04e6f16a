package stat

import (
	"math"
	"testing"
)

// Values of scipy 1.17.1: stats.chi2.sf, f.sf, t.sf, norm.sf, hypergeom.cdf and sf, fisher_exact.
func TestTails(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"chi2(3.84, 1)", ChiSquareTail(3.84, 1), 0.05004352124870519},
		{"chi2(100, 9)", ChiSquareTail(100, 9), 1.5735176303753876e-17},
		{"chi2(1, 50)", ChiSquareTail(1, 50), 1},
		{"chi2(0, 3)", ChiSquareTail(0, 3), 1},
		{"f(1, 1, 1)", FTail(1, 1, 1), 0.5},
		{"normal", NormalTail(1.959963984540054), 0.025},
		{"normal far", NormalTail(10), 7.61985302416047e-24},
		{"t(1, 1)", StudentTail(1, 1), 0.25},
		{"t(-1, 1)", StudentTail(-1, 1), 0.75},
		{"t infinite", StudentTail(2, math.Inf(1)), NormalTail(2)},
	} {
		if math.Abs(c.got-c.want) > 1e-12*math.Abs(c.want) {
			t.Errorf("%s = %.17g, want %.17g", c.name, c.got, c.want)
		}
	}
	for _, v := range []float64{ChiSquareTail(math.NaN(), 1), ChiSquareTail(1, 0), FTail(1, -1, 2), StudentTail(1, 0)} {
		if v == v {
			t.Errorf("%v where nothing is defined", v)
		}
	}
}

// TestHypergeometric: tails against sums of all tables, and a table that everybody knows: Fisher's tea, 3 of 4 right.
func TestHypergeometric(t *testing.T) {
	if p := FisherExact(1, 4, 3, 4); math.Abs(p-34.0/70) > 1e-12 {
		t.Errorf("the lady tasting tea: %v", p)
	}
	for _, c := range [][4]int64{{0, 10, 3, 7}, {5, 9, 5, 9}, {40, 1000, 12, 90}, {0, 5, 0, 5}, {5, 5, 5, 5}, {7, 20, 0, 20}} {
		a, n, b, m := c[0], c[1], c[2], c[3]
		k := a + b
		down, up := 0.0, 0.0
		for x := max(0, k-n); x <= min(k, m); x++ {
			p := math.Exp(logHypergeometric(k-x, n, x, m))
			if x <= b {
				down += p
			}
			if x >= b {
				up += p
			}
		}
		gotDown, gotUp := HypergeometricTail(a, n, b, m)
		if math.Abs(gotDown-min(1, down)) > 1e-11 || math.Abs(gotUp-min(1, up)) > 1e-11 {
			t.Errorf("%v: %v and %v, want %v and %v", c, gotDown, gotUp, down, up)
		}
	}
	if lo, hi := HypergeometricTail(3, 2, 1, 1); lo == lo || hi == hi {
		t.Error("3 of 2")
	}
}
