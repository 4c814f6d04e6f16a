package profile

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trimtab/trimtab/pure/table"
)

// Counts are the rows of a window counted against a profile. They add up: the counts of two windows merged are those of
// both together.
type Counts struct {
	Profile string         `json:"profile"` // id of the profile whose edges they belong to
	Rows    int64          `json:"rows"`
	Columns []ColumnCounts `json:"columns"` // in the order of the profile's
}

// ColumnCounts are the counts of one column. Each row is in exactly one of Missing, Invalid, Below, Above, Bins and, for
// categories, Unseen.
type ColumnCounts struct {
	Rows    int64 `json:"rows"`
	Missing int64 `json:"missing,omitempty"` // null, NaN, or the window lacks the column
	Invalid int64 `json:"invalid,omitempty"` // no value of the column's kind: text that is no number
	Below   int64 `json:"below,omitempty"`   // below the reference's smallest number
	Above   int64 `json:"above,omitempty"`   // above its largest
	// Unseen are rows whose value the reference did not have. Those of a Number column are in a bin, below or above
	// as well. Always 0 when the column does not track it.
	Unseen int64 `json:"unseen,omitempty"`
	// New are the most frequent of the unseen categories, by name, at most maxNew. Rows is a lower bound when there
	// were more of them (Misra and Gries, Sci. Comput. Program. 2, 1982), else exact.
	New     []Fresh `json:"new,omitempty"`
	Bins    []int64 `json:"bins,omitempty"`
	Moments Moments `json:"moments"` // of finite numbers
}

// Fresh is a category that the reference did not have.
type Fresh struct {
	Value text  `json:"value"`
	Rows  int64 `json:"rows"`
}

// maxNew is how many unseen categories are kept by name.
const maxNew = 32

// fresh adds rows of an unseen category.
func (k *ColumnCounts) fresh(s string, rows int64) {
	i, ok := slices.BinarySearchFunc(k.New, s, func(f Fresh, s string) int { return strings.Compare(string(f.Value), s) })
	if ok {
		k.New[i].Rows += rows
		return
	}
	if len(k.New) == maxNew {
		// One more than fits: all lose as many rows as the rarest has.
		least := rows
		for _, f := range k.New {
			least = min(least, f.Rows)
		}
		rows -= least
		for j := range k.New {
			k.New[j].Rows -= least
		}
		k.New = slices.DeleteFunc(k.New, func(f Fresh) bool { return f.Rows == 0 })
		if rows == 0 {
			return
		}
		i, _ = slices.BinarySearchFunc(k.New, s, func(f Fresh, s string) int { return strings.Compare(string(f.Value), s) })
	}
	k.New = slices.Insert(k.New, i, Fresh{text(strings.Clone(s)), rows})
}

// mostFresh is the most frequent unseen category, without rows when there is none.
func (k *ColumnCounts) mostFresh() (top Fresh) {
	for _, f := range k.New {
		if f.Rows > top.Rows {
			top = f
		}
	}
	return top
}

// present are the rows with a value of the column's kind.
func (k *ColumnCounts) present() int64 { return k.Rows - k.Missing - k.Invalid }

func (k *ColumnCounts) merge(o ColumnCounts) {
	k.Rows += o.Rows
	k.Missing += o.Missing
	k.Invalid += o.Invalid
	k.Below += o.Below
	k.Above += o.Above
	k.Unseen += o.Unseen
	for i, n := range o.Bins {
		k.Bins[i] += n
	}
	for _, f := range o.New {
		k.fresh(string(f.Value), f.Rows)
	}
	k.Moments.Merge(o.Moments)
}

// NewCounts returns counts of nothing.
func (p *Profile) NewCounts() *Counts {
	k := &Counts{Profile: p.ID(), Columns: make([]ColumnCounts, len(p.Columns))}
	for i, c := range p.Columns {
		if n := c.Bins(); n > 0 {
			k.Columns[i].Bins = make([]int64, n)
		}
	}
	return k
}

// Merge adds the rows of o. Counts against another profile are an error and change nothing.
func (k *Counts) Merge(o *Counts) error {
	if k.Profile != o.Profile || len(k.Columns) != len(o.Columns) {
		return fail("", "counts against profile %.12s cannot be added to counts against profile %.12s: their bins differ", o.Profile, k.Profile)
	}
	k.Rows += o.Rows
	for i := range k.Columns {
		k.Columns[i].merge(o.Columns[i])
	}
	return nil
}

// Count counts the rows of a table. Columns are found by name; one that the table lacks counts as missing in each row,
// one that the profile lacks is left out. A column of another type is read as the profile's where its values allow it.
func (p *Profile) Count(t *table.Table) (*Counts, error) {
	k := p.NewCounts()
	return k, p.CountInto(k, t)
}

// CountInto adds the rows of a table to counts against p.
func (p *Profile) CountInto(k *Counts, t *table.Table) error {
	if err := t.Check(); err != nil {
		return fail("", "%v", err)
	}
	if k.Profile != p.ID() || len(k.Columns) != len(p.Columns) {
		return fail("", "counts against profile %.12s cannot take rows counted against profile %.12s", k.Profile, p.ID())
	}
	byName := make(map[string]*table.Column, len(t.Columns))
	for _, c := range t.Columns {
		byName[c.Name] = c
	}
	n := t.Rows()
	k.Rows += int64(n)
	each(len(p.Columns), func(i int) {
		c, cc := p.Columns[i], &k.Columns[i]
		col := byName[c.Name]
		if col == nil {
			cc.Rows += int64(n)
			cc.Missing += int64(n)
			return
		}
		c.count(col, cc)
	})
	return nil
}

// scratch are buffers for numbers of other types.
var scratch = sync.Pool{New: func() any { return new([]float64) }}

// count adds the rows of one column.
func (c *Column) count(col *table.Column, k *ColumnCounts) {
	c.once.Do(c.prepare)
	k.Rows += int64(col.Len())
	switch c.Kind {
	case Number:
		if col.Type == table.Float64 && col.Valid == nil {
			c.countNumbers(col.Float64s, k)
			return
		}
		buffer := scratch.Get().(*[]float64)
		defer scratch.Put(buffer)
		values := slices.Grow((*buffer)[:0], col.Len())[:col.Len()]
		*buffer = values
		if !floats(col, values) {
			parse(col, values, k)
		}
		c.countNumbers(values, k)
	case Category:
		c.countCategories(col, k)
	default:
		k.Missing += int64(col.Nulls())
	}
}

// parse reads text as numbers. What is none is counted as invalid, not as missing, which its NaN will add.
func parse(col *table.Column, values []float64, k *ColumnCounts) {
	for i := range values {
		values[i] = math.NaN()
		if col.Null(i) {
			continue
		}
		if col.Type == table.String {
			if v, err := strconv.ParseFloat(col.Strings[i], 64); err == nil {
				values[i] = v
				continue
			}
		}
		k.Invalid++
		k.Missing--
	}
}

// countNumbers is the loop that a comparison spends its time in; it allocates nothing.
func (c *Column) countNumbers(values []float64, k *ColumnCounts) {
	x := &c.index
	m := k.Moments
	var missing, below, above, unseen int64
	bins := k.Bins
	tracks := c.Tracks()
	for _, v := range values {
		if v != v {
			missing++
			continue
		}
		if v-v == 0 { // finite
			m.add(v)
		}
		switch {
		case len(bins) == 0:
			above++
		case v < x.lo:
			below++
		case v > x.hi:
			above++
		case x.dense != nil:
			if i := int(v - x.lo); x.lo+float64(i) == v {
				d := x.dense[i]
				bins[d>>1]++
				unseen += int64(d & 1)
			} else {
				bins[x.find(v)]++
				unseen++
			}
			continue
		default:
			bins[x.find(v)]++
			if tracks && !x.known(v) {
				unseen++
			}
			continue
		}
		if tracks {
			unseen++
		}
	}
	k.Missing += missing
	k.Below += below
	k.Above += above
	k.Unseen += unseen
	k.Moments = m
}

func (c *Column) countCategories(col *table.Column, k *ColumnCounts) {
	if col.Type == table.Bool {
		var n [2]int64
		for i, v := range col.Bools {
			switch {
			case col.Null(i):
				k.Missing++
			case v:
				n[1]++
			default:
				n[0]++
			}
		}
		for i, rows := range n {
			if rows > 0 {
				c.category(strconv.FormatBool(i == 1), rows, k)
			}
		}
		return
	}
	if col.Type != table.String {
		var text []byte
		for i := range col.Len() {
			if col.Missing(i) {
				k.Missing++
				continue
			}
			text = col.AppendText(text[:0], i)
			if b, ok := c.index.category[string(text)]; ok {
				k.Bins[b]++
			} else {
				c.category(string(text), 1, k)
			}
		}
		return
	}
	for i, s := range col.Strings {
		if b, ok := c.index.category[s]; ok {
			if s == "" && col.Null(i) {
				k.Missing++
			} else {
				k.Bins[b]++
			}
			continue
		}
		if col.Null(i) {
			k.Missing++
			continue
		}
		c.category(s, 1, k)
	}
}

// category counts rows of any category.
func (c *Column) category(s string, rows int64, k *ColumnCounts) {
	if len(s) > longestText {
		s = shorten(s)
	}
	if b, ok := c.index.category[s]; ok {
		k.Bins[b] += rows
		return
	}
	h := hash(s)
	if !c.More {
		if _, seen := slices.BinarySearch(c.Rest, h); !seen {
			k.Unseen += rows
			k.fresh(s, rows)
			return
		}
	}
	k.Bins[len(c.Categories)+int(h%restBins)] += rows
}
