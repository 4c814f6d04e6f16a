package evaluate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/trimtab/trimtab"
)

// leaning makes rows of days whose outcomes follow log-odds of 0.3 + 0.8·logit(p), with a common push on each day.
func leaning(days, each int, push float64, rng *rand.Rand) *Sample {
	const daily = trimtab.Time(24 * 3600 * 1000)
	r := &Rows{End: trimtab.Time(days) * daily}
	for d := range days {
		today := push * rng.NormFloat64()
		for range each {
			x := rng.NormFloat64() - 1
			p := 1 / (1 + math.Exp(-x))
			q := 1 / (1 + math.Exp(-(0.3 + 0.8*x + today)))
			y := 0.0
			if rng.Float64() < q {
				y = 1
			}
			r.Time = append(r.Time, trimtab.Time(d)*daily)
			r.Label = append(r.Label, y)
			r.Challenger = append(r.Challenger, p)
		}
	}
	return &Sample{Rows: r, Task: Binary}
}

// The intervals of what is measured by days hold the truth about as often as they say, where rows of a day go together.
func TestMeasuresCover(t *testing.T) {
	const trials = 100
	rng := rand.New(rand.NewPCG(5, 8))
	big := map[string]float64{}
	for _, m := range leaning(2000, 50, 0.4, rng).Measures(0) {
		big[m.Metric] = m.Value
	}
	if math.Abs(big["calibration_slope"]-0.8) > 0.05 {
		t.Errorf("the slope is %v", big["calibration_slope"]) // a push of the day flattens it a little
	}
	held := map[string]int{}
	for range trials {
		for _, m := range leaning(40, 100, 0.4, rng).Measures(0) {
			if !(m.Lo < m.Value && m.Value < m.Hi) && m.Metric != "ece" || m.Metric == "ece" && !(m.Lo >= 0 && m.Lo <= m.Value && m.Value < m.Hi) {
				t.Fatalf("%s is %v in %v to %v", m.Metric, m.Value, m.Lo, m.Hi)
			}
			if m.Lo <= big[m.Metric] && big[m.Metric] <= m.Hi {
				held[m.Metric]++
			}
		}
	}
	for _, name := range []string{"auc", "log_loss", "brier", "accuracy", "ece", "calibration_slope", "calibration_intercept"} {
		if share := float64(held[name]) / trials; share < 0.89 {
			t.Errorf("the interval of %s holds its value in %.0f %% of samples, not in about 95 %%", name, 100*share)
		} else {
			t.Logf("%-22s %.1f %%", name, 100*share)
		}
	}
}

// Of one day nobody knows how far days differ.
func TestMeasuresOfOneBlock(t *testing.T) {
	x := leaning(1, 200, 0, rand.New(rand.NewPCG(1, 2)))
	x.Rows.End = 0
	for _, m := range x.Measures(0) {
		if !(math.IsNaN(m.Lo) && math.IsNaN(m.Hi)) {
			t.Errorf("%s has the bounds %v to %v", m.Metric, m.Lo, m.Hi)
		}
	}
}
