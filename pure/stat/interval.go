package stat

import "math"

// Interval is a range that covers the true value with the confidence asked for.
type Interval struct{ Lo, Hi float64 }

// DefaultLevel is the confidence where 0 is given.
const DefaultLevel = 0.95

// Z returns the number of standard errors to either side that a normal interval of the level spans, 1.959963984540054
// for 0.95. 0 means DefaultLevel; a level outside of (0, 1) gives NaN.
func Z(level float64) float64 {
	if level == 0 {
		level = DefaultLevel
	}
	if !(level > 0 && level < 1) {
		return math.NaN()
	}
	// From the tail, so that levels near 1 keep their digits.
	return math.Sqrt2 * math.Erfcinv(1-level)
}

// NormalInterval returns estimate ± Z(level)·se.
func NormalInterval(estimate, se, level float64) Interval {
	d := Z(level) * se
	return Interval{estimate - d, estimate + d}
}

// Wilson returns the score interval (Wilson, JASA 22, 1927) of a proportion of k successes in n trials; NaN without
// trials or for k outside of [0, n].
func Wilson(k, n, level float64) Interval {
	if !(n > 0 && k >= 0 && k <= n) {
		return Interval{math.NaN(), math.NaN()}
	}
	z := Z(level)
	p, z2 := k/n, z*z
	mid := (p + z2/(2*n)) / (1 + z2/n)
	d := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	ci := Interval{mid - d, mid + d}
	if k == 0 {
		ci.Lo = 0
	}
	if k == n {
		ci.Hi = 1
	}
	return ci
}
