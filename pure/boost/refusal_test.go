package boost

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

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
