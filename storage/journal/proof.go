package journal

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/trimtab/trimtab"
)

// Proof is what shows a stranger that an entry is in a log: its exact bytes and the
// hashes beside its path to the root of a log of Size entries.
type Proof struct {
	Index, Leaf int64
	Body        []byte
	Path        tlog.RecordProof
}

// Evidence are proofs of entries against one signed checkpoint of a workspace's log.
// Extends shows that the log of Size entries continues the one of Since entries; it
// is empty when Since is 0, Size, or more than Size: then the log is not what it was.
type Evidence struct {
	Note    []byte // signed
	Key     string // that verifies Note
	Time    trimtab.Time
	Size    int64
	Since   int64
	Extends tlog.TreeProof
	Proofs  []Proof
	// Left counts entries that were asked for and would have made the answer too large.
	Left int
}

// Prove makes the evidence of entries, whose paths are not filled in yet, from the
// stored hashes of a log. Every leaf must be below size.
func Prove(size, since int64, proofs []Proof, r tlog.HashReader) (extends tlog.TreeProof, err error) {
	for i, p := range proofs {
		if proofs[i].Path, err = tlog.ProveRecord(size, p.Leaf, r); err != nil {
			return nil, fmt.Errorf("journal: proof of entry %d: %w", p.Index, err)
		}
	}
	if since > 0 && since < size {
		if extends, err = tlog.ProveTree(size, since, r); err != nil {
			return nil, fmt.Errorf("journal: proof that %d entries became %d: %w", since, size, err)
		}
	}
	return extends, nil
}

// Check verifies evidence by itself, with nothing but the key it names: the checkpoint's signature, that it is of a log
// of workspace, and the way of each entry to its root. Whoever knows the key from elsewhere compares it; whoever has seen
// an older checkpoint compares that with CheckSince. The error names the first thing that is wrong.
func (e Evidence) Check(workspace trimtab.Workspace) (Checkpoint, error) {
	v, err := note.NewVerifier(e.Key)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: the key %q: %w", e.Key, err)
	}
	c, err := OpenCheckpoint(e.Note, v)
	if err != nil {
		return Checkpoint{}, err
	}
	if want := v.Name() + "/" + string(workspace); c.Origin != want {
		return Checkpoint{}, fmt.Errorf("journal: the checkpoint is of the log %s, not of %s", c.Origin, want)
	}
	for _, p := range e.Proofs {
		var entry struct {
			Workspace trimtab.Workspace `json:"ws"`
		}
		if err := json.Unmarshal(p.Body, &entry); err != nil {
			return Checkpoint{}, fmt.Errorf("journal: entry %d: its bytes are no JSON: %w", p.Index, err)
		}
		if entry.Workspace != workspace {
			return Checkpoint{}, fmt.Errorf("journal: entry %d is of project %s", p.Index, entry.Workspace)
		}
		if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Leaf, tlog.RecordHash(p.Body)); err != nil {
			return Checkpoint{}, fmt.Errorf("journal: entry %d: its bytes and its proof do not lead to the signed root: the entry, the proof or the log was changed: %w", p.Index, err)
		}
	}
	return c, nil
}

// CheckSince verifies that the log of c, whose evidence e is, begins with that of an older checkpoint. Evidence that was
// asked for without that checkpoint in mind holds no proof of it either way, and the error says so.
func (e Evidence) CheckSince(c, older Checkpoint) error {
	switch {
	case older.Origin != c.Origin:
		return fmt.Errorf("journal: the older checkpoint is of the log %s, this one of %s", older.Origin, c.Origin)
	case older.Size > c.Size:
		return fmt.Errorf("journal: the log had %d entries and has %d: it was rolled back or its end cut off", older.Size, c.Size)
	case older.Size == c.Size && older.Root != c.Root:
		return fmt.Errorf("journal: the log has %d entries as before and another root: it was rewritten", c.Size)
	case older.Size == c.Size:
		return nil
	case e.Since != older.Size:
		return fmt.Errorf("journal: it holds no proof of how %d entries became %d", older.Size, c.Size)
	}
	if err := tlog.CheckTree(e.Extends, c.Size, c.Root, older.Size, older.Root); err != nil {
		return fmt.Errorf("journal: the log of %d entries does not begin with the %d that were signed before: it was rewritten: %w", c.Size, older.Size, err)
	}
	return nil
}
