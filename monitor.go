package trimtab

import (
	"strings"
	"time"
)

// MonitorSpec declares what is watched on an endpoint.
type MonitorSpec struct {
	Endpoint string `json:"endpoint"`
	Window   Window `json:"window"` // "1h", "1d", "7d", "month"
	// LabelMaturity: a window is closed when the watermark has passed its end by
	// this much, with the labels known by then. Default 0s.
	LabelMaturity Duration        `json:"labelMaturity,omitempty"`
	Performance   PerformanceSpec `json:"performance,omitzero"`
	Drift         DriftSpec       `json:"drift,omitzero"`
	Estimate      EstimateSpec    `json:"estimate,omitzero"`
	Diagnosis     DiagnosisSpec   `json:"diagnosis,omitzero"`
	// Stopped: a window with less than this share of the rows, or of the labels, that
	// the windows before had is an incident. Default 0.2.
	Stopped float64 `json:"stopped,omitempty"`
}

// DriftSpec declares how input columns and the score are compared with the reference.
type DriftSpec struct {
	Off     bool     `json:"off,omitempty"`
	Columns []string `json:"columns,omitempty"` // default all inputs and the score
	Except  []string `json:"except,omitempty"`
	// Reference: "training" (default: what the served version has learnt from) or a
	// duration such as 28d before the window.
	Reference string `json:"reference,omitempty"`
	// FDR is the rate of false discoveries over the columns of a window. Default 0.05.
	FDR float64 `json:"fdr,omitempty"`
	// Effect is the PSI beyond its noise below which a movement does not matter. Default 0.05.
	Effect float64 `json:"effect,omitempty"`
	// Confirm: so many windows in Of make drift. Default 2 of 3.
	Confirm int `json:"confirm,omitempty"`
	Of      int `json:"of,omitempty"`
}

// EstimateSpec declares the estimate of quality before labels are known.
type EstimateSpec struct {
	Off bool `json:"off,omitempty"`
}

// DiagnosisSpec declares the search for data faults.
type DiagnosisSpec struct {
	Off bool `json:"off,omitempty"`
	// Confidence below which a finding informs and holds nothing. Default 0.9.
	Confidence float64 `json:"confidence,omitempty"`
	// Hold: false lets the rows of a fault be learnt from and measured like others. Default true.
	Hold *bool `json:"hold,omitempty"`
	// Reference is how long before the window rows are taken as good. Default 4 windows, and the training rows.
	Reference Duration `json:"reference,omitempty"`
}

// WithDefaults fills what is not said, as a declared spec means it.
func (s MonitorSpec) WithDefaults() MonitorSpec {
	fill := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	fill(&s.Stopped, 0.2)
	fill(&s.Drift.FDR, 0.05)
	fill(&s.Drift.Effect, 0.05)
	fill(&s.Diagnosis.Confidence, 0.9)
	fill(&s.Performance.Confidence, 0.95)
	if s.Drift.Reference == "" {
		s.Drift.Reference = "training"
	}
	if s.Drift.Confirm == 0 {
		s.Drift.Confirm = 2
	}
	if s.Drift.Of == 0 {
		s.Drift.Of = 3
	}
	if s.Performance.Task == "" {
		s.Performance.Task = "binary"
	}
	return s
}

// PerformanceSpec declares the quality metrics that need labels.
type PerformanceSpec struct {
	Task       string   `json:"task,omitempty"`       // "binary" (default) | "regression"
	Metrics    []string `json:"metrics,omitempty"`    // binary: auc log_loss brier accuracy; regression: rmse mae r2
	Confidence float64  `json:"confidence,omitempty"` // of intervals; default 0.95
	MinRows    int64    `json:"minRows,omitempty"`    // fewer labelled rows give no metric; default 1
}

// Window says how event time is cut into windows, in UTC: a duration whose
// windows are aligned to the epoch, or "month".
type Window string

// Monthly is the window of a calendar month.
const Monthly Window = "month"

// Validate reports whether w can be used.
func (w Window) Validate() error {
	if w == Monthly {
		return nil
	}
	d, err := ParseDuration(string(w))
	if err != nil || time.Duration(d) < time.Minute {
		return Errorf(Invalid, "window", "window %q: expected \"month\" or a duration of at least a minute such as 1h, 1d or 7d", string(w))
	}
	return nil
}

// Bounds returns the window [start, end) that contains t.
func (w Window) Bounds(t Time) (start, end Time) {
	if w == Monthly {
		g := t.Go()
		if t == 0 {
			g = time.UnixMilli(0).UTC()
		}
		s := time.Date(g.Year(), g.Month(), 1, 0, 0, 0, 0, time.UTC)
		return TimeOf(s), TimeOf(s.AddDate(0, 1, 0))
	}
	d, err := ParseDuration(string(w))
	if err != nil || d <= 0 {
		return t, t
	}
	ms := Time(time.Duration(d) / time.Millisecond)
	start = t - ((t%ms)+ms)%ms
	return start, start + ms
}

// Label names the window that starts at start for people: "2013-03", "2013-03-04", …
func (w Window) Label(start Time) string {
	switch {
	case w == Monthly:
		return start.Go().Format("2006-01")
	case strings.HasSuffix(string(w), "d") || strings.HasSuffix(string(w), "w"):
		return start.Go().Format("2006-01-02")
	}
	return start.Go().Format("2006-01-02 15:04")
}

// Quality is one metric of one window. Lo and Hi bound the interval at the
// monitor's confidence; they are NaN-free: HasInterval says whether they mean something.
type Quality struct {
	Metric      string  `json:"metric"`
	Value       float64 `json:"value"`
	HasInterval bool    `json:"hasInterval,omitzero"`
	Lo          float64 `json:"lo,omitzero"`
	Hi          float64 `json:"hi,omitzero"`
	StdErr      float64 `json:"stderr,omitzero"`
}

// WindowPhase is how far a window has come.
type WindowPhase string

const (
	// WindowEstimated: the window has ended and was looked at, its labels have not matured.
	// Only quality is still to come: everything else stays as it is when it is closed.
	WindowEstimated WindowPhase = "estimated"
	// WindowClosed: its quality is measured. It is the zero value.
	WindowClosed WindowPhase = ""
)

// WindowResult is what a monitor found in one window: in what came by its end,
// and, when it is closed, in the labels that were known at their maturity.
type WindowResult struct {
	Workspace Workspace `json:"ws"`
	Monitor   string    `json:"monitor"`
	Endpoint  string    `json:"endpoint"`
	Start     Time      `json:"start"`
	End       Time      `json:"end"`
	Versions  []Version `json:"versions,omitempty"` // that answered in the window
	Rows      int64     `json:"rows"`               // predictions
	Labelled  int64     `json:"labelled"`           // predictions joined with a label known by Through
	Positives int64     `json:"positives,omitzero"`
	Late      int64     `json:"late,omitzero"` // predictions that came after the watermark had passed them
	Through   Time      `json:"through"`       // rows and labels known by this moment were joined
	Quality   []Quality `json:"quality,omitempty"`
	Reason    string    `json:"reason,omitzero"` // why metrics are missing
	Computed  Time      `json:"-"`

	// Served is the version that answered most rows, or did before a window without any; Since is the start of the first
	// window of its present service.
	Served Version `json:"served,omitzero"`
	Since  Time    `json:"since,omitzero"`
	// Held counts rows that a hold keeps out of the figures, Quarantined those that a contract does.
	Held        int64         `json:"held,omitzero"`
	Quarantined int64         `json:"quarantined,omitzero"`
	Estimated   []Quality     `json:"estimated,omitempty"` // without labels
	Reliable    *bool         `json:"reliable,omitempty"`  // whether the estimate can be trusted
	Unreliable  string        `json:"unreliable,omitzero"` // why not
	Calibration []Quality     `json:"calibration,omitempty"`
	Drift       []ColumnDrift `json:"drift,omitempty"`
	Scores      []VersionLoss `json:"scores,omitempty"`
	Incidents   []string      `json:"incidents,omitempty"` // found or still open in this window
	// Revision counts corrections by labels that came after the window was closed.
	Revision int         `json:"revision,omitzero"`
	Phase    WindowPhase `json:"phase,omitzero"`
}

// Closed reports whether the window's quality is measured: only then is it decided on.
func (w WindowResult) Closed() bool { return w.Phase == WindowClosed }

// ColumnDrift is how far one column has moved from its reference in a window.
// State is "ok", "suspect" (this window alone), "drift" (confirmed) or "unknown" (no
// rows to tell from). Alone is what this window by itself says, where it differs.
type ColumnDrift struct {
	Column  string  `json:"column"`
	PSI     float64 `json:"psi"`
	Noise   float64 `json:"noise"`  // limit of chance for these sizes
	Effect  float64 `json:"effect"` // limit of what matters
	P       float64 `json:"p"`
	Q       float64 `json:"q"` // after control of false discoveries
	Missing float64 `json:"missing,omitzero"`
	Unseen  float64 `json:"unseen,omitzero"`
	Below   float64 `json:"below,omitzero"`
	Above   float64 `json:"above,omitzero"`
	State   string  `json:"state"`
	Alone   string  `json:"alone,omitzero"`
	Why     string  `json:"why,omitzero"`
	// Reference is what the window was compared with: "training of version 3", or, where its training rows are not at
	// hand or, as for the score, are no fair reference, "first windows of version 3"; "28d before" where declared so.
	Reference string `json:"reference,omitzero"`
}

// VersionLoss is how one retained version does on the rows of a window, in pairs
// with what was served: Gain is the summed loss of what was served minus its own.
type VersionLoss struct {
	Version Version     `json:"version"`
	Rows    int64       `json:"rows"`
	Loss    float64     `json:"loss"` // mean
	Gain    float64     `json:"gain"` // summed
	Blocks  []GainBlock `json:"blocks,omitempty"`
	// Trained is the moment up to which it had learnt: rows before are no test of it.
	Trained Time `json:"trained,omitzero"`
}

// Object names the window in the journal.
func (w WindowResult) Object() Object {
	return Object{Kind: "window", Name: w.Monitor, Version: w.Start.String()}
}

// After makes the change from what is known of the window, nil for nothing, to w. A
// window is estimated, then closed, then corrected: each correction has the next
// revision. A change without action means that w is already there; everything else
// is a Conflict, as a window that is closed changes by a correction only.
func (w WindowResult) After(old *WindowResult) (Change, error) {
	c := Change{Object: w.Object(), After: StateDigest(w)}
	if old != nil {
		if c.Before = StateDigest(*old); c.Before == c.After {
			return Change{}, nil
		}
	}
	switch {
	case old == nil && !w.Closed():
		c.Action = "window.estimate"
	case (old == nil || !old.Closed()) && w.Closed() && w.Revision == 0:
		c.Action = "window.close"
	case old != nil && old.Closed() && w.Closed() && w.Revision == old.Revision+1:
		c.Action = "window.correct"
		c.Reason = "labels came, or rows were released, after the window was closed"
	default:
		return Change{}, Errorf(Conflict, w.Object().String(), "the window of %s of monitor %s has another result; a closed window is changed by a correction only", w.Start, w.Monitor)
	}
	return c, nil
}

// Segment is a sealed part of an endpoint's traffic.
type Segment struct {
	Workspace Workspace `json:"ws"`
	Endpoint  string    `json:"endpoint"`
	Log       string    `json:"log"` // "predictions" | "labels"
	ID        string    `json:"id"`
	Digest    Digest    `json:"digest"`
	Rows      int64     `json:"rows"`
	First     Time      `json:"first"`
	Last      Time      `json:"last"`
	Bytes     int64     `json:"bytes"`
	Created   Time      `json:"created"`
}

// Object names the segment in the journal.
func (s Segment) Object() Object {
	return Object{Kind: "segment", Name: s.Endpoint + "/" + s.Log, Version: s.ID}
}

// Change records the seal.
func (s Segment) Change() Change {
	return Change{Action: "segment.seal", Object: s.Object(), After: StateDigest(s), Refs: []Ref{{Kind: "segment", Digest: s.Digest}}}
}
