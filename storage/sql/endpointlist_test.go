package sql

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestAllEndpointsAtOnce(t *testing.T) { engines(t, allEndpointsAtOnce) }

// What is read of all endpoints is what is read of each.
func allEndpointsAtOnce(t *testing.T, url, keys string) {
	db := openTest(t, url, keys)
	ctx := t.Context()
	other := trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Local, Workspace: "other"})
	if states, err := db.Endpoints.States(ctx); err != nil || len(states) != 0 {
		t.Errorf("of none: %v, %v", states, err)
	}
	for _, name := range []string{"a", "b", "a.b"} {
		if _, err := db.Endpoints.Move(ctx, name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
			return s.AcquireLease("replay of "+name, 1_700_000_000_000, time.Minute)
		}); err != nil {
			t.Fatal(err)
		}
		for _, listener := range []string{"rollout/" + name, "monitor/m"} {
			if err := db.Endpoints.Settle(ctx, trimtab.Settlement{Endpoint: name, Listener: listener, Through: 7, Wait: trimtab.WaitHuman, Detail: "do " + name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Endpoints.Settle(other, trimtab.Settlement{Endpoint: "c", Listener: "monitor/m", Wait: trimtab.WaitNone}); err != nil {
		t.Fatal(err)
	}
	states, err := db.Endpoints.States(ctx)
	if err != nil || len(states) != 3 {
		t.Fatalf("%d states (%v)", len(states), err)
	}
	settled, err := db.Endpoints.AllSettlements(ctx)
	if err != nil || len(settled) != 3 {
		t.Fatalf("settlements of %d endpoints (%v)", len(settled), err)
	}
	for name := range states {
		one, err := db.Endpoints.State(ctx, name)
		if err != nil || !cmp.Equal(one, states[name]) {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(one, states[name]))
		}
		listeners, err := db.Endpoints.Settlements(ctx, name)
		if err != nil || !cmp.Equal(listeners, settled[name]) {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(listeners, settled[name]))
		}
	}
}
