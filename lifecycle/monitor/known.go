package monitor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
)

// outcome says what becomes of a row.
type outcome int

const (
	counts      outcome = iota
	held                // an incident keeps it out
	quarantined         // a contract does
)

// knowledge is what was wrong with an endpoint, as known at a border.
type knowledge []trimtab.Incident

// maxIncidents bounds the incidents of an endpoint that are looked at.
const maxIncidents = 10_000

// own reports whether it is a look of this monitor that opens and closes the incident.
func (s *pass) own(i trimtab.Incident) bool {
	switch i.Kind {
	case trimtab.DataFault, trimtab.Breach, trimtab.Drift, trimtab.Decay, trimtab.Miscalibration, trimtab.LabelsStopped, trimtab.TrafficStopped:
		return i.Monitor == s.name
	}
	return false
}

// known is what was wrong as of the border, with what this monitor has found there.
// What others found at the same border is left out: who comes first must not show.
func (s *pass) known(ctx context.Context, at trimtab.Time) (knowledge, error) {
	all, err := s.incidents(ctx, at)
	if err != nil {
		return nil, err
	}
	return asOf(all, at, s.own), nil
}

// before is what was wrong before the border: what a pass that is repeated there starts from.
func (s *pass) before(ctx context.Context, at trimtab.Time) (knowledge, error) {
	all, err := s.incidents(ctx, at)
	if err != nil {
		return nil, err
	}
	return asOf(all, at, func(trimtab.Incident) bool { return false }), nil
}

func (s *pass) incidents(ctx context.Context, at trimtab.Time) ([]trimtab.Incident, error) {
	if s.cfg.Incidents == nil {
		return nil, nil
	}
	return s.cfg.Incidents.List(ctx, trimtab.DocumentQuery{Scope: s.spec.Endpoint, To: at, Limit: maxIncidents})
}

// asOf takes incidents back to a border: those found there count when here says so, and are closed when it does. What
// is closed later is closed: at a border that comes again nothing later has happened but what people did.
func asOf(all []trimtab.Incident, at trimtab.Time, here func(trimtab.Incident) bool) knowledge {
	var out knowledge
	for _, i := range all {
		if i.Found > at || i.Found == at && !here(i) {
			continue
		}
		if i.Closed == at && !here(i) {
			i.Closed, i.End = 0, 0
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b trimtab.Incident) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// in names the incidents that touch a window.
func (k knowledge) in(w span) (ids []string) {
	for _, i := range k {
		if i.Begin < w.end && (i.End == 0 || i.End > w.start || i.End == i.Begin && i.Begin >= w.start) {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// doubted takes every fault for a hold, sure or not: its rows may be measured and learnt from, but are no measure of
// others, unless what was not sure has lasted so long that it is usual.
func (k knowledge) doubted(usual time.Duration) knowledge {
	out := slices.Clone(k)
	for n := range out {
		if i := &out[n]; i.Kind == trimtab.DataFault && i.Fault != diagnose.Volume && !i.Hold && (i.End == 0 || i.End.Sub(i.Begin) < usual) {
			i.Hold, i.Rule = true, ""
		}
	}
	return out
}

// rules are the holds that touch a span.
type rules []trimtab.Hold

func (k knowledge) holds(w span) (out rules) {
	for _, i := range k {
		if h, ok := i.Held(); ok && h.From < w.end && (h.To == 0 || h.To > w.start) {
			out = append(out, h)
		}
	}
	return out
}

// of says what becomes of a row with the event time t that a contract quarantined under rule, "" for none.
func (r rules) of(t trimtab.Time, rule string) outcome {
	switch {
	case trimtab.HeldRow(r, t, "") != "":
		return held
	case rule != "" && trimtab.HeldRow(r, t, rule) != "":
		return quarantined
	}
	return counts
}
