package table

import "fmt"

// The Append methods add one row; the caller picks the one that the column's Type names, AppendInt64 for Datetime.

// AppendBool adds a row to a Bool column.
func (c *Column) AppendBool(v bool) { c.Bools = append(c.Bools, v); c.valid() }

// AppendInt32 adds a row to an Int32 column.
func (c *Column) AppendInt32(v int32) { c.Int32s = append(c.Int32s, v); c.valid() }

// AppendInt64 adds a row to an Int64 or Datetime column.
func (c *Column) AppendInt64(v int64) { c.Int64s = append(c.Int64s, v); c.valid() }

// AppendFloat32 adds a row to a Float32 column.
func (c *Column) AppendFloat32(v float32) { c.Float32s = append(c.Float32s, v); c.valid() }

// AppendFloat64 adds a row to a Float64 column.
func (c *Column) AppendFloat64(v float64) { c.Float64s = append(c.Float64s, v); c.valid() }

// AppendString adds a row to a String column.
func (c *Column) AppendString(v string) { c.Strings = append(c.Strings, v); c.valid() }

// AppendBytes adds a row to a Bytes column; the column keeps v.
func (c *Column) AppendBytes(v []byte) { c.Bytes = append(c.Bytes, v); c.valid() }

func (c *Column) valid() {
	if c.Valid != nil {
		c.Valid = append(c.Valid, true)
	}
}

// AppendNull adds a null row.
func (c *Column) AppendNull() {
	if c.Valid == nil {
		n := c.Len()
		c.Valid, c.spare = grow(c.spare, max(n+1, c.room()))[:n], nil
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	switch c.Type {
	case Bool:
		c.Bools = append(c.Bools, false)
	case Int32:
		c.Int32s = append(c.Int32s, 0)
	case Int64, Datetime:
		c.Int64s = append(c.Int64s, 0)
	case Float32:
		c.Float32s = append(c.Float32s, 0)
	case Float64:
		c.Float64s = append(c.Float64s, 0)
	case String:
		c.Strings = append(c.Strings, "")
	case Bytes:
		c.Bytes = append(c.Bytes, nil)
	}
	c.Valid = append(c.Valid, false)
}

func (c *Column) room() int {
	switch c.Type {
	case Bool:
		return cap(c.Bools)
	case Int32:
		return cap(c.Int32s)
	case Int64, Datetime:
		return cap(c.Int64s)
	case Float32:
		return cap(c.Float32s)
	case Float64:
		return cap(c.Float64s)
	case String:
		return cap(c.Strings)
	}
	return cap(c.Bytes)
}

// AppendRow adds row i of src, which must have the same type.
func (c *Column) AppendRow(src *Column, i int) {
	if src.Null(i) {
		c.AppendNull()
		return
	}
	switch c.Type {
	case Bool:
		c.AppendBool(src.Bools[i])
	case Int32:
		c.AppendInt32(src.Int32s[i])
	case Int64, Datetime:
		c.AppendInt64(src.Int64s[i])
	case Float32:
		c.AppendFloat32(src.Float32s[i])
	case Float64:
		c.AppendFloat64(src.Float64s[i])
	case String:
		c.AppendString(src.Strings[i])
	case Bytes:
		c.AppendBytes(src.Bytes[i])
	}
}

// Extend adds all rows of src. Another type is an error that names both.
func (c *Column) Extend(src *Column) error {
	if c.Type != src.Type {
		return fmt.Errorf("table: column %q is %s, cannot append %s rows", c.Name, c.Type, src.Type)
	}
	n := c.Len()
	c.Bools = append(c.Bools, src.Bools...)
	c.Int32s = append(c.Int32s, src.Int32s...)
	c.Int64s = append(c.Int64s, src.Int64s...)
	c.Float32s = append(c.Float32s, src.Float32s...)
	c.Float64s = append(c.Float64s, src.Float64s...)
	c.Strings = append(c.Strings, src.Strings...)
	c.Bytes = append(c.Bytes, src.Bytes...)
	switch {
	case src.Valid != nil:
		if c.Valid == nil {
			c.Valid = trues(n)
		}
		c.Valid = append(c.Valid, src.Valid...)
	case c.Valid != nil:
		c.Valid = append(c.Valid, trues(src.Len())...)
	}
	return nil
}

func trues(n int) []bool {
	v := make([]bool, n)
	for i := range v {
		v[i] = true
	}
	return v
}

// Slice returns the rows lo to hi-1 as a column that shares memory with c; appending to it copies first.
func (c *Column) Slice(lo, hi int) *Column {
	s := &Column{Name: c.Name, Type: c.Type}
	switch c.Type {
	case Bool:
		s.Bools = c.Bools[lo:hi:hi]
	case Int32:
		s.Int32s = c.Int32s[lo:hi:hi]
	case Int64, Datetime:
		s.Int64s = c.Int64s[lo:hi:hi]
	case Float32:
		s.Float32s = c.Float32s[lo:hi:hi]
	case Float64:
		s.Float64s = c.Float64s[lo:hi:hi]
	case String:
		s.Strings = c.Strings[lo:hi:hi]
	case Bytes:
		s.Bytes = c.Bytes[lo:hi:hi]
	}
	if c.Valid != nil {
		s.Valid = c.Valid[lo:hi:hi]
	}
	return s
}

// Take returns a new column of the given rows in the given order; a row may be taken more than once.
func (c *Column) Take(rows []int) *Column {
	t := &Column{Name: c.Name, Type: c.Type}
	switch c.Type {
	case Bool:
		t.Bools = take(c.Bools, rows)
	case Int32:
		t.Int32s = take(c.Int32s, rows)
	case Int64, Datetime:
		t.Int64s = take(c.Int64s, rows)
	case Float32:
		t.Float32s = take(c.Float32s, rows)
	case Float64:
		t.Float64s = take(c.Float64s, rows)
	case String:
		t.Strings = take(c.Strings, rows)
	case Bytes:
		t.Bytes = take(c.Bytes, rows)
	}
	if c.Valid != nil {
		t.Valid = take(c.Valid, rows)
	}
	return t
}

func take[T any](s []T, rows []int) []T {
	t := make([]T, len(rows))
	for k, i := range rows {
		t[k] = s[i]
	}
	return t
}

// Truncate drops all rows from n on; it keeps the memory.
func (c *Column) Truncate(n int) {
	switch c.Type {
	case Bool:
		c.Bools = c.Bools[:n]
	case Int32:
		c.Int32s = c.Int32s[:n]
	case Int64, Datetime:
		c.Int64s = c.Int64s[:n]
	case Float32:
		c.Float32s = c.Float32s[:n]
	case Float64:
		c.Float64s = c.Float64s[:n]
	case String:
		c.Strings = c.Strings[:n]
	case Bytes:
		c.Bytes = c.Bytes[:n]
	}
	if c.Valid != nil {
		c.Valid = c.Valid[:n]
	}
}
