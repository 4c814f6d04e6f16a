package boost

import (
	"math"

	"github.com/trimtab/trimtab/pure/stat"
)

// Data is what Train fits on. The slices run parallel to the rows of the features.
type Data struct {
	Features []Feature
	Label    []float64
	Weight   []float64 // nil: 1 for each row
	Init     []float64 // margins to start from; nil: the best constant, which becomes part of the model
}

// Target is what TrainBinned fits: all slices but Rows run parallel to the rows of the Binned, and only what belongs to
// a row of the fit is read.
type Target struct {
	Rows   []int // the rows to fit on, in any order, one given twice counting twice; nil: all
	Label  []float64
	Weight []float64 // nil: 1 for each row
	Init   []float64 // margins to start from; nil: the best constant, which becomes part of the model
}

// Train fits a model. It leaves d unchanged and keeps no reference to it.
//
// Weights say how many rows a row stands for; rows of weight 0 are not used, and at least one weight must be positive.
// L2, MinLeaf and CatSmooth are on that scale, so weights that matter only relative to each other should have mean 1.
//
// With margins to start from, the model is a correction: its margin for a row is the Init given at prediction plus its
// trees. A model that found nothing to split on then still shifts the margin, and one without Init is the constant.
func Train(d Data, o Options) (*Model, error) {
	o, err := o.settled()
	if err != nil {
		return nil, err
	}
	b, err := Bin(d.Features, o.Bins)
	if err != nil {
		return nil, err
	}
	return b.fit(Target{Label: d.Label, Weight: d.Weight, Init: d.Init}, o)
}

// TrainBinned fits a model as Train does, on some or all rows of b.
func TrainBinned(b *Binned, t Target, o Options) (*Model, error) {
	o, err := o.settled()
	if err != nil {
		return nil, err
	}
	return b.fit(t, o)
}

func (b *Binned) fit(t Target, o Options) (*Model, error) {
	s, err := sampleOf(b, t, o.Objective)
	if err != nil {
		return nil, err
	}
	m := newModel(b, o.Objective)
	if t.Init == nil {
		m.base = s.prior(o.Objective)
		for i := range s.margin {
			s.margin[i] = m.base
		}
	}
	g, err := newGrower(b, s, o)
	if err != nil {
		return nil, err
	}
	for k := range o.Trees {
		if !s.derive(o, uint64(k)) {
			continue
		}
		grown, ok := g.grow(m, uint64(k), t.Init != nil)
		switch {
		case ok:
			m.trees = append(m.trees, grown)
		case o.RowShare == 1 && o.FeatureShare == 1:
			return m, nil // no later tree would find more
		}
	}
	return m, nil
}

// sample holds the rows of a fit, those of weight 0 left out.
type sample struct {
	row    []int32 // in the Binned
	label  []float64
	weight []float64 // nil when all are 1
	margin []float64

	// The derivatives of the loss at margin and the weights, as whole numbers: times 2**-scale they are what they stand
	// for. The scales leave the sums over all rows below 2**62.
	grad           []cell
	gScale, hScale int
	wScale         int
	whole          bool // all weights are whole: products with them are exact
	g, h           []float64
}

func sampleOf(b *Binned, t Target, objective string) (*sample, error) {
	n := b.rows
	if t.Rows != nil {
		n = len(t.Rows)
	}
	if n == 0 || n > MaxRows {
		return nil, bad(span(1, MaxRows), "%d rows to fit on", n)
	}
	for _, c := range []struct {
		name string
		v    []float64
		opt  bool
	}{{"labels", t.Label, false}, {"weights", t.Weight, true}, {"initial margins", t.Init, true}} {
		if len(c.v) != b.rows && !(c.opt && c.v == nil) {
			return nil, bad("as many as rows", "%d %s for %d rows", len(c.v), c.name, b.rows)
		}
	}
	s := &sample{whole: true}
	unit := true
	var total float64
	for k := range n {
		i := k
		if t.Rows != nil {
			if i = t.Rows[k]; i < 0 || i >= b.rows {
				return nil, bad(span(0, b.rows-1), "row %d to fit on", i)
			}
		}
		w := 1.0
		if t.Weight != nil {
			if w = t.Weight[i]; !(w >= 0 && w <= maxMagnitude) {
				return nil, bad("0 to 1e60", "weight of row %d is %v", i, w)
			}
			if w == 0 {
				continue
			}
		}
		y, m := t.Label[i], 0.0
		if objective == Logistic && y != 0 && y != 1 {
			return nil, bad("0 or 1", "label of row %d is %v", i, y)
		}
		if !(math.Abs(y) <= maxMagnitude) {
			return nil, bad("a number within ±1e60", "label of row %d is %v", i, y)
		}
		if t.Init != nil {
			if m = t.Init[i]; !(math.Abs(m) <= maxMagnitude) {
				return nil, bad("a number within ±1e60", "initial margin of row %d is %v", i, m)
			}
		}
		s.row = append(s.row, int32(i))
		s.label = append(s.label, y)
		s.weight = append(s.weight, w)
		s.margin = append(s.margin, m)
		s.whole = s.whole && w == math.Floor(w)
		unit = unit && w == 1
		total += w
	}
	if len(s.row) == 0 {
		return nil, bad("a positive one", "all weights are 0")
	}
	s.whole = s.whole && total < 1<<40
	if unit {
		s.weight = nil
	}
	if !s.whole {
		s.wScale = scaleOf(s.weight, nil)
	}
	s.grad = make([]cell, len(s.row))
	s.g = make([]float64, len(s.row))
	s.h = make([]float64, len(s.row))
	return s, nil
}

// prior returns the constant margin of least loss.
func (s *sample) prior(objective string) float64 {
	var sum, weight stat.Sum
	for i, y := range s.label {
		w := 1.0
		if s.weight != nil {
			w = s.weight[i]
		}
		p := float64(w * y)
		sum.Add(p)
		sum.Add(math.FMA(w, y, -p)) // what the product lost, so that a weight of 3 is three rows
		weight.Add(w)
	}
	if objective == Squared {
		return sum.Value() / weight.Value()
	}
	// Of one class only, the log-odds would be infinite; LightGBM bounds the share in the same way.
	p := sum.Value() / weight.Value()
	p = max(1e-15, min(1-1e-15, p))
	return log(p / (1 - p))
}

// derive computes the derivatives at the present margins for a tree, those of rows outside its draw being 0. It returns
// false when there is nothing to fit: no row drawn, or every derivative 0.
func (s *sample) derive(o Options, tree uint64) bool {
	for i, m := range s.margin {
		if o.Objective == Logistic {
			p := sigmoid(m)
			s.g[i], s.h[i] = p-s.label[i], float64(p*(1-p))
		} else {
			s.g[i], s.h[i] = m-s.label[i], 1
		}
	}
	s.gScale, s.hScale = scaleOf(s.g, s.weight), scaleOf(s.h, s.weight)
	gs, hs, ws := math.Ldexp(1, s.gScale), math.Ldexp(1, s.hScale), math.Ldexp(1, s.wScale)
	some := false
	for i := range s.grad {
		if o.RowShare < 1 && share(draw(o.Seed, 2*tree, uint64(s.row[i]))) >= o.RowShare {
			s.grad[i] = cell{}
			continue
		}
		c := cell{w: 1}
		switch {
		case s.whole:
			c.g, c.h = int64(math.RoundToEven(s.g[i]*gs)), int64(math.RoundToEven(s.h[i]*hs))
			if s.weight != nil {
				c.w = int64(s.weight[i])
				c.g *= c.w
				c.h *= c.w
			}
		default:
			w := s.weight[i]
			c.w = int64(math.RoundToEven(w * ws))
			c.g = int64(math.RoundToEven(float64(s.g[i]*w) * gs))
			c.h = int64(math.RoundToEven(float64(s.h[i]*w) * hs))
		}
		if c.w == 0 {
			c = cell{} // a weight below 2**-61 of all weights together
		}
		some = some || c.g != 0
		s.grad[i] = c
	}
	return some
}

// scaleOf returns the largest k at which the magnitudes of x*weight, as multiples of 2**-k, sum to at most 2**61.
func scaleOf(x, weight []float64) int {
	var sum stat.Sum
	for i, v := range x {
		if weight != nil {
			v = float64(v * weight[i])
		}
		sum.Add(math.Abs(v))
	}
	_, e := math.Frexp(sum.Value()) // the sum is below 2**e
	return max(-900, min(900, 61-e))
}
