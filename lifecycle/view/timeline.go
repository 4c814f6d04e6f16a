package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Timeline is what happened at an endpoint, in its event time: window by window
// how good the answers were, what was found, what was decided and why, and which
// version served when. Frozen is the version that served first: what would have
// been answered if nobody had done anything.
type Timeline struct {
	Endpoint string           `json:"endpoint"`
	Monitor  string           `json:"monitor"`
	Metric   string           `json:"metric,omitempty"` // of Value in each window
	Frozen   trimtab.Version  `json:"frozen,omitempty"`
	Windows  []TimelineWindow `json:"windows"`
	Services []Service        `json:"services"`
	Summary  TimelineSummary  `json:"summary"`
}

// TimelineWindow is one window. Gain is the mean loss that what was served saved
// per row against the frozen version, on the same rows, with its error by days.
type TimelineWindow struct {
	Start    trimtab.Time      `json:"start"`
	End      trimtab.Time      `json:"end"`
	Versions []trimtab.Version `json:"versions,omitempty"`
	Rows     int64             `json:"rows"`
	Labelled int64             `json:"labelled"`
	Held     int64             `json:"held,omitempty"`
	Value    *trimtab.Quality  `json:"value,omitempty"`
	Gain     *float64          `json:"gain,omitempty"`
	StdErr   float64           `json:"stderr,omitempty"`
	Drift    []string          `json:"drift,omitempty"` // columns with confirmed drift
	Events   []TimelineEvent   `json:"events,omitempty"`
}

// TimelineEvent is something that was found, decided or done.
type TimelineEvent struct {
	At   trimtab.Time `json:"at"`
	Kind string       `json:"kind"` // "fault" "incident" "decision" "rollout"
	ID   string       `json:"id"`
	Text string       `json:"text"`
}

// Service is a span in which one version answered.
type Service struct {
	Version trimtab.Version `json:"version"`
	From    trimtab.Time    `json:"from,omitempty"`
	To      trimtab.Time    `json:"to,omitempty"` // 0: still
	Why     string          `json:"why"`
}

// TimelineSummary is the whole span: what was served against the frozen version,
// in pairs, with a confidence interval by days.
type TimelineSummary struct {
	Rows          int64   `json:"rows"`
	Labelled      int64   `json:"labelled"`
	Held          int64   `json:"held"`
	ServedLoss    float64 `json:"servedLoss"`
	FrozenLoss    float64 `json:"frozenLoss"`
	Gain          float64 `json:"gain"`
	Lo            float64 `json:"lo"`
	Hi            float64 `json:"hi"`
	Days          int     `json:"days"`
	Retrains      int     `json:"retrains"` // pipelines that ran
	Promoted      int     `json:"promoted"`
	Recalibrated  int     `json:"recalibrated"`
	Rejected      int     `json:"rejected"`
	RolledBack    int     `json:"rolledBack"`
	Faults        int     `json:"faults"` // held
	Notices       int     `json:"notices"`
	DriftWindows  int     `json:"driftWindows"` // column-windows with confirmed drift
	ColumnWindows int     `json:"columnWindows"`
}

// History is what a timeline is made of; each list in any order.
type History struct {
	Endpoint  string
	Monitor   string
	Windows   []trimtab.WindowResult
	Decisions []trimtab.Decision
	Incidents []trimtab.Incident
	Rollouts  []trimtab.Rollout
}

// TimelineOf puts a history in order.
func TimelineOf(h History) Timeline {
	t := Timeline{Endpoint: h.Endpoint, Monitor: h.Monitor, Windows: []TimelineWindow{}}
	windows := slices.Clone(h.Windows)
	slices.SortFunc(windows, func(a, b trimtab.WindowResult) int { return cmp.Compare(a.Start, b.Start) })
	t.Services = services(h.Rollouts, windows)
	if len(t.Services) > 0 {
		t.Frozen = t.Services[0].Version
	}
	t.Metric = leadMetric(windows)
	events := EventsOf(h)
	var all []stat.Block
	days := map[int64]int{} // rows of one day are one block, also where windows are shorter
	var servedSum, frozenSum float64
	for i, w := range windows {
		x := TimelineWindow{Start: w.Start, End: w.End, Versions: w.Versions, Rows: w.Rows, Labelled: w.Labelled, Held: w.Held}
		t.Summary.Rows += w.Rows
		t.Summary.Labelled += w.Labelled
		t.Summary.Held += w.Held
		for _, q := range w.Quality {
			if q.Metric == t.Metric {
				x.Value = &q
			}
		}
		for _, d := range w.Drift {
			t.Summary.ColumnWindows++
			if d.State == "drift" {
				t.Summary.DriftWindows++
				x.Drift = append(x.Drift, d.Column)
			}
		}
		for _, v := range w.Scores {
			if v.Version != t.Frozen || v.Rows == 0 {
				continue
			}
			var blocks []stat.Block
			for _, b := range v.Blocks { // the gain of the frozen version over what was served, turned round
				blocks = append(blocks, stat.Block{N: b.N, Sum: -b.Sum, Sum2: b.Sum2})
			}
			mean := (0 - v.Gain) / float64(v.Rows) // no negative zero where nothing was gained
			x.Gain = &mean
			if _, se, _ := stat.BlockMean(blocks); !math.IsNaN(se) && !math.IsInf(se, 0) {
				x.StdErr = se
			}
			for k, b := range v.Blocks {
				i, known := days[b.Key]
				switch {
				case b.Key < bucketKeys:
					all = append(all, blocks[k])
				case known:
					all[i].Merge(blocks[k])
				default:
					days[b.Key] = len(all)
					all = append(all, blocks[k])
				}
			}
			frozenSum += v.Loss * float64(v.Rows)
			servedSum += (v.Loss - mean) * float64(v.Rows)
		}
		last := i == len(windows)-1
		x.Events, events = before(events, w.End, last)
		t.Windows = append(t.Windows, x)
	}
	t.Summary.measure(all, servedSum, frozenSum)
	t.Summary.count(h)
	return t
}

// bucketKeys are the keys of the buckets of a block column: smaller ones than those of days.
const bucketKeys = 32

// before takes the events that come before a moment, or all that are left.
func before(events []TimelineEvent, end trimtab.Time, all bool) (taken, rest []TimelineEvent) {
	i := 0
	for i < len(events) && (all || events[i].At < end) {
		i++
	}
	return events[:i:i], events[i:]
}

func (s *TimelineSummary) measure(blocks []stat.Block, served, frozen float64) {
	mean, se, df := stat.BlockMean(blocks)
	n := 0.0
	for _, b := range blocks {
		n += b.N
		s.Days++
	}
	if n == 0 || math.IsNaN(mean) {
		return
	}
	s.Gain, s.ServedLoss, s.FrozenLoss = mean, served/n, frozen/n
	if df > 0 && !math.IsInf(se, 0) {
		q := stat.TQuantile(0.975, df)
		s.Lo, s.Hi = mean-q*se, mean+q*se
	}
}

func (s *TimelineSummary) count(h History) {
	for _, d := range h.Decisions {
		if d.Run != "" {
			s.Retrains++
		}
		switch d.State {
		case trimtab.DecisionDone:
			s.Promoted++
			if d.Action == trimtab.DoRecalibrate {
				s.Recalibrated++
			}
		case trimtab.DecisionRejected:
			s.Rejected++
		}
	}
	for _, r := range h.Rollouts {
		if r.State == trimtab.RolloutRolledBack {
			s.RolledBack++
		}
	}
	for _, i := range h.Incidents {
		if i.Kind != trimtab.DataFault {
			continue
		}
		if i.Hold {
			s.Faults++
		} else {
			s.Notices++
		}
	}
}

// leadMetric is the first metric that most windows have.
func leadMetric(windows []trimtab.WindowResult) string {
	for _, w := range windows {
		if len(w.Quality) > 0 {
			return w.Quality[0].Metric
		}
	}
	return ""
}

// services are the spans of service, oldest first: from the rollouts, or, where
// there are none, from the versions that answered.
func services(rollouts []trimtab.Rollout, windows []trimtab.WindowResult) []Service {
	ordered := slices.Clone(rollouts)
	slices.SortFunc(ordered, func(a, b trimtab.Rollout) int {
		return cmp.Or(cmp.Compare(a.Begun, b.Begun), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	out := []Service{}
	serve := func(v trimtab.Version, from trimtab.Time, why string) {
		if n := len(out); n > 0 {
			if out[n-1].Version == v {
				return
			}
			out[n-1].To = from
		}
		out = append(out, Service{Version: v, From: from, Why: why})
	}
	for _, r := range ordered {
		if r.From != 0 && len(out) == 0 {
			serve(r.From, 0, "served before")
		}
		if r.Promoted != 0 || r.State == trimtab.RolloutPromoted || r.State == trimtab.RolloutBaking {
			serve(r.To, cmp.Or(r.Promoted, r.Since), r.Cause)
		}
		if r.State == trimtab.RolloutRolledBack && len(out) > 0 && out[len(out)-1].Version == r.To {
			serve(r.From, r.Ended, "rolled back: "+r.Reason)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, w := range windows {
		for _, v := range w.Versions {
			serve(v, w.Start, "it answered")
		}
	}
	return out
}

// EventsOf lists what people want to see of a history, in order of time.
func EventsOf(h History) []TimelineEvent {
	var out []TimelineEvent
	add := func(at trimtab.Time, kind, id, format string, args ...any) {
		out = append(out, TimelineEvent{At: at, Kind: kind, ID: id, Text: fmt.Sprintf(format, args...)})
	}
	for _, i := range h.Incidents {
		columns := strings.Join(i.Columns, ", ")
		switch {
		case i.Kind == trimtab.DataFault && i.Hold:
			add(i.Begin, "fault", i.ID, "%s: %s (%d rows held, seen %s)", columns, i.Cause, i.Bad, day(i.Found))
			if i.Closed != 0 && i.End != 0 {
				add(i.End, "fault", i.ID, "%s is right again", columns)
			}
		case i.Kind == trimtab.DataFault || i.Kind == trimtab.Drift:
			// notices and drift stand in the figures
		default:
			add(i.Begin, "incident", i.ID, "%s: %s", i.Kind, i.Cause)
		}
	}
	for _, d := range h.Decisions {
		if d.Action == trimtab.DoNothing {
			continue
		}
		text := d.Reason
		if d.Outcome != "" {
			text += "; " + d.Outcome
		}
		add(d.At, "decision", d.ID, "%s", text)
	}
	for _, r := range h.Rollouts {
		if r.From == 0 || r.State.Ended() && r.Ended == 0 {
			continue
		}
		if r.State == trimtab.RolloutRolledBack || r.State == trimtab.RolloutHeld {
			add(r.Since, "rollout", r.ID, "version %d: %s: %s", r.To, r.State, r.Reason)
		}
	}
	slices.SortStableFunc(out, func(a, b TimelineEvent) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func day(t trimtab.Time) string { return t.Go().Format("2006-01-02") }
