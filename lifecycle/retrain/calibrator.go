package retrain

import (
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Calibrator corrects a score by two numbers: on the logit of a probability, or on a predicted value itself. The child
// version that a recalibration registers is its parent and a Calibrator.
type Calibrator struct {
	Slope     float64 `json:"slope"`
	Intercept float64 `json:"intercept"`
}

// Identity changes nothing.
var Identity = Calibrator{Slope: 1}

// Stat is the calibrator in the form that is stored and applied elsewhere.
func (c Calibrator) Stat(t Task) stat.Calibrator {
	kind := stat.Logistic
	if t == Regression {
		kind = stat.Linear
	}
	return stat.Calibrator{Kind: kind, Slope: c.Slope, Intercept: c.Intercept}
}

// Score applies the calibrator to a score of its task.
func (c Calibrator) Score(t Task, p float64) float64 { return c.Stat(t).Apply(p) }

// After returns the calibrator that first applies b and then c.
func (c Calibrator) After(b Calibrator) Calibrator {
	return Calibrator{Slope: c.Slope * b.Slope, Intercept: c.Intercept + c.Slope*b.Intercept}
}

// The slope stays within these: a score that has turned round is flattened, never turned back.
const leastSlope, mostSlope = 0.1, 10

// FitCalibrator fits label on score, each row with its weight (nil: 1), drawn towards the identity by
// stat.CalibrationPrior. Probabilities beyond the clip of the loss count as there, so that a few extreme scores do not
// turn the line. Rows whose score is not a number are left out. It fails, with the reason, where nothing can be
// fitted: no rows, or a single class.
func FitCalibrator(t Task, label, score, weight []float64) (Calibrator, error) {
	no := func(format string, args ...any) (Calibrator, error) {
		return Identity, trimtab.Errorf(trimtab.Precondition, "recalibration", format, args...)
	}
	var p, y, w []float64
	var hit []bool
	hits := 0
	for i, s := range score {
		if math.IsNaN(s) {
			continue
		}
		if t == Binary {
			s = min(max(s, clip), 1-clip)
			hit = append(hit, label[i] == 1)
			if label[i] == 1 {
				hits++
			}
		}
		p, y = append(p, s), append(y, label[i])
		if weight != nil {
			w = append(w, weight[i])
		}
	}
	var fit stat.Calibrator
	var err error
	switch {
	case len(p) == 0:
		return no("no rows since the training to fit a recalibration on")
	case t == Regression:
		fit, err = stat.FitLinear(y, p, w, stat.CalibrationPrior)
	case hits == 0 || hits == len(p):
		return no("all %d rows have one label: a recalibration needs both", len(p))
	default:
		fit, err = stat.FitLogistic(hit, p, w, stat.CalibrationPrior)
	}
	if err != nil {
		return no("%v", err)
	}
	slope := min(max(fit.Slope, leastSlope), mostSlope)
	if slope != fit.Slope { // the prediction for the mean margin stays
		var total, sum float64
		for i, s := range p {
			v := 1.0
			if w != nil {
				v = w[i]
			}
			total, sum = total+v, sum+v*t.margin(s)
		}
		fit.Intercept += (fit.Slope - slope) * sum / total
	}
	return Calibrator{Slope: slope, Intercept: fit.Intercept}, nil
}
