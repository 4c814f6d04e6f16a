package schema

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"

	"github.com/trimtab/trimtab/pure/table"
)

// cell reads one value and appends it to column k, cast to the declared type. A value that cannot be cast is noted as
// a problem of the row and stands as null.
func (d *Decoder) cell(k, row int) {
	f, c, s := &d.fields[k], d.out[k], &d.s
	kd := s.kind()
	from := s.i
	ok := false
	switch kd {
	case number:
		b, whole := s.number()
		if s.err != nil {
			return
		}
		ok = d.number(f, c, b, whole)
	case text:
		b := s.str()
		if s.err != nil {
			return
		}
		ok = d.text(f, c, b)
	case null:
		s.word("null")
		if ok = nullable(f.typ); ok {
			c.AppendNull()
		}
	case special:
		w := s.special()
		if s.err != nil {
			return
		}
		ok = d.special(f, c, w)
	case boolean:
		ok = appendBool(f, c, s.bool())
	case list:
		if f.unwrap {
			d.wrapped(k, row)
			return
		}
		s.skip()
	default:
		s.skip()
	}
	if !ok && s.err == nil {
		c.AppendNull()
		d.probs.add(Problem{Column: f.name, Row: row, Expected: d.expected(f), Got: shorten(s.b[from:s.i])})
	}
}

// wrapped reads a list that holds the one value.
func (d *Decoder) wrapped(k, row int) {
	s := &d.s
	from := s.i
	s.open('[', "")
	n := 0
	for first := true; s.more(']', first); first = false {
		if n++; n > 1 || s.kind() == list {
			s.skip()
			n = 2
			continue
		}
		d.cell(k, row)
	}
	if n == 1 || s.err != nil {
		return
	}
	c := d.out[k]
	if c.Len() > row {
		c.Truncate(row)
	}
	c.AppendNull()
	d.probs.add(Problem{Column: d.fields[k].name, Row: row, Expected: d.expected(&d.fields[k]) + " or a list of one", Got: shorten(s.b[from:s.i])})
}

// nullable reports whether null can be cast to the type: pandas has no null in bool and integer columns.
func nullable(t table.Type) bool { return t != table.Bool && t != table.Int32 && t != table.Int64 }

func (d *Decoder) expected(f *field) string { return expectedOf(f, d.opt.Lossy) }

func expectedOf(f *field, lossy bool) string {
	switch f.typ {
	case table.Bool:
		return f.declared + " (true, false, 1 or 0)"
	case table.Int32:
		if lossy {
			return f.declared + " (a number within 32 bits)"
		}
		return f.declared + " (a whole number within 32 bits)"
	case table.Int64:
		if lossy {
			return f.declared + " (a number within 64 bits)"
		}
		return f.declared + " (a whole number within 64 bits)"
	case table.Float32, table.Float64:
		return f.declared + " (a number within its range, or null)"
	case table.Bytes:
		return f.declared + " (base64 in a string)"
	case table.Datetime:
		return f.declared + " (a string as 2013-03-01T07:05:00Z or nanoseconds since 1970, between the years 1678 and 2262, or null)"
	}
	return f.declared + " (a string or null)"
}

func (d *Decoder) number(f *field, c *table.Column, b []byte, whole bool) bool {
	switch f.typ {
	case table.Float64:
		v, ok := parseFloat(b)
		if ok {
			c.AppendFloat64(v)
		}
		return ok
	case table.Float32:
		if whole {
			// One rounding, from the integer, as numpy's int64 to float32.
			if v, ok := parseInt(b); ok {
				c.AppendFloat32(float32(v))
				return true
			}
		}
		v, ok := parseFloat(b)
		return ok && appendFloat32(c, v)
	case table.Int32, table.Int64, table.Bool, table.Datetime:
		v, ok := int64(0), false
		if whole {
			v, ok = parseInt(b)
		} else if fv, fine := parseFloat(b); fine {
			v, ok = integer(fv, d.opt.Lossy && f.typ != table.Bool)
		}
		return ok && appendInt(f, c, v)
	}
	return false
}

// appendInt appends a whole number to a column of integers, booleans or times; a time is nanoseconds as in pandas.
func appendInt(f *field, c *table.Column, v int64) bool {
	switch f.typ {
	case table.Int64:
		c.AppendInt64(v)
	case table.Int32:
		if v != int64(int32(v)) {
			return false
		}
		c.AppendInt32(int32(v))
	case table.Datetime:
		if v == math.MinInt64 {
			return false // pandas' "not a time"
		}
		c.AppendInt64(v)
	case table.Bool:
		if v != 0 && v != 1 {
			return false
		}
		c.AppendBool(v == 1)
	default:
		return false
	}
	return true
}

// appendFloat32 rounds a float64; a finite one beyond float32 does not fit.
func appendFloat32(c *table.Column, v float64) bool {
	g := float32(v)
	if math.IsInf(float64(g), 0) && !math.IsInf(v, 0) {
		return false
	}
	c.AppendFloat32(g)
	return true
}

func appendBool(f *field, c *table.Column, v bool) bool {
	n := 0
	if v {
		n = 1
	}
	switch f.typ {
	case table.Bool:
		c.AppendBool(v)
	case table.Int32:
		c.AppendInt32(int32(n))
	case table.Int64:
		c.AppendInt64(int64(n))
	case table.Float32:
		c.AppendFloat32(float32(n))
	case table.Float64:
		c.AppendFloat64(float64(n))
	default:
		return false
	}
	return true
}

func (d *Decoder) special(f *field, c *table.Column, w byte) bool {
	v := math.NaN()
	switch w {
	case '+':
		v = math.Inf(1)
	case '-':
		v = math.Inf(-1)
	}
	switch {
	case f.typ == table.Float64:
		c.AppendFloat64(v)
	case f.typ == table.Float32:
		c.AppendFloat32(float32(v))
	case w == 'N' && nullable(f.typ):
		c.AppendNull() // pandas holds a missing string or time as NaN
	default:
		return false
	}
	return true
}

// text casts a string: numbers and booleans may be spelt as one, as numpy's astype reads them.
func (d *Decoder) text(f *field, c *table.Column, b []byte) bool {
	switch f.typ {
	case table.String:
		c.AppendString(d.intern(b))
		return true
	case table.Datetime:
		v, err := table.ParseDatetime(string(b))
		if err == nil {
			c.AppendInt64(v)
		}
		return err == nil
	case table.Bytes:
		v := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
		n, err := base64.StdEncoding.Decode(v, b)
		if err == nil {
			c.AppendBytes(v[:n])
		}
		return err == nil
	case table.Float32, table.Float64:
		v, ok := spelt(b)
		if !ok {
			return false
		}
		if f.typ == table.Float32 {
			return appendFloat32(c, v)
		}
		c.AppendFloat64(v)
		return true
	case table.Int32, table.Int64:
		v, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
		return err == nil && appendInt(f, c, v)
	}
	return false
}

// spelt reads the number a string spells.
func spelt(b []byte) (float64, bool) {
	b = bytes.TrimSpace(b)
	for _, c := range b {
		if c == '_' || c|0x20 == 'x' || c|0x20 == 'p' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// intern returns b as a string, the same one for texts met before: categories repeat.
func (d *Decoder) intern(b []byte) string {
	if s, ok := d.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(d.texts) < maxTexts && len(s) <= 64 {
		d.texts[s] = s
	}
	return s
}

const maxTexts = 4096
