package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/storage/blob"
)

// Config says what the engine works with. Zero fields mean the documented
// defaults; those without one must be set.
type Config struct {
	Store       Store
	Resources   Resources
	Experiments Experiments
	MLflowRuns  MLflowRuns
	Versions    Versions
	Models      Models
	Datasets    Datasets
	Blobs       blob.Store
	Executor    Executor

	TrackingURI string         // MLFLOW_TRACKING_URI of steps: the server's own address
	Parallel    int            // run steps at once, over all pipelines; default as many as cores, at least 2
	Poll        time.Duration  // how often a running attempt is looked at; default 500 ms
	Cache       string         // "auto" (default) or "off", for all pipelines
	Salt        string         // part of every cache key: another salt forgets the cache
	Interpreter func() string  // identity of the Python that environments are built with; default "none"
	Clock       trimtab.Clock  // default the system's
	Random      trimtab.Random // default the system's
	Log         *slog.Logger   // default discards

	// crash is called between any two instructions after which a kill must do no
	// harm; tests panic in it.
	crash func(point string)
}

// Engine runs pipelines. It is safe for concurrent use. Nothing moves before Run.
type Engine struct {
	cfg        Config
	controller *control.Controller

	mu   sync.Mutex
	live map[string]int // attempts that run, by pipeline run; guarded by mu

	envs sync.Map // envKey -> digest: what an environment is built from
}

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.Parallel <= 0 {
		cfg.Parallel = max(2, runtime.NumCPU())
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 500 * time.Millisecond
	}
	if cfg.Interpreter == nil {
		cfg.Interpreter = func() string { return "none" }
	}
	cfg.Interpreter = sync.OnceValue(cfg.Interpreter) // asking starts a process
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Random == nil {
		cfg.Random = trimtab.CryptoRandom
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.crash == nil {
		cfg.crash = func(string) {}
	}
	e := &Engine{cfg: cfg, live: map[string]int{}}
	e.controller = control.New(control.Config{Name: "pipeline", Reconcile: e.reconcile, Clock: cfg.Clock, Log: cfg.Log, MaxBackoff: 30 * time.Second})
	return e
}

// resync is how often all open runs are looked at, whatever was missed.
const resync = 30 * time.Second

// Run takes up all open pipeline runs and works until ctx ends. Steps that run
// then go on running; the next engine finds them.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() {
		for wait := time.Duration(0); ; wait = resync {
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
			runs, err := e.cfg.Store.OpenRuns(ctx)
			if err != nil && ctx.Err() == nil {
				e.cfg.Log.ErrorContext(ctx, "open pipeline runs cannot be read", "error", err)
			}
			for _, r := range runs {
				e.controller.Add(key(r.Workspace, r.ID))
			}
		}
	})
	err := e.controller.Run(ctx)
	wg.Wait()
	return err
}

// Stats returns what the engine's controller has done.
func (e *Engine) Stats() control.Stats { return e.controller.Stats() }

// Wake asks for the run of an attempt to be looked at soon: an executor that
// sees an attempt end calls it. It must not be relied on.
func (e *Engine) Wake(ws trimtab.Workspace, id trimtab.PipelineRunID) { e.controller.Add(key(ws, id)) }

func key(ws trimtab.Workspace, id trimtab.PipelineRunID) string { return string(ws) + "/" + string(id) }

// StartOptions are what one run of a pipeline may set.
type StartOptions struct {
	Params map[string]string // override the pipeline's defaults; an unknown name is Invalid
	Cache  string            // "" as the steps say, "off", or "refresh"
	Cause  string            // what started it, for people and the journal
	// Key makes the start idempotent: of one key there is one run, whatever became of
	// it, and starting it again returns that. "" starts a new run.
	Key string
}

// Start begins a run of a declared pipeline and returns it. It returns as soon as
// the run is recorded.
func (e *Engine) Start(ctx context.Context, pipeline string, opt StartOptions) (run trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "pipeline.Start(%s)", pipeline)
	if run, err = e.prepare(ctx, pipeline, opt); err != nil {
		return run, err
	}
	if opt.Key != "" {
		run.ID = keyed(run.Workspace, opt.Key)
		if old, err := e.cfg.Store.GetRun(ctx, run.ID); !trimtab.IsKind(err, trimtab.NotFound) {
			return old, err
		}
	}
	steps := run.Steps
	run.Steps = nil
	if run, err = e.cfg.Store.CreateRun(ctx, run, steps); err != nil {
		return run, err
	}
	e.controller.Add(key(run.Workspace, run.ID))
	return run, nil
}

// prepare makes the run that a start would record, with its steps.
func (e *Engine) prepare(ctx context.Context, pipeline string, opt StartOptions) (run trimtab.PipelineRun, err error) {
	r, err := e.cfg.Resources.Get(ctx, trimtab.KindPipeline, pipeline)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return run, trimtab.Errorf(trimtab.NotFound, "pipeline "+pipeline, "there is no Pipeline %q: declare it and apply", pipeline)
	}
	if err != nil {
		return run, err
	}
	var spec trimtab.PipelineSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return run, &trimtab.Error{Kind: trimtab.Internal, Subject: r.Ref(), Err: err}
	}
	if problems := spec.Problems(); len(problems) > 0 {
		return run, trimtab.Errorf(trimtab.Invalid, r.Ref(), "pipeline %s cannot run: %s", pipeline, problems[0])
	}
	if spec.Code != nil && spec.Code.Digest == "" {
		return run, trimtab.Errorf(trimtab.Precondition, r.Ref(), "the code of pipeline %s (%s) has not been uploaded: apply it again", pipeline, spec.Code.Path)
	}
	params, err := mergeParams(pipeline, spec.Params, opt.Params)
	if err != nil {
		return run, err
	}
	if opt.Cache == "auto" {
		opt.Cache = ""
	}
	if !slices.Contains([]string{"", "off", "refresh"}, opt.Cache) {
		return run, trimtab.Errorf(trimtab.Invalid, r.Ref(), "cache %q: expected auto, off or refresh", opt.Cache)
	}
	if why := trimtab.CleanText(opt.Cause); why != "" || len(opt.Cause) > 1000 {
		return run, trimtab.Errorf(trimtab.Invalid, r.Ref(), "the cause of a run is clean text of at most 1000 bytes")
	}
	run = trimtab.PipelineRun{Workspace: trimtab.CallOf(ctx).Workspace, ID: e.cfg.Random.PipelineRunID(), Pipeline: pipeline,
		Generation: r.Generation, Spec: r.Spec, Params: params, State: trimtab.PipelinePending, Cause: opt.Cause, Cache: opt.Cache, Created: e.cfg.Clock()}
	for i, s := range spec.Steps {
		run.Steps = append(run.Steps, trimtab.Step{Workspace: run.Workspace, Run: run.ID, Name: s.Name, Ordinal: i, State: trimtab.StepWaiting})
	}
	return run, nil
}

// keyed is the id of the run that a key stands for.
func keyed(ws trimtab.Workspace, key string) trimtab.PipelineRunID {
	sum := sha256.Sum256([]byte("pipelineRun\x00" + string(ws) + "\x00" + key))
	return trimtab.PipelineRunID("pr-" + hex.EncodeToString(sum[:8]))
}

func mergeParams(pipeline string, defaults, given map[string]string) (map[string]string, error) {
	known := slices.Sorted(maps.Keys(defaults))
	out := maps.Clone(defaults)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := defaults[name]; !ok {
			list := "it has none"
			if len(known) > 0 {
				list = "it has " + strings.Join(known, ", ")
			}
			return nil, trimtab.Errorf(trimtab.Invalid, "pipeline "+pipeline, "pipeline %s has no param %q%s: %s", pipeline, name, trimtab.DidYouMean(name, known), list)
		}
		if why := trimtab.CleanText(given[name]); why != "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "pipeline "+pipeline, "the value of param %q %s", name, why)
		}
		out[name] = given[name]
	}
	return out, nil
}

// Get returns a run with its steps.
func (e *Engine) Get(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	return e.cfg.Store.GetRun(ctx, id)
}

// Cancel asks a run to end: its running steps get SIGTERM and five seconds later
// SIGKILL. It returns at once; a run that is being cancelled stays so, and one
// that has ended is Precondition.
func (e *Engine) Cancel(ctx context.Context, id trimtab.PipelineRunID, reason string) (run trimtab.PipelineRun, err error) {
	defer trimtab.Wrap(&err, "pipeline.Cancel(%s)", id)
	if why := trimtab.CleanText(reason); why != "" || len(reason) > 1000 {
		return run, trimtab.Errorf(trimtab.Invalid, "pipeline run "+string(id), "the reason is clean text of at most 1000 bytes")
	}
	if reason == "" {
		reason = "canceled by " + trimtab.CallOf(ctx).Actor.ID
	}
	run, err = e.cfg.Store.MoveRun(ctx, id, func(r trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error) {
		if r.State == trimtab.PipelineCanceling {
			return r, trimtab.Change{}, nil
		}
		return r.To(trimtab.PipelineCanceling, reason, e.cfg.Clock())
	})
	if err == nil {
		e.controller.Add(key(run.Workspace, id))
	}
	return run, err
}
