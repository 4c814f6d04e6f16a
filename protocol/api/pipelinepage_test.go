package api_test

import (
	"context"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// pipelinePages says what database and engine would say of aRun.
type pipelinePages struct{}

func (pipelinePages) RecentRuns(context.Context, int) ([]trimtab.PipelineRun, error) {
	return []trimtab.PipelineRun{aRun}, nil
}

func (pipelinePages) RunAttempts(context.Context, trimtab.PipelineRunID) ([]trimtab.Attempt, error) {
	return []trimtab.Attempt{{Run: aRun.ID, Step: "a", N: 1, State: trimtab.AttemptFailed, Exit: 1}}, nil
}

func (pipelinePages) Products(context.Context, trimtab.PipelineRunID) ([]trimtab.ModelVersion, error) {
	return []trimtab.ModelVersion{{Model: "flights", Version: 2, Attempt: "pr-0123456789abcdef.a.1"}}, nil
}

func (pipelinePages) Retry(_ context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	r := aRun
	r.ID, r.RetryOf = pipeline.RetryID("default", id), id
	return r, nil
}

func (pipelinePages) Foresee(_ context.Context, _ string, opt pipeline.StartOptions) ([]pipeline.Prospect, error) {
	return []pipeline.Prospect{{Step: "a", Does: "run", Text: opt.Params["x"], Differs: []pipeline.Difference{{Part: "code", Now: "b"}}}}, nil
}

// pipelinePages calls what the pages of pipelines ask.
func (w *world) pipelinePages(t *testing.T) {
	t.Helper()
	ctx, c := t.Context(), w.client
	if got := must[[]view.PipelineSummary](t)(c.Pipelines(ctx)); len(got) != 1 || got[0].Name != "train" || !got[0].Declared || got[0].Ended != 1 {
		t.Errorf("pipelines: %+v", got)
	}
	if got := must[view.PipelinePage](t)(c.Pipeline(ctx, "train", 5, "")); len(got.Runs) != 1 || got.Next != "more" || len(got.Steps) != 1 {
		t.Errorf("pipeline: %+v", got)
	}
	if _, err := c.Pipeline(ctx, "nothing", 5, ""); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no pipeline: %v", err)
	}
	if got := must[[]view.Prospect](t)(c.ForeseePipeline(ctx, view.StartRun{Pipeline: "train", Params: map[string]string{"x": "y"}})); len(got) != 1 || got[0].Text != "y" || got[0].Differs[0].Now != "b" {
		t.Errorf("foreseen: %+v", got)
	}
	if got := must[view.PipelineRunPage](t)(c.PipelineRunPage(ctx, aRun.ID)); got.Pipeline != "train" || len(got.Products) != 1 || got.Products[0].Step != "a" || got.RetriedAs != "" {
		t.Errorf("page of a run: %+v", got)
	}
	if got := must[view.PipelineRun](t)(c.RetryPipeline(ctx, aRun.ID)); got.RetryOf != aRun.ID {
		t.Errorf("retry: %+v", got)
	}
}
