package retrain

import (
	"math"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestDemandOfASuite(t *testing.T) {
	one, two, margin := 1.0, 2.0, 0.02
	for name, c := range map[string]struct {
		spec         trimtab.EvaluationSuiteSpec
		gain, stderr float64
		loss, chance float64
	}{
		"better":               {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &one}}}, 0.02, 0.02, 0.5, 0.5},
		"better by two":        {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &two}}}, 0.02, 0.02, 0.5, 0.158655},
		"a large gain":         {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &two}}}, 0.2, 0.02, 0.5, 1},
		"not inferior":         {trimtab.EvaluationSuiteSpec{Confidence: 0.95, Gates: []trimtab.GateSpec{{Metric: "log_loss", NonInferior: &margin}}}, 0, 0.01, 0.5, 0.516},
		"of the root":          {trimtab.EvaluationSuiteSpec{Confidence: 0.95, Gates: []trimtab.GateSpec{{Metric: "rmse", NonInferior: &margin}}}, 0, 0.04, 4, 0.516},
		"the harder of two":    {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &one, NonInferior: &margin}}}, 0.02, 0.02, 0.5, 0.5},
		"another metric":       {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "auc", Better: &two}}}, 0, 0.02, 0.5, 1},
		"on golden rows":       {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", On: "golden", Better: &two}}}, 0, 0.02, 0.5, 1},
		"a warning":            {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Severity: "warn", Better: &two}}}, 0, 0.02, 0.5, 1},
		"an error not known":   {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &two}}}, 0, math.NaN(), 0.5, 1},
		"an error without end": {trimtab.EvaluationSuiteSpec{Gates: []trimtab.GateSpec{{Metric: "log_loss", Better: &two}}}, 0, math.Inf(1), 0.5, 1},
	} {
		c.spec.Fresh = &trimtab.FreshSpec{}
		d := demandOf(c.spec)
		if d.MinRows != 500 || d.MinPositives != 30 {
			t.Errorf("%s: %d rows and %d positives are asked, expected the suite's defaults", name, d.MinRows, d.MinPositives)
		}
		if got := d.passes(c.gain, c.stderr, c.loss); math.Abs(got-c.chance) > 1e-3 {
			t.Errorf("%s: it passes with a chance of %v, expected %v", name, got, c.chance)
		}
	}
	if d := demandOf(trimtab.EvaluationSuiteSpec{Golden: &trimtab.GoldenSpec{Source: "x"}}); d != nil || d.passes(0, 1, 1) != 1 {
		t.Errorf("a suite without fresh rows demands %+v", d)
	}
}

// TestForesee: what is saved must cover both outcomes of the gate by their chances.
func TestForesee(t *testing.T) {
	d := &Demand{Bars: []Bar{{Errors: 1}}}
	for name, c := range map[string]struct {
		gain, stderr, chance, expected float64
		gate                           *Demand
		passed                         bool
	}{
		"no gate":                     {0.01, 0.1, 1, 110, nil, true},
		"small beside the error":      {0.01, 0.1, 1, 110, d, false},
		"small, and worth many tries": {0.01, 0.1, 1, 1000, d, true},
		"small, and the window sharp": {0.01, 0.002, 1, 110, d, true},
		"large":                       {0.5, 0.1, 0.3, 110, d, true},
	} {
		s := standing{best: span{mean: c.gain}, newest: span{stderr: c.stderr}, chance: c.chance, expected: c.expected, cost: 100, passed: true}
		s.foresee(c.gate, 0.5, Costs{Reject: 20})
		if s.passed != c.passed || s.passed != (s.why == "") {
			t.Errorf("%s: passed %v: %s", name, s.passed, s.why)
		}
	}
}
