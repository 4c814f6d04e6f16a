package notify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Classes of messages that a channel may ask for.
const (
	aboutIncidents = "incidents"
	aboutDecisions = "decisions"
	aboutRollouts  = "rollouts"
	aboutApprovals = "approvals" // a person must act
)

// notice is what is to be told of an entry, to whatever channel wants it.
type notice struct {
	trimtab.Delivery // without id, channel, state and moments
	classes          []string
}

// wanted reports whether a channel asks for the notice.
func (n notice) wanted(spec trimtab.ChannelSpec) bool {
	return n.Severity.AtLeast(spec.MinSeverity) && slices.ContainsFunc(n.classes, func(c string) bool { return slices.Contains(spec.Events, c) })
}

// maxText bounds the text of one notice in bytes.
const maxText = 6 << 10

// told lists the actions that are told of, by kind of object.
var told = map[string][]string{
	"incident": {"incident.open", "incident.hold", "incident.close", "incident.acknowledge", "incident.release"},
	"decision": {"decision.advised", "decision.awaiting", "decision.training", "decision.done", "decision.rejected", "decision.failed"},
	"rollout":  {"rollout.begin", "rollout.held", "rollout.baking", "rollout.promoted", "rollout.rolledBack", "rollout.superseded"},
}

// ofIncident says what an action on an incident means for people.
func ofIncident(i trimtab.Incident, action, base string) notice {
	n := notice{classes: []string{aboutIncidents}, Delivery: trimtab.Delivery{
		Group: "incident/" + i.ID, Event: action, Kind: string(i.Kind), Endpoint: i.Endpoint, Severity: i.Severity,
		Title: i.Endpoint + ": " + incidentWords(i), Begin: i.Begin, End: i.End,
		Link: link(base, "incidents/"+url.PathEscape(i.ID), i.Workspace), Resolved: action == "incident.close", FollowUp: action != "incident.open",
	}}
	t := &text{}
	switch action {
	case "incident.close":
		t.line("It is over, since %s.", i.End)
		t.line("%s", i.Note)
	case "incident.acknowledge":
		t.line("%s has seen it and looks after it. %s", i.AcknowledgedBy, i.Acknowledgement)
	case "incident.release":
		t.line("The held rows were released by %s and will be learnt from: %s", i.ReleasedBy, i.Note)
	default:
		if action == "incident.hold" {
			t.line("The rows since %s are held now.", i.Begin)
		}
		t.line("%s", i.Cause)
		t.line("Begun %s, found %s.", i.Begin, i.Found)
		if i.Rows > 0 {
			t.line("Rows: %d, of them bad: %d.", i.Rows, i.Bad)
		}
		if i.Hold && action == "incident.open" {
			t.line("Its rows are held: they stay out of training, references and quality until a person releases them.")
		}
		if len(i.Also) > 0 {
			t.line("Under the same cause: %s.", strings.Join(i.Also, ", "))
		}
		for _, e := range i.Evidence[:min(len(i.Evidence), 6)] {
			t.line("- %s", evidenceWords(e))
		}
		if i.Remedy != "" {
			t.line("Remedy: %s", i.Remedy)
		}
	}
	t.line("More: trimtab incidents show %s", i.ID)
	return n.with(t)
}

// ofDecision says what a state of a decision means for people.
func ofDecision(d trimtab.Decision, action, base string) notice {
	n := notice{classes: []string{aboutDecisions}, Delivery: trimtab.Delivery{
		Group: "decision/" + d.ID, Event: action, Kind: "decision", Endpoint: d.Endpoint, Severity: trimtab.Info, Begin: d.At,
		Title: fmt.Sprintf("%s: policy %s decided to %s", d.Endpoint, d.Policy, actionWords(d)), Link: link(base, "decisions/"+url.PathEscape(d.ID), d.Workspace), FollowUp: true,
	}}
	t := &text{}
	switch action {
	case "decision.advised":
		n.Severity, n.FollowUp = trimtab.Warning, false
		n.Title = fmt.Sprintf("%s: policy %s advises to %s", d.Endpoint, d.Policy, actionWords(d))
		t.line("%s", d.Reason)
	case "decision.awaiting":
		n.classes = []string{aboutApprovals}
		n.Severity, n.Kind, n.FollowUp = trimtab.Warning, "approval", false
		n.Title = fmt.Sprintf("%s: policy %s asks to %s", d.Endpoint, d.Policy, actionWords(d))
		t.line("It waits for a person. %s", d.Reason)
	case "decision.training":
		n.FollowUp = false // may be the first that is told
		t.line("Begun. %s", d.Reason)
	case "decision.done":
		t.line("Done. %s", d.Outcome)
	case "decision.rejected":
		t.line("Rejected. %s", d.Outcome)
	case "decision.failed":
		n.Severity = trimtab.Warning
		t.line("It failed. %s", d.Outcome)
	}
	if action == "decision.advised" || action == "decision.awaiting" {
		for _, a := range d.Alternatives {
			if a.Chosen {
				t.line("Expected to save %.4g, to cost %.4g: net %.4g.", a.Expected, a.Cost, a.Net)
			}
		}
		if d.Command != "" {
			t.line("By hand: %s", d.Command)
		}
	}
	if d.Candidate != 0 {
		t.line("Version %d.", d.Candidate)
	}
	t.line("Decided at %s. More: trimtab decisions explain %s", d.At, d.ID)
	return n.with(t)
}

// ofRollout says what a state of a rollout means for people. One that carries out a
// decision is told in the decision's group.
func ofRollout(r trimtab.Rollout, action, base string) notice {
	n := notice{classes: []string{aboutRollouts}, Delivery: trimtab.Delivery{
		Group: "rollout/" + r.ID, Event: action, Kind: "rollout", Endpoint: r.Endpoint, Severity: trimtab.Info, Begin: r.Begun, End: r.Ended,
		Title: fmt.Sprintf("%s: %s version %d takes over", r.Endpoint, r.Model, r.To), Link: link(base, "rollouts/"+url.PathEscape(r.ID), r.Workspace),
		FollowUp: action != "rollout.begin",
	}}
	if r.Origin == "policy" && r.Cause != "" {
		n.Group, n.FollowUp = "decision/"+r.Cause, true
	}
	if r.From != 0 {
		n.Title += fmt.Sprintf(" from version %d", r.From)
	}
	t := &text{}
	switch action {
	case "rollout.begin":
		t.line("The rollout has begun.")
		if r.Origin != "policy" {
			t.line("%s", r.Cause)
		}
	case "rollout.held":
		n.classes = []string{aboutRollouts, aboutApprovals}
		n.Severity, n.Kind = trimtab.Warning, "approval"
		t.line("Held: a person must decide whether it goes on or is rolled back. %s", r.Reason)
		t.line("By hand: trimtab rollout promote %s, or trimtab rollout rollback %s", r.ID, r.ID)
	case "rollout.baking":
		t.line("Version %d answers everything and is still compared. %s", r.To, r.Reason)
	case "rollout.promoted":
		t.line("Promoted. %s", r.Reason)
	case "rollout.rolledBack":
		n.Severity = trimtab.Warning
		t.line("Rolled back. %s", r.Reason)
	case "rollout.superseded":
		t.line("Superseded by another version. %s", r.Reason)
	}
	if r.Verdict != "" && action != "rollout.begin" {
		t.line("Verdict: %s", r.Verdict)
	}
	t.line("More: trimtab rollout status %s", r.ID)
	return n.with(t)
}

// with completes the notice with its text, and makes the title one line.
func (n notice) with(t *text) notice {
	n.Title, n.Text = oneLine(n.Title, 200), t.b.String()
	return n
}

// text gathers lines, the empty ones left out, up to maxText.
type text struct{ b strings.Builder }

func (t *text) line(format string, args ...any) {
	s := strings.TrimSpace(fmt.Sprintf(format, args...))
	if s == "" || t.b.Len()+len(s) >= maxText {
		return
	}
	if t.b.Len() > 0 {
		t.b.WriteByte('\n')
	}
	t.b.WriteString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}

func incidentWords(i trimtab.Incident) string {
	words := map[trimtab.IncidentKind]string{
		trimtab.DataFault: "data fault", trimtab.Breach: "data contract broken", trimtab.Drift: "drift", trimtab.Decay: "quality decays",
		trimtab.Miscalibration: "miscalibrated", trimtab.LabelsStopped: "labels stopped", trimtab.TrafficStopped: "traffic stopped",
		trimtab.RolledBack: "a rollout was rolled back", trimtab.TrainingFailed: "training failed", trimtab.DidNotHelp: "the cure did not help",
		trimtab.LoopBroken: "the loop has stopped itself",
	}[i.Kind]
	if words == "" {
		words = string(i.Kind)
	}
	switch {
	case i.Kind == trimtab.DataFault && i.Fault == "volume":
		words = "more rows than usual"
	case i.Kind == trimtab.TrafficStopped && i.Fault == "fewer":
		words = "rows missing"
	case i.Kind == trimtab.TrafficStopped && i.Fault == "late":
		words = "rows late"
	case i.Kind == trimtab.LabelsStopped && i.Fault == "fewer":
		words = "labels missing"
	case i.Kind == trimtab.LabelsStopped && i.Fault == "late":
		words = "labels late"
	}
	switch n := len(i.Columns); {
	case n == 0:
		return words
	case n <= 3:
		return words + " in " + strings.Join(i.Columns, ", ")
	default:
		return fmt.Sprintf("%s in %s and %d more columns", words, strings.Join(i.Columns[:2], ", "), n-2)
	}
}

func evidenceWords(e trimtab.Evidence) string {
	if e.Text != "" && e.Value == 0 {
		return e.Name + ": " + e.Text
	}
	s := fmt.Sprintf("%s %.4g", e.Name, e.Value)
	if e.Limit != 0 {
		s += fmt.Sprintf(", limit %.4g", e.Limit)
	}
	if e.Text != "" {
		s += " (" + e.Text + ")"
	}
	return s
}

func actionWords(d trimtab.Decision) string {
	switch d.Action {
	case trimtab.DoPromoteOlder:
		return fmt.Sprintf("promote version %d again", d.Version)
	case trimtab.DoRollBack:
		return "roll back"
	case trimtab.DoNothing:
		return "do nothing"
	}
	return string(d.Action)
}

// link is the address of a page for people, "" without a base.
func link(base, page string, ws trimtab.Workspace) string {
	if base == "" {
		return ""
	}
	s := strings.TrimRight(base, "/") + "/ui/" + page
	if ws != "" && ws != trimtab.DefaultWorkspace {
		s += "?project=" + url.QueryEscape(string(ws))
	}
	return s
}
