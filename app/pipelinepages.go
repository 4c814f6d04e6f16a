package app

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/storage/sql"
)

// pipelinePages is what the pages of pipelines read of the database and do with the engine.
type pipelinePages struct {
	*sql.Pipelines
	*pipeline.Engine
	versions *sql.Versions
}

func (p pipelinePages) Products(ctx context.Context, run trimtab.PipelineRunID) ([]trimtab.ModelVersion, error) {
	return p.versions.ByAttempt(ctx, run)
}
