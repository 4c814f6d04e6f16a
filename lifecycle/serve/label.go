package serve

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Labels logs labels durably. A label without known-at is known now: in clock
// mode at arrival, in driven mode at the watermark. While a replay holds the
// endpoint's lease, only its own labels are taken, so that what came when is
// decided by the replay alone.
func (e *Endpoint) Labels(ctx context.Context, labels []traffic.Label, fence int64) (r traffic.LabelReceipt, err error) {
	defer trimtab.Wrap(&err, "serve.Labels(%s)", e.Name)
	s := e.state.Load()
	if s == nil || fence != 0 && s.Fence != fence {
		if s, err = e.loadState(ctx); err != nil {
			return r, err
		}
	}
	switch {
	case fence != 0 && (s.Fence != fence || s.Holder == ""):
		return r, trimtab.Errorf(trimtab.Conflict, "endpoint "+e.Name, "the replay lease %d of endpoint %s is lost", fence, e.Name)
	case fence == 0 && s.Holder != "" && s.LeaseUntil > e.server.cfg.Clock():
		return r, trimtab.Errorf(trimtab.Conflict, "endpoint "+e.Name, "endpoint %s is being replayed by %s, which brings the labels; send yours when it has ended", e.Name, s.Holder)
	}
	cfg := e.config.Load()
	now := e.server.cfg.Clock()
	mark := s.WatermarkAt(now, cfg.lateness)
	known, limit := now, now.Add(cfg.skewClock)
	if s.Mode == trimtab.DrivenMode {
		known, limit = max(mark, 1), mark.Add(cfg.skewDriven)
	}
	for i := range labels {
		l := &labels[i]
		if l.KnownAt == 0 {
			l.KnownAt = known
		}
		if l.KnownAt > limit && (s.Mode == trimtab.ClockMode || mark != 0) {
			return r, trimtab.Errorf(trimtab.Invalid, "labels", "label %d (id %q) says that it becomes known at %s, the latest accepted is %s", i, l.ID, l.KnownAt, limit)
		}
	}
	b := &traffic.LabelBatch{Labels: labels, Arrival: now, Watermark: mark}
	if e.server.cfg.Closed != nil {
		b.ClosedBefore = e.server.cfg.Closed.ClosedBefore(e.Workspace, e.Name, mark)
	}
	r, err = e.log.AppendLabels(ctx, b)
	if err == nil {
		e.server.labels.WithLabelValues(string(e.Workspace), e.Name, "matched").Add(float64(r.Matched))
		e.server.labels.WithLabelValues(string(e.Workspace), e.Name, "unmatched").Add(float64(r.Unmatched))
	}
	return r, err
}
