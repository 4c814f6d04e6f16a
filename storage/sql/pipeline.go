package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

const pipelineRunColumns = "workspace, id, pipeline, generation, spec, params, state, reason, cause, cache, retry_of, created, ended, entry"

// CreateRun records a new pipeline run with its steps: one transaction, one
// entry for the run and one for each step. An id that is taken is Exists.
func (h *Pipelines) CreateRun(ctx context.Context, r trimtab.PipelineRun, steps []trimtab.Step) (_ trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "Pipelines.CreateRun(%s)", r.Pipeline)
	err = h.db.write(ctx, governed, func(tx *Tx) error {
		r.Workspace, r.Created, r.Steps = tx.Workspace(), tx.Now(), nil
		if r.ID == "" {
			r.ID = tx.db.cfg.Random.PipelineRunID()
		}
		if r.State == "" {
			r.State = trimtab.PipelinePending
		}
		entry, err := tx.Journal(r.Workspace, r.Change("pipelineRun.create", nil))
		if err != nil {
			return err
		}
		params, err := json.Marshal(r.Params)
		if err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO pipeline_runs ("+pipelineRunColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			string(r.Workspace), string(r.ID), r.Pipeline, r.Generation, string(r.Spec), string(params), string(r.State), r.Reason,
			r.Cause, r.Cache, string(r.RetryOf), int64(r.Created), int64(r.Ended), string(entry))
		if isUnique(err) {
			return trimtab.Errorf(trimtab.Exists, r.Object().String(), "pipeline run %s exists already", r.ID)
		}
		if err != nil {
			return err
		}
		for i, s := range steps {
			s.Workspace, s.Run, s.Ordinal = r.Workspace, r.ID, i
			if s.State == "" {
				s.State = trimtab.StepWaiting
			}
			if err := tx.insertStep(s); err != nil {
				return err
			}
			r.Steps = append(r.Steps, s)
		}
		return nil
	})
	return r, err
}

// GetRun returns a run with its steps in order; NotFound when there is none.
func (h *Pipelines) GetRun(ctx context.Context, id trimtab.PipelineRunID) (r trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "Pipelines.GetRun(%s)", id)
	err = h.db.read(ctx, func(q *Query) error {
		if r, _, err = getPipelineRun(&q.session, trimtab.CallOf(ctx).Workspace, id, ""); err != nil {
			return err
		}
		r.Steps, err = stepsOf(&q.session, r.Workspace, id)
		return err
	})
	return r, err
}

// ListRuns returns runs of a pipeline, "" for all, the newest first, with their
// steps. The token is "" on the last page.
func (h *Pipelines) ListRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) (out []trimtab.PipelineRun, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Pipelines.ListRuns(%s)", pipeline)
	if err := checkLimit("pipeline run", limit); err != nil {
		return nil, "", err
	}
	ws := trimtab.CallOf(ctx).Workspace
	scope := "pipelineRuns/" + string(ws) + "/" + pipeline
	err = h.db.read(ctx, func(q *Query) error {
		query, args := "SELECT "+pipelineRunColumns+" FROM pipeline_runs WHERE workspace = ?", []any{string(ws)}
		if pipeline != "" {
			query, args = query+" AND pipeline = ?", append(args, pipeline)
		}
		if after != "" {
			var created int64
			var id string
			if err := after.Keys(scope, &created, &id); err != nil {
				return err
			}
			query, args = query+" AND (created < ? OR created = ? AND id > ?)", append(args, created, created, id)
		}
		rows, err := q.Rows(query+" ORDER BY created DESC, id LIMIT ?", append(args, int64(limit)+1)...)
		if err := collect(rows, err, func(rows *dbsql.Rows) error {
			r, _, err := scanPipelineRun(rows)
			out = append(out, r)
			return err
		}); err != nil {
			return err
		}
		if len(out) > limit {
			out = out[:limit]
			last := out[limit-1]
			next = trimtab.NewPageToken(scope, int64(last.Created), string(last.ID))
		}
		return attachSteps(q, out)
	})
	return out, next, err
}

// OpenRuns returns the runs of all workspaces that have not ended, the oldest
// first, with their steps: what a controller takes up at its start.
func (h *Pipelines) OpenRuns(ctx context.Context) (out []trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "Pipelines.OpenRuns()")
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT " + pipelineRunColumns + " FROM pipeline_runs WHERE ended = 0 ORDER BY created, id")
		if err := collect(rows, err, func(rows *dbsql.Rows) error {
			r, _, err := scanPipelineRun(rows)
			out = append(out, r)
			return err
		}); err != nil {
			return err
		}
		return attachSteps(q, out)
	})
	return out, err
}

// MoveRun applies a rule to a run, steps included, and commits the new state with
// its entry. The rule may run more than once; a change without an action records
// nothing. Steps are moved by MoveStep alone.
func (h *Pipelines) MoveRun(ctx context.Context, id trimtab.PipelineRunID, rule func(trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error)) (next trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "Pipelines.MoveRun(%s)", id)
	err = h.db.write(ctx, governed, func(tx *Tx) error {
		r, _, err := getPipelineRun(&tx.session, tx.Workspace(), id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		if r.Steps, err = stepsOf(&tx.session, r.Workspace, id); err != nil {
			return err
		}
		var change trimtab.Change
		if next, change, err = rule(r); err != nil || change.Action == "" {
			return err
		}
		entry, err := tx.Journal(r.Workspace, change)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE pipeline_runs SET state = ?, reason = ?, ended = ?, entry = ? WHERE workspace = ? AND id = ?",
			string(next.State), next.Reason, int64(next.Ended), string(entry), string(r.Workspace), string(id))
		return err
	})
	return next, err
}

func scanPipelineRun(row interface{ Scan(...any) error }) (r trimtab.PipelineRun, entry trimtab.EntryID, err error) {
	var spec, params string
	err = row.Scan(&r.Workspace, &r.ID, &r.Pipeline, &r.Generation, &spec, &params, &r.State, &r.Reason, &r.Cause, &r.Cache, &r.RetryOf, &r.Created, &r.Ended, &entry)
	if err != nil {
		return r, "", err
	}
	r.Spec = json.RawMessage(spec)
	return r, entry, json.Unmarshal([]byte(params), &r.Params)
}

func getPipelineRun(s *session, ws trimtab.Workspace, id trimtab.PipelineRunID, lock string) (trimtab.PipelineRun, trimtab.EntryID, error) {
	r, entry, err := scanPipelineRun(s.Row("SELECT "+pipelineRunColumns+" FROM pipeline_runs WHERE workspace = ? AND id = ?"+lock, string(ws), string(id)))
	if errors.Is(err, dbsql.ErrNoRows) {
		return r, "", trimtab.Errorf(trimtab.NotFound, "pipeline run "+string(id), "there is no pipeline run %s", id)
	}
	return r, entry, err
}

// attachSteps loads the steps of a page of runs in one query.
func attachSteps(q *Query, runs []trimtab.PipelineRun) error {
	if len(runs) == 0 {
		return nil
	}
	at := make(map[trimtab.PipelineRunID]int, len(runs))
	ids := make([]string, len(runs))
	for i, r := range runs {
		at[r.ID], ids[i] = i, string(r.ID)
	}
	st := &statement{engine: q.engine}
	st.add("SELECT " + stepColumns + " FROM steps WHERE ")
	st.among("run", ids)
	st.add(" ORDER BY run, ordinal")
	rows, err := st.rows(&q.session)
	return collect(rows, err, func(rows *dbsql.Rows) error {
		s, _, err := scanStep(rows)
		if err != nil {
			return err
		}
		if i, ok := at[s.Run]; ok && runs[i].Workspace == s.Workspace {
			runs[i].Steps = append(runs[i].Steps, s)
		}
		return nil
	})
}
