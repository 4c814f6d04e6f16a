package view

import (
	"encoding/base64"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

var nan = math.NaN()

// AuditPage is a page of the audit log, newest first. Next is where the following
// page begins, 0 when there is none; a page may be short, even empty, and still have
// a next one, for a search looks at a bounded number of entries: Looked of them.
type AuditPage struct {
	Items  []AuditEntry `json:"items"`
	Next   int64        `json:"next,omitempty"`
	Looked int          `json:"looked"`
}

// AuditEntry is a journal entry for a page.
type AuditEntry struct {
	Index     int64          `json:"index"`
	Leaf      int64          `json:"leaf"`
	ID        string         `json:"id"`
	Time      trimtab.Time   `json:"time"`
	Actor     string         `json:"actor"`
	ActorKind string         `json:"actorKind"`
	Via       string         `json:"via,omitempty"`
	Attempt   string         `json:"attempt,omitempty"`
	RequestID string         `json:"requestId,omitempty"`
	Action    string         `json:"action"`
	Kind      string         `json:"kind"`
	Name      string         `json:"name"`
	Version   string         `json:"version,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Before    trimtab.Digest `json:"before,omitempty"`
	After     trimtab.Digest `json:"after,omitempty"`
}

// AuditEntryOf shortens an entry: its data and references are in its body.
func AuditEntryOf(e trimtab.Entry) AuditEntry {
	return AuditEntry{Index: e.Index, Leaf: e.Leaf, ID: string(e.ID), Time: e.Time, Actor: e.Actor.ID, ActorKind: string(e.Actor.Kind), Via: e.Actor.Via, Attempt: string(e.Actor.Attempt),
		RequestID: e.RequestID, Action: e.Action, Kind: e.Object.Kind, Name: e.Object.Name, Version: e.Object.Version, Reason: e.Reason, Before: e.Before, After: e.After}
}

// AuditPageOf puts a page together.
func AuditPageOf(f journal.Found) AuditPage {
	p := AuditPage{Items: []AuditEntry{}, Next: f.Next, Looked: f.Looked}
	for _, e := range f.Entries {
		p.Items = append(p.Items, AuditEntryOf(e))
	}
	return p
}

// AuditEvidence lets a stranger verify entries: a signed checkpoint of the project's
// log, the key that verifies it, and of each entry its bytes and the hashes beside its
// path to the root (RFC 6962). Hashes and bodies are base64. Extends proves that the
// log continues the one of Since entries that the asker saw earlier; it is empty when
// Since is 0, equal to Size, or more than Size: then entries are gone.
type AuditEvidence struct {
	Note    string       `json:"note"`
	Key     string       `json:"key"`
	Signed  trimtab.Time `json:"signed"`
	Size    int64        `json:"size"`
	Since   int64        `json:"since,omitempty"`
	Extends []string     `json:"extends"`
	Proofs  []AuditProof `json:"proofs"`
	Left    int          `json:"left,omitempty"` // entries that would have made the answer too large
}

// AuditProof proves one entry.
type AuditProof struct {
	Index int64    `json:"index"`
	Leaf  int64    `json:"leaf"`
	Body  string   `json:"body"`
	Path  []string `json:"path"`
}

// EvidenceOf encodes evidence.
func EvidenceOf(e journal.Evidence) AuditEvidence {
	out := AuditEvidence{Note: string(e.Note), Key: e.Key, Signed: e.Time, Size: e.Size, Since: e.Since, Extends: hashesOf(e.Extends), Proofs: []AuditProof{}, Left: e.Left}
	for _, p := range e.Proofs {
		out.Proofs = append(out.Proofs, AuditProof{Index: p.Index, Leaf: p.Leaf, Body: base64.StdEncoding.EncodeToString(p.Body), Path: hashesOf(p.Path)})
	}
	return out
}

// Evidence decodes what a server answered, for a check that believes none of it. Invalid names the field that is none.
func (e AuditEvidence) Evidence() (journal.Evidence, error) {
	out := journal.Evidence{Note: []byte(e.Note), Key: e.Key, Time: e.Signed, Size: e.Size, Since: e.Since, Left: e.Left}
	var err error
	if out.Extends, err = hashesIn("extends", e.Extends); err != nil {
		return out, err
	}
	for i, p := range e.Proofs {
		q := journal.Proof{Index: p.Index, Leaf: p.Leaf}
		if q.Body, err = base64.StdEncoding.DecodeString(p.Body); err != nil {
			return out, trimtab.Errorf(trimtab.Invalid, "evidence", "proofs[%d].body: expected base64: %v", i, err)
		}
		if q.Path, err = hashesIn(fmt.Sprintf("proofs[%d].path", i), p.Path); err != nil {
			return out, err
		}
		out.Proofs = append(out.Proofs, q)
	}
	return out, nil
}

func hashesIn(field string, texts []string) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for i, text := range texts {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Invalid, "evidence", "%s[%d]: expected the base64 of 32 bytes, not %q", field, i, text)
		}
		out = append(out, h)
	}
	return out, nil
}

// hashesOf writes hashes, whose text is base64.
func hashesOf[H fmt.Stringer](hashes []H) []string {
	out := []string{}
	for _, h := range hashes {
		out = append(out, h.String())
	}
	return out
}
