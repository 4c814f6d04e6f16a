package table

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// group reads one row group, each column with a cursor of its own because the pages of columns do not line up.
type group struct {
	f       *ParquetFile
	row     int64 // first row of the next batch in the file
	cursors []cursor
}

type cursor struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    []parquet.Value
	intern map[string]string
}

func (f *ParquetFile) group(g parquet.RowGroup, first int64) *group {
	chunks := g.ColumnChunks()
	r := &group{f: f, row: first, cursors: make([]cursor, len(f.leaves))}
	for i, l := range f.leaves {
		r.cursors[i].pages = chunks[l.index].Pages()
		r.cursors[i].buf = make([]parquet.Value, 1024)
	}
	return r
}

func (g *group) close() {
	for i := range g.cursors {
		c := &g.cursors[i]
		if c.page != nil {
			parquet.Release(c.page)
			c.page = nil
		}
		// Reading is over; a failure to release what was read cannot change the rows handed out.
		_ = c.pages.Close()
	}
}

// read returns the next n rows.
func (g *group) read(n int) (t *Table, err error) {
	defer rescue(&err)
	t = &Table{Columns: make([]*Column, len(g.cursors)), rows: n}
	for i := range g.cursors {
		l := g.f.leaves[i]
		// The footer may lie about the rows; memory grows with what is really there.
		col := NewColumn(l.field.Name, l.field.Type, min(n, 8192))
		if err := g.cursors[i].fill(g, l, col, n); err != nil {
			return nil, err
		}
		t.Columns[i] = col
	}
	g.row += int64(n)
	return t, nil
}

func (c *cursor) fill(g *group, l leaf, col *Column, n int) error {
	for n > 0 {
		if c.page == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = errors.New("fewer rows than the footer states")
				}
				return &Error{Format: "parquet", Row: g.row + int64(col.Len()), Column: l.field.Name, Msg: "damaged column", Err: err}
			}
			c.page, c.values = page, page.Values()
		}
		k, err := c.values.ReadValues(c.buf[:min(n, len(c.buf))])
		if bad := l.decode(c, col, c.buf[:k], g.f.opt.MaxFieldBytes); bad != nil {
			bad.Format, bad.Column = "parquet", l.field.Name
			bad.Row = g.row + int64(col.Len())
			return bad
		}
		n -= k
		switch {
		case errors.Is(err, io.EOF):
			parquet.Release(c.page)
			c.page, c.values = nil, nil
		case err != nil:
			return &Error{Format: "parquet", Row: g.row + int64(col.Len()), Column: l.field.Name, Msg: "damaged column", Err: err}
		case k == 0:
			return &Error{Format: "parquet", Row: g.row + int64(col.Len()), Column: l.field.Name, Msg: "damaged column", Err: fmt.Errorf("page without progress")}
		}
	}
	return nil
}
