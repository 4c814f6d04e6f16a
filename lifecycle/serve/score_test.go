package serve

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// signature declares the six features of the golden models as columns a to f.
func signature(types ...string) string {
	var b strings.Builder
	for k := range width {
		typ := "double"
		if k < len(types) {
			typ = types[k]
		}
		if k > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"` + typ + `","name":"` + string(rune('a'+k)) + `","required":true}`)
	}
	return "[" + b.String() + "]"
}

// named are the rows of columns(n) under the names of signature, in another order.
func named(n int) *table.Table {
	t := columns(n)
	for k, c := range t.Columns {
		c.Name = string(rune('a' + k))
	}
	slices.Reverse(t.Columns)
	return t
}

// TestScorer: a version that does not serve scores logged rows as it would have
// answered them, whatever the order of columns and whatever numbers came as.
func TestScorer(t *testing.T) {
	data := golden(t, "xgboost-2.1.4/logistic")
	shelf := newShelf(t)
	classifier := shelf.register(xgboost(data, "xgboost.sklearn.XGBClassifier", signature("long")))
	booster := shelf.register(xgboost(data, "xgboost.core.Booster", signature()))
	unsigned := shelf.register(xgboost(data, "xgboost.core.Booster", ""))
	scorer := shelf.server().Scorer()
	score := func(v trimtab.Version, tab *table.Table) ([]float64, error) {
		return scorer.Score(t.Context(), "default", "m", v, tab)
	}
	m, err := Load(t.Context(), files(xgboost(data, "xgboost.core.Booster", "")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 3 * scoreRows / 2
	whole := func() *table.Table {
		tab := columns(rows)
		for i, v := range tab.Columns[0].Float64s {
			tab.Columns[0].Float64s[i] = math.Trunc(v)
		}
		return tab
	}
	want, err := m.Score(nil, whole())
	if err != nil {
		t.Fatal(err)
	}
	asLogged := func() *table.Table {
		tab := whole()
		for k, c := range tab.Columns {
			c.Name = string(rune('a' + k))
		}
		slices.Reverse(tab.Columns)
		return tab
	}
	for _, c := range []struct {
		name    string
		version trimtab.Version
		rows    *table.Table
	}{{"a classifier gives its probability, a float that is whole is a long", classifier, asLogged()}, {"a booster", booster, asLogged()}, {"without signature or names", unsigned, whole()}} {
		got, err := score(c.version, c.rows)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}

	broken := asLogged()
	broken.Columns[5].Float64s[1], broken.Columns[5].Float64s[rows-1] = 0.5, 1.5 // a is long for the classifier
	got, err := score(classifier, broken)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if refused := i == 1 || i == rows-1; refused != math.IsNaN(got[i]) || !refused && got[i] != want[i] {
			t.Fatalf("row %d: %v, want %v", i, got[i], want[i])
		}
	}

	narrow := named(2)
	narrow.Columns = narrow.Columns[1:]
	for _, c := range []struct {
		name    string
		version trimtab.Version
		rows    *table.Table
		want    string
	}{
		{"a column is missing", booster, narrow, `column "f": missing`},
		{"names that the features do not have", unsigned, named(2), `column "0": missing`},
		{"no row fits", classifier, named(1), "answers none of the 1 rows"},
		{"no such version", 99, named(1), "has no version 99"},
	} {
		if _, err := score(c.version, c.rows); err == nil || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if got, err := score(booster, named(0)); err != nil || len(got) != 0 {
		t.Errorf("no rows: %v, %v", got, err)
	}
}

// TestScorerCache: a version is loaded once while it is kept, and the least recently used ones make room.
func TestScorerCache(t *testing.T) {
	shelf := newShelf(t)
	data := golden(t, "xgboost-2.1.4/logistic")
	for _, class := range []string{"xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor"} {
		shelf.register(xgboost(data, class, ""))
	}
	scorer := shelf.server().Scorer()
	scorer.cache.limit = 5 * int64(len(data)) // two models
	file := trimtab.DigestOf([]byte(data))
	for i, c := range []struct {
		version trimtab.Version
		loads   int
	}{{1, 1}, {1, 1}, {2, 2}, {1, 2}, {3, 3}, {1, 3}, {2, 4}} { // 3 drives out 2
		if _, err := scorer.Score(t.Context(), "default", "m", c.version, columns(1)); err != nil {
			t.Fatal(err)
		}
		if shelf.opened[file] != c.loads {
			t.Fatalf("step %d: %d loads, want %d", i, shelf.opened[file], c.loads)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scorer.Score(gone, "default", "m", 1, columns(1)); err == nil {
		t.Error("a caller that has left got an answer")
	}
}
