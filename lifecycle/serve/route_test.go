package serve

import (
	"fmt"
	"testing"

	"github.com/trimtab/trimtab"
)

// TestMurmur3 holds the hash to published values of MurmurHash3_x86_32 with seed 0.
func TestMurmur3(t *testing.T) {
	for text, want := range map[string]uint32{"": 0, "test": 0xba6bd213, "Hello, world!": 0xc0363e43, "The quick brown fox jumps over the lazy dog": 0x2e4ff723} {
		if got := murmur3([]byte(text)); got != want {
			t.Errorf("%q: %08x, want %08x", text, got, want)
		}
	}
}

// TestBucketsGrow: whoever is answered by the next version at one share is at every larger one; shares are met; another
// salt chooses others.
func TestBucketsGrow(t *testing.T) {
	const n = 20_000
	steps := []float64{0, 0.01, 0.05, 0.25, 0.5, 1}
	both := 0
	for _, step := range steps {
		count := 0
		for i := range n {
			id := fmt.Sprintf("order-%d/0", i)
			if Bucket("a", id) < parts(step) {
				count++
			}
			if step == 0.5 && Bucket("a", id) < parts(step) && Bucket("b", id) < parts(step) {
				both++
			}
		}
		// Five standard errors of a binomial share.
		if got := float64(count) / n; got < step-0.018 || got > step+0.018 {
			t.Errorf("share %v: %v", step, got)
		}
	}
	if got := float64(both) / n; got < 0.23 || got > 0.27 {
		t.Errorf("two salts agree on %v of the units, want a quarter", got)
	}
	for i := range n {
		b := Bucket("a", fmt.Sprint(i))
		in := false
		for _, step := range steps {
			if now := b < parts(step); in && !now {
				t.Fatalf("unit %d leaves at share %v", i, step)
			} else {
				in = now
			}
		}
		if !in {
			t.Fatalf("unit %d is not answered at share 1", i)
		}
	}
	for share, want := range map[float64]int{-1: 0, 0.00004: 0, 0.29: 2900, 0.07: 700, 2: Buckets} {
		if got := parts(share); got != want {
			t.Errorf("share %v: %d parts, want %d", share, got, want)
		}
	}
}

func TestStand(t *testing.T) {
	rollout := func(n int, from, to trimtab.Version, state trimtab.RolloutState, share float64) trimtab.Rollout {
		return trimtab.Rollout{ID: trimtab.RolloutID("e", n), From: from, To: to, State: state, Share: share}
	}
	for _, c := range []struct {
		name string
		k    known
		want string // stable next share spare
	}{
		{"nothing", known{}, "0 0 0 0"},
		{"the alias answers at once", known{alias: 3, serving: 1}, "3 0 0 0"},
		{"the first version answers at once", known{declared: true, alias: 3}, "3 0 0 0"},
		{"a moved alias waits for its rollout", known{declared: true, alias: 3, serving: 1}, "1 0 0 0"},
		{"a removed alias ends the service", known{declared: true, serving: 1}, "0 0 0 0"},
		{"shadow", known{declared: true, alias: 2, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutShadow, 0)}}, "1 2 0 0"},
		{"canary", known{declared: true, alias: 2, serving: 1, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutCanary, 0.25)}}, "1 2 0.25 0"},
		{"held keeps its share", known{declared: true, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutHeld, 0.25)}}, "1 2 0.25 0"},
		{"a rollout that nobody has declared", known{alias: 1, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutCanary, 0.5)}}, "1 2 0.5 0"},
		{"promoting", known{declared: true, alias: 1, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutPromoting, 1)}}, "2 0 0 1"},
		{"baking", known{declared: true, alias: 2, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutBaking, 1)}}, "2 0 0 1"},
		{"rolling back", known{declared: true, alias: 2, serving: 2, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutRolling, 0)}}, "1 0 0 0"},
		{"rolled back, the alias not yet", known{declared: true, alias: 2, serving: 2, rollout: "e.1", rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutRolledBack, 0)}}, "1 0 0 0"},
		{"promoted, missed between", known{declared: true, alias: 2, serving: 1, rollout: "e.1", rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutPromoted, 1)}}, "2 0 0 0"},
		{"promoted, after a restart without memory", known{declared: true, alias: 3, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutPromoted, 1)}}, "2 0 0 0"},
		{"what has ended long ago does not come back", known{declared: true, alias: 5, serving: 5, rollout: "e.1", ended: true, rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutPromoted, 1)}}, "5 0 0 0"},
		{"the newest counts, whatever the order", known{declared: true, rollouts: []trimtab.Rollout{rollout(9, 1, 2, trimtab.RolloutCanary, 1), rollout(10, 3, 4, trimtab.RolloutCanary, 0.5), rollout(2, 5, 6, trimtab.RolloutShadow, 0)}}, "3 4 0.5 0"},
		{"superseded before another is begun", known{declared: true, alias: 3, serving: 1, rollout: "e.1", rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutSuperseded, 0)}}, "1 0 0 0"},
		{"stopped", known{declared: true, alias: 2, aborted: "e.1", rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutCanary, 0.5)}}, "1 0 0 0"},
		{"stopped while baking", known{declared: true, alias: 2, aborted: "e.1", rollouts: []trimtab.Rollout{rollout(1, 1, 2, trimtab.RolloutBaking, 1)}}, "1 0 0 0"},
		{"another one is not stopped", known{declared: true, alias: 2, aborted: "e.1", rollouts: []trimtab.Rollout{rollout(2, 1, 2, trimtab.RolloutCanary, 0.5)}}, "1 2 0.5 0"},
		{"nothing before", known{declared: true, rollouts: []trimtab.Rollout{rollout(1, 0, 2, trimtab.RolloutCanary, 0.5)}}, "2 0 0 0"},
	} {
		s := c.k.stand()
		if got := fmt.Sprint(s.stable, s.next, s.share, s.spare); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
