package retrain

import (
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// The probe stands in for a retrain: a few small trees on top of the served score. What they learn from rows after the
// training is what a new model could know and the served one does not.
const (
	probeTrees   = 20
	probeLeaves  = 8
	probeRate    = 0.15
	probeMinRows = 400   // fewer rows teach trees nothing that lasts
	probeMaxRows = 20000 // the newest; more add time and little else
)

// lesson gathers what a cure is fitted on: the clean rows of earlier windows from a moment on, newest windows first
// when there are too many.
type lesson struct {
	label, score, margin, weight []float64
	features                     []boost.Feature
	rows                         int
}

// gather collects the rows of windows with Time >= from whose version v has a score. half > 0 lets the weight of a
// window halve with each so many windows before the last. With columns the features of the last window that has them
// are collected too; a window that lacks one of them gives NaN, a missing value.
func gather(task Task, windows []*Rows, v trimtab.Version, from trimtab.Time, most int, half float64, columns bool) lesson {
	var l lesson
	first := len(windows)
	for n := 0; first > 0; first-- {
		n += windows[first-1].Len()
		if n > most && first < len(windows) {
			break
		}
	}
	if columns {
		for i := len(windows) - 1; i >= first && l.features == nil; i-- {
			for _, f := range windows[i].Features {
				l.features = append(l.features, boost.Feature{Name: f.Name, Categorical: f.Categorical})
			}
		}
	}
	for i := first; i < len(windows); i++ {
		w := windows[i]
		scores := w.score(v)
		if scores == nil || w.End <= from {
			continue
		}
		weight := 1.0
		if half > 0 {
			weight = math.Exp2(-float64(len(windows)-1-i) / half)
		}
		at := make([][]float64, len(l.features))
		for k := range l.features {
			at[k] = column(w.Features, l.features[k].Name, l.features[k].Categorical)
		}
		for r := range w.Label {
			if w.Time[r] < from || w.held(r) || math.IsNaN(scores[r]) {
				continue
			}
			l.label = append(l.label, w.Label[r])
			l.score = append(l.score, scores[r])
			l.margin = append(l.margin, task.margin(scores[r]))
			l.weight = append(l.weight, weight)
			for k := range l.features {
				x := math.NaN()
				if at[k] != nil {
					x = at[k][r]
				}
				l.features[k].Values = append(l.features[k].Values, x)
			}
		}
	}
	l.rows = len(l.label)
	return l
}

// column finds a column by name and kind, nil when the window lacks it.
func column(features []boost.Feature, name string, categorical bool) []float64 {
	for i := range features {
		if features[i].Name == name && features[i].Categorical == categorical {
			return features[i].Values
		}
	}
	return nil
}

// fitProbe fits the probe on l. The seed is fixed: equal rows give equal trees.
func fitProbe(task Task, l lesson) (*boost.Model, error) {
	objective := "logistic"
	if task == Regression {
		objective = "squared"
	}
	return boost.Train(
		boost.Data{Features: l.features, Label: l.label, Weight: l.weight, Init: l.margin},
		boost.Options{Objective: objective, Trees: probeTrees, Leaves: probeLeaves, Rate: probeRate,
			MinLeaf: max(20, l.rows/100), L2: 5, Bins: 64, Seed: 1})
}

// shaped gives the columns of w in the shape that a model was fitted on; a column that w lacks is missing throughout.
func shaped(l lesson, w *Rows) []boost.Feature {
	features := make([]boost.Feature, len(l.features))
	for k, f := range l.features {
		values := column(w.Features, f.Name, f.Categorical)
		if values == nil {
			values = make([]float64, w.Len())
			for i := range values {
				values[i] = math.NaN()
			}
		}
		features[k] = boost.Feature{Name: f.Name, Categorical: f.Categorical, Values: values}
	}
	return features
}

// probeScores predicts the rows of w with the probe on top of scores.
func probeScores(task Task, m *boost.Model, l lesson, w *Rows, scores []float64) []float64 {
	init := make([]float64, len(scores))
	for i, p := range scores {
		init[i] = task.margin(p)
	}
	out := m.Margin(shaped(l, w), init, nil)
	for i := range out {
		out[i] = task.score(out[i])
	}
	return out
}

// fewer is what a model that has learnt every other row of l loses on the rows of w, against one that has learnt all of
// them: what rows are worth here. Both begin from nothing and are as large as models are, for a training is.
func fewer(task Task, l lesson, w *Rows) ([]float64, error) {
	whole := lesson{label: l.label, features: l.features, rows: l.rows}
	half := lesson{label: alternate(l.label), rows: (l.rows + 1) / 2}
	for _, f := range l.features {
		half.features = append(half.features, boost.Feature{Name: f.Name, Categorical: f.Categorical, Values: alternate(f.Values)})
	}
	out := make([]float64, w.Len())
	for k, x := range []lesson{half, whole} {
		m, err := fitWhole(task, x, wholeTrees)
		if err != nil {
			return nil, err
		}
		for i, margin := range m.Margin(shaped(l, w), nil, nil) {
			out[i] += float64(1-2*k) * task.Loss(w.Label[i], task.score(margin))
		}
	}
	return out, nil
}

func alternate(values []float64) []float64 {
	out := make([]float64, 0, (len(values)+1)/2)
	for i := 0; i < len(values); i += 2 {
		out = append(out, values[i])
	}
	return out
}

// wholeTrees is the size of a model that is trained from nothing, where nobody says another.
const wholeTrees = 80

// fitWhole fits a model from nothing. The seed is fixed: equal rows give equal trees.
func fitWhole(task Task, l lesson, trees int) (*boost.Model, error) {
	objective := "logistic"
	if task == Regression {
		objective = "squared"
	}
	return boost.Train(boost.Data{Features: l.features, Label: l.label},
		boost.Options{Objective: objective, Trees: trees, Leaves: 15, Rate: 0.08, MinLeaf: max(20, l.rows/1000), Seed: 1})
}
