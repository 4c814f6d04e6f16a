package overview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Parked is a journal entry that a consumer could not handle and set aside.
type Parked struct {
	Consumer string
	Index    int64
	Reason   string
	Time     trimtab.Time
}

// Attend decides what of an overview needs a person, the worst and newest
// first. It reads everything but Attention itself, so that whoever has the
// answer can decide again.
func Attend(o Overview, parked []Parked) []Attention {
	out := []Attention{}
	for _, p := range o.Pipelines {
		if p.State != trimtab.PipelineFailed {
			continue
		}
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
		out = append(out, a)
	}
	for _, e := range o.Endpoints {
		if a, ok := attendEndpoint(e); ok {
			out = append(out, a)
		}
	}
	for _, r := range o.Replays {
		if r.State == "failed" {
			out = append(out, Attention{
				Severity: Bad, Rule: "replay.failed", Kind: "replay", Name: string(r.ID),
				Title: fmt.Sprintf("Replay of %s through endpoint %s failed", r.Source, r.Endpoint), Detail: r.Reason, Since: r.Ended,
				Command: fmt.Sprintf("trimtab replay %s --source %s --from %s --to %s --resume", r.Endpoint, r.Source, r.From, r.To),
			})
		}
	}
	for _, m := range o.Monitors {
		if a, ok := attendMonitor(m); ok {
			out = append(out, a)
		}
	}
	out = append(out, attendParked(parked)...)
	rank := map[Severity]int{Bad: 0, Warn: 1}
	slices.SortStableFunc(out, func(a, b Attention) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(b.Since, a.Since), strings.Compare(a.Title, b.Title))
	})
	return out
}

func attendEndpoint(e Endpoint) (Attention, bool) {
	a := Attention{Kind: "endpoint", Name: e.Name, Since: e.Since, Detail: e.Message, Command: "trimtab endpoint show " + e.Name}
	switch e.State {
	case NoVersion:
		a.Severity, a.Rule = Warn, "endpoint.noVersion"
		a.Title = fmt.Sprintf("Endpoint %s has no version to serve", e.Name)
		a.Detail = fmt.Sprintf("alias %s of model %s points to no version, so requests are answered with 503", e.Alias, e.Model)
		a.Command = fmt.Sprintf("trimtab model alias set %s %s VERSION", e.Model, e.Alias)
	case Failed:
		a.Severity, a.Rule = Bad, "endpoint.loadFailed"
		a.Title = fmt.Sprintf("Endpoint %s serves nothing: version %d did not load", e.Name, e.Target)
	case Behind:
		a.Severity, a.Rule = Bad, "endpoint.loadFailed"
		a.Title = fmt.Sprintf("Endpoint %s still serves version %d: version %d did not load", e.Name, e.Serving, e.Target)
	default:
		return a, false
	}
	a.Detail = cmp.Or(a.Detail, e.Reason)
	return a, true
}

// attendMonitor looks at the newest window: an older one without metrics is
// history, and the table shows it.
func attendMonitor(m Monitor) (Attention, bool) {
	if len(m.Windows) == 0 {
		return Attention{}, false
	}
	w := m.Windows[len(m.Windows)-1]
	var missing []string
	for _, name := range m.Metrics {
		if !slices.ContainsFunc(w.Quality, func(q Quality) bool { return q.Metric == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return Attention{}, false
	}
	return Attention{
		Severity: Warn, Rule: "window.missing", Kind: "monitor", Name: m.Name,
		Title:  fmt.Sprintf("Monitor %s has no %s for %s", m.Name, strings.Join(missing, ", "), w.Label),
		Detail: cmp.Or(w.Reason, fmt.Sprintf("%d of %d predictions have a label", w.Labelled, w.Rows)), Since: w.Computed,
		Command: "trimtab monitor show " + m.Name,
	}, true
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
