package overview

import (
	"context"
	"sync/atomic"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// The sources of an overview. All take the project from the context's call, are
// safe for concurrent use, and say with NotFound that there is nothing.
type (
	// Versions gives the newest version of a model per stage; nil stages mean all.
	Versions interface {
		Latest(ctx context.Context, name trimtab.ModelName, stages []string) ([]trimtab.ModelVersion, error)
	}
	// Runs gives the newest runs with their latest metrics.
	Runs interface {
		Recent(ctx context.Context, limit int) ([]trimtab.Run, error)
	}
	// Resources lists what was declared; kind "" means every kind.
	Resources interface {
		List(ctx context.Context, kind string) ([]trimtab.Resource, error)
	}
	// Windows gives the newest windows of a monitor by start, and how many there are.
	// Of windows that can be read slim, as [SlimWindows], no more than what is shown is read.
	Windows interface {
		Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
		Count(ctx context.Context, monitor string) (int, error)
	}
	// SlimWindows gives the newest windows as far as pages show them.
	SlimWindows interface {
		Slim(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
	}
	// Pipelines gives pipeline runs, the newest first; GetRun with their steps.
	Pipelines interface {
		ListRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) ([]trimtab.PipelineRun, trimtab.PageToken, error)
		GetRun(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error)
	}
	// Replays gives the last replay of an endpoint.
	Replays interface {
		Last(ctx context.Context, endpoint string) (trimtab.Replay, error)
	}
	// Endpoints gives the part of an endpoint that moves by itself, and how far its
	// listeners have come.
	Endpoints interface {
		State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
		Settlements(ctx context.Context, endpoint string) ([]trimtab.Settlement, error)
	}
	// Serving is what the data plane knows of an endpoint, from memory. Serving fills
	// Version, Conditions and Counts of the view; an endpoint that is not served here
	// yet is left as it is.
	Serving interface {
		Serving(ctx context.Context, v *view.Endpoint) error
	}
	// Documents lists the records of one kind, the newest first.
	Documents[T trimtab.Document] interface {
		Get(ctx context.Context, name string) (T, error)
		List(ctx context.Context, q trimtab.DocumentQuery) ([]T, error)
	}
	// Loop is what the closed loop has recorded; parts that are nil have recorded nothing.
	Loop struct {
		Incidents Documents[trimtab.Incident]
		Decisions Documents[trimtab.Decision]
		Rollouts  Documents[trimtab.Rollout]
		Policies  Documents[trimtab.PolicyState]
		Pauses    Documents[trimtab.Pause]
		Evaluated Documents[trimtab.Evaluation]
	}
	// Snapshots gives the newest snapshot of every source, and how many each has.
	Snapshots interface {
		Newest(ctx context.Context) ([]trimtab.Snapshot, map[string]int64, error)
	}
	// Journal is the order of all changes. Entries gives those of every project.
	Journal interface {
		Newest(ctx context.Context, before int64, limit int) ([]trimtab.Entry, error)
		Entries(ctx context.Context, after int64, limit int) ([]trimtab.Entry, error)
		Head(ctx context.Context) (int64, error)
		Wait(ctx context.Context, after int64) error
	}
)

// Config is what an overview is put together from.
type Config struct {
	Version string        // of the program
	Clock   trimtab.Clock // nil: SystemClock

	// Models gives up to limit registered models; more says whether others exist.
	Models func(ctx context.Context, limit int) (models []trimtab.RegisteredModel, more bool, err error)
	// Parked lists what consumers of the journal set aside; nil: nothing is known of it.
	Parked func(ctx context.Context) ([]view.Parked, error)

	Versions  Versions
	Runs      Runs
	Resources Resources
	Windows   Windows
	Pipelines Pipelines
	Replays   Replays
	Endpoints Endpoints
	Serving   Serving
	Journal   Journal
	Loop      Loop
	Snapshots Snapshots // nil: no data are known

	// Stop, when closed, ends all streams of notices, so that a server can stop
	// gracefully while pages are open; nil: they end with their requests.
	Stop <-chan struct{}
}

// Service answers. It is safe for concurrent use and keeps nothing but the
// number of open streams.
type Service struct {
	cfg     Config
	streams atomic.Int64
}

// New makes a service. It reads nothing before its first request.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	return &Service{cfg: cfg}
}
