package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"

	"github.com/trimtab/trimtab"
)

// Page returns snapshots of a source, the newest first, limit of them, and the token
// of those that follow, "" when there are none.
func (h *Snapshots) Page(ctx context.Context, source string, limit int, after trimtab.PageToken) (out []trimtab.Snapshot, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Snapshots.Page(%s)", source)
	if err := checkLimit("snapshot", limit); err != nil {
		return nil, "", err
	}
	ws := trimtab.CallOf(ctx).Workspace
	scope := "snapshots/" + string(ws) + "/" + source
	query, args := "SELECT "+snapshotColumns+" FROM snapshots WHERE workspace = ? AND source = ?", []any{string(ws), source}
	if after != "" {
		var created int64
		var digest string
		if err := after.Keys(scope, &created, &digest); err != nil {
			return nil, "", err
		}
		query, args = query+" AND (created < ? OR created = ? AND digest > ?)", append(args, created, created, digest)
	}
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows(query+" ORDER BY created DESC, digest LIMIT ?", append(args, int64(limit)+1)...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			s, _, err := scanSnapshot(rows)
			out = append(out, s)
			return err
		})
	})
	if len(out) > limit {
		out = out[:limit]
		last := out[limit-1]
		next = trimtab.NewPageToken(scope, int64(last.Created), string(last.Digest))
	}
	return out, next, err
}

// Newest returns the newest snapshot of every source and how many each has.
func (h *Snapshots) Newest(ctx context.Context) (out []trimtab.Snapshot, counts map[string]int64, err error) {
	defer trimtab.Wrap(&err, "Snapshots.Newest()")
	counts = map[string]int64{}
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+snapshotColumns+", total FROM (SELECT "+snapshotColumns+", COUNT(*) OVER (PARTITION BY source) AS total, "+
			"ROW_NUMBER() OVER (PARTITION BY source ORDER BY created DESC, digest) AS place FROM snapshots WHERE workspace = ?) AS ranked WHERE place = 1 ORDER BY source",
			string(trimtab.CallOf(ctx).Workspace))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			var s trimtab.Snapshot
			var dropped, entry string
			var total int64
			if err := rows.Scan(&s.Workspace, &s.Source, &s.Digest, &s.SourceData, &s.AsOf, &s.From, &s.To, &s.Rows, &dropped, &s.Created, &entry, &total); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(dropped), &s.Dropped)
			out, counts[s.Source] = append(out, s), total
			return err
		})
	})
	return out, counts, err
}
