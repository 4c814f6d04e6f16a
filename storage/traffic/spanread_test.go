package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func withSpans(t *testing.T, n int64) {
	t.Helper()
	old := spanRows
	spanRows = n
	t.Cleanup(func() { spanRows = old })
}

// Whether a span is surveyed or gathered at once, and whatever blocks of a sealed
// piece are left out, changes no answer.
func TestSpansOfTablesAreEqual(t *testing.T) {
	all := events(rand.New(rand.NewPCG(9, 10)), 400)
	slices.SortStableFunc(all, func(a, b event) int { return int(a.mark - b.mark) })
	var queries []Query
	for from := day / 2; from < 6*day; from += day / 2 {
		queries = append(queries, Query{Start: from, End: from + day/4, KnownBy: from + 2*day, Inputs: true}, Query{Start: from, End: from + 2*day, Inputs: true, Columns: []string{"x", "gone"}, MaxRows: 5}, Query{Start: from, End: from + day})
	}
	queries = append(queries, Query{End: 2 * day, Inputs: true}, Query{Start: 5 * day}, Query{Start: 90 * day, End: 91 * day, Inputs: true})
	s, l := open(t, t.TempDir(), func(c *Config) { c.SealRows = 90 })
	send(t, l, all, 7, false)
	var want [][]string
	rows := 0
	for n, way := range []struct {
		slice int
		span  int64
		seal  bool
	}{{10_000, 2048, false}, {40, 2048, false}, {40, 1, true}, {40, 7, true}, {3, 7, true}, {10_000, 64, true}} {
		withSlices(t, way.slice)
		withSpans(t, way.span)
		if way.seal {
			if err := s.Seal(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		for k, q := range queries {
			fields, got := readBack(t, l, q)
			rows += len(got)
			got = append(got, fmt.Sprint(fields))
			if n == 0 {
				want = append(want, got)
			}
			if d := cmp.Diff(want[k], got); d != "" {
				t.Fatalf("%+v, query %+v (-want +got): %s", way, q, d)
			}
		}
	}
	if rows < 2000 {
		t.Errorf("%d rows in all", rows)
	}
}

// A narrow span of a sealed piece is read without the rest of it.
func TestNarrowSpansReadLittle(t *testing.T) {
	withSpans(t, 100)
	s, l := open(t, t.TempDir(), func(c *Config) { c.SealRows = 1 << 30 })
	const n = 5000
	for at := 0; at < n; at += 500 {
		mustAppend(t, l, rows(at, 500, day+trimtab.Time(at)*60_000))
	}
	if err := s.Seal(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	read := func(start, end trimtab.Time) (decoded, inside int) {
		t.Helper()
		for tab, err := range l.span(t.Context(), start, end, func(name string) bool { return name == ColumnEventTime }) {
			if err != nil {
				t.Fatal(err)
			}
			decoded += tab.Rows()
			for i := range tab.Rows() {
				if at := timeAt(tab.Column(ColumnEventTime), i); at >= start && at < end {
					inside++
				}
			}
		}
		return decoded, inside
	}
	_, whole := read(0, 90*day)
	if whole != n {
		t.Fatalf("%d rows", whole)
	}
	var seen []trimtab.Time
	for r, err := range l.Tables(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, r.EventTimes...)
	}
	from, to := seen[2500], seen[2540]
	want := 0
	for _, at := range seen {
		if at >= from && at < to {
			want++
		}
	}
	if decoded, inside := read(from, to); inside != want || want == 0 || decoded > 300 {
		t.Errorf("%d rows were read for %d, want %d", decoded, inside, want)
	}
	if decoded, _ := read(day-1000, day-1); decoded != 0 {
		t.Errorf("%d rows were read for none", decoded)
	}
}
