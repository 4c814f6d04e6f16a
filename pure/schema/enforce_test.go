package schema

import (
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// The conversions are those of mlflow.models.utils._enforce_mlflow_datatype.
func TestEnforce(t *testing.T) {
	columns := map[string]*table.Column{
		"int32":        {Type: table.Int32, Int32s: []int32{1, 5}},
		"int64":        {Type: table.Int64, Int64s: []int64{1, 5}},
		"int64 0 1":    {Type: table.Int64, Int64s: []int64{1, 0}},
		"int64 null":   {Type: table.Int64, Int64s: []int64{0, 5}, Valid: []bool{false, true}},
		"float32":      {Type: table.Float32, Float32s: []float32{0.1, 5}},
		"float64":      {Type: table.Float64, Float64s: []float64{0.1, math.NaN()}},
		"bool":         {Type: table.Bool, Bools: []bool{true, false}},
		"bool null":    {Type: table.Bool, Bools: []bool{true, false}, Valid: []bool{true, false}},
		"string":       {Type: table.String, Strings: []string{"2013-03-01", "x"}, Valid: []bool{true, false}},
		"datetime":     {Type: table.Datetime, Int64s: []int64{5, 0}, Valid: []bool{true, false}},
		"float64 null": {Type: table.Float64, Float64s: []float64{1, 0}, Valid: []bool{true, false}},
	}
	for _, test := range []struct{ from, to, want string }{
		{"int32", "integer", "1 5"},
		{"int32", "long", "1 5"},
		{"int32", "double", "1 5"},
		{"int32", "float", "!a column int32"},
		{"int64", "long", "1 5"},
		{"int64", "integer", "!a column int64"},
		{"int64", "double", `!row 1: expected double (int64 converts to it only where all values are 0, 1 or null), got 5`},
		{"int64 0 1", "double", "1 0"},
		{"int64 0 1", "float", "1 0"},
		{"int64 null", "double", "~ 5"},
		{"int64 null", "long", "!row 0: expected long (a whole number within 64 bits), got null"},
		{"float32", "double", "0.10000000149011612 5"},
		{"float64", "float", "!expected float, got a column float64"},
		{"float64", "long", "!declare the column double where values may be missing"},
		{"float64 null", "double", "1 ~"},
		{"bool", "boolean", "true false"},
		{"bool null", "boolean", "!row 1: expected boolean"},
		{"bool", "double", "!a column bool"},
		{"string", "string", "2013-03-01 ~"},
		{"string", "datetime", "2013-03-01T00:00:00Z ~"},
		{"string", "double", "!a column string"},
		{"datetime", "datetime", "1970-01-01T00:00:00.000000005Z ~"},
		{"int64", "datetime", "!a column int64"},
	} {
		c := *columns[test.from]
		c.Name = "x"
		extra := &table.Column{Name: "more", Type: table.Bool, Bools: []bool{true, true}}
		tab, err := table.New(extra, &c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := signature(t, `[{"name":"x","type":"`+test.to+`"}]`).Enforce(tab)
		want, fails := strings.CutPrefix(test.want, "!")
		switch {
		case fails && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s -> %s: %v, want %s", test.from, test.to, err, want)
		case !fails && err != nil:
			t.Errorf("%s -> %s: %v", test.from, test.to, err)
		case !fails:
			typ, _ := DataType(test.to).Table()
			if got := render(r.Table); got != "2 | x:"+typ.String()+" "+want || render(r.Extra) != "2 | more:bool true true" {
				t.Errorf("%s -> %s: %s / %s", test.from, test.to, got, render(r.Extra))
			}
		}
	}
}

func TestEnforceShape(t *testing.T) {
	tab, err := table.New(&table.Column{Name: "b", Type: table.Float64, Float64s: []float64{2}}, &table.Column{Name: "a", Type: table.Int64, Int64s: []int64{1}})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := signature(t, abc).Enforce(tab); err != nil || render(r.Table) != "1 | a:int64 1 | b:float64 2 | c:string ~" {
		t.Errorf("%v", err)
	}
	if _, err := signature(t, abc).Enforce(tab.Slice(0, 1)); err != nil {
		t.Error(err)
	}
	one, _ := tab.Select("b")
	if _, err := signature(t, abc).Enforce(one); err == nil || err.Error() != `column "a": missing: expected long` {
		t.Error(err)
	}
	if r, err := signature(t, "").Enforce(tab); err != nil || r.Table != tab {
		t.Error(err)
	}
	if r, err := signature(t, `[{"type":"double"}]`).Enforce(tab); err != nil || render(r.Table) != "1 | 0:float64 2" || render(r.Extra) != "1 | a:int64 1" {
		t.Errorf("%v %v", r, err)
	}
	if _, err := signature(t, `[{"type":"double"},{"type":"long"},{"type":"long"}]`).Enforce(tab); err == nil || err.Error() != "expected 3 columns, got 2 columns" {
		t.Error(err)
	}
	if r, err := signature(t, `[{"name":"a","type":"double"},{"name":"b","type":"integer"}]`).Cast(tab, Options{}); err != nil || render(r.Table) != "1 | a:float64 1 | b:int32 2" {
		t.Errorf("%v", err)
	}
	fields, err := signature(t, abc).Inputs.Fields()
	if err != nil || len(fields) != 3 || fields[0] != (table.Field{Name: "a", Type: table.Int64}) {
		t.Errorf("%v %v", fields, err)
	}
	for d, typ := range dataTypes {
		if typ.Known() && TypeOf(typ) != d {
			t.Errorf("%s: %s", d, TypeOf(typ))
		}
	}
}
