package stat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// The kinds of calibrators.
const (
	Logistic = "logistic" // σ(Intercept + Slope·logit(p)), for probabilities
	Linear   = "linear"   // Intercept + Slope·p, for predicted numbers
	Isotonic = "isotonic" // linear between the points X, Y, constant beyond them
)

// CalibrationPrior is the prior weight for FitLogistic and FitLinear that serves from a handful of rows on: 50 rows that
// say that the predictions are right as they are.
const CalibrationPrior = 50

// Calibrator maps predictions to better ones. It is plain numbers, to be stored as JSON and read with ParseCalibrator;
// the zero value is not valid.
type Calibrator struct {
	Kind      string    `json:"kind"`
	Intercept float64   `json:"intercept,omitempty"`
	Slope     float64   `json:"slope,omitempty"`
	X         []float64 `json:"x,omitempty"`
	Y         []float64 `json:"y,omitempty"`
}

// Identity returns the calibrator of the kind, Logistic or Linear, that changes nothing.
func Identity(kind string) Calibrator { return Calibrator{Kind: kind, Slope: 1} }

// maxCalibratorPoints bounds what ParseCalibrator accepts; a million rows make a few hundred points.
const maxCalibratorPoints = 1 << 20

// Check says what is wrong with a calibrator, nil if nothing is.
func (c Calibrator) Check() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch c.Kind {
	case Logistic, Linear:
		switch {
		case !finite(c.Intercept):
			return fmt.Errorf("stat: calibrator: intercept is %v, want a finite number", c.Intercept)
		case !finite(c.Slope):
			return fmt.Errorf("stat: calibrator: slope is %v, want a finite number", c.Slope)
		case len(c.X) > 0 || len(c.Y) > 0:
			return fmt.Errorf("stat: calibrator: points in one of kind %s, which has none", c.Kind)
		}
	case Isotonic:
		switch {
		case len(c.X) != len(c.Y) || len(c.X) == 0 || len(c.X) > maxCalibratorPoints:
			return fmt.Errorf("stat: calibrator: %d x and %d y, want as many of each, from 1 to %d", len(c.X), len(c.Y), maxCalibratorPoints)
		case c.Intercept != 0 || c.Slope != 0:
			return errors.New("stat: calibrator: intercept or slope in one of kind isotonic, which has none")
		}
		for i := range c.X {
			switch {
			case !finite(c.X[i]) || !finite(c.Y[i]):
				return fmt.Errorf("stat: calibrator: point %d is (%v, %v), want finite numbers", i, c.X[i], c.Y[i])
			case i > 0 && !(c.X[i] > c.X[i-1] && c.Y[i] >= c.Y[i-1]):
				return fmt.Errorf("stat: calibrator: point %d is not above the one before it", i)
			}
		}
	default:
		return fmt.Errorf("stat: calibrator: kind %q, want %s, %s or %s", c.Kind, Logistic, Linear, Isotonic)
	}
	return nil
}

// ParseCalibrator reads the JSON of a calibrator and checks it.
func ParseCalibrator(b []byte) (Calibrator, error) {
	var c Calibrator
	if len(b) > 64*maxCalibratorPoints {
		return c, fmt.Errorf("stat: calibrator: %d bytes, want at most %d", len(b), 64*maxCalibratorPoints)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("stat: calibrator: %w", err)
	}
	return c, c.Check()
}

// Apply returns the calibrated prediction; NaN for NaN. Logistic takes a probability at or beyond 0 or 1 as the nearest
// one that has a finite logit at Eps64.
func (c Calibrator) Apply(p float64) float64 {
	switch c.Kind {
	case Logistic:
		if c.Intercept == 0 && c.Slope == 1 {
			return p // not through the logit and back, which would cost the last digit
		}
		return logistic(c.Intercept + c.Slope*logit(p))
	case Linear:
		return float64(c.Slope*p) + c.Intercept
	case Isotonic:
		return interpolate(c.X, c.Y, p)
	}
	return math.NaN()
}

// ApplyAll returns the calibrated predictions in a new slice.
func (c Calibrator) ApplyAll(p []float64) []float64 {
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = c.Apply(v)
	}
	return out
}

// logit returns log(p/(1-p)), p cut to [Eps64, 1-Eps64].
func logit(p float64) float64 {
	p = min(max(p, Eps64), 1-Eps64)
	return math.Log(p) - math.Log1p(-p)
}

// ErrNoFit is returned for rows from which a calibrator cannot be fitted.
var ErrNoFit = errors.New("stat: no calibrator fits")

// FitLogistic fits the two numbers that make probabilities fit what happened (Platt scaling on the logit; Cox,
// Biometrika 45, 1958). prior is the weight, in rows, of the belief that the probabilities are right: each row is joined
// by a shadow of weight prior/n whose outcome is the probability itself, so that the fit moves from the identity to the
// data as rows come in, and exists when all rows are of one class. 0 means no prior; CalibrationPrior is a good one. A
// slope below 0 is possible: an inverted score. The result does not depend on how rows are ordered beyond rounding.
//
// The error is ErrNoFit, with the reason, without rows, for NaN, for probabilities outside of [0, 1], for a negative
// prior, or without prior for rows that a line separates.
func FitLogistic(y []bool, p, w []float64, prior float64) (Calibrator, error) {
	mustMatch(len(y), len(p), weights(w, len(y)))
	if !(prior >= 0) || math.IsInf(prior, 1) {
		return Calibrator{}, fmt.Errorf("%w: the prior weight is %v, want 0 or more", ErrNoFit, prior)
	}
	d := logisticRows{x: make([]float64, len(y)), t: make([]float64, len(y)), w: make([]float64, len(y))}
	for i := range y {
		v := weigh(w, i)
		if v != v || !(p[i] >= 0 && p[i] <= 1) {
			return Calibrator{}, fmt.Errorf("%w: row %d has probability %v and weight %v", ErrNoFit, i, p[i], weight(w, i))
		}
		shadow := prior / float64(len(y))
		d.x[i] = logit(p[i])
		d.w[i] = v + shadow
		if d.w[i] > 0 {
			hit := 0.0
			if y[i] {
				hit = v
			}
			d.t[i] = (hit + shadow*min(max(p[i], Eps64), 1-Eps64)) / d.w[i]
		}
	}
	f, ok := d.fit(0, 1, true)
	if !ok {
		return Calibrator{}, fmt.Errorf("%w: %d rows do not determine two parameters (one class, one probability, or separated; a prior helps)", ErrNoFit, len(y))
	}
	return Calibrator{Kind: Logistic, Intercept: f.a, Slope: f.b}, nil
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// FitLinear fits the line that makes predicted numbers fit what happened, by weighed least squares, with the prior of
// FitLogistic. The error is ErrNoFit without rows, for values that are not finite, for a negative prior, or when all
// predictions are equal.
func FitLinear(y, p, w []float64, prior float64) (Calibrator, error) {
	mustMatch(len(y), len(p), weights(w, len(y)))
	if !(prior >= 0) || math.IsInf(prior, 1) {
		return Calibrator{}, fmt.Errorf("%w: the prior weight is %v, want 0 or more", ErrNoFit, prior)
	}
	// The residual y-p is regressed on p, so that digits are not lost to a large level; shadows have residual 0.
	shadow := prior / float64(max(len(y), 1))
	var n, sx, sr Sum
	for i := range y {
		v := weigh(w, i)
		if v != v || math.IsNaN(y[i]-p[i]) || math.IsInf(y[i], 0) || math.IsInf(p[i], 0) {
			return Calibrator{}, fmt.Errorf("%w: row %d has value %v, prediction %v and weight %v", ErrNoFit, i, y[i], p[i], weight(w, i))
		}
		n.Add(v + shadow)
		sx.addProduct(v+shadow, p[i])
		sr.addProduct(v, y[i]-p[i])
	}
	total := n.Value()
	mx, mr := sx.Value()/total, sr.Value()/total
	var sxx, sxr Sum
	for i := range y {
		v, dx := weigh(w, i), p[i]-mx
		sxx.Add((v + shadow) * dx * dx)
		sxr.Add(dx * (v*(y[i]-p[i]-mr) - shadow*mr))
	}
	if !(sxx.Value() > 0) || !(total > 0) {
		return Calibrator{}, fmt.Errorf("%w: %d rows whose predictions are all equal do not determine a line", ErrNoFit, len(y))
	}
	b := sxr.Value() / sxx.Value()
	return Calibrator{Kind: Linear, Intercept: mr - b*mx, Slope: 1 + b}, nil
}

// FitIsotonic fits the rising function that is nearest to what happened (y is 0 and 1 for outcomes, or numbers), equal to
// scikit-learn's IsotonicRegression with out_of_bounds="clip". It wants rows: below some hundred a logistic one is
// better. The error is ErrNoFit without rows or weight, and for values that are not finite.
func FitIsotonic(y, p, w []float64) (Calibrator, error) {
	xs, ys, ok := isotonic(y, p, w)
	if !ok {
		return Calibrator{}, fmt.Errorf("%w: no rows with weight, or values that are not finite, among %d", ErrNoFit, len(y))
	}
	return Calibrator{Kind: Isotonic, X: xs, Y: ys}, nil
}
