package evaluate

import (
	"slices"
	"testing"

	"github.com/trimtab/trimtab/pure/schema"
)

func TestNarrower(t *testing.T) {
	column := func(name string, typ schema.DataType, required bool) schema.ColumnSpec {
		return schema.ColumnSpec{Name: name, Named: name != "", Type: typ, Required: required}
	}
	columns := func(c ...schema.ColumnSpec) schema.Signature {
		return schema.Signature{Inputs: schema.Schema{Columns: c}}
	}
	tensor := func(dtype string, shape ...int64) schema.Signature {
		return schema.Signature{Inputs: schema.Schema{Tensors: []schema.TensorSpec{{DType: dtype, Shape: shape}}}}
	}
	a := column("a", schema.Double, true)
	for name, c := range map[string]struct {
		challenger, champion schema.Signature
		narrower, different  []string
	}{
		"same":           {columns(a), columns(a), nil, nil},
		"no signature":   {schema.Signature{}, columns(a), nil, []string{`column "a" is not taken any more`}},
		"fewer columns":  {columns(a), columns(a, column("b", schema.Long, true)), nil, []string{`the other way round: column "b" is required, and the other version does not have it`, `column "b" is not taken any more`}},
		"more columns":   {columns(a, column("b", schema.Long, true)), columns(a), []string{`column "b" is required, and the other version does not have it`}, nil},
		"more, optional": {columns(a, column("b", schema.Long, false)), columns(a), nil, []string{`column "b" is new`}},
		"required":       {columns(a), columns(column("a", schema.Double, false)), []string{`column "a" is required, and the other version takes rows without it`}, nil},
		"wider type":     {columns(a), columns(column("a", schema.Long, true)), nil, []string{`the other way round: column "a" is long, the other version takes double`}},
		"narrower type":  {columns(column("a", schema.Long, true)), columns(a), []string{`column "a" is long, the other version takes double`}, nil},
		"text":           {columns(a), columns(column("a", schema.String, true)), []string{`column "a" is double, the other version takes string`}, nil},
		"by position":    {columns(column("", schema.Long, true), column("", schema.Double, true)), columns(column("", schema.Double, true)), []string{"column 0 is long, the other version takes double", "column 1 is required, and the other version does not have it"}, nil},
		"tensors":        {tensor("float64", -1, 4), tensor("float64", -1, 4), nil, nil},
		"other shape":    {tensor("float64", -1, 5), tensor("float64", -1, 4), []string{"tensor 0 is float64[-1 5], the other version takes float64[-1 4]"}, nil},
		"tensor, column": {tensor("float64", -1), columns(a), []string{"it takes 1 tensors and 0 columns, the other version 0 and 1"}, nil},
	} {
		if got := Narrower(c.challenger, c.champion); !slices.Equal(got, c.narrower) {
			t.Errorf("%s: %q", name, got)
		}
		got := Different(c.challenger, c.champion)
		if c.different != nil && !slices.Equal(got, c.different) {
			t.Errorf("%s differ: %q", name, got)
		}
		if (len(got) == 0) != (name == "same" || name == "tensors") {
			t.Errorf("%s differ: %q", name, got)
		}
	}
}
