package retrain_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/storage/sql"
)

type alwaysOne struct{ retrain.Models }

func (alwaysOne) Champion(context.Context, trimtab.ModelName, trimtab.Alias) (trimtab.Version, error) {
	return 1, nil
}

// desk is a policy "p" over real records, before which a person sits.
func desk(t *testing.T, crash func(string) error) (*retrain.Policies, *sql.DB) {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(t.TempDir(), "trimtab.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; db.Close() })
	var writes []trimtab.ResourceWrite
	for kind, spec := range map[string]string{trimtab.KindEndpoint: `{"model":{"name":"m"}}`, trimtab.KindMonitor: `{"endpoint":"p","window":"1d"}`, trimtab.KindRetrainPolicy: `{"monitor":"p","pipeline":"train"}`} {
		writes = append(writes, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Kind: kind, Name: "p", Spec: json.RawMessage(spec), Manager: "test"}})
	}
	if err := db.Resources.Apply(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	return retrain.New(retrain.Config{Resources: db.Resources, States: db.Endpoints, Policies: db.Policies, Decisions: db.Decisions, Incidents: db.Incidents,
		History: db.Rollouts, Pauses: db.Pauses, Models: alwaysOne{}, Crash: crash}), db
}

func keep(t *testing.T, db *sql.DB, d trimtab.Decision) trimtab.Decision {
	t.Helper()
	d.Policy, d.Endpoint = "p", "p"
	d.ID = trimtab.DecisionID("p", d.At)
	if _, err := db.Decisions.Move(t.Context(), d.ID, func(*trimtab.Decision) (trimtab.Decision, trimtab.Change, error) {
		return d, trimtab.Changed("test.put", nil, d, ""), nil
	}); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestApprove(t *testing.T) {
	for name, tc := range map[string]struct {
		give trimtab.Decision
		want trimtab.DecisionState // "" for a refusal
		text string
	}{
		"a retrain is trained":         {trimtab.Decision{State: trimtab.DecisionAwaiting, Action: trimtab.DoRetrain, Served: 1}, trimtab.DecisionTraining, ""},
		"a borderline one is promoted": {trimtab.Decision{State: trimtab.DecisionAwaiting, Action: trimtab.DoRetrain, Candidate: 2, Served: 1}, trimtab.DecisionRollout, ""},
		"a correction is rolled out":   {trimtab.Decision{State: trimtab.DecisionAwaiting, Action: trimtab.DoRecalibrate, Served: 1}, trimtab.DecisionRollout, ""},
		"an advice is taken":           {trimtab.Decision{State: trimtab.DecisionAdvised, Action: trimtab.DoRetrain, Served: 1}, trimtab.DecisionTraining, ""},
		"an advice about the past":     {trimtab.Decision{State: trimtab.DecisionAdvised, Action: trimtab.DoRetrain, Served: 3}, "", "it is about version 3, and version 1 serves now"},
		"nothing":                      {trimtab.Decision{State: trimtab.DecisionNoted, Action: trimtab.DoNothing, Served: 1}, "", "it asks for nothing"},
		"under way":                    {trimtab.Decision{State: trimtab.DecisionTraining, Action: trimtab.DoRetrain, Run: "pr-1", Served: 1}, "", "trimtab pipeline cancel pr-1"},
		"rolling out":                  {trimtab.Decision{State: trimtab.DecisionRollout, Action: trimtab.DoRetrain, Rollout: "p.1", Served: 1}, "", "trimtab rollout rollback p.1"},
	} {
		p, db := desk(t, nil)
		tc.give.At = 86400000
		d := keep(t, db, tc.give)
		for range 2 { // twice is the same
			got, err := p.Approve(t.Context(), d.ID, "agreed")
			switch {
			case tc.want == "" && (!trimtab.IsKind(err, trimtab.Precondition) || !strings.Contains(trimtab.Message(err), tc.text)):
				t.Errorf("%s: %v", name, err)
			case tc.want != "" && (err != nil || got.State != tc.want || got.Approver != "local" || got.Outcome != "approved by local: agreed"):
				t.Errorf("%s: %+v (%v)", name, got, err)
			}
		}
		entries, err := db.Journal.ByObject(t.Context(), "decision", d.ID, 10)
		if want := map[bool]int{true: 1, false: 2}[tc.want == ""]; err != nil || len(entries) != want {
			t.Errorf("%s: %d entries, want %d (%v)", name, len(entries), want, err)
		}
	}
}

// A rejection that a crash cuts in two is learnt once, and cannot become an approval.
func TestRejectThroughACrash(t *testing.T) {
	crashed := errors.New("crash")
	fail := true
	p, db := desk(t, func(point string) error {
		if fail && point == "rejection remembered" {
			return crashed
		}
		return nil
	})
	d := keep(t, db, trimtab.Decision{At: 86400000, State: trimtab.DecisionAwaiting, Action: trimtab.DoRetrain, Served: 1, Facts: []trimtab.Fact{{Name: retrain.FactProbe, Value: .4}}})
	if _, err := p.Reject(t.Context(), d.ID, "no"); !errors.Is(err, crashed) {
		t.Fatalf("the first time: %v", err)
	}
	fail = false
	if _, err := p.Approve(t.Context(), d.ID, ""); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("approved after half a rejection: %v", err)
	}
	for range 2 {
		if got, err := p.Reject(t.Context(), d.ID, "no"); err != nil || got.State != trimtab.DecisionRejected {
			t.Errorf("rejected: %+v (%v)", got, err)
		}
	}
	st, err := db.Policies.Get(t.Context(), "p")
	if err != nil || st.Rejections != 1 || st.Theta != 2 || st.Excess != 0 || len(st.Retrains) != 0 || st.CooldownUntil <= d.At {
		t.Errorf("the policy remembers %+v (%v)", st, err)
	}
}

func TestPauseAndBreaker(t *testing.T) {
	p, db := desk(t, nil)
	ctx := t.Context()
	if _, err := p.Pause(ctx, "q", true, ""); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("a policy that is not declared: %v", err)
	}
	for range 2 {
		if x, err := p.Pause(ctx, "", true, "why"); err != nil || !x.Paused || x.Name != trimtab.LoopPause || x.By != "local" {
			t.Errorf("paused: %+v (%v)", x, err)
		}
	}
	if all, err := p.PauseAll(ctx, false, ""); err != nil || len(all) != 1 || all[0].Paused {
		t.Errorf("resumed: %+v (%v)", all, err)
	}
	if entries, err := db.Journal.ByObject(ctx, "pause", "loop", 10); err != nil || len(entries) != 2 {
		t.Errorf("%d entries about the pause (%v)", len(entries), err)
	}
	if st, err := p.CloseBreaker(ctx, "p", "nothing was wrong"); err != nil || st.Broken {
		t.Errorf("a breaker that was never open: %+v (%v)", st, err)
	}
	if _, err := db.Policies.Move(ctx, "p", func(*trimtab.PolicyState) (trimtab.PolicyState, trimtab.Change, error) {
		st := trimtab.PolicyState{Policy: "p", Broken: true, Failures: 3}
		return st, trimtab.Changed("test.put", nil, st, ""), nil
	}); err != nil {
		t.Fatal(err)
	}
	if st, err := p.CloseBreaker(ctx, "p", "cured"); err != nil || st.Broken || st.Failures != 0 {
		t.Errorf("closed: %+v (%v)", st, err)
	}
}
