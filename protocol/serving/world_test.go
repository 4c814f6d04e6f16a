package serving_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/protocol/oip"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/protocol/serving"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

// world is the production wiring of serving on SQLite, over real HTTP.
type world struct {
	t        testing.TB
	dir      string
	db       *sql.DB
	blobs    *blob.Disk
	traffic  *traffic.Store
	serve    *serve.Server
	monitors *monitor.Monitors
	replays  *replay.Replays
	metrics  *prometheus.Registry
	url      string
	stop     func()
	crash    func(point string) error
}

type options struct {
	crash    func(point string) error
	sealRows int64
	batch    int
}

// newWorld opens the world in dir and runs everything that runs in the background.
func newWorld(t testing.TB, dir string, opt options) *world {
	t.Helper()
	w := &world{t: t, dir: dir, crash: opt.crash, metrics: prometheus.NewRegistry()}
	if w.crash == nil {
		w.crash = func(string) error { return nil }
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("TRIMTAB_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.db, err = sql.Open(t.Context(), sql.Config{URL: filepath.Join(dir, "trimtab.db"), Log: log})
	check(err)
	w.blobs, err = blob.OpenDisk(filepath.Join(dir, "blobs"))
	check(err)
	w.traffic, err = traffic.Open(traffic.Config{Dir: filepath.Join(dir, "traffic"), Log: log, SealRows: opt.sealRows, FlushEvery: 20 * time.Millisecond, Sealed: w.db.Segments.Put})
	check(err)
	w.monitors = monitor.New(monitor.Config{Resources: w.db.Resources, States: w.db.Endpoints, Windows: w.db.Windows, Traffic: w.traffic, Log: log, Crash: w.crash})
	w.serve, err = serve.New(serve.Config{Resources: w.db.Resources, Versions: w.db.Versions, Manifests: w.db.Artifacts, States: w.db.Endpoints,
		Blobs: w.blobs, Traffic: w.traffic, Closed: w.monitors, Rollouts: w.db.Rollouts, Log: log, Registerer: w.metrics})
	check(err)
	mux, err := route.New(route.Config{Log: log}, serving.Routes(serving.Config{Server: w.serve, Version: "3.17.2"}), oip.Routes(oip.Config{Server: w.serve, Version: "test"}))
	check(err)
	server := httptest.NewServer(mux)
	w.url = server.URL
	sources := dataset.New(dataset.Config{Blobs: w.blobs, Sources: w.db.Resources, Snapshots: w.db.Snapshots, Log: log})
	w.replays = replay.New(replay.Config{Store: w.db.Replays, States: w.db.Endpoints, Endpoints: w.db.Resources, Listeners: w.monitors, Source: sources,
		Columns: replay.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, KnownAt: dataset.KnownAtColumn, Label: dataset.LabelColumn},
		URL:     w.url, Moved: w.serve.Refresh, Log: log, BatchRows: opt.batch, Crash: w.crash})

	ctx, cancel := context.WithCancel(context.Background())
	storeCtx, cancelStore := context.WithCancel(context.Background())
	var running []chan error
	run := func(ctx context.Context, f func(context.Context) error) {
		done := make(chan error, 1)
		running = append(running, done)
		go func() { done <- f(ctx) }()
	}
	run(storeCtx, w.db.Run)
	run(ctx, w.traffic.Run)
	run(ctx, w.serve.Run)
	run(ctx, w.monitors.Run)
	run(ctx, w.replays.Run)
	run(ctx, func(ctx context.Context) error {
		return control.Consume(ctx, w.db.Journal, log, w.serve.Consumer(), w.monitors.Consumer())
	})
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		for _, done := range running[1:] {
			<-done
		}
		server.CloseClientConnections()
		server.Close()
		cancelStore()
		<-running[0]
		if err := w.traffic.Close(); err != nil {
			t.Errorf("close traffic: %v", err)
		}
		if err := w.blobs.Close(); err != nil {
			t.Errorf("close blobs: %v", err)
		}
		if err := w.db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	}
	t.Cleanup(w.stop)
	return w
}

// declare applies one resource.
func (w *world) declare(kind, name string, spec any) {
	w.t.Helper()
	body, err := trimtab.Canonical(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	verb := trimtab.CreateVerb
	if _, err := w.db.Resources.Get(w.t.Context(), kind, name); err == nil {
		verb = trimtab.UpdateVerb
	}
	if err := w.db.Resources.Apply(w.t.Context(), []trimtab.ResourceWrite{{Verb: verb, Resource: trimtab.Resource{Kind: kind, Name: name, Spec: body, Manager: "test"}}}); err != nil {
		w.t.Fatal(err)
	}
}

// lightgbm is a LightGBM model of one tree over size (a number) and colour (a
// category of red, green, blue): the leaf for size <= .5 and red, and so on.
func lightgbm(low, high, other float64) string {
	return fmt.Sprintf(`tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=size colour
feature_infos=[0:1] 0:1:2
tree_sizes=300

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.5 0
decision_type=8 1
left_child=-1 -2
right_child=1 -3
leaf_value=%v %v %v
cat_boundaries=0 1
cat_threshold=2
is_linear=0
shrinkage=1


end of trees

parameters:
[categorical_feature: 1]
end of parameters

pandas_categorical:[["red", "green", "blue"]]
`, low, high, other)
}

const mlmodelText = `artifact_path: model
flavors:
  lightgbm:
    code: null
    data: model.lgb
    lgb_version: 4.6.0
    model_class: lightgbm.basic.Booster
  python_function:
    data: model.lgb
    env:
      virtualenv: python_env.yaml
    loader_module: mlflow.lightgbm
    python_version: 3.11.2
mlflow_version: 3.17.2
model_uuid: 6b0d1f6a
saved_input_example_info:
  artifact_path: input_example.json
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "size", "required": true}, {"type": "string", "name": "colour", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
  params: null
`

// register registers a version with these files and returns its number.
func (w *world) register(name trimtab.ModelName, files map[string]string) trimtab.Version {
	w.t.Helper()
	ctx := w.t.Context()
	if _, err := w.db.Models.Create(ctx, trimtab.RegisteredModel{Name: name}); err != nil && !trimtab.IsKind(err, trimtab.Exists) {
		w.t.Fatal(err)
	}
	tree := trimtab.RunTree(trimtab.Random(trimtab.CryptoRandom).RunID())
	for path, body := range files {
		d, n, err := w.blobs.Put(ctx, strings.NewReader(body))
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.db.Artifacts.Put(ctx, tree, "model/"+path, d, n); err != nil {
			w.t.Fatal(err)
		}
	}
	v, err := w.db.Versions.Create(ctx, trimtab.ModelVersion{Model: name, Source: "test", Tree: tree, TreePath: "model"}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Version
}

func modelFiles(low, high, other float64) map[string]string {
	return map[string]string{"MLmodel": mlmodelText, "model.lgb": lightgbm(low, high, other), "requirements.txt": "mlflow==3.17.2\nlightgbm==4.6.0\n",
		"serving_input_example.json": `{"dataframe_split": {"columns": ["size", "colour"], "data": [[0.1, "red"]]}}`}
}

func (w *world) alias(name trimtab.ModelName, v trimtab.Version) {
	w.t.Helper()
	if _, err := w.db.Models.SetAlias(w.t.Context(), name, trimtab.MoveAlias{Alias: "champion", To: v}); err != nil {
		w.t.Fatal(err)
	}
}

// await makes the endpoint follow what is declared and checks that it answers with the version, 0 for none.
func (w *world) await(endpoint string, v trimtab.Version) {
	w.t.Helper()
	if err := w.serve.Reconcile(w.t.Context(), "default", endpoint); err != nil {
		w.t.Fatal(err)
	}
	e, err := w.serve.Endpoint("default", endpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	if m := e.Current(); (m == nil) != (v == 0) || m != nil && m.Version != v {
		w.t.Fatalf("endpoint %s does not serve version %d: %+v", endpoint, v, e.Status())
	}
}

type reply struct {
	status int
	body   string
	header http.Header
}

func (w *world) post(path, contentType, body string, header ...string) reply {
	w.t.Helper()
	return w.do(http.MethodPost, path, contentType, body, header...)
}

func (w *world) do(method, path, contentType, body string, header ...string) reply {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, string(b), resp.Header}
}

// upload stores a table as the Parquet file of a source.
func (w *world) upload(t *table.Table) trimtab.Digest {
	w.t.Helper()
	var buf bytes.Buffer
	if err := table.WriteParquet(&buf, t, table.ParquetOptions{}); err != nil {
		w.t.Fatal(err)
	}
	d, _, err := w.blobs.Put(w.t.Context(), &buf)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}
