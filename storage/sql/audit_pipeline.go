package sql

import (
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// governedPipelines visits pipeline runs, steps, attempts and snapshots with the
// states that their last entries recorded.
func governedPipelines(q *Query, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	rows, err := q.Rows("SELECT " + pipelineRunColumns + " FROM pipeline_runs")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		r, entry, err := scanPipelineRun(rows)
		if err != nil {
			return err
		}
		return visit(r.Workspace, r.Object(), entry, r)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + stepColumns + " FROM steps")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		s, entry, err := scanStep(rows)
		if err != nil {
			return err
		}
		return visit(s.Workspace, s.Object(), entry, s)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + attemptColumns + " FROM attempts")
	if err := collect(rows, err, func(rows *dbsql.Rows) error {
		a, entry, err := scanAttempt(rows)
		if err != nil {
			return err
		}
		return visit(a.Workspace, a.Object(), entry, a)
	}); err != nil {
		return err
	}
	rows, err = q.Rows("SELECT " + snapshotColumns + " FROM snapshots")
	return collect(rows, err, func(rows *dbsql.Rows) error {
		s, entry, err := scanSnapshot(rows)
		if err != nil {
			return err
		}
		return visit(s.Workspace, s.Object(), entry, s)
	})
}
