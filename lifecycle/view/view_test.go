package view

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trimtab/trimtab"
)

// Every view keeps all of its noun and what it adds, there and back.
func TestViewsRoundTrip(t *testing.T) {
	run := OfRun(trimtab.Run{Workspace: "default", ID: "r", Experiment: "1", Name: "n", Status: trimtab.RunFinished, Lifecycle: trimtab.Active,
		Params: map[string]string{"a": "1"}, Tags: map[string]string{"t": "2"}, Metrics: []trimtab.Metric{{Key: "auc", Value: 0.25, Step: 3, Time: 9}}}, "flights")
	run.Run.Params, run.Run.Tags, run.Run.Metrics = nil, nil, nil
	pipeline := OfPipelineRun(trimtab.PipelineRun{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineRunning, Spec: json.RawMessage(`{}`), Steps: []trimtab.Step{{Name: "a", State: trimtab.StepRunning, Attempt: 1}}})
	pipeline.PipelineRun.Steps = nil
	pipeline.Steps[0].Attempts = []trimtab.Attempt{{Run: "pr-1", Step: "a", N: 1, State: trimtab.AttemptRunning}}
	resource := OfResource(trimtab.Resource{Kind: "Model", Name: "m", Spec: json.RawMessage(`{}`), Updated: 7, Status: json.RawMessage(`{"ready":true}`)})
	resource.Resource.Updated, resource.Resource.Status = 0, nil
	replay := OfReplay(trimtab.Replay{ID: "rp-1", State: "running", Position: 5, Rows: 6, Labels: 7, Failed: 8})
	replay.Replay.Position, replay.Replay.Rows, replay.Replay.Labels, replay.Replay.Failed = 0, 0, 0, 0
	for name, pair := range map[string][2]any{
		"run":      {run, &Run{}},
		"pipeline": {pipeline, &PipelineRun{}},
		"resource": {resource, &Resource{}},
		"replay":   {replay, &Replay{}},
	} {
		raw, err := json.Marshal(pair[0])
		if err != nil {
			t.Fatal(name, err)
		}
		if err := json.Unmarshal(raw, pair[1]); err != nil {
			t.Fatal(name, err)
		}
		again, _ := json.Marshal(pair[1])
		if diff := cmp.Diff(string(raw), string(again)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, f := range []float64{0, -1.5, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)} {
		raw, err := json.Marshal(Number(f))
		if err != nil {
			t.Fatal(err)
		}
		var back Number
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if !cmp.Equal(f, float64(back), cmpopts.EquateNaNs()) {
			t.Errorf("%v became %v by %s", f, back, raw)
		}
	}
	var n Number
	if json.Unmarshal([]byte(`"many"`), &n) == nil {
		t.Error("a word was taken for a number")
	}
}

func TestFigure(t *testing.T) {
	var q struct{ A, B Figure }
	if err := json.Unmarshal([]byte(`{"A":null,"B":0.5}`), &q); err != nil || q.A == q.A || q.B != .5 {
		t.Errorf("%+v %v", q, err)
	}
	if b, err := json.Marshal(q); err != nil || string(b) != `{"A":null,"B":0.5}` {
		t.Errorf("%s", b)
	}
}
