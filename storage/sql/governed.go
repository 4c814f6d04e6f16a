package sql

import (
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// visitRow is told of a governed row: what it is, the entry it carries, and its state.
type visitRow = func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error

// governed lists every kind of governed row: what audit verify walks.
func (db *DB) governed() []func(q *Query, visit visitRow) error {
	return []func(q *Query, visit visitRow) error{
		db.governedTracking, db.governedRegistry, governedResources, governedPipelines, governedServing, governedDocuments,
	}
}

// verifySeals compares the measured data of sealed runs with their seals.
func (db *DB) verifySeals(q *Query, report *journal.Report) error {
	return db.Runs.verifySeals(q, report)
}
