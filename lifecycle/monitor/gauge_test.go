package monitor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
)

// TestGauges shows the newest windows, also after a restart.
func TestGauges(t *testing.T) {
	w := calm(t, 6)
	w.tell("ep", loopSpec, 0)
	m := monitor.New(w.cfg)
	if err := m.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Reconcile(t.Context(), trimtab.DefaultWorkspace, "ep"); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, x := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "trimtab_monitor_")
			for _, l := range x.GetLabel() {
				if !slices.Contains([]string{"project", "monitor"}, l.GetName()) {
					name += " " + l.GetValue()
				}
			}
			got[name] = x.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{"rows": 288, "labelled_rows": 288, "held_rows": 0, "drifting temp": 0, "window_end_seconds": float64(began+6*dayMS) / 1000, "label_age_seconds": 12 * 3600} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for _, name := range []string{"quality auc", "expected_quality auc", "drift_psi score"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

// TestBlocksOfAPolicy groups the gains by the column that a policy names.
func TestBlocksOfAPolicy(t *testing.T) {
	w := calm(t, 2)
	if err := w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace,
		Kind: trimtab.KindRetrainPolicy, Name: "p", Spec: encode(t, trimtab.RetrainPolicySpec{Monitor: "ep", Block: "place"})}}}); err != nil {
		t.Fatal(err)
	}
	got, _ := w.tell("ep", loopSpec, 0)
	for _, s := range got.Windows[0].Scores {
		n := 0.0
		for _, b := range s.Blocks {
			n += b.N
		}
		if len(s.Blocks) < 2 || n != 288 { // two of three places may share one of 32 blocks
			t.Errorf("%+v", s)
		}
	}
}
