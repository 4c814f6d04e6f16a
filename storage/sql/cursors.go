package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// ConsumerCursor is how far a consumer of the journal has come.
type ConsumerCursor struct {
	Name  string
	Index int64
}

// Cursors lists the consumers of the journal by name.
func (j *Journal) Cursors(ctx context.Context) (out []ConsumerCursor, err error) {
	defer trimtab.Wrap(&err, "Journal.Cursors()")
	err = j.db.read(ctx, func(q *Query) error {
		out = nil
		rows, err := q.Rows("SELECT name, cursor FROM journal_consumers ORDER BY name")
		return collect(rows, err, func(rows *dbsql.Rows) error {
			var c ConsumerCursor
			err := rows.Scan(&c.Name, &c.Index)
			out = append(out, c)
			return err
		})
	})
	return out, err
}
