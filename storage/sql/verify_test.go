package sql

import (
	dbsql "database/sql"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestVerifyNamesEditsBehindTheServersBack changes rows as somebody with a
// database client would, one at a time, and wants each found and named.
func TestVerifyNamesEditsBehindTheServersBack(t *testing.T) { engines(t, namesEdits) }

func namesEdits(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, err := db.Runs.Create(ctx, trimtab.Run{Experiment: trimtab.DefaultExperiment, Name: "honest", Start: 1}, "")
	must(err)
	must(db.Runs.LogBatch(ctx, run.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "auc", Value: 0.5, Time: 1}, {Key: "auc", Value: 0.7, Time: 1, Step: 1}}, Params: []trimtab.Param{{Key: "trees", Value: "200"}}}))
	finished, end := trimtab.RunFinished, trimtab.Time(2)
	_, err = db.Runs.Update(ctx, run.ID, trimtab.RunUpdate{Status: &finished, End: &end})
	must(err)
	must(db.Artifacts.Put(ctx, trimtab.RunTree(run.ID), "model/MLmodel", trimtab.DigestOf([]byte("x")), 1))
	_, err = db.Models.Create(ctx, trimtab.RegisteredModel{Name: "flights"})
	must(err)
	for range 2 {
		_, err = db.Versions.Create(ctx, trimtab.ModelVersion{Model: "flights", Run: run.ID, Tree: trimtab.RunTree(run.ID), TreePath: "model"}, "")
		must(err)
	}
	_, err = db.Models.SetAlias(ctx, "flights", trimtab.MoveAlias{Alias: "champion", To: 1})
	must(err)
	must(db.Journal.Flush(ctx))
	must(db.Journal.Checkpoint(ctx))

	verify := func() []string {
		t.Helper()
		report, err := db.Journal.Verify(ctx, true)
		must(err)
		var out []string
		for _, f := range report.Findings {
			out = append(out, f.Subject+" "+f.Problem)
		}
		return out
	}
	if found := verify(); len(found) > 0 {
		t.Fatalf("an honest database has findings: %q", found)
	}
	for _, c := range []struct{ name, edit, undo, want string }{
		{"alias moved", "UPDATE aliases SET version = 2 WHERE alias = 'champion'", "UPDATE aliases SET version = 1 WHERE alias = 'champion'", "registeredModel flights"},
		{"version repointed", "UPDATE versions SET manifest = 'sha256:0' WHERE version = 2", "UPDATE versions SET manifest = (SELECT manifest FROM versions WHERE version = 1) WHERE version = 2", "modelVersion flights 2"},
		{"run failed in truth", "UPDATE runs SET status = 'FAILED'", "UPDATE runs SET status = 'FINISHED'", "run " + string(run.ID)},
		{"metric improved", "UPDATE series SET last_value = 0.9", "UPDATE series SET last_value = 0.7", string(run.ID)},
		{"point of the history changed", "UPDATE points SET value = 0.1 WHERE step = 0", "UPDATE points SET value = 0.5 WHERE step = 0", string(run.ID)},
		{"param changed", "UPDATE params SET value = '300'", "UPDATE params SET value = '200'", string(run.ID)},
		{"model inserted", "INSERT INTO models (workspace, name, description, created, updated, last_version, entry) VALUES ('default', 'forged', '', 1, 1, 0, '')", "DELETE FROM models WHERE name = 'forged'", "registeredModel forged"},
		{"run deleted", "UPDATE runs SET workspace = 'elsewhere'", "UPDATE runs SET workspace = 'default'", "run " + string(run.ID)},
		{"journal entry changed", "UPDATE journal SET action = 'model.noop' WHERE action = 'model.alias.set'", "UPDATE journal SET action = 'model.alias.set' WHERE action = 'model.noop'", "entry"},
	} {
		outside(t, url, c.edit)
		found := verify()
		named := false
		for _, f := range found {
			named = named || strings.Contains(f, c.want)
		}
		if !named {
			t.Errorf("%s: not named; findings %q", c.name, found)
		}
		outside(t, url, c.undo)
		if found := verify(); len(found) > 0 {
			t.Fatalf("%s: after the undo: %q", c.name, found)
		}
	}
}

// A whole older database, put back with its own checkpoints, is seen by the
// checkpoint that lies beside the key.
func TestVerifySeesAnOlderDatabase(t *testing.T) {
	url, keys := filepath.Join(t.TempDir(), "trimtab.db"), t.TempDir()
	older := filepath.Join(t.TempDir(), "older.db")
	t.Run("write", func(t *testing.T) {
		db := openTest(t, url, keys)
		for i := range 4 {
			if _, err := db.Models.Create(t.Context(), trimtab.RegisteredModel{Name: trimtab.ModelName("m" + strconv.Itoa(i))}); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				if err := db.Journal.Checkpoint(t.Context()); err != nil {
					t.Fatal(err)
				}
				outside(t, url, "VACUUM INTO '"+older+"'")
			}
		}
		if err := db.Journal.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := db.Journal.Verify(t.Context(), true); err != nil || !report.OK() {
			t.Fatalf("before: %+v, %v", report, err)
		}
	})
	db := openTest(t, older, keys)
	report, err := db.Journal.Verify(t.Context(), true)
	if err != nil || report.OK() || !strings.Contains(report.Findings[0].Problem, "an older database was restored") {
		t.Fatalf("after: %+v, %v", report, err)
	}
	if _, err := db.Models.Create(t.Context(), trimtab.RegisteredModel{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Journal.Checkpoint(t.Context()); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("a log that does not extend the signed one was signed: %v", err)
	}
}

// outside runs a statement as another program would, on a connection of its own.
func outside(t *testing.T, url, statement string) {
	t.Helper()
	driver, source := "sqlite", url+"?_pragma=busy_timeout(10000)"
	if strings.HasPrefix(url, "postgres") {
		driver, source = "pgx", url
	}
	other, err := dbsql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
