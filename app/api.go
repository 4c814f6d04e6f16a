package app

import (
	"context"

	"github.com/trimtab/trimtab/lifecycle/registry"
	"github.com/trimtab/trimtab/lifecycle/track"
	"github.com/trimtab/trimtab/protocol/mlflow"
	"github.com/trimtab/trimtab/protocol/route"
)

// mlflowRoutes is the MLflow front over tracking, registry and artifacts.
func (s *server) mlflowRoutes() []route.Route {
	db := s.db
	tracker := track.New(track.Config{Experiments: db.Experiments, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts})
	models := registry.New(registry.Config{Models: db.Models, Versions: db.Versions, Runs: db.Runs, LoggedModels: db.LoggedModels, Artifacts: db.Artifacts})
	return mlflow.Routes(mlflow.Config{
		Tracker: tracker, Registry: models,
		Experiments: db.Experiments, Runs: db.Runs, RunSearch: db.Runs, LoggedModels: db.LoggedModels,
		Artifacts: db.Artifacts, Models: db.Models, Versions: db.Versions, Blobs: s.blobs,
		Log: s.log.With("part", "mlflow"),
	})
}

// wire makes the slices and the route table.
func (s *server) wire() error {
	s.health = &health{metrics: s.metrics, database: func(ctx context.Context) error {
		_, err := s.db.Journal.Cursor(ctx, "probe")
		return err
	}}
	mux, err := route.New(route.Config{Log: s.log.With("part", "http"), Prefix: s.cfg.Prefix, Registerer: s.metrics, Attempts: s.db.Pipelines},
		s.health.routes(), s.mlflowRoutes())
	if err != nil {
		return err
	}
	s.handler = mux
	return nil
}
