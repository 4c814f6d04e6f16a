package stat

import "math"

// Block holds the values of one group within which values depend on each other (a day, a session, an entity), while
// groups are taken as independent: how many values (or their weight), their sum, and the sum of their squares.
type Block struct{ N, Sum, Sum2 float64 }

// Add adds a value.
func (b *Block) Add(x float64) {
	b.N++
	b.Sum += x
	b.Sum2 += x * x
}

// Merge adds the values of o.
func (b *Block) Merge(o Block) {
	b.N += o.N
	b.Sum += o.Sum
	b.Sum2 += o.Sum2
}

// BlockMean returns the mean of all values, ΣSum/ΣN, with a standard error that holds when values of a block are
// correlated, and the degrees of freedom of that error: the interval is TInterval(mean, se, df, level), the test of
// "above zero" compares mean/se with TQuantile(1-α, df).
//
// The error is the cluster-robust one with the bias reduced as in CR2 (Bell and McCaffrey, Survey Methodology 28, 2002;
// Pustejovsky and Tipton, JBES 36, 2018): each squared block total of residuals is divided by what a working model says
// that centring took from it. The working model is exchangeable, values of a block having the correlation of
// BlockCorrelation, so that blocks of very different sizes are weighed right whether they are correlated or not; without
// correlation it is CR2. The degrees of freedom are Satterthwaite's under the same model: G-1 for G equal blocks, fewer
// when some blocks dominate.
//
// Blocks without values are left out. With a single block nothing is known about how blocks differ: se is +Inf and df 0,
// so that no comparison of the mean with a multiple of se succeeds. Without values, or with a sum that is not finite or a
// negative N, all three are NaN. The time is linear in the number of blocks, and their order does not matter beyond
// rounding.
func BlockMean(blocks []Block) (mean, se, df float64) {
	mean, n, groups := blockTotal(blocks)
	switch {
	case mean != mean:
		return mean, mean, mean
	case groups < 2:
		return mean, math.Inf(1), 0
	}
	rho := BlockCorrelation(blocks)
	var total float64 // of the working variances, in units of the variance of a value
	for _, b := range blocks {
		total += working(b.N, rho)
	}
	// With share u = N_g/ΣN and working variance s, the residual total e = Sum - N·mean of a block has the variance
	// s·(1-2u) + u²·Σs, and two of them the covariance u_g·u_h·Σs - u_h·s_g - u_g·s_h. Each e² is weighed by s over its
	// variance, which makes the sum unbiased; the double sum over covariances splits into single ones.
	var v, a, b2, d, off, diagonal Sum
	for _, b := range blocks {
		if b.N == 0 {
			continue
		}
		u, s := b.N/n, working(b.N, rho)
		own := s*(1-2*u) + u*u*total
		if !(own > 0) {
			continue
		}
		c := s / own
		e := b.Sum - b.N*mean
		v.Add(c * e * e)
		a.Add(c * u * u)
		b2.Add(c * s * s)
		d.Add(c * u * s)
		cross := u*u*total - 2*u*s
		off.Add(c * c * cross * cross)
		diagonal.Add(c * c * own * own)
	}
	A, B, D := a.Value(), b2.Value(), d.Value()
	spread := 2*A*B + total*total*A*A + 2*D*D - 4*A*D*total - off.Value() + diagonal.Value()
	df = total * total / spread
	if !(df >= 1) {
		df = 1 // rounding; two blocks have exactly one
	}
	return mean, math.Sqrt(v.Value()) / n, min(df, float64(groups-1))
}

// working returns the variance of the sum of n values of correlation rho, in units of the variance of one.
func working(n, rho float64) float64 { return n * (1 + rho*max(n-1, 0)) }

func blockTotal(blocks []Block) (mean, n float64, groups int) {
	var sum, count Sum
	for _, b := range blocks {
		if !(b.N >= 0) || math.IsInf(b.N, 1) || math.IsNaN(b.Sum) || math.IsInf(b.Sum, 0) || math.IsNaN(b.Sum2) || math.IsInf(b.Sum2, 0) {
			return math.NaN(), math.NaN(), 0
		}
		if b.N > 0 {
			groups++
			sum.Add(b.Sum)
			count.Add(b.N)
		}
	}
	return sum.Value() / count.Value(), count.Value(), groups
}

// BlockCorrelation returns the correlation of two values of one block, estimated by the analysis of variance for blocks
// of unequal size (Donner, International Statistical Review 54, 1986) and cut to [0, 1]. It is 0 where it cannot be
// estimated: fewer than two blocks, no block with two values, or values all equal. NaN as BlockMean.
func BlockCorrelation(blocks []Block) float64 {
	mean, n, groups := blockTotal(blocks)
	if mean != mean {
		return mean
	}
	g := float64(groups)
	if groups < 2 || n <= g {
		return 0
	}
	var within, between, squares Sum
	for _, b := range blocks {
		if b.N > 0 {
			within.Add(max(b.Sum2-b.Sum/b.N*b.Sum, 0))
			d := b.Sum/b.N - mean
			between.Add(b.N * d * d)
			squares.Add(b.N * b.N)
		}
	}
	msw, msb := within.Value()/(n-g), between.Value()/(g-1)
	size := (n - squares.Value()/n) / (g - 1)
	rho := (msb - msw) / (msb + (size-1)*msw)
	if !(rho > 0) {
		return 0
	}
	return min(rho, 1)
}

// BlockError returns the standard error of the mean of the blocks when the correlation within blocks is known, as from
// a longer history (BlockCorrelation of it), and the blocks at hand are too few to tell: the variance is that of the
// values over all blocks. NaN for fewer than two values or a correlation outside of [0, 1].
func BlockError(blocks []Block, correlation float64) float64 {
	mean, n, _ := blockTotal(blocks)
	if mean != mean || n <= 1 || !(correlation >= 0 && correlation <= 1) {
		return math.NaN()
	}
	var ss, total Sum
	for _, b := range blocks {
		if b.N > 0 {
			d := b.Sum/b.N - mean
			ss.Add(max(b.Sum2-b.Sum/b.N*b.Sum, 0) + b.N*d*d)
			total.Add(working(b.N, correlation))
		}
	}
	// Σ(x-mean)² falls short of n times the variance by the variance of the mean.
	design := total.Value() / n // variance of the mean, in units of variance/n
	if n <= design {
		return math.Inf(1) // one block of equal values says nothing about others
	}
	return math.Sqrt(ss.Value() / (n - design) * design / n)
}
