package retrain

import (
	"fmt"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// rule holds the numbers of the cost-aware strategy. They were chosen on streams apart from those that they were
// judged on; research_test.go holds the harness.
type rule struct {
	// alpha is the chance that one border takes noise for a gain of one cure, before the gate.
	alpha float64
	// theta is the share of a cure's cost that must have been lost without it already: acting when the loss reaches
	// the price is never worse than twice the best (the ski-rental bound), and a gate that rejects allows for less.
	theta float64
	// newest asks that the newest window alone speaks for a cure that has no other gate, in standard errors.
	newest float64
	// shrink weighs the expected gain by mean²/(mean²+shrink·stderr²).
	shrink  float64
	classic float64
}

var standard = rule{alpha: 0.02, theta: 0.5, newest: 1, shrink: 1}

// levels shares alpha among the spans that are looked at: 1/(j(j+1)) for the j-th sums to one.
func (r rule) level(j int) float64 { return r.alpha / float64(j*(j+1)) }

// standing is what the gains of one cure add up to.
type standing struct {
	Cure
	best     span    // the span that speaks most for it
	newest   span    // the newest window alone
	p        float64 // of best
	expected float64 // saved over the horizon
	cost     float64
	passed   bool
	why      string // why it was not passed
}

func (s standing) net() float64 { return s.expected - s.cost }

// stand weighs one cure over every span that ends with the newest window. theta ≥ 1 raises the asked evidence,
// believe scales the promised gain, rows is the traffic of a window.
func (r rule) stand(c Cure, items []trimtab.GainItem, costs Costs, theta, believe, rows float64) standing {
	s := standing{Cure: c, cost: costs.Of(c.Action), p: math.NaN()}
	all := spans(items)
	if len(all) == 0 {
		s.why = "it has not been measured yet"
		return s
	}
	s.newest = all[0]
	if r.classic > 0 {
		all = all[len(all)-1:]
	}
	lead := math.Inf(-1)
	for j, sp := range all {
		level := r.level(j+1) / theta
		t := sp.mean / sp.stderr
		if !(sp.stderr > 0) { // all values equal, or a single block
			t = 0
		}
		p := 1.0
		if r.classic > 0 {
			sp.df = 1e9
			level = 0.00135
		}
		if sp.df > 0 {
			p = 1 - stat.TCDF(t, sp.df)
		}
		shrunk := sp.mean * believe
		if v := sp.mean * sp.mean; v > 0 {
			shrunk *= v / (v + r.shrink*sp.stderr*sp.stderr)
		}
		expected := shrunk * rows * costs.Horizon * costs.PerLoss
		why := ""
		switch {
		case !(sp.mean > 0):
			why = "no gain"
		case !(p <= level):
			why = fmt.Sprintf("the gain may be noise (p %.2g, asked %.2g)", p, level)
		case !(sp.sum*costs.PerLoss >= r.theta*theta*s.cost):
			why = "what was lost without it does not reach its price"
		case !(expected > s.cost):
			why = "what it would save does not cover its price"
		case !s.newest.wins(r.newest, c.Action):
			why = "the newest window does not speak for it"
		}
		// Among spans that pass the one with the largest gain decides; else the one nearest to passing explains.
		passed := why == ""
		rank := math.Log(level) - math.Log(max(p, 1e-300))
		if passed {
			rank = expected
		}
		if j == 0 || passed && !s.passed || passed == s.passed && rank > lead {
			lead, s.best, s.p, s.expected, s.passed, s.why = rank, sp, p, expected, passed, why
		}
	}
	return s
}

// wins reports whether a window speaks for a cure: by so many standard errors where nothing else will test it, and at
// all where a gate will. A window of a single block has no error of its own.
func (s span) wins(errors float64, a trimtab.Action) bool {
	if a == trimtab.DoRetrain || s.df == 0 {
		return s.mean > 0
	}
	return s.mean >= errors*s.stderr
}
