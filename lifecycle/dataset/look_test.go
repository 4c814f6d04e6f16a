package dataset

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// parquet keeps a table of n rows: x grows from an offset, place is one of three, and further columns of numbers.
func parquet(t *testing.T, blobs blob.Store, n int, offset float64, more ...string) trimtab.Digest {
	t.Helper()
	x, place := table.NewColumn("x", table.Float64, n), table.NewColumn("place", table.String, n)
	columns := []*table.Column{x, place}
	for _, name := range more {
		columns = append(columns, table.NewColumn(name, table.Int64, n))
	}
	for i := range n {
		x.AppendFloat64(offset + float64(i%100))
		place.AppendString([]string{"north", "south", "east"}[i%3])
		for _, c := range columns[2:] {
			if i%10 == 0 {
				c.AppendNull()
			} else {
				c.AppendInt64(int64(i % 7))
			}
		}
	}
	all, err := table.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := table.WriteParquet(&body, all, table.ParquetOptions{}); err != nil {
		t.Fatal(err)
	}
	d, _, err := blobs.Put(t.Context(), &body)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLook(t *testing.T) {
	blobs, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	l := NewLooker(blobs)
	before, after := parquet(t, blobs, 3000, 0, "old", "both"), parquet(t, blobs, 2000, 30, "both", "fresh")
	alone, err := l.Look(t.Context(), before, "")
	if err != nil || alone.Rows != 3000 || alone.Looked != 3000 || len(alone.Columns) != 4 {
		t.Fatalf("%+v %v", alone, err)
	}
	if x := alone.Columns[0]; x.Now.Distinct != 100 || *x.Now.Min != 0 || *x.Now.Max != 99 || math.Abs(*x.Now.Mean-49.5) > 1e-9 || x.State != "" || x.Then != nil {
		t.Errorf("%+v", x.Now)
	}
	for range 2 { // the second time from what was kept
		look, err := l.Look(t.Context(), after, before)
		if err != nil || look.Rows != 2000 || look.Before != 3000 || look.Added != 1 || look.Removed != 1 || look.Retyped != 0 || look.Moved != 1 {
			t.Fatalf("%+v %v", look, err)
		}
		var text []string
		for _, c := range look.Columns {
			text = append(text, fmt.Sprintf("%s/%s/%s", c.Name, c.Change, c.State))
		}
		if got := strings.Join(text, " "); got != "x//drift place//ok both//ok fresh/added/ old/removed/" {
			t.Errorf("columns: %s", got)
		}
		x := look.Columns[0]
		now, then := 0.0, 0.0
		for _, b := range x.Bins {
			now, then = now+b.Now, then+*b.Then
		}
		if math.Abs(then-1) > 1e-9 || math.Abs(now-0.7) > 1e-9 || x.Now.Outside != 600 { // 30 of 100 values lie above
			t.Errorf("bins of x: %v now, %v then, %d outside", now, then, x.Now.Outside)
		}
	}
	if _, err := l.Look(t.Context(), trimtab.DigestOf([]byte("nothing")), ""); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no such object: %v", err)
	}
	d, _, err := blobs.Put(t.Context(), strings.NewReader("no rows at all"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Look(t.Context(), d, ""); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("an object without rows: %v", err)
	}
	if look, err := l.Look(t.Context(), parquet(t, blobs, 0, 0), before); err != nil || look.Rows != 0 {
		t.Errorf("an empty snapshot: %+v %v", look, err)
	}
	if look, err := l.Look(t.Context(), before, parquet(t, blobs, 0, 0)); err != nil || look.Before != 0 {
		t.Errorf("after an empty snapshot: %+v %v", look, err)
	}
}
