package retrain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

func durationOf(d trimtab.Duration) time.Duration { return time.Duration(d) }

// number writes a number for people: three digits that count.
func number(v float64) string {
	if math.IsInf(v, 1) {
		return "∞"
	}
	if math.Abs(v) < 1e-12 { // what rounding leaves of nothing
		return "0"
	}
	if a := math.Abs(v); a >= 1000 && a < 1e7 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func signed(v float64) string {
	if v >= 1e-12 {
		return "+" + number(v)
	}
	return number(v)
}

func facts(st trimtab.PolicyState, e Evidence, c Costs) []trimtab.Fact {
	out := []trimtab.Fact{
		{Name: "rows", Value: float64(e.Rows)},
		{Name: "held", Value: float64(e.Held)},
	}
	if e.Task == Binary {
		out = append(out, trimtab.Fact{Name: "positives", Value: float64(e.Positives)})
	}
	if !math.IsNaN(e.Loss) {
		out = append(out, trimtab.Fact{Name: "loss", Value: e.Loss})
	}
	out = append(out, trimtab.Fact{Name: "learnable", Value: float64(e.Learnable)},
		trimtab.Fact{Name: "horizon", Value: c.Horizon, Text: "windows"},
		trimtab.Fact{Name: "unit", Text: c.Unit})
	for _, m := range e.Measured {
		if m.Action == trimtab.DoRetrain && len(m.Blocks) > 0 {
			out = append(out, trimtab.Fact{Name: FactProbe, Value: spanOf(m.Blocks, 1).mean})
		}
	}
	if st.Excess > 0 {
		out = append(out, trimtab.Fact{Name: "excess", Value: st.Excess})
	}
	if st.Theta > 1 {
		out = append(out, trimtab.Fact{Name: "theta", Value: st.Theta})
	}
	if st.Believe != 1 && st.Believe != 0 {
		out = append(out, trimtab.Fact{Name: "believe", Value: st.Believe})
	}
	return out
}

// Names of facts that outcomes are learnt from.
const (
	// FactProbe is what the probe saved per row in the newest window.
	FactProbe = "probe gain"
	// FactChallenger is what the challenger of the decision saved per row in that window. Whoever carries the decision
	// out adds it before Promoted or Rejected; without it a rejected challenger is taken to have saved nothing.
	FactChallenger = "challenger gain"
)

func fact(d trimtab.Decision, name string) (float64, bool) {
	for _, f := range d.Facts {
		if f.Name == name {
			return f.Value, true
		}
	}
	return 0, false
}

// finite keeps what JSON cannot hold out of records.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

func alternatives(all []standing, choice standing, did trimtab.Action, c Costs) []trimtab.Alternative {
	out := []trimtab.Alternative{{Action: trimtab.DoNothing, Chosen: did == trimtab.DoNothing}}
	for _, s := range all {
		a := trimtab.Alternative{Action: s.Action, Version: s.Version, Windows: s.best.windows, Rows: int64(s.best.rows),
			Gain: finite(s.best.mean), StdErr: finite(s.best.stderr),
			Expected: finite(s.expected), Cost: finite(s.cost), Net: finite(s.net()), Why: s.why}
		switch {
		case s.Cure == choice.Cure && did == s.Action:
			a.Chosen, a.Why = true, ""
		case s.Cure == choice.Cure && s.passed:
			a.Why = "a guard stops it"
		case s.passed:
			a.Why = "another cure brings more"
		}
		out = append(out, a)
	}
	return out
}

func verb(c Cure) string {
	switch c.Action {
	case trimtab.DoRetrain:
		return "retrain"
	case trimtab.DoRecalibrate:
		return "recalibrate"
	case trimtab.DoPromoteOlder:
		return "promote version " + versionText(c.Version) + " again"
	case trimtab.DoRollBack:
		return "roll back to version " + versionText(c.Version)
	}
	return "do nothing"
}

func windows(n int) string {
	if n == 1 {
		return "1 window"
	}
	return strconv.Itoa(n) + " windows"
}

// reason says in one sentence why.
func reason(d trimtab.Decision, e Evidence, choice standing, stopped *trimtab.Guard, all []standing, c Costs) string {
	why := ""
	switch {
	case choice.passed && d.Strategy == "schedule":
		why = "the served version is older than the schedule allows"
	case choice.passed && d.Strategy == "threshold":
		why = "the metric is beyond its bound"
	case choice.passed:
		why = fmt.Sprintf("it would have saved %s ± %s of loss per row in the last %s, which is real with a chance of %.0f%%; over %s windows that is worth %s %s, and it costs %s",
			number(choice.best.mean), number(choice.best.stderr), windows(choice.best.windows), 100*choice.chance, number(c.Horizon), number(choice.expected), c.Unit, number(choice.cost))
	}
	switch {
	case choice.passed && stopped != nil:
		return fmt.Sprintf("would %s, but %s", verb(choice.Cure), stopped.Why)
	case choice.passed:
		return fmt.Sprintf("%s: %s", verb(choice.Cure), why)
	case e.Rows == 0 && e.Held > 0:
		return "nothing: every row of the window is held, so it says nothing about the model"
	case e.Rows == 0:
		return "nothing: the window has no labelled rows"
	case choice.why != "":
		return "nothing: " + choice.why
	case len(d.Incidents) > 0:
		return "nothing: a fault in the data is open, so the window says nothing about the model: " + strings.Join(d.Incidents, ", ")
	case d.Strategy == "schedule":
		return "nothing: the schedule does not ask for a retrain yet"
	case d.Strategy == "threshold":
		return "nothing: the metric is within its bound"
	}
	lead := -1
	for i, s := range all {
		if s.best.windows > 0 && (lead < 0 || s.expected > all[lead].expected) {
			lead = i
		}
	}
	if lead < 0 {
		return "nothing: no cure has been measured yet"
	}
	s := all[lead]
	return fmt.Sprintf("nothing: the nearest cure, to %s, saved %s ± %s of loss per row in the last %s: %s",
		verb(s.Cure), signed(s.best.mean), number(s.best.stderr), windows(s.best.windows), s.why)
}
