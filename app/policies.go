package app

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/retrain"
)

// trainer lets policies run pipelines.
type trainer struct{ *server }

func (t trainer) Train(ctx context.Context, name string, params map[string]string, key, cause string) (trimtab.PipelineRun, error) {
	return t.engine.Start(ctx, name, pipeline.StartOptions{Params: params, Key: key, Cause: cause})
}

func (t trainer) Run(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	return t.engine.Get(ctx, id)
}

func (t trainer) Registered(ctx context.Context, id trimtab.PipelineRunID, model trimtab.ModelName) (trimtab.ModelVersion, error) {
	return t.engine.Registered(ctx, id, model)
}

// versions tells policies what versions are, and makes recalibrated ones.
type versions struct{ *server }

func (v versions) Champion(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.Version, error) {
	m, err := v.db.Models.Get(ctx, model)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return 0, nil
	}
	return m.Aliases[alias], err
}

// Recalibrated registers the child of a version that corrects its score.
func (v versions) Recalibrated(ctx context.Context, model trimtab.ModelName, parent trimtab.Version, task retrain.Task, c retrain.Calibrator, until trimtab.Time, cause string) (trimtab.Version, error) {
	return 0, trimtab.Errorf(trimtab.Unsupported, "model "+string(model), "recalibration is being built")
}
