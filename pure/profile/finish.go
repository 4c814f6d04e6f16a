package profile

import (
	"math"
	"slices"
	"sort"
)

// Finish returns the profile of all rows added and uses the builder up. No rows make a profile that has seen nothing:
// each value of a window is new to it.
func (b *Builder) Finish() (*Profile, error) {
	if b.columns == nil {
		return nil, fail("", "nothing was added, not even columns")
	}
	p := &Profile{Rows: b.rows, Columns: make([]*Column, len(b.columns))}
	each(len(b.columns), func(i int) {
		g := b.columns[i]
		c := &Column{Name: g.name, Type: g.typ, Kind: g.kind}
		c.Reference = ColumnCounts{Rows: g.rows, Missing: g.missing, Moments: g.moments}
		switch g.kind {
		case Number:
			c.Sampled = b.level > 0
			g.finishNumbers(c)
		case Category:
			g.finishCategories(c)
		}
		p.Columns[i] = c
		b.columns[i] = nil
	})
	b.columns, b.hashes = nil, nil
	return p, nil
}

func (g *gathered) finishNumbers(c *Column) {
	n := 0
	for _, chunk := range g.chunks {
		n += len(chunk)
	}
	values := make([]float64, 0, n)
	for i, chunk := range g.chunks {
		for _, v := range chunk {
			if v == v {
				values = append(values, v)
			}
		}
		g.chunks[i] = nil
	}
	r := &c.Reference
	r.Rows, r.Missing = int64(n), int64(n-len(values))
	sortFloats(values)
	lo := sort.Search(len(values), func(i int) bool { return !math.IsInf(values[i], -1) })
	hi := sort.Search(len(values), func(i int) bool { return math.IsInf(values[i], 1) })
	r.Below, r.Above = int64(lo), int64(len(values)-hi)
	values = values[lo:hi]
	if len(values) == 0 {
		return
	}
	var atoms []float64 // values with at least a hundredth of the rows, and the value after each
	heavy := max(2, len(values)/100)
	c.Values = make([]float64, 0, 64)
	for i := 0; i < len(values); {
		j := i + 1
		for j < len(values) && values[j] == values[i] {
			j++
		}
		c.Distinct++
		switch j - i {
		case 1:
			c.Singles++
		case 2:
			c.Pairs++
		}
		if j-i >= heavy {
			atoms = append(atoms, values[i])
			if j < len(values) {
				atoms = append(atoms, values[j])
			}
		}
		if c.Distinct <= MaxValues {
			c.Values = append(c.Values, values[i])
		} else {
			c.Values = nil
		}
		i = j
	}
	c.Quantiles = make([]float64, len(Levels))
	for i, q := range Levels {
		c.Quantiles[i] = values[rank(q, len(values))]
	}
	if c.Distinct <= fineBins {
		c.Edges = append(c.Edges, c.Values...)
	} else {
		c.Edges = cuts(values, atoms)
	}
	c.Edges = append(c.Edges, values[len(values)-1])
	r.Bins = make([]int64, len(c.Edges)-1)
	at := 0
	for i := range r.Bins {
		end := len(values)
		if i+1 < len(r.Bins) {
			end, _ = slices.BinarySearch(values, c.Edges[i+1])
		}
		r.Bins[i] = int64(end - at)
		at = end
	}
	c.Coarse = coarse(r.Bins)
}

// rank is the index of the quantile q of n sorted values: the smallest value with at least the share q at or below it.
func rank(q float64, n int) int { return max(0, min(n-1, int(math.Ceil(q*float64(n)))-1)) }

// cuts returns where the bins of many distinct numbers begin: at every hundredth, finer at the ends, each with some
// rows of its own; and around values that many rows share.
func cuts(values, atoms []float64) []float64 {
	const fewest = 8 // rows of a bin
	levels := []float64{0, 0.001, 0.0025, 0.005}
	for k := 1; k < 100; k++ {
		levels = append(levels, float64(k)/100)
	}
	levels = append(levels, 0.995, 0.9975, 0.999)
	edges := slices.Clone(atoms)
	last := -fewest
	for _, q := range levels {
		if i := int(q * float64(len(values))); i-last >= fewest && (len(values)-i >= fewest) {
			edges = append(edges, values[i])
			last = i
		}
	}
	edges = append(edges, values[0])
	slices.Sort(edges)
	return slices.Compact(edges)
}

// coarse groups bins into ten of about equal shares; up to twenty bins stay as they are.
func coarse(bins []int64) []int {
	const groups, most = 10, 20
	var first []int
	if len(bins) <= most {
		for i := range bins {
			first = append(first, i)
		}
		return first
	}
	var n int64
	for _, k := range bins {
		n += k
	}
	first = []int{0}
	var before int64
	at := 0
	for g := 1; g < groups; g++ {
		target := float64(n) * float64(g) / groups
		for at < len(bins) && math.Abs(float64(before+bins[at])-target) <= math.Abs(float64(before)-target) {
			before += bins[at]
			at++
		}
		if at > first[len(first)-1] && at < len(bins) {
			first = append(first, at)
		}
	}
	return first
}

func (g *gathered) finishCategories(c *Column) {
	names := g.byCount()
	c.Distinct, c.More = int64(len(names)), g.more
	r := &c.Reference
	for _, s := range names {
		switch g.counts[g.index[s]] {
		case 1:
			c.Singles++
		case 2:
			c.Pairs++
		}
	}
	top := min(len(names), MaxCategories)
	c.Categories = names[:top:top]
	for _, s := range c.Categories {
		r.Bins = append(r.Bins, g.counts[g.index[s]])
	}
	if len(names) > top || g.more {
		rest := g.overflow
		for _, s := range names[top:] {
			h := hash(s)
			rest[h%restBins] += g.counts[g.index[s]]
			c.Rest = append(c.Rest, h)
		}
		slices.Sort(c.Rest)
		c.Rest = slices.Compact(c.Rest)
		r.Bins = append(r.Bins, rest[:]...)
	}
	g.index = nil
	// Distances are taken over the frequent categories and all others together.
	const most, share = 19, 0.01
	n := r.present()
	for i, k := range r.Bins {
		c.Coarse = append(c.Coarse, i)
		if i == most || float64(k) < share*float64(n) {
			break
		}
	}
}
