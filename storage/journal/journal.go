// Package journal holds the arithmetic of the journal: how entries become the
// leaves of one Merkle log per workspace, how a checkpoint over a log is signed
// and opened, and how a log is verified without trusting the database that keeps
// it. The formats are those of transparency logs (C2SP tlog-tiles, tlog-checkpoint
// and signed notes), so that other people's tools can check ours.
//
// The package stores nothing and decides nothing: storage/sql gives it bodies
// and keeps the hashes it returns. It refuses to sign a log that does not extend
// the last one signed.
package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is the right edge of a Merkle log: the roots of the complete
// subtrees whose sizes are the set bits of Size. With it a leaf is appended
// without reading anything back. It is not safe for concurrent use.
type Frontier struct {
	Size  int64
	roots [63]tlog.Hash
}

// Hash is a stored hash and its position in the log's hash storage.
type Hash struct {
	Pos  int64
	Hash tlog.Hash
}

// NewFrontier rebuilds the frontier of a log of the given size from stored hashes.
func NewFrontier(size int64, r tlog.HashReader) (*Frontier, error) {
	f := &Frontier{Size: size}
	var levels []int
	var positions []int64
	var start int64
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			levels = append(levels, level)
			positions = append(positions, tlog.StoredHashIndex(level, start>>level))
			start += 1 << level
		}
	}
	if len(positions) == 0 {
		return f, nil
	}
	hashes, err := r.ReadHashes(positions)
	if err != nil {
		return nil, fmt.Errorf("journal: reading the edge of a log of %d entries: %w", size, err)
	}
	if len(hashes) != len(positions) {
		return nil, fmt.Errorf("journal: the edge of a log of %d entries needs %d hashes, %d are stored", size, len(positions), len(hashes))
	}
	for i, level := range levels {
		f.roots[level] = hashes[i]
	}
	return f, nil
}

// Append adds the leaf of body and returns the hashes to store, in order.
func (f *Frontier) Append(body []byte) []Hash {
	n := f.Size
	h := tlog.RecordHash(body)
	out := append(make([]Hash, 0, 2), Hash{Pos: tlog.StoredHashIndex(0, n), Hash: h})
	level := 0
	for n>>level&1 == 1 {
		h = tlog.NodeHash(f.roots[level], h)
		level++
		out = append(out, Hash{Pos: tlog.StoredHashIndex(level, n>>level), Hash: h})
	}
	f.roots[level] = h
	f.Size++
	return out
}

// Root is the root hash of the log.
func (f *Frontier) Root() tlog.Hash {
	if f.Size == 0 {
		root, _ := tlog.TreeHash(0, nil)
		return root
	}
	var root tlog.Hash
	first := true
	for level := range f.roots {
		if f.Size&(1<<level) == 0 {
			continue
		}
		if first {
			root, first = f.roots[level], false
		} else {
			root = tlog.NodeHash(f.roots[level], root)
		}
	}
	return root
}

// Clone copies the frontier, so that an append can be given up.
func (f *Frontier) Clone() *Frontier { c := *f; return &c }
