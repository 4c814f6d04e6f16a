package app

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/pure/schema"
)

// evaluator makes the gate: over what was served, and the declared sources.
func (s *server) evaluator() *evaluate.Runner {
	db := s.db
	return evaluate.New(evaluate.Config{
		Resources: db.Resources, Windows: db.Windows, States: db.Endpoints, Rollouts: db.Rollouts, Evaluations: db.Evaluations,
		Holds: holds{s}, Models: challengers{s}, Scorer: s.serve.Scorer(), Traffic: s.traffic, Source: s.datasets,
		Columns: evaluate.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, Label: dataset.LabelColumn},
		Runs:    db.Runs, Log: s.log.With("part", "gate"),
	})
}

// challengers tells the gate what versions are.
type challengers struct{ *server }

func (c challengers) Version(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (trimtab.ModelVersion, error) {
	return c.db.Versions.Get(ctx, model, version)
}

func (c challengers) Champion(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.Version, error) {
	m, err := c.db.Models.Get(ctx, model)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return 0, nil
	}
	return m.Aliases[alias], err
}

// Signature is that of the frozen model; one without a signature takes its features as doubles.
func (c challengers) Signature(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (schema.Signature, error) {
	v, err := c.db.Versions.Get(ctx, model, version)
	if err != nil {
		return schema.Signature{}, err
	}
	manifest, err := c.db.Artifacts.Manifest(ctx, v.Manifest)
	if err != nil {
		return schema.Signature{}, err
	}
	m, err := serve.Load(ctx, serve.Frozen(manifest, c.blobs), serve.Options{})
	if err != nil {
		return schema.Signature{}, err
	}
	s := m.Signature
	if s.Inputs.Empty() {
		for _, f := range m.Inputs() {
			s.Inputs.Columns = append(s.Inputs.Columns, schema.ColumnSpec{Name: f.Name, Named: true, Type: schema.TypeOf(f.Type), Required: true})
		}
	}
	return s, nil
}
