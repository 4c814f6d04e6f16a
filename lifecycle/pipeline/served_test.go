package pipeline_test

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/storage/traffic"
)

// TestNewTrafficIsANewSnapshot runs a step over what an endpoint served: the same
// again is taken from the cache, and a row more is another snapshot.
func TestNewTrafficIsANewSnapshot(t *testing.T) {
	w := newWorld(t, "")
	store, err := traffic.Open(traffic.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	data := dataset.New(dataset.Config{Blobs: w.blobs, Sources: w.db.Resources, Snapshots: w.db.Snapshots, Traffic: store})
	e, err := w.engine(nil, func(c *pipeline.Config) { c.Datasets = data })
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	for kind, spec := range map[string]any{trimtab.KindEndpoint: trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}},
		trimtab.KindDataSource: trimtab.SourceSpec{Endpoint: "e", Key: []string{"id"}, EventTime: "at"}} {
		if err := w.declare(t.Context(), kind, "e", spec); err != nil {
			t.Fatal(err)
		}
	}
	log, err := store.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: "e"})
	if err != nil {
		t.Fatal(err)
	}
	serve := func(id string, at trimtab.Time) {
		t.Helper()
		if _, err := log.Append(t.Context(), &traffic.Batch{IDs: []string{id}, EventTimes: []trimtab.Time{at}, OutputNames: []string{"p"}, Outputs: []float64{1}}); err != nil {
			t.Fatal(err)
		}
	}
	spec := trimtab.PipelineSpec{Steps: []trimtab.StepSpec{{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "e", AsOf: "2013-01-10"}}}}
	asOf, err := trimtab.ParseTime("2013-01-10")
	if err != nil {
		t.Fatal(err)
	}
	run := func(state trimtab.StepState, reason string) trimtab.PipelineRun {
		t.Helper()
		r := w.start(t, e, spec, pipeline.StartOptions{})
		r = w.ended(t, r.ID)
		if s := stepNamed(r, "data"); s.State != state || !strings.HasPrefix(s.Reason, reason) {
			t.Fatalf("want %s %q: %s", state, reason, describe(r))
		}
		return r
	}
	run(trimtab.StepFailed, `no row of DataSource "e" is left`)
	serve("a", asOf-2)
	run(trimtab.StepSucceeded, "1 rows of e")
	serve("later", asOf)
	run(trimtab.StepCached, "the same as")
	serve("b", asOf-1)
	last := run(trimtab.StepSucceeded, "2 rows of e")
	x, err := e.Explain(t.Context(), last.ID, "data")
	if err != nil || len(x.Differs) != 1 || x.Differs[0].Part != "served" {
		t.Errorf("explained as %+v, %v", x, err)
	}
	w.verified(t)
}
