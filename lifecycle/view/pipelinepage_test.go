package view

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
)

const trainSpec = `{"description":"d","params":{"rounds":"200","seed":"1"},"code":{"path":"code","digest":"sha256:aa"},"env":{"lock":"uv.lock"},"steps":[
	{"name":"data","dataset":{"source":"flights","asOf":"{{ params.asOf }}"}},
	{"name":"train","run":"python train.py","inputs":{"rows.parquet":"data.rows"},"outputs":{"model":"model/"},"timeout":"10m","retry":{"max":2}},
	{"name":"crown","needs":["train"],"promote":{"model":"flights","alias":"champion","when":"absent"}}]}`

func resource(kind, name, spec string) trimtab.Resource {
	return trimtab.Resource{Kind: kind, Name: name, Spec: json.RawMessage(spec), Generation: 4}
}

func TestPipelines(t *testing.T) {
	run := func(id, pipeline string, state trimtab.PipelineState, created, ended trimtab.Time) trimtab.PipelineRun {
		return trimtab.PipelineRun{ID: trimtab.PipelineRunID(id), Pipeline: pipeline, State: state, Created: created, Ended: ended}
	}
	open := run("pr-9", "train", trimtab.PipelineRunning, 90, 0)
	open.Steps = []trimtab.Step{{Name: "data", State: trimtab.StepCached}, {Name: "train", State: trimtab.StepRunning}, {Name: "crown", State: trimtab.StepWaiting}}
	got := Pipelines(
		[]trimtab.Resource{resource(trimtab.KindPipeline, "train", trainSpec), resource(trimtab.KindPipeline, "idle", `{"steps":[{"name":"a","run":"x"}]}`)},
		[]trimtab.Resource{resource(trimtab.KindRetrainPolicy, "keep", `{"monitor":"m","pipeline":"train","mode":"auto","every":"7d"}`), resource(trimtab.KindRetrainPolicy, "lost", `{"pipeline":"gone"}`)},
		[]trimtab.PipelineRun{open, run("pr-8", "train", trimtab.PipelineSucceeded, 80, 89), run("pr-7", "gone", trimtab.PipelineFailed, 70, 75),
			run("pr-6", "train", trimtab.PipelineFailed, 60, 65), run("pr-5", "train", trimtab.PipelineSucceeded, 50, 53), run("pr-4", "train", trimtab.PipelineSucceeded, 40, 45)})
	if len(got) != 3 || got[0].Name != "gone" || got[0].Declared || got[0].StartedBy != nil || got[1].Name != "idle" || len(got[1].Runs) != 0 || got[1].Steps != 1 {
		t.Fatalf("%+v", got)
	}
	train := got[2]
	if diff := cmp.Diff(PipelineProgress{ID: "pr-9", State: trimtab.PipelineRunning, Since: 90, Done: 1, Total: 3, Now: []string{"train"}, Open: 1}, train.Running); diff != "" {
		t.Error(diff)
	}
	if train.Ended != 4 || train.Succeeded != 3 || train.P50 != 5 || len(train.Runs) != 5 || train.Runs[4].ID != "pr-9" || train.Runs[0].ID != "pr-4" {
		t.Errorf("%+v", train)
	}
	if diff := cmp.Diff([]PipelineStarter{{Policy: "keep", Mode: "auto", Strategy: "cost-aware", Every: "1w"}}, train.StartedBy); diff != "" {
		t.Error(diff)
	}
}

func TestPipelineRunPage(t *testing.T) {
	r := trimtab.PipelineRun{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineRunning, Created: 10, Spec: json.RawMessage(trainSpec), Params: map[string]string{"rounds": "300", "seed": "1"},
		Steps: []trimtab.Step{
			{Run: "pr-1", Name: "data", State: trimtab.StepCached, CachedOf: "pr-0.data.1", Outputs: map[string]trimtab.Digest{"rows": "sha256:dd"}, Started: 12, Ended: 12},
			{Run: "pr-1", Name: "train", State: trimtab.StepRunning, Attempt: 2, Started: 15, NotBefore: 0},
			{Run: "pr-1", Name: "crown", State: trimtab.StepWaiting},
		}}
	attempts := []trimtab.Attempt{{Step: "train", N: 1, State: trimtab.AttemptFailed, Exit: 75, Started: 15, Ended: 20}, {Step: "train", N: 2, State: trimtab.AttemptRunning, Started: 25, MLflowRun: "abc"}}
	p := PipelineRunPageOf(r, attempts, []trimtab.ModelVersion{{Model: "flights", Version: 3, Attempt: "pr-1.train.2", Run: "abc"}}, 30)
	if diff := cmp.Diff(map[string]string{"rounds": "300"}, p.Run.Params); diff != "" {
		t.Error(diff)
	}
	if p.Experiment != "train" || p.CodeDigest != "sha256:aa" || p.Lock != "uv.lock" || len(p.Rows) != 3 {
		t.Fatalf("%+v", p)
	}
	data, train, crown := p.Rows[0], p.Rows[1], p.Rows[2]
	if data.CachedRun != "pr-0" || data.Ready != 10 || data.Left[0] != (PipelineFile{Path: "rows", Digest: "sha256:dd"}) || data.Step.Kind != "dataset" {
		t.Errorf("data: %+v", data)
	}
	if train.Ready != 12 || len(train.Attempts) != 2 || train.Attempts[0].Exit != 75 || train.Reads[0] != (PipelineFile{Path: "rows.parquet", From: "data.rows", Digest: "sha256:dd"}) || train.Step.Timeout != "10m" || train.Step.Retries != 2 {
		t.Errorf("train: %+v", train)
	}
	if crown.Ready != 0 || crown.Step.Kind != "promote" || crown.Step.Model != "flights" {
		t.Errorf("crown: %+v", crown)
	}
	if got := p.Run.Steps; got[0].Took != 0 || got[1].Took != 15 || got[2].Took != 0 {
		t.Errorf("took: %+v", got)
	}
	if diff := cmp.Diff([]PipelineProduct{{Model: "flights", Version: 3, Step: "train", Run: "abc"}}, p.Products); diff != "" {
		t.Error(diff)
	}
}

func TestPipelinePage(t *testing.T) {
	declared := resource(trimtab.KindPipeline, "train", trainSpec)
	p := PipelinePageOf("train", &declared, nil, []trimtab.PipelineRun{{ID: "pr-1", Spec: json.RawMessage(trainSpec)}}, "next", 30)
	if !p.Declared || p.Generation != 4 || len(p.Steps) != 3 || p.Next != "next" || len(p.Runs) != 1 || p.Experiment != "train" {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff([]string{"data"}, p.Steps[1].Needs); diff != "" {
		t.Error(diff)
	}
	if p := PipelinePageOf("train", nil, nil, []trimtab.PipelineRun{{ID: "pr-1", Spec: json.RawMessage(trainSpec)}}, "", 30); p.Declared || len(p.Steps) != 3 {
		t.Errorf("undeclared: %+v", p)
	}
}
