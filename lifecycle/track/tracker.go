package track

import (
	"context"

	"github.com/trimtab/trimtab"
)

// ExperimentStore keeps experiments; see storage/sql for what each method promises.
type ExperimentStore interface {
	Create(ctx context.Context, e trimtab.Experiment) (trimtab.Experiment, error)
	Rename(ctx context.Context, id trimtab.ExperimentID, name string) error
	SetTag(ctx context.Context, id trimtab.ExperimentID, tag trimtab.Tag) error
}

// RunStore keeps runs and what they log.
type RunStore interface {
	Create(ctx context.Context, r trimtab.Run, idempotency string) (trimtab.Run, error)
	Get(ctx context.Context, id trimtab.RunID) (trimtab.Run, error)
	Update(ctx context.Context, id trimtab.RunID, u trimtab.RunUpdate) (trimtab.Run, error)
	LogBatch(ctx context.Context, id trimtab.RunID, b trimtab.RunBatch) error
	SetTag(ctx context.Context, id trimtab.RunID, tag trimtab.Tag) error
	LogInputs(ctx context.Context, id trimtab.RunID, datasets []trimtab.DatasetInput, models []trimtab.ModelInput) error
}

// LoggedModelStore keeps logged models.
type LoggedModelStore interface {
	Create(ctx context.Context, m trimtab.LoggedModel, idempotency string) (trimtab.LoggedModel, error)
	Get(ctx context.Context, id trimtab.LoggedModelID) (trimtab.LoggedModel, error)
	SetTags(ctx context.Context, id trimtab.LoggedModelID, tags []trimtab.Tag) error
	LogParams(ctx context.Context, id trimtab.LoggedModelID, params []trimtab.Param) error
}

// ArtifactStore keeps artifact trees.
type ArtifactStore interface {
	List(ctx context.Context, tree trimtab.TreeID, dir string) ([]trimtab.Artifact, error)
	Get(ctx context.Context, tree trimtab.TreeID, path string) (trimtab.Artifact, error)
}

// Config is what a Tracker needs; all stores are required.
type Config struct {
	Experiments  ExperimentStore
	Runs         RunStore
	LoggedModels LoggedModelStore
	Artifacts    ArtifactStore
	Clock        trimtab.Clock  // nil: SystemClock
	Random       trimtab.Random // nil: CryptoRandom
}

// Tracker applies the rules of tracking. It is safe for concurrent use.
type Tracker struct{ cfg Config }

// New makes a Tracker.
func New(cfg Config) *Tracker {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Random == nil {
		cfg.Random = trimtab.CryptoRandom
	}
	return &Tracker{cfg}
}

// sameRequest is the key under which the store finds the result of an equal
// request of the same attempt: a client that lost its answer asks again with
// the same content. People's requests have no key: who asks twice wants two.
func sameRequest(ctx context.Context, content any) (trimtab.AttemptID, string) {
	attempt := trimtab.CallOf(ctx).Actor.Attempt
	if attempt == "" {
		return "", ""
	}
	return attempt, string(attempt) + ":" + string(trimtab.StateDigest(content))
}
