// Package sqltest owns the conformance suite of storage/sql: what the handles of
// tracking and registry promise, exercised through their methods alone, so that
// SQLite and PostgreSQL pass the very same tests. It also compares the two with
// each other on random operations, see [Compare], a search with the meaning
// that pure/filter gives to the language. It refuses to look into tables: what a
// method does not show is not promised.
package sqltest

import (
	"context"
	"math"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// Exercise runs the suite. open returns an empty database of its own for each
// call, which stays open until the end of its test; [Start] makes it run.
func Exercise(t *testing.T, open func(t *testing.T) *sql.DB) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *kit)
	}{
		{"Experiments", testExperiments},
		{"ExperimentLifecycle", testExperimentLifecycle},
		{"ExperimentSearch", testExperimentSearch},
		{"Workspaces", testWorkspaces},
		{"Runs", testRuns},
		{"RunUpdate", testRunUpdate},
		{"RunIdempotency", testRunIdempotency},
		{"Batch", testBatch},
		{"BatchParams", testBatchParams},
		{"BatchIsWhole", testBatchIsWhole},
		{"BatchWriters", testBatchWriters},
		{"BatchWritersOfDifferentKeys", testBatchWritersOfDifferentKeys},
		{"Inputs", testInputs},
		{"Seal", testSeal},
		{"History", testHistory},
		{"HistoryInterval", testHistoryInterval},
		{"Series", testSeries},
		{"RunCard", testRunCard},
		{"Compare", testCompare},
		{"RunSearch", testRunSearch},
		{"RunSearchOrder", testRunSearchOrder},
		{"RunSearchPages", testRunSearchPages},
		{"RunSearchVectors", testRunSearchVectors},
		{"RunSearchModel", testRunSearchModel},
		{"RunSearchLarge", testRunSearchLarge},
		{"RunKeys", testRunKeys},
		{"RunTable", testRunTable},
		{"Activity", testActivity},
		{"Recent", testRecent},
		{"LoggedModels", testLoggedModels},
		{"LoggedModelSearch", testLoggedModelSearch},
		{"Artifacts", testArtifacts},
		{"Models", testModels},
		{"ModelRename", testModelRename},
		{"ModelSearch", testModelSearch},
		{"Aliases", testAliases},
		{"Versions", testVersions},
		{"VersionWriters", testVersionWriters},
		{"VersionFreeze", testVersionFreeze},
		{"VersionAttempts", testVersionAttempts},
		{"VersionSearch", testVersionSearch},
	} {
		t.Run(part.name, func(t *testing.T) {
			k := &kit{T: t, DB: open(t), ctx: t.Context()}
			part.test(t, k)
			explained(t, k.ctx, k.DB)
		})
	}
}

// Start runs the work in the background of db until t ends, and closes it.
func Start(t testing.TB, db *sql.DB) *sql.DB {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

// Steps is a clock that moves by one second with every reading.
func Steps() trimtab.Clock {
	var n atomic.Int64
	return func() trimtab.Time { return trimtab.Time(1_700_000_000_000 + 1000*n.Add(1)) }
}

// kit is a test with its database.
type kit struct {
	*testing.T
	*sql.DB
	ctx context.Context
}

// ok fails the test at an error.
func (k *kit) ok(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// fails checks that err is of a kind and has the text.
func (k *kit) fails(err error, kind trimtab.Kind, text string) {
	k.Helper()
	switch {
	case err == nil:
		k.Errorf("no error, want %v: %s", kind, text)
	case !trimtab.IsKind(err, kind):
		k.Errorf("error of kind %v, want %v: %v", trimtab.KindOf(err), kind, err)
	case text != "" && trimtab.Message(err) != text:
		k.Errorf("error %q, want %q", trimtab.Message(err), text)
	}
}

// same compares; NaN equals NaN, and nil an empty list or map.
func (k *kit) same(got, want any, what string) {
	k.Helper()
	if want == nil {
		if v := reflect.ValueOf(got); v.Len() > 0 {
			k.Errorf("%s: %v, want nothing", what, got)
		}
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		k.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must[T any](value T, err error) func(*kit) T {
	return func(k *kit) T {
		k.Helper()
		k.ok(err)
		return value
	}
}

// experiment makes an experiment.
func (k *kit) experiment(name string) trimtab.ExperimentID {
	k.Helper()
	return must(k.Experiments.Create(k.ctx, trimtab.Experiment{Name: name}))(k).ID
}

// run makes a run of a name.
func (k *kit) run(exp trimtab.ExperimentID, name string) trimtab.RunID {
	k.Helper()
	return must(k.Runs.Create(k.ctx, trimtab.Run{Experiment: exp, Name: name}, ""))(k).ID
}

// end finishes a run.
func (k *kit) end(id trimtab.RunID) trimtab.Run {
	k.Helper()
	status, at := trimtab.RunFinished, trimtab.Time(1_800_000_000_000)
	return must(k.Runs.Update(k.ctx, id, trimtab.RunUpdate{Status: &status, End: &at}))(k)
}

// entries returns the actions that the journal has of an object, the first first.
func (k *kit) entries(o trimtab.Object) []string {
	k.Helper()
	k.ok(k.Journal.Flush(k.ctx))
	all := must(k.Journal.ByObject(k.ctx, o.Kind, o.Name, 1000))(k)
	var out []string
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Object == o {
			out = append(out, all[i].Action)
		}
	}
	return out
}

func ptr[T any](v T) *T { return &v }

var nan = math.NaN()
