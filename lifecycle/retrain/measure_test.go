package retrain

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// world makes windows of seven days whose label depends on two features, with a concept that may turn at a window.
type world struct {
	rng   *rand.Rand
	per   int
	shift func(w int) float64 // added to the logit of the label
	turn  func(w int) float64 // 1: the other sign of the second feature
	noise float64             // standard deviation of what a whole day shares
}

func (o world) window(w int) *Rows {
	start := trimtab.Time(w) * 7 * day
	r := &Rows{Start: start, End: start + 7*day, Features: []boost.Feature{{Name: "a"}, {Name: "b"}, {Name: "c", Categorical: true}}}
	var daily [7]float64
	for i := range daily {
		daily[i] = o.noise * o.rng.NormFloat64()
	}
	for i := range o.per {
		at := trimtab.Time(i) * 7 * day / trimtab.Time(o.per)
		a, b, c := o.rng.NormFloat64(), o.rng.NormFloat64(), float64(o.rng.IntN(4))
		z := a + (1-2*o.turn(w))*1.5*b + 0.4*(c-1.5) - 0.7 + o.shift(w) + daily[at/day]
		y := 0.0
		if o.rng.Float64() < 1/(1+math.Exp(-z)) {
			y = 1
		}
		r.Time = append(r.Time, start+at)
		r.Label = append(r.Label, y)
		for k, x := range []float64{a, b, c} {
			r.Features[k].Values = append(r.Features[k].Values, x)
		}
	}
	return r
}

func still(int) float64 { return 0 }

func (o world) windows(n int) []*Rows {
	out := make([]*Rows, n)
	for w := range out {
		out[w] = o.window(w)
	}
	return out
}

func newWorld(seed uint64, per int) world {
	return world{rng: rand.New(rand.NewPCG(seed, 7)), per: per, shift: still, turn: still}
}

// first is the score of a model that knows the first concept.
func firstScores(r *Rows) []float64 {
	out := make([]float64, r.Len())
	for i := range out {
		a, b, c := r.Features[0].Values[i], r.Features[1].Values[i], r.Features[2].Values[i]
		out[i] = 1 / (1 + math.Exp(-(a + 1.5*b + 0.4*(c-1.5) - 0.7)))
	}
	return out
}

func measured(t *testing.T, q Question, windows []*Rows) Evidence {
	t.Helper()
	e, err := Measure(q, windows[len(windows)-1], windows[:len(windows)-1])
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func find(e Evidence, a trimtab.Action) Measured {
	for _, m := range e.Measured {
		if m.Action == a {
			return m
		}
	}
	return Measured{}
}

// TestMeasureSeesWhatChanged: a base rate asks for a recalibration, a turned concept for a retrain, nothing for nothing.
func TestMeasureSeesWhatChanged(t *testing.T) {
	gain := func(m Measured) (float64, float64) {
		s := spanOf(m.Blocks, 1)
		return s.mean, s.stderr
	}
	for name, c := range map[string]struct {
		shift, turn               float64
		recalibration, retraining float64 // least gain, in standard errors; 0: at most two
	}{
		"nothing":        {},
		"base rate":      {shift: 1.2, recalibration: 6, retraining: 3},
		"turned concept": {turn: 1, recalibration: 6, retraining: 10},
	} {
		o := newWorld(3, 2100)
		o.shift = func(int) float64 { return c.shift }
		o.turn = func(int) float64 { return c.turn }
		windows := o.windows(4)
		for _, w := range windows {
			w.Score = firstScores(w)
		}
		e := measured(t, Question{Task: Binary, Probe: true, Recalibrate: true}, windows)
		for _, want := range []struct {
			m     Measured
			least float64
		}{{find(e, trimtab.DoRecalibrate), c.recalibration}, {find(e, trimtab.DoRetrain), c.retraining}} {
			g, se := gain(want.m)
			switch {
			case want.least == 0 && g > 2*se:
				t.Errorf("%s: %s gains %v ± %v from nothing", name, want.m.Action, g, se)
			case want.least > 0 && !(g > want.least*se):
				t.Errorf("%s: %s gains %v ± %v (%s)", name, want.m.Action, g, se, want.m.Why)
			}
		}
	}
}

// TestMeasureLearnsFromNoWitness: labels of the newest window, rows from before the training, and held rows change
// nothing of what is fitted.
func TestMeasureLearnsFromNoWitness(t *testing.T) {
	build := func(change func(windows []*Rows)) Evidence {
		o := newWorld(4, 1400)
		o.turn = func(w int) float64 { return float64(w % 2) }
		windows := o.windows(5)
		for _, w := range windows {
			w.Score = firstScores(w)
		}
		windows[3].Held = make([]bool, windows[3].Len())
		for i := range windows[3].Held {
			windows[3].Held[i] = i < 700
		}
		change(windows)
		return measured(t, Question{Task: Binary, Trained: 7 * day, Probe: true, Recalibrate: true}, windows)
	}
	plain := build(func([]*Rows) {})
	flip := func(r *Rows, to int) {
		for i := range to {
			r.Label[i] = 1 - r.Label[i]
		}
	}
	if e := build(func(w []*Rows) { flip(w[0], 1400) }); !reflect.DeepEqual(e, plain) {
		t.Error("rows from before the training change the evidence")
	}
	if e := build(func(w []*Rows) { flip(w[3], 700) }); !reflect.DeepEqual(e, plain) {
		t.Error("held rows change the evidence")
	}
	if e := build(func(w []*Rows) { flip(w[4], 1400) }); find(e, trimtab.DoRecalibrate).Calibrator != find(plain, trimtab.DoRecalibrate).Calibrator {
		t.Error("labels of the newest window change the recalibration that is tested on them")
	}
	if e := build(func(w []*Rows) { flip(w[2], 1400) }); reflect.DeepEqual(e, plain) {
		t.Error("rows that should teach do not")
	}
}

func TestMeasureRefuses(t *testing.T) {
	o := newWorld(5, 70)
	fresh := func() []*Rows {
		w := o.windows(2)
		for _, r := range w {
			r.Score = firstScores(r)
		}
		return w
	}
	for name, spoil := range map[string]func(q *Question, w []*Rows){
		"task":    func(q *Question, w []*Rows) { q.Task = "ranking" },
		"served":  func(q *Question, w []*Rows) { q.Served = 4 },
		"times":   func(q *Question, w []*Rows) { w[0].Time = w[0].Time[1:] },
		"label":   func(q *Question, w []*Rows) { w[1].Label[3] = 0.5 },
		"NaN":     func(q *Question, w []*Rows) { w[1].Label[3] = math.NaN() },
		"feature": func(q *Question, w []*Rows) { w[0].Features[1].Values = nil },
		"held":    func(q *Question, w []*Rows) { w[0].Held = make([]bool, 3) },
		"scores":  func(q *Question, w []*Rows) { w[0].Versions = map[trimtab.Version][]float64{2: {1}} },
		"block":   func(q *Question, w []*Rows) { w[0].Block = make([]uint64, 3) },
		"end":     func(q *Question, w []*Rows) { w[1].End = w[1].Start },
	} {
		q, w := Question{Task: Binary, Probe: true, Recalibrate: true}, fresh()
		spoil(&q, w)
		if _, err := Measure(q, w[1], w[:1]); !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := fresh()
	e, err := Measure(Question{Task: Binary, Probe: true, Recalibrate: true}, w[0], nil)
	if err != nil || find(e, trimtab.DoRecalibrate).Why == "" || find(e, trimtab.DoRetrain).Why == "" {
		t.Errorf("without earlier windows nothing is fitted, and it is said why: %+v, %v", e, err)
	}
}

func TestPairSkipsHeldAndUnknown(t *testing.T) {
	w := &Rows{Start: 0, End: 7 * day, Time: []trimtab.Time{0, 1, day, day + 1, 2 * day}, Label: []float64{1, 0, 1, 0, 1}, Held: []bool{false, true, false, false, false}}
	a := []float64{0.5, 0.5, 0.5, 0.5, math.NaN()}
	b := []float64{0.8, 0.1, 0.8, 0.5, 0.9}
	got := Pair(Binary, w, a, b)
	g := math.Log(0.8 / 0.5)
	want := []trimtab.GainBlock{{Key: 0, N: 1, Sum: g, Sum2: g * g}, {Key: 1, N: 2, Sum: g, Sum2: g * g}}
	if len(got) != 2 || got[0].N != 1 || got[1].N != 2 || math.Abs(got[0].Sum-want[0].Sum) > 1e-12 || math.Abs(got[1].Sum2-want[1].Sum2) > 1e-12 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestCalibratorFinds recovers a known distortion, and leaves a handful of rows nearly alone.
func TestCalibratorFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, task := range []Task{Binary, Regression} {
		truth := Calibrator{Slope: 0.7, Intercept: -0.5}
		var label, score []float64
		for range 40000 {
			m := rng.NormFloat64() * 1.5
			score = append(score, task.score(m))
			y := truth.Intercept + truth.Slope*m + 0.3*rng.NormFloat64()
			if task == Binary {
				y = 0
				if rng.Float64() < task.score(truth.Intercept+truth.Slope*m) {
					y = 1
				}
			}
			label = append(label, y)
		}
		c, err := FitCalibrator(task, label, score, nil)
		if err != nil || math.Abs(c.Slope-0.7) > 0.04 || math.Abs(c.Intercept+0.5) > 0.04 {
			t.Errorf("%s: %+v, %v", task, c, err)
		}
		few, err := FitCalibrator(task, label[:5], score[:5], nil)
		if err == nil && (math.Abs(few.Slope-1) > 0.4 || math.Abs(few.Intercept) > 0.4) {
			t.Errorf("%s: five rows gave %+v", task, few)
		}
		twice := c.After(Calibrator{Slope: 2, Intercept: 1})
		p := task.score(0.3)
		if got, want := twice.Score(task, p), c.Score(task, Calibrator{Slope: 2, Intercept: 1}.Score(task, p)); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: one after the other gives %v, together %v", task, want, got)
		}
	}
	if _, err := FitCalibrator(Binary, nil, nil, nil); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Error("no rows", err)
	}
}
