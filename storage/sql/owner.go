package sql

import (
	"context"
	dbsql "database/sql"
	"time"

	"github.com/trimtab/trimtab"
)

const (
	ownerLock     = 0x7472696d74616202 // the advisory lock of the server whose controllers work on the database
	ownerCheck    = 5 * time.Second
	ownerPatience = 10 * time.Second // a server that has just died may hold the lock for a moment
)

// Own makes this process the one whose controllers act on a PostgreSQL database
// and refuses while another does. On SQLite the lock of the data folder says so
// already. The returned function keeps it so until its context ends: after the
// database was away, it takes the lock again, and it returns an error when another
// server has taken it meanwhile.
func (db *DB) Own(ctx context.Context) (keep func(context.Context) error, err error) {
	defer trimtab.Wrap(&err, "sql.Own()")
	if !db.Postgres() {
		return func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
	}
	conn, err := db.own(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer func() { conn.Close() }()
		tick := time.NewTicker(ownerCheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(ownerLock))
				return nil
			case <-tick.C:
			}
			if _, err := conn.ExecContext(ctx, "SELECT 1"); err == nil || ctx.Err() != nil {
				continue
			}
			conn.Close()
			for {
				next, err := db.own(ctx)
				if err == nil {
					conn = next
					break
				}
				if trimtab.IsKind(err, trimtab.Conflict) {
					return err
				}
				if ctx.Err() != nil {
					return nil
				}
				db.log.WarnContext(ctx, "the database is away", "error", err)
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(time.Second):
				}
			}
		}
	}, nil
}

// own takes the lock on a connection of its own.
func (db *DB) own(ctx context.Context) (*dbsql.Conn, error) {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, db.mapErr(ctx, err)
	}
	deadline := time.Now().Add(ownerPatience)
	for {
		var held bool
		err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(ownerLock)).Scan(&held)
		if err == nil && held {
			return conn, nil
		}
		if err == nil && time.Now().After(deadline) {
			err = trimtab.Errorf(trimtab.Conflict, "database", "another server works on this database: stop it first; this version runs one server per database")
		}
		if err != nil {
			conn.Close()
			return nil, db.mapErr(ctx, err)
		}
		select {
		case <-ctx.Done():
			conn.Close()
			return nil, db.mapErr(ctx, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
