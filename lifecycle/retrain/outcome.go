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
	st.Served, st.Trained, st.Since = served, trained, at
	st.Gains, st.Windows, st.Rows, st.Loss = nil, 0, 0, 0
	st.Failures, st.Theta = 0, 1
	st.CooldownUntil = at.Add(cooldown(spec, window))
	if d.Action == trimtab.DoRetrain {
		st.Retrains = spend(st.Retrains, at)
	}
	return st, verdict
}

// Rejected is the state after a challenger lost: at its gate, in its rollout, or to a person. More evidence is asked
// next time, and later.
func Rejected(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	st = attempt(spec, st, d, at, window)
	st.Theta = min(max(st.Theta, 1)*factor(spec), 64)
	return st
}

// Failed is the state after a cure could not be made: the pipeline failed. Nothing is said about the evidence.
func Failed(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	return attempt(spec, st, d, at, window)
}

func attempt(spec trimtab.RetrainPolicySpec, st trimtab.PolicyState, d trimtab.Decision, at trimtab.Time, window time.Duration) trimtab.PolicyState {
	st.Failures++
	limit := spec.Limits.Failures
	if limit <= 0 {
		limit = DefaultFailures
	}
	st.Broken = st.Broken || st.Failures >= limit
	wait := float64(cooldown(spec, window)) * math.Pow(factor(spec), float64(min(st.Failures, 16)))
	st.CooldownUntil = at.Add(time.Duration(min(wait, float64(10*365*24*time.Hour))))
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
