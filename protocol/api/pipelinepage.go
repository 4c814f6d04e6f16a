package api

import (
	"context"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// PipelinePages is what the pages of pipelines read and do beyond PipelineRuns and Engine.
type PipelinePages interface {
	RecentRuns(ctx context.Context, per int) ([]trimtab.PipelineRun, error)
	RunAttempts(ctx context.Context, id trimtab.PipelineRunID) ([]trimtab.Attempt, error)
	// Products are the versions that the attempts of a run registered.
	Products(ctx context.Context, run trimtab.PipelineRunID) ([]trimtab.ModelVersion, error)
	Retry(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error)
	Foresee(ctx context.Context, name string, opt pipeline.StartOptions) ([]pipeline.Prospect, error)
}

// recentRuns is how many runs of each pipeline a list is computed from.
const recentRuns = 100

func (t *table) pipelinePages() {
	add(t, operation{id: "listPipelines", method: "GET", path: "/pipelines", summary: "List pipelines with how their last runs went", auth: route.Reader},
		func(ctx context.Context, in *ProjectIn) (view.List[view.PipelineSummary], error) {
			out := view.List[view.PipelineSummary]{Items: []view.PipelineSummary{}}
			if t.cfg.PipelinePages == nil {
				return out, absent("pipeline engine")
			}
			declared, err := t.cfg.Resources.List(ctx, trimtab.KindPipeline)
			if err != nil {
				return out, err
			}
			policies, err := t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy)
			if err != nil {
				return out, err
			}
			runs, err := t.cfg.PipelinePages.RecentRuns(ctx, recentRuns)
			out.Items = view.Pipelines(declared, policies, runs)
			return out, err
		})
	add(t, operation{id: "getPipeline", method: "GET", path: "/pipelines/{name}", summary: "Show a pipeline with its steps and runs", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name  string `path:"name"`
			Limit int    `query:"limit" minimum:"1" maximum:"200" default:"30" doc:"How many runs at most."`
			After string `query:"after" doc:"The token next of the page before."`
		}) (view.PipelinePage, error) {
			return t.pipelinePage(ctx, in.Name, in.Limit, trimtab.PageToken(in.After))
		})
	add(t, operation{id: "foreseePipeline", method: "POST", path: "/pipelines/{name}/foresee", summary: "Say what a start would do with each step, and start nothing", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			Name string `path:"name"`
			Body view.StartRun
		}) (view.List[view.Prospect], error) {
			out := view.List[view.Prospect]{Items: []view.Prospect{}}
			if t.cfg.PipelinePages == nil {
				return out, absent("pipeline engine")
			}
			all, err := t.cfg.PipelinePages.Foresee(ctx, in.Name, pipeline.StartOptions{Params: in.Body.Params, Cache: in.Body.Cache})
			for _, p := range all {
				v := view.Prospect{Step: p.Step, Does: p.Does, Text: p.Text, CachedOf: p.CachedOf, Against: p.Against}
				for _, d := range p.Differs {
					v.Differs = append(v.Differs, view.Difference(d))
				}
				out.Items = append(out.Items, v)
			}
			return out, err
		})
	add(t, operation{id: "getPipelineRunPage", method: "GET", path: "/pipelineruns/{id}/page", summary: "Show a pipeline run with steps, attempts and what it registered", auth: route.Reader},
		func(ctx context.Context, in *PipelineRunIn) (view.PipelineRunPage, error) {
			return t.pipelineRunPage(ctx, trimtab.PipelineRunID(in.ID))
		})
	add(t, operation{id: "retryPipelineRun", method: "POST", path: "/pipelineruns/{id}/retry", summary: "Run again what did not succeed of a run", auth: route.Writer, status: http.StatusCreated},
		func(ctx context.Context, in *PipelineRunIn) (view.PipelineRun, error) {
			if t.cfg.PipelinePages == nil {
				return view.PipelineRun{}, absent("pipeline engine")
			}
			run, err := t.cfg.PipelinePages.Retry(ctx, trimtab.PipelineRunID(in.ID))
			return view.OfPipelineRun(run), err
		})
}

func (t *table) pipelinePage(ctx context.Context, name string, limit int, after trimtab.PageToken) (out view.PipelinePage, err error) {
	if t.cfg.PipelineRuns == nil {
		return out, absent("pipeline engine")
	}
	var declared *trimtab.Resource
	r, err := t.cfg.Resources.Get(ctx, trimtab.KindPipeline, name)
	switch {
	case err == nil:
		declared = &r
	case !trimtab.IsKind(err, trimtab.NotFound):
		return out, err
	}
	policies, err := t.cfg.Resources.List(ctx, trimtab.KindRetrainPolicy)
	if err != nil {
		return out, err
	}
	runs, next, err := t.cfg.PipelineRuns.ListRuns(ctx, name, limit, after)
	if err != nil {
		return out, err
	}
	if declared == nil && len(runs) == 0 && after == "" {
		return out, trimtab.Errorf(trimtab.NotFound, "pipeline "+name, "there is no pipeline %q, and there was no run of one", name)
	}
	return view.PipelinePageOf(name, declared, policies, runs, next, t.cfg.Clock()), nil
}

func (t *table) pipelineRunPage(ctx context.Context, id trimtab.PipelineRunID) (out view.PipelineRunPage, err error) {
	if t.cfg.PipelineRuns == nil || t.cfg.PipelinePages == nil {
		return out, absent("pipeline engine")
	}
	run, err := t.cfg.PipelineRuns.GetRun(ctx, id)
	if err != nil {
		return out, err
	}
	attempts, err := t.cfg.PipelinePages.RunAttempts(ctx, id)
	if err != nil {
		return out, err
	}
	products, err := t.cfg.PipelinePages.Products(ctx, id)
	if err != nil {
		return out, err
	}
	out = view.PipelineRunPageOf(run, attempts, products, t.cfg.Clock())
	if run.State.Ended() && run.State != trimtab.PipelineSucceeded {
		retry, err := t.cfg.PipelineRuns.GetRun(ctx, pipeline.RetryID(trimtab.CallOf(ctx).Workspace, id))
		switch {
		case err == nil:
			out.RetriedAs = retry.ID
		case !trimtab.IsKind(err, trimtab.NotFound):
			return out, err
		}
	}
	_, err = t.cfg.Resources.Get(ctx, trimtab.KindPipeline, run.Pipeline)
	if out.Declared = err == nil; trimtab.IsKind(err, trimtab.NotFound) {
		err = nil
	}
	return out, err
}
