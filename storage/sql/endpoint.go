package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"strings"

	"github.com/trimtab/trimtab"
)

const endpointColumns = "workspace, endpoint, mode, watermark, holder, fence, lease_until, live_since, entry"

// State returns the state of an endpoint. One that has none yet is in clock mode.
func (h *Endpoints) State(ctx context.Context, endpoint string) (s trimtab.EndpointState, err error) {
	defer trimtab.Wrap(&err, "Endpoints.State(%s)", endpoint)
	err = h.db.read(ctx, func(q *Query) error {
		s, _, err = getEndpointState(&q.session, trimtab.CallOf(ctx).Workspace, endpoint, "")
		return err
	})
	return s, err
}

// errRaced says that another writer made the row first; the write is tried anew.
var errRaced = errors.New("the row was made meanwhile")

// Move applies a rule to the state of an endpoint and commits the new state with
// its entry. The rule may run more than once. A rule that changes nothing writes
// nothing; a renewed lease is written without an entry.
func (h *Endpoints) Move(ctx context.Context, endpoint string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) (next trimtab.EndpointState, err error) {
	defer trimtab.Wrap(&err, "Endpoints.Move(%s)", endpoint)
	for try := 0; ; try++ {
		err = h.db.write(ctx, governed, func(tx *Tx) error {
			state, entry, err := getEndpointState(&tx.session, tx.Workspace(), endpoint, tx.engine.forUpdate())
			if err != nil {
				return err
			}
			var change trimtab.Change
			if next, change, err = rule(state); err != nil {
				return err
			}
			if next == state && change.Action == "" {
				return nil
			}
			isNew := entry == ""
			if change.Action != "" {
				if entry, err = tx.Journal(next.Workspace, change); err != nil {
					return err
				}
			}
			if isNew {
				_, err = tx.Exec("INSERT INTO endpoint_states ("+endpointColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
					string(next.Workspace), next.Endpoint, string(next.Mode), int64(next.Watermark), next.Holder, next.Fence, int64(next.LeaseUntil), int64(next.LiveSince), string(entry))
				if isUnique(err) {
					return errRaced
				}
				return err
			}
			_, err = tx.Exec("UPDATE endpoint_states SET mode = ?, watermark = ?, holder = ?, fence = ?, lease_until = ?, live_since = ?, entry = ? WHERE workspace = ? AND endpoint = ?",
				string(next.Mode), int64(next.Watermark), next.Holder, next.Fence, int64(next.LeaseUntil), int64(next.LiveSince), string(entry), string(next.Workspace), next.Endpoint)
			return err
		})
		if !errors.Is(err, errRaced) || try == 5 {
			return next, err
		}
	}
}

// Settlements returns how far the listeners of an endpoint have come, in the order of their names.
func (h *Endpoints) Settlements(ctx context.Context, endpoint string) (out []trimtab.Settlement, err error) {
	defer trimtab.Wrap(&err, "Endpoints.Settlements(%s)", endpoint)
	err = h.db.read(ctx, func(q *Query) error {
		out, err = getSettlements(&q.session, trimtab.CallOf(ctx).Workspace, endpoint)
		return err
	})
	return out, err
}

// Settle records how far a listener has come; no entry, for what it did has one.
func (h *Endpoints) Settle(ctx context.Context, s trimtab.Settlement) (err error) {
	defer trimtab.Wrap(&err, "Endpoints.Settle(%s, %s)", s.Endpoint, s.Listener)
	return h.db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO settlements (workspace, endpoint, listener, through, wait, detail) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, endpoint, listener) DO UPDATE SET through = excluded.through, wait = excluded.wait, detail = excluded.detail",
			string(tx.Workspace()), s.Endpoint, s.Listener, int64(s.Through), string(s.Wait), s.Detail)
		return err
	})
}

// dataPlane are the consumers by which requests are answered: where they follow the
// journal, settled means in effect there too.
var dataPlane = []string{"serve", "contract"}

// Settled reports whether border w of an endpoint is settled: in one snapshot,
// every named listener has a settlement that allows it, and its consumer has
// handled every entry of the workspace. The consumer of the listener "monitor/x"
// is "monitor". When it is not settled, the settlement that holds it back is
// returned, with a detail that says why.
func (h *Endpoints) Settled(ctx context.Context, endpoint string, w trimtab.Time, listeners []string) (ok bool, held *trimtab.Settlement, err error) {
	defer trimtab.Wrap(&err, "Endpoints.Settled(%s, %s)", endpoint, w)
	ws := trimtab.CallOf(ctx).Workspace
	err = h.db.read(ctx, func(q *Query) error {
		all, err := getSettlements(&q.session, ws, endpoint)
		if err != nil {
			return err
		}
		byName := map[string]trimtab.Settlement{}
		for _, s := range all {
			byName[s.Listener] = s
		}
		var named []trimtab.Settlement
		for _, name := range listeners {
			s, present := byName[name]
			if !present {
				held = &trimtab.Settlement{Workspace: ws, Endpoint: endpoint, Listener: name, Wait: trimtab.WaitProcess, Detail: "has not begun"}
				return nil
			}
			named = append(named, s)
		}
		if ok, held = trimtab.Settled(w, named); !ok {
			return nil
		}
		head, err := workspaceHead(q, ws)
		if err != nil {
			return err
		}
		cursors := map[string]int64{}
		rows, err := q.Rows("SELECT name, cursor FROM journal_consumers")
		if err := collect(rows, err, func(rows *dbsql.Rows) error {
			var name string
			var cursor int64
			err := rows.Scan(&name, &cursor)
			cursors[name] = cursor
			return err
		}); err != nil {
			return err
		}
		behind := func(s trimtab.Settlement) {
			s.Wait, s.Detail = trimtab.WaitProcess, "has not read the whole journal"
			ok, held = false, &s
		}
		for i, name := range listeners {
			consumer, _, _ := strings.Cut(name, "/")
			if cursors[consumer] < head {
				behind(named[i])
				return nil
			}
		}
		for _, consumer := range dataPlane {
			if at, follows := cursors[consumer]; follows && at < head {
				behind(trimtab.Settlement{Workspace: ws, Endpoint: endpoint, Listener: consumer})
				return nil
			}
		}
		return nil
	})
	return ok, held, err
}

// workspaceHead is the index of the newest entry of a workspace; while one waits
// for its place in the order, it is beyond every cursor.
func workspaceHead(q *Query, ws trimtab.Workspace) (head int64, err error) {
	var pending bool
	if q.Postgres() {
		if err := q.Row("SELECT EXISTS (SELECT 1 FROM journal_pending WHERE workspace = ?)", string(ws)).Scan(&pending); err != nil {
			return 0, err
		}
	}
	if pending {
		return 1<<63 - 1, nil
	}
	err = q.Row("SELECT idx FROM journal WHERE workspace = ? ORDER BY leaf DESC LIMIT 1", string(ws)).Scan(&head)
	if errors.Is(err, dbsql.ErrNoRows) {
		return 0, nil
	}
	return head, err
}

func getEndpointState(s *session, ws trimtab.Workspace, endpoint, lock string) (trimtab.EndpointState, trimtab.EntryID, error) {
	state, entry, err := scanEndpointState(s.Row("SELECT "+endpointColumns+" FROM endpoint_states WHERE workspace = ? AND endpoint = ?"+lock, string(ws), endpoint))
	if errors.Is(err, dbsql.ErrNoRows) {
		return trimtab.EndpointState{Workspace: ws, Endpoint: endpoint, Mode: trimtab.ClockMode}, "", nil
	}
	return state, entry, err
}

func scanEndpointState(row interface{ Scan(...any) error }) (s trimtab.EndpointState, entry trimtab.EntryID, err error) {
	err = row.Scan((*string)(&s.Workspace), &s.Endpoint, (*string)(&s.Mode), (*int64)(&s.Watermark), &s.Holder, &s.Fence,
		(*int64)(&s.LeaseUntil), (*int64)(&s.LiveSince), (*string)(&entry))
	return s, entry, err
}

func getSettlements(s *session, ws trimtab.Workspace, endpoint string) (out []trimtab.Settlement, err error) {
	rows, err := s.Rows("SELECT listener, through, wait, detail FROM settlements WHERE workspace = ? AND endpoint = ? ORDER BY listener", string(ws), endpoint)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		x := trimtab.Settlement{Workspace: ws, Endpoint: endpoint}
		err := rows.Scan(&x.Listener, (*int64)(&x.Through), (*string)(&x.Wait), &x.Detail)
		out = append(out, x)
		return err
	})
	return out, err
}
