package sql

import (
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// governedTracking visits experiments, runs and logged models with the states
// that their last entries recorded.
func (db *DB) governedTracking(q *Query, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	var ws trimtab.Workspace
	var entry trimtab.EntryID
	rows, err := q.Rows("SELECT " + experimentColumns + ", r.workspace, r.entry FROM experiments r")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		e, err := scanExperiment(rows, "", &ws, &entry)
		if err != nil {
			return err
		}
		e.Workspace = ws
		return visit(ws, e.Object(), entry, e)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + runColumns + ", r.workspace FROM runs r")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		r, err := scanRun(rows, "", &ws)
		if err != nil {
			return err
		}
		r.Workspace = ws
		return visit(ws, r.Object(), r.entry, r.Run)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + loggedColumns + ", r.workspace FROM logged_models r")
	return collect(rows, err, func(rows *dbsql.Rows) error {
		m, err := scanLogged(rows, "", &ws)
		if err != nil {
			return err
		}
		m.Workspace = ws
		return visit(ws, m.Object(), m.entry, m.LoggedModel)
	})
}

// governedRegistry visits registered models and versions with the states that
// their last entries recorded. Aliases and tags are part of those.
func (db *DB) governedRegistry(q *Query, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	workspaces, err := workspacesOf(q, "models")
	if err != nil {
		return err
	}
	for _, ws := range workspaces {
		if err := db.governedModels(q.within(ws), ws, visit); err != nil {
			return err
		}
	}
	return nil
}

func workspacesOf(q *Query, table string) (out []trimtab.Workspace, err error) {
	rows, err := q.Rows("SELECT DISTINCT workspace FROM " + table + " ORDER BY workspace")
	return out, collect(rows, err, func(rows *dbsql.Rows) error {
		var ws trimtab.Workspace
		err := rows.Scan(&ws)
		out = append(out, ws)
		return err
	})
}

// within is the session with another workspace.
func (q *Query) within(ws trimtab.Workspace) *session {
	s := q.session
	call := trimtab.CallOf(s.ctx)
	call.Workspace = ws
	s.ctx = trimtab.WithCall(s.ctx, call)
	return &s
}

func (db *DB) governedModels(s *session, ws trimtab.Workspace, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	var models []trimtab.RegisteredModel
	entries := map[trimtab.ModelName]trimtab.EntryID{}
	rows, err := s.Rows("SELECT "+modelColumns+", r.entry FROM models r WHERE r.workspace = ?", string(ws))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var entry trimtab.EntryID
		m, err := scanModel(rows, ws, &entry)
		models = append(models, m)
		entries[m.Name] = entry
		return err
	})
	if err != nil {
		return err
	}
	if err := db.Models.children(s, pointers(models)); err != nil {
		return err
	}
	for _, m := range models {
		if err := visit(ws, m.Object(), entries[m.Name], m); err != nil {
			return err
		}
	}
	versions, err := db.Versions.rows(s, "WHERE r.workspace = ? ORDER BY r.name, r.version", string(ws))
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := visit(ws, v.Object(), v.entry, v.ModelVersion); err != nil {
			return err
		}
	}
	return nil
}

// verifySeals compares the measured data of runs that nobody wrote since they
// ended with their seals, and counts the others as open.
func (r *Runs) verifySeals(q *Query, report *journal.Report) error {
	if err := q.Row("SELECT COUNT(*) FROM runs WHERE dirty <> 0").Scan(&report.Open); err != nil {
		return err
	}
	const page = 500
	after := int64(0)
	for {
		var all []*runRow
		var ws trimtab.Workspace
		rows, err := q.Rows("SELECT "+runColumns+", r.workspace FROM runs r WHERE r.rid > ? AND r.dirty = 0 ORDER BY r.rid LIMIT ?", after, int64(page))
		err = collect(rows, err, func(rows *dbsql.Rows) error {
			row, err := scanRun(rows, "", &ws)
			row.Workspace = ws
			all = append(all, &row)
			return err
		})
		if err != nil || len(all) == 0 {
			return err
		}
		if err := r.children(&q.session, all, everything); err != nil {
			return err
		}
		rids := make([]int64, len(all))
		for i, row := range all {
			rids[i] = row.rid
		}
		history, err := histories(&q.session, rids)
		if err != nil {
			return err
		}
		for _, row := range all {
			report.Sealed++
			if sealOf(row.Run, history[row.rid]) != row.Seal {
				report.Add(row.Workspace, row.Object().String(), "its params, tags, inputs or metrics differ from the seal of its end: they were edited behind the server's back")
			}
			after = row.rid
		}
	}
}
