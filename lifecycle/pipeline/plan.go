package pipeline

import (
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
)

// verb is what is to be done.
type verb string

const (
	doBeginRun verb = "begin run"
	doEndRun   verb = "end run"
	doBegin    verb = "begin"   // commit the intent of the next attempt, or take the result from the cache
	doLaunch   verb = "launch"  // make the effect of a committed intent
	doPerform  verb = "perform" // make it inside the engine: dataset, promote
	doAdopt    verb = "adopt"   // it runs
	doPublish  verb = "publish" // it ended well
	doRetry    verb = "retry"   // it did not, and is tried again at a time
	doFail     verb = "fail"
	doKill     verb = "kill"
	doCancel   verb = "cancel"
	doSkip     verb = "skip"
	doWait     verb = "wait" // look again at a time
)

// action is one thing to do. Actions on different steps do not depend on each other.
type action struct {
	verb   verb
	step   string
	cause  string // of doKill, doRetry, doFail: what ended the attempt
	reason string
	at     trimtab.Time          // of doRetry and doWait
	state  trimtab.PipelineState // of doEndRun
}

// view is all that a decision depends on.
type view struct {
	run      trimtab.PipelineRun // with its steps
	spec     trimtab.PipelineSpec
	attempts map[string][]trimtab.Attempt // of steps with a live attempt
	seen     map[string]Observation       // of run steps with a live attempt
	slots    int                          // how many more attempts may run
	now      trimtab.Time
}

// next decides what to do. It is pure; after each action the state is read anew,
// and a state in which nothing is left to do gives nothing but waits.
func next(v view) []action {
	if v.run.State.Ended() {
		return nil
	}
	var out []action
	if v.run.State == trimtab.PipelinePending {
		out = append(out, action{verb: doBeginRun})
	}
	p := planner{view: v, steps: map[string]trimtab.Step{}, specs: map[string]trimtab.StepSpec{}}
	for _, s := range v.spec.Steps {
		p.specs[s.Name] = s
	}
	for _, s := range v.run.Steps {
		p.steps[s.Name] = s
	}
	open := 0
	for _, s := range v.run.Steps {
		if s.State.Ended() {
			continue
		}
		open++
		if a := p.step(s); a.verb != "" {
			out = append(out, a)
		}
	}
	if open == 0 {
		out = append(out, p.end())
	}
	return out
}

type planner struct {
	view
	steps map[string]trimtab.Step
	specs map[string]trimtab.StepSpec
}

func (p *planner) canceling() bool { return p.run.State == trimtab.PipelineCanceling }

func (p *planner) step(s trimtab.Step) action {
	if s.State == trimtab.StepWaiting {
		return p.waiting(s)
	}
	spec := p.specs[s.Name]
	if spec.Run == "" {
		if p.canceling() {
			return action{verb: doCancel, step: s.Name, reason: p.run.Reason}
		}
		return action{verb: doPerform, step: s.Name}
	}
	return p.live(s, spec)
}

func (p *planner) waiting(s trimtab.Step) action {
	if p.canceling() {
		return action{verb: doCancel, step: s.Name, reason: p.run.Reason}
	}
	ready := true
	for _, need := range p.specs[s.Name].Requires() {
		n := p.steps[need]
		if n.State.Ended() && !n.State.Good() {
			return action{verb: doSkip, step: s.Name, reason: "step " + need + " " + word(n.State)}
		}
		ready = ready && n.State.Good()
	}
	switch {
	case !ready:
		return action{}
	case s.NotBefore > p.now:
		return action{verb: doWait, step: s.Name, at: s.NotBefore}
	case p.slots <= 0:
		return action{verb: doWait, step: s.Name, at: p.now.Add(time.Second)}
	}
	p.slots--
	return action{verb: doBegin, step: s.Name}
}

// word says how a step ended that did not succeed.
func word(s trimtab.StepState) string {
	switch s {
	case trimtab.StepCanceled:
		return "was canceled"
	case trimtab.StepSkipped:
		return "was skipped"
	}
	return "failed"
}

// live decides on a step whose attempt has begun and has not ended.
func (p *planner) live(s trimtab.Step, spec trimtab.StepSpec) action {
	o := p.seen[s.Name]
	switch o.Sight {
	case Absent:
		switch {
		case s.State == trimtab.StepRunning:
			return p.failed(s, spec, CauseLost, "what was seen running has left no trace")
		case p.canceling():
			return action{verb: doKill, step: s.Name, cause: CauseCanceled}
		}
		return action{verb: doLaunch, step: s.Name}
	case Running:
		limit := o.Since.Add(time.Duration(timeoutOf(spec)) + killSlack)
		switch {
		case p.canceling():
			return action{verb: doKill, step: s.Name, cause: CauseCanceled}
		case s.State == trimtab.StepStarting:
			return action{verb: doAdopt, step: s.Name}
		case o.Since != 0 && p.now >= limit:
			return action{verb: doKill, step: s.Name, cause: CauseTimeout}
		case o.Since != 0:
			return action{verb: doWait, step: s.Name, at: limit}
		}
		return action{verb: doWait, step: s.Name}
	case Exited:
		switch {
		case o.Cause == "" && o.Code == 0:
			return action{verb: doPublish, step: s.Name}
		case o.Cause == CauseCanceled && p.canceling():
			return action{verb: doCancel, step: s.Name, reason: p.run.Reason}
		case o.Cause == "":
			return p.failed(s, spec, "exit:"+strconv.Itoa(o.Code), withMessage("exited with code "+strconv.Itoa(o.Code), o.Message))
		case o.Cause == CauseTimeout:
			return p.failed(s, spec, CauseTimeout, "took longer than "+timeoutOf(spec).String())
		case o.Cause == CauseCanceled: // by hand, outside of the engine
			return p.failed(s, spec, CauseError, withMessage("was ended from outside", o.Message))
		}
		return p.failed(s, spec, o.Cause, withMessage(map[string]string{CauseLost: "its process vanished", CauseError: "could not be started"}[o.Cause], o.Message))
	}
	return action{verb: doWait, step: s.Name}
}

func withMessage(what, message string) string {
	if message == "" {
		return what
	}
	return what + ": " + message
}

func timeoutOf(s trimtab.StepSpec) trimtab.Duration {
	if s.Timeout == 0 {
		return trimtab.Duration(defaultTimeout)
	}
	return s.Timeout
}

// freeLosses is how many attempts may be lost without a word about retrying: the
// machine's faults do not use up the user's retries.
const freeLosses = 3

// failed decides between another attempt and the end of the step.
func (p *planner) failed(s trimtab.Step, spec trimtab.StepSpec, cause, reason string) action {
	if p.canceling() {
		return action{verb: doCancel, step: s.Name, reason: p.run.Reason}
	}
	lost, own := 0, 0 // attempts that ended before this one
	for _, a := range p.attempts[s.Name] {
		switch {
		case a.N >= s.Attempt:
		case a.State == trimtab.AttemptLost:
			lost++
		case a.State == trimtab.AttemptFailed || a.State == trimtab.AttemptTimeout:
			own++
		}
	}
	retry := trimtab.RetrySpec{}
	if spec.Retry != nil {
		retry = *spec.Retry
	}
	on := retry.On
	if len(on) == 0 {
		on = []string{CauseLost, "exit:75"}
	}
	again := false
	switch {
	case !retries(on, cause):
	case cause != CauseLost:
		again = own < retry.Max
	case spec.Effects == "external": // twice would be worse than not at all: a person decides
		reason += "; its effects are external, so it is not tried again"
	default:
		again = lost < max(freeLosses, retry.Max)
	}
	if !again {
		return action{verb: doFail, step: s.Name, cause: cause, reason: reason}
	}
	backoff := time.Duration(retry.Backoff)
	if backoff == 0 {
		backoff = time.Second
	}
	for range min(lost+own, 20) {
		backoff = min(2*backoff, max(10*time.Minute, time.Duration(retry.Backoff)))
	}
	return action{verb: doRetry, step: s.Name, cause: cause, reason: reason, at: p.now.Add(backoff)}
}

// retries reports whether a list of causes covers one; "error" covers every
// failure of the program itself.
func retries(on []string, cause string) bool {
	if slices.Contains(on, cause) {
		return true
	}
	return slices.Contains(on, "error") && cause != CauseLost && cause != CauseTimeout
}

// end decides how the run ends once every step has.
func (p *planner) end() action {
	good := true
	first, rank := "", 0
	for _, s := range p.run.Steps {
		good = good && s.State.Good()
		r := 0
		switch s.State {
		case trimtab.StepFailed:
			r = 2
		case trimtab.StepCanceled, trimtab.StepSkipped:
			r = 1
		}
		if r > rank {
			first, rank = "step "+s.Name+" "+withMessage(word(s.State), s.Reason), r
		}
	}
	switch {
	case good:
		return action{verb: doEndRun, state: trimtab.PipelineSucceeded}
	case p.canceling():
		return action{verb: doEndRun, state: trimtab.PipelineCanceled, reason: p.run.Reason}
	}
	return action{verb: doEndRun, state: trimtab.PipelineFailed, reason: first}
}
