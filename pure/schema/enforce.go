package schema

import (
	"strconv"

	"github.com/trimtab/trimtab/pure/table"
)

// Enforce is MLflow's second stage on a table whose columns have types of their own. Columns are found by name (by
// position when the signature has no names) and put in the signature's order; a column that the signature lacks goes
// to Extra; an absent optional one becomes nulls. A column is taken when its type is the declared one or when one of
// these conversions applies, which lose nothing:
//
//	int32 -> long, int32 -> double, float32 -> double, string -> datetime
//	int64 -> float or double when every value is 0, 1 or null
//	int64 with nulls -> double, because pandas has such a column as float64
//
// Nulls are refused in boolean, integer and long columns. Everything else is an *Error. The result shares columns with
// t. Without a signature the table passes as it is.
func (s Signature) Enforce(t *table.Table) (*Request, error) { return s.apply(t, false, Options{}) }

// Cast is MLflow's first stage on a table: each column becomes the declared type value by value under the rules of
// Decoder: int64 -> double rounds to the nearest, double -> float rounds, double -> long must be whole unless
// opt.Lossy.
func (s Signature) Cast(t *table.Table, opt Options) (*Request, error) { return s.apply(t, true, opt) }

func (s Signature) apply(t *table.Table, cast bool, opt Options) (*Request, error) {
	if err := t.Check(); err != nil {
		return nil, one(Problem{Row: -1, Msg: err.Error()})
	}
	d, err := s.NewDecoder(opt)
	if err != nil {
		return nil, err
	}
	d.begin()
	d.rows = t.Rows()
	if d.positional {
		if n := len(d.fields); len(t.Columns) < n {
			return nil, one(Problem{Row: -1, Expected: plural(n, "column"), Got: plural(len(t.Columns), "column")})
		}
		named := &table.Table{Columns: make([]*table.Column, len(t.Columns))}
		for i, c := range t.Columns {
			r := *c
			if i < len(d.fields) {
				r.Name = d.fields[i].name
			} else if d.fieldNamed(c.Name) {
				r.Name = "extra " + c.Name
			}
			named.Columns[i] = &r
		}
		t = named
		for i, f := range d.fields {
			d.byName[f.name] = i
		}
	}
	return d.enforce(t, cast)
}

func (d *Decoder) fieldNamed(name string) bool {
	for _, f := range d.fields {
		if f.name == name {
			return true
		}
	}
	return false
}

// enforce makes a request of a table by name.
func (d *Decoder) enforce(t *table.Table, cast bool) (*Request, error) {
	if d.untyped {
		return d.whole(t, table.Blank(t.Rows()))
	}
	found := make([]*table.Column, len(d.fields))
	extra := table.Blank(t.Rows())
	for _, c := range t.Columns {
		if k, ok := d.byName[c.Name]; ok {
			found[k] = c
		} else {
			extra.Columns = append(extra.Columns, c)
			d.looseColumn(c.Name)
		}
	}
	out := &table.Table{}
	for k := range d.fields {
		f, c := &d.fields[k], found[k]
		switch {
		case c == nil && f.required:
			d.missing(f)
			continue
		case c == nil:
			c = table.NewColumn(f.name, f.typ, t.Rows())
			for range t.Rows() {
				c.AppendNull()
			}
		case cast:
			c = d.cast(f, c)
		default:
			c = d.convert(f, c)
		}
		out.Columns = append(out.Columns, c)
	}
	return d.whole(out, extra)
}

func (d *Decoder) whole(t, extra *table.Table) (*Request, error) {
	r := &Request{Table: t, Extra: extra, Params: d.sig.params(nil, &d.probs)}
	if d.probs.any() {
		return nil, d.probs.err()
	}
	return r, nil
}

// convert applies the conversions of Enforce; it notes a problem and returns c when there is none.
func (d *Decoder) convert(f *field, c *table.Column) *table.Column {
	safe := c.Type == f.typ
	switch {
	case safe:
	case c.Type == table.Int32 && (f.typ == table.Int64 || f.typ == table.Float64),
		c.Type == table.Float32 && f.typ == table.Float64,
		c.Type == table.String && f.typ == table.Datetime:
		safe = true
	case c.Type == table.Int64 && f.typ == table.Float64 && c.Nulls() > 0:
		safe = true
	case c.Type == table.Int64 && (f.typ == table.Float32 || f.typ == table.Float64):
		for i, v := range c.Int64s {
			if v != 0 && v != 1 && !c.Null(i) {
				d.probs.add(Problem{Column: f.name, Row: i, Expected: f.declared + " (int64 converts to it only where all values are 0, 1 or null)", Got: strconv.FormatInt(v, 10)})
				return c
			}
		}
		safe = true
	}
	if !safe {
		p := Problem{Column: f.name, Row: -1, Expected: f.declared, Got: "a column " + c.Type.String()}
		if c.Type == table.Float64 && !nullable(f.typ) && f.typ != table.Bool {
			p.Msg = "whole numbers with missing values are floats in Python; declare the column double where values may be missing"
		}
		d.probs.add(p)
		return c
	}
	return d.cast(f, c)
}

// cast returns c with the type of f, each value under the rules of cell; c itself when nothing changes.
func (d *Decoder) cast(f *field, c *table.Column) *table.Column {
	if c.Type == f.typ && c.Name == f.name && (nullable(f.typ) || c.Valid == nil) {
		return c
	}
	out := table.NewColumn(f.name, f.typ, c.Len())
	for i := range c.Len() {
		ok := false
		switch {
		case c.Null(i):
			if ok = nullable(f.typ); ok {
				out.AppendNull()
			}
		case c.Type == f.typ:
			out.AppendRow(c, i)
			ok = true
		default:
			ok = d.castValue(f, out, c, i)
		}
		if !ok {
			got := "null"
			if !c.Null(i) {
				got = shorten([]byte(c.Text(i)))
			}
			out.AppendNull()
			d.probs.add(Problem{Column: f.name, Row: i, Expected: d.expected(f), Got: got})
		}
	}
	return out
}

func (d *Decoder) castValue(f *field, out, c *table.Column, i int) bool {
	switch c.Type {
	case table.Bool:
		return appendBool(f, out, c.Bools[i])
	case table.Int32:
		return castInt(f, out, int64(c.Int32s[i]))
	case table.Int64:
		return castInt(f, out, c.Int64s[i])
	case table.Float32:
		return d.castFloat(f, out, float64(c.Float32s[i]))
	case table.Float64:
		return d.castFloat(f, out, c.Float64s[i])
	case table.String:
		return f.typ != table.Bool && d.text(f, out, []byte(c.Strings[i]))
	}
	return false
}

func castInt(f *field, out *table.Column, v int64) bool {
	switch f.typ {
	case table.Float32:
		out.AppendFloat32(float32(v))
		return true
	case table.Float64:
		out.AppendFloat64(float64(v))
		return true
	}
	return appendInt(f, out, v)
}

func (d *Decoder) castFloat(f *field, out *table.Column, v float64) bool {
	switch f.typ {
	case table.Float64:
		out.AppendFloat64(v)
		return true
	case table.Float32:
		return appendFloat32(out, v)
	case table.Int32, table.Int64, table.Bool:
		n, ok := integer(v, d.opt.Lossy && f.typ != table.Bool)
		return ok && appendInt(f, out, n)
	}
	return false
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
