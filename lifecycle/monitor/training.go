package monitor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// learnt is where the training rows of a version lie.
type learnt struct {
	trimtab.Lineage
	eventTime string // their column of event time
}

// learntBy tells where the training rows of a version lie; ok is false when nobody knows.
func (s *pass) learntBy(ctx context.Context, v trimtab.Version) (l learnt, ok bool, err error) {
	if s.cfg.Models == nil || s.cfg.Blobs == nil || v == 0 {
		return l, false, nil
	}
	if l.Lineage, ok, err = s.cfg.Models.Lineage(ctx, s.endpoint.Model.Name, v); trimtab.IsKind(err, trimtab.NotFound) {
		return l, false, nil
	}
	if err != nil || !ok || l.Snapshot == "" || l.Source == "" {
		return l, false, err
	}
	r, err := s.cfg.Resources.Get(ctx, trimtab.KindDataSource, l.Source)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return l, false, nil
	}
	if err != nil {
		return l, false, err
	}
	var source trimtab.SourceSpec
	if err := json.Unmarshal(r.Spec, &source); err != nil || source.EventTime == "" {
		return l, false, nil
	}
	l.eventTime = source.EventTime
	return l, true, nil
}

// rows reads the given columns of the training rows, in batches in the order of the
// snapshot, with the event time of each row. Columns that it lacks are left out; a
// row without an event time has 0. A snapshot that cannot be read as rows is no
// reference: ok is false.
func (s *pass) rows(ctx context.Context, l learnt, columns []string, add func(t *table.Table, times []int64) error) (ok bool, err error) {
	r, err := s.cfg.Blobs.Open(ctx, l.Snapshot)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	f, err := table.OpenParquet(r, r.Size(), table.ParquetOptions{})
	if err != nil {
		return false, s.unreadable(ctx, l, err)
	}
	var have []string
	timed := false
	for _, x := range f.Fields() {
		if x.Name == l.eventTime && x.Type == table.Datetime {
			timed = true
		}
		if slices.Contains(columns, x.Name) {
			have = append(have, x.Name)
		}
	}
	if !timed || len(have) == 0 {
		return false, nil
	}
	read := have
	if !slices.Contains(read, l.eventTime) {
		read = append(slices.Clone(read), l.eventTime)
	}
	if f, err = table.OpenParquet(r, r.Size(), table.ParquetOptions{Columns: read}); err != nil {
		return false, s.unreadable(ctx, l, err)
	}
	for t, err := range f.Batches() {
		if err != nil {
			return false, s.unreadable(ctx, l, err)
		}
		at := t.Column(l.eventTime)
		times := make([]int64, at.Len())
		for i := range times {
			if !at.Null(i) {
				times[i] = at.Int64s[i] / 1e6
			}
		}
		if t, err = t.Select(have...); err != nil {
			return false, err
		}
		if err := add(t, times); err != nil {
			return false, err
		}
	}
	return true, nil
}

// unreadable logs that training rows are no reference; what went wrong with the disk is returned.
func (s *pass) unreadable(ctx context.Context, l learnt, err error) error {
	var bad *table.Error
	if !errors.As(err, &bad) {
		return err
	}
	s.cfg.Log.WarnContext(ctx, "training rows cannot be read", "project", s.ws, "monitor", s.name, "snapshot", l.Snapshot, "error", err)
	return nil
}

// training puts the training rows of the version that serves before the recent rows
// of traffic: those with an event time before all of them, the newest of them, limit
// rows in all.
func (s *pass) training(ctx context.Context, w step, current, recent *sample, t *thin, limit int) (*sample, error) {
	room := limit - recent.len()
	l, ok, err := s.learntBy(ctx, served(current.versions))
	if err != nil || !ok || room <= 0 {
		return recent, err
	}
	all, err := s.trainedOn(ctx, l, columnNames(current), t)
	if err != nil || all == nil {
		return recent, err
	}
	before := int64(w.start)
	if recent.len() > 0 {
		before = recent.times[0]
	}
	n, _ := slices.BinarySearch(all.times, before)
	if n == 0 {
		return recent, nil
	}
	rows := make([]int, min(n, room))
	for i := range rows {
		rows[i] = n - len(rows) + i
	}
	whole := &sample{table: all.table, times: all.times, digests: all.digests}
	whole.take(rows) // a copy: what is remembered stays as it is
	return whole, whole.extend(recent)
}

// trainedOn reads the newest training rows, thinned, in the order of their times; nil
// when there are none. It remembers the last ones: every window asks for them.
func (s *pass) trainedOn(ctx context.Context, l learnt, columns []string, t *thin) (*sample, error) {
	key := fmt.Sprintf("%s %s %d %s", l.Snapshot, l.eventTime, t.shift, strings.Join(columns, "\x00"))
	if x, ok := s.trainings.Get(key); ok {
		return x, nil
	}
	whole := &sample{table: table.Blank(0)}
	n := uint64(0)
	ok, err := s.rows(ctx, l, columns, func(part *table.Table, times []int64) error {
		x := &sample{table: part, times: times, digests: make([]uint64, len(times))}
		var keep []int
		for i, at := range times {
			n++
			x.digests[i] = mix(n)
			if at != 0 && t.keeps(x.digests[i]) {
				keep = append(keep, i)
			}
		}
		x.take(keep)
		if err := whole.extend(x); err != nil {
			return err
		}
		if whole.len() > 2*maxReference {
			whole.newest(maxReference)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !ok || whole.len() == 0 {
		whole = nil
	} else {
		whole.newest(maxReference)
	}
	s.trainings.Put(key, whole)
	return whole, nil
}

// keptTrainings is how many samples of training rows are kept, some 30 MB each at most for 20 columns; none ever changes.
const keptTrainings = 2

// newest keeps the n newest rows and puts them in the order of their times.
func (s *sample) newest(n int) {
	order := make([]int, s.len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.times[a], s.times[b]) })
	s.take(order[max(0, len(order)-n):])
}
