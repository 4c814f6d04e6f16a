package year

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/server"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

const (
	patience = 40 * time.Minute // of one replay, on a machine that does other things as well
	between  = 20 * time.Millisecond
)

// example is the folder of the flights, its data prepared. The test is skipped
// where Python's libraries cannot be had, and fails where TRIMTAB_REQUIRE names them.
func example(t *testing.T) string {
	t.Helper()
	top := filepath.Join(root(t), "examples", "flights")
	if out, err := python(t, top, "-c", "import lightgbm, mlflow, pyarrow").CombinedOutput(); err != nil {
		if strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "python") {
			t.Fatalf("TRIMTAB_REQUIRE names python, but the environment of the example cannot be had: %v\n%s", err, out)
		}
		t.Skipf("no environment for the example: %v", err)
	}
	if _, err := os.Stat(filepath.Join(top, "data", "flights.parquet")); err != nil {
		if out, err := python(t, top, filepath.Join(top, "prepare.py")).CombinedOutput(); err != nil {
			t.Fatalf("preparing the data: %v\n%s", err, out)
		}
	}
	return top
}

// root is the top of the repository: a test runs in the folder of its package.
func root(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return top
}

func uv(t *testing.T) string {
	if uv := os.Getenv("TRIMTAB_UV"); uv != "" {
		return uv
	}
	return filepath.Join(root(t), ".ci", "uv")
}

func python(t *testing.T, top string, args ...string) *exec.Cmd {
	return exec.Command(uv(t), append([]string{"run", "--quiet", "--frozen", "--no-dev", "--project", top, "--python", "3.11", "python"}, args...)...)
}

// stage is one server with the example on it.
type stage struct {
	t   *testing.T
	ctx context.Context
	srv *server.Server
	c   *client.Client
	rnd *rand.Rand
}

// drive declares the example, trains the first model and replays the span.
func drive(t *testing.T, top string, s span, v variant, database string) *told {
	args := []string{"--uv", uv(t)}
	if v.batch != "" {
		args = append(args, "--replay-batch", v.batch)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	srv := server.Start(t, database, args...)
	w := &stage{t: t, ctx: ctx, srv: srv, c: client.New(client.Target{Server: srv.URL, Project: trimtab.DefaultWorkspace}, nil), rnd: rand.New(rand.NewPCG(seed, 1))}
	apply := exec.CommandContext(ctx, server.Binary(t), "apply", top, "--yes")
	apply.Env = append(os.Environ(), "TRIMTAB_SERVER="+srv.URL)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("apply: %v\n%s", err, out)
	}
	w.train(v.kills > 0)
	w.replay(s, v.kills-1)
	return w.tell()
}

func (w *stage) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// await asks until it is so.
func (w *stage) await(what string, so func() bool) {
	w.t.Helper()
	tick := time.NewTicker(between)
	defer tick.Stop()
	for !so() {
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("waiting for %s: %v", what, context.Cause(w.ctx))
		case <-tick.C:
		}
	}
}

// kill ends the server as a crash would, at a moment up to most from now, and starts it again.
func (w *stage) kill(when string, most time.Duration) {
	after := time.Duration(w.rnd.Int64N(int64(most)))
	select {
	case <-w.ctx.Done():
	case <-time.After(after):
	}
	w.srv.Kill()
	w.srv.Restart()
	w.t.Logf("killed %s, %s later", when, after.Round(time.Millisecond))
}

// train runs the pipeline that makes the first version.
func (w *stage) train(kill bool) {
	run, err := w.c.StartPipeline(w.ctx, view.StartRun{Pipeline: "train-flights"})
	w.check(err)
	show := func() view.PipelineRun {
		r, err := w.c.PipelineRun(w.ctx, run.ID)
		w.check(err)
		return r
	}
	if kill {
		w.await("the first training", func() bool {
			for _, s := range show().Steps {
				if s.Name == "train" && len(s.Attempts) > 0 {
					return true
				}
			}
			return false
		})
		w.kill("in the first training", 4*time.Second)
	}
	w.await("the end of the first training", func() bool { run = show(); return run.State.Ended() })
	if run.State != trimtab.PipelineSucceeded {
		w.t.Fatalf("the first training is %s: %s", run.State, run.Reason)
	}
}

// replay sends the span through the endpoint and kills the server so many times meanwhile: first while a
// decision trains, then while a rollout is open, then wherever event time stands.
func (w *stage) replay(s span, kills int) {
	start := view.StartReplay{Endpoint: "flights", Source: "flights", From: moment(w.t, s.from), To: moment(w.t, s.to)}
	if s.fault != "" {
		f, err := trimtab.ParseFault(s.fault)
		w.check(err)
		start.Faults = append(start.Faults, f)
	}
	r, err := w.c.StartReplay(w.ctx, start)
	w.check(err)
	ended := func() bool {
		r, err = w.c.Replay(w.ctx, r.ID)
		w.check(err)
		return r.Ended()
	}
	training := func() bool {
		open, err := w.c.Decisions(w.ctx, client.Find{Open: true})
		w.check(err)
		for _, d := range open {
			if d.State == trimtab.DecisionTraining {
				return true
			}
		}
		return false
	}
	rolling := func() bool {
		open, err := w.c.Rollouts(w.ctx, client.Find{Open: true})
		w.check(err)
		return len(open) > 0
	}
	done := false
	for k := range kills {
		when, most, so := "in event time", time.Second, func() bool { return true }
		switch {
		case k == 0:
			when, most, so = "in a training of the loop", 4*time.Second, training
		case k == 1:
			when, most, so = "in a rollout", 2*time.Second, rolling
		default:
			// Later kills come at random moments of what is left.
			from := max(r.Position, start.From)
			until := from + trimtab.Time(w.rnd.Int64N(max(int64(start.To-from)*2/int64(kills-k+1), 1)))
			so = func() bool { return r.Position >= until }
		}
		w.await(when, func() bool { done = ended(); return done || so() })
		if done {
			w.t.Errorf("the replay was over before kill %d (%s)", k+1, when)
			break
		}
		w.kill(when, most)
	}
	w.await("the end of the replay", ended)
	if r.State != "succeeded" || r.Failed != 0 {
		w.t.Fatalf("the replay is %s, %d rows failed: %s", r.State, r.Failed, r.Reason)
	}
}

func moment(t *testing.T, day string) trimtab.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return trimtab.TimeOf(at)
}
