package view

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab"
)

// IncidentLine is an incident in a list.
type IncidentLine struct {
	ID       string               `json:"id"`
	Kind     trimtab.IncidentKind `json:"kind"`
	Endpoint string               `json:"endpoint"`
	Severity trimtab.Severity     `json:"severity"`
	Begin    trimtab.Time         `json:"begin"`
	End      trimtab.Time         `json:"end,omitempty"`
	Closed   trimtab.Time         `json:"closed,omitempty"`
	Columns  []string             `json:"columns"`
	Fault    string               `json:"fault,omitempty"`
	Cause    string               `json:"cause"`
	Held     bool                 `json:"held,omitempty"`
	Released bool                 `json:"released,omitempty"`
	Bad      int64                `json:"bad,omitempty"`
	SeenBy   string               `json:"seenBy,omitempty"` // who acknowledged it
}

// OfIncidentLine shortens an incident.
func OfIncidentLine(i trimtab.Incident) IncidentLine {
	l := IncidentLine{ID: i.ID, Kind: i.Kind, Endpoint: i.Endpoint, Severity: i.Severity, Begin: i.Begin, End: i.End, Closed: i.Closed, Columns: i.Columns, Fault: i.Fault,
		Cause: i.Cause, Held: i.Hold, Released: i.Released, Bad: i.Bad, SeenBy: i.AcknowledgedBy}
	if l.Columns == nil {
		l.Columns = []string{}
	}
	return l
}

// IncidentList is a page of incidents, newest first, with what could be asked for.
type IncidentList struct {
	Items     []IncidentLine    `json:"items"`
	Next      trimtab.PageToken `json:"next,omitempty"`
	Endpoints []string          `json:"endpoints"`
	Kinds     []string          `json:"kinds"`
	Open      int               `json:"open"`
}

// IncidentRecord is an incident as it is kept, under a name that the pages can use.
type IncidentRecord trimtab.Incident

// IncidentPage is an incident with what happened around it, in event time.
type IncidentPage struct {
	Incident  IncidentRecord   `json:"incident"`
	Model     string           `json:"model,omitempty"`
	Steps     []IncidentStep   `json:"steps"`
	Windows   []IncidentWindow `json:"windows"`
	More      int              `json:"more,omitempty"` // windows that are not listed
	Decisions []DecisionLine   `json:"decisions"`
	Entries   []LoopEntry      `json:"entries"`
	Commands  []string         `json:"commands"`
}

// IncidentStep is one thing that happened, at an event time. By is the person who did
// it and Noted when by the clock, absent of what was found or decided.
type IncidentStep struct {
	At    trimtab.Time `json:"at"`
	Kind  string       `json:"kind"` // "began" "found" "decision" "ended" "closed" "released"
	Title string       `json:"title"`
	Text  string       `json:"text,omitempty"`
	ID    string       `json:"id,omitempty"` // of a decision
	By    string       `json:"by,omitempty"`
	Noted trimtab.Time `json:"noted,omitempty"`
}

// word is the newest entry in which a person did something to the incident, nil when
// it was not a person. The entries are the oldest first.
func word(entries []LoopEntry, action string) *LoopEntry {
	for n := len(entries) - 1; n >= 0; n-- {
		if e := &entries[n]; e.Action == action && e.Kind != string(trimtab.ControllerActor) {
			return e
		}
	}
	return nil
}

// IncidentWindow is a window that the incident touches.
type IncidentWindow struct {
	Start       trimtab.Time `json:"start"`
	End         trimtab.Time `json:"end"`
	Rows        int64        `json:"rows"`
	Labelled    int64        `json:"labelled"`
	Held        int64        `json:"held"`
	Quarantined int64        `json:"quarantined"`
	Metric      string       `json:"metric,omitempty"`
	Value       *float64     `json:"value,omitempty"`
}

// maxIncidentWindows bounds the windows of a page.
const maxIncidentWindows = 60

// IncidentPageOf puts an incident together with the windows that it touches and the
// decisions that were made while it lasted; both in any order.
func IncidentPageOf(i trimtab.Incident, model string, windows []trimtab.WindowResult, decisions []trimtab.Decision, entries []trimtab.Entry) IncidentPage {
	p := IncidentPage{Incident: IncidentRecord(i), Model: model, Windows: []IncidentWindow{}, Decisions: []DecisionLine{}, Entries: OfLoopEntries(entries), Commands: []string{"trimtab incidents show " + i.ID}}
	if i.Closed == 0 && i.AcknowledgedBy == "" {
		p.Commands = append(p.Commands, "trimtab incidents acknowledge "+i.ID)
	}
	if i.Hold && !i.Released {
		p.Commands = append(p.Commands, "trimtab incidents release "+i.ID+" --reason WHY")
	}
	if i.Closed == 0 {
		p.Commands = append(p.Commands, "trimtab incidents close "+i.ID+" --reason WHY")
	}
	windows = slices.Clone(windows)
	slices.SortFunc(windows, func(a, b trimtab.WindowResult) int { return cmp.Compare(a.Start, b.Start) })
	lead := leadMetric(windows)
	for _, w := range windows {
		if w.End <= i.Begin || i.End != 0 && w.Start >= max(i.End, i.Begin+1) {
			continue
		}
		if len(p.Windows) == maxIncidentWindows {
			p.More++
			continue
		}
		x := IncidentWindow{Start: w.Start, End: w.End, Rows: w.Rows, Labelled: w.Labelled, Held: w.Held, Quarantined: w.Quarantined, Metric: lead}
		for _, q := range w.Quality {
			if q.Metric == lead {
				x.Value = &q.Value
			}
		}
		p.Windows = append(p.Windows, x)
	}
	decisions = slices.Clone(decisions)
	slices.SortFunc(decisions, func(a, b trimtab.Decision) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	p.Steps = append(p.Steps, IncidentStep{At: i.Begin, Kind: "began", Title: "Began", Text: i.Cause})
	if i.Found != 0 {
		p.Steps = append(p.Steps, IncidentStep{At: i.Found, Kind: "found", Title: "Found", Text: "by monitor " + cmp.Or(i.Monitor, i.Endpoint) + holdText(i)})
	}
	for _, d := range decisions {
		named := slices.Contains(d.Incidents, i.ID)
		if !named && (d.Action == trimtab.DoNothing || d.At < i.Begin || i.Closed != 0 && d.At > i.Closed) {
			continue
		}
		p.Decisions = append(p.Decisions, OfDecisionLine(d))
		if d.Action != trimtab.DoNothing && len(p.Steps) < 40 {
			p.Steps = append(p.Steps, IncidentStep{At: d.At, Kind: "decision", Title: "Decided: " + string(d.Action), Text: d.Reason, ID: d.ID})
		}
	}
	if i.End != 0 && i.End != i.Begin {
		p.Steps = append(p.Steps, IncidentStep{At: i.End, Kind: "ended", Title: "Ended", Text: "from here on the data say nothing of it"})
	}
	if i.Closed != 0 {
		s := IncidentStep{At: i.Closed, Kind: "closed", Title: "Closed", Text: closedText(i)}
		if e := word(p.Entries, "incident.close"); e != nil {
			s.Title, s.Text, s.By, s.Noted = "Closed by "+e.By, e.Reason, e.By, e.Time
		}
		p.Steps = append(p.Steps, s)
	}
	slices.SortStableFunc(p.Steps, func(a, b IncidentStep) int { return cmp.Compare(a.At, b.At) })
	if i.Released {
		s := IncidentStep{At: max(i.Closed, i.Found), Kind: "released", Title: "Released by " + i.ReleasedBy, Text: i.Note, By: i.ReleasedBy}
		if e := word(p.Entries, "incident.release"); e != nil {
			s.Text, s.Noted = e.Reason, e.Time // a close afterwards has a note of its own
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

func holdText(i trimtab.Incident) string {
	switch {
	case i.Hold && i.Rule != "":
		return "; rows that rule " + i.Rule + " caught are kept out of training and figures"
	case i.Hold:
		return "; all rows of the span are kept out of training and figures"
	}
	return ""
}

func closedText(i trimtab.Incident) string {
	if i.Note != "" && !i.Released {
		return i.Note
	}
	return "the monitor saw that it had ended"
}

// IncidentKinds are the kinds that a list can be asked for.
var IncidentKinds = []string{string(trimtab.DataFault), string(trimtab.Breach), string(trimtab.Drift), string(trimtab.Decay), string(trimtab.Miscalibration), string(trimtab.LabelsStopped),
	string(trimtab.TrafficStopped), string(trimtab.RolledBack), string(trimtab.TrainingFailed), string(trimtab.DidNotHelp), string(trimtab.LoopBroken)}
