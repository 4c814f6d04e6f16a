package stat

import "math"

// NormalCDF returns the probability that a standard normal value is at most x.
func NormalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// NormalQuantile returns the x with NormalCDF(x) = p: ±Inf at the ends, NaN outside of [0, 1].
func NormalQuantile(p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1):
		return math.NaN()
	case p > 0.5:
		return -NormalQuantile(1 - p)
	case p == 0:
		return math.Inf(-1)
	case p > 0.01:
		return -math.Sqrt2 * math.Erfcinv(2*p)
	}
	// math.Erfcinv goes through 1-2p, which has no digits left of a small p.
	log := math.Log(p)
	return -solve(math.Sqrt(-2*log)-1, func(x float64) (value, slope float64) {
		above := math.Erfc(x/math.Sqrt2) / 2
		if above == 0 {
			return math.Inf(1), 1
		}
		return log - math.Log(above), math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) / above
	})
}

// BetaCDF returns the regularised incomplete beta function I_x(a, b): the probability that a beta value with the
// parameters a and b is at most x. NaN unless a and b are positive and finite; x is cut to [0, 1].
func BetaCDF(x, a, b float64) float64 {
	lower, _ := betaTails(x, 1-x, a, b)
	return lower
}

// betaTails returns the probabilities below and above x, each with its own relative accuracy. y is 1-x, given apart
// because near 1 x has lost its digits.
func betaTails(x, y, a, b float64) (lower, upper float64) {
	switch {
	case !(a > 0 && b > 0) || math.IsInf(a, 1) || math.IsInf(b, 1) || x != x || y != y:
		return math.NaN(), math.NaN()
	case x <= 0:
		return 0, 1
	case y <= 0:
		return 1, 0
	}
	front := math.Exp(logBetaKernel(x, y, a, b))
	if x <= (a+1)/(a+b+2) {
		lower = min(front*betaFraction(x, a, b)/a, 1)
		return lower, 1 - lower
	}
	upper = min(front*betaFraction(y, b, a)/b, 1)
	return 1 - upper, upper
}

// betaFraction is the continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8) by the
// modified method of Lentz (Thompson and Barnett, J. Comput. Phys. 64, 1986). It takes about √max(a, b) steps.
func betaFraction(x, a, b float64) float64 {
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 1e6; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		step := d * c
		h *= step
		if math.Abs(step-1) < 1e-16 {
			break
		}
	}
	return h
}

// logBetaKernel returns log(x^a·y^b / B(a, b)) for y = 1-x, in the saddle-point form of Loader ("Fast and accurate
// computation of binomial probabilities", 2000), which keeps its digits where the logs of gammas would cancel.
func logBetaKernel(x, y, a, b float64) float64 {
	n := a + b
	return stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n*x) - deviance(b, n*y) +
		(math.Log(a)+math.Log(b)-math.Log(n)-math.Log(2*math.Pi))/2
}

// logBetaDensity returns the log of the density of a beta value at x.
func logBetaDensity(x, a, b float64) float64 {
	switch {
	case x < 0 || x > 1:
		return math.Inf(-1)
	case x == 0 || x == 1:
		if x == 1 {
			a, b = b, a
		}
		switch { // what x^(a-1) leaves at x = 0
		case a == 1:
			return math.Log(b)
		case a > 1:
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	return logBetaKernel(x, 1-x, a, b) - math.Log(x) - math.Log1p(-x)
}

// stirlingError returns log Γ(x+1) minus Stirling's formula for it.
func stirlingError(x float64) float64 {
	if x <= 15 {
		lg, _ := math.Lgamma(x + 1)
		return lg - (x+0.5)*math.Log(x) + x - math.Log(2*math.Pi)/2
	}
	xx := x * x
	return (1./12 - (1./360-(1./1260-(1./1680-(1./1188-(691./360360-1./156/xx)/xx)/xx)/xx)/xx)/xx) / x
}

// deviance returns x·log(x/m) + m - x without cancellation where x is near m.
func deviance(x, m float64) float64 {
	if math.Abs(x-m) >= 0.1*(x+m) {
		return x*math.Log(x/m) + m - x
	}
	v := (x - m) / (x + m)
	s, ej := (x-m)*v, 2*x*v
	v *= v
	for j := 1.0; j < 1000; j++ {
		ej *= v
		next := s + ej/(2*j+1)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// BetaQuantile returns the x with BetaCDF(x, a, b) = p; NaN for p outside of [0, 1] or parameters that BetaCDF refuses.
func BetaQuantile(p, a, b float64) float64 {
	if !(p >= 0 && p <= 1) || !(a > 0 && b > 0) || math.IsInf(a, 1) || math.IsInf(b, 1) {
		return math.NaN()
	}
	if p == 0 || p == 1 {
		return p
	}
	// In the logit of x both ends have room, and the density there is x^a·(1-x)^b/B(a, b).
	return logistic(solve(math.Log(a)-math.Log(b), func(u float64) (value, slope float64) {
		x, y := logistic(u), logistic(-u)
		lower, upper := betaTails(x, y, a, b)
		d := math.Exp(logBetaKernel(x, y, a, b))
		if p <= 0.5 {
			return math.Log(lower) - math.Log(p), d / lower
		}
		return math.Log1p(-p) - math.Log(upper), d / upper
	}))
}

// solve finds the zero of a rising function by Newton's steps held inside of a bracket that starts around u.
func solve(u float64, f func(float64) (value, slope float64)) float64 {
	lo, hi := math.Inf(-1), math.Inf(1)
	step := 1.0
	for range 400 {
		v, slope := f(u)
		switch {
		case v == 0 || v != v:
			return u
		case v < 0:
			lo = u
		default:
			hi = u
		}
		next := u - v/slope
		if !(next > lo && next < hi) || math.Abs(next-u) > 2*step+math.Abs(u) {
			switch {
			case math.IsInf(hi, 1):
				next = u + step
			case math.IsInf(lo, -1):
				next = u - step
			default:
				next = lo + (hi-lo)/2
			}
			step *= 2
		}
		if math.Abs(next-u) <= 1e-13*max(1, math.Abs(u)) { // the step after it would be the square of that
			return next
		}
		u = next
	}
	return u
}

func logistic(u float64) float64 {
	if u < 0 {
		e := math.Exp(u)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-u))
}

// tUpper returns the probability of a value above t >= 0 of Student's distribution.
func tUpper(t, df float64) float64 {
	if math.IsInf(df, 1) {
		return math.Erfc(t/math.Sqrt2) / 2
	}
	if t == 0 {
		return 0.5
	}
	// df/(df+t²) and its complement, without overflow of t².
	r := t / math.Sqrt(df)
	var x, y float64
	if r > 1 {
		q := 1 / r / r
		x, y = q/(1+q), 1/(1+q)
	} else {
		x, y = 1/(1+r*r), r*r/(1+r*r)
	}
	lower, _ := betaTails(x, y, df/2, 0.5)
	return lower / 2
}

// TCDF returns the probability that a value of Student's t distribution with df degrees of freedom, which may be broken
// or +Inf (the normal), is at most t. NaN for df <= 0.
func TCDF(t, df float64) float64 {
	switch {
	case !(df > 0) || t != t:
		return math.NaN()
	case t > 0:
		return 1 - tUpper(t, df)
	}
	return tUpper(-t, df)
}

// TQuantile returns the t with TCDF(t, df) = p: ±Inf at the ends, NaN for p outside of [0, 1] or df <= 0.
func TQuantile(p, df float64) float64 {
	switch {
	case !(df > 0) || !(p >= 0 && p <= 1):
		return math.NaN()
	case math.IsInf(df, 1):
		return NormalQuantile(p)
	case p == 0.5:
		return 0
	case p > 0.5:
		return tAbove(1-p, df)
	}
	return -tAbove(p, df)
}

// tAbove returns the t > 0 above which q <= 0.5 of the distribution lies.
func tAbove(q, df float64) float64 {
	if q == 0 {
		return math.Inf(1)
	}
	// In log t, so that the heavy tails of few degrees of freedom are in reach.
	return math.Exp(solve(0, func(u float64) (value, slope float64) {
		t := math.Exp(u)
		above := tUpper(t, df)
		return math.Log(q) - math.Log(above), t * tDensity(t, df) / above
	}))
}

// tDensity is the density of Student's distribution.
func tDensity(t, df float64) float64 {
	r := t / math.Sqrt(df)
	// With x = df/(df+t²) the tail is I_x(df/2, 1/2)/2, and |dx/dt| = 2·x·y/t.
	x, y := 1/(1+r*r), r*r/(1+r*r)
	if y == 0 || x == 0 {
		return 0
	}
	return math.Exp(logBetaKernel(x, y, df/2, 0.5)) / t
}

// TInterval returns estimate ± t·se with the quantile of Student's distribution for the level (0 means DefaultLevel) and
// df degrees of freedom. An infinite se, or df <= 0, gives the whole line; a NaN estimate or level gives NaN.
func TInterval(estimate, se, df, level float64) Interval {
	if level == 0 {
		level = DefaultLevel
	}
	if !(level > 0 && level < 1) || estimate != estimate || se != se || df != df {
		return Interval{math.NaN(), math.NaN()}
	}
	if df <= 0 || math.IsInf(se, 1) {
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	d := 0.0
	if se > 0 {
		d = se * tTwoSided(level, df)
	}
	return Interval{estimate - d, estimate + d}
}

// tTwoSided returns the t that cuts off (1-level)/2 at either side.
func tTwoSided(level, df float64) float64 {
	if math.IsInf(df, 1) {
		return Z(level)
	}
	return tAbove((1-level)/2, df)
}
