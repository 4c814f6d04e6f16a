package view

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

const day1 = trimtab.Time(86_400_000)

func staged() trimtab.Rollout {
	return trimtab.Rollout{ID: "e.3", Endpoint: "e", Model: "m", Alias: "champion", From: 1, To: 2, Origin: "policy", Cause: "p@20130427T000000", Begun: day1, Since: day1,
		Spec: trimtab.RolloutSpec{Shadow: &trimtab.ShadowSpec{For: trimtab.Duration(86_400_000_000_000)}, Canary: &trimtab.CanarySpec{Steps: []float64{0.2, 0.5}, Each: trimtab.Duration(86_400_000_000_000)}, Bake: trimtab.Duration(7 * 86_400_000_000_000), Confidence: 0.95}}
}

func looks(stage string, at ...trimtab.Time) (out []trimtab.Look) {
	for _, t := range at {
		out = append(out, trimtab.Look{At: t, Stage: stage, Test: "loss", N: int64(t), Verdict: "hold"})
	}
	return out
}

// states writes the steps as "shadow done; canary 1 of 2 now".
func states(p RolloutPage) string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.Name+" "+s.State)
	}
	return strings.Join(out, "; ")
}

func TestStepsOfARollout(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*trimtab.Rollout)
		want string
	}{
		{"begun", func(r *trimtab.Rollout) { r.State = trimtab.RolloutShadow },
			"shadow now; canary 1 of 2 next; canary 2 of 2 next; baking next; promoted next"},
		{"second step of the canary", func(r *trimtab.Rollout) {
			r.State, r.Step, r.Share = trimtab.RolloutCanary, 1, 0.5
			r.Looks = append(looks("shadow", 2*day1), looks("canary 1 of 2", 3*day1)...)
		}, "shadow done; canary 1 of 2 done; canary 2 of 2 now; baking next; promoted next"},
		{"held in the canary", func(r *trimtab.Rollout) {
			r.State, r.Share = trimtab.RolloutHeld, 0.2
			r.Looks = looks("shadow", 2*day1)
		}, "shadow done; canary 1 of 2 now; canary 2 of 2 next; baking next; promoted next"},
		{"rolled back from the canary", func(r *trimtab.Rollout) {
			r.State, r.Ended = trimtab.RolloutRolledBack, 4*day1
			r.Looks = append(looks("shadow", 2*day1), looks("canary 1 of 2", 4*day1)...)
		}, "shadow done; canary 1 of 2 stopped; canary 2 of 2 next; baking next; promoted next"},
		{"promoted by a person out of the shadow", func(r *trimtab.Rollout) {
			r.State, r.Promoted = trimtab.RolloutBaking, 2*day1
			r.Looks = looks("shadow", 2*day1)
		}, "shadow done; canary 1 of 2 skipped; canary 2 of 2 skipped; baking now; promoted next"},
		{"promoted for good", func(r *trimtab.Rollout) {
			r.State, r.Promoted, r.Ended = trimtab.RolloutPromoted, 4*day1, 11*day1
			r.Looks = append(append(looks("shadow", 2*day1), looks("canary 1 of 2", 3*day1)...), append(looks("canary 2 of 2", 4*day1), looks("baking", 11*day1)...)...)
		}, "shadow done; canary 1 of 2 done; canary 2 of 2 done; baking done; promoted done"},
		{"superseded before the first look", func(r *trimtab.Rollout) { r.State, r.Ended = trimtab.RolloutSuperseded, 2*day1 },
			"shadow stopped; canary 1 of 2 next; canary 2 of 2 next; baking next; promoted next"},
	} {
		r := staged()
		c.edit(&r)
		if got := states(RolloutPageOf(RolloutFacts{Rollout: r, All: true})); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestStepsBeginWhereTheOnesBeforeEnd(t *testing.T) {
	r := staged()
	r.State, r.Promoted, r.Ended = trimtab.RolloutPromoted, 4*day1, 11*day1
	r.Looks = append(append(looks("shadow", 2*day1), looks("canary 1 of 2", 3*day1)...), append(looks("canary 2 of 2", 4*day1), looks("baking", 11*day1)...)...)
	want := [][2]trimtab.Time{{day1, 2 * day1}, {2 * day1, 3 * day1}, {3 * day1, 4 * day1}, {4 * day1, 11 * day1}, {11 * day1, 0}}
	for i, s := range RolloutPageOf(RolloutFacts{Rollout: r}).Steps {
		if s.From != want[i][0] || s.To != want[i][1] {
			t.Errorf("%s: %s to %s, want %s to %s", s.Name, s.From, s.To, want[i][0], want[i][1])
		}
	}
}

// Every look comes from the journal; what only the record has is shown and said to be partial.
func TestLooksComeFromTheJournal(t *testing.T) {
	r := staged()
	r.State = trimtab.RolloutShadow
	r.Looks = looks("shadow", 3*day1)
	entry := func(index int64, all []trimtab.Look) trimtab.Entry {
		e := trimtab.Entry{Change: trimtab.Change{Action: "rollout.look"}, Index: index}
		if all != nil {
			e.Data, _ = json.Marshal(all)
		}
		return e
	}
	entries := []trimtab.Entry{entry(9, looks("shadow", 3*day1)), entry(7, looks("shadow", 2*day1)), {Change: trimtab.Change{Action: "rollout.begin"}, Index: 5}}
	p := RolloutPageOf(RolloutFacts{Rollout: r, Entries: entries, All: true})
	if len(p.Looks) != 2 || p.Looks[0].Entry != 7 || p.Looks[1].Entry != 9 || !p.EveryLook {
		t.Errorf("every look: %+v, %v", p.Looks, p.EveryLook)
	}
	if p.Rollout.Decision != "p@20130427T000000" || len(p.Entries) != 3 || p.Entries[0].Index != 9 {
		t.Errorf("page %+v", p)
	}
	entries[0].Data = nil // of a server that did not keep them
	if p := RolloutPageOf(RolloutFacts{Rollout: r, Entries: entries, All: true}); len(p.Looks) != 2 || p.EveryLook || p.Looks[1].Entry != 0 {
		t.Errorf("partly: %+v, %v", p.Looks, p.EveryLook)
	}
	if p := RolloutPageOf(RolloutFacts{Rollout: r, Entries: entries[1:], All: false}); p.EveryLook {
		t.Error("older entries were not read, and it says that it has every look")
	}
}

func TestVersionsOfARollout(t *testing.T) {
	r := staged()
	r.Ended = 5 * day1
	window := func(start trimtab.Time, loss float64) trimtab.WindowResult {
		return trimtab.WindowResult{Start: start, End: start + day1, Scores: []trimtab.VersionLoss{{Version: 1, Rows: 100, Loss: loss}, {Version: 2, Rows: 300, Loss: loss / 2}}}
	}
	got := VersionsOf(r, "m", []trimtab.WindowResult{window(0, 9), window(day1, 1), window(2*day1, 3), window(5*day1, 9)})
	if len(got) != 2 || got[0].Rows != 200 || got[0].Loss != 2 || got[1].Rows != 600 || got[1].Loss != 1 || got[1].Role != "new" {
		t.Errorf("%+v", got)
	}
	if got := VersionsOf(r, "", nil); got[0].Rows != 0 || got[0].Loss == got[0].Loss {
		t.Errorf("without windows: %+v", got)
	}
}
