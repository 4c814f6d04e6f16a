package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
)

// The kinds of calibrations.
const (
	Logit  = "logit"  // of a probability p: the logistic function of a + b·logit(p)
	Linear = "linear" // of a number y: a + b·y
)

// Step is one correction of a score.
type Step struct {
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// Calibration is what makes a model version of its parent: the file
// trimtab_calibration.json beside the parent's files.
type Calibration struct {
	Kind string `json:"kind"` // Logit or Linear
	Step
	// Before are the corrections of a parent that is itself recalibrated, applied first, in order.
	Before []Step `json:"before,omitempty"`
	Parent string `json:"parent"`           // the version that is corrected, as people name it: NAME/VERSION
	Loader string `json:"loader"`           // the Python module that loads the parent
	Labels bool   `json:"labels,omitempty"` // the parent answers class labels
}

// CalibrationFile holds the calibration of a recalibrated version.
const CalibrationFile = "trimtab_calibration.json"

// maxSteps bounds how often a version is recalibrated before it is trained again.
const maxSteps = 64

// What of a probability has a logit: 2^-52 from 0 and 1.
const (
	leastProbability = 1.0 / (1 << 52)
	mostProbability  = 1 - leastProbability
)

// check reports what is wrong with a calibration. Numbers that take a probability
// beyond what its logit can hold are refused, so that no answer is ever cut.
func (c *Calibration) check() error {
	bad := func(format string, args ...any) error {
		return trimtab.Errorf(trimtab.Invalid, CalibrationFile, CalibrationFile+": "+format, args...)
	}
	if c.Kind != Logit && c.Kind != Linear {
		return bad("kind %q: expected %q or %q", c.Kind, Logit, Linear)
	}
	if len(c.Before) >= maxSteps {
		return bad("%d corrections one after another, the limit is %d", len(c.Before)+1, maxSteps)
	}
	for _, s := range c.steps() {
		if math.IsNaN(s.A) || math.IsInf(s.A, 0) || math.IsNaN(s.B) || math.IsInf(s.B, 0) {
			return bad("a and b are %v and %v: expected finite numbers", s.A, s.B)
		}
		// 36.05 is the logit of mostProbability, 700 what exp takes without underflow.
		if c.Kind == Logit && math.Abs(s.A)+36.05*math.Abs(s.B) > 700 {
			return bad("a and b are %v and %v: the logit would leave [-700, 700]", s.A, s.B)
		}
	}
	return nil
}

func (c *Calibration) steps() []Step { return append(slices.Clip(c.Before), c.Step) }

// readCalibration reads the calibration of a model folder whose loader is calibratedModule.
func readCalibration(ctx context.Context, files Files) (*Calibration, error) {
	b, err := files(ctx, CalibrationFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, trimtab.Errorf(trimtab.Invalid, "model", "the model is loaded by %s, but there is no file %s", calibratedModule, CalibrationFile)
	}
	if err != nil {
		return nil, err
	}
	return parseCalibration(b)
}

func parseCalibration(b []byte) (*Calibration, error) {
	if len(b) > 64<<10 {
		return nil, trimtab.Errorf(trimtab.Invalid, CalibrationFile, "%s has %d bytes, the limit is %d", CalibrationFile, len(b), 64<<10)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	c := new(Calibration)
	if err := d.Decode(c); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, CalibrationFile, "%s cannot be read: %s", CalibrationFile, err)
	}
	return c, c.check()
}

// calibrator is a calibration ready to be applied.
type calibrator struct {
	logit bool
	steps []Step
}

// score corrects a probability or a number. NaN stays NaN.
func (c *calibrator) score(p float64) float64 {
	for _, s := range c.steps {
		if s.A == 0 && s.B == 1 {
			continue
		}
		if c.logit {
			p = sigmoid(s.logit(p))
		} else {
			p = float64(s.B*p) + s.A
		}
	}
	return p
}

// margin is the logit of the corrected probability, from the uncorrected one.
func (c *calibrator) margin(p float64) float64 {
	last := len(c.steps) - 1
	first := calibrator{c.logit, c.steps[:last]}
	return c.steps[last].logit(first.score(p))
}

func (s Step) logit(p float64) float64 {
	p = min(max(p, leastProbability), mostProbability)
	return s.A + float64(s.B*ln(p/(1-p)))
}

// The functions below are those of calibrated.py, operation by operation. Each is
// one that IEEE 754 rounds in one way; the conversions keep compilers from fusing a
// product with a sum, which some processors would round once instead of twice.

const (
	ln2High = 6.93147180369123816490e-01 // of 21 zero bits at its end, so that a product with an exponent is exact
	ln2Low  = 1.90821492927058770002e-10
	log2E   = 1.44269504088896338700
)

// sigmoid is the logistic function of |x| <= 700.
func sigmoid(x float64) float64 {
	e := expNegative(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// ln is the natural logarithm of a positive number, by the series of the inverse
// hyperbolic tangent around 1; 10 terms reach the last bit.
func ln(x float64) float64 {
	if math.IsNaN(x) {
		return x
	}
	f, e := math.Frexp(x)
	if f < 0.70710678118654757 {
		f, e = 2*f, e-1
	}
	k := float64(e)
	s := (f - 1) / (f + 1)
	z := float64(s * s)
	q := 1.0 / 21
	for n := 19.0; n > 2; n -= 2 {
		q = float64(q*z) + 1/n
	}
	s = 2 * s
	return float64(k*ln2High) + (s + (float64(s*float64(z*q)) + float64(k*ln2Low)))
}

// inverseFactorials are 1/n!.
var inverseFactorials = [14]float64{1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
	1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800}

// expNegative is the exponential function of -700 <= x <= 0, by its series around 0; 13 terms reach the last bit.
func expNegative(x float64) float64 {
	if math.IsNaN(x) {
		return x
	}
	k := math.Floor(float64(x*log2E) + 0.5)
	r := (x - float64(k*ln2High)) - float64(k*ln2Low)
	q := inverseFactorials[13]
	for n := 12; n > 1; n-- {
		q = float64(q*r) + inverseFactorials[n]
	}
	return math.Ldexp(1+(r+float64(float64(r*r)*q)), int(k))
}
