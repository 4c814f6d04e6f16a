package retrain_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
)

func sqlite(t *testing.T) *world { return newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")) }

// decisions are those of a policy, the oldest first, as "action state".
func (w *world) decisions(policy string) (out []string) {
	w.t.Helper()
	all, err := w.db.Decisions.List(w.t.Context(), trimtab.DocumentQuery{Scope: policy})
	w.must(err)
	for i := len(all) - 1; i >= 0; i-- {
		out = append(out, string(all[i].Action)+" "+string(all[i].State))
	}
	return out
}

func (w *world) expect(policy string, want ...string) {
	w.t.Helper()
	if got := w.decisions(policy); strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("decisions %q, want %q", got, want)
	}
}

// TestNoLabels: a window without any label witnesses nothing, and stops nothing.
func TestNoLabels(t *testing.T) {
	w := sqlite(t)
	l := w.live("e", tale{story: story{spec: above("advise"), silent: []int{0, 1}}, days: 3}, 0, false)
	l.expect("e", "nothing noted", "nothing noted", "nothing noted")
}

// TestServedVersionCannotBeScored: what it answered itself is all that counts.
func TestServedVersionCannotBeScored(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("auto"), loss: []float64{0.9}}, 0, false)
	l.day()
	l.unable[2] = true
	if l.serves() != 2 {
		t.Fatalf("version %d serves", l.serves())
	}
	// The rows of the next day were answered by version 1, for the data plane was late.
	l.late = 1
	l.day()
	l.late = 0
	l.unable = map[trimtab.Version]bool{}
	l.day()
	l.expect("e", "retrain done", "nothing noted", "nothing noted")
}

// TestNewestOfManyDecides: a policy that is declared late gathers evidence from what has
// passed, and acts on what is.
func TestNewestOfManyDecides(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("auto"), loss: []float64{0.9, 0.9, 0.9}}, 0, false)
	l.asleep = true
	l.day()
	l.day()
	l.asleep = false
	l.day()
	l.expect("e", "nothing noted", "nothing noted", "retrain done")
}

// TestDeletedPolicyLeavesNothingOpen: its decision ends, and a policy of the same name begins with none.
func TestDeletedPolicyLeavesNothingOpen(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("approve"), loss: []float64{0.9}}, 0, false)
	l.asleep = true
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "retrain awaiting")
	r, err := w.db.Resources.Get(t.Context(), trimtab.KindRetrainPolicy, "e")
	w.must(err)
	w.must(w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.DeleteVerb, Resource: r}}))
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "retrain cancelled")
}

// TestMovedPolicyBeginsAnew: what was decided for another endpoint is given up and what
// was gathered there is forgotten.
func TestMovedPolicyBeginsAnew(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("approve"), loss: []float64{0.3, 0.9}}, 0, false)
	l.asleep = true
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "nothing noted", "retrain awaiting")
	o := w.born("other", story{spec: above("advise")}, 0, false)
	spec := above("approve")
	spec.Monitor, spec.Pipeline = "other", "train"
	w.apply(trimtab.UpdateVerb, trimtab.KindRetrainPolicy, "e", spec)
	o.asleep = true
	o.day()
	w.must(o.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	o.expect("e", "nothing noted", "retrain cancelled")
	st, err := w.db.Policies.Get(t.Context(), "e")
	w.must(err)
	if st.Served != 0 || st.Gains != nil || st.Windows != 0 || st.Through == 0 {
		t.Errorf("the policy remembers %+v", st)
	}
}

// TestTwoPoliciesOfOneEndpoint: they decide in the order of their names, whichever is
// looked at first, and the second sees what the first has under way.
func TestTwoPoliciesOfOneEndpoint(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("auto"), loss: []float64{0.9}}, 0, false)
	second := above("auto")
	second.Monitor, second.Pipeline = "e", "train"
	w.apply(trimtab.CreateVerb, trimtab.KindRetrainPolicy, "f", second)
	l.asleep = true
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "f"))
	l.expect("f")
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "retrain training")
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "f"))
	l.expect("f") // the first is not through
	l.settled(l.mark())
	l.expect("e", "retrain done")
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "f"))
	l.expect("f", "retrain training") // it has its own bound, and nothing is under way any more
}

// TestAnotherVersionServesMeanwhile: a decision about a version that does not serve any
// more is given up before anything is begun, and no pipeline is blamed.
func TestAnotherVersionServesMeanwhile(t *testing.T) {
	w := sqlite(t)
	l := w.born("e", story{spec: above("approve"), loss: []float64{0.9}}, 0, false)
	l.asleep = true
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	_, err := l.p.Approve(t.Context(), l.decision(), "")
	w.must(err)
	l.alias = l.add("b", retrain.Identity, began, 0)
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "retrain cancelled")
	if len(l.runs) != 0 {
		t.Errorf("runs %v", l.runs)
	}
	incidents, err := w.db.Incidents.List(t.Context(), trimtab.DocumentQuery{})
	w.must(err)
	if len(incidents) != 0 {
		t.Errorf("incidents %v", incidents)
	}
}

// TestClockGoesOn: by the clock, windows that mature while a decision waits for a person
// are noted; after the person's word the newest decides.
func TestClockGoesOn(t *testing.T) {
	w := sqlite(t)
	s := story{spec: above("approve"), loss: []float64{0.9, 0.9, 0.9, 0.9}}
	l := w.bornToTheClock("e", s)
	for range 3 {
		l.day()
		w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	}
	l.expect("e", "retrain awaiting", "nothing noted", "nothing noted")
	if x := l.settlement(); x.Wait != trimtab.WaitHuman || x.Through != 0 {
		t.Errorf("settled %+v", x)
	}
	_, err := l.p.Reject(t.Context(), l.decision(), "not now")
	w.must(err)
	l.day()
	w.must(l.p.Reconcile(t.Context(), trimtab.DefaultWorkspace, "e"))
	l.expect("e", "retrain rejected", "nothing noted", "nothing noted", "retrain awaiting")
}

// TestBorderOfATraining: a training takes its assumed duration of event time.
func TestBorderOfATraining(t *testing.T) {
	w := sqlite(t)
	spec := above("auto")
	spec.AssumedDuration = trimtab.Duration(30 * time.Hour)
	l := w.born("e", story{spec: spec, loss: []float64{0.9}}, 0, false)
	l.day()
	w.must(l.p.Resync(t.Context()))
	got, err := l.p.Border(t.Context(), trimtab.DefaultWorkspace, "e", l.mark())
	w.must(err)
	if want := l.mark() + 30*hour; got != want {
		t.Errorf("border %s, want %s", got, want)
	}
	if l.serves() != 1 {
		t.Errorf("version %d serves before", l.serves())
	}
}
