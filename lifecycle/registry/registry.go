package registry

import (
	"context"

	"github.com/trimtab/trimtab"
)

// ModelStore keeps registered models; see storage/sql for what each method promises.
type ModelStore interface {
	Create(ctx context.Context, m trimtab.RegisteredModel) (trimtab.RegisteredModel, error)
	Get(ctx context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error)
	Rename(ctx context.Context, from, to trimtab.ModelName) (trimtab.RegisteredModel, error)
	SetTag(ctx context.Context, name trimtab.ModelName, tag trimtab.Tag) error
	SetAlias(ctx context.Context, name trimtab.ModelName, cmd trimtab.MoveAlias) (trimtab.RegisteredModel, error)
}

// VersionStore keeps the versions of registered models.
type VersionStore interface {
	Create(ctx context.Context, v trimtab.ModelVersion, idempotency string) (trimtab.ModelVersion, error)
	Get(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error)
	ByAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) (trimtab.ModelVersion, error)
	Latest(ctx context.Context, name trimtab.ModelName, stages []string) ([]trimtab.ModelVersion, error)
	SetTag(ctx context.Context, name trimtab.ModelName, v trimtab.Version, tag trimtab.Tag) error
	Transition(ctx context.Context, name trimtab.ModelName, v trimtab.Version, stage string, archive bool) (trimtab.ModelVersion, error)
}

// RunReader finds the run that a source lies in.
type RunReader interface {
	Get(ctx context.Context, id trimtab.RunID) (trimtab.Run, error)
}

// LoggedModelStore finds the logged model that a source is, and keeps in a tag
// which versions came of it.
type LoggedModelStore interface {
	Get(ctx context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error)
	SetTags(ctx context.Context, id trimtab.LoggedModelID, tags []trimtab.Tag) error
}

// TreeReader tells whether a run's tree holds what a source names.
type TreeReader interface {
	List(ctx context.Context, tree trimtab.TreeID, dir string) ([]trimtab.Artifact, error)
}

// Config is what a Registry needs; all stores are required.
type Config struct {
	Models       ModelStore
	Versions     VersionStore
	Runs         RunReader
	LoggedModels LoggedModelStore
	Artifacts    TreeReader
	Clock        trimtab.Clock // nil: SystemClock
}

// Registry applies the rules of the model registry. It is safe for concurrent use.
type Registry struct{ cfg Config }

// New makes a Registry.
func New(cfg Config) *Registry {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	return &Registry{cfg}
}
