package monitor

import (
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
}

// rowsStop is traffic that stops.
var rowsStop = stop{
	kind: trimtab.TrafficStopped, remedy: "look at what asks the endpoint", least: leastRows,
	share: func(w trimtab.WindowResult) float64 { return float64(w.Rows) },
	text:  func(n float64) string { return fmt.Sprintf("%.0f predictions", n) },
}

// labelsStop is labels that stop.
var labelsStop = stop{
	kind: trimtab.LabelsStopped, remedy: "look at what delivers the labels: until they come, quality is not measured and nothing is decided",
	share: func(w trimtab.WindowResult) float64 {
		clean := w.Rows - w.Held - w.Quarantined
		if clean < leastRows {
			return math.NaN()
		}
		return float64(w.Labelled) / float64(clean)
	},
	text: func(p float64) string { return fmt.Sprintf("labels for %.1f%% of the predictions", 100*p) },
}

// moves compares a window with the median of windows before it, those of an open incident left out.
func (x stop) moves(s *pass, w step, now trimtab.WindowResult, earlier []trimtab.WindowResult, open []trimtab.Incident, live bool) []move {
	have := x.share(now)
	if math.IsNaN(have) {
		return nil
	}
	var usual []float64
	for _, e := range earlier {
		if v := x.share(e); !math.IsNaN(v) && (len(open) == 0 || e.Start < open[0].Begin) {
			usual = append(usual, v)
		}
	}
	usual = usual[max(0, len(usual)-usualWindows):]
	m := median(usual)
	known := len(usual) >= leastUsual && m > 0 && m >= x.least
	// Somebody waits for live traffic: a window without any is news even beside few others.
	silent := live && have == 0 && m > 0
	stopped := known && have < s.spec.Stopped*m || silent
	switch {
	case len(open) > 0 && stopped, len(open) > 0 && have == 0:
		return nil
	case len(open) > 0:
		return closeAll(open, w.start, w.at, "it has come back")
	case !stopped:
		return nil
	}
	i := trimtab.Incident{
		ID: trimtab.IncidentID(s.spec.Endpoint, x.kind, what(s.name, nil), w.start), Kind: x.kind, Endpoint: s.spec.Endpoint, Monitor: s.name,
		Severity: trimtab.Warning, Begin: w.start, Found: w.at, Remedy: x.remedy, Rows: now.Rows,
		Cause:    fmt.Sprintf("%s came; usual are %s", x.text(have), x.text(m)),
		Evidence: []trimtab.Evidence{{Name: "window", Value: sane(have), Limit: sane(s.spec.Stopped * m)}},
	}
	return []move{openIncident(i)}
}
