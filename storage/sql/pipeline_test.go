package sql

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestPipelineRuns(t *testing.T) { engines(t, pipelineRuns) }

func newPipelineRun(t *testing.T, db *DB, pipeline string, steps ...string) trimtab.PipelineRun {
	t.Helper()
	rows := make([]trimtab.Step, len(steps))
	for i, name := range steps {
		rows[i] = trimtab.Step{Name: name}
	}
	r, err := db.Pipelines.CreateRun(t.Context(), trimtab.PipelineRun{Pipeline: pipeline, Generation: 3, Spec: json.RawMessage(`{"steps":[{"name":"a","run":"x"}]}`),
		Params: map[string]string{"k": "v"}, Cause: "test"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verifyAll(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := db.Journal.Verify(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("audit: %+v", f)
	}
}

func pipelineRuns(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	r := newPipelineRun(t, db, "p", "a", "b")
	if !strings.HasPrefix(string(r.ID), "pr-") || r.State != trimtab.PipelinePending || r.Created == 0 || len(r.Steps) != 2 || r.Steps[1].Ordinal != 1 || r.Steps[0].State != trimtab.StepWaiting {
		t.Fatalf("created %+v", r)
	}
	got, err := db.Pipelines.GetRun(ctx, r.ID)
	if diff := cmp.Diff(r, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := db.Pipelines.CreateRun(ctx, r, nil); !trimtab.IsKind(err, trimtab.Exists) {
		t.Errorf("the same id again: %v", err)
	}
	if _, err := db.Pipelines.CreateRun(ctx, trimtab.PipelineRun{Pipeline: "p", Spec: json.RawMessage("{}")}, []trimtab.Step{{Name: "a"}, {Name: "a"}}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("two steps of a name: %v", err)
	}
	if _, err := db.Pipelines.GetRun(ctx, "pr-0"); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("an absent run: %v", err)
	}
	other := trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Local, Workspace: "other"})
	if _, err := db.Pipelines.GetRun(other, r.ID); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a run of another workspace: %v", err)
	}

	var ids []trimtab.PipelineRunID
	for range 4 {
		ids = append(ids, newPipelineRun(t, db, "q", "x").ID)
	}
	newPipelineRun(t, db, "p", "a")
	seen := map[trimtab.PipelineRunID]bool{}
	for token, pages := trimtab.PageToken(""), 0; ; pages++ {
		page, next, err := db.Pipelines.ListRuns(ctx, "q", 3, token)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			if seen[r.ID] || r.Pipeline != "q" || len(r.Steps) != 1 {
				t.Errorf("listed %+v", r)
			}
			seen[r.ID] = true
		}
		if token = next; next == "" {
			break
		}
		if _, _, err := db.Pipelines.ListRuns(ctx, "p", 3, token); !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("a token of another list: %v", err)
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("listed %d runs, want %d", len(seen), len(ids))
	}

	moved, err := db.Pipelines.MoveRun(ctx, ids[0], func(r trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error) {
		return r.To(trimtab.PipelineFailed, "nothing to do", 77)
	})
	if err != nil || moved.State != trimtab.PipelineFailed || moved.Ended != 77 {
		t.Errorf("moved %+v, %v", moved, err)
	}
	if _, err := db.Pipelines.MoveRun(ctx, ids[0], func(r trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error) {
		return r.To(trimtab.PipelineRunning, "", 78)
	}); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("moving what has ended: %v", err)
	}
	open, err := db.Pipelines.OpenRuns(ctx)
	if err != nil || len(open) != 5 || len(open[0].Steps) == 0 {
		t.Errorf("%d open runs, %v", len(open), err)
	}
	verifyAll(t, db)
}

func TestStepFence(t *testing.T) { engines(t, stepFence) }

// begin moves a step to its next attempt.
func begin(db *DB, t *testing.T, r trimtab.PipelineRun, from int, token string) error {
	_, err := db.Pipelines.MoveStep(t.Context(), r.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
		return s.To(trimtab.StepStarting, from, "", 10)
	}, trimtab.PutAttempt{Attempt: trimtab.Attempt{Run: r.ID, Step: "a", N: from + 1, State: trimtab.AttemptStarting, Started: 10, TokenHash: token}})
	return err
}

func stepFence(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	r := newPipelineRun(t, db, "p", "a")
	if err := begin(db, t, r, 0, "hash1"); err != nil {
		t.Fatal(err)
	}
	// Of many that publish the result of an attempt, one does.
	var mu sync.Mutex
	won := 0
	exp, err := db.Experiments.Create(ctx, trimtab.Experiment{Name: "e"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := db.Runs.Create(ctx, trimtab.Run{Experiment: exp.ID, Attempt: trimtab.NewAttemptID(r.ID, "a", 1)}, "attempt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Models.Create(ctx, trimtab.RegisteredModel{Name: "m"}); err != nil {
		t.Fatal(err)
	}
	v, err := db.Versions.Create(ctx, trimtab.ModelVersion{Model: "m", Source: "runs:/x", Run: run.ID, Attempt: trimtab.NewAttemptID(r.ID, "a", 1)}, "v")
	if err != nil || v.Settled {
		t.Fatalf("version %+v, %v", v, err)
	}
	publish := func(n int, output trimtab.Digest) error {
		_, err := db.Pipelines.MoveStep(ctx, r.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
			next, c, err := s.To(trimtab.StepSucceeded, n, "", 20)
			if err != nil {
				return s, c, err
			}
			next.Outputs = map[string]trimtab.Digest{"o": output}
			return next, next.Change(c.Action, &s), nil
		}, trimtab.PutAttempt{Attempt: trimtab.Attempt{Run: r.ID, Step: "a", N: n, State: trimtab.AttemptSucceeded, Started: 10, Ended: 20, MLflowRun: run.ID, TokenHash: "hash1"}},
			trimtab.SettleVersions{Attempt: trimtab.NewAttemptID(r.ID, "a", n)}, trimtab.EndMLflowRun{Run: run.ID, Status: trimtab.RunFinished})
		return err
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := publish(1, trimtab.DigestOf([]byte{byte(i)}))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !trimtab.IsKind(err, trimtab.Precondition) {
				t.Errorf("publish: %v", err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Fatalf("%d published, want 1", won)
	}
	if v, err = db.Versions.Get(ctx, "m", 1); err != nil || !v.Settled {
		t.Errorf("version %+v, %v: a succeeded attempt settles its versions", v, err)
	}
	if run, err = db.Runs.Get(ctx, run.ID); err != nil || run.Status != trimtab.RunFinished || run.End == 0 || run.Seal == "" {
		t.Errorf("MLflow run %+v, %v", run, err)
	}

	// The late result of an attempt that was given up changes nothing at all.
	r2 := newPipelineRun(t, db, "p", "a")
	if err := begin(db, t, r2, 0, "hash2"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pipelines.MoveStep(ctx, r2.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
		return s.To(trimtab.StepWaiting, 1, "lost", 30)
	}, trimtab.PutAttempt{Attempt: trimtab.Attempt{Run: r2.ID, Step: "a", N: 1, State: trimtab.AttemptLost, Started: 10, Ended: 30, TokenHash: "hash2"}}); err != nil {
		t.Fatal(err)
	}
	if err := begin(db, t, r2, 1, "hash3"); err != nil {
		t.Fatal(err)
	}
	r = r2
	if err := publish(1, trimtab.DigestOf(nil)); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("the result of a lost attempt: %v", err)
	}
	if err := begin(db, t, r2, 1, "hash4"); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("an intent that was committed already: %v", err)
	}
	if _, err := db.Pipelines.MoveStep(ctx, r2.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) { return s, trimtab.Change{}, nil },
		trimtab.PutAttempt{Attempt: trimtab.Attempt{Run: r2.ID, Step: "a", N: 1, State: trimtab.AttemptRunning, Started: 10}}); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("a lost attempt came back to life: %v", err)
	}
	all, err := db.Pipelines.Attempts(ctx, r2.ID, "a")
	if err != nil || len(all) != 2 || all[0].State != trimtab.AttemptLost || all[1].State != trimtab.AttemptStarting {
		t.Errorf("attempts %+v, %v", all, err)
	}

	// A new token for a living attempt is no governed change.
	before := entries(t, db)
	if _, err := db.Pipelines.MoveStep(ctx, r2.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) { return s, trimtab.Change{}, nil },
		trimtab.PutAttempt{Attempt: trimtab.Attempt{Run: r2.ID, Step: "a", N: 2, State: trimtab.AttemptStarting, Started: 10, TokenHash: "hash5"}}); err != nil {
		t.Fatal(err)
	}
	if n := entries(t, db); n != before {
		t.Errorf("%d entries for a new token", n-before)
	}
	other := trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Local, Workspace: "other"})
	if a, err := db.Pipelines.AttemptByToken(other, "hash5"); err != nil || a.ID() != trimtab.NewAttemptID(r2.ID, "a", 2) || !a.Live() || a.Workspace != "default" {
		t.Errorf("by token: %+v, %v", a, err)
	}
	for _, hash := range []string{"hash3", "", "x"} {
		if _, err := db.Pipelines.AttemptByToken(ctx, hash); !trimtab.IsKind(err, trimtab.NotFound) {
			t.Errorf("by token %q: %v", hash, err)
		}
	}
	verifyAll(t, db)

	// An edit behind the server's back is found.
	if err := db.write(ctx, measured, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE steps SET outputs = '{}' WHERE run <> ?", string(r2.ID))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if report, err := db.Journal.Verify(ctx, true); err != nil || report.OK() || !strings.HasPrefix(report.Findings[0].Subject, "step ") {
		t.Errorf("an edited step is not found: %+v, %v", report, err)
	}
}

func TestCachedSteps(t *testing.T) { engines(t, cachedSteps) }

func cachedSteps(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	key := trimtab.DigestOf([]byte("key"))
	if _, err := db.Pipelines.Cached(ctx, key); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("nothing has succeeded: %v", err)
	}
	var last trimtab.PipelineRunID
	for i, state := range []trimtab.StepState{trimtab.StepSucceeded, trimtab.StepSucceeded, trimtab.StepFailed} {
		r := newPipelineRun(t, db, "p", "a")
		if err := begin(db, t, r, 0, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Pipelines.MoveStep(ctx, r.ID, "a", func(s trimtab.Step) (trimtab.Step, trimtab.Change, error) {
			old := s
			next, c, err := s.To(state, 1, "", trimtab.Time(100+i))
			next.CacheKey, next.Outputs = key, map[string]trimtab.Digest{"o": key}
			return next, next.Change(c.Action, &old), err
		}); err != nil {
			t.Fatal(err)
		}
		if state == trimtab.StepSucceeded {
			last = r.ID
		}
	}
	if s, err := db.Pipelines.Cached(ctx, key); err != nil || s.Run != last || s.Outputs["o"] != key {
		t.Errorf("cached %+v, %v; want the newest success, of %s", s, err, last)
	}
	if _, err := db.Pipelines.Cached(ctx, ""); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no key: %v", err)
	}
	verifyAll(t, db)
}

func TestSnapshots(t *testing.T) { engines(t, snapshots) }

func snapshots(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	s := trimtab.Snapshot{Workspace: "default", Digest: trimtab.DigestOf([]byte("rows")), Source: "s", SourceData: trimtab.DigestOf([]byte("all")),
		AsOf: 5, From: 1, To: 5, Rows: 7, Dropped: map[string]int64{"x": 2}, Created: 9}
	for range 2 {
		if err := db.Snapshots.Put(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if n := entries(t, db); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
	got, err := db.Snapshots.Get(ctx, "s", s.Digest)
	if diff := cmp.Diff(s, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := db.Snapshots.Get(ctx, "t", s.Digest); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("of another source: %v", err)
	}
	if all, err := db.Snapshots.List(ctx, ""); err != nil || len(all) != 1 {
		t.Errorf("%d snapshots, %v", len(all), err)
	}
	verifyAll(t, db)
}
