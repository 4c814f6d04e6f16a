package boost

import (
	"fmt"
	"math"
)

// The functions in this file avoid those of package math that differ between processors, and round every product before
// it is added, which keeps compilers from fusing the two: fits must not depend on the machine.

const (
	ln2Hi = 0x1.62e42fee00000p-1 // the leading bits of ln 2: times a small integer it is exact
	ln2Lo = 0x1.a39ef35793c76p-33
)

// exp returns e**x with a relative error below 1e-15, for x within ±700.
func exp(x float64) float64 {
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*ln2Hi) - float64(k*ln2Lo)
	// Taylor's series; with |r| <= ln(2)/2 what is cut off is below 1e-17.
	s := 1.0
	for n := 13; n > 0; n-- {
		s = 1 + float64(r*s)/float64(n)
	}
	return math.Ldexp(s, int(k))
}

// log returns the natural logarithm of a finite x > 0 with an error below 1e-15, relative to 1 or to the result.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	// log m = 2 atanh t with |t| < 0.172: t**26 is below 1e-19.
	t := (m - 1) / (m + 1)
	t2 := float64(t * t)
	s := 0.0
	for n := 25; n > 0; n -= 2 {
		s = float64(s*t2) + 1/float64(n)
	}
	return float64(float64(e)*ln2Hi) + (float64(float64(e)*ln2Lo) + float64(2*t*s))
}

// sigmoid returns 1/(1+e**-x), strictly within 0 and 1 up to margins that no float64 near 1 can tell.
func sigmoid(x float64) float64 {
	x = max(-700, min(700, x))
	if x < 0 {
		e := exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + exp(-x))
}

// draw returns a number that the three arguments decide, all 64 bits of it mixed (the finaliser of splitmix64).
func draw(seed, tree, i uint64) uint64 {
	z := seed
	for _, x := range [...]uint64{tree, i} {
		z += 0x9e3779b97f4a7c15 * (x + 1)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}

// share returns a number of draws as a uniform one in [0, 1).
func share(x uint64) float64 { return float64(x>>11) * 0x1p-53 }

func span(least, most int) string { return fmt.Sprintf("%d to %d", least, most) }
