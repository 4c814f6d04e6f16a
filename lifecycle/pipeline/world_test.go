package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
)

// TestMain is also the shim of the tests' steps, and the engine that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "shim" {
		if err := pipeline.Shim(os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv("TRIMTAB_TEST_ENGINE"); dir != "" {
		if err := runEngine(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// world is a data folder with a database, as a server has it.
type world struct {
	dir   string
	db    *sql.DB
	blobs *blob.Disk
	data  *dataset.Datasets
	log   *slog.Logger
	stop  func()
}

func openWorld(dir, url string) (*world, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{dir: dir, stop: cancel, log: slog.New(slog.DiscardHandler)}
	if os.Getenv("TRIMTAB_TEST_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	key, err := journal.LoadKey(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, err
	}
	if url == "" {
		url = filepath.Join(dir, "trimtab.db")
	}
	if w.db, err = sql.Open(ctx, sql.Config{URL: url, Key: key, Log: w.log}); err != nil {
		return nil, err
	}
	if w.blobs, err = blob.OpenDisk(filepath.Join(dir, "blobs")); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- w.db.Run(ctx) }()
	w.stop = func() {
		cancel()
		<-done
		w.db.Close()
		w.blobs.Close()
	}
	w.data = dataset.New(dataset.Config{Blobs: w.blobs, Sources: w.db.Resources, Snapshots: w.db.Snapshots})
	return w, nil
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w, err := openWorld(t.TempDir(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

// engine makes an engine over the world; crash may be nil.
func (w *world) engine(crash func(string), edit func(*pipeline.Config)) (*pipeline.Engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var e *pipeline.Engine
	pc := pipeline.ProcessConfig{Dir: w.dir, Blobs: w.blobs, Shim: []string{self, "shim"}, Log: w.log,
		Ended: func(id trimtab.AttemptID) {
			run, _, _ := strings.Cut(string(id), ".")
			e.Wake(trimtab.DefaultWorkspace, trimtab.PipelineRunID(run))
		}}
	cfg := pipeline.Config{Store: w.db.Pipelines, Resources: w.db.Resources, Experiments: w.db.Experiments, MLflowRuns: w.db.Runs,
		Versions: w.db.Versions, Models: w.db.Models, Datasets: w.data, Blobs: w.blobs, TrackingURI: "http://127.0.0.1:1",
		Poll: 20 * time.Millisecond, Parallel: 8, Log: w.log}
	if crash != nil {
		pc.Crash(crash)
		cfg.Crash(crash)
	}
	p, err := pipeline.NewProcess(pc)
	if err != nil {
		return nil, err
	}
	cfg.Executor = &registering{Executor: p, world: w}
	if edit != nil {
		edit(&cfg)
	}
	e = pipeline.New(cfg)
	return e, nil
}

// registering stands for the MLflow client of a step named train: it registers a
// version with the attempt's token. It does so before the process starts: one that
// outlives its engine may have ended when the next engine looks.
type registering struct {
	pipeline.Executor
	world *world
}

func (r *registering) Start(ctx context.Context, o pipeline.Order, token func() (string, error)) error {
	if strings.Contains(string(o.Attempt), ".train.") {
		_, err := r.world.db.Models.Create(ctx, trimtab.RegisteredModel{Name: "m"})
		if err != nil && !trimtab.IsKind(err, trimtab.Exists) {
			return err
		}
		if _, err = r.world.db.Versions.Create(ctx, trimtab.ModelVersion{Model: "m", Source: "runs:/x", Attempt: o.Attempt}, "v/"+string(o.Attempt)); err != nil {
			return err
		}
	}
	return r.Executor.Start(ctx, o, token)
}

func (w *world) declare(ctx context.Context, kind, name string, spec any) error {
	raw, err := trimtab.Canonical(spec)
	if err != nil {
		return err
	}
	verb, r := trimtab.CreateVerb, trimtab.Resource{Kind: kind, Name: name, Spec: json.RawMessage(raw)}
	if _, err := w.db.Resources.Get(ctx, kind, name); err == nil {
		verb = trimtab.UpdateVerb
	}
	return w.db.Resources.Apply(ctx, []trimtab.ResourceWrite{{Verb: verb, Resource: r}})
}

// start declares a pipeline and begins a run of it.
func (w *world) start(t *testing.T, e *pipeline.Engine, spec trimtab.PipelineSpec, opt pipeline.StartOptions) trimtab.PipelineRun {
	t.Helper()
	if err := w.declare(t.Context(), trimtab.KindPipeline, "p", spec); err != nil {
		t.Fatal(err)
	}
	run, err := e.Start(t.Context(), "p", opt)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// work runs the engine in the background until the test ends.
func work(t *testing.T, e *pipeline.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// await follows the journal until the run satisfies a condition.
func (w *world) await(t *testing.T, id trimtab.PipelineRunID, what string, ok func(trimtab.PipelineRun) bool) trimtab.PipelineRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		head, err := w.db.Journal.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		run, err := w.db.Pipelines.GetRun(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if ok(run) {
			return run
		}
		if err := w.db.Journal.Wait(ctx, head); err != nil {
			t.Fatalf("waited in vain for %s: %s", what, describe(run))
		}
	}
}

func (w *world) ended(t *testing.T, id trimtab.PipelineRunID) trimtab.PipelineRun {
	t.Helper()
	return w.await(t, id, "the end", func(r trimtab.PipelineRun) bool { return r.State.Ended() })
}

func describe(r trimtab.PipelineRun) string {
	s := fmt.Sprintf("%s %q", r.State, r.Reason)
	for _, x := range r.Steps {
		s += fmt.Sprintf("\n  %s %s attempt %d %q", x.Name, x.State, x.Attempt, x.Reason)
	}
	return s
}

func stepNamed(r trimtab.PipelineRun, name string) trimtab.Step {
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	return trimtab.Step{}
}

func (w *world) object(t *testing.T, d trimtab.Digest) string {
	t.Helper()
	r, err := w.blobs.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// code packs files into the object store.
func (w *world) code(t *testing.T, files map[string]string) *trimtab.CodeSpec {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pipeline.Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d, _, err := w.blobs.Put(t.Context(), strings.NewReader(string(p.Tar))); err != nil || d != p.Digest {
		t.Fatal(d, err)
	}
	return &trimtab.CodeSpec{Path: ".", Digest: p.Digest}
}

// verified checks the journal and every governed row.
func (w *world) verified(t *testing.T) {
	t.Helper()
	if err := w.db.Journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := w.db.Journal.Verify(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Findings {
		t.Errorf("audit: %+v", p)
	}
}
