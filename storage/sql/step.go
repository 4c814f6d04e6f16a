package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trimtab/trimtab"
)

const (
	stepColumns    = "workspace, run, name, ordinal, state, attempt, cache_key, cached_of, outputs, reason, not_before, started, ended, entry"
	attemptColumns = "workspace, run, step, n, state, mlflow_run, token_hash, exit_code, reason, started, ended, entry"
)

// MoveStep applies a rule to a step and commits the new state, its entry and the
// effects in one transaction: all or nothing. The rule may run more than once. A
// change without an action leaves the step as it is; the effects happen all the same.
func (h *Pipelines) MoveStep(ctx context.Context, id trimtab.PipelineRunID, step string, rule func(trimtab.Step) (trimtab.Step, trimtab.Change, error), alongside ...trimtab.StepEffect) (next trimtab.Step, err error) {
	defer trimtab.Wrap(&err, "Pipelines.MoveStep(%s, %s)", id, step)
	err = h.db.write(ctx, governed, func(tx *Tx) error {
		s, err := tx.lockStep(id, step)
		if err != nil {
			return err
		}
		var change trimtab.Change
		if next, change, err = rule(s); err != nil {
			return err
		}
		if change.Action != "" {
			if err := tx.updateStep(next, change); err != nil {
				return err
			}
		}
		for _, effect := range alongside {
			if err := h.db.stepEffect(tx, next, effect); err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

func (db *DB) stepEffect(tx *Tx, s trimtab.Step, effect trimtab.StepEffect) error {
	switch e := effect.(type) {
	case trimtab.PutAttempt:
		return tx.putAttempt(s, e.Attempt)
	case trimtab.SettleVersions:
		return db.Versions.settle(tx, e.Attempt)
	case trimtab.EndMLflowRun:
		return db.endRun(tx, e)
	}
	return trimtab.Errorf(trimtab.Internal, s.Object().String(), "a step's move has no effect of type %T", effect)
}

// endRun ends the MLflow run of an attempt, unless a person deleted it or it ended that way already.
func (db *DB) endRun(tx *Tx, e trimtab.EndMLflowRun) error {
	row, err := db.Runs.load(&tx.session, e.Run, tx.engine.forUpdate())
	if trimtab.IsKind(err, trimtab.NotFound) || err == nil && row.Lifecycle != trimtab.Active {
		return nil
	}
	if err != nil || row.Status == e.Status && row.End != 0 {
		return err
	}
	u := trimtab.RunUpdate{Status: &e.Status}
	if row.End == 0 || !row.Status.Ended() {
		now := tx.Now()
		u.End = &now
	}
	_, err = db.Runs.update(tx, e.Run, u)
	return err
}

// Attempts returns the attempts of a step, the first first.
func (h *Pipelines) Attempts(ctx context.Context, id trimtab.PipelineRunID, step string) (out []trimtab.Attempt, err error) {
	defer trimtab.Wrap(&err, "Pipelines.Attempts(%s, %s)", id, step)
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+attemptColumns+" FROM attempts WHERE workspace = ? AND run = ? AND step = ? ORDER BY n",
			string(trimtab.CallOf(ctx).Workspace), string(id), step)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			a, _, err := scanAttempt(rows)
			out = append(out, a)
			return err
		})
	})
	return out, err
}

// AttemptByToken returns the attempt, of any workspace, that the token with this
// hash was given to; NotFound when none was.
func (h *Pipelines) AttemptByToken(ctx context.Context, tokenHash string) (a trimtab.Attempt, err error) {
	defer trimtab.Wrap(&err, "Pipelines.AttemptByToken()")
	absent := trimtab.Errorf(trimtab.NotFound, "attempt token", "the attempt token is unknown")
	if tokenHash == "" {
		return a, absent
	}
	err = h.db.read(ctx, func(q *Query) error {
		a, _, err = scanAttempt(q.Row("SELECT "+attemptColumns+" FROM attempts WHERE token_hash = ? AND token_hash <> ''", tokenHash))
		if errors.Is(err, dbsql.ErrNoRows) {
			return absent
		}
		return err
	})
	return a, err
}

// Cached returns the newest succeeded step of the workspace with a cache key; NotFound when there is none.
func (h *Pipelines) Cached(ctx context.Context, key trimtab.Digest) (s trimtab.Step, err error) {
	defer trimtab.Wrap(&err, "Pipelines.Cached(%s)", key.Short())
	err = h.db.read(ctx, func(q *Query) error {
		s, _, err = scanStep(q.Row("SELECT "+stepColumns+" FROM steps WHERE workspace = ? AND cache_key = ? AND cache_key <> '' AND state = ? ORDER BY ended DESC, run DESC LIMIT 1",
			string(trimtab.CallOf(ctx).Workspace), string(key), string(trimtab.StepSucceeded)))
		if errors.Is(err, dbsql.ErrNoRows) {
			return trimtab.Errorf(trimtab.NotFound, "step", "no step with cache key %s has succeeded", key.Short())
		}
		return err
	})
	return s, err
}

func (tx *Tx) insertStep(s trimtab.Step) error {
	entry, err := tx.Journal(s.Workspace, s.Change("step.create", nil))
	if err != nil {
		return err
	}
	outputs, err := json.Marshal(s.Outputs)
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO steps ("+stepColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		string(s.Workspace), string(s.Run), s.Name, int64(s.Ordinal), string(s.State), int64(s.Attempt), string(s.CacheKey), string(s.CachedOf),
		string(outputs), s.Reason, int64(s.NotBefore), int64(s.Started), int64(s.Ended), string(entry))
	if isUnique(err) {
		return trimtab.Errorf(trimtab.Invalid, s.Object().String(), "pipeline run %s has two steps named %q", s.Run, s.Name)
	}
	return err
}

func (tx *Tx) updateStep(s trimtab.Step, change trimtab.Change) error {
	entry, err := tx.Journal(s.Workspace, change)
	if err != nil {
		return err
	}
	outputs, err := json.Marshal(s.Outputs)
	if err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE steps SET state = ?, attempt = ?, cache_key = ?, cached_of = ?, outputs = ?, reason = ?, not_before = ?, started = ?, ended = ?, entry = ? WHERE workspace = ? AND run = ? AND name = ?",
		string(s.State), int64(s.Attempt), string(s.CacheKey), string(s.CachedOf), string(outputs), s.Reason, int64(s.NotBefore),
		int64(s.Started), int64(s.Ended), string(entry), string(s.Workspace), string(s.Run), s.Name)
	return err
}

// putAttempt writes an attempt of the step. One that has ended never changes
// again, and none is begun but the step's newest.
func (tx *Tx) putAttempt(s trimtab.Step, a trimtab.Attempt) error {
	a.Workspace = s.Workspace
	if a.Run != s.Run || a.Step != s.Name || a.N < 1 || a.N > s.Attempt {
		return trimtab.Errorf(trimtab.Conflict, a.Object().String(), "attempt %s is not one of step %s.%s, which is at attempt %d", a.ID(), s.Run, s.Name, s.Attempt)
	}
	old, entry, err := scanAttempt(tx.Row("SELECT "+attemptColumns+" FROM attempts WHERE workspace = ? AND run = ? AND step = ? AND n = ?"+tx.engine.forUpdate(),
		string(a.Workspace), string(a.Run), a.Step, int64(a.N)))
	var before *trimtab.Attempt
	switch {
	case err == nil:
		before = &old
	case !errors.Is(err, dbsql.ErrNoRows):
		return err
	}
	if before == nil || trimtab.StateDigest(old) != trimtab.StateDigest(a) {
		if before != nil && !old.Live() {
			return trimtab.Errorf(trimtab.Conflict, a.Object().String(), "attempt %s has ended as %s", a.ID(), old.State)
		}
		if entry, err = tx.Journal(a.Workspace, a.Change(before)); err != nil {
			return err
		}
	}
	_, err = tx.Exec("INSERT INTO attempts ("+attemptColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"+
		" ON CONFLICT (workspace, run, step, n) DO UPDATE SET state = excluded.state, mlflow_run = excluded.mlflow_run, token_hash = excluded.token_hash, exit_code = excluded.exit_code, reason = excluded.reason, started = excluded.started, ended = excluded.ended, entry = excluded.entry",
		string(a.Workspace), string(a.Run), a.Step, int64(a.N), string(a.State), string(a.MLflowRun), a.TokenHash, int64(a.Exit), a.Reason,
		int64(a.Started), int64(a.Ended), string(entry))
	return err
}

func (tx *Tx) lockStep(id trimtab.PipelineRunID, step string) (trimtab.Step, error) {
	s, _, err := scanStep(tx.Row("SELECT "+stepColumns+" FROM steps WHERE workspace = ? AND run = ? AND name = ?"+tx.engine.forUpdate(), string(tx.Workspace()), string(id), step))
	if errors.Is(err, dbsql.ErrNoRows) {
		return s, trimtab.Errorf(trimtab.NotFound, "step "+string(id)+"."+step, "pipeline run %s has no step %q", id, step)
	}
	return s, err
}

func stepsOf(s *session, ws trimtab.Workspace, id trimtab.PipelineRunID) (out []trimtab.Step, err error) {
	rows, err := s.Rows("SELECT "+stepColumns+" FROM steps WHERE workspace = ? AND run = ? ORDER BY ordinal", string(ws), string(id))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		st, _, err := scanStep(rows)
		out = append(out, st)
		return err
	})
	return out, err
}

func scanStep(row interface{ Scan(...any) error }) (s trimtab.Step, entry trimtab.EntryID, err error) {
	var outputs string
	err = row.Scan(&s.Workspace, &s.Run, &s.Name, &s.Ordinal, &s.State, &s.Attempt, &s.CacheKey, &s.CachedOf, &outputs, &s.Reason, &s.NotBefore, &s.Started, &s.Ended, &entry)
	if err != nil {
		return s, "", err
	}
	if err := json.Unmarshal([]byte(outputs), &s.Outputs); err != nil {
		return s, "", fmt.Errorf("outputs of step %s.%s: %w", s.Run, s.Name, err)
	}
	return s, entry, nil
}

func scanAttempt(row interface{ Scan(...any) error }) (a trimtab.Attempt, entry trimtab.EntryID, err error) {
	err = row.Scan(&a.Workspace, &a.Run, &a.Step, &a.N, &a.State, &a.MLflowRun, &a.TokenHash, &a.Exit, &a.Reason, &a.Started, &a.Ended, &entry)
	return a, entry, err
}
