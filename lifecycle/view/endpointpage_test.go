package view

import (
	"testing"

	"github.com/trimtab/trimtab"
)

// Whether what is declared is live, and whether it works, are two answers.
func TestEndpointLines(t *testing.T) {
	ready := []trimtab.Condition{{Type: "Ready", Status: true}, {Type: "Loaded", Status: true}}
	behind := []trimtab.Condition{{Type: "Ready", Status: true}, {Type: "Loaded", Reason: "Invalid", Message: "no such file"}}
	for _, c := range []struct {
		name   string
		facts  EndpointFacts
		sync   EndpointSync
		health EndpointHealth
	}{
		{"serves what is declared", EndpointFacts{Endpoint: Endpoint{Version: 2, Conditions: ready}, Target: 2}, SyncLive, EndpointServing},
		{"another version answers", EndpointFacts{Endpoint: Endpoint{Version: 1, Conditions: behind}, Target: 2}, SyncBehind, EndpointBehind},
		{"the alias names nothing", EndpointFacts{}, SyncUnnamed, EndpointNoVersion},
		{"a canary", EndpointFacts{Endpoint: Endpoint{Version: 1, Conditions: ready}, Target: 1, Rollout: &trimtab.Rollout{ID: "e.2", State: trimtab.RolloutCanary, To: 2, Share: 0.2}}, SyncRolling, EndpointServing},
		{"a bake serves what is declared", EndpointFacts{Endpoint: Endpoint{Version: 2, Conditions: ready}, Target: 2, Rollout: &trimtab.Rollout{ID: "e.2", State: trimtab.RolloutBaking, To: 2, Share: 1}}, SyncLive, EndpointServing},
		{"undecided", EndpointFacts{Endpoint: Endpoint{Version: 1, Conditions: ready}, Target: 1, Rollout: &trimtab.Rollout{ID: "e.2", State: trimtab.RolloutHeld, To: 2}}, SyncUndecided, EndpointServing},
		{"does not load", EndpointFacts{Endpoint: Endpoint{Conditions: []trimtab.Condition{{Type: "Ready", Reason: "Invalid"}}}, Target: 2}, SyncBehind, EndpointFailed},
	} {
		got := OfEndpoint(c.facts)
		if got.Sync != c.sync || got.Health != c.health {
			t.Errorf("%s: %s and %s, want %s and %s", c.name, got.Sync, got.Health, c.sync, c.health)
		}
	}
	e := OfEndpoint(EndpointFacts{Endpoint: Endpoint{Settled: []trimtab.Settlement{{Listener: "monitor/m", Wait: trimtab.WaitEventTime}, {Listener: "rollout/e", Wait: trimtab.WaitHuman, Detail: "trimtab rollout promote e.2"}}}})
	if len(e.Waits) != 1 || e.Waits[0].Listener != "rollout/e" || e.Mode != trimtab.ClockMode {
		t.Errorf("waits %+v, mode %s", e.Waits, e.Mode)
	}
}

func TestServicesNameTheirRollouts(t *testing.T) {
	rollouts := []trimtab.Rollout{
		{ID: "e.3", From: 2, To: 3, State: trimtab.RolloutRolledBack, Begun: 50, Since: 60, Ended: 60, Reason: "worse"},
		{ID: "e.2", From: 1, To: 2, State: trimtab.RolloutPromoted, Begun: 10, Since: 30, Promoted: 20, Ended: 30, Cause: "p@x"},
		{ID: "e.1", To: 1, State: trimtab.RolloutPromoted, Begun: 5, Since: 5, Promoted: 5, Ended: 5},
	}
	got := ServicesOf(rollouts)
	if len(got) != 2 || got[0].Version != 2 || got[0].Rollout != "e.2" || got[0].From != 20 || got[0].To != 0 || got[1].Version != 1 || got[1].To != 20 {
		t.Errorf("%+v", got)
	}
	if got := ServicesOf(nil); got == nil || len(got) != 0 {
		t.Errorf("of none: %+v", got)
	}
}

func TestPausedBy(t *testing.T) {
	for want, p := range map[string]*trimtab.Pause{
		"":             nil,
		"ada: a drill": {Paused: true, By: "ada", Reason: "a drill"},
		"ada":          {Paused: true, By: "ada"},
		"paused":       {Paused: true},
	} {
		if got := PausedBy(p); got != want {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
	if got := PausedBy(&trimtab.Pause{By: "ada"}); got != "" {
		t.Errorf("resumed: %q", got)
	}
}
