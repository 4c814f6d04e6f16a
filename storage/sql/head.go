package sql

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// head is the end of the journal as this process knows it: the next index and
// the Merkle frontier of each workspace. Only the writer (SQLite) or the
// sequencer (PostgreSQL) appends.
type head struct {
	mu        sync.Mutex
	last      int64                                   // highest index; guarded by mu
	frontiers map[trimtab.Workspace]*journal.Frontier // guarded by mu
	changed   chan struct{}                           // closed and replaced when last grows; guarded by mu
	pending   chan struct{}                           // wakes the sequencer
}

func newHead() *head {
	return &head{frontiers: map[trimtab.Workspace]*journal.Frontier{}, changed: make(chan struct{}), pending: make(chan struct{}, 1)}
}

// wake tells the sequencer that entries are pending.
func (h *head) wake() {
	select {
	case h.pending <- struct{}{}:
	default:
	}
}

// get returns the highest index and a channel that closes when it grows.
func (h *head) get() (int64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.changed
}

// set takes a head read from the database.
func (h *head) set(last int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last > h.last {
		h.last = last
		close(h.changed)
		h.changed = make(chan struct{})
	}
}

// forget drops the frontiers: they are read again at the next append.
func (h *head) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.frontiers)
}

// append gives the drafts their places, and writes entries and hashes in the
// transaction of s. The returned function makes the new head known; call it
// after the commit. When the commit fails, nothing has changed here.
func (h *head) append(s *session, drafts []draft) (advance func(), err error) {
	h.mu.Lock()
	next := h.last
	known := make(map[trimtab.Workspace]*journal.Frontier, len(h.frontiers))
	for ws, f := range h.frontiers {
		known[ws] = f
	}
	h.mu.Unlock()

	edges := map[trimtab.Workspace]*journal.Frontier{}
	for _, d := range drafts {
		ws := d.entry.Workspace
		edge := edges[ws]
		if edge == nil {
			if f := known[ws]; f != nil {
				edge = f.Clone()
			} else if edge, err = readFrontier(s, ws); err != nil {
				return nil, err
			}
			edges[ws] = edge
		}
		next++
		e := d.entry
		if _, err := s.exec("INSERT INTO journal (idx, workspace, leaf, id, time, action, kind, name, version, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			[]any{next, string(ws), edge.Size, string(e.ID), int64(e.Time), e.Action, e.Object.Kind, e.Object.Name, e.Object.Version, d.body}); err != nil {
			return nil, err
		}
		for _, x := range edge.Append(d.body) {
			if _, err := s.exec("INSERT INTO journal_hashes (workspace, pos, hash) VALUES (?, ?, ?)", []any{string(ws), x.Pos, x.Hash[:]}); err != nil {
				return nil, err
			}
		}
	}
	return func() {
		h.mu.Lock()
		for ws, f := range edges {
			h.frontiers[ws] = f
		}
		h.mu.Unlock()
		h.set(next)
	}, nil
}

// readFrontier rebuilds a workspace's frontier from its stored hashes.
func readFrontier(s *session, ws trimtab.Workspace) (*journal.Frontier, error) {
	var size int64
	if err := s.Row("SELECT COALESCE(MAX(leaf) + 1, 0) FROM journal WHERE workspace = ?", string(ws)).Scan(&size); err != nil {
		return nil, err
	}
	return journal.NewFrontier(size, hashReader{s, ws})
}

// hashReader reads stored hashes of a workspace.
type hashReader struct {
	s  *session
	ws trimtab.Workspace
}

func (r hashReader) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(positions))
	for i, pos := range positions {
		var raw []byte
		if err := r.s.Row("SELECT hash FROM journal_hashes WHERE workspace = ? AND pos = ?", string(r.ws), pos).Scan(&raw); err != nil {
			return nil, err
		}
		if len(raw) != tlog.HashSize {
			return nil, errors.New("a stored hash of the journal does not have 32 bytes; run `trimtab audit verify`")
		}
		copy(out[i][:], raw)
	}
	return out, nil
}

func (db *DB) loadHead(ctx context.Context) error {
	return db.read(ctx, func(q *Query) error {
		var last int64
		if err := q.Row("SELECT COALESCE(MAX(idx), 0) FROM journal").Scan(&last); err != nil {
			return err
		}
		db.head.set(last)
		return nil
	})
}
