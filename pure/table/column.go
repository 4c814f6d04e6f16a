package table

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
)

// Column is one named column. Exactly one of the value slices is in use, the one that Type names; Datetime uses
// Int64s. A null row holds the zero value there. Valid is nil when no row is null; otherwise it has one entry a row.
type Column struct {
	Name string
	Type Type

	Bools    []bool
	Int32s   []int32
	Int64s   []int64
	Float32s []float32
	Float64s []float64
	Strings  []string
	Bytes    [][]byte

	Valid []bool

	spare []bool // validity kept over Reset, so that a reused column does not allocate
}

// NewColumn returns an empty column with room for the given number of rows.
func NewColumn(name string, typ Type, room int) *Column {
	c := &Column{Name: name, Type: typ}
	c.Grow(room)
	return c
}

// Grow makes room for n more rows.
func (c *Column) Grow(n int) {
	if n <= 0 {
		return
	}
	switch c.Type {
	case Bool:
		c.Bools = grow(c.Bools, n)
	case Int32:
		c.Int32s = grow(c.Int32s, n)
	case Int64, Datetime:
		c.Int64s = grow(c.Int64s, n)
	case Float32:
		c.Float32s = grow(c.Float32s, n)
	case Float64:
		c.Float64s = grow(c.Float64s, n)
	case String:
		c.Strings = grow(c.Strings, n)
	case Bytes:
		c.Bytes = grow(c.Bytes, n)
	}
	if c.Valid != nil {
		c.Valid = grow(c.Valid, n)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, len(s)+n), s...)
}

// Len returns the number of rows.
func (c *Column) Len() int {
	switch c.Type {
	case Bool:
		return len(c.Bools)
	case Int32:
		return len(c.Int32s)
	case Int64, Datetime:
		return len(c.Int64s)
	case Float32:
		return len(c.Float32s)
	case Float64:
		return len(c.Float64s)
	case String:
		return len(c.Strings)
	case Bytes:
		return len(c.Bytes)
	}
	return 0
}

// Reset empties the column, sets its type and keeps the memory.
func (c *Column) Reset(typ Type) {
	c.Type = typ
	c.Bools, c.Int32s, c.Int64s = c.Bools[:0], c.Int32s[:0], c.Int64s[:0]
	c.Float32s, c.Float64s = c.Float32s[:0], c.Float64s[:0]
	clear(c.Strings)
	c.Strings = c.Strings[:0]
	clear(c.Bytes)
	c.Bytes = c.Bytes[:0]
	if c.Valid != nil {
		c.spare, c.Valid = c.Valid[:0], nil
	}
}

// Null reports whether row i is null.
func (c *Column) Null(i int) bool { return c.Valid != nil && !c.Valid[i] }

// Nulls counts the null rows.
func (c *Column) Nulls() int {
	n := 0
	for _, ok := range c.Valid {
		if !ok {
			n++
		}
	}
	return n
}

// Missing reports whether row i is null or NaN.
func (c *Column) Missing(i int) bool {
	if c.Null(i) {
		return true
	}
	switch c.Type {
	case Float32:
		return c.Float32s[i] != c.Float32s[i]
	case Float64:
		return c.Float64s[i] != c.Float64s[i]
	}
	return false
}

// Float returns row i as a float64, and false when it is null or the column is neither numeric nor bool. An int64
// beyond 2^53 is rounded to the nearest float64, as numpy does.
func (c *Column) Float(i int) (float64, bool) {
	if c.Null(i) {
		return 0, false
	}
	switch c.Type {
	case Bool:
		if c.Bools[i] {
			return 1, true
		}
		return 0, true
	case Int32:
		return float64(c.Int32s[i]), true
	case Int64:
		return float64(c.Int64s[i]), true
	case Float32:
		return float64(c.Float32s[i]), true
	case Float64:
		return c.Float64s[i], true
	}
	return 0, false
}

// Floats writes every row as a float64 to dst[0], dst[stride], dst[2*stride] …, null as NaN, and reports false without
// writing when the column is neither numeric nor bool. dst must reach the last row. It does not allocate.
func (c *Column) Floats(dst []float64, stride int) bool {
	k := 0
	switch c.Type {
	case Bool:
		for _, v := range c.Bools {
			f := 0.0
			if v {
				f = 1
			}
			dst[k] = f
			k += stride
		}
	case Int32:
		for _, v := range c.Int32s {
			dst[k] = float64(v)
			k += stride
		}
	case Int64:
		for _, v := range c.Int64s {
			dst[k] = float64(v)
			k += stride
		}
	case Float32:
		for _, v := range c.Float32s {
			dst[k] = float64(v)
			k += stride
		}
	case Float64:
		for _, v := range c.Float64s {
			dst[k] = v
			k += stride
		}
	default:
		return false
	}
	k = 0
	for _, ok := range c.Valid {
		if !ok {
			dst[k] = math.NaN()
		}
		k += stride
	}
	return true
}

// Time returns row i of a Datetime column as a time in UTC; the zero time when it is null.
func (c *Column) Time(i int) time.Time {
	if c.Null(i) {
		return time.Time{}
	}
	return time.Unix(0, c.Int64s[i]).UTC()
}

// Text returns row i as text that reads back to the same value: shortest round-trip numbers, RFC 3339 times, base64
// bytes; "" when it is null.
func (c *Column) Text(i int) string {
	if c.Type == String && !c.Null(i) {
		return c.Strings[i]
	}
	return string(c.AppendText(nil, i))
}

// AppendText appends the text of row i as Text returns it.
func (c *Column) AppendText(b []byte, i int) []byte {
	if c.Null(i) {
		return b
	}
	switch c.Type {
	case Bool:
		return strconv.AppendBool(b, c.Bools[i])
	case Int32:
		return strconv.AppendInt(b, int64(c.Int32s[i]), 10)
	case Int64:
		return strconv.AppendInt(b, c.Int64s[i], 10)
	case Float32:
		return appendFloat(b, float64(c.Float32s[i]), -1, 32)
	case Float64:
		return appendFloat(b, c.Float64s[i], -1, 64)
	case String:
		return append(b, c.Strings[i]...)
	case Bytes:
		return base64.StdEncoding.AppendEncode(b, c.Bytes[i])
	case Datetime:
		return AppendDatetime(b, c.Int64s[i])
	}
	return b
}

// Value returns row i as bool, int32, int64, float32, float64, string, []byte or time.Time; nil when it is null.
func (c *Column) Value(i int) any {
	if c.Null(i) {
		return nil
	}
	switch c.Type {
	case Bool:
		return c.Bools[i]
	case Int32:
		return c.Int32s[i]
	case Int64:
		return c.Int64s[i]
	case Float32:
		return c.Float32s[i]
	case Float64:
		return c.Float64s[i]
	case String:
		return c.Strings[i]
	case Bytes:
		return c.Bytes[i]
	case Datetime:
		return c.Time(i)
	}
	return nil
}

// appendFloat prints a float. NaN and inf are written as Python writes them, so that both sides read each other; without
// a precision it is the shortest text that reads back, without an exponent where that stays short.
func appendFloat(b []byte, v float64, prec, bits int) []byte {
	switch {
	case v != v:
		return append(b, "nan"...)
	case math.IsInf(v, 1):
		return append(b, "inf"...)
	case math.IsInf(v, -1):
		return append(b, "-inf"...)
	case prec >= 0:
		return strconv.AppendFloat(b, v, 'g', prec, bits)
	}
	if a := math.Abs(v); a == 0 || a >= 1e-5 && a < 1e17 {
		return strconv.AppendFloat(b, v, 'f', -1, bits)
	}
	return strconv.AppendFloat(b, v, 'e', -1, bits)
}
