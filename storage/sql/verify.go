package sql

import (
	"bytes"
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// Verify hashes the whole journal again, compares stored hashes and signed
// checkpoints, and, when rows is set, compares every governed row with the entry
// that explains it. What it finds stands in the report; an error means that the
// verification itself could not be done.
func (j *Journal) Verify(ctx context.Context, rows bool) (report *journal.Report, err error) {
	defer trimtab.Wrap(&err, "Journal.Verify()")
	report = &journal.Report{}
	err = j.db.read(ctx, func(q *Query) error {
		checkers, err := j.verifyLogs(q, report)
		if err != nil || !rows {
			return err
		}
		pending, err := readPending(q)
		if err != nil {
			return err
		}
		for _, e := range pending {
			if checkers[e.Workspace] == nil {
				checkers[e.Workspace] = journal.NewChecker(e.Workspace, report, nil)
			}
			checkers[e.Workspace].Pending(e)
		}
		visit := func(ws trimtab.Workspace, obj trimtab.Object, entry trimtab.EntryID, state any) error {
			c := checkers[ws]
			if c == nil {
				c = journal.NewChecker(ws, report, nil)
				checkers[ws] = c
			}
			c.Row(obj, entry, state)
			return nil
		}
		for _, all := range j.db.governed() {
			if err := all(q, visit); err != nil {
				return err
			}
		}
		for _, c := range checkers {
			c.Missing()
		}
		return j.db.verifySeals(q, report)
	})
	return report, err
}

// verifyLogs hashes every workspace's entries again.
func (j *Journal) verifyLogs(q *Query, report *journal.Report) (map[trimtab.Workspace]*journal.Checker, error) {
	checkpoints, err := readCheckpoints(q)
	if err != nil {
		return nil, err
	}
	workspaces, err := readWorkspaces(q)
	if err != nil {
		return nil, err
	}
	checkers := map[trimtab.Workspace]*journal.Checker{}
	for _, ws := range workspaces {
		var sizes []int64
		for _, cp := range checkpoints[ws] {
			sizes = append(sizes, cp.size)
		}
		kept, remembered, err := j.remembered(ws)
		if err != nil {
			report.Add(ws, "checkpoint beside the key", "%v", err)
		}
		sizes = append(sizes, kept.Size)
		checkers[ws] = journal.NewChecker(ws, report, sizes)
		if err := verifyLog(q, ws, checkers[ws], report); err != nil {
			return nil, err
		}
		if remembered {
			checkers[ws].Checkpoint(kept)
		}
	}
	for ws, all := range checkpoints {
		c := checkers[ws]
		if c == nil {
			c = journal.NewChecker(ws, report, nil)
		}
		for _, cp := range all {
			if j.db.cfg.Key == nil {
				continue
			}
			opened, err := journal.OpenCheckpoint(cp.note, j.db.cfg.Key.Verifier)
			if err != nil {
				report.Add(ws, "checkpoint", "%v", err)
				continue
			}
			c.Checkpoint(opened)
		}
	}
	return checkers, nil
}

// remembered is the checkpoint that lies outside the database, where a database
// put back as a whole does not reach.
func (j *Journal) remembered(ws trimtab.Workspace) (journal.Checkpoint, bool, error) {
	if j.db.cfg.Key == nil {
		return journal.Checkpoint{}, false, nil
	}
	return j.db.cfg.Key.Remembered(string(ws))
}

// verifyLog hashes one workspace's entries again and compares what is stored.
func verifyLog(q *Query, ws trimtab.Workspace, c *journal.Checker, report *journal.Report) error {
	stored, err := readHashes(q, ws)
	if err != nil {
		return err
	}
	rows, err := q.Rows("SELECT idx, leaf, id, action, kind, name, version, body FROM journal WHERE workspace = ? ORDER BY leaf", string(ws))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var idx, leaf int64
		var id, action, kind, name, version string
		var body []byte
		if err := rows.Scan(&idx, &leaf, &id, &action, &kind, &name, &version, &body); err != nil {
			return err
		}
		e, err := decodeEntry(body, idx, leaf)
		if err != nil {
			report.Add(ws, "entry "+id, "its body does not decode: %v", err)
		} else if string(e.ID) != id || e.Action != action || e.Object.Kind != kind || e.Object.Name != name || e.Object.Version != version || e.Workspace != ws {
			report.Add(ws, "entry "+id, "its columns differ from its body")
		}
		for _, h := range c.Entry(leaf, body, e) {
			if !bytes.Equal(stored[h.Pos], h.Hash[:]) {
				report.Add(ws, "entry "+id, "its stored hash %d differs: the entry (index %d, %s of %s) was changed", h.Pos, idx, action, trimtab.Object{Kind: kind, Name: name, Version: version})
				break
			}
		}
	}
	return rows.Err()
}

// readPending returns the entries that PostgreSQL has committed and not ordered yet.
func readPending(q *Query) (out []trimtab.Entry, err error) {
	rows, err := q.Rows("SELECT body FROM journal_pending ORDER BY seq")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		e, err := decodeEntry(body, 0, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func readWorkspaces(q *Query) ([]trimtab.Workspace, error) {
	rows, err := q.Rows("SELECT DISTINCT workspace FROM journal ORDER BY workspace")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []trimtab.Workspace
	for rows.Next() {
		var ws trimtab.Workspace
		if err := rows.Scan(&ws); err != nil {
			return nil, err
		}
		out = append(out, ws)
	}
	return out, rows.Err()
}

type storedCheckpoint struct {
	size int64
	note []byte
}

func readCheckpoints(q *Query) (map[trimtab.Workspace][]storedCheckpoint, error) {
	rows, err := q.Rows("SELECT workspace, size, note FROM journal_checkpoints ORDER BY workspace, size")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[trimtab.Workspace][]storedCheckpoint{}
	for rows.Next() {
		var ws trimtab.Workspace
		var cp storedCheckpoint
		if err := rows.Scan(&ws, &cp.size, &cp.note); err != nil {
			return nil, err
		}
		out[ws] = append(out[ws], cp)
	}
	return out, rows.Err()
}

func readHashes(q *Query, ws trimtab.Workspace) (map[int64][]byte, error) {
	rows, err := q.Rows("SELECT pos, hash FROM journal_hashes WHERE workspace = ?", string(ws))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64][]byte{}
	for rows.Next() {
		var pos int64
		var hash []byte
		if err := rows.Scan(&pos, &hash); err != nil {
			return nil, err
		}
		out[pos] = hash
	}
	return out, rows.Err()
}
