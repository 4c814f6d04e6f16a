package cli

import (
	"bytes"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func anIncident() trimtab.Incident {
	return trimtab.Incident{ID: "flights.dataFault.unit.wind_speed.20130408T000000", Kind: trimtab.DataFault, Endpoint: "flights", Also: []string{"delays"}, Monitor: "quality", Columns: []string{"wind_speed"},
		Severity: trimtab.Critical, Begin: at("2013-04-08"), Found: at("2013-04-09"), Fault: "unit", Factor: 1.609344, Cause: "wind_speed is 1.609 times what it was, as if miles had become kilometres",
		Remedy: "Ask the source; when the rows are right after all: trimtab incidents release flights.dataFault.unit.wind_speed.20130408T000000 --reason WHY", Rows: 6012, Bad: 5210, Hold: true,
		Evidence: []trimtab.Evidence{{Name: "fit", Value: .98, Limit: .9}, {Name: "rows", Value: 5210, Text: "of 6012"}}}
}

func aRollout() trimtab.Rollout {
	return trimtab.Rollout{ID: "flights.3", Endpoint: "flights", Model: "flights", Alias: "champion", From: 3, To: 4, Origin: "policy", Cause: "keep@20130415T000000", State: trimtab.RolloutCanary, Step: 1, Share: .25,
		Begun: at("2013-04-15"), Since: at("2013-04-18"), Looked: at("2013-04-18T12:00:00Z"),
		Spec: trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(2 * 86400e9)}, Canary: &trimtab.CanarySpec{Steps: []float64{.05, .25, .5}, Each: trimtab.Duration(86400e9)},
			Bake: trimtab.Duration(2 * 86400e9), OnInconclusive: "hold"},
		Looks: []trimtab.Look{{Stage: "shadow", Test: "loss", N: 12000, Estimate: -.011, Lo: -.02, Hi: -.002, Limit: .02, Verdict: "promote"},
			{Stage: "canary 25%", Test: "errors", N: 900, Estimate: .0001, Lo: -.004, Hi: .005, Limit: .002, Verdict: "hold"},
			{Stage: "canary 25%", Test: "disagreement", N: 900, Estimate: .31, Lo: .27, Hi: .35, Limit: .2, Verdict: "hold", Why: "beyond the limit, but by the labels no worse"},
			{Stage: "canary 25%", Test: "sampleRatio", N: 900, Estimate: .2511, Hi: 1, Limit: .25, Verdict: "hold"},
			{Stage: "canary 25%", Test: "latency", N: 900, Estimate: .0041, Lo: .0041, Hi: .0041, Limit: .05, Verdict: "promote"}}}
}

func TestLoopPages(t *testing.T) {
	held, promoted := aRollout(), aRollout()
	held.State, held.Reason, held.Step, held.Share, held.Looks = trimtab.RolloutHeld, "stayed undecided", 0, 0, nil
	promoted.State, promoted.Share, promoted.Looks, promoted.Ended, promoted.Promoted = trimtab.RolloutPromoted, 1, nil, at("2013-04-25"), at("2013-04-22")
	back := promoted
	back.State, back.Share, back.Promoted, back.Reason = trimtab.RolloutRolledBack, 0, 0, "loss is beyond its limit"
	released := anIncident()
	released.Released, released.ReleasedBy, released.Note, released.End, released.Closed = true, "ada", "they are right", at("2013-04-15"), at("2013-04-16")
	loop := view.Loop{Policies: []view.LoopPolicy{
		{Name: "keep", Endpoint: "flights", Monitor: "quality", Mode: "approve", Strategy: "cost-aware", Through: at("2013-04-15"), Next: at("2013-04-22"), Cooldown: at("2013-04-20"), Used: 1, Budget: 3, Per: trimtab.Duration(28 * 86400e9),
			Open: []string{"keep@20130415T000000"}, Waits: "trimtab decisions approve keep@20130415T000000, or reject it", Newest: &view.LoopDecision{ID: "keep@20130415T000000", Action: trimtab.DoRetrain, State: trimtab.DecisionAwaiting, Reason: aDecision().Reason}},
		{Name: "sick", Monitor: "gone", Mode: "auto", Broken: true, Failures: 3},
	}}
	paused := view.Loop{Pause: &trimtab.Pause{Name: "loop", Paused: true, By: "ada", Reason: "a release", At: at("2026-01-02")}}
	for name, write := range map[string]func(a *application, b *bytes.Buffer) error{
		"incident.txt":      func(a *application, b *bytes.Buffer) error { return a.writeIncident(b, anIncident(), nil) },
		"incident-over.txt": func(a *application, b *bytes.Buffer) error { return a.writeIncident(b, released, nil) },
		"incidents.txt": func(a *application, b *bytes.Buffer) error {
			return a.writeIncidents(b, []trimtab.Incident{released, anIncident()}, true)
		},
		"rollout.txt":          func(a *application, b *bytes.Buffer) error { return a.writeRollout(b, aRollout()) },
		"rollout-held.txt":     func(a *application, b *bytes.Buffer) error { return a.writeRollout(b, held) },
		"rollout-promoted.txt": func(a *application, b *bytes.Buffer) error { return a.writeRollout(b, promoted) },
		"rollout-back.txt":     func(a *application, b *bytes.Buffer) error { return a.writeRollout(b, back) },
		"rollouts.txt": func(a *application, b *bytes.Buffer) error {
			return a.writeRollouts(b, []trimtab.Rollout{promoted, aRollout()})
		},
		"loop.txt":        func(a *application, b *bytes.Buffer) error { return a.writeLoop(b, loop) },
		"loop-paused.txt": func(a *application, b *bytes.Buffer) error { return a.writeLoop(b, paused) },
		"status-loop.txt": func(a *application, b *bytes.Buffer) error {
			o := view.Overview{Server: view.Server{Project: "default", Now: at("2013-07-03")}, Models: []view.OverviewModel{{Name: "flights"}},
				Endpoints: []view.OverviewEndpoint{{Name: "flights", Model: "flights", Alias: "champion", State: view.EndpointServing, Serving: 3, Target: 3, Waits: []view.OverviewWait{{Listener: "policy/keep", Command: "said already"}}}}}
			o.Loop = view.OfLoop(paused.Pause, []trimtab.Incident{anIncident()}, []trimtab.Decision{aDecision()}, []trimtab.Rollout{held, aRollout(), promoted}, []trimtab.PolicyState{{Policy: "sick", Broken: true, Failures: 3}})
			o.Attention = view.Attend(o, nil)
			return a.writeStatus(b, o)
		},
	} {
		var b bytes.Buffer
		if err := write(testApp(&b), &b); err != nil {
			t.Fatal(err)
		}
		if name != "incidents.txt" && name != "status-loop.txt" { // ids are as long as they are
			fits(t, name, b.Bytes())
		}
		golden(t, name, b.Bytes())
	}
}

func TestLookLine(t *testing.T) {
	for _, tc := range []struct {
		estimate, lo, hi float64
		want             string
	}{
		{0, 0, 0, "    ●     ┃      "},
		{.5, .25, .75, "    │ ─●──┃      "},
		{1.5, .5, 9, "    │  ───╂──●──›"},
		{-.5, -9, 0, "‹●──┼     ┃      "},
		{-9, -9, -9, "●   │     ┃      "},
	} {
		got := lookLine(trimtab.Look{Estimate: tc.estimate, Lo: tc.lo, Hi: tc.hi, Limit: 1})
		if got != tc.want || lipgloss.Width(got) != 17 {
			t.Errorf("%+v: %q, want %q", tc, got, tc.want)
		}
	}
}

func TestClipped(t *testing.T) {
	for text, want := range map[string]string{"": "", "short": "short", "one two three four": "one two…", "unbreakable-and-long": "unbreakable-and-long"} {
		if got := clipped(text, 10); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
