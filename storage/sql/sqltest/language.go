package sqltest

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"strings"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/pure/filter"
)

// vectorFile holds the verdicts on MLflow's search language; tests run in
// storage/sql.
const vectorFile = "../../pure/filter/testdata/vectors.json"

func readVectors(k *kit) (v struct {
	Filters []struct{ Dialect, Filter string }
	Orders  []struct {
		Dialect string
		OrderBy []string `json:"order_by"`
	}
}) {
	k.Helper()
	raw, err := os.ReadFile(vectorFile)
	k.ok(err)
	k.ok(json.Unmarshal(raw, &v))
	return v
}

// vectors are the filters of a dialect, accepted or not.
func vectors(k *kit, d *filter.Dialect) (out []string) {
	for _, f := range readVectors(k).Filters {
		if f.Dialect == d.Name() {
			out = append(out, f.Filter)
		}
	}
	return out
}

func orderVectors(k *kit, d *filter.Dialect) (out []string) {
	for _, o := range readVectors(k).Orders {
		if o.Dialect == d.Name() && len(o.OrderBy) == 1 {
			out = append(out, o.OrderBy[0])
		}
	}
	return out
}

// drawKey draws an entity and a key that the dialect has.
func drawKey(rt *rapid.T, d *filter.Dialect, keys []string, entities []filter.Entity) (filter.Entity, string) {
	for {
		e := rapid.SampledFrom(entities).Draw(rt, "entity")
		key := rapid.SampledFrom(keys).Draw(rt, "key")
		switch e {
		case filter.Attribute:
			key = rapid.SampledFrom(d.Columns()).Draw(rt, "attribute").Name
		case filter.Dataset:
			key = rapid.SampledFrom([]string{"name", "digest", "context"}).Draw(rt, "dataset key")
		}
		if _, ok := d.Kind(e, key); ok {
			return e, key
		}
	}
}

// drawFilter draws an expression over the keys of the dialect; nil now and then.
func drawFilter(rt *rapid.T, d *filter.Dialect, keys, texts []string, depth int) filter.Expr {
	numbers := []float64{-1, -0.5, 0, 0.5, 1, 1.5, 2, 3, math.Inf(1)}
	text := func() filter.Value { return filter.Text(rapid.SampledFrom(texts).Draw(rt, "text")) }
	number := func() filter.Value { return filter.Number(rapid.SampledFrom(numbers).Draw(rt, "number")) }
	choice := rapid.IntRange(0, 9).Draw(rt, "node")
	if depth > 0 && choice < 4 {
		below := func() filter.Expr { return drawFilter(rt, d, keys, texts, depth-1) }
		a, b := below(), below()
		switch {
		case a == nil || b == nil:
			return nil
		case choice == 0:
			return filter.Or{Exprs: []filter.Expr{a, b}}
		case choice == 1:
			return filter.Not{Expr: a}
		}
		return filter.All(a, b)
	}
	if depth == 3 && choice == 9 {
		return nil
	}
	e, key := drawKey(rt, d, keys, []filter.Entity{filter.Attribute, filter.Metric, filter.Param, filter.Tag, filter.Dataset})
	kind, _ := d.Kind(e, key)
	negated := rapid.Bool().Draw(rt, "negated")
	if choice == 8 {
		return filter.IsNull{Entity: e, Key: key, Negated: negated}
	}
	if kind == filter.KindText {
		if choice == 7 {
			return filter.In{Entity: e, Key: key, Values: []filter.Value{text(), text()}, Negated: negated}
		}
		op := rapid.SampledFrom([]filter.Op{filter.Equal, filter.NotEqual, filter.LikeOp, filter.ILikeOp, filter.NotLike, filter.NotILike}).Draw(rt, "op")
		return filter.Cmp{Entity: e, Key: key, Op: op, Value: text()}
	}
	switch choice {
	case 7:
		return filter.In{Entity: e, Key: key, Values: []filter.Value{number(), number()}, Negated: negated}
	case 6:
		return filter.Between{Entity: e, Key: key, Low: number(), High: number(), Negated: negated}
	case 5:
		if e == filter.Metric {
			return filter.Cmp{Entity: e, Key: key, Op: rapid.SampledFrom([]filter.Op{filter.Equal, filter.NotEqual}).Draw(rt, "op"), Value: filter.Number(math.NaN())}
		}
	}
	op := rapid.SampledFrom([]filter.Op{filter.Equal, filter.NotEqual, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual}).Draw(rt, "op")
	return filter.Cmp{Entity: e, Key: key, Op: op, Value: number()}
}

// drawOrders draws up to three different fields that the dialect can order by.
func drawOrders(rt *rapid.T, d *filter.Dialect, keys []string) (out []filter.Order) {
	seen := map[string]bool{}
	for range rapid.IntRange(0, 3).Draw(rt, "orders") {
		e, key := drawKey(rt, d, keys, []filter.Entity{filter.Attribute, filter.Metric, filter.Param, filter.Tag})
		o := filter.Order{Entity: e, Key: key, Descending: rapid.Bool().Draw(rt, "descending")}
		parsed, err := filter.ParseOrder(d, []string{o.String()})
		if name := filter.Spell(e, key); err == nil && !seen[name] {
			seen[name] = true
			out = append(out, parsed...)
		}
	}
	return out
}

// compareRows compares by the order: values, then NaN, then rows without one.
func compareRows(a, b filter.Row, orders []filter.Order) int {
	for _, o := range orders {
		x, y := a.Values(o.Entity, o.Key), b.Values(o.Entity, o.Key)
		c := cmp.Compare(class(x), class(y))
		if c == 0 && class(x) == 0 {
			if x[0].Kind == filter.KindText {
				c = strings.Compare(x[0].Text, y[0].Text)
			} else {
				c = cmp.Compare(x[0].Number, y[0].Number)
			}
			if o.Descending {
				c = -c
			}
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func class(values []filter.Value) int {
	switch {
	case len(values) == 0:
		return 2
	case values[0].IsNaN():
		return 1
	}
	return 0
}
