package traffic

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Query says which logged predictions are read back, and what of them.
type Query struct {
	// Start and End bound the event time, half open; 0 leaves the side open.
	Start, End trimtab.Time
	// KnownBy is the moment whose knowledge counts, as in Window; 0 takes everything.
	KnownBy trimtab.Time
	// Inputs asks for the inputs too, Columns for these alone in this order. With
	// Columns nil they are all inputs of which a row of the answer has a value, by name.
	Inputs  bool
	Columns []string
	// MaxRows ends the answer after the first rows; 0 does not.
	MaxRows int
}

// Rows are predictions read back, one entry of every slice a row. The memory is
// the caller's.
type Rows struct {
	IDs        []string
	EventTimes []trimtab.Time
	Arrival    []trimtab.Time
	Versions   []trimtab.Version
	Variant    []string
	// Output and Score are NaN when the output is missing; Score as in Joined.
	Output, Score []float64
	// Label is NaN, and LabelKnownAt 0, where HasLabel is false.
	Label        []float64
	LabelKnownAt []trimtab.Time
	HasLabel     []bool
	Late         []bool   // the row came when the watermark had passed its event time
	Quarantine   []string // the contract rule that quarantines the row, "" for none
	// Inputs has the columns asked for; nil without Query.Inputs.
	Inputs *table.Table
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.IDs) }

// Of the memory that Tables takes, sliceRows is the number of rows that are put in
// order at once; rows of one and the same moment are never parted. Variable for tests.
var sliceRows = 131_072

// Tables returns the predictions with Start <= event time < End, joined with
// their labels, as they are known by KnownBy, in batches of up to 8,192 rows. It
// takes the rows and labels that Window takes, and depends like it on the
// records alone, never on when it is asked, on what has been sealed, or on how
// the rows came in batches: they come in the order of event time and, of one
// moment, of id.
//
// Versions of an endpoint may give an input different types. All batches of an
// answer have one type a column: the narrowest that holds every value, that is
// the same type; int64, or float64 where floats are among them, for numbers, bool
// counting as 0 and 1; text for everything else. An integer that float64 cannot
// hold is Invalid. A column without any value has the type that the log declares,
// Float64 when it knows no such input.
//
// Memory is bounded: 8 bytes a row and some 100,000 rows. An error comes with nil
// and ends the sequence.
func (l *Log) Tables(ctx context.Context, q Query) iter.Seq2[*Rows, error] {
	return func(yield func(*Rows, error) bool) {
		if err := l.tables(ctx, q, func(r *Rows) bool { return yield(r, nil) }); err != nil {
			trimtab.Wrap(&err, "traffic.Tables(%s)", l.endpoint.Name)
			yield(nil, err)
		}
	}
}

func (l *Log) tables(ctx context.Context, q Query, yield func(*Rows) bool) error {
	if q.Start == 0 {
		q.Start = math.MinInt64
	}
	if q.End == 0 {
		q.End = math.MaxInt64
	}
	var views []view
	total := int64(0)
	for _, v := range l.predictions.views() {
		if v.rows > 0 && v.last >= q.Start && v.first < q.End {
			views = append(views, v)
			total += v.rows
		}
	}
	left := math.MaxInt
	if q.MaxRows > 0 {
		left = q.MaxRows
	}
	var ends []trimtab.Time
	var types inputTypes
	if total <= int64(sliceRows) {
		ends = []trimtab.Time{q.End}
	} else {
		g, found, err := l.gather(ctx, q, views)
		if err != nil {
			return err
		}
		if g != nil {
			_, _, err := l.answer(g, found, left, yield)
			return err
		}
		if ends, types, err = l.survey(ctx, q, views); err != nil {
			return err
		}
	}
	lo := q.Start
	for _, hi := range ends {
		g := gathering{query: q, lo: lo, hi: hi}
		if err := g.read(ctx, views); err != nil {
			return err
		}
		if types == nil {
			types = g.types()
		}
		n, more, err := l.answer(&g, types, left, yield)
		if left -= n; err != nil || !more || left == 0 {
			return err
		}
		lo = hi
	}
	return nil
}

// survey passes over the rows once, to part them by event time into slices of a
// size and to learn the types of the inputs.
func (l *Log) survey(ctx context.Context, q Query, views []view) (ends []trimtab.Time, types inputTypes, err error) {
	types = inputTypes{}
	values := q.Inputs && q.Columns == nil
	if q.Inputs {
		for _, v := range views {
			fields, err := v.fields()
			if err != nil {
				return nil, nil, err
			}
			for _, f := range fields {
				if name, ok := strings.CutPrefix(f.Name, InputPrefix); ok && q.wants(f.Name) {
					types.declare(name, f.Type)
					values = values || types[name].mixed()
				}
			}
		}
	}
	want := func(name string) bool {
		return name == ColumnEventTime || name == ColumnWatermark || values && q.wants(name) && strings.HasPrefix(name, InputPrefix)
	}
	var times []trimtab.Time
	for t, err := range spanOf(ctx, views, q.Start, q.End, want) {
		if err != nil {
			return nil, nil, err
		}
		keep := q.keep(t, q.Start, q.End)
		at := t.Column(ColumnEventTime)
		for _, i := range keep {
			times = append(times, timeAt(at, i))
		}
		for _, c := range t.Columns {
			if name, ok := strings.CutPrefix(c.Name, InputPrefix); ok && slices.ContainsFunc(keep, func(i int) bool { return !c.Null(i) }) {
				types.see(name, c.Type)
			}
		}
	}
	if values {
		types.settle(q.Columns == nil)
	}
	slices.Sort(times)
	end := q.End
	if q.MaxRows > 0 && len(times) > q.MaxRows {
		n := q.MaxRows
		for n < len(times) && times[n] == times[n-1] {
			n++
		}
		if n < len(times) {
			end = times[n]
		}
		times = times[:n]
	}
	for n := 0; n < len(times); {
		n = min(n+sliceRows, len(times))
		for n < len(times) && times[n] == times[n-1] {
			n++
		}
		if n < len(times) {
			ends = append(ends, times[n])
		}
	}
	return append(ends, end), types, nil
}

// wants reports whether a column of the log is read to answer q.
func (q *Query) wants(column string) bool {
	if name, ok := strings.CutPrefix(column, InputPrefix); ok {
		return q.Inputs && (q.Columns == nil || slices.Contains(q.Columns, name))
	}
	return column != ColumnOrdinal && column != ColumnPropensity
}

// keep lists the rows of t that belong to the answer and lie in [lo, hi).
func (q *Query) keep(t *table.Table, lo, hi trimtab.Time) []int {
	times, marks := t.Column(ColumnEventTime), t.Column(ColumnWatermark)
	var keep []int
	for i := range t.Rows() {
		if at := timeAt(times, i); at >= lo && at < hi && (q.KnownBy == 0 || timeAt(marks, i) < q.KnownBy) {
			keep = append(keep, i)
		}
	}
	return keep
}

// gathering collects the rows of a slice in the order of the log.
type gathering struct {
	query  Query
	lo, hi trimtab.Time
	rows   Rows
	inputs []*table.Column // one for each name and type; shorter than rows where the rest is null
	most   int             // with more rows than this it ends early; 0: it does not
}

func (g *gathering) read(ctx context.Context, views []view) error {
	for t, err := range spanOf(ctx, views, g.lo, g.hi, g.query.wants) {
		if err != nil {
			return err
		}
		if keep := g.query.keep(t, g.lo, g.hi); len(keep) > 0 {
			g.add(t, keep)
		}
		if g.most > 0 && g.rows.Len() > g.most {
			return nil
		}
	}
	return nil
}

func (g *gathering) add(t *table.Table, keep []int) {
	r, n := &g.rows, g.rows.Len()
	ids, times, arrivals, marks := t.Column(ColumnID), t.Column(ColumnEventTime), t.Column(ColumnArrival), t.Column(ColumnWatermark)
	versions, variants, rules, out := t.Column(ColumnVersion), t.Column(ColumnVariant), t.Column(ColumnQuarantine), outputsOf(t)
	for _, i := range keep {
		at := timeAt(times, i)
		answer, score := out.at(i)
		r.IDs = append(r.IDs, ids.Strings[i])
		r.EventTimes = append(r.EventTimes, at)
		r.Arrival = append(r.Arrival, timeAt(arrivals, i))
		r.Versions = append(r.Versions, trimtab.Version(versions.Int64s[i]))
		r.Variant = append(r.Variant, textAt(variants, i))
		r.Output = append(r.Output, answer)
		r.Score = append(r.Score, score)
		r.Late = append(r.Late, at < timeAt(marks, i))
		r.Quarantine = append(r.Quarantine, textAt(rules, i))
	}
	for _, c := range t.Columns {
		name, ok := strings.CutPrefix(c.Name, InputPrefix)
		if !ok {
			continue
		}
		k := slices.IndexFunc(g.inputs, func(d *table.Column) bool { return d.Name == name && d.Type == c.Type })
		if k < 0 {
			k = len(g.inputs)
			g.inputs = append(g.inputs, table.NewColumn(name, c.Type, 0))
		}
		dst := g.inputs[k]
		pad(dst, n)
		if len(keep) == c.Len() {
			_ = dst.Extend(c) // refuses nothing but another type
			continue
		}
		_ = dst.Extend(c.Take(keep))
	}
}

func pad(c *table.Column, rows int) {
	for c.Len() < rows {
		c.AppendNull()
	}
}

// types are those of the inputs when no survey found them.
func (g *gathering) types() inputTypes {
	types := inputTypes{}
	for _, c := range g.inputs {
		types.declare(c.Name, c.Type)
		if c.Nulls() < c.Len() {
			types.see(c.Name, c.Type)
		}
	}
	types.settle(g.query.Columns == nil)
	return types
}

// finish puts the rows in order, joins them with their labels and gives the
// inputs their types; at most the first of them, as many as most says, stay.
func (l *Log) finish(g *gathering, types inputTypes, most int) (*Rows, error) {
	r := &g.rows
	order := make([]int, r.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.EventTimes[a], r.EventTimes[b]), cmp.Compare(r.IDs[a], r.IDs[b]))
	})
	order = order[:min(most, len(order))]
	out := r.take(order)
	if g.query.Inputs {
		out.Inputs = table.Blank(len(order))
		for _, f := range types.fields(g.query.Columns) {
			var c *table.Column
			for _, src := range g.inputs {
				if src.Name != f.Name {
					continue
				}
				pad(src, r.Len())
				if c == nil && src.Type == f.Type {
					c = src.Take(order)
					continue
				}
				if c == nil {
					c = nulls(f, len(order))
				}
				if err := merge(c, src, order); err != nil {
					return nil, trimtab.Errorf(trimtab.Invalid, "endpoint "+l.endpoint.Name, "the inputs of endpoint %s: %v", l.endpoint.Name, err)
				}
			}
			if c == nil {
				c = nulls(f, len(order))
			}
			out.Inputs.Columns = append(out.Inputs.Columns, c)
		}
	}
	return out, l.join(out, g.query.KnownBy)
}

func nulls(f table.Field, rows int) *table.Column {
	c := table.NewColumn(f.Name, f.Type, rows)
	pad(c, rows)
	return c
}

// take puts rows in the given order; labels and inputs are not yet there.
func (r *Rows) take(order []int) *Rows {
	return &Rows{IDs: pickRows(r.IDs, order), EventTimes: pickRows(r.EventTimes, order), Arrival: pickRows(r.Arrival, order),
		Versions: pickRows(r.Versions, order), Variant: pickRows(r.Variant, order), Output: pickRows(r.Output, order),
		Score: pickRows(r.Score, order), Late: pickRows(r.Late, order), Quarantine: pickRows(r.Quarantine, order)}
}

func pickRows[T any](s []T, rows []int) []T {
	out := make([]T, len(rows))
	for k, i := range rows {
		out[k] = s[i]
	}
	return out
}

// slice is the rows lo to hi-1.
func (r *Rows) slice(lo, hi int) *Rows {
	s := &Rows{IDs: r.IDs[lo:hi:hi], EventTimes: r.EventTimes[lo:hi:hi], Arrival: r.Arrival[lo:hi:hi], Versions: r.Versions[lo:hi:hi],
		Variant: r.Variant[lo:hi:hi], Output: r.Output[lo:hi:hi], Score: r.Score[lo:hi:hi], Label: r.Label[lo:hi:hi],
		LabelKnownAt: r.LabelKnownAt[lo:hi:hi], HasLabel: r.HasLabel[lo:hi:hi], Late: r.Late[lo:hi:hi], Quarantine: r.Quarantine[lo:hi:hi]}
	if r.Inputs != nil {
		s.Inputs = r.Inputs.Slice(lo, hi)
	}
	return s
}
