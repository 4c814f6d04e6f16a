package boost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
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
