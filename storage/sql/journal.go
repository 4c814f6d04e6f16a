package sql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// Entries returns up to limit entries of all workspaces after an index, in order.
func (j *Journal) Entries(ctx context.Context, after int64, limit int) (out []trimtab.Entry, err error) {
	defer trimtab.Wrap(&err, "Journal.Entries(%d)", after)
	err = j.db.read(ctx, func(q *Query) error {
		out, err = scanEntries(q, "SELECT idx, leaf, body FROM journal WHERE idx > ? ORDER BY idx LIMIT ?", after, limit)
		return err
	})
	return out, err
}

// Newest returns up to limit entries of the request's workspace before an index
// (0: the end), newest first.
func (j *Journal) Newest(ctx context.Context, before int64, limit int) (out []trimtab.Entry, err error) {
	defer trimtab.Wrap(&err, "Journal.Newest(%d)", before)
	if before <= 0 {
		before = 1<<63 - 1
	}
	err = j.db.read(ctx, func(q *Query) error {
		out, err = scanEntries(q, "SELECT idx, leaf, body FROM journal WHERE workspace = ? AND idx < ? ORDER BY idx DESC LIMIT ?", string(trimtab.CallOf(ctx).Workspace), before, limit)
		return err
	})
	return out, err
}

// ByObject returns up to limit entries of one object, newest first.
func (j *Journal) ByObject(ctx context.Context, kind, name string, limit int) (out []trimtab.Entry, err error) {
	defer trimtab.Wrap(&err, "Journal.ByObject(%s, %s)", kind, name)
	err = j.db.read(ctx, func(q *Query) error {
		out, err = scanEntries(q, "SELECT idx, leaf, body FROM journal WHERE workspace = ? AND kind = ? AND name = ? ORDER BY idx DESC LIMIT ?", string(trimtab.CallOf(ctx).Workspace), kind, name, limit)
		return err
	})
	return out, err
}

func scanEntries(q *Query, query string, args ...any) ([]trimtab.Entry, error) {
	rows, err := q.Rows(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []trimtab.Entry
	for rows.Next() {
		var idx, leaf int64
		var body []byte
		if err := rows.Scan(&idx, &leaf, &body); err != nil {
			return nil, err
		}
		e, err := decodeEntry(body, idx, leaf)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// Head returns the index of the last entry, 0 for an empty journal.
func (j *Journal) Head(context.Context) (int64, error) {
	last, _ := j.db.head.get()
	return last, nil
}

// Wait returns when the head is beyond after, or with the error of ctx.
func (j *Journal) Wait(ctx context.Context, after int64) error {
	for {
		last, changed := j.db.head.get()
		if last > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Flush returns when every entry committed before the call has its place in
// the order. On SQLite that is at once.
func (j *Journal) Flush(ctx context.Context) (err error) {
	defer trimtab.Wrap(&err, "Journal.Flush()")
	if !j.db.Postgres() {
		return nil
	}
	for {
		var pending int
		if err := j.db.read(ctx, func(q *Query) error {
			return q.Row("SELECT COUNT(*) FROM journal_pending").Scan(&pending)
		}); err != nil || pending == 0 {
			return err
		}
		j.db.head.wake()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Cursor returns the index up to which a consumer has handled entries, 0 for a new one.
func (j *Journal) Cursor(ctx context.Context, consumer string) (cursor int64, err error) {
	defer trimtab.Wrap(&err, "Journal.Cursor(%s)", consumer)
	err = j.db.read(ctx, func(q *Query) error {
		err := q.Row("SELECT cursor FROM journal_consumers WHERE name = ?", consumer).Scan(&cursor)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return cursor, err
}

// Advance moves a consumer's cursor forward; a smaller index changes nothing.
func (j *Journal) Advance(ctx context.Context, consumer string, idx int64) (err error) {
	defer trimtab.Wrap(&err, "Journal.Advance(%s, %d)", consumer, idx)
	return j.db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO journal_consumers (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor WHERE excluded.cursor > journal_consumers.cursor", consumer, idx)
		return err
	})
}

// Park sets an entry aside that a consumer cannot handle; its cursor goes on.
func (j *Journal) Park(ctx context.Context, consumer string, idx int64, reason string) (err error) {
	defer trimtab.Wrap(&err, "Journal.Park(%s, %d)", consumer, idx)
	return j.db.write(ctx, governed, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO journal_parked (consumer, idx, reason, time) VALUES (?, ?, ?, ?) ON CONFLICT (consumer, idx) DO UPDATE SET reason = excluded.reason, time = excluded.time", consumer, idx, reason, int64(tx.Now()))
		return err
	})
}

// Parked is an entry that a consumer could not handle.
type Parked struct {
	Consumer string
	Index    int64
	Reason   string
	Time     trimtab.Time
}

// ParkedEntries lists what consumers set aside.
func (j *Journal) ParkedEntries(ctx context.Context) (out []Parked, err error) {
	defer trimtab.Wrap(&err, "Journal.ParkedEntries()")
	err = j.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT consumer, idx, reason, time FROM journal_parked ORDER BY consumer, idx")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Parked
			if err := rows.Scan(&p.Consumer, &p.Index, &p.Reason, &p.Time); err != nil {
				return err
			}
			out = append(out, p)
		}
		return rows.Err()
	})
	return out, err
}

const checkpointEvery = 10 * time.Second

// checkpoints signs the heads of the logs that grew: every ten seconds, and
// once more at the end.
func (db *DB) checkpoints(ctx context.Context) error {
	if db.cfg.Key == nil {
		return nil
	}
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := db.Journal.Checkpoint(ctx); err != nil && ctx.Err() == nil {
				db.log.Error("signing a checkpoint failed", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Checkpoint signs the head of every workspace's log that grew since its last
// checkpoint. It refuses to sign a log that does not extend the last one signed.
func (j *Journal) Checkpoint(ctx context.Context) (err error) {
	defer trimtab.Wrap(&err, "Journal.Checkpoint()")
	if j.db.cfg.Key == nil {
		return nil
	}
	type grown struct {
		ws         trimtab.Workspace
		size, last int64
		note       []byte
	}
	var logs []grown
	err = j.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows(`SELECT j.workspace, j.size, COALESCE(c.size, 0), c.note
			FROM (SELECT workspace, MAX(leaf) + 1 AS size FROM journal GROUP BY workspace) j
			LEFT JOIN (SELECT workspace, MAX(size) AS size FROM journal_checkpoints GROUP BY workspace) m ON m.workspace = j.workspace
			LEFT JOIN journal_checkpoints c ON c.workspace = m.workspace AND c.size = m.size
			WHERE j.size <> COALESCE(c.size, 0)`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g grown
			if err := rows.Scan(&g.ws, &g.size, &g.last, &g.note); err != nil {
				return err
			}
			logs = append(logs, g)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, g := range logs {
		if g.size < g.last {
			return trimtab.Errorf(trimtab.Precondition, "journal of "+string(g.ws), "the journal of project %s has %d entries, a checkpoint of %d was signed: an older database was restored; run `trimtab audit verify`", g.ws, g.size, g.last)
		}
		kept, remembered, err := j.remembered(g.ws)
		if err != nil {
			return err
		}
		if remembered && g.size < kept.Size {
			return trimtab.Errorf(trimtab.Precondition, "journal of "+string(g.ws), "the journal of project %s has %d entries, a checkpoint of %d was signed: an older database was restored. Nothing is signed until that is settled: run `trimtab audit verify`, and when the restore was meant, move the file checkpoint-* in the folder of the journal key away and keep it as evidence", g.ws, g.size, kept.Size)
		}
		var signed []byte
		err = j.db.write(ctx, governed, func(tx *Tx) error {
			f, err := readFrontier(&tx.session, g.ws)
			if err != nil {
				return err
			}
			if remembered {
				if err := extends(&tx.session, g.ws, kept); err != nil {
					return err
				}
			}
			if g.last > 0 {
				old, err := journal.OpenCheckpoint(g.note, j.db.cfg.Key.Verifier)
				if err != nil {
					return err
				}
				if err := extends(&tx.session, g.ws, old); err != nil {
					return err
				}
			}
			signed, err = journal.Checkpoint{Origin: j.db.cfg.Key.Origin(string(g.ws)), Size: f.Size, Root: f.Root()}.Sign(j.db.cfg.Key.Signer)
			if err != nil {
				return err
			}
			_, err = tx.Exec("INSERT INTO journal_checkpoints (workspace, size, time, note) VALUES (?, ?, ?, ?) ON CONFLICT (workspace, size) DO NOTHING", string(g.ws), f.Size, int64(tx.Now()), signed)
			return err
		})
		if err == nil {
			err = j.db.cfg.Key.Remember(string(g.ws), signed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extends reports whether the stored log still has the root of an older checkpoint at its size.
func extends(s *session, ws trimtab.Workspace, old journal.Checkpoint) error {
	f, err := journal.NewFrontier(old.Size, hashReader{s, ws})
	if err != nil {
		return err
	}
	if f.Root() != old.Root {
		return trimtab.Errorf(trimtab.Precondition, "journal of "+string(ws), "the journal of project %s does not extend the checkpoint of %d entries that was signed: it was rewritten; run `trimtab audit verify`", ws, old.Size)
	}
	return nil
}
