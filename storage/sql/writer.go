package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/trimtab/trimtab"
)

// class says how a write commits.
type class uint8

const (
	// measured writes (metrics, params, tags, inputs) survive a kill of the
	// process at once and a power loss after at most syncEvery.
	measured class = iota
	// governed writes are synced before they are answered.
	governed
)

const (
	groupSize = 256                    // requests of one commit
	syncEvery = 100 * time.Millisecond // measured commits are synced at least this often
)

// request is one write on its way through the writer.
type request struct {
	ctx   context.Context
	class class
	fn    func(*Tx) error
	call  trimtab.Call
	done  chan error
}

// write runs fn in a transaction and returns when it is committed. fn may run
// more than once (PostgreSQL tries again after a serialization failure), so it
// must not have effects outside the transaction. Cancelling ctx has effect only
// until fn begins.
func (db *DB) write(ctx context.Context, c class, fn func(*Tx) error) error {
	if db.engine == postgresEngine {
		return db.mapErr(ctx, db.writePostgres(ctx, fn))
	}
	r := &request{ctx: ctx, class: c, fn: fn, call: trimtab.CallOf(ctx), done: make(chan error, 1)}
	select {
	case db.queue <- r:
	case <-ctx.Done():
		return db.mapErr(ctx, ctx.Err())
	case <-db.closing:
		return trimtab.Errorf(trimtab.Unavailable, "database", "the server is stopping; nothing was written")
	}
	// Once queued, the answer is what happened: a caller that goes away early
	// must not be told that nothing was written.
	select {
	case err := <-r.done:
		return db.mapErr(ctx, err)
	case <-db.closing:
		select {
		case err := <-r.done:
			return db.mapErr(ctx, err)
		case <-time.After(5 * time.Second):
			return trimtab.Errorf(trimtab.Unavailable, "database", "the server is stopping; whether the write was kept is unknown")
		}
	}
}

// Run does the work in the background: the writer of SQLite or the sequencer of
// PostgreSQL, and the signing of checkpoints. It returns after ctx has ended and
// what was queued has been written.
func (db *DB) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- db.checkpoints(ctx) }()
	var err error
	if db.engine == sqliteEngine {
		err = db.runWriter(ctx)
	} else {
		err = db.runSequencer(ctx)
	}
	return errors.Join(err, <-done)
}

// sqliteWriter owns the one writing connection.
type sqliteWriter struct {
	db    *DB
	conn  *dbsql.Conn
	stmts stmtCache
	full  bool // the present setting of synchronous
	dirty bool // a measured commit has not been synced yet
}

func (db *DB) runWriter(ctx context.Context) error {
	conn, err := db.writer.Conn(context.Background())
	if err != nil {
		return err
	}
	w := &sqliteWriter{db: db, conn: conn}
	w.stmts = stmtCache{conn: conn, limit: 400}
	defer conn.Close()
	defer w.stmts.close()
	if err := w.synchronous(true, true); err != nil {
		return err
	}
	tick := time.NewTimer(syncEvery)
	defer tick.Stop()
	for {
		var first *request
		select {
		case first = <-db.queue:
		case <-tick.C:
			if w.dirty {
				w.sync()
			}
			tick.Reset(syncEvery)
			continue
		case <-ctx.Done():
			select {
			case first = <-db.queue:
			default:
				if w.dirty {
					w.sync()
				}
				return nil
			}
		}
		group := append(make([]*request, 0, 16), first)
		for len(group) < groupSize {
			select {
			case r := <-db.queue:
				group = append(group, r)
				continue
			default:
			}
			break
		}
		w.commit(group)
	}
}

// sync makes the measured commits since the last sync durable by one synced commit.
func (w *sqliteWriter) sync() {
	err := w.synchronous(true, false)
	if err == nil {
		_, err = w.conn.ExecContext(context.Background(), "INSERT INTO counters (name, value) VALUES ('synced', 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1")
	}
	if err != nil {
		w.db.log.Error("syncing the database failed", "error", err)
		return
	}
	w.dirty = false
}

func (w *sqliteWriter) synchronous(full, force bool) error {
	if w.full == full && !force {
		return nil
	}
	level := "NORMAL"
	if full {
		level = "FULL"
	}
	if _, err := w.conn.ExecContext(context.Background(), "PRAGMA synchronous="+level); err != nil {
		return err
	}
	w.full = full
	return nil
}

// commit runs a group of requests in one transaction and answers each.
func (w *sqliteWriter) commit(group []*request) {
	full := w.db.cfg.Durability == "full"
	for _, r := range group {
		full = full || r.class == governed
	}
	outcome := make([]error, len(group))
	if err := w.transact(group, outcome, full); err != nil {
		for i := range outcome {
			if outcome[i] == nil {
				outcome[i] = err
			}
		}
	}
	for i, r := range group {
		r.done <- outcome[i]
	}
}

func (w *sqliteWriter) transact(group []*request, outcome []error, full bool) (err error) {
	bg := context.Background()
	if err := w.synchronous(full, false); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(bg, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			w.conn.ExecContext(bg, "ROLLBACK")
		}
	}()
	now := w.db.cfg.Clock()
	var drafts []draft
	alone := len(group) == 1
	for i, r := range group {
		if r.ctx.Err() != nil {
			outcome[i] = r.ctx.Err()
			continue
		}
		tx := &Tx{session: session{ctx: context.WithoutCancel(r.ctx), engine: sqliteEngine, on: w.conn, stmts: &w.stmts}, db: w.db, call: r.call, now: now}
		if !alone {
			if _, err := w.exec("SAVEPOINT request"); err != nil {
				return err
			}
		}
		if outcome[i] = protect(r.fn, tx); outcome[i] != nil {
			if alone {
				return nil
			}
			if _, err := w.exec("ROLLBACK TO request"); err != nil {
				return fmt.Errorf("the transaction was lost: %w", err)
			}
		} else {
			drafts = append(drafts, tx.entries...)
		}
		if !alone {
			if _, err := w.exec("RELEASE request"); err != nil {
				return fmt.Errorf("the transaction was lost: %w", err)
			}
		}
	}
	var advance func()
	if len(drafts) > 0 {
		s := &session{ctx: bg, engine: sqliteEngine, on: w.conn, stmts: &w.stmts}
		if advance, err = w.db.head.append(s, drafts); err != nil {
			return err
		}
	}
	if _, err := w.conn.ExecContext(bg, "COMMIT"); err != nil {
		return err
	}
	committed = true
	w.dirty = !full
	if advance != nil {
		advance()
	}
	return nil
}

func (w *sqliteWriter) exec(query string) (dbsql.Result, error) {
	if st := w.stmts.get(context.Background(), query); st != nil {
		return st.ExecContext(context.Background())
	}
	return w.conn.ExecContext(context.Background(), query)
}

// protect turns a panic of one request into its error: the writer lives on.
func protect(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.db.log.Error("panic in a write", "panic", p, "stack", string(debug.Stack()))
			err = &trimtab.Error{Kind: trimtab.Internal, Msg: fmt.Sprintf("panic: %v", p)}
		}
	}()
	return fn(tx)
}

// writePostgres runs fn in a transaction of its own.
func (db *DB) writePostgres(ctx context.Context, fn func(*Tx) error) error {
	call := trimtab.CallOf(ctx)
	for try := 0; ; try++ {
		err := db.tryPostgres(ctx, call, fn)
		if err == nil {
			return nil
		}
		if !isRetryable(err) || try == 9 {
			if isRetryable(err) {
				return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "database", Msg: "too many writers change the same rows; try again", Err: err, RetryAfter: time.Second}
			}
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(1+rand.IntN(1<<min(try, 6))) * time.Millisecond):
		}
	}
}

func (db *DB) tryPostgres(ctx context.Context, call trimtab.Call, fn func(*Tx) error) error {
	sqltx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer sqltx.Rollback()
	tx := &Tx{session: session{ctx: ctx, engine: postgresEngine, on: sqltx}, db: db, call: call, now: db.cfg.Clock()}
	if err := protect(fn, tx); err != nil {
		return err
	}
	for _, d := range tx.entries {
		e := d.entry
		if _, err := tx.Exec("INSERT INTO journal_pending (workspace, id, time, action, kind, name, version, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			string(e.Workspace), string(e.ID), int64(e.Time), e.Action, e.Object.Kind, e.Object.Name, e.Object.Version, d.body); err != nil {
			return err
		}
	}
	if err := sqltx.Commit(); err != nil {
		return err
	}
	if len(tx.entries) > 0 {
		db.head.wake()
	}
	return nil
}
