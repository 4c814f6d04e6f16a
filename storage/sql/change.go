package sql

import (
	"context"
	"strings"

	"github.com/trimtab/trimtab"
)

// declaring are the actions by which declarations change.
var declaring = func() (out []string) {
	for _, kind := range trimtab.Kinds {
		for _, verb := range []trimtab.Verb{trimtab.CreateVerb, trimtab.UpdateVerb, trimtab.DeleteVerb} {
			out = append(out, strings.ToLower(kind)+"."+string(verb))
		}
	}
	return out
}()

// Declared returns up to limit entries by which the declarations of the project
// changed, before an index (0: the end), newest first.
func (j *Journal) Declared(ctx context.Context, before int64, limit int) (out []trimtab.Entry, err error) {
	defer trimtab.Wrap(&err, "Journal.Declared(%d)", before)
	if before <= 0 {
		before = 1<<63 - 1
	}
	return j.declared(ctx, "idx < ? ORDER BY idx DESC", before, limit)
}

// DeclaredFrom returns up to limit entries by which the declarations of the
// project changed, from an index on, oldest first.
func (j *Journal) DeclaredFrom(ctx context.Context, from int64, limit int) (out []trimtab.Entry, err error) {
	defer trimtab.Wrap(&err, "Journal.DeclaredFrom(%d)", from)
	return j.declared(ctx, "idx >= ? ORDER BY idx", from, limit)
}

// declared reads kind by kind along the index of objects, then action by action.
func (j *Journal) declared(ctx context.Context, place string, at int64, limit int) (out []trimtab.Entry, err error) {
	kinds := make([]string, len(trimtab.Kinds))
	for i, kind := range trimtab.Kinds {
		kinds[i] = strings.ToLower(kind)
	}
	err = j.db.read(ctx, func(q *Query) error {
		st := &statement{engine: q.engine}
		st.add("SELECT idx, leaf, body FROM journal WHERE workspace = ? AND ", string(trimtab.CallOf(ctx).Workspace))
		st.among("kind", kinds)
		st.add(" AND ")
		st.among("action", declaring)
		st.add(" AND "+place+" LIMIT ?", at, int64(limit))
		rows, err := st.rows(&q.session)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var idx, leaf int64
			var body []byte
			if err := rows.Scan(&idx, &leaf, &body); err != nil {
				return err
			}
			e, err := decodeEntry(body, idx, leaf)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	return out, err
}
