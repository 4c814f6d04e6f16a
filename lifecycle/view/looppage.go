package view

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// LoopPage is the loop of one endpoint in its event time, columnar: each list of
// Points, of a Quality and of the cells of a column has an item for each point. A
// point is one window, or, where more windows lie in the span than points were asked
// for, Each neighbouring ones: rows are summed, means are weighed by rows, intervals
// are the widest, drift is the worst.
type LoopPage struct {
	Endpoint  string            `json:"endpoint"`
	Model     trimtab.ModelName `json:"model,omitempty"`
	Monitor   string            `json:"monitor"`
	Monitors  []string          `json:"monitors"` // that watch the endpoint
	Window    trimtab.Window    `json:"window"`
	Task      string            `json:"task,omitempty"`
	Watermark trimtab.Time      `json:"watermark,omitempty"`
	Begin     trimtab.Time      `json:"begin,omitempty"` // of all windows
	End       trimtab.Time      `json:"end,omitempty"`
	Windows   int               `json:"windows"` // in the span that is shown
	Each      int               `json:"each"`
	Frozen    trimtab.Version   `json:"frozen,omitempty"`
	Policy    *LoopPolicy       `json:"policy,omitempty"`
	Pause     *trimtab.Pause    `json:"pause,omitempty"` // of the project
	Points    LoopPoints        `json:"points"`
	Quality   []LoopQuality     `json:"quality"`
	Columns   []LoopColumn      `json:"columns"` // those that moved most first
	Unshown   int               `json:"unshown,omitempty"`
	Services  []LoopService     `json:"services"`
	Faults    []LoopFault       `json:"faults"`
	Marks     []LoopMark        `json:"marks"`
	Summary   TimelineSummary   `json:"summary"` // of the span that is shown
	Said      LoopSentence      `json:"said"`
}

// LoopSentence says what all that was done has brought: Tone is "ok" when it saved
// loss, "bad" when it cost some, "off" when that cannot be told.
type LoopSentence struct {
	Text string `json:"text"`
	Tone string `json:"tone"`
}

// LoopPoints are the windows. Times are seconds since 1970. Gain is the mean loss
// saved per row against the frozen version, on the same rows; null where nothing is
// known. Decided is the border of the decision on the (last) window, 0 for none.
type LoopPoints struct {
	Start       []int64  `json:"start"`
	End         []int64  `json:"end"`
	Rows        []int64  `json:"rows"`
	Labelled    []int64  `json:"labelled"`
	Held        []int64  `json:"held"`
	Quarantined []int64  `json:"quarantined"`
	Served      []int64  `json:"served"` // version, 0: unknown
	Open        []bool   `json:"open"`   // labels are still to come
	Drifted     []int64  `json:"drifted"`
	Gain        []Figure `json:"gain"`
	GainLo      []Figure `json:"gainLo"`
	GainHi      []Figure `json:"gainHi"`
	Decided     []int64  `json:"decided"`
}

// LoopQuality is one metric of what was served: measured with labels, estimated
// without, and, of the metric in which losses are counted, what the frozen version
// would have had on the same rows.
type LoopQuality struct {
	Metric      string   `json:"metric"`
	Value       []Figure `json:"value"`
	Lo          []Figure `json:"lo"`
	Hi          []Figure `json:"hi"`
	Estimated   []Figure `json:"estimated,omitempty"`
	EstimatedLo []Figure `json:"estimatedLo,omitempty"`
	EstimatedHi []Figure `json:"estimatedHi,omitempty"`
	Frozen      []Figure `json:"frozen,omitempty"`
}

// LoopService is a span in which a version answered, or was tried: Share is 1 for
// the version that serves, less in a canary, 0 in a shadow.
type LoopService struct {
	Version trimtab.Version `json:"version"`
	From    trimtab.Time    `json:"from,omitempty"` // 0: from the beginning
	To      trimtab.Time    `json:"to,omitempty"`   // 0: still
	Share   float64         `json:"share"`
	Stage   string          `json:"stage,omitempty"` // "shadow" "canary 1 of 2"; "" for the version that serves
	Rollout string          `json:"rollout,omitempty"`
	Why     string          `json:"why"`
}

// LoopFault is a span in which the data were wrong.
type LoopFault struct {
	ID       string       `json:"id"`
	Kind     string       `json:"kind"`
	From     trimtab.Time `json:"from"`
	To       trimtab.Time `json:"to,omitempty"` // 0: it goes on
	Found    trimtab.Time `json:"found,omitempty"`
	Columns  []string     `json:"columns"`
	Text     string       `json:"text"`
	Rows     int64        `json:"rows"`
	Held     bool         `json:"held"`
	Released bool         `json:"released"`
}

// LoopMark is something that was decided, done or found at a moment. What is the
// action of a decision, the kind of an incident, the state of a rollout.
type LoopMark struct {
	At   trimtab.Time `json:"at"`
	Kind string       `json:"kind"` // "decision" "rollout" "incident" "fault"
	What string       `json:"what"`
	ID   string       `json:"id"`
	Text string       `json:"text"`
	Open bool         `json:"open"`
}

// LoopHistory is what a page is made of: windows by start, without their drift, which
// is Moves; Columns are what the moves are about. Decisions are those that ask for
// something to be done; Borders say of every window when it was decided on.
type LoopHistory struct {
	Endpoint  string
	Model     trimtab.ModelName
	Monitor   string
	Monitors  []string
	Spec      trimtab.MonitorSpec
	Watermark trimtab.Time
	From, To  trimtab.Time // the span that is shown; 0: open
	Windows   []LoopWindow
	Columns   []string
	Decisions []trimtab.Decision
	Borders   map[trimtab.Time]trimtab.Time // by the start of the window
	Incidents []trimtab.Incident
	Rollouts  []trimtab.Rollout
	Policy    *LoopPolicy
	Pause     *trimtab.Pause
}

// maxMarks and maxCells bound an answer: older marks, and columns that moved less,
// are left out.
const (
	maxMarks = 2000
	maxCells = 1_000_000
)

// LoopPageOf puts the page of an endpoint together, with at most points points.
func LoopPageOf(h LoopHistory, points int) LoopPage {
	p := LoopPage{Endpoint: h.Endpoint, Model: h.Model, Monitor: h.Monitor, Monitors: h.Monitors, Window: h.Spec.Window, Task: h.Spec.Performance.Task,
		Watermark: h.Watermark, Policy: h.Policy, Pause: h.Pause, Each: 1, Quality: []LoopQuality{}, Columns: []LoopColumn{}, Faults: []LoopFault{}, Marks: []LoopMark{}}
	if n := len(h.Windows); n > 0 {
		p.Begin, p.End = h.Windows[0].Start, h.Windows[n-1].End
	}
	shown := slices.DeleteFunc(slices.Clone(h.Windows), func(w LoopWindow) bool { return w.End <= h.From || h.To != 0 && w.Start >= h.To })
	within := func(at trimtab.Time) bool { return at >= h.From && (h.To == 0 || at < h.To) }
	record := History{Endpoint: h.Endpoint, Monitor: h.Monitor, Rollouts: h.Rollouts}
	for _, w := range shown {
		record.Windows = append(record.Windows, w.WindowResult)
	}
	for _, d := range h.Decisions {
		if within(d.At) {
			record.Decisions = append(record.Decisions, d)
		}
	}
	for _, i := range h.Incidents {
		if within(i.Begin) || i.Begin < h.From && (i.End == 0 || i.End > h.From) {
			record.Incidents = append(record.Incidents, i)
		}
	}
	line := TimelineOf(record)
	p.Frozen, p.Summary, p.Windows = line.Frozen, line.Summary, len(shown)
	if points < 1 {
		points = 1
	}
	p.Each = max(1, (len(shown)+points-1)/points)
	groups := slices.Collect(slices.Chunk(shown, p.Each))
	if len(shown) == 0 {
		groups = nil
	}
	p.Points = pointsOf(groups, p.Frozen, h.Borders)
	p.Quality = qualitiesOf(groups, p.Frozen, p.Task)
	p.Columns, p.Unshown = heatOf(groups, h.Columns)
	for _, w := range shown {
		for _, m := range w.Moves {
			p.Summary.ColumnWindows++
			if m.State == MoveDrift {
				p.Summary.DriftWindows++
			}
		}
	}
	p.Services = lanes(line.Services, h.Rollouts)
	p.Faults = faultsOf(record.Incidents)
	p.Marks = marksOf(record, within)
	p.Said = SaidOf(p.Summary, p.Frozen)
	return p
}

func pointsOf(groups [][]LoopWindow, frozen trimtab.Version, borders map[trimtab.Time]trimtab.Time) LoopPoints {
	n := len(groups)
	p := LoopPoints{Start: make([]int64, n), End: make([]int64, n), Rows: make([]int64, n), Labelled: make([]int64, n), Held: make([]int64, n), Quarantined: make([]int64, n),
		Served: make([]int64, n), Open: make([]bool, n), Drifted: make([]int64, n), Gain: make([]Figure, n), GainLo: make([]Figure, n), GainHi: make([]Figure, n), Decided: make([]int64, n)}
	for i, g := range groups {
		p.Start[i], p.End[i] = int64(g[0].Start)/1000, int64(g[len(g)-1].End)/1000
		var blocks []stat.Block
		at := map[int64]int{}
		for _, w := range g {
			p.Rows[i] += w.Rows
			p.Labelled[i] += w.Labelled
			p.Held[i] += w.Held
			p.Quarantined[i] += w.Quarantined
			p.Open[i] = p.Open[i] || !w.Closed()
			if v := servedIn(w.WindowResult); v != 0 {
				p.Served[i] = int64(v)
			}
			if b := borders[w.Start]; b != 0 {
				p.Decided[i] = int64(b) / 1000
			}
			drifted := int64(0)
			for _, m := range w.Moves {
				if m.State == MoveDrift {
					drifted++
				}
			}
			p.Drifted[i] = max(p.Drifted[i], drifted)
			for _, s := range w.Scores {
				if s.Version != frozen || s.Rows == 0 {
					continue
				}
				for _, b := range s.Blocks { // turned round: what was served against the frozen version
					k, ok := at[b.Key]
					if !ok {
						k = len(blocks)
						at[b.Key] = k
						blocks = append(blocks, stat.Block{})
					}
					blocks[k].Merge(stat.Block{N: b.N, Sum: -b.Sum, Sum2: b.Sum2})
				}
			}
		}
		p.Gain[i], p.GainLo[i], p.GainHi[i] = nothing, nothing, nothing
		mean, se, df := stat.BlockMean(blocks)
		if len(blocks) == 0 || math.IsNaN(mean) {
			continue
		}
		p.Gain[i] = digits(mean)
		if df > 0 && !math.IsInf(se, 0) {
			q := stat.TQuantile(0.975, df)
			p.GainLo[i], p.GainHi[i] = digits(mean-q*se), digits(mean+q*se)
		}
	}
	return p
}

// servedIn is the version that answered most rows of a window.
func servedIn(w trimtab.WindowResult) trimtab.Version {
	if w.Served == 0 && len(w.Versions) > 0 {
		return w.Versions[len(w.Versions)-1]
	}
	return w.Served
}

var nothing = Figure(math.NaN())

// digits keeps the digits that a chart can show: an answer has thousands of figures.
func digits(v float64) Figure {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return Figure(v)
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) || scale == 0 {
		return Figure(v)
	}
	return Figure(math.Round(v*scale) / scale)
}

// lossMetric is the metric in which the losses of a task are counted, and how a mean
// loss is written in it.
func lossMetric(task string) (name string, write func(float64) float64) {
	if task == "regression" {
		return "rmse", math.Sqrt
	}
	return "log_loss", func(v float64) float64 { return v }
}

func qualitiesOf(groups [][]LoopWindow, frozen trimtab.Version, task string) []LoopQuality {
	out := []LoopQuality{}
	seen := map[string]bool{}
	for _, g := range groups {
		for _, w := range g {
			for _, all := range [][]trimtab.Quality{w.Quality, w.Estimated, w.Calibration} {
				for _, q := range all {
					if !seen[q.Metric] {
						seen[q.Metric] = true
						out = append(out, LoopQuality{Metric: q.Metric})
					}
				}
			}
		}
	}
	counted, write := lossMetric(task)
	for k := range out {
		out[k].fill(groups)
		if out[k].Metric == counted {
			out[k].Frozen = frozenLine(groups, frozen, out[k].Value, write)
		}
	}
	return out
}

func (q *LoopQuality) fill(groups [][]LoopWindow) {
	n := len(groups)
	measured, estimated := newLine(n), newLine(n)
	for i, g := range groups {
		for _, w := range g {
			for _, all := range [][]trimtab.Quality{w.Quality, w.Calibration} {
				for _, x := range all {
					if x.Metric == q.Metric {
						measured.add(x, float64(w.Labelled))
					}
				}
			}
			for _, x := range w.Estimated {
				if x.Metric == q.Metric && (w.Reliable == nil || *w.Reliable) {
					estimated.add(x, float64(w.Rows))
				}
			}
		}
		measured.set(i)
		estimated.set(i)
	}
	q.Value, q.Lo, q.Hi = measured.value, measured.lo, measured.hi
	if estimated.any {
		q.Estimated, q.EstimatedLo, q.EstimatedHi = estimated.value, estimated.lo, estimated.hi
	}
}

// line gathers one metric point by point.
type line struct {
	value, lo, hi   []Figure
	any             bool
	weight, sum     float64
	lowest, highest float64
	n, bounded      int
}

func newLine(n int) *line {
	return &line{value: make([]Figure, n), lo: make([]Figure, n), hi: make([]Figure, n)}
}

func (l *line) add(q trimtab.Quality, weight float64) {
	weight = max(weight, 1)
	l.sum += weight * q.Value
	l.weight += weight
	l.n++
	if q.HasInterval {
		if l.bounded == 0 {
			l.lowest, l.highest = q.Lo, q.Hi
		}
		l.lowest, l.highest = min(l.lowest, q.Lo), max(l.highest, q.Hi)
		l.bounded++
	}
}

func (l *line) set(i int) {
	l.value[i], l.lo[i], l.hi[i] = nothing, nothing, nothing
	if l.n > 0 {
		l.value[i], l.any = digits(l.sum/l.weight), true
	}
	if l.bounded > 0 {
		l.lo[i], l.hi[i] = digits(l.lowest), digits(l.highest)
	}
	l.sum, l.weight, l.n, l.bounded = 0, 0, 0, 0
}

// frozenLine is what the frozen version would have had; where it served alone it is
// what was measured. Nil when it never was compared.
func frozenLine(groups [][]LoopWindow, frozen trimtab.Version, served []Figure, write func(float64) float64) []Figure {
	out := make([]Figure, len(groups))
	compared := false
	for i, g := range groups {
		sum, rows, alone := 0.0, 0.0, true
		for _, w := range g {
			alone = alone && len(w.Versions) == 1 && w.Versions[0] == frozen
			for _, s := range w.Scores {
				if s.Version == frozen && s.Rows > 0 {
					sum += s.Loss * float64(s.Rows)
					rows += float64(s.Rows)
				}
			}
		}
		out[i] = nothing
		switch {
		case rows > 0:
			out[i], compared = digits(write(sum/rows)), true
		case alone:
			out[i] = served[i]
		}
	}
	if !compared {
		return nil
	}
	return out
}

// lanes are the spans of service with what was tried in rollouts beside them. The
// end of a stage is its last look.
func lanes(services []Service, rollouts []trimtab.Rollout) []LoopService {
	out := []LoopService{}
	for _, s := range services {
		x := LoopService{Version: s.Version, From: s.From, To: s.To, Share: 1, Why: s.Why}
		for _, r := range rollouts {
			if r.To == s.Version && s.From != 0 && cmp.Or(r.Promoted, r.Since) == s.From {
				x.Rollout = r.ID
			}
		}
		out = append(out, x)
	}
	for _, r := range rollouts {
		if r.From == 0 {
			continue
		}
		stop := cmp.Or(r.Promoted, r.Ended)
		type stage struct {
			name  string
			until trimtab.Time
		}
		var stages []stage
		for _, l := range r.Looks {
			if l.Stage == "bake" || strings.HasPrefix(l.Stage, "bak") {
				continue
			}
			if i := slices.IndexFunc(stages, func(s stage) bool { return s.name == l.Stage }); i >= 0 {
				stages[i].until = max(stages[i].until, l.At)
			} else {
				stages = append(stages, stage{l.Stage, l.At})
			}
		}
		slices.SortStableFunc(stages, func(a, b stage) int { return cmp.Compare(a.until, b.until) })
		from := r.Begun
		for i, s := range stages {
			x := LoopService{Version: r.To, From: from, To: s.until, Stage: s.name, Rollout: r.ID, Why: r.Cause}
			if i == len(stages)-1 {
				x.To = stop
			}
			if step, ok := canaryStep(s.name); ok && r.Spec.Canary != nil && step < len(r.Spec.Canary.Steps) {
				x.Share = r.Spec.Canary.Steps[step]
			}
			if x.To == 0 || x.To > x.From {
				out = append(out, x)
			}
			from = s.until
		}
	}
	return out
}

// canaryStep reads "canary 1 of 2": the step counted from 0.
func canaryStep(stage string) (int, bool) {
	rest, ok := strings.CutPrefix(stage, "canary ")
	if !ok {
		return 0, false
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' || n > 1000 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return max(n-1, 0), n > 0
}

func faultsOf(incidents []trimtab.Incident) []LoopFault {
	out := []LoopFault{}
	for _, i := range incidents {
		switch i.Kind {
		case trimtab.DataFault, trimtab.Breach, trimtab.LabelsStopped, trimtab.TrafficStopped:
		default:
			continue
		}
		x := LoopFault{ID: i.ID, Kind: string(i.Kind), From: i.Begin, To: i.End, Found: i.Found, Columns: i.Columns, Text: i.Cause, Rows: i.Bad, Held: i.Hold, Released: i.Released}
		if x.Columns == nil {
			x.Columns = []string{}
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b LoopFault) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID)) })
	return out
}

func marksOf(h History, within func(trimtab.Time) bool) []LoopMark {
	out := []LoopMark{}
	for _, e := range EventsOf(h) {
		if !within(e.At) {
			continue
		}
		m := LoopMark{At: e.At, Kind: e.Kind, ID: e.ID, Text: e.Text}
		switch e.Kind {
		case "decision":
			if i := slices.IndexFunc(h.Decisions, func(d trimtab.Decision) bool { return d.ID == e.ID }); i >= 0 {
				m.What, m.Open = string(h.Decisions[i].Action), !h.Decisions[i].State.Ended()
			}
		case "rollout":
			if i := slices.IndexFunc(h.Rollouts, func(r trimtab.Rollout) bool { return r.ID == e.ID }); i >= 0 {
				m.What, m.Open = string(h.Rollouts[i].State), !h.Rollouts[i].State.Ended()
			}
		default:
			if i := slices.IndexFunc(h.Incidents, func(x trimtab.Incident) bool { return x.ID == e.ID }); i >= 0 {
				x := h.Incidents[i]
				m.What, m.Open = string(x.Kind), x.Closed == 0
				if e.Kind == "fault" && e.At != x.Begin {
					continue // its end is the end of its span
				}
			}
		}
		out = append(out, m)
	}
	return out[max(0, len(out)-maxMarks):]
}

// Spark is a short line of the newest windows of a metric.
func Spark(windows []LoopWindow, task string, most int) (metric string, values []Figure) {
	windows = windows[max(0, len(windows)-most):]
	metric, _ = lossMetric(task)
	has := slices.ContainsFunc(windows, func(w LoopWindow) bool {
		return slices.ContainsFunc(w.Quality, func(q trimtab.Quality) bool { return q.Metric == metric })
	})
	if !has {
		metric = ""
		for _, w := range windows {
			if len(w.Quality) > 0 {
				metric = w.Quality[0].Metric
				break
			}
		}
	}
	values = []Figure{}
	for _, w := range windows {
		v := nothing
		for _, q := range w.Quality {
			if q.Metric == metric {
				v = digits(q.Value)
			}
		}
		values = append(values, v)
	}
	return metric, values
}

// LoopRow is one policy in the list of loops: where it stands, what it did last and
// what it has brought.
type LoopRow struct {
	Policy    LoopPolicy      `json:"policy"`
	Watermark trimtab.Time    `json:"watermark,omitempty"`
	Acted     *LoopDone       `json:"acted,omitempty"` // the newest decision that asked for something
	Summary   TimelineSummary `json:"summary"`
	Said      LoopSentence    `json:"said"`
	Metric    string          `json:"metric,omitempty"`
	Spark     []Figure        `json:"spark"`
	Windows   int             `json:"windows"`
	Incidents int             `json:"incidents"` // open
}

// LoopDone is a decision in short, with its border.
type LoopDone struct {
	ID      string                `json:"id"`
	At      trimtab.Time          `json:"at"`
	Action  trimtab.Action        `json:"action"`
	Version trimtab.Version       `json:"version,omitempty"`
	State   trimtab.DecisionState `json:"state"`
	Outcome string                `json:"outcome,omitempty"`
}

// LoopList is the list of loops of a project. Unwatched are endpoints that no policy keeps.
type LoopList struct {
	Pause     *trimtab.Pause `json:"pause,omitempty"`
	Items     []LoopRow      `json:"items"`
	Unwatched []string       `json:"unwatched"`
}

// Complete fills in what windows and decisions of the policy say; both in order of time.
func (r *LoopRow) Complete(windows []LoopWindow, acted []trimtab.Decision, rollouts []trimtab.Rollout, task string) {
	h := History{Endpoint: r.Policy.Endpoint, Monitor: r.Policy.Monitor, Decisions: acted, Rollouts: rollouts}
	for _, w := range windows {
		h.Windows = append(h.Windows, w.WindowResult)
	}
	line := TimelineOf(h)
	r.Summary, r.Said, r.Windows = line.Summary, SaidOf(line.Summary, line.Frozen), len(windows)
	r.Metric, r.Spark = Spark(windows, task, 60)
	if len(acted) > 0 {
		d := acted[len(acted)-1]
		r.Acted = &LoopDone{ID: d.ID, At: d.At, Action: d.Action, Version: d.Version, State: d.State, Outcome: d.Outcome}
	}
}
