package view

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// DecisionPage is a decision with all that was known and what became of it. Before
// and After are the neighbours that the same policy decided, "" at the ends. Now
// says whether the policy is still the one that decided.
type DecisionPage struct {
	Decision     DecisionRecord      `json:"decision"`
	Options      []DecisionOption    `json:"options"`
	Evaluation   *trimtab.Evaluation `json:"evaluation,omitempty"`
	Rollout      *DecisionRollout    `json:"rollout,omitempty"`
	RunState     string              `json:"runState,omitempty"`
	Model        trimtab.ModelName   `json:"model,omitempty"`
	Limits       DecisionLimits      `json:"limits"`
	Incidents    []IncidentLine      `json:"incidents"` // open at that moment
	Consequences []IncidentLine      `json:"consequences"`
	Entries      []LoopEntry         `json:"entries"` // oldest first
	Before       string              `json:"before,omitempty"`
	After        string              `json:"after,omitempty"`
	Commands     []string            `json:"commands"`         // that say or do the same
	Paused       string              `json:"paused,omitempty"` // who paused the policy or the whole loop, and why
}

// DecisionRecord is a decision as it is kept, under a name that the pages can use.
type DecisionRecord trimtab.Decision

// DecisionOption is an alternative with the chance that its gain is real, where the
// decision says it.
type DecisionOption struct {
	Alternative trimtab.Alternative `json:"alternative"`
	Chance      *float64            `json:"chance,omitempty"`
}

// DecisionLimits is what the policy allows now. Known is false when it is declared no
// more, Same when it still is the one that decided.
type DecisionLimits struct {
	Known    bool             `json:"known"`
	Same     bool             `json:"same"`
	Horizon  trimtab.Duration `json:"horizon,omitempty"`
	Cooldown trimtab.Duration `json:"cooldown,omitempty"`
	Retrains int              `json:"retrains,omitempty"`
	Per      trimtab.Duration `json:"per,omitempty"`
	MinRows  int64            `json:"minRows,omitempty"`
	Currency string           `json:"currency,omitempty"`
}

// DecisionRollout is the rollout that a decision led to, in short.
type DecisionRollout struct {
	ID       string               `json:"id"`
	From     trimtab.Version      `json:"from"`
	To       trimtab.Version      `json:"to"`
	State    trimtab.RolloutState `json:"state"`
	Share    float64              `json:"share"` // of requests that To answers
	Begun    trimtab.Time         `json:"begun"`
	Promoted trimtab.Time         `json:"promoted,omitempty"`
	Ended    trimtab.Time         `json:"ended,omitempty"`
	Reason   string               `json:"reason,omitempty"`
}

// OfDecisionRollout shortens a rollout.
func OfDecisionRollout(r trimtab.Rollout) *DecisionRollout {
	return &DecisionRollout{ID: r.ID, From: r.From, To: r.To, State: r.State, Share: r.Share, Begun: r.Begun, Promoted: r.Promoted, Ended: r.Ended, Reason: r.Reason}
}

// LoopEntry is a journal entry in short.
type LoopEntry struct {
	Index  int64        `json:"index"`
	Time   trimtab.Time `json:"time"`
	Action string       `json:"action"`
	By     string       `json:"by"`
	Kind   string       `json:"kind"` // of the actor
	Reason string       `json:"reason,omitempty"`
}

// OfLoopEntries shortens entries that come newest first, the oldest first.
func OfLoopEntries(entries []trimtab.Entry) []LoopEntry {
	out := make([]LoopEntry, 0, len(entries))
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		out = append(out, LoopEntry{Index: e.Index, Time: e.Time, Action: e.Action, By: e.Actor.ID, Kind: string(e.Actor.Kind), Reason: e.Reason})
	}
	return out
}

// chanceText is how decisions say the chance that a gain is real.
var chanceText = regexp.MustCompile(`real with a chance of (\d+)%`)

func chanceIn(text string) *float64 {
	m := chanceText.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n > 100 {
		return nil
	}
	share := float64(n) / 100
	return &share
}

// OptionsOf are the alternatives of a decision with the chances that it says.
func OptionsOf(d trimtab.Decision) []DecisionOption {
	out := make([]DecisionOption, 0, len(d.Alternatives))
	for _, a := range d.Alternatives {
		o := DecisionOption{Alternative: a, Chance: chanceIn(a.Why)}
		if a.Chosen && o.Chance == nil {
			o.Chance = chanceIn(d.Reason)
		}
		out = append(out, o)
	}
	return out
}

// DecisionCommands are the commands that show a decision, or do what it waits for.
func DecisionCommands(d trimtab.Decision) []string {
	out := []string{"trimtab decisions explain " + d.ID}
	if d.State == trimtab.DecisionAwaiting || d.State == trimtab.DecisionAdvised {
		out = append(out, "trimtab decisions approve "+d.ID, "trimtab decisions reject "+d.ID+" --reason WHY")
	}
	return out
}

// DecisionLine is a decision in a list. Gain is that of what was chosen.
type DecisionLine struct {
	ID        string                `json:"id"`
	Policy    string                `json:"policy"`
	Endpoint  string                `json:"endpoint"`
	At        trimtab.Time          `json:"at"`
	Action    trimtab.Action        `json:"action"`
	Version   trimtab.Version       `json:"version,omitempty"`
	State     trimtab.DecisionState `json:"state"`
	Reason    string                `json:"reason"`
	Outcome   string                `json:"outcome,omitempty"`
	Approver  string                `json:"approver,omitempty"`
	Candidate trimtab.Version       `json:"candidate,omitempty"`
	Gain      *float64              `json:"gain,omitempty"`
	StdErr    float64               `json:"stderr,omitempty"`
	Realised  *float64              `json:"realised,omitempty"`
	Error     string                `json:"error,omitempty"` // of Realised, as "± 0.01"
}

// OfDecisionLine shortens a decision.
func OfDecisionLine(d trimtab.Decision) DecisionLine {
	l := DecisionLine{ID: d.ID, Policy: d.Policy, Endpoint: d.Endpoint, At: d.At, Action: d.Action, Version: d.Version, State: d.State, Reason: d.Reason, Outcome: d.Outcome,
		Approver: d.Approver, Candidate: d.Candidate}
	for _, a := range d.Alternatives {
		if a.Chosen && a.Windows > 0 {
			l.Gain, l.StdErr = &a.Gain, a.StdErr
		}
	}
	if d.Realised != nil {
		l.Realised, l.Error = &d.Realised.Value, d.Realised.Text
	}
	return l
}

// DecisionList is a page of decisions, newest first, with the endpoints and policies
// that could be asked for.
type DecisionList struct {
	Items     []DecisionLine    `json:"items"`
	Next      trimtab.PageToken `json:"next,omitempty"`
	Endpoints []string          `json:"endpoints"`
	Waiting   int               `json:"waiting"` // decisions that wait for a person
}

// LimitsOf is what a declared policy allows. Of a policy whose digest is another than
// the decision's it is what it allows now, not what it allowed then.
func LimitsOf(r trimtab.Resource, s trimtab.RetrainPolicySpec, d trimtab.Decision) DecisionLimits {
	return DecisionLimits{Known: true, Same: trimtab.DigestOf(r.Spec) == d.PolicyDigest, Horizon: s.Horizon, Cooldown: s.Limits.Cooldown,
		Retrains: s.Limits.Retrains, Per: s.Limits.Per, MinRows: s.Require.MinRows, Currency: s.Costs.Currency}
}

// FollowsFrom reports whether an incident came of a decision: its cure did not help,
// its training failed, its rollout was rolled back.
func FollowsFrom(i trimtab.Incident, d trimtab.Decision) bool {
	switch i.Kind {
	case trimtab.DidNotHelp, trimtab.TrainingFailed, trimtab.LoopBroken:
		return strings.Contains(i.Cause, d.ID)
	case trimtab.RolledBack:
		return d.Rollout != "" && (strings.Contains(i.Cause, d.Rollout) || strings.Contains(i.ID, d.Rollout))
	}
	return false
}
