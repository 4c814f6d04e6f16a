package sql

import (
	"context"
	dbsql "database/sql"
)

// readerPool is the reading side of SQLite: connections with their prepared
// statements, each held by one read at a time. A read that waits for a
// connection holds nothing that another needs.
type readerPool struct {
	source *dbsql.DB
	idle   chan *reader // as many as there may be; nil stands for one not opened yet
}

type reader struct {
	conn  *dbsql.Conn
	stmts stmtCache
}

func newReaderPool(source *dbsql.DB, n int) *readerPool {
	p := &readerPool{source: source, idle: make(chan *reader, n)}
	for range n {
		p.idle <- nil
	}
	return p
}

func (p *readerPool) read(ctx context.Context, fn func(q *Query) error) error {
	var r *reader
	select {
	case r = <-p.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.idle <- r }()
	if r == nil {
		conn, err := p.source.Conn(ctx)
		if err != nil {
			return err
		}
		r = &reader{conn: conn, stmts: stmtCache{conn: conn, limit: 200}}
	}
	if err := r.do("BEGIN"); err != nil {
		r.close()
		r = nil
		return err
	}
	// Nothing to commit; a connection that cannot even roll back is not used again.
	defer func() {
		if r.do("ROLLBACK") != nil {
			r.close()
			r = nil
		}
	}()
	return fn(&Query{session{ctx: ctx, engine: sqliteEngine, on: r.conn, stmts: &r.stmts}})
}

func (r *reader) do(statement string) error {
	bg := context.Background()
	if st := r.stmts.get(bg, statement); st != nil {
		_, err := st.ExecContext(bg)
		return err
	}
	_, err := r.conn.ExecContext(bg, statement)
	return err
}

func (r *reader) close() {
	r.stmts.close()
	r.conn.Close()
}

// close waits for the reads under way and closes every connection.
func (p *readerPool) close() {
	for range cap(p.idle) {
		if r := <-p.idle; r != nil {
			r.close()
		}
	}
}
