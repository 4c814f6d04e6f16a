package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// States returns the states of all endpoints of the project that have one, by name,
// in one query. An endpoint without one is in clock mode.
func (h *Endpoints) States(ctx context.Context) (out map[string]trimtab.EndpointState, err error) {
	defer trimtab.Wrap(&err, "Endpoints.States()")
	err = h.db.read(ctx, func(q *Query) error {
		out = map[string]trimtab.EndpointState{}
		rows, err := q.Rows("SELECT "+endpointColumns+" FROM endpoint_states WHERE workspace = ?", string(trimtab.CallOf(ctx).Workspace))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			s, _, err := scanEndpointState(rows)
			out[s.Endpoint] = s
			return err
		})
	})
	return out, err
}

// AllSettlements returns how far the listeners of all endpoints of the project have
// come, by endpoint, each in the order of the listeners' names, in one query.
func (h *Endpoints) AllSettlements(ctx context.Context) (out map[string][]trimtab.Settlement, err error) {
	defer trimtab.Wrap(&err, "Endpoints.AllSettlements()")
	ws := trimtab.CallOf(ctx).Workspace
	err = h.db.read(ctx, func(q *Query) error {
		out = map[string][]trimtab.Settlement{}
		rows, err := q.Rows("SELECT endpoint, listener, through, wait, detail FROM settlements WHERE workspace = ? ORDER BY endpoint, listener", string(ws))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			x := trimtab.Settlement{Workspace: ws}
			err := rows.Scan(&x.Endpoint, &x.Listener, (*int64)(&x.Through), (*string)(&x.Wait), &x.Detail)
			out[x.Endpoint] = append(out[x.Endpoint], x)
			return err
		})
	})
	return out, err
}
