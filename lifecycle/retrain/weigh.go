package retrain

import (
	"fmt"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// rule holds the numbers of the cost-aware strategy. They were chosen on one set of streams and judged on another;
// TestResearch is the harness.
type rule struct {
	// quiet is how many windows pass on average between changes that ask for one cure, before anything is known. Windows
	// shorter than a day count as parts of one.
	quiet float64
	// floor is the least evidence on which anything is done, however much it promises: before a gate, and without one.
	floor, alone float64
	// tune is the number of blocks for which the evidence is sharpest: a week of days.
	tune float64
	// theta is the share of a cure's cost that must have been lost without it already. Acting when what was lost has
	// reached the price never costs more than twice the best that hindsight could do (the ski-rental bound).
	theta float64
	// newest asks that the newest window alone speaks for a cure that no gate will test, in standard errors.
	newest float64
	// shrink weighs the expected gain by mean²/(mean²+shrink·stderr²).
	shrink float64
	// harm is what a cure does per row that no gate will test and whose gain is not real, in standard errors: it is a
	// change made by noise.
	harm float64
	// gate is how many standard errors a challenger must win by.
	gate float64
	// learn is the weight of the newest gate in what is known of the probe's excess.
	learn float64
}

var standard = rule{quiet: 50, floor: 5, alone: 10, tune: 7, theta: 1, newest: 1, shrink: 1, harm: 1, gate: 1, learn: 0.5}

// standing is what the gains of one cure add up to.
type standing struct {
	Cure
	best     span    // the run of windows that speaks most for it
	newest   span    // the newest window alone
	evidence float64 // the e-detector
	chance   float64 // that the gain is real
	expected float64 // saved over the horizon
	cost     float64
	passed   bool
	why      string // why it was not passed
}

func (s standing) net() float64 { return s.expected - s.cost }

// stand weighs one cure. When a change came is not known, so every run of windows that ends with the newest is looked
// at, and this is done again at each border. What makes that honest is an e-detector (Shin, Ramdas and Rinaldo,
// "E-detectors: a nonparametric framework for sequential change detection", 2022): the sum of the e-values of all runs
// reaches n at most once in n windows on average, while the cure brings nothing. The e-value of a run is that of the
// anytime-valid t test on its blocks (stat.Sequential), whose error holds for rows that depend on each other within a
// block. The sum is also what Shiryaev (1963) weighs a change against that comes once in so many windows: sum/(sum+quiet)
// is the chance that the gain is real, and so much of it is expected. Thus a large gain is acted on early and a small
// one late, a cheap cure earlier than a dear one, and noise never for long.
//
// demand ≥ 1 raises what is asked for, believe scales the promised gain, rows is the traffic of a
// window.
func (r rule) stand(c Cure, items []trimtab.GainItem, costs Costs, demand, believe, rows float64) standing {
	s := standing{Cure: c, cost: costs.Of(c.Action)}
	all := spans(items)
	if len(all) == 0 {
		s.why = "it has not been measured yet"
		return s
	}
	s.newest = all[0]
	last := items[len(items)-1]
	unit := min(1, float64(last.End-last.Start)/float64(trimtab.Time(last.Windows)*day))
	test := stat.Sequential{Tune: r.tune}
	lead, before := math.Inf(-1), 0
	for i, sp := range all {
		e := test.Above(float64(sp.blocks), sp.mean, sp.stderr, sp.df)
		// A run of merged windows stands for all that begin within the oldest of them.
		s.evidence += unit * float64(sp.windows-before) * math.Exp(min(e, 600))
		before = sp.windows
		if i == 0 || e > lead {
			lead, s.best = e, sp
		}
	}
	floor := r.alone
	if c.Action == trimtab.DoRetrain {
		floor = r.floor
	}
	mean, se := s.best.mean, s.best.stderr
	expected := mean * believe
	if v := mean * mean; v > 0 {
		expected *= v / (v + r.shrink*se*se)
	}
	s.chance = s.evidence / (s.evidence + r.quiet*demand)
	expected *= s.chance
	if c.Action != trimtab.DoRetrain && s.chance < 1 && !math.IsInf(se, 1) {
		expected -= r.harm * (1 - s.chance) * se
	}
	s.expected = expected * rows * costs.Horizon * costs.PerLoss
	lost := s.best.sum * costs.PerLoss
	switch {
	case !(mean > 0):
		s.why = "no gain"
	case !(s.evidence >= floor*demand):
		s.why = fmt.Sprintf("the gain may be noise (evidence %s, asked %s)", number(s.evidence), number(floor*demand))
	case !(s.expected > s.cost):
		s.why = fmt.Sprintf("what it would save does not cover its price (real with a chance of %.0f%%)", 100*s.chance)
	case !(lost >= r.theta*demand*s.cost):
		s.why = fmt.Sprintf("what was lost without it, %s, does not reach its price", number(lost))
	case !s.newest.wins(r.newest, c.Action):
		s.why = "the newest window does not speak for it"
	}
	s.passed = s.why == ""
	return s
}

// foresee holds a retrain back whose rejection is to be expected. What the gate rejects saves nothing and costs its
// attempt, so what is saved must cover both prices by their chances: a gain that is small beside the error of the gate's
// rows would mostly be rejected, a large one never is, and of noise the gate lets its share through.
func (s *standing) foresee(gate *Demand, loss float64, costs Costs) {
	if gate == nil || !s.passed {
		return
	}
	real, noise := gate.passes(s.best.mean, s.newest.stderr, loss), gate.passes(0, s.newest.stderr, loss)
	pass := s.chance*real + (1-s.chance)*noise
	if s.expected*real > pass*s.cost+(1-pass)*min(costs.Reject, s.cost) {
		return
	}
	s.passed, s.why = false, fmt.Sprintf("the gate could not tell it: the mean of its rows has an error of %s, and a challenger would pass with a chance of %.0f%%",
		number(s.newest.stderr), 100*pass)
}

// wins reports whether a window speaks for a cure: by so many standard errors where nothing else will test it, and at
// all where a gate will. A window of a single block has no error of its own.
func (s span) wins(errors float64, a trimtab.Action) bool {
	if a == trimtab.DoRetrain || s.df == 0 {
		return s.mean > 0
	}
	return s.mean >= errors*s.stderr
}

// less takes a gain per row off every row.
func less(items []trimtab.GainItem, gain float64) []trimtab.GainItem {
	if gain == 0 {
		return items
	}
	out := make([]trimtab.GainItem, len(items))
	for i, it := range items {
		blocks := make([]trimtab.GainBlock, len(it.Blocks))
		for k, b := range it.Blocks {
			blocks[k] = trimtab.GainBlock{Key: b.Key, N: b.N, Sum: b.Sum - gain*b.N, Sum2: b.Sum2 - 2*gain*b.Sum + gain*gain*b.N}
		}
		it.Blocks = blocks
		out[i] = it
	}
	return out
}
