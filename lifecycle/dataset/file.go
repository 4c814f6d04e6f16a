package dataset

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// file is the opened file of a source. Parquet is read in batches as often as
// wanted; CSV, which says nothing of its types, is held in memory.
type file struct {
	ctx    context.Context // of the one call that opened it
	name   string          // of the source
	spec   trimtab.SourceSpec
	object blob.Reader
	fields []table.Field

	text *table.Table // CSV
}

// Columns that rows and labels in order carry besides the source's own.
const (
	RowIDColumn     = "trimtab_row_id"     // String: the row's id
	EventTimeColumn = "trimtab_event_time" // Datetime
	KnownAtColumn   = "trimtab_known_at"   // Datetime, of labels
	LabelColumn     = "trimtab_label"      // Float64, of labels
)

// open opens the source's file and checks that the declared columns are there.
// raw leaves the values of a CSV file texts, so that the types of chosen rows can
// be found without looking at the others.
func (d *Datasets) open(ctx context.Context, name string, spec trimtab.SourceSpec, raw bool) (f *file, err error) {
	f = &file{ctx: ctx, name: name, spec: spec}
	if f.object, err = d.cfg.Blobs.Open(ctx, spec.Digest); err != nil {
		if trimtab.IsKind(err, trimtab.NotFound) {
			return nil, trimtab.Errorf(trimtab.Precondition, "datasource "+name, "the data of DataSource %q (%s) are not in the object store: apply it again", name, spec.Digest.Short())
		}
		return nil, err
	}
	object := f.object
	defer func() {
		if err != nil {
			object.Close()
		}
	}()
	if f.csv() {
		err = f.readCSV(raw)
	} else {
		var p *table.ParquetFile
		if p, err = table.OpenParquet(f.object, f.object.Size(), table.ParquetOptions{}); err == nil {
			f.fields = p.Fields()
		}
	}
	if err != nil {
		return nil, f.bad(err)
	}
	return f, f.check()
}

func (f *file) close() { f.object.Close() }

func (f *file) csv() bool {
	if f.spec.Format != "" {
		return f.spec.Format == "csv"
	}
	return strings.HasSuffix(strings.ToLower(f.spec.Path), ".csv")
}

// bad turns an error of the file's format into one for the user.
func (f *file) bad(err error) error {
	if _, ok := errors.AsType[*table.Error](err); ok {
		return &trimtab.Error{Kind: trimtab.Invalid, Subject: "datasource " + f.name, Msg: "DataSource \"" + f.name + "\" cannot be read: " + err.Error(), Err: err}
	}
	return err
}

// times lists the columns that hold moments.
func (f *file) times() []string {
	out := []string{f.spec.EventTime}
	if f.spec.AvailableAt != "" {
		out = append(out, f.spec.AvailableAt)
	}
	if f.spec.Label != nil {
		out = append(out, f.spec.Label.AvailableAt)
	}
	return out
}

// columns lists the declared columns that carry meaning.
func (f *file) columns() []string {
	out := slices.Concat(f.spec.Key, f.times())
	if f.spec.Label != nil {
		out = append(out, f.spec.Label.Column)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (f *file) readCSV(raw bool) error {
	types := map[string]table.Type{}
	if raw {
		for t, err := range table.CSVBatches(f.object, table.CSVOptions{BatchRows: 1}) {
			if err != nil {
				return err
			}
			for _, field := range t.Fields() {
				types[field.Name] = table.String
			}
			break
		}
		if _, err := f.object.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	for _, name := range f.times() {
		types[name] = table.Datetime
	}
	t, err := table.ReadCSV(f.object, table.CSVOptions{Types: types, Optional: true})
	if err != nil {
		return err
	}
	f.text, f.fields = t, t.Fields()
	return nil
}

// check reports a declared column that the file lacks, or whose type cannot hold what it stands for.
func (f *file) check() error {
	byName := map[string]table.Type{}
	var names []string
	for _, field := range f.fields {
		byName[field.Name] = field.Type
		names = append(names, field.Name)
	}
	for _, own := range []string{RowIDColumn, EventTimeColumn, KnownAtColumn, LabelColumn} {
		if _, taken := byName[own]; taken {
			return trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "DataSource %q has a column %q; names with trimtab_ are taken", f.name, own)
		}
	}
	if len(f.spec.Key) == 0 {
		return trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "DataSource %q declares no key", f.name)
	}
	for _, c := range f.columns() {
		if _, ok := byName[c]; !ok {
			return trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "DataSource %q declares the column %q, which its file lacks; it has %s", f.name, c, strings.Join(names, ", "))
		}
	}
	for _, c := range f.times() {
		if t := byName[c]; t != table.Datetime && t != table.String && t != table.Int64 {
			return trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "column %q of DataSource %q is %s; expected a time: a timestamp, ISO 8601 text, or milliseconds since 1970", c, f.name, t)
		}
	}
	return nil
}

// batches reads the rows in order; row is the number of a batch's first row. nil
// columns means all.
func (f *file) batches(columns []string) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		first := int64(0)
		for t, err := range f.tables(columns) {
			if err == nil {
				err = f.ctx.Err()
			}
			if err != nil {
				yield(batch{}, f.bad(err))
				return
			}
			if !yield(batch{t, first}, nil) {
				return
			}
			first += int64(t.Rows())
		}
	}
}

type batch struct {
	*table.Table
	first int64
}

func (f *file) tables(columns []string) iter.Seq2[*table.Table, error] {
	fail := func(err error) iter.Seq2[*table.Table, error] {
		return func(yield func(*table.Table, error) bool) { yield(nil, err) }
	}
	if f.text != nil {
		t := f.text
		if columns != nil {
			var err error
			if t, err = t.Select(columns...); err != nil {
				return fail(err)
			}
		}
		return func(yield func(*table.Table, error) bool) { yield(t, nil) }
	}
	p, err := table.OpenParquet(f.object, f.object.Size(), table.ParquetOptions{Columns: columns, BatchRows: 16_384})
	if err != nil {
		return fail(err)
	}
	return p.Batches()
}

// moments reads a column of times as nanoseconds since 1970.
type moments struct {
	file *file
	col  *table.Column
}

func (f *file) moments(t *table.Table, name string) moments { return moments{f, t.Column(name)} }

// at returns row i; ok is false when it has no time.
func (m moments) at(i int, row int64) (ns int64, ok bool, err error) {
	if m.col.Null(i) {
		return 0, false, nil
	}
	switch m.col.Type {
	case table.Datetime:
		return m.col.Int64s[i], true, nil
	case table.Int64:
		if ms := m.col.Int64s[i]; ms > -9_000_000_000_000 && ms < 9_000_000_000_000 {
			return ms * 1_000_000, true, nil
		}
	default:
		if ns, err := table.ParseDatetime(m.col.Strings[i]); err == nil {
			return ns, true, nil
		}
	}
	return 0, false, trimtab.Errorf(trimtab.Invalid, "datasource "+m.file.name, "row %d of DataSource %q: column %q holds %q; expected a time such as 2013-03-01T07:05:00Z", row+1, m.file.name, m.col.Name, m.col.Text(i))
}
