package dataset

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"iter"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

const (
	bucketRows = 65_536 // rows of an unordered file that are sorted at once
	batchRows  = 8_192  // rows of a batch that is handed out, at most
)

// Rows yields the source's rows with event time in [from, to) in the order of
// event time, rows of equal time as they stand in the file, in batches. A batch
// has the source's columns without the label and the time of its becoming known,
// then RowIDColumn and EventTimeColumn. to = 0 means no end. A file in the order of
// event time is read once as it is; another is sorted by parts, so that memory
// stays bounded. An error comes with a nil batch and ends the sequence: a key
// that two rows share is found before the first batch.
func (d *Datasets) Rows(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		if err := d.rows(ctx, source, from, to, func(t *table.Table) bool { return yield(t, nil) }); err != nil {
			trimtab.Wrap(&err, "dataset.Rows(%s)", source)
			yield(nil, err)
		}
	}
}

func (d *Datasets) rows(ctx context.Context, source string, from, to trimtab.Time, yield func(*table.Table) bool) error {
	spec, err := d.Source(ctx, source)
	if err != nil {
		return err
	}
	f, err := d.open(ctx, source, spec, false)
	if err != nil {
		return err
	}
	defer f.close()
	ix, err := f.index(from, to)
	if err != nil {
		return err
	}
	lo, hi := ix.lo, ix.hi
	if ix.ordered {
		for b, err := range f.batches(f.features()) {
			if err != nil {
				return err
			}
			t, _, err := f.choose(b, lo, hi)
			if err != nil {
				return err
			}
			if !hand(t, yield) {
				return nil
			}
		}
		return nil
	}
	slices.Sort(ix.times)
	for len(ix.times) > 0 {
		n := min(bucketRows, len(ix.times))
		end := hi
		if n < len(ix.times) {
			end = ix.times[n-1] + 1 // all rows of the last time
			for n < len(ix.times) && ix.times[n] < end {
				n++
			}
		}
		part, err := f.part(ix.times[0], end)
		if err != nil {
			return err
		}
		if !hand(part, yield) {
			return nil
		}
		ix.times = ix.times[n:]
	}
	return nil
}

// hand gives the rows out in batches.
func hand(t *table.Table, yield func(*table.Table) bool) bool {
	for lo := 0; lo < t.Rows(); lo += batchRows {
		if !yield(t.Slice(lo, min(lo+batchRows, t.Rows()))) {
			return false
		}
	}
	return true
}

// features lists the columns that a row has before its label is known.
func (f *file) features() []string {
	var out []string
	for _, field := range f.fields {
		if l := f.spec.Label; l != nil && (field.Name == l.Column || field.Name == l.AvailableAt) &&
			field.Name != f.spec.EventTime && !slices.Contains(f.spec.Key, field.Name) {
			continue
		}
		out = append(out, field.Name)
	}
	return out
}

// index is what one pass over keys and times tells of a file.
type index struct {
	lo, hi  int64
	times   []int64 // of the rows inside, in the order of the file
	ordered bool    // times do not decrease
}

// index reads keys and event times. A repeated key is an error, wherever it stands.
func (f *file) index(from, to trimtab.Time) (*index, error) {
	ix := &index{lo: nanos(from), hi: 1<<63 - 1, ordered: true}
	if from == 0 {
		ix.lo = -1 << 63
	}
	if to != 0 {
		ix.hi = nanos(to)
	}
	type entry struct {
		id  rowSum
		row int64
	}
	var ids []entry
	columns := slices.Concat(f.spec.Key, []string{f.spec.EventTime})
	slices.Sort(columns)
	columns = slices.Compact(columns)
	for b, err := range f.batches(columns) {
		if err != nil {
			return nil, err
		}
		key, event := newKeys(f.name, f.spec, b.Table), f.moments(b.Table, f.spec.EventTime)
		for i := range b.Rows() {
			row := b.first + int64(i)
			id, err := key.sum(i, row)
			if err != nil {
				return nil, err
			}
			ids = append(ids, entry{id, row})
			at, ok, err := event.at(i, row)
			if err != nil {
				return nil, err
			}
			if !ok || at < ix.lo || at >= ix.hi {
				continue
			}
			if n := len(ix.times); n > 0 && at < ix.times[n-1] {
				ix.ordered = false
			}
			ix.times = append(ix.times, at)
		}
	}
	slices.SortFunc(ids, func(a, b entry) int { return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.row, b.row)) })
	for i := 1; i < len(ids); i++ {
		if ids[i].id == ids[i-1].id {
			return nil, f.twice(ids[i-1].row, ids[i].row)
		}
	}
	return ix, nil
}

// twice reads the second row again, to name the key in the error.
func (f *file) twice(first, second int64) error {
	for b, err := range f.batches(f.spec.Key) {
		if err != nil {
			return err
		}
		if i := second - b.first; i < int64(b.Rows()) {
			return newKeys(f.name, f.spec, b.Table).twice(int(i), first, second)
		}
	}
	return trimtab.Errorf(trimtab.Internal, "datasource "+f.name, "row %d has gone", second+1)
}

// choose takes the rows of a batch with event time in [lo, hi) and adds id and
// event time to them.
func (f *file) choose(b batch, lo, hi int64) (*table.Table, []int64, error) {
	key, event := newKeys(f.name, f.spec, b.Table), f.moments(b.Table, f.spec.EventTime)
	var keep []int
	ids, times := table.NewColumn(RowIDColumn, table.String, 0), table.NewColumn(EventTimeColumn, table.Datetime, 0)
	for i := range b.Rows() {
		at, ok, err := event.at(i, b.first+int64(i))
		if err != nil {
			return nil, nil, err
		}
		if !ok || at < lo || at >= hi {
			continue
		}
		id, err := key.sum(i, b.first+int64(i))
		if err != nil {
			return nil, nil, err
		}
		keep = append(keep, i)
		ids.AppendString(hex.EncodeToString(id[:]))
		times.AppendInt64(at)
	}
	t := b.Take(keep)
	t.Columns = append(t.Columns, ids, times)
	return t, times.Int64s, nil
}

// part reads the whole file for the rows with event time in [lo, hi) and sorts them.
func (f *file) part(lo, hi int64) (*table.Table, error) {
	all := &table.Table{}
	var times []int64
	for b, err := range f.batches(f.features()) {
		if err != nil {
			return nil, err
		}
		t, at, err := f.choose(b, lo, hi)
		if err != nil {
			return nil, err
		}
		if err := all.Append(t); err != nil {
			return nil, err
		}
		times = append(times, at...)
	}
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times[a], times[b]) })
	return all.Take(order), nil
}

// Labels yields the known labels of the source's rows with event time in
// [from, to), in the order in which they become known, in batches: RowIDColumn,
// the key columns, EventTimeColumn, KnownAtColumn and LabelColumn. A source
// without a label yields nothing. Keys and labels of the span are held in memory.
func (d *Datasets) Labels(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		t, err := d.labels(ctx, source, from, to)
		if err != nil {
			trimtab.Wrap(&err, "dataset.Labels(%s)", source)
			yield(nil, err)
			return
		}
		hand(t, func(t *table.Table) bool { return yield(t, nil) })
	}
}

func (d *Datasets) labels(ctx context.Context, source string, from, to trimtab.Time) (*table.Table, error) {
	spec, err := d.Source(ctx, source)
	if err != nil || spec.Label == nil {
		return &table.Table{}, err
	}
	f, err := d.open(ctx, source, spec, false)
	if err != nil {
		return nil, err
	}
	defer f.close()
	lo, hi := nanos(from), nanos(to)
	if from == 0 {
		lo = -1 << 63
	}
	if to == 0 {
		hi = 1<<63 - 1
	}
	all := &table.Table{}
	var known []int64
	for b, err := range f.batches(f.columns()) {
		if err != nil {
			return nil, err
		}
		t, at, err := f.labelled(b, lo, hi)
		if err != nil {
			return nil, err
		}
		if err := all.Append(t); err != nil {
			return nil, err
		}
		known = append(known, at...)
	}
	order := make([]int, len(known))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(known[a], known[b]) })
	return all.Take(order), nil
}

// labelled makes the label rows of a batch.
func (f *file) labelled(b batch, lo, hi int64) (*table.Table, []int64, error) {
	key, event, l := newKeys(f.name, f.spec, b.Table), f.moments(b.Table, f.spec.EventTime), f.labels(b.Table)
	var keep []int
	ids := table.NewColumn(RowIDColumn, table.String, 0)
	times, known := table.NewColumn(EventTimeColumn, table.Datetime, 0), table.NewColumn(KnownAtColumn, table.Datetime, 0)
	values := table.NewColumn(LabelColumn, table.Float64, 0)
	for i := range b.Rows() {
		row := b.first + int64(i)
		when, ok, err := event.at(i, row)
		if err != nil {
			return nil, nil, err
		}
		if !ok || when < lo || when >= hi || l.col.Missing(i) {
			continue
		}
		at, ok, err := l.at.at(i, row)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			continue
		}
		v, ok := l.col.Float(i)
		if !ok {
			return nil, nil, trimtab.Errorf(trimtab.Invalid, "datasource "+f.name, "row %d of DataSource %q: the label %q is %s; expected a number or true/false", row+1, f.name, l.col.Text(i), l.col.Type)
		}
		id, err := key.sum(i, row)
		if err != nil {
			return nil, nil, err
		}
		keep = append(keep, i)
		ids.AppendString(hex.EncodeToString(id[:]))
		times.AppendInt64(when)
		known.AppendInt64(at)
		values.AppendFloat64(v)
	}
	t := &table.Table{Columns: []*table.Column{ids}}
	for _, name := range f.spec.Key {
		t.Columns = append(t.Columns, b.Column(name).Take(keep))
	}
	t.Columns = append(t.Columns, times, known, values)
	return t, known.Int64s, nil
}
