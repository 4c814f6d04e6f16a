package sql

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestChanges(t *testing.T) { engines(t, changes) }

// The states that the journal names by digest are kept beside it, and a state that
// somebody edited is none.
func changes(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	model, endpoint := declared(trimtab.KindModel, "m", `{"task":"binary"}`), declared(trimtab.KindEndpoint, "e", `{"model":{"name":"m"}}`)
	apply := func(w ...trimtab.ResourceWrite) {
		t.Helper()
		if err := db.Resources.Apply(ctx, w); err != nil {
			t.Fatal(err)
		}
		if err := db.Journal.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	apply(trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: model}, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: endpoint})
	if _, err := db.Models.Create(ctx, trimtab.RegisteredModel{Name: "m"}); err != nil { // no declaration
		t.Fatal(err)
	}
	changed := endpoint
	changed.Spec = json.RawMessage(`{"model":{"name":"other"}}`)
	apply(trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: changed})
	apply(trimtab.ResourceWrite{Verb: trimtab.DeleteVerb, Resource: model})
	entries, err := db.Journal.Declared(ctx, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if diff := cmp.Diff([]string{"model.delete", "endpoint.update", "endpoint.create", "model.create"}, actions); diff != "" {
		t.Fatal(diff)
	}
	if rest, err := db.Journal.Declared(ctx, entries[1].Index, 1); err != nil || len(rest) != 1 || rest[0].Index != entries[2].Index {
		t.Errorf("before %d: %v (%v)", entries[1].Index, rest, err)
	}
	if from, err := db.Journal.DeclaredFrom(ctx, entries[2].Index, 10); err != nil || len(from) != 3 || from[2].Index != entries[0].Index {
		t.Errorf("from %d: %v (%v)", entries[2].Index, from, err)
	}
	digests := []trimtab.Digest{entries[1].Before, entries[1].After, entries[0].Before, entries[0].After, trimtab.DigestOf([]byte("x"))}
	states, err := db.Resources.States(ctx, digests)
	if err != nil || len(states) != 3 {
		t.Fatalf("%v (%v)", states, err)
	}
	if s := states[entries[1].Before]; string(s.Spec) != `{"model":{"name":"m"}}` || s.Manager != "cli" || s.Generation != 1 {
		t.Errorf("before the update: %+v", s)
	}
	if s := states[entries[1].After]; string(s.Spec) != `{"model":{"name":"other"}}` || s.Generation != 2 {
		t.Errorf("after the update: %+v", s)
	}
	if s := states[entries[0].Before]; s.Ref() != "model/m" {
		t.Errorf("before the delete: %+v", s)
	}
	if err := db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE resource_states SET body = ? WHERE digest = ?", `{"kind":"Model"}`, string(entries[0].Before))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if states, err = db.Resources.States(ctx, digests); err != nil || len(states) != 2 {
		t.Errorf("an edited state: %v (%v)", states, err)
	}
}

func TestRecentRuns(t *testing.T) { engines(t, recentRuns) }

func recentRuns(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	for range 4 {
		newPipelineRun(t, db, "q", "x")
	}
	p := newPipelineRun(t, db, "p", "a", "b")
	end := func(r trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error) {
		return r.To(trimtab.PipelineFailed, "test", 5)
	}
	if _, err := db.Pipelines.MoveRun(t.Context(), p.ID, end); err != nil {
		t.Fatal(err)
	}
	runs, err := db.Pipelines.RecentRuns(t.Context(), 3)
	if err != nil || len(runs) != 4 {
		t.Fatalf("%v (%v)", runs, err)
	}
	for _, r := range runs {
		if want := map[string]int{"q": 1, "p": 0}[r.Pipeline]; len(r.Steps) != want {
			t.Errorf("a run of %s with %d steps, want %d", r.Pipeline, len(r.Steps), want)
		}
	}
	if attempts, err := db.Pipelines.RunAttempts(t.Context(), p.ID); err != nil || len(attempts) != 0 {
		t.Errorf("attempts %v (%v)", attempts, err)
	}
	retry, err := db.Pipelines.CreateRun(t.Context(), trimtab.PipelineRun{Pipeline: "p", Spec: p.Spec, RetryOf: p.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := db.Pipelines.GetRun(t.Context(), retry.ID); err != nil || got.RetryOf != p.ID {
		t.Errorf("%+v (%v)", got, err)
	}
	verifyAll(t, db)
}
