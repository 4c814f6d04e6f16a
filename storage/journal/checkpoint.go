package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what a signed checkpoint says: the log of Origin has Size entries and the root Root.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Sign returns the signed note of c.
func (c Checkpoint) Sign(s note.Signer) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
	return note.Sign(&note.Note{Text: text}, s)
}

// OpenCheckpoint verifies a signed note and reads it.
func OpenCheckpoint(msg []byte, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: the checkpoint's signature does not verify: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 {
		return Checkpoint{}, fmt.Errorf("journal: a checkpoint has three lines, this one has %d", len(lines)-1)
	}
	var c Checkpoint
	c.Origin = lines[0]
	if _, err := fmt.Sscanf(lines[1], "%d", &c.Size); err != nil {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint size %q: %w", lines[1], err)
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint root: %w", err)
	}
	return c, nil
}

// Key is an installation's checkpoint key: an Ed25519 key whose name is the
// origin prefix of its logs.
type Key struct {
	Name     string
	Signer   note.Signer
	Verifier note.Verifier
	Public   string // the verifier key, for people who check from outside

	dir string
}

// Remember keeps a workspace's newest checkpoint beside the key, outside the
// database: a database that is put back as a whole cannot take it along.
func (k *Key) Remember(workspace string, msg []byte) error {
	path := k.remembered(workspace)
	f, err := os.CreateTemp(k.dir, ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(msg); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Remembered returns the checkpoint that Remember kept; ok is false when there is none.
func (k *Key) Remembered(workspace string) (c Checkpoint, ok bool, err error) {
	msg, err := os.ReadFile(k.remembered(workspace))
	if errors.Is(err, os.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("checkpoint: %w", err)
	}
	c, err = OpenCheckpoint(msg, k.Verifier)
	return c, err == nil, err
}

// remembered is the file of a workspace's checkpoint, named by a digest: no text
// of a user becomes a path.
func (k *Key) remembered(workspace string) string {
	sum := sha256.Sum256([]byte(workspace))
	return filepath.Join(k.dir, fmt.Sprintf("checkpoint-%x", sum[:8]))
}

// Origin names the log of one workspace.
func (k *Key) Origin(workspace string) string { return k.Name + "/" + workspace }

// LoadKey reads the key at dir/journal.key, making it on first use. The file is
// readable by its owner only; its public half lies beside it as journal.pub.
func LoadKey(dir string) (*Key, error) {
	path := filepath.Join(dir, "journal.key")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if raw, err = newKey(dir, path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	skey, vkey, ok := strings.Cut(strings.TrimSpace(string(raw)), "\n")
	if !ok {
		return nil, fmt.Errorf("journal key %s: expected two lines, the signing and the verifying key", path)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("journal key %s: %w", path, err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("journal key %s: %w", path, err)
	}
	return &Key{Name: s.Name(), Signer: s, Verifier: v, Public: vkey, dir: dir}, nil
}

func newKey(dir, path string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	var id [6]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, fmt.Sprintf("trimtab-%x", id))
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	raw := []byte(skey + "\n" + vkey + "\n")
	f, err := os.CreateTemp(dir, ".journal-*")
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(raw); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		// Link, not rename: of two servers that start at once, one key wins for both.
		if err = os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
			return os.ReadFile(path)
		}
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "journal.pub"), []byte(vkey+"\n"), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	return raw, nil
}
