package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"time"

	"github.com/trimtab/trimtab"
)

const (
	sequencerLock = 0x7472696d74616201 // the advisory lock of the one sequencer
	sequencerIdle = 50 * time.Millisecond
	sequencerTake = 1000 // entries of one transaction
)

// runSequencer gives the pending entries of PostgreSQL their order. Of all
// servers on a database, the holder of the advisory lock sequences; the others
// stand by and follow the head.
func (db *DB) runSequencer(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := db.sequence(ctx); err != nil && ctx.Err() == nil {
			db.log.Warn("journal sequencer restarts", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
	// What was committed before the end is ordered now rather than at the next start.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	conn, err := db.writer.Conn(last)
	if err != nil {
		return nil
	}
	defer conn.Close()
	var held bool
	if err := conn.QueryRowContext(last, "SELECT pg_try_advisory_lock($1)", int64(sequencerLock)).Scan(&held); err != nil || !held {
		return nil
	}
	db.head.forget()
	for {
		n, err := db.sequenceOnce(last, conn)
		if err != nil || n == 0 {
			return nil
		}
	}
}

// sequence holds one connection for as long as it lives; the lock dies with it.
func (db *DB) sequence(ctx context.Context) error {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	held := false
	defer func() {
		if held {
			conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(sequencerLock))
		}
	}()
	for {
		if !held {
			if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(sequencerLock)).Scan(&held); err != nil {
				return err
			}
			if held {
				db.head.forget()
			}
		}
		n := 0
		if held {
			if n, err = db.sequenceOnce(ctx, conn); err != nil {
				return err
			}
		} else if err := db.loadHead(ctx); err != nil {
			return err
		}
		if n == sequencerTake {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-db.head.pending:
		case <-time.After(sequencerIdle):
		}
	}
}

// sequenceOnce orders what is pending and visible, in one transaction.
func (db *DB) sequenceOnce(ctx context.Context, conn *dbsql.Conn) (n int, err error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	s := &session{ctx: ctx, engine: postgresEngine, on: tx}
	var drafts []draft
	var seqs []int64
	rows, err := s.Rows("SELECT seq, body FROM journal_pending ORDER BY seq LIMIT ?", sequencerTake)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		var seq int64
		var d draft
		if err := rows.Scan(&seq, &d.body); err != nil {
			rows.Close()
			return 0, err
		}
		if err := json.Unmarshal(d.body, &d.entry); err != nil {
			rows.Close()
			return 0, err
		}
		drafts = append(drafts, d)
		seqs = append(seqs, seq)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if len(drafts) == 0 {
		return 0, nil
	}
	// Another server may have sequenced before this one took the lock.
	var last int64
	if err := s.Row("SELECT COALESCE(MAX(idx), 0) FROM journal").Scan(&last); err != nil {
		return 0, err
	}
	db.head.set(last)
	advance, err := db.head.append(s, drafts)
	if err != nil {
		return 0, err
	}
	if _, err := s.exec("DELETE FROM journal_pending WHERE seq = ANY(?)", []any{seqs}); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		db.head.forget()
		return 0, err
	}
	advance()
	return len(drafts), nil
}

// decodeEntry reads a stored entry.
func decodeEntry(body []byte, idx, leaf int64) (trimtab.Entry, error) {
	var e trimtab.Entry
	err := json.Unmarshal(body, &e)
	e.Index, e.Leaf = idx, leaf
	return e, err
}
