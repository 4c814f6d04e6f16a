package api

import (
	"context"
	"io"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
)

// Resources keeps what was declared.
type Resources interface {
	List(ctx context.Context, kind string) ([]trimtab.Resource, error)
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Apply(ctx context.Context, writes []trimtab.ResourceWrite) error
}

// Blobs keeps objects by their digest.
type Blobs interface {
	Put(ctx context.Context, r io.Reader) (trimtab.Digest, int64, error)
	Stat(ctx context.Context, d trimtab.Digest) (blob.Info, error)
}

// PipelineRuns reads what the engine has done.
type PipelineRuns interface {
	GetRun(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error)
	ListRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) ([]trimtab.PipelineRun, trimtab.PageToken, error)
	Attempts(ctx context.Context, id trimtab.PipelineRunID, step string) ([]trimtab.Attempt, error)
}

// Engine starts, stops and explains pipeline runs, and shows what their steps print.
type Engine interface {
	Start(ctx context.Context, name string, opt pipeline.StartOptions) (trimtab.PipelineRun, error)
	Cancel(ctx context.Context, id trimtab.PipelineRunID, reason string) (trimtab.PipelineRun, error)
	Explain(ctx context.Context, id trimtab.PipelineRunID, step string) (pipeline.Explanation, error)
	// Logs reads what an attempt printed (0: the newest), to its end, or with
	// follow until the attempt has ended. The reader ends when ctx does.
	Logs(ctx context.Context, id trimtab.PipelineRunID, step string, attempt int, follow bool) (io.ReadCloser, error)
}

// Runs reads runs.
type Runs interface {
	Get(ctx context.Context, id trimtab.RunID) (trimtab.Run, error)
	Recent(ctx context.Context, limit int) ([]trimtab.Run, error)
}

// Experiments reads experiments.
type Experiments interface {
	Get(ctx context.Context, id trimtab.ExperimentID) (trimtab.Experiment, error)
}

// Registry reads registered models and moves their aliases.
type Registry interface {
	Models(ctx context.Context) ([]trimtab.RegisteredModel, error) // all of the project, by name
	Model(ctx context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error)
	Versions(ctx context.Context, name trimtab.ModelName) ([]trimtab.ModelVersion, error) // newest first, not the deleted
	SetAlias(ctx context.Context, name trimtab.ModelName, move trimtab.MoveAlias) (trimtab.RegisteredModel, error)
	DropAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) error
}

// Endpoints reads the states of endpoints.
type Endpoints interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Settlements(ctx context.Context, endpoint string) ([]trimtab.Settlement, error)
}

// Serving is what the data plane knows of an endpoint. Serving fills Version,
// Since, Conditions, Counts and URL of the view; an endpoint that is not served
// here yet is left as it is.
type Serving interface {
	Serving(ctx context.Context, v *view.Endpoint) error
}

// Traffic exports the log of an endpoint.
type Traffic interface {
	// Export writes predictions joined with their labels as Parquet, in the order
	// of event time; zero times leave that side open.
	Export(ctx context.Context, endpoint string, from, to trimtab.Time, w io.Writer) error
}

// Replays starts, shows and cancels replays.
type Replays interface {
	// Start begins a replay, or finds the one of the same endpoint, data and span:
	// then resumed is true.
	Start(ctx context.Context, start view.StartReplay) (r trimtab.Replay, resumed bool, err error)
	// Plan says what each fault of a drill would hit, and starts nothing.
	Plan(ctx context.Context, start view.StartReplay) ([]trimtab.FaultReach, error)
	Get(ctx context.Context, id trimtab.ReplayID) (trimtab.Replay, error)
	Last(ctx context.Context, endpoint string) (trimtab.Replay, error) // NotFound when there was none
	Cancel(ctx context.Context, id trimtab.ReplayID, reason string) error
}

// Windows reads what monitors found, oldest first.
type Windows interface {
	List(ctx context.Context, monitor string) ([]trimtab.WindowResult, error)
}

// Journal reads the audit log.
type Journal interface {
	Newest(ctx context.Context, before int64, limit int) ([]trimtab.Entry, error)
	ByObject(ctx context.Context, kind, name string, limit int) ([]trimtab.Entry, error)
	Verify(ctx context.Context, rows bool) (*journal.Report, error)
}

// Config is what the API asks. Resources, Journal and Clock are needed; a part
// that is nil answers Unsupported.
type Config struct {
	Resources     Resources
	Blobs         Blobs
	PipelineRuns  PipelineRuns
	Engine        Engine
	PipelinePages PipelinePages
	Changes       ChangeLog
	Runs          Runs
	Experiments   Experiments
	Registry      Registry
	Endpoints     Endpoints
	Serving       Serving
	Traffic       Traffic
	Replays       Replays
	Windows       Windows
	Evaluator     Evaluator
	Evaluations   Evaluations
	Simulator     Simulator
	Loop          Loop
	Channels      Channels
	Finder        Finder
	About         func(ctx context.Context) (view.About, error) // the server itself
	Deliveries    Deliveries
	Journal       Journal
	Audit         Audit
	EndpointPages EndpointPages
	Models        ModelPages
	Watch         Watch
	Clock         trimtab.Clock // default the system's
	Version       string        // of the program, for the OpenAPI document

	// What the pages of experiments read.
	ExperimentTable ExperimentTable
	RunTable        RunTable

	// What the page of a run and the charts of runs read.
	RunCards RunCards
	RunTree  RunTree
	Opener   Opener
	Series   SeriesStore
	Comparer Comparer
}

// absent is the answer of a part that this server does not run.
func absent(part string) error {
	return trimtab.Errorf(trimtab.Unsupported, part, "this server runs no %s", part)
}
