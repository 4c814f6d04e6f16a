package stat

import (
	"math"
	"slices"
)

// Reliability gathers how often what was predicted with probability p happened, in bins of p. Make it with NewReliability;
// it is mergeable with one of the same edges.
type Reliability struct {
	edges []float64 // inner borders
	bins  []reliabilityBin
	bad   bool
}

type reliabilityBin struct {
	n, p, y, pp, py Sum
	lo, hi          float64 // of p
}

// EqualWidth returns the inner borders of n bins of equal width of [0, 1].
func EqualWidth(n int) []float64 {
	var edges []float64
	for i := 1; i < n; i++ {
		edges = append(edges, float64(i)*(1/float64(n)))
	}
	return edges
}

// EqualMass returns inner borders that put about as many of the values into each of n bins: linearly interpolated
// quantiles, those that are equal once only. Nil without values or with a NaN.
func EqualMass(p []float64, n int) []float64 {
	sorted := slices.Clone(p)
	slices.Sort(sorted)
	if len(sorted) < 2 || sorted[0] != sorted[0] {
		return nil
	}
	var edges []float64
	for i := 1; i < n; i++ {
		if e := percentile(sorted, float64(i)*(1/float64(n))); len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	return edges
}

// NewReliability returns empty bins with the inner borders given, which ascend; a probability equal to a border falls
// below it, as in scikit-learn. Nil makes 10 bins of equal width.
func NewReliability(edges []float64) *Reliability {
	if edges == nil {
		edges = EqualWidth(10)
	}
	r := &Reliability{edges: slices.Clone(edges), bins: make([]reliabilityBin, len(edges)+1), bad: !slices.IsSorted(edges)}
	for i := range r.bins {
		r.bins[i].lo, r.bins[i].hi = math.Inf(1), math.Inf(-1)
	}
	return r
}

// Add adds a row of weight w. A probability that is NaN or outside of [0, 1], or a weight below 0, makes all results
// NaN.
func (r *Reliability) Add(y bool, p, w float64) {
	w = valid(w)
	if !(p >= 0 && p <= 1) || w != w {
		r.bad = true
		return
	}
	i, _ := slices.BinarySearch(r.edges, p)
	b := &r.bins[i]
	b.n.Add(w)
	b.p.addProduct(w, p)
	b.pp.addProduct(w*p, p)
	b.lo, b.hi = min(b.lo, p), max(b.hi, p)
	if y {
		b.y.Add(w)
		b.py.addProduct(w, p)
	}
}

// AddAll adds rows.
func (r *Reliability) AddAll(y []bool, p, w []float64) {
	mustMatch(len(y), len(p), weights(w, len(y)))
	for i := range y {
		r.Add(y[i], p[i], weigh(w, i))
	}
}

// Merge adds all rows of o; other edges make all results NaN.
func (r *Reliability) Merge(o *Reliability) {
	if o.bad || !slices.Equal(r.edges, o.edges) {
		r.bad = true
		return
	}
	for i := range r.bins {
		b, c := &r.bins[i], o.bins[i]
		b.n.Merge(c.n)
		b.p.Merge(c.p)
		b.y.Merge(c.y)
		b.pp.Merge(c.pp)
		b.py.Merge(c.py)
		b.lo, b.hi = min(b.lo, c.lo), max(b.hi, c.hi)
	}
}

// CurvePoint is a bin of a reliability curve.
type CurvePoint struct {
	Lo, Hi    float64 // the least and the greatest probability in the bin
	Weight    float64 // of the rows
	Predicted float64 // mean probability
	Observed  float64 // share that happened
	// CI is Wilson's interval of Observed, taking the weight as a number of rows.
	CI Interval
}

// Curve returns the bins that have rows, by ascending probability; nil when a row was not valid. level is that of the
// intervals, 0 means DefaultLevel.
func (r *Reliability) Curve(level float64) []CurvePoint {
	var out []CurvePoint
	if r.bad {
		return nil
	}
	for _, b := range r.bins {
		if n := b.n.Value(); n > 0 {
			y := min(b.y.Value(), n)
			out = append(out, CurvePoint{b.lo, b.hi, n, b.p.Value() / n, y / n, Wilson(y, n, level)})
		}
	}
	return out
}

// gaps returns Σ share·f(observed - predicted) over the bins, NaN without rows.
func (r *Reliability) gaps(f func(share, gap float64)) bool {
	curve := r.Curve(0)
	var n Sum
	for _, c := range curve {
		n.Add(c.Weight)
	}
	for _, c := range curve {
		f(c.Weight/n.Value(), c.Observed-c.Predicted)
	}
	return len(curve) > 0
}

// ECE returns the expected calibration error: the mean of |observed - predicted| over the bins, by weight. It is above 0
// for perfect probabilities too, as each bin has noise. NaN without rows.
func (r *Reliability) ECE() float64 {
	var s Sum
	if !r.gaps(func(share, gap float64) { s.Add(share * math.Abs(gap)) }) {
		return math.NaN()
	}
	return s.Value()
}

// MCE returns the largest |observed - predicted| of a bin; NaN without rows.
func (r *Reliability) MCE() float64 {
	most := 0.0
	if !r.gaps(func(_, gap float64) { most = max(most, math.Abs(gap)) }) {
		return math.NaN()
	}
	return most
}

// RMSCE returns the root of the mean squared gap over the bins, by weight; NaN without rows.
func (r *Reliability) RMSCE() float64 {
	var s Sum
	if !r.gaps(func(share, gap float64) { s.Add(share * gap * gap) }) {
		return math.NaN()
	}
	return math.Sqrt(s.Value())
}

// BrierParts splits the Brier score so that it is exactly
//
//	Reliability - Resolution + Uncertainty + Variance - Covariance
//
// as Murphy's three parts (Journal of Applied Meteorology 12, 1973) leave out how probabilities differ within a bin
// (Stephenson, Coelho and Jolliffe, "Two extra components in the Brier score decomposition", Weather and Forecasting 23,
// 2008).
type BrierParts struct {
	Brier       float64
	Reliability float64 // squared gaps of the bins; 0 is perfect
	Resolution  float64 // how far the bins' shares differ from the base rate; more is better
	Uncertainty float64 // base rate times its complement
	Variance    float64 // of probabilities within bins
	Covariance  float64 // twice that of probabilities and what happened, within bins; more is better
}

// Brier returns the parts of the Brier score; NaN without rows.
func (r *Reliability) Brier() BrierParts {
	nan := math.NaN()
	var n, y, score Sum
	for _, b := range r.bins {
		n.Merge(b.n)
		y.Merge(b.y)
		score.Merge(b.pp)
		score.Add(-2 * b.py.Value())
		score.Merge(b.y)
	}
	total := n.Value()
	if r.bad || !(total > 0) {
		return BrierParts{nan, nan, nan, nan, nan, nan}
	}
	base := y.Value() / total
	var reliability, resolution, variance, covariance Sum
	for _, b := range r.bins {
		k := b.n.Value()
		if !(k > 0) {
			continue
		}
		p, o := b.p.Value()/k, b.y.Value()/k
		reliability.Add(k * (p - o) * (p - o))
		resolution.Add(k * (o - base) * (o - base))
		variance.Add(b.pp.Value() - k*p*p)
		covariance.Add(2 * (b.py.Value() - k*p*o))
	}
	return BrierParts{score.Value() / total, reliability.Value() / total, resolution.Value() / total, base * (1 - base), max(variance.Value(), 0) / total, covariance.Value() / total}
}

// ECEByRank returns the expected calibration error in bins of equal count by rank, as NannyML counts them: len/bins rows
// each, the last taking the rest (and more bins than asked for where the rest is that large); at most half as many bins
// as rows. Equal probabilities may fall into two bins, in the order of the rows. NaN for fewer than 4 rows, a NaN, or
// fewer than 2 bins.
func ECEByRank(y []bool, p []float64, bins int) float64 {
	mustMatch(len(y), len(p))
	rows, ok := order(p)
	if len(p) <= 2*bins {
		bins = len(p) / 2
	}
	if !ok || bins < 2 {
		return math.NaN()
	}
	width := len(p) / bins
	var ece Sum
	for lo := 0; lo+width <= len(p); {
		hi := lo + width
		if hi+width > len(p) {
			hi = len(p)
		}
		var gap Sum
		for _, i := range rows[lo:hi] {
			gap.Add(p[i])
			if y[i] {
				gap.Add(-1)
			}
		}
		ece.Add(math.Abs(gap.Value()) / float64(len(p)))
		lo = hi
	}
	return ece.Value()
}
