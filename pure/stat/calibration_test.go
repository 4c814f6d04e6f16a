package stat

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type calibrationCase struct {
	Y             []bool
	P, W, Target  []float64
	Prior         float64
	Line          [2]float64
	LineSE        [2]float64 `json:"line_se"`
	Fit           [2]float64
	Isotonic      [2][]float64
	At            []float64
	IsotonicAt    []float64 `json:"isotonic_at"`
	Linear        [2]float64
	Brier         float64
	Uniform, Mass [2][]float64
	Quantile      [2][]float64
}

func calibrationCases(t *testing.T) []calibrationCase {
	var g []calibrationCase
	inference(t, "calibration", &g)
	if len(g) != 3 {
		t.Fatal("cases missing")
	}
	return g
}

func numbers(y []bool) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		if v {
			out[i] = 1
		}
	}
	return out
}

func TestCalibratorGoldens(t *testing.T) {
	for i, c := range calibrationCases(t) {
		line := FitCalibrationLine(c.Y, c.P, c.W, nil)
		if !close9(line.Intercept, c.Line[0]) || !close9(line.Slope, c.Line[1]) || !close9(line.InterceptSE, c.LineSE[0]) || !close9(line.SlopeSE, c.LineSE[1]) {
			t.Errorf("%d: %+v, want %v ± %v", i, line, c.Line, c.LineSE)
		}
		fit, err := FitLogistic(c.Y, c.P, c.W, c.Prior)
		if err != nil || !close9(fit.Intercept, c.Fit[0]) || !close9(fit.Slope, c.Fit[1]) {
			t.Errorf("%d: %+v %v, want %v", i, fit, err, c.Fit)
		}
		plain, err := FitLogistic(c.Y, c.P, c.W, 0)
		if err != nil || !close9(plain.Intercept, line.Intercept) || !close9(plain.Slope, line.Slope) {
			t.Errorf("%d: without prior %+v %v, the line %+v", i, plain, err, line)
		}
		lin, err := FitLinear(c.Target, c.P, c.W, c.Prior)
		if err != nil || !close9(lin.Intercept, c.Linear[0]) || !close9(lin.Slope, c.Linear[1]) {
			t.Errorf("%d: %+v %v, want %v", i, lin, err, c.Linear)
		}
		iso, err := FitIsotonic(numbers(c.Y), c.P, c.W)
		if err != nil || len(iso.X) != len(c.Isotonic[0]) {
			t.Fatalf("%d: %d points %v, want %d", i, len(iso.X), err, len(c.Isotonic[0]))
		}
		for k := range iso.X {
			if !close9(iso.X[k], c.Isotonic[0][k]) || !close9(iso.Y[k], c.Isotonic[1][k]) {
				t.Errorf("%d: point %d (%v, %v), want (%v, %v)", i, k, iso.X[k], iso.Y[k], c.Isotonic[0][k], c.Isotonic[1][k])
			}
		}
		for k, got := range iso.ApplyAll(c.At) {
			if !close9(got, c.IsotonicAt[k]) {
				t.Errorf("%d: at %v %v, want %v", i, c.At[k], got, c.IsotonicAt[k])
			}
		}
	}
}

func TestReliabilityGoldens(t *testing.T) {
	for i, c := range calibrationCases(t) {
		r := NewReliability(EqualWidth(7))
		r.AddAll(c.Y, c.P, c.W)
		b := r.Brier()
		if sum := b.Reliability - b.Resolution + b.Uncertainty + b.Variance - b.Covariance; !close9(b.Brier, c.Brier) || math.Abs(sum-b.Brier) > 1e-14 {
			t.Errorf("%d: %+v sums to %v, want %v", i, b, sum, c.Brier)
		}
		if c.W != nil {
			continue
		}
		mass := NewReliability(EqualMass(c.P, 7))
		mass.AddAll(c.Y, c.P, nil)
		for name, pair := range map[string]struct {
			r    *Reliability
			want [2][]float64
		}{"uniform": {r, c.Uniform}, "quantile": {mass, c.Quantile}} {
			curve := pair.r.Curve(0)
			if len(curve) != len(pair.want[0]) {
				t.Errorf("%d: %s: %d bins, want %d", i, name, len(curve), len(pair.want[0]))
				continue
			}
			var ece, mce, square float64
			for k, p := range curve {
				if !close9(p.Predicted, pair.want[0][k]) || !close9(p.Observed, pair.want[1][k]) {
					t.Errorf("%d: %s: bin %d %+v, want %v %v", i, name, k, p, pair.want[0][k], pair.want[1][k])
				}
				if !(p.Lo <= p.Predicted && p.Predicted <= p.Hi && p.CI.Lo <= p.Observed && p.Observed <= p.CI.Hi) {
					t.Errorf("%d: %s: bin %+v", i, name, p)
				}
				gap := math.Abs(pair.want[0][k] - pair.want[1][k])
				ece += p.Weight / float64(len(c.P)) * gap
				square += p.Weight / float64(len(c.P)) * gap * gap
				mce = max(mce, gap)
			}
			if !close9(pair.r.ECE(), ece) || !close9(pair.r.MCE(), mce) || !close9(pair.r.RMSCE(), math.Sqrt(square)) {
				t.Errorf("%d: %s: %v %v %v, want %v %v %v", i, name, pair.r.ECE(), pair.r.MCE(), pair.r.RMSCE(), ece, mce, math.Sqrt(square))
			}
		}
	}
}

func TestReliabilityMerge(t *testing.T) {
	y, p, w := rows(500, 21)
	whole, a, b := NewReliability(nil), NewReliability(nil), NewReliability(nil)
	whole.AddAll(y, p, w)
	a.AddAll(y[:123], p[:123], w[:123])
	b.AddAll(y[123:], p[123:], w[123:])
	b.Merge(a)
	if !near(b.ECE(), whole.ECE()) || !near(b.Brier().Brier, whole.Brier().Brier) || !near(whole.Brier().Brier, Brier(y, p, w)) {
		t.Errorf("%v, want %v", b, whole)
	}
	bad, other, empty := NewReliability(nil), NewReliability(nil), NewReliability(nil)
	bad.Add(true, 1.5, 1)
	other.Merge(NewReliability([]float64{0.5}))
	unsorted := NewReliability([]float64{0.5, 0.2})
	unsorted.Add(true, 0.5, 1)
	for name, r := range map[string]*Reliability{"outside": bad, "other edges": other, "nothing": empty, "unsorted": unsorted} {
		if v := r.ECE() + r.MCE() + r.RMSCE() + r.Brier().Brier; v == v {
			t.Errorf("%s: %v, want NaN", name, v)
		}
	}
	if EqualMass(nil, 3) != nil || EqualMass([]float64{math.NaN(), 1}, 3) != nil {
		t.Error("borders of nothing")
	}
	if n := testing.AllocsPerRun(100, func() { whole.Add(true, 0.3, 1) }); n != 0 {
		t.Errorf("a row allocates %v times", n)
	}
}

// Errors of slope and intercept hold: truth is inside as often as it should be, by blocks when rows are correlated.
func TestCalibrationLineCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	trials := reduced(2000)
	var missed [3]int
	byRows := 0
	for range trials {
		var y []bool
		var p []float64
		var block []int
		for g := range 40 {
			shift := 0.6 * r.NormFloat64()
			for range 25 {
				u := 1.5 * r.NormFloat64()
				// The logit that the population has once the shift is averaged out is close to u over a factor.
				y, p, block = append(y, r.Float64() < logistic(u+shift)), append(p, logistic(u)), append(block, g)
			}
		}
		f := FitCalibrationLine(y, p, nil, block)
		for k, v := range [][3]float64{{f.Intercept, f.InterceptSE, 0}, {f.Large, f.LargeSE, 0}, {f.Slope, f.SlopeSE, 0.95}} {
			if ci := TInterval(v[0], v[1], f.DF, 0.95); ci.Lo > v[2] || ci.Hi < v[2] {
				missed[k]++
			}
		}
		f = FitCalibrationLine(y, p, nil, nil)
		if ci := NormalInterval(f.Large, f.LargeSE, 0.95); ci.Lo > 0 || ci.Hi < 0 {
			byRows++
		}
	}
	t.Logf("missed of %d: intercept %d, in the large %d, slope %d; by rows %d", trials, missed[0], missed[1], missed[2], byRows)
	for k, m := range missed {
		if float64(m)/float64(trials) > allowed(trials)+0.02 {
			t.Errorf("%d: missed %d of %d", k, m, trials)
		}
	}
	if byRows < 2*missed[1] {
		t.Errorf("by rows %d, by blocks %d", byRows, missed[1])
	}
}

func TestFitLogisticPrior(t *testing.T) {
	// Nothing but the prior: the identity. One class, few rows: close to it.
	p := []float64{0.1, 0.2, 0.4, 0.7}
	same, err := FitLogistic([]bool{true, false, true, true}, p, []float64{0, 0, 0, 0}, 50)
	if err != nil || math.Abs(same.Intercept) > 1e-9 || math.Abs(same.Slope-1) > 1e-9 {
		t.Errorf("%+v %v", same, err)
	}
	one, err := FitLogistic([]bool{true, true, true, true}, p, nil, 50)
	if err != nil || !(one.Intercept > 0 && one.Intercept < 0.5) {
		t.Errorf("%+v %v", one, err)
	}
	// Rows that are as predicted leave it alone whatever their number; ten times the rows outweigh the prior.
	r := rand.New(rand.NewPCG(2, 9))
	var y []bool
	var q []float64
	for range 5000 {
		v := r.Float64()
		q = append(q, v)
		y = append(y, r.Float64() < logistic(logit(v)-0.7))
	}
	few, _ := FitLogistic(y[:20], q[:20], nil, 50)
	many, _ := FitLogistic(y, q, nil, 50)
	if math.Abs(few.Intercept) > 0.45 || math.Abs(many.Intercept+0.7) > 0.1 || math.Abs(many.Slope-1) > 0.1 {
		t.Errorf("%+v, %+v", few, many)
	}
	// Order does not matter, and a row of weight 2 is a row twice (the prior spread over the rows as they are).
	slices.Reverse(y)
	slices.Reverse(q)
	if back, _ := FitLogistic(y, q, nil, 50); math.Abs(back.Intercept-many.Intercept) > 1e-12 || math.Abs(back.Slope-many.Slope) > 1e-12 {
		t.Errorf("%+v, %+v", back, many)
	}
	for name, f := range map[string]func() (Calibrator, error){
		"separated":      func() (Calibrator, error) { return FitLogistic([]bool{false, false, true, true}, p, nil, 0) },
		"one class":      func() (Calibrator, error) { return FitLogistic([]bool{true, true, true, true}, p, nil, 0) },
		"nothing":        func() (Calibrator, error) { return FitLogistic(nil, nil, nil, 50) },
		"equal":          func() (Calibrator, error) { return FitLogistic([]bool{true, false}, []float64{0.3, 0.3}, nil, 0) },
		"outside":        func() (Calibrator, error) { return FitLogistic([]bool{true}, []float64{1.1}, nil, 1) },
		"negative prior": func() (Calibrator, error) { return FitLogistic([]bool{true}, []float64{0.1}, nil, -1) },
		"linear equal":   func() (Calibrator, error) { return FitLinear([]float64{1, 2}, []float64{3, 3}, nil, 0) },
		"linear nothing": func() (Calibrator, error) { return FitLinear(nil, nil, nil, 5) },
		"linear NaN":     func() (Calibrator, error) { return FitLinear([]float64{math.NaN()}, []float64{3}, nil, 0) },
		"isotonic":       func() (Calibrator, error) { return FitIsotonic([]float64{1}, []float64{2}, []float64{0}) },
		"isotonic NaN":   func() (Calibrator, error) { return FitIsotonic([]float64{1}, []float64{math.NaN()}, nil) },
	} {
		if c, err := f(); !errors.Is(err, ErrNoFit) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	far, err := FitLinear([]float64{1e9 + 2, 1e9 + 4, 1e9 + 6}, []float64{1e9 + 1, 1e9 + 2, 1e9 + 3}, nil, 0)
	if err != nil || math.Abs(far.Apply(1e9+1.5)-(1e9+3)) > 1e-5 {
		t.Errorf("%+v %v", far, err)
	}
}

func TestParseCalibrator(t *testing.T) {
	for _, c := range []Calibrator{Identity(Logistic), {Kind: Linear, Intercept: -2, Slope: 0.5}, {Kind: Isotonic, X: []float64{0, 0.5}, Y: []float64{0.1, 0.1}}} {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseCalibrator(b)
		if err != nil || back.Apply(0.37) != c.Apply(0.37) {
			t.Errorf("%s: %v %v", b, back, err)
		}
	}
	for in, want := range map[string]string{
		`{`: "unexpected end", `{}`: `kind ""`, `{"kind":"beta"}`: `kind "beta"`, `{"kind":"isotonic"}`: "0 x and 0 y", `{"kind":"isotonic","x":[1],"y":[1,2]}`: "1 x and 2 y",
		`{"kind":"isotonic","x":[1,1],"y":[1,2]}`: "point 1", `{"kind":"isotonic","x":[1,2],"y":[2,1]}`: "point 1", `{"kind":"isotonic","x":[1],"y":[2],"slope":1}`: "slope",
		`{"kind":"linear","slope":1,"x":[1]}`: "points", `{"kind":"linear","slope":1e999}`: "1e999",
	} {
		if _, err := ParseCalibrator([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	if err := (Calibrator{Kind: Logistic, Slope: math.NaN()}).Check(); err == nil {
		t.Error("a NaN slope passes")
	}
	if v := (Calibrator{}).Apply(0.5); v == v {
		t.Errorf("the zero value gives %v", v)
	}
	if v := Identity(Logistic).Apply(0.3); v != 0.3 {
		t.Errorf("identity gives %v", v)
	}
	c := Calibrator{Kind: Logistic, Intercept: 1, Slope: 2}
	if lo, hi := c.Apply(0), c.Apply(1); !(lo > 0 && lo < 1e-20) || hi != 1 {
		t.Errorf("ends %v %v", lo, hi)
	}
	iso := Calibrator{Kind: Isotonic, X: []float64{0.2, 0.4, 0.8}, Y: []float64{0.1, 0.3, 0.9}}
	if n := testing.AllocsPerRun(100, func() { c.Apply(0.4); iso.Apply(0.5) }); n != 0 {
		t.Errorf("a prediction allocates %v times", n)
	}
}

func FuzzParseCalibrator(f *testing.F) {
	for _, s := range []string{`{"kind":"logistic","slope":1}`, `{"kind":"isotonic","x":[0,1],"y":[0,1]}`, `{"kind":"linear","intercept":-1e308,"slope":1e308}`, `[]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCalibrator(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseCalibrator(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		for _, p := range []float64{0, 0.3, 1} {
			x, y := c.Apply(p), back.Apply(p)
			if x != y && (x == x || y == y) {
				t.Fatalf("%s: %v, then %v", b, x, y)
			}
			if c.Kind == Logistic && !(x >= 0 && x <= 1) {
				t.Fatalf("%s: %v at %v", b, x, p)
			}
		}
	})
}
