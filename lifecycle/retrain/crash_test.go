package retrain_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

// above is a policy that retrains whenever the monitor measured a loss above a half.
func above(mode string) trimtab.RetrainPolicySpec {
	half := 0.5
	return trimtab.RetrainPolicySpec{Mode: mode, Strategy: "threshold", Threshold: &trimtab.ThresholdSpec{Metric: "log_loss", Above: &half, Windows: 1},
		Require: trimtab.RequireSpec{MinRows: 10, MinPositives: 1}, Horizon: trimtab.Duration(2 * 24 * time.Hour),
		Limits: trimtab.LoopLimits{Cooldown: trimtab.Duration(time.Hour), AfterRejection: 1, Failures: 1}}
}

var canary = &trimtab.RolloutSpec{Canary: &trimtab.CanarySpec{Steps: []float64{0.5}, Each: trimtab.Duration(24 * time.Hour)}}

// told is what a story must contain: that it tells what it is to tell.
type tale struct {
	story
	days int
	told []string
}

func stories() map[string]tale {
	costAware := above("auto")
	costAware.Strategy, costAware.Threshold = "cost-aware", nil
	costAware.Actions = []string{"recalibrate", "promoteOlder", "rollback"}
	costAware.Costs.MinGain = 0.001
	slow := above("auto")
	slow.AssumedDuration = trimtab.Duration(30 * time.Hour)
	return map[string]tale{
		"promoted": {story{spec: above("auto"), rollout: canary, loss: []float64{0.3, 0.9, 0.9}, shift: []float64{0, -2, -2, -2, -2, -2}}, 6,
			[]string{"retrain done", "decision.training", "decision.gating", "decision.rollout", `"realised":`, "decision.realised", "serves 2"}},
		"lost": {story{spec: above("auto"), loss: []float64{0.9, 0.9, 0.9, 0.9}, gate: []string{"fail"}, rolls: []string{"rolledBack", "promoted"}, train: []string{"b", "b", "a", "b"}}, 4,
			[]string{"retrain rejected: ", "| the gate: ", "rolledBack: as the story goes", "retrain done", "serves"}},
		"failed": {story{spec: above("auto"), loss: []float64{0.9, 0.9}, train: []string{"fails"},
			people: map[int]func(*life){2: func(l *life) {
				l.try(func() error { _, err := l.p.CloseBreaker(l.t.Context(), l.name, "the disk was full"); return err })
			}}}, 3,
			[]string{"retrain failed", "trainingFailed", "loopBroken", "exit code 1", "incident.close", "a person closes the breaker"}},
		"undone": {story{spec: above("auto"), loss: []float64{0.9}, rolls: []string{"undone"}}, 3,
			[]string{"retrain done", "rolledBack", `"rejections":1`, "policyState.rolledBack", "serves 1"}},
		"didNotHelp": {story{spec: above("auto"), loss: []float64{0.9, 0.3, 0.3, 0.3, 0.9}, shift: []float64{0, -2, -2, -2, -2, -2}, train: []string{"a", "b"}}, 5,
			[]string{"incident.open incident NAME.didNotHelp", "did not help"}},
		"cured": {story{spec: costAware, shift: []float64{0, -2, -2, -2, -2, 0, 0, 0, 0}, silent: []int{3}}, 9,
			[]string{"recalibrate done", "promoteOlder done", "the window has no labelled rows"}},
		"asked": {story{spec: above("approve"), loss: []float64{0.9, 0.3, 0.9}, gate: []string{"pass", "borderline"},
			human: func(l *life, n int) {
				id := l.decision()
				if n == 2 {
					l.try(func() error { _, err := l.p.Reject(l.t.Context(), id, "not on a Sunday"); return err })
					return
				}
				l.try(func() error { _, err := l.p.Approve(l.t.Context(), id, "go"); return err })
			}}, 4,
			[]string{"decision.approve", "decision.reject", "retrain done", "retrain rejected", "rejected by local: not on a Sunday", "NAME@20130304T060000, or reject it"}},
		"advised": {story{spec: above("advise"), loss: []float64{0.9, 0.9}, people: map[int]func(*life){1: func(l *life) {
			id := l.decision()
			l.try(func() error { _, err := l.p.Approve(l.t.Context(), id, "do it"); return err })
		}}}, 3, []string{"decision.advised", "retrain done", "decision.approve"}},
		"paused": {story{spec: above("auto"), loss: []float64{0.9, 0.9, 0.9}, paused: map[int]bool{0: true, 1: false},
			gate: []string{"pass"}}, 3, []string{"the loop is paused", "retrain done"}},
		"held": {story{spec: above("approve"), loss: []float64{0.9}, human: func(l *life, n int) {
			if n > 0 {
				l.pause(false)
				return
			}
			l.pause(true)
			id := l.decision()
			l.try(func() error { _, err := l.p.Approve(l.t.Context(), id, "go"); return err })
		}}, 2, []string{"retrain done", "maintenance: trimtab loop resume"}},
		"slow": {story{spec: slow, loss: []float64{0.9, 0.9, 0.9}}, 4, []string{"retrain done", "is being carried out", `"begun":"`}},
	}
}

func (w *world) live(name string, s tale, kill int, after bool) *life {
	w.t.Helper()
	l := w.born(name, s.story, kill, after)
	for range s.days {
		l.day()
	}
	return l
}

// TestKilledAnywhere kills the controller of policies at every point and before and
// after every effect, in stories that hold every kind of decision: what is decided, what
// the policy remembers, incidents, rollouts, journal, and what others were asked to do
// are the same as without a kill. By default each point of each story is taken where it
// comes first; with TRIMTAB_FULL set every effect, before and after.
func TestKilledAnywhere(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		all := os.Getenv("TRIMTAB_FULL") != ""
		seen := map[string]int{}
		for _, name := range slices.Sorted(maps.Keys(stories())) {
			s := stories()[name]
			whole := w.live("whole-"+name, s, 0, false)
			want := whole.told()
			for _, say := range s.told {
				if !strings.Contains(want, say) {
					t.Errorf("the story %s lacks %q:\n%s", name, say, want)
				}
			}
			first := map[string]bool{}
			for n := 1; n <= whole.calls; n++ {
				what := whole.effects[n-1]
				seen[what]++
				if !all && (first[what] || seen[what] > 3) {
					continue
				}
				first[what] = true
				for _, after := range []bool{false, true} {
					if after && !all && strings.HasPrefix(what, "point ") {
						continue // nothing happens there: after it is before it
					}
					l := w.live(fmt.Sprintf("%s-%d-%t", name, n, after), s, n, after)
					if l.kills != 1 {
						t.Fatalf("%s: effect %d was not reached", name, n)
					}
					if d := cmp.Diff(want, l.told()); d != "" {
						t.Fatalf("%s: killed at effect %d of %d, %s (after it: %t), the story differs:\n%s", name, n, whole.calls, what, after, d)
					}
				}
			}
		}
		for _, what := range []string{"train", "evaluate", "recalibrate", "begin", "settle", "decision", "policyState", "incident", "point decided", "point remembered",
			"point run started", "point run noted", "point evaluated", "point cure made", "point rollout begun", "point promotion remembered", "point loss remembered",
			"point rejection remembered", "point roll back remembered", "point breaker told", "point settled"} {
			if seen[what] == 0 {
				t.Errorf("no story comes through %q", what)
			}
		}
		t.Logf("effects: %v", seen)
	})
}
