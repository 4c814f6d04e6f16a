package retrain

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/trimtab/trimtab"
)

func blocksOf(w int, mean, spread float64) []trimtab.GainBlock {
	var out []trimtab.GainBlock
	for i, d := range days {
		x := mean + spread*d
		out = append(out, trimtab.GainBlock{Key: int64(7*w + i), N: 200, Sum: 200 * x, Sum2: 200 * (x*x + 0.04)})
	}
	return out
}

func weekly(w int, served trimtab.Version, cures ...Measured) (Evidence, Facts) {
	e := Evidence{Start: trimtab.Time(w) * 7 * day, End: trimtab.Time(w+1) * 7 * day, Task: Binary, Served: served, Rows: 1400, Positives: 400, Loss: 0.5,
		Learnable: 1400 * (w + 1), LearnablePositives: 400 * (w + 1), Measured: cures}
	return e, Facts{Policy: "p", At: e.End, Window: week}
}

// TestDecideTwice: a border that is decided on again, as after a crash, decides the same and counts nothing twice.
func TestDecideTwice(t *testing.T) {
	var st trimtab.PolicyState
	for w := range 12 {
		e, f := weekly(w, 1, Measured{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(w, 0.002*float64(w), 0.02)},
			Measured{Cure: Cure{trimtab.DoPromoteOlder, 3}, Blocks: blocksOf(w, -0.01, 0.02)})
		one, err := Decide(trimtab.RetrainPolicySpec{}, st, e, f)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Decide(trimtab.RetrainPolicySpec{}, one.State, e, f)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, two) {
			t.Fatalf("window %d: the second time %+v, the first time %+v", w, two, one)
		}
		st = one.State
	}
	if st.Windows != 12 || st.Rows != 12*1400 {
		t.Errorf("%d windows, %v rows", st.Windows, st.Rows)
	}
}

// TestStateSurvivesJSON: a state that was written and read decides on, and two years of windows stay small.
func TestStateSurvivesJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var plain, stored trimtab.PolicyState
	for w := range 104 {
		var cures []Measured
		for v := range trimtab.Version(8) {
			cures = append(cures, Measured{Cure: Cure{trimtab.DoPromoteOlder, v + 2}, Blocks: blocksOf(w, -0.02*rng.Float64(), 0.02)})
		}
		cures = append(cures, Measured{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(w, 0.01*rng.NormFloat64(), 0.03)})
		e, f := weekly(w, 1, cures...)
		a, err := Decide(trimtab.RetrainPolicySpec{}, plain, e, f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Decide(trimtab.RetrainPolicySpec{}, stored, e, f)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("window %d: a stored state decides differently", w)
		}
		raw, err := json.Marshal(b.State)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(b.Decision); err != nil {
			t.Fatal(err)
		}
		if len(raw) > 200<<10 {
			t.Fatalf("window %d: the state has %d bytes", w, len(raw))
		}
		plain, stored = a.State, trimtab.PolicyState{}
		if err := json.Unmarshal(raw, &stored); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnotherVersionServes: what was gathered against one version says nothing about another.
func TestAnotherVersionServes(t *testing.T) {
	var st trimtab.PolicyState
	for w := range 3 {
		e, f := weekly(w, 1, Measured{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(w, 0.002, 0.02)})
		res, err := Decide(trimtab.RetrainPolicySpec{}, st, e, f)
		if err != nil {
			t.Fatal(err)
		}
		st = res.State
	}
	e, f := weekly(3, 2, Measured{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(3, 0, 0.02)})
	e.Trained = 99
	res, err := Decide(trimtab.RetrainPolicySpec{}, st, e, f)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.State; got.Served != 2 || got.Windows != 1 || got.Trained != 99 || len(got.Gains["retrain"]) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestPermutedCures: the order in which cures are measured decides nothing.
func TestPermutedCures(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 200 {
		cures := []Measured{
			{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(0, 0.1*rng.Float64(), 0.02)},
			{Cure: Cure{Action: trimtab.DoRecalibrate}, Blocks: blocksOf(0, 0.1*rng.Float64(), 0.02)},
			{Cure: Cure{trimtab.DoPromoteOlder, 7}, Blocks: blocksOf(0, 0.1*rng.Float64(), 0.02)},
		}
		e, f := weekly(0, 1, cures...)
		a, err := Decide(trimtab.RetrainPolicySpec{Mode: "auto"}, trimtab.PolicyState{}, e, f)
		if err != nil {
			t.Fatal(err)
		}
		rng.Shuffle(len(cures), func(i, j int) { cures[i], cures[j] = cures[j], cures[i] })
		b, err := Decide(trimtab.RetrainPolicySpec{Mode: "auto"}, trimtab.PolicyState{}, e, f)
		if err != nil {
			t.Fatal(err)
		}
		if a.Decision.Action != b.Decision.Action || a.Decision.Version != b.Decision.Version || !reflect.DeepEqual(a.State, b.State) {
			t.Fatalf("%s %d in one order, %s %d in another", a.Decision.Action, a.Decision.Version, b.Decision.Action, b.Decision.Version)
		}
	}
}

// TestCosts: money, declared costs in loss, and what MinGain makes of a loss.
func TestCosts(t *testing.T) {
	spec := func(f func(*trimtab.CostSpec)) trimtab.RetrainPolicySpec {
		var s trimtab.RetrainPolicySpec
		f(&s.Costs)
		return s
	}
	for name, c := range map[string]struct {
		spec trimtab.RetrainPolicySpec
		loss float64
		want Costs
	}{
		"default":  {spec(func(*trimtab.CostSpec) {}), 0.5, Costs{"loss", 1, 40, 4, 4, 8, 8}}, // 0.01·0.5·1000·8
		"min gain": {spec(func(c *trimtab.CostSpec) { c.MinGain = 0.02 }), 0.5, Costs{"loss", 1, 80, 8, 8, 16, 8}},
		"declared": {spec(func(c *trimtab.CostSpec) { c.Retrain, c.Recalibrate, c.Reject = 10, 2, 3 }), 0.5, Costs{"loss", 1, 10, 2, 2, 3, 8}},
		"money":    {spec(func(c *trimtab.CostSpec) { c.Currency, c.PerLoss, c.Retrain = "EUR", 3, 100 }), 0.5, Costs{"EUR", 3, 100, 10, 10, 20, 8}},
		"unknown":  {spec(func(*trimtab.CostSpec) {}), math.NaN(), Costs{"loss", 1, math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1), 8}},
	} {
		if got := CostsOf(c.spec, week, 1000, c.loss); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	s := trimtab.RetrainPolicySpec{Horizon: trimtab.Duration(2 * week)}
	if got := CostsOf(s, week, 1000, 0.5); got.Horizon != 2 || got.Retrain != 10 {
		t.Errorf("a horizon of two weeks: %+v", got)
	}
}

// TestGate: it wants one standard error on a window it has not seen, and never passes without an error.
func TestGate(t *testing.T) {
	o := newWorld(21, 1400)
	w := o.window(0)
	good := firstScores(w)
	flat := make([]float64, w.Len())
	for i := range flat {
		flat[i] = 0.4
	}
	if g := Gate(Binary, w, flat, good); !g.Passed || g.Blocks != 7 {
		t.Errorf("a model against a constant: %+v", g)
	}
	if g := Gate(Binary, w, good, flat); g.Passed {
		t.Errorf("a constant against a model: %+v", g)
	}
	if g := Gate(Binary, w, good, good); g.Passed {
		t.Errorf("a model against itself: %+v", g)
	}
	short := *w
	short.End = short.Start + day // one day: cut into finer blocks
	short.Time = make([]trimtab.Time, w.Len())
	for i := range short.Time {
		short.Time[i] = short.Start + trimtab.Time(i)*day/trimtab.Time(w.Len())
	}
	if g := Gate(Binary, &short, flat, good); !g.Passed || g.Blocks < 4 {
		t.Errorf("a window of a day: %+v", g)
	}
	for i := range short.Time {
		short.Time[i] = short.Start
	}
	if g := Gate(Binary, &short, flat, good); g.Passed {
		t.Errorf("rows of one moment are one block: %+v", g)
	}
	if g := Gate(Binary, &Rows{Start: 0, End: day}, nil, nil); g.Passed || g.Sentence == "" {
		t.Errorf("no rows: %+v", g)
	}
}

// TestExcessIsLearnt: a probe that promises what no challenger brings is believed less, and forgiven later.
func TestExcessIsLearnt(t *testing.T) {
	d := trimtab.Decision{Action: trimtab.DoRetrain, Facts: []trimtab.Fact{{Name: FactProbe, Value: 0.04}, {Name: FactChallenger, Value: 0.01}}}
	st := Rejected(trimtab.RetrainPolicySpec{}, trimtab.PolicyState{}, d, day, week)
	if math.Abs(st.Excess-0.015) > 1e-12 {
		t.Errorf("excess %v", st.Excess)
	}
	e, f := weekly(0, 0, Measured{Cure: Cure{Action: trimtab.DoRetrain}, Blocks: blocksOf(0, 0.04, 0.02)})
	plain, err := Decide(trimtab.RetrainPolicySpec{}, trimtab.PolicyState{}, e, f)
	if err != nil {
		t.Fatal(err)
	}
	wiser, err := Decide(trimtab.RetrainPolicySpec{}, trimtab.PolicyState{Excess: 0.015}, e, f)
	if err != nil {
		t.Fatal(err)
	}
	a, b := plain.Decision.Alternatives[1], wiser.Decision.Alternatives[1]
	if !(b.Gain < a.Gain) || !(b.Expected < a.Expected) || !(wiser.State.Excess < 0.015) {
		t.Errorf("gain %v and %v, excess now %v", a.Gain, b.Gain, wiser.State.Excess)
	}
	p, _ := Promoted(trimtab.RetrainPolicySpec{}, trimtab.PolicyState{Trained: 5}, trimtab.Decision{Action: trimtab.DoRecalibrate}, 2, 77, day, week)
	if p.Trained != 5 {
		t.Errorf("a recalibration moves the moment of training to %d", p.Trained)
	}
}
