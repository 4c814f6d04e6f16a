package stat

import "math"

// HypergeometricTail returns the probabilities that at most, and that at least, b of the k marked among n+m rows lie in
// a random choice of m of them. It is what Fisher's exact test asks of a share of a/n against b/m, with k = a+b. Both
// are NaN where no such table exists.
func HypergeometricTail(a, n, b, m int64) (atMost, atLeast float64) {
	if a < 0 || b < 0 || a > n || b > m {
		return math.NaN(), math.NaN()
	}
	k := a + b
	here := math.Exp(logHypergeometric(a, n, b, m))
	// The sums run outwards from the observed table: each term follows from its neighbour by a ratio.
	up, term := here, here
	for x := b; x < min(k, m); x++ {
		term *= float64(m-x) / float64(x+1) * (float64(k-x) / float64(n-k+x+1))
		up += term
		if term < up*0x1p-60 {
			break
		}
	}
	down, term := here, here
	for x := b; x > max(0, k-n); x-- {
		term *= float64(x) / float64(m-x+1) * (float64(n-k+x) / float64(k-x+1))
		down += term
		if term < down*0x1p-60 {
			break
		}
	}
	return min(1, down), min(1, up)
}

// logHypergeometric is the logarithm of the probability of the table.
func logHypergeometric(a, n, b, m int64) float64 {
	return logChoose(n, a) + logChoose(m, b) - logChoose(n+m, a+b)
}

func logChoose(n, k int64) float64 {
	if k == 0 || k == n {
		return 0
	}
	x, _ := math.Lgamma(float64(n) + 1)
	y, _ := math.Lgamma(float64(k) + 1)
	z, _ := math.Lgamma(float64(n-k) + 1)
	return x - y - z
}

// FisherExact returns the two-sided p-value of Fisher's exact test for a of n against b of m: the probability of all
// tables that are no likelier than the observed one, as in R and scipy.
func FisherExact(a, n, b, m int64) float64 {
	if a < 0 || b < 0 || a > n || b > m {
		return math.NaN()
	}
	k := a + b
	lo, hi := max(0, k-n), min(k, m)
	limit := logHypergeometric(a, n, b, m) + 1e-7
	var sum Sum
	for x := lo; x <= hi; x++ {
		if l := logHypergeometric(k-x, n, x, m); l <= limit {
			sum.Add(math.Exp(l))
		}
	}
	return min(1, sum.Value())
}
