package dataset

import (
	"fmt"
	"math"

	"github.com/trimtab/trimtab/pure/table"
)

// meet puts the served values of a column behind those of the file. The type is
// the file's when it holds every served value exactly; else int64 for integers,
// and float64 for numbers, bool counting as 0 and 1. A column of the file without
// values takes the served type. An error says which types do not meet, or which
// value float64 cannot hold.
func meet(c, live *table.Column) (*table.Column, error) {
	types := []table.Type{c.Type}
	if c.Nulls() == c.Len() {
		types = append(types, live.Type)
	}
	if number(c.Type) && number(live.Type) {
		if whole(c.Type) && whole(live.Type) {
			types = append(types, table.Int64)
		}
		types = append(types, table.Float64)
	}
	var failed error
	for _, typ := range types {
		out := table.NewColumn(c.Name, typ, c.Len()+live.Len())
		if failed = extend(out, c); failed == nil {
			failed = extend(out, live)
		}
		if failed == nil {
			return out, nil
		}
	}
	if number(c.Type) && number(live.Type) {
		return nil, failed
	}
	return nil, fmt.Errorf("it is %s in the file and %s as served", c.Type, live.Type)
}

func number(t table.Type) bool { return t == table.Bool || t.Numeric() }

func whole(t table.Type) bool { return t == table.Bool || t == table.Int32 || t == table.Int64 }

// extend appends the rows of src, each exactly or not at all. NaN is null where
// the type has no NaN.
func extend(dst, src *table.Column) error {
	if dst.Type == src.Type {
		return dst.Extend(src)
	}
	for i := range src.Len() {
		if src.Null(i) {
			dst.AppendNull()
			continue
		}
		if !number(dst.Type) || !number(src.Type) {
			return fmt.Errorf("%s is no %s", src.Type, dst.Type)
		}
		v, float, isFloat := valueOf(src, i)
		switch {
		case isFloat && math.IsNaN(float) && whole(dst.Type):
			dst.AppendNull()
		case !fits(dst, v, float, isFloat):
			return fmt.Errorf("it holds %s, which no %s holds exactly", src.Text(i), dst.Type)
		}
	}
	return nil
}

// valueOf is a number as an integer, or as a float when the column is one.
func valueOf(c *table.Column, i int) (v int64, float float64, isFloat bool) {
	switch c.Type {
	case table.Bool:
		if c.Bools[i] {
			return 1, 0, false
		}
		return 0, 0, false
	case table.Int32:
		return int64(c.Int32s[i]), 0, false
	case table.Int64:
		return c.Int64s[i], 0, false
	case table.Float32:
		return 0, float64(c.Float32s[i]), true
	}
	return 0, c.Float64s[i], true
}

// exact bounds the integers that float64 holds exactly.
const exact = 1 << 53

// fits appends a number to dst when dst holds it exactly.
func fits(dst *table.Column, v int64, float float64, isFloat bool) bool {
	if !isFloat && !whole(dst.Type) {
		if v > exact || v < -exact {
			return false
		}
		float = float64(v)
	}
	if isFloat && whole(dst.Type) {
		if float != math.Trunc(float) || math.Abs(float) > exact {
			return false
		}
		v = int64(float)
	}
	switch dst.Type {
	case table.Bool:
		if v != 0 && v != 1 {
			return false
		}
		dst.AppendBool(v == 1)
	case table.Int32:
		if v != int64(int32(v)) {
			return false
		}
		dst.AppendInt32(int32(v))
	case table.Int64:
		dst.AppendInt64(v)
	case table.Float32:
		if f := float32(float); float64(f) != float && !math.IsNaN(float) {
			return false
		}
		dst.AppendFloat32(float32(float))
	default:
		dst.AppendFloat64(float)
	}
	return true
}
