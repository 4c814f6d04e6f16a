package rollout_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/rollout"
)

// scenario is a pair of versions and the traffic that they get.
type scenario struct {
	name       string
	from, to   quality
	same       bool // both are one model
	delay      trimtab.Time
	silent     bool
	ratio      float64 // of the rows that the candidate answers, instead of the step's share
	ratioGiven bool
	// slow is a regression with 24 rows a day, of heavy tails, in a shadow of 28 days and
	// a bake of as many.
	slow bool
}

// perHour is the traffic of a simulated endpoint: some 6,700 rows a week.
const perHour = 40

// usual is the noise of a version that is as good as the old one.
const usual = 0.5

func scenarios() []scenario {
	old := quality{noise: usual}
	out := []scenario{
		{name: "A/A, one model twice", from: old, to: old, same: true},
		{name: "A/A, equal quality", from: old, to: old},
		{name: "A/A, equal, rows of a day alike", from: quality{noise: usual, daily: 0.5}, to: quality{noise: usual, daily: 0.5}},
		{name: "equal, but each bad on days of its own", from: quality{noise: usual, daily: 1}, to: quality{noise: usual, daily: 1}},
		{name: "A/A, equal, labels two days late", from: old, to: old, delay: 48 * hour},
		{name: "better by 20 %", from: quality{noise: noiseFor(1.2)}, to: old},
	}
	for _, worse := range []float64{1.02, 1.05, 1.1, 1.2, 1.5, 2} {
		out = append(out, scenario{name: fmt.Sprintf("worse by %.0f %%", (worse-1)*100), from: old, to: quality{noise: noiseFor(worse)}})
	}
	return append(out,
		scenario{name: "worse by 20 %, rows of a day alike", from: quality{noise: usual, daily: 0.5}, to: quality{noise: noiseFor(1.2), daily: 0.5}},
		scenario{name: "worse by 50 %, labels two days late", from: old, to: quality{noise: noiseFor(1.5)}, delay: 48 * hour},
		scenario{name: "cannot score 1 % of the rows", from: old, to: quality{noise: usual, fails: 0.01}},
		scenario{name: "cannot score 5 % of the rows", from: old, to: quality{noise: usual, fails: 0.05}},
		scenario{name: "scores shifted, no labels", from: old, to: quality{noise: usual, bias: 1.5}, silent: true},
		scenario{name: "answers 30 % instead of its share", from: old, to: old, ratio: 0.3, ratioGiven: true},
		scenario{name: "regression, A/A, one model twice", slow: true, same: true, from: quality{noise: 10}},
		scenario{name: "regression, A/A, equal quality", slow: true, from: quality{noise: 10}, to: quality{noise: 10}},
		// The squared error is 659 from the labels and 100 from the model.
		scenario{name: "regression, worse by 20 %", slow: true, from: quality{noise: 10}, to: quality{noise: 15.9}},
		scenario{name: "regression, worse by 50 %", slow: true, from: quality{noise: 10}, to: quality{noise: 21.9}},
		scenario{name: "regression, worse by 100 %", slow: true, from: quality{noise: 10}, to: quality{noise: 29.3}},
	)
}

// noiseFor finds the noise with which the loss is so many times the usual one.
func noiseFor(times float64) float64 {
	mean := func(noise float64) (sum float64) {
		r := rand.New(rand.NewPCG(1, 1))
		for range 40_000 {
			truth := -1 + 1.2*r.NormFloat64()
			p := min(max(normal(truth+noise*r.NormFloat64()), 1e-4), 1-1e-4)
			y := normal(truth)
			sum -= y*math.Log(p) + (1-y)*math.Log1p(-p)
		}
		return sum
	}
	base := mean(usual)
	lo, hi := usual, 20.0
	for range 30 {
		if mid := (lo + hi) / 2; mean(mid) < times*base {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// end is what became of a simulated rollout.
type end struct {
	state trimtab.RolloutState
	days  float64
	early bool // before the bake
}

// simulate carries one rollout out: shadow for a day, two canary steps of a day, a bake
// of a week; default limits; ten looks a stage.
func simulate(s scenario, seed uint64) end {
	spec := trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(24 * time.Hour)},
		Canary: &trimtab.CanarySpec{Steps: []float64{0.2, 0.5}, Each: trimtab.Duration(24 * time.Hour)}, Bake: trimtab.Duration(7 * 24 * time.Hour)}.WithDefaults()
	every := hour / perHour
	if s.slow {
		spec = trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(28 * 24 * time.Hour)}, Bake: trimtab.Duration(28 * 24 * time.Hour)}.WithDefaults()
		every = hour
	}
	r, _ := trimtab.NewRollout("e", 1, "m", "champion", 1, 2, spec, "", "alias", "", began)
	t := rollout.NewTally(r, !s.slow)
	rng := rand.New(rand.NewPCG(seed, 99))
	var waiting []rollout.Row
	var daily [2]float64
	today := trimtab.Time(-1)
	var stage, answered, fromUnits, toUnits int64
	for now := began; ; {
		next := r.NextLook(max(r.Looked, r.Since))
		for ; now < next; now += every {
			if d := now / (24 * hour); d != today {
				today, daily = d, [2]float64{rng.NormFloat64(), rng.NormFloat64()}
			}
			truth := -1 + 1.2*rng.NormFloat64()
			row := rollout.Row{Time: now, Label: math.NaN()}
			row.From = normal(truth + s.from.noise*rng.NormFloat64() + s.from.daily*daily[0])
			row.To = normal(truth + s.to.noise*rng.NormFloat64() + s.to.daily*daily[1] + s.to.bias)
			label := 0.0
			if s.slow {
				truth = 100 + 50*rng.NormFloat64()
				row.From, row.To = truth+s.from.noise*rng.NormFloat64(), truth+s.to.noise*rng.NormFloat64()
				label = truth + 20*rng.NormFloat64()*math.Exp(0.5*rng.NormFloat64())
			} else if rng.Float64() < normal(truth) {
				label = 1
			}
			if s.same {
				row.To = row.From
			}
			if rng.Float64() < s.to.fails {
				row.To = math.NaN()
			}
			t.Add(row)
			row.Label = label
			waiting = append(waiting, row)
			share := r.Share
			if s.ratioGiven && r.State == trimtab.RolloutCanary {
				share = s.ratio
			}
			stage++
			if rng.Float64() < share {
				answered, toUnits = answered+1, toUnits+1
			} else {
				fromUnits++
			}
		}
		for !s.silent && len(waiting) > 0 && waiting[0].Time+s.delay < now {
			t.Know(waiting[0])
			waiting = waiting[1:]
		}
		o := rollout.Observation{Sums: t.Sums(r.Since), Stage: stage, Answered: answered, FromUnits: fromUnits, ToUnits: toUnits}
		before := r.State
		var action rollout.Action
		r, _, action, _ = rollout.Decide(r, o, now)
		if action == rollout.Advance {
			stage, answered, fromUnits, toUnits = 0, 0, 0, 0
		}
		switch r.State {
		case trimtab.RolloutPromoting:
			r, _, _ = r.Move(trimtab.RolloutBaking, r.Step, 1, now, "")
		case trimtab.RolloutRolling:
			return end{trimtab.RolloutRolledBack, now.Sub(began).Hours() / 24, before != trimtab.RolloutBaking}
		case trimtab.RolloutPromoted, trimtab.RolloutHeld:
			return end{r.State, now.Sub(began).Hours() / 24, before != trimtab.RolloutBaking}
		}
	}
}

// TestSimulation carries rollouts of known pairs of versions out and counts what became
// of them. TRIMTAB_SIMULATE=1 runs 100 of each pair (2,300 in all), without it are 8 of each.
func TestSimulation(t *testing.T) {
	n, path := 8, "testdata/simulation-short.txt"
	if os.Getenv("TRIMTAB_SIMULATE") != "" {
		n, path = 100, "testdata/simulation.txt"
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %d rollouts of each pair: shadow 1d, canary 0.2 and 0.5 of 1d each, bake 7d, default limits, %d rows an hour;\n", n, perHour)
	fmt.Fprintf(&out, "# the regressions: shadow 28d, bake 28d, 1 row an hour.\n")
	fmt.Fprintf(&out, "# Days from the beginning; \"before\" is before the promotion.\n")
	fmt.Fprintf(&out, "%-38s %9s %11s %7s %5s   %s\n", "pair", "promoted", "rolled back", "before", "held", "days to roll back: median, 90 %, longest; to promote")
	for k, s := range scenarios() {
		var back, promoted []float64
		early, held := 0, 0
		for i := range n {
			switch e := simulate(s, uint64(1000*k+i)); e.state {
			case trimtab.RolloutRolledBack:
				back = append(back, e.days)
				if e.early {
					early++
				}
			case trimtab.RolloutPromoted:
				promoted = append(promoted, e.days)
			default:
				held++
			}
		}
		share := func(k int) string { return fmt.Sprintf("%.0f %%", 100*float64(k)/float64(n)) }
		fmt.Fprintf(&out, "%-38s %9s %11s %7s %5s   %5s %5s %5s; %5s\n", s.name, share(len(promoted)), share(len(back)), share(early), share(held),
			quantile(back, 0.5), quantile(back, 0.9), quantile(back, 1), quantile(promoted, 0.5))
	}
	text := strings.ReplaceAll(out.String(), " \n", "\n")
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs (-rewrite writes it anew):\n%s", path, text)
	}
}

func quantile(v []float64, q float64) string {
	if len(v) == 0 {
		return "-"
	}
	slices.Sort(v)
	return fmt.Sprintf("%.1f", v[min(int(q*float64(len(v))), len(v)-1)])
}
