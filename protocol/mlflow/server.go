package mlflow

import (
	"context"
	"io"
	"log/slog"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/track"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// The interfaces below are the handles of storage/sql as far as this protocol
// calls them itself; what has rules it calls through track and registry.

// Experiments reads and removes experiments.
type Experiments interface {
	Get(ctx context.Context, id trimtab.ExperimentID) (trimtab.Experiment, error)
	ByName(ctx context.Context, name string) (trimtab.Experiment, error)
	Delete(ctx context.Context, id trimtab.ExperimentID) error
	Restore(ctx context.Context, id trimtab.ExperimentID) error
	DeleteTag(ctx context.Context, id trimtab.ExperimentID, key string) error
	Search(ctx context.Context, q sql.ExperimentQuery) ([]trimtab.Experiment, trimtab.PageToken, error)
}

// Runs reads, ends and removes runs.
type Runs interface {
	Get(ctx context.Context, id trimtab.RunID) (trimtab.Run, error)
	Update(ctx context.Context, id trimtab.RunID, u trimtab.RunUpdate) (trimtab.Run, error)
	Delete(ctx context.Context, id trimtab.RunID) error
	Restore(ctx context.Context, id trimtab.RunID) error
	DeleteTag(ctx context.Context, id trimtab.RunID, key string) error
	LogOutputs(ctx context.Context, id trimtab.RunID, models []trimtab.ModelOutput) error
}

// RunSearch searches runs and reads the points of their metrics.
type RunSearch interface {
	Search(ctx context.Context, q sql.RunQuery) ([]trimtab.Run, trimtab.PageToken, error)
	History(ctx context.Context, id trimtab.RunID, key string, limit int, after trimtab.PageToken) ([]trimtab.Metric, trimtab.PageToken, error)
	HistoryInterval(ctx context.Context, ids []trimtab.RunID, key string, start, end *int64, maxResults int) ([]sql.RunMetric, error)
	HistoryBulk(ctx context.Context, ids []trimtab.RunID, key string, maxResults int) ([]sql.RunMetric, error)
}

// LoggedModels reads, ends and removes logged models.
type LoggedModels interface {
	Get(ctx context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error)
	Finalize(ctx context.Context, id trimtab.LoggedModelID, status trimtab.LoggedModelStatus) (trimtab.LoggedModel, error)
	Delete(ctx context.Context, id trimtab.LoggedModelID) error
	DeleteTag(ctx context.Context, id trimtab.LoggedModelID, key string) error
	Search(ctx context.Context, q sql.LoggedModelQuery) ([]trimtab.LoggedModel, trimtab.PageToken, error)
}

// Artifacts keeps artifact trees and manifests.
type Artifacts interface {
	Put(ctx context.Context, tree trimtab.TreeID, path string, d trimtab.Digest, size int64) error
	List(ctx context.Context, tree trimtab.TreeID, dir string) ([]trimtab.Artifact, error)
	Get(ctx context.Context, tree trimtab.TreeID, path string) (trimtab.Artifact, error)
	Delete(ctx context.Context, tree trimtab.TreeID, path string) error
	Manifest(ctx context.Context, d trimtab.Digest) (trimtab.Manifest, error)
}

// Models reads and removes registered models.
type Models interface {
	Get(ctx context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error)
	Update(ctx context.Context, name trimtab.ModelName, description string) (trimtab.RegisteredModel, error)
	Delete(ctx context.Context, name trimtab.ModelName) error
	DeleteTag(ctx context.Context, name trimtab.ModelName, key string) error
	DropAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) error
	Search(ctx context.Context, q sql.ModelQuery) ([]trimtab.RegisteredModel, trimtab.PageToken, error)
}

// Versions reads and removes versions of registered models.
type Versions interface {
	Get(ctx context.Context, name trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error)
	Update(ctx context.Context, name trimtab.ModelName, v trimtab.Version, description string) (trimtab.ModelVersion, error)
	Delete(ctx context.Context, name trimtab.ModelName, v trimtab.Version) error
	DeleteTag(ctx context.Context, name trimtab.ModelName, v trimtab.Version, key string) error
	LatestOf(ctx context.Context, names []trimtab.ModelName) (map[trimtab.ModelName][]trimtab.ModelVersion, error)
	Search(ctx context.Context, q sql.VersionQuery) ([]trimtab.ModelVersion, trimtab.PageToken, error)
}

// Blobs keeps the bytes of artifacts.
type Blobs interface {
	Put(ctx context.Context, r io.Reader) (trimtab.Digest, int64, error)
	Open(ctx context.Context, d trimtab.Digest) (blob.Reader, error)
}

// Config is what the protocol needs; every field but Log and Clock is required.
// Runs and RunSearch are usually the same handle.
type Config struct {
	Tracker      *track.Tracker
	Registry     *registry.Registry
	Experiments  Experiments
	Runs         Runs
	RunSearch    RunSearch
	LoggedModels LoggedModels
	Artifacts    Artifacts
	Models       Models
	Versions     Versions
	Blobs        Blobs
	Clock        trimtab.Clock // nil: SystemClock
	Log          *slog.Logger  // nil: nothing is logged
}

// server holds the handlers.
type server struct{ Config }
