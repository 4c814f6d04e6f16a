package traffic

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/trimtab/trimtab/pure/table"
)

// Of a sealed piece, blocks of spanRows rows are read or left out. Variable for tests.
var spanRows int64 = 2048

// whole reports whether all rows of the view matter.
func (v view) whole() bool {
	return v.from == 0 && v.to == 0 || v.first >= v.from && v.last < v.to
}

// sealedTables reads the rows of a sealed piece. Where a part of them matters, the
// event times are read first, and of the rest the blocks in which there is a row that
// matters: a window of an hour costs what an hour of rows costs, not what the piece does.
func (v view) sealedTables(ctx context.Context, f io.ReaderAt, size int64, pf *table.ParquetFile) iter.Seq2[*table.Table, error] {
	if v.whole() {
		return pf.Batches()
	}
	return func(yield func(*table.Table, error) bool) {
		blocks, err := v.blocks(ctx, f, size)
		if err != nil {
			yield(nil, err)
			return
		}
		for n := 0; n < len(blocks); n++ {
			first := blocks[n]
			for n+1 < len(blocks) && blocks[n+1] == blocks[n]+1 {
				n++
			}
			for t, err := range pf.Range(first*spanRows, (blocks[n]-first+1)*spanRows) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// blocks are the blocks of a sealed piece in which there is a row that matters.
func (v view) blocks(ctx context.Context, f io.ReaderAt, size int64) (out []int64, err error) {
	opt := parquetOptions
	opt.Columns = []string{ColumnEventTime}
	pf, err := table.OpenParquet(f, size, opt)
	if err != nil {
		return nil, err
	}
	row := int64(0)
	for t, err := range pf.Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		times := t.Column(ColumnEventTime)
		for i := range t.Rows() {
			at := timeAt(times, i)
			if block := (row + int64(i)) / spanRows; at >= v.from && at < v.to && (len(out) == 0 || out[len(out)-1] != block) {
				out = append(out, block)
			}
		}
		row += int64(t.Rows())
	}
	return out, nil
}

// likely is about how many rows lie in the span of a query, if they are spread evenly.
func likely(q Query, views []view) float64 {
	sum := 0.0
	for _, v := range views {
		span, shared := float64(v.last-v.first)+1, float64(min(v.last, q.End-1)-max(v.first, q.Start))+1
		sum += float64(v.rows) * max(0, shared) / span
	}
	return sum
}

// gather reads the rows of a span of which there are probably few at once, without a
// survey before. It is nil when they were more than sliceRows after all. Types are
// those that a survey would find.
func (l *Log) gather(ctx context.Context, q Query, views []view) (*gathering, inputTypes, error) {
	if likely(q, views) > float64(sliceRows) {
		return nil, nil, nil
	}
	g := &gathering{query: q, lo: q.Start, hi: q.End, most: sliceRows}
	if err := g.read(ctx, views); err != nil {
		return nil, nil, err
	}
	if g.rows.Len() > sliceRows {
		return nil, nil, nil
	}
	types := inputTypes{}
	if q.Inputs {
		for _, v := range views {
			fields, err := v.fields()
			if err != nil {
				return nil, nil, err
			}
			for _, f := range fields {
				if name, ok := strings.CutPrefix(f.Name, InputPrefix); ok && q.wants(f.Name) {
					types.declare(name, f.Type)
				}
			}
		}
	}
	for _, c := range g.inputs {
		if c.Nulls() < c.Len() {
			types.see(c.Name, c.Type)
		}
	}
	types.settle(q.Columns == nil)
	return g, types, nil
}

// answer yields the rows that were gathered, at most the first of them.
func (l *Log) answer(g *gathering, types inputTypes, most int, yield func(*Rows) bool) (rows int, more bool, err error) {
	r, err := l.finish(g, types, most)
	if err != nil {
		return 0, false, err
	}
	for at := 0; at < r.Len(); at += batchRows {
		if !yield(r.slice(at, min(at+batchRows, r.Len()))) {
			return r.Len(), false, nil
		}
	}
	return r.Len(), true, nil
}
