package evaluate

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestGoldens compares with scikit-learn and scipy: testdata/golden.py says how the numbers were made.
func TestGoldens(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Task                        Task
		Label, Challenger, Champion []float64
		Metrics                     map[string]map[string]float64
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, c := range cases {
		r := &Rows{Label: c.Label, Challenger: c.Challenger, Champion: c.Champion, Start: 0, End: trimtab.Time(len(c.Label)) * day}
		for k := range c.Label {
			r.Time = append(r.Time, trimtab.Time(k)*day+3)
		}
		for name, want := range c.Metrics {
			seen[name] = true
			p := measure(metrics[name], r, 1)
			ci := p.interval(0.95)
			got := map[string]float64{"challenger": p.challenger, "champion": p.champion, "diff": p.diff, "stderr": p.se, "lo": ci.Lo, "hi": ci.Hi}
			for key, w := range want {
				if g := got[key]; !(math.Abs(g-w) <= 1e-9*max(1, math.Abs(w))) {
					t.Errorf("case %d, %s: %s is %v, want %v", i, name, key, g, w)
				}
			}
		}
	}
	if len(seen) != len(metrics) {
		t.Errorf("goldens of %d metrics, there are %d", len(seen), len(metrics))
	}
}

// Over many samples the intervals cover the truth, which is here that two equally noisy versions are equal.
func TestCoverage(t *testing.T) {
	const samples = 120
	for _, name := range []string{"auc", "ece", "calibration_slope", "calibration_intercept", "log_loss"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside := 0
			for i := range samples {
				r := synthetic(uint64(i), shape{task: Binary, days: 12, each: 40, skill: 0.8, against: 0.8, noise: 0.5})
				p := measure(metrics[name], r, uint64(i))
				if ci := p.interval(0.95); !(ci.Lo <= 0 && ci.Hi >= 0) {
					outside++
				}
			}
			// 5 % of 120 are 6; 15 is nearly four standard deviations beyond that.
			if outside > 15 {
				t.Errorf("%d of %d intervals of 0.95 miss the truth", outside, samples)
			}
			t.Logf("%d of %d miss", outside, samples)
		})
	}
}
