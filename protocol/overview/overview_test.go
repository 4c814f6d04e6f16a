package overview

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
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
	counts    map[string]map[string]int64
	settled   map[string][]trimtab.Settlement
	parked    []view.Parked
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
		Serving:  worldServing{w},
		Parked:   func(context.Context) ([]view.Parked, error) { w.calls++; return w.parked, nil },
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
	worldServing   struct{ *world }
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
func (w worldWindows) Recent(_ context.Context, monitor string, _ trimtab.Time, limit int) ([]trimtab.WindowResult, error) {
	w.calls++
	all := w.windows[monitor]
	return all[max(0, len(all)-limit):], nil
}

func (w worldWindows) Count(_ context.Context, monitor string) (int, error) {
	return len(w.windows[monitor]), nil
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
func (w worldEndpoints) Settlements(_ context.Context, endpoint string) ([]trimtab.Settlement, error) {
	w.calls++
	return w.settled[endpoint], nil
}
func (w worldServing) Serving(_ context.Context, v *view.Endpoint) error {
	v.Version, v.Counts = w.served[v.Name], w.counts[v.Name]
	if c, ok := w.condition[v.Name]; ok {
		v.Conditions = []trimtab.Condition{c}
	}
	return nil
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
	if o.Server != (view.Server{Version: "v0.1.0", Project: "default", Now: now, Journal: 9}) {
		t.Errorf("server %+v", o.Server)
	}
	if len(o.Attention) != 0 {
		t.Errorf("attention %+v", o.Attention)
	}
	lo, hi := view.Figure(.6), view.Figure(.8)
	want := []view.OverviewModel{
		{Name: "flights", Description: "late flights", Task: "binary", Aliases: []view.OverviewAlias{{Name: "best", Version: 2}, {Name: "champion", Version: 2}}, Endpoints: []string{"flights"}, Monitors: []string{"flights"},
			Latest:  &view.OverviewVersion{Version: 3, Status: "READY", Created: now - day, Run: "r1", RunName: "calm-owl-1", PipelineRun: "pr-1", Step: "train"},
			Quality: &view.Headline{Monitor: "flights", Window: "2025-11", Metric: view.OverviewQuality{Metric: "auc", Value: .7, Lo: &lo, Hi: &hi}, Computed: now}},
		{Name: "a-other", Aliases: []view.OverviewAlias{}, Endpoints: []string{}, Monitors: []string{}},
		{Name: "planned", Aliases: []view.OverviewAlias{}, Endpoints: []string{}, Monitors: []string{}},
	}
	if d := cmp.Diff(want, o.Models); d != "" {
		t.Errorf("models (-want +got)\n%s", d)
	}
	if e := o.Endpoints[0]; e.Target != 2 || e.Serving != 2 || e.State != view.EndpointServing || e.Since != 7 || e.Mode != trimtab.DrivenMode || e.Alias != "champion" {
		t.Errorf("endpoint %+v", e)
	}
	if d := cmp.Diff([]view.RunMetric{{Key: "valid_auc", Value: .7}, {Key: "valid_logloss", Value: .4}, {Key: "epoch", Value: 3}}, o.Runs[0].Metrics); d != "" || o.Runs[0].More != 2 {
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
	// An endpoint in trouble is not among those left out.
	w.declare(trimtab.KindEndpoint, "zz-broken", trimtab.EndpointSpec{})
	w.condition = map[string]trimtab.Condition{"zz-broken": {Type: "Loaded", Reason: "LoadFailed"}}
	for range 5000 {
		w.journal.add("default", trimtab.Change{Action: "run.create", Object: trimtab.Object{Kind: "run", Name: "r"}})
	}
	o, err := w.service().Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.calls > 7*maxOfEach+20 {
		t.Errorf("%d queries", w.calls)
	}
	if len(o.Models) != maxOfEach || len(o.Endpoints) != maxOfEach || len(o.Monitors) != maxOfEach || len(o.Pipelines) != maxOfEach {
		t.Errorf("%d models, %d endpoints, %d monitors, %d pipelines", len(o.Models), len(o.Endpoints), len(o.Monitors), len(o.Pipelines))
	}
	if l := o.LeftOut; !l.More || l.Endpoints != 251 || l.Monitors != 250 || l.Pipelines != 250 {
		t.Errorf("left out %+v", l)
	}
	if o.Endpoints[0].Name != "zz-broken" || o.Attention[0].Rule != "endpoint.loadFailed" {
		t.Errorf("first endpoint %+v, first attention %+v", o.Endpoints[0], o.Attention[0])
	}
	if body := must(json.Marshal(o)); len(body) > 2<<20 {
		t.Errorf("the answer has %d bytes", len(body))
	}
}

// What goes into the rule of attention comes from the sources as they are.
func TestOverviewOfTrouble(t *testing.T) {
	w := flights()
	w.declare(trimtab.KindPipeline, "idle", trimtab.PipelineSpec{})
	w.declare(trimtab.KindEndpoint, "live", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "planned"}, AllowedLateness: trimtab.Duration(2 * time.Hour)})
	w.states["live"] = trimtab.EndpointState{LiveSince: now - day}
	w.counts = map[string]map[string]int64{"flights": {"predictions": 84003, "dropped": 2, "lost": 1}}
	w.settled = map[string][]trimtab.Settlement{"flights": {{Listener: "monitor/flights", Wait: trimtab.WaitEventTime}, {Listener: "rollout", Wait: trimtab.WaitHuman, Detail: "trimtab approve x"}}}
	w.pipelines = append(w.pipelines, trimtab.PipelineRun{ID: "pr-0", Pipeline: "gone", State: trimtab.PipelineFailed, Created: now - 2*day, Ended: now})
	o, err := w.service().Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, a := range o.Attention {
		rules = append(rules, string(a.Severity)+" "+a.Rule+" "+a.Name)
	}
	if d := cmp.Diff([]string{"bad endpoint.lost flights", "bad endpoint.noVersion live", "warn endpoint.dropped flights", "warn endpoint.waits flights"}, rules); d != "" {
		t.Errorf("attention (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"idle"}, o.NeverRun); d != "" || len(o.Pipelines) != 2 || o.Pipelines[0].Deleted || !o.Pipelines[1].Deleted {
		t.Errorf("pipelines %+v, never run %v", o.Pipelines, o.NeverRun)
	}
	if e := o.Endpoints[1]; e.Name != "live" || e.Alias != "champion" || e.Watermark != now.Add(-2*time.Hour) || o.Endpoints[0].Predictions != 84003 {
		t.Errorf("endpoints %+v", o.Endpoints)
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

// What the client of the API reads is what was put together, to the last field.
func TestClientReadsIt(t *testing.T) {
	w := flights()
	w.counts = map[string]map[string]int64{"flights": {"dropped": 2}}
	w.runs[0].Metrics[2].Value = math.Inf(1)
	srv := httptest.NewServer(must(route.New(route.Config{}, w.service().Routes())))
	defer srv.Close()
	want := must(w.service().Overview(t.Context()))
	got, err := client.New(client.Target{Server: srv.URL, Project: "default"}, nil).Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// JSON has one word for all that is no number.
	if m := want.Runs[0].Metrics; m[0].Key != "valid_auc" || !math.IsNaN(float64(got.Runs[0].Metrics[0].Value)) {
		t.Errorf("metrics %+v were read as %+v", m, got.Runs[0].Metrics)
	}
	want.Runs[0].Metrics[0].Value, got.Runs[0].Metrics[0].Value = 0, 0
	if d := cmp.Diff(want, got); d != "" || len(got.Attention) != 1 {
		t.Errorf("(-want +got)\n%s", d)
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
