package retrain

import (
	"math"
	"strconv"

	"github.com/trimtab/trimtab"
)

// Task is what the model predicts.
type Task string

const (
	Binary     Task = "binary"     // a probability; loss: log-loss in nats
	Regression Task = "regression" // a number; loss: squared error
)

// Validate reports whether the task is known.
func (t Task) Validate() error {
	if t != Binary && t != Regression {
		return trimtab.Errorf(trimtab.Invalid, "task", "task %q: expected %q or %q", string(t), Binary, Regression)
	}
	return nil
}

func (t Task) labels() string {
	if t == Binary {
		return "0 or 1"
	}
	return "a finite number"
}

// clip keeps one confident mistake from outweighing a window: log-loss is cut at 9.2 nats.
const clip = 1e-4

// Loss is what a prediction of p costs when the label is y. A score that is not a number costs NaN.
func (t Task) Loss(y, p float64) float64 {
	if t == Regression {
		return (y - p) * (y - p)
	}
	p = min(max(p, clip), 1-clip) // min and max keep NaN
	if y == 1 {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

// margin is the scale on which scores are corrected: the logit of a probability, else the value itself.
func (t Task) margin(p float64) float64 {
	if t == Regression {
		return p
	}
	p = min(max(p, clip), 1-clip)
	return math.Log(p) - math.Log1p(-p)
}

// score undoes margin.
func (t Task) score(m float64) float64 {
	switch {
	case t == Regression:
		return m
	case m < 0:
		e := math.Exp(m)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-m))
}

func versionText(v trimtab.Version) string { return strconv.FormatInt(int64(v), 10) }
