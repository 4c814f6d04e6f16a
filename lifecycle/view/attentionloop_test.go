package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

func TestAttendLoop(t *testing.T) {
	decision := func(state trimtab.DecisionState, action trimtab.Action) trimtab.Decision {
		return trimtab.Decision{ID: "p@1", Policy: "p", Endpoint: "e", Action: action, Version: 7, State: state, Reason: "retrain: it pays"}
	}
	incident := trimtab.Incident{ID: "i", Kind: trimtab.DataFault, Endpoint: "e", Severity: trimtab.Critical, Cause: "x3", Hold: true}
	info, released, seen, over := incident, incident, incident, incident
	info.Severity, released.Released, seen.AcknowledgedBy, over.Closed = trimtab.Info, true, "ada", 5
	mild := trimtab.Incident{ID: "j", Kind: trimtab.Decay, Endpoint: "e", Severity: trimtab.Warning, Cause: "worse"}
	held := trimtab.Rollout{ID: "e.3", Endpoint: "e", To: 4, State: trimtab.RolloutHeld, Reason: "undecided"}
	waits := Overview{Endpoints: []OverviewEndpoint{{Name: "e", State: EndpointServing, Waits: []OverviewWait{{Listener: "policy/p", Command: "c"}, {Listener: "monitor/m", Command: "d"}}}}}
	monitorWaits := "warn endpoint.waits: Endpoint e: monitor/m waits for a decision |  | d"
	for name, tc := range map[string]struct {
		why  string
		over Overview
		loop OverviewLoop
		want []string // "severity rule: title | detail | command"
	}{
		"nothing": {"a loop that has nothing to say", Overview{}, OfLoop(nil, nil, nil, nil, nil), nil},
		"resumed": {"a pause that is over", Overview{}, OfLoop(&trimtab.Pause{By: "ada"}, nil, nil, nil, nil), nil},
		"paused": {"a pause is forgotten easily, and nothing is cured meanwhile; it says already why the policy waits", waits, OfLoop(&trimtab.Pause{Name: "loop", Paused: true, By: "ada"}, nil, nil, nil, nil),
			[]string{monitorWaits, "warn loop.paused: The loop is paused | by ada | trimtab loop resume"}},
		"one paused": {"a policy that is paused alone is forgotten just as easily", waits, OverviewLoop{Paused: []trimtab.Pause{{Name: "p", Paused: true, By: "ada", Reason: "a release"}}},
			[]string{monitorWaits, "warn policy.paused: Policy p is paused | by ada: a release | trimtab loop resume p"}},
		"both paused": {"said once: the whole loop stands", Overview{}, OverviewLoop{Pause: &trimtab.Pause{Name: "loop", Paused: true, By: "ada"}, Paused: []trimtab.Pause{{Name: "p", Paused: true}}},
			[]string{"warn loop.paused: The loop is paused | by ada | trimtab loop resume"}},
		"stopped": {"cures fail, and none is tried any more", Overview{}, OfLoop(nil, nil, nil, nil, []trimtab.PolicyState{{Policy: "p", Broken: true, Failures: 3}, {Policy: "q"}}),
			[]string{"bad policy.stopped: Policy p has stopped | 3 cures in a row could not be made | trimtab loop close-breaker p --reason WHY"}},
		"incidents": {"wrong data and worse answers are looked at; what informs, was looked at, has somebody or is over is not", Overview{}, OfLoop(nil, []trimtab.Incident{info, mild, released, seen, incident, over}, nil, nil, nil),
			[]string{"bad incident.open: Endpoint e: the data are wrong, rows are held | x3 | trimtab incidents show i", "warn incident.open: Endpoint e: quality fell | worse | trimtab incidents show j"}},
		"awaits": {"said once, with what is asked", waits, OfLoop(nil, nil, []trimtab.Decision{decision(trimtab.DecisionAwaiting, trimtab.DoRetrain)}, nil, nil),
			[]string{monitorWaits, "warn decision.awaits: Policy p waits for a yes or no to retrain | it pays | trimtab decisions explain p@1"}},
		"advised": {"in mode advise nobody else does it", Overview{}, OfLoop(nil, nil, []trimtab.Decision{decision(trimtab.DecisionAdvised, trimtab.DoPromoteOlder)}, nil, nil),
			[]string{"warn decision.advised: Policy p advises to promote version 7 again | it pays | trimtab decisions explain p@1"}},
		"under way": {"the loop does it by itself", Overview{}, OfLoop(nil, nil, []trimtab.Decision{decision(trimtab.DecisionTraining, trimtab.DoRetrain), decision(trimtab.DecisionDone, trimtab.DoRetrain)},
			[]trimtab.Rollout{{ID: "e.2", Endpoint: "e", State: trimtab.RolloutCanary}, {ID: "e.1", State: trimtab.RolloutPromoted}}, nil), nil},
		"held": {"a rollout that nobody decides stays half done", waits, OfLoop(nil, nil, nil, []trimtab.Rollout{held}, nil),
			[]string{monitorWaits, "warn rollout.held: Rollout of version 4 on endpoint e is held | undecided | trimtab rollout status e.3"}},
		"waits for something else": {"nothing else says it", waits, OfLoop(nil, nil, nil, nil, nil), []string{monitorWaits, "warn endpoint.waits: Endpoint e: policy/p waits for a decision |  | c"}},
	} {
		tc.over.Loop = tc.loop
		var got []string
		for _, a := range Attend(tc.over, nil) {
			got = append(got, string(a.Severity)+" "+a.Rule+": "+a.Title+" | "+a.Detail+" | "+a.Command)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (%s):\n%s", name, tc.why, diff)
		}
	}
}
