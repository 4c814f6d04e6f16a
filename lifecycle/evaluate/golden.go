package evaluate

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// golden reads the fixed rows of a declared source with their labels. They are taken as they are: whoever declares them
// keeps them out of training.
func (s *pass) golden(ctx context.Context) (*Rows, error) {
	g := s.spec.Golden
	if s.cfg.Source == nil {
		return nil, trimtab.Errorf(trimtab.Unsupported, "datasource "+g.Source, "this server reads no data sources: the golden rows of %q cannot be read", g.Source)
	}
	var from, to trimtab.Time
	var err error
	for _, x := range []struct {
		text string
		to   *trimtab.Time
	}{{g.From, &from}, {g.To, &to}} {
		if x.text != "" {
			if *x.to, err = trimtab.ParseTime(x.text); err != nil {
				return nil, err
			}
		}
	}
	labels := map[string]float64{}
	for t, err := range s.cfg.Source.Labels(ctx, g.Source, from, to) {
		if err != nil {
			return nil, err
		}
		id, label := t.Column(s.cfg.Columns.ID), t.Column(s.cfg.Columns.Label)
		for i := range t.Rows() {
			if y, ok := label.Float(i); ok && s.labelled(y) {
				labels[id.Strings[i]] = y
			}
		}
		if len(labels) > maxRows {
			return nil, trimtab.Errorf(trimtab.Precondition, "datasource "+g.Source, "DataSource %q has more than %d golden rows: bound them by from and to", g.Source, maxRows)
		}
	}
	rows := &Rows{}
	if len(labels) == 0 {
		return rows, nil
	}
	for t, err := range s.cfg.Source.Rows(ctx, g.Source, from, to) {
		if err != nil {
			return nil, err
		}
		id, event := t.Column(s.cfg.Columns.ID), t.Column(s.cfg.Columns.EventTime)
		var keep []int
		var times []trimtab.Time
		var label []float64
		for i := range t.Rows() {
			if y, ok := labels[id.Strings[i]]; ok {
				keep = append(keep, i)
				times = append(times, trimtab.TimeOf(event.Time(i)))
				label = append(label, y)
			}
		}
		if len(keep) == 0 {
			continue
		}
		if err := s.add(ctx, rows, times, label, nil, nil, inputs(t, s.cfg.Columns).Take(keep)); err != nil {
			return nil, err
		}
	}
	for i, t := range rows.Time {
		if i == 0 || t < rows.Start {
			rows.Start = t
		}
		rows.End = max(rows.End, t+1)
	}
	return rows, nil
}

// inputs are the columns of the file alone.
func inputs(t *table.Table, not Columns) *table.Table {
	out := table.Blank(t.Rows())
	for _, c := range t.Columns {
		if c.Name != not.ID && c.Name != not.EventTime {
			out.Columns = append(out.Columns, c)
		}
	}
	return out
}
