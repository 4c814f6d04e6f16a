package evaluate

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
)

// newest is the newest moment at which a window of the monitor had matured, or the one that is under way.
func (s *pass) newest(ctx context.Context) (trimtab.Time, error) {
	if s.monitor == nil {
		return floor(s.cfg.Clock(), day) * day, nil // golden rows do not age; once a day is often enough
	}
	mark := s.mark()
	if mark == 0 {
		return 0, trimtab.Errorf(trimtab.Precondition, "endpoint "+s.monitor.Endpoint, "endpoint %s has served nothing yet: there is no moment to evaluate at", s.monitor.Endpoint)
	}
	windows, err := s.mature(ctx, mark)
	if err != nil {
		return 0, err
	}
	if len(windows) == 0 {
		start, _ := s.monitor.Window.Bounds(mark)
		return start, nil
	}
	return s.border(windows[len(windows)-1]), nil
}

// mark is the watermark of the endpoint.
func (s *pass) mark() trimtab.Time {
	lateness := s.endpoint.AllowedLateness
	if lateness == 0 {
		lateness = trimtab.Duration(time.Hour)
	}
	return s.state.WatermarkAt(s.cfg.Clock(), lateness)
}

// border is when the labels of a window have matured.
func (s *pass) border(w trimtab.WindowResult) trimtab.Time {
	return w.End.Add(time.Duration(s.monitor.LabelMaturity))
}

// mature are the windows whose labels had matured by a moment, oldest first.
func (s *pass) mature(ctx context.Context, at trimtab.Time) ([]trimtab.WindowResult, error) {
	all, err := s.cfg.Windows.List(ctx, s.spec.Monitor)
	var out []trimtab.WindowResult
	for _, w := range all {
		if w.Closed() && s.border(w) <= at {
			out = append(out, w)
		}
	}
	return out, err
}
