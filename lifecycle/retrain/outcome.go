package retrain

import (
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
)

// Promoted is the state after the cure of a decision went into service at a moment of event time. trained is the moment
// up to which the new version has learnt. A promise that was still watched is judged now.
func Promoted(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, served trimtab.Version, trained, at trimtab.Time, window time.Duration) (trimtab.PolicyState, *Verdict) {
	verdict := judge(&st)
	promised := 0.0
	for _, a := range d.Alternatives {
		if a.Chosen {
			promised = a.Gain
		}
	}
	st.Watch = nil
	if d.Action != trimtab.DoRollBack {
		st.Watch = &trimtab.Watch{Decision: d.ID, Action: d.Action, Previous: st.Served, Promised: promised, Since: at}
	}
	st = learnExcess(st, d, true)
	if d.Action == trimtab.DoRecalibrate {
		trained = st.Trained // a correction learns no model: what taught the parent still may not judge the child
	}
	st.Served, st.Trained, st.Since = served, trained, at
	st.Gains, st.Windows, st.Rows, st.Loss = nil, 0, 0, 0
	st.Failures = 0
	if d.Action == trimtab.DoRetrain {
		st.Rejections, st.Theta = 0, 1 // a cheaper cure says nothing about challengers
	}
	st.CooldownUntil = at.Add(cooldown(spec, window))
	if d.Action == trimtab.DoRetrain {
		st.Retrains = spend(st.Retrains, at)
	}
	return st, verdict
}

// Rejected is the state after a challenger lost: at its gate, in its rollout, or to a person. More evidence is asked
// next time, and later. The circuit breaker stays as it is: a loop whose challengers lose slows down by itself.
func Rejected(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	st = learnExcess(st, d, false)
	st.Failures = 0
	st.Rejections++
	st.Theta = min(max(st.Theta, 1)*factor(spec), 64)
	return wait(spec, st, d, at, window)
}

// learnExcess compares what the probe promised with what the challenger brought in the same window. A pipeline whose
// models leave something for more trees to find makes every probe promise too much by about as much.
func learnExcess(st trimtab.PolicyState, d trimtab.Decision, promoted bool) trimtab.PolicyState {
	probe, ok := fact(d, FactProbe)
	if !ok || d.Action != trimtab.DoRetrain {
		return st
	}
	challenger, ok := fact(d, FactChallenger)
	if !ok && promoted {
		return st
	}
	st.Excess += standard.learn * (probe - challenger - st.Excess)
	return st
}

// Failed is the state after a cure could not be made: the pipeline failed. Nothing is said about the evidence, but so
// many failures in a row open the circuit breaker.
func Failed(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	st.Failures++
	limit := spec.Limits.Failures
	if limit <= 0 {
		limit = DefaultFailures
	}
	st.Broken = st.Broken || st.Failures >= limit
	return wait(spec, st, d, at, window)
}

// wait begins a cooldown that grows with every attempt in a row that brought nothing.
func wait(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	span := float64(cooldown(spec, window)) * math.Pow(factor(spec), float64(min(st.Failures+st.Rejections, 16)))
	st.CooldownUntil = at.Add(time.Duration(min(span, float64(10*365*24*time.Hour))))
	if d.Action == trimtab.DoRetrain {
		st.Retrains = spend(st.Retrains, at)
	}
	return st
}

// Closed is the state after a person closed the circuit breaker.
func Closed(st trimtab.PolicyState) trimtab.PolicyState {
	st.Broken, st.Failures = false, 0
	return st
}

func cooldown(spec trimtab.RetrainPolicySpec, window time.Duration) time.Duration {
	if spec.Limits.Cooldown > 0 {
		return time.Duration(spec.Limits.Cooldown)
	}
	return window
}

func factor(spec trimtab.RetrainPolicySpec) float64 {
	if spec.Limits.AfterRejection >= 1 {
		return spec.Limits.AfterRejection
	}
	return 2
}

// spend notes a retrain, a rejected one too: it was paid for. The newest are kept.
func spend(old []trimtab.Time, at trimtab.Time) []trimtab.Time {
	out := append(slices.Clone(old), at)
	if n := len(out) - 256; n > 0 {
		out = out[n:]
	}
	return out
}
