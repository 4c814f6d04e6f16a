package replay

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// maxShuffled bounds the values that a shuffle holds in memory.
const maxShuffled = 5_000_000

// prepare reads beforehand what faults need of rows other than those that they
// hit. rows gives the rows of the replay with event time before to, 0 for all,
// from the first one on, and may be asked more than once. A fault that cannot
// work on the source is Invalid.
func (d *drill) prepare(rows func(to trimtab.Time) iter.Seq2[*table.Table, error]) error {
	reach := d.reach
	d.reach = nil // this counts nothing
	defer func() { d.reach = reach }()
	for i, f := range d.faults {
		var err error
		switch f.Kind {
		case trimtab.FaultConstant:
			err = d.keepConstant(i, rows)
		case trimtab.FaultFreeze:
			err = d.keepFrozen(i, rows(f.To))
		case trimtab.FaultShuffle:
			err = d.keepShuffled(i, rows(f.To))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *drill) keepConstant(i int, rows func(to trimtab.Time) iter.Seq2[*table.Table, error]) error {
	for t, err := range rows(0) {
		if err != nil {
			return err
		}
		if c := t.Column(d.faults[i].Column); c != nil {
			d.kept[i].values, err = constant(d.faults[i], c.Type)
		}
		return err
	}
	return nil
}

// constant reads the value of a fault as one of the column's type.
func constant(f trimtab.Fault, typ table.Type) (*table.Column, error) {
	c := table.NewColumn(f.Column, typ, 1)
	var err error
	switch typ {
	case table.Bool:
		var v bool
		v, err = strconv.ParseBool(f.Value)
		c.AppendBool(v)
	case table.Int32:
		var v int64
		v, err = strconv.ParseInt(f.Value, 10, 32)
		c.AppendInt32(int32(v))
	case table.Int64:
		var v int64
		v, err = strconv.ParseInt(f.Value, 10, 64)
		c.AppendInt64(v)
	case table.Float32:
		var v float64
		v, err = strconv.ParseFloat(f.Value, 32)
		c.AppendFloat32(float32(v))
	case table.Float64:
		var v float64
		v, err = strconv.ParseFloat(f.Value, 64)
		c.AppendFloat64(v)
	case table.String:
		c.AppendString(f.Value)
	case table.Bytes:
		c.AppendBytes([]byte(f.Value))
	case table.Datetime:
		var v int64
		v, err = table.ParseDatetime(f.Value)
		c.AppendInt64(v)
	}
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "fault", "fault %q: column %q is %s, and %q is no such value", f, f.Column, typ, f.Value)
	}
	return c, nil
}

// keepFrozen finds the last value before the span, or else the first one in it.
func (d *drill) keepFrozen(i int, rows iter.Seq2[*table.Table, error]) error {
	f := d.faults[i]
	for t, err := range rows {
		if err != nil {
			return err
		}
		b, err := d.cells(t, i)
		if err != nil {
			return err
		}
		c := b.Column(f.Column)
		for r := range b.hashes {
			before := !(f.From == 0 || milliseconds(b.times, r) >= f.From)
			if !before && d.kept[i].values != nil {
				return nil
			}
			if !c.Missing(r) {
				d.kept[i].values = c.Take([]int{r})
			}
		}
	}
	return nil
}

// keepShuffled holds the values of all rows that are hit, and who gets which.
func (d *drill) keepShuffled(i int, rows iter.Seq2[*table.Table, error]) error {
	f := d.faults[i]
	var values *table.Column
	var hashes []uint64
	for t, err := range rows {
		if err != nil {
			return err
		}
		b, err := d.cells(t, i)
		if err != nil {
			return err
		}
		var hit []int
		for r := range d.hits(i, b) {
			hit = append(hit, r)
			hashes = append(hashes, b.hashes[r])
		}
		if len(hashes) > maxShuffled {
			return trimtab.Errorf(trimtab.Invalid, "fault", "fault %q hits more than %d rows, which are too many to shuffle: choose a shorter span", f, maxShuffled)
		}
		c := b.Column(f.Column).Take(hit)
		if values == nil {
			values = c
		} else if err := values.Extend(c); err != nil {
			return err
		}
	}
	order := make([]int, len(hashes))
	for k := range order {
		order[k] = k
	}
	// The order by hash is the permutation; equal hashes are of equal ids, of which there are none.
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(mix(hashes[a]^d.seeds[i]+saltOrder), mix(hashes[b]^d.seeds[i]+saltOrder))
	})
	row := make(map[uint64]int, len(hashes))
	for k, from := range order {
		row[hashes[k]] = from
	}
	d.kept[i] = kept{values: values, row: row}
	return nil
}

// check reports what a fault does with columns that the rows do not have, or have
// as another type. label is the name of the label's column, for the hint.
func (d *drill) check(fields []table.Field, label string) error {
	var names []string
	types := map[string]table.Type{}
	for _, f := range fields {
		types[f.Name] = f.Type
		if f.Name != d.names.ID && f.Name != d.names.EventTime {
			names = append(names, f.Name)
		}
	}
	for _, f := range d.faults {
		bad := func(format string, args ...any) error {
			return trimtab.Errorf(trimtab.Invalid, "fault", "fault %q: "+format, append([]any{f}, args...)...)
		}
		if f.On != trimtab.OnColumn {
			if typ := types[cmp.Or(d.id, d.names.ID)]; f.Fresh && typ != table.String && typ != table.Int64 {
				return bad("ids are %s; new ones are made of text and int64 only", typ)
			}
			continue
		}
		touched := []string{f.Column}
		if f.Kind == trimtab.FaultSwap {
			touched = append(touched, f.Other)
		}
		for _, c := range touched {
			switch {
			case c == label && !slices.Contains(names, c):
				return bad("column %q is the label, which rows do not carry: labels can be delayed and dropped, as in `drop labels 10%%`", c)
			case !slices.Contains(names, c):
				return bad("the source has no column %q%s; it has %s", c, trimtab.DidYouMean(c, names), listed(names))
			case c == d.id:
				return bad("column %q is the request id, by which a replay finds what it has sent", c)
			}
		}
		typ := types[f.Column]
		switch f.Kind {
		case trimtab.FaultUnit, trimtab.FaultShift, trimtab.FaultSign, trimtab.FaultTruncate:
			if !typ.Numeric() {
				return bad("%s works on numbers, and column %q is %s", f.Kind, f.Column, typ)
			}
		case trimtab.FaultConstant:
			if _, err := constant(f, typ); err != nil {
				return err
			}
		case trimtab.FaultSwap:
			if other := types[f.Other]; typ != other && !(typ.Numeric() && other.Numeric()) {
				return bad("column %q is %s and column %q is %s: their values cannot be exchanged", f.Column, typ, f.Other, other)
			}
		}
	}
	return nil
}

func listed(names []string) string {
	const most = 30
	s := ""
	for i, n := range names {
		if i == most {
			return s + " and " + strconv.Itoa(len(names)-most) + " more"
		}
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}

// rowsOf gives the rows of a replay with event time before to, 0 for all.
func (r *Replays) rowsOf(ctx context.Context, x trimtab.Replay) func(to trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(to trimtab.Time) iter.Seq2[*table.Table, error] {
		if to == 0 || x.To != 0 && to > x.To {
			to = x.To
		}
		return r.cfg.Source.Rows(ctx, x.Source, x.From, to)
	}
}

// examine checks the faults of a replay against the columns of its source. A
// source without rows passes: it fails the replay.
func (r *Replays) examine(ctx context.Context, x trimtab.Replay, spec trimtab.SourceSpec, id string) error {
	label := ""
	if spec.Label != nil {
		label = spec.Label.Column
	}
	for t, err := range r.rowsOf(ctx, x)(0) {
		if err != nil {
			return err
		}
		return newDrill(x.Faults, r.cfg.Columns, id).check(t.Fields(), label)
	}
	return nil
}

// rehearse makes the drill of a replay ready to run.
func (r *Replays) rehearse(ctx context.Context, x trimtab.Replay, spec trimtab.SourceSpec, id string) (*drill, error) {
	if err := r.examine(ctx, x, spec, id); err != nil {
		return nil, err
	}
	d := newDrill(x.Faults, r.cfg.Columns, id)
	return d, d.prepare(r.rowsOf(ctx, x))
}

// Plan says what each fault would hit, without sending anything. The whole source is read.
func (r *Replays) Plan(ctx context.Context, opt StartOptions) (reach []trimtab.FaultReach, err error) {
	defer trimtab.Wrap(&err, "replay.Plan(%s, %s)", opt.Endpoint, opt.Source)
	spec, id, err := r.admit(ctx, opt)
	if err != nil {
		return nil, err
	}
	x := opt.replay(spec)
	d, err := r.rehearse(ctx, x, spec, id)
	if err != nil {
		return nil, err
	}
	d.count()
	for t, err := range r.rowsOf(ctx, x)(0) {
		if err != nil {
			return nil, err
		}
		b, err := d.cells(t, len(d.faults))
		if err != nil {
			return nil, err
		}
		d.place(b)
	}
	if d.last == 0 {
		return nil, trimtab.Errorf(trimtab.Precondition, "datasource "+x.Source, "source %s has no rows with event time in %s", x.Source, span(x))
	}
	var all []*table.Table
	for t, err := range r.cfg.Source.Labels(ctx, x.Source, x.From, x.To) {
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	if _, err := d.labels(all); err != nil {
		return nil, err
	}
	return d.reach, nil
}

// firstDue is the event time from which on the source is read again by a drill that goes on at position.
func (d *drill) firstDue(x trimtab.Replay) trimtab.Time {
	late := d.longest()
	if x.Position == 0 || x.Position < math.MinInt64+late {
		return x.From
	}
	return max(x.From, x.Position-late)
}
