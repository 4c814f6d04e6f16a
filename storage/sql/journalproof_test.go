package sql

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// writeNotes records n changes in the default workspace, by two actors on two kinds of object.
func writeNotes(t *testing.T, db *DB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		ctx := trimtab.WithCall(t.Context(), trimtab.Call{Actor: trimtab.Actor{Kind: trimtab.UserActor, ID: []string{"Ada", "ben"}[i%2]}, Workspace: trimtab.DefaultWorkspace})
		if err := db.write(ctx, governed, func(tx *Tx) error {
			c := trimtab.Change{Action: []string{"note.write", "note.strike", "memo.write"}[i%3], Object: trimtab.Object{Kind: []string{"note", "note", "memo"}[i%3], Name: fmt.Sprint(i)}, Reason: fmt.Sprintf("grün %d", i)}
			_, err := tx.Journal(trimtab.DefaultWorkspace, c)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	ordered(t, db, int64(to))
}

func TestEvidenceVerifies(t *testing.T) { engines(t, evidenceVerifies) }

func evidenceVerifies(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	if _, err := db.Journal.Evidence(t.Context(), nil, 0); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("evidence of an empty journal: %v", err)
	}
	writeNotes(t, db, 0, 21)
	first, err := db.Journal.Evidence(t.Context(), nil, 0)
	if err != nil || first.Size != 21 {
		t.Fatalf("%d entries are signed (%v)", first.Size, err)
	}
	writeNotes(t, db, 21, 40)
	// The entries came after the checkpoint: they are signed before the answer.
	e, err := db.Journal.Evidence(t.Context(), []int64{40, 1, 22}, first.Size)
	if err != nil {
		t.Fatal(err)
	}
	v := db.cfg.Key.Verifier
	if e.Key != db.cfg.Key.Public {
		t.Errorf("the key is %q", e.Key)
	}
	old, err := journal.OpenCheckpoint(first.Note, v)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := journal.OpenCheckpoint(e.Note, v)
	if err != nil || cp.Size != 40 || e.Size != 40 || len(e.Proofs) != 3 {
		t.Fatalf("checkpoint %+v of %d entries, %d proofs: %v", cp, e.Size, len(e.Proofs), err)
	}
	for i, want := range []int64{40, 1, 22} {
		p := e.Proofs[i]
		if p.Index != want || p.Leaf != want-1 {
			t.Errorf("proof %d is of entry %d, leaf %d", i, p.Index, p.Leaf)
		}
		if err := tlog.CheckRecord(p.Path, cp.Size, cp.Root, p.Leaf, tlog.RecordHash(p.Body)); err != nil {
			t.Errorf("entry %d: %v", p.Index, err)
		}
		p.Body[3] ^= 1
		if err := tlog.CheckRecord(p.Path, cp.Size, cp.Root, p.Leaf, tlog.RecordHash(p.Body)); err == nil {
			t.Errorf("entry %d verifies with a changed byte", p.Index)
		}
	}
	if err := tlog.CheckTree(e.Extends, cp.Size, cp.Root, old.Size, old.Root); err != nil {
		t.Errorf("the log does not extend its older self: %v", err)
	}
	if e, err := db.Journal.Evidence(t.Context(), nil, 1000); err != nil || e.Extends != nil || e.Since != 1000 {
		t.Errorf("a log that was longer once: %+v, %v", e.Extends, err)
	}
	if _, err := db.Journal.Evidence(t.Context(), []int64{41}, 0); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("an entry that does not exist: %v", err)
	}
	elsewhere := trimtab.WithCall(t.Context(), trimtab.Call{Actor: trimtab.Local, Workspace: "other"})
	if _, err := db.Journal.Evidence(elsewhere, []int64{1}, 0); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("an entry of another project: %v", err)
	}
}

func TestJournalSearch(t *testing.T) { engines(t, journalSearch) }

func journalSearch(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	writeNotes(t, db, 0, 30)
	for _, c := range []struct {
		name string
		s    journal.Search
		want []int64
	}{
		{"all", journal.Search{Limit: 3}, []int64{30, 29, 28}},
		{"actor", journal.Search{Actor: "ADA", Limit: 2}, []int64{29, 27}},
		{"actor's kind", journal.Search{Actor: "user", Limit: 1}, []int64{30}},
		{"kind", journal.Search{Kind: "memo", Limit: 2}, []int64{30, 27}},
		{"action", journal.Search{Action: "note", Limit: 3}, []int64{29, 28, 26}},
		{"action and actor", journal.Search{Action: "note.strike", Actor: "ben", Limit: 9}, []int64{26, 20, 14, 8, 2}},
		{"name", journal.Search{Kind: "note", Name: "7", Limit: 9}, []int64{8}},
		{"text", journal.Search{Text: "GRÜN 17", Limit: 9}, []int64{18}},
		{"before", journal.Search{Before: 5, Limit: 9}, []int64{4, 3, 2, 1}},
		{"time", journal.Search{From: 1, To: 2, Limit: 9}, nil},
	} {
		found, err := db.Journal.Search(t.Context(), c.s)
		var got []int64
		for _, e := range found.Entries {
			got = append(got, e.Index)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v (%v), want %v", c.name, got, err, c.want)
		}
	}
	// Pages join without a gap, and the last one says that it is.
	var all []int64
	s := journal.Search{Action: "note", Limit: 4}
	for {
		found, err := db.Journal.Search(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found.Entries {
			all = append(all, e.Index)
		}
		if s.Before = found.Next; s.Before == 0 {
			break
		}
	}
	if len(all) != 20 || !slices.IsSortedFunc(all, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("all pages: %v", all)
	}
	if _, err := db.Journal.Search(t.Context(), journal.Search{}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("no limit: %v", err)
	}
}
