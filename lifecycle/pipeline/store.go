package pipeline

import (
	"context"

	"github.com/trimtab/trimtab"
)

// Store keeps pipeline runs, steps and attempts. All but OpenRuns work in the
// workspace of the context's call.
type Store interface {
	CreateRun(ctx context.Context, r trimtab.PipelineRun, steps []trimtab.Step) (trimtab.PipelineRun, error)
	GetRun(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error)
	ListRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) ([]trimtab.PipelineRun, trimtab.PageToken, error)
	OpenRuns(ctx context.Context) ([]trimtab.PipelineRun, error)
	MoveRun(ctx context.Context, id trimtab.PipelineRunID, rule func(trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error)) (trimtab.PipelineRun, error)
	MoveStep(ctx context.Context, id trimtab.PipelineRunID, step string, rule func(trimtab.Step) (trimtab.Step, trimtab.Change, error), alongside ...trimtab.StepEffect) (trimtab.Step, error)
	Attempts(ctx context.Context, id trimtab.PipelineRunID, step string) ([]trimtab.Attempt, error)
	Cached(ctx context.Context, key trimtab.Digest) (trimtab.Step, error)
}

// Resources reads what was declared.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
}

// Experiments finds and makes MLflow experiments.
type Experiments interface {
	ByName(ctx context.Context, name string) (trimtab.Experiment, error)
	Create(ctx context.Context, e trimtab.Experiment) (trimtab.Experiment, error)
}

// MLflowRuns makes the MLflow run of an attempt, once for each idempotency key.
type MLflowRuns interface {
	Create(ctx context.Context, run trimtab.Run, idempotency string) (trimtab.Run, error)
}

// Versions finds the versions that any attempt of a pipeline run registered, in
// the order of their creation.
type Versions interface {
	ByAttempt(ctx context.Context, run trimtab.PipelineRunID) ([]trimtab.ModelVersion, error)
}

// Models moves aliases.
type Models interface {
	SetAlias(ctx context.Context, name trimtab.ModelName, move trimtab.MoveAlias) (trimtab.RegisteredModel, error)
}

// Datasets takes snapshots. Taking one twice gives the same bytes.
type Datasets interface {
	Take(ctx context.Context, spec trimtab.DatasetSpec) (trimtab.Snapshot, error)
	// Served names what an endpoint has served that the snapshot depends on; "" when
	// it depends on files alone.
	Served(ctx context.Context, spec trimtab.DatasetSpec) (trimtab.Digest, error)
}
