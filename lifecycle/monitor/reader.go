package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// maxShown bounds the rows of a window that are read to be shown; with more the
// answer is of the first ones and says so.
const maxShown = 2_000_000

// Reader shows people what monitors have compared, from the log and the training
// rows, as it was known when the window was looked at. It decides nothing, writes
// nothing and keeps references of its own, so that nobody who looks slows the loop
// down. It is safe for concurrent use.
type Reader struct{ m *Monitors }

// NewReader makes a reader. It needs Resources, Traffic, Incidents, Models and Blobs of cfg.
func NewReader(cfg Config) *Reader { return &Reader{New(cfg)} }

// pass is a look at a monitor that only reads. NotFound when it is not declared.
func (r *Reader) pass(ctx context.Context, monitor string) (*pass, error) {
	res, err := r.m.cfg.Resources.Get(ctx, trimtab.KindMonitor, monitor)
	if err != nil {
		return nil, err
	}
	s := &pass{Monitors: r.m, ws: trimtab.CallOf(ctx).Workspace, name: monitor}
	if err := json.Unmarshal(res.Spec, &s.spec); err != nil {
		return nil, fmt.Errorf("monitor %s: %w", monitor, err)
	}
	s.spec = s.spec.WithDefaults()
	if res, err = r.m.cfg.Resources.Get(ctx, trimtab.KindEndpoint, s.spec.Endpoint); err == nil {
		err = json.Unmarshal(res.Spec, &s.endpoint)
	}
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) { // its log outlives an endpoint
		return nil, err
	}
	s.log, err = r.m.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: s.ws, Name: s.spec.Endpoint})
	return s, err
}
