package api

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

const (
	maxLookEntries  = 1000 // entries of a rollout that are read
	maxShownEntries = 100
	spanWindows     = 60 // windows of a monitor that are looked at
)

func (t *table) rolloutPages() {
	add(t, operation{id: "getRolloutPage", method: "GET", path: "/pages/rollouts/{id}", summary: "Show a rollout with its steps, every look of its tests, and its entries", auth: route.Reader},
		func(ctx context.Context, in *RolloutIn) (view.RolloutPage, error) {
			if t.cfg.Loop.Rollouts == nil {
				return view.RolloutPage{}, absent("rollouts")
			}
			r, err := t.cfg.Loop.Rollouts.Get(ctx, in.ID)
			if err != nil {
				return view.RolloutPage{}, err
			}
			return t.rolloutPage(ctx, r)
		})
}

func (t *table) rolloutPage(ctx context.Context, r trimtab.Rollout) (p view.RolloutPage, err error) {
	f := view.RolloutFacts{Rollout: r}
	if f.Entries, err = t.cfg.Journal.ByObject(ctx, r.Object().Kind, r.ID, maxLookEntries); err != nil {
		return p, err
	}
	f.All = len(f.Entries) < maxLookEntries
	p = view.RolloutPageOf(f)
	p.Entries = p.Entries[:min(len(p.Entries), maxShownEntries)]
	monitor, windows, err := t.windowsOf(ctx, r)
	if err != nil {
		return p, err
	}
	p.Versions = view.VersionsOf(r, monitor, windows)
	if t.cfg.EndpointPages.Plane != nil {
		for i := range p.Versions {
			v := &p.Versions[i]
			v.Requests, v.Errors = t.cfg.EndpointPages.Plane.Requests(ctx, r.Endpoint, v.Version)
		}
	}
	return p, nil
}

// windowsOf are the windows that a rollout spans, of the monitor that decides on its endpoint; none without one.
func (t *table) windowsOf(ctx context.Context, r trimtab.Rollout) (string, []trimtab.WindowResult, error) {
	if t.cfg.EndpointPages.Windows == nil {
		return "", nil, nil
	}
	monitor, err := t.monitorOf(ctx, r.Endpoint, "")
	if trimtab.IsKind(err, trimtab.Precondition) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	before := trimtab.Time(0)
	if r.Ended != 0 {
		before = r.Ended.Add(time.Millisecond)
	}
	windows, err := t.cfg.EndpointPages.Windows.Recent(ctx, monitor, before, spanWindows)
	return monitor, windows, err
}
