package trimtab

import (
	"cmp"
	"fmt"
	"slices"
)

// EvaluationSuiteSpec declares what a challenger must show before it may serve.
type EvaluationSuiteSpec struct {
	Model ModelName `json:"model"`
	// Monitor gives the fresh rows: logged inputs with mature labels.
	Monitor string      `json:"monitor,omitempty"`
	Fresh   *FreshSpec  `json:"fresh,omitempty"`
	Golden  *GoldenSpec `json:"golden,omitempty"`
	// Against is the alias of the version that it is compared with. Default champion.
	Against    Alias       `json:"against,omitempty"`
	Confidence float64     `json:"confidence,omitempty"` // default 0.95
	Gates      []GateSpec  `json:"gates"`
	Slices     []SliceSpec `json:"slices,omitempty"`
	// MaxLatency is the longest that one row may take. 0: not tested.
	MaxLatency Duration `json:"maxLatency,omitempty"`
	// Schema: "compatible" (default: it takes every row that the other takes), "equal" or "any".
	Schema string `json:"schema,omitempty"`
}

// FreshSpec takes the newest mature windows that the challenger has not learnt from.
type FreshSpec struct {
	Windows int   `json:"windows,omitempty"` // default 1
	MinRows int64 `json:"minRows,omitempty"` // fewer: not enough data; default 500
	// MinPositives of a binary model, and negatives. Default 30.
	MinPositives int64 `json:"minPositives,omitempty"`
}

// GoldenSpec is a fixed set of rows of a DataSource with labels.
type GoldenSpec struct {
	Source string `json:"source"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// GateSpec is one demand. Metric: auc log_loss brier accuracy ece calibration_slope
// calibration_intercept, rmse mae r2.
type GateSpec struct {
	Metric string `json:"metric"`
	On     string `json:"on,omitempty"` // "fresh" (default) | "golden"
	// NonInferior is how much worse than the other version it may be, as a positive number in units of the metric.
	NonInferior *float64 `json:"nonInferior,omitempty"`
	// Better demands that it is better, by so many standard errors.
	Better *float64 `json:"better,omitempty"`
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
	// Severity: "block" (default) fails the suite, "warn" makes it borderline.
	Severity string `json:"severity,omitempty"`
}

// SliceSpec repeats the comparison within the values of a column.
type SliceSpec struct {
	Column      string  `json:"column"`
	Metric      string  `json:"metric,omitempty"`  // default the first gate's
	MinRows     int64   `json:"minRows,omitempty"` // smaller slices are not judged; default 200
	NonInferior float64 `json:"nonInferior,omitempty"`
}

// WithDefaults fills in what the spec leaves out; s itself stays as it is.
func (s EvaluationSuiteSpec) WithDefaults() EvaluationSuiteSpec {
	s.Against = cmp.Or(s.Against, "champion")
	s.Confidence = cmp.Or(s.Confidence, 0.95)
	s.Schema = cmp.Or(s.Schema, "compatible")
	if s.Fresh != nil {
		fresh := *s.Fresh
		fresh.Windows = cmp.Or(fresh.Windows, 1)
		fresh.MinRows = cmp.Or(fresh.MinRows, 500)
		fresh.MinPositives = cmp.Or(fresh.MinPositives, 30)
		s.Fresh = &fresh
	}
	s.Gates, s.Slices = slices.Clone(s.Gates), slices.Clone(s.Slices)
	for i := range s.Gates {
		s.Gates[i].On = cmp.Or(s.Gates[i].On, "fresh")
		s.Gates[i].Severity = cmp.Or(s.Gates[i].Severity, "block")
	}
	for i := range s.Slices {
		s.Slices[i].MinRows = cmp.Or(s.Slices[i].MinRows, 200)
		if s.Slices[i].Metric == "" && len(s.Gates) > 0 {
			s.Slices[i].Metric = s.Gates[0].Metric
		}
	}
	return s
}

// BuiltInSuite is the suite of policies that name none: on the newest mature window the challenger must win on its loss
// by one standard error, and a binary one must not be calibrated worse. Model and Monitor are the caller's to fill in.
func BuiltInSuite(task string) EvaluationSuiteSpec {
	one, margin := 1.0, 0.05
	s := EvaluationSuiteSpec{Fresh: &FreshSpec{Windows: 1, MinRows: 100, MinPositives: 10}}
	if task == "regression" {
		s.Gates = []GateSpec{{Metric: "rmse", Better: &one}}
	} else {
		s.Gates = []GateSpec{{Metric: "log_loss", Better: &one}, {Metric: "ece", NonInferior: &margin}}
	}
	return s.WithDefaults()
}

// Verdicts of an evaluation.
const (
	VerdictPass         = "pass"
	VerdictFail         = "fail"
	VerdictBorderline   = "borderline"
	VerdictInsufficient = "insufficient" // not enough data: never a pass
)

// GateResult is what one gate found. Diff is challenger minus champion in the
// direction in which positive is better; Lo and Hi bound it.
type GateResult struct {
	Gate       string  `json:"gate"`
	On         string  `json:"on"`
	Slice      string  `json:"slice,omitzero"`
	Metric     string  `json:"metric"`
	Challenger float64 `json:"challenger"`
	Champion   float64 `json:"champion,omitzero"`
	Diff       float64 `json:"diff,omitzero"`
	StdErr     float64 `json:"stderr,omitzero"`
	Lo         float64 `json:"lo,omitzero"`
	Hi         float64 `json:"hi,omitzero"`
	Limit      float64 `json:"limit,omitzero"`
	Rows       int64   `json:"rows"`
	Verdict    string  `json:"verdict"`
	Why        string  `json:"why,omitzero"`
}

// Evaluation is one run of a suite over a version.
type Evaluation struct {
	Workspace Workspace    `json:"ws"`
	ID        string       `json:"id"` // SUITE/MODEL/VERSION@AT
	Suite     string       `json:"suite"`
	Model     ModelName    `json:"model"`
	Version   Version      `json:"version"`
	Against   Version      `json:"against,omitzero"`
	At        Time         `json:"at"` // rows and labels known by then
	From      Time         `json:"from,omitzero"`
	To        Time         `json:"to,omitzero"`
	Rows      int64        `json:"rows"`
	Golden    int64        `json:"golden,omitzero"`
	Verdict   string       `json:"verdict"`
	Reason    string       `json:"reason"`
	Results   []GateResult `json:"results,omitempty"`
	SuiteHash Digest       `json:"suiteDigest"`
}

// EvaluationID names the evaluation of a version with a suite as of a moment.
func EvaluationID(suite string, model ModelName, version Version, at Time) string {
	return fmt.Sprintf("%s/%s/%d@%s", suite, model, version, at)
}

// Object names the evaluation in the journal.
func (e Evaluation) Object() Object { return Object{Kind: "evaluation", Name: e.ID} }

// Head is how the document is listed.
func (e Evaluation) Head() Head {
	return Head{Scope: string(e.Model), At: e.At, State: e.Verdict}
}
