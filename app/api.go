package app

import (
	"context"
	"io"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/lifecycle/track"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/protocol/mlflow"
	"github.com/trimtab/trimtab/protocol/oip"
	"github.com/trimtab/trimtab/protocol/overview"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/protocol/serving"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/ui"
)

// wire makes the slices and the route table.
func (s *server) wire() error {
	for _, step := range []func() error{s.judging, s.pipelines, s.serving, s.loop} {
		if err := step(); err != nil {
			return err
		}
	}
	s.group.add("sealing", s.sealing)
	s.health = &health{metrics: s.metrics, database: func(ctx context.Context) error {
		_, err := s.db.Journal.Cursor(ctx, "probe")
		return err
	}}
	mux, err := route.New(route.Config{Log: s.log.With("part", "http"), Prefix: s.cfg.Prefix, AllowedHosts: s.cfg.hosts(), Registerer: s.metrics, Attempts: s.db.Pipelines},
		s.health.routes(), s.mlflow(), s.native(), s.overview(), ui.Routes(),
		serving.Routes(serving.Config{Server: s.serve, Version: mlflow.Version}),
		oip.Routes(oip.Config{Server: s.serve, Version: s.cfg.Version}))
	s.handler = mux
	return err
}

// mlflow is the MLflow front over tracking, registry and artifacts.
func (s *server) mlflow() []route.Route {
	db := s.db
	return mlflow.Routes(mlflow.Config{
		Tracker:     track.New(track.Config{Experiments: db.Experiments, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts}),
		Registry:    registry.New(registry.Config{Models: db.Models, Versions: db.Versions, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts}),
		Experiments: db.Experiments, Runs: db.Runs, RunSearch: db.Runs, LoggedModels: db.LoggedModels,
		Artifacts: db.Artifacts, Models: db.Models, Versions: db.Versions, Blobs: s.blobs,
		Log: s.log.With("part", "mlflow"),
	})
}

// native is our own API.
func (s *server) native() []route.Route {
	db := s.db
	return api.Routes(api.Config{
		Resources: db.Resources, Blobs: s.blobs, PipelineRuns: db.Pipelines, Engine: s.engine, PipelinePages: pipelinePages{db.Pipelines, s.engine, db.Versions}, Changes: changeLog{db.Journal, db.Resources},
		Runs: db.Runs, Experiments: db.Experiments, ExperimentTable: db.Experiments, RunTable: db.Runs, Registry: catalog{db}, Models: s.modelPages(), Endpoints: db.Endpoints, Serving: dataPlane{s},
		Traffic: exports{s}, Replays: history{s}, Windows: db.Windows, Watch: s.watch(), Evaluator: s.evaluator(), Evaluations: db.Evaluations, Simulator: s.policies,
		Loop:     api.Loop{Decisions: db.Decisions, Incidents: db.Incidents, Rollouts: db.Rollouts, Policies: db.Policies, Pauses: db.Pauses, Decider: s.policies, Roller: s.rollouts},
		Channels: s.notifier, Deliveries: db.Deliveries, Journal: db.Journal, Version: s.cfg.Version, Finder: finder{db}, About: s.about,
		Audit: db.Journal, EndpointPages: api.EndpointPages{Plane: dataPlane{s}, States: db.Endpoints, Windows: db.Windows, Stop: s.stopping},
		RunCards: db.Runs, RunTree: db.Artifacts, Opener: s.blobs, Series: db.Runs, Comparer: db.Runs,
	})
}

// overview is what the start page and `trimtab status` show, and their stream of notices.
func (s *server) overview() []route.Route {
	db := s.db
	return overview.New(overview.Config{
		Version: s.cfg.Version, Serving: dataPlane{s}, Parked: s.parked, Stop: s.stopping,
		Models: func(ctx context.Context, limit int) ([]trimtab.RegisteredModel, bool, error) {
			all, next, err := db.Models.Search(ctx, sql.ModelQuery{Limit: limit})
			return all, next != "", err
		},
		Versions: db.Versions, Runs: db.Runs, Resources: db.Resources, Windows: db.Windows, Pipelines: db.Pipelines,
		Replays: db.Replays, Endpoints: db.Endpoints, Journal: db.Journal,
		Loop:      overview.Loop{Incidents: db.Incidents, Decisions: db.Decisions, Rollouts: db.Rollouts, Policies: db.Policies, Pauses: db.Pauses, Evaluated: db.Evaluations},
		Snapshots: db.Snapshots,
	}).Routes()
}

func (s *server) parked(ctx context.Context) (out []view.Parked, err error) {
	all, err := s.db.Journal.ParkedEntries(ctx)
	for _, p := range all {
		out = append(out, view.Parked(p))
	}
	return out, err
}

// finder looks names up for the palette.
type finder struct{ *sql.DB }

func (f finder) Find(ctx context.Context, text string, limit int) (out []view.Found, err error) {
	all, err := f.DB.Find(ctx, text, limit)
	for _, n := range all {
		out = append(out, view.Found(n))
	}
	return out, err
}

// catalog lists the registry for our own API.
type catalog struct{ db *sql.DB }

func (n catalog) Models(ctx context.Context) ([]trimtab.RegisteredModel, error) {
	all, _, err := n.db.Models.Search(ctx, sql.ModelQuery{Limit: 10_000})
	return all, err
}

func (n catalog) Model(ctx context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error) {
	return n.db.Models.Get(ctx, name)
}

func (n catalog) Versions(ctx context.Context, name trimtab.ModelName) ([]trimtab.ModelVersion, error) {
	all, _, err := n.db.Versions.Search(ctx, sql.VersionQuery{Limit: 10_000,
		Filter: filter.Cmp{Entity: filter.Attribute, Key: "name", Op: filter.Equal, Value: filter.Text(string(name))},
		Order:  []filter.Order{{Entity: filter.Attribute, Key: "version_number", Descending: true}}})
	return all, err
}

func (n catalog) SetAlias(ctx context.Context, name trimtab.ModelName, move trimtab.MoveAlias) (trimtab.RegisteredModel, error) {
	return n.db.Models.SetAlias(ctx, name, move)
}

func (n catalog) DropAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) error {
	return n.db.Models.DropAlias(ctx, name, alias)
}

// exports writes endpoints' logs.
type exports struct{ *server }

func (x exports) Export(ctx context.Context, endpoint string, from, to trimtab.Time, w io.Writer) error {
	e, err := x.serve.Endpoint(trimtab.CallOf(ctx).Workspace, endpoint)
	if err != nil {
		return err
	}
	_, err = e.Log().Export(ctx, w, from, to)
	return err
}

// history starts and shows replays.
type history struct{ *server }

func (h history) Start(ctx context.Context, o view.StartReplay) (trimtab.Replay, bool, error) {
	last, lastErr := h.db.Replays.Last(ctx, o.Endpoint)
	r, err := h.replays.Start(ctx, replay.StartOptions(o))
	return r, err == nil && lastErr == nil && r.ID == last.ID, err
}

func (h history) Plan(ctx context.Context, o view.StartReplay) ([]trimtab.FaultReach, error) {
	return h.replays.Plan(ctx, replay.StartOptions(o))
}

func (h history) Get(ctx context.Context, id trimtab.ReplayID) (trimtab.Replay, error) {
	return h.db.Replays.Get(ctx, id)
}

func (h history) Last(ctx context.Context, endpoint string) (trimtab.Replay, error) {
	return h.db.Replays.Last(ctx, endpoint)
}

func (h history) Cancel(ctx context.Context, id trimtab.ReplayID, reason string) error {
	_, err := h.replays.Cancel(ctx, id)
	return err
}
