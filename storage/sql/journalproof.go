package sql

import (
	"context"
	dbsql "database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

const (
	searchPage  = 500     // entries read at once
	searchMost  = 20_000  // entries that one search looks at
	evidenceMax = 1 << 20 // bytes of bodies in one answer
)

// Search returns entries of the request's workspace, newest first.
func (j *Journal) Search(ctx context.Context, s journal.Search) (found journal.Found, err error) {
	defer trimtab.Wrap(&err, "Journal.Search()")
	if err := checkLimit("journal search", s.Limit); err != nil {
		return found, err
	}
	err = j.db.read(ctx, func(q *Query) error {
		found = journal.Found{}
		before := s.Before
		if before <= 0 {
			before = 1<<63 - 1
		}
		for {
			page, bodies, err := searchSome(q, s, before)
			if err != nil {
				return err
			}
			for i, e := range page {
				found.Looked++
				before = e.Index
				if s.Match(e, bodies[i]) {
					found.Entries = append(found.Entries, e)
				}
				if len(found.Entries) == s.Limit || found.Looked == searchMost {
					// One more page, unless this was the last entry of all.
					if i < len(page)-1 || len(page) == searchPage {
						found.Next = before
					}
					return nil
				}
			}
			if len(page) < searchPage {
				return nil
			}
		}
	})
	return found, err
}

func searchSome(q *Query, s journal.Search, before int64) (out []trimtab.Entry, bodies [][]byte, err error) {
	where, args := " WHERE workspace = ? AND idx < ?", []any{string(trimtab.CallOf(q.ctx).Workspace), before}
	add := func(clause string, arg any) { where, args = where+clause, append(args, arg) }
	if s.Kind != "" {
		add(" AND kind = ?", s.Kind)
	}
	if s.Name != "" {
		add(" AND name = ?", s.Name)
	}
	if s.From != 0 {
		add(" AND time >= ?", int64(s.From))
	}
	if s.To != 0 {
		add(" AND time < ?", int64(s.To))
	}
	rows, err := q.Rows("SELECT idx, leaf, body FROM journal"+where+" ORDER BY idx DESC LIMIT ?", append(args, searchPage)...)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var idx, leaf int64
		var body []byte
		if err := rows.Scan(&idx, &leaf, &body); err != nil {
			return err
		}
		e, err := decodeEntry(body, idx, leaf)
		out, bodies = append(out, e), append(bodies, body)
		return err
	})
	return out, bodies, err
}

// Evidence proves entries of the request's workspace, by their indices, against its
// newest signed checkpoint, and that this one extends the log of since entries that
// somebody saw earlier (0: nothing to extend). A log that has grown is signed first.
// An index that is not in the workspace is NotFound; without a key or without any
// entry it is Unsupported or NotFound.
func (j *Journal) Evidence(ctx context.Context, indices []int64, since int64) (out journal.Evidence, err error) {
	defer trimtab.Wrap(&err, "Journal.Evidence()")
	if j.db.cfg.Key == nil {
		return out, trimtab.Errorf(trimtab.Unsupported, "journal", "this server has no key to sign the journal with")
	}
	if err := j.Flush(ctx); err != nil {
		return out, err
	}
	for try := 0; ; try++ {
		out, err = j.evidence(ctx, indices, since)
		if !errors.Is(err, errUnsigned) || try > 0 {
			break
		}
		if err := j.Checkpoint(ctx); err != nil {
			return out, err
		}
	}
	if errors.Is(err, errUnsigned) {
		err = trimtab.Errorf(trimtab.NotFound, "journal", "the journal of this project has no signed checkpoint yet: nothing was written")
	}
	return out, err
}

// errUnsigned says that the newest checkpoint does not cover what is asked for.
var errUnsigned = errors.New("not signed yet")

func (j *Journal) evidence(ctx context.Context, indices []int64, since int64) (out journal.Evidence, err error) {
	ws := trimtab.CallOf(ctx).Workspace
	err = j.db.read(ctx, func(q *Query) error {
		out = journal.Evidence{Key: j.db.cfg.Key.Public, Since: since}
		err := q.Row("SELECT size, time, note FROM journal_checkpoints WHERE workspace = ? ORDER BY size DESC LIMIT 1", string(ws)).Scan(&out.Size, (*int64)(&out.Time), &out.Note)
		if errors.Is(err, dbsql.ErrNoRows) {
			return errUnsigned
		}
		if err != nil {
			return err
		}
		bytes := 0
		for i, index := range indices {
			p := journal.Proof{Index: index}
			err := q.Row("SELECT leaf, body FROM journal WHERE workspace = ? AND idx = ?", string(ws), index).Scan(&p.Leaf, &p.Body)
			if errors.Is(err, dbsql.ErrNoRows) {
				return trimtab.Errorf(trimtab.NotFound, "entry", "the journal of project %s has no entry %d", ws, index)
			}
			if err != nil {
				return err
			}
			if p.Leaf >= out.Size {
				return errUnsigned
			}
			if bytes += len(p.Body); bytes > evidenceMax && i > 0 {
				out.Left = len(indices) - i
				break
			}
			out.Proofs = append(out.Proofs, p)
		}
		out.Extends, err = journal.Prove(out.Size, since, out.Proofs, hashReader{&q.session, ws})
		if errors.Is(err, dbsql.ErrNoRows) {
			return trimtab.Errorf(trimtab.Precondition, "journal of "+string(ws), "hashes of the journal of project %s are missing; run `trimtab audit verify`", ws)
		}
		return err
	})
	return out, err
}

var _ tlog.HashReader = hashReader{}
