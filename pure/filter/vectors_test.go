package filter

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// vector is one line of testdata/vectors.json.
type vector struct {
	ID       string
	Dialect  string
	Filter   string
	OrderBy  []string `json:"order_by"`
	Upstream string
	Ours     string
	Accept   bool
	Parsed   any
}

type vectorFile struct{ Filters, Orders []vector }

func vectors(t testing.TB) vectorFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all vectorFile
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Filters) < 200 || len(all.Orders) < 40 {
		t.Fatalf("only %d filters and %d orders", len(all.Filters), len(all.Orders))
	}
	return all
}

func dialect(t testing.TB, name string) *Dialect {
	t.Helper()
	for _, d := range Dialects() {
		if d.Name() == name {
			return d
		}
	}
	t.Fatalf("no dialect %q", name)
	return nil
}

// plain is the form in which vectors.json has an expression.
func plain(e Expr) any {
	many := func(op string, exprs ...Expr) any {
		list := []any{op}
		for _, x := range exprs {
			list = append(list, plain(x))
		}
		return list
	}
	key := func(entity Entity, key, op string, rest ...any) any {
		return append([]any{entity.String(), key, op}, rest...)
	}
	not := func(negated bool) string {
		if negated {
			return "NOT "
		}
		return ""
	}
	switch e := e.(type) {
	case And:
		return many("and", e.Exprs...)
	case Or:
		return many("or", e.Exprs...)
	case Not:
		return many("not", e.Expr)
	case Cmp:
		return key(e.Entity, e.Key, string(e.Op), plainValue(e.Value))
	case In:
		var values []any
		for _, v := range e.Values {
			values = append(values, plainValue(v))
		}
		return key(e.Entity, e.Key, not(e.Negated)+"IN", values)
	case IsNull:
		return key(e.Entity, e.Key, "IS "+not(e.Negated)+"NULL")
	case Between:
		return key(e.Entity, e.Key, not(e.Negated)+"BETWEEN", []any{plainValue(e.Low), plainValue(e.High)})
	}
	return nil
}

func plainValue(v Value) any {
	switch {
	case v.Kind == KindText:
		return v.Text
	case math.IsNaN(v.Number):
		return "NaN"
	case math.IsInf(v.Number, 1):
		return "Infinity"
	case math.IsInf(v.Number, -1):
		return "-Infinity"
	}
	return v.Number
}

func TestFilterVectors(t *testing.T) {
	for _, v := range vectors(t).Filters {
		t.Run(v.ID, func(t *testing.T) {
			d := dialect(t, v.Dialect)
			e, err := Parse(d, v.Filter)
			if (err == nil) != v.Accept {
				t.Fatalf("Parse(%s, %q): error %v, want accepted = %v", v.Dialect, v.Filter, err, v.Accept)
			}
			if v.Ours == "=" && v.Accept != (v.Upstream == "A") {
				t.Errorf("%q contradicts itself: upstream %s, ours =, accept %v", v.Filter, v.Upstream, v.Accept)
			}
			if err != nil {
				inside(t, err, v.Filter)
				return
			}
			if diff := cmp.Diff(v.Parsed, plain(e)); diff != "" {
				t.Errorf("Parse(%s, %q) (-want +got):\n%s", v.Dialect, v.Filter, diff)
			}
			reparses(t, d, e)
		})
	}
}

func TestOrderVectors(t *testing.T) {
	for _, v := range vectors(t).Orders {
		t.Run(v.ID, func(t *testing.T) {
			d := dialect(t, v.Dialect)
			orders, err := ParseOrder(d, v.OrderBy)
			if (err == nil) != v.Accept {
				t.Fatalf("ParseOrder(%s, %q): error %v, want accepted = %v", v.Dialect, v.OrderBy, err, v.Accept)
			}
			if v.Ours == "=" && v.Accept != (v.Upstream == "A") {
				t.Errorf("%q contradicts itself: upstream %s, ours =, accept %v", v.OrderBy, v.Upstream, v.Accept)
			}
			if err != nil {
				bad := err.(*SyntaxError)
				inside(t, err, v.OrderBy[bad.Clause])
				return
			}
			var got any
			var fields []any
			for _, o := range orders {
				direction := "ASC"
				if o.Descending {
					direction = "DESC"
				}
				fields = append(fields, []any{o.Entity.String(), o.Key, direction})
			}
			got = fields
			if diff := cmp.Diff(v.Parsed, got); diff != "" {
				t.Errorf("ParseOrder(%s, %q) (-want +got):\n%s", v.Dialect, v.OrderBy, diff)
			}
			var spelled []string
			for _, o := range orders {
				spelled = append(spelled, o.String())
			}
			again, err := ParseOrder(d, spelled)
			if err != nil {
				t.Fatalf("ParseOrder(%q): %v", spelled, err)
			}
			if diff := cmp.Diff(orders, again); diff != "" {
				t.Errorf("ParseOrder(%q) differs from what spelled it:\n%s", spelled, diff)
			}
		})
	}
}

// inside checks that an error is a SyntaxError that points into its text.
func inside(t testing.TB, err error, text string) {
	t.Helper()
	bad, ok := err.(*SyntaxError)
	if !ok {
		t.Fatalf("%T is not a *SyntaxError: %v", err, err)
	}
	if bad.Offset < 0 || bad.Length < 0 || bad.Offset+bad.Length > len(text) {
		t.Errorf("error at %d+%d lies outside of the %d bytes of %q", bad.Offset, bad.Length, len(text), text)
	}
	if bad.Msg == "" {
		t.Errorf("error of %q says nothing", text)
	}
}

// same compares trees; NaN equals itself.
func same(a, b Expr) string { return cmp.Diff(a, b, cmpopts.EquateNaNs()) }

// reparses checks that the canonical form of e means e.
func reparses(t testing.TB, d *Dialect, e Expr) {
	t.Helper()
	if e == nil {
		return
	}
	text := e.String()
	if len(text) > MaxLength {
		return // quoting can lengthen a text beyond the limit
	}
	again, err := Parse(d, text)
	if err != nil {
		t.Fatalf("canonical form %q: %v", text, err)
	}
	if diff := same(e, again); diff != "" {
		t.Fatalf("canonical form %q means something else (-want +got):\n%s", text, diff)
	}
}
