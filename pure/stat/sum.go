package stat

import (
	"math"
	"math/big"
)

// Sum adds numbers with about twice the digits of a float64, so that neither order nor grouping shows in the result.
// The zero value is an empty sum. An infinity or NaN among the terms is the result as in ordinary addition.
type Sum struct{ hi, lo float64 }

// Add adds x.
func (s *Sum) Add(x float64) {
	hi, err := twoSum(s.hi, x)
	s.hi, s.lo = fastTwoSum(hi, s.lo+err)
	if math.IsInf(hi, 0) || hi != hi {
		s.hi, s.lo = hi, 0
	}
}

// addProduct adds x*y without rounding the product.
func (s *Sum) addProduct(x, y float64) {
	p := float64(x * y)
	s.Add(p)
	if !math.IsInf(p, 0) && p == p {
		s.Add(math.FMA(x, y, -p))
	}
}

// Merge adds all terms of t.
func (s *Sum) Merge(t Sum) {
	s.Add(t.hi)
	s.Add(t.lo)
}

// Value returns the sum, rounded once.
func (s Sum) Value() float64 { return s.hi + s.lo }

// big returns the sum exactly; only for finite sums.
func (s Sum) big() *big.Float {
	return new(big.Float).SetPrec(precision).Add(float(s.hi), float(s.lo))
}

func (s Sum) finite() bool { return !math.IsInf(s.hi, 0) && s.hi == s.hi }

// precision in bits for the few operations that finish an accumulator; more than enough to hide cancellation.
const precision = 400

func float(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

func mul(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Mul(a, b) }

func sub(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Sub(a, b) }

// quo divides; b must not be zero.
func quo(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Quo(a, b) }

// twoSum returns a+b and its rounding error (Knuth).
func twoSum(a, b float64) (sum, err float64) {
	sum = a + b
	bb := sum - a
	return sum, (a - (sum - bb)) + (b - bb)
}

// fastTwoSum is twoSum for |a| >= |b| (Dekker).
func fastTwoSum(a, b float64) (sum, err float64) {
	sum = a + b
	return sum, b - (sum - a)
}

func mustMatch(n int, others ...int) {
	for _, m := range others {
		if m != n {
			panic("stat: slices of different lengths")
		}
	}
}

// weigh returns the weight of row i, NaN for one that is no weight.
func weigh(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return valid(w[i])
}

func valid(w float64) float64 {
	if w < 0 || math.IsInf(w, 0) {
		return math.NaN()
	}
	return w
}

func weights(w []float64, n int) int {
	if w == nil {
		return n
	}
	return len(w)
}
