package profile

import (
	"math"
	"slices"
)

// index finds bins. It is made once, when the first window is counted.
type index struct {
	lo, hi float64
	starts []float64 // padded with +Inf to a power of two
	values []float64 // the same of the distinct numbers
	// dense is for columns of whole numbers of a small range: by value - lo, twice the bin, plus 1 when the reference
	// did not have the value.
	dense []uint16

	category map[string]int32
}

// widest is the range of whole numbers up to which a column has a dense index.
const widest = 1 << 16

func (c *Column) prepare() {
	x := &c.index
	switch {
	case c.Kind == Category:
		x.category = make(map[string]int32, len(c.Categories))
		for i, s := range c.Categories {
			x.category[s] = int32(i)
		}
	case c.Kind == Number && len(c.Edges) > 0:
		x.lo, x.hi = c.Edges[0], c.Edges[len(c.Edges)-1]
		x.starts = pad(c.Edges[:len(c.Edges)-1])
		if c.Values == nil {
			return
		}
		x.values = pad(c.Values)
		if x.hi-x.lo >= widest || math.Abs(x.lo) >= 1<<52 || slices.ContainsFunc(c.Values, func(v float64) bool { return v != math.Trunc(v) }) {
			return
		}
		x.dense = make([]uint16, int(x.hi-x.lo)+1)
		for i := range x.dense {
			v := x.lo + float64(i)
			x.dense[i] = uint16(x.find(v)) << 1
			if !x.known(v) {
				x.dense[i] |= 1
			}
		}
	}
}

func pad(sorted []float64) []float64 {
	n := 1
	for n <= len(sorted) {
		n <<= 1
	}
	p := make([]float64, n)
	for i := copy(p, sorted); i < n; i++ {
		p[i] = math.Inf(1)
	}
	return p
}

// find returns the bin of a number within the range.
func (x *index) find(v float64) int { return last(x.starts, v) }

// known reports whether the reference had a number within the range.
func (x *index) known(v float64) bool { return x.values[last(x.values, v)] == v }

// last returns the index of the last of the padded numbers that is at most v, given that the first is.
func last(padded []float64, v float64) int {
	i := 0
	for step := len(padded) >> 1; step > 0; step >>= 1 {
		if padded[i+step] <= v {
			i += step
		}
	}
	return i
}
