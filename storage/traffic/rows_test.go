package traffic

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// readBack flattens an answer: one text a row, the fields before them.
func readBack(t *testing.T, l *Log, q Query) (fields []table.Field, out []string) {
	t.Helper()
	for r, err := range l.Tables(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Len() == 0 || r.Len() > batchRows {
			t.Fatalf("a batch of %d rows", r.Len())
		}
		if r.Inputs != nil {
			if err := r.Inputs.Check(); err != nil || r.Inputs.Rows() != r.Len() {
				t.Fatalf("inputs: %v, %d rows of %d", err, r.Inputs.Rows(), r.Len())
			}
			if f := r.Inputs.Fields(); fields != nil && !slices.Equal(f, fields) {
				t.Fatalf("fields %v, before %v", f, fields)
			}
			fields = r.Inputs.Fields()
		}
		for i := range r.Len() {
			s := fmt.Sprint(r.IDs[i], r.EventTimes[i], r.Arrival[i], r.Versions[i], r.Variant[i], r.Output[i], r.Score[i], r.Label[i], r.LabelKnownAt[i], r.HasLabel[i], r.Late[i], r.Quarantine[i])
			if r.Inputs != nil {
				for _, c := range r.Inputs.Columns {
					s += "|" + c.Text(i)
				}
			}
			out = append(out, s)
		}
	}
	return fields, out
}

func withSlices(t *testing.T, n int) {
	t.Helper()
	old := sliceRows
	sliceRows = n
	t.Cleanup(func() { sliceRows = old })
}

// event is a row of the traffic that the tests log in several ways.
type event struct {
	id    string
	at    trimtab.Time
	mark  trimtab.Time
	held  string
	x     float64
	label float64
	known trimtab.Time
}

func events(rng *rand.Rand, n int) []event {
	out := make([]event, n)
	for i := range out {
		at := day + trimtab.Time(rng.IntN(20))*day/4
		out[i] = event{id: fmt.Sprintf("e%03d", rng.IntN(n)), at: at, mark: max(0, at-day+trimtab.Time(rng.IntN(9))*day/4), x: float64(rng.IntN(100)),
			label: float64(rng.IntN(2)), known: at + trimtab.Time(rng.IntN(6))*day/2}
		if rng.IntN(7) == 0 {
			out[i].held = "range x"
		}
	}
	// One id names one event, whatever comes first.
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(e event) bool { twice := seen[e.id]; seen[e.id] = true; return twice })
}

// send logs the events in batches of up to size with one watermark each, some of them twice.
func send(t *testing.T, l *Log, all []event, size int, again bool) {
	t.Helper()
	for lo := 0; lo < len(all); {
		hi := lo + 1
		for hi < len(all) && hi-lo < size && all[hi].mark == all[lo].mark {
			hi++
		}
		part := all[lo:hi]
		b := &Batch{Arrival: 7, Watermark: part[0].mark, Version: 2, Variant: "champion", OutputNames: []string{"prediction"}}
		x := table.NewColumn("x", table.Float64, len(part))
		lb := &LabelBatch{Watermark: part[0].mark}
		for _, e := range part {
			b.IDs, b.EventTimes, b.Outputs = append(b.IDs, e.id), append(b.EventTimes, e.at), append(b.Outputs, e.x/10)
			b.Quarantine = append(b.Quarantine, e.held)
			x.AppendFloat64(e.x)
			lb.Labels = append(lb.Labels, Label{ID: e.id, Value: e.label, KnownAt: e.known})
		}
		b.Inputs = &table.Table{Columns: []*table.Column{x}}
		mustAppend(t, l, b)
		mustLabel(t, l, lb)
		if again {
			mustAppend(t, l, b)
			mustLabel(t, l, lb)
		}
		lo = hi
	}
}

// TestTablesDependOnTheRecordsAlone logs the same events in other batches, with
// re-sends, sealed and not, and reads them in other slices: each answer is equal.
func TestTablesDependOnTheRecordsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := events(rng, 300)
	slices.SortStableFunc(all, func(a, b event) int { return int(a.mark - b.mark) })
	queries := []Query{
		{Inputs: true},
		{Start: 2 * day, End: 4 * day, KnownBy: 4 * day, Inputs: true},
		{Start: 2 * day, End: 4 * day, KnownBy: 4 * day},
		{End: 3 * day, Inputs: true, Columns: []string{"x", "gone"}, MaxRows: 17},
		{KnownBy: 3 * day, Inputs: true, Columns: []string{}, MaxRows: 1000},
	}
	var want [][]string
	for n, way := range []struct {
		batch, seal, slice int
		again              bool
	}{{1, 1000, 10_000, false}, {50, 1000, 10_000, true}, {7, 40, 10_000, true}, {7, 1000, 16, false}, {300, 60, 16, true}, {1, 31, 1, false}} {
		withSlices(t, way.slice)
		s, l := open(t, t.TempDir(), func(c *Config) { c.SealRows = int64(way.seal) })
		send(t, l, all, way.batch, way.again)
		for _, sealed := range []bool{false, true} {
			if sealed {
				if err := s.Seal(t.Context(), true); err != nil {
					t.Fatal(err)
				}
			}
			for k, q := range queries {
				fields, got := readBack(t, l, q)
				got = append(got, fmt.Sprint(fields))
				if n == 0 && !sealed {
					want = append(want, got)
				}
				if d := cmp.Diff(want[k], got); d != "" {
					t.Fatalf("%+v, sealed %v, query %+v (-want +got): %s", way, sealed, q, d)
				}
			}
		}
	}
	if len(want[0]) < 150 || len(want[1]) < 20 || len(want[3]) != 18 {
		t.Fatalf("the answers have %d, %d and %d rows", len(want[0]), len(want[1]), len(want[3]))
	}
}

// TestTablesAreTheWindow compares the rows with those of Window.
func TestTablesAreTheWindow(t *testing.T) {
	all := events(rand.New(rand.NewPCG(3, 4)), 200)
	_, l := open(t, t.TempDir(), nil)
	send(t, l, all, 5, false)
	for _, known := range []trimtab.Time{0, 2 * day, 4 * day, 6 * day} {
		var want, got []Joined
		want = append(want, window(t, l, day, 5*day, known)...)
		slices.SortFunc(want, func(a, b Joined) int {
			return 2*int(a.EventTime-b.EventTime) + strings.Compare(a.ID, b.ID)
		})
		for r, err := range l.Tables(t.Context(), Query{Start: day, End: 5 * day, KnownBy: known}) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Len() {
				j := Joined{ID: r.IDs[i], EventTime: r.EventTimes[i], Version: r.Versions[i], Output: r.Output[i], Score: r.Score[i],
					Late: r.Late[i], HasLabel: r.HasLabel[i], Quarantine: r.Quarantine[i]}
				if j.HasLabel {
					j.Label = r.Label[i]
				}
				if j.HasLabel != (r.LabelKnownAt[i] != 0) || j.HasLabel == math.IsNaN(r.Label[i]) {
					t.Fatalf("label %v known at %v: %v", r.Label[i], r.LabelKnownAt[i], j.HasLabel)
				}
				got = append(got, j)
			}
		}
		if d := cmp.Diff(want, got, nans); d != "" || len(want) == 0 && known == 0 {
			t.Errorf("known by %v: %s", known, d)
		}
	}
}

// TestTablesUnifyTypes logs versions whose inputs differ in type.
func TestTablesUnifyTypes(t *testing.T) {
	column := func(typ table.Type, text string) *table.Column {
		c := table.NewColumn("x", typ, 1)
		if text == "" {
			c.AppendNull()
			return c
		}
		switch typ {
		case table.Bool:
			c.AppendBool(text == "true")
		case table.Int32:
			c.AppendInt32(-5)
		case table.Int64:
			v := int64(7)
			if text == "big" {
				v = 1<<53 + 1
			}
			c.AppendInt64(v)
		case table.Float32:
			c.AppendFloat32(0.5)
		case table.Float64:
			c.AppendFloat64(0.1)
		case table.Datetime:
			c.AppendInt64(0)
		case table.String:
			c.AppendString(text)
		}
		return c
	}
	for _, c := range []struct {
		name   string
		values []*table.Column
		typ    table.Type
		want   string
		err    string
	}{
		{"one type", []*table.Column{column(table.Int32, "v"), column(table.Int32, "v")}, table.Int32, "-5 -5", ""},
		{"integers", []*table.Column{column(table.Int32, "v"), column(table.Int64, "v")}, table.Int64, "-5 7", ""},
		{"large integers", []*table.Column{column(table.Int64, "big"), column(table.Int32, "v")}, table.Int64, "9007199254740993 -5", ""},
		{"an integer and a float", []*table.Column{column(table.Int64, "v"), column(table.Float32, "v")}, table.Float64, "7 0.5", ""},
		{"floats", []*table.Column{column(table.Float64, "v"), column(table.Float32, "v")}, table.Float64, "0.1 0.5", ""},
		{"a truth and a number", []*table.Column{column(table.Bool, "true"), column(table.Float32, "v")}, table.Float32, "1 0.5", ""},
		{"a truth and an integer", []*table.Column{column(table.Int32, "v"), column(table.Bool, "true")}, table.Int32, "-5 1", ""},
		{"a number and a text", []*table.Column{column(table.Float64, "v"), column(table.String, "UA")}, table.String, "0.1 UA", ""},
		{"a time and a number", []*table.Column{column(table.Datetime, "v"), column(table.Int64, "v")}, table.String, "1970-01-01T00:00:00Z 7", ""},
		{"a type without values", []*table.Column{column(table.String, ""), column(table.Bool, "true"), column(table.Int64, "")}, table.Bool, " true ", ""},
		{"three", []*table.Column{column(table.Int32, "v"), column(table.Float32, "v"), column(table.Bool, "true")}, table.Float64, "-5 0.5 1", ""},
		{"too large", []*table.Column{column(table.Int64, "big"), column(table.Float64, "v")}, 0, "", `column "x" holds 9007199254740993 beside floats`},
		{"nothing", []*table.Column{column(table.Int64, "")}, 0, "none", ""},
	} {
		for _, slice := range []int{1, 100} {
			t.Run(fmt.Sprintf("%s/%d", c.name, slice), func(t *testing.T) {
				withSlices(t, slice)
				_, l := open(t, t.TempDir(), nil)
				for i, v := range c.values {
					b := rows(i, 1, day+trimtab.Time(i))
					b.Version = trimtab.Version(i + 1)
					b.Inputs = &table.Table{Columns: []*table.Column{v}}
					mustAppend(t, l, b)
				}
				var got []string
				var fields []table.Field
				var failed error
				for r, err := range l.Tables(t.Context(), Query{Inputs: true}) {
					if failed = err; err != nil {
						break
					}
					fields = r.Inputs.Fields()
					for i := range r.Len() {
						if len(fields) > 0 {
							got = append(got, r.Inputs.Columns[0].Text(i))
						} else {
							got = append(got, "none")
						}
					}
				}
				if c.err != "" {
					if failed == nil || !strings.Contains(failed.Error(), c.err) || !trimtab.IsKind(failed, trimtab.Invalid) {
						t.Fatalf("error %v, want %q", failed, c.err)
					}
					return
				}
				if failed != nil {
					t.Fatal(failed)
				}
				if s := strings.Join(got, " "); s != c.want || len(fields) > 0 && fields[0].Type != c.typ {
					t.Errorf("%q %v, want %q of %s", s, fields, c.want, c.typ)
				}
			})
		}
	}
}

func TestQuarantineIsKept(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	b := rows(0, 4, day)
	b.Quarantine = []string{"", "wind <= 200", "", "dewpoint <= temp"}
	mustAppend(t, l, b)
	half := rows(2, 4, day) // two are known; the others are encoded anew
	half.Quarantine = []string{"x", "x", "", "wind <= 200"}
	if r := mustAppend(t, l, half); r.Rows != 2 || r.Duplicates != 2 {
		t.Fatalf("%+v", r)
	}
	mustAppend(t, l, rows(6, 1, day))
	if st := l.Stats(); st.Quarantined != 3 {
		t.Errorf("stats: %+v", st)
	}
	want := []string{"", "wind <= 200", "", "dewpoint <= temp", "", "wind <= 200", ""}
	check := func(when string, l *Log) {
		t.Helper()
		var got, exported []string
		for _, j := range window(t, l, 0, 9*day, 0) {
			got = append(got, j.Quarantine)
		}
		var buf bytes.Buffer
		if _, err := l.Export(t.Context(), &buf, 0, 0); err != nil {
			t.Fatal(err)
		}
		tab, err := table.ReadParquet(bytes.NewReader(buf.Bytes()), int64(buf.Len()), table.ParquetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tab.Rows() {
			exported = append(exported, textAt(tab.Column(ColumnQuarantine), i))
		}
		if !slices.Equal(got, want) || !slices.Equal(exported, want) {
			t.Errorf("%s: window %q, export %q, want %q", when, got, exported, want)
		}
	}
	check("open", l)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, l = open(t, dir, nil)
	check("opened again", l)
	if err := s.Seal(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	check("sealed", l)
	b.Quarantine = []string{"a"}
	if _, err := l.Append(t.Context(), b); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), "1 quarantine rules") {
		t.Errorf("too few rules: %v", err)
	}
	b.Quarantine = []string{"", strings.Repeat("r", MaxRule+1), "", ""}
	if _, err := l.Append(t.Context(), b); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), "row 1 has 513 bytes") {
		t.Errorf("a long rule: %v", err)
	}
}

// TestReadsVersion1 makes files as version 1 had them: no rules, neither in logs
// nor in segments.
func TestReadsVersion1(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	mustAppend(t, l, rows(0, 5, day))
	if err := s.Seal(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, rows(5, 5, 2*day))
	want := window(t, l, 0, 9*day, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, folder(flights), "predictions")
	log := filepath.Join(folder, "00000002.log")
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(raw[6:], 1)
	if err := os.WriteFile(log, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	first := slices.Clone(raw)
	segment := filepath.Join(folder, "00000001.parquet")
	if raw, err = os.ReadFile(segment); err != nil {
		t.Fatal(err)
	}
	tab, err := table.ReadParquet(bytes.NewReader(raw), int64(len(raw)), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tab.Columns = slices.DeleteFunc(tab.Columns, func(c *table.Column) bool { return c.Name == ColumnQuarantine })
	var buf bytes.Buffer
	if err := table.WriteParquet(&buf, tab, table.ParquetOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	meta := filepath.Join(folder, "00000001.json")
	if raw, err = os.ReadFile(meta); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(meta, bytes.Replace(raw, []byte(`"format":2`), []byte(`"format":1`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	s, l = open(t, dir, nil)
	if d := cmp.Diff(want, window(t, l, 0, 9*day, 0), nans); d != "" || len(want) != 10 {
		t.Errorf("%d rows: %s", len(want), d)
	}
	// To a log of version 1 nothing is appended: a program of that version would cut it off.
	b := rows(10, 1, 3*day)
	b.Quarantine = []string{"rule"}
	mustAppend(t, l, b)
	if got := window(t, l, 3*day, 4*day, 0); len(got) != 1 || got[0].Quarantine != "rule" {
		t.Errorf("%+v", got)
	}
	if now, err := os.ReadFile(log); err != nil || len(now) != len(first) {
		t.Errorf("the log of version 1 has %d bytes (%v), before %d", len(now), err, len(first))
	}
	if err := s.Seal(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, got := readBack(t, l, Query{Inputs: true}); len(got) != 11 {
		t.Errorf("%d rows", len(got))
	}
}

func TestTablesEndEarly(t *testing.T) {
	withSlices(t, 10)
	_, l := open(t, t.TempDir(), nil)
	mustAppend(t, l, rows(0, 100, day))
	n := 0
	for r, err := range l.Tables(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n += r.Len(); n >= 30 {
			break
		}
	}
	if n != 30 {
		t.Errorf("%d rows", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for r, err := range l.Tables(ctx, Query{}) {
		if r != nil || err == nil {
			t.Errorf("after the end: %v, %v", r, err)
		}
	}
}

func BenchmarkTables(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(map[bool]string{false: "log", true: "sealed"}[sealed], func(b *testing.B) {
			s, err := Open(Config{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			l, err := s.Endpoint(flights)
			if err != nil {
				b.Fatal(err)
			}
			const n, size, width = 100_000, 500, 20
			rng := rand.New(rand.NewPCG(5, 6))
			for at := 0; at < n; at += size {
				batch := rows(at, size, day+trimtab.Time(at)*60_000)
				batch.Inputs = &table.Table{}
				lb := &LabelBatch{}
				for k := range width {
					c := table.NewColumn(fmt.Sprintf("x%02d", k), table.Float64, size)
					for range size {
						c.AppendFloat64(rng.Float64())
					}
					batch.Inputs.Columns = append(batch.Inputs.Columns, c)
				}
				for _, id := range batch.IDs {
					lb.Labels = append(lb.Labels, Label{ID: id, Value: 1, KnownAt: 1})
				}
				if _, err := l.Append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				if _, err := l.AppendLabels(b.Context(), lb); err != nil {
					b.Fatal(err)
				}
			}
			if sealed {
				if err := s.Seal(b.Context(), true); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				got := 0
				for r, err := range l.Tables(b.Context(), Query{Inputs: true}) {
					if err != nil {
						b.Fatal(err)
					}
					got += r.Len()
				}
				if got != n {
					b.Fatalf("%d rows", got)
				}
			}
		})
	}
}
