package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// RecentRuns returns the newest runs of every pipeline, up to per of each, newest
// first, without their specs and params. Steps come with the runs that have not
// ended only.
func (h *Pipelines) RecentRuns(ctx context.Context, per int) (out []trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "Pipelines.RecentRuns(%d)", per)
	if err := checkLimit("pipeline run", per); err != nil {
		return nil, err
	}
	ws := trimtab.CallOf(ctx).Workspace
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows(`SELECT id, pipeline, generation, state, reason, cause, cache, retry_of, created, ended FROM (
			SELECT id, pipeline, generation, state, reason, cause, cache, retry_of, created, ended, ROW_NUMBER() OVER (PARTITION BY pipeline ORDER BY created DESC, id) AS place
			FROM pipeline_runs WHERE workspace = ?) r WHERE place <= ? ORDER BY created DESC, id`, string(ws), int64(per))
		if err := collect(rows, err, func(rows *dbsql.Rows) error {
			r := trimtab.PipelineRun{Workspace: ws}
			err := rows.Scan(&r.ID, &r.Pipeline, &r.Generation, &r.State, &r.Reason, &r.Cause, &r.Cache, &r.RetryOf, &r.Created, &r.Ended)
			out = append(out, r)
			return err
		}); err != nil {
			return err
		}
		var open []trimtab.PipelineRun
		for _, r := range out {
			if !r.State.Ended() {
				open = append(open, r)
			}
		}
		if err := attachSteps(q, open); err != nil {
			return err
		}
		for i := range out {
			for _, r := range open {
				if r.ID == out[i].ID {
					out[i].Steps = r.Steps
				}
			}
		}
		return nil
	})
	return out, err
}

// RunAttempts returns the attempts of all steps of a run, step by step, the first first.
func (h *Pipelines) RunAttempts(ctx context.Context, id trimtab.PipelineRunID) (out []trimtab.Attempt, err error) {
	defer trimtab.Wrap(&err, "Pipelines.RunAttempts(%s)", id)
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+attemptColumns+" FROM attempts WHERE workspace = ? AND run = ? ORDER BY step, n",
			string(trimtab.CallOf(ctx).Workspace), string(id))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			a, _, err := scanAttempt(rows)
			out = append(out, a)
			return err
		})
	})
	return out, err
}
