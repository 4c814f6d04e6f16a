package contract

import (
	"context"
	"io"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// failingFields are the columns of a file of failing rows.
var failingFields = []table.Field{{Name: "key", Type: table.String}, {Name: "rule", Type: table.String}, {Name: "value", Type: table.String}}

// FailingRows writes failing rows as Parquet with the columns key, rule and value: one
// row for each rule that a row breaks.
type FailingRows struct {
	w    *table.ParquetWriter
	rows *table.Table
	n    int64
}

// NewFailingRows begins a file.
func NewFailingRows(w io.Writer) (*FailingRows, error) {
	p, err := table.NewParquetWriter(w, failingFields, table.ParquetOptions{})
	return &FailingRows{w: p}, err
}

// Add adds a row.
func (f *FailingRows) Add(x Failure) error {
	if f.rows == nil {
		f.rows = table.Empty(failingFields, 0)
	}
	for k, v := range []string{x.Key, x.Rule, x.Value} {
		f.rows.Columns[k].AppendString(v)
	}
	if f.n++; f.rows.Columns[0].Len() < 8192 {
		return nil
	}
	return f.flush()
}

func (f *FailingRows) flush() error {
	if f.rows == nil {
		return nil
	}
	t, err := table.New(f.rows.Columns...)
	if err != nil {
		return err
	}
	f.rows = nil
	return f.w.Write(t)
}

// Rows is the number of rows added.
func (f *FailingRows) Rows() int64 { return f.n }

// Close finishes the file.
func (f *FailingRows) Close() error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.w.Close()
}

// kept streams failing rows into an object; no object is made before the first one.
type kept struct {
	ctx   context.Context // of the one call that judges
	blobs blob.Store      // nil: rows are not kept
	rows  *FailingRows
	pipe  *io.PipeWriter
	put   chan object
}

type object struct {
	digest trimtab.Digest
	err    error
}

func (k *kept) add(x Failure) error {
	if k.blobs == nil {
		return nil
	}
	if k.rows == nil {
		r, w := io.Pipe()
		k.pipe, k.put = w, make(chan object, 1)
		go func() {
			d, _, err := k.blobs.Put(k.ctx, r)
			r.CloseWithError(err) // a writer that still writes must not wait
			k.put <- object{d, err}
		}()
		var err error
		if k.rows, err = NewFailingRows(w); err != nil {
			return err
		}
	}
	return k.rows.Add(x)
}

// done finishes the object: "" when there was no failing row. cause, when not nil,
// drops it.
func (k *kept) done(cause error) (trimtab.Digest, error) {
	if k.pipe == nil {
		return "", cause
	}
	if cause == nil && k.rows != nil {
		cause = k.rows.Close()
	}
	k.pipe.CloseWithError(cause) // nil ends the object
	k.pipe = nil
	o := <-k.put
	if cause != nil {
		return "", cause
	}
	return o.digest, o.err
}
