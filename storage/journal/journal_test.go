package journal

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// memory keeps stored hashes like the database does.
type memory map[int64]tlog.Hash

func (m memory) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		h, ok := m[p]
		if !ok {
			return nil, fmt.Errorf("no hash at %d", p)
		}
		out[i] = h
	}
	return out, nil
}

// The frontier must agree with the reference implementation at every size, and
// survive being rebuilt at any point.
func TestFrontierAgreesWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "entries")
		rebuild := rapid.IntRange(0, 200).Draw(t, "rebuild at")
		stored, reference := memory{}, memory{}
		f, _ := NewFrontier(0, stored)
		for i := range n {
			if i == rebuild {
				var err error
				if f, err = NewFrontier(int64(i), stored); err != nil {
					t.Fatal(err)
				}
			}
			body := []byte(fmt.Sprintf("entry %d", i))
			for _, h := range f.Append(body) {
				stored[h.Pos] = h.Hash
			}
			hashes, err := tlog.StoredHashes(int64(i), body, reference)
			if err != nil {
				t.Fatal(err)
			}
			at := tlog.StoredHashIndex(0, int64(i))
			for k, h := range hashes {
				reference[at+int64(k)] = h
			}
		}
		if len(stored) != len(reference) {
			t.Fatalf("stored %d hashes, reference %d", len(stored), len(reference))
		}
		for pos, h := range reference {
			if stored[pos] != h {
				t.Fatalf("hash %d differs", pos)
			}
		}
		root, err := tlog.TreeHash(int64(n), reference)
		if err != nil || root != f.Root() {
			t.Fatalf("root of %d entries differs (%v)", n, err)
		}
	})
}

func TestCheckpointRoundTripAndForgery(t *testing.T) {
	dir := t.TempDir()
	key, err := LoadKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKey(dir)
	if err != nil || again.Public != key.Public {
		t.Fatalf("the key is not kept: %v", err)
	}
	var f Frontier
	f.Append([]byte("x"))
	msg, err := Checkpoint{Origin: key.Origin("default"), Size: 1, Root: f.Root()}.Sign(key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenCheckpoint(msg, key.Verifier)
	if err != nil || got.Size != 1 || got.Root != f.Root() || got.Origin != key.Name+"/default" {
		t.Errorf("opened %+v, %v", got, err)
	}
	for i := range msg {
		bad := append([]byte(nil), msg...)
		bad[i] ^= 1
		if c, err := OpenCheckpoint(bad, key.Verifier); err == nil && c != got {
			t.Fatalf("byte %d changed and the signature verified", i)
		}
	}
}
