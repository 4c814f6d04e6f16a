package retrain

import (
	"os"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestReplay: a recorded version stands in for the retrain of its moment and is measured, where there is none a probe is
// estimated, and what happened is counted from its decisions.
func TestReplay(t *testing.T) {
	build := func(recorded bool) Replayed {
		o := newWorld(11, 1000)
		o.turn = func(w int) float64 {
			if w >= 4 {
				return 1
			}
			return 0
		}
		windows := o.windows(12)
		length := windows[0].End - windows[0].Start
		r := &replayed{ctx: t.Context(), at: map[trimtab.Time]*logged{}, made: map[trimtab.Time]trimtab.Version{}, first: 1}
		r.pass = &pass{Policies: &Policies{}, declared: declared{place: place{name: "flights"}, task: Binary, window: windows[0].End.Sub(windows[0].Start)}}
		r.spec.Monitor = "quality"
		r.stream = Stream{Task: Binary, First: 1, Windows: []*Rows{{Start: windows[0].Start - length, End: windows[0].Start}}}
		trainer := BoostTrainer{Task: Binary, Trees: 60}
		for _, w := range windows {
			l := &logged{Rows: *w}
			l.Score = firstScores(w)
			l.Versions = map[trimtab.Version][]float64{1: l.Score}
			r.at[w.Start] = l
			plain := l.Rows
			plain.Versions = nil
			r.stream.Windows = append(r.stream.Windows, &plain)
		}
		for i, w := range windows {
			if !recorded || i < 5 {
				continue
			}
			p, err := trainer.Train(w.Start, windows[4:i])
			if err != nil {
				t.Fatal(err)
			}
			v := trimtab.Version(i)
			r.recorded = append(r.recorded, trimtab.Lineage{Version: v, Until: w.Start})
			for _, x := range windows {
				scores, err := p.Score(x)
				if err != nil {
					t.Fatal(err)
				}
				r.at[x.Start].Versions[v] = scores
			}
		}
		out := Replayed{Policy: "flights", Monitor: "quality", Endpoint: "flights", Task: Binary, From: windows[0].Start, To: windows[11].End, Windows: 12,
			Changes: []ReplayedChange{}, Happened: []ReplayedChange{}, Recorded: []trimtab.Version{}, First: 1}
		if err := r.walk(&out); err != nil {
			t.Fatal(err)
		}
		decision := func(w int, a trimtab.Action, state trimtab.DecisionState, realised float64) trimtab.Decision {
			return trimtab.Decision{Endpoint: "flights", At: windows[w].End, Action: a, State: state, Realised: &trimtab.Fact{Value: realised}}
		}
		r.tell(&out, []trimtab.Decision{ // the newest first
			decision(9, trimtab.DoRetrain, trimtab.DecisionRejected, 0),
			decision(7, trimtab.DoRecalibrate, trimtab.DecisionDone, -0.1),
			decision(6, trimtab.DoRetrain, trimtab.DecisionDone, 0.1),
			decision(5, trimtab.DoRetrain, trimtab.DecisionAdvised, 0),
			decision(3, trimtab.DoNothing, trimtab.DecisionNoted, 0),
		})
		return out
	}
	for name, recorded := range map[string]bool{"recorded": true, "estimated": false} {
		out := build(recorded)
		if d := out.Did; d.Retrains != 1 || d.Rejected != 1 || d.Recalibrations != 1 || d.FalseAlarms != 2 || d.Estimated != 0 {
			t.Errorf("%s: what happened: %+v", name, d)
		}
		if out.Saved == nil || out.Saved.Lo <= 0 || out.Would.Loss >= out.Did.Loss {
			t.Errorf("%s: a turned world is not cured: %+v", name, out)
		}
		if recorded && (out.Would.Estimated != 0 || len(out.Recorded) == 0) || !recorded && len(out.Recorded) != 0 {
			t.Errorf("%s: %.2f estimated, recorded %v", name, out.Would.Estimated, out.Recorded)
		}
		got, path := out.Text(), "testdata/replay/"+name+".txt"
		if *rewrite {
			_ = os.MkdirAll("testdata/replay", 0o755)
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != got {
			t.Errorf("%s differs (-rewrite writes it anew), %v:\n%s", path, err, got)
		}
	}
}
