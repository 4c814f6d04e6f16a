package retrain

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestEvidenceIsRare: of a cure that brings exactly nothing, on average at least n windows pass before the evidence
// reaches n, with all rows of a day alike, and with heavy tails. The t test is known
// to be too bold for means of few blocks that are strongly skewed to the left: there a third of it is asked.
// TRIMTAB_LONG=1 runs ten times as many.
func TestEvidenceIsRare(t *testing.T) {
	runs := 30
	if os.Getenv("TRIMTAB_LONG") != "" {
		runs *= 10
	}
	const horizon = 400
	for name, draw := range map[string]func(*rand.Rand) float64{
		"normal":            func(r *rand.Rand) float64 { return r.NormFloat64() },
		"heavy tails":       func(r *rand.Rand) float64 { return r.NormFloat64() / (0.2 + r.Float64()) },
		"skew to the right": func(r *rand.Rand) float64 { return r.ExpFloat64() - 1 },
		"skew to the left":  func(r *rand.Rand) float64 { return 1 - r.ExpFloat64() },
	} {
		rng := rand.New(rand.NewPCG(17, uint64(len(name))))
		total := 0
		for range runs {
			var items []trimtab.GainItem
			w := 0
			for ; w < horizon; w++ {
				var blocks []trimtab.GainBlock
				for d := range 7 {
					x := draw(rng) // the whole day's
					n := float64(50 + rng.IntN(100))
					blocks = append(blocks, trimtab.GainBlock{Key: int64(7*w + d), N: n, Sum: n * x, Sum2: n * (x*x + 1)})
				}
				items = extend(items, trimtab.Time(7*w)*day, trimtab.Time(7*w+7)*day, blocks)
				s := standard.stand(Cure{Action: trimtab.DoRetrain}, items, Costs{PerLoss: 1, Horizon: 8, Retrain: 1e-9}, 1, 1, 700)
				if s.evidence >= standard.quiet {
					break
				}
			}
			total += w + 1
		}
		mean := float64(total) / float64(runs)
		t.Logf("%s: %.0f windows on average (at most %d), promised are %v", name, mean, horizon, standard.quiet)
		promised := standard.quiet
		if name == "skew to the left" {
			promised /= 3
		}
		if mean < promised {
			t.Errorf("%s: a false alarm after %.0f windows on average, expected are %v", name, mean, promised)
		}
	}
}
