package contract

import (
	"math"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/trimtab/trimtab/pure/table"
)

// reader reads the values of a column as a kind.
type reader struct {
	typ    table.Type
	kind   kind
	direct bool // the column holds the kind itself
	never  bool // it holds no value of the kind
}

// newReader says how a column of type typ is read as a kind. Beside the kind itself
// these are read: integers as floats, whole floats as integers, and texts that were
// read without types as what is written there.
func newReader(typ table.Type, k kind, text bool) reader {
	have := kindOf(typ)
	r := reader{typ: typ, kind: k, direct: have == k}
	switch {
	case typ == 0:
		r.never = true
	case r.direct, isNumber(have) && isNumber(k), have == textKind && text, text && k == textKind:
	default:
		r.never = true
	}
	return r
}

// there reports whether row i has a value of the kind.
func (r reader) there(c *table.Column, i int) bool {
	if r.never || c.Missing(i) {
		return false
	}
	if r.direct || r.kind == floatKind && r.typ != table.String || r.kind == textKind {
		return true
	}
	if r.typ == table.String {
		return reads(c.Strings[i], r.kind)
	}
	v, _ := c.Float(i) // a float read as an integer
	return v == math.Trunc(v) && v >= -1<<63 && v < 1<<63
}

// float is row i, which is there, of an integer or float column.
func (r reader) float(c *table.Column, i int) float64 {
	if r.typ == table.Float64 {
		return c.Float64s[i]
	}
	v, _ := c.Float(i)
	return v
}

// whole is row i, which is there, of an integer or datetime column.
func (r reader) whole(c *table.Column, i int) int64 {
	if r.typ == table.Int32 {
		return int64(c.Int32s[i])
	}
	return c.Int64s[i]
}

// value is row i for CEL, null when it is not there.
func (r reader) value(c *table.Column, i int) ref.Val {
	if c == nil || !r.there(c, i) {
		return types.NullValue
	}
	if r.typ == table.String {
		v := c.Strings[i]
		switch r.kind {
		case boolKind:
			return types.Bool(v[0] == 't' || v[0] == 'T')
		case intKind:
			n, _ := strconv.ParseInt(v, 10, 64)
			return types.Int(n)
		case floatKind:
			f, _ := strconv.ParseFloat(v, 64)
			return types.Double(f)
		case timeKind:
			ns, _ := table.ParseDatetime(v)
			return types.Timestamp{Time: time.Unix(0, ns).UTC()}
		}
		return types.String(v)
	}
	switch r.kind {
	case boolKind:
		return types.Bool(c.Bools[i])
	case intKind:
		if r.direct {
			return types.Int(r.whole(c, i))
		}
		return types.Int(int64(r.float(c, i)))
	case floatKind:
		return types.Double(r.float(c, i))
	case timeKind:
		return types.Timestamp{Time: time.Unix(0, c.Int64s[i]).UTC()}
	case bytesKind:
		return types.Bytes(c.Bytes[i])
	}
	return types.String(c.Text(i))
}

// activation gives CEL the values of one row.
type activation struct {
	rel   *relation
	bound *bound
	cols  []*table.Column
	row   int
}

// ResolveName returns the value of a column.
func (a *activation) ResolveName(name string) (any, bool) {
	for k := range a.rel.vars {
		if a.rel.vars[k].name == name {
			return a.bound.cells[k].value(a.cols[k], a.row), true
		}
	}
	return nil, false
}

// Parent returns nil: there is nothing but the row.
func (a *activation) Parent() interpreter.Activation { return nil }
