package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Severity says how loud a line of attention is.
type Severity string

const (
	Bad  Severity = "bad"  // something that should work does not
	Warn Severity = "warn" // something is missing or will be
)

// Attention is one thing that a person should look at, and why. Command shows
// more or resolves it; "" when there is none.
type Attention struct {
	Severity Severity     `json:"severity"`
	Rule     string       `json:"rule"` // "pipeline.failed", "endpoint.noVersion", …
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Detail   string       `json:"detail,omitempty"`
	Since    trimtab.Time `json:"since,omitzero"`
	Command  string       `json:"command,omitempty"`
}

// Parked is a journal entry that a consumer could not handle and set aside.
type Parked struct {
	Consumer string       `json:"consumer"`
	Index    int64        `json:"index"`
	Reason   string       `json:"reason"`
	Time     trimtab.Time `json:"time"`
}

// Attend decides what of an overview needs a person, the worst and newest first.
// It is the only rule of that, for the start page, for `trimtab status` and for its
// exit code. It reads everything but Attention itself, so that whoever has the
// answer can decide again; the result is never nil.
func Attend(o Overview, parked []Parked) []Attention {
	out := []Attention{}
	for _, p := range o.Pipelines {
		// A pipeline that is no longer declared cannot be run again, so nobody could end it.
		if p.State == trimtab.PipelineFailed && !p.Deleted {
			out = append(out, attendPipeline(p))
		}
	}
	for _, e := range o.Endpoints {
		e.Waits = slices.DeleteFunc(slices.Clone(e.Waits), func(w OverviewWait) bool { return o.Loop.told(e.Name, w.Listener) })
		out = append(out, attendEndpoint(e)...)
	}
	for _, r := range o.Replays {
		if r.State == "failed" {
			out = append(out, attendReplay(r))
		}
	}
	for _, m := range o.Monitors {
		if a, ok := attendMonitor(m); ok {
			out = append(out, a)
		}
	}
	out = append(out, attendLoop(o.Loop)...)
	out = append(out, attendParked(parked)...)
	rank := map[Severity]int{Bad: 0, Warn: 1}
	slices.SortStableFunc(out, func(a, b Attention) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(b.Since, a.Since), strings.Compare(a.Title, b.Title))
	})
	return out
}

func attendPipeline(p OverviewPipeline) Attention {
	a := Attention{
		Severity: Bad, Rule: "pipeline.failed", Kind: "pipeline", Name: p.Pipeline,
		Title: fmt.Sprintf("Pipeline %s failed", p.Pipeline), Detail: p.Reason, Since: p.Ended,
		Command: "trimtab pipeline show " + string(p.ID),
	}
	for _, s := range p.Steps {
		if s.State == trimtab.StepFailed {
			a.Title = fmt.Sprintf("Pipeline %s failed in step %s", p.Pipeline, s.Name)
			a.Detail = cmp.Or(s.Reason, p.Reason)
			a.Command = "trimtab pipeline logs " + string(p.ID) + " " + s.Name
			break
		}
	}
	return a
}

func attendReplay(r OverviewReplay) Attention {
	a := Attention{
		Severity: Bad, Rule: "replay.failed", Kind: "replay", Name: string(r.ID),
		Title: fmt.Sprintf("Replay of %s through endpoint %s failed", r.Source, r.Endpoint), Detail: r.Reason, Since: r.Ended,
		Command: fmt.Sprintf("trimtab replay %s --resume --follow", r.Endpoint),
	}
	if r.Position != 0 {
		a.Title += " at " + r.Position.String()
	}
	return a
}

func attendEndpoint(e OverviewEndpoint) (out []Attention) {
	show := "trimtab endpoint show " + e.Name
	add := func(a Attention) {
		a.Kind, a.Name = "endpoint", e.Name
		out = append(out, a)
	}
	switch why := cmp.Or(e.Message, e.Reason); e.State {
	case EndpointNoVersion:
		a := Attention{
			Severity: Warn, Rule: "endpoint.noVersion", Since: e.Since,
			Title:   fmt.Sprintf("Endpoint %s has no version to serve", e.Name),
			Detail:  fmt.Sprintf("alias %s of model %s points to no version, so requests are answered with 503", e.Alias, e.Model),
			Command: fmt.Sprintf("trimtab model alias set %s %s VERSION", e.Model, e.Alias),
		}
		// Declared and not trained yet is how every endpoint begins; one that clients call is down.
		if e.LiveSince != 0 {
			a.Severity = Bad
			a.Detail += fmt.Sprintf("; clients have called it since %s", e.LiveSince)
		}
		add(a)
	case EndpointFailed:
		add(Attention{Severity: Bad, Rule: "endpoint.loadFailed", Title: fmt.Sprintf("Endpoint %s serves nothing: version %d did not load", e.Name, e.Target), Detail: why, Since: e.Since, Command: show})
	case EndpointBehind:
		add(Attention{Severity: Bad, Rule: "endpoint.loadFailed", Title: fmt.Sprintf("Endpoint %s still serves version %d: version %d did not load", e.Name, e.Serving, e.Target), Detail: why, Since: e.Since, Command: show})
	}
	if e.Lost > 0 {
		add(Attention{Severity: Bad, Rule: "endpoint.lost", Title: fmt.Sprintf("Endpoint %s could not write %s to its log", e.Name, predictions(e.Lost)), Detail: "they were answered and are in no window; the log of the server says why: see to its disk", Command: show})
	}
	if e.Dropped > 0 {
		add(Attention{Severity: Warn, Rule: "endpoint.dropped", Title: fmt.Sprintf("Endpoint %s answered %s without logging them", e.Name, predictions(e.Dropped)), Detail: "the queue of its log was full; with logging: {durability: durable} requests wait for the log instead", Command: show})
	}
	for _, w := range e.Waits {
		add(Attention{Severity: Warn, Rule: "endpoint.waits", Title: fmt.Sprintf("Endpoint %s: %s waits for a decision", e.Name, w.Listener), Command: cmp.Or(w.Command, show)})
	}
	return out
}

func predictions(n int64) string {
	if n == 1 {
		return "1 prediction"
	}
	return fmt.Sprintf("%d predictions", n)
}

// attendMonitor looks at the newest closed window: an older one without metrics is
// history, and the table shows it. A window without predictions has nothing to
// measure, which is how a quiet hour looks; nor has one whose rows are all held.
func attendMonitor(m OverviewMonitor) (Attention, bool) {
	closed := len(m.Windows) - 1
	for closed >= 0 && m.Windows[closed].Early {
		closed--
	}
	if closed < 0 {
		return Attention{}, false
	}
	w := m.Windows[closed]
	a := Attention{Severity: Warn, Kind: "monitor", Name: m.Name, Since: w.Computed}
	if w.Rows == w.Held {
		return a, false
	}
	if w.Labelled == 0 {
		a.Rule = "window.unlabelled"
		a.Title = fmt.Sprintf("Monitor %s has no label for %s", m.Name, w.Label)
		a.Detail = cmp.Or(w.Reason, "no labels") + fmt.Sprintf("; the window has %s", predictions(w.Rows))
		a.Command = fmt.Sprintf("trimtab labels push %s FILE", m.Endpoint)
		return a, true
	}
	var missing []string
	for _, name := range m.Metrics {
		if !slices.ContainsFunc(w.Quality, func(q OverviewQuality) bool { return q.Metric == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return a, false
	}
	a.Rule = "window.missing"
	a.Title = fmt.Sprintf("Monitor %s has no %s for %s", m.Name, strings.Join(missing, ", "), w.Label)
	a.Detail = cmp.Or(w.Reason, fmt.Sprintf("%d of %d predictions have a label", w.Labelled, w.Rows))
	a.Command = "trimtab monitor show " + m.Name
	return a, true
}

// attendParked gives one line per consumer, however many entries it parked.
func attendParked(parked []Parked) []Attention {
	var out []Attention
	at := map[string]int{}
	count := map[string]int{}
	for _, p := range parked {
		i, ok := at[p.Consumer]
		if !ok {
			i = len(out)
			at[p.Consumer] = i
			out = append(out, Attention{Severity: Bad, Rule: "journal.parked", Kind: "consumer", Name: p.Consumer, Command: "trimtab journal tail"})
		}
		count[p.Consumer]++
		a := &out[i]
		if p.Time >= a.Since {
			a.Since, a.Detail = p.Time, fmt.Sprintf("entry %d: %s", p.Index, p.Reason)
		}
		a.Title = fmt.Sprintf("%s could not handle a journal entry", p.Consumer)
		if n := count[p.Consumer]; n > 1 {
			a.Title = fmt.Sprintf("%s could not handle %d journal entries", p.Consumer, n)
		}
	}
	return out
}
