package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

// Put records the result of a closed window. The same result again is no change;
// another result for a window that has one is a Conflict: a closed window never changes.
func (h *Windows) Put(ctx context.Context, w trimtab.WindowResult) (err error) {
	defer trimtab.Wrap(&err, "Windows.Put(%s, %s)", w.Monitor, w.Start)
	return h.db.write(ctx, governed, func(tx *Tx) error {
		w.Workspace = tx.Workspace()
		old, _, err := scanWindow(tx.Row("SELECT "+windowColumns+" FROM windows WHERE workspace = ? AND monitor = ? AND start_time = ?"+tx.engine.forUpdate(),
			string(w.Workspace), w.Monitor, int64(w.Start)))
		switch {
		case errors.Is(err, dbsql.ErrNoRows):
		case err != nil:
			return err
		case trimtab.StateDigest(old) == trimtab.StateDigest(w):
			return nil
		default:
			return trimtab.Errorf(trimtab.Conflict, w.Object().String(), "the window of %s of monitor %s was closed with another result; a closed window never changes", w.Start, w.Monitor)
		}
		body, err := trimtab.Canonical(w)
		if err != nil {
			return err
		}
		entry, err := tx.Journal(w.Workspace, w.Change())
		if err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO windows (workspace, monitor, start_time, end_time, endpoint, body, computed, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			string(w.Workspace), w.Monitor, int64(w.Start), int64(w.End), w.Endpoint, string(body), int64(tx.Now()), string(entry))
		if isUnique(err) {
			return trimtab.Errorf(trimtab.Conflict, w.Object().String(), "the window of %s of monitor %s was closed meanwhile", w.Start, w.Monitor)
		}
		return err
	})
}

// List returns the windows of a monitor in order of time.
func (h *Windows) List(ctx context.Context, monitor string) (out []trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.List(%s)", monitor)
	return h.list(ctx, " WHERE workspace = ? AND monitor = ? ORDER BY start_time", string(trimtab.CallOf(ctx).Workspace), monitor)
}

// Last returns the newest window of a monitor; NotFound when none is closed yet.
func (h *Windows) Last(ctx context.Context, monitor string) (w trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.Last(%s)", monitor)
	all, err := h.list(ctx, " WHERE workspace = ? AND monitor = ? ORDER BY start_time DESC LIMIT 1", string(trimtab.CallOf(ctx).Workspace), monitor)
	if err == nil && len(all) == 0 {
		return w, trimtab.Errorf(trimtab.NotFound, "monitor "+monitor, "monitor %s has closed no window yet", monitor)
	}
	if err != nil {
		return w, err
	}
	return all[0], nil
}

const windowColumns = "workspace, body, computed, entry"

func (h *Windows) list(ctx context.Context, where string, args ...any) (out []trimtab.WindowResult, err error) {
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+windowColumns+" FROM windows"+where, args...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			w, _, err := scanWindow(rows)
			out = append(out, w)
			return err
		})
	})
	return out, err
}

func scanWindow(row interface{ Scan(...any) error }) (w trimtab.WindowResult, entry trimtab.EntryID, err error) {
	var ws, body string
	var computed int64
	if err := row.Scan(&ws, &body, &computed, (*string)(&entry)); err != nil {
		return w, "", err
	}
	if err := json.Unmarshal([]byte(body), &w); err != nil {
		return w, "", err
	}
	w.Computed = trimtab.Time(computed)
	return w, entry, nil
}
