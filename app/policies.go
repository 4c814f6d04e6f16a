package app

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/lifecycle/serve"
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

// RowsOf is the size of the snapshot that a version was trained on, and from when; no rows when nobody knows.
func (v versions) RowsOf(ctx context.Context, l trimtab.Lineage) (rows int64, from trimtab.Time, err error) {
	if l.Snapshot == "" {
		return 0, 0, nil
	}
	s, err := v.db.Snapshots.Get(ctx, l.Source, l.Snapshot)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return 0, 0, nil
	}
	return s.Rows, s.From, err
}

// Recalibrated registers the child of a version that corrects its score.
func (v versions) Recalibrated(ctx context.Context, model trimtab.ModelName, parent trimtab.Version, task retrain.Task, c retrain.Calibrator, until trimtab.Time, cause string) (trimtab.Version, error) {
	p, err := v.db.Versions.Get(ctx, model, parent)
	if err != nil {
		return 0, err
	}
	manifest, err := v.db.Artifacts.Manifest(ctx, p.Manifest)
	if err != nil {
		return 0, err
	}
	kind := serve.Logit
	if task == retrain.Regression {
		kind = serve.Linear
	}
	files, err := serve.Child(ctx, serve.Frozen(manifest, v.blobs), serve.Calibration{Kind: kind, Step: serve.Step{A: c.Intercept, B: c.Slope}, Parent: fmt.Sprintf("%s/%d", model, parent)})
	if err != nil {
		return 0, err
	}
	child, err := registry.Derive(ctx, registry.DeriveStores{Versions: v.db.Versions, Manifests: v.db.Artifacts, Artifacts: v.db.Artifacts, Blobs: v.blobs}, registry.Derived{
		Model: model, Parent: p, Files: files, Cause: cause, Tags: map[string]string{trimtab.TrainedUntilTag: until.String()},
		Description: fmt.Sprintf("version %d, its score corrected by %.4g + %.4g times", parent, c.Intercept, c.Slope),
	})
	return child.Version, err
}
