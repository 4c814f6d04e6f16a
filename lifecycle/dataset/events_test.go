package dataset

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

func gather(t *testing.T, seq iter.Seq2[*table.Table, error]) *table.Table {
	t.Helper()
	all := &table.Table{}
	for b, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if b.Rows() > batchRows {
			t.Errorf("a batch of %d rows", b.Rows())
		}
		if err := all.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// big makes a Parquet source of n rows; event time is i minutes after the epoch
// for row i, in the file in the order of perm.
func big(t *testing.T, w *world, perm []int) {
	t.Helper()
	id, at := table.NewColumn("id", table.Int64, 0), table.NewColumn("at", table.Datetime, 0)
	x, y, known := table.NewColumn("x", table.Float64, 0), table.NewColumn("y", table.Int32, 0), table.NewColumn("known", table.Datetime, 0)
	for _, i := range perm {
		id.AppendInt64(int64(i))
		at.AppendInt64(int64(i) / 3 * 60e9) // three rows of a time
		x.AppendFloat64(float64(i) / 2)
		if i%10 == 0 {
			y.AppendNull()
		} else {
			y.AppendInt32(int32(i % 2))
		}
		known.AppendInt64(int64(i)/3*60e9 + int64(i%7)*3600e9)
	}
	tab, err := table.New(id, at, x, y, known)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.WriteParquet(&b, tab, table.ParquetOptions{GroupRows: 10_000}); err != nil {
		t.Fatal(err)
	}
	w.spec = trimtab.SourceSpec{Path: "f.parquet", Key: []string{"id"}, EventTime: "at", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}}
	w.store(t, &b)
}

func TestRowsComeInTheOrderOfEventTime(t *testing.T) {
	const n = 200_000
	w, d := newWorld(t)
	for _, shuffled := range []bool{false, true} {
		perm := make([]int, n)
		for i := range perm {
			perm[i] = i
		}
		if shuffled {
			rand.Shuffle(n, func(i, j int) { perm[i], perm[j] = perm[j], perm[i] })
		}
		big(t, w, perm)
		from, to := trimtab.Time(1000*60_000), trimtab.Time(60_000*60_000)
		all := gather(t, d.Rows(t.Context(), "src", from, to))
		if want := 3 * 59_000; all.Rows() != want {
			t.Fatalf("shuffled %v: %d rows, want %d", shuffled, all.Rows(), want)
		}
		times, ids := all.Column(EventTimeColumn).Int64s, all.Column("id").Int64s
		if !slices.IsSorted(times) || times[0] != nanos(from) || times[len(times)-1] >= nanos(to) {
			t.Errorf("shuffled %v: times from %d to %d, sorted %v", shuffled, times[0], times[len(times)-1], slices.IsSorted(times))
		}
		seen := map[int64]bool{}
		for i, id := range ids {
			seen[id] = true
			if i%5000 == 0 && all.Column(RowIDColumn).Strings[i] != RowID("src", fmt.Sprint(id)) {
				t.Errorf("row %d has the id of another", id)
			}
		}
		if len(seen) != all.Rows() {
			t.Errorf("shuffled %v: %d different rows of %d", shuffled, len(seen), all.Rows())
		}
		if all.Column("y") != nil || all.Column("known") != nil || all.Column("x") == nil {
			t.Errorf("columns %v: a row must not carry its label", all.Fields())
		}
		labels := gather(t, d.Labels(t.Context(), "src", from, to))
		known := labels.Column(KnownAtColumn).Int64s
		if want := 3 * 59_000 * 9 / 10; labels.Rows() != want || !slices.IsSorted(known) {
			t.Errorf("%d labels, sorted %v; want %d", labels.Rows(), slices.IsSorted(known), want)
		}
		for i := range min(1000, labels.Rows()) {
			id := labels.Column("id").Int64s[i]
			if labels.Column(LabelColumn).Float64s[i] != float64(id%2) || labels.Column(EventTimeColumn).Int64s[i] != id/3*60e9 {
				t.Fatalf("label %d is wrong", i)
			}
		}
	}
}

func TestRowsStopEarlyAndSayWhatIsWrong(t *testing.T) {
	w, d := newWorld(t)
	w.spec = flights()
	w.put(t, sample)
	for _, err := range d.Rows(t.Context(), "src", 0, 0) {
		if err == nil || !strings.Contains(trimtab.Message(err), `rows 1 and 9 of DataSource "src" have the same key`) {
			t.Errorf("error %v", err)
		}
	}
	w.put(t, strings.TrimSuffix(sample, "a,2014-01-01,2014-01-01,9,1,2014-01-01\n"))
	n := 0
	for b, err := range d.Rows(t.Context(), "src", 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Column("id").Strings; strings.Join(got, "") != "hcbadef" {
			t.Errorf("order %v", got)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d batches", n)
	}
	if l := gather(t, d.Labels(t.Context(), "src", 0, 0)); strings.Join(l.Column("id").Strings, "") != "hcabf" {
		t.Errorf("labels of %v", l.Column("id").Strings)
	}
}
