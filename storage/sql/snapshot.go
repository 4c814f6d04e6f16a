package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

const snapshotColumns = "workspace, source, digest, source_data, as_of, from_time, to_time, rows_kept, dropped, created, entry"

// Put records a snapshot. One with these bytes that is recorded already stays as
// it is: the same rows may be what several moments saw.
func (h *Snapshots) Put(ctx context.Context, s trimtab.Snapshot) (err error) {
	defer trimtab.Wrap(&err, "Snapshots.Put(%s, %s)", s.Source, s.Digest.Short())
	dropped, err := json.Marshal(s.Dropped)
	if err != nil {
		return err
	}
	return h.db.write(ctx, governed, func(tx *Tx) error {
		s.Workspace = tx.Workspace()
		if s.Created == 0 {
			s.Created = tx.Now()
		}
		n, err := tx.Exec("INSERT INTO snapshots ("+snapshotColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT (workspace, source, digest) DO NOTHING",
			string(s.Workspace), s.Source, string(s.Digest), string(s.SourceData), int64(s.AsOf), int64(s.From), int64(s.To), s.Rows, string(dropped), int64(s.Created))
		if err != nil || n == 0 {
			return err
		}
		entry, err := tx.Journal(s.Workspace, s.Change())
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE snapshots SET entry = ? WHERE workspace = ? AND source = ? AND digest = ?", string(entry), string(s.Workspace), s.Source, string(s.Digest))
		return err
	})
}

// Get returns a snapshot; NotFound when there is none.
func (h *Snapshots) Get(ctx context.Context, source string, digest trimtab.Digest) (s trimtab.Snapshot, err error) {
	defer trimtab.Wrap(&err, "Snapshots.Get(%s, %s)", source, digest.Short())
	err = h.db.read(ctx, func(q *Query) error {
		s, _, err = scanSnapshot(q.Row("SELECT "+snapshotColumns+" FROM snapshots WHERE workspace = ? AND source = ? AND digest = ?",
			string(trimtab.CallOf(ctx).Workspace), source, string(digest)))
		if errors.Is(err, dbsql.ErrNoRows) {
			return trimtab.Errorf(trimtab.NotFound, "snapshot "+digest.Short(), "source %s has no snapshot %s", source, digest.Short())
		}
		return err
	})
	return s, err
}

// List returns the snapshots of a source, "" for all, the newest first.
func (h *Snapshots) List(ctx context.Context, source string) (out []trimtab.Snapshot, err error) {
	defer trimtab.Wrap(&err, "Snapshots.List(%s)", source)
	err = h.db.read(ctx, func(q *Query) error {
		query, args := "SELECT "+snapshotColumns+" FROM snapshots WHERE workspace = ?", []any{string(trimtab.CallOf(ctx).Workspace)}
		if source != "" {
			query, args = query+" AND source = ?", append(args, source)
		}
		rows, err := q.Rows(query+" ORDER BY created DESC, source, digest", args...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			s, _, err := scanSnapshot(rows)
			out = append(out, s)
			return err
		})
	})
	return out, err
}

func scanSnapshot(row interface{ Scan(...any) error }) (s trimtab.Snapshot, entry trimtab.EntryID, err error) {
	var dropped string
	err = row.Scan(&s.Workspace, &s.Source, &s.Digest, &s.SourceData, &s.AsOf, &s.From, &s.To, &s.Rows, &dropped, &s.Created, &entry)
	if err != nil {
		return s, "", err
	}
	return s, entry, json.Unmarshal([]byte(dropped), &s.Dropped)
}
