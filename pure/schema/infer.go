package schema

import (
	"math"

	"github.com/trimtab/trimtab/pure/table"
)

// infer makes a column of values without declared type, as pandas would; nil and the problem when pandas would keep
// them as objects. The column is new: unlike those of the signature it is not reused.
func (d *Decoder) infer(l *loose) (*table.Column, Problem) {
	for len(l.cells) < d.rows {
		l.cells = append(l.cells, span{}) // a key that the last records lack
	}
	typ, p := d.kindOf(l)
	if typ == 0 {
		return nil, p
	}
	c := table.NewColumn(l.name, typ, d.rows)
	s := &d.s
	for row, cell := range l.cells {
		if cell.to == 0 {
			c.AppendNull()
			continue
		}
		s.i = cell.from
		switch s.kind() {
		case null:
			c.AppendNull()
		case boolean:
			c.AppendBool(s.bool())
		case text:
			c.AppendString(d.intern(s.str()))
		case special:
			switch s.special() {
			case 'N':
				c.AppendFloat64(math.NaN())
			case '+':
				c.AppendFloat64(math.Inf(1))
			default:
				c.AppendFloat64(math.Inf(-1))
			}
		case number:
			b, _ := s.number()
			if typ == table.Int64 {
				v, _ := parseInt(b) // kindOf has seen that it fits
				c.AppendInt64(v)
				continue
			}
			v, ok := parseFloat(b)
			if !ok {
				return nil, Problem{Column: l.name, Row: row, Expected: "a number within the range of float64", Got: shorten(b)}
			}
			c.AppendFloat64(v)
		}
	}
	return c, Problem{}
}

// kindOf returns the type that takes all values.
func (d *Decoder) kindOf(l *loose) (table.Type, Problem) {
	s := &d.s
	var typ table.Type
	nulls := false
	for row, cell := range l.cells {
		if cell.to == 0 {
			nulls = true
			continue
		}
		s.i = cell.from
		var t table.Type
		switch k := s.kind(); k {
		case null:
			nulls = true
			continue
		case boolean:
			t = table.Bool
		case text:
			t = table.String
		case special:
			t = table.Float64
		case number:
			b, whole := s.number()
			t = table.Float64
			if whole {
				t = table.Int64
				if _, ok := parseInt(b); !ok {
					return 0, Problem{Column: l.name, Row: row, Expected: "a whole number within 64 bits", Got: shorten(b)}
				}
			}
		default:
			return 0, Problem{Column: l.name, Row: row, Expected: "a number, a string, true, false or null", Got: shorten(s.b[cell.from:cell.to])}
		}
		switch {
		case typ == 0 || typ == t:
			typ = t
		case typ.Numeric() && t.Numeric():
			typ = table.Float64
		default:
			return 0, Problem{Column: l.name, Row: row, Expected: typ.String() + " as in the rows before", Got: shorten(s.b[cell.from:cell.to])}
		}
	}
	switch {
	case typ == 0 || typ == table.Int64 && nulls:
		typ = table.Float64
	case typ == table.Bool && nulls:
		return 0, Problem{Column: l.name, Row: -1, Msg: "true and false mixed with null"}
	}
	return typ, Problem{}
}
