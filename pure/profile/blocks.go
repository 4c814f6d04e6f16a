package profile

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/table"
)

// Blocks are successive parts of the reference, days for example: their counts, and which values only one stretch of
// them had. Rows of one day resemble each other more than rows drawn from all days do, so that a window differs from
// the reference more than its number of rows suggests; from the blocks it shows by how much.
type Blocks struct {
	Counts []*Counts `json:"counts"`
	Alone  []Alone   `json:"alone"` // by column of the profile
}

// Alone are the rows whose value occurs in one stretch of blocks only: Rows[i] of stretches of i+1 blocks, and Squares
// the sum of the squares of the rows of each such value. Nil when the column does not track values.
type Alone struct {
	Rows    []float64 `json:"rows,omitempty"`
	Squares []float64 `json:"squares,omitempty"`
}

// longestStretch bounds the stretches that are told apart.
const longestStretch = 64

// BlockCounter gathers Blocks: rows may come in any order, each with the key of its block.
type BlockCounter struct {
	p      *Profile
	counts map[int64]*Counts
	values [][]presence
}

// presence is where a value of the reference occurs.
type presence struct {
	first, last int64
	rows        float64
}

// NewBlocks returns a counter of nothing.
func (p *Profile) NewBlocks() *BlockCounter {
	b := &BlockCounter{p: p, counts: map[int64]*Counts{}, values: make([][]presence, len(p.Columns))}
	for i, c := range p.Columns {
		if c.Tracks() {
			b.values[i] = make([]presence, max(len(c.Values), len(c.Categories)+len(c.Rest)))
		}
	}
	return b
}

// Add counts rows of the block with the key; keys order blocks.
func (b *BlockCounter) Add(key int64, t *table.Table) error {
	k := b.counts[key]
	if k == nil {
		k = b.p.NewCounts()
		b.counts[key] = k
	}
	if err := b.p.CountInto(k, t); err != nil {
		return err
	}
	byName := make(map[string]*table.Column, len(t.Columns))
	for _, c := range t.Columns {
		byName[c.Name] = c
	}
	each(len(b.p.Columns), func(i int) {
		if col := byName[b.p.Columns[i].Name]; col != nil && b.values[i] != nil {
			b.p.Columns[i].locate(col, func(value int) {
				v := &b.values[i][value]
				if v.rows == 0 {
					v.first, v.last = key, key
				}
				v.first, v.last = min(v.first, key), max(v.last, key)
				v.rows++
			})
		}
	})
	return nil
}

// locate gives the index of the value of each row whose value the reference had.
func (c *Column) locate(col *table.Column, f func(value int)) {
	if c.Kind == Number {
		values := make([]float64, col.Len())
		if !floats(col, values) {
			return
		}
		for _, v := range values {
			if v >= c.index.lo && v <= c.index.hi && c.index.known(v) {
				f(last(c.index.values, v))
			}
		}
		return
	}
	for i := range col.Len() {
		if col.Missing(i) {
			continue
		}
		s := col.Text(i)
		if len(s) > longestText {
			s = shorten(s)
		}
		if k, ok := c.index.category[s]; ok {
			f(int(k))
		} else if k, ok := slices.BinarySearch(c.Rest, hash(s)); ok {
			f(len(c.Categories) + k)
		}
	}
}

// Finish returns the blocks in the order of their keys.
func (b *BlockCounter) Finish() *Blocks {
	keys := make([]int64, 0, len(b.counts))
	for k := range b.counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := &Blocks{Alone: make([]Alone, len(b.values))}
	for _, k := range keys {
		out.Counts = append(out.Counts, b.counts[k])
	}
	for i, values := range b.values {
		if values == nil {
			continue
		}
		a := &out.Alone[i]
		a.Rows, a.Squares = make([]float64, longestStretch), make([]float64, longestStretch)
		for _, v := range values {
			if v.rows == 0 {
				continue
			}
			from, _ := slices.BinarySearch(keys, v.first)
			to, _ := slices.BinarySearch(keys, v.last)
			if to-from < longestStretch {
				a.Rows[to-from] += v.rows
				a.Squares[to-from] += v.rows * v.rows
			}
		}
	}
	return out
}

// left is the share of rows of a run of blocks whose value no block outside of the run has, the mean over all runs of
// that length; and how many rows such a value has.
func (a Alone) left(blocks, width int, rows float64) (share, lot float64) {
	total, squares := 0.0, 0.0
	for e := 1; e <= min(width, len(a.Rows)); e++ {
		runs := float64(width - e + 1) // that hold a stretch of e blocks
		total += a.Rows[e-1] * runs
		squares += a.Squares[e-1] * runs
	}
	if total == 0 {
		return 0, 1
	}
	all := float64(blocks-width+1) * float64(width) * rows / float64(blocks)
	return min(1, total/all), math.Max(1, squares/total)
}
