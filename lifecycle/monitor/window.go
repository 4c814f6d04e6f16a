package monitor

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// pass is one look at one monitor.
type pass struct {
	*Monitors
	ws       trimtab.Workspace
	name     string
	spec     trimtab.MonitorSpec // with defaults
	endpoint trimtab.EndpointSpec
	log      *traffic.Log
	live     bool         // the clock moves the watermark
	closed   trimtab.Time // start of the newest closed window
}

// run does what is due at the watermark.
func (s *pass) run(ctx context.Context, begin, mark trimtab.Time) (plan, error) {
	last, err := s.cfg.Windows.Last(ctx, s.name)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return plan{}, err
	}
	open, err := s.cfg.Windows.Estimated(ctx, s.name)
	if err != nil {
		return plan{}, err
	}
	looked := map[trimtab.Time]trimtab.WindowResult{}
	var spans []span
	for _, w := range open {
		looked[w.Start] = w
		spans = append(spans, span{w.Start, w.End})
	}
	closed := last
	if !last.Closed() {
		all, err := s.cfg.Windows.Recent(ctx, s.name, open[0].Start, 1)
		if err != nil {
			return plan{}, err
		}
		closed = trimtab.WindowResult{}
		if len(all) > 0 {
			closed = all[0]
		}
	}
	s.closed = closed.Start
	s.show(func(n *newest) {
		n.mark = mark
		n.take(closed)
		n.take(last)
	})
	p := schedule(s.spec, last.End, spans, begin, mark)
	for _, w := range p.steps {
		if w.phase == trimtab.WindowEstimated {
			r, err := s.look(ctx, w)
			if err != nil {
				return p, err
			}
			looked[w.start] = r
			s.show(func(n *newest) { n.take(r) })
			if s.spec.LabelMaturity > 0 { // else it closes at the same border
				err = s.put(ctx, r, "estimated")
			}
			if err != nil {
				return p, err
			}
			continue
		}
		r, err := s.close(ctx, w, looked[w.start])
		if err == nil {
			err = s.put(ctx, r, "window")
		}
		if err != nil {
			return p, err
		}
		delete(looked, w.start)
		s.closed = w.start
		s.show(func(n *newest) { n.take(r) })
		s.cfg.Log.InfoContext(ctx, "window closed", "project", s.ws, "monitor", s.name, "window", s.spec.Window.Label(w.start), "rows", r.Rows, "labelled", r.Labelled)
	}
	return p, nil
}

func (s *pass) show(change func(n *newest)) { s.gauges.set(place{s.ws, s.name}, change) }

func (s *pass) put(ctx context.Context, r trimtab.WindowResult, point string) error {
	if err := s.cfg.Windows.Put(ctx, r); err != nil {
		return err
	}
	return s.cfg.Crash(point)
}

// close measures a window whose labels have matured, after those before it were
// corrected by labels that have come since they were closed.
func (s *pass) close(ctx context.Context, w step, looked trimtab.WindowResult) (trimtab.WindowResult, error) {
	if err := s.correct(ctx, w); err != nil {
		return trimtab.WindowResult{}, err
	}
	r, err := s.measure(ctx, w, nil, true)
	if err != nil {
		return r, err
	}
	r.Served, r.Since = looked.Served, looked.Since
	r.Drift, r.Estimated, r.Reliable, r.Unreliable = looked.Drift, looked.Estimated, looked.Reliable, looked.Unreliable
	before, err := s.before(ctx, w.at)
	if err != nil {
		return r, err
	}
	earlier, err := s.cfg.Windows.Recent(ctx, s.name, w.start, remembered)
	if err != nil {
		return r, err
	}
	earlier = slices.DeleteFunc(earlier, func(x trimtab.WindowResult) bool { return !x.Closed() })
	first, err := s.first(ctx, r)
	if err != nil {
		return r, err
	}
	history := append(slices.Clip(earlier), r)
	moves, err := labelsStop.moves(ctx, s, w, r, earlier, before, false)
	if err != nil {
		return r, err
	}
	gap, err := s.gap(ctx, w, w.span, before)
	if err != nil {
		return r, err
	}
	moves = append(moves, gap...)
	moves = append(moves, s.decayed(w, history, first, s.open(before, trimtab.Decay))...)
	moves = append(moves, s.calibrated(w, history, s.open(before, trimtab.Miscalibration))...)
	r.Incidents, err = s.found(ctx, w, moves)
	return r, err
}

// measure computes the figures of a window from the labels known at a border. With
// only, rows that are not in it are left away; without compared, versions are not scored.
func (s *pass) measure(ctx context.Context, w step, only map[uint64]bool, compared bool) (r trimtab.WindowResult, err error) {
	known, err := s.known(ctx, w.at)
	if err != nil {
		return r, err
	}
	holds := known.holds(w.span)
	t, scores := newTally(s.name, s.spec.Endpoint, w.start, w.end, w.at), &comparison{s: s}
	if compared {
		if scores, err = s.scores(ctx, w); err != nil {
			return r, err
		}
	}
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: w.start, End: w.end, KnownBy: w.at, Inputs: scores.wanted()}) {
		if err != nil {
			return r, err
		}
		kept := make([]bool, rows.Len())
		for i := range kept {
			if only != nil && !only[digest(rows.IDs[i])] {
				continue
			}
			out := holds.of(rows.EventTimes[i], rows.Quarantine[i])
			kept[i] = out == counts
			t.add(traffic.Joined{ID: rows.IDs[i], EventTime: rows.EventTimes[i], Version: rows.Versions[i], Output: rows.Output[i], Score: rows.Score[i],
				Late: rows.Late[i], Label: rows.Label[i], HasLabel: rows.HasLabel[i]}, out)
		}
		if err := scores.add(ctx, rows, kept); err != nil {
			return r, err
		}
	}
	r = t.close(s.spec.Performance)
	r.Workspace = s.ws
	r.Scores = scores.losses()
	return r, nil
}

// correctedWindows is how many windows back labels that come late still correct.
const correctedWindows = 3

// correct measures the windows before one again, with what has become known up to its
// border: labels that came late, and rows that a person has released. Predictions
// that came after a window was closed stay out of it. Drift, estimate and decisions
// stay what they were.
func (s *pass) correct(ctx context.Context, w step) error {
	earlier, err := s.cfg.Windows.Recent(ctx, s.name, w.start, correctedWindows)
	if err != nil {
		return err
	}
	known, err := s.before(ctx, w.at)
	if err != nil {
		return err
	}
	for _, x := range earlier {
		if !x.Closed() || x.Through >= w.at || x.Rows == 0 {
			continue
		}
		closed := min(x.Through, x.End.Add(time.Duration(s.spec.LabelMaturity)))
		only := make(map[uint64]bool, x.Rows)
		for j, err := range s.log.Window(ctx, x.Start, x.End, closed) {
			if err != nil {
				return err
			}
			only[digest(j.ID)] = true
		}
		at := step{span{x.Start, x.End}, w.at, trimtab.WindowClosed}
		r, err := s.measure(ctx, at, only, false)
		if err != nil {
			return err
		}
		if r.Labelled == x.Labelled && r.Positives == x.Positives && trimtab.StateDigest(r.Quality) == trimtab.StateDigest(x.Quality) {
			continue
		}
		if r, err = s.measure(ctx, at, only, true); err != nil {
			return err
		}
		fixed := x
		fixed.Labelled, fixed.Positives, fixed.Held, fixed.Quarantined, fixed.Through = r.Labelled, r.Positives, r.Held, r.Quarantined, r.Through
		fixed.Quality, fixed.Calibration, fixed.Scores, fixed.Reason = r.Quality, r.Calibration, r.Scores, r.Reason
		fixed.Revision++
		if r.Labelled > x.Labelled {
			if err := s.apply(ctx, s.wereLate(known, x, w.at)); err != nil {
				return err
			}
		}
		if err := s.put(ctx, fixed, "corrected"); err != nil {
			return err
		}
		s.cfg.Log.InfoContext(ctx, "window corrected", "project", s.ws, "monitor", s.name, "window", s.spec.Window.Label(x.Start), "labelled", r.Labelled, "before", x.Labelled)
	}
	return nil
}

// first are the first closed windows of the service that a window belongs to.
func (s *pass) first(ctx context.Context, r trimtab.WindowResult) ([]trimtab.WindowResult, error) {
	of, ok := firstOf(s.spec.Window, r.Since, r.Start)
	if !ok {
		return nil, nil
	}
	all, err := s.cfg.Windows.Recent(ctx, s.name, of.end, 2*remembered)
	return slices.DeleteFunc(all, func(x trimtab.WindowResult) bool { return !x.Closed() || x.Start < of.start }), err
}

// served is the version that answered most of the rows, the newer one of two; 0 for none.
func served(answered map[trimtab.Version]int64) (v trimtab.Version) {
	for x, n := range answered {
		if c := cmp.Compare(n, answered[v]); c > 0 || c == 0 && x > v {
			v = x
		}
	}
	return v
}

func versionText(v trimtab.Version) string { return strconv.FormatInt(int64(v), 10) }
