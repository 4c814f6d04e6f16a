package stat

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// curveCase is an entry of testdata/curves.json, which curves.py writes with scikit-learn. Null is what is not finite.
type curveCase struct {
	Name                 string
	Y                    []bool
	P, W                 []float64
	Thresholds, FPR, TPR []*float64
	Precision, Recall    []*float64
	PRThresholds         []*float64 `json:"pr_thresholds"`
	Confusion            [][5]float64
}

func curveCases(t *testing.T) (cases []curveCase) {
	t.Helper()
	b, err := os.ReadFile("testdata/curves.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 12 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

func TestScoreCurveGoldens(t *testing.T) {
	for _, c := range curveCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			curve := NewScoreCurve(c.Y, c.P, c.W)
			if len(curve.Points) != len(c.Thresholds) {
				t.Fatalf("%d points, scikit-learn has %d", len(curve.Points), len(c.Thresholds))
			}
			same := func(what string, i int, got float64, want *float64) {
				if want == nil {
					if !math.IsNaN(got) && !math.IsInf(got, 1) {
						t.Errorf("%s %d is %v, want none", what, i, got)
					}
				} else if !near(got, *want) {
					t.Errorf("%s %d is %.17g, want %.17g", what, i, got, *want)
				}
			}
			for i, p := range curve.Points {
				same("threshold", i, p.Threshold, c.Thresholds[i])
				same("false positive rate", i, p.FPR, c.FPR[i])
				same("true positive rate", i, p.TPR, c.TPR[i])
			}
			if curve.Positives > 0 { // scikit-learn takes the recall as 1 when nothing happened
				n := len(c.Precision)
				for i, p := range curve.Points {
					same("precision", i, p.Precision, c.Precision[n-1-i])
					same("recall", i, p.TPR, c.Recall[n-1-i])
				}
			}
			for _, want := range c.Confusion {
				m := curve.At(want[0])
				for k, got := range []float64{m.TruePositives(), m.FalsePositives(), m.TrueNegatives(), m.FalseNegatives()} {
					if !near(got, want[k+1]) {
						t.Errorf("at %v: cell %d is %v, want %v", want[0], k, got, want[k+1])
					}
				}
			}
		})
	}
}

func TestScoreCurveRefuses(t *testing.T) {
	for name, c := range map[string]ScoreCurve{
		"no rows":    NewScoreCurve(nil, nil, nil),
		"NaN score":  NewScoreCurve([]bool{true, false}, []float64{0.5, math.NaN()}, nil),
		"NaN weight": NewScoreCurve([]bool{true, false}, []float64{0.5, 0.4}, []float64{1, math.NaN()}),
		"negative":   NewScoreCurve([]bool{true, false}, []float64{0.5, 0.4}, []float64{-1, 1}),
	} {
		if c.Points != nil || !math.IsNaN(c.At(0.5).Accuracy()) {
			t.Errorf("%s: %d points, accuracy %v", name, len(c.Points), c.At(0.5).Accuracy())
		}
	}
}

// Thinning keeps the ends, and every point that is left out is near one that stays.
func TestScoreCurveThin(t *testing.T) {
	for _, c := range curveCases(t) {
		whole := NewScoreCurve(c.Y, c.P, c.W)
		for _, n := range []int{2, 20, 100} {
			thin := whole.Thin(n)
			if len(thin) > n+2 {
				t.Errorf("%s: %d points of %d asked for", c.Name, len(thin), n)
			}
			last := whole.Points[len(whole.Points)-1]
			if thin[0].Threshold != whole.Points[0].Threshold || thin[len(thin)-1].Threshold != last.Threshold {
				t.Errorf("%s: the ends are gone", c.Name)
			}
			far := 0.0
			for _, p := range whole.Points {
				best := math.Inf(1)
				for _, q := range thin {
					dx, dy := math.Abs(p.FPR-q.FPR), math.Abs(p.TPR-q.TPR)
					best = min(best, max(none(dx), none(dy)))
				}
				far = max(far, best)
			}
			if far > 2/float64(n-1) {
				t.Errorf("%s, %d points: one lies %v away", c.Name, n, far)
			}
		}
	}
}

// none is 0 for the axis that a curve of one class does not have.
func none(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
