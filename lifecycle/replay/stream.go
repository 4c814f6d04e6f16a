package replay

import (
	"context"
	"iter"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Source gives the rows and labels of declared sources in order.
type Source interface {
	Source(ctx context.Context, name string) (trimtab.SourceSpec, error)
	// Rows yields rows with event time in [from, to) by event time; to 0 is no end.
	Rows(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error]
	// Labels yields the known labels of those rows by known-at.
	Labels(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error]
}

// Columns names the columns that Source adds to rows and labels.
type Columns struct{ ID, EventTime, KnownAt, Label string }

// milliseconds reads a datetime column.
func milliseconds(c *table.Column, i int) trimtab.Time { return trimtab.Time(c.Int64s[i] / 1e6) }

// pull steps through a sequence of tables row by row.
type pull struct {
	next func() (*table.Table, error, bool)
	stop func()
	t    *table.Table
	at   int
}

func newPull(seq iter.Seq2[*table.Table, error]) *pull {
	p := &pull{}
	p.next, p.stop = iter.Pull2(seq)
	return p
}

// fill makes sure that a row stands at p.at; false when there is none left.
func (p *pull) fill() (bool, error) {
	for p.t == nil || p.at >= p.t.Rows() {
		t, err, ok := p.next()
		if err != nil {
			return false, err
		}
		if !ok {
			p.t = nil
			return false, nil
		}
		p.t, p.at = t, 0
	}
	return true, nil
}

// rowStream is the source's rows as requests carry them.
type rowStream struct {
	pull
	names Columns
	id    string // the endpoint's own column of request ids, "" when ids are row ids
	last  *table.Table
	out   *table.Table
	times *table.Column
}

// peek returns when the next row is to be sent: its event time, but for delayed ones.
func (s *rowStream) peek() (trimtab.Time, bool, error) {
	ok, err := s.fill()
	if err != nil || !ok {
		return 0, false, err
	}
	if s.t != s.last {
		s.last = s.t
		s.times = s.t.Column(s.names.EventTime)
		if s.times == nil || s.times.Type != table.Datetime {
			return 0, false, trimtab.Errorf(trimtab.Internal, "replay", "the source gives no column %s", s.names.EventTime)
		}
		if due := s.t.Column(dueColumn); due != nil {
			s.times = due
		}
		s.out = &table.Table{}
		for _, c := range s.t.Columns {
			d := *c
			switch c.Name {
			case s.names.ID:
				if s.id != "" {
					continue
				}
				d.Name = traffic.ReplayIDColumn
			case s.names.EventTime:
				d.Name = traffic.ReplayTimeColumn
			case dueColumn:
				continue
			}
			s.out.Columns = append(s.out.Columns, &d)
		}
	}
	return milliseconds(s.times, s.at), true, nil
}

// take returns the next rows with event times before until (0: no limit), at most most of them.
func (s *rowStream) take(until trimtab.Time, most int) (t *table.Table, lo, hi int) {
	lo, hi = s.at, s.at
	for hi < s.t.Rows() && hi-lo < most && (until == 0 || milliseconds(s.times, hi) < until) {
		hi++
	}
	s.at = hi
	return s.out, lo, hi
}

// labelStream is the source's labels.
type labelStream struct {
	pull
	names Columns
	id    string
	last  *table.Table
	rows  labelRows
}

// labelRows are the columns of a batch of labels.
type labelRows struct{ ids, values, times, known *table.Column }

func (s *labelStream) peek() (trimtab.Time, bool, error) {
	ok, err := s.fill()
	if err != nil || !ok {
		return 0, false, err
	}
	if s.t != s.last {
		s.last = s.t
		id := s.names.ID
		if s.id != "" {
			id = s.id
		}
		s.rows = labelRows{s.t.Column(id), s.t.Column(s.names.Label), s.t.Column(s.names.EventTime), s.t.Column(s.names.KnownAt)}
		if s.rows.ids == nil || s.rows.values == nil || s.rows.times == nil || s.rows.known == nil {
			return 0, false, trimtab.Errorf(trimtab.Internal, "replay", "the source's labels lack one of the columns %s, %s, %s, %s", id, s.names.Label, s.names.EventTime, s.names.KnownAt)
		}
	}
	return milliseconds(s.rows.known, s.at), true, nil
}

func (s *labelStream) take(until trimtab.Time, most int) (l *labelRows, lo, hi int) {
	lo, hi = s.at, s.at
	for hi < s.t.Rows() && hi-lo < most && milliseconds(s.rows.known, hi) <= until {
		hi++
	}
	s.at = hi
	return &s.rows, lo, hi
}
