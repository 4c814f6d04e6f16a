package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/trimtab/trimtab"
)

// Put records what a monitor found, by the rule of [trimtab.WindowResult.After]: the
// same result again is no change, and what the rule refuses is a Conflict. The slim
// form that pages read is written with it.
func (h *Windows) Put(ctx context.Context, w trimtab.WindowResult) (err error) {
	defer trimtab.Wrap(&err, "Windows.Put(%s, %s)", w.Monitor, w.Start)
	return h.db.write(ctx, governed, func(tx *Tx) error {
		w.Workspace = tx.Workspace()
		var old *trimtab.WindowResult
		found, _, err := scanWindow(tx.Row("SELECT "+windowColumns+" FROM windows WHERE workspace = ? AND monitor = ? AND start_time = ?"+tx.engine.forUpdate(),
			string(w.Workspace), w.Monitor, int64(w.Start)))
		switch {
		case err == nil:
			old = &found
		case !errors.Is(err, dbsql.ErrNoRows):
			return err
		}
		change, err := w.After(old)
		if err != nil || change.Action == "" {
			return err
		}
		body, err := trimtab.Canonical(w)
		if err != nil {
			return err
		}
		entry, err := tx.Journal(w.Workspace, change)
		if err != nil {
			return err
		}
		if old != nil {
			_, err = tx.Exec("UPDATE windows SET end_time = ?, phase = ?, body = ?, computed = ?, entry = ? WHERE workspace = ? AND monitor = ? AND start_time = ?",
				int64(w.End), string(w.Phase), string(body), int64(tx.Now()), string(entry), string(w.Workspace), w.Monitor, int64(w.Start))
			if err != nil {
				return err
			}
			return putSlim(tx, &w, tx.Now(), entry)
		}
		_, err = tx.Exec("INSERT INTO windows (workspace, monitor, start_time, end_time, endpoint, phase, body, computed, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			string(w.Workspace), w.Monitor, int64(w.Start), int64(w.End), w.Endpoint, string(w.Phase), string(body), int64(tx.Now()), string(entry))
		if isUnique(err) {
			return trimtab.Errorf(trimtab.Conflict, w.Object().String(), "the window of %s of monitor %s was written meanwhile", w.Start, w.Monitor)
		}
		if err != nil {
			return err
		}
		return putSlim(tx, &w, tx.Now(), entry)
	})
}

// List returns the windows of a monitor in order of time, those that are not closed yet among them.
func (h *Windows) List(ctx context.Context, monitor string) (out []trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.List(%s)", monitor)
	return h.list(ctx, " WHERE workspace = ? AND monitor = ? ORDER BY start_time", string(trimtab.CallOf(ctx).Workspace), monitor)
}

// Recent returns the newest windows of a monitor that start before a moment (0: all), at most limit of them, in order of time.
func (h *Windows) Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) (out []trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.Recent(%s, %s)", monitor, before)
	where, args := " WHERE workspace = ? AND monitor = ?", []any{string(trimtab.CallOf(ctx).Workspace), monitor}
	if before != 0 {
		where, args = where+" AND start_time < ?", append(args, int64(before))
	}
	out, err = h.list(ctx, where+" ORDER BY start_time DESC LIMIT ?", append(args, limit)...)
	slices.Reverse(out)
	return out, err
}

// Count says how many windows of a monitor are kept.
func (h *Windows) Count(ctx context.Context, monitor string) (n int, err error) {
	defer trimtab.Wrap(&err, "Windows.Count(%s)", monitor)
	err = h.db.read(ctx, func(q *Query) error {
		return q.Row("SELECT COUNT(*) FROM windows WHERE workspace = ? AND monitor = ?", string(trimtab.CallOf(ctx).Workspace), monitor).Scan(&n)
	})
	return n, err
}

// Estimated returns the windows of a monitor that have ended and are not closed, in order of time.
func (h *Windows) Estimated(ctx context.Context, monitor string) (out []trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.Estimated(%s)", monitor)
	return h.list(ctx, " WHERE workspace = ? AND monitor = ? AND phase = ? ORDER BY start_time", string(trimtab.CallOf(ctx).Workspace), monitor, string(trimtab.WindowEstimated))
}

// Last returns the newest window of a monitor, closed or not; NotFound when there is none.
func (h *Windows) Last(ctx context.Context, monitor string) (w trimtab.WindowResult, err error) {
	defer trimtab.Wrap(&err, "Windows.Last(%s)", monitor)
	all, err := h.list(ctx, " WHERE workspace = ? AND monitor = ? ORDER BY start_time DESC LIMIT 1", string(trimtab.CallOf(ctx).Workspace), monitor)
	if err == nil && len(all) == 0 {
		return w, trimtab.Errorf(trimtab.NotFound, "monitor "+monitor, "monitor %s has no window yet", monitor)
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
