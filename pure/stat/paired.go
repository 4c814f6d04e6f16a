package stat

import "math"

// PairedAUC compares the AUC of two scores of the same rows.
type PairedAUC struct {
	A, B       float64 // AUC of either
	Difference float64 // B - A
	SE         float64 // standard error of Difference
	Covariance [2][2]float64
	// DF are the degrees of freedom of SE: +Inf by rows, one less than the number of blocks by blocks.
	DF float64
}

// Z returns Difference over SE; 0 for a difference of exactly 0, whatever the error.
func (p PairedAUC) Z() float64 {
	if p.Difference == 0 {
		return 0
	}
	return p.Difference / p.SE
}

// P returns the two-sided probability of a Z as far from 0 as this if the two were equal.
func (p PairedAUC) P() float64 { return math.Min(1, 2*TCDF(-math.Abs(p.Z()), p.DF)) }

// Interval returns that of Difference.
func (p PairedAUC) Interval(level float64) Interval {
	return TInterval(p.Difference, p.SE, p.DF, level)
}

// PairedDeLong compares the AUC of two scores of the same rows by DeLong, DeLong and Clarke-Pearson (Biometrics 44,
// 1988), with mid-ranks, in n·log n. All is NaN for one class or a NaN score, the covariances also when a class has a
// single row.
func PairedDeLong(y []bool, a, b []float64) PairedAUC { return pairedAUC(y, a, b, nil) }

// PairedDeLongBlocks is PairedDeLong for rows that depend on each other within blocks; block names the one of each row.
// The placements of a block's rows are summed before they are squared (Obuchowski, Biometrics 53, 1997), so positives and
// negatives of one block may be correlated as well. The covariances are NaN with fewer than two blocks.
func PairedDeLongBlocks(y []bool, a, b []float64, block []int) PairedAUC {
	mustMatch(len(y), len(block))
	return pairedAUC(y, a, b, block)
}

func pairedAUC(y []bool, a, b []float64, block []int) PairedAUC {
	mustMatch(len(y), len(a), len(b))
	nan := math.NaN()
	out := PairedAUC{nan, nan, nan, nan, [2][2]float64{{nan, nan}, {nan, nan}}, math.Inf(1)}
	m := 0
	for _, positive := range y {
		if positive {
			m++
		}
	}
	n := len(y) - m
	pa, okA := placements(y, a, m)
	pb, okB := placements(y, b, m)
	if m == 0 || n == 0 || !okA || !okB {
		return out
	}
	// Doubled placements are whole numbers, so these sums are exact and swapping the scores changes only the sign.
	var sumA, sumB Sum
	for i, positive := range y {
		if positive {
			sumA.Add(pa[i])
			sumB.Add(pb[i])
		}
	}
	pairs := 2 * float64(m) * float64(n)
	out.A, out.B = sumA.Value()/pairs, sumB.Value()/pairs
	out.Difference = (sumB.Value() - sumA.Value()) / pairs
	// What each row contributes to the deviation of the AUC from the truth.
	influence := func(i int, p []float64, auc float64) float64 {
		if y[i] {
			return (p[i]/(2*float64(n)) - auc) / float64(m)
		}
		return (p[i]/(2*float64(m)) - auc) / float64(n)
	}
	if block != nil {
		out.blocks(len(y), block, func(i int) (float64, float64, float64) {
			ia, ib := influence(i, pa, out.A), influence(i, pb, out.B)
			return ia, ib, ib - ia
		})
		return out
	}
	if m < 2 || n < 2 {
		return out
	}
	var aa, ab, bb, dd [2]Sum // by class
	for i, positive := range y {
		class := 0
		if positive {
			class = 1
		}
		ia, ib := influence(i, pa, out.A), influence(i, pb, out.B)
		aa[class].addProduct(ia, ia)
		ab[class].addProduct(ia, ib)
		bb[class].addProduct(ib, ib)
		dd[class].addProduct(ib-ia, ib-ia)
	}
	scale := func(s [2]Sum) float64 {
		return s[1].Value()*float64(m)/float64(m-1) + s[0].Value()*float64(n)/float64(n-1)
	}
	out.Covariance = [2][2]float64{{scale(aa), scale(ab)}, {scale(ab), scale(bb)}}
	out.SE = math.Sqrt(scale(dd)) // not from the covariances, as equal scores must give 0
	return out
}

// PairedAUCValues returns for each row a value such that the mean of all is the AUC of b minus that of a, and their
// standard error that of the difference, to first order: what a row contributes, times the number of rows. Summed into
// blocks they let BlockMean, a Sequential and the sums of gains treat an AUC as the mean that it nearly is. Nil where the
// difference is NaN.
func PairedAUCValues(y []bool, a, b []float64) []float64 {
	whole := pairedAUC(y, a, b, nil)
	if whole.Difference != whole.Difference {
		return nil
	}
	m := 0
	for _, positive := range y {
		if positive {
			m++
		}
	}
	n := len(y) - m
	pa, _ := placements(y, a, m)
	pb, _ := placements(y, b, m)
	out := make([]float64, len(y))
	for i, positive := range y {
		own, other := m, n
		if !positive {
			own, other = n, m
		}
		d := (pb[i] - pa[i]) / (2 * float64(other))
		out[i] = whole.Difference + (d-whole.Difference)*float64(len(y))/float64(own)
	}
	return out
}

// blocks fills in the errors from what each row contributes, summed within blocks.
func (p *PairedAUC) blocks(n int, block []int, row func(i int) (a, b, d float64)) {
	type sums struct{ a, b, d Sum }
	index := make(map[int]int)
	var all []sums // in the order of first appearance, so that the result does not depend on a map's
	for i := range n {
		g, seen := index[block[i]]
		if !seen {
			g = len(all)
			index[block[i]] = g
			all = append(all, sums{})
		}
		a, b, d := row(i)
		all[g].a.Add(a)
		all[g].b.Add(b)
		all[g].d.Add(d)
	}
	g := float64(len(all))
	p.DF = g - 1
	if g < 2 {
		return
	}
	var aa, ab, bb, dd Sum
	for _, s := range all {
		a, b, d := s.a.Value(), s.b.Value(), s.d.Value()
		aa.Add(a * a)
		ab.Add(a * b)
		bb.Add(b * b)
		dd.Add(d * d)
	}
	f := g / (g - 1)
	p.Covariance = [2][2]float64{{f * aa.Value(), f * ab.Value()}, {f * ab.Value(), f * bb.Value()}}
	p.SE = math.Sqrt(f * dd.Value())
}

// placements returns for each positive twice the negatives below it plus those equal, for each negative twice the
// positives above it plus those equal; false when a score is NaN. m is the number of positives.
func placements(y []bool, score []float64, m int) ([]float64, bool) {
	rows, ok := order(score)
	if !ok {
		return nil, false
	}
	out := make([]float64, len(y))
	posBelow, negBelow := 0, 0
	ties(rows, score, func(lo, hi int) {
		p := 0
		for _, i := range rows[lo:hi] {
			if y[i] {
				p++
			}
		}
		q := hi - lo - p
		for _, i := range rows[lo:hi] {
			if y[i] {
				out[i] = float64(2*negBelow + q)
			} else {
				out[i] = float64(2*(m-posBelow-p) + p)
			}
		}
		posBelow += p
		negBelow += q
	})
	return out, true
}

// McNemar returns the two-sided probability that two classifiers of equal accuracy disagree as unevenly as here: only a
// right in b rows, only b right in c rows. Below 25 disagreements it is the exact binomial test, from there χ² with
// Edwards' correction, (|b-c|-1)²/(b+c), never below 0. It is 1 without disagreements and NaN for negative counts.
func McNemar(b, c int64) float64 {
	n := b + c
	switch {
	case b < 0 || c < 0:
		return math.NaN()
	case b == c:
		return 1
	case n < 25:
		low, _ := binomialTails(min(b, c), n, 0.5)
		return min(1, 2*low)
	}
	d := max(math.Abs(float64(b-c))-1, 0)
	return math.Erfc(d / math.Sqrt(2*float64(n)))
}

// binomialTails returns the probabilities of at most k and of at least k successes in n trials of rate p.
func binomialTails(k, n int64, p float64) (atMost, atLeast float64) {
	atMost, atLeast = 1, 1
	if k < n {
		_, atMost = betaTails(p, 1-p, float64(k+1), float64(n-k))
	}
	if k > 0 {
		atLeast, _ = betaTails(p, 1-p, float64(k), float64(n-k+1))
	}
	return atMost, atLeast
}

// ClopperPearson returns the exact interval (Clopper and Pearson, Biometrika 26, 1934) of a proportion of k successes in
// n trials: wider than Wilson's, and never covering less than the level (0 means DefaultLevel). For gates on rare events.
// NaN without trials or for k outside of [0, n].
func ClopperPearson(k, n, level float64) Interval {
	if level == 0 {
		level = DefaultLevel
	}
	if !(n > 0 && k >= 0 && k <= n) || !(level > 0 && level < 1) {
		return Interval{math.NaN(), math.NaN()}
	}
	ci := Interval{0, 1}
	tail := (1 - level) / 2
	if k > 0 {
		ci.Lo = BetaQuantile(tail, k, n-k+1)
	}
	if k < n {
		// From the other side, so that a level near 1 keeps its digits.
		ci.Hi = 1 - BetaQuantile(tail, n-k, k+1)
	}
	return ci
}
