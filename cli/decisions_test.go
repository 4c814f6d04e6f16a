package cli

import (
	"bytes"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func aDecision() trimtab.Decision {
	return trimtab.Decision{ID: "keep@20130415T000000", Policy: "keep", Endpoint: "flights", At: at("2013-04-15"), Window: at("2013-04-08"), Served: 1, Mode: "approve", Strategy: "cost-aware",
		Action: trimtab.DoRetrain, State: trimtab.DecisionAwaiting, Command: "trimtab decisions approve keep@20130415T000000",
		Reason: "retrain: it would have saved 0.0112 ± 0.002 of loss per row in the last 2 windows, which is real with a chance of 99%; over 8 windows that is worth 540 loss, and it costs 240",
		Facts: []trimtab.Fact{{Name: "rows", Value: 6012}, {Name: "held"}, {Name: "positives", Value: 1300}, {Name: "loss", Value: .4512}, {Name: "learnable", Value: 24000}, {Name: "horizon", Value: 8, Text: "windows"},
			{Name: "unit", Text: "loss"}, {Name: "probe gain", Value: .0123}, {Name: "slope", Value: 1.04}},
		Alternatives: []trimtab.Alternative{{Action: trimtab.DoNothing},
			{Action: trimtab.DoRetrain, Windows: 2, Rows: 12100, Gain: .0112, StdErr: .002, Expected: 540.4, Cost: 240, Net: 300.4, Chosen: true},
			{Action: trimtab.DoRecalibrate, Windows: 2, Rows: 12100, Gain: -.0002, StdErr: .0004, Expected: -9, Cost: 24, Net: -33, Why: "it would not have saved anything that is told from chance"},
			{Action: trimtab.DoPromoteOlder, Version: 7, Why: "not measured yet"}},
		Guards: []trimtab.Guard{{Name: "not paused", Passed: true}, {Name: "cooldown over", Why: "cooling down until 2013-04-22T00:00:00Z"}}, Incidents: []string{"flights.drift.flights.20130401T000000"}}
}

func TestDecisionPage(t *testing.T) {
	waiting, done := aDecision(), aDecision()
	done.State, done.Approver, done.Run, done.Candidate, done.Evaluation, done.Rollout = trimtab.DecisionDone, "ada", "pr-0123456789abcdef", 3, "flights/flights/3@2013-04-15T00:00:00Z", "flights.2"
	done.Outcome, done.Realised = "version 3 serves since 2013-04-17T00:00:00Z", &trimtab.Fact{Name: "gain", Value: .0094}
	entries := []view.Entry{{Index: 52, Entry: trimtab.Entry{Time: at("2026-01-02T10:00:00Z"), Actor: trimtab.Actor{ID: "ada"}, Change: trimtab.Change{Action: "decision.approve", Reason: "agreed"}}},
		{Index: 7, Entry: trimtab.Entry{Time: at("2026-01-02T09:00:00Z"), Actor: trimtab.Controller("policy"), Change: trimtab.Change{Action: "decision.awaiting", Reason: waiting.Reason}}}}
	for name, give := range map[string]struct {
		d       trimtab.Decision
		entries []view.Entry
	}{"decision-waits.txt": {waiting, entries[1:]}, "decision-done.txt": {done, entries}, "decision-nothing.txt": {d: trimtab.Decision{ID: "keep@20130401T000000", Policy: "keep", Endpoint: "flights",
		At: at("2013-04-01"), Window: at("2013-03-25"), Served: 1, Mode: "auto", Strategy: "cost-aware", Action: trimtab.DoNothing, State: trimtab.DecisionNoted, Reason: "nothing: no cure has been measured yet"}}} {
		var b bytes.Buffer
		if err := testApp(&b).writeDecision(&b, give.d, give.entries); err != nil {
			t.Fatal(err)
		}
		fits(t, name, b.Bytes())
		golden(t, name, b.Bytes())
	}
}

// fits reports lines that are wider than a page.
func fits(t *testing.T, name string, page []byte) {
	t.Helper()
	for line := range bytes.Lines(page) {
		if n := lipgloss.Width(string(bytes.TrimSuffix(line, []byte("\n")))); n > pageWidth {
			t.Errorf("%s: a line has %d columns:\n%s", name, n, line)
		}
	}
}

func TestDecisionList(t *testing.T) {
	var b bytes.Buffer
	nothing := trimtab.Decision{ID: "keep@20130401T000000", Served: 1, Action: trimtab.DoNothing, State: trimtab.DecisionNoted, Reason: "nothing: no cure has been measured yet"}
	older := trimtab.Decision{ID: "keep@20130408T000000", Served: 12, Action: trimtab.DoPromoteOlder, Version: 7, State: trimtab.DecisionDone, Reason: "why", Outcome: "version 7 serves"}
	if err := testApp(&b).writeDecisions(&b, []trimtab.Decision{aDecision(), older, nothing}, true); err != nil {
		t.Fatal(err)
	}
	golden(t, "decisions.txt", b.Bytes())
	b.Reset()
	if err := testApp(&b).writeDecisions(&b, nil, false); err != nil || b.String() != "No policy has decided to do anything; --all lists decisions to do nothing too.\n" {
		t.Errorf("%v: %s", err, b.String())
	}
}
