package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/protocol/client"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// world is a server with real resources, journal and blobs. What the engine, the
// data plane and the replay would say is said by this type.
type world struct {
	server *httptest.Server
	client *client.Client
	db     *sql.DB
	blobs  blob.Store

	mu     sync.Mutex
	called map[string]bool // "METHOD /path"
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(dir, "trimtab.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; db.Close() })
	blobs, err := blob.OpenDisk(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, blobs: blobs, called: map[string]bool{}}
	mux, err := route.New(route.Config{}, api.Routes(api.Config{Resources: db.Resources, Blobs: blobs, PipelineRuns: w, Engine: engine{}, PipelinePages: pipelinePages{}, Changes: changeLog{db.Journal, db.Resources}, Runs: runs{}, Experiments: experiments{}, ExperimentTable: db.Experiments, RunTable: db.Runs,
		RunCards: db.Runs, RunTree: db.Artifacts, Opener: blobs, Series: db.Runs, Comparer: db.Runs,
		Registry: registry{}, Models: modelPages(), Endpoints: endpoints{}, Serving: serving{}, Traffic: serving{}, Replays: replays{}, Windows: windows{}, Watch: watchOf(db, blobs), Evaluator: gate{}, Evaluations: gate{}, Simulator: simulator{},
		Loop: loopOf(db), Channels: channels{}, Deliveries: channels{}, Journal: db.Journal, Audit: audit{}, EndpointPages: pagesOfEndpoints(db.Endpoints), Finder: finder{db}, About: aboutThis, Version: "test"}))
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.called[r.Method+" "+r.URL.EscapedPath()] = true
		w.mu.Unlock()
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	w.client = client.New(client.Target{Server: w.server.URL, Project: "default"}, nil)
	return w
}

var aRun = trimtab.PipelineRun{Workspace: "default", ID: "pr-0123456789abcdef", Pipeline: "train", State: trimtab.PipelineFailed, Reason: "step a: exit 1", Spec: json.RawMessage(`{"steps":[]}`),
	Steps: []trimtab.Step{{Run: "pr-0123456789abcdef", Name: "a", State: trimtab.StepFailed, Attempt: 1, Started: 1000, Ended: 3000}}}

func (w *world) GetRun(_ context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	if id != aRun.ID {
		return trimtab.PipelineRun{}, trimtab.Errorf(trimtab.NotFound, "pipeline run "+string(id), "there is no pipeline run %s", id)
	}
	return aRun, nil
}

func (w *world) ListRuns(_ context.Context, pipeline string, limit int, after trimtab.PageToken) ([]trimtab.PipelineRun, trimtab.PageToken, error) {
	if pipeline != "" && pipeline != "train" || after != "" {
		return nil, "", nil
	}
	return []trimtab.PipelineRun{aRun}, "more", nil
}

func (w *world) Attempts(context.Context, trimtab.PipelineRunID, string) ([]trimtab.Attempt, error) {
	return []trimtab.Attempt{{Run: aRun.ID, Step: "a", N: 1, State: trimtab.AttemptFailed, Exit: 1}}, nil
}

type engine struct{}

func (engine) Start(_ context.Context, name string, opt pipeline.StartOptions) (trimtab.PipelineRun, error) {
	if name != "train" {
		return trimtab.PipelineRun{}, trimtab.Errorf(trimtab.NotFound, "pipeline "+name, "pipeline %s is not declared", name)
	}
	r := aRun
	r.Params = opt.Params
	return r, nil
}
func (engine) Cancel(context.Context, trimtab.PipelineRunID, string) (trimtab.PipelineRun, error) {
	return aRun, nil
}
func (engine) Explain(_ context.Context, _ trimtab.PipelineRunID, step string) (pipeline.Explanation, error) {
	return pipeline.Explanation{Step: step, Text: "differs", Differs: []pipeline.Difference{{Part: "code", Then: "a", Now: "b"}}}, nil
}
func (engine) Logs(_ context.Context, _ trimtab.PipelineRunID, step string, _ int, _ bool) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("line of " + step + "\n")), nil
}

type runs struct{}

var aMLflowRun = trimtab.Run{Workspace: "default", ID: "0123", Experiment: "1", Name: "swift-owl-1", Status: trimtab.RunFinished, Lifecycle: trimtab.Active,
	Params: map[string]string{"rounds": "200"}, Metrics: []trimtab.Metric{{Key: "auc", Value: 0.7}}}

func (runs) Get(context.Context, trimtab.RunID) (trimtab.Run, error) { return aMLflowRun, nil }
func (runs) Recent(context.Context, int) ([]trimtab.Run, error) {
	return []trimtab.Run{aMLflowRun}, nil
}

type experiments struct{}

func (experiments) Get(_ context.Context, id trimtab.ExperimentID) (trimtab.Experiment, error) {
	return trimtab.Experiment{ID: id, Name: "flights"}, nil
}

type registry struct{}

var aModel = trimtab.RegisteredModel{Workspace: "default", Name: "flights", LastVersion: 2, Aliases: map[trimtab.Alias]trimtab.Version{"champion": 1}}

func (registry) Models(context.Context) ([]trimtab.RegisteredModel, error) {
	return []trimtab.RegisteredModel{aModel}, nil
}
func (registry) Model(_ context.Context, name trimtab.ModelName) (trimtab.RegisteredModel, error) {
	return aModel, nil
}
func (registry) Versions(context.Context, trimtab.ModelName) ([]trimtab.ModelVersion, error) {
	return []trimtab.ModelVersion{{Model: "flights", Version: 2}, {Model: "flights", Version: 1, Aliases: []trimtab.Alias{"champion"}}}, nil
}
func (registry) SetAlias(_ context.Context, _ trimtab.ModelName, m trimtab.MoveAlias) (trimtab.RegisteredModel, error) {
	r := aModel
	r.Aliases = map[trimtab.Alias]trimtab.Version{m.Alias: m.To}
	return r, nil
}
func (registry) DropAlias(context.Context, trimtab.ModelName, trimtab.Alias) error { return nil }

type endpoints struct{}

func (endpoints) State(_ context.Context, name string) (trimtab.EndpointState, error) {
	return trimtab.EndpointState{Endpoint: name, Mode: trimtab.DrivenMode, Watermark: 1362096000000}, nil
}
func (endpoints) Settlements(context.Context, string) ([]trimtab.Settlement, error) { return nil, nil }

type serving struct{}

func (serving) Serving(_ context.Context, v *view.Endpoint) error {
	v.Version, v.Counts = 1, map[string]int64{"rows": 7}
	return nil
}
func (serving) Export(_ context.Context, _ string, from, to trimtab.Time, w io.Writer) error {
	if to != 0 && to < from {
		return trimtab.Errorf(trimtab.Invalid, "span", "the span ends before it begins")
	}
	_, err := io.WriteString(w, "PAR1")
	return err
}

type replays struct{}

var aReplay = trimtab.Replay{Workspace: "default", ID: "rp-0123456789abcdef", Endpoint: "flights", Source: "flights", State: "running", Position: 5, Rows: 10}

func (replays) Start(ctx context.Context, s view.StartReplay) (trimtab.Replay, bool, error) {
	r := aReplay
	r.Faults = s.Faults
	return r, true, nil
}
func (replays) Plan(_ context.Context, s view.StartReplay) ([]trimtab.FaultReach, error) {
	return []trimtab.FaultReach{{Fault: s.Faults[0], InSpan: 9, Hit: 8}}, nil
}
func (replays) Get(context.Context, trimtab.ReplayID) (trimtab.Replay, error) { return aReplay, nil }
func (replays) Last(_ context.Context, endpoint string) (trimtab.Replay, error) {
	if endpoint != "flights" {
		return trimtab.Replay{}, trimtab.Errorf(trimtab.NotFound, "replay", "none")
	}
	return aReplay, nil
}
func (replays) Cancel(context.Context, trimtab.ReplayID, string) error { return nil }

type windows struct{}

func (windows) List(context.Context, string) ([]trimtab.WindowResult, error) {
	return []trimtab.WindowResult{{Monitor: "quality", Endpoint: "flights", Start: 1362096000000, End: 1364774400000, Rows: 10, Labelled: 9, Quality: []trimtab.Quality{{Metric: "auc", Value: 0.704, HasInterval: true, Lo: 0.69, Hi: 0.71}}}}, nil
}

func proposal(code trimtab.Digest) view.Proposal {
	return view.Proposal{Manager: "cli", Inventory: "cli:x", Resources: []view.Declaration{
		{Kind: "Model", Name: "flights", Spec: json.RawMessage(`{"task":"binary"}`)},
		{Kind: "Pipeline", Name: "train", Spec: json.RawMessage(`{"code":{"path":"code","digest":"` + string(code) + `"},"steps":[{"name":"a","run":"python a.py","cache":"auto"}]}`)},
		{Kind: "Endpoint", Name: "flights", Labels: map[string]string{"team": "ops"}, Spec: json.RawMessage(`{"model":{"name":"flights","alias":"champion"}}`)},
		{Kind: "Monitor", Name: "quality", Spec: json.RawMessage(`{"endpoint":"flights","window":"month"}`)},
	}}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Every operation of the OpenAPI document is called through the client.
func TestEveryOperation(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	code := []byte("a packed folder")
	digest := trimtab.DigestOf(code)
	answer := must[plan.Answer](t)(c.Plan(ctx, proposal(digest)))
	if answer.Count(plan.Create) != 4 || len(answer.Missing) != 1 || answer.Missing[0] != digest {
		t.Errorf("plan: %+v", answer)
	}
	if _, err := c.Apply(ctx, proposal(digest)); !trimtab.IsKind(err, trimtab.Precondition) {
		t.Errorf("an apply without its files: %v", err)
	}
	if has := must[bool](t)(c.HasBlob(ctx, digest)); has {
		t.Error("the object is there before it was put")
	}
	if err := c.PutBlob(ctx, digest, strings.NewReader("other bytes"), 11); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("bytes of another digest: %v", err)
	}
	if err := c.PutBlob(ctx, digest, bytes.NewReader(code), int64(len(code))); err != nil {
		t.Fatal(err)
	}
	if has := must[bool](t)(c.HasBlob(ctx, digest)); !has {
		t.Error("the object is not there")
	}
	p := proposal(digest)
	p.Expect = trimtab.DigestOf([]byte("another plan"))
	if _, err := c.Apply(ctx, p); !trimtab.IsKind(err, trimtab.Conflict) {
		t.Errorf("an apply of another plan: %v", err)
	}
	p.Expect = answer.Digest
	must[plan.Answer](t)(c.Apply(ctx, p))
	if again := must[plan.Answer](t)(c.Plan(ctx, proposal(digest))); !again.Empty() {
		t.Errorf("the plan after the apply: %+v", again.Actions)
	}
	all := must[[]view.Resource](t)(c.Resources(ctx, ""))
	if len(all) != 4 || all[0].Ref() != "model/flights" || all[0].Updated == 0 {
		t.Errorf("resources: %+v", all)
	}
	if got := must[view.Resource](t)(c.Resource(ctx, "endpoint", "flights")); string(got.Spec) != `{"model":{"name":"flights"}}` || got.Labels["team"] != "ops" || got.Inventory != "cli:x" {
		t.Errorf("endpoint: %+v (%s)", got, got.Spec)
	}
	if got := must[view.PipelineRun](t)(c.StartPipeline(ctx, view.StartRun{Pipeline: "train", Params: map[string]string{"a": "b"}})); got.Params["a"] != "b" {
		t.Errorf("started: %+v", got)
	}
	page := must[view.List[view.PipelineRun]](t)(c.PipelineRuns(ctx, "train", 10, ""))
	if len(page.Items) != 1 || page.Next != "more" {
		t.Errorf("pipeline runs: %+v", page)
	}
	if got := must[view.PipelineRun](t)(c.PipelineRun(ctx, aRun.ID)); len(got.Steps) != 1 || len(got.Steps[0].Attempts) != 1 || got.Steps[0].Started != 1000 {
		t.Errorf("pipeline run: %+v", got)
	}
	must[view.PipelineRun](t)(c.CancelPipeline(ctx, aRun.ID, "enough"))
	if got := must[[]view.Explanation](t)(c.ExplainPipeline(ctx, aRun.ID)); len(got) != 1 || got[0].Differs[0].Now != "b" {
		t.Errorf("explanation: %+v", got)
	}
	if got := read(t, must[io.ReadCloser](t)(c.StepLogs(ctx, aRun.ID, "a", 0, true))); got != "line of a\n" {
		t.Errorf("logs: %q", got)
	}
	if got := must[[]view.Run](t)(c.Runs(ctx, 5)); len(got) != 1 || got[0].ExperimentName != "flights" {
		t.Errorf("runs: %+v", got)
	}
	if got := must[view.Run](t)(c.Run(ctx, "0123")); got.Params["rounds"] != "200" || len(got.Metrics) != 1 {
		t.Errorf("run: %+v", got)
	}
	if got := must[[]view.Model](t)(c.Models(ctx)); len(got) != 1 || got[0].Aliases["champion"] != 1 {
		t.Errorf("models: %+v", got)
	}
	if got := must[view.Model](t)(c.Model(ctx, "flights")); len(got.Versions) != 2 || !cmp.Equal(got.Versions[1].Aliases, []trimtab.Alias{"champion"}) {
		t.Errorf("model: %+v", got)
	}
	if got := must[view.Model](t)(c.MoveAlias(ctx, "flights", view.MoveAlias{Alias: "blue", Version: 2})); got.Aliases["blue"] != 2 {
		t.Errorf("alias: %+v", got.Aliases)
	}
	if got := must[[]view.Endpoint](t)(c.Endpoints(ctx)); len(got) != 1 {
		t.Errorf("endpoints: %+v", got)
	}
	if got := must[view.Endpoint](t)(c.Endpoint(ctx, "flights")); got.Version != 1 || got.Alias != "champion" || got.Watermark != 1362096000000 || got.Counts["rows"] != 7 {
		t.Errorf("endpoint: %+v", got)
	}
	if got := read(t, must[io.ReadCloser](t)(c.ExportEndpoint(ctx, "flights", 1, 0))); got != "PAR1" {
		t.Errorf("export: %q", got)
	}
	if got := must[view.Replay](t)(c.StartReplay(ctx, view.StartReplay{Endpoint: "flights", Source: "flights", From: 1362096000000})); !got.Resumed || got.Rows != 10 {
		t.Errorf("replay: %+v", got)
	}
	fault := must[trimtab.Fault](t)(trimtab.ParseFault("unit wind_speed x1.609344 2013-04-08..2013-04-15"))
	if got := must[view.Replay](t)(c.StartReplay(ctx, view.StartReplay{Endpoint: "flights", Source: "flights", Faults: []trimtab.Fault{fault}})); !cmp.Equal(got.Faults, []trimtab.Fault{fault}) {
		t.Errorf("drill: %+v", got)
	}
	if got := must[[]trimtab.FaultReach](t)(c.PlanReplay(ctx, view.StartReplay{Endpoint: "flights", Source: "flights", Faults: []trimtab.Fault{fault}})); !cmp.Equal(got, []trimtab.FaultReach{{Fault: fault, InSpan: 9, Hit: 8}}) {
		t.Errorf("plan of a drill: %+v", got)
	}
	if got := must[[]view.Replay](t)(c.Replays(ctx, "")); len(got) != 1 {
		t.Errorf("replays: %+v", got)
	}
	must[view.Replay](t)(c.Replay(ctx, aReplay.ID))
	must[view.Replay](t)(c.CancelReplay(ctx, aReplay.ID, "enough"))
	if got := must[[]trimtab.WindowResult](t)(c.Windows(ctx, "quality")); len(got) != 1 || got[0].Quality[0].Lo != 0.69 {
		t.Errorf("windows: %+v", got)
	}
	if got := must[trimtab.Evaluation](t)(c.Evaluate(ctx, client.Evaluate{Model: "flights", Version: 3, Suite: "flights", At: "2013-03-08"})); !cmp.Equal(got, anEvaluation) {
		t.Errorf("evaluation: %+v", got)
	}
	if got := must[[]trimtab.Evaluation](t)(c.Evaluations(ctx, "flights", 5)); len(got) != 1 || got[0].Results[0].Lo != 0.001 {
		t.Errorf("evaluations: %+v", got)
	}
	if got := must[trimtab.Evaluation](t)(c.Evaluation(ctx, anEvaluation.ID)); got.ID != anEvaluation.ID {
		t.Errorf("evaluation: %+v", got)
	}
	entries := must[[]view.Entry](t)(c.Journal(ctx, 0, 10))
	if len(entries) != 4 || entries[0].Index != 4 || entries[0].Actor.Via != "api" {
		t.Errorf("journal: %+v", entries)
	}
	if got := must[[]view.Entry](t)(c.JournalOf(ctx, "endpoint", "flights", 10)); len(got) != 1 {
		t.Errorf("journal of the endpoint: %+v", got)
	}
	if _, err := c.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
	w.changePages(t)
	w.pipelinePages(t)
	w.experiments(t)
	w.runPages(t)
	w.loop(t)
	w.channels(t)
	w.simulate(t)
	w.modelPages(t)
	w.watchPages(t, w.blobs)
	w.endpointPages(t)
	w.find(t)
	w.covered(t)
}

// covered compares the calls of the test with the OpenAPI document.
func (w *world) covered(t *testing.T) {
	t.Helper()
	var doc struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	res, err := http.Get(w.server.URL + api.Base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 20 {
		t.Errorf("the document has version %q and %d paths", doc.OpenAPI, len(doc.Paths))
	}
	parameter := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for path, methods := range doc.Paths {
		re := regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method := range methods {
			found := false
			w.mu.Lock()
			for call := range w.called {
				m, p, _ := strings.Cut(call, " ")
				found = found || strings.EqualFold(m, method) && re.MatchString(p)
			}
			w.mu.Unlock()
			if !found {
				t.Errorf("%s %s is in the document and was not called", strings.ToUpper(method), path)
			}
		}
	}
}

func read(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestErrors(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	bad := func(d ...view.Declaration) view.Proposal { return view.Proposal{Resources: d} }
	for name, tc := range map[string]struct {
		call func() error
		kind trimtab.Kind
		text string
	}{
		"no such resource": {func() error { _, err := c.Resource(ctx, "endpoint", "x"); return err }, trimtab.NotFound, "endpoint/x is not declared"},
		"no such kind":     {func() error { _, err := c.Resource(ctx, "enpoint", "x"); return err }, trimtab.NotFound, "did you mean endpoint?"},
		"bad project":      {func() error { _, err := c.Project("NO").Resources(ctx, ""); return err }, trimtab.Invalid, "project \"NO\""},
		"all problems": {func() error {
			_, err := c.Plan(ctx, bad(view.Declaration{Kind: "Endpoint", Name: "a", Spec: json.RawMessage(`{"model":{"name":"m","output":"x"}}`)},
				view.Declaration{Kind: "Monitor", Name: "b", Spec: json.RawMessage(`{"endpoint":"e","window":"x"}`)}))
			return err
		}, trimtab.Invalid, "endpoint/a: spec.model.output is \"x\""},
		"declared twice": {func() error {
			d := view.Declaration{Kind: "Project", Name: "default", Spec: json.RawMessage(`{}`)}
			_, err := c.Plan(ctx, bad(d, d))
			return err
		}, trimtab.Invalid, "project/default is declared twice"},
		"a bad fault": {func() error {
			_, err := c.StartReplay(ctx, view.StartReplay{Endpoint: "e", Source: "s", Faults: []trimtab.Fault{{Kind: "unti", Column: "size"}}})
			return err
		}, trimtab.Invalid, "there is no kind \"unti\", did you mean \"unit\"?"},
		"both": {func() error {
			_, err := c.Plan(ctx, view.Proposal{Delete: []string{"model/m"}, Resources: []view.Declaration{{Kind: "Model", Name: "m", Spec: json.RawMessage(`{}`)}}})
			return err
		}, trimtab.Invalid, "not both"},
		"delete of nothing": {func() error { _, err := c.Apply(ctx, view.Proposal{Delete: []string{"model/m"}}); return err }, trimtab.NotFound, "model/m is not declared"},
		"bad reference":     {func() error { _, err := c.Apply(ctx, view.Proposal{Delete: []string{"model"}}); return err }, trimtab.Invalid, "KIND/NAME"},
		"bad digest":        {func() error { _, err := c.HasBlob(ctx, "md5:0"); return err }, trimtab.Invalid, ""},
		"bad limit":         {func() error { _, err := c.Runs(ctx, 5000); return err }, trimtab.Invalid, "limit"},
		"no pipeline":       {func() error { _, err := c.StartPipeline(ctx, view.StartRun{Pipeline: "x"}); return err }, trimtab.NotFound, "pipeline x is not declared"},
		"no run":            {func() error { _, err := c.PipelineRun(ctx, "pr-x"); return err }, trimtab.NotFound, "there is no pipeline run pr-x"},
		"no endpoint":       {func() error { _, err := c.ExportEndpoint(ctx, "x", 0, 0); return err }, trimtab.NotFound, "endpoint/x is not declared"},
		"no evaluation":     {func() error { _, err := c.Evaluation(ctx, "x/y/1@2013"); return err }, trimtab.NotFound, "there is no evaluation x/y/1@2013"},
		"no moment": {func() error {
			_, err := c.Evaluate(ctx, client.Evaluate{Model: "flights", Version: 3, At: "noon"})
			return err
		}, trimtab.Invalid, `"noon" is no time`},
		"no decision":    {func() error { _, err := c.Decision(ctx, "p@1"); return err }, trimtab.NotFound, "there is no decision p@1"},
		"no incident":    {func() error { _, err := c.MoveIncident(ctx, "i", "close", "x"); return err }, trimtab.NotFound, "there is no incident i"},
		"no moment from": {func() error { _, err := c.Incidents(ctx, client.Find{Limit: 5000}); return err }, trimtab.Invalid, "limit"},
		"no policy":      {func() error { _, err := c.PauseLoop(ctx, true, client.PauseLoop{Policy: "p"}); return err }, trimtab.NotFound, "retrainpolicy/p is not declared"},
		"both pauses": {func() error {
			_, err := c.PauseLoop(ctx, true, client.PauseLoop{Policy: "p", All: true})
			return err
		}, trimtab.Invalid, "not both"},
		"no timeline":       {func() error { _, err := c.Timeline(ctx, "x", "", 0, 0); return err }, trimtab.NotFound, "endpoint/x is not declared"},
		"a span of nothing": {func() error { _, err := c.Timeline(ctx, "x", "", 5, 5); return err }, trimtab.Invalid, "before or where it begins"},
		"no version":        {func() error { _, err := c.Evaluate(ctx, client.Evaluate{Model: "flights"}); return err }, trimtab.Invalid, "version"},
		"no monitor":        {func() error { _, err := c.Windows(ctx, "x"); return err }, trimtab.NotFound, "monitor/x is not declared"},
		"half an object":    {func() error { _, err := c.JournalOf(ctx, "run", "", 5); return err }, trimtab.Invalid, "belong together"},
		"bad version":       {func() error { _, err := c.MoveAlias(ctx, "m", view.MoveAlias{Alias: "a", Version: -1}); return err }, trimtab.Invalid, "version -1"},
	} {
		err := tc.call()
		if !trimtab.IsKind(err, tc.kind) || !strings.Contains(trimtab.Message(err), tc.text) {
			t.Errorf("%s: %v (%s), want kind %s and %q", name, err, trimtab.KindOf(err), tc.kind, tc.text)
		}
	}
	if all, err := c.Resources(ctx, ""); err != nil || len(all) != 0 {
		t.Errorf("refused calls left %v (%v)", all, err)
	}
}

// What a body must not have is refused before anything happens, with a JSON error.
func TestBodies(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		path, body string
		status     int
	}{
		"no json":     {"/default/plan", "{", 400},
		"unknown key": {"/default/apply", `{"resource": []}`, 400},
		"wrong type":  {"/default/plan", `{"prune": "yes"}`, 400},
		"missing key": {"/default/pipelineruns", `{}`, 400},
		"empty":       {"/default/plan", ``, 400},
		"no route":    {"/default/nothing", `{}`, 404},
	} {
		res, err := http.Post(w.server.URL+api.Base+tc.path, "application/json", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Error, Kind, RequestID string }
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.Error == "" || body.RequestID == "" {
			t.Errorf("%s: answered %+v (%v)", name, body, err)
		}
		res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("%s: status %d, want %d (%s)", name, res.StatusCode, tc.status, body.Error)
		}
	}
}

// An absent part says so.
func TestAbsentParts(t *testing.T) {
	w := newWorld(t)
	mux, err := route.New(route.Config{}, api.Routes(api.Config{Resources: w.db.Resources, Journal: w.db.Journal}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	c := client.New(client.Target{Server: server.URL, Project: "default"}, nil)
	if _, err := c.Models(t.Context()); !trimtab.IsKind(err, trimtab.Unsupported) || trimtab.Message(err) != "this server runs no registry" {
		t.Errorf("models: %v", err)
	}
}
