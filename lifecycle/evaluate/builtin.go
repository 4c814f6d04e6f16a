package evaluate

import "github.com/trimtab/trimtab"

// BuiltIn is the suite of policies that name none: on the newest mature window the challenger must win on its loss by
// one standard error, and a binary one must not be calibrated worse. Model and Monitor are the caller's to fill in.
func BuiltIn(task Task) trimtab.EvaluationSuiteSpec {
	one, margin := 1.0, 0.05
	s := trimtab.EvaluationSuiteSpec{Fresh: &trimtab.FreshSpec{Windows: 1, MinRows: 100, MinPositives: 10}}
	if task == Regression {
		s.Gates = []trimtab.GateSpec{{Metric: "rmse", Better: &one}}
	} else {
		s.Gates = []trimtab.GateSpec{{Metric: "log_loss", Better: &one}, {Metric: "ece", NonInferior: &margin}}
	}
	return s.WithDefaults()
}
