package retrain

import (
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Facts is what a border knows besides the evidence. Zero values stand for "nothing of the kind".
type Facts struct {
	Workspace trimtab.Workspace
	Policy    string
	Endpoint  string
	At        trimtab.Time // the border: the moment of the decision, in event time
	Digest    trimtab.Digest
	// Command does by hand what was decided: "trimtab …", with the action's name for %s.
	Command string

	InFlight string   // the decision that is being carried out
	Paused   string   // who paused the loop and why
	Faults   []string // open incidents about the data
	// Immature says why labels of the window are not there yet, or have stopped.
	Immature string
	// Quality are the newest values of the metric of a threshold, oldest first.
	Quality []float64
	Window  time.Duration
	// Gate is what a challenger would have to show on the window; nil when nobody knows.
	Gate *Demand
}

// guards checks what must hold before an action of any kind; those of a retrain come with it.
func guards(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, e Evidence, f Facts, action trimtab.Action) ([]trimtab.Guard, error) {
	var out []trimtab.Guard
	check := func(name string, passed bool, why string, args ...any) {
		g := trimtab.Guard{Name: name, Passed: passed}
		if !passed {
			g.Why = fmt.Sprintf(why, args...)
		}
		out = append(out, g)
	}
	check("not paused", f.Paused == "", "the loop is paused: %s", f.Paused)
	check("no fault in the data", len(f.Faults) == 0, "a fault in the data is open: %s", strings.Join(f.Faults, ", "))
	check("labels are there", f.Immature == "", "%s", f.Immature)
	check("nothing in flight", f.InFlight == "", "decision %s is being carried out", f.InFlight)
	check("circuit breaker closed", !st.Broken, "%d cures in a row could not be made; a person closes the breaker", st.Failures)
	check("cooldown over", f.At >= st.CooldownUntil, "cooling down until %s", st.CooldownUntil)
	quiet, why, err := blackout(spec.Limits.Blackout, f.At)
	if err != nil {
		return nil, err
	}
	check("no blackout", !quiet, "%s", why)
	if action == trimtab.DoRetrain {
		rows := spec.Require.MinRows
		if rows <= 0 {
			rows = DefaultMinRows
		}
		check("enough rows", int64(e.Learnable) >= rows, "%d labelled rows since the last training, %d are asked", e.Learnable, rows)
		if e.Task == Binary {
			least := spec.Require.MinPositives
			if least <= 0 {
				least = DefaultMinPositives
			}
			pos, neg := int64(e.LearnablePositives), int64(e.Learnable-e.LearnablePositives)
			check("enough of both labels", min(pos, neg) >= least, "%d positive and %d negative rows, %d of each are asked", pos, neg, least)
		}
		if g := f.Gate; g != nil && (g.MinRows > 0 || g.MinPositives > 0) {
			few, why := int64(e.Rows) < g.MinRows, fmt.Sprintf("the window has %d labelled rows that a challenger has not learnt from, the gate asks %d", e.Rows, g.MinRows)
			if pos, neg := int64(e.Positives), int64(e.Rows-e.Positives); !few && e.Task == Binary && min(pos, neg) < g.MinPositives {
				few, why = true, fmt.Sprintf("the window has %d positive and %d negative rows that a challenger has not learnt from, the gate asks %d of each", pos, neg, g.MinPositives)
			}
			check("enough rows for the gate", !few, "%s", why)
		}
		if n := spec.Limits.Retrains; n > 0 {
			per := time.Duration(spec.Limits.Per)
			if per <= 0 {
				per = DefaultPer
			}
			used := 0
			for _, t := range st.Retrains {
				if t > f.At.Add(-per) {
					used++
				}
			}
			check("budget left", used < n, "%d of %d retrains in %s are used", used, n, trimtab.Duration(per))
		}
	}
	return out, nil
}

func blackout(spans []trimtab.Blackout, at trimtab.Time) (bool, string, error) {
	for _, b := range spans {
		in, err := b.Covers(at)
		if err != nil {
			return false, "", err
		}
		if in {
			why := fmt.Sprintf("blackout from %s to %s", b.From, b.To)
			if b.Reason != "" {
				why += ": " + b.Reason
			}
			return true, why, nil
		}
	}
	return false, "", nil
}

// failed names the first guard that did not pass, nil when all did.
func failed(gs []trimtab.Guard) *trimtab.Guard {
	for i := range gs {
		if !gs[i].Passed {
			return &gs[i]
		}
	}
	return nil
}
