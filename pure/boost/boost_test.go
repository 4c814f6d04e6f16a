package boost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// mixed is a problem with numbers, categories, missing values and weights, and features that are not worth anything.
func mixed(n int) Data {
	x, z := numeric(11, n)
	u := uniform(11, 10, n)
	c := each(n, func(i int) float64 { return math.Floor(30 * u[i]) })
	for i := range z {
		z[i] += when(int(c[i])%7 < 3, 1.5)
	}
	few := each(n, func(i int) float64 { return math.Floor(9 * x[4][i]) })
	x[1] = lose(x[1], uniform(11, 20, n), 0.2)
	c = lose(c, uniform(11, 21, n), 0.1)
	w := uniform(11, 30, n)
	f := features([][]float64{x[0], c, x[1], few, x[2], x[3], each(n, func(int) float64 { return 7 })}, 1)
	return Data{Features: f, Label: label(11, z), Weight: each(n, func(i int) float64 { return math.Floor(4 * w[i]) })}
}

func train(t testing.TB, d Data, o Options) *Model {
	t.Helper()
	m, err := Train(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same reports whether two slices are equal bit for bit.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// permute returns v in the order of rows.
func permute(v []float64, rows []int) []float64 {
	if v == nil {
		return nil
	}
	return each(len(rows), func(i int) float64 { return v[rows[i]] })
}

func permuteData(d Data, rows []int) Data {
	out := Data{Label: permute(d.Label, rows), Weight: permute(d.Weight, rows), Init: permute(d.Init, rows)}
	for _, f := range d.Features {
		f.Values = permute(f.Values, rows)
		out.Features = append(out.Features, f)
	}
	return out
}

var variants = map[string]Options{
	"logistic": {Trees: 20},
	"squared":  {Objective: Squared, Trees: 20},
	"drawn":    {Trees: 20, FeatureShare: 0.5, RowShare: 0.7, Seed: 5},
}

func TestWeightIsRepetition(t *testing.T) {
	d := mixed(1500)
	repeated := Target{}
	for i, w := range d.Weight {
		for range int(w) {
			repeated.Rows = append(repeated.Rows, i)
		}
	}
	b, err := Bin(d.Features, 64)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range variants {
		repeated.Label = d.Label
		if o.Objective == Squared { // labels of which the multiples are not exact
			repeated.Label = each(1500, func(i int) float64 { return d.Label[i] + d.Features[0].Values[i]/3 })
		}
		weighted, err := TrainBinned(b, Target{Label: repeated.Label, Weight: d.Weight}, o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := TrainBinned(b, repeated, o)
		if err != nil {
			t.Fatal(err)
		}
		if weighted.Trees() != 20 {
			t.Errorf("%s: %d trees", name, weighted.Trees())
		}
		if !bytes.Equal(weighted.Encode(), again.Encode()) {
			t.Errorf("%s: rows repeated as often as their weight says give another model", name)
		}
	}
}

// TestPrior: the constant of weighted rows is that of repeated ones where rounding a product would show.
func TestPrior(t *testing.T) {
	x := Feature{Name: "x", Values: []float64{0, 0}}
	o := Options{Objective: Squared}
	weighted := train(t, Data{Features: []Feature{x}, Label: []float64{0.1, -0.3}, Weight: []float64{3, 1}}, o).Base()
	x.Values = make([]float64, 4)
	repeated := train(t, Data{Features: []Feature{x}, Label: []float64{0.1, 0.1, -0.3, 0.1}}, o).Base()
	if weighted != repeated || weighted == 0 {
		t.Errorf("%v with weights, %v repeated", weighted, repeated)
	}
}

// TestFractionalWeights: scaling weights, L2, MinLeaf and the like together changes nothing.
func TestFractionalWeights(t *testing.T) {
	d := mixed(1500)
	o := Options{Trees: 20, MinLeaf: 16, L2: 4, CatL2: 8, CatSmooth: 16}
	a := train(t, d, o).Margin(d.Features, nil, nil)
	d.Weight = each(len(d.Weight), func(i int) float64 { return d.Weight[i] / 8 })
	o = Options{Trees: 20, MinLeaf: 2, L2: 0.5, CatL2: 1, CatSmooth: 2}
	for i, v := range train(t, d, o).Margin(d.Features, nil, nil) {
		if math.Abs(v-a[i]) > 1e-9 {
			t.Fatalf("row %d: %v with weights, %v with an eighth of them", i, a[i], v)
		}
	}
}

// TestScaleOfWeights: where nothing is on their scale, only the proportions of weights matter, however large they are;
// where their sum is less than MinLeaf, there is no split.
func TestScaleOfWeights(t *testing.T) {
	d := mixed(1500)
	o := Options{Trees: 20, MinLeaf: 1, L2: -1, CatL2: -1, CatSmooth: -1, Leaves: 4}
	scaled := func(by float64) *Model {
		e := d
		e.Weight = each(1500, func(i int) float64 { return by * d.Weight[i] })
		return train(t, e, o)
	}
	a := scaled(1).Margin(d.Features, nil, nil)
	for i, v := range scaled(0x1p100).Margin(d.Features, nil, nil) {
		if math.Abs(v-a[i]) > 1e-9 {
			t.Fatalf("row %d: %v with weights, %v with those much larger", i, a[i], v)
		}
	}
	o.MinLeaf = 20
	if m := scaled(0x1p-12); m.Trees() != 0 {
		t.Errorf("%d trees of leaves of weight 20, where all weights sum to less than 2", m.Trees())
	}
}

func TestOrderOfRows(t *testing.T) {
	d := mixed(1500)
	rows := make([]int, len(d.Label))
	for i := range rows {
		rows[i] = i * 7 % len(rows) // 7 and 1500 have no divisor in common
	}
	d.Features = append(d.Features, Feature{Name: "zeros", Values: each(1500, func(i int) float64 {
		return []float64{0, math.Copysign(0, -1), 1}[i%5%3]
	})})
	shuffled := permuteData(d, rows)
	for name, o := range variants {
		if o.RowShare != 0 {
			continue // rows are drawn by their place
		}
		if !bytes.Equal(train(t, d, o).Encode(), train(t, shuffled, o).Encode()) {
			t.Errorf("%s: another order of rows gives another model", name)
		}
	}
}

func TestOrderOfColumns(t *testing.T) {
	d := mixed(1500)
	// Two features that are alike for the fit but not later: a tie that position must not decide.
	twin := d.Features[0]
	twin.Name, twin.Values = "a twin", slices.Clone(twin.Values)
	for i := 1000; i < 1500; i++ {
		twin.Values[i] = 1 - twin.Values[i]
	}
	all := append(slices.Clone(d.Features), twin)
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	for name, o := range variants {
		fit := func(f []Feature) *Model {
			return train(t, Data{Features: rows(f, 0, 1000), Label: d.Label[:1000], Weight: d.Weight[:1000]}, o)
		}
		a, b := fit(all), fit(reversed)
		if !same(a.Margin(all, nil, nil), b.Margin(reversed, nil, nil)) {
			t.Errorf("%s: another order of columns gives other predictions", name)
		}
		if !same(a.Margin(all, nil, nil), a.Margin(reversed, nil, nil)) {
			t.Errorf("%s: features are not found by name", name)
		}
		gains := b.Gains()
		slices.Reverse(gains)
		if !same(a.Gains(), gains) {
			t.Errorf("%s: gains %v and %v", name, a.Gains(), gains)
		}
	}
}

func TestConstantFeature(t *testing.T) {
	d := mixed(1500)
	last := len(d.Features) - 1
	for name, o := range variants {
		with := train(t, d, o)
		if g := with.Gains(); g[last] != 0 || g[0] == 0 {
			t.Errorf("%s: gains %v; the last feature is constant, the first is not", name, g)
		}
		without := d
		without.Features = d.Features[:last]
		if !same(with.Margin(d.Features, nil, nil), train(t, without, o).Margin(without.Features, nil, nil)) {
			t.Errorf("%s: a constant feature changes predictions", name)
		}
	}
}

func TestIncreasingTransform(t *testing.T) {
	d := mixed(3000)
	fit := func(f []Feature) []float64 {
		half := Data{Features: rows(f, 0, 1500), Label: d.Label[:1500], Weight: d.Weight[:1500]}
		return train(t, half, Options{Bins: 31}).Margin(f, nil, nil)
	}
	other := slices.Clone(d.Features)
	for k, f := range other {
		if !f.Categorical {
			other[k].Values = each(3000, func(i int) float64 { return math.Exp(3*f.Values[i]) - 5 })
		}
	}
	if !same(fit(d.Features), fit(other)) {
		t.Error("an increasing transform changes predictions")
	}
}

// TestZeroWeight: rows of weight 0 might as well not be there, and their labels are not read for the fit.
func TestZeroWeight(t *testing.T) {
	d := mixed(1500)
	b, err := Bin(d.Features, 0)
	if err != nil {
		t.Fatal(err)
	}
	var some []int
	for i, w := range d.Weight {
		if w > 0 {
			some = append(some, i)
		}
	}
	flipped := each(1500, func(i int) float64 {
		if d.Weight[i] == 0 {
			return math.NaN()
		}
		return d.Label[i]
	})
	x, err1 := TrainBinned(b, Target{Label: d.Label, Weight: d.Weight}, Options{})
	y, err2 := TrainBinned(b, Target{Label: flipped, Weight: d.Weight, Rows: some}, Options{})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if len(some) == 1500 || !bytes.Equal(x.Encode(), y.Encode()) {
		t.Error("rows of weight 0 show in the model")
	}
}

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

// TestPinned: fits come out the same on every processor and, as decisions are replayed, in every later version.
func TestPinned(t *testing.T) {
	for name, want := range map[string]string{
		"logistic": "4206d33a3d7f4206",
		"squared":  "d12126f21adb98eb",
		"drawn":    "6674c6728342ef07",
	} {
		d := mixed(1500)
		d.Weight = each(1500, func(i int) float64 { return d.Weight[i] / 3 })
		if got := sha256.Sum256(train(t, d, variants[name]).Encode()); hex.EncodeToString(got[:8]) != want {
			t.Errorf("%s: a model of digest %x…, want %s…", name, got[:8], want)
		}
	}
}

func TestRefusals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	x := []Feature{{Name: "x", Values: []float64{1, 2, 3}}}
	y := []float64{0, 1, 1}
	for want, c := range map[string]struct {
		d Data
		o Options
	}{
		"0 features, want 1 to":                        {d: Data{Label: y}},
		"0 rows, want 1 to":                            {d: Data{Features: []Feature{{Name: "x"}}}},
		`"z" has 2 rows and the first one 3`:           {d: Data{Features: []Feature{x[0], {Name: "z", Values: y[:2]}}, Label: y}},
		`two features are named "x"`:                   {d: Data{Features: []Feature{x[0], x[0]}, Label: y}},
		"feature 0 has 5000 bytes":                     {d: Data{Features: []Feature{{Name: strings.Repeat("x", 5000), Values: y}}, Label: y}},
		"2 labels for 3 rows":                          {d: Data{Features: x, Label: y[:2]}},
		"0 labels for 3 rows":                          {d: Data{Features: x}},
		"2 weights for 3 rows":                         {d: Data{Features: x, Label: y, Weight: y[:2]}},
		"1 initial margins for 3 rows":                 {d: Data{Features: x, Label: y, Init: y[:1]}},
		"label of row 2 is 2, want 0 or 1":             {d: Data{Features: x, Label: []float64{0, 1, 2}}},
		"label of row 1 is NaN, want 0 or 1":           {d: Data{Features: x, Label: []float64{0, nan, 1}}},
		"label of row 1 is NaN, want a number":         {d: Data{Features: x, Label: []float64{0, nan, 1}}, o: Options{Objective: Squared}},
		"label of row 1 is +Inf":                       {d: Data{Features: x, Label: []float64{0, inf, 1}}, o: Options{Objective: Squared}},
		"weight of row 0 is -1":                        {d: Data{Features: x, Label: y, Weight: []float64{-1, 1, 1}}},
		"weight of row 2 is NaN":                       {d: Data{Features: x, Label: y, Weight: []float64{1, 1, nan}}},
		"all weights are 0":                            {d: Data{Features: x, Label: y, Weight: make([]float64, 3)}},
		"initial margin of row 1 is -Inf":              {d: Data{Features: x, Label: y, Init: []float64{0, -inf, 0}}},
		`objective "poisson", want "logistic"`:         {d: Data{Features: x, Label: y}, o: Options{Objective: "poisson"}},
		"option Trees is -1, want 1 to":                {d: Data{Features: x, Label: y}, o: Options{Trees: -1}},
		"option Leaves is 1, want 2 to":                {d: Data{Features: x, Label: y}, o: Options{Leaves: 1}},
		"option MinLeaf is -5":                         {d: Data{Features: x, Label: y}, o: Options{MinLeaf: -5}},
		"option Bins is 256, want 2 to 255":            {d: Data{Features: x, Label: y}, o: Options{Bins: 256}},
		"option MaxCatThreshold is -1":                 {d: Data{Features: x, Label: y}, o: Options{MaxCatThreshold: -1}},
		"option Rate is 2, want above 0 and at most 1": {d: Data{Features: x, Label: y}, o: Options{Rate: 2}},
		"option RowShare is NaN":                       {d: Data{Features: x, Label: y}, o: Options{RowShare: nan}},
		"option FeatureShare is -0.5":                  {d: Data{Features: x, Label: y}, o: Options{FeatureShare: -0.5}},
		"option L2 is NaN":                             {d: Data{Features: x, Label: y}, o: Options{L2: nan}},
		"option CatL2 is +Inf":                         {d: Data{Features: x, Label: y}, o: Options{CatL2: inf}},
	} {
		m, err := Train(c.d, c.o)
		var e *InputError
		if m != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
	}
	b, err := Bin(x, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][]int{{0, 3}, {-1}, {}} {
		if _, err := TrainBinned(b, Target{Label: y, Rows: at}, Options{}); err == nil {
			t.Errorf("rows %v are taken", at)
		}
	}
	wide := make([]Feature, 2000)
	for k := range wide {
		wide[k] = Feature{Name: strings.Repeat("x", k), Values: each(300, func(i int) float64 { return float64(i) })}
	}
	if _, err := Train(Data{Features: wide, Label: make([]float64, 300)}, Options{Leaves: 1024}); err == nil || !strings.Contains(err.Error(), "histograms") {
		t.Errorf("2000 features and 1024 leaves: %v", err)
	}
}

func TestCheck(t *testing.T) {
	d := mixed(200)
	m := train(t, d, Options{Trees: 1})
	renamed, kind, short := slices.Clone(d.Features), slices.Clone(d.Features), slices.Clone(d.Features)
	renamed[2].Name = "other"
	kind[1].Categorical = false
	short[3].Values = short[3].Values[:7]
	for want, c := range map[string]struct {
		f    []Feature
		init []float64
	}{
		"no features":                 {},
		`no feature is named "x2"`:    {f: renamed},
		`"x1" has Categorical false`:  {f: kind},
		`"x3" has 7 rows`:             {f: short},
		"2 initial margins for 200 r": {f: d.Features, init: []float64{1, 2}},
	} {
		err := m.Check(c.f, c.init)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
		func() {
			defer func() {
				if got, _ := recover().(string); err == nil || got != err.Error() {
					t.Errorf("panic %q, want %v", got, err)
				}
			}()
			m.Margin(c.f, c.init, nil)
		}()
	}
	if err := m.Check(append(d.Features, Feature{Name: "more"}), nil); err != nil {
		t.Error(err)
	}
}

func TestPredictAllocates(t *testing.T) {
	d := mixed(300)
	m := train(t, d, Options{})
	out, init := make([]float64, 300), make([]float64, 300)
	if n := testing.AllocsPerRun(10, func() { m.Predict(d.Features, init, out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBorders(t *testing.T) {
	for _, c := range []struct {
		sorted string
		bins   int
		want   []float64
	}{
		{"aabbc", 3, []float64{'a', 'b', 'c'}},
		{"abcdefgh", 4, []float64{'b', 'd', 'f', 'h'}},
		{"abcdeeeeeeeeeeeef", 4, []float64{'d', 'e', 'f'}},
		{"abceeeeeeeeeeeeeef", 4, []float64{'c', 'e', 'f'}},
		{"aaaaaaaaaaaabcdef", 3, []float64{'a', 'c', 'f'}},
		{"", 3, nil},
		{"aaaa", 2, []float64{'a'}},
	} {
		v := make([]float64, len(c.sorted))
		for i := range c.sorted {
			v[i] = float64(c.sorted[i])
		}
		if got := borders(v, c.bins); !slices.Equal(got, c.want) {
			t.Errorf("borders of %q in %d bins: %v, want %v", c.sorted, c.bins, got, c.want)
		}
	}
}

// TestBins: whatever the distribution, bins are no more than asked for and no emptier than a third of an even share,
// unless a frequent value takes its place.
func TestBins(t *testing.T) {
	for n := 1; n < 3000; n = n*3 + 1 {
		for bins := 2; bins <= MaxBins; bins = bins*3 - 1 {
			v := uniform(uint64(n), uint64(bins), n)
			for i := range v {
				if i%3 > 0 {
					v[i] = math.Floor(5*v[i]) / 5
				}
			}
			b, err := Bin([]Feature{{Name: "v", Values: v}}, bins)
			if err != nil {
				t.Fatal(err)
			}
			c := b.columns[0]
			if len(c.upper) > bins || !slices.IsSorted(c.upper) || c.upper[len(c.upper)-1] != slices.Max(v) {
				t.Fatalf("%d values in %d bins: borders %v", n, bins, c.upper)
			}
			for i, x := range v {
				at := int(c.bins[i])
				if at == 0 || x > c.upper[at-1] || at > 1 && x <= c.upper[at-2] {
					t.Fatalf("%v in bin %d of %v", x, at, c.upper)
				}
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
