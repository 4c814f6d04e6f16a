package monitor

import (
	"cmp"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
)

// plan is what a monitor has to do, as a function of what it declared, how far
// it has come and how far the watermark is.
type plan struct {
	steps []step
	more  bool         // further ones are due
	next  trimtab.Time // the watermark at which there is more to do, 0 when there is no data yet
}

// span is a window.
type span struct{ start, end trimtab.Time }

// step is what is due for a window at a border: to look at it when it ends, or to
// close it when its labels have matured.
type step struct {
	span
	at    trimtab.Time
	phase trimtab.WindowPhase
}

// maxWindows bounds what one pass looks at; the next goes on.
const maxWindows = 1000

// schedule lists what is due at the watermark, in the order of the borders. Of one
// border, windows that end come before those that close: what is wrong is found
// before anything is measured. last is the end of the newest window that was
// looked at, 0 for none; open are those that were and are not closed; begin is the
// first event time in the log, 0 for none.
func schedule(spec trimtab.MonitorSpec, last trimtab.Time, open []span, begin, watermark trimtab.Time) plan {
	maturity := time.Duration(spec.LabelMaturity)
	var p plan
	all := slices.Clone(open)
	limit := watermark
	if last != 0 || begin != 0 {
		for at := cmp.Or(last, begin); ; {
			start, end := spec.Window.Bounds(at)
			if end <= start { // a window that nothing validates cannot advance
				break
			}
			at = end
			if last != 0 && start < last {
				continue // the window was redeclared: it goes on from the first one that holds nothing looked at
			}
			p.next = end
			if end > watermark {
				break
			}
			if len(p.steps) == maxWindows { // what closes later than this waits too
				p.more, limit = true, end-1
				break
			}
			p.steps = append(p.steps, step{span{start, end}, end, trimtab.WindowEstimated})
			all = append(all, span{start, end})
		}
	}
	for _, w := range all {
		switch at := w.end.Add(maturity); {
		case at <= limit:
			p.steps = append(p.steps, step{w, at, trimtab.WindowClosed})
		case p.next == 0 || at < p.next:
			p.next = at
		}
	}
	slices.SortStableFunc(p.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return p
}

// border is the first moment after t at which a window of the monitor ends or closes.
func border(spec trimtab.MonitorSpec, t trimtab.Time) trimtab.Time {
	_, end := spec.Window.Bounds(t)
	return min(end, closing(spec, t))
}

// closing is the first moment after t at which a window closes.
func closing(spec trimtab.MonitorSpec, t trimtab.Time) trimtab.Time {
	maturity := time.Duration(spec.LabelMaturity)
	_, end := spec.Window.Bounds(t.Add(-maturity))
	if at := end.Add(maturity); at > t {
		return at
	}
	_, end = spec.Window.Bounds(end)
	return end.Add(maturity)
}

// closedBefore is the moment before which every event lies in a window that is
// closed when the watermark stands at mark.
func closedBefore(spec trimtab.MonitorSpec, mark trimtab.Time) trimtab.Time {
	start, _ := spec.Window.Bounds(mark.Add(-time.Duration(spec.LabelMaturity)))
	return start
}
