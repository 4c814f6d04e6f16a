package api

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

func (t *table) runs() {
	add(t, operation{id: "listRuns", method: "GET", path: "/runs", summary: "List the newest runs", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
		}) (view.List[view.Run], error) {
			out := view.List[view.Run]{Items: []view.Run{}}
			if t.cfg.Runs == nil {
				return out, absent("tracking store")
			}
			runs, err := t.cfg.Runs.Recent(ctx, in.Limit)
			names := map[trimtab.ExperimentID]string{}
			for _, r := range runs {
				name, known := names[r.Experiment]
				if !known {
					name = t.experimentName(ctx, r.Experiment)
					names[r.Experiment] = name
				}
				out.Items = append(out.Items, view.OfRun(r, name))
			}
			return out, err
		})
	add(t, operation{id: "getRun", method: "GET", path: "/runs/{id}", summary: "Show a run with params, tags and latest metrics", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			ID string `path:"id"`
		}) (view.Run, error) {
			if t.cfg.Runs == nil {
				return view.Run{}, absent("tracking store")
			}
			r, err := t.cfg.Runs.Get(ctx, trimtab.RunID(in.ID))
			if err != nil {
				return view.Run{}, err
			}
			return view.OfRun(r, t.experimentName(ctx, r.Experiment)), nil
		})
}

// experimentName is for display: an experiment that cannot be read has no name.
func (t *table) experimentName(ctx context.Context, id trimtab.ExperimentID) string {
	if t.cfg.Experiments == nil {
		return ""
	}
	e, err := t.cfg.Experiments.Get(ctx, id)
	if err != nil {
		return ""
	}
	return e.Name
}
