package sql_test

import (
	dbsql "database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// TestRunKeysOfOldRuns fills the catalogue from runs that were logged before it was kept.
func TestRunKeysOfOldRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trimtab.db")
	keys := func() (out []sql.RunKey) {
		db := openAt(t, file)
		exp, err := db.Experiments.ByName(t.Context(), "old")
		if trimtab.IsKind(err, trimtab.NotFound) {
			exp, err = db.Experiments.Create(t.Context(), trimtab.Experiment{Name: "old"})
			for i := range 3 {
				run, err := db.Runs.Create(t.Context(), trimtab.Run{Experiment: exp.ID}, "")
				if err != nil {
					t.Fatal(err)
				}
				b := trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "loss"}, {Key: fmt.Sprint("only ", i)}}, Params: []trimtab.Param{{Key: "lr", Value: "1"}}}
				if err := db.Runs.LogBatch(t.Context(), run.ID, b); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		out, _, err = db.Runs.Keys(t.Context(), sql.RunKeyQuery{Experiment: exp.ID, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	kept := keys()
	if len(kept) != 6 || kept[0].Runs != 3 {
		t.Fatalf("keys: %+v", kept)
	}
	raw, err := dbsql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	migration, err := os.ReadFile("migrate/00006_runkeys.sql")
	if err != nil {
		t.Fatal(err)
	}
	fill := regexp.MustCompile(`INSERT INTO run_keys [^;]+;`).FindAllString(string(migration), -1)
	if len(fill) != 3 {
		t.Fatalf("the migration fills the catalogue by %d statements, want 3", len(fill))
	}
	for _, statement := range append([]string{"DELETE FROM run_keys"}, fill...) {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(kept, keys()); d != "" {
		t.Errorf("the catalogue after the migration (-kept +filled)\n%s", d)
	}
}
