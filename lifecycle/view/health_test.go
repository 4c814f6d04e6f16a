package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestEndpointHealth(t *testing.T) {
	condition := func(name string, status bool, reason string) []trimtab.Condition {
		return []trimtab.Condition{{Type: name, Status: status, Reason: reason, Message: "why " + reason}}
	}
	for _, tc := range []struct {
		name            string
		serving, target trimtab.Version
		conditions      []trimtab.Condition
		want            EndpointHealth
		reason          string
	}{
		{"serving", 1, 1, condition("Ready", true, ""), EndpointServing, ""},
		{"the alias has just moved", 1, 2, condition("Ready", true, ""), EndpointServing, ""},
		{"the new version does not load", 1, 2, condition("Loaded", false, "Unsupported"), EndpointBehind, "Unsupported"},
		{"the first version does not load", 0, 1, condition("Loaded", false, "LoadFailed"), EndpointFailed, "LoadFailed"},
		{"the first version does not load, by the other condition", 0, 1, condition("Ready", false, "LoadFailed"), EndpointFailed, "LoadFailed"},
		{"the condition that does not hold tells most", 0, 1, append(condition("Ready", true, ""), condition("Loaded", false, "LoadFailed")...), EndpointFailed, "LoadFailed"},
		{"no version, as both conditions say", 0, 0, append(condition("NoVersion", true, "NoVersion"), condition("Ready", false, "NoVersion")...), EndpointNoVersion, "NoVersion"},
		{"no version", 0, 0, condition("Ready", false, "NoVersion"), EndpointNoVersion, "NoVersion"},
		{"not looked at, nothing to load", 0, 0, nil, EndpointNoVersion, ""},
		{"not looked at", 0, 1, nil, EndpointLoading, ""},
		{"not looked at since the alias was set", 0, 1, condition("Ready", false, "NoVersion"), EndpointLoading, "NoVersion"},
	} {
		e := OverviewEndpoint{Target: tc.target}.With(Endpoint{Version: tc.serving, Conditions: tc.conditions})
		if e.State != tc.want || e.Reason != tc.reason {
			t.Errorf("%s: %s because of %q, want %s because of %q", tc.name, e.State, e.Reason, tc.want, tc.reason)
		}
	}
}

// Counts, and those who wait for a person, come from the data plane and from the listeners.
func TestEndpointCounts(t *testing.T) {
	got := OverviewEndpoint{Name: "e", Target: 1}.With(Endpoint{Version: 1, Counts: map[string]int64{"predictions": 5, "dropped": 2, "lost": 1, "labels": 9},
		Settled: []trimtab.Settlement{{Listener: "monitor/m", Wait: trimtab.WaitEventTime}, {Listener: "rollout", Wait: trimtab.WaitHuman, Detail: "trimtab approve x"}}})
	want := OverviewEndpoint{Name: "e", Target: 1, Serving: 1, State: EndpointServing, Predictions: 5, Dropped: 2, Lost: 1, Waits: []OverviewWait{{"rollout", "trimtab approve x"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
