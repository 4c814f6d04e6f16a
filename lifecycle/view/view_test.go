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

func TestJudge(t *testing.T) {
	month := func(labelled int64, reason string) []trimtab.WindowResult {
		return []trimtab.WindowResult{{Start: 1362096000000, End: 1364774400000, Rows: 100, Labelled: labelled, Reason: reason}}
	}
	for name, tc := range map[string]struct {
		give Summary
		want []string
	}{
		"quiet": {Summary{Endpoints: []Endpoint{{Name: "e", Version: 1, Conditions: []trimtab.Condition{{Type: "Ready", Status: true}}}},
			Monitors: []SummaryMonitor{{Name: "m", Window: "month", Recent: month(90, "")}}}, nil},
		"no version": {Summary{Endpoints: []Endpoint{{Name: "e", Model: "m", Alias: "champion"}}},
			[]string{"critical endpoint/e: answers 503: alias champion of model m points to no version"}},
		"failed to load": {Summary{Endpoints: []Endpoint{{Name: "e", Model: "m", Alias: "champion", Conditions: []trimtab.Condition{{Type: "Ready", Message: "x"}, {Type: "Loaded", Message: "flavor sklearn is not served natively"}}}}},
			[]string{"critical endpoint/e: the version that m@champion points to cannot be loaded: flavor sklearn is not served natively"}},
		"other condition": {Summary{Endpoints: []Endpoint{{Name: "e", Version: 1, Conditions: []trimtab.Condition{{Type: "Ready", Status: true}, {Type: "Loaded", Status: true}, {Type: "LogFull", Status: true, Reason: "disk"}}}}},
			[]string{"critical endpoint/e: LogFull: disk"}},
		"dropped": {Summary{Endpoints: []Endpoint{{Name: "e", Version: 1, Counts: map[string]int64{"dropped": 3}}}},
			[]string{"warning endpoint/e: 3 predictions were answered and not logged: the queue of the log was full"}},
		"human": {Summary{Endpoints: []Endpoint{{Name: "e", Version: 1, Settled: []trimtab.Settlement{{Listener: "rollout", Wait: trimtab.WaitHuman, Detail: "trimtab approve x"}}}}},
			[]string{"critical endpoint/e: rollout waits for a decision"}},
		"no labels": {Summary{Monitors: []SummaryMonitor{{Name: "m", Endpoint: "e", Window: "month", Recent: month(0, "no labels")}}},
			[]string{"warning monitor/m: window 2013-03 has 100 predictions and no label"}},
		"no quality": {Summary{Monitors: []SummaryMonitor{{Name: "m", Window: "month", Recent: month(5, "only one class")}}},
			[]string{"warning monitor/m: window 2013-03 has no quality: only one class"}},
		"failed pipeline and replay": {Summary{
			Replays:   []Replay{{Replay: trimtab.Replay{ID: "rp-1", Endpoint: "e", Source: "s", State: "failed", Reason: "lost"}}},
			Pipelines: []SummaryPipeline{{Name: "p", Last: &PipelineRun{PipelineRun: trimtab.PipelineRun{ID: "pr-1", State: trimtab.PipelineFailed, Reason: "step a: exit 1"}}}, {Name: "q"}}},
			[]string{"critical pipeline/p: its last run failed: step a: exit 1", "critical replay/rp-1: failed at its start: lost"}},
	} {
		var got []string
		for _, a := range tc.give.Judge().Attention {
			got = append(got, string(a.Level)+" "+a.Subject+": "+a.Text)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
