package monitor

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
)

// informs is the confidence from which on a finding is worth an incident that holds nothing, if it is still on when the
// window ends: what nobody is sure of and what is over needs nobody. goesOn is the confidence with which a fault that
// holds its rows is still there.
const (
	informs = 0.8
	goesOn  = 0.5
)

// move is a change of one incident: the rule is idempotent.
type move struct {
	id   string
	rule func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error)
}

// examined is what an examination of a window says.
type examined struct {
	span
	at         trimtab.Time
	monitor    string
	endpoint   string
	confidence float64 // from which on rows are held
	loose      bool    // it is declared that nothing is held
	findings   []diagnose.Finding
}

// moves turns findings into incidents: a fault that is open goes on while it is
// found again, and has ended where the rows are right again; a new one opens at the
// moment from which on rows are wrong. Found surely enough, it holds its rows.
func (e examined) moves(open []trimtab.Incident) (out []move) {
	used := make([]bool, len(e.findings))
	for _, i := range open {
		n := slices.IndexFunc(e.findings, func(f diagnose.Finding) bool { return e.same(i, f) })
		if n < 0 {
			out = append(out, closeIncident(i.ID, max(e.start, i.Begin), e.at, "the rows are right again"))
			continue
		}
		f := e.findings[n]
		for k := range e.findings {
			used[k] = used[k] || e.same(i, e.findings[k])
		}
		if !i.Hold && f.Confidence >= e.confidence && e.holds(f) {
			out = append(out, holdIncident(i.ID, f))
		}
		switch {
		case f.Healed && trimtab.Time(f.End) > i.Begin:
			out = append(out, closeIncident(i.ID, trimtab.Time(f.End), e.at, "the rows are right again"))
		case !i.Hold && f.Confidence < e.confidence && e.end.Sub(i.Begin) >= goodWindows*e.end.Sub(e.start):
			out = append(out, closeIncident(i.ID, e.end, e.at, "it was never sure, and has become usual"))
		}
	}
	for n, f := range e.findings {
		sure := f.Confidence >= e.confidence
		if used[n] || f.Kind == diagnose.Volume || !sure && (f.Confidence < informs || f.Healed) {
			continue
		}
		out = append(out, openIncident(e.incident(f)))
	}
	return out
}

// same reports whether a finding is the fault of an open incident: the same fault of
// one of its columns, or whatever is surely wrong with one of them.
func (e examined) same(i trimtab.Incident, f diagnose.Finding) bool {
	least := informs
	if i.Hold {
		least = goesOn
	}
	if f.Confidence < least || i.Fault != f.Kind && f.Confidence < e.confidence {
		return false
	}
	if i.Fault == f.Kind && len(i.Columns) == 0 && len(f.Columns) == 0 {
		return true
	}
	return slices.ContainsFunc(f.Columns, func(c string) bool { return slices.Contains(i.Columns, c) })
}

// holds reports whether rows of the fault are to be kept out: of rows that never came none can be.
func (e examined) holds(f diagnose.Finding) bool { return !e.loose && f.Kind != diagnose.Volume }

func (e examined) incident(f diagnose.Finding) trimtab.Incident {
	begin := trimtab.Time(f.Begin)
	if f.Begin == 0 {
		begin = e.start
	}
	i := trimtab.Incident{
		ID: trimtab.IncidentID(e.endpoint, trimtab.DataFault, what(f.Kind, f.Columns), begin), Kind: trimtab.DataFault, Endpoint: e.endpoint, Monitor: e.monitor,
		Columns: slices.Clone(f.Columns), Severity: trimtab.Info, Begin: begin, Found: e.at,
		Fault: f.Kind, Factor: sane(f.Factor), Offset: sane(f.Offset), Cause: f.Cause, Evidence: evidence(f), Rows: f.Rows, Bad: f.Bad,
		Remedy: "look at what sends these rows; nothing is held, because the finding is not sure",
	}
	switch {
	case f.Confidence >= e.confidence && e.holds(f):
		i.Hold, i.Severity, i.Remedy = true, trimtab.Critical, remedy(i.ID)
	case f.Confidence >= e.confidence:
		i.Severity, i.Remedy = trimtab.Critical, "correct what sends these rows; the monitor is declared to hold nothing (diagnosis.hold: false), so they are learnt from"
	}
	if f.Healed && trimtab.Time(f.End) > begin {
		i.End, i.Closed = trimtab.Time(f.End), e.at
	}
	return i
}

func remedy(id string) string {
	return "correct what sends these rows; they are kept out of training and figures until they are released: trimtab incidents release " + id + " --reason TEXT"
}

func evidence(f diagnose.Finding) []trimtab.Evidence {
	out := []trimtab.Evidence{{Name: "confidence", Value: sane(f.Confidence)}}
	for _, x := range f.Evidence {
		out = append(out, trimtab.Evidence{Name: x.Name, Value: sane(x.Value), Limit: sane(x.Limit)})
	}
	return out
}

// sane makes a number that a record can hold.
func sane(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return 0
	case math.IsInf(v, 1):
		return math.MaxFloat64
	case math.IsInf(v, -1):
		return -math.MaxFloat64
	}
	return v
}

// what names a fault within an id.
func what(kind string, columns []string) string {
	text := kind
	for _, c := range columns {
		text += "." + c
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, text)
	if len(text) > 80 || len(columns) > 4 {
		text = fmt.Sprintf("%.40s.%08x", text, uint32(digest(strings.Join(columns, "\x00"))))
	}
	return text
}

func openIncident(i trimtab.Incident) move {
	return move{i.ID, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old != nil {
			return *old, trimtab.Change{}, nil
		}
		return i, trimtab.Changed("incident.open", nil, i, i.Cause), nil
	}}
}

func closeIncident(id string, end, at trimtab.Time, note string) move {
	return move{id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old == nil {
			return trimtab.Incident{}, trimtab.Change{}, nil
		}
		return old.Close(end, at, note)
	}}
}

// holdIncident makes an incident hold its rows that so far only informed.
func holdIncident(id string, f diagnose.Finding) move {
	return move{id, func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		if old == nil || old.Hold || old.Released {
			return trimtab.Incident{}, trimtab.Change{}, nil
		}
		i := *old
		i.Hold, i.Severity, i.Fault, i.Cause, i.Remedy, i.Evidence = true, trimtab.Critical, f.Kind, f.Cause, remedy(id), evidence(f)
		i.Factor, i.Offset = sane(f.Factor), sane(f.Offset)
		i.AcknowledgedBy, i.Acknowledgement = "", "" // what was seen was less
		return i, trimtab.Changed("incident.hold", old, i, i.Cause), nil
	}}
}
