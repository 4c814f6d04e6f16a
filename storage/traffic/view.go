package traffic

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// view is a piece as it stood at one moment; appends and seals go on beside it.
type view struct {
	dir         string
	kind        kind
	id          string
	sealed      bool
	size        int64 // of a log
	schemas     []*schema
	rows        int64
	first, last trimtab.Time

	from, to trimtab.Time // unless both are 0, what matters: rows outside may be left out
}

// views returns the pieces as they stand now, oldest first.
func (t *tape) views() []view {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]view, 0, len(t.pieces))
	for _, p := range t.pieces {
		out = append(out, view{dir: t.dir, kind: t.kind, id: p.id, sealed: p.sealed != nil, size: p.size,
			schemas: p.schemas, rows: p.rows, first: p.first, last: p.last})
	}
	return out
}

const batchRows = 8192

// tables reads the rows of a piece in the sealed layout, the columns that want
// picks. A log that was sealed since the view was taken is read from its Parquet.
func (v view) tables(ctx context.Context, want func(name string) bool) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		if !v.sealed {
			f, err := os.Open(filepath.Join(v.dir, v.id+".log"))
			switch {
			case err == nil:
				defer f.Close()
				v.logTables(ctx, f, want, yield)
				return
			case !errors.Is(err, os.ErrNotExist):
				yield(nil, err)
				return
			}
		}
		f, err := os.Open(filepath.Join(v.dir, v.id+".parquet"))
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			yield(nil, err)
			return
		}
		all, err := table.OpenParquet(f, st.Size(), parquetOptions)
		if err != nil {
			yield(nil, err)
			return
		}
		opt := parquetOptions
		for _, c := range all.Fields() {
			if want(c.Name) {
				opt.Columns = append(opt.Columns, c.Name)
			}
		}
		pf, err := table.OpenParquet(f, st.Size(), opt)
		if err != nil {
			yield(nil, err)
			return
		}
		for t, err := range v.sealedTables(ctx, f, st.Size(), pf) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

var parquetOptions = table.ParquetOptions{BatchRows: batchRows, MaxFieldBytes: maxText, MaxColumns: maxColumns + maxWidth + 16, Compression: "zstd"}

func pick(fields []table.Field, want func(string) bool) []table.Field {
	var out []table.Field
	for _, f := range fields {
		if want(f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// logTables reads a log file up to the size of the view.
func (v view) logTables(ctx context.Context, f *os.File, want func(string) bool, yield func(*table.Table, error) bool) {
	all := labelFields
	inputs := false
	if v.kind == predictions {
		all = fieldsOf(v.schemas)
		for _, c := range all {
			inputs = inputs || (len(c.Name) > len(InputPrefix) && c.Name[:len(InputPrefix)] == InputPrefix && want(c.Name))
		}
	}
	fields := pick(all, want)
	acc := table.Empty(fields, batchRows)
	fr := newFrameReader(io.NewSectionReader(f, fileHead, v.size-fileHead), fileHead, v.size)
	var schemas []*schema
	r := record{from: v.from, to: v.to}
	var lr labelRecord
	for {
		payload, err := fr.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *damage
		if errors.As(err, &bad) { // skipped at open, too
			next := resume(f, bad.offset, v.size)
			if next == 0 {
				break
			}
			fr = newFrameReader(io.NewSectionReader(f, next, v.size-next), next, v.size)
			continue
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		switch payload[0] {
		case payloadSchema:
			d := &decoder{b: payload[1:]}
			if number, s := d.schema(); d.err == nil && number == len(schemas) {
				schemas = append(schemas, s)
			}
		case payloadPredictions, payloadQuarantined:
			if r.decode(payload, schemas, inputs) == nil {
				appendRecord(acc, &r)
			}
		case payloadLabels:
			if lr.decode(payload[1:]) == nil {
				appendLabelRecord(acc, &lr)
			}
		}
		if acc.Rows() >= batchRows {
			if !yield(acc, nil) {
				return
			}
			acc = table.Empty(fields, batchRows)
		}
	}
	if acc.Rows() > 0 {
		yield(acc, nil)
	}
}
