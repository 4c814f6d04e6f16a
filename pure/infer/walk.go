package infer

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
			walkTreesSets(f.nodes, f.bits, f.kindEnd[slotCategory-1], keys, &at, steps)
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
			walkRowsSets(f.nodes, f.bits, f.kindEnd[slotCategory-1], lane, stride, &at, f.depths[tree])
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

// The four walks below are one walk, written out: over eight trees or eight rows, with and without category
// sets. Their lanes are variables because an array of them would go through memory at every step, and each
// is spelled out because Go has no way to unroll a loop.

// walkTrees moves one row down eight trees.
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

// walkRows moves eight rows down one tree; the keys of a row are stride long.
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

// walkTreesSets is walkTrees for a forest with category sets; slots from sets on are categorical.
func walkTreesSets[K ordered](nodes []node[K], bits []uint64, sets int, keys []K, at *[width]uint32, steps int32) {
	i0, i1, i2, i3, i4, i5, i6, i7 := at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]
	for s := range steps {
		n := &nodes[i0]
		i0 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i1]
		i1 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i2]
		i2 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i3]
		i3 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i4]
		i4 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i5]
		i5 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i6]
		i6 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		n = &nodes[i7]
		i7 = n.next + greaterOrIn(bits, n, keys[n.slot], sets)
		if s >= deep && s&1 == 0 && nodes[i0].slot|nodes[i1].slot|nodes[i2].slot|nodes[i3].slot|
			nodes[i4].slot|nodes[i5].slot|nodes[i6].slot|nodes[i7].slot == 0 {
			break
		}
	}
	at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7] = i0, i1, i2, i3, i4, i5, i6, i7
}

// walkRowsSets is walkRows for a forest with category sets.
func walkRowsSets[K ordered](nodes []node[K], bits []uint64, sets int, keys []K, stride int, at *[width]uint32, steps int32) {
	i0, i1, i2, i3, i4, i5, i6, i7 := at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]
	k0, k1, k2, k3 := keys[:stride], keys[stride:2*stride], keys[2*stride:3*stride], keys[3*stride:4*stride]
	k4, k5, k6, k7 := keys[4*stride:5*stride], keys[5*stride:6*stride], keys[6*stride:7*stride], keys[7*stride:8*stride]
	for s := range steps {
		n := &nodes[i0]
		i0 = n.next + greaterOrIn(bits, n, k0[n.slot], sets)
		n = &nodes[i1]
		i1 = n.next + greaterOrIn(bits, n, k1[n.slot], sets)
		n = &nodes[i2]
		i2 = n.next + greaterOrIn(bits, n, k2[n.slot], sets)
		n = &nodes[i3]
		i3 = n.next + greaterOrIn(bits, n, k3[n.slot], sets)
		n = &nodes[i4]
		i4 = n.next + greaterOrIn(bits, n, k4[n.slot], sets)
		n = &nodes[i5]
		i5 = n.next + greaterOrIn(bits, n, k5[n.slot], sets)
		n = &nodes[i6]
		i6 = n.next + greaterOrIn(bits, n, k6[n.slot], sets)
		n = &nodes[i7]
		i7 = n.next + greaterOrIn(bits, n, k7[n.slot], sets)
		if s >= deep && s&1 == 0 && nodes[i0].slot|nodes[i1].slot|nodes[i2].slot|nodes[i3].slot|
			nodes[i4].slot|nodes[i5].slot|nodes[i6].slot|nodes[i7].slot == 0 {
			break
		}
	}
	at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7] = i0, i1, i2, i3, i4, i5, i6, i7
}
