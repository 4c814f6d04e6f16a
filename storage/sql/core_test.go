package sql

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/storage/journal"
)

// engines runs a test on both databases; url names an empty one.
func engines(t *testing.T, test func(t *testing.T, url, keys string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "trimtab.db"), t.TempDir()) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres.URL(t), t.TempDir()) })
}

// openTest opens a database and runs its writer. The journal key lies in the
// folder keys, by default one of the test.
func openTest(t *testing.T, url string, keys ...string) *DB {
	t.Helper()
	key, err := journal.LoadKey(append(keys, t.TempDir())[0])
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Config{URL: url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	return db
}

func note(name string) trimtab.Change {
	return trimtab.Change{Action: "test.note", Object: trimtab.Object{Kind: "note", Name: name}}
}

func TestWriterKeepsNeighboursOfAFailingRequest(t *testing.T) { engines(t, keepsNeighbours) }

func keepsNeighbours(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	failure := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := db.write(t.Context(), governed, func(tx *Tx) error {
				if _, err := tx.Exec("INSERT INTO counters (name, value) VALUES (?, ?)", "x"+strconv.Itoa(i), int64(i)); err != nil {
					return err
				}
				if _, err := tx.Journal(trimtab.DefaultWorkspace, note("n")); err != nil {
					return err
				}
				switch i % 4 {
				case 0:
					return failure
				case 1:
					panic("a request panics")
				}
				return nil
			})
			if want := i%4 > 1; (err == nil) != want {
				t.Errorf("request %d: error %v", i, err)
			}
		})
	}
	wg.Wait()
	ordered(t, db, 100)
	var rows, entries int
	err := db.read(t.Context(), func(q *Query) error {
		if err := q.Row("SELECT COUNT(*) FROM counters WHERE name LIKE 'x%'").Scan(&rows); err != nil {
			return err
		}
		return q.Row("SELECT COUNT(*) FROM journal").Scan(&entries)
	})
	if err != nil || rows != 100 || entries != 100 {
		t.Errorf("kept %d rows and %d entries (%v), want 100 and 100", rows, entries, err)
	}
}

// ordered waits until the journal holds n entries: PostgreSQL orders them after the commit.
func ordered(t *testing.T, db *DB, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := db.Journal.Wait(ctx, n-1); err != nil {
		t.Fatalf("waiting for %d entries: %v", n, err)
	}
}

func TestJournalOrderAndCheckpointsSurviveReopening(t *testing.T) { engines(t, survivesReopening) }

func survivesReopening(t *testing.T, url, keys string) {
	for round := range 3 {
		t.Run("", func(t *testing.T) {
			db := openTest(t, url, keys)
			for range 7 {
				if err := db.write(t.Context(), governed, func(tx *Tx) error {
					_, err := tx.Journal(trimtab.DefaultWorkspace, note("n"))
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			ordered(t, db, int64(7*(round+1)))
			if err := db.Journal.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			all, err := db.Journal.Entries(t.Context(), 0, 100)
			if err != nil || len(all) != 7*(round+1) {
				t.Fatalf("%d entries (%v), want %d", len(all), err, 7*(round+1))
			}
			for i, e := range all {
				if e.Index != int64(i+1) || e.Leaf != int64(i) {
					t.Errorf("entry %d has index %d and leaf %d", i, e.Index, e.Leaf)
				}
			}
			report, err := db.Journal.Verify(t.Context(), false)
			if err != nil || !report.OK() || report.Entries != int64(len(all)) {
				t.Errorf("verification: %+v (%v)", report, err)
			}
		})
	}
}

func TestWaitWakesWhenTheHeadGrows(t *testing.T) { engines(t, waitWakes) }

func waitWakes(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	head, _ := db.Journal.Head(t.Context())
	woke := make(chan error, 1)
	go func() { woke <- db.Journal.Wait(t.Context(), head) }()
	if err := db.write(t.Context(), governed, func(tx *Tx) error {
		_, err := tx.Journal(trimtab.DefaultWorkspace, note("n"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-woke:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("not woken")
	}
}

func TestManyReadsWithFreshStatementsDoNotWaitForEachOther(t *testing.T) { engines(t, manyReads) }

func manyReads(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			err := db.read(ctx, func(q *Query) error {
				for k := range 5 {
					var n int64
					if err := q.Row("SELECT COUNT(*) + " + strconv.Itoa(i*100+k) + " FROM counters").Scan(&n); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
