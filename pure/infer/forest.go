package infer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// ordered is a float mapped to an integer of the same order: int32 for float32, int64 for float64.
// The two extremes belong to no float and stand for a missing value that goes left or right.
type ordered interface{ int32 | int64 }

// node is one place of the walk. An inner node sends a row to next+1 when the row's key in its slot is
// greater than the node's key, else to next. A node of a categorical slot looks the bit up that key and the
// row's category point to. A leaf stays where it is: slot 0 holds the least key, which is greater than none,
// next is the leaf itself, and key holds the bits of the leaf's value.
//
// So a walk of n steps needs no branch on the data, several walks can run interleaved, and each may step
// further than its own leaf.
type node[K ordered] struct {
	key  K
	slot uint32
	next uint32
}

// forest is the trees of a model in one array, the two children of a node always side by side.
type forest[K ordered] struct {
	nodes  []node[K]
	roots  []uint32
	depths []int32 // steps to the deepest leaf, per tree
	groups []int32 // the margin that a tree adds to

	slots      []slot // slot 0 is the constant one
	kindEnd    [slotKinds]int
	categorise []categories // of the categorical slots, which come last
	bits       []uint64     // category sets; word 0 is zero
	features   int
}

// slot is one value derived from a row: a feature under one rule for what is missing.
type slot struct {
	feature int32
	kind    slotKind
}

type slotKind uint8

const (
	slotConstant  slotKind = iota
	slotLeft               // missing goes left
	slotRight              // missing goes right
	slotZero               // missing counts as zero
	slotZeroLeft           // missing and zero go left
	slotZeroRight          // missing and zero go right
	slotCategory
	slotKinds
)

// categories maps the codes that occur in any set over one feature to consecutive places. The place after
// them stands for every other code, the one after that for a missing value.
type categories struct {
	feature int32
	codes   []uint32 // sorted
	table   []int32  // by code, when codes are small enough to index; -1 for a code in no set
	words   int      // of one set
}

const maxCategoryTable = 1 << 16

func (c *categories) other() int   { return len(c.codes) }
func (c *categories) missing() int { return len(c.codes) + 1 }

func (c *categories) place(code uint32) int {
	if c.table != nil {
		if code < uint32(len(c.table)) && c.table[code] >= 0 {
			return int(c.table[code])
		}
		return c.other()
	}
	if i, ok := slices.BinarySearch(c.codes, code); ok {
		return i
	}
	return c.other()
}

// A categorical key is negative and far from every node's key, so that it is greater than none.
const (
	categoryBias  = 1 << 30
	categoryWords = categoryBias >> 6
)

// branch is a node as a format reader describes it.
type branch[K ordered] struct {
	leaf        bool
	key         K // leaf bits, or the last key that goes left
	feature     int32
	kind        slotKind
	left, right int // branches

	// Of a categorical branch: the codes in its set, and which way they, all others and missing values go.
	codes        []uint32
	listedRight  bool
	missingRight bool
}

// builder collects trees.
type builder[K ordered] struct {
	forest[K]
	limits Limits
	slotOf map[slot]uint32
	sets   []setNode
}

type setNode struct {
	node    uint32
	feature int32
	codes   []uint32
	listed  bool
	missing bool
}

func newBuilder[K ordered](features int, limits Limits) *builder[K] {
	b := &builder[K]{limits: limits, slotOf: map[slot]uint32{}}
	b.features = features
	b.slots = []slot{{}}
	b.bits = []uint64{0}
	return b
}

// add lays out the tree with the given branches; branch 0 is its root. Children out of range, shared or
// circular are reported as text, for the reader to say where.
func (b *builder[K]) add(tree []branch[K], group int) (problem string) {
	if len(b.roots) >= b.limits.Trees {
		return fmt.Sprintf("more than %d trees", b.limits.Trees)
	}
	type open struct {
		branch int
		node   uint32
		depth  int32
	}
	start := uint32(len(b.nodes))
	b.nodes = append(b.nodes, node[K]{})
	queue := []open{{0, start, 0}}
	seen := make([]bool, len(tree))
	var deepest int32
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		if o.branch < 0 || o.branch >= len(tree) {
			return fmt.Sprintf("child %d of a tree of %d nodes", o.branch, len(tree))
		}
		if seen[o.branch] {
			return fmt.Sprintf("node %d is reached twice", o.branch)
		}
		seen[o.branch] = true
		deepest = max(deepest, o.depth)
		t := &tree[o.branch]
		if t.leaf {
			b.nodes[o.node] = node[K]{key: t.key, next: o.node}
			continue
		}
		if t.feature < 0 || int(t.feature) >= b.features {
			return fmt.Sprintf("node %d splits feature %d of %d", o.branch, t.feature, b.features)
		}
		next := uint32(len(b.nodes))
		if len(b.nodes)+2 > b.limits.Nodes {
			return fmt.Sprintf("more than %d nodes", b.limits.Nodes)
		}
		b.nodes = append(b.nodes, node[K]{}, node[K]{})
		b.nodes[o.node] = node[K]{key: t.key, slot: b.slot(slot{t.feature, t.kind}), next: next}
		if t.kind == slotCategory {
			b.sets = append(b.sets, setNode{o.node, t.feature, t.codes, t.listedRight, t.missingRight})
		}
		queue = append(queue, open{t.left, next, o.depth + 1}, open{t.right, next + 1, o.depth + 1})
	}
	b.roots = append(b.roots, start)
	b.depths = append(b.depths, deepest)
	b.groups = append(b.groups, int32(group))
	return ""
}

func (b *builder[K]) slot(s slot) uint32 {
	n, ok := b.slotOf[s]
	if !ok {
		n = uint32(len(b.slots))
		b.slots = append(b.slots, s)
		b.slotOf[s] = n
	}
	return n
}

// finish sorts the slots by kind, so that a row is prepared without deciding per slot, and expands the
// category sets to bits. The problem is reported as text.
func (b *builder[K]) finish() (f *forest[K], problem string) {
	order := make([]uint32, len(b.slots))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int {
		sx, sy := b.slots[x], b.slots[y]
		return cmp.Or(cmp.Compare(sx.kind, sy.kind), cmp.Compare(sx.feature, sy.feature))
	})
	place := make([]uint32, len(order))
	slots := make([]slot, len(order))
	for i, o := range order {
		place[o], slots[i] = uint32(i), b.slots[o]
	}
	b.slots = slots
	for i := range b.nodes {
		b.nodes[i].slot = place[b.nodes[i].slot]
	}
	for i, s := range b.slots {
		b.kindEnd[s.kind] = i + 1
	}
	for k := 1; k < int(slotKinds); k++ {
		b.kindEnd[k] = max(b.kindEnd[k], b.kindEnd[k-1])
	}
	if problem := b.expand(); problem != "" {
		return nil, problem
	}
	return &b.forest, ""
}

func (b *builder[K]) expand() (problem string) {
	byFeature := map[int32]int{}
	for _, s := range b.slots[b.kindEnd[slotCategory-1]:] {
		byFeature[s.feature] = len(b.categorise)
		b.categorise = append(b.categorise, categories{feature: s.feature})
	}
	for _, s := range b.sets {
		c := &b.categorise[byFeature[s.feature]]
		c.codes = append(c.codes, s.codes...)
	}
	for i := range b.categorise {
		c := &b.categorise[i]
		slices.Sort(c.codes)
		c.codes = slices.Compact(c.codes)
		c.words = (c.missing() + 64) / 64
		if n := len(c.codes); n > 0 && c.codes[n-1] < maxCategoryTable {
			c.table = slices.Repeat([]int32{-1}, int(c.codes[n-1])+1)
			for place, code := range c.codes {
				c.table[code] = int32(place)
			}
		}
	}
	for _, s := range b.sets {
		c := &b.categorise[byFeature[s.feature]]
		offset := len(b.bits)
		if (offset+c.words)*8 > b.limits.SetBytes {
			return fmt.Sprintf("category sets of more than %d bytes", b.limits.SetBytes)
		}
		b.bits = append(b.bits, make([]uint64, c.words)...)
		set := b.bits[offset:]
		right := func(place int, yes bool) {
			if set[place>>6] &^= 1 << (place & 63); yes {
				set[place>>6] |= 1 << (place & 63)
			}
		}
		for place := range c.missing() {
			right(place, !s.listed)
		}
		for _, code := range s.codes {
			right(c.place(code), s.listed)
		}
		right(c.missing(), s.missing)
		b.nodes[s.node].key = K(offset + categoryWords)
	}
	return ""
}

// key32 and key64 map a number to its place in the order of numbers; both zeros have the same one.
func key32(v float32) int32 {
	b := int32(math.Float32bits(v + 0))
	return b ^ int32(uint32(b>>31)>>1)
}

func key64(v float64) int64 {
	b := int64(math.Float64bits(v + 0))
	return b ^ int64(uint64(b>>63)>>1)
}
