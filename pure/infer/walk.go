package infer

import "math"

// lanes are the buffers of a walk: the keys of up to block rows and the leaves they reach.
type lanes[K ordered] struct {
	keys   []K
	leaves []K
}

func (f *forest[K]) lanes(rows int) lanes[K] {
	rows = min(max(rows, 1), block)
	n := max(len(f.roots)+width, rows)
	return lanes[K]{keys: make([]K, rows*len(f.slots)), leaves: make([]K, n)}
}

// width is the number of walks that run interleaved: each step of one waits for memory while the others
// proceed.
const width = 8

// deep is the depth from which on a walk looks now and then whether all of its lanes have arrived.
const deep = 10

// trees walks one row through all trees and writes the leaf of each into leaves.
func (f *forest[K]) trees(keys, leaves []K) {
	var at [width]uint32
	for first := 0; first < len(f.roots); first += width {
		n := min(width, len(f.roots)-first)
		steps := int32(0)
		for i := range width {
			t := first + min(i, n-1)
			at[i] = f.roots[t]
			steps = max(steps, f.depths[t])
		}
		if f.categorise == nil {
			walkTrees(f.nodes, keys, &at, steps)
		} else {
			f.walkTreesSets(keys, &at, steps)
		}
		for i := range n {
			leaves[first+i] = f.nodes[at[i]].key
		}
	}
}

// rows walks rows, at least width of them, through one tree and writes the leaf of each into leaves. The
// keys of a row follow those of the row before.
func (f *forest[K]) rows(tree, rows int, keys, leaves []K) {
	stride := len(f.slots)
	for first := 0; first < rows; first += width {
		var at [width]uint32
		for i := range at {
			at[i] = f.roots[tree]
		}
		// A last group that is short walks rows of the group before once more.
		base := min(first, rows-width)
		lane := keys[base*stride : (base+width)*stride]
		if f.categorise == nil {
			walkRows(f.nodes, lane, stride, &at, f.depths[tree])
		} else {
			f.walkRowsSets(lane, stride, &at, f.depths[tree])
		}
		for i := range at {
			leaves[base+i] = f.nodes[at[i]].key
		}
	}
}

// greater is 1 when a > b; it compiles to a comparison without a jump.
func greater[K ordered](a, b K) uint32 {
	var r uint32
	if a > b {
		r = 1
	}
	return r
}

func walkTrees[K ordered](nodes []node[K], keys []K, at *[width]uint32, steps int32) {
	i0, i1, i2, i3, i4, i5, i6, i7 := at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]
	for s := range steps {
		n := &nodes[i0]
		i0 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i1]
		i1 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i2]
		i2 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i3]
		i3 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i4]
		i4 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i5]
		i5 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i6]
		i6 = n.next + greater(keys[n.slot], n.key)
		n = &nodes[i7]
		i7 = n.next + greater(keys[n.slot], n.key)
		if s >= deep && s&1 == 0 && nodes[i0].slot|nodes[i1].slot|nodes[i2].slot|nodes[i3].slot|
			nodes[i4].slot|nodes[i5].slot|nodes[i6].slot|nodes[i7].slot == 0 {
			break
		}
	}
	at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7] = i0, i1, i2, i3, i4, i5, i6, i7
}

func walkRows[K ordered](nodes []node[K], keys []K, stride int, at *[width]uint32, steps int32) {
	i0, i1, i2, i3, i4, i5, i6, i7 := at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]
	k0, k1, k2, k3 := keys[:stride], keys[stride:2*stride], keys[2*stride:3*stride], keys[3*stride:4*stride]
	k4, k5, k6, k7 := keys[4*stride:5*stride], keys[5*stride:6*stride], keys[6*stride:7*stride], keys[7*stride:8*stride]
	for s := range steps {
		n := &nodes[i0]
		i0 = n.next + greater(k0[n.slot], n.key)
		n = &nodes[i1]
		i1 = n.next + greater(k1[n.slot], n.key)
		n = &nodes[i2]
		i2 = n.next + greater(k2[n.slot], n.key)
		n = &nodes[i3]
		i3 = n.next + greater(k3[n.slot], n.key)
		n = &nodes[i4]
		i4 = n.next + greater(k4[n.slot], n.key)
		n = &nodes[i5]
		i5 = n.next + greater(k5[n.slot], n.key)
		n = &nodes[i6]
		i6 = n.next + greater(k6[n.slot], n.key)
		n = &nodes[i7]
		i7 = n.next + greater(k7[n.slot], n.key)
		if s >= deep && s&1 == 0 && nodes[i0].slot|nodes[i1].slot|nodes[i2].slot|nodes[i3].slot|
			nodes[i4].slot|nodes[i5].slot|nodes[i6].slot|nodes[i7].slot == 0 {
			break
		}
	}
	at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7] = i0, i1, i2, i3, i4, i5, i6, i7
}

// greaterOrIn is greater that knows categorical slots, and does so without a branch: the mask is all ones for a categorical slot and leaves word 0 of
// bits, which is zero, for any other; a categorical key is greater than no node's key.
func greaterOrIn[K ordered](bits []uint64, n *node[K], key K, sets int) uint32 {
	mask := (sets - 1 - int(n.slot)) >> 63
	word := (int(n.key) + int(key>>6)) & mask
	return greater(key, n.key) | uint32(bits[word]>>(uint(key)&63))&1
}

func (f *forest[K]) walkTreesSets(keys []K, at *[width]uint32, steps int32) {
	nodes, bits, sets := f.nodes, f.bits, f.kindEnd[slotCategory-1]
	for s := range steps {
		var open uint32
		for lane := range at {
			n := &nodes[at[lane]]
			at[lane] = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
			open |= n.slot
		}
		if s >= deep && open == 0 {
			break
		}
	}
}

func (f *forest[K]) walkRowsSets(keys []K, stride int, at *[width]uint32, steps int32) {
	nodes, bits, sets := f.nodes, f.bits, f.kindEnd[slotCategory-1]
	for s := range steps {
		var open uint32
		for lane := range at {
			n := &nodes[at[lane]]
			at[lane] = n.next + greaterOrIn(bits, n, keys[lane*stride+int(n.slot)], sets)
			open |= n.slot
		}
		if s >= deep && open == 0 {
			break
		}
	}
}

// prepare32 derives the keys of a row under XGBoost's rules: round to float32, NaN is missing.
func prepare32(f *forest[int32], x []float64, keys []int32) {
	keys[0] = math.MinInt32
	for i := f.kindEnd[slotConstant]; i < f.kindEnd[slotLeft]; i++ {
		keys[i] = orMissing32(x[f.slots[i].feature], math.MinInt32)
	}
	for i := f.kindEnd[slotLeft]; i < f.kindEnd[slotRight]; i++ {
		keys[i] = orMissing32(x[f.slots[i].feature], math.MaxInt32)
	}
	sets := f.kindEnd[slotCategory-1]
	for i := range f.categorise {
		c := &f.categorise[i]
		v := float32(x[c.feature])
		place := c.other()
		switch {
		case v != v:
			place = c.missing()
		case v >= 0 && v < 1<<24:
			place = c.place(uint32(v))
		}
		keys[sets+i] = int32(place - categoryBias)
	}
}

func orMissing32(x float64, missing int32) int32 {
	v := float32(x)
	if v != v {
		return missing
	}
	return key32(v)
}

// zeroThreshold is LightGBM's kZeroThreshold: the float32 nearest to 1e-35, as a double.
const zeroThreshold = 0x1.a95a5cp-117

// prepare64 derives the keys of a row under LightGBM's rules: what is at most zeroThreshold from zero is
// zero; what NaN and zero mean depends on the node.
func prepare64(f *forest[int64], x []float64, keys []int64) {
	keys[0] = math.MinInt64
	for i := f.kindEnd[slotConstant]; i < f.kindEnd[slotLeft]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], math.MinInt64)
	}
	for i := f.kindEnd[slotLeft]; i < f.kindEnd[slotRight]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], math.MaxInt64)
	}
	for i := f.kindEnd[slotRight]; i < f.kindEnd[slotZero]; i++ {
		keys[i] = orMissing64(x[f.slots[i].feature], 0)
	}
	for i := f.kindEnd[slotZero]; i < f.kindEnd[slotZeroLeft]; i++ {
		keys[i] = orZero64(x[f.slots[i].feature], math.MinInt64)
	}
	for i := f.kindEnd[slotZeroLeft]; i < f.kindEnd[slotZeroRight]; i++ {
		keys[i] = orZero64(x[f.slots[i].feature], math.MaxInt64)
	}
	sets := f.kindEnd[slotCategory-1]
	for i := range f.categorise {
		c := &f.categorise[i]
		v := x[c.feature]
		place := c.other()
		switch {
		case v != v:
			place = c.missing()
		case v > -1 && v < 1<<31: // C truncates toward zero: -0.5 is code 0
			place = c.place(uint32(int64(v)))
		}
		keys[sets+i] = int64(place - categoryBias)
	}
}

func orMissing64(v float64, missing int64) int64 {
	if v != v {
		return missing
	}
	if math.Abs(v) <= zeroThreshold {
		return 0
	}
	return key64(v)
}

func orZero64(v float64, missing int64) int64 {
	if v != v || math.Abs(v) <= zeroThreshold {
		return missing
	}
	return key64(v)
}
