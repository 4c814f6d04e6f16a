package monitor

import (
	"context"
	"hash/fnv"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Limits of what a diagnosis holds in memory. A window with more rows is thinned by
// the digest of their ids, and its reference in the same proportion, so that what is
// rare stays as rare.
const (
	maxSample    = 100_000
	maxReference = 200_000
	// Of a reference so many rows are enough for each row of the window, and for any window so many: an hour is not
	// held against a year each time.
	perRow       = 100
	fewReference = 10_000
)

// thin says which rows are kept: those whose digest begins with shift zero bits.
type thin struct{ shift uint }

func (t thin) keeps(h uint64) bool { return t.shift == 0 || h>>(64-t.shift) == 0 }

// digest spreads ids over all 64 bits.
func digest(id string) uint64 {
	f := fnv.New64a()
	f.Write([]byte(id))
	return mix(f.Sum64())
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// sample is rows with inputs, in the order of event time.
type sample struct {
	table   *table.Table
	times   []int64
	digests []uint64
	// versions counts the rows that each version answered.
	versions map[trimtab.Version]int64
}

func (s *sample) len() int { return len(s.times) }

// take keeps the given rows.
func (s *sample) take(rows []int) {
	times, digests := make([]int64, len(rows)), make([]uint64, len(rows))
	for k, i := range rows {
		times[k], digests[k] = s.times[i], s.digests[i]
	}
	s.times, s.digests = times, digests
	whole := table.Blank(len(rows))
	for _, c := range s.table.Columns {
		whole.Columns = append(whole.Columns, c.Take(rows))
	}
	s.table = whole
}

// read gathers logged rows for a diagnosis. out leaves rows away. A sample that
// exceeds limit is thinned further; the rate is returned in t.
func (s *pass) read(ctx context.Context, q traffic.Query, t *thin, limit int, out func(at trimtab.Time, rule string) bool) (*sample, error) {
	x := &sample{versions: map[trimtab.Version]int64{}}
	for rows, err := range s.log.Tables(ctx, q) {
		if err != nil {
			return nil, err
		}
		part := &sample{table: rows.Inputs}
		var keep []int
		for i, id := range rows.IDs {
			h := digest(id)
			part.times, part.digests = append(part.times, int64(rows.EventTimes[i])), append(part.digests, h)
			if t.keeps(h) && !out(rows.EventTimes[i], rows.Quarantine[i]) {
				keep = append(keep, i)
				x.versions[rows.Versions[i]]++
			}
		}
		part.take(keep)
		if err := x.extend(part); err != nil {
			return nil, err
		}
		for limit > 0 && x.len() > limit {
			t.shift++
			keep = keep[:0]
			for i, h := range x.digests {
				if t.keeps(h) {
					keep = append(keep, i)
				}
			}
			x.take(keep)
		}
	}
	return x, nil
}

// extend adds the rows of o, which come later, by the names of columns: one that
// either lacks is null there. Types that differ become numbers, or, when one of
// them is text, the column is left out.
func (s *sample) extend(o *sample) error {
	if o.table == nil || o.len() == 0 {
		return nil
	}
	if s.len() == 0 {
		s.table, s.times, s.digests = o.table, o.times, o.digests
		return nil
	}
	whole := table.Blank(s.len() + o.len())
	for _, name := range s.names(o) {
		a, b := columnOr(s.table, name, o.table, s.len()), columnOr(o.table, name, s.table, o.len())
		if a.Type != b.Type {
			if a, b = number(a), number(b); a == nil || b == nil {
				continue
			}
		}
		if err := a.Extend(b); err != nil {
			return err
		}
		whole.Columns = append(whole.Columns, a)
	}
	s.table, s.times, s.digests = whole, append(s.times, o.times...), append(s.digests, o.digests...)
	return nil
}

// names are the columns of both, those of s first.
func (s *sample) names(o *sample) (out []string) {
	for _, t := range []*table.Table{s.table, o.table} {
		for _, c := range t.Columns {
			if !slices.Contains(out, c.Name) {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

// columnOr is the column of t, or nulls of the type that it has in other.
func columnOr(t *table.Table, name string, other *table.Table, rows int) *table.Column {
	if c := t.Column(name); c != nil {
		return c
	}
	c := table.NewColumn(name, other.Column(name).Type, rows)
	for range rows {
		c.AppendNull()
	}
	return c
}

// number is the column as Float64, nil when it holds no numbers.
func number(c *table.Column) *table.Column {
	if c.Type == table.Float64 {
		return c
	}
	values := make([]float64, c.Len())
	if !c.Floats(values, 1) {
		return nil
	}
	out := table.NewColumn(c.Name, table.Float64, len(values))
	for _, v := range values {
		if math.IsNaN(v) {
			out.AppendNull()
		} else {
			out.AppendFloat64(v)
		}
	}
	return out
}

// diagnosed is the sample as a diagnosis takes it.
func (s *sample) diagnosed(begin, end trimtab.Time) diagnose.Sample {
	return diagnose.Sample{Table: s.table, Times: s.times, Begin: int64(begin), End: int64(end)}
}
