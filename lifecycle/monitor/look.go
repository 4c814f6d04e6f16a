package monitor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/profile"
	"github.com/trimtab/trimtab/storage/traffic"
)

// remembered is how many windows before one are looked at again.
const remembered = 12

// look finds what can be found without labels in a window that has ended: what its
// rows are, whether they are wrong, whether they have moved, how good the answers
// probably are. What is wrong is an incident before the window says so.
func (s *pass) look(ctx context.Context, w step) (r trimtab.WindowResult, err error) {
	if err := s.diagnose(ctx, w); err != nil {
		return r, err
	}
	before, err := s.before(ctx, w.at)
	if err != nil {
		return r, err
	}
	known, err := s.known(ctx, w.at)
	if err != nil {
		return r, err
	}
	earlier, err := s.cfg.Windows.Recent(ctx, s.name, w.start, remembered)
	if err != nil {
		return r, err
	}
	holds := known.holds(w.span)
	t := newTally(s.name, s.spec.Endpoint, w.start, w.end, w.end)
	for j, err := range s.log.Window(ctx, w.start, w.end, w.end) {
		if err != nil {
			return r, err
		}
		j.HasLabel = false
		t.add(j, holds.of(j.EventTime, j.Quarantine))
	}
	r = t.look(w.end.Add(time.Duration(s.spec.LabelMaturity)))
	r.Workspace = s.ws
	r.Served, r.Since = service(served(t.versions), w.start, earlier)
	if err := s.judge(ctx, w, r, earlier); err != nil {
		return r, err
	}
	if err := s.drift(ctx, w, &r, earlier, known); err != nil {
		return r, err
	}
	if err := s.estimate(ctx, w, &r, known); err != nil {
		return r, err
	}
	moves, err := s.drifts(ctx, w, r, earlier, s.open(before, trimtab.Drift))
	if err != nil {
		return r, err
	}
	came, err := s.came(ctx, w, r, earlier, before)
	if err != nil {
		return r, err
	}
	r.Incidents, err = s.found(ctx, w, append(moves, came...))
	return r, err
}

// open are the incidents of a kind that this monitor has open.
func (s *pass) open(known knowledge, kind trimtab.IncidentKind) (out []trimtab.Incident) {
	for _, i := range known {
		if i.Kind == kind && i.Closed == 0 && s.own(i) {
			out = append(out, i)
		}
	}
	return out
}

// found makes the moves and names the incidents that touch the window after them.
func (s *pass) found(ctx context.Context, w step, moves []move) ([]string, error) {
	if s.cfg.Incidents == nil {
		return nil, nil
	}
	if err := s.apply(ctx, moves); err != nil {
		return nil, err
	}
	known, err := s.known(ctx, w.at)
	return known.in(w.span), err
}

// heldPart: with more than one in so many rows held, the others are no picture of the window.
const heldPart = 5

// judge has the endpoint's contracts judge the window, once for all its monitors.
func (s *pass) judge(ctx context.Context, w step, r trimtab.WindowResult, earlier []trimtab.WindowResult) error {
	if s.cfg.Contracts == nil {
		return nil
	}
	if ok, err := s.leads(ctx, func(trimtab.MonitorSpec) bool { return true }); err != nil || !ok {
		return err
	}
	c := trimtab.ContractWindow{Monitor: s.name, Endpoint: s.spec.Endpoint, Start: w.start, End: w.end, At: w.at, Quarantined: r.Quarantined}
	for _, x := range earlier {
		c.History = append(c.History, x.Rows)
	}
	if _, err := s.cfg.Contracts.Judge(ctx, c, s.log.Tables(ctx, traffic.Query{Start: w.start, End: w.end, KnownBy: w.at, Inputs: true})); err != nil {
		return err
	}
	return s.cfg.Crash("judged")
}

// service is the version that serves in a window and the start of its first window.
func service(v trimtab.Version, start trimtab.Time, earlier []trimtab.WindowResult) (trimtab.Version, trimtab.Time) {
	if len(earlier) == 0 {
		return v, start
	}
	last := earlier[len(earlier)-1]
	if last.Since != 0 && (v == 0 || v == last.Served) {
		return last.Served, last.Since
	}
	return v, start
}

// compared are the counts of a window against one baseline.
type compared struct {
	*baseline
	counts  *profile.Counts
	columns []string
	score   bool
}

// drift compares inputs and score of a window with their references.
func (s *pass) drift(ctx context.Context, w step, r *trimtab.WindowResult, earlier []trimtab.WindowResult, known knowledge) error {
	if s.spec.Drift.Off || r.Served == 0 {
		return nil
	}
	q := traffic.Query{Start: w.start, End: w.end, KnownBy: w.at, Inputs: true}
	if last := len(earlier) - 1; last >= 0 && earlier[last].Served == r.Served {
		for _, d := range earlier[last].Drift { // one of them may have lost all of its values
			if d.Column != scoreColumn {
				q.Columns = append(q.Columns, d.Column)
			}
		}
	}
	holds := known.holds(w.span)
	var all []*compared
	for rows, err := range s.log.Tables(ctx, q) {
		if err != nil {
			return err
		}
		if all == nil {
			var columns []string
			for _, c := range rows.Inputs.Columns {
				columns = append(columns, c.Name)
			}
			if all, err = s.comparisons(ctx, w, r, columns, known); err != nil || len(all) == 0 {
				return err
			}
		}
		var keep []int
		for i, t := range rows.EventTimes {
			if holds.of(t, rows.Quarantine[i]) == counts {
				keep = append(keep, i)
			}
		}
		for _, c := range all {
			t := scoresOf(rows, keep)
			if !c.score {
				t = rows.Inputs.Take(keep)
			}
			if err := c.profile.CountInto(c.counts, t); err != nil {
				return err
			}
		}
	}
	for _, c := range all {
		found, err := compare(c.baseline, c.counts, s.spec.Drift, c.columns)
		if err != nil {
			return err
		}
		r.Drift = append(r.Drift, found...)
	}
	if r.Held*heldPart > r.Rows {
		for i := range r.Drift { // morning hours are no day
			r.Drift[i].State, r.Drift[i].Why = string(profile.Unknown), fmt.Sprintf("%d of %d rows are held", r.Held, r.Rows)
		}
	}
	persist(r.Drift, earlier, s.spec.Drift.Confirm, s.spec.Drift.Of)
	return nil
}

// comparisons finds the references of the columns of a window and of the score. A
// column without one is not compared.
func (s *pass) comparisons(ctx context.Context, w step, r *trimtab.WindowResult, columns []string, known knowledge) (all []*compared, err error) {
	d := s.spec.Drift
	wanted := func(name string) bool {
		return (len(d.Columns) == 0 || slices.Contains(d.Columns, name)) && !slices.Contains(d.Except, name)
	}
	columns = slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return !wanted(c) })
	slices.Sort(columns)
	add := func(b *baseline, score bool) {
		if b == nil {
			return
		}
		c := &compared{baseline: b, counts: b.profile.NewCounts(), score: score}
		for _, x := range b.profile.Columns {
			c.columns = append(c.columns, x.Name)
		}
		columns = slices.DeleteFunc(columns, func(x string) bool { return !score && slices.Contains(c.columns, x) })
		all = append(all, c)
	}
	scored := wanted(scoreColumn) && !slices.Contains(columns, scoreColumn)
	var of span
	ok, name, version := false, "", r.Served
	if span, err := trimtab.ParseDuration(d.Reference); err == nil && span > 0 {
		begin, _ := s.log.Begin()
		of = spanOf(max(begin, w.start.Add(-time.Duration(span))), w.start)
		ok, name, version = of.start < of.end, d.Reference+" before", 0
	} else {
		if len(columns) > 0 {
			b, err := s.trained(ctx, r.Served, columns, w.end.Sub(w.start))
			if err != nil {
				return nil, err
			}
			add(b, false)
		}
		of, ok = firstOf(s.spec.Window, r.Since, w.start)
		name = "first windows of version " + versionText(r.Served)
	}
	if !ok {
		return all, nil
	}
	if len(columns) > 0 {
		b, err := s.passed(ctx, name, of, w, version, slices.Clone(columns), known)
		if err != nil {
			return nil, err
		}
		add(b, false)
	}
	if scored {
		b, err := s.passed(ctx, name, of, w, r.Served, nil, known)
		if err != nil {
			return nil, err
		}
		add(b, true)
	}
	return all, nil
}
