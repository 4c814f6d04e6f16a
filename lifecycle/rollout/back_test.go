package rollout

import (
	"testing"

	"github.com/trimtab/trimtab"
)

// TestGoingBackMayDiffer lets a rollout to an older version decide differently, unless the labels say that it is worse.
func TestGoingBackMayDiffer(t *testing.T) {
	differs := trimtab.Look{Test: "disagreement", Verdict: RollBack}
	for _, c := range []struct {
		known standing
		back  bool
		want  string
	}{
		{unknown, false, RollBack}, {unknown, true, Watch},
		{within, true, Watch}, {within, false, Inconclusive},
		{beyond, true, RollBack}, {likely, true, RollBack}, {better, false, Watch},
	} {
		if got := excuse(differs, trimtab.Look{Verdict: Watch}, c.known, c.back).Verdict; got != c.want {
			t.Errorf("standing %d, back %v: %s, want %s", c.known, c.back, got, c.want)
		}
	}
}
