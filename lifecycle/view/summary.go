package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Level orders what needs attention.
type Level string

const (
	// Warning: it works, and somebody should look.
	Warning Level = "warning"
	// Critical: something that was declared does not work.
	Critical Level = "critical"
)

// Attention is one thing that needs a human. Remedy is a command or a sentence
// that says what to do.
type Attention struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Remedy  string `json:"remedy,omitempty"`
}

// Summary is a project on one screen.
type Summary struct {
	Project   trimtab.Workspace `json:"project"`
	Now       trimtab.Time      `json:"now"`
	Models    []SummaryModel    `json:"models,omitempty"`
	Endpoints []Endpoint        `json:"endpoints,omitempty"`
	Monitors  []SummaryMonitor  `json:"monitors,omitempty"`
	Pipelines []SummaryPipeline `json:"pipelines,omitempty"`
	Replays   []Replay          `json:"replays,omitempty"`
	Attention []Attention       `json:"attention,omitempty"`
}

// SummaryModel is a registered model in one line.
type SummaryModel struct {
	Name    trimtab.ModelName                 `json:"name"`
	Newest  trimtab.Version                   `json:"newest,omitempty"`
	Count   int                               `json:"count"`
	Aliases map[trimtab.Alias]trimtab.Version `json:"aliases,omitempty"`
}

// SummaryMonitor is a monitor with its last windows, oldest first.
type SummaryMonitor struct {
	Name     string                 `json:"name"`
	Endpoint string                 `json:"endpoint"`
	Window   trimtab.Window         `json:"window"`
	Recent   []trimtab.WindowResult `json:"recent,omitempty"`
}

// SummaryPipeline is a pipeline with its last run, nil when it has never run.
type SummaryPipeline struct {
	Name string       `json:"name"`
	Last *PipelineRun `json:"last,omitempty"`
}

// Judge fills what needs attention: the one rule of `trimtab status` and its
// exit code. Critical things come first, then the order of the subjects.
func (s Summary) Judge() Summary {
	s.Attention = nil
	add := func(level Level, subject, remedy, format string, args ...any) {
		s.Attention = append(s.Attention, Attention{Level: level, Subject: subject, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	for _, e := range s.Endpoints {
		judgeEndpoint(e, add)
	}
	for _, m := range s.Monitors {
		judgeMonitor(m, add)
	}
	for _, p := range s.Pipelines {
		if p.Last == nil || p.Last.State != trimtab.PipelineFailed {
			continue
		}
		step := ""
		for _, st := range p.Last.Steps {
			if st.State == trimtab.StepFailed {
				step = " " + st.Name
				break
			}
		}
		add(Critical, "pipeline/"+p.Name, fmt.Sprintf("trimtab pipeline logs %s%s", p.Last.ID, step), "its last run failed: %s", cmp.Or(p.Last.Reason, "no reason was recorded"))
	}
	for _, r := range s.Replays {
		if r.State == "failed" {
			add(Critical, "replay/"+string(r.ID), fmt.Sprintf("trimtab replay %s --resume --follow", r.Endpoint), "failed at %s: %s", cmp.Or(r.Position.String(), "its start"), r.Reason)
		}
	}
	slices.SortStableFunc(s.Attention, func(a, b Attention) int {
		return cmp.Or(strings.Compare(string(a.Level), string(b.Level)), strings.Compare(a.Subject, b.Subject))
	})
	return s
}

// holds are the conditions that are good when they are true; any other condition
// reports a trouble.
var holds = map[string]bool{"Ready": true, "Loaded": true}

func judgeEndpoint(e Endpoint, add func(Level, string, string, string, ...any)) {
	subject := "endpoint/" + e.Name
	told := false
	for _, c := range e.Conditions {
		if c.Status == holds[c.Type] || c.Type == "Ready" || c.Type == "NoVersion" {
			continue // Ready and NoVersion say that it does not answer, the others say why
		}
		told = true
		if why := cmp.Or(c.Message, c.Reason); c.Type == "Loaded" {
			add(Critical, subject, "trimtab endpoint show "+e.Name, "the version that %s@%s points to cannot be loaded: %s", e.Model, e.Alias, why)
		} else {
			add(Critical, subject, "trimtab endpoint show "+e.Name, "%s: %s", c.Type, why)
		}
	}
	if e.Version == 0 && !told {
		add(Critical, subject, fmt.Sprintf("trimtab model alias set %s %s VERSION", e.Model, e.Alias), "answers 503: alias %s of model %s points to no version", e.Alias, e.Model)
	}
	if n := e.Counts["dropped"]; n > 0 {
		add(Warning, subject, "declare logging: {durability: durable}", "%d predictions were answered and not logged: the queue of the log was full", n)
	}
	for _, w := range e.Settled {
		if w.Wait == trimtab.WaitHuman {
			add(Critical, subject, w.Detail, "%s waits for a decision", w.Listener)
		}
	}
}

func judgeMonitor(m SummaryMonitor, add func(Level, string, string, string, ...any)) {
	if len(m.Recent) == 0 {
		return
	}
	last := m.Recent[len(m.Recent)-1]
	subject := "monitor/" + m.Name
	switch {
	case last.Rows > 0 && last.Labelled == 0:
		add(Warning, subject, fmt.Sprintf("trimtab labels push %s labels.csv", m.Endpoint), "window %s has %d predictions and no label", m.Window.Label(last.Start), last.Rows)
	case last.Reason != "" && last.Rows > 0:
		add(Warning, subject, "", "window %s has no quality: %s", m.Window.Label(last.Start), last.Reason)
	}
}

// LabelAge is how far the last window with labels lies behind the watermark; ok
// is false when there is none.
func (m SummaryMonitor) LabelAge(watermark trimtab.Time) (age time.Duration, ok bool) {
	for i := len(m.Recent) - 1; i >= 0; i-- {
		if m.Recent[i].Labelled > 0 {
			return max(0, watermark.Sub(m.Recent[i].End)), true
		}
	}
	return 0, false
}
