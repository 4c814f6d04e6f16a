package sql

import (
	"context"
	dbsql "database/sql"
	"time"

	"github.com/trimtab/trimtab"
)

// Query is a read: a consistent snapshot for as long as the function runs.
type Query struct {
	session
}

// Tx is a write in progress. Entries recorded by Journal commit with it.
type Tx struct {
	session
	db      *DB
	call    trimtab.Call
	now     trimtab.Time
	entries []draft
}

// draft is an entry that waits for its place in the order.
type draft struct {
	entry trimtab.Entry
	body  []byte
}

// Now is the moment of the transaction: one for all its rows.
func (tx *Tx) Now() trimtab.Time { return tx.now }

// Workspace is the workspace of the request.
func (tx *Tx) Workspace() trimtab.Workspace { return tx.call.Workspace }

// Journal completes a change to an entry and records it with the transaction.
// A change without an action is no change: it records nothing and returns "".
func (tx *Tx) Journal(ws trimtab.Workspace, c trimtab.Change) (trimtab.EntryID, error) {
	if c.Action == "" {
		return "", nil
	}
	e := trimtab.Entry{V: trimtab.EntryVersion, ID: tx.db.cfg.Random.EntryID(tx.now), Time: tx.now, Workspace: ws,
		Actor: tx.call.Actor, RequestID: tx.call.RequestID, Change: c}
	body, err := e.Body()
	if err != nil {
		return "", err
	}
	tx.entries = append(tx.entries, draft{e, body})
	return e.ID, nil
}

// Exec runs a statement and returns the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	res, err := tx.session.exec(query, args)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// session runs statements of the one SQL text on one connection.
type session struct {
	ctx    context.Context
	engine engine
	on     querier
	stmts  *stmtCache // of the connection; nil: the driver prepares (PostgreSQL)
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (dbsql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*dbsql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *dbsql.Row
}

// Postgres reports whether statements run on PostgreSQL: for the few that differ.
func (s *session) Postgres() bool { return s.engine == postgresEngine }

// Context is the context of the request.
func (s *session) Context() context.Context { return s.ctx }

func (s *session) exec(query string, args []any) (dbsql.Result, error) {
	if st := s.prepared(query); st != nil {
		return st.ExecContext(s.ctx, args...)
	}
	return s.on.ExecContext(s.ctx, s.engine.text(query), args...)
}

// Rows runs a query. Close the rows.
func (s *session) Rows(query string, args ...any) (*dbsql.Rows, error) {
	if st := s.prepared(query); st != nil {
		return st.QueryContext(s.ctx, args...)
	}
	return s.on.QueryContext(s.ctx, s.engine.text(query), args...)
}

// Row runs a query of one row.
func (s *session) Row(query string, args ...any) *dbsql.Row {
	if st := s.prepared(query); st != nil {
		return st.QueryRowContext(s.ctx, args...)
	}
	return s.on.QueryRowContext(s.ctx, s.engine.text(query), args...)
}

func (s *session) prepared(query string) *dbsql.Stmt {
	if s.stmts == nil {
		return nil
	}
	return s.stmts.get(s.ctx, query)
}

// stmtCache keeps the prepared statements of one connection by text. Texts past
// the limit are not kept: they are searches of many shapes. Whoever holds the
// connection holds the cache.
type stmtCache struct {
	conn  *dbsql.Conn
	limit int
	all   map[string]*dbsql.Stmt
}

func (c *stmtCache) get(ctx context.Context, query string) *dbsql.Stmt {
	if st := c.all[query]; st != nil {
		return st
	}
	if len(query) > 2000 || len(c.all) >= c.limit {
		return nil
	}
	st, err := c.conn.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil // the plain path reports it
	}
	if c.all == nil {
		c.all = map[string]*dbsql.Stmt{}
	}
	c.all[query] = st
	return st
}

func (c *stmtCache) close() {
	for _, st := range c.all {
		st.Close()
	}
	c.all = nil
}

// read runs fn on a snapshot.
func (db *DB) read(ctx context.Context, fn func(q *Query) error) error {
	if db.engine == sqliteEngine {
		return db.mapErr(ctx, db.pool.read(ctx, fn))
	}
	tx, err := db.readers.BeginTx(ctx, &dbsql.TxOptions{ReadOnly: true, Isolation: dbsql.LevelRepeatableRead})
	if err != nil {
		return db.mapErr(ctx, err)
	}
	defer tx.Rollback()
	return db.mapErr(ctx, fn(&Query{session{ctx: ctx, engine: postgresEngine, on: tx}}))
}

// mapErr gives errors of the database the kind that callers act on.
func (db *DB) mapErr(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case trimtab.KindOf(err) != trimtab.Internal:
		return err
	case ctx.Err() != nil:
		return &trimtab.Error{Kind: trimtab.Canceled, Subject: "request", Msg: "the request was cancelled", Err: err}
	case isFull(err):
		return &trimtab.Error{Kind: trimtab.Exhausted, Subject: "database", Msg: "the disk of the database is full: nothing was written; free space and try again", Err: err, RetryAfter: 30 * time.Second}
	case isDown(err):
		return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "database", Msg: "the database cannot be reached; nothing was written", Err: err, RetryAfter: 2 * time.Second}
	}
	return err
}
