package view

import (
	"cmp"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
)

// MonitorPage is the history of a monitor by columns: the i-th entry of every list is
// that of the i-th window. More says that windows before these exist.
type MonitorPage struct {
	Name        string            `json:"name"`
	Endpoint    string            `json:"endpoint"`
	Model       trimtab.ModelName `json:"model,omitempty"`
	Settings    MonitorSettings   `json:"settings"`
	Windows     MonitorWindows    `json:"windows"`
	Quality     []MonitorSeries   `json:"quality"`
	Estimated   []MonitorSeries   `json:"estimated"`
	Calibration []MonitorSeries   `json:"calibration"`
	Drift       MonitorDrift      `json:"drift"`
	Versions    []MonitorVersion  `json:"versions"` // retained ones, with what they would have lost
	Incidents   []MonitorIncident `json:"incidents"`
	Contracts   []string          `json:"contracts"` // of the endpoint
	More        bool              `json:"more,omitempty"`
	Past        *MonitorPast      `json:"past,omitempty"` // all windows, when there are others than those of this page
}

// MonitorPast is all that a monitor has seen, in points of Each neighbouring windows:
// rows are summed, the lead metric is weighed by labelled rows, its interval is the
// widest, Drifted is the most columns of a window. Times are milliseconds since 1970.
type MonitorPast struct {
	Windows int      `json:"windows"`
	Each    int      `json:"each"`
	Metric  string   `json:"metric,omitempty"` // "": nothing is measured yet
	Start   []int64  `json:"start"`
	End     []int64  `json:"end"`
	Rows    []int64  `json:"rows"`
	Drifted []int64  `json:"drifted"`
	Value   []Figure `json:"value"`
	Lo      []Figure `json:"lo"`
	Hi      []Figure `json:"hi"`
}

// PastWindow is what the past of a monitor keeps of a window.
type PastWindow struct {
	Start, End              trimtab.Time
	Rows, Labelled, Drifted int64
	Metric                  trimtab.Quality // without a name when there is none
}

// PastWindowOf takes of a window what is kept of it: metric is the name of the lead one.
func PastWindowOf(w trimtab.WindowResult, metric string) PastWindow {
	p := PastWindow{Start: w.Start, End: w.End, Rows: w.Rows, Labelled: w.Labelled}
	for _, d := range w.Drift {
		if d.State == "drift" {
			p.Drifted++
		}
	}
	for _, q := range w.Quality {
		if q.Metric == metric {
			p.Metric = q
		}
	}
	return p
}

// MonitorPastOf puts windows, which are in order of time, together to at most points points.
func MonitorPastOf(all []PastWindow, metric string, points int) *MonitorPast {
	p := &MonitorPast{Windows: len(all), Metric: metric, Each: max(1, (len(all)+points-1)/max(1, points)), Start: []int64{}, End: []int64{}, Rows: []int64{}, Drifted: []int64{}}
	n := (len(all) + p.Each - 1) / p.Each
	l := newLine(n)
	for i := range n {
		g := all[i*p.Each : min((i+1)*p.Each, len(all))]
		rows, drifted := int64(0), int64(0)
		for _, w := range g {
			rows, drifted = rows+w.Rows, max(drifted, w.Drifted)
			if w.Metric.Metric != "" {
				l.add(w.Metric, float64(w.Labelled))
			}
		}
		l.set(i)
		p.Start, p.End = append(p.Start, int64(g[0].Start)), append(p.End, int64(g[len(g)-1].End))
		p.Rows, p.Drifted = append(p.Rows, rows), append(p.Drifted, drifted)
	}
	p.Value, p.Lo, p.Hi = l.value, l.lo, l.hi
	return p
}

// MonitorSettings is what was declared, with defaults.
type MonitorSettings struct {
	Window     string   `json:"window"`
	Maturity   string   `json:"maturity"`
	Task       string   `json:"task"`
	Metrics    []string `json:"metrics"`
	Confidence float64  `json:"confidence"`
	Drift      bool     `json:"drift"`
	Reference  string   `json:"reference"`
	FDR        float64  `json:"fdr"`
	Effect     float64  `json:"effect"`
	Confirm    int      `json:"confirm"`
	Of         int      `json:"of"`
	Estimate   bool     `json:"estimate"`
	Diagnosis  bool     `json:"diagnosis"`
	Hold       bool     `json:"hold"`
	Stopped    float64  `json:"stopped"`
}

// MonitorWindows are the windows in order of time. Times are milliseconds since 1970.
type MonitorWindows struct {
	Start       []int64           `json:"start"`
	End         []int64           `json:"end"`
	Label       []string          `json:"label"`
	Closed      []bool            `json:"closed"`
	Rows        []int64           `json:"rows"`
	Labelled    []int64           `json:"labelled"`
	Held        []int64           `json:"held"`
	Quarantined []int64           `json:"quarantined"`
	Late        []int64           `json:"late"`
	Served      []trimtab.Version `json:"served"`
	Reliable    []bool            `json:"reliable"` // the estimate can be trusted
	Incidents   []int             `json:"incidents"`
}

// MonitorSeries is one metric; null where a window does not have it.
type MonitorSeries struct {
	Metric string   `json:"metric"`
	Value  []Figure `json:"value"`
	Lo     []Figure `json:"lo"`
	Hi     []Figure `json:"hi"`
}

// MonitorDrift is how far columns have moved: the first index is that of the column. A
// state is 0 for not compared, 1 ok, 2 suspect, 3 drift, 4 unknown.
type MonitorDrift struct {
	Columns []string   `json:"columns"`
	PSI     [][]Figure `json:"psi"`
	Effect  [][]Figure `json:"effect"`
	Noise   [][]Figure `json:"noise"`
	State   [][]int    `json:"state"`
}

// MonitorVersion is how a retained version does on the rows of each window: its mean
// loss, and how much it would have saved a row against what was served.
type MonitorVersion struct {
	Version trimtab.Version `json:"version"`
	Trained trimtab.Time    `json:"trained,omitzero"`
	Loss    []Figure        `json:"loss"`
	Gain    []Figure        `json:"gain"`
}

// MonitorIncident is an incident of the endpoint in short.
type MonitorIncident struct {
	ID       string               `json:"id"`
	Kind     trimtab.IncidentKind `json:"kind"`
	Severity trimtab.Severity     `json:"severity"`
	Begin    trimtab.Time         `json:"begin"`
	End      trimtab.Time         `json:"end,omitzero"`
	Open     bool                 `json:"open,omitempty"`
	Columns  []string             `json:"columns,omitempty"`
	Cause    string               `json:"cause"`
	Hold     bool                 `json:"hold,omitempty"`
	Released bool                 `json:"released,omitempty"`
	Bad      int64                `json:"bad,omitempty"`
}

// settingsOf is a declared monitor for people; s has its defaults.
func settingsOf(s trimtab.MonitorSpec) MonitorSettings {
	out := MonitorSettings{Window: string(s.Window), Maturity: s.LabelMaturity.String(), Task: s.Performance.Task, Metrics: s.Performance.Metrics, Confidence: s.Performance.Confidence,
		Drift: !s.Drift.Off, Reference: s.Drift.Reference, FDR: s.Drift.FDR, Effect: s.Drift.Effect, Confirm: s.Drift.Confirm, Of: s.Drift.Of,
		Estimate: !s.Estimate.Off, Diagnosis: !s.Diagnosis.Off, Hold: s.Diagnosis.Hold == nil || *s.Diagnosis.Hold, Stopped: s.Stopped}
	if out.Metrics == nil {
		out.Metrics = []string{}
	}
	return out
}

// MonitorPageOf turns windows, which are in order of time, into columns. Incidents are
// those of the endpoint in any order; those that touch no window are left out.
func MonitorPageOf(f MonitorFacts, contracts []string, more bool) MonitorPage {
	n := len(f.Windows)
	p := MonitorPage{Name: f.Name, Endpoint: f.Spec.Endpoint, Model: f.Model, Settings: settingsOf(f.Spec), Incidents: []MonitorIncident{}, Contracts: contracts, More: more}
	if p.Contracts == nil {
		p.Contracts = []string{}
	}
	w := MonitorWindows{Start: make([]int64, n), End: make([]int64, n), Label: make([]string, n), Closed: make([]bool, n), Rows: make([]int64, n), Labelled: make([]int64, n),
		Held: make([]int64, n), Quarantined: make([]int64, n), Late: make([]int64, n), Served: make([]trimtab.Version, n), Reliable: make([]bool, n), Incidents: make([]int, n)}
	for i, x := range f.Windows {
		w.Start[i], w.End[i], w.Label[i], w.Closed[i] = int64(x.Start), int64(x.End), f.Spec.Window.Label(x.Start), x.Closed()
		w.Rows[i], w.Labelled[i], w.Held[i], w.Quarantined[i], w.Late[i] = x.Rows, x.Labelled, x.Held, x.Quarantined, x.Late
		w.Served[i], w.Reliable[i], w.Incidents[i] = x.Served, x.Reliable != nil && *x.Reliable, len(x.Incidents)
	}
	p.Windows = w
	p.Quality = seriesOf(f.Windows, func(w trimtab.WindowResult) []trimtab.Quality { return w.Quality })
	p.Estimated = seriesOf(f.Windows, func(w trimtab.WindowResult) []trimtab.Quality { return w.Estimated })
	p.Calibration = seriesOf(f.Windows, func(w trimtab.WindowResult) []trimtab.Quality { return w.Calibration })
	p.Drift = driftOf(f.Windows)
	p.Versions = versionsOf(f.Windows)
	for _, i := range f.Incidents {
		if n > 0 && (i.End == 0 || i.End >= f.Windows[0].Start) && i.Begin < f.Windows[n-1].End {
			p.Incidents = append(p.Incidents, MonitorIncident{ID: i.ID, Kind: i.Kind, Severity: i.Severity, Begin: i.Begin, End: i.End, Open: i.Closed == 0, Columns: i.Columns[:min(len(i.Columns), 12)],
				Cause: i.Cause, Hold: i.Hold, Released: i.Released, Bad: i.Bad})
		}
	}
	slices.SortStableFunc(p.Incidents, func(a, b MonitorIncident) int { return cmp.Compare(a.Begin, b.Begin) })
	return p
}

func blank(n int) []Figure {
	out := make([]Figure, n)
	for i := range out {
		out[i] = Figure(math.NaN())
	}
	return out
}

func seriesOf(windows []trimtab.WindowResult, of func(w trimtab.WindowResult) []trimtab.Quality) []MonitorSeries {
	out := []MonitorSeries{}
	at := map[string]int{}
	for i, w := range windows {
		for _, q := range of(w) {
			k, ok := at[q.Metric]
			if !ok {
				k = len(out)
				at[q.Metric] = k
				out = append(out, MonitorSeries{Metric: q.Metric, Value: blank(len(windows)), Lo: blank(len(windows)), Hi: blank(len(windows))})
			}
			out[k].Value[i] = short(q.Value)
			if q.HasInterval {
				out[k].Lo[i], out[k].Hi[i] = short(q.Lo), short(q.Hi)
			}
		}
	}
	return out
}

var driftCodes = map[string]int{"ok": 1, "suspect": 2, "drift": 3, "unknown": 4}

// driftOf is the drift of all columns, the score first and then by name: the order says nothing of any one window.
func driftOf(windows []trimtab.WindowResult) MonitorDrift {
	d := MonitorDrift{Columns: []string{}, PSI: [][]Figure{}, Effect: [][]Figure{}, Noise: [][]Figure{}, State: [][]int{}}
	names := map[string]bool{}
	for _, w := range windows {
		for _, x := range w.Drift {
			names[x.Column] = true
		}
	}
	d.Columns = slices.SortedFunc(keys(names), func(a, b string) int {
		if (a == scoreColumn) != (b == scoreColumn) {
			if a == scoreColumn {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	if d.Columns == nil {
		d.Columns = []string{}
	}
	at := map[string]int{}
	for k, name := range d.Columns {
		at[name] = k
		d.PSI, d.Effect, d.Noise = append(d.PSI, blank(len(windows))), append(d.Effect, blank(len(windows))), append(d.Noise, blank(len(windows)))
		d.State = append(d.State, make([]int, len(windows)))
	}
	for i, w := range windows {
		for _, x := range w.Drift {
			k := at[x.Column]
			d.PSI[k][i], d.Effect[k][i], d.Noise[k][i], d.State[k][i] = short(x.PSI), short(x.Effect), short(x.Noise), driftCodes[x.State]
		}
	}
	return d
}

func versionsOf(windows []trimtab.WindowResult) []MonitorVersion {
	out := []MonitorVersion{}
	at := map[trimtab.Version]int{}
	for i, w := range windows {
		for _, s := range w.Scores {
			if s.Rows == 0 {
				continue
			}
			k, ok := at[s.Version]
			if !ok {
				k = len(out)
				at[s.Version] = k
				out = append(out, MonitorVersion{Version: s.Version, Trained: s.Trained, Loss: blank(len(windows)), Gain: blank(len(windows))})
			}
			out[k].Loss[i], out[k].Gain[i] = short(s.Loss), short(s.Gain/float64(s.Rows))
		}
	}
	slices.SortFunc(out, func(a, b MonitorVersion) int { return cmp.Compare(a.Version, b.Version) })
	return out
}

// WindowFacts is what a window says beside the figures of the page: column by column,
// and why something is missing.
type WindowFacts struct {
	Start      trimtab.Time          `json:"start"`
	End        trimtab.Time          `json:"end"`
	Label      string                `json:"label"`
	Closed     bool                  `json:"closed"`
	Through    trimtab.Time          `json:"through,omitzero"` // rows and labels known by this moment count
	Versions   []trimtab.Version     `json:"versions"`
	Served     trimtab.Version       `json:"served,omitempty"`
	Since      trimtab.Time          `json:"since,omitzero"`
	Reason     string                `json:"reason,omitempty"`
	Unreliable string                `json:"unreliable,omitempty"`
	Revision   int                   `json:"revision,omitempty"`
	Incidents  []string              `json:"incidents"`
	Drift      []trimtab.ColumnDrift `json:"drift"`
}

// WindowFactsOf shows a window of a monitor.
func WindowFactsOf(w trimtab.WindowResult, cut trimtab.Window) WindowFacts {
	f := WindowFacts{Start: w.Start, End: w.End, Label: cut.Label(w.Start), Closed: w.Closed(), Through: w.Through, Versions: w.Versions, Served: w.Served, Since: w.Since, Reason: w.Reason,
		Unreliable: w.Unreliable, Revision: w.Revision, Incidents: w.Incidents, Drift: w.Drift}
	if f.Versions == nil {
		f.Versions = []trimtab.Version{}
	}
	if f.Incidents == nil {
		f.Incidents = []string{}
	}
	if f.Drift == nil {
		f.Drift = []trimtab.ColumnDrift{}
	}
	return f
}
