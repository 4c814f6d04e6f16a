package serving_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
)

// TestDriven takes the replay lease by hand and checks what an endpoint takes with it and without.
func TestDriven(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.declare(trimtab.KindEndpoint, "flights", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, MaxSkew: trimtab.Duration(24 * time.Hour)})
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	move := func(rule func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) trimtab.EndpointState {
		t.Helper()
		s, err := w.db.Endpoints.Move(t.Context(), "flights", rule)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	lease := func() string {
		return strconv.FormatInt(move(func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
			return s.AcquireLease("test", trimtab.SystemClock(), time.Minute)
		}).Fence, 10)
	}
	first := lease()
	row := func(id, at string) string {
		return fmt.Sprintf(`{"dataframe_split":{"columns":["size","colour","trimtab.request_id","trimtab.event_time"],"data":[[0.1,"red","%s","%s"]]}}`, id, at)
	}
	send := func(name, path, body, fence string, status int, want string) {
		t.Helper()
		var header []string
		if fence != "" {
			header = []string{"Trimtab-Replay-Fence", fence}
		}
		if r := w.post("/endpoints/flights/"+path, "application/json", body, header...); r.status != status || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s; want %d %s", name, r.status, r.body, status, want)
		}
	}
	// The data plane need not have heard of the lease: a request that bears it makes it look.
	send("with the lease", "invocations", row("a", "2013-03-01T00:00:00Z"), first, 200, "predictions")
	send("without", "invocations", row("b", "2013-03-01T00:00:00Z"), "", 409, "driven by replay")
	send("no event time", "invocations", `{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"red"]]}}`, first, 400, "needs event times")
	send("labels with the lease", "labels", `{"ids":["a"],"values":[1],"known_ats":[1362200000000]}`, first, 200, `"matched":1`)
	send("labels without", "labels", `[{"id":"a","value":1}]`, "", 409, "being replayed by test")
	second := lease()
	send("an older lease after the newer is known", "invocations", row("c", "2013-03-02T00:00:00Z"), second, 200, "predictions")
	send("an older lease", "invocations", row("d", "2013-03-02T00:00:00Z"), first, 409, "is lost")
	send("labels of an older lease", "labels", `[{"id":"a","value":1}]`, first, 409, "is lost")
	moved := move(func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.Advance(s.Fence, march+24*3600*1000)
	})
	w.serve.Refresh(moved)
	send("late", "invocations", row("e", "2013-03-01T12:00:00Z"), second, 200, "predictions")
	send("beyond the skew of the watermark", "invocations", row("f", "2013-03-03T00:00:00.001Z"), second, 400, "too far ahead of the watermark")
	if j := joined(t, w, "flights"); len(j) != 3 || j["a"].Late || j["c"].Late || !j["e"].Late || j["a"].EventTime != march {
		t.Errorf("logged: %+v", j)
	}
	w.serve.Refresh(move(func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.ReleaseLease(s.Fence)
	}))
	send("after the release", "invocations", row("g", "2013-03-02T00:00:00Z"), second, 409, "is lost")
	send("labels after the release", "labels", `[{"id":"c","value":1}]`, "", 200, `"matched":1`)

	all, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "cause" || l.GetName() == "reason" || l.GetName() == "match" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"trimtab_endpoint_requests_total":       8,
		"trimtab_endpoint_request_seconds":      8,
		"trimtab_endpoint_rows_total":           3,
		"trimtab_endpoint_errors_total invalid": 2,
		"trimtab_endpoint_errors_total refused": 3,
		"trimtab_endpoint_errors_total failed":  0,
		"trimtab_endpoint_refused_total driven": 1,
		"trimtab_endpoint_refused_total fence":  2,
		"trimtab_endpoint_refused_total skew":   1,
		"trimtab_endpoint_labels_total matched": 2,
		"trimtab_traffic_rows":                  3,
		"trimtab_traffic_labels":                2,
		"trimtab_traffic_late_total":            1,
		"trimtab_traffic_dropped_total":         0,
		"trimtab_endpoint_watermark_seconds":    float64(march)/1000 + 24*3600,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
	}
}
