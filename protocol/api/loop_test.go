package api_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/protocol/client"
	"github.com/trimtab/trimtab/storage/sql"
)

// loopOf is a loop over real records: people's side of the policies is real, that of
// rollouts says what it was asked.
func loopOf(db *sql.DB) api.Loop {
	return api.Loop{Decisions: db.Decisions, Incidents: db.Incidents, Rollouts: db.Rollouts, Policies: db.Policies, Pauses: db.Pauses, Roller: roller{},
		Decider: retrain.New(retrain.Config{Resources: db.Resources, States: db.Endpoints, Policies: db.Policies, Decisions: db.Decisions, Incidents: db.Incidents,
			History: db.Rollouts, Pauses: db.Pauses, Models: champions{}, Clock: func() trimtab.Time { return 1362096000000 }})}
}

type champions struct{ retrain.Models }

func (champions) Champion(context.Context, trimtab.ModelName, trimtab.Alias) (trimtab.Version, error) {
	return 1, nil
}

type roller struct{}

func said(id, verb, reason string) (trimtab.Rollout, error) {
	return trimtab.Rollout{ID: id, Endpoint: "flights", Verdict: verb, Reason: reason, State: trimtab.RolloutCanary}, nil
}

func (roller) Promote(_ context.Context, id, reason string) (trimtab.Rollout, error) {
	return said(id, "promote", reason)
}
func (roller) RollBack(_ context.Context, id, reason string) (trimtab.Rollout, error) {
	return said(id, "rollback", reason)
}
func (roller) Hold(_ context.Context, id, reason string) (trimtab.Rollout, error) {
	return said(id, "hold", reason)
}
func (roller) Resume(_ context.Context, id, reason string) (trimtab.Rollout, error) {
	return said(id, "resume", reason)
}

// put keeps a document as its slice would.
func put[T trimtab.Document](t *testing.T, kept *sql.Documents[T], docs ...T) {
	t.Helper()
	for _, d := range docs {
		if _, err := kept.Move(t.Context(), d.Object().Name, func(*T) (T, trimtab.Change, error) {
			return d, trimtab.Changed("test.put", nil, d, ""), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// loop calls every operation about the loop, with an endpoint "flights" and a monitor "quality" declared.
func (w *world) loop(t *testing.T) {
	ctx, c := t.Context(), w.client
	const march, april = trimtab.Time(1362096000000), trimtab.Time(1364774400000)
	must[plan.Answer](t)(c.Apply(ctx, view.Proposal{Manager: "cli", Inventory: "cli:loop", Resources: []view.Declaration{
		{Kind: "RetrainPolicy", Name: "keep", Spec: json.RawMessage(`{"monitor":"quality","pipeline":"train","mode":"approve","limits":{"retrains":2,"per":"30d"}}`)}}}))
	decision := func(day int, action trimtab.Action, state trimtab.DecisionState) trimtab.Decision {
		at := march + trimtab.Time(day)*86400000
		return trimtab.Decision{ID: trimtab.DecisionID("keep", at), Policy: "keep", Endpoint: "flights", At: at, Served: 1, Action: action, State: state, Reason: "because"}
	}
	first, second, third := decision(0, trimtab.DoNothing, trimtab.DecisionNoted), decision(7, trimtab.DoRetrain, trimtab.DecisionAwaiting), decision(14, trimtab.DoPromoteOlder, trimtab.DecisionAdvised)
	put(t, w.db.Decisions, first, second, third)
	held := trimtab.Incident{ID: "flights.dataFault.unit.20130301T000000", Kind: trimtab.DataFault, Endpoint: "flights", Severity: trimtab.Critical, Begin: march, Hold: true, Cause: "wrong"}
	other := trimtab.Incident{ID: "other.drift.20130301T000000", Kind: trimtab.Drift, Endpoint: "other", Also: []string{"flights"}, Begin: march + 1, Cause: "moved"}
	put(t, w.db.Incidents, held, other)
	put(t, w.db.Rollouts, trimtab.Rollout{ID: "flights.1", Endpoint: "flights", From: 1, To: 2, State: trimtab.RolloutRolledBack, Begun: march, Since: march, Ended: april})
	put(t, w.db.Policies, trimtab.PolicyState{Policy: "keep", Through: march, Broken: true, Failures: 3, Retrains: []trimtab.Time{march - 1}, CooldownUntil: april})

	ids := func(all []trimtab.Decision) (out []string) {
		for _, d := range all {
			out = append(out, d.ID)
		}
		return out
	}
	for name, tc := range map[string]struct {
		find client.Find
		want []string
	}{
		"all":          {client.Find{}, []string{third.ID, second.ID, first.ID}},
		"of a policy":  {client.Find{Policy: "other"}, nil},
		"of an end":    {client.Find{Endpoint: "flights", Limit: 2}, []string{third.ID, second.ID}},
		"another end":  {client.Find{Endpoint: "other"}, nil},
		"acted":        {client.Find{Acted: true}, []string{third.ID, second.ID}},
		"open":         {client.Find{Open: true}, []string{second.ID}},
		"before":       {client.Find{To: second.At}, []string{first.ID}},
		"from here on": {client.Find{From: third.At}, []string{third.ID}},
	} {
		if got := ids(must[[]trimtab.Decision](t)(c.Decisions(ctx, tc.find))); !cmp.Equal(got, tc.want) {
			t.Errorf("decisions, %s: %v, want %v", name, got, tc.want)
		}
	}
	if got := must[trimtab.Decision](t)(c.Decision(ctx, second.ID)); got.Reason != "because" {
		t.Errorf("decision: %+v", got)
	}
	loop := must[view.Loop](t)(c.Loop(ctx))
	want := view.LoopPolicy{Name: "keep", Endpoint: "flights", Monitor: "quality", Mode: "approve", Strategy: "cost-aware", Through: march, Next: april, Cooldown: april,
		Broken: true, Failures: 3, Used: 1, Budget: 2, Per: 30 * 86400e9, Open: []string{second.ID},
		Under:  &view.LoopDecision{ID: second.ID, At: second.At, Action: trimtab.DoRetrain, State: trimtab.DecisionAwaiting, Reason: "because"},
		Newest: &view.LoopDecision{ID: third.ID, At: third.At, Action: trimtab.DoPromoteOlder, State: trimtab.DecisionAdvised, Reason: "because"}}
	if loop.Pause != nil || len(loop.Policies) != 1 || !cmp.Equal(loop.Policies[0], want) {
		t.Errorf("loop: %s", cmp.Diff(loop.Policies, []view.LoopPolicy{want}))
	}
	if got := must[view.LoopPolicy](t)(c.CloseBreaker(ctx, "keep", "the disk is back")); got.Broken || got.Failures != 0 {
		t.Errorf("the breaker is closed: %+v", got)
	}
	if got := must[[]trimtab.Pause](t)(c.PauseLoop(ctx, true, client.PauseLoop{Reason: "a release"})); len(got) != 1 || !got[0].Paused || got[0].Name != "loop" || got[0].By != "local" {
		t.Errorf("paused: %+v", got)
	}
	if got := must[view.Loop](t)(c.Loop(ctx)); got.Pause == nil || !got.Pause.Paused || got.Pause.Reason != "a release" {
		t.Errorf("the paused loop: %+v", got.Pause)
	}
	if got := must[[]trimtab.Pause](t)(c.PauseLoop(ctx, false, client.PauseLoop{All: true})); len(got) != 1 || got[0].Paused || got[0].Workspace != "default" {
		t.Errorf("resumed: %+v", got)
	}

	// An advised decision waits its turn; a rejected one is learnt; then the advised one may go on.
	if _, err := c.DecideOn(ctx, third.ID, "approve", ""); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("approved beside another: %v", err)
	}
	if _, err := c.DecideOn(ctx, second.ID, "reject", ""); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("rejected without a reason: %v", err)
	}
	for range 2 {
		if got := must[trimtab.Decision](t)(c.DecideOn(ctx, second.ID, "reject", "not this week")); got.State != trimtab.DecisionRejected || got.Approver != "local" || got.Outcome != "rejected by local: not this week" {
			t.Errorf("rejected: %+v", got)
		}
	}
	if st := must[trimtab.PolicyState](t)(w.db.Policies.Get(ctx, "keep")); st.Rejections != 1 || st.Applied != second.ID || len(st.Retrains) != 1 || st.Theta != 2 {
		t.Errorf("the policy remembers %+v", st)
	}
	if got := must[trimtab.Decision](t)(c.DecideOn(ctx, third.ID, "approve", "")); got.State != trimtab.DecisionRollout || got.Approver != "local" {
		t.Errorf("approved: %+v", got)
	}
	if _, err := c.DecideOn(ctx, third.ID, "reject", "late"); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("rejected what was approved: %v", err)
	}

	if got := must[[]trimtab.Incident](t)(c.Incidents(ctx, client.Find{Endpoint: "flights", Open: true})); len(got) != 2 {
		t.Errorf("incidents of the endpoint and its source: %+v", got)
	}
	if got := must[[]trimtab.Incident](t)(c.Incidents(ctx, client.Find{Kind: "drift"})); len(got) != 1 || got[0].ID != other.ID {
		t.Errorf("incidents of a kind: %+v", got)
	}
	if got := must[trimtab.Incident](t)(c.Incident(ctx, held.ID)); got.Cause != "wrong" {
		t.Errorf("incident: %+v", got)
	}
	if _, err := c.MoveIncident(ctx, other.ID, "release", "x"); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("released what holds nothing: %v", err)
	}
	if got := must[trimtab.Incident](t)(c.MoveIncident(ctx, held.ID, "acknowledge", "asked the vendor")); got.AcknowledgedBy != "local" || got.Acknowledgement != "asked the vendor" || got.Released || got.Closed != 0 {
		t.Errorf("acknowledged: %+v", got)
	}
	if got := must[trimtab.Incident](t)(c.MoveIncident(ctx, held.ID, "acknowledge", "")); got.Acknowledgement != "asked the vendor" {
		t.Errorf("acknowledged twice: %+v", got)
	}
	if got := must[trimtab.Incident](t)(c.MoveIncident(ctx, held.ID, "release", "they are right")); !got.Released || got.ReleasedBy != "local" {
		t.Errorf("released: %+v", got)
	}
	if _, err := c.MoveIncident(ctx, held.ID, "close", ""); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("closed without a reason: %v", err)
	}
	if got := must[trimtab.Incident](t)(c.MoveIncident(ctx, held.ID, "close", "fixed upstream")); got.Closed != march || got.End != march || got.Note != "fixed upstream" {
		t.Errorf("closed: %+v", got)
	}

	if got := must[[]trimtab.Rollout](t)(c.Rollouts(ctx, client.Find{Endpoint: "flights"})); len(got) != 1 {
		t.Errorf("rollouts: %+v", got)
	}
	if got := must[trimtab.Rollout](t)(c.Rollout(ctx, "flights.1")); got.To != 2 {
		t.Errorf("rollout: %+v", got)
	}
	for _, verb := range []string{"promote", "rollback", "hold", "resume"} {
		if got := must[trimtab.Rollout](t)(c.MoveRollout(ctx, "flights.1", verb, "so it is")); got.Verdict != verb || got.Reason != "so it is" {
			t.Errorf("%s: %+v", verb, got)
		}
	}

	line := must[view.Timeline](t)(c.Timeline(ctx, "flights", "", march, april))
	if line.Monitor != "quality" || line.Frozen != 1 || len(line.Windows) != 1 || line.Windows[0].Value.Value != 0.704 || line.Summary.RolledBack != 1 || len(line.Windows[0].Events) == 0 {
		t.Errorf("timeline: %+v", line)
	}
	if empty := must[view.Timeline](t)(c.Timeline(ctx, "flights", "quality", april, 0)); len(empty.Windows) != 0 {
		t.Errorf("timeline of no window: %+v", empty)
	}
	if _, err := c.Timeline(ctx, "flights", "x", 0, 0); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("timeline of another monitor: %v", err)
	}
	w.loopPages(t, second, held)
}
