package retrain

import (
	"fmt"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
)

// Result is what a border changed: the state to keep, the decision to record, and, when a watched promise came due,
// what became of it.
type Result struct {
	State    trimtab.PolicyState
	Decision trimtab.Decision
	Verdict  *Verdict
}

// Decide decides at one border. It is to be called once for each mature window, in their order; a window that the state
// has gone through already adds no evidence again. An error means that the policy cannot be read; a border without
// evidence is no error and decides nothing.
func Decide(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, e Evidence, f Facts) (Result, error) {
	return standard.decide(spec, st, e, f)
}

func (r rule) decide(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, e Evidence, f Facts) (Result, error) {
	st = absorb(st, e, f)
	costs := CostsOf(spec, f.Window, st.Rows/float64(max(st.Windows, 1)), st.Loss/st.Rows)
	verdict := watched(&st, e, costs)
	d := trimtab.Decision{Workspace: f.Workspace, ID: trimtab.DecisionID(f.Policy, f.At), Policy: f.Policy, Endpoint: f.Endpoint,
		At: f.At, Window: e.Start, Served: e.Served, Mode: spec.Mode, Strategy: spec.Strategy, Action: trimtab.DoNothing,
		State: trimtab.DecisionNoted, Incidents: f.Faults, PolicyDigest: f.Digest}
	if d.Mode == "" {
		d.Mode = "advise"
	}
	if d.Strategy == "" {
		d.Strategy = "cost-aware"
	}
	d.Facts = facts(st, e, costs)

	all := r.standings(spec, st, e, f.Gate, costs)
	var choice standing
	switch d.Strategy {
	case "cost-aware":
		choice = pick(all)
	case "schedule":
		choice = onSchedule(spec, st, f, costs)
	case "threshold":
		choice = onThreshold(spec, f, costs)
	default:
		return Result{}, trimtab.Errorf(trimtab.Invalid, "policy "+f.Policy, "strategy %q: expected cost-aware, threshold or schedule", d.Strategy)
	}
	if choice.passed && !allowed(spec, choice.Action) {
		choice = standing{Cure: Cure{Action: trimtab.DoNothing}, why: fmt.Sprintf("%s is not among the policy's actions", choice.Action)}
	}
	gs, err := guards(spec, st, e, f, choice.Action)
	if err != nil {
		return Result{}, err
	}
	d.Guards = gs
	stopped := failed(gs)
	if choice.passed && stopped == nil {
		d.Action, d.Version = choice.Action, choice.Version
		switch d.Mode {
		case "auto":
			d.State = trimtab.DecisionRollout
			if d.Action == trimtab.DoRetrain {
				d.State = trimtab.DecisionTraining
			}
		case "approve":
			d.State = trimtab.DecisionAwaiting
		default:
			d.State = trimtab.DecisionAdvised
		}
		d.Command = f.Command
	}
	d.Alternatives = alternatives(all, choice, d.Action, costs)
	d.Reason = reason(d, e, choice, stopped, all, costs)
	return Result{State: st, Decision: d, Verdict: verdict}, nil
}

// absorb adds the evidence of a window to the state.
func absorb(st trimtab.PolicyState, e Evidence, f Facts) trimtab.PolicyState {
	st.Workspace, st.Policy = f.Workspace, f.Policy
	if e.Served != st.Served {
		// Someone else moved the alias, or this is the first border: what was gathered compares with another version.
		st.Served, st.Gains, st.Windows, st.Rows, st.Loss, st.Since, st.Watch = e.Served, nil, 0, 0, 0, e.Start, nil
		st.Trained = e.Trained
	}
	if st.Trained == 0 {
		st.Trained = e.Trained
	}
	if e.End <= st.Through {
		return st
	}
	st.Through = e.End
	st.Theta = max(1, st.Theta*thetaDecay)
	st.Excess *= excessDecay
	if st.Believe == 0 {
		st.Believe = 1
	}
	if e.Rows == 0 || len(f.Faults) > 0 {
		// While a fault is open its bounds may be known too narrowly: rows that are not held witness nothing either.
		return st
	}
	st.Windows++
	st.Rows += float64(e.Rows)
	st.Loss += e.Loss * float64(e.Rows)
	gains := map[string][]trimtab.GainItem{}
	for _, m := range e.Measured {
		name := m.Name()
		gains[name] = st.Gains[name]
		if len(m.Blocks) > 0 {
			gains[name] = extend(gains[name], e.Start, e.End, m.Blocks)
		}
	}
	st.Gains = gains // versions that are no candidates any more are forgotten
	return st
}

// What was learnt from rejections is forgotten by half: the raised demand in four windows, the excess of the probe in
// eight. Without that one unlucky gate would silence the loop for good.
var (
	thetaDecay  = math.Exp2(-1. / 4)
	excessDecay = math.Exp2(-1. / 8)
)

func (r rule) standings(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, e Evidence, gate *Demand, costs Costs) []standing {
	rows := st.Rows / float64(max(st.Windows, 1))
	older := 0
	for _, m := range e.Measured {
		if m.Action == trimtab.DoPromoteOlder {
			older++
		}
	}
	var out []standing
	for _, m := range e.Measured {
		cure, items := m.Cure, st.Gains[m.Name()]
		demand, believe, ask := 1.0, 1.0, r
		switch cure.Action {
		case trimtab.DoRetrain:
			demand, believe = st.Theta, st.Believe
			items = less(items, max(st.Excess, 0))
		case trimtab.DoPromoteOlder:
			ask.quiet *= float64(older) // many versions have many chances to look good
			if st.Watch != nil && cure.Version == st.Watch.Previous {
				cure.Action = trimtab.DoRollBack
			}
		}
		s := ask.stand(cure, items, costs, max(demand, 1), believe, rows)
		if cure.Action == trimtab.DoRetrain {
			s.foresee(gate, e.Loss, costs)
		}
		if m.Why != "" {
			s.passed, s.why = false, m.Why
		}
		if s.passed && !allowed(spec, cure.Action) {
			s.passed, s.why = false, "not among the policy's actions"
		}
		out = append(out, s)
	}
	return out
}

// pick returns the cure with the largest net gain among those that passed; of equals the first. Nothing passes as
// a standing that did not.
func pick(all []standing) standing {
	best := standing{Cure: Cure{Action: trimtab.DoNothing}}
	for _, s := range all {
		if s.passed && (!best.passed || s.net() > best.net()) {
			best = s
		}
	}
	return best
}

func onSchedule(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, f Facts, costs Costs) standing {
	s := standing{Cure: Cure{Action: trimtab.DoRetrain}, cost: costs.Retrain}
	s.passed = spec.Every > 0 && st.Trained > 0 && f.At.Sub(st.Trained) >= durationOf(spec.Every)
	if !s.passed {
		s.Action = trimtab.DoNothing
	}
	return s
}

func onThreshold(spec trimtab.RetrainPolicySpec, f Facts, costs Costs) standing {
	s := standing{Cure: Cure{Action: trimtab.DoNothing}, cost: costs.Retrain}
	t := spec.Threshold
	if t == nil {
		return s
	}
	k := t.Windows
	if k <= 0 {
		k = 2
	}
	if len(f.Quality) < k {
		return s
	}
	for _, v := range f.Quality[len(f.Quality)-k:] {
		beyond := t.Below != nil && v < *t.Below || t.Above != nil && v > *t.Above
		if !beyond { // also when v is no number
			return s
		}
	}
	s.Action, s.passed = trimtab.DoRetrain, true
	return s
}

func allowed(spec trimtab.RetrainPolicySpec, a trimtab.Action) bool {
	return len(spec.Actions) == 0 || a == trimtab.DoNothing || slices.Contains(spec.Actions, string(a))
}
