package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/trimtab/trimtab"
)

// slimFill is how many windows without a slim form get one in one transaction.
const slimFill = 500

// Slim is [Windows.Recent] as far as pages show windows: of the drift of a column
// there are the score, its limits, missing and unseen values, the state and why, and
// the rest is absent. Everything else is as it was put. It reads a twentieth of what
// Recent does.
func (h *Windows) Slim(ctx context.Context, monitor string, before trimtab.Time, limit int) (out []trimtab.WindowResult, err error) {
	err = h.EachSlim(ctx, monitor, before, limit, func(w trimtab.WindowResult) {
		w.Drift = slices.Clone(w.Drift)
		out = append(out, w)
	})
	slices.Reverse(out)
	return out, err
}

// EachSlim calls take with what [Windows.Slim] returns, the newest window first; limit
// 0 means all. The drift of a window is valid until take returns. Slim forms are
// derived from the windows and written with them; where one is absent or belongs to
// an earlier state of its window, as after an upgrade, the window is read in full and
// its slim form written for the next reader.
func (h *Windows) EachSlim(ctx context.Context, monitor string, before trimtab.Time, limit int, take func(w trimtab.WindowResult)) (err error) {
	defer trimtab.Wrap(&err, "Windows.Slim(%s, %s)", monitor, before)
	ws := trimtab.CallOf(ctx).Workspace
	var absent []slimAbsent
	err = h.db.read(ctx, func(q *Query) error {
		lists, err := readSlimColumns(q, ws, monitor)
		if err != nil {
			return err
		}
		rows, err := readSlims(q, ws, monitor, before, limit)
		if err != nil {
			return err
		}
		var r slimReader
		var drift []trimtab.ColumnDrift
		for _, row := range rows {
			var w trimtab.WindowResult
			columns, known := lists[row.columns]
			if err = errSlim; row.slim != nil && known {
				w, err = r.read(row.slim, row.start, columns, drift)
			}
			if err != nil {
				full, entry, err := scanWindow(q.Row("SELECT "+windowColumns+" FROM windows WHERE workspace = ? AND monitor = ? AND start_time = ?", string(ws), monitor, int64(row.start)))
				if err != nil {
					return err
				}
				if w, err = slimmed(full); err != nil {
					return err
				}
				absent = append(absent, slimAbsent{w, entry})
				w.Drift = slices.Clone(w.Drift)
			} else {
				w.Workspace, w.Monitor, w.Computed = ws, monitor, row.computed
				if w.Drift != nil {
					drift = w.Drift
				}
			}
			take(w)
		}
		return nil
	})
	if err != nil || len(absent) == 0 {
		return err
	}
	for part := range slices.Chunk(absent, slimFill) {
		if err := h.fillSlims(ctx, monitor, part); err != nil {
			h.db.log.Warn("windows are read in full again: their slim forms were not written", "monitor", monitor, "err", err)
			break
		}
	}
	return nil
}

// slimmed is what the slim form of a window says.
func slimmed(w trimtab.WindowResult) (trimtab.WindowResult, error) {
	columns := make([]string, len(w.Drift))
	for i, d := range w.Drift {
		columns[i] = d.Column
	}
	var r slimReader
	s, err := r.read(appendSlim(nil, &w), w.Start, columns, nil)
	if err != nil {
		return s, trimtab.Errorf(trimtab.Internal, w.Object().String(), "the window of %s of monitor %s has no slim form", w.Start, w.Monitor)
	}
	s.Workspace, s.Monitor, s.Computed = w.Workspace, w.Monitor, w.Computed
	return s, nil
}

type slimRow struct {
	start, computed trimtab.Time
	columns         string
	slim            []byte // nil: none that belongs to the window
}

type slimAbsent struct {
	window trimtab.WindowResult
	entry  trimtab.EntryID
}

func readSlims(q *Query, ws trimtab.Workspace, monitor string, before trimtab.Time, limit int) (out []slimRow, err error) {
	query := "SELECT w.start_time, s.computed, s.columns_id, s.slim FROM windows w LEFT JOIN window_slims s" +
		" ON s.workspace = w.workspace AND s.monitor = w.monitor AND s.start_time = w.start_time AND s.entry = w.entry WHERE w.workspace = ? AND w.monitor = ?"
	args := []any{string(ws), monitor}
	if before != 0 {
		query, args = query+" AND w.start_time < ?", append(args, int64(before))
	}
	query += " ORDER BY w.start_time DESC"
	if limit > 0 {
		query, args = query+" LIMIT ?", append(args, limit)
	}
	rows, err := q.Rows(query, args...)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var r slimRow
		var computed dbsql.NullInt64
		var columns dbsql.NullString
		err := rows.Scan((*int64)(&r.start), &computed, &columns, &r.slim)
		r.computed, r.columns = trimtab.Time(computed.Int64), columns.String
		out = append(out, r)
		return err
	})
	return out, err
}

// readSlimColumns reads the lists of columns of a monitor.
func readSlimColumns(q *Query, ws trimtab.Workspace, monitor string) (map[string][]string, error) {
	out := map[string][]string{}
	rows, err := q.Rows("SELECT id, names FROM window_columns WHERE workspace = ? AND monitor = ?", string(ws), monitor)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var id, names string
		if err := rows.Scan(&id, &names); err != nil {
			return err
		}
		var columns []string
		if err := json.Unmarshal([]byte(names), &columns); err != nil {
			return nil // the windows that refer to it are read in full
		}
		out[id] = columns
		return nil
	})
	return out, err
}

// putSlim writes the slim form of a window as of an entry.
func putSlim(tx *Tx, w *trimtab.WindowResult, computed trimtab.Time, entry trimtab.EntryID) error {
	id, names, err := slimColumns(w)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO window_columns (workspace, monitor, id, names) VALUES (?, ?, ?, ?) ON CONFLICT (workspace, monitor, id) DO UPDATE SET names = excluded.names WHERE window_columns.names <> excluded.names",
		string(w.Workspace), w.Monitor, id, names); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO window_slims (workspace, monitor, start_time, entry, computed, columns_id, slim) VALUES (?, ?, ?, ?, ?, ?, ?)"+
		" ON CONFLICT (workspace, monitor, start_time) DO UPDATE SET entry = excluded.entry, computed = excluded.computed, columns_id = excluded.columns_id, slim = excluded.slim",
		string(w.Workspace), w.Monitor, int64(w.Start), string(entry), int64(computed), id, appendSlim(nil, w))
	return err
}

// fillSlims writes slim forms that were absent, unless their windows have changed meanwhile.
func (h *Windows) fillSlims(ctx context.Context, monitor string, all []slimAbsent) error {
	return h.db.write(ctx, measured, func(tx *Tx) error {
		for i := range all {
			w := &all[i].window
			var entry string
			err := tx.Row("SELECT entry FROM windows WHERE workspace = ? AND monitor = ? AND start_time = ?"+tx.engine.forUpdate(), string(tx.Workspace()), monitor, int64(w.Start)).Scan(&entry)
			if errors.Is(err, dbsql.ErrNoRows) || err == nil && entry != string(all[i].entry) {
				continue
			}
			if err != nil {
				return err
			}
			if err := putSlim(tx, w, w.Computed, all[i].entry); err != nil {
				return err
			}
		}
		return nil
	})
}
