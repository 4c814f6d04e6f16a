package monitor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
	"github.com/trimtab/trimtab/storage/traffic"
)

const (
	leastExamined = 30  // rows of a window of which something can be said
	leastLearnt   = 100 // rows of a reference
	goodWindows   = 4   // of a reference, unless the spec says otherwise
)

// diagnose looks for faults in the rows of a window and brings the incidents up to
// date. Of several monitors of an endpoint one diagnoses.
func (s *pass) diagnose(ctx context.Context, w step) error {
	if s.cfg.Incidents == nil || s.spec.Diagnosis.Off {
		return nil
	}
	if ok, err := s.leads(ctx, func(spec trimtab.MonitorSpec) bool { return !spec.Diagnosis.Off }); err != nil || !ok {
		return err
	}
	known, err := s.before(ctx, w.at)
	if err != nil {
		return err
	}
	findings, ok, err := s.examine(ctx, w, known)
	if err != nil || !ok {
		return err
	}
	e := examined{span: w.span, at: w.at, monitor: s.name, endpoint: s.spec.Endpoint, confidence: s.spec.Diagnosis.Confidence, loose: s.spec.Diagnosis.Hold != nil && !*s.spec.Diagnosis.Hold, findings: findings}
	return s.apply(ctx, e.moves(s.openOf(known, func(i trimtab.Incident) bool { return i.Kind == trimtab.DataFault && i.Fault != diagnose.Volume })))
}

// apply makes the moves, one transaction each: each is idempotent.
func (s *pass) apply(ctx context.Context, moves []move) error {
	for _, m := range moves {
		i, err := s.cfg.Incidents.Move(ctx, m.id, m.rule)
		if err != nil {
			return err
		}
		if i.ID != "" {
			s.cfg.Log.InfoContext(ctx, "incident", "project", s.ws, "monitor", s.name, "id", i.ID, "kind", i.Kind, "hold", i.Hold, "closed", i.Closed != 0)
		}
		if err := s.cfg.Crash("incident"); err != nil {
			return err
		}
	}
	return nil
}

// leads reports whether it is this monitor that does what is done once for the
// endpoint: that with the shortest window, of equal ones the first by name, among
// those that can.
func (s *pass) leads(ctx context.Context, can func(spec trimtab.MonitorSpec) bool) (bool, error) {
	all, err := s.of(ctx, s.ws, s.spec.Endpoint)
	if err != nil {
		return false, err
	}
	length := func(w trimtab.Window) time.Duration {
		start, end := w.Bounds(0)
		return end.Sub(start)
	}
	mine := length(s.spec.Window)
	for _, d := range all {
		other := length(d.spec.Window)
		if can(d.spec) && (other < mine || other == mine && d.name < s.name) {
			return false, nil
		}
	}
	return true, nil
}

// examine compares the rows of a window with good rows; ok is false when there are too few of either.
func (s *pass) examine(ctx context.Context, w step, known knowledge) (found []diagnose.Finding, ok bool, err error) {
	everything := func(trimtab.Time, string) bool { return false }
	var t thin
	// Rows that a contract quarantined are examined too: their absence would be a fault of its own.
	current, err := s.read(ctx, traffic.Query{Start: w.start, End: w.end, KnownBy: w.at, Inputs: true}, &t, maxSample, everything)
	if err != nil || current.len() < leastExamined {
		return nil, false, err
	}
	limit := min(max(perRow*current.len(), fewReference), maxReference)
	recent, err := s.recent(ctx, w, known, &t, limit)
	if err != nil {
		return nil, false, err
	}
	if recent.len() > 0 && s.familiar(current, recent) {
		// The columns that these versions have had: one of them may have lost all of its values.
		query := traffic.Query{Start: w.start, End: w.end, KnownBy: w.at, Inputs: true, Columns: columnNames(recent)}
		if current, err = s.read(ctx, query, &t, 0, everything); err != nil {
			return nil, false, err
		}
	}
	if len(current.table.Columns) == 0 {
		return nil, false, nil
	}
	reference, err := s.training(ctx, w, current, recent, &t, limit)
	if err != nil || reference.len() < leastLearnt {
		return nil, false, err
	}
	learnt, err := diagnose.Fit(reference.diagnosed(0, 0), diagnose.Options{})
	if err == nil {
		found, err = learnt.Examine(current.diagnosed(w.start, w.end))
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "a window cannot be diagnosed", "project", s.ws, "monitor", s.name, "window", w.start, "error", err)
		return nil, false, nil
	}
	return found, true, nil
}

func columnNames(x *sample) (names []string) {
	for _, c := range x.table.Columns {
		names = append(names, c.Name)
	}
	return names
}

// familiar reports whether a version that answers now has answered rows of the reference: its columns are known from there.
func (s *pass) familiar(current, recent *sample) bool {
	for v := range current.versions {
		if recent.versions[v] > 0 {
			return true
		}
	}
	return false
}

// recent reads good rows before a window: neither held nor quarantined, back until
// they span what the spec wants or are as many as fit.
func (s *pass) recent(ctx context.Context, w step, known knowledge, t *thin, limit int) (*sample, error) {
	span := time.Duration(s.spec.Diagnosis.Reference)
	if span == 0 {
		span = goodWindows * w.end.Sub(w.start)
	}
	begin, ok := s.log.Begin()
	if !ok {
		return &sample{}, nil
	}
	doubtful := known.doubted(goodWindows * w.end.Sub(w.start))
	from := goodSince(w.start, span, doubtful.holds(spanOf(begin, w.start)))
	holds := doubtful.holds(spanOf(from, w.start))
	bad := func(at trimtab.Time, rule string) bool { return holds.of(at, rule) != counts }
	var parts []*sample
	rows := 0
	for to := w.start; to > from && to > begin && rows < limit; {
		start := max(from, to-(w.end-w.start))
		part, err := s.read(ctx, traffic.Query{Start: start, End: to, KnownBy: w.at, Inputs: true}, t, 0, bad)
		if err != nil {
			return nil, err
		}
		rows += part.len()
		parts = append(parts, part)
		to = start
	}
	whole := &sample{versions: map[trimtab.Version]int64{}}
	for _, p := range slices.Backward(parts) {
		if err := whole.extend(p); err != nil {
			return nil, err
		}
		for v, n := range p.versions {
			whole.versions[v] += n
		}
	}
	return whole, nil
}

func spanOf(start, end trimtab.Time) span { return span{start, end} }

// reach bounds how many times the wanted span is looked back over held ones.
const reach = 6

// goodSince is the moment from which on there is so much time before `before` that
// no hold covers; held time is looked back over, up to a multiple of the span.
func goodSince(before trimtab.Time, want time.Duration, holds []trimtab.Hold) trimtab.Time {
	limit := before.Add(-reach * want)
	from := before.Add(-want)
	for {
		covered := trimtab.Time(0)
		last := from
		for _, h := range sortedHolds(holds) {
			to := h.To
			if to == 0 || to > before {
				to = before
			}
			if start := max(h.From, last); h.Rule == "" && !h.Released && to > start {
				covered += to - start
				last = to
			}
		}
		next := max(before.Add(-want)-covered, limit)
		if next >= from {
			return from
		}
		from = next
	}
}

func sortedHolds(holds []trimtab.Hold) []trimtab.Hold {
	out := slices.Clone(holds)
	slices.SortFunc(out, func(a, b trimtab.Hold) int { return cmp.Compare(a.From, b.From) })
	return out
}
