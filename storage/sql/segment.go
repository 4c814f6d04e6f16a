package sql

import (
	"context"
	dbsql "database/sql"
	"errors"

	"github.com/trimtab/trimtab"
)

const segmentColumns = "workspace, endpoint, log, id, digest, row_count, first_time, last_time, bytes, created, entry"

// Put records a sealed segment of traffic. The same segment again is no change;
// other bytes under its name are a Conflict. The workspace is the segment's.
func (h *Segments) Put(ctx context.Context, s trimtab.Segment) (err error) {
	defer trimtab.Wrap(&err, "Segments.Put(%s/%s, %s)", s.Endpoint, s.Log, s.ID)
	return h.db.write(ctx, governed, func(tx *Tx) error {
		old, _, err := scanSegment(tx.Row("SELECT "+segmentColumns+" FROM segments WHERE workspace = ? AND endpoint = ? AND log = ? AND id = ?"+tx.engine.forUpdate(),
			string(s.Workspace), s.Endpoint, s.Log, s.ID))
		switch {
		case errors.Is(err, dbsql.ErrNoRows):
		case err != nil:
			return err
		case old == s:
			return nil
		default:
			return trimtab.Errorf(trimtab.Conflict, s.Object().String(), "segment %s of the %s of endpoint %s was sealed as %s before and comes as %s now", s.ID, s.Log, s.Endpoint, old.Digest.Short(), s.Digest.Short())
		}
		entry, err := tx.Journal(s.Workspace, s.Change())
		if err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO segments ("+segmentColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			string(s.Workspace), s.Endpoint, s.Log, s.ID, string(s.Digest), s.Rows, int64(s.First), int64(s.Last), s.Bytes, int64(s.Created), string(entry))
		return err
	})
}

// List returns the sealed segments of one log ("predictions", "labels") of an endpoint in order.
func (h *Segments) List(ctx context.Context, endpoint, log string) (out []trimtab.Segment, err error) {
	defer trimtab.Wrap(&err, "Segments.List(%s, %s)", endpoint, log)
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+segmentColumns+" FROM segments WHERE workspace = ? AND endpoint = ? AND log = ? ORDER BY id",
			string(trimtab.CallOf(ctx).Workspace), endpoint, log)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			s, _, err := scanSegment(rows)
			out = append(out, s)
			return err
		})
	})
	return out, err
}

func scanSegment(row interface{ Scan(...any) error }) (s trimtab.Segment, entry trimtab.EntryID, err error) {
	err = row.Scan((*string)(&s.Workspace), &s.Endpoint, &s.Log, &s.ID, (*string)(&s.Digest), &s.Rows, (*int64)(&s.First), (*int64)(&s.Last), &s.Bytes, (*int64)(&s.Created), (*string)(&entry))
	return s, entry, err
}
