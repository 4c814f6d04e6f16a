package view

import (
	"time"

	"github.com/trimtab/trimtab"
)

// Loop is the closed loop of a project: whether it is paused, and where each policy
// stands. Pause is nil when it has never been paused.
type Loop struct {
	Pause    *trimtab.Pause `json:"pause,omitempty"`
	Policies []LoopPolicy   `json:"policies"`
}

// LoopPolicy is where one policy stands. Times are event times. Next is the border at
// which it decides next, as far as windows and labels let expect it. Used counts the
// retrains of the span Per, Budget is how many are allowed, 0 without a limit.
type LoopPolicy struct {
	Name     string         `json:"name"`
	Endpoint string         `json:"endpoint,omitempty"`
	Monitor  string         `json:"monitor"`
	Mode     string         `json:"mode"`
	Strategy string         `json:"strategy"`
	Pause    *trimtab.Pause `json:"pause,omitempty"` // of this policy alone

	Served     trimtab.Version  `json:"served,omitempty"`
	Through    trimtab.Time     `json:"through,omitempty"` // decided on all windows up to here
	Next       trimtab.Time     `json:"next,omitempty"`
	Cooldown   trimtab.Time     `json:"cooldown,omitempty"` // until then nothing is done; absent when it is over
	Broken     bool             `json:"broken,omitempty"`   // the circuit breaker is open
	Failures   int              `json:"failures,omitempty"`
	Rejections int              `json:"rejections,omitempty"`
	Used       int              `json:"used"`
	Budget     int              `json:"budget,omitempty"`
	Per        trimtab.Duration `json:"per,omitempty"`
	Open       []string         `json:"open,omitempty"`  // decisions under way
	Under      *LoopDecision    `json:"under,omitempty"` // the oldest of them, which is carried out first
	Waits      string           `json:"waits,omitempty"`
	Wait       trimtab.Wait     `json:"wait,omitempty"` // whom that waits for: a person, or a process
	Newest     *LoopDecision    `json:"newest,omitempty"`
}

// LoopDecision is a decision of a policy in short; At is its border.
type LoopDecision struct {
	ID      string                `json:"id"`
	At      trimtab.Time          `json:"at"`
	Action  trimtab.Action        `json:"action"`
	Version trimtab.Version       `json:"version,omitempty"` // of promoteOlder
	State   trimtab.DecisionState `json:"state"`
	Reason  string                `json:"reason"`
}

func inShort(d trimtab.Decision) *LoopDecision {
	return &LoopDecision{ID: d.ID, At: d.At, Action: d.Action, Version: d.Version, State: d.State, Reason: d.Reason}
}

// PolicyFacts is what the view of a policy is made of. Monitor is nil when none is
// declared under the name; Decisions are the policy's, the newest first.
type PolicyFacts struct {
	Name      string
	Spec      trimtab.RetrainPolicySpec // with defaults
	Monitor   *trimtab.MonitorSpec
	State     trimtab.PolicyState
	Watermark trimtab.Time
	Pause     *trimtab.Pause
	Decisions []trimtab.Decision
	Settled   []trimtab.Settlement // of the endpoint
}

// OfPolicy puts the view of a policy together.
func OfPolicy(f PolicyFacts) LoopPolicy {
	p := LoopPolicy{Name: f.Name, Monitor: f.Spec.Monitor, Mode: f.Spec.Mode, Strategy: f.Spec.Strategy, Served: f.State.Served, Through: f.State.Through,
		Broken: f.State.Broken, Failures: f.State.Failures, Rejections: f.State.Rejections, Budget: f.Spec.Limits.Retrains}
	if f.Pause != nil && f.Pause.Paused {
		p.Pause = f.Pause
	}
	if f.State.CooldownUntil > f.Watermark {
		p.Cooldown = f.State.CooldownUntil
	}
	if f.Monitor != nil {
		p.Endpoint = f.Monitor.Endpoint
		after := f.State.Through
		if after == 0 {
			after = f.Watermark
		}
		if after != 0 {
			_, end := f.Monitor.Window.Bounds(after)
			p.Next = end.Add(time.Duration(f.Monitor.LabelMaturity))
		}
	}
	if f.Spec.Limits.Retrains > 0 {
		p.Per = f.Spec.Limits.Per
	}
	for _, t := range f.State.Retrains {
		if p.Per == 0 || t > f.Watermark.Add(-time.Duration(p.Per)) {
			p.Used++
		}
	}
	for _, d := range f.Decisions {
		if !d.State.Ended() {
			p.Open = append(p.Open, d.ID)
			p.Under = inShort(d)
		}
	}
	if len(f.Decisions) > 0 {
		p.Newest = inShort(f.Decisions[0])
	}
	for _, s := range f.Settled {
		if s.Listener == "policy/"+f.Name && (s.Wait == trimtab.WaitHuman || s.Wait == trimtab.WaitProcess) {
			p.Waits, p.Wait = s.Detail, s.Wait
		}
	}
	return p
}

// Within cuts what happened before from or at or after to out of the events of a
// timeline; zero times leave that side open. The windows are the caller's choice.
func (t Timeline) Within(from, to trimtab.Time) Timeline {
	windows := make([]TimelineWindow, len(t.Windows))
	for i, w := range t.Windows {
		var kept []TimelineEvent
		for _, e := range w.Events {
			if e.At >= from && (to == 0 || e.At < to) {
				kept = append(kept, e)
			}
		}
		w.Events = kept
		windows[i] = w
	}
	t.Windows = windows
	return t
}
