package view

import "github.com/trimtab/trimtab"

// OverviewLoop is what the closed loop is about at the moment. Pause is nil unless
// the loop is paused; Paused are policies that are paused each by itself, Stopped those
// whose circuit breaker is open. Other lists are never null in an answer.
type OverviewLoop struct {
	Pause     *trimtab.Pause     `json:"pause,omitempty"`
	Paused    []trimtab.Pause    `json:"paused,omitempty"`
	Incidents []OverviewIncident `json:"incidents"` // open, newest first
	Decisions []OverviewDecision `json:"decisions"` // open ones, and the newest advice of each policy
	Rollouts  []OverviewRollout  `json:"rollouts"`  // open
	Stopped   []OverviewStopped  `json:"stopped"`
}

// OverviewIncident is an open incident.
type OverviewIncident struct {
	ID       string               `json:"id"`
	Kind     trimtab.IncidentKind `json:"kind"`
	Endpoint string               `json:"endpoint"`
	Severity trimtab.Severity     `json:"severity"`
	Begin    trimtab.Time         `json:"begin"`
	Fault    string               `json:"fault,omitempty"`
	Cause    string               `json:"cause"`
	Holds    bool                 `json:"holds,omitempty"`
	Released bool                 `json:"released,omitempty"`
	SeenBy   string               `json:"seenBy,omitempty"` // who acknowledged it
}

// OverviewDecision is a decision that waits, is being carried out, or was advised.
type OverviewDecision struct {
	ID       string                `json:"id"`
	Policy   string                `json:"policy"`
	Endpoint string                `json:"endpoint"`
	At       trimtab.Time          `json:"at"`
	Action   trimtab.Action        `json:"action"`
	Version  trimtab.Version       `json:"version,omitempty"` // of promoteOlder
	State    trimtab.DecisionState `json:"state"`
	Reason   string                `json:"reason"`
}

// OverviewRollout is an open rollout.
type OverviewRollout struct {
	ID       string               `json:"id"`
	Endpoint string               `json:"endpoint"`
	From     trimtab.Version      `json:"from"`
	To       trimtab.Version      `json:"to"`
	State    trimtab.RolloutState `json:"state"`
	Share    float64              `json:"share"`
	Since    trimtab.Time         `json:"since"`
	Reason   string               `json:"reason,omitempty"`
}

// OverviewStopped is a policy that has stopped after failures in a row.
type OverviewStopped struct {
	Policy   string `json:"policy"`
	Failures int    `json:"failures"`
}

// OfLoop puts the loop of an overview together: decisions that nobody has to see and
// rollouts that have ended are left out.
func OfLoop(pause *trimtab.Pause, incidents []trimtab.Incident, decisions []trimtab.Decision, rollouts []trimtab.Rollout, policies []trimtab.PolicyState) OverviewLoop {
	l := OverviewLoop{Incidents: []OverviewIncident{}, Decisions: []OverviewDecision{}, Rollouts: []OverviewRollout{}, Stopped: []OverviewStopped{}}
	if pause != nil && pause.Paused {
		l.Pause = pause
	}
	for _, i := range incidents {
		if i.Closed == 0 {
			l.Incidents = append(l.Incidents, OverviewIncident{ID: i.ID, Kind: i.Kind, Endpoint: i.Endpoint, Severity: i.Severity, Begin: i.Begin, Fault: i.Fault, Cause: i.Cause, Holds: i.Hold, Released: i.Released, SeenBy: i.AcknowledgedBy})
		}
	}
	for _, d := range decisions {
		if !d.State.Ended() || d.State == trimtab.DecisionAdvised {
			l.Decisions = append(l.Decisions, OverviewDecision{ID: d.ID, Policy: d.Policy, Endpoint: d.Endpoint, At: d.At, Action: d.Action, Version: d.Version, State: d.State, Reason: d.Reason})
		}
	}
	for _, r := range rollouts {
		if !r.State.Ended() {
			l.Rollouts = append(l.Rollouts, OverviewRollout{ID: r.ID, Endpoint: r.Endpoint, From: r.From, To: r.To, State: r.State, Share: r.Share, Since: r.Since, Reason: r.Reason})
		}
	}
	for _, p := range policies {
		if p.Broken {
			l.Stopped = append(l.Stopped, OverviewStopped{Policy: p.Policy, Failures: p.Failures})
		}
	}
	return l
}
