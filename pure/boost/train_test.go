package boost

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestMissing(t *testing.T) {
	nan := math.NaN()
	var v, y []float64
	for i := range 300 {
		switch i % 3 {
		case 0:
			v, y = append(v, nan), append(y, 5)
		case 1:
			v, y = append(v, 1), append(y, 1)
		case 2:
			v, y = append(v, 2), append(y, 1)
		}
	}
	for name, cat := range map[string]bool{"numeric": false, "categorical": true} {
		f := []Feature{{Name: "x", Values: v, Categorical: cat}}
		m := train(t, Data{Features: f, Label: y}, Options{Objective: Squared, Trees: 60, Rate: 0.5, L2: -1, CatL2: -1})
		ask := []Feature{{Name: "x", Values: []float64{nan, 1, 2}, Categorical: cat}}
		want := []float64{5, 1, 1}
		if !cat { // numbers beyond those of the fit are not missing
			ask[0].Values, want = append(ask[0].Values, -9, 9), append(want, 1, 1)
		}
		got := m.Predict(ask, nil, nil)
		for i, want := range want {
			if math.Abs(got[i]-want) > 1e-6 {
				t.Errorf("%s: %v for %v, want %v", name, got[i], ask[0].Values[i], want)
			}
		}
		if cat {
			// Whatever is no code of the fit is missing; -1, 1.5 and infinity are no codes at all.
			ask[0].Values = []float64{7, -1, 1.5, math.Inf(1), 1e300}
			for i, p := range m.Predict(ask, nil, nil) {
				if math.Abs(p-5) > 1e-6 {
					t.Errorf("%v for category %v, want that of missing ones", p, ask[0].Values[i])
				}
			}
		}
	}
	// That a value is there may be all that matters.
	f := []Feature{{Name: "x", Values: each(300, func(i int) float64 { return []float64{1, nan, nan}[i%3] })}}
	m := train(t, Data{Features: f, Label: y}, Options{Objective: Squared, Trees: 1, Rate: 1, L2: -1, MinLeaf: 100})
	if m.Trees() != 1 {
		t.Errorf("%d trees of one value and missing ones", m.Trees())
	}
	// A node that saw none missing sends them, and unknown categories, to the heavier side.
	for _, cat := range []bool{false, true} {
		for _, heavy := range []int{100, 200} { // as many of 300 rows are 1
			f := []Feature{{"x", each(300, func(i int) float64 { return when(i < heavy, 1) }), cat}}
			m := train(t, Data{Features: f, Label: f[0].Values}, Options{Objective: Squared})
			got := m.Predict([]Feature{{"x", []float64{nan, -7, 0, 1}, cat}}, nil, nil)
			if got[0] != got[2+heavy/200] || cat && got[1] != got[0] || got[2] == got[3] {
				t.Errorf("categorical %v, %d rows of 1: %v for missing, -7, 0 and 1", cat, heavy, got)
			}
		}
	}
}

// TestCategories: categories whose codes say nothing are grouped by one split, which numbers would need many for.
func TestCategories(t *testing.T) {
	n := 4000
	u := uniform(3, 1, n)
	c := each(n, func(i int) float64 { return 1 + math.Floor(40*u[i]) })
	y := each(n, func(i int) float64 { return when(int(c[i])*17%40 < 13, 1) })
	m := train(t, Data{Features: []Feature{{"c", c, true}}, Label: y},
		Options{Objective: Squared, Trees: 1, Leaves: 2, Rate: 1, L2: -1, CatL2: -1})
	for i, p := range m.Predict([]Feature{{"c", c, true}}, nil, nil) {
		if math.Abs(p-y[i]) > 1e-12 {
			t.Fatalf("%v for category %v, want %v", p, c[i], y[i])
		}
	}
}

func TestManyCategories(t *testing.T) {
	// 600 codes, the frequent ones with the high numbers: 255 are kept, the rest are missing.
	var c, y []float64
	for code := range 600 {
		for range int(2 + when(code >= 345, 3) + when(code >= 500, 3)) {
			c, y = append(c, float64(100*code)), append(y, when(code >= 500, 1))
		}
	}
	b, err := Bin([]Feature{{"c", c, true}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if codes := b.columns[0].codes; len(codes) != 255 || codes[0] != 34500 || codes[254] != 59900 {
		t.Errorf("%d codes, %v to %v", len(codes), codes[0], codes[len(codes)-1])
	}
	m, err := TrainBinned(b, Target{Label: y}, Options{Objective: Squared, CatSmooth: -1, CatL2: -1, L2: -1, MaxCatThreshold: 255, MinLeaf: 5})
	if err != nil {
		t.Fatal(err)
	}
	p := m.Predict([]Feature{{"c", []float64{0, 34600, 50000, 59900}, true}}, nil, nil)
	if !(p[0] < 0.1 && p[1] < 0.1 && p[2] > 0.9 && p[3] > 0.9) {
		t.Errorf("predictions %v", p)
	}
}

// TestInit: the model of given margins is a correction of them, also where there is nothing to split on.
func TestInit(t *testing.T) {
	d := mixed(2000)
	d.Init = each(2000, func(i int) float64 { return 2 * (d.Features[0].Values[i] - 0.5) })
	m := train(t, d, Options{})
	if m.Base() != 0 {
		t.Errorf("base %v", m.Base())
	}
	with, without := m.Margin(d.Features, d.Init, nil), m.Margin(d.Features, nil, nil)
	for i := range with {
		if math.Abs(with[i]-without[i]-d.Init[i]) > 1e-12 {
			t.Fatalf("row %d: %v with %v, %v without", i, with[i], d.Init[i], without[i])
		}
	}

	flat := Data{Features: []Feature{{Name: "x", Values: make([]float64, 100)}}, Label: make([]float64, 100), Init: make([]float64, 100)}
	for i := range 20 {
		flat.Label[i] = 1
	}
	p := train(t, flat, Options{Trees: 200, L2: -1}).Predict(flat.Features, flat.Init, nil)
	if math.Abs(p[0]-0.2) > 1e-6 {
		t.Errorf("%v where 20 of 100 are positive", p[0])
	}
	flat.Init = nil
	m = train(t, flat, Options{})
	if p = m.Predict(flat.Features, nil, nil); math.Abs(p[0]-0.2) > 1e-15 || m.Trees() != 0 {
		t.Errorf("%v by %d trees where 20 of 100 are positive", p[0], m.Trees())
	}
}

// TestLimitsOfATree: leaves have no less weight than asked for, and trees no more leaves.
func TestLimitsOfATree(t *testing.T) {
	d := mixed(1500)
	for _, o := range []Options{{Leaves: 2, Trees: 5}, {Leaves: 9, MinLeaf: 100, Trees: 5}, {Leaves: 40, MinLeaf: 1, Trees: 5}} {
		m := train(t, d, o)
		for k := range m.trees {
			weight := map[float64]float64{}
			places := []int{0, 1, 2, 3, 4, 5, 6}
			for r, w := range d.Weight {
				weight[m.leaf(&m.trees[k], d.Features, places, r)] += w
			}
			if len(weight) > o.Leaves || len(weight) < 2 {
				t.Errorf("%d leaves, asked for %d", len(weight), o.Leaves)
			}
			for v, w := range weight {
				if w < float64(max(o.MinLeaf, 1)) {
					t.Errorf("a leaf of value %v has weight %v", v, w)
				}
			}
		}
	}
	if m := train(t, d, Options{MinGain: 1e9}); m.Trees() != 0 {
		t.Errorf("%d trees gain 1e9", m.Trees())
	}
}

func TestDraws(t *testing.T) {
	d := mixed(1500)
	fit := func(o Options) []byte { return train(t, d, o).Encode() }
	o := Options{Trees: 5, RowShare: 0.5, FeatureShare: 0.5}
	p := o
	p.Seed = 1
	if !bytes.Equal(fit(o), fit(o)) || bytes.Equal(fit(o), fit(p)) {
		t.Error("draws are not decided by the seed alone")
	}
	p = Options{Trees: 5, Seed: 1}
	if !bytes.Equal(fit(p), fit(Options{Trees: 5})) {
		t.Error("the seed matters where nothing is drawn")
	}
	// One feature a tree.
	m := train(t, d, Options{Trees: 30, FeatureShare: 0.01, Seed: 3})
	used := map[int32]bool{}
	for _, tree := range m.trees {
		first := tree.nodes[0].feature
		used[first] = true
		for _, n := range tree.nodes {
			if n.left >= 0 && n.feature != first {
				t.Errorf("a tree of features %d and %d", first, n.feature)
			}
		}
	}
	if len(used) < 4 {
		t.Errorf("30 draws of one feature gave %v", used)
	}
	// A draw without a split worth making does not end the fit.
	useless := Feature{Name: "useless", Values: make([]float64, 1500)}
	useless.Values[0] = 1
	m = train(t, Data{Features: []Feature{d.Features[0], useless}, Label: d.Label}, Options{Trees: 30, FeatureShare: 0.5})
	if m.Trees() < 8 || m.Trees() > 22 {
		t.Errorf("%d trees of 30 draw the feature that is worth it", m.Trees())
	}
}

// TestExtremes: values at the ends of float64 neither break a fit nor make a prediction that is not finite.
func TestExtremes(t *testing.T) {
	inf := math.Inf(1)
	v := each(400, func(i int) float64 { return []float64{-inf, -1e308, -0.0, 0, 5e-324, 1e308, inf, math.NaN()}[i%8] })
	y := each(400, func(i int) float64 { return when(i%8 > 4, 1) })
	big := each(400, func(i int) float64 { return []float64{1e60, -1e60, 1e-300, 0}[i%4] })
	ones := each(400, func(i int) float64 { return 1 })
	for name, d := range map[string]Data{
		"features":      {Label: y},
		"margins":       {Label: y, Init: big},
		"one class":     {Label: ones},
		"tiny weights":  {Label: y, Weight: each(400, func(i int) float64 { return 1e-300 })},
		"huge weights":  {Label: y, Weight: each(400, func(i int) float64 { return 1e60 })},
		"mixed weights": {Label: y, Weight: each(400, func(i int) float64 { return []float64{1e60, 1e-300, 1}[i%3] })},
		"labels":        {Label: big},
		"both":          {Label: big, Init: big, Weight: each(400, func(i int) float64 { return 1e60 })},
	} {
		d.Features = []Feature{{Name: "v", Values: v}}
		o := Options{MinLeaf: 1, L2: -1}
		if strings.Contains("labels both", name) {
			o.Objective = Squared
		}
		for i, p := range train(t, d, o).Predict(d.Features, d.Init, nil) {
			if !finite(p) || o.Objective == "" && (p < 0 || p > 1) {
				t.Errorf("%s: prediction %v for row %d", name, p, i)
				break
			}
		}
	}
}

func BenchmarkTrain(b *testing.B) {
	n := 20_000
	var x [][]float64
	for k := range uint64(20) {
		x = append(x, uniform(1, k, n))
	}
	_, z := numeric(1, n)
	d := Data{Features: features(x), Label: label(1, z)}
	for b.Loop() {
		train(b, d, Options{Trees: 30})
	}
}

func BenchmarkTrainBinned(b *testing.B) {
	n := 20_000
	var x [][]float64
	for k := range uint64(20) {
		x = append(x, uniform(1, k, n))
	}
	_, z := numeric(1, n)
	y := label(1, z)
	q, err := Bin(features(x), 0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := TrainBinned(q, Target{Label: y}, Options{Trees: 30}); err != nil {
			b.Fatal(err)
		}
	}
}
