package replay

import (
	"fmt"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// cells applies the first n faults to the cells of a batch. The batch itself is left as it is.
func (d *drill) cells(t *table.Table, n int) (b faultBatch, err error) {
	own := &table.Table{Columns: slices.Clone(t.Columns)}
	if b, err = d.batch(own); err != nil {
		return b, err
	}
	copied := map[string]bool{}
	column := func(name string) *table.Column {
		k := slices.IndexFunc(own.Columns, func(c *table.Column) bool { return c.Name == name })
		if k < 0 {
			return nil
		}
		if !copied[name] {
			copied[name] = true
			own.Columns[k] = clone(own.Columns[k])
		}
		return own.Columns[k]
	}
	for i, f := range d.faults[:n] {
		if f.On != trimtab.OnColumn {
			continue
		}
		c, other := column(f.Column), (*table.Column)(nil)
		if f.Kind == trimtab.FaultSwap {
			other = column(f.Other)
		}
		if c == nil || f.Kind == trimtab.FaultSwap && other == nil {
			return b, trimtab.Errorf(trimtab.Internal, "replay", "a batch of the source lacks the columns of the fault %q", f)
		}
		for r := range d.hits(i, b) {
			changed, err := d.cell(i, c, other, r, b.hashes[r])
			if err != nil {
				return b, trimtab.Errorf(trimtab.Invalid, "fault", "fault %q: row %s: %s", f, own.Column(d.names.ID).Text(r), err)
			}
			if changed && d.reach != nil {
				d.reach[i].Hit++
			}
		}
	}
	return b, nil
}

// cell applies fault i to row r of its column; false when there was nothing to change.
func (d *drill) cell(i int, c, other *table.Column, r int, hash uint64) (bool, error) {
	f := d.faults[i]
	v, number := c.Float(r)
	switch f.Kind {
	case trimtab.FaultUnit:
		v = v*f.Factor + f.Offset
	case trimtab.FaultShift:
		v += f.Offset
	case trimtab.FaultSign:
		v = -v
	case trimtab.FaultTruncate:
		v = round(v, f.Digits)
	case trimtab.FaultNulls:
		if c.Null(r) {
			return false, nil
		}
		null(c, r)
		return true, nil
	case trimtab.FaultConstant, trimtab.FaultFreeze:
		if d.kept[i].values == nil {
			return false, nil // freeze: the column has no value up to here
		}
		return true, put(c, r, d.kept[i].values, 0)
	case trimtab.FaultShuffle:
		k, ok := d.kept[i].row[hash]
		if !ok {
			return false, nil
		}
		return true, put(c, r, d.kept[i].values, k)
	case trimtab.FaultSwap:
		mine := c.Slice(r, r+1).Take([]int{0})
		if err := put(c, r, other, r); err != nil {
			return false, err
		}
		return true, put(other, r, mine, 0)
	}
	if !number || v != v {
		return false, nil
	}
	if err := exact(c, r); err != nil {
		return false, err
	}
	return true, putFloat(c, r, v)
}

// round rounds to digits behind the point, halves away from zero.
func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	if w := math.Round(v*scale) / scale; !math.IsInf(v*scale, 0) && w == w {
		return w
	}
	return v // so large that it has no such digits
}

func clone(c *table.Column) *table.Column {
	d := table.NewColumn(c.Name, c.Type, c.Len())
	_ = d.Extend(c) // of the same type
	return d
}

func null(c *table.Column, r int) {
	if c.Valid == nil {
		c.Valid = make([]bool, c.Len())
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	switch c.Type {
	case table.Bool:
		c.Bools[r] = false
	case table.Int32:
		c.Int32s[r] = 0
	case table.Int64, table.Datetime:
		c.Int64s[r] = 0
	case table.Float32:
		c.Float32s[r] = 0
	case table.Float64:
		c.Float64s[r] = 0
	case table.String:
		c.Strings[r] = ""
	case table.Bytes:
		c.Bytes[r] = nil
	}
	c.Valid[r] = false
}

// put writes row k of src over row r of c; numbers of another type as c can hold them.
func put(c *table.Column, r int, src *table.Column, k int) error {
	if src.Null(k) {
		null(c, r)
		return nil
	}
	if c.Type != src.Type {
		if err := exact(src, k); err != nil {
			return err
		}
		v, _ := src.Float(k)
		if v != v && c.Type.Numeric() && c.Type != table.Float32 && c.Type != table.Float64 {
			null(c, r)
			return nil
		}
		return putFloat(c, r, v)
	}
	if c.Valid != nil {
		c.Valid[r] = true
	}
	switch c.Type {
	case table.Bool:
		c.Bools[r] = src.Bools[k]
	case table.Int32:
		c.Int32s[r] = src.Int32s[k]
	case table.Int64, table.Datetime:
		c.Int64s[r] = src.Int64s[k]
	case table.Float32:
		c.Float32s[r] = src.Float32s[k]
	case table.Float64:
		c.Float64s[r] = src.Float64s[k]
	case table.String:
		c.Strings[r] = src.Strings[k]
	case table.Bytes:
		c.Bytes[r] = src.Bytes[k]
	}
	return nil
}

// exact refuses whole numbers that a float64 would round.
func exact(c *table.Column, r int) error {
	const most = 1 << 53
	if c.Type == table.Int64 && (c.Int64s[r] > most || c.Int64s[r] < -most) {
		return fmt.Errorf("%d of column %q lies beyond 2^53, where it cannot be reckoned with exactly", c.Int64s[r], c.Name)
	}
	return nil
}

// putFloat writes a number as the column's type holds it: rounded where that is whole.
func putFloat(c *table.Column, r int, v float64) error {
	whole := math.Round(v)
	switch {
	case c.Type == table.Int32 && math.Abs(whole) <= math.MaxInt32:
		c.Int32s[r] = int32(whole)
	case c.Type == table.Int64 && math.Abs(whole) < 1<<63:
		c.Int64s[r] = int64(whole)
	case c.Type == table.Float32 && (v != v || math.IsInf(v, 0) || !math.IsInf(float64(float32(v)), 0)):
		c.Float32s[r] = float32(v)
	case c.Type == table.Float64:
		c.Float64s[r] = v
	default:
		return fmt.Errorf("%v does not fit into column %q, which is %s", v, c.Name, c.Type)
	}
	if c.Valid != nil {
		c.Valid[r] = true
	}
	return nil
}
