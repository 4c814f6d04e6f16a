package overview

import (
	"cmp"
	"context"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (s *Service) endpoints(ctx context.Context, o *view.Overview, d declared) error {
	o.Endpoints, o.Replays = []view.OverviewEndpoint{}, []view.OverviewReplay{}
	served, err := s.served(ctx, d)
	if err != nil {
		return err
	}
	o.LeftOut.Endpoints = max(0, len(served)-maxOfEach)
	for _, v := range served[:min(len(served), maxOfEach)] {
		name := v.Name
		state, err := s.cfg.Endpoints.State(ctx, name)
		if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return err
		}
		if v.Settled, err = s.cfg.Endpoints.Settlements(ctx, name); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return err
		}
		e := view.OverviewEndpoint{
			Name: name, Model: v.Model, Alias: v.Alias, Mode: cmp.Or(state.Mode, trimtab.ClockMode),
			Watermark: state.WatermarkAt(o.Server.Now, d.endpoints[name].AllowedLateness), LiveSince: state.LiveSince,
		}
		for _, m := range o.Models {
			if m.Name == e.Model {
				for _, a := range m.Aliases {
					if a.Name == e.Alias {
						e.Target = a.Version
					}
				}
			}
		}
		e = e.With(v)
		o.Endpoints = append(o.Endpoints, e)
		last, err := s.cfg.Replays.Last(ctx, name)
		switch {
		case trimtab.IsKind(err, trimtab.NotFound), err == nil && last.ID == "":
		case err != nil:
			return err
		default:
			o.Replays = append(o.Replays, replayOf(last))
		}
	}
	slices.SortStableFunc(o.Replays, func(a, b view.OverviewReplay) int {
		return cmp.Or(trueFirst(a.State == "running", b.State == "running"), cmp.Compare(b.Created, a.Created))
	})
	return nil
}

// served asks the data plane, which answers from memory, of every endpoint that is
// declared: those that it reports a trouble of come first, so that they are not
// among those left out; then the order of the names.
func (s *Service) served(ctx context.Context, d declared) ([]view.Endpoint, error) {
	var out []view.Endpoint
	for _, name := range sortedKeys(d.endpoints) {
		m := d.endpoints[name].Model
		v := view.Endpoint{Name: name, Model: m.Name, Alias: m.Alias}
		if err := s.cfg.Serving.Serving(ctx, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(out) <= maxOfEach {
		return out, nil
	}
	slices.SortStableFunc(out, func(a, b view.Endpoint) int { return trueFirst(troubled(a), troubled(b)) })
	return out, nil
}

func troubled(v view.Endpoint) bool {
	return v.Counts["dropped"] > 0 || v.Counts["lost"] > 0 || slices.ContainsFunc(v.Conditions, func(c trimtab.Condition) bool { return c.Type != "NoVersion" && !c.Status })
}
