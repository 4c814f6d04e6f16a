package traffic

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

var flights = Endpoint{"default", "flights"}

const day = trimtab.Time(24 * 3600 * 1000)

func open(t *testing.T, dir string, change func(*Config)) (*Store, *Log) {
	t.Helper()
	cfg := Config{Dir: dir, Clock: func() trimtab.Time { return 100 * day }}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	l, err := s.Endpoint(flights)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

// rows makes a batch of n rows: ids from "first" on, one event a minute from at.
func rows(first, n int, at trimtab.Time) *Batch {
	b := &Batch{Arrival: at + 5, Version: 3, OutputNames: []string{"prediction"}}
	x, c := table.NewColumn("x", table.Float64, n), table.NewColumn("carrier", table.String, n)
	for i := range n {
		b.IDs = append(b.IDs, fmt.Sprintf("id-%d", first+i))
		b.EventTimes = append(b.EventTimes, at+trimtab.Time(i)*60_000)
		b.Outputs = append(b.Outputs, float64(first+i)/1000)
		if (first+i)%3 == 0 {
			x.AppendNull()
		} else {
			x.AppendFloat64(float64(first + i))
		}
		c.AppendString("UA")
	}
	b.Inputs = &table.Table{Columns: []*table.Column{x, c}}
	return b
}

func mustAppend(t *testing.T, l *Log, b *Batch) Receipt {
	t.Helper()
	r, err := l.Append(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustLabel(t *testing.T, l *Log, b *LabelBatch) LabelReceipt {
	t.Helper()
	r, err := l.AppendLabels(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	r.kept = 0
	return r
}

func window(t *testing.T, l *Log, start, end, knownBy trimtab.Time) []Joined {
	t.Helper()
	var out []Joined
	for j, err := range l.Window(context.Background(), start, end, knownBy) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, j)
	}
	return out
}

func TestAppendDeduplicates(t *testing.T) {
	dir := t.TempDir()
	_, l := open(t, dir, nil)
	if r := mustAppend(t, l, rows(0, 10, day)); r != (Receipt{Rows: 10}) {
		t.Fatalf("first append: %+v", r)
	}
	if r := mustAppend(t, l, rows(5, 10, 2*day)); r != (Receipt{Rows: 5, Duplicates: 5}) {
		t.Fatalf("half known: %+v", r)
	}
	twice := rows(20, 2, day)
	twice.IDs[1] = twice.IDs[0]
	if r := mustAppend(t, l, twice); r != (Receipt{Rows: 1, Duplicates: 1}) {
		t.Fatalf("twice in one batch: %+v", r)
	}
	if r := mustAppend(t, l, rows(0, 10, day)); r != (Receipt{Duplicates: 10}) {
		t.Fatalf("all known: %+v", r)
	}
	got := window(t, l, 0, 100*day, 0)
	if len(got) != 16 {
		t.Fatalf("%d rows, want 16", len(got))
	}
	// The first logged prediction of an id counts: ids 5 to 9 keep their event times of the first day.
	if got[7].ID != "id-7" || got[7].EventTime != day+7*60_000 || got[7].Output != 0.007 || got[7].Version != 3 {
		t.Errorf("row 7 = %+v", got[7])
	}
}

func TestPrefixIDs(t *testing.T) {
	_, l := open(t, t.TempDir(), nil)
	b := rows(0, 3, day)
	b.IDs, b.Prefix, b.EventTimes = nil, "req", b.EventTimes[:1]
	mustAppend(t, l, b)
	b.OutputNames, b.Outputs = []string{"prediction"}, []float64{1, 2, 3}
	if r := mustAppend(t, l, b); r.Duplicates != 3 {
		t.Errorf("repeated: %+v", r)
	}
	var ids []string
	for _, j := range window(t, l, 0, 2*day, 0) {
		ids = append(ids, j.ID)
	}
	if want := []string{"req/0", "req/1", "req/2"}; !slices.Equal(ids, want) {
		t.Errorf("ids %v, want %v", ids, want)
	}
}

func TestLabels(t *testing.T) {
	_, l := open(t, t.TempDir(), nil)
	mustAppend(t, l, rows(0, 4, day))
	send := func(mark trimtab.Time, ls ...Label) LabelReceipt {
		return mustLabel(t, l, &LabelBatch{Labels: ls, Watermark: mark, Arrival: 50 * day, ClosedBefore: mark})
	}
	steps := []struct {
		name  string
		mark  trimtab.Time
		label []Label
		want  LabelReceipt
	}{
		{"two match, one does not", 0, []Label{{ID: "id-0", Value: 1, KnownAt: 2 * day}, {ID: "id-1", Value: 0, KnownAt: 2 * day}, {ID: "no", Value: 1, KnownAt: 2 * day}}, LabelReceipt{Matched: 2, Unmatched: 1}},
		{"exact repetition", 0, []Label{{ID: "id-0", Value: 1, KnownAt: 2 * day}}, LabelReceipt{Matched: 1, Repeated: 1}},
		{"correction", 0, []Label{{ID: "id-0", Value: 0, KnownAt: 5 * day}}, LabelReceipt{Matched: 1, Repeated: 1}},
		{"older knowledge that comes later", 0, []Label{{ID: "id-0", Value: 1, KnownAt: 4 * day}}, LabelReceipt{Matched: 1, Repeated: 1}},
		{"late", 3 * day, []Label{{ID: "id-2", Value: 1, KnownAt: 2 * day}}, LabelReceipt{Matched: 1, Late: 1}},
		{"taken back", 0, []Label{{ID: "id-1", Null: true, KnownAt: 6 * day}}, LabelReceipt{Matched: 1, Repeated: 1}},
	}
	for _, s := range steps {
		if got := send(s.mark, s.label...); got != s.want {
			t.Errorf("%s: %+v, want %+v", s.name, got, s.want)
		}
	}
	type lab struct {
		Value float64
		Has   bool
	}
	see := func(knownBy trimtab.Time) (out []lab) {
		for _, j := range window(t, l, 0, 2*day, knownBy) {
			out = append(out, lab{j.Label, j.HasLabel})
		}
		return out
	}
	for _, c := range []struct {
		knownBy trimtab.Time
		want    []lab
	}{
		{day + 1, []lab{{}, {}, {}, {}}},
		{2 * day, []lab{{1, true}, {0, true}, {}, {}}}, // id-2's label came when the watermark had passed
		{3 * day, []lab{{1, true}, {0, true}, {}, {}}},
		{4 * day, []lab{{1, true}, {0, true}, {1, true}, {}}},
		{5 * day, []lab{{0, true}, {0, true}, {1, true}, {}}},
		{0, []lab{{0, true}, {}, {1, true}, {}}},
	} {
		if d := cmp.Diff(c.want, see(c.knownBy)); d != "" {
			t.Errorf("known by %s: %s", c.knownBy, d)
		}
	}
	// A prediction that comes after its label joins it.
	if r := mustAppend(t, l, rows(9, 1, day)); r.Rows != 1 {
		t.Fatal(r)
	}
	if r := send(0, Label{ID: "later", Value: 7, KnownAt: 2 * day}); r.Unmatched != 1 {
		t.Fatal(r)
	}
	b := rows(9, 1, day)
	b.IDs[0] = "later"
	mustAppend(t, l, b)
	got := window(t, l, 0, 2*day, 0)
	if j := got[len(got)-1]; j.ID != "later" || !j.HasLabel || j.Label != 7 {
		t.Errorf("label before its prediction: %+v", j)
	}
}

func TestLateRowsJoinNoClosedWindow(t *testing.T) {
	_, l := open(t, t.TempDir(), nil)
	for i, mark := range []trimtab.Time{0, day, 2 * day, 3 * day} {
		b := rows(i, 1, day+1)
		b.Watermark = mark
		mustAppend(t, l, b)
	}
	got := window(t, l, day, 2*day, 3*day) // closed when the watermark stood at day 3
	if len(got) != 3 || got[0].Late || got[1].Late || !got[2].Late {
		t.Errorf("window: %+v", got)
	}
	b := rows(9, 1, day/2)
	b.Watermark = day
	mustAppend(t, l, b)
	if at, ok := l.Begin(); !ok || at != day+1 {
		t.Errorf("begin: %v, %v; the late row of an earlier day does not count", at, ok)
	}
	if s := l.Stats(); s.Late != 3 || s.Rows != 5 {
		t.Errorf("stats: %+v", s)
	}
}

// TestSealedReadsTheSame writes traffic with corrections, nulls and two schemas,
// and compares every answer before the seal, after it, and after opening again.
func TestSealedReadsTheSame(t *testing.T) {
	dir := t.TempDir()
	var recorded []trimtab.Segment
	s, l := open(t, dir, func(c *Config) {
		c.SealRows = 40
		c.Sealed = func(_ context.Context, s trimtab.Segment) error { recorded = append(recorded, s); return nil }
	})
	for i := range 10 {
		b := rows(i*10, 10, day+trimtab.Time(i)*3_600_000)
		b.Watermark = trimtab.Time(i) * day / 4
		if i%2 == 1 { // another version with another column
			b.Version = 4
			extra := table.NewColumn("wind", table.Int64, 10)
			for k := range 10 {
				extra.AppendInt64(int64(k))
			}
			b.Inputs.Columns = append(b.Inputs.Columns, extra)
			b.OutputNames = []string{"prediction", ScoreOutput}
			out := make([]float64, 0, 20)
			for _, v := range b.Outputs {
				out = append(out, math.Round(v), v)
			}
			b.Outputs = out
		}
		mustAppend(t, l, b)
		lb := &LabelBatch{Arrival: 9 * day, Watermark: trimtab.Time(i) * day}
		for k := range 10 {
			lb.Labels = append(lb.Labels, Label{ID: fmt.Sprintf("id-%d", i*10+k), Value: float64(k % 2), Null: k == 7, KnownAt: 2*day + trimtab.Time(i)})
		}
		mustLabel(t, l, lb)
		lb.Labels = []Label{{ID: fmt.Sprintf("id-%d", i*5), Value: 5, KnownAt: 3 * day}}
		mustLabel(t, l, lb)
	}
	ask := func(l *Log) (out [][]Joined) {
		for _, known := range []trimtab.Time{0, day, 2 * day, 3 * day, 5 * day} {
			out = append(out, window(t, l, 0, 100*day, known), window(t, l, day+2*3_600_000, day+5*3_600_000, known))
		}
		return out
	}
	export := func(l *Log) *table.Table {
		var buf bytes.Buffer
		if _, err := l.Export(context.Background(), &buf, 0, 0); err != nil {
			t.Fatal(err)
		}
		tab, err := table.ReadParquet(bytes.NewReader(buf.Bytes()), int64(buf.Len()), table.ParquetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return tab
	}
	before, exported := ask(l), export(l)
	if len(before[0]) != 100 {
		t.Fatalf("%d rows, want 100", len(before[0]))
	}
	if err := s.Seal(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, ask(l), nans); d != "" {
		t.Errorf("after the seal (-before +after): %s", d)
	}
	if d := cmp.Diff(text(exported), text(export(l))); d != "" {
		t.Errorf("export after the seal (-before +after): %s", d)
	}
	var rowsP, rowsL int64
	for _, r := range recorded {
		if r.Digest.Hex() == "" || r.Endpoint != "flights" || r.First > r.Last {
			t.Errorf("recorded %+v", r)
		}
		if r.Log == "labels" {
			rowsL += r.Rows
		} else {
			rowsP += r.Rows
		}
	}
	if rowsP != 100 || rowsL != 110 {
		t.Errorf("recorded segments hold %d predictions and %d labels, want 100 and 110", rowsP, rowsL)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := 0
	s2, l2 := open(t, dir, func(c *Config) {
		c.Sealed = func(context.Context, trimtab.Segment) error { again++; return nil }
	})
	if d := cmp.Diff(before, ask(l2), nans); d != "" {
		t.Errorf("after opening again: %s", d)
	}
	if r := mustAppend(t, l2, rows(0, 100, day)); r.Duplicates != 100 {
		t.Errorf("sealed ids are not known: %+v", r)
	}
	if r := mustLabel(t, l2, &LabelBatch{Labels: []Label{{ID: "id-3", Value: 1, KnownAt: 2 * day}, {ID: "id-2", Value: 9, KnownAt: 9 * day}}}); r.Matched != 2 || r.Repeated != 2 {
		t.Errorf("sealed labels are not known: %+v", r)
	}
	if err := s2.Seal(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	if again != 1 { // the one new label; the exact repetition and the duplicates left nothing
		t.Errorf("%d segments recorded after opening again, want 1", again)
	}
}

var nans = cmp.Comparer(func(a, b float64) bool { return a == b || (a != a && b != b) })

func text(t *table.Table) []string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, c.Name+":"+c.Type.String())
	}
	for i := range t.Rows() {
		var b []byte
		for _, c := range t.Columns {
			b = append(c.AppendText(b, i), '|')
		}
		out = append(out, string(b))
	}
	return out
}

func TestIndexIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, nil)
	mustAppend(t, l, rows(0, 300, day))
	mustLabel(t, l, &LabelBatch{Labels: []Label{{ID: "id-1", Value: 1, KnownAt: 2 * day}, {ID: "id-1", Value: 0, KnownAt: 3 * day}, {ID: "id-2", Null: true, KnownAt: 2 * day}}})
	if err := s.Seal(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	want := window(t, l, 0, 9*day, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, log := range []string{"predictions", "labels"} {
		files, _ := filepath.Glob(filepath.Join(dir, folder(flights), log, "*.idx"))
		if len(files) != 1 {
			t.Fatalf("%v", files)
		}
		damageFile(t, files[0])
	}
	_, l2 := open(t, dir, nil)
	if d := cmp.Diff(want, window(t, l2, 0, 9*day, 0), nans); d != "" {
		t.Error(d)
	}
	if r := mustAppend(t, l2, rows(0, 300, day)); r.Duplicates != 300 {
		t.Errorf("%+v", r)
	}
}

func TestRefuses(t *testing.T) {
	_, l := open(t, t.TempDir(), nil)
	ok := func() *Batch { return rows(0, 2, day) }
	for _, c := range []struct {
		name string
		b    func() *Batch
		want string
	}{
		{"ids", func() *Batch { b := ok(); b.IDs = b.IDs[:1]; return b }, "2 rows has 1 request ids"},
		{"empty id", func() *Batch { b := ok(); b.IDs[1] = ""; return b }, "row 1 has no request id"},
		{"long id", func() *Batch { b := ok(); b.IDs[0] = strings.Repeat("x", 513); return b }, "513 bytes"},
		{"text", func() *Batch { b := ok(); b.IDs[0] = "a\x00b"; return b }, "NUL"},
		{"outputs", func() *Batch { b := ok(); b.OutputNames = nil; return b }, "output names"},
		{"times", func() *Batch { b := ok(); b.EventTimes = nil; return b }, "event times"},
		{"inputs", func() *Batch { b := ok(); b.Inputs = b.Inputs.Slice(0, 1); return b }, "1 rows of inputs"},
	} {
		_, err := l.Append(context.Background(), c.b())
		if !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		l    Label
		want string
	}{
		{Label{Value: 1, KnownAt: 1}, "no id"},
		{Label{ID: "a", Value: math.NaN(), KnownAt: 1}, "expected a number"},
		{Label{ID: "a", Value: 1}, "no known-at"},
	} {
		_, err := l.AppendLabels(context.Background(), &LabelBatch{Labels: []Label{c.l}})
		if !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
	}
}

func TestAsync(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, dir, func(c *Config) { c.Queue = 4 })
	for i := range 6 {
		ok, err := l.Enqueue(rows(i, 1, day))
		if err != nil {
			t.Fatal(err)
		}
		if want := i < 4; ok != want {
			t.Errorf("batch %d queued: %v, want %v", i, ok, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if st := l.Stats(); st.Rows != 4 || st.Dropped != 2 || st.Queued != 0 || st.Lost != 0 {
		t.Errorf("stats: %+v", st)
	}
	if n := len(window(t, l, 0, 2*day, 0)); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func TestAsyncQueueIsBoundedInBytes(t *testing.T) {
	s, l := open(t, t.TempDir(), func(c *Config) { c.QueueBytes = 1 })
	for i, want := range []bool{true, false, false} { // one always fits
		if ok, err := l.Enqueue(rows(i, 1, day)); err != nil || ok != want {
			t.Fatalf("batch %d queued: %v (%v), want %v", i, ok, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Enqueue(rows(3, 1, day)); err != nil || !ok {
		t.Errorf("after the queue was written: queued %v (%v)", ok, err)
	}
	if st := l.Stats(); st.Rows != 1 || st.Dropped != 2 {
		t.Errorf("stats: %+v", st)
	}
}

func TestSchemaConflictBeginsANewPiece(t *testing.T) {
	_, l := open(t, t.TempDir(), nil)
	mustAppend(t, l, rows(0, 2, day))
	b := rows(2, 1, day)
	b.Inputs.Columns[0] = table.NewColumn("x", table.String, 1)
	b.Inputs.Columns[0].AppendString("a")
	mustAppend(t, l, b)
	if n := len(l.predictions.pieces); n != 2 {
		t.Errorf("%d pieces, want 2", n)
	}
	var buf bytes.Buffer
	n, err := l.Export(context.Background(), &buf, 0, 0)
	if err != nil || n != 3 {
		t.Fatal(n, err)
	}
	tab, err := table.ReadParquet(bytes.NewReader(buf.Bytes()), int64(buf.Len()), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := tab.Column("input.x (string)"); c == nil || !c.Null(0) || c.Strings[2] != "a" {
		t.Errorf("columns: %v", tab.Fields())
	}
}
