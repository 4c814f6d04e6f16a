package monitor_test

import (
	"context"
	"iter"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/storage/traffic"
)

// judge counts the windows that contracts are asked about.
type judge struct{ windows []trimtab.ContractWindow }

func (j *judge) Judge(_ context.Context, w trimtab.ContractWindow, rows iter.Seq2[*traffic.Rows, error]) ([]trimtab.ContractResult, error) {
	n := int64(0)
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		n += int64(r.Len())
	}
	w.Quarantined += 1000 * n // shows that rows came
	j.windows = append(j.windows, w)
	return nil, nil
}

// TestSeveralMonitors has two monitors of one endpoint: one of them diagnoses and asks the contracts, both leave held
// rows out, and it does not matter which comes first at a border.
func TestSeveralMonitors(t *testing.T) {
	type result struct {
		Day, Two  []trimtab.WindowResult
		Incidents []trimtab.Incident
		Judged    []trimtab.ContractWindow
	}
	tell := func(order ...string) (out result) {
		w := newLoopWorld(newWorld(t, filepath.Join(t.TempDir(), "trimtab.db")))
		w.declare("ep", loopSpec)
		spec := loopSpec
		spec.Endpoint, spec.Window = "ep", "2d"
		if err := w.db.Resources.Apply(t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace,
			Kind: trimtab.KindMonitor, Name: "a", Spec: encode(t, spec)}}}); err != nil {
			t.Fatal(err)
		}
		j := &judge{}
		w.cfg.Contracts = j
		m := monitor.New(w.cfg)
		for from := began; from < w.until; from += dayMS / 2 {
			w.deliver("ep", w.rows, from, from+dayMS/2)
			w.advance("ep", from+dayMS/2)
			for _, name := range order {
				if err := m.Reconcile(t.Context(), trimtab.DefaultWorkspace, name); err != nil {
					t.Fatal(err)
				}
			}
		}
		out.Day, out.Two, out.Judged = w.windows("ep"), w.windows("a"), j.windows
		var err error
		if out.Incidents, err = w.db.Incidents.List(t.Context(), trimtab.DocumentQuery{Scope: "ep"}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := tell("ep", "a")
	if d := cmp.Diff(got, tell("a", "ep")); d != "" {
		t.Errorf("the order shows:\n%s", d)
	}
	f := told{Incidents: got.Incidents}.only(t, trimtab.DataFault)
	if f.Monitor != "ep" || f.Begin != faultBegin || f.End != faultEnd {
		t.Errorf("%+v", f)
	}
	if len(got.Judged) != 8 || got.Judged[3].Quarantined != 288_001 || got.Judged[3].At != got.Judged[3].End || len(got.Judged[3].History) != 3 || got.Judged[3].History[0] != 288 {
		t.Errorf("%+v", got.Judged)
	}
	held := int64(0)
	for _, x := range got.Two {
		held += x.Held
	}
	// The wider windows close when the fault has been known for long: all of its rows are left out.
	if want := int64(faultEnd-faultBegin) / int64(dayMS/288); held != want {
		t.Errorf("%d rows held, want %d", held, want)
	}
}
