package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// Signals of a monitor, in the order in which they are shown.
const (
	SignalQuality     = "quality"
	SignalEstimate    = "estimate"
	SignalCalibration = "calibration"
	SignalScore       = "score"
	SignalColumns     = "columns"
	SignalContract    = "contract"
	SignalVolume      = "volume"
	SignalLabels      = "labels"
	SignalFaults      = "faults"
)

// States of a cell.
const (
	CellBad  = "bad"  // something that should hold does not
	CellWarn = "warn" // something moved that a person may want to know
	CellOK   = "ok"
	CellNone = "none" // nothing to tell from
)

// MonitorTable is the matrix of all monitors and their signals, trouble first.
type MonitorTable struct {
	Signals []string          `json:"signals"`
	Items   []MonitorLine     `json:"items"`
	Next    trimtab.PageToken `json:"next,omitempty"` // more monitors follow by name
}

// MonitorLine is one monitor: its newest windows by signal, in the order of the table.
type MonitorLine struct {
	Name     string            `json:"name"`
	Endpoint string            `json:"endpoint"`
	Model    trimtab.ModelName `json:"model,omitempty"`
	Served   trimtab.Version   `json:"served,omitempty"`
	Window   string            `json:"window"`          // how time is cut
	Label    string            `json:"label,omitempty"` // of the newest window; "" when there is none
	Start    trimtab.Time      `json:"start,omitzero"`
	State    string            `json:"state"` // the worst of the cells
	Cells    []MonitorCell     `json:"cells"`
}

// MonitorCell is one signal of one monitor: its newest value against its limit. Kind
// says how the value is read: a name of a metric, "psi", "share", "rows", "columns".
type MonitorCell struct {
	State    string       `json:"state"`
	Word     string       `json:"word"`
	Kind     string       `json:"kind,omitempty"`
	Value    *float64     `json:"value,omitempty"`
	Lo       *float64     `json:"lo,omitempty"`
	Hi       *float64     `json:"hi,omitempty"`
	Limit    *float64     `json:"limit,omitempty"`
	Below    bool         `json:"below,omitempty"` // trouble lies below the limit, not above
	Of       int          `json:"of,omitempty"`    // of so many columns
	Detail   string       `json:"detail,omitempty"`
	Column   string       `json:"column,omitempty"` // that shows most
	Incident string       `json:"incident,omitempty"`
	At       trimtab.Time `json:"at,omitzero"` // start of the window of the value
	Spark    []Figure     `json:"spark,omitempty"`
}

// MonitorFacts is what a line is made of. Windows are the newest in order of time,
// Incidents those open on the endpoint, Contracts the results of each contract of the
// endpoint, the newest first.
type MonitorFacts struct {
	Name      string
	Spec      trimtab.MonitorSpec // with defaults
	Model     trimtab.ModelName
	Windows   []trimtab.WindowResult
	Incidents []trimtab.Incident
	Contracts [][]trimtab.ContractResult
}

// MonitorTableOf puts lines in order: trouble first, then by name.
func MonitorTableOf(lines []MonitorLine, next trimtab.PageToken) MonitorTable {
	t := MonitorTable{Signals: []string{SignalQuality, SignalEstimate, SignalCalibration, SignalScore, SignalColumns, SignalContract, SignalVolume, SignalLabels, SignalFaults},
		Items: slices.Clone(lines), Next: next}
	if t.Items == nil {
		t.Items = []MonitorLine{}
	}
	slices.SortStableFunc(t.Items, func(a, b MonitorLine) int {
		return cmp.Or(cmp.Compare(cellRank(a.State), cellRank(b.State)), cmp.Compare(a.Name, b.Name))
	})
	return t
}

func cellRank(state string) int {
	return slices.Index([]string{CellBad, CellWarn, CellOK, CellNone}, state)
}

// LineOf puts the line of a monitor together.
func LineOf(f MonitorFacts) MonitorLine {
	l := MonitorLine{Name: f.Name, Endpoint: f.Spec.Endpoint, Model: f.Model, Window: string(f.Spec.Window), State: CellNone}
	if n := len(f.Windows); n > 0 {
		w := f.Windows[n-1]
		l.Served, l.Start, l.Label = w.Served, w.Start, f.Spec.Window.Label(w.Start)
	}
	l.Cells = []MonitorCell{f.quality(), f.estimate(), f.calibration(), f.score(), f.columns(), f.contract(), f.volume(), f.labels(), f.faults()}
	for _, c := range l.Cells {
		if cellRank(c.State) < cellRank(l.State) {
			l.State = c.State
		}
	}
	return l
}

// incident is the open incident of a kind that this monitor, or nobody in particular, has found.
func (f MonitorFacts) incident(kinds ...trimtab.IncidentKind) (trimtab.Incident, bool) {
	for _, i := range f.Incidents {
		if i.Closed == 0 && slices.Contains(kinds, i.Kind) && (i.Monitor == "" || i.Monitor == f.Name) {
			return i, true
		}
	}
	return trimtab.Incident{}, false
}

func (c MonitorCell) blame(i trimtab.Incident, state, word string) MonitorCell {
	c.State, c.Word, c.Incident, c.Detail = state, word, i.ID, i.Cause
	return c
}

// series fills value, interval and spark of a cell with a metric of the windows.
func (c MonitorCell) series(windows []trimtab.WindowResult, metric string, of func(w trimtab.WindowResult) []trimtab.Quality) MonitorCell {
	c.Kind = metric
	for _, w := range windows {
		v := math.NaN()
		if q, ok := qualityOf(of(w), metric); ok {
			v = q.Value
			c.Value, c.Lo, c.Hi, c.At, c.State, c.Word = &q.Value, nil, nil, w.Start, CellOK, "ok"
			if q.HasInterval {
				c.Lo, c.Hi = &q.Lo, &q.Hi
			}
		}
		c.Spark = append(c.Spark, short(v))
	}
	return c
}

func qualityOf(all []trimtab.Quality, metric string) (trimtab.Quality, bool) {
	for _, q := range all {
		if q.Metric == metric {
			return q, !math.IsNaN(q.Value) && !math.IsInf(q.Value, 0)
		}
	}
	return trimtab.Quality{}, false
}

// metric is the one that says most of quality: the first that the windows have.
func (f MonitorFacts) metric() string {
	if m := leadMetric(f.Windows); m != "" {
		return m
	}
	for _, w := range f.Windows {
		if len(w.Estimated) > 0 {
			return w.Estimated[0].Metric
		}
	}
	return ""
}

func (f MonitorFacts) quality() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "not measured yet"}.series(f.Windows, f.metric(), func(w trimtab.WindowResult) []trimtab.Quality { return w.Quality })
	for _, w := range f.Windows {
		e, ok := qualityOf(w.Estimated, c.Kind)
		if w.Start != c.At || c.Value == nil || !ok || !e.HasInterval || w.Reliable == nil || !*w.Reliable {
			continue
		}
		if c.Below = HigherIsBetter(c.Kind); c.Below {
			c.Limit = &e.Lo
		} else {
			c.Limit = &e.Hi
		}
	}
	if i, ok := f.incident(trimtab.Decay); ok {
		return c.blame(i, CellBad, "fell")
	}
	return c
}

func (f MonitorFacts) estimate() MonitorCell {
	if f.Spec.Estimate.Off {
		return MonitorCell{State: CellNone, Word: "off"}
	}
	c := MonitorCell{State: CellNone, Word: "no estimate"}.series(f.Windows, f.metric(), func(w trimtab.WindowResult) []trimtab.Quality { return w.Estimated })
	for _, w := range f.Windows {
		if w.Start == c.At && c.Value != nil && w.Reliable != nil && !*w.Reliable {
			c.State, c.Word, c.Detail = CellWarn, "not reliable", w.Unreliable
		}
	}
	return c
}

// CalibrationLarge is by how much more happens than the scores say, in log-odds.
const CalibrationLarge = "calibration_in_the_large"

func (f MonitorFacts) calibration() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "not measured yet"}.series(f.Windows, CalibrationLarge, func(w trimtab.WindowResult) []trimtab.Quality { return w.Calibration })
	if i, ok := f.incident(trimtab.Miscalibration); ok {
		word := "miscalibrated"
		if c.Value != nil && *c.Value > 0 {
			word = "scores too low"
		} else if c.Value != nil && *c.Value < 0 {
			word = "scores too high"
		}
		return c.blame(i, CellWarn, word)
	}
	return c
}

// HigherIsBetter says so of a metric of quality.
func HigherIsBetter(metric string) bool {
	return metric == "auc" || metric == "accuracy" || metric == "r2"
}

const scoreColumn = "score"

func (f MonitorFacts) score() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "no reference yet", Kind: "psi", Column: scoreColumn}
	if f.Spec.Drift.Off {
		return MonitorCell{State: CellNone, Word: "off"}
	}
	for _, w := range f.Windows {
		v := math.NaN()
		for _, d := range w.Drift {
			if d.Column != scoreColumn {
				continue
			}
			if v = d.PSI; d.State == "unknown" {
				v = math.NaN()
			}
			c.Value, c.Limit, c.At, c.Detail = &d.PSI, &d.Effect, w.Start, d.Why
			c.State, c.Word = driftWords(d.State)
		}
		c.Spark = append(c.Spark, short(v))
	}
	return c
}

func driftWords(state string) (cell, word string) {
	switch state {
	case "drift":
		return CellWarn, "drift"
	case "suspect":
		return CellOK, "suspect"
	case "unknown":
		return CellNone, "too few rows"
	}
	return CellOK, "ok"
}

func (f MonitorFacts) columns() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "no reference yet", Kind: "columns"}
	if f.Spec.Drift.Off {
		return MonitorCell{State: CellNone, Word: "off"}
	}
	for _, w := range f.Windows {
		drifting, worst, known := 0.0, -1.0, false
		of, column, names := 0, "", []string(nil)
		for _, d := range w.Drift {
			if d.Column == scoreColumn {
				continue
			}
			of++
			known = known || d.State != "unknown"
			if d.State == "drift" {
				drifting++
				names = append(names, d.Column)
			}
			if x := d.PSI / math.Max(d.Effect, 1e-9); d.State == "drift" && x > worst {
				worst, column = x, d.Column
			}
		}
		if of == 0 {
			c.Spark = append(c.Spark, short(math.NaN()))
			continue
		}
		c.Spark = append(c.Spark, short(drifting))
		c.Value, c.Of, c.At, c.Column, c.State, c.Word, c.Detail = &drifting, of, w.Start, column, CellOK, "ok", ""
		switch {
		case drifting > 0:
			c.State, c.Word, c.Detail = CellWarn, "drift", listed(names, 6)
		case !known:
			c.State, c.Word = CellNone, "too few rows"
		}
	}
	if i, ok := f.incident(trimtab.Drift); ok {
		c.Incident = i.ID
	}
	return c
}

// listed joins names, so many at most.
func listed(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (f MonitorFacts) contract() MonitorCell {
	if len(f.Contracts) == 0 {
		return MonitorCell{State: CellNone, Word: "no contract"}
	}
	c := MonitorCell{State: CellNone, Word: "not judged yet", Kind: "share"}
	sums := map[trimtab.Time]float64{}
	var broken []string
	for _, results := range f.Contracts {
		if len(results) == 0 {
			continue
		}
		for _, r := range results {
			if r.Rows > 0 {
				sums[r.At] = max(sums[r.At], float64(r.Failed)/float64(r.Rows))
			}
		}
		newest := results[0]
		share := 0.0
		if newest.Rows > 0 {
			share = float64(newest.Failed) / float64(newest.Rows)
		}
		if c.Value == nil || share > *c.Value {
			c.Value, c.At = &share, newest.At
		}
		if c.State == CellNone {
			c.State, c.Word = CellOK, "kept"
		}
		if !newest.Passed {
			broken = append(broken, BrokenRules(newest)...)
		}
	}
	for _, at := range slices.Sorted(keys(sums)) {
		c.Spark = append(c.Spark, short(sums[at]))
	}
	if len(broken) > 0 {
		c.State, c.Word, c.Detail = CellBad, "broken", listed(broken, 4)
	}
	if i, ok := f.incident(trimtab.Breach); ok {
		c = c.blame(i, CellBad, "broken")
	}
	return c
}

func keys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// BrokenRules lists the rules of severity error that a set of rows broke.
func BrokenRules(r trimtab.ContractResult) (out []string) {
	for _, x := range r.Results {
		if !x.Passed && x.Severity != trimtab.SeverityWarning {
			out = append(out, x.Rule)
		}
	}
	return out
}

func (f MonitorFacts) volume() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "no window yet", Kind: "rows", Below: true}
	var all []float64
	for _, w := range f.Windows {
		rows := float64(w.Rows)
		c.Value, c.At, c.State, c.Word = &rows, w.Start, CellOK, "ok"
		all = append(all, rows)
		c.Spark = append(c.Spark, short(rows))
	}
	c.Limit = f.stopLimit(all)
	if i, ok := f.incident(trimtab.TrafficStopped); ok {
		return c.blame(i, CellBad, "stopped")
	}
	return c
}

// stopLimit is what the newest window should have at least, by the median of those before.
func (f MonitorFacts) stopLimit(all []float64) *float64 {
	if len(all) < 4 {
		return nil
	}
	before := slices.Clone(all[max(0, len(all)-9) : len(all)-1])
	slices.Sort(before)
	n := len(before)
	m := f.Spec.Stopped * (before[(n-1)/2] + before[n/2]) / 2
	return &m
}

func (f MonitorFacts) labels() MonitorCell {
	c := MonitorCell{State: CellNone, Word: "not measured yet", Kind: "share", Below: true}
	var all []float64
	for _, w := range f.Windows {
		clean := w.Rows - w.Held - w.Quarantined
		if !w.Closed() || clean <= 0 {
			c.Spark = append(c.Spark, short(math.NaN()))
			continue
		}
		share := float64(w.Labelled) / float64(clean)
		c.Value, c.At, c.State, c.Word = &share, w.Start, CellOK, "ok"
		all = append(all, share)
		c.Spark = append(c.Spark, short(share))
	}
	c.Limit = f.stopLimit(all)
	if i, ok := f.incident(trimtab.LabelsStopped); ok {
		return c.blame(i, CellBad, "stopped")
	}
	return c
}

func (f MonitorFacts) faults() MonitorCell {
	if f.Spec.Diagnosis.Off {
		return MonitorCell{State: CellNone, Word: "off"}
	}
	c := MonitorCell{State: CellNone, Word: "no window yet", Kind: "rows"}
	for _, w := range f.Windows {
		held := float64(w.Held)
		c.Value, c.At, c.State, c.Word = &held, w.Start, CellOK, "none"
		c.Spark = append(c.Spark, short(held))
	}
	found := 0
	for _, i := range f.Incidents {
		if i.Kind != trimtab.DataFault || i.Closed != 0 || i.Released || i.Monitor != "" && i.Monitor != f.Name {
			continue
		}
		found++
		word := cmp.Or(i.Fault, "fault")
		switch {
		case i.Hold && c.State != CellBad:
			c = c.blame(i, CellBad, word)
			c.Column = listed(i.Columns, 1)
		case c.State != CellBad && c.State != CellWarn:
			c = c.blame(i, CellWarn, word)
		}
	}
	if found > 1 {
		c.Word = fmt.Sprintf("%d faults", found)
	}
	return c
}

// short rounds to five significant digits: what a picture shows, at a third of the bytes.
func short(v float64) Figure {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return Figure(v)
	}
	scale := math.Pow(10, 4-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) || scale == 0 {
		return Figure(v)
	}
	return Figure(math.Round(v*scale) / scale)
}
