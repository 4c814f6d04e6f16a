package dataset

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Reasons for which a row that was known as of the moment is left out.
const (
	DropNoEventTime = "without an event time"
	DropWindow      = "outside of the window"
	DropNoLabel     = "without a label known by then"
	// DropServed counts rows of a file from the go-live of the endpoint on: what was
	// served stands in their place.
	DropServed = "of the file from go-live on"
)

// cut chooses the rows of a snapshot. A row that became known later leaves no
// trace: it is not counted, its key is not compared, and of a CSV file not even
// its texts decide on types. A label that became known later is null, and so is
// the time at which it did. The rows come in the order of event time and id.
func cut(f *file, req request) (*table.Table, map[string]int64, error) {
	var (
		asOf, from, to = nanos(req.asOf), nanos(req.from), nanos(req.to)
		before         = nanos(req.before)
		dropped        = map[string]int64{}
		seen           = map[rowSum]int64{}
		out            *table.Table
		order          []place
	)
	for b, err := range f.batches(nil) {
		if err != nil {
			return nil, nil, err
		}
		key := newKeys(f.name, f.spec, b.Table)
		event := f.moments(b.Table, f.spec.EventTime)
		known := event
		if f.spec.AvailableAt != "" {
			known = f.moments(b.Table, f.spec.AvailableAt)
		}
		labels := f.labels(b.Table)
		var keep, unlabelled []int
		for i := range b.Rows() {
			row := b.first + int64(i)
			at, ok, err := known.at(i, row)
			if err != nil {
				return nil, nil, err
			}
			if !ok && f.spec.AvailableAt == "" {
				dropped[DropNoEventTime]++
				continue
			}
			if !ok || at > asOf {
				continue
			}
			id, err := key.sum(i, row)
			if err != nil {
				return nil, nil, err
			}
			if first, twice := seen[id]; twice {
				return nil, nil, key.twice(i, first, row)
			}
			seen[id] = row
			when, ok, err := event.at(i, row)
			if err != nil {
				return nil, nil, err
			}
			if !ok {
				dropped[DropNoEventTime]++
				continue
			}
			if req.before != 0 && when >= before {
				dropped[DropServed]++
				continue
			}
			if when < from && req.from != 0 || when >= to {
				dropped[DropWindow]++
				continue
			}
			labelled, err := labels.known(i, row, asOf)
			if err != nil {
				return nil, nil, err
			}
			if !labelled && req.required {
				dropped[DropNoLabel]++
				continue
			}
			if !labelled {
				unlabelled = append(unlabelled, len(keep))
			}
			keep = append(keep, i)
			order = append(order, place{when: when, id: id, at: len(order)})
		}
		kept := b.Take(keep)
		f.forget(kept, unlabelled)
		if out == nil {
			out = kept
		} else if err := out.Append(kept); err != nil {
			return nil, nil, err
		}
	}
	if out == nil {
		out = table.Empty(f.fields, 0)
	}
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.when, b.when), bytes.Compare(a.id[:], b.id[:]))
	})
	rows := make([]int, len(order))
	for i, p := range order {
		rows[i] = p.at
	}
	out = out.Take(rows)
	if f.text != nil {
		var err error
		if out, err = f.infer(out); err != nil {
			return nil, nil, err
		}
	}
	return out, dropped, nil
}

// place is where a kept row stands and what it is ordered by.
type place struct {
	when int64
	id   rowSum
	at   int
}

func nanos(t trimtab.Time) int64 { return int64(t) * 1_000_000 }

// labels tells which labels of a batch are known.
type labels struct {
	col *table.Column
	at  moments
}

func (f *file) labels(t *table.Table) labels {
	if f.spec.Label == nil {
		return labels{}
	}
	return labels{t.Column(f.spec.Label.Column), f.moments(t, f.spec.Label.AvailableAt)}
}

func (l labels) known(i int, row, asOf int64) (bool, error) {
	if l.col == nil || l.col.Missing(i) {
		return false, nil
	}
	at, ok, err := l.at.at(i, row)
	return ok && at <= asOf, err
}

// forget makes label and the time of its becoming known null in the rows. A time
// column that has another meaning too keeps its values.
func (f *file) forget(t *table.Table, rows []int) {
	if f.spec.Label == nil || len(rows) == 0 {
		return
	}
	null(t.Column(f.spec.Label.Column), rows)
	at := f.spec.Label.AvailableAt
	if at != f.spec.EventTime && at != f.spec.AvailableAt && !slices.Contains(f.spec.Key, at) {
		null(t.Column(at), rows)
	}
}

// null makes rows of a column null.
func null(c *table.Column, rows []int) {
	if c.Valid == nil {
		c.Valid = slices.Repeat([]bool{true}, c.Len())
	}
	for _, i := range rows {
		c.Valid[i] = false
		switch c.Type {
		case table.Bool:
			c.Bools[i] = false
		case table.Int32:
			c.Int32s[i] = 0
		case table.Int64, table.Datetime:
			c.Int64s[i] = 0
		case table.Float32:
			c.Float32s[i] = 0
		case table.Float64:
			c.Float64s[i] = 0
		case table.String:
			c.Strings[i] = ""
		case table.Bytes:
			c.Bytes[i] = nil
		}
	}
}

// infer finds the types of texts by the rows at hand.
func (f *file) infer(t *table.Table) (*table.Table, error) {
	var buf bytes.Buffer
	if err := table.WriteCSV(&buf, t, table.CSVOptions{}); err != nil {
		return nil, err
	}
	types := map[string]table.Type{}
	for _, name := range f.times() {
		types[name] = table.Datetime
	}
	return table.ReadCSV(&buf, table.CSVOptions{Types: types})
}
