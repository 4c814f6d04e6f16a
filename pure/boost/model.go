package boost

import (
	"fmt"
	"math"
	"slices"
)

// Model is a fitted ensemble. It is never changed and safe for concurrent use.
type Model struct {
	objective string
	base      float64
	inputs    []input
	gain      []float64 // per input
	trees     []tree
}

type input struct {
	name        string
	categorical bool
	codes       []uint16 // of a categorical one, ascending; the place of a code, from 1, is its bin
}

// tree is a tree whose root is nodes[0] and whose children come after their parents.
type tree struct {
	nodes []node
	sets  []binSet // what goes left at splits of categories
}

type node struct {
	value       float64 // of a leaf its value, of a numeric split the largest number that goes left
	feature     int32
	left, right int32 // left -1: a leaf
	set         int32
	missingLeft bool
}

func newModel(b *Binned, objective string) *Model {
	m := &Model{objective: objective, inputs: make([]input, len(b.columns)), gain: make([]float64, len(b.columns))}
	for i := range b.columns {
		c := &b.columns[i]
		m.inputs[i] = input{c.name, c.categorical, c.codes}
	}
	return m
}

// Objective returns Logistic or Squared.
func (m *Model) Objective() string { return m.objective }

// Base returns the constant that margins start from when none are given: 0 for a model fitted with Init.
func (m *Model) Base() float64 { return m.base }

// Trees returns how many trees there are; fewer than asked for when no further split was worth it, possibly 0.
func (m *Model) Trees() int { return len(m.trees) }

// Features returns the names of the features in the order of the fit, in a slice of the caller's.
func (m *Model) Features() []string {
	names := make([]string, len(m.inputs))
	for i := range m.inputs {
		names[i] = m.inputs[i].name
	}
	return names
}

// Gains returns for each of Features what its splits gained in all trees, 0 for one that is not used, in a slice of the
// caller's. The gain of a split is the rise of ΣG²/(H+L2), twice what the best leaf values take off the loss.
func (m *Model) Gains() []float64 { return slices.Clone(m.gain) }

// Check reports whether the model can predict from features and initial margins: each feature of the model must be
// there under its name and be categorical or not as at the fit, lengths must be equal. Others may be there as well.
func (m *Model) Check(features []Feature, init []float64) error {
	if len(features) == 0 {
		return bad("at least one feature", "no features")
	}
	rows := len(features[0].Values)
	for i := range m.inputs {
		in := &m.inputs[i]
		at := place(features, in.name, i)
		if at < 0 {
			return bad("the features of the fit", "no feature is named %q", in.name)
		}
		f := &features[at]
		if f.Categorical != in.categorical {
			return bad(fmt.Sprint(in.categorical), "feature %q has Categorical %v", in.name, f.Categorical)
		}
		if len(f.Values) != rows {
			return bad("as many as the first feature", "feature %q has %d rows and the first one %d", in.name, len(f.Values), rows)
		}
	}
	if init != nil && len(init) != rows {
		return bad("as many as rows", "%d initial margins for %d rows", len(init), rows)
	}
	return nil
}

// place returns where the feature of a name is, -1 if nowhere; it looks at the place likely first.
func place(features []Feature, name string, likely int) int {
	if likely < len(features) && features[likely].Name == name {
		return likely
	}
	return slices.IndexFunc(features, func(f Feature) bool { return f.Name == name })
}

// Margin returns for each row init, or Base where init is nil, plus the values of the trees: log-odds or the predicted
// number. Features are found by name, in any order. The result is out if that has room, else a new slice; out may be
// init. It panics with the error of Check when there is one. With room in out and up to 64 features it allocates nothing.
//
// A value that a node never saw at the fit, missing or a category, goes to the side on which more weight was.
func (m *Model) Margin(features []Feature, init, out []float64) []float64 {
	if err := m.Check(features, init); err != nil {
		panic(err.Error())
	}
	rows := len(features[0].Values)
	out = slices.Grow(out[:0], rows)[:rows]
	var few [64]int
	places := few[:0]
	for i := range m.inputs {
		places = append(places, place(features, m.inputs[i].name, i))
	}
	for r := range out {
		v := m.base
		if init != nil {
			v = init[r]
		}
		for k := range m.trees {
			v += m.leaf(&m.trees[k], features, places, r)
		}
		out[r] = v
	}
	return out
}

// Predict returns what Margin does, as probabilities if the objective is Logistic.
func (m *Model) Predict(features []Feature, init, out []float64) []float64 {
	out = m.Margin(features, init, out)
	if m.objective == Logistic {
		for i, v := range out {
			out[i] = sigmoid(v)
		}
	}
	return out
}

// leaf returns the value of the leaf that row r falls into.
func (m *Model) leaf(t *tree, features []Feature, places []int, r int) float64 {
	n := &t.nodes[0]
	for n.left >= 0 {
		v := features[places[n.feature]].Values[r]
		var left bool
		switch in := &m.inputs[n.feature]; {
		case in.categorical:
			left = t.sets[n.set].has(in.bin(v))
		case v != v:
			left = n.missingLeft
		default:
			left = v <= n.value
		}
		if left {
			n = &t.nodes[n.left]
		} else {
			n = &t.nodes[n.right]
		}
	}
	return n.value
}

// bin returns the bin of a category, 0 for one that is missing or unknown.
func (in *input) bin(v float64) uint8 {
	code, ok := codeOf(v)
	if !ok {
		return 0
	}
	if int(code) < len(in.codes) && in.codes[code] == code { // codes 0, 1, 2 …
		return uint8(code + 1)
	}
	at, ok := slices.BinarySearch(in.codes, code)
	if !ok {
		return 0
	}
	return uint8(at + 1)
}

// finite reports whether x is a number.
func finite(x float64) bool { return !math.IsInf(x, 0) && x == x }
