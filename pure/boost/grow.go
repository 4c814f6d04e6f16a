package boost

import (
	"cmp"
	"math"
	"slices"
)

// cell holds what a group of rows sums to: first and second derivatives of the loss and weight, in the scales of the
// sample. All are sums of whole numbers and so exact.
type cell struct{ g, h, w int64 }

func (c cell) plus(d cell) cell  { return cell{c.g + d.g, c.h + d.h, c.w + d.w} }
func (c cell) minus(d cell) cell { return cell{c.g - d.g, c.h - d.h, c.w - d.w} }

// histogram has a cell for each bin of each feature that can be split. Each feature's part begins at its offset; behind
// the last one lies room, so that a pointer to 256 cells can be taken at any offset.
type histogram []cell

// leaf is a leaf of the growing tree.
type leaf struct {
	node   int32 // in the tree
	lo, hi int   // its rows, in grower.rows
	sum    cell
	l2     float64 // in its value and score: more than Options.L2 when a split of categories made it
	hist   histogram
	best   split // gain 0: none
}

// grower grows the trees of one fit; what it allocates serves all of them.
type grower struct {
	b    *Binned
	s    *sample
	o    Options
	offs []int // of the features of b.sorted in a histogram
	size int   // of a histogram

	free   []histogram
	rows   []int32 // places in the sample, grouped by leaf
	spare  []int32
	packed []cell  // derivatives of the rows of a leaf, side by side
	places []int32 // rows of the Binned likewise
	used   []int   // places in b.sorted that the tree may split, ascending
	leaves []leaf
	order  []category

	gUnit, hUnit, wUnit float64
	minWeight           int64
}

func newGrower(b *Binned, s *sample, o Options) (*grower, error) {
	g := &grower{b: b, s: s, o: o, offs: make([]int, len(b.sorted))}
	for k, i := range b.sorted {
		g.offs[k] = g.size
		g.size += b.columns[i].values() + 1
	}
	g.size += 256
	if g.size*o.Leaves > maxCells {
		return nil, bad("at most 33554432 for both together", "histograms of %d cells for %d leaves", g.size, o.Leaves)
	}
	n := len(s.row)
	g.rows, g.spare = make([]int32, n), make([]int32, n)
	g.packed, g.places = make([]cell, n), make([]int32, n)
	g.used = make([]int, len(b.sorted))
	return g, nil
}

// grow fits one tree to the derivatives of the sample, adds it to the margins and credits its gains to m. It returns
// false when no split is worth it, unless a tree of one leaf is wanted.
func (g *grower) grow(m *Model, number uint64, stump bool) (t tree, ok bool) {
	g.gUnit, g.hUnit, g.wUnit = math.Ldexp(1, -g.s.gScale), math.Ldexp(1, -g.s.hScale), math.Ldexp(1, -g.s.wScale)
	g.minWeight = int64(min(0x1p61, math.Ceil(math.Ldexp(float64(g.o.MinLeaf), g.s.wScale))))
	g.choose(number)
	for i := range g.rows {
		g.rows[i] = int32(i)
	}
	t.nodes = append(t.nodes, node{})
	root := leaf{hi: len(g.rows), l2: g.o.L2}
	for _, c := range g.s.grad {
		root.sum = root.sum.plus(c)
	}
	root.hist = g.histogram()
	g.count(&root)
	g.search(&root)
	g.leaves = append(g.leaves[:0], root)
	for len(g.leaves) < g.o.Leaves {
		at := 0
		for i := range g.leaves {
			if g.leaves[i].best.gain > g.leaves[at].best.gain {
				at = i
			}
		}
		if g.leaves[at].best.gain == 0 {
			break
		}
		g.split(&t, m, at)
	}
	ok = len(g.leaves) > 1 || stump
	for i := range g.leaves {
		l := &g.leaves[i]
		g.release(l)
		v := 0.0
		if den := float64(float64(l.sum.h)*g.hUnit) + l.l2; l.sum.g != 0 {
			v = -float64(l.sum.g) * g.gUnit / max(den, minHessian)
		}
		v = float64(v * g.o.Rate)
		t.nodes[l.node] = node{left: -1, value: v}
		if ok {
			for _, r := range g.rows[l.lo:l.hi] {
				g.s.margin[r] += v
			}
		}
	}
	return t, ok
}

// choose draws the features of a tree.
func (g *grower) choose(number uint64) {
	n := len(g.b.sorted)
	g.used = g.used[:n]
	for i := range g.used {
		g.used[i] = i
	}
	if g.o.FeatureShare == 1 || n == 0 {
		return
	}
	k := max(1, int(math.RoundToEven(g.o.FeatureShare*float64(n))))
	slices.SortFunc(g.used, func(i, j int) int {
		return cmp.Or(cmp.Compare(draw(g.o.Seed, 2*number+1, uint64(i)), draw(g.o.Seed, 2*number+1, uint64(j))), i-j)
	})
	g.used = g.used[:k]
	slices.Sort(g.used)
}

func (g *grower) histogram() histogram {
	if n := len(g.free); n > 0 {
		h := g.free[n-1]
		g.free = g.free[:n-1]
		return h
	}
	return make(histogram, g.size)
}

func (g *grower) release(l *leaf) {
	if l.hist != nil {
		g.free = append(g.free, l.hist)
		l.hist = nil
	}
}

// count fills the histogram of a leaf from its rows.
func (g *grower) count(l *leaf) {
	rows := g.rows[l.lo:l.hi]
	packed, places := g.packed[:len(rows)], g.places[:len(rows)]
	for i, r := range rows {
		packed[i], places[i] = g.s.grad[r], g.s.row[r]
	}
	for _, k := range g.used {
		c := &g.b.columns[g.b.sorted[k]]
		part := (*[256]cell)(l.hist[g.offs[k]:])
		clear(part[:c.values()+1])
		bins := c.bins
		for i, p := range places {
			at, d := &part[bins[p]], &packed[i]
			at.g += d.g
			at.h += d.h
			at.w += d.w
		}
	}
}

// subtract leaves in h what remains of it without d.
func (g *grower) subtract(h, d histogram) {
	for _, k := range g.used {
		lo := g.offs[k]
		hi := lo + g.b.columns[g.b.sorted[k]].values() + 1
		for i := lo; i < hi; i++ {
			h[i] = h[i].minus(d[i])
		}
	}
}

// split carries out the best split of a leaf: the leaf becomes the left child and a new one the right.
func (g *grower) split(t *tree, m *Model, at int) {
	l := &g.leaves[at]
	best := l.best
	col := g.b.sorted[best.feature]
	c := &g.b.columns[col]
	m.gain[col] += best.gain

	n := int32(len(t.nodes))
	nd := node{feature: int32(col), left: n, right: n + 1, missingLeft: best.left[0]&1 != 0}
	if c.categorical {
		nd.set = int32(len(t.sets))
		t.sets = append(t.sets, best.left)
	} else {
		nd.value = best.threshold(c)
	}
	t.nodes[l.node] = nd
	t.nodes = append(t.nodes, node{}, node{})

	mid := g.part(l, c, &best.left)
	left := leaf{node: n, lo: l.lo, hi: mid, sum: best.sum, l2: g.o.L2}
	right := leaf{node: n + 1, lo: mid, hi: l.hi, sum: l.sum.minus(best.sum), l2: g.o.L2}
	if c.categorical {
		left.l2 += g.o.CatL2
		right.l2 += g.o.CatL2
	}
	whole := l.hist
	l.hist = nil
	small, large := &left, &right
	if left.hi-left.lo > right.hi-right.lo {
		small, large = large, small
	}
	last := len(g.leaves)+1 == g.o.Leaves
	if last || !g.worth(small) && !g.worth(large) {
		g.free = append(g.free, whole)
	} else {
		small.hist = g.histogram()
		g.count(small)
		g.subtract(whole, small.hist)
		large.hist = whole
		g.search(small)
		g.search(large)
	}
	g.leaves[at] = left
	g.leaves = append(g.leaves, right)
}

// worth reports whether a leaf is heavy enough to be split.
func (g *grower) worth(l *leaf) bool { return l.sum.w >= 2*g.minWeight }

// search finds the best split of a leaf and gives back the histogram of a leaf that has none.
func (g *grower) search(l *leaf) {
	if g.worth(l) {
		for _, k := range g.used {
			if c := &g.b.columns[g.b.sorted[k]]; c.categorical {
				g.searchCategories(l, k, c)
			} else {
				g.searchNumbers(l, k, c)
			}
		}
	}
	if l.best.gain == 0 {
		g.release(l)
	}
}

// part groups the rows of a leaf into those of the left child and those of the right, each in their order, and returns
// where the right ones begin.
func (g *grower) part(l *leaf, c *column, left *binSet) int {
	rows, spare := g.rows[l.lo:l.hi], g.spare[:0]
	n := 0
	for _, r := range rows {
		if left.has(c.bins[g.s.row[r]]) {
			rows[n] = r
			n++
		} else {
			spare = append(spare, r)
		}
	}
	copy(rows[n:], spare)
	return l.lo + n
}
