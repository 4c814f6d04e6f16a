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
	// The short tail is summed outwards from the observed table: each term follows from its neighbour by a ratio. The
	// long one is the rest.
	tail, term := here, here
	if float64(b)*float64(n+m) >= float64(k)*float64(m) {
		for x := b; x < min(k, m) && term > tail*0x1p-60; x++ {
			term *= float64(m-x) / float64(x+1) * (float64(k-x) / float64(n-k+x+1))
			tail += term
		}
		return max(here, min(1, 1-tail+here)), min(1, tail)
	}
	for x := b; x > max(0, k-n) && term > tail*0x1p-60; x-- {
		term *= float64(x) / float64(m-x+1) * (float64(n-k+x) / float64(k-x+1))
		tail += term
	}
	return min(1, tail), max(here, min(1, 1-tail+here))
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
