package stat

import (
	"cmp"
	"math"
	"slices"
)

// order returns the rows sorted by ascending score, and false when a score is NaN.
func order(score []float64) ([]int, bool) {
	rows := make([]int, len(score))
	for i, s := range score {
		if s != s {
			return nil, false
		}
		rows[i] = i
	}
	slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	return rows, true
}

// ties calls f with the borders of each run of equal scores.
func ties(rows []int, score []float64, f func(lo, hi int)) {
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && score[rows[hi]] == score[rows[lo]] {
			hi++
		}
		f(lo, hi)
		lo = hi
	}
}

// AUC returns the area under the ROC curve: the probability that a positive row scores above a negative one, ties
// counting half (Mann and Whitney), weighted by the product of the two weights. It is NaN when all rows are of one
// class, because there is no pair to compare.
func AUC(y []bool, score, w []float64) float64 {
	mustMatch(len(y), len(score), weights(w, len(y)))
	rows, ok := order(score)
	if !ok {
		return math.NaN()
	}
	var above, pos, neg Sum // above = Σ over positives of w · (negatives below + half of those equal)
	ties(rows, score, func(lo, hi int) {
		var p, n Sum
		for _, i := range rows[lo:hi] {
			if y[i] {
				p.Add(weigh(w, i))
			} else {
				n.Add(weigh(w, i))
			}
		}
		// The weights of the pairs are exact sums; products of unit weights are whole and exact.
		above.addProduct(p.Value(), neg.Value())
		above.addProduct(p.Value(), n.Value()/2)
		pos.Merge(p)
		neg.Merge(n)
	})
	pairs := pos.Value() * neg.Value()
	if !(pairs > 0) {
		return math.NaN()
	}
	return above.Value() / pairs
}

// DeLong returns the AUC, and the variance of its estimate by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988)
// with mid-ranks (Sun and Xu, IEEE Signal Processing Letters 21, 2014). The AUC is NaN for one class; the variance is
// NaN also when a class has a single row. Weights have no place in it.
func DeLong(y []bool, score []float64) (auc, variance float64) {
	mustMatch(len(y), len(score))
	rows, ok := order(score)
	if !ok {
		return math.NaN(), math.NaN()
	}
	m := 0
	for _, positive := range y {
		if positive {
			m++
		}
	}
	n := len(y) - m
	if m == 0 || n == 0 {
		return math.NaN(), math.NaN()
	}
	// For each positive the negatives below it and half of those equal, for each negative the positives above it and
	// half of those equal; doubled, so that all are whole numbers.
	var sumPos, sqPos, sumNeg, sqNeg Sum
	posBelow, negBelow := 0, 0
	ties(rows, score, func(lo, hi int) {
		p := 0
		for _, i := range rows[lo:hi] {
			if y[i] {
				p++
			}
		}
		q := hi - lo - p
		v := float64(2*negBelow + q)
		sumPos.addProduct(float64(p), v)
		sqPos.addProduct(float64(p)*v, v)
		u := float64(2*(m-posBelow-p) + p)
		sumNeg.addProduct(float64(q), u)
		sqNeg.addProduct(float64(q)*u, u)
		posBelow += p
		negBelow += q
	})
	auc = sumPos.Value() / (2 * float64(m) * float64(n))
	if m == 1 || n == 1 {
		return auc, math.NaN()
	}
	// spread is Σ(v-mean)² of k doubled placements, each over the other class's size and 2.
	spread := func(sum, sq Sum, k, other int) float64 {
		s := sum.big()
		ss, _ := sub(sq.big(), quo(mul(s, s), float(float64(k)))).Float64()
		return max(ss, 0) / (4 * float64(other) * float64(other))
	}
	s10 := spread(sumPos, sqPos, m, n) / float64(m-1)
	s01 := spread(sumNeg, sqNeg, n, m) / float64(n-1)
	return auc, s10/float64(m) + s01/float64(n)
}

// AUCOptions steer AUCInterval.
type AUCOptions struct {
	Level float64 // of confidence, between 0 and 1; 0 means 0.95
	// Logit makes the interval on the scale log(auc/(1-auc)), which keeps it inside of (0, 1) and fits better near
	// the ends. Off by default, as most software has it.
	Logit bool
}

// AUCInterval returns the AUC with its DeLong interval: auc ± z·√variance, cut to [0, 1]. Bounds are NaN where the
// variance is; with Logit also for an AUC of 0 or 1.
func AUCInterval(y []bool, score []float64, opt AUCOptions) (auc float64, ci Interval) {
	auc, v := DeLong(y, score)
	se := math.Sqrt(v)
	if !opt.Logit {
		ci = NormalInterval(auc, se, opt.Level)
		ci.Lo, ci.Hi = max(ci.Lo, 0), min(ci.Hi, 1)
		return auc, ci
	}
	if auc == 0 || auc == 1 {
		return auc, Interval{math.NaN(), math.NaN()}
	}
	ci = NormalInterval(math.Log(auc)-math.Log1p(-auc), se/(auc*(1-auc)), opt.Level)
	return auc, Interval{1 / (1 + math.Exp(-ci.Lo)), 1 / (1 + math.Exp(-ci.Hi))}
}

// AveragePrecision returns the sum over the distinct scores, from the highest down, of the precision there times the
// recall gained there; no interpolation, as in scikit-learn. It is NaN without positives (scikit-learn says 0).
func AveragePrecision(y []bool, score, w []float64) float64 {
	mustMatch(len(y), len(score), weights(w, len(y)))
	rows, ok := order(score)
	if !ok {
		return math.NaN()
	}
	slices.Reverse(rows)
	var tp, all, area Sum
	ties(rows, score, func(lo, hi int) {
		var gain Sum
		for _, i := range rows[lo:hi] {
			v := weigh(w, i)
			all.Add(v)
			if y[i] {
				gain.Add(v)
			}
		}
		tp.Merge(gain)
		// A gain of zero adds nothing, also where no weight has been seen and the precision is not defined.
		if g := gain.Value(); g != 0 {
			area.addProduct(g, tp.Value()/all.Value())
		} else {
			area.Add(0 * all.Value()) // a NaN weight must show
		}
	})
	if !(tp.Value() > 0) {
		return math.NaN()
	}
	return area.Value() / tp.Value()
}
