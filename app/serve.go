package app

import (
	"context"
	"path/filepath"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/traffic"
)

// judging makes the declared data contracts. Before the first request: what is
// declared holds from then on.
func (s *server) judging() (err error) {
	s.contracts, err = contract.New(contract.Config{Resources: s.db.Resources, Results: s.db.Contracts, Incidents: s.db.Incidents, Blobs: s.blobs,
		Log: s.log.With("part", "contract"), Registerer: s.metrics})
	if err != nil {
		return err
	}
	return s.contracts.Resync(in(context.Background(), "contract", trimtab.DefaultWorkspace))
}

// serving opens the traffic logs and makes the data plane.
func (s *server) serving() (err error) {
	s.traffic, err = traffic.Open(traffic.Config{Dir: filepath.Join(s.cfg.Data, "traffic"), Log: s.log.With("part", "traffic"),
		Sealed: func(ctx context.Context, seg trimtab.Segment) error {
			return s.db.Segments.Put(in(ctx, "traffic", seg.Workspace), seg)
		}})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.traffic.Close)
	s.serve, err = serve.New(serve.Config{
		Resources: s.db.Resources, Versions: s.db.Versions, Manifests: s.db.Artifacts, States: s.db.Endpoints,
		Blobs: s.blobs, Traffic: s.traffic, Closed: closings{s}, Rollouts: s.db.Rollouts, Contracts: s.contracts, Log: s.log.With("part", "serve"), Registerer: s.metrics,
	})
	return err
}

// closings asks the monitors, which are made after the data plane, what is closed.
type closings struct{ *server }

func (c closings) ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) trimtab.Time {
	return c.monitors.ClosedBefore(ws, endpoint, mark)
}

// in is the context of a controller that acts in a workspace.
func in(ctx context.Context, who string, ws trimtab.Workspace) context.Context {
	return trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller(who), Workspace: ws})
}

// dataPlane shows pages and commands what is served.
type dataPlane struct{ *server }

// Serving fills what the data plane knows of an endpoint; one that it has not
// taken up yet is left as it is.
func (d dataPlane) Serving(ctx context.Context, v *view.Endpoint) error {
	e, err := d.serve.Endpoint(trimtab.CallOf(ctx).Workspace, v.Name)
	if err != nil {
		return nil
	}
	if st := e.Status(); st != nil {
		v.Version, v.Since, v.Conditions = st.Version, st.Since, st.Conditions
	}
	log := e.Log().Stats()
	v.URL = d.cfg.PublicURL + "/endpoints/" + v.Name
	v.Counts = map[string]int64{"predictions": log.Rows, "labels": log.Labels, "late": log.Late, "duplicates": log.Duplicates, "quarantined": log.Quarantined, "dropped": log.Dropped, "lost": log.Lost}
	return nil
}
