package retrain

import (
	"os"
	"reflect"
	"testing"

	"github.com/trimtab/trimtab"
)

func simulated(t *testing.T, o world, n int, spec trimtab.RetrainPolicySpec) Simulated {
	t.Helper()
	out, err := Simulate(Stream{Task: Binary, Windows: o.windows(n), First: 3}, BoostTrainer{Task: Binary, Trees: 40}, spec)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSimulateAbruptChange: the concept turns, so the model is retrained soon, and only then.
func TestSimulateAbruptChange(t *testing.T) {
	o := newWorld(11, 1000)
	o.turn = func(w int) float64 {
		if w >= 12 {
			return 1
		}
		return 0
	}
	out := simulated(t, o, 26, trimtab.RetrainPolicySpec{})
	first := -1
	for _, e := range out.Events {
		if e.Action == trimtab.DoRetrain && e.Window < 12 {
			t.Errorf("a retrain is tried in window %d, before anything has changed", e.Window)
		}
		if e.Action != trimtab.DoNothing && e.Window >= 12 && first < 0 {
			first = e.Window
		}
	}
	if out.Retrains == 0 || out.Retrains > 6 {
		t.Errorf("%d retrains", out.Retrains)
	}
	if first < 0 || first > 14 {
		t.Errorf("the first action after the change of window 12 is taken in window %d", first)
	}
	if !(out.Gain > 5*out.StdErr) || !(out.Loss+out.Cost < out.Frozen) {
		t.Errorf("gain %v ± %v; loss %v and cost %v against %v frozen", out.Gain, out.StdErr, out.Loss, out.Cost, out.Frozen)
	}
}

// TestSimulateBaseRate: the base rate moves up and back; that costs two numbers each way and no training.
func TestSimulateBaseRate(t *testing.T) {
	o := newWorld(12, 1500)
	o.shift = func(w int) float64 {
		if w >= 8 && w < 16 {
			return 1
		}
		return 0
	}
	out := simulated(t, o, 24, trimtab.RetrainPolicySpec{})
	if out.Retrains > 0 {
		t.Errorf("%d retrains for a base rate", out.Retrains)
	}
	if cheap := out.Recalibrations + out.Promotions; cheap < 2 || cheap > 8 {
		t.Errorf("%d recalibrations and %d promotions", out.Recalibrations, out.Promotions)
	}
	if !(out.Gain > 3*out.StdErr) {
		t.Errorf("gain %v ± %v", out.Gain, out.StdErr)
	}
}

// TestSimulateQuiet: streams in which nothing changes are left alone, also when the rows of a day share a shock. The
// first model has enough to learn from, so that more rows alone are not worth a retrain. TRIMTAB_LONG=1 runs more.
func TestSimulateQuiet(t *testing.T) {
	seeds := uint64(4)
	if os.Getenv("TRIMTAB_LONG") != "" {
		seeds = 24
	}
	retrains, rejected, actions, decisions := 0, 0, 0, 0
	for seed := range seeds {
		o := newWorld(100+seed, 700)
		if seed%2 == 1 {
			o.noise = 0.5
		}
		windows := o.windows(36)
		out, err := Simulate(Stream{Task: Binary, Windows: windows, First: 12}, BoostTrainer{Task: Binary, Trees: 100}, trimtab.RetrainPolicySpec{})
		if err != nil {
			t.Fatal(err)
		}
		retrains, rejected = retrains+out.Retrains, rejected+out.Rejected
		actions, decisions = actions+len(out.Events), decisions+len(out.Decisions)
	}
	t.Logf("%d decisions: %d retrains, %d rejected challengers, %d actions", decisions, retrains, rejected, actions)
	if retrains > decisions/100 || rejected > decisions/50 || actions > decisions/25 {
		t.Errorf("%d decisions on quiet streams: %d retrains, %d rejected challengers, %d actions of any kind", decisions, retrains, rejected, actions)
	}
}

// TestSimulateHolds: rows that are held neither witness nor teach: turning their labels round changes nothing.
func TestSimulateHolds(t *testing.T) {
	build := func(flip bool) Simulated {
		o := newWorld(13, 700)
		windows := o.windows(16)
		for w := 7; w < 9; w++ {
			windows[w].Held = make([]bool, windows[w].Len())
			for i := range windows[w].Held {
				windows[w].Held[i] = true
				if flip {
					windows[w].Label[i] = 1 - windows[w].Label[i]
				}
			}
		}
		out, err := Simulate(Stream{Task: Binary, Windows: windows, First: 3}, BoostTrainer{Task: Binary, Trees: 20}, trimtab.RetrainPolicySpec{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a, b := build(false), build(true)
	if !reflect.DeepEqual(a, b) {
		t.Error("held rows change what is decided")
	}
	if !reflect.DeepEqual(a, build(false)) {
		t.Error("the same stream decides differently the second time")
	}
}

// TestSimulateDelay: labels that come two windows late delay what is decided by two windows.
func TestSimulateDelay(t *testing.T) {
	first := func(delay int) int {
		o := newWorld(14, 700)
		o.turn = func(w int) float64 {
			if w >= 10 {
				return 1
			}
			return 0
		}
		out, err := Simulate(Stream{Task: Binary, Windows: o.windows(18), First: 7, Delay: delay}, BoostTrainer{Task: Binary, Trees: 40}, trimtab.RetrainPolicySpec{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			if e.Action == trimtab.DoRetrain {
				return e.Window
			}
		}
		return -1
	}
	if a, b := first(0), first(2); a < 11 || b != a+2 {
		t.Errorf("the change of window 10 is answered in window %d, with labels two windows late in window %d", a, b)
	}
}

func TestSimulateRefuses(t *testing.T) {
	o := newWorld(15, 50)
	w := o.windows(4)
	for name, s := range map[string]Stream{
		"no window":    {Task: Binary},
		"first":        {Task: Binary, Windows: w, First: 4},
		"no training":  {Task: Binary, Windows: w},
		"delay":        {Task: Binary, Windows: w, First: 1, Delay: -1},
		"task":         {Task: "x", Windows: w, First: 1},
		"out of order": {Task: Binary, Windows: []*Rows{w[1], w[0]}, First: 1},
	} {
		if _, err := Simulate(s, BoostTrainer{Task: Binary}, trimtab.RetrainPolicySpec{}); !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Simulate(Stream{Task: Binary, Windows: w, First: 1}, BoostTrainer{Task: Binary}, trimtab.RetrainPolicySpec{Strategy: "luck"}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("an unknown strategy: %v", err)
	}
}
