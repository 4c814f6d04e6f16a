package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The numbers of the paper's closed form, theorem 2.2: ±√(2(nρ²+1)/(n²ρ²)·log(√(nρ²+1)/α)).
func TestSequentialMeanFormula(t *testing.T) {
	s := Sequential{Level: 0.95, Tune: 400}
	l := -2 * math.Log(0.05)
	rho2 := (l + math.Log(1+l)) / 400
	for _, n := range []float64{1, 30, 400, 1e6} {
		want := 3 * math.Sqrt(2*(n*rho2+1)/(n*n*rho2)*math.Log(math.Sqrt(n*rho2+1)/0.05))
		if ci := s.Mean(n, 7, 9); math.Abs(ci.Hi-7-want) > 1e-10*want || math.Abs(7-ci.Lo-want) > 1e-10*want {
			t.Errorf("n=%v: %v, want ± %v", n, ci, want)
		}
		// With endless degrees of freedom the t sequence is the normal one.
		a, b := s.T(n, 7, 3/math.Sqrt(n), 1e9), s.Mean(n, 7, 9)
		if math.Abs(a.Hi-b.Hi) > 1e-6*(b.Hi-7) {
			t.Errorf("n=%v: t %v, normal %v", n, a, b)
		}
		if a, b := s.Above(n, 1, 3/math.Sqrt(n), 1e9), s.Above(n, 1, 3/math.Sqrt(n), math.Inf(1)); math.Abs(a-b) > 1e-4*math.Abs(b) {
			t.Errorf("n=%v: evidence of t %v, normal %v", n, a, b)
		}
		lower := s.Lower(n, 7, 3/math.Sqrt(n), math.Inf(1))
		if ci := s.Mean(n, 7, 9); lower < ci.Lo {
			t.Errorf("n=%v: the one-sided bound %v is below %v", n, lower, ci.Lo)
		}
		if e := s.Above(n, 7-lower, 3/math.Sqrt(n), math.Inf(1)); math.Abs(e-Threshold(0.05)) > 1e-9 {
			t.Errorf("n=%v: evidence at the bound %v", n, e)
		}
	}
	// Narrowest near Tune among other tunings.
	at := s.Mean(400, 0, 1).Hi
	for _, tune := range []float64{100, 200, 800, 1600} {
		if other := (Sequential{Tune: tune}).Mean(400, 0, 1).Hi; other < at || other > 1.12*at {
			t.Errorf("tuned for %v: %v, for 400: %v", tune, other, at)
		}
	}
}

// The evidence is the integral that it claims to be: the likelihood ratio of the noncentral t over a half-normal
// mixture, here for the normal case by the midpoint rule.
func TestSequentialAboveIsMixture(t *testing.T) {
	s := Sequential{Tune: 50}
	for _, n := range []float64{5, 50, 500} {
		for _, mean := range []float64{-0.5, 0, 0.1, 0.4} {
			sd := math.Sqrt(s.ratio(n) / n) // of the mixture, for observations of variance 1
			var sum Sum
			const steps = 200_000
			for i := range steps {
				d := (float64(i) + 0.5) / steps * 12 * sd
				sum.Add(2 * math.Exp(n*mean*d-n*d*d/2-d*d/(2*sd*sd)) / (sd * math.Sqrt(2*math.Pi)) * 12 * sd / steps)
			}
			if got, want := s.Above(n, mean, 1/math.Sqrt(n), math.Inf(1)), math.Log(sum.Value()); math.Abs(got-want) > 1e-5 {
				t.Errorf("n=%v mean=%v: %v, want %v", n, mean, got, want)
			}
		}
	}
}

// The same for Student's evidence: for standardised effects the density of t given the scale invariant data is, up to a
// factor, ∫ u^(n-1)·exp(-(u²·(n-1+t²)/… )); integrated over the scale with its Haar prior and over the half-normal.
func TestSequentialTIsMixture(t *testing.T) {
	s := Sequential{Tune: 6}
	for _, n := range []float64{3, 6, 20} {
		for _, tv := range []float64{-1, 0, 1.5, 4} {
			r := s.ratio(n)
			sd := math.Sqrt(r / n)
			df := n - 1
			// x̄ = t/√n with sample variance 1: log-likelihood of effect d and precision root u, up to a constant.
			x := tv / math.Sqrt(n)
			like := func(d, u float64) float64 {
				return n*math.Log(u) - (df*u*u+n*(x*u-d)*(x*u-d))/2
			}
			var above, null Sum
			const us, ds = 800, 1000
			for i := range us {
				u := (float64(i) + 0.5) / us * 6
				null.Add(math.Exp(like(0, u)) / u)
				for j := range ds {
					d := (float64(j) + 0.5) / ds * 8 * sd
					above.Add(math.Exp(like(d, u)-d*d/(2*sd*sd)) / u * 2 / (sd * math.Sqrt(2*math.Pi)) * 8 * sd / ds)
				}
			}
			if got, want := s.Above(n, tv, 1, df), math.Log(above.Value()/null.Value()); math.Abs(got-want) > 1e-3 {
				t.Errorf("n=%v t=%v: %v, want %v", n, tv, got, want)
			}
		}
	}
}

// failures counts how often f refuses at any of the looks.
func failures(trials int, seed uint64, f func(r *rand.Rand) bool) float64 {
	r := rand.New(rand.NewPCG(seed, 77))
	failed := 0
	for range trials {
		if f(r) {
			failed++
		}
	}
	return float64(failed) / float64(trials)
}

// allowed is the error of 5 % with 4 deviations of the count.
func allowed(trials int) float64 { return 0.05 + 4*math.Sqrt(0.05*0.95/float64(trials)) }

// A look after every row of 2,000: fixed intervals fail nearly always in the end, the sequence at most in 5 of 100.
func TestSequentialMeanCovers(t *testing.T) {
	trials := reduced(4000)
	s := Sequential{Tune: 200}
	fixed := 0.0
	rate := failures(trials, 1, func(r *rand.Rand) bool {
		var sum, sum2 float64
		bad, peeked := false, false
		for i := 1; i <= 2000; i++ {
			x := r.ExpFloat64() // skewed, mean 1
			sum, sum2 = sum+x, sum2+x*x
			n := float64(i)
			if i < 200 {
				continue // an asymptotic sequence
			}
			m := sum / n
			v := sum2/n - m*m
			ci := s.Mean(n, m, v)
			bad = bad || ci.Lo > 1 || ci.Hi < 1
			ci = NormalInterval(m, math.Sqrt(v/n), 0.95)
			peeked = peeked || ci.Lo > 1 || ci.Hi < 1
		}
		if peeked {
			fixed++
		}
		return bad
	})
	t.Logf("misses: sequence %.4f, fixed intervals %.4f", rate, fixed/float64(trials))
	if rate > allowed(trials) || fixed/float64(trials) < 0.2 {
		t.Errorf("misses %.4f", rate)
	}
}

// Blocks of unequal size with correlated rows, a look after each from the second on, under the null and with a mean
// below 0.
func TestSequentialBlocksCover(t *testing.T) {
	trials := reduced(10_000)
	s := Sequential{Tune: 12}
	for _, test := range []struct {
		name        string
		shift       float64
		equal       bool
		correlation float64
	}{{"equal sizes", 0, true, 0.3}, {"unequal sizes", 0, false, 0.3}, {"unequal, independent", 0, false, 0}, {"harm", -0.1, false, 0.3}} {
		one := 0.0
		two := failures(trials, 2, func(r *rand.Rand) bool {
			var blocks []Block
			bad, above := false, false
			for range 60 {
				var b Block
				d := test.shift + math.Sqrt(test.correlation)*r.NormFloat64()
				n := 20
				if !test.equal {
					n = 2 + r.IntN(60)
				}
				for range n {
					b.Add(d + r.NormFloat64())
				}
				blocks = append(blocks, b)
				_, ci := s.Blocks(blocks)
				bad = bad || ci.Lo > test.shift || ci.Hi < test.shift
				above = above || s.BlocksAbove(blocks) >= Threshold(0.05)
			}
			if above {
				one++
			}
			return bad
		})
		t.Logf("%-22s interval misses %.4f, evidence misleads %.4f", test.name, two, one/float64(trials))
		if two > allowed(trials) || one/float64(trials) > allowed(trials) {
			t.Errorf("%s: %v, %v", test.name, two, one)
		}
	}
	// Power: an effect of half a deviation of blocks is found by 60 blocks mostly.
	r := rand.New(rand.NewPCG(5, 5))
	found := 0
	for range 200 {
		var blocks []Block
		for range 60 {
			var b Block
			d := 0.5 + r.NormFloat64()
			for range 10 {
				b.Add(d)
			}
			blocks = append(blocks, b)
		}
		if s.BlocksAbove(blocks) >= Threshold(0.05) {
			found++
		}
	}
	if found < 140 {
		t.Errorf("found %d of 200", found)
	}
}

func TestSequentialAbsent(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	var s Sequential
	if _, ci := s.Blocks([]Block{{N: 5, Sum: 5, Sum2: 9}}); !math.IsInf(ci.Lo, -1) || !math.IsInf(ci.Hi, 1) {
		t.Errorf("one block: %v", ci)
	}
	if e := s.BlocksAbove([]Block{{N: 5, Sum: 5, Sum2: 9}}); e != 0 {
		t.Errorf("evidence of one block %v", e)
	}
	if ci := s.Mean(0, nan, nan); ci.Lo == ci.Lo {
		t.Errorf("nothing: %v", ci)
	}
	if v := s.Lower(2, 1, 1, 1); v > -1e6 {
		t.Errorf("two blocks bound to %v", v)
	}
	for name, v := range map[string]float64{
		"level": (Sequential{Level: 2}).Mean(10, 1, 1).Lo, "tune": (Sequential{Tune: -1}).Mean(10, 1, 1).Lo, "error": s.Above(10, 1, -1, 5), "mean": s.Above(10, nan, 1, 5),
	} {
		if v == v {
			t.Errorf("%s: %v, want NaN", name, v)
		}
	}
	if e := s.Above(10, 1, 0, 5); e != inf {
		t.Errorf("without error: %v", e)
	}
	// Far in the tail nothing overflows.
	if e := s.Above(1e6, -50, 0.001, inf); !(e < -1) || math.IsInf(e, 0) {
		t.Errorf("tail: %v", e)
	}
}
