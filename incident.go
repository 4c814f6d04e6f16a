package trimtab

import (
	"slices"
	"strings"
)

// IncidentKind says what is wrong.
type IncidentKind string

const (
	DataFault      IncidentKind = "dataFault"      // the data are wrong: unit, nulls, swap, freeze, …
	Breach         IncidentKind = "breach"         // a data contract is broken
	Drift          IncidentKind = "drift"          // inputs or score moved; informs, never retrains
	Decay          IncidentKind = "decay"          // measured quality fell
	Miscalibration IncidentKind = "miscalibration" //
	LabelsStopped  IncidentKind = "labelsStopped"
	TrafficStopped IncidentKind = "trafficStopped"
	RolledBack     IncidentKind = "rolledBack"     // a rollout was rolled back
	TrainingFailed IncidentKind = "trainingFailed" // a pipeline run of the loop failed
	DidNotHelp     IncidentKind = "didNotHelp"     // a cure brought less than it promised
	LoopBroken     IncidentKind = "loopBroken"     // the circuit breaker is open
)

// Severity orders incidents for people.
type Severity string

const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Evidence is one number behind a finding. Limit is what it was compared with.
type Evidence struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit,omitzero"`
	Text  string  `json:"text,omitzero"`
}

// Incident is something wrong that lasts. One cause is one incident: several
// models under one upstream source share it (Also). Begin and End are event times,
// half open; End 0: it goes on.
type Incident struct {
	Workspace Workspace    `json:"ws"`
	ID        string       `json:"id"`
	Kind      IncidentKind `json:"kind"`
	Endpoint  string       `json:"endpoint"`
	Monitor   string       `json:"monitor,omitzero"`
	Also      []string     `json:"also,omitempty"` // further endpoints with the same cause
	Columns   []string     `json:"columns,omitempty"`
	Severity  Severity     `json:"severity"`

	Begin Time `json:"begin"`
	Found Time `json:"found"` // the border at which it was found
	End   Time `json:"end,omitzero"`
	// Closed is the border at which it was seen to have ended.
	Closed Time `json:"closed,omitzero"`

	Fault    string     `json:"fault,omitzero"` // of a data fault: "unit" "missing" "unseen" "swap" "freeze" …
	Factor   float64    `json:"factor,omitzero"`
	Offset   float64    `json:"offset,omitzero"`
	Cause    string     `json:"cause"` // one sentence for people
	Remedy   string     `json:"remedy,omitzero"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Rows     int64      `json:"rows,omitzero"`
	Bad      int64      `json:"bad,omitzero"`

	// Hold keeps the rows of the span out of training, references and quality: all of
	// them, or with a Rule those that a contract quarantined under it.
	Hold       bool   `json:"hold,omitzero"`
	Rule       string `json:"rule,omitzero"`
	Released   bool   `json:"released,omitzero"`
	ReleasedBy string `json:"releasedBy,omitzero"`
	Note       string `json:"note,omitzero"`

	// AcknowledgedBy is who has seen it and looks after it, "" while nobody has;
	// Acknowledgement is what they said, "" when nothing. It changes nothing for the
	// loop, and is void once the incident turns out to be worse than what was seen.
	AcknowledgedBy  string `json:"acknowledgedBy,omitzero"`
	Acknowledgement string `json:"acknowledgement,omitzero"`
}

// IncidentID names an incident by its cause, so that finding it again is the same incident.
func IncidentID(endpoint string, kind IncidentKind, what string, begin Time) string {
	parts := []string{endpoint, string(kind)}
	if what != "" {
		parts = append(parts, what)
	}
	return strings.Join(append(parts, begin.Go().Format("20060102T150405")), ".")
}

// Object names the incident in the journal.
func (i Incident) Object() Object { return Object{Kind: "incident", Name: i.ID} }

// Head is how the document is listed.
func (i Incident) Head() Head {
	state := "open"
	if i.Closed != 0 {
		state = "closed"
	}
	return Head{Scope: i.Endpoint, At: i.Begin, State: state, Open: i.Closed == 0}
}

// Held is the hold that the incident is, ok false when it is none.
func (i Incident) Held() (h Hold, ok bool) {
	if !i.Hold {
		return Hold{}, false
	}
	return Hold{Endpoint: i.Endpoint, From: i.Begin, To: i.End, Columns: i.Columns, Rule: i.Rule, Incident: i.ID, Released: i.Released}, true
}

// Close ends an open incident: in event time at end, seen at the border at.
func (i Incident) Close(end, at Time, note string) (Incident, Change, error) {
	if i.Closed != 0 {
		return i, Change{}, nil
	}
	old := i
	i.End, i.Closed = end, at
	if note != "" {
		i.Note = note
	}
	return i, Changed("incident.close", &old, i, note), nil
}

// Acknowledge says that a person has seen an open incident and looks after it; what
// they say about it may be empty. The same person saying the same again changes
// nothing, another one takes over. Precondition when the incident is closed.
func (i Incident) Acknowledge(by, reason string) (Incident, Change, error) {
	if i.AcknowledgedBy == by && (reason == "" || i.Acknowledgement == reason) {
		return i, Change{}, nil
	}
	if i.Closed != 0 {
		return i, Change{}, Errorf(Precondition, i.Object().String(), "incident %s is closed: there is nothing left to look after", i.ID)
	}
	old := i
	i.AcknowledgedBy, i.Acknowledgement = by, reason
	return i, Changed("incident.acknowledge", &old, i, reason), nil
}

// Release lets the held rows be learnt from after all.
func (i Incident) Release(by, reason string) (Incident, Change, error) {
	if !i.Hold {
		return i, Change{}, Errorf(Precondition, i.Object().String(), "incident %s holds no rows", i.ID)
	}
	if i.Released {
		return i, Change{}, nil
	}
	if reason == "" {
		return i, Change{}, Errorf(Invalid, i.Object().String(), "releasing held rows needs a reason: they will be learnt from")
	}
	old := i
	i.Released, i.ReleasedBy, i.Note = true, by, reason
	return i, Changed("incident.release", &old, i, reason), nil
}

// Same reports whether two incidents are about the same columns.
func (i Incident) Same(columns []string) bool { return slices.Equal(i.Columns, columns) }
