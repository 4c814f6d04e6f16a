package contract

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// judged runs rows through a contract in batches of the given size.
func judged(t testing.TB, c *Checker, rows *table.Table, size int, opt Options, f Facts) trimtab.ContractResult {
	t.Helper()
	p := c.Begin(opt)
	for lo := 0; lo < rows.Rows(); lo += size {
		if err := p.Add(Batch{Table: rows.Slice(lo, min(lo+size, rows.Rows()))}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.Finish(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func result(t testing.TB, r trimtab.ContractResult, rule string) trimtab.RuleResult {
	t.Helper()
	for _, x := range r.Results {
		if x.Rule == rule {
			return x
		}
	}
	t.Fatalf("no rule %s among %+v", rule, r.Results)
	return trimtab.RuleResult{}
}

func TestSet(t *testing.T) {
	const rows = "id,wind,gust,origin,code\n" +
		"a,5,7,JFK,1\n" +
		"b,1048.36,,EWR,2\n" +
		"b,6,5,XXX,2\n" +
		",,,LGA,3\n" +
		"e,4,9,JFK,3.5\n"
	tests := []struct {
		name           string
		spec           trimtab.DataContractSpec
		rule           string
		judged, failed int64
		passed         bool
		examples       []trimtab.FailedRow
		rows           int64 // failing rows
	}{
		{"range", trimtab.DataContractSpec{Key: []string{"id"}, Columns: map[string]trimtab.ColumnRule{"wind": {Min: ptr(0.0), Max: ptr(200.0)}}},
			"wind.range", 4, 1, false, []trimtab.FailedRow{{Key: "b", Value: "1048.36"}}, 3},
		{"range within tolerance", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"wind": {Max: ptr(200.0), MaxOutside: 0.25}}},
			"wind.range", 4, 1, true, []trimtab.FailedRow{{Key: "row 2", Value: "1048.36"}}, 1},
		{"missing beyond share", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"gust": {MaxMissing: ptr(0.3)}}}, "gust.maxMissing", 5, 2, false, nil, 0},
		{"missing within share", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"gust": {MaxMissing: ptr(0.4)}}}, "gust.maxMissing", 5, 2, true, nil, 0},
		{"missing never", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"gust": {MaxMissing: ptr(0.0)}}}, "gust.maxMissing", 5, 2, false,
			[]trimtab.FailedRow{{Key: "row 2", Value: "missing"}, {Key: "row 4", Value: "missing"}}, 2},
		{"set", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"origin": {InSet: []string{"JFK", "EWR", "LGA"}}}}, "origin.inSet", 5, 1, false,
			[]trimtab.FailedRow{{Key: "row 3", Value: "XXX"}}, 1},
		{"unique", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"id": {Unique: true}}}, "id.unique", 4, 1, false, []trimtab.FailedRow{{Key: "row 3", Value: "b"}}, 1},
		{"key", trimtab.DataContractSpec{Key: []string{"id"}}, "key", 5, 2, false, []trimtab.FailedRow{{Key: "b", Value: "b"}, {Key: "row 4", Value: "missing"}}, 2},
		{"key of two", trimtab.DataContractSpec{Key: []string{"id", "wind"}}, "key", 5, 1, false, []trimtab.FailedRow{{Key: "row 4", Value: "missing, missing"}}, 1},
		{"whole numbers", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"code": {Type: "integer"}}}, "code.type", 5, 1, false,
			[]trimtab.FailedRow{{Key: "row 5", Value: "3.5"}}, 1},
		{"another type", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"origin": {Type: "float"}}}, "origin.type", 5, 5, false, nil, 5},
		{"relation", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "gusts", Expr: "gust >= wind"}}}, "rule gusts", 3, 1, false,
			[]trimtab.FailedRow{{Key: "row 3", Value: "gust 5, wind 6"}}, 1},
		{"relation that asks", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "gusts", Expr: "!has(gust) || gust >= wind"}}}, "rule gusts", 4, 1, false, nil, 1},
		{"relation with another's word", trimtab.DataContractSpec{Rules: []trimtab.RelationRule{{Name: "gusts", Expr: "gust - wind <= 4", MaxFailed: 0.4}}}, "rule gusts", 3, 1, true,
			[]trimtab.FailedRow{{Key: "row 5", Value: "gust 9, wind 4"}}, 1},
		{"column not there", trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"temp": {Min: ptr(0.0)}}}, "temp.required", 5, 5, false, nil, 0},
		{"too few rows", trimtab.DataContractSpec{RowCount: &trimtab.RowCountRule{Min: 6}}, "rowCount", 5, 1, false, []trimtab.FailedRow{{Value: "5 rows"}}, 0},
		{"too many rows", trimtab.DataContractSpec{RowCount: &trimtab.RowCountRule{Max: 4}}, "rowCount", 5, 1, false, nil, 0},
		{"rows far from the median", trimtab.DataContractSpec{RowCount: &trimtab.RowCountRule{Within: 0.4, Windows: 4}}, "rowCount", 5, 1, false,
			[]trimtab.FailedRow{{Value: "5 rows, median before 9.5"}}, 0},
		{"rows without enough before", trimtab.DataContractSpec{RowCount: &trimtab.RowCountRule{Within: 0.4, Windows: 6}}, "rowCount", 5, 0, true, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compiled(t, tt.spec)
			table := rowsOf(t, rows, nil)
			f := Facts{History: []int64{1000, 9, 10, 12, 3}} // the last four: 9 10 12 3, median 9.5
			r := judged(t, c, table, 5, Options{}, f)
			x := result(t, r, tt.rule)
			if x.Rows != tt.judged || x.Failed != tt.failed || x.Passed != tt.passed {
				t.Errorf("judged %d failed %d passed %v, want %d %d %v", x.Rows, x.Failed, x.Passed, tt.judged, tt.failed, tt.passed)
			}
			if tt.examples != nil && !reflect.DeepEqual(x.Examples, tt.examples) {
				t.Errorf("examples %+v, want %+v", x.Examples, tt.examples)
			}
			if r.Failed != tt.rows || r.Rows != 5 {
				t.Errorf("%d of %d rows fail, want %d of 5", r.Failed, r.Rows, tt.rows)
			}
			for _, size := range []int{1, 2, 3} { // the answer does not depend on how rows come in batches
				for _, workers := range []int{1, 4} {
					if again := judged(t, c, table, size, Options{Workers: workers}, f); !reflect.DeepEqual(again, r) {
						t.Errorf("in batches of %d: %+v, want %+v", size, again, r)
					}
				}
			}
		})
	}
}

func TestSeverities(t *testing.T) {
	rows := rowsOf(t, "x\n5\n", nil)
	c := compiled(t, trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0), Severity: "warning"}}})
	if r := judged(t, c, rows, 1, Options{}, Facts{}); !r.Passed || result(t, r, "x.range").Passed {
		t.Errorf("a warning broke the contract, or was not told: %+v", r)
	}
}

func TestTextsRead(t *testing.T) {
	const text = "n,f,when\n1,1.5,2013-01-01\nx,y,z\n,,\n"
	c := compiled(t, trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"n": {Type: "integer", Min: ptr(0.0)}, "f": {Type: "float"}, "when": {Type: "datetime"}},
		Rules: []trimtab.RelationRule{{Name: "late", Expr: "when > timestamp('2013-06-01T00:00:00Z') || n * 2 > f"}}})
	for _, reading := range []bool{true, false} {
		r := judged(t, c, rowsOf(t, text, nil), 10, Options{Text: reading}, Facts{})
		for _, rule := range []string{"n.type", "f.type", "when.type"} {
			want := int64(1) // x y z
			if !reading {
				want = 2 // texts are no numbers
			}
			if x := result(t, r, rule); x.Failed != want {
				t.Errorf("reading texts %v: %s failed %d, want %d", reading, rule, x.Failed, want)
			}
		}
		if x := result(t, r, "rule late"); reading && (x.Rows != 1 || x.Failed != 0) {
			t.Errorf("the relation judged %d rows and failed %d, want 1 and 0", x.Rows, x.Failed)
		}
	}
}

func TestFreshness(t *testing.T) {
	rows := rowsOf(t, "when\n2013-02-12T08:00:00Z\n2013-02-12T09:00:00Z\n", map[string]table.Type{"when": table.Datetime})
	newest, _ := trimtab.ParseTime("2013-02-12T09:00:00Z")
	c := compiled(t, trimtab.DataContractSpec{Freshness: &trimtab.FreshnessRule{MaxAge: trimtab.Duration(2 * time.Hour)}})
	for _, tt := range []struct {
		now    trimtab.Time
		column string
		want   bool
	}{{newest.Add(2 * time.Hour), "when", true}, {newest.Add(2*time.Hour + time.Millisecond), "when", false}, {newest, "", false}} {
		if r := judged(t, c, rows, 1, Options{EventTime: tt.column}, Facts{Now: tt.now}); r.Passed != tt.want {
			t.Errorf("at %s by %q: passed %v: %+v", tt.now, tt.column, r.Passed, r.Results)
		}
	}
}

// TestSinkGetsEveryFailingRow: one line for each rule that a row breaks, and they read back from Parquet.
func TestSinkGetsEveryFailingRow(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,x\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "r%d,%d\n", i%19_999, i%3)
	}
	c := compiled(t, trimtab.DataContractSpec{Key: []string{"id"}, Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0)}}})
	var file bytes.Buffer
	w, err := NewFailingRows(&file)
	if err != nil {
		t.Fatal(err)
	}
	r := judged(t, c, rowsOf(t, text.String(), nil), 777, Options{Sink: w.Add}, Facts{})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := table.ReadParquet(bytes.NewReader(file.Bytes()), int64(file.Len()), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(6666 + 1); int64(got.Rows()) != want || r.Failed != want || w.Rows() != want {
		t.Errorf("%d rows in the file, %d failing rows, want %d", got.Rows(), r.Failed, want)
	}
	if k, v := got.Column("rule").Strings[0], got.Column("key").Strings[0]; k != "x.range" || v != "r2" {
		t.Errorf("first %s %s", k, v)
	}
	if k, v := got.Column("rule").Strings[got.Rows()-1], got.Column("key").Strings[got.Rows()-1]; k != "key" || v != "r0" {
		t.Errorf("last %s %s", k, v)
	}
}

func TestSinkErrorEndsThePass(t *testing.T) {
	c := compiled(t, trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"x": {Max: ptr(1.0)}}})
	full := errors.New("the disk is full")
	p := c.Begin(Options{Workers: 1, Sink: func(Failure) error { return full }})
	rows := rowsOf(t, "x\n5\n", nil)
	if err := p.Add(Batch{Table: rows}); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
	if _, err := p.Finish(Facts{}); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
}

// TestSeen compares the set of digests with a map.
func TestSeen(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s seen
	was := map[digest]bool{}
	for range 200_000 {
		d := digest{rng.Uint64N(50_000), rng.Uint64N(2)}
		if got := s.add(d); got == was[d] {
			t.Fatalf("%v is new: %v, want %v", d, got, !was[d])
		}
		was[d] = true
	}
}

// TestZeros: -0 and 0 are one value; NaN is missing.
func TestZeros(t *testing.T) {
	rows, err := table.New(&table.Column{Name: "x", Type: table.Float64, Float64s: []float64{0, math.Copysign(0, -1), math.NaN(), math.NaN(), math.Inf(1)}})
	if err != nil {
		t.Fatal(err)
	}
	c := compiled(t, trimtab.DataContractSpec{Columns: map[string]trimtab.ColumnRule{"x": {Unique: true, Max: ptr(1.0), MaxMissing: ptr(0.5)}}})
	r := judged(t, c, rows, 2, Options{}, Facts{})
	for rule, want := range map[string][2]int64{"x.unique": {3, 1}, "x.range": {3, 1}, "x.maxMissing": {5, 2}} {
		if x := result(t, r, rule); x.Rows != want[0] || x.Failed != want[1] {
			t.Errorf("%s: %d of %d, want %d of %d", rule, x.Failed, x.Rows, want[1], want[0])
		}
	}
}
