package boost

import (
	"cmp"
	"math"
	"slices"
)

// binSet is a set of bins of one feature.
type binSet [4]uint64

func (s *binSet) has(bin uint8) bool { return s[bin>>6]>>(bin&63)&1 != 0 }
func (s *binSet) add(bin int)        { s[bin>>6] |= 1 << (bin & 63) }

// split is a way to split a leaf.
type split struct {
	score   float64 // of both sides together
	gain    float64 // what that is above the score of the leaf whole; 0 when there is no split
	feature int     // place in Binned.sorted
	left    binSet  // the bins that go left; of values that the leaf never saw as well
	last    int     // numeric: the last bin that goes left
	sum     cell    // of the rows that go left
}

// threshold returns the value up to which numbers go left.
func (s *split) threshold(c *column) float64 {
	if s.last == len(c.upper) {
		return math.Inf(1) // all numbers left, missing values right
	}
	return c.upper[s.last-1]
}

// score returns G²/(H+l2), twice what the best value of a leaf takes off the loss.
func (g *grower) score(c cell, l2 float64) float64 {
	grad := float64(c.g) * g.gUnit
	return float64(grad*grad) / (float64(float64(c.h)*g.hUnit) + l2)
}

// bar returns the score that both sides of a split must exceed together: that of the best split so far, else that of
// the leaf whole with MinGain and with what rounding alone may seem to gain.
func (g *grower) bar(l *leaf) float64 {
	if l.best.gain > 0 {
		return l.best.score
	}
	whole := g.score(l.sum, g.o.L2)
	return whole + g.o.MinGain + float64(1e-12*whole)
}

// keep makes s the best split of a leaf.
func (g *grower) keep(l *leaf, s split) {
	s.gain = s.score - g.score(l.sum, g.o.L2)
	l.best = s
}

// fits reports whether a side of a split is heavy enough.
func (g *grower) fits(c cell) bool {
	return c.w >= g.minWeight && float64(float64(c.h)*g.hUnit) >= minHessian
}

// searchNumbers tries every border of a numeric feature, with missing values on either side.
func (g *grower) searchNumbers(l *leaf, k int, c *column) {
	n := len(c.upper)
	cells := l.hist[g.offs[k] : g.offs[k]+n+1]
	missing := cells[0]
	best, at, missLeft, sum := g.bar(l), 0, false, cell{}
	try := func(left cell, last int, miss bool) {
		right := l.sum.minus(left)
		if !g.fits(left) || !g.fits(right) {
			return
		}
		if score := g.score(left, g.o.L2) + g.score(right, g.o.L2); score > best {
			best, at, missLeft, sum = score, last, miss, left
		}
	}
	var left cell
	for b := 1; b <= n; b++ {
		if cells[b].w == 0 {
			continue // the same rows as with the border before
		}
		left = left.plus(cells[b])
		if l.sum.w-left.w < g.minWeight {
			break
		}
		try(left, b, false)
		if missing.w != 0 {
			try(left.plus(missing), b, true)
		}
	}
	if at == 0 {
		return
	}
	s := split{score: best, feature: k, last: at, sum: sum}
	if missing.w == 0 {
		missLeft = sum.w >= l.sum.w-sum.w
	}
	if missLeft {
		s.left.add(0)
	}
	for b := 1; b <= at; b++ {
		s.left.add(b)
	}
	g.keep(l, s)
}

// category is a bin of a categorical feature with the key that it is sorted by.
type category struct {
	bin int
	key float64
	sum cell
}

// searchCategories sorts the categories by mean gradient and tries every beginning and every end of that order as the
// left side. Missing values are a category of their own. Categories too rare to be judged stay on the right, and what
// the leaf never saw goes to the heavier side.
func (g *grower) searchCategories(l *leaf, k int, c *column) {
	n := len(c.codes)
	cells := l.hist[g.offs[k] : g.offs[k]+n+1]
	g.order = g.order[:0]
	for b, sum := range cells {
		if w := float64(sum.w) * g.wUnit; sum.w > 0 && w >= g.o.CatSmooth {
			h := float64(float64(sum.h)*g.hUnit) + g.o.CatSmooth
			g.order = append(g.order, category{b, float64(sum.g) * g.gUnit / max(h, minHessian), sum})
		}
	}
	slices.SortFunc(g.order, func(a, b category) int { return cmp.Or(cmp.Compare(a.key, b.key), a.bin-b.bin) })

	l2 := g.o.L2 + g.o.CatL2
	best, from, to, sum := g.bar(l), 0, 0, cell{}
	most := min(g.o.MaxCatThreshold, (len(g.order)+1)/2) // a larger side is the rest of a smaller one
	try := func(left cell, lo, hi int) {
		right := l.sum.minus(left)
		if !g.fits(left) || !g.fits(right) {
			return
		}
		if score := g.score(left, l2) + g.score(right, l2); score > best {
			best, from, to, sum = score, lo, hi, left
		}
	}
	var left cell
	for i := range most {
		left = left.plus(g.order[i].sum)
		try(left, 0, i+1)
	}
	left = cell{}
	for i := range most {
		at := len(g.order) - 1 - i
		left = left.plus(g.order[at].sum)
		try(left, at, len(g.order))
	}
	if to == 0 {
		return
	}
	s := split{score: best, feature: k, sum: sum}
	for _, o := range g.order[from:to] {
		s.left.add(o.bin)
	}
	if sum.w >= l.sum.w-sum.w {
		for b, sum := range cells {
			if sum.w == 0 {
				s.left.add(b)
			}
		}
	}
	g.keep(l, s)
}
