package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// world keeps one source and the snapshots taken of it.
type world struct {
	spec      trimtab.SourceSpec
	blobs     *blob.Disk
	snapshots []trimtab.Snapshot
}

func (w *world) Get(ctx context.Context, kind, name string) (trimtab.Resource, error) {
	if kind != trimtab.KindDataSource || name != "src" {
		return trimtab.Resource{}, trimtab.Errorf(trimtab.NotFound, name, "nothing")
	}
	raw, err := json.Marshal(w.spec)
	return trimtab.Resource{Kind: kind, Name: name, Spec: raw}, err
}

func (w *world) Put(ctx context.Context, s trimtab.Snapshot) error {
	w.snapshots = append(w.snapshots, s)
	return nil
}

func newWorld(t testing.TB) (*world, *Datasets) {
	t.Helper()
	blobs, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	w := &world{blobs: blobs}
	return w, New(Config{Blobs: blobs, Sources: w, Snapshots: w, Clock: func() trimtab.Time { return 1 }})
}

// put stores the text as the source's file.
func (w *world) put(t testing.TB, text string) {
	t.Helper()
	w.store(t, strings.NewReader(text))
}

func (w *world) store(t testing.TB, r interface{ Read([]byte) (int, error) }) {
	t.Helper()
	d, _, err := w.blobs.Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	w.spec.Digest = d
}

func flights() trimtab.SourceSpec {
	return trimtab.SourceSpec{Path: "f.csv", Key: []string{"id"}, EventTime: "at", AvailableAt: "seen", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}}
}

const sample = `id,at,seen,x,y,known
a,2013-01-03,2013-01-03,1,1,2013-01-04
b,2013-01-02,2013-01-02,2,0,2013-01-20
c,2013-01-01,2013-01-09,3,1,2013-01-02
d,2013-01-05,2013-01-05,4,,2013-01-06
e,2013-01-05,2013-01-06,5,1,
f,2013-01-06,2013-01-30,oops,0,2013-01-31
g,,2013-01-02,7,1,2013-01-02
h,2012-12-31,2012-12-31,8,1,2013-01-01
a,2014-01-01,2014-01-01,9,1,2014-01-01
`

func (w *world) read(t testing.TB, s trimtab.Snapshot) string {
	t.Helper()
	r, err := w.blobs.Open(t.Context(), s.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tab, err := table.ReadParquet(r, r.Size(), table.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.WriteCSV(&b, tab, table.CSVOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range tab.Fields() {
		fmt.Fprintf(&b, "%s %s\n", f.Name, f.Type)
	}
	return b.String()
}

func TestTake(t *testing.T) {
	w, d := newWorld(t)
	w.spec = flights()
	w.put(t, sample)
	for _, c := range []struct {
		name string
		spec trimtab.DatasetSpec
		want string
		drop map[string]int64
	}{
		{"labelled rows as of a moment", trimtab.DatasetSpec{AsOf: "2013-01-10", From: "2013-01-01"},
			"c,2013-01-01T00:00:00Z,2013-01-09T00:00:00Z,3,1,2013-01-02T00:00:00Z\n" +
				"a,2013-01-03T00:00:00Z,2013-01-03T00:00:00Z,1,1,2013-01-04T00:00:00Z\n",
			map[string]int64{DropNoLabel: 3, DropNoEventTime: 1, DropWindow: 1}},
		{"a later label is null, and so is its time", trimtab.DatasetSpec{AsOf: "2013-01-10", Window: "8d", To: "2013-01-06", Label: "optional"},
			"h,2012-12-31T00:00:00Z,2012-12-31T00:00:00Z,8,1,2013-01-01T00:00:00Z\n" +
				"c,2013-01-01T00:00:00Z,2013-01-09T00:00:00Z,3,1,2013-01-02T00:00:00Z\n" +
				"b,2013-01-02T00:00:00Z,2013-01-02T00:00:00Z,2,,\n" +
				"a,2013-01-03T00:00:00Z,2013-01-03T00:00:00Z,1,1,2013-01-04T00:00:00Z\n" +
				"e,2013-01-05T00:00:00Z,2013-01-06T00:00:00Z,5,,\n" +
				"d,2013-01-05T00:00:00Z,2013-01-05T00:00:00Z,4,,\n",
			map[string]int64{DropNoEventTime: 1}},
	} {
		c.spec.Source = "src"
		s, err := d.Take(t.Context(), c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := w.read(t, s)
		want := "id,at,seen,x,y,known\n" + c.want + "id string\nat datetime\nseen datetime\nx int64\ny int64\nknown datetime\n"
		// rows of equal time come by id, a hash: compare them as a set too
		if got != want && sorted(got) != sorted(want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
		if diff := cmp.Diff(c.drop, s.Dropped); diff != "" {
			t.Errorf("%s: dropped %s", c.name, diff)
		}
		if s.Rows != int64(strings.Count(c.want, "\n")) || s.Source != "src" || s.SourceData != w.spec.Digest || len(w.snapshots) == 0 {
			t.Errorf("%s: snapshot %+v", c.name, s)
		}
	}
}

func sorted(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestTakeErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		edit func(*trimtab.SourceSpec, *trimtab.DatasetSpec)
		kind trimtab.Kind
		want string
	}{
		{"duplicate key", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { d.AsOf = "2015-01-01"; s.AvailableAt = "" }, trimtab.Invalid, `rows 1 and 9 of DataSource "src" have the same key (id="a")`},
		{"no rows", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { d.From = "2013-01-09" }, trimtab.Precondition, "dropped 1 without an event time"},
		{"missing column", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.Key = []string{"idd"} }, trimtab.Invalid, `column "idd", which its file lacks; it has id, at`},
		{"no time", "id,at,seen,x,y,known\na,soon,2013-01-01,1,1,2013-01-01\n", func(*trimtab.SourceSpec, *trimtab.DatasetSpec) {}, trimtab.Invalid, `line 2: column "at"`},
		{"null key", "id,at,seen,x,y,known\n,2013-01-01,2013-01-01,1,1,2013-01-01\n", func(*trimtab.SourceSpec, *trimtab.DatasetSpec) {}, trimtab.Invalid, `row 1 of DataSource "src" has no value in the key column "id"`},
		{"not uploaded", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.Digest = "" }, trimtab.Precondition, "apply it again"},
		{"object gone", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.Digest = trimtab.DigestOf(nil) }, trimtab.Precondition, "apply it again"},
		{"no such source", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { d.Source = "other" }, trimtab.NotFound, `no DataSource "other"`},
		{"no label declared", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.Label = nil; d.Label = "required" }, trimtab.Invalid, "declares no label"},
		{"backwards", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { d.From = "2014-01-01" }, trimtab.Invalid, "an end after the beginning"},
		{"not Parquet", sample, func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.Format = "parquet" }, trimtab.Invalid, "cannot be read"},
		{"numbers are no times", "id,at,seen,x,y,known\na,2013-01-01,2013-01-01,1.5,1,2013-01-01\n", func(s *trimtab.SourceSpec, d *trimtab.DatasetSpec) { s.EventTime = "x" }, trimtab.Invalid, `column "x"`},
	} {
		w, d := newWorld(t)
		w.spec = flights()
		w.put(t, c.text)
		spec := trimtab.DatasetSpec{Source: "src", AsOf: "2013-01-10", From: "2013-01-01"}
		c.edit(&w.spec, &spec)
		_, err := d.Take(t.Context(), spec)
		if !trimtab.IsKind(err, c.kind) || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v (%v); want %v with %q", c.name, err, trimtab.KindOf(err), c.kind, c.want)
		}
	}
}

// row is one generated row; times are days.
type row struct {
	id, at, seen, x, y, known int
}

func genRow(t *rapid.T, id int) row {
	day := rapid.IntRange(0, 20)
	return row{id: id, at: day.Draw(t, "at"), seen: day.Draw(t, "seen"), x: rapid.IntRange(-1, 9).Draw(t, "x"),
		y: rapid.IntRange(-1, 1).Draw(t, "y"), known: rapid.IntRange(-1, 20).Draw(t, "known")}
}

func date(d int) string {
	if d < 0 {
		return ""
	}
	return fmt.Sprintf("2013-01-%02d", d+1)
}

func text(rows []row) string {
	var b strings.Builder
	b.WriteString("id,at,seen,x,y,known\n")
	for _, r := range rows {
		x, y := fmt.Sprint(r.x), fmt.Sprint(r.y)
		if r.x < 0 {
			x = "text" // makes the column one of strings when it is looked at
		}
		if r.y < 0 {
			y = ""
		}
		fmt.Fprintf(&b, "k%d,%s,%s,%s,%s,%s\n", r.id, date(r.at), date(r.seen), x, y, date(r.known))
	}
	return b.String()
}

// What became known after a moment changes nothing of what the moment saw.
func TestTheFutureChangesNoSnapshot(t *testing.T) {
	w, d := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		const asOf = 10
		n := rapid.IntRange(1, 12).Draw(rt, "rows")
		var rows, changed []row
		for i := range n {
			r := genRow(rt, i)
			rows = append(rows, r)
			switch {
			case r.seen > asOf: // unknown then: anything may happen to it
				switch rapid.IntRange(0, 3).Draw(rt, "edit") {
				case 0:
					continue
				case 1:
					r = genRow(rt, rapid.IntRange(0, 30).Draw(rt, "id"))
					r.seen = asOf + 1
				}
			case r.known > asOf || r.known < 0: // its label was unknown then
				r.y = rapid.IntRange(-1, 1).Draw(rt, "y2")
				r.known = rapid.IntRange(asOf+1, 20).Draw(rt, "known2")
			}
			changed = append(changed, r)
		}
		for range rapid.IntRange(0, 3).Draw(rt, "more") {
			r := genRow(rt, rapid.IntRange(0, 40).Draw(rt, "id"))
			r.seen = asOf + 1
			changed = append(changed, r)
		}
		rand.Shuffle(len(changed), func(i, j int) { changed[i], changed[j] = changed[j], changed[i] })
		label := rapid.SampledFrom([]string{"required", "optional"}).Draw(rt, "which")
		take := func(rows []row) string {
			w.spec = flights()
			w.put(t, text(rows))
			s, err := d.Take(t.Context(), trimtab.DatasetSpec{Source: "src", AsOf: date(asOf), From: date(2), Label: label})
			if err != nil {
				return trimtab.Message(err)
			}
			s.SourceData = ""
			out, _ := json.Marshal(s)
			return string(out)
		}
		if before, after := take(rows), take(changed); before != after {
			rt.Fatalf("as of %s\n%s\nbecame\n%s\nwith\n%s\ninstead of\n%s", date(asOf), before, after, text(changed), text(rows))
		}
	})
}

func TestRowID(t *testing.T) {
	if RowID("s", "a", "b") == RowID("s", "ab") || RowID("s", "a") == RowID("t", "a") || RowID("s", "ab", "c") == RowID("s", "a", "bc") {
		t.Error("different keys have one id")
	}
	if got := RowID("flights", "2013-01-01-UA1545-EWR"); len(got) != 32 {
		t.Errorf("id %q", got)
	}
}
