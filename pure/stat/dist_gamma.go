package stat

import "math"

// ChiSquareTail returns the probability that a chi-square variable with df degrees of freedom exceeds x. It keeps its
// relative precision far into the tail, where 1 minus the distribution function would be 0. NaN for df <= 0.
func ChiSquareTail(x, df float64) float64 {
	switch {
	case x != x || !(df > 0):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	return gammaTail(df/2, x/2)
}

// gammaTail is the regularised upper incomplete gamma function Q(a, x) for a, x > 0: below the hump 1 minus the series
// of Abramowitz and Stegun 6.5.29, above it their continued fraction 6.5.31 by the method of Lentz.
func gammaTail(a, x float64) float64 {
	const most = 100_000
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		term := 1 / a
		sum := term
		for k := 1; k < most && term > sum*0x1p-54; k++ {
			term *= x / (a + float64(k))
			sum += term
		}
		return max(0, 1-front*sum)
	}
	const tiny = 1e-300
	b := x + 1 - a
	c := 1 / tiny
	d := 1 / b
	h := d
	for k := 1; k < most; k++ {
		an := -float64(k) * (float64(k) - a)
		b += 2
		d = an*d + b
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = b + an/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		step := d * c
		h *= step
		if math.Abs(step-1) < 0x1p-52 {
			break
		}
	}
	return front * h
}

// NormalTail returns the probability that a standard normal variable exceeds z, precise far into the tail.
func NormalTail(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// FTail returns the probability that a variable of Fisher's F distribution with d1 and d2 degrees of freedom exceeds f.
func FTail(f, d1, d2 float64) float64 {
	if f != f || !(d1 > 0) || !(d2 > 0) {
		return math.NaN()
	}
	if f <= 0 {
		return 1
	}
	if math.IsInf(f, 1) {
		return 0
	}
	return BetaCDF(d2/(d2+d1*f), d2/2, d1/2)
}

// StudentTail returns the probability that a variable of Student's t distribution exceeds t, precise far into the tail.
func StudentTail(t, df float64) float64 {
	if t != t || !(df > 0) {
		return math.NaN()
	}
	if math.IsInf(df, 1) {
		return NormalTail(t)
	}
	p := BetaCDF(df/(df+t*t), df/2, 0.5) / 2
	if t < 0 {
		return 1 - p
	}
	return p
}
