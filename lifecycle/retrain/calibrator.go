package retrain

import (
	"math"

	"github.com/trimtab/trimtab"
)

// Calibrator corrects a score by two numbers: on the logit of a probability, or on a predicted value itself. The child
// version that a recalibration registers is its parent and a Calibrator.
type Calibrator struct {
	Slope     float64 `json:"slope"`
	Intercept float64 `json:"intercept"`
}

// Identity changes nothing.
var Identity = Calibrator{Slope: 1}

// Score applies the calibrator to a score of its task.
func (c Calibrator) Score(t Task, p float64) float64 {
	return t.score(c.Intercept + c.Slope*t.margin(p))
}

// After returns the calibrator that first applies b and then c.
func (c Calibrator) After(b Calibrator) Calibrator {
	return Calibrator{Slope: c.Slope * b.Slope, Intercept: c.Intercept + c.Slope*b.Intercept}
}

// pull is the weight with which a fit is drawn to the identity, in rows: few rows correct little.
const pull = 25

// FitCalibrator fits label on score by Newton's steps, each row with its weight (nil: 1), drawn towards the identity by
// the weight of 25 typical rows. The slope stays within [0.1, 10]: a score that has turned round wants a retrain.
// Rows whose score is not a number are left out. The fit fails without rows or with a single class.
func FitCalibrator(t Task, label, score, weight []float64) (Calibrator, error) {
	c := Identity
	var n, sum, sum2, y float64
	for i, p := range score {
		if m := t.margin(p); !math.IsNaN(m) {
			w := weigh(weight, i)
			n, sum, sum2, y = n+w, sum+w*m, sum2+w*m*m, y+w*label[i]
		}
	}
	if n <= 0 {
		return c, trimtab.Errorf(trimtab.Precondition, "recalibration", "no rows to fit a recalibration on")
	}
	if t == Binary && (y <= 0 || y >= n) {
		return c, trimtab.Errorf(trimtab.Precondition, "recalibration", "all %v rows have one label: a recalibration needs both", n)
	}
	mean, spread := sum/n, math.Sqrt(max(sum2/n-(sum/n)*(sum/n), 0))
	if spread < 1e-9*max(1, math.Abs(mean)) {
		spread = 1
	}
	// Margins are standardised: m = mean + spread·x, so that both parameters are drawn alike.
	a, b := mean, spread // prediction: a + b·x; at first the identity
	a0, b0 := a, b
	for range 50 {
		var ga, gb, haa, hab, hbb float64
		for i, p := range score {
			m := t.margin(p)
			if math.IsNaN(m) {
				continue
			}
			x, w := (m-mean)/spread, weigh(weight, i)
			q := t.score(a + b*x)
			h := 1.0
			if t == Binary {
				h = q * (1 - q)
			}
			r := w * (label[i] - q)
			ga, gb = ga+r, gb+r*x
			haa, hab, hbb = haa+w*h, hab+w*h*x, hbb+w*h*x*x
		}
		k := pull * max(haa/n, 1e-6)
		ga, gb = ga-k*(a-a0), gb-k*(b-b0)
		haa, hbb = haa+k, hbb+k
		det := haa*hbb - hab*hab
		if !(det > 0) {
			break
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		if t == Binary { // far from the optimum the curvature misleads
			if l := max(math.Abs(da), math.Abs(db)); l > 2 {
				da, db = da*2/l, db*2/l
			}
		}
		a, b = a+da, b+db
		if math.Abs(da)+math.Abs(db) < 1e-10*(1+math.Abs(a)+math.Abs(b)) {
			break
		}
	}
	slope := min(max(b/spread, 0.1), 10)
	c = Calibrator{Slope: slope, Intercept: a - slope*mean}
	if math.IsNaN(c.Intercept) || math.IsInf(c.Intercept, 0) {
		return Identity, trimtab.Errorf(trimtab.Precondition, "recalibration", "the recalibration has no finite solution")
	}
	return c, nil
}

func weigh(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}
