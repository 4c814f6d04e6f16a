package table

import "iter"

// Range reads the rows first to first+rows-1 as [ParquetFile.Batches] does, without
// reading those before. Rows beyond the end are not there. Tables begin at first and
// where a row group begins, and have at most BatchRows rows.
func (f *ParquetFile) Range(first, rows int64) iter.Seq2[*Table, error] {
	return func(yield func(*Table, error) bool) {
		first, end := max(first, 0), first+rows
		begin := int64(0)
		for _, rg := range f.file.RowGroups() {
			from, to := max(first, begin), min(end, begin+rg.NumRows())
			if from < to && !f.rangeOf(f.group(rg, from), from-begin, to-from, yield) {
				return
			}
			begin += rg.NumRows()
		}
	}
}

// rangeOf yields n rows of a group from a row of it on; false ends the sequence.
func (f *ParquetFile) rangeOf(g *group, from, n int64, yield func(*Table, error) bool) bool {
	defer g.close()
	if err := g.seek(from); err != nil {
		yield(nil, err)
		return false
	}
	for n > 0 {
		k := min(n, int64(f.opt.BatchRows))
		t, err := g.read(int(k))
		if !yield(t, err) || err != nil {
			return false
		}
		n -= k
	}
	return true
}

// seek goes to a row of the group.
func (g *group) seek(row int64) (err error) {
	defer rescue(&err)
	if row == 0 {
		return nil
	}
	for i, l := range g.f.leaves {
		if err := g.cursors[i].pages.SeekToRow(row); err != nil {
			return &Error{Format: "parquet", Row: g.row, Column: l.field.Name, Msg: "damaged column", Err: err}
		}
	}
	return nil
}
