package trimtab

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Object is what an entry is about. Version is set for things that have
// versions, steps or attempts.
type Object struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

func (o Object) String() string {
	s := o.Kind + " " + o.Name
	if o.Version != "" {
		s += " " + o.Version
	}
	return s
}

// Ref names bytes that an entry speaks of: a manifest, a segment, a snapshot.
type Ref struct {
	Kind   string `json:"kind"`
	Digest Digest `json:"digest"`
}

// Change is what a rule says of a change; the store completes it to an Entry
// and commits it in the transaction of the change. After is the digest of the
// governed state that the change leaves behind, "" when nothing remains.
type Change struct {
	Action string          `json:"action"` // noun.verb, for example "model.alias.set"
	Object Object          `json:"object"`
	Reason string          `json:"reason,omitempty"`
	Before Digest          `json:"before,omitempty"`
	After  Digest          `json:"after,omitempty"`
	Refs   []Ref           `json:"refs,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"` // what consumers need and digests do not say; at most 8 KiB
}

// Entry is one line of the journal: the audit log and the outbox in one. Index
// orders all entries of an installation, Leaf those of one workspace's Merkle
// log; both are given by the store and stand outside the hashed body.
type Entry struct {
	V         int       `json:"v"`
	ID        EntryID   `json:"id"`
	Time      Time      `json:"time"`
	Workspace Workspace `json:"ws"`
	Actor     Actor     `json:"actor"`
	RequestID string    `json:"requestId,omitempty"`
	Change

	Index int64 `json:"-"`
	Leaf  int64 `json:"-"`
}

// EntryVersion is the version of the canonical form.
const EntryVersion = 1

// MaxEntryBytes bounds a canonical entry (tlog-tiles entry bundles carry 16-bit lengths).
const MaxEntryBytes = 65535

// Body returns the canonical bytes of the entry: the Merkle leaf.
func (e Entry) Body() ([]byte, error) {
	b, err := Canonical(e)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxEntryBytes {
		return nil, Errorf(Invalid, e.Object.String(), "the change is too large to be recorded: its entry has %d bytes, the limit is %d", len(b), MaxEntryBytes)
	}
	return b, nil
}

// Canonical encodes v as JSON with sorted keys, no insignificant space and
// without HTML escapes. Governed structs mark optional fields omitzero, so that a
// field added later does not change the digests of older states.
func Canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// StateDigest is the digest of a governed state: what After and Before hold. A
// value that does not encode is a defect of the program.
func StateDigest(v any) Digest {
	b, err := Canonical(v)
	if err != nil {
		panic("trimtab: governed state does not encode: " + err.Error())
	}
	return DigestOf(b)
}
