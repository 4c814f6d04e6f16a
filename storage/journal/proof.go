package journal

import (
	"fmt"

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
