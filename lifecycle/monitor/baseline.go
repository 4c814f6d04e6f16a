package monitor

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

const (
	retain        = 1 << 23            // numbers that a profile in the making keeps: 64 MiB
	firstWindows  = 4                  // of a version's service at least, as a reference
	firstSpan     = 7 * 24 * time.Hour // and at least so long: a week has all hours and weekdays
	leastProfiled = 100                // rows of a reference
	maxBlocks     = 64
)

// maxBaselines is how many references are kept.
const maxBaselines = 16

// feed hands out rows of a reference: batches and the event time of each row.
type feed func(add func(t *table.Table, times []int64) error) error

// build makes a baseline in two passes over its rows: one for the edges, one for
// the counts of its parts. nil when there are too few rows.
func (s *pass) build(name string, window time.Duration, rows feed) (*baseline, error) {
	b := profile.NewBuilder(profile.Options{Retain: retain})
	var n, first, last int64
	err := rows(func(t *table.Table, times []int64) error {
		for _, at := range times {
			if n++; n == 1 || at < first {
				first = at
			}
			last = max(last, at)
		}
		return b.Add(t)
	})
	if err != nil || n < leastProfiled {
		return nil, err
	}
	p, err := b.Finish()
	if err != nil {
		return nil, err
	}
	out := &baseline{name: name, profile: p}
	length, ok := blockLength(last-first, window.Milliseconds())
	if !ok {
		return out, nil
	}
	parts := p.NewBlocks()
	err = rows(func(t *table.Table, times []int64) error {
		groups := map[int64][]int{}
		for i, at := range times {
			groups[(at-first)/length] = append(groups[(at-first)/length], i)
		}
		for k, rows := range groups {
			if err := parts.Add(k, t.Take(rows)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if blocks := parts.Finish(); len(blocks.Counts) >= leastBlocks {
		out.blocks = blocks
	}
	return out, nil
}

// leastBlocks is how many parts of a reference tell how much they differ.
const leastBlocks = 4

// blockLength is the length of the parts into which a reference of the given length
// is cut: as long as a window, which tells best how far windows differ; days when
// those are few; ok is false when those are too.
func blockLength(whole, window int64) (length int64, ok bool) {
	blocks := func(length int64) int64 { return whole/length + 1 }
	switch {
	case blocks(window) >= 2*leastBlocks:
		length = window
	case blocks(int64(dayMS)) >= leastBlocks:
		length = int64(dayMS)
	case blocks(window) >= leastBlocks:
		length = window
	default:
		return 0, false
	}
	return max(length, whole/maxBlocks+1), true
}

// trained is the baseline of the given columns in what a version has learnt from; nil when nobody has it.
func (s *pass) trained(ctx context.Context, v trimtab.Version, columns []string, window time.Duration) (*baseline, error) {
	l, ok, err := s.learntBy(ctx, v)
	if err != nil || !ok {
		return nil, err
	}
	key := fmt.Sprintf("%s %s %d %s", l.Snapshot, window, v, strings.Join(columns, "\x00"))
	if b, ok := s.references.Get(key); ok {
		return b, nil
	}
	readable := true
	b, err := s.build(fmt.Sprintf("training of version %d", v), window, func(add func(*table.Table, []int64) error) error {
		ok, err := s.rows(ctx, l, columns, add)
		readable = readable && ok
		return err
	})
	if err != nil {
		return nil, s.unprofiled(ctx, "training", err)
	}
	if !readable {
		b = nil
	}
	s.references.Put(key, b)
	return b, nil
}

// unprofiled logs that rows are no reference; other errors are returned.
func (s *pass) unprofiled(ctx context.Context, of string, err error) error {
	if _, ok := err.(*profile.Error); !ok {
		return err
	}
	s.cfg.Log.WarnContext(ctx, "rows are no reference of drift", "project", s.ws, "monitor", s.name, "of", of, "error", err)
	return nil
}

// passed is the baseline of what came in a span before a window, without the rows
// that are kept out. columns nil: of the score alone.
func (s *pass) passed(ctx context.Context, name string, of span, w step, v trimtab.Version, columns []string, known knowledge) (*baseline, error) {
	holds := known.holds(of)
	h := fnv.New64a()
	fmt.Fprintf(h, "%v", []trimtab.Hold(holds))
	key := fmt.Sprintf("%s/%s %s %d %d %d %s %x", s.ws, s.spec.Endpoint, name, of.start, of.end, v, strings.Join(columns, "\x00"), h.Sum64())
	if b, ok := s.references.Get(key); ok {
		return b, nil
	}
	q := traffic.Query{Start: of.start, End: of.end, KnownBy: w.at, Inputs: columns != nil, Columns: columns}
	b, err := s.build(name, w.end.Sub(w.start), func(add func(*table.Table, []int64) error) error {
		for rows, err := range s.log.Tables(ctx, q) {
			if err != nil {
				return err
			}
			var keep []int
			var times []int64
			for i, t := range rows.EventTimes {
				if holds.of(t, rows.Quarantine[i]) == counts && (v == 0 || rows.Versions[i] == v) {
					keep, times = append(keep, i), append(times, int64(t))
				}
			}
			t := scoresOf(rows, keep)
			if columns != nil {
				t = rows.Inputs.Take(keep)
			}
			if err := add(t, times); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.unprofiled(ctx, name, err)
	}
	if b != nil && b.blocks == nil {
		b = nil // so short a time does not tell how much windows differ
	}
	s.references.Put(key, b)
	return b, nil
}

// scoresOf is the score of rows as a table of one column.
func scoresOf(rows *traffic.Rows, keep []int) *table.Table {
	c := table.NewColumn(scoreColumn, table.Float64, len(keep))
	for _, i := range keep {
		c.AppendFloat64(rows.Score[i])
	}
	t := table.Blank(len(keep))
	t.Columns = append(t.Columns, c)
	return t
}

// firstOf is the span of the first windows of a version's service, as far as they end before a window.
func firstOf(window trimtab.Window, since, before trimtab.Time) (of span, ok bool) {
	of.start = since
	for at, n := since, 0; n < firstWindows || at < since.Add(firstSpan); n++ {
		_, end := window.Bounds(at)
		if end <= at || end > before {
			break
		}
		of.end, at, ok = end, end, true
	}
	return of, ok
}
