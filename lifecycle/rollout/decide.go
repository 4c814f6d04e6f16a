package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Action is what a look leads to.
type Action string

const (
	Stay     Action = "stay"
	Advance  Action = "advance"  // to the next stage or step
	Complete Action = "complete" // the bake is over
	Suspend  Action = "hold"     // a person decides
	Return   Action = "rollback"
)

// Decide looks at a rollout at the event time now: it returns the rollout as it is
// then, with its newest looks, what is done and why. It is a function of its
// arguments. A rollout without a stage that can be looked at stays as it is.
func Decide(r trimtab.Rollout, o Observation, now trimtab.Time) (next trimtab.Rollout, looks []trimtab.Look, action Action, why string) {
	end, latest := r.Ends()
	if end == 0 {
		return r, nil, Stay, ""
	}
	at := max(o.At, now)
	looks = judge(r, o, now)
	r.Looked, r.Looks = now, keep(r.Looks, looks)
	for _, l := range looks {
		if l.Verdict == RollBack {
			r.Verdict, why = RollBack, worse(r, l)
			next, _, _ = r.Move(trimtab.RolloutRolling, r.Step, 0, at, why)
			return next, looks, Return, why
		}
	}
	if l := looks[0]; now >= latest && r.State != trimtab.RolloutHeld && l.Test == "loss" && l.Verdict == Inconclusive && r.Spec.OnInconclusive != "promote" {
		// It ends here in any case: one test, at one moment that was fixed before.
		r.Verdict, why = RollBack, fmt.Sprintf("since %s %s", end, l.Why)
		next, _, _ = r.Move(trimtab.RolloutRolling, r.Step, 0, at, why)
		return next, looks, Return, why
	}
	open := missing(r, o, looks)
	stay := func(verdict, why string) (trimtab.Rollout, []trimtab.Look, Action, string) {
		r.Verdict = verdict
		return r, looks, Stay, why
	}
	switch {
	case r.State == trimtab.RolloutHeld:
		return stay(r.Verdict, r.Reason)
	case r.State == trimtab.RolloutBaking && now < end:
		return stay(Watch, "no evidence that it is worse")
	case r.State == trimtab.RolloutBaking && len(open) > 0 && now < latest:
		return stay(Inconclusive, strings.Join(open, "; "))
	case r.State == trimtab.RolloutBaking:
		r.Verdict, why = Promote, "the bake is over: "+summary(r, looks)
		next, _, _ = r.Move(trimtab.RolloutPromoted, r.Step, 1, at, why)
		return next, looks, Complete, why
	case now < end:
		return stay(Watch, "no evidence that it is worse; the stage lasts until "+end.String())
	case o.Paused != "" && r.Origin == "policy":
		return stay(Watch, "the loop is paused: "+o.Paused)
	case len(open) == 0:
		r.Verdict, why = Promote, summary(r, looks)
		return advance(r, at, why), looks, Advance, why
	case now < latest:
		return stay(Inconclusive, strings.Join(open, "; "))
	}
	why = fmt.Sprintf("undecided since %s: %s", end, strings.Join(open, "; "))
	r.Verdict = Inconclusive
	switch r.Spec.OnInconclusive {
	case "promote":
		return advance(r, at, why), looks, Advance, why
	case "rollback":
		next, _, _ = r.Move(trimtab.RolloutRolling, r.Step, 0, at, why)
		return next, looks, Return, why
	}
	next, _, _ = r.Move(trimtab.RolloutHeld, r.Step, r.Share, at, why)
	return next, looks, Suspend, why
}

// missing says what the end of a stage still lacks.
func missing(r trimtab.Rollout, o Observation, looks []trimtab.Look) (out []string) {
	switch r.Under() {
	case trimtab.RolloutShadow:
		if least := r.Spec.Shadow.MinRows; o.Stage < least {
			out = append(out, fmt.Sprintf("%d rows in the shadow, at least %d are needed", o.Stage, least))
		}
	case trimtab.RolloutCanary:
		if least := r.Spec.Canary.MinRows; o.Answered < least {
			out = append(out, fmt.Sprintf("version %d answered %d rows of the step, at least %d are needed", r.To, o.Answered, least))
		}
	}
	for _, l := range looks {
		if l.Verdict == Inconclusive {
			out = append(out, l.Why)
		}
	}
	return out
}

// advance moves to the next stage that is declared.
func advance(r trimtab.Rollout, at trimtab.Time, why string) trimtab.Rollout {
	step := 0
	if r.Under() == trimtab.RolloutCanary {
		step = r.Step + 1
	}
	if r.Spec.Canary != nil && step < len(r.Spec.Canary.Steps) {
		next, _, _ := r.Move(trimtab.RolloutCanary, step, r.Spec.Canary.Steps[step], at, why)
		return next
	}
	next, _, _ := r.Move(trimtab.RolloutPromoting, r.Step, 1, at, why)
	return next
}

// keep holds the newest look of each test and stage, in the order in which they first came.
func keep(old, looks []trimtab.Look) []trimtab.Look {
	out := slices.Clone(old)
	for _, l := range looks {
		i := slices.IndexFunc(out, func(o trimtab.Look) bool { return o.Stage == l.Stage && o.Test == l.Test })
		if i < 0 {
			out = append(out, l)
		} else {
			out[i] = l
		}
	}
	return out
}

// worse says of a look that rolls back what it found.
func worse(r trimtab.Rollout, l trimtab.Look) string {
	what := map[string]string{
		"loss":         "the loss of version %d is %s higher than that of version %d",
		"disagreement": "version %d decides %s of the rows differently from version %d",
		"scoreShift":   "the scores of version %d lie %s apart from those of version %d",
		"errors":       "version %d fails on %s more of the rows than version %d",
	}[l.Test]
	if what == "" {
		return fmt.Sprintf("%s of version %d is %.4g, the limit is %.4g", l.Test, r.To, l.Estimate, l.Limit)
	}
	return fmt.Sprintf(what+" (%s to %s, the limit is %s, %d rows)", r.To, percent(l.Estimate), r.From, percent(l.Lo), percent(l.Hi), percent(l.Limit), l.N)
}

// summary is why a stage is passed.
func summary(r trimtab.Rollout, looks []trimtab.Look) string {
	var parts []string
	for _, l := range looks {
		switch {
		case l.Test == "loss" && l.N == 0:
			parts = append(parts, "no labels were known")
		case l.Test == "loss" && l.Why != "":
			parts = append(parts, fmt.Sprintf("loss %s of %d labelled rows, without bounds", signed(l.Estimate), l.N))
		case l.Test == "loss":
			parts = append(parts, fmt.Sprintf("loss %s (%s to %s) of %d labelled rows", signed(l.Estimate), signed(l.Lo), signed(l.Hi), l.N))
		case l.Test == "disagreement":
			parts = append(parts, fmt.Sprintf("%s decided differently", percent(l.Estimate)))
		}
	}
	text := fmt.Sprintf("no evidence that version %d is worse than version %d", r.To, r.From)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func signed(v float64) string { return fmt.Sprintf("%+.2f %%", v*100) }
