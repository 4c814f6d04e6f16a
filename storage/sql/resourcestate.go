package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"

	"github.com/trimtab/trimtab"
)

// keepStates keeps what a resource was and what it becomes under the digests that
// the journal records of them, in the transaction of the change. A state that was
// before the table existed is kept when it is first changed.
func (tx *Tx) keepStates(states ...*trimtab.Resource) error {
	for _, r := range states {
		if r == nil {
			continue
		}
		body, err := trimtab.Canonical(*r)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO resource_states (workspace, digest, body) VALUES (?, ?, ?) ON CONFLICT (workspace, digest) DO NOTHING",
			string(r.Workspace), string(trimtab.DigestOf(body)), string(body)); err != nil {
			return err
		}
	}
	return nil
}

// States returns the kept states of resources by the digests of the journal. A
// digest whose state is not kept, or whose text no longer has it, is left out:
// what was edited is no evidence.
func (h *Resources) States(ctx context.Context, digests []trimtab.Digest) (out map[trimtab.Digest]trimtab.Resource, err error) {
	defer trimtab.Wrap(&err, "Resources.States(%d)", len(digests))
	out = map[trimtab.Digest]trimtab.Resource{}
	wanted := make([]string, 0, len(digests))
	for _, d := range digests {
		if d != "" {
			wanted = append(wanted, string(d))
		}
	}
	if len(wanted) == 0 {
		return out, nil
	}
	err = h.db.read(ctx, func(q *Query) error {
		st := &statement{engine: q.engine}
		st.add("SELECT digest, body FROM resource_states WHERE workspace = ? AND ", string(trimtab.CallOf(ctx).Workspace))
		st.among("digest", wanted)
		rows, err := st.rows(&q.session)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			var digest, body string
			if err := rows.Scan(&digest, &body); err != nil {
				return err
			}
			var r trimtab.Resource
			if trimtab.DigestOf([]byte(body)) == trimtab.Digest(digest) && json.Unmarshal([]byte(body), &r) == nil {
				out[trimtab.Digest(digest)] = r
			}
			return nil
		})
	})
	return out, err
}
