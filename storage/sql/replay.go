package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

const replayColumns = "workspace, id, endpoint, source, data, from_time, to_time, state, reason, created, ended, position, rows_sent, labels_sent, failed, faults, entry"

// Create records a new replay.
func (h *Replays) Create(ctx context.Context, r trimtab.Replay) (_ trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.Create(%s)", r.Endpoint)
	err = h.db.write(ctx, governed, func(tx *Tx) error {
		r.Workspace, r.Created = tx.Workspace(), tx.Now()
		if r.ID == "" {
			r.ID = tx.db.cfg.Random.ReplayID()
		}
		faults, err := storedFaults(r.Faults)
		if err != nil {
			return err
		}
		entry, err := tx.Journal(r.Workspace, r.Change("replay.create", nil))
		if err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO replays ("+replayColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			string(r.Workspace), string(r.ID), r.Endpoint, r.Source, string(r.Data), int64(r.From), int64(r.To), r.State, r.Reason,
			int64(r.Created), int64(r.Ended), int64(r.Position), r.Rows, r.Labels, r.Failed, faults, string(entry))
		if isUnique(err) {
			return trimtab.Errorf(trimtab.Exists, r.Object().String(), "replay %s exists already", r.ID)
		}
		return err
	})
	return r, err
}

// Get returns a replay; NotFound when there is none.
func (h *Replays) Get(ctx context.Context, id trimtab.ReplayID) (r trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.Get(%s)", id)
	err = h.db.read(ctx, func(q *Query) error {
		r, _, err = getReplay(&q.session, trimtab.CallOf(ctx).Workspace, id, "")
		return err
	})
	return r, err
}

// Last returns the newest replay of an endpoint; NotFound when there is none.
func (h *Replays) Last(ctx context.Context, endpoint string) (r trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.Last(%s)", endpoint)
	all, err := h.list(ctx, " WHERE workspace = ? AND endpoint = ? ORDER BY created DESC, id DESC LIMIT 1", string(trimtab.CallOf(ctx).Workspace), endpoint)
	if err == nil && len(all) == 0 {
		return r, trimtab.Errorf(trimtab.NotFound, "endpoint "+endpoint, "nothing was ever replayed through endpoint %s", endpoint)
	}
	if err != nil {
		return r, err
	}
	return all[0], nil
}

// List returns the replays of an endpoint, "" for all, the newest first.
func (h *Replays) List(ctx context.Context, endpoint string) (out []trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.List(%s)", endpoint)
	ws := string(trimtab.CallOf(ctx).Workspace)
	if endpoint == "" {
		return h.list(ctx, " WHERE workspace = ? ORDER BY created DESC, id DESC LIMIT 1000", ws)
	}
	return h.list(ctx, " WHERE workspace = ? AND endpoint = ? ORDER BY created DESC, id DESC LIMIT 1000", ws, endpoint)
}

// Running returns the replays of all workspaces that have not ended, the oldest first: for the controller.
func (h *Replays) Running(ctx context.Context) (out []trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.Running()")
	return h.list(ctx, " WHERE ended = 0 ORDER BY created, id")
}

func (h *Replays) list(ctx context.Context, where string, args ...any) (out []trimtab.Replay, err error) {
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+replayColumns+" FROM replays"+where, args...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			r, _, err := scanReplay(rows)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

// Move applies a rule to a replay and commits the new state with its entry. The
// rule may run more than once. A change without an action records nothing; the
// faults of a replay never change.
func (h *Replays) Move(ctx context.Context, id trimtab.ReplayID, rule func(trimtab.Replay) (trimtab.Replay, trimtab.Change, error)) (next trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "Replays.Move(%s)", id)
	err = h.db.write(ctx, governed, func(tx *Tx) error {
		r, _, err := getReplay(&tx.session, tx.Workspace(), id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		var change trimtab.Change
		if next, change, err = rule(r); err != nil || change.Action == "" {
			return err
		}
		entry, err := tx.Journal(next.Workspace, change)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE replays SET state = ?, reason = ?, ended = ?, position = ?, rows_sent = ?, labels_sent = ?, failed = ?, entry = ? WHERE workspace = ? AND id = ?",
			next.State, next.Reason, int64(next.Ended), int64(next.Position), next.Rows, next.Labels, next.Failed, string(entry), string(next.Workspace), string(id))
		return err
	})
	return next, err
}

// Progress records how far a replay has come; no entry. A replay that has ended is left as it is.
func (h *Replays) Progress(ctx context.Context, id trimtab.ReplayID, position trimtab.Time, rows, labels, failed int64) (err error) {
	defer trimtab.Wrap(&err, "Replays.Progress(%s)", id)
	return h.db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE replays SET position = ?, rows_sent = ?, labels_sent = ?, failed = ? WHERE workspace = ? AND id = ? AND ended = 0",
			int64(position), rows, labels, failed, string(tx.Workspace()), string(id))
		return err
	})
}

func getReplay(s *session, ws trimtab.Workspace, id trimtab.ReplayID, lock string) (trimtab.Replay, trimtab.EntryID, error) {
	r, entry, err := scanReplay(s.Row("SELECT "+replayColumns+" FROM replays WHERE workspace = ? AND id = ?"+lock, string(ws), string(id)))
	if errors.Is(err, dbsql.ErrNoRows) {
		return r, "", trimtab.Errorf(trimtab.NotFound, "replay "+string(id), "replay %s does not exist", id)
	}
	return r, entry, err
}

func scanReplay(row interface{ Scan(...any) error }) (r trimtab.Replay, entry trimtab.EntryID, err error) {
	var faults string
	err = row.Scan((*string)(&r.Workspace), (*string)(&r.ID), &r.Endpoint, &r.Source, (*string)(&r.Data), (*int64)(&r.From), (*int64)(&r.To),
		&r.State, &r.Reason, (*int64)(&r.Created), (*int64)(&r.Ended), (*int64)(&r.Position), &r.Rows, &r.Labels, &r.Failed, &faults, (*string)(&entry))
	if err != nil || faults == "" {
		return r, entry, err
	}
	if err := json.Unmarshal([]byte(faults), &r.Faults); err != nil {
		return r, entry, trimtab.Errorf(trimtab.Internal, "replay "+string(r.ID), "the stored faults of replay %s cannot be read: %v", r.ID, err)
	}
	return r, entry, nil
}

// storedFaults is the column faults: a JSON list of texts, or nothing, as in the rows of older releases.
func storedFaults(faults []trimtab.Fault) (string, error) {
	if len(faults) == 0 {
		return "", nil
	}
	b, err := json.Marshal(faults)
	return string(b), err
}
