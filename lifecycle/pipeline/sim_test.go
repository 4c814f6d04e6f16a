package pipeline

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trimtab/trimtab"
)

func fakeConfig(m *memory, x *machine) Config {
	r := records{m}
	return Config{Store: m, Resources: r, Experiments: r, MLflowRuns: mlflowRuns{}, Versions: r, Models: r, Datasets: r,
		Blobs: objects{m}, Executor: x, Parallel: 4, Random: func(p []byte) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for i := range p {
				p[i] = byte(m.random.Uint32())
			}
		}}
}

// randomSpec is a pipeline of up to a dozen steps that need earlier ones.
func randomSpec(r *rand.Rand) trimtab.PipelineSpec {
	s := trimtab.PipelineSpec{Steps: []trimtab.StepSpec{
		{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "s", AsOf: "2013-01-01"}},
		{Name: "train", Run: "x", Inputs: map[string]string{"rows": "data.rows"}, Outputs: map[string]string{"o": "o"}, Retry: &trimtab.RetrySpec{Max: 2}},
	}}
	for i := range r.IntN(10) {
		st := trimtab.StepSpec{Name: "s" + strconv.Itoa(i), Run: "x", Outputs: map[string]string{"o": "o"}, Retry: &trimtab.RetrySpec{Max: r.IntN(3)}}
		for _, before := range s.Steps {
			if r.IntN(3) == 0 {
				st.Needs = append(st.Needs, before.Name)
			}
		}
		s.Steps = append(s.Steps, st)
	}
	s.Steps = append(s.Steps, trimtab.StepSpec{Name: "promote", Needs: []string{"train"}, Promote: &trimtab.PromoteSpec{Model: "m", Alias: "champion"}})
	return s
}

// TestSimulation runs pipelines on two engines at once over stores and an
// executor that fail and answer late, while engines die and are replaced; the
// clock is synctest's. A failure prints its seed.
func TestSimulation(t *testing.T) {
	for i := range 60 {
		seed := uint64(i)
		if i >= 40 {
			seed = rand.Uint64()
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	faults := []float64{0, 0.02, 0.1, 0.3}[random.IntN(4)]
	m, x := newMemory(seed, faults), newMachine(seed, faults)
	spec := randomSpec(random)
	m.specs["p"] = spec
	cancelAfter := time.Duration(0)
	if random.IntN(3) == 0 {
		cancelAfter = time.Duration(random.Int64N(int64(time.Minute)))
	}

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	life := func(r *rand.Rand) { // one engine after the other
		for ctx.Err() == nil {
			cfg := fakeConfig(m, x)
			once, stop := context.WithTimeout(ctx, time.Duration(1+r.IntN(40))*time.Second)
			if faults > 0 {
				var mu sync.Mutex
				cfg.crash = func(point string) { // dies in the middle, and is dead
					mu.Lock()
					dies := once.Err() != nil || r.Float64() < 0.01
					mu.Unlock()
					if dies {
						stop()
						panic(point)
					}
				}
			}
			New(cfg).Run(once)
			stop()
		}
	}
	for n := range 2 {
		wg.Go(func() { life(rand.New(rand.NewPCG(seed, uint64(4+n)))) })
	}
	// A front without a loop of its own, as another role of the program.
	front := New(fakeConfig(m, x))
	run, err := front.Start(ctx, "p", StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if cancelAfter > 0 {
		time.Sleep(cancelAfter)
		for { // the answer may get lost
			_, err := front.Cancel(ctx, run.ID, "enough")
			if err == nil || trimtab.IsKind(err, trimtab.Precondition) {
				break
			}
			time.Sleep(time.Second)
		}
	}
	for range 3600 {
		time.Sleep(time.Second)
		m.mu.Lock()
		run = m.runs[run.ID]
		m.mu.Unlock()
		if run.State.Ended() {
			break
		}
	}
	time.Sleep(time.Minute) // nothing may happen any more
	cancel()
	wg.Wait()
	check(t, m, x, run, spec, cancelAfter > 0)
	if t.Failed() {
		t.Logf("seed %d, faults %v, cancelled after %v", seed, faults, cancelAfter)
	}
}

func check(t *testing.T, m *memory, x *machine, run trimtab.PipelineRun, spec trimtab.PipelineSpec, canceled bool) {
	for _, p := range append(m.problems, x.problems...) {
		t.Error(p)
	}
	if !run.State.Ended() {
		t.Errorf("the run does not end: %+v", run)
		return
	}
	good := true
	for i, s := range run.Steps {
		good = good && s.State.Good()
		if !s.State.Ended() {
			t.Errorf("step %s is %s in a run that ended", s.Name, s.State)
		}
		attempts := m.attempts[string(run.ID)+"."+s.Name]
		if len(attempts) != s.Attempt {
			t.Errorf("step %s counts %d attempts of %d", s.Name, s.Attempt, len(attempts))
		}
		for _, a := range attempts {
			if a.Live() {
				t.Errorf("attempt %s is still %s", a.ID(), a.State)
			}
			if x.effects[a.ID()] > 1 {
				t.Errorf("attempt %s had its effect %d times", a.ID(), x.effects[a.ID()])
			}
			if m.settled[a.ID()] != (a.State == trimtab.AttemptSucceeded) {
				t.Errorf("attempt %s is %s, settled %v", a.ID(), a.State, m.settled[a.ID()])
			}
			if spec.Steps[i].Run != "" && a.State == trimtab.AttemptSucceeded {
				if j := x.attempts[a.ID()]; j == nil || j.end.Code != 0 || j.end.Cause != "" {
					t.Errorf("attempt %s succeeded and ended as %+v", a.ID(), j)
				}
				if want := trimtab.DigestOf([]byte("output of " + string(a.ID()))); s.Outputs["o"] != want {
					t.Errorf("step %s has the output of another attempt", s.Name)
				}
			}
		}
		if s.State == trimtab.StepFailed && !canceled && spec.Steps[i].Run != "" {
			j := x.attempts[s.AttemptID()]
			if j == nil || j.end.Code == 0 && j.end.Cause == "" {
				t.Errorf("a healthy step %s failed: %s", s.Name, s.Reason)
			}
		}
	}
	for id := range x.effects {
		name := strings.Split(string(id), ".")
		if n, _ := strconv.Atoi(name[2]); n > len(m.attempts[name[0]+"."+name[1]]) {
			t.Errorf("effect of %s, which nobody intended", id)
		}
	}
	want := trimtab.PipelineFailed
	if good {
		want = trimtab.PipelineSucceeded
	} else if canceled && run.State == trimtab.PipelineCanceled {
		want = trimtab.PipelineCanceled
	}
	if run.State != want {
		t.Errorf("the run is %s, want %s", run.State, want)
	}
}

// TestEveryFakeCrashPoint dies at every point of a run on the fake machine, and
// once more at the point with the same number in the engine that follows.
func TestEveryFakeCrashPoint(t *testing.T) {
	passed := 0
	for k := 1; k < 500; k++ {
		done := false
		synctest.Test(t, func(t *testing.T) {
			m, x := newMemory(1, 0), newMachine(1, 0)
			spec := trimtab.PipelineSpec{Steps: []trimtab.StepSpec{
				{Name: "data", Dataset: &trimtab.DatasetSpec{Source: "s", AsOf: "2013-01-01"}},
				{Name: "train", Run: "x", Inputs: map[string]string{"rows": "data.rows"}, Outputs: map[string]string{"o": "o"}},
				{Name: "other", Run: "x", Outputs: map[string]string{"o": "o"}},
				{Name: "promote", Needs: []string{"train", "other"}, Promote: &trimtab.PromoteSpec{Model: "m", Alias: "champion"}},
			}}
			m.specs["p"] = spec
			run, err := New(fakeConfig(m, x)).Start(t.Context(), "p", StartOptions{})
			if err != nil {
				t.Fatal(err)
			}
			lives := 0
			for ; !m.runs[run.ID].State.Ended() && lives < 10; lives++ {
				cfg, n, dead := fakeConfig(m, x), 0, false
				if lives < 2 {
					cfg.crash = func(string) {
						if n++; n == k {
							dead = true
							panic("killed")
						}
					}
				}
				e := New(cfg)
				for i := 0; i < 1000 && !dead && !m.runs[run.ID].State.Ended(); i++ {
					func() {
						defer func() { _ = recover() }()
						if _, err := e.reconcile(t.Context(), "default/"+string(run.ID)); err != nil {
							t.Fatal(err)
						}
					}()
					time.Sleep(time.Second)
				}
			}
			run = m.runs[run.ID]
			check(t, m, x, run, spec, false)
			if run.State != trimtab.PipelineSucceeded || len(x.effects) != 2 || len(m.aliases) == 0 {
				t.Errorf("point %d: %s, %d effects, %d moves of the alias", k, run.State, len(x.effects), len(m.aliases))
			}
			done = lives == 1
		})
		if done {
			break
		}
		passed = k
	}
	if passed < 30 {
		t.Errorf("only %d points", passed)
	}
}
