package retrain

import (
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Windows are kept one by one while they are new and merged in pairs as they grow older, as in an exponential
// histogram (Datar et al., SIAM J. Comput. 31, 2002): so a change of a week ago and one of half a year ago are both
// seen, and the state of a policy stays a few kilobytes.
const (
	itemsPerSize = 3  // of each size, before the two oldest are merged
	largestItem  = 16 // windows, or as many as make a month; what is older than all items is forgotten
	mergedBlocks = 16 // neighbouring blocks of merged items are joined until so many are left
)

// extend adds one window to the items of a cure.
func extend(items []trimtab.GainItem, start, end trimtab.Time, blocks []trimtab.GainBlock) []trimtab.GainItem {
	items = append(slices.Clone(items), trimtab.GainItem{Start: start, End: end, Windows: 1, Blocks: blocks})
	largest := largestItem
	for length := end - start; length > 0 && trimtab.Time(largest)*length < 28*day; {
		largest *= 2
	}
	for size := 1; size <= largest; size *= 2 {
		first, n := -1, 0
		for i := len(items) - 1; i >= 0; i-- {
			if items[i].Windows == size {
				first, n = i, n+1
			}
		}
		if n <= itemsPerSize {
			continue
		}
		if size == largest {
			items = slices.Delete(items, first, first+1)
			continue
		}
		items[first] = join(items[first], items[first+1])
		items = slices.Delete(items, first+1, first+2)
	}
	return items
}

func join(a, b trimtab.GainItem) trimtab.GainItem {
	m := trimtab.GainItem{Start: a.Start, End: b.End, Windows: a.Windows + b.Windows, Blocks: merge(a.Blocks, b.Blocks)}
	if m.Windows < 4 {
		return m
	}
	for len(m.Blocks) > mergedBlocks { // a larger block of whole blocks is a block
		thin := make([]trimtab.GainBlock, 0, (len(m.Blocks)+1)/2)
		for i := 0; i < len(m.Blocks); i += 2 {
			g := m.Blocks[i]
			if i+1 < len(m.Blocks) {
				g = add(g, m.Blocks[i+1])
			}
			thin = append(thin, g)
		}
		m.Blocks = thin
	}
	return m
}

func add(a, b trimtab.GainBlock) trimtab.GainBlock {
	return trimtab.GainBlock{Key: a.Key, N: a.N + b.N, Sum: a.Sum + b.Sum, Sum2: a.Sum2 + b.Sum2}
}

// merge joins two ascending lists of blocks; blocks of one key become one.
func merge(a, b []trimtab.GainBlock) []trimtab.GainBlock {
	out := make([]trimtab.GainBlock, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Key < b[0].Key:
			out, a = append(out, a[0]), a[1:]
		case a[0].Key > b[0].Key:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, add(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// span is a run of windows that ends with the newest.
type span struct {
	windows          int
	rows, sum        float64
	blocks           int
	mean, stderr, df float64
}

// spans returns every run of items that ends with the newest, shortest first.
func spans(items []trimtab.GainItem) []span {
	var out []span
	var blocks []trimtab.GainBlock
	windows := 0
	for i := len(items) - 1; i >= 0; i-- {
		blocks = merge(items[i].Blocks, blocks)
		windows += items[i].Windows
		out = append(out, spanOf(blocks, windows))
	}
	return out
}

func spanOf(blocks []trimtab.GainBlock, windows int) span {
	s := span{windows: windows, blocks: len(blocks)}
	list := make([]stat.Block, len(blocks))
	for i, b := range blocks {
		list[i] = stat.Block{N: b.N, Sum: b.Sum, Sum2: b.Sum2}
		s.rows, s.sum = s.rows+b.N, s.sum+b.Sum
	}
	s.mean, s.stderr, s.df = stat.BlockMean(list)
	return s
}
