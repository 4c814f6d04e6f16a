package overview

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

const day = trimtab.Time(24 * 3600 * 1000)

var now = must(trimtab.ParseTime("2026-01-02T03:04:05Z"))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// world is a project in memory: every source of the service.
type world struct {
	models    []trimtab.RegisteredModel
	more      bool
	versions  map[trimtab.ModelName][]trimtab.ModelVersion
	runs      []trimtab.Run
	resources []trimtab.Resource
	windows   map[string][]trimtab.WindowResult
	pipelines []trimtab.PipelineRun
	steps     map[trimtab.PipelineRunID][]trimtab.Step
	replays   map[string]trimtab.Replay
	states    map[string]trimtab.EndpointState
	served    map[string]trimtab.Version
	condition map[string]trimtab.Condition
	parked    []Parked
	journal   *journal
	calls     int // of sources
	stop      chan struct{}
}

func newWorld() *world {
	return &world{journal: newJournal(), stop: make(chan struct{})}
}

func (w *world) declare(kind, name string, spec any) {
	w.resources = append(w.resources, trimtab.Resource{Kind: kind, Name: name, Spec: must(json.Marshal(spec))})
}

func (w *world) service() *Service {
	return New(Config{
		Version: "v0.1.0", Clock: func() trimtab.Time { return now }, Stop: w.stop,
		Models: func(_ context.Context, limit int) ([]trimtab.RegisteredModel, bool, error) {
			w.calls++
			return w.models[:min(limit, len(w.models))], w.more || len(w.models) > limit, nil
		},
		Served: func(_ context.Context, endpoint string) (trimtab.Version, trimtab.Condition) {
			return w.served[endpoint], w.condition[endpoint]
		},
		Parked:   func(context.Context) ([]Parked, error) { w.calls++; return w.parked, nil },
		Versions: worldVersions{w}, Runs: worldRuns{w}, Resources: worldResources{w}, Windows: worldWindows{w},
		Pipelines: worldPipelines{w}, Replays: worldReplays{w}, Endpoints: worldEndpoints{w}, Journal: w.journal,
	})
}

type (
	worldVersions  struct{ *world }
	worldRuns      struct{ *world }
	worldResources struct{ *world }
	worldWindows   struct{ *world }
	worldPipelines struct{ *world }
	worldReplays   struct{ *world }
	worldEndpoints struct{ *world }
)

func (w worldVersions) Latest(_ context.Context, name trimtab.ModelName, _ []string) ([]trimtab.ModelVersion, error) {
	w.calls++
	return w.versions[name], nil
}
func (w worldRuns) Recent(_ context.Context, limit int) ([]trimtab.Run, error) {
	w.calls++
	return w.runs[:min(limit, len(w.runs))], nil
}
func (w worldResources) List(_ context.Context, kind string) (out []trimtab.Resource, _ error) {
	w.calls++
	for _, r := range w.resources {
		if kind == "" || kind == r.Kind {
			out = append(out, r)
		}
	}
	return out, nil
}
func (w worldWindows) List(_ context.Context, monitor string) ([]trimtab.WindowResult, error) {
	w.calls++
	return w.windows[monitor], nil
}
func (w worldPipelines) ListRuns(_ context.Context, pipeline string, limit int, _ trimtab.PageToken) (out []trimtab.PipelineRun, _ trimtab.PageToken, _ error) {
	w.calls++
	for _, r := range w.pipelines {
		if (pipeline == "" || pipeline == r.Pipeline) && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, "", nil
}
func (w worldPipelines) GetRun(_ context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	w.calls++
	for _, r := range w.pipelines {
		if r.ID == id {
			r.Steps = w.steps[id]
			return r, nil
		}
	}
	return trimtab.PipelineRun{}, trimtab.Errorf(trimtab.NotFound, string(id), "no pipeline run %s", id)
}
func (w worldReplays) Last(_ context.Context, endpoint string) (trimtab.Replay, error) {
	w.calls++
	r, ok := w.replays[endpoint]
	if !ok {
		return r, trimtab.Errorf(trimtab.NotFound, endpoint, "no replay")
	}
	return r, nil
}
func (w worldEndpoints) State(_ context.Context, endpoint string) (trimtab.EndpointState, error) {
	w.calls++
	return w.states[endpoint], nil
}

// flights is the project of the example half-way through its replay.
func flights() *world {
	w := newWorld()
	w.declare(trimtab.KindModel, "flights", trimtab.ModelSpec{Description: "late flights", Task: "binary"})
	w.declare(trimtab.KindModel, "planned", trimtab.ModelSpec{})
	w.declare(trimtab.KindPipeline, "train", trimtab.PipelineSpec{})
	w.declare(trimtab.KindEndpoint, "flights", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}})
	w.declare(trimtab.KindMonitor, "flights", trimtab.MonitorSpec{Endpoint: "flights", Window: trimtab.Monthly, Performance: trimtab.PerformanceSpec{Metrics: []string{"auc", "brier"}}})
	w.models = []trimtab.RegisteredModel{{Name: "a-other", LastVersion: 1, Updated: now}, {Name: "flights", LastVersion: 3, Aliases: map[trimtab.Alias]trimtab.Version{"champion": 2, "best": 2}}}
	w.versions = map[trimtab.ModelName][]trimtab.ModelVersion{"flights": {
		{Model: "flights", Version: 2, Status: "READY", Created: now - 2*day},
		{Model: "flights", Version: 3, Status: "READY", Created: now - day, Run: "r1", Attempt: "pr-1.train.2"},
	}}
	w.runs = []trimtab.Run{{ID: "r1", Name: "calm-owl-1", Status: trimtab.RunFinished, Start: now - day, End: now, Attempt: "pr-1.train.2",
		Metrics: []trimtab.Metric{{Key: "training-auc", Value: 0.8}, {Key: "valid_logloss", Value: 0.4}, {Key: "valid_auc", Value: 0.7}, {Key: "epoch", Value: 3}, {Key: "system/cpu", Value: 1}}}}
	w.pipelines = []trimtab.PipelineRun{{ID: "pr-1", Pipeline: "train", State: trimtab.PipelineSucceeded, Created: now - day, Ended: now}}
	w.steps = map[trimtab.PipelineRunID][]trimtab.Step{"pr-1": {{Name: "data", State: trimtab.StepCached}, {Name: "train", State: trimtab.StepSucceeded, Attempt: 2}}}
	w.replays = map[string]trimtab.Replay{"flights": {ID: "rp-1", Endpoint: "flights", Source: "flights", State: "running", From: now - 9*day, To: now, Position: now - 5*day, Rows: 100, Labels: 90, Created: now}}
	w.states = map[string]trimtab.EndpointState{"flights": {Mode: trimtab.DrivenMode, Watermark: now - 5*day}}
	w.served = map[string]trimtab.Version{"flights": 2}
	w.condition = map[string]trimtab.Condition{"flights": {Type: "Ready", Status: true, Since: 7}}
	w.windows = map[string][]trimtab.WindowResult{"flights": {
		{Start: now - 40*day, Rows: 10, Labelled: 9, Versions: []trimtab.Version{2}, Computed: now, Quality: []trimtab.Quality{{Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.6, Hi: 0.8}, {Metric: "brier", Value: 0.2}}},
	}}
	return w
}

func TestOverview(t *testing.T) {
	w := flights()
	w.journal.add("default", trimtab.Change{Action: "run.create", Object: trimtab.Object{Kind: "run", Name: "r1"}})
	w.journal.add("default", trimtab.Change{Action: "model.alias.set", Object: trimtab.Object{Kind: "model", Name: "flights"}, Data: json.RawMessage(`{"alias":"champion","from":1,"to":2}`)})
	w.journal.add("default", trimtab.Change{Action: "endpoint.watermark.advance", Object: trimtab.Object{Kind: "endpointState", Name: "flights"}})
	for _, month := range []string{"2013-03", "2013-04", "2013-05"} {
		w.journal.add("default", trimtab.Change{Action: "window.close", Object: trimtab.Object{Kind: "window", Name: "flights", Version: month}})
		w.journal.add("default", trimtab.Change{Action: "segment.seal", Object: trimtab.Object{Kind: "segment", Name: "flights/labels"}})
	}
	o, err := w.service().Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Server != (Server{Version: "v0.1.0", Project: "default", Now: now, Journal: 9}) {
		t.Errorf("server %+v", o.Server)
	}
	if len(o.Attention) != 0 {
		t.Errorf("attention %+v", o.Attention)
	}
	lo, hi := Number(.6), Number(.8)
	want := []Model{
		{Name: "flights", Description: "late flights", Task: "binary", Aliases: []Alias{{"best", 2}, {"champion", 2}}, Endpoints: []string{"flights"}, Monitors: []string{"flights"},
			Latest:  &Version{Version: 3, Status: "READY", Created: now - day, Run: "r1", RunName: "calm-owl-1", PipelineRun: "pr-1", Step: "train"},
			Quality: &Headline{Monitor: "flights", Window: "2025-11", Metric: Quality{"auc", .7, &lo, &hi}, Computed: now}},
		{Name: "a-other", Aliases: []Alias{}, Endpoints: []string{}, Monitors: []string{}},
		{Name: "planned", Aliases: []Alias{}, Endpoints: []string{}, Monitors: []string{}},
	}
	if d := cmp.Diff(want, o.Models); d != "" {
		t.Errorf("models (-want +got)\n%s", d)
	}
	if e := o.Endpoints[0]; e.Target != 2 || e.Serving != 2 || e.State != Serving || e.Since != 7 || e.Mode != trimtab.DrivenMode || e.Alias != "champion" {
		t.Errorf("endpoint %+v", e)
	}
	if d := cmp.Diff([]RunMetric{{"valid_auc", .7}, {"valid_logloss", .4}, {"epoch", 3}}, o.Runs[0].Metrics); d != "" || o.Runs[0].More != 2 {
		t.Errorf("run's metrics, %d more (-want +got)\n%s", o.Runs[0].More, d)
	}
	if c := o.Changes; len(c) != 3 || c[0].Count != 3 || c[0].Version != "2013-05" || c[1].Count != 1 || c[1].Detail != "champion moves from version 1 to 2" {
		t.Errorf("changes %+v", o.Changes)
	}
	if p := o.Pipelines; len(p) != 1 || len(p[0].Steps) != 2 || p[0].Steps[1].Attempt != 2 {
		t.Errorf("pipelines %+v", p)
	}
}

// The number of queries is bounded, however much there is, and what is left out is counted.
func TestOverviewIsBounded(t *testing.T) {
	w := newWorld()
	for i := range 300 {
		name := "m" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + trimtab.Time(i+1).String()
		w.models = append(w.models, trimtab.RegisteredModel{Name: trimtab.ModelName(name), LastVersion: 1})
		w.declare(trimtab.KindEndpoint, name, trimtab.EndpointSpec{})
		w.declare(trimtab.KindMonitor, name, trimtab.MonitorSpec{Window: "1h"})
		w.declare(trimtab.KindPipeline, name, trimtab.PipelineSpec{})
		w.pipelines = append(w.pipelines, trimtab.PipelineRun{ID: trimtab.PipelineRunID(name), Pipeline: name, State: trimtab.PipelineRunning})
		w.windows = map[string][]trimtab.WindowResult{}
	}
	for _, r := range w.resources {
		if r.Kind == trimtab.KindMonitor {
			w.windows[r.Name] = make([]trimtab.WindowResult, 1000)
		}
	}
	for range 5000 {
		w.journal.add("default", trimtab.Change{Action: "run.create", Object: trimtab.Object{Kind: "run", Name: "r"}})
	}
	o, err := w.service().Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.calls > 6*maxOfEach+20 {
		t.Errorf("%d queries", w.calls)
	}
	if len(o.Models) != maxOfEach || len(o.Endpoints) != maxOfEach || len(o.Monitors) != maxOfEach || len(o.Pipelines) != maxOfEach {
		t.Errorf("%d models, %d endpoints, %d monitors, %d pipelines", len(o.Models), len(o.Endpoints), len(o.Monitors), len(o.Pipelines))
	}
	if l := o.LeftOut; !l.More || l.Endpoints != 250 || l.Monitors != 250 || l.Pipelines != 250 {
		t.Errorf("left out %+v", l)
	}
	if body := must(json.Marshal(o)); len(body) > 2<<20 {
		t.Errorf("the answer has %d bytes", len(body))
	}
}

func TestEmptyAnswerHasNoNull(t *testing.T) {
	for name, w := range map[string]*world{"empty": newWorld(), "flights": flights()} {
		m := must(route.New(route.Config{}, w.service().Routes()))
		r := httptest.NewRequest("GET", "/api/trimtab/v1alpha1/default/overview", nil)
		r.Host = "localhost"
		rec := httptest.NewRecorder()
		m.ServeHTTP(rec, r)
		if rec.Code != 200 || strings.Contains(rec.Body.String(), "null") || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestProjectOfThePath(t *testing.T) {
	w := newWorld()
	m := must(route.New(route.Config{}, w.service().Routes()))
	for _, tc := range []struct {
		project, header string
		want            int
	}{
		{"default", "", 200}, {"team", "", 200}, {"team", "team", 200}, {"team", "other", 400}, {"Bad_Name", "", 400},
	} {
		r := httptest.NewRequest("GET", "/api/trimtab/v1alpha1/"+tc.project+"/overview", nil)
		r.Host = "localhost"
		if tc.header != "" {
			r.Header.Set(route.WorkspaceHeader, tc.header)
		}
		rec := httptest.NewRecorder()
		m.ServeHTTP(rec, r)
		if rec.Code != tc.want || tc.want == http.StatusOK && !strings.Contains(rec.Body.String(), `"project":"`+tc.project+`"`) {
			t.Errorf("%s with header %q: %d %s", tc.project, tc.header, rec.Code, rec.Body)
		}
	}
}

func TestEndpointState(t *testing.T) {
	condition := func(name string, status bool, reason string) trimtab.Condition {
		return trimtab.Condition{Type: name, Status: status, Reason: reason, Message: "why " + reason}
	}
	for _, tc := range []struct {
		name            string
		serving, target trimtab.Version
		condition       trimtab.Condition
		want            EndpointState
		reason          string
	}{
		{"serving", 1, 1, condition("Ready", true, ""), Serving, ""},
		{"the alias has just moved", 1, 2, condition("Ready", true, ""), Serving, ""},
		{"the new version does not load", 1, 2, condition("Loaded", false, "Unsupported"), Behind, "Unsupported"},
		{"the first version does not load", 0, 1, condition("Loaded", false, "LoadFailed"), Failed, "LoadFailed"},
		{"the first version does not load, by the other condition", 0, 1, condition("Ready", false, "LoadFailed"), Failed, "LoadFailed"},
		{"no version", 0, 0, condition("Ready", false, "NoVersion"), NoVersion, "NoVersion"},
		{"not looked at, nothing to load", 0, 0, trimtab.Condition{}, NoVersion, ""},
		{"not looked at", 0, 1, trimtab.Condition{}, Loading, ""},
		{"not looked at since the alias was set", 0, 1, condition("Ready", false, "NoVersion"), Loading, "NoVersion"},
	} {
		e := Endpoint{Serving: tc.serving, Target: tc.target}
		e.judge(tc.condition)
		if e.State != tc.want || e.Reason != tc.reason {
			t.Errorf("%s: %s because of %q, want %s because of %q", tc.name, e.State, e.Reason, tc.want, tc.reason)
		}
	}
}

func TestNumber(t *testing.T) {
	var q struct{ A, B Number }
	if err := json.Unmarshal([]byte(`{"A":null,"B":0.5}`), &q); err != nil || q.A == q.A || q.B != .5 {
		t.Errorf("%+v %v", q, err)
	}
	if b := must(json.Marshal(q)); string(b) != `{"A":null,"B":0.5}` {
		t.Errorf("%s", b)
	}
}
