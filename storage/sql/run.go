package sql

import (
	"context"
	dbsql "database/sql"
	"errors"

	"github.com/trimtab/trimtab"
)

// runNameTag mirrors the name of a run, as MLflow's clients expect.
const runNameTag = "mlflow.runName"

// runRow is a run with what only its row knows.
type runRow struct {
	trimtab.Run
	rid   int64
	dirty int64 // 0: as sealed; 1: open; 2: sealed once and written since
	entry trimtab.EntryID
}

const runColumns = "r.rid, r.id, r.experiment, r.name, r.user_id, r.status, r.lifecycle, r.start_time, r.end_time, r.artifact_uri, r.seal, r.dirty, r.attempt, r.entry"

func scanRun(row interface{ Scan(...any) error }, ws trimtab.Workspace, more ...any) (runRow, error) {
	r := runRow{Run: trimtab.Run{Workspace: ws}}
	var experiment int64
	err := row.Scan(append([]any{&r.rid, &r.ID, &experiment, &r.Name, &r.User, &r.Status, &r.Lifecycle, &r.Start, &r.End, &r.ArtifactURI, &r.Seal, &r.dirty, &r.Attempt, &r.entry}, more...)...)
	r.Experiment = experimentID(experiment)
	return r, err
}

func noRun(id trimtab.RunID) error {
	return trimtab.Errorf(trimtab.NotFound, "run "+string(id), "Run with id=%s not found", id)
}

// load reads a run without its children.
func (r *Runs) load(s *session, id trimtab.RunID, lock string) (runRow, error) {
	ws := trimtab.CallOf(s.ctx).Workspace
	row, err := scanRun(s.Row("SELECT "+runColumns+" FROM runs r WHERE r.workspace = ? AND r.id = ?"+lock, string(ws), string(id)), ws)
	if errors.Is(err, dbsql.ErrNoRows) {
		return row, noRun(id)
	}
	return row, err
}

// record journals a change and stores the governed columns with the entry. A
// change that leaves the state as it is records nothing.
func (r *Runs) record(tx *Tx, row *runRow, c trimtab.Change) error {
	if c.Before == c.After {
		return nil
	}
	entry, err := tx.Journal(row.Workspace, c)
	if err != nil || entry == "" {
		return err
	}
	row.entry = entry
	_, err = tx.Exec("UPDATE runs SET name = ?, status = ?, lifecycle = ?, end_time = ?, seal = ?, entry = ? WHERE rid = ?",
		row.Name, string(row.Status), string(row.Lifecycle), int64(row.End), string(row.Seal), string(entry), row.rid)
	return err
}

// Create adds a run to an active experiment and gives it an id, a name, a start
// and a place for artifacts where it has none; the tag mlflow.runName gets the
// name. With an idempotency key that the workspace has seen, it returns the run
// of the first time and changes nothing.
func (r *Runs) Create(ctx context.Context, run trimtab.Run, idempotency string) (out trimtab.Run, err error) {
	defer trimtab.Wrap(&err, "Runs.Create(%s)", run.Experiment)
	if run.Experiment == trimtab.DefaultExperiment {
		if err := r.db.Experiments.born(ctx); err != nil {
			return out, err
		}
	}
	err = r.db.write(ctx, governed, func(tx *Tx) error {
		row, err := r.insert(tx, run, idempotency)
		if err != nil {
			return err
		}
		out = row.Run
		return nil
	})
	return out, err
}

func (r *Runs) insert(tx *Tx, run trimtab.Run, idempotency string) (runRow, error) {
	if idempotency != "" {
		if row, err := r.again(tx, idempotency); err != nil || row.rid != 0 {
			return row, err
		}
	}
	exp, err := r.db.Experiments.writable(&tx.session, run.Experiment, tx.engine.forShare())
	if err != nil {
		return runRow{}, err
	}
	random := tx.db.cfg.Random
	if run.ID == "" {
		run.ID = random.RunID()
	}
	if run.Name == "" {
		run.Name = random.Name()
	}
	if run.Start == 0 {
		run.Start = tx.Now()
	}
	if run.ArtifactURI == "" {
		run.ArtifactURI = exp.ArtifactLocation + "/" + string(run.ID) + "/artifacts"
	}
	run.Workspace = tx.Workspace()
	run, c, err := run.Create()
	if err != nil {
		return runRow{}, err
	}
	row := runRow{Run: run, dirty: 1}
	experiment, _ := number(run.Experiment)
	err = tx.Row(`INSERT INTO runs (workspace, id, experiment, name, user_id, status, lifecycle, start_time, end_time, artifact_uri, seal, attempt, idempotency, entry)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT DO NOTHING RETURNING rid`,
		string(run.Workspace), string(run.ID), experiment, run.Name, run.User, string(run.Status), string(run.Lifecycle), int64(run.Start), int64(run.End),
		run.ArtifactURI, string(run.Seal), string(run.Attempt), idempotency).Scan(&row.rid)
	if errors.Is(err, dbsql.ErrNoRows) {
		if idempotency != "" { // another request with the key was quicker
			if row, err := r.again(tx, idempotency); err != nil || row.rid != 0 {
				return row, err
			}
		}
		return row, trimtab.Errorf(trimtab.Exists, run.Object().String(), "Run with id=%s already exists", run.ID)
	}
	if err != nil {
		return row, err
	}
	if err := r.record(tx, &row, c); err != nil {
		return row, err
	}
	tags := make(map[string]string, len(run.Tags)+1)
	for key, value := range run.Tags {
		tags[key] = value
	}
	tags[runNameTag] = run.Name
	row.Params, row.Tags = map[string]string{}, tags
	fresh, err := r.putTags(tx, row.rid, tags)
	if err != nil {
		return row, err
	}
	return row, r.countKeys(tx, row.Experiment, newKeys{tags: fresh}, 1)
}

// again finds the run of an idempotency key; rid is 0 when there is none.
func (r *Runs) again(tx *Tx, idempotency string) (runRow, error) {
	ws := tx.Workspace()
	row, err := scanRun(tx.Row("SELECT "+runColumns+" FROM runs r WHERE r.workspace = ? AND r.idempotency = ? AND r.idempotency <> ''", string(ws), idempotency), ws)
	if errors.Is(err, dbsql.ErrNoRows) {
		return runRow{}, nil
	}
	if err != nil {
		return row, err
	}
	return row, r.children(&tx.session, []*runRow{&row}, everything)
}

// Get returns a run with params, tags, latest metrics, inputs and outputs,
// whatever its lifecycle stage. Absence is NotFound.
func (r *Runs) Get(ctx context.Context, id trimtab.RunID) (run trimtab.Run, err error) {
	defer trimtab.Wrap(&err, "Runs.Get(%s)", id)
	err = r.db.read(ctx, func(q *Query) error {
		row, err := r.load(&q.session, id, "")
		if err != nil {
			return err
		}
		err = r.children(&q.session, []*runRow{&row}, everything)
		run = row.Run
		return err
	})
	return run, err
}

// change loads a run under its lock, applies a rule and writes what it says.
func (r *Runs) change(ctx context.Context, id trimtab.RunID, rule func(run trimtab.Run) (trimtab.Run, trimtab.Change, error)) error {
	return r.db.write(ctx, governed, func(tx *Tx) error {
		row, err := r.load(&tx.session, id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		return r.apply(tx, &row, rule)
	})
}

func (r *Runs) apply(tx *Tx, row *runRow, rule func(run trimtab.Run) (trimtab.Run, trimtab.Change, error)) error {
	run, c, err := rule(row.Run)
	if err != nil {
		return err
	}
	row.Run = run
	return r.record(tx, row, c)
}

// Update changes status, end and name of an active run and returns the run as
// Get does. When the run has ended, its measured data is sealed and the versions
// that wait for its artifacts are frozen, in the same transaction.
func (r *Runs) Update(ctx context.Context, id trimtab.RunID, u trimtab.RunUpdate) (run trimtab.Run, err error) {
	defer trimtab.Wrap(&err, "Runs.Update(%s)", id)
	err = r.db.write(ctx, governed, func(tx *Tx) error {
		row, err := r.update(tx, id, u)
		if err != nil {
			return err
		}
		run = row.Run
		return nil
	})
	return run, err
}

// update is Update within a transaction: what a pipeline's step does to its run.
func (r *Runs) update(tx *Tx, id trimtab.RunID, u trimtab.RunUpdate) (runRow, error) {
	row, err := r.load(&tx.session, id, tx.engine.forUpdate())
	if err != nil {
		return row, err
	}
	ended := row.Status.Ended()
	if err := r.apply(tx, &row, func(run trimtab.Run) (trimtab.Run, trimtab.Change, error) { return run.Update(u) }); err != nil {
		return row, err
	}
	if u.Name != nil && *u.Name != "" {
		fresh, err := r.putTags(tx, row.rid, map[string]string{runNameTag: row.Name})
		if err != nil {
			return row, err
		}
		if err := r.countKeys(tx, row.Experiment, newKeys{tags: fresh}, 1); err != nil {
			return row, err
		}
		if err := r.touch(tx, &row); err != nil {
			return row, err
		}
	}
	if err := r.children(&tx.session, []*runRow{&row}, everything); err != nil {
		return row, err
	}
	switch {
	case row.Status.Ended():
		if err := r.seal(tx, &row); err != nil {
			return row, err
		}
		if err := r.db.Versions.freezeWaiting(tx, trimtab.RunTree(id)); err != nil {
			return row, err
		}
	case ended: // it runs again
		if _, err := tx.Exec("UPDATE runs SET dirty = 1 WHERE rid = ?", row.rid); err != nil {
			return row, err
		}
	}
	return row, nil
}

// Delete marks a run deleted.
func (r *Runs) Delete(ctx context.Context, id trimtab.RunID) (err error) {
	defer trimtab.Wrap(&err, "Runs.Delete(%s)", id)
	return r.change(ctx, id, trimtab.Run.Delete)
}

// Restore brings a deleted run back.
func (r *Runs) Restore(ctx context.Context, id trimtab.RunID) (err error) {
	defer trimtab.Wrap(&err, "Runs.Restore(%s)", id)
	return r.change(ctx, id, trimtab.Run.Restore)
}

// follow applies a rule to the runs of an experiment that are in a stage: they
// are deleted and restored with it.
func (r *Runs) follow(tx *Tx, id trimtab.ExperimentID, stage trimtab.Lifecycle, rule func(run trimtab.Run) (trimtab.Run, trimtab.Change, error)) error {
	n, _ := number(id)
	var all []runRow
	rows, err := tx.Rows("SELECT "+runColumns+" FROM runs r WHERE r.workspace = ? AND r.experiment = ? AND r.lifecycle = ? ORDER BY r.rid"+tx.engine.forUpdate(),
		string(tx.Workspace()), n, string(stage))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		row, err := scanRun(rows, tx.Workspace())
		all = append(all, row)
		return err
	})
	if err != nil {
		return err
	}
	for i := range all {
		if err := r.apply(tx, &all[i], rule); err != nil {
			return err
		}
	}
	return nil
}

// Recent returns the newest active runs of the workspace with their latest
// metrics and no other children.
func (r *Runs) Recent(ctx context.Context, limit int) (out []trimtab.Run, err error) {
	defer trimtab.Wrap(&err, "Runs.Recent(%d)", limit)
	err = r.db.read(ctx, func(q *Query) error {
		ws := trimtab.CallOf(ctx).Workspace
		var all []*runRow
		rows, err := q.Rows("SELECT "+runColumns+" FROM runs r WHERE r.workspace = ? AND r.experiment >= 0 AND r.lifecycle = 'active' ORDER BY r.start_time DESC, r.id LIMIT ?", string(ws), int64(limit))
		err = collect(rows, err, func(rows *dbsql.Rows) error {
			row, err := scanRun(rows, ws)
			all = append(all, &row)
			return err
		})
		if err != nil {
			return err
		}
		if err := r.children(&q.session, all, metricsOnly); err != nil {
			return err
		}
		out = make([]trimtab.Run, len(all))
		for i, row := range all {
			out[i] = row.Run
		}
		return nil
	})
	return out, err
}
