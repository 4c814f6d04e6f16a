package monitor

import (
	"context"
	"fmt"
	"math"

	"github.com/trimtab/trimtab"
)

const (
	usualWindows = 8  // of which the median is what is usual
	leastUsual   = 3  // fewer tell nothing
	leastRows    = 10 // a median below says nothing about a fall
)

// stop is what a window has of something that may stop, and what windows before had.
type stop struct {
	kind   trimtab.IncidentKind
	noun   string
	remedy string
	// share of a window; NaN when it says nothing.
	share func(w trimtab.WindowResult) float64
	text  func(share float64) string
	// least is the median from which on a fall means something.
	least float64
	// flow compares the bins of the window with those of windows before, and count is what it counts.
	flow  func(s *pass, ctx context.Context, w step, known knowledge) (flow, error)
	count func(c *census) []float64
}

// rowsStop is traffic that stops.
var rowsStop = stop{
	kind: trimtab.TrafficStopped, noun: "predictions", remedy: "look at what asks the endpoint", least: leastRows,
	share: func(w trimtab.WindowResult) float64 { return float64(w.Rows) },
	text:  func(n float64) string { return fmt.Sprintf("%.0f predictions", n) },
	flow:  (*pass).rowsOf,
	count: func(c *census) []float64 { return c.rows },
}

// labelsStop is labels that stop.
var labelsStop = stop{
	kind: trimtab.LabelsStopped, noun: "labels", remedy: "look at what delivers the labels: until they come, quality is not measured and nothing is decided",
	share: func(w trimtab.WindowResult) float64 {
		clean := w.Rows - w.Held - w.Quarantined
		if clean < leastRows {
			return math.NaN()
		}
		return float64(w.Labelled) / float64(clean)
	},
	text:  func(p float64) string { return fmt.Sprintf("labels for %.1f%% of the predictions", 100*p) },
	flow:  (*pass).labelsOf,
	count: func(c *census) []float64 { return c.labelled },
}

// moves compares a window with the windows before it. Nearly nothing of the median of those is a stop; time of an open
// incident left out. Far fewer than that is usual in the window or in a part of it is an incident too.
func (x stop) moves(ctx context.Context, s *pass, w step, now trimtab.WindowResult, earlier []trimtab.WindowResult, known knowledge, live bool) ([]move, error) {
	have := x.share(now)
	if math.IsNaN(have) {
		return nil, nil
	}
	open := s.open(known, x.kind)
	var usual []float64
	for _, e := range earlier {
		if v := x.share(e); !math.IsNaN(v) && (len(open) == 0 || e.Start < open[0].Begin) {
			usual = append(usual, v)
		}
	}
	usual = usual[max(0, len(usual)-usualWindows):]
	m := median(usual)
	enough := len(usual) >= leastUsual && m > 0 && m >= x.least
	// Somebody waits for live traffic: a window without any is news even beside few others.
	silent := live && have == 0 && m > 0
	stopped := enough && have < s.spec.Stopped*m || silent
	if len(open) > 0 && (stopped || have == 0) {
		return nil, nil
	}
	f, err := x.flow(s, ctx, w, known)
	if err != nil {
		return nil, err
	}
	fell := f.found() && f.Fewer()
	news, err := x.news(ctx, s, w, known, f, fell)
	if err != nil {
		return nil, err
	}
	if len(open) > 0 {
		switch {
		case len(news) > 0 && open[0].Fault != "" && w.usual(open[0]) && (x.kind != trimtab.LabelsStopped || open[0].Fault != late):
			return closeAll(open, w.end, w.at, becameUsual), nil
		case len(news) > 0 && open[0].Fault != "":
			return nil, nil
		}
		note, err := x.arrived(ctx, s, w, open[0])
		return append(closeAll(open, w.start, w.at, "it has come back"+note), news...), err
	}
	if stopped {
		i := trimtab.Incident{
			ID: trimtab.IncidentID(s.spec.Endpoint, x.kind, what(s.name, nil), w.start), Kind: x.kind, Endpoint: s.spec.Endpoint, Monitor: s.name,
			Severity: trimtab.Warning, Begin: w.start, Found: w.at, Remedy: x.remedy, Rows: now.Rows,
			Cause:    fmt.Sprintf("%s came; usual are %s", x.text(have), x.text(m)),
			Evidence: []trimtab.Evidence{{Name: "window", Value: sane(have), Limit: sane(s.spec.Stopped * m)}},
		}
		if x.kind == trimtab.LabelsStopped && f.now != nil {
			f.Lo, f.Hi = 0, len(f.now.rows)
			text, slow, err := s.tardy(ctx, w, f)
			if err != nil {
				return nil, err
			}
			if slow {
				i.Cause += text
			}
		}
		return []move{openIncident(i)}, nil
	}
	return news, nil
}

// news opens an incident of a fall, or of rows that came late: then those that are missing are late as well. Labels
// that are late for ever never become usual, for their maturity is declared.
func (x stop) news(ctx context.Context, s *pass, w step, known knowledge, f flow, fell bool) ([]move, error) {
	if x.kind == trimtab.LabelsStopped {
		if !fell {
			return nil, nil
		}
		text, slow, err := s.tardy(ctx, w, f)
		if err != nil {
			return nil, err
		}
		rows := max(sumOf(f.now.rows[f.Lo:f.Hi]), 1)
		fault := fewer
		if slow {
			fault = late
		}
		cause := fmt.Sprintf("%s came%s; usual are %s%s", x.text(f.Count/rows), f.spanText(), x.text(f.Usual/rows), text)
		return []move{openIncident(f.incident(s, w, x.kind, fault, x.noun, cause, x.remedy))}, nil
	}
	i, slow, err := s.delayed(ctx, w, known)
	if err != nil || !fell && !slow {
		return nil, err
	}
	if fell {
		cause := fmt.Sprintf("%s came%s where %.0f are usual", x.text(f.Count), f.spanText(), f.Usual)
		fault := fewer
		if slow {
			fault, cause = late, cause+"; "+i.Cause+": the others are late rather than missing"
		}
		i = f.incident(s, w, x.kind, fault, x.noun, cause, x.remedy)
	}
	return []move{openIncident(i)}, nil
}
