package monitor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
	"github.com/trimtab/trimtab/storage/traffic"
)

// What is wrong with traffic or labels that have not stopped.
const (
	fewer = "fewer" // than usual came
	late  = "late"  // later than usual
)

// becameUsual closes what goes on for so long that it is what is usual from then on.
const becameUsual = "it goes on, and has become usual"

// flow is what Compare says of one kind of counts of a window.
type flow struct {
	diagnose.Change
	now    *census
	before []*census
}

// found reports whether something is unusual.
func (f flow) found() bool { return f.Hi > 0 }

// begin and end are the event times between which it is; whole says that it is all of the window.
func (f flow) begin() trimtab.Time { return f.now.at(f.Lo) }
func (f flow) end() trimtab.Time   { return f.now.at(f.Hi) }
func (f flow) whole() bool         { return f.Lo == 0 && f.end() == f.now.end }

// compare sets counts of a window beside those of the windows before it. Time that an incident of these kinds covers
// tells nothing, unless it has become usual: then nothing before it does.
func (s *pass) compare(ctx context.Context, w step, known knowledge, kinds func(trimtab.Incident) bool, counts func(c *census) diagnose.Flow) (f flow, err error) {
	if s.cfg.Incidents == nil {
		return f, nil
	}
	if f.now, err = s.censusOf(ctx, w.span, w.at); err != nil {
		return f, err
	}
	if f.before, err = s.counted(ctx, w); err != nil {
		return f, err
	}
	since, _ := s.log.Begin()
	var odd []span
	for _, i := range known {
		switch {
		case !kinds(i) || i.Begin >= w.start:
		case i.Closed != 0 && strings.Contains(i.Note, becameUsual):
			since = max(since, i.Begin)
		case i.Closed != 0:
			odd = append(odd, span{i.Begin, i.End})
		default:
			odd = append(odd, span{i.Begin, w.start})
		}
	}
	var earlier []diagnose.Flow
	covered := time.Duration(0)
	for _, c := range f.before {
		x := c.without(counts(c), since, odd)
		for _, n := range x.Count {
			if !math.IsNaN(n) {
				covered += c.bin
			}
		}
		earlier = append(earlier, x)
	}
	now := counts(f.now)
	if now.Of == nil && !s.live && w.phase == trimtab.WindowEstimated {
		unfinished(now.Count)
	}
	if covered >= firstSpan { // it takes a week to see all hours and weekdays
		f.Change, _ = diagnose.Compare(earlier, now, s.spec.Stopped)
	}
	return f, nil
}

// unfinished blanks what follows the last row of a window, and the bin of that row. Where somebody drives event time, as
// a replay does, traffic may have ended there: that it has not, the next rows tell.
func unfinished(counts []float64) {
	last := len(counts) - 1
	if counts[last] > 0 {
		return
	}
	for last > 0 && counts[last] == 0 {
		last--
	}
	for i := last; i < len(counts); i++ {
		counts[i] = math.NaN()
	}
}

// gap is an incident of rows that were missing up to the end of a window, now that more have come after it: at its
// closing, or at the look at the next one.
func (s *pass) gap(ctx context.Context, w step, of span, known knowledge) ([]move, error) {
	x := rowsStop
	if s.live || s.cfg.Incidents == nil || len(s.open(known, x.kind)) > 0 {
		return nil, nil
	}
	c, err := s.censusOf(ctx, of, of.end)
	if err != nil || c.rows[len(c.rows)-1] > 0 || sumOf(c.rows) == 0 {
		return nil, err
	}
	more := false
	for rows, err := range s.log.Tables(ctx, traffic.Query{Start: of.end, End: w.at, KnownBy: w.at, MaxRows: 1}) {
		if err != nil {
			return nil, err
		}
		more = more || rows.Len() > 0
	}
	if !more {
		return nil, nil
	}
	f, err := s.rowsOf(ctx, step{of, of.end, trimtab.WindowClosed}, known)
	if err != nil || !f.found() || !f.Fewer() || f.end() != of.end {
		return nil, err
	}
	since, err := s.censusOf(ctx, spanOf(f.begin(), of.end), w.at)
	if err != nil {
		return nil, err
	}
	i := f.incident(s, w, x.kind, fewer, x.noun, fmt.Sprintf("%s came%s where %.0f are usual", x.text(f.Count), f.spanText(), f.Usual), x.remedy)
	i.End, i.Closed, i.Note = of.end, w.at, "it has come back"+x.since(f.Count, f.Usual-f.Count, sumOf(x.count(since)))
	return []move{openIncident(i)}, nil
}

// since says what has become of what was missing.
func (x stop) since(came, missing, now float64) string {
	switch got := now - came; {
	case got >= 0.9*missing:
		return "; what was missing has come since: it was late"
	case got >= 0.1*missing:
		return fmt.Sprintf("; %.0f%% of what was missing has come since, late", 100*got/missing)
	}
	return "; what was missing has not come"
}

// aboutRows are incidents in whose time the number of rows is not what is usual.
func aboutRows(i trimtab.Incident) bool {
	return i.Kind == trimtab.TrafficStopped || i.Kind == trimtab.DataFault && (i.Fault == diagnose.Volume || i.Fault == diagnose.Duplicate)
}

func aboutLabels(i trimtab.Incident) bool { return i.Kind == trimtab.LabelsStopped }

func aboutDelay(i trimtab.Incident) bool { return i.Kind == trimtab.TrafficStopped && i.Fault == late }

// rowsOf compares the number of rows.
func (s *pass) rowsOf(ctx context.Context, w step, known knowledge) (flow, error) {
	return s.compare(ctx, w, known, aboutRows, func(c *census) diagnose.Flow { return c.flow(c.rows, nil) })
}

// labelsOf compares the share of rows with a label.
func (s *pass) labelsOf(ctx context.Context, w step, known knowledge) (flow, error) {
	return s.compare(ctx, w, known, aboutLabels, func(c *census) diagnose.Flow { return c.flow(c.labelled, c.rows) })
}

// delayOf compares the share of rows that came before the watermark had passed them.
func (s *pass) delayOf(ctx context.Context, w step, known knowledge) (flow, error) {
	return s.compare(ctx, w, known, aboutDelay, func(c *census) diagnose.Flow { return c.flow(c.punctual, c.rows) })
}

// incident is what is unusual as an incident; one that is over within the window is closed.
func (f flow) incident(s *pass, w step, kind trimtab.IncidentKind, fault, noun, cause, remedy string) trimtab.Incident {
	i := trimtab.Incident{
		ID: trimtab.IncidentID(s.spec.Endpoint, kind, what(s.name, nil)+"."+fault, f.begin()), Kind: kind, Endpoint: s.spec.Endpoint, Monitor: s.name,
		Severity: trimtab.Warning, Begin: f.begin(), Found: w.at, Fault: fault, Cause: cause, Remedy: remedy,
		Rows: int64(f.Count), Bad: int64(math.Abs(f.Usual - f.Count)),
		Evidence: []trimtab.Evidence{{Name: noun, Value: sane(f.Count), Limit: sane(f.Limit * f.Usual)}, {Name: "usual", Value: sane(f.Usual)}, {Name: "chance", Value: sane(f.Chance)}},
	}
	if f.end() < f.now.end {
		i.End, i.Closed = f.end(), w.at
	}
	return i
}

// spanText says where in the window something is: nothing when it is all of it.
func (f flow) spanText() string {
	form := "2006-01-02"
	if f.now.bin < 24*time.Hour {
		form = "2006-01-02 15:04"
	}
	begin, end := f.begin().Go().Format(form), f.end().Go().Format(form)
	switch {
	case f.whole():
		return ""
	case f.end() == f.now.end:
		return " from " + begin + " on"
	case f.Lo == 0:
		return " up to " + end
	}
	return " from " + begin + " to " + end
}

// usual reports whether an incident goes on for so many windows that it is what is usual from now on.
func (w step) usual(i trimtab.Incident) bool {
	return w.end.Sub(i.Begin) >= goodWindows*w.end.Sub(w.start)
}

// surge turns far more rows than usual into an incident that informs, unless rows are known to come twice.
func (s *pass) surge(ctx context.Context, w step, known knowledge) ([]move, error) {
	f, err := s.rowsOf(ctx, w, known)
	if err != nil || f.now == nil {
		return nil, err
	}
	more := f.found() && !f.Fewer()
	open := s.openOf(known, func(i trimtab.Incident) bool { return i.Kind == trimtab.DataFault && i.Fault == diagnose.Volume })
	switch {
	case len(open) > 0 && more && w.usual(open[0]):
		return closeAll(open, w.end, w.at, becameUsual), nil
	case len(open) > 0 && more:
		return nil, nil
	case len(open) > 0:
		return closeAll(open, w.start, w.at, "as many come as usual again"), nil
	case !more:
		return nil, nil
	}
	here, err := s.known(ctx, w.at)
	if err != nil {
		return nil, err
	}
	for _, i := range here {
		if i.Fault == diagnose.Duplicate && i.Begin < w.end && (i.End == 0 || i.End > w.start) {
			return nil, nil
		}
	}
	i := f.incident(s, w, trimtab.DataFault, diagnose.Volume, "predictions",
		fmt.Sprintf("%.0f predictions came%s where %.0f are usual", f.Count, f.spanText(), f.Usual), "look at what asks the endpoint: it may ask twice, or have become more")
	i.Severity = trimtab.Info
	return []move{openIncident(i)}, nil
}

// tardy says of labels that are missing in a span whether those that came, there or else in all of the window, took far
// longer than before: then the others are late rather than missing. "" when it cannot be told.
func (s *pass) tardy(ctx context.Context, w step, f flow) (text string, slow bool, err error) {
	most := time.Duration(0)
	for _, c := range f.before {
		most = max(most, c.most)
	}
	if f.now == nil || most == 0 {
		return "", false, nil
	}
	here, err := s.censusOf(ctx, span{f.begin(), f.end()}, w.at)
	if err != nil {
		return "", false, err
	}
	there, half := here.delays >= leastRows, f.now.half
	if there {
		half = here.half
	}
	switch {
	case half > 2*most:
		return fmt.Sprintf("; half of those that came took %s or more where nearly all took at most %s: the others are late rather than missing", longText(half), longText(most)), true, nil
	case there:
		return "; those that came took no longer than usual: the others are missing", false, nil
	}
	return "", false, nil
}

func longText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f hours", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// arrived says what has become of what was missing in an incident's first window by the border at which it ends.
func (x stop) arrived(ctx context.Context, s *pass, w step, i trimtab.Incident) (string, error) {
	if i.Bad == 0 || len(i.Evidence) == 0 || i.Evidence[0].Name != x.noun {
		return "", nil
	}
	c, err := s.censusOf(ctx, span{i.Begin, i.Found.Add(-w.at.Sub(w.end))}, w.at)
	if err != nil {
		return "", err
	}
	return x.since(i.Evidence[0].Value, float64(i.Bad), sumOf(x.count(c))), nil
}

// came turns what is unusual about the number of rows, and about when they came, into incidents.
func (s *pass) came(ctx context.Context, w step, r trimtab.WindowResult, earlier []trimtab.WindowResult, known knowledge) ([]move, error) {
	if s.cfg.Incidents == nil {
		return nil, nil
	}
	moves, err := rowsStop.moves(ctx, s, w, r, earlier, known, s.live)
	if err != nil {
		return nil, err
	}
	more, err := s.surge(ctx, w, known)
	if err != nil {
		return nil, err
	}
	start, end := s.spec.Window.Bounds(w.start - 1)
	if begin, ok := s.log.Begin(); !ok || start < begin || end != w.start {
		return append(moves, more...), nil
	}
	gap, err := s.gap(ctx, w, spanOf(start, end), known)
	return append(append(moves, more...), gap...), err
}

// delayed is an incident of rows that came later than usual: of a window that has ended, those that are still on their
// way are missing. ok is false when they came in time.
func (s *pass) delayed(ctx context.Context, w step, known knowledge) (i trimtab.Incident, ok bool, err error) {
	f, err := s.delayOf(ctx, w, known)
	if err != nil || !f.found() || !f.Fewer() {
		return i, false, err
	}
	rows := sumOf(f.now.rows[f.Lo:f.Hi])
	return f.incident(s, w, trimtab.TrafficStopped, late, "predictions in time",
		fmt.Sprintf("%.0f of %.0f predictions%s came late, when event time had passed them; usual are %.0f", rows-f.Count, rows, f.spanText(), max(rows-f.Usual, 0)),
		"look at what delivers the predictions: windows, quality and decisions know only what has come by their border"), true, nil
}

func sumOf(values []float64) (n float64) {
	for _, x := range values {
		n += x
	}
	return n
}

// openOf are the incidents that this monitor has open and that are about something.
func (s *pass) openOf(known knowledge, about func(trimtab.Incident) bool) (out []trimtab.Incident) {
	for _, i := range known {
		if i.Closed == 0 && s.own(i) && about(i) {
			out = append(out, i)
		}
	}
	return out
}

// wereLate notes on incidents of labels that have ended that labels of their time have come after all.
func (s *pass) wereLate(known knowledge, x trimtab.WindowResult, at trimtab.Time) (out []move) {
	for _, i := range known {
		if i.Kind == trimtab.LabelsStopped && s.own(i) && i.Closed != 0 && i.Begin < x.End && i.End > x.Start {
			out = append(out, move{i.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
				if old == nil || strings.HasSuffix("; "+old.Note, cameLate) {
					return trimtab.Incident{}, trimtab.Change{}, nil
				}
				i := *old
				i.Note = strings.TrimPrefix(i.Note+cameLate, "; ")
				return i, trimtab.Changed("incident.note", old, i, "labels were late"), nil
			}})
		}
	}
	return out
}

const cameLate = "; labels of that time have come later: they were late"
