package sql

import (
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// governedResources visits every declared resource with the state that its last
// entry recorded.
func governedResources(q *Query, visit func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error) error {
	rows, err := q.Rows("SELECT " + resourceColumns + " FROM resources")
	return collect(rows, err, func(rows *dbsql.Rows) error {
		r, entry, err := scanResource(rows)
		if err != nil {
			return err
		}
		return visit(r.Workspace, r.Object(), entry, r)
	})
}
