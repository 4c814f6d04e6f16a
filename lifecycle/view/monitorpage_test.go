package view

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const windowLength = trimtab.Time(3_600_000)

// watched is a monitor with n quiet windows.
func watched(n int) MonitorFacts {
	yes := true
	f := MonitorFacts{Name: "m", Spec: trimtab.MonitorSpec{Endpoint: "e", Window: "1h"}.WithDefaults(), Model: "flights"}
	for i := range trimtab.Time(n) {
		f.Windows = append(f.Windows, trimtab.WindowResult{Monitor: "m", Endpoint: "e", Start: i * windowLength, End: (i + 1) * windowLength, Rows: 100, Labelled: 90, Served: 3, Reliable: &yes,
			Quality:     []trimtab.Quality{{Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.65, Hi: 0.75}},
			Estimated:   []trimtab.Quality{{Metric: "auc", Value: 0.71, HasInterval: true, Lo: 0.66, Hi: 0.76}},
			Calibration: []trimtab.Quality{{Metric: CalibrationLarge, Value: 0.1, HasInterval: true, Lo: -0.1, Hi: 0.3}},
			Drift: []trimtab.ColumnDrift{{Column: "wind", PSI: 0.01, Effect: 0.05, Noise: 0.02, State: "ok"}, {Column: "temp", PSI: 0.02, Effect: 0.05, Noise: 0.02, State: "suspect"},
				{Column: "score", PSI: 0.03, Effect: 0.06, Noise: 0.02, State: "ok"}},
			Scores: []trimtab.VersionLoss{{Version: 2, Rows: 90, Loss: 0.5, Gain: -9, Trained: 7}, {Version: 3, Rows: 90, Loss: 0.4}}})
	}
	return f
}

func TestLineOf(t *testing.T) {
	words := func(f MonitorFacts) string {
		var out []string
		for _, c := range LineOf(f).Cells {
			out = append(out, c.State+" "+c.Word)
		}
		return strings.Join(out, "; ")
	}
	quiet := "ok ok; ok ok; ok ok; ok ok; ok ok; none no contract; ok ok; ok ok; ok none"
	open := func(kind trimtab.IncidentKind, severity trimtab.Severity) MonitorFacts {
		f := watched(6)
		f.Incidents = []trimtab.Incident{{ID: "i", Kind: kind, Endpoint: "e", Monitor: "m", Severity: severity, Cause: "so it is", Columns: []string{"wind"}}}
		return f
	}
	fault, other, closed, drift, early, off := open(trimtab.DataFault, trimtab.Critical), open(trimtab.Decay, trimtab.Warning), open(trimtab.Decay, trimtab.Warning), watched(6), watched(6), watched(6)
	fault.Incidents[0].Hold, fault.Incidents[0].Fault = true, "unit"
	other.Incidents[0].Monitor = "another"
	closed.Incidents[0].Closed = 9
	drift.Windows[5].Drift = []trimtab.ColumnDrift{{Column: "wind", PSI: 1, Effect: 0.05, State: "drift"}, {Column: "temp", PSI: 2, Effect: 0.05, State: "drift"}, {Column: "score", PSI: 1, Effect: 0.06, State: "drift"}}
	early.Windows[5].Phase, early.Windows[5].Quality, early.Windows[5].Labelled = trimtab.WindowEstimated, nil, 0
	no := false
	early.Windows[5].Reliable, early.Windows[5].Unreliable = &no, "scores beyond the reference"
	off.Spec.Drift.Off, off.Spec.Estimate.Off, off.Spec.Diagnosis.Off = true, true, true
	broken := watched(6)
	broken.Contracts = [][]trimtab.ContractResult{{{Contract: "c", At: 9, Rows: 100, Failed: 3, Results: []trimtab.RuleResult{{Rule: "wind.range"}, {Rule: "wind.inSet", Severity: trimtab.SeverityWarning}}}}}
	for name, c := range map[string]struct {
		f    MonitorFacts
		want string
	}{
		"no window":           {watched(0), "none not measured yet; none no estimate; none not measured yet; none no reference yet; none no reference yet; none no contract; none no window yet; none not measured yet; none no window yet"},
		"quiet":               {watched(6), quiet},
		"decay":               {open(trimtab.Decay, trimtab.Warning), "bad fell" + quiet[len("ok ok"):]},
		"of another monitor":  {other, quiet},
		"over":                {closed, quiet},
		"miscalibration":      {open(trimtab.Miscalibration, trimtab.Info), "ok ok; ok ok; warn scores too low" + quiet[len("ok ok; ok ok; ok ok"):]},
		"drift":               {drift, "ok ok; ok ok; ok ok; warn drift; warn drift" + quiet[len("ok ok; ok ok; ok ok; ok ok; ok ok"):]},
		"no labels yet":       {early, "ok ok; warn not reliable" + quiet[len("ok ok; ok ok"):]},
		"a fault":             {fault, quiet[:len(quiet)-len("ok none")] + "bad unit"},
		"labels stopped":      {open(trimtab.LabelsStopped, trimtab.Warning), "ok ok; ok ok; ok ok; ok ok; ok ok; none no contract; ok ok; bad stopped; ok none"},
		"a broken contract":   {broken, "ok ok; ok ok; ok ok; ok ok; ok ok; bad broken; ok ok; ok ok; ok none"},
		"parts are off":       {off, "ok ok; none off; ok ok; none off; none off; none no contract; ok ok; ok ok; none off"},
		"one window, no past": {watched(1), quiet},
	} {
		if got := words(c.f); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
	l := LineOf(drift)
	if c := l.Cells[4]; *c.Value != 2 || c.Of != 2 || c.Column != "temp" || c.Detail != "wind, temp" || l.State != CellWarn || c.At != 5*windowLength {
		t.Errorf("drift of columns: %+v", c)
	}
	if c := LineOf(watched(6)).Cells[0]; *c.Limit != 0.66 || !c.Below || *c.Value != 0.7 || len(c.Spark) != 6 {
		t.Errorf("quality: %+v", c)
	}
	if c := LineOf(watched(6)).Cells[6]; *c.Limit != 20 || *c.Value != 100 {
		t.Errorf("volume: %+v", c)
	}
	if c := LineOf(broken).Cells[5]; c.Detail != "wind.range" || *c.Value != 0.03 {
		t.Errorf("contract: %+v", c)
	}
	table := MonitorTableOf([]MonitorLine{{Name: "b", State: CellOK}, {Name: "a", State: CellOK}, {Name: "c", State: CellBad}, {Name: "d", State: CellNone}}, "")
	var order string
	for _, x := range table.Items {
		order += x.Name
	}
	if order != "cabd" || len(table.Signals) != len(l.Cells) {
		t.Errorf("order %s, %d signals", order, len(table.Signals))
	}
}

func TestMonitorPageOf(t *testing.T) {
	f := watched(3)
	f.Windows[1].Quality, f.Windows[2].Drift, f.Windows[2].Scores = nil, nil, nil
	f.Incidents = []trimtab.Incident{{ID: "late", Begin: 9 * windowLength}, {ID: "on", Begin: windowLength, Kind: trimtab.Drift}, {ID: "before", Begin: -9, End: -5}}
	p := MonitorPageOf(f, nil, true)
	if n := len(p.Windows.Start); n != 3 || len(p.Windows.Served) != n || !p.More || p.Settings.Effect != 0.05 || p.Settings.Reference != "training" || !p.Settings.Hold {
		t.Errorf("%+v", p)
	}
	if v := p.Quality[0].Value; v[0] != 0.7 || !math.IsNaN(float64(v[1])) || p.Quality[0].Lo[2] != 0.65 {
		t.Errorf("quality: %v", p.Quality)
	}
	if d := p.Drift; fmt.Sprint(d.Columns) != "[score temp wind]" || d.PSI[1][0] != 0.02 || d.State[1][0] != 2 || d.State[1][2] != 0 || !math.IsNaN(float64(d.PSI[1][2])) {
		t.Errorf("drift: %+v", d)
	}
	if v := p.Versions; len(v) != 2 || v[0].Version != 2 || v[0].Gain[0] != -0.1 || v[0].Trained != 7 || !math.IsNaN(float64(v[0].Loss[2])) {
		t.Errorf("versions: %+v", v)
	}
	if len(p.Incidents) != 1 || p.Incidents[0].ID != "on" || !p.Incidents[0].Open {
		t.Errorf("incidents: %+v", p.Incidents)
	}
	if body, err := json.Marshal(MonitorPageOf(MonitorFacts{Name: "m", Spec: f.Spec}, nil, false)); err != nil || strings.Contains(string(body), "null") {
		t.Errorf("a monitor without windows: %s %v", body, err)
	}
	for v, want := range map[float64]float64{0.123456789: 0.12346, 1234567: 1234600, -0.000012345678: -0.000012346, 0: 0} {
		if got := float64(short(v)); math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("short(%v) is %v, want %v", v, got, want)
		}
	}
}
