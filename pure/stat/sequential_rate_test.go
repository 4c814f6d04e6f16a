package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The evidence is the mixture that it claims to be: ∫ of the likelihood ratio over the prior, by the midpoint rule.
func TestRateEvidenceIsMixture(t *testing.T) {
	for _, c := range []struct{ k, n, p, a, b float64 }{{3, 10, 0.5, 1, 1}, {0, 40, 0.1, 2, 5}, {40, 40, 0.7, 2, 5}, {120, 4000, 0.05, 3, 60}} {
		var whole, above, aboveMass Sum
		const steps = 400_000
		for i := range steps {
			q := (float64(i) + 0.5) / steps
			d := math.Exp(logBetaDensity(q, c.a, c.b))
			ratio := d * math.Exp(c.k*math.Log(q/c.p)+(c.n-c.k)*(math.Log1p(-q)-math.Log1p(-c.p))) / steps
			whole.Add(ratio)
			if q > c.p {
				above.Add(ratio)
				aboveMass.Add(d / steps)
			}
		}
		prior := RatePrior{c.a, c.b}
		if got, want := rateEvidence(c.k, c.n, prior, c.p), math.Log(whole.Value()); math.Abs(got-want) > 1e-6 {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
		if got, want := RateAbove(c.k, c.n, c.p, prior), math.Log(above.Value()/aboveMass.Value()); math.Abs(got-want) > 1e-4 {
			t.Errorf("%v: above %v, want %v", c, got, want)
		}
	}
	// Far below the limit both ways to compute agree where they meet, and nothing is infinite.
	a, b := RateAbove(10, 5000, 0.2, RatePrior{}), RateAbove(10, 6000, 0.2, RatePrior{})
	if c := RateAbove(10, 60_000, 0.2, RatePrior{}); !(c < b && b < a && a < 0) || math.IsInf(c, 0) {
		t.Errorf("%v, %v, %v", a, b, c)
	}
}

// With a flat prior the interval of k of n has a closed form to check: C(n,k)·(n+1)·p^k·(1-p)^(n-k) > α.
func TestRateInterval(t *testing.T) {
	var s Sequential
	ci := s.Rate(2, 10, RatePrior{1, 1})
	for _, p := range []float64{ci.Lo, ci.Hi} {
		if v := 45 * 11 * math.Pow(p, 2) * math.Pow(1-p, 8); math.Abs(v-0.05) > 1e-12 {
			t.Errorf("%v: %v at %v", ci, v, p)
		}
	}
	if ci := s.Rate(0, 10, RatePrior{}); ci.Lo != 0 || !(ci.Hi > 0.3 && ci.Hi < 0.6) {
		t.Errorf("none of 10: %v", ci)
	}
	if ci := s.Rate(10, 10, RatePrior{}); ci.Hi != 1 || !(ci.Lo > 0.4 && ci.Lo < 0.7) {
		t.Errorf("all of 10: %v", ci)
	}
	if ci := s.Rate(0, 0, RatePrior{}); ci != (Interval{0, 1}) {
		t.Errorf("nothing: %v", ci)
	}
	wide, narrow := s.Rate(20, 1000, RatePrior{}), s.Rate(20, 1000, PriorOf(2000, 100_000, 1000))
	if narrow.Hi-narrow.Lo > 0.9*(wide.Hi-wide.Lo) {
		t.Errorf("a right prior: %v, none %v", narrow, wide)
	}
	for name, v := range map[string]float64{
		"too many": s.Rate(3, 2, RatePrior{}).Lo, "prior": s.Rate(1, 2, RatePrior{1, 0}).Lo, "limit 0": RateAbove(1, 2, 0, RatePrior{}), "NaN": s.Rate(math.NaN(), 2, RatePrior{}).Lo,
		"difference": s.RateDifference(Arm{K: 3, N: 2}, Arm{N: 2}).Lo, "margin": RateDifferenceAbove(Arm{N: 2}, Arm{N: 2}, 2), "level": Sequential{Level: 1}.Rate(1, 2, RatePrior{}).Lo,
	} {
		if v == v {
			t.Errorf("%s: %v, want NaN", name, v)
		}
	}
}

func TestRateDifference(t *testing.T) {
	var s Sequential
	a, b := Arm{K: 30, N: 3000}, Arm{K: 25, N: 500}
	ci := s.RateDifference(a, b)
	if !(ci.Lo > 0 && ci.Lo < 0.04 && ci.Hi > 0.04 && ci.Hi < 0.15) {
		t.Errorf("%v", ci)
	}
	// The same from a fine grid of pairs of rates.
	lo, hi := 1.0, -1.0
	for i := range 400 {
		p := float64(i) / 400 * 0.05
		for j := range 800 {
			q := float64(j) / 800 * 0.16
			if rateEvidence(a.K, a.N, a.Prior, p)+rateEvidence(b.K, b.N, b.Prior, q) < Threshold(0.05) {
				lo, hi = min(lo, q-p), max(hi, q-p)
			}
		}
	}
	if math.Abs(lo-ci.Lo) > 4e-4 || math.Abs(hi-ci.Hi) > 4e-4 {
		t.Errorf("%v, by grid %v %v", ci, lo, hi)
	}
	if e := RateDifferenceAbove(a, b, ci.Lo); math.Abs(e-Threshold(0.05)) > 1e-6 {
		t.Errorf("evidence at the bound: %v", e)
	}
	if e := RateDifferenceAbove(b, a, 0); e > 0 {
		t.Errorf("evidence for the wrong side: %v", e)
	}
	if ci := s.RateDifference(Arm{}, b); ci != (Interval{-1, 1}) {
		t.Errorf("one side: %v", ci)
	}
	if ci := s.RateDifference(Arm{N: 50}, Arm{K: 50, N: 50}); !(ci.Hi == 1 && ci.Lo > 0.6) {
		t.Errorf("nothing against all: %v", ci)
	}
}

// A look after every trial of 3,000 at a rate of 2 %, with a wrong prior too; and the difference of equal rates with a
// share of trials that steps up.
func TestRateCovers(t *testing.T) {
	trials := reduced(2000)
	for name, prior := range map[string]RatePrior{"none": {}, "wrong": PriorOf(500, 5000, 500)} {
		rate := failures(trials, 3, func(r *rand.Rand) bool {
			k := 0.0
			bad := false
			for n := 1.0; n <= 3000 && !bad; n++ {
				if r.Float64() < 0.02 {
					k++
				}
				bad = rateEvidence(k, n, prior, 0.02) >= Threshold(0.05)
			}
			return bad
		})
		above := failures(trials, 4, func(r *rand.Rand) bool {
			k := 0.0
			for n := 1.0; n <= 3000; n++ {
				if r.Float64() < 0.02 {
					k++
				}
				if RateAbove(k, n, 0.02, prior) >= Threshold(0.05) {
					return true
				}
			}
			return false
		})
		t.Logf("prior %s: interval misses %.4f, above misleads %.4f", name, rate, above)
		if rate > allowed(trials) || above > allowed(trials) {
			t.Errorf("prior %s: %v %v", name, rate, above)
		}
	}
	worse, better := 0.0, 0.0
	both := failures(trials, 5, func(r *rand.Rand) bool {
		a, b := Arm{Prior: PriorOf(60, 3000, 1000)}, Arm{Prior: PriorOf(60, 3000, 100)}
		up, down := false, false
		for n := range 4000 {
			side := &a
			if r.Float64() < []float64{0.01, 0.05, 0.25, 0.5}[n/1000] {
				side = &b
			}
			side.N++
			if r.Float64() < 0.02 {
				side.K++
			}
			if n%20 == 0 {
				up = up || RateDifferenceAbove(a, b, 0) >= Threshold(0.05)
				down = down || RateDifferenceAbove(b, a, 0) >= Threshold(0.05)
			}
		}
		if up {
			worse++
		}
		if down {
			better++
		}
		return up || down
	})
	t.Logf("equal rates: called worse %.4f, better %.4f", worse/float64(trials), better/float64(trials))
	if both > allowed(trials) {
		t.Errorf("equal rates: %v", both)
	}
}

func TestSampleRatio(t *testing.T) {
	// For two sides it is the beta-binomial with the concentrated prior.
	if got, want := SampleRatio([]float64{60, 40}, []float64{1, 1}, 20), rateEvidence(60, 100, RatePrior{10, 10}, 0.5); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
	// The formula of the paper, with gammas.
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	counts, shares := []float64{812, 95, 93}, []float64{0.8, 0.15, 0.05}
	want := lg(50) - lg(50+1000)
	for i := range counts {
		want += lg(50*shares[i]+counts[i]) - lg(50*shares[i]) - counts[i]*math.Log(shares[i])
	}
	if got := SampleRatio(counts, shares, 50); math.Abs(got-want) > 1e-8 {
		t.Errorf("%v, want %v", got, want)
	}
	trials := reduced(2000)
	rate := failures(trials, 6, func(r *rand.Rand) bool {
		counts := make([]float64, 3)
		bad := false
		for range 3000 {
			u := r.Float64()
			switch {
			case u < 0.9:
				counts[0]++
			case u < 0.96:
				counts[1]++
			default:
				counts[2]++
			}
			bad = bad || SampleRatio(counts, []float64{90, 6, 4}, 100) >= Threshold(0.05)
		}
		return bad
	})
	if rate > allowed(trials) {
		t.Errorf("misleads %.4f", rate)
	}
	// A fifth of the canary's requests lost is found.
	if e := SampleRatio([]float64{95_000, 4_000}, []float64{95, 5}, 0); e < Threshold(0.01) {
		t.Errorf("evidence %v", e)
	}
	if e := SampleRatio([]float64{0, 0}, []float64{1, 1}, 0); e != 0 {
		t.Errorf("nothing: %v", e)
	}
	for name, v := range map[string]float64{"share 0": SampleRatio([]float64{1, 1}, []float64{0, 1}, 0), "negative": SampleRatio([]float64{-1, 1}, []float64{1, 1}, 0), "concentration": SampleRatio([]float64{1, 1}, []float64{1, 1}, -1)} {
		if v == v {
			t.Errorf("%s: %v, want NaN", name, v)
		}
	}
}

func TestSameShares(t *testing.T) {
	trials := reduced(2000)
	rate := failures(trials, 7, func(r *rand.Rand) bool {
		a, b := make([]float64, 5), make([]float64, 5)
		bad := false
		for range 2000 {
			side := a
			if r.Float64() < 0.2 {
				side = b
			}
			side[min(4, int(r.ExpFloat64()*2))]++
			bad = bad || SameShares(a, b, 0.2, 0) >= Threshold(0.05)
		}
		return bad
	})
	if rate > allowed(trials) {
		t.Errorf("misleads %.4f", rate)
	}
	if e := SameShares([]float64{500, 300, 200}, []float64{30, 30, 40}, 1./11, 0); e < Threshold(0.01) {
		t.Errorf("evidence %v", e)
	}
	if e := SameShares([]float64{500, 300, 200}, []float64{50, 30, 20}, 1./11, 0); e > 0 {
		t.Errorf("evidence of equal shares %v", e)
	}
	if e := SameShares([]float64{0, 0}, []float64{0, 0}, 0.5, 0); e != 0 {
		t.Errorf("nothing: %v", e)
	}
	for name, e := range map[string]float64{"negative": SameShares([]float64{-1}, []float64{1}, 0.5, 0), "share": SameShares([]float64{1}, []float64{1}, 1, 0), "concentration": SameShares([]float64{1}, []float64{1}, 0.5, -1)} {
		if e == e {
			t.Errorf("%s: %v, want NaN", name, e)
		}
	}
}
