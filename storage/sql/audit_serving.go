package sql

import (
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// governedServing visits endpoint states, replays, windows and segments with the
// states that their last entries recorded.
func governedServing(q *Query, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	rows, err := q.Rows("SELECT " + endpointColumns + " FROM endpoint_states")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		s, entry, err := scanEndpointState(rows)
		if err != nil || entry == "" {
			return err
		}
		return visit(s.Workspace, s.Object(), entry, s)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + replayColumns + " FROM replays")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		r, entry, err := scanReplay(rows)
		if err != nil {
			return err
		}
		return visit(r.Workspace, r.Object(), entry, r)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + windowColumns + " FROM windows")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		w, entry, err := scanWindow(rows)
		if err != nil {
			return err
		}
		return visit(w.Workspace, w.Object(), entry, w)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + segmentColumns + " FROM segments")
	return collect(rows, err, func(rows *dbsql.Rows) error {
		s, entry, err := scanSegment(rows)
		if err != nil {
			return err
		}
		return visit(s.Workspace, s.Object(), entry, s)
	})
}
