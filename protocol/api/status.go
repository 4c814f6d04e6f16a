package api

import (
	"context"
	"encoding/json"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// recentWindows is how many windows of a monitor the status shows.
const recentWindows = 12

func (t *table) status() {
	add(t, operation{id: "getStatus", method: "GET", path: "/status", summary: "Show a project on one screen, with what needs attention", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.Summary, error) { return t.summary(ctx) })
}

func (t *table) summary(ctx context.Context) (view.Summary, error) {
	s := view.Summary{Project: trimtab.CallOf(ctx).Workspace, Now: t.cfg.Clock()}
	if t.cfg.Registry != nil {
		models, err := t.cfg.Registry.Models(ctx)
		if err != nil {
			return s, err
		}
		for _, m := range models {
			s.Models = append(s.Models, view.SummaryModel{Name: m.Name, Newest: m.LastVersion, Count: int(m.LastVersion), Aliases: m.Aliases})
		}
	}
	all, err := t.cfg.Resources.List(ctx, "")
	if err != nil {
		return s, err
	}
	for _, r := range all {
		if err := t.summarize(ctx, r, &s); err != nil {
			return s, err
		}
	}
	return s.Judge(), nil
}

func (t *table) summarize(ctx context.Context, r trimtab.Resource, s *view.Summary) error {
	switch r.Kind {
	case trimtab.KindEndpoint:
		v, err := t.endpoint(ctx, r)
		if err != nil {
			return err
		}
		s.Endpoints = append(s.Endpoints, v)
		if t.cfg.Replays != nil {
			replays, err := t.lastReplays(ctx, []string{r.Name})
			if err != nil {
				return err
			}
			s.Replays = append(s.Replays, replays...)
		}
	case trimtab.KindMonitor:
		var spec trimtab.MonitorSpec
		if err := json.Unmarshal(r.Spec, &spec); err != nil {
			return err
		}
		m := view.SummaryMonitor{Name: r.Name, Endpoint: spec.Endpoint, Window: spec.Window}
		if t.cfg.Windows != nil {
			windows, err := t.cfg.Windows.List(ctx, r.Name)
			if err != nil {
				return err
			}
			m.Recent = windows[max(0, len(windows)-recentWindows):]
		}
		s.Monitors = append(s.Monitors, m)
	case trimtab.KindPipeline:
		p := view.SummaryPipeline{Name: r.Name}
		if t.cfg.PipelineRuns != nil {
			runs, _, err := t.cfg.PipelineRuns.ListRuns(ctx, r.Name, 1, "")
			if err != nil {
				return err
			}
			if len(runs) > 0 {
				run, err := t.pipelineRun(ctx, runs[0].ID, false)
				if err != nil {
					return err
				}
				p.Last = &run
			}
		}
		s.Pipelines = append(s.Pipelines, p)
	}
	return nil
}
