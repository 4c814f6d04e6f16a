package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
)

// killed is what a crash point panics with.
type killed struct{ point string }

// target is the n-th time, from 1, that a run passes a point.
type target struct {
	point string
	n     int
}

// crasher dies once, at a target; without one it only notes what it passes. Looks
// that find nothing to do count as one: how many there are is a matter of time.
type crasher struct {
	mu     sync.Mutex
	target target
	counts map[string]int
	passed []target
	dead   bool
}

func (c *crasher) at(point string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if point == "looked" && len(c.passed) > 0 && c.passed[len(c.passed)-1].point == point {
		return
	}
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[point]++
	here := target{point, c.counts[point]}
	c.passed = append(c.passed, here)
	if here == c.target && !c.dead {
		c.dead = true
		panic(killed{point})
	}
}

// crashSpec appends one line for every effect to a file.
func (w *world) crashSpec(t *testing.T, effects string) trimtab.PipelineSpec {
	return trimtab.PipelineSpec{
		Code: w.code(t, map[string]string{"step.sh": "#!/bin/sh\necho $TRIMTAB_ATTEMPT >> " + effects + "\necho $1 > $OUT/o\nsleep 0.05\n"}),
		Steps: []trimtab.StepSpec{
			{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "s", AsOf: "2013-01-10"}},
			{Name: "train", Run: "./step.sh a", Inputs: map[string]string{"rows": "data.rows"}, Outputs: map[string]string{"o": "o"}},
			{Name: "use", Run: "./step.sh b", Inputs: map[string]string{"o": "train.o"}, Outputs: map[string]string{"o": "o"}},
			{Name: "promote", Needs: []string{"use"}, Promote: &trimtab.PromoteSpec{Model: "m", Alias: "champion", When: "absent"}},
		},
	}
}

// lap reconciles a run until it ends or the crash point is reached. Between
// looks it waits for the steps' processes as a controller's timer does.
func lap(ctx context.Context, w *world, e *pipeline.Engine, id trimtab.PipelineRunID) (ended bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
		}
	}()
	for ctx.Err() == nil {
		if err := e.Reconcile(ctx, "default/"+string(id)); err != nil {
			return false, err
		}
		run, err := w.db.Pipelines.GetRun(ctx, id)
		if err != nil || run.State.Ended() {
			return run.State.Ended(), err
		}
		time.Sleep(3 * time.Millisecond)
	}
	return false, ctx.Err()
}

// TestEveryCrashPoint kills the engine at every point at which it can die, one
// after the other, and lets another engine finish: whatever the point, each step
// has had its effect once, one version is registered, and the alias points to it.
func TestEveryCrashPoint(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		everyCrashPoint(t, newWorld(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		everyCrashPoint(t, newWorld(t, postgres.URL(t)))
	})
}

// attempts tells how those of a run ended.
func attempts(ctx context.Context, w *world, run trimtab.PipelineRun) (s string) {
	for _, x := range run.Steps {
		all, err := w.db.Pipelines.Attempts(ctx, run.ID, x.Name)
		if err != nil {
			return s + err.Error()
		}
		for _, a := range all {
			s += fmt.Sprintf("\n%+v", a)
		}
	}
	return s
}

func everyCrashPoint(t *testing.T, w *world) {
	w.declareSource(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	n := 0
	// life runs a pipeline that dies at a target, lets the next engine finish it, and checks everything.
	life := func(at target) *crasher {
		n++
		c := &crasher{target: at}
		effects := filepath.Join(dir, "effects"+strconv.Itoa(n))
		before := versions(t, w)
		e, err := w.engine(c.at, nil)
		if err != nil {
			t.Fatal(err)
		}
		run := w.start(t, e, w.crashSpec(t, effects), pipeline.StartOptions{Cache: "off"})
		if _, err := lap(ctx, w, e, run.ID); err != nil {
			t.Fatalf("%v: %v", at, err)
		}
		next, err := w.engine(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lap(ctx, w, next, run.ID); err != nil {
			t.Fatalf("%v: %v", at, err)
		}
		if run, err = w.db.Pipelines.GetRun(ctx, run.ID); err != nil {
			t.Fatal(err)
		}
		raw, _ := os.ReadFile(effects)
		if want := fmt.Sprintf("%s.train.1\n%s.use.1\n", run.ID, run.ID); string(raw) != want || run.State != trimtab.PipelineSucceeded {
			t.Fatalf("%v: %s\neffects %q, want %q%s", at, describe(run), raw, want, attempts(ctx, w, run))
		}
		after := versions(t, w)
		if after != before+1 {
			t.Fatalf("%v: %d versions registered, want 1", at, after-before)
		}
		m, err := w.db.Models.Get(ctx, "m")
		if err != nil || int(m.Aliases["champion"]) != after {
			t.Fatalf("%v: alias at %d, want %d (%v)", at, m.Aliases["champion"], after, err)
		}
		if err := w.db.Models.DropAlias(ctx, "m", "champion"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	points := life(target{}).passed
	died := map[string]int{}
	for i, at := range points {
		if testing.Short() && i%4 != 0 {
			continue
		}
		if life(at).dead {
			died[at.point]++
		}
	}
	t.Logf("%d points, died at %v", len(points), died)
	for _, must := range []string{"looked", "before begin", "after begin", "MLflow run made", "folder made", "laid out", "token recorded", "order written", "spawned", "after launch", "after adopt", "output staged", "published", "performed", "after end run"} {
		if died[must] == 0 && !testing.Short() {
			t.Errorf("nobody died at %q", must)
		}
	}
	w.verified(t)
}

func versions(t *testing.T, w *world) int {
	t.Helper()
	m, err := w.db.Models.Get(t.Context(), "m")
	if trimtab.IsKind(err, trimtab.NotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return int(m.LastVersion)
}

// runEngine is the process that TestKilledEngines kills.
func runEngine(dir string) error {
	w, err := openWorld(dir, os.Getenv("TRIMTAB_TEST_URL"))
	if err != nil {
		return err
	}
	defer w.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e, err := w.engine(nil, nil)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for {
		head, _ := w.db.Journal.Head(ctx)
		open, err := w.db.Pipelines.OpenRuns(ctx)
		if err == nil && len(open) == 0 {
			cancel()
			return <-done
		}
		if err != nil {
			cancel()
			return errors.Join(err, <-done)
		}
		if err := w.db.Journal.Wait(ctx, head); err != nil {
			cancel()
			return err
		}
	}
}

// TestKilledEngines kills real engines with -9 at random moments while a hundred
// steps run: none is lost and none runs twice.
func TestKilledEngines(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	t.Run("sqlite", func(t *testing.T) { killedEngines(t, "") })
	t.Run("postgres", func(t *testing.T) { killedEngines(t, postgres.URL(t)) })
}

func killedEngines(t *testing.T, url string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	effects := filepath.Join(dir, "effects")
	spec := trimtab.PipelineSpec{}
	for i := range 100 {
		s := trimtab.StepSpec{Name: "s" + strconv.Itoa(i), Run: "sh -c 'echo $TRIMTAB_ATTEMPT >> " + effects + "; echo out > $OUT/o'", Outputs: map[string]string{"o": "o"}}
		if i >= 4 {
			s.Needs = []string{"s" + strconv.Itoa(i/4-1)}
		}
		spec.Steps = append(spec.Steps, s)
	}
	w, err := openWorld(dir, url)
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	run := w.start(t, e, spec, pipeline.StartOptions{Cache: "off"})
	w.stop()

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for deadline := time.Now().Add(3 * time.Minute); ; {
		if time.Now().After(deadline) {
			t.Fatal("the run does not end")
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "TRIMTAB_TEST_ENGINE="+dir, "TRIMTAB_TEST_URL="+url)
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("the engine ended by itself: %v: %s", err, said.String())
			}
		case <-time.After(100*time.Millisecond + time.Duration(random.IntN(400))*time.Millisecond):
			cmd.Process.Kill()
			<-done
			kills++
			continue
		}
		break
	}
	if w, err = openWorld(dir, url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	run, err = w.db.Pipelines.GetRun(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(effects)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		seen[strings.TrimSpace(line)]++
	}
	t.Logf("%d kills, %d effects", kills, len(seen))
	if run.State != trimtab.PipelineSucceeded || len(seen) != 100 {
		t.Errorf("%d effects; %s", len(seen), describe(run))
	}
	for _, s := range run.Steps {
		if s.Attempt != 1 || seen[string(s.AttemptID())] != 1 {
			t.Errorf("step %s had %d attempts and its effect %d times", s.Name, s.Attempt, seen[string(s.AttemptID())])
		}
	}
	if kills < 3 {
		t.Errorf("only %d kills", kills)
	}
	w.verified(t)
}

// TestKilledShims kills shims with -9, as when the machine fails: their attempts
// are lost, nothing of them goes on, and the steps are tried again.
func TestKilledShims(t *testing.T) {
	w := newWorld(t, "")
	e, err := w.engine(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	work(t, e)
	marks := filepath.Join(t.TempDir(), "marks")
	run := w.start(t, e, trimtab.PipelineSpec{Steps: []trimtab.StepSpec{
		{Name: "x", Run: "sh -c 'echo begin; case $TRIMTAB_ATTEMPT in *.1) sleep 5; echo late >> " + marks + ";; esac'", Retry: &trimtab.RetrySpec{Backoff: trimtab.Duration(time.Millisecond)}},
	}}, pipeline.StartOptions{})
	w.await(t, run.ID, "the step to run", func(r trimtab.PipelineRun) bool { return r.Steps[0].State == trimtab.StepRunning })
	if err := pipeline.KillShim(w.dir, trimtab.NewAttemptID(run.ID, "x", 1)); err != nil {
		t.Fatal(err)
	}
	run = w.ended(t, run.ID)
	if run.State != trimtab.PipelineSucceeded || run.Steps[0].Attempt != 2 {
		t.Errorf("%s", describe(run))
	}
	attempts, err := w.db.Pipelines.Attempts(t.Context(), run.ID, "x")
	if err != nil || len(attempts) != 2 || attempts[0].State != trimtab.AttemptLost {
		t.Errorf("attempts %+v, %v", attempts, err)
	}
	if r, err := w.db.Runs.Get(t.Context(), attempts[0].MLflowRun); err != nil || r.Status != trimtab.RunFailed {
		t.Errorf("the lost attempt's MLflow run is %s, %v", r.Status, err)
	}
	if _, err := os.Stat(marks); err == nil {
		t.Error("the lost attempt went on")
	}
}
