package rollout

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

const hour = trimtab.Time(3600 * 1000)

func started(spec trimtab.RolloutSpec) trimtab.Rollout {
	r, _ := trimtab.NewRollout("e", 2, "m", "champion", 1, 2, spec.WithDefaults(), "", "alias", "", 1000*hour)
	return r
}

func oneDay() trimtab.RolloutSpec {
	return trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(24 * time.Hour)}}
}

// TestTally compares the sums with what they are by definition.
func TestTally(t *testing.T) {
	for _, binary := range []bool{true, false} {
		r := started(oneDay())
		tally := NewTally(r, binary)
		rng := rand.New(rand.NewPCG(1, 2))
		var rows []Row
		for i := range 900 {
			row := Row{Time: r.Begun + trimtab.Time(i)*hour/30, From: rng.Float64(), To: rng.Float64(), Label: float64(rng.IntN(2))}
			switch {
			case i%10 == 3:
				row.Label = math.NaN()
			case i%50 == 7:
				row.To = math.NaN()
			case i%50 == 8:
				row.From = math.Inf(1)
			}
			rows = append(rows, row)
			tally.Add(row)
		}
		s := tally.Sums(r.Since)
		var d, f, flips, n, labelled float64
		for _, row := range rows {
			if !finite(row.From) || !finite(row.To) {
				continue
			}
			n++
			if (row.From >= 0.5) != (row.To >= 0.5) {
				flips++
			}
			if finite(row.Label) {
				labelled++
				d += loss(binary, row.Label, row.To) - loss(binary, row.Label, row.From)
				f += loss(binary, row.Label, row.From)
			}
		}
		if s.Rows != 900 || s.ToFails != 18 || s.FromFails != 18 || float64(s.Labelled) != labelled || s.Loss.N != s.Labelled {
			t.Errorf("binary %t: %d rows, %d and %d failed, %d labelled, want %v", binary, s.Rows, s.FromFails, s.ToFails, s.Labelled, labelled)
		}
		if math.Abs(s.Loss.Value-d/f) > 1e-12 {
			t.Errorf("binary %t: loss %v, want %v", binary, s.Loss.Value, d/f)
		}
		sum := stat.Block{}
		for _, p := range s.Loss.Parts {
			sum.Merge(p.Block)
		}
		if math.Abs(sum.Sum) > 1e-9 || sum.N != labelled || len(s.Loss.Parts) != 30 {
			t.Errorf("binary %t: what is left sums to %v over %v rows in %d blocks", binary, sum.Sum, sum.N, len(s.Loss.Parts))
		}
		sum = stat.Block{}
		for _, p := range s.Flips {
			sum.Merge(p.Block)
		}
		if binary && sum.Sum != flips || !binary && sum.Sum != 0 || sum.N != n {
			t.Errorf("binary %t: %v flips of %v, want %v of %v", binary, sum.Sum, sum.N, flips, n)
		}
		// The distance at each point, counted anew.
		for k, at := range s.Shift {
			g := tally.grid[k]
			var want, got float64
			for _, row := range rows {
				if finite(row.From) && finite(row.To) {
					if row.To <= g {
						want++
					}
					if row.From <= g {
						want--
					}
				}
			}
			for _, p := range at {
				got += p.Sum
			}
			if got != want {
				t.Errorf("at %v the functions differ by %v rows, want %v", g, got, want)
			}
		}
		if len(s.Shift) != points {
			t.Errorf("%d points", len(s.Shift))
		}
	}
}

// TestNeverWrong has an old version without any loss: the new one's counts as it is.
func TestNeverWrong(t *testing.T) {
	r := started(oneDay())
	tally := NewTally(r, false)
	for i := range 600 {
		y := float64(i % 7)
		tally.Add(Row{Time: r.Begun + trimtab.Time(i)*hour/30, From: y, To: y + 1, Label: y})
	}
	if v := tally.Sums(r.Since).Loss.Value; v != 1 {
		t.Errorf("loss %v, want 1", v)
	}
	_, _, action, why := Decide(r, Observation{Sums: tally.Sums(r.Since), Stage: 600}, r.Since+20*hour)
	if action != Return {
		t.Errorf("%s: %s", action, why)
	}
}

// TestBoundsCover draws values whose days share a part, and counts how often the bounds,
// looked at after every block, lose the true mean at error 0.05.
func TestBoundsCover(t *testing.T) {
	for _, c := range []struct {
		name  string
		daily float64
		days  int
		most  float64
	}{
		{"independent rows", 0, 6, 0.05},
		{"rows of a day alike", 0.2, 12, 0.06},      // 29 % of the variance of an hour's mean is the day's
		{"rows of a day very alike", 0.3, 12, 0.15}, // 47 %: more than a few days can tell
	} {
		const trials = 200
		lost := 0
		for i := range trials {
			rng := rand.New(rand.NewPCG(uint64(i), 4))
			var parts []Part
			shared := 0.0
			for h := range 24 * c.days {
				if h%24 == 0 {
					shared = c.daily * rng.NormFloat64()
				}
				p := Part{At: trimtab.Time(h) * hour}
				for range 10 {
					p.Add(shared + rng.NormFloat64())
				}
				if parts = append(parts, p); h%6 != 5 {
					continue
				}
				if _, _, ci, ok := bounds(parts, 0, 0.05); ok && (ci.Lo > 0 || ci.Hi < 0) {
					lost++
					break
				}
			}
		}
		if share := float64(lost) / trials; share > c.most {
			t.Errorf("%s: the bounds lose the mean in %.3f of the cases, at most %.3f", c.name, share, c.most)
		}
	}
}

// TestMinimumRows never passes a stage because nothing is known.
func TestMinimumRows(t *testing.T) {
	r := started(oneDay())
	end, latest := r.Ends()
	_, _, action, why := Decide(r, Observation{}, end)
	if action != Stay || !strings.Contains(why, "0 rows in the shadow") {
		t.Errorf("%s: %s", action, why)
	}
	for on, want := range map[string]Action{"hold": Suspend, "rollback": Return, "promote": Advance} {
		r.Spec.OnInconclusive = on
		if _, _, action, why := Decide(r, Observation{}, latest); action != want {
			t.Errorf("%s: %s: %s", on, action, why)
		}
	}
	if _, looks, action, _ := Decide(trimtab.Rollout{State: trimtab.RolloutPromoted}, Observation{}, latest); action != Stay || looks != nil {
		t.Errorf("an ended rollout is looked at: %s, %+v", action, looks)
	}
}

// FuzzDecide gives any rows: what comes out can be recorded, is a state that exists, and
// the same rows give the same bits.
func FuzzDecide(f *testing.F) {
	f.Add(uint64(1), uint8(30), 0.5, 0.5, 0.0, true, uint8(0))
	f.Add(uint64(2), uint8(3), math.Inf(1), 0.5, 1.0, true, uint8(1))
	f.Add(uint64(3), uint8(200), 1e300, -1e300, 1e300, false, uint8(2))
	f.Add(uint64(4), uint8(200), math.NaN(), math.NaN(), math.NaN(), false, uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, n uint8, from, to, label float64, binary bool, stage uint8) {
		r := started(trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(24 * time.Hour)},
			Canary: &trimtab.CanarySpec{Steps: []float64{0.2, 1}, Each: trimtab.Duration(24 * time.Hour)}, Bake: trimtab.Duration(24 * time.Hour)})
		switch stage % 5 {
		case 1:
			r.State, r.Share = trimtab.RolloutCanary, 0.2
		case 2:
			r.State, r.Share, r.Step = trimtab.RolloutCanary, 1, 1
		case 3:
			r.State, r.Share = trimtab.RolloutBaking, 1
		case 4:
			r.State = trimtab.RolloutHeld
		}
		decide := func() trimtab.Digest {
			rng := rand.New(rand.NewPCG(seed, 0))
			tally := NewTally(r, binary)
			for i := range int(n) {
				row := Row{Time: r.Begun + trimtab.Time(i)*hour/4, From: from * rng.Float64(), To: to * rng.Float64(), Label: label}
				if binary && rng.IntN(2) == 0 {
					row.Label = float64(rng.IntN(2))
				}
				tally.Add(row)
			}
			o := Observation{Sums: tally.Sums(r.Since), Stage: int64(n), Answered: int64(n), FromUnits: int64(n), ToUnits: int64(n / 3)}
			next, looks, action, why := Decide(r, o, r.NextLook(r.Since+48*hour))
			if action == "" || action != Stay && why == "" {
				t.Errorf("action %q because of %q", action, why)
			}
			for _, l := range looks {
				if l.Lo > l.Hi || l.Verdict == "" {
					t.Errorf("%+v", l)
				}
			}
			return trimtab.StateDigest(next) // panics when it cannot be encoded
		}
		if decide() != decide() {
			t.Error("the same rows give two results")
		}
	})
}
