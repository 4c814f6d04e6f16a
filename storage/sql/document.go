package sql

import (
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"

	"github.com/trimtab/trimtab"
)

// Documents keeps the documents of one kind. All methods are safe for concurrent use.
type Documents[T trimtab.Document] struct {
	db   *DB
	kind string
	// stamp gives a document the workspace it is kept in.
	stamp func(*T, trimtab.Workspace)
}

const documentColumns = "workspace, body, entry"

// Get returns a document; NotFound when there is none.
func (h *Documents[T]) Get(ctx context.Context, name string) (doc T, err error) {
	defer trimtab.Wrap(&err, "Documents.Get(%s, %s)", h.kind, name)
	err = h.db.read(ctx, func(q *Query) error {
		doc, _, err = scanDocument[T](q.Row("SELECT "+documentColumns+" FROM documents WHERE workspace = ? AND kind = ? AND name = ?",
			string(trimtab.CallOf(ctx).Workspace), h.kind, name))
		if errors.Is(err, dbsql.ErrNoRows) {
			return trimtab.Errorf(trimtab.NotFound, h.kind+" "+name, "there is no %s %s", h.kind, name)
		}
		return err
	})
	return doc, err
}

// Move applies a rule to a document and commits the new state with its journal
// entry. old is nil when there is none; the rule may run more than once, and a
// change without action writes nothing. The state that stands after it is returned.
func (h *Documents[T]) Move(ctx context.Context, name string, rule func(old *T) (T, trimtab.Change, error)) (next T, err error) {
	defer trimtab.Wrap(&err, "Documents.Move(%s, %s)", h.kind, name)
	for try := 0; ; try++ {
		err = h.db.write(ctx, governed, func(tx *Tx) error {
			next, err = h.move(tx, name, rule)
			return err
		})
		if !errors.Is(err, errRaced) || try == 5 {
			return next, err
		}
	}
}

func (h *Documents[T]) move(tx *Tx, name string, rule func(old *T) (T, trimtab.Change, error)) (next T, err error) {
	var old *T
	doc, _, err := scanDocument[T](tx.Row("SELECT "+documentColumns+" FROM documents WHERE workspace = ? AND kind = ? AND name = ?"+tx.engine.forUpdate(),
		string(tx.Workspace()), h.kind, name))
	switch {
	case err == nil:
		old = &doc
	case !errors.Is(err, dbsql.ErrNoRows):
		return next, err
	}
	next, change, err := rule(old)
	if err != nil {
		return next, err
	}
	if change.Action == "" {
		if old != nil {
			next = *old
		}
		return next, nil
	}
	h.stamp(&next, tx.Workspace())
	if got := next.Object(); got.Kind != h.kind || got.Name != name {
		return next, trimtab.Errorf(trimtab.Internal, name, "the rule for %s %s made %s", h.kind, name, got)
	}
	body, err := trimtab.Canonical(next)
	if err != nil {
		return next, err
	}
	// The digest of what is kept: the rule does not know the workspace.
	change.Object, change.After = next.Object(), trimtab.DigestOf(body)
	if old != nil {
		change.Before = trimtab.StateDigest(*old)
	}
	entry, err := tx.Journal(tx.Workspace(), change)
	if err != nil {
		return next, err
	}
	head := next.Head()
	open := 0
	if head.Open {
		open = 1
	}
	if old == nil {
		_, err = tx.Exec("INSERT INTO documents (workspace, kind, name, scope, at, state, is_open, body, updated, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			string(tx.Workspace()), h.kind, name, head.Scope, int64(head.At), head.State, open, string(body), int64(tx.Now()), string(entry))
		if isUnique(err) {
			return next, errRaced
		}
		return next, err
	}
	_, err = tx.Exec("UPDATE documents SET scope = ?, at = ?, state = ?, is_open = ?, body = ?, updated = ?, entry = ? WHERE workspace = ? AND kind = ? AND name = ?",
		head.Scope, int64(head.At), head.State, open, string(body), int64(tx.Now()), string(entry), string(tx.Workspace()), h.kind, name)
	return next, err
}

// List returns documents of the caller's workspace, the newest (by event time) first, then by name.
func (h *Documents[T]) List(ctx context.Context, query trimtab.DocumentQuery) (out []T, err error) {
	defer trimtab.Wrap(&err, "Documents.List(%s)", h.kind)
	where, args := " WHERE workspace = ? AND kind = ?", []any{string(trimtab.CallOf(ctx).Workspace), h.kind}
	if query.Scope != "" {
		where, args = where+" AND scope = ?", append(args, query.Scope)
	}
	if query.Open {
		where += " AND is_open = 1"
	}
	if query.From != 0 {
		where, args = where+" AND at >= ?", append(args, int64(query.From))
	}
	if query.To != 0 {
		where, args = where+" AND at < ?", append(args, int64(query.To))
	}
	limit := query.Limit
	if limit <= 0 {
		limit = 1000
	}
	return h.list(ctx, where+" ORDER BY at DESC, name LIMIT ?", append(args, limit)...)
}

// Open returns the open documents of all workspaces, for controllers.
func (h *Documents[T]) Open(ctx context.Context) (out []T, err error) {
	defer trimtab.Wrap(&err, "Documents.Open(%s)", h.kind)
	return h.list(ctx, " WHERE kind = ? AND is_open = 1 ORDER BY workspace, at DESC, name", h.kind)
}

func (h *Documents[T]) list(ctx context.Context, where string, args ...any) (out []T, err error) {
	err = h.db.read(ctx, func(q *Query) error {
		rows, err := q.Rows("SELECT "+documentColumns+" FROM documents"+where, args...)
		return collect(rows, err, func(rows *dbsql.Rows) error {
			doc, _, err := scanDocument[T](rows)
			out = append(out, doc)
			return err
		})
	})
	return out, err
}

func scanDocument[T trimtab.Document](row interface{ Scan(...any) error }) (doc T, entry trimtab.EntryID, err error) {
	var ws, body string
	if err := row.Scan(&ws, &body, (*string)(&entry)); err != nil {
		return doc, "", err
	}
	return doc, entry, json.Unmarshal([]byte(body), &doc)
}

// governedDocuments visits every document with the state that its last entry recorded.
func governedDocuments(q *Query, visit visitRow) error {
	rows, err := q.Rows("SELECT workspace, kind, name, body, entry FROM documents")
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var ws, kind, name, body, entry string
		if err := rows.Scan(&ws, &kind, &name, &body, &entry); err != nil {
			return err
		}
		// The body is canonical JSON of the state: what the entry has the digest of.
		return visit(trimtab.Workspace(ws), trimtab.Object{Kind: kind, Name: name}, trimtab.EntryID(entry), json.RawMessage(body))
	})
}

func (db *DB) documents() {
	db.Incidents = &Documents[trimtab.Incident]{db, "incident", func(d *trimtab.Incident, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Decisions = &Documents[trimtab.Decision]{db, "decision", func(d *trimtab.Decision, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Policies = &Documents[trimtab.PolicyState]{db, "policyState", func(d *trimtab.PolicyState, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Rollouts = &Documents[trimtab.Rollout]{db, "rollout", func(d *trimtab.Rollout, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Evaluations = &Documents[trimtab.Evaluation]{db, "evaluation", func(d *trimtab.Evaluation, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Contracts = &Documents[trimtab.ContractResult]{db, "contractResult", func(d *trimtab.ContractResult, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Pauses = &Documents[trimtab.Pause]{db, "pause", func(d *trimtab.Pause, ws trimtab.Workspace) { d.Workspace = ws }}
	db.Deliveries = &Documents[trimtab.Delivery]{db, "delivery", func(d *trimtab.Delivery, ws trimtab.Workspace) { d.Workspace = ws }}
}
