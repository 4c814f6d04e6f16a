package stat

import "math"

// CramerVonMisesTail returns the limit for large samples of the probability that the Cramér-von Mises statistic exceeds
// x (Csörgő and Faraway, J. R. Statist. Soc. B 58, 1996, equation 1.3). It is 1 minus a series, so that values below
// about 1e-13 are rounding.
func CramerVonMisesTail(x float64) float64 {
	if x != x {
		return math.NaN()
	}
	if x < 0.003 {
		return 1
	}
	sum := 0.0
	for k := 0.0; k < 1000; k++ {
		a, _ := math.Lgamma(k + 0.5)
		b, _ := math.Lgamma(k + 1)
		y := 4*k + 1
		q := y * y / (16 * x)
		term := math.Exp(a-b) / (math.Pow(math.Pi, 1.5) * math.Sqrt(x)) * math.Sqrt(y) * math.Exp(-2*q) * scaledBesselK(0.25, q)
		sum += term
		if term < 1e-7 { // the terms fall faster than any power: this is where scipy stops, too
			break
		}
	}
	return max(0, 1-sum)
}

// scaledBesselK is exp(x)·K(nu, x) from its integral over cosh, for which the trapezoidal rule converges faster than
// any power of the step.
func scaledBesselK(nu, x float64) float64 {
	const step = 1.0 / 64
	sum := 0.5
	for i := 1; ; i++ {
		t := float64(i) * step
		s := math.Sinh(t / 2)
		e := x * 2 * s * s // x·(cosh t - 1)
		if e > 745 {
			break
		}
		sum += math.Exp(-e) * math.Cosh(nu*t)
	}
	return sum * step
}
