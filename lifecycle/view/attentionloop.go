package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// attendLoop says what of the closed loop needs a person: what is wrong and not
// only told, what waits for a yes or no, and a loop that does nothing. Times are
// event times, so they say nothing about since when a person is waited for.
func attendLoop(l OverviewLoop) (out []Attention) {
	if l.Pause != nil {
		out = append(out, Attention{Severity: Warn, Rule: "loop.paused", Kind: "pause", Name: l.Pause.Name, Title: "The loop is paused",
			Detail: strings.TrimSuffix("by "+l.Pause.By+": "+l.Pause.Reason, ": "), Since: l.Pause.At, Command: "trimtab loop resume"})
	}
	for _, p := range l.Paused {
		if l.Pause == nil { // else that is said already
			out = append(out, Attention{Severity: Warn, Rule: "policy.paused", Kind: "policy", Name: p.Name, Title: fmt.Sprintf("Policy %s is paused", p.Name),
				Detail: strings.TrimSuffix("by "+p.By+": "+p.Reason, ": "), Since: p.At, Command: "trimtab loop resume " + p.Name})
		}
	}
	for _, p := range l.Stopped {
		out = append(out, Attention{Severity: Bad, Rule: "policy.stopped", Kind: "policy", Name: p.Policy, Title: fmt.Sprintf("Policy %s has stopped", p.Policy),
			Detail: fmt.Sprintf("%d cures in a row could not be made", p.Failures), Command: "trimtab loop close-breaker " + p.Policy + " --reason WHY"})
	}
	for _, i := range l.Incidents {
		// A person looks after what was acknowledged or released; what only informs needs nobody.
		if i.Released || i.SeenBy != "" || i.Severity == trimtab.Info {
			continue
		}
		a := Attention{Severity: Warn, Rule: "incident.open", Kind: "incident", Name: i.ID, Title: fmt.Sprintf("Endpoint %s: %s", i.Endpoint, incidentWord(i.Kind, i.Fault)), Detail: i.Cause,
			Command: "trimtab incidents show " + i.ID}
		if incidentWords[i.Kind] == "" {
			a.Title = fmt.Sprintf("Endpoint %s: %s", i.Endpoint, i.Kind)
		}
		if i.Severity == trimtab.Critical {
			a.Severity = Bad
		}
		if i.Holds {
			a.Title += ", rows are held"
		}
		out = append(out, a)
	}
	for _, d := range l.Decisions {
		a := Attention{Severity: Warn, Kind: "decision", Name: d.ID, Detail: why(d.Reason), Command: "trimtab decisions explain " + d.ID}
		switch d.State {
		case trimtab.DecisionAwaiting:
			a.Rule, a.Title = "decision.awaits", fmt.Sprintf("Policy %s waits for a yes or no to %s", d.Policy, actionWords(d))
		case trimtab.DecisionAdvised:
			a.Rule, a.Title = "decision.advised", fmt.Sprintf("Policy %s advises to %s", d.Policy, actionWords(d))
		default:
			continue
		}
		out = append(out, a)
	}
	for _, r := range l.Rollouts {
		if r.State == trimtab.RolloutHeld {
			out = append(out, Attention{Severity: Warn, Rule: "rollout.held", Kind: "rollout", Name: r.ID, Title: fmt.Sprintf("Rollout of version %d on endpoint %s is held", r.To, r.Endpoint), Detail: r.Reason,
				Command: "trimtab rollout status " + r.ID})
		}
	}
	return out
}

// incidentWords say in a title what is wrong.
var incidentWords = map[trimtab.IncidentKind]string{trimtab.DataFault: "the data are wrong", trimtab.Breach: "a data contract is broken", trimtab.Drift: "inputs drift", trimtab.Decay: "quality fell",
	trimtab.Miscalibration: "scores are miscalibrated", trimtab.LabelsStopped: "labels have stopped", trimtab.TrafficStopped: "traffic has stopped", trimtab.RolledBack: "a rollout was rolled back",
	trimtab.TrainingFailed: "a training of the loop failed", trimtab.DidNotHelp: "a cure did not help", trimtab.LoopBroken: "the loop has stopped"}

// incidentWord says what is wrong; of rows and labels that did not stop but came
// fewer, late or in numbers, as what was found has it.
func incidentWord(kind trimtab.IncidentKind, fault string) string {
	switch {
	case kind == trimtab.DataFault && fault == "volume":
		return "more rows came than usual"
	case kind == trimtab.TrafficStopped && fault == "fewer":
		return "rows are missing"
	case kind == trimtab.TrafficStopped && fault == "late":
		return "rows come late"
	case kind == trimtab.LabelsStopped && fault == "fewer":
		return "labels are missing"
	case kind == trimtab.LabelsStopped && fault == "late":
		return "labels come late"
	}
	return incidentWords[kind]
}

func actionWords(d OverviewDecision) string {
	switch d.Action {
	case trimtab.DoPromoteOlder:
		return fmt.Sprintf("promote version %d again", d.Version)
	case trimtab.DoRollBack:
		return fmt.Sprintf("roll back to version %d", d.Version)
	}
	return string(d.Action)
}

// why is a reason without the action in front of it, which the title says.
func why(reason string) string {
	if _, after, ok := strings.Cut(reason, ": "); ok {
		return after
	}
	return reason
}

// told reports whether a line about the loop says already what a listener of an
// endpoint waits for.
func (l OverviewLoop) told(endpoint, listener string) bool {
	kind, name, _ := strings.Cut(listener, "/")
	if kind != "policy" && kind != "rollout" {
		return false
	}
	if l.Pause != nil || kind == "policy" && slices.ContainsFunc(l.Paused, func(p trimtab.Pause) bool { return p.Name == name }) {
		return true
	}
	for _, d := range l.Decisions {
		if kind == "policy" && d.Policy == name && d.State == trimtab.DecisionAwaiting {
			return true
		}
	}
	for _, r := range l.Rollouts {
		if r.Endpoint == endpoint && r.State == trimtab.RolloutHeld {
			return true
		}
	}
	return false
}
