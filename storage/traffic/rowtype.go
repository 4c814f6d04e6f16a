package traffic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trimtab/trimtab/pure/table"
)

// inputTypes are the types of inputs by name.
type inputTypes map[string]*inputType

// inputType is what is known of the type of one input over several versions.
type inputType struct {
	declared, seen, settled table.Type // 0 for none; the widest so far
	several                 bool       // declared with more than one type
}

func (t *inputType) mixed() bool { return t.several }

// of is the type of the column.
func (t *inputType) of() table.Type {
	if t.settled != 0 {
		return t.settled
	}
	return t.declared
}

func (x inputTypes) entry(name string) *inputType {
	t := x[name]
	if t == nil {
		t = &inputType{}
		x[name] = t
	}
	return t
}

// declare takes a type under which the log holds the input.
func (x inputTypes) declare(name string, typ table.Type) {
	t := x.entry(name)
	t.several = t.several || t.declared != 0 && t.declared != typ
	t.declared = widest(t.declared, typ)
}

// see takes a type under which a row of the answer has a value of the input.
func (x inputTypes) see(name string, typ table.Type) {
	t := x.entry(name)
	t.seen = widest(t.seen, typ)
}

// settle decides by the values; with valued, an input without any is none.
func (x inputTypes) settle(valued bool) {
	for name, t := range x {
		t.settled = t.seen
		if valued && t.seen == 0 {
			delete(x, name)
		}
	}
}

// fields lists the asked columns, all by name when asked is nil.
func (x inputTypes) fields(asked []string) []table.Field {
	if asked == nil {
		asked = slices.Sorted(maps.Keys(x))
	}
	out := make([]table.Field, len(asked))
	for i, name := range asked {
		out[i] = table.Field{Name: name, Type: table.Float64}
		if t := x[name]; t != nil && t.of() != 0 {
			out[i].Type = t.of()
		}
	}
	return out
}

// widest is the narrowest type that holds all values of a and b; 0 is no type.
// It is associative, so that the order in which types are met changes nothing.
func widest(a, b table.Type) table.Type {
	if a > b {
		a, b = b, a
	}
	number := func(t table.Type) bool { return t == table.Bool || t.Numeric() }
	switch {
	case a == 0 || a == b:
		return b
	case !number(a) || !number(b):
		return table.String
	case a == table.Bool, a == table.Int32 && b == table.Int64, a == table.Float32 && b == table.Float64:
		return b
	}
	return table.Float64 // integers beside floats
}

// merge writes the values of src, in the given order, over the nulls of dst,
// whose type holds them.
func merge(dst, src *table.Column, order []int) error {
	for k, i := range order {
		if src.Null(i) {
			continue
		}
		if dst.Valid == nil || dst.Valid[k] {
			return fmt.Errorf("column %q has two values in one row", src.Name)
		}
		if err := convert(dst, k, src, i); err != nil {
			return err
		}
		dst.Valid[k] = true
	}
	return nil
}

// exact bounds the integers that float64 holds exactly.
const exact = 1 << 53

func convert(dst *table.Column, k int, src *table.Column, i int) error {
	switch {
	case dst.Type == table.String:
		dst.Strings[k] = src.Text(i)
		return nil
	case dst.Type == src.Type && !dst.Type.Numeric():
		switch dst.Type {
		case table.Bool:
			dst.Bools[k] = src.Bools[i]
		case table.Bytes:
			dst.Bytes[k] = src.Bytes[i]
		default:
			dst.Int64s[k] = src.Int64s[i]
		}
		return nil
	}
	var whole int64
	switch src.Type {
	case table.Bool:
		if src.Bools[i] {
			whole = 1
		}
	case table.Int32:
		whole = int64(src.Int32s[i])
	case table.Int64:
		whole = src.Int64s[i]
	case table.Float32:
		if dst.Type == table.Float32 {
			dst.Float32s[k] = src.Float32s[i]
			return nil
		}
		dst.Float64s[k] = float64(src.Float32s[i])
		return nil
	default:
		dst.Float64s[k] = src.Float64s[i]
		return nil
	}
	switch dst.Type {
	case table.Int32:
		dst.Int32s[k] = int32(whole)
	case table.Int64:
		dst.Int64s[k] = whole
	case table.Float32:
		dst.Float32s[k] = float32(whole)
	default:
		if whole > exact || whole < -exact {
			return fmt.Errorf("column %q holds %d beside floats, which no float64 holds exactly", src.Name, whole)
		}
		dst.Float64s[k] = float64(whole)
	}
	return nil
}
