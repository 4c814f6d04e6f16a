package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// RolloutLine is a rollout on one line.
type RolloutLine struct {
	ID       string               `json:"id"`
	Endpoint string               `json:"endpoint"`
	Model    trimtab.ModelName    `json:"model"`
	Alias    trimtab.Alias        `json:"alias"`
	From     trimtab.Version      `json:"from"` // 0: nothing answered before
	To       trimtab.Version      `json:"to"`
	State    trimtab.RolloutState `json:"state"`
	Share    float64              `json:"share"`
	Origin   string               `json:"origin"`
	Cause    string               `json:"cause,omitempty"`
	Decision string               `json:"decision,omitempty"` // the cause, when it is one
	Begun    trimtab.Time         `json:"begun"`
	Since    trimtab.Time         `json:"since"`
	Promoted trimtab.Time         `json:"promoted,omitzero"`
	Ended    trimtab.Time         `json:"ended,omitzero"`
	Verdict  string               `json:"verdict,omitempty"`
	Reason   string               `json:"reason,omitempty"`
	Open     bool                 `json:"open"`
}

// OfRollout shortens a rollout to a line.
func OfRollout(r trimtab.Rollout) RolloutLine {
	l := RolloutLine{ID: r.ID, Endpoint: r.Endpoint, Model: r.Model, Alias: r.Alias, From: r.From, To: r.To, State: r.State, Share: r.Share, Origin: r.Origin, Cause: r.Cause,
		Begun: r.Begun, Since: r.Since, Promoted: r.Promoted, Ended: r.Ended, Verdict: r.Verdict, Reason: r.Reason, Open: !r.State.Ended()}
	if r.Origin == "policy" && strings.Contains(r.Cause, "@") {
		l.Decision = r.Cause
	}
	return l
}

// RolloutPage is one rollout on a page. EveryLook says that Looks holds every look
// that was taken; of rollouts whose looks the journal does not hold these are the
// newest of each test and stage.
type RolloutPage struct {
	Rollout    RolloutLine      `json:"rollout"`
	Steps      []RolloutStep    `json:"steps"`
	Looks      []RolloutLook    `json:"looks"` // oldest first
	EveryLook  bool             `json:"everyLook"`
	Confidence float64          `json:"confidence"`
	OnTimeout  string           `json:"onTimeout"` // what happens to a stage that stays undecided
	NextLook   trimtab.Time     `json:"nextLook,omitzero"`
	Ends       trimtab.Time     `json:"ends,omitzero"`   // of the present stage, as declared
	Latest     trimtab.Time     `json:"latest,omitzero"` // when it ends if it stays undecided
	Versions   []RolloutVersion `json:"versions"`
	Actions    []string         `json:"actions"` // that a person can take: promote, rollback, hold, resume
	Entries    []AuditEntry     `json:"entries"` // newest first
}

// RolloutStep is a step of the way, as declared. State is "done", "now", "next",
// "stopped" (the rollout ended here) or "skipped".
type RolloutStep struct {
	Name  string       `json:"name"`  // as Look.Stage: "shadow", "canary 1 of 2", "promoting", "baking", "promoted"
	Title string       `json:"title"` // for people
	For   string       `json:"for,omitempty"`
	Share float64      `json:"share"`
	State string       `json:"state"`
	From  trimtab.Time `json:"from,omitzero"`
	To    trimtab.Time `json:"to,omitzero"`
}

// RolloutLook is one look of one test.
type RolloutLook struct {
	At       trimtab.Time `json:"at"`
	Stage    string       `json:"stage"`
	Test     string       `json:"test"`
	N        int64        `json:"n"`
	Estimate Figure       `json:"estimate"`
	Lo       Figure       `json:"lo"`
	Hi       Figure       `json:"hi"`
	Limit    Figure       `json:"limit"`
	Verdict  string       `json:"verdict"`
	Why      string       `json:"why,omitempty"`
	Entry    int64        `json:"entry,omitempty"` // of the journal
}

// RolloutVersion is one of the two versions of a rollout: what was measured of it in
// the monitor's windows that the rollout spans, and its requests since the server started.
type RolloutVersion struct {
	Version  trimtab.Version `json:"version"`
	Role     string          `json:"role"` // "old" | "new"
	Monitor  string          `json:"monitor,omitempty"`
	Rows     int64           `json:"rows"` // labelled, scored by it
	Loss     Figure          `json:"loss"` // mean; null without rows
	Requests int64           `json:"requests"`
	Errors   int64           `json:"errors"`
}

// RolloutFacts is what the page of a rollout is made of. Entries are those of the
// rollout, newest first, All says that there are no older ones.
type RolloutFacts struct {
	Rollout trimtab.Rollout
	Entries []trimtab.Entry
	All     bool
}

// RolloutPageOf puts the page of a rollout together, without its versions.
func RolloutPageOf(f RolloutFacts) RolloutPage {
	r := f.Rollout
	p := RolloutPage{Rollout: OfRollout(r), Looks: []RolloutLook{}, Confidence: r.Spec.Confidence, OnTimeout: r.Spec.OnInconclusive,
		Versions: []RolloutVersion{}, Actions: actionsOf(r), Entries: []AuditEntry{}}
	if !r.State.Ended() {
		p.Ends, p.Latest = r.Ends()
		p.NextLook = r.NextLook(max(r.Looked, r.Since))
	}
	p.Looks, p.EveryLook = looksOf(f)
	for _, e := range f.Entries {
		p.Entries = append(p.Entries, AuditEntryOf(e))
	}
	p.Steps = stepsOf(r, p.Looks)
	return p
}

// looksOf takes every look from the journal's entries, and what the record holds where
// the journal has none: entries of older servers, or beyond those that were read.
func looksOf(f RolloutFacts) (out []RolloutLook, every bool) {
	out, every = []RolloutLook{}, f.All
	type key struct {
		at          trimtab.Time
		stage, test string
	}
	seen := map[key]bool{}
	add := func(l trimtab.Look, entry int64) {
		k := key{l.At, l.Stage, l.Test}
		if seen[k] {
			return
		}
		seen[k] = true
		out = append(out, RolloutLook{At: l.At, Stage: l.Stage, Test: l.Test, N: l.N, Estimate: Figure(l.Estimate), Lo: Figure(l.Lo), Hi: Figure(l.Hi), Limit: Figure(l.Limit), Verdict: l.Verdict, Why: l.Why, Entry: entry})
	}
	for _, e := range slices.Backward(f.Entries) {
		var looks []trimtab.Look
		if len(e.Data) == 0 || json.Unmarshal(e.Data, &looks) != nil {
			if e.Action == "rollout.look" {
				every = false
			}
			continue
		}
		for _, l := range looks {
			add(l, e.Index)
		}
	}
	known := len(out)
	for _, l := range f.Rollout.Looks {
		add(l, 0)
	}
	slices.SortStableFunc(out, func(a, b RolloutLook) int { return cmp.Compare(a.At, b.At) })
	return out, every && len(out) == known
}

func actionsOf(r trimtab.Rollout) []string {
	switch r.State {
	case trimtab.RolloutShadow, trimtab.RolloutCanary:
		return []string{"promote", "hold", "rollback"}
	case trimtab.RolloutHeld:
		return []string{"promote", "resume", "rollback"}
	case trimtab.RolloutBaking:
		return []string{"rollback"}
	}
	return []string{}
}

// stepsOf lays out the way of a rollout: what its spec declares, how far it has come,
// and when, as far as looks tell.
func stepsOf(r trimtab.Rollout, looks []RolloutLook) []RolloutStep {
	var steps []RolloutStep
	if r.Spec.Shadow != nil && r.Spec.Shadow.For > 0 {
		steps = append(steps, RolloutStep{Name: "shadow", Title: "Shadow", For: r.Spec.Shadow.For.String()})
	}
	if c := r.Spec.Canary; c != nil {
		for i, share := range c.Steps {
			steps = append(steps, RolloutStep{Name: fmt.Sprintf("canary %d of %d", i+1, len(c.Steps)), Title: "Canary", For: c.Each.String(), Share: share})
		}
	}
	if r.Spec.Bake > 0 && r.From != 0 {
		steps = append(steps, RolloutStep{Name: "baking", Title: "Bake", For: r.Spec.Bake.String(), Share: 1})
	}
	steps = append(steps, RolloutStep{Name: "promoted", Title: "Promoted", Share: 1})

	first, last := map[string]trimtab.Time{}, map[string]trimtab.Time{}
	for _, l := range looks {
		if first[l.Stage] == 0 {
			first[l.Stage] = l.At
		}
		last[l.Stage] = l.At
	}
	at := stepAt(r, steps, last)
	for i := range steps {
		s := &steps[i]
		switch {
		case i < at:
			s.State = "done"
			if last[s.Name] == 0 && s.Name != "promoted" {
				s.State = "skipped" // a person promoted past it
			}
		case i == at && r.State.Ended() && r.State != trimtab.RolloutPromoted || i == at && r.State == trimtab.RolloutRolling:
			s.State = "stopped"
		case i == at && r.State == trimtab.RolloutPromoted:
			s.State = "done"
		case i == at:
			s.State = "now"
		default:
			s.State = "next"
		}
	}
	from := r.Begun
	for i := range steps {
		s := &steps[i]
		switch {
		case s.State == "skipped" || s.State == "next":
		case s.Name == "promoted":
			s.From = cmp.Or(r.Ended, r.Promoted)
		default:
			s.From = from
			switch {
			case s.State == "now":
				s.From = cmp.Or(r.Since, from)
			case s.State == "stopped":
				s.To = cmp.Or(r.Ended, r.Since)
			case s.Name == "baking":
				s.From, s.To = cmp.Or(r.Promoted, from), cmp.Or(r.Ended, last[s.Name])
			default:
				s.To = last[s.Name]
			}
			from = cmp.Or(s.To, from)
		}
	}
	return steps
}

// stepAt is the step at which a rollout stands or ended.
func stepAt(r trimtab.Rollout, steps []RolloutStep, last map[string]trimtab.Time) int {
	name := ""
	switch r.Under() {
	case trimtab.RolloutShadow:
		name = "shadow"
	case trimtab.RolloutCanary:
		name = fmt.Sprintf("canary %d of %d", r.Step+1, len(r.Spec.Canary.Steps))
	case trimtab.RolloutPromoting:
		name = "baking"
	case trimtab.RolloutBaking:
		name = "baking"
	case trimtab.RolloutPromoted:
		return len(steps) - 1
	default: // it went back, or another one came: where the last look was, or where it began
		for i, s := range slices.Backward(steps) {
			if last[s.Name] != 0 {
				return i
			}
		}
		return 0
	}
	if i := slices.IndexFunc(steps, func(s RolloutStep) bool { return s.Name == name }); i >= 0 {
		return i
	}
	return len(steps) - 1
}

// VersionsOf says how the two versions of a rollout did in the windows that it spans.
func VersionsOf(r trimtab.Rollout, monitor string, windows []trimtab.WindowResult) []RolloutVersion {
	out := []RolloutVersion{}
	for _, v := range []RolloutVersion{{Version: r.From, Role: "old"}, {Version: r.To, Role: "new"}} {
		if v.Version == 0 {
			continue
		}
		sum := 0.0
		for _, w := range windows {
			if w.End <= r.Begun || r.Ended != 0 && w.Start >= r.Ended {
				continue
			}
			v.add(w, &sum)
		}
		v.Loss = Figure(nan)
		if v.Rows > 0 {
			v.Monitor, v.Loss = monitor, Figure(sum/float64(v.Rows))
		}
		out = append(out, v)
	}
	return out
}

// add adds what a window knows of the version: its score on the rows of the window.
func (v *RolloutVersion) add(w trimtab.WindowResult, sum *float64) {
	for _, s := range w.Scores {
		if s.Version == v.Version {
			v.Rows += s.Rows
			*sum += s.Loss * float64(s.Rows)
			return
		}
	}
}
