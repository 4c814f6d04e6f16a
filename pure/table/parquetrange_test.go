package table

import (
	"bytes"
	"fmt"
	"testing"
)

// Every range is the rows that a read of the whole file has there, over borders of
// pages and of row groups, with nulls and texts.
func TestParquetRange(t *testing.T) {
	const n = 5000
	src := &Table{}
	ints, texts := NewColumn("n", Int64, n), NewColumn("t", String, n)
	for i := range n {
		ints.AppendInt64(int64(i))
		if i%7 == 0 {
			texts.AppendNull()
		} else {
			texts.AppendString(fmt.Sprintf("row %d %032d", i, i*i))
		}
	}
	src.Columns = []*Column{ints, texts}
	src.rows = n
	var out bytes.Buffer
	w, err := NewParquetWriter(&out, src.Fields(), ParquetOptions{GroupRows: 1300, Compression: "zstd"})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < n; at += 500 {
		if err := w.Write(src.Slice(at, at+500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := OpenParquet(bytes.NewReader(out.Bytes()), int64(out.Len()), ParquetOptions{BatchRows: 400})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]int64{{0, n}, {0, 1}, {1, 1}, {1299, 2}, {1300, 1300}, {37, 2611}, {4999, 1}, {4990, 100}, {5000, 5}, {9000, 1}, {100, 0}, {-3, 5}} {
		want := max(0, min(x[0]+x[1], n)-max(x[0], 0))
		row := max(x[0], 0)
		got := int64(0)
		for b, err := range f.Range(x[0], x[1]) {
			if err != nil {
				t.Fatalf("%v: %v", x, err)
			}
			if b.Rows() > 400 {
				t.Errorf("%v: a table of %d rows", x, b.Rows())
			}
			for i := range b.Rows() {
				at := int(row + got)
				if b.Columns[0].Int64s[i] != int64(at) || b.Columns[1].Null(i) != (at%7 == 0) || at%7 != 0 && b.Columns[1].Strings[i] != texts.Strings[at] {
					t.Fatalf("%v: row %d is %d, %q", x, at, b.Columns[0].Int64s[i], b.Columns[1].Strings[i])
				}
				got++
			}
		}
		if got != want {
			t.Errorf("%v: %d rows, want %d", x, got, want)
		}
	}
	for b := range f.Range(0, n) {
		if b.Rows() == 0 {
			t.Error("an empty table")
		}
		break // and nothing after
	}
}
