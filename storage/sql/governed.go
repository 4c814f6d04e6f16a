package sql

import "github.com/trimtab/trimtab/storage/journal"

// governed lists every kind of governed row: what audit verify walks.
func (db *DB) governed() []governedRows {
	return nil
}

// verifySeals compares the measured data of sealed runs with their seals.
func (db *DB) verifySeals(q *Query, report *journal.Report) error {
	return nil
}
