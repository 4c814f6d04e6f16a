package serving_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
)

// rollout moves rollout flights.1 in the database; the first call begins it.
func (w *world) rollout(change func(r *trimtab.Rollout)) {
	w.t.Helper()
	_, err := w.db.Rollouts.Move(w.t.Context(), "flights.1", func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
		if old == nil {
			spec := trimtab.RolloutSpec{Canary: &trimtab.CanarySpec{Steps: []float64{0.5}, Key: "unit"}}
			r, c := trimtab.NewRollout("flights", 1, "flights", "champion", 1, 2, spec, "salt", "person", "test", 1)
			if change != nil {
				change(&r)
			}
			return r, c, nil
		}
		r := *old
		change(&r)
		return r, trimtab.Changed("rollout.moved", old, r, "test"), nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.serve.Reconcile(w.t.Context(), "default", "flights"); err != nil {
		w.t.Fatal(err)
	}
}

// TestRolloutOverHTTP: both protocols split the rows of a request among two versions and tell who answered.
func TestRolloutOverHTTP(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	spec := trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, Rollout: &trimtab.RolloutSpec{}}
	w.declare(trimtab.KindEndpoint, "flights", spec)
	first, second := w.register("flights", modelFiles(-1, 1, 2)), w.register("flights", modelFiles(-3, 3, 4))
	w.alias("flights", first)
	w.await("flights", first)
	low1, _, _ := predicted(t, -1, 1, 2)
	low2, _, _ := predicted(t, -3, 3, 4)

	var data, sizes, colours, units, want []string
	for i := range 12 {
		unit := fmt.Sprintf("u%d", i)
		data = append(data, fmt.Sprintf(`[0.1, "green", %q]`, unit))
		sizes, colours, units = append(sizes, "0.1"), append(colours, `"green"`), append(units, fmt.Sprintf("%q", unit))
		if serve.Bucket("salt", unit) < serve.Buckets/2 {
			want = append(want, number(low2))
		} else {
			want = append(want, number(low1))
		}
	}
	rows := `{"dataframe_split": {"columns": ["size", "colour", "unit"], "data": [` + strings.Join(data, ",") + `]}}`
	tensor := func(name, datatype string, values []string) string {
		return fmt.Sprintf(`{"name": %q, "shape": [%d], "datatype": %q, "data": [%s]}`, name, len(values), datatype, strings.Join(values, ","))
	}
	tensors := `{"inputs": [` + tensor("size", "FP64", sizes) + "," + tensor("colour", "BYTES", colours) + "," + tensor("unit", "BYTES", units) + `]}`
	header := func(r reply) string {
		return r.header.Get(serve.VersionHeader) + "|" + r.header.Get(serve.VariantHeader)
	}
	check := func(what string, r reply, body, head string) {
		t.Helper()
		if r.status != 200 || !strings.Contains(r.body, body) || header(r) != head {
			t.Errorf("%s: %d %s %s\nwant %s %s", what, r.status, header(r), r.body, head, body)
		}
	}
	const invocations, infer = "/endpoints/flights/invocations", "/v2/models/flights/infer"
	same := func(v float64, n int) string { return strings.TrimSuffix(strings.Repeat(number(v)+", ", n), ", ") }
	check("no rollout", w.post(invocations, "application/json", rows), "["+same(low1, 12)+"]", "1|")
	w.rollout(nil)
	check("invocations", w.post(invocations, "application/json", rows), "["+strings.Join(want, ", ")+"]", "1, 2|stable, canary")
	r := w.post(infer, "application/json", tensors)
	check("V2", r, "["+strings.Join(want, ",")+"]", "1, 2|stable, canary")
	if !strings.Contains(r.body, `"model_version":"1, 2"`) {
		t.Errorf("V2: %s", r.body)
	}
	check("V2 by number", w.post("/v2/models/flights/versions/1/infer", "application/json", tensors), "["+strings.ReplaceAll(same(low1, 12), ", ", ",")+"]", "1|pinned")
	w.rollout(func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutBaking, 1 })
	check("baking", w.post(invocations, "application/json", rows), "["+same(low2, 12)+"]", fmt.Sprintf("%d|stable", second))
	if err := w.serve.Abort("default", "flights"); err != nil {
		t.Fatal(err)
	}
	check("stopped", w.post(invocations, "application/json", rows), "["+same(low1, 12)+"]", fmt.Sprintf("%d|stable", first))
}

// TestRolloutFailsNoRequest: whatever stage comes while requests are on their way, each is answered by one version or
// the other, in whole rows.
func TestRolloutFailsNoRequest(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.declare(trimtab.KindEndpoint, "flights", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, Rollout: &trimtab.RolloutSpec{}})
	w.register("flights", modelFiles(-1, 1, 2))
	w.register("flights", modelFiles(-3, 3, 4))
	w.alias("flights", 1)
	w.await("flights", 1)
	low1, _, _ := predicted(t, -1, 1, 2)
	low2, _, _ := predicted(t, -3, 3, 4)
	var stop atomic.Bool
	var group sync.WaitGroup
	for g := range 3 {
		group.Go(func() {
			for i := 0; !stop.Load(); i++ {
				r := w.post("/endpoints/flights/invocations", "application/json",
					fmt.Sprintf(`{"dataframe_split": {"columns": ["size", "colour", "unit"], "data": [[0.1, "green", "a%d"], [0.1, "green", "b%d"]]}}`, i, g))
				rest := strings.NewReplacer(number(low1), "", number(low2), "").Replace(r.body)
				if r.status != 200 || rest != `{"predictions": [, ]}` {
					t.Errorf("%d %s", r.status, r.body)
					return
				}
			}
		})
	}
	w.rollout(func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutShadow, 0 })
	for i := range 30 {
		w.rollout(func(r *trimtab.Rollout) { r.State, r.Step, r.Share = trimtab.RolloutCanary, i, float64(i%4)/3 })
		if i%10 == 9 {
			w.rollout(func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutBaking, 1 })
		}
		if i == 20 {
			_ = w.serve.Abort("default", "flights")
		}
	}
	w.rollout(func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutRolledBack, 0 })
	stop.Store(true)
	group.Wait()
}
