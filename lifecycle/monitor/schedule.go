package monitor

import (
	"cmp"
	"time"

	"github.com/trimtab/trimtab"
)

// plan is what a monitor has to do, as a function of what it declared, how far
// it has come and how far the watermark is.
type plan struct {
	windows []span
	next    trimtab.Time // the watermark at which the next window closes, 0 when there is no data yet
}

// span is a window that is to be closed.
type span struct{ start, end trimtab.Time }

// maxWindows bounds what one pass closes; the next goes on.
const maxWindows = 1000

// schedule lists the windows to close at the watermark. last is the end of the
// newest closed window, 0 for none; begin the first event time in the log, 0 for none.
func schedule(spec trimtab.MonitorSpec, last, begin, watermark trimtab.Time) plan {
	maturity := time.Duration(spec.LabelMaturity)
	if last == 0 && begin == 0 {
		return plan{}
	}
	at := cmp.Or(last, begin)
	var p plan
	for {
		start, end := spec.Window.Bounds(at)
		if end <= start { // a window that nothing validates cannot advance
			return p
		}
		if last != 0 && start < last {
			// The window was redeclared: it measures on from the first one that holds nothing closed.
			at = end
			continue
		}
		p.next = end.Add(maturity)
		if p.next > watermark || len(p.windows) == maxWindows {
			return p
		}
		p.windows = append(p.windows, span{start, end})
		at = end
	}
}

// border is the first moment after t at which a window of the monitor closes.
func border(spec trimtab.MonitorSpec, t trimtab.Time) trimtab.Time {
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
