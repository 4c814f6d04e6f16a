package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
)

// memory stands for the stores. Every second call or so it may fail before or
// after it has done its work, as a database does whose answer gets lost.
type memory struct {
	mu       sync.Mutex
	random   *rand.Rand // guarded by mu, as all below
	faults   float64
	specs    map[string]trimtab.PipelineSpec
	runs     map[trimtab.PipelineRunID]trimtab.PipelineRun
	attempts map[string][]trimtab.Attempt
	settled  map[trimtab.AttemptID]bool
	aliases  []trimtab.MoveAlias
	objects  map[trimtab.Digest][]byte
	problems []string
}

func newMemory(seed uint64, faults float64) *memory {
	return &memory{random: rand.New(rand.NewPCG(seed, 1)), faults: faults, specs: map[string]trimtab.PipelineSpec{},
		runs: map[trimtab.PipelineRunID]trimtab.PipelineRun{}, attempts: map[string][]trimtab.Attempt{},
		settled: map[trimtab.AttemptID]bool{}, objects: map[trimtab.Digest][]byte{}}
}

func (m *memory) problem(format string, args ...any) {
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

// chance decides whether a call fails; callers hold mu.
func (m *memory) chance() error {
	if m.random.Float64() < m.faults {
		return trimtab.Errorf(trimtab.Unavailable, "database", "the database is away")
	}
	return nil
}

func (m *memory) run(id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	r, ok := m.runs[id]
	if !ok {
		return r, trimtab.Errorf(trimtab.NotFound, "run", "no run %s", id)
	}
	r.Steps = slices.Clone(r.Steps)
	return r, nil
}

func (m *memory) CreateRun(ctx context.Context, r trimtab.PipelineRun, steps []trimtab.Step) (trimtab.PipelineRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range steps {
		steps[i].Workspace, steps[i].Run = r.Workspace, r.ID
	}
	r.Steps = steps
	m.runs[r.ID] = r
	return m.run(r.ID)
}

func (m *memory) GetRun(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.chance(); err != nil {
		return trimtab.PipelineRun{}, err
	}
	return m.run(id)
}

func (m *memory) ListRuns(ctx context.Context, pipeline string, limit int, after trimtab.PageToken) ([]trimtab.PipelineRun, trimtab.PageToken, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.runs)), "", nil
}

func (m *memory) OpenRuns(ctx context.Context) (out []trimtab.PipelineRun, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if !r.State.Ended() {
			out = append(out, r)
		}
	}
	return out, m.chance()
}

func (m *memory) MoveRun(ctx context.Context, id trimtab.PipelineRunID, rule func(trimtab.PipelineRun) (trimtab.PipelineRun, trimtab.Change, error)) (trimtab.PipelineRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.chance(); err != nil {
		return trimtab.PipelineRun{}, err
	}
	r, err := m.run(id)
	if err != nil {
		return r, err
	}
	next, c, err := rule(r)
	if err != nil {
		return next, err
	}
	if c.Action != "" {
		if r.State.Ended() {
			m.problem("run %s was %s and became %s", id, r.State, next.State)
		}
		for _, s := range next.Steps {
			if next.State.Ended() && !s.State.Ended() {
				m.problem("run %s ended while step %s is %s", id, s.Name, s.State)
			}
		}
		m.runs[id] = next
	}
	return next, m.chance()
}

func (m *memory) MoveStep(ctx context.Context, id trimtab.PipelineRunID, step string, rule func(trimtab.Step) (trimtab.Step, trimtab.Change, error), alongside ...trimtab.StepEffect) (trimtab.Step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.chance(); err != nil {
		return trimtab.Step{}, err
	}
	r, err := m.run(id)
	if err != nil {
		return trimtab.Step{}, err
	}
	i := slices.IndexFunc(r.Steps, func(s trimtab.Step) bool { return s.Name == step })
	next, c, err := rule(r.Steps[i])
	if err != nil {
		return next, err
	}
	if c.Action != "" {
		m.checkMove(r, r.Steps[i], next)
		r.Steps[i] = next
		m.runs[id] = r
	}
	key := string(id) + "." + step
	for _, e := range alongside {
		switch e := e.(type) {
		case trimtab.PutAttempt:
			all := m.attempts[key]
			switch {
			case e.Attempt.N == len(all)+1:
				m.attempts[key] = append(all, e.Attempt)
			case e.Attempt.N > len(all):
				m.problem("attempt %d of %s follows %d", e.Attempt.N, key, len(all))
			case !all[e.Attempt.N-1].Live() && all[e.Attempt.N-1].State != e.Attempt.State:
				m.problem("attempt %s was %s and became %s", e.Attempt.ID(), all[e.Attempt.N-1].State, e.Attempt.State)
			default:
				all[e.Attempt.N-1] = e.Attempt
			}
		case trimtab.SettleVersions:
			m.settled[e.Attempt] = true
		}
	}
	return next, m.chance() // the answer may get lost after the commit
}

// checkMove looks for moves that no crash and no fault excuses.
func (m *memory) checkMove(r trimtab.PipelineRun, old, next trimtab.Step) {
	if old.State.Ended() || next.Attempt < old.Attempt || next.Attempt > old.Attempt+1 {
		m.problem("step %s went from %s/%d to %s/%d", old.Name, old.State, old.Attempt, next.State, next.Attempt)
	}
	if next.State == trimtab.StepStarting {
		var spec trimtab.PipelineSpec
		json.Unmarshal(r.Spec, &spec)
		for _, s := range spec.Steps {
			if s.Name != old.Name {
				continue
			}
			for _, need := range s.Requires() {
				for _, n := range r.Steps {
					if n.Name == need && !n.State.Good() {
						m.problem("step %s began while %s is %s", old.Name, need, n.State)
					}
				}
			}
		}
		if r.State == trimtab.PipelineCanceling {
			m.problem("step %s began in a run that is being cancelled", old.Name)
		}
	}
}

func (m *memory) Attempts(ctx context.Context, id trimtab.PipelineRunID, step string) ([]trimtab.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.attempts[string(id)+"."+step]), m.chance()
}

func (m *memory) Cached(ctx context.Context, key trimtab.Digest) (trimtab.Step, error) {
	return trimtab.Step{}, trimtab.Errorf(trimtab.NotFound, "step", "none")
}

// records are the other stores.
type records struct{ *memory }

func (m records) Get(ctx context.Context, kind, name string) (trimtab.Resource, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, err := json.Marshal(m.specs[name])
	return trimtab.Resource{Kind: kind, Name: name, Generation: 1, Spec: raw}, err
}

func (m records) ByName(ctx context.Context, name string) (trimtab.Experiment, error) {
	return trimtab.Experiment{ID: "1", Name: name, Lifecycle: trimtab.Active}, nil
}

func (m records) Create(ctx context.Context, e trimtab.Experiment) (trimtab.Experiment, error) {
	return e, nil
}

func (m records) Take(ctx context.Context, d trimtab.DatasetSpec) (trimtab.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return trimtab.Snapshot{Source: d.Source, Digest: trimtab.DigestOf([]byte(d.AsOf)), Rows: 1}, m.chance()
}

func (m records) Served(ctx context.Context, d trimtab.DatasetSpec) (trimtab.Digest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return "", m.chance()
}

// ByAttempt says that every settled attempt of a step named train registered version 1.
func (m records) ByAttempt(ctx context.Context, run trimtab.PipelineRunID) (out []trimtab.ModelVersion, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.settled {
		if strings.HasPrefix(string(id), string(run)+".train.") {
			out = append(out, trimtab.ModelVersion{Model: "m", Version: 1, Attempt: id, Settled: true})
		}
	}
	return out, m.chance()
}

func (m records) SetAlias(ctx context.Context, name trimtab.ModelName, move trimtab.MoveAlias) (trimtab.RegisteredModel, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.aliases = append(m.aliases, move)
	return trimtab.RegisteredModel{Name: name, Aliases: map[trimtab.Alias]trimtab.Version{move.Alias: move.To}}, m.chance()
}

type mlflowRuns struct{}

func (mlflowRuns) Create(ctx context.Context, run trimtab.Run, key string) (trimtab.Run, error) {
	run.ID = trimtab.RunID(trimtab.DigestOf([]byte(key)).Hex()[:32])
	return run, nil
}

// objects is a blob store in memory.
type objects struct{ *memory }

type object struct{ *bytes.Reader }

func (object) Close() error { return nil }

func (o objects) Put(ctx context.Context, r io.Reader) (trimtab.Digest, int64, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.chance(); err != nil {
		return "", 0, err
	}
	d := trimtab.DigestOf(raw)
	o.objects[d] = raw
	return d, int64(len(raw)), nil
}

func (o objects) Open(ctx context.Context, d trimtab.Digest) (blob.Reader, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	raw, ok := o.objects[d]
	if !ok {
		return nil, trimtab.Errorf(trimtab.NotFound, "object", "no object %s", d)
	}
	return object{bytes.NewReader(raw)}, nil
}

func (o objects) Stat(ctx context.Context, d trimtab.Digest) (blob.Info, error) {
	_, err := o.Open(ctx, d)
	return blob.Info{Digest: d}, err
}

func (o objects) Delete(ctx context.Context, d trimtab.Digest) error   { return nil }
func (o objects) List(ctx context.Context) iter.Seq2[blob.Info, error] { return nil }

// machine is an executor whose attempts take time, end in all ways, and whose
// answers get lost or come late. A start that was asked for twice, or whose
// answer got lost, has one effect, as with any executor.
type machine struct {
	mu       sync.Mutex
	random   *rand.Rand // guarded by mu, as all below
	faults   float64
	attempts map[trimtab.AttemptID]*job
	effects  map[trimtab.AttemptID]int
	problems []string
}

type job struct {
	started, ends time.Time
	end           Observation
	dead          bool // killed before it started
}

func newMachine(seed uint64, faults float64) *machine {
	return &machine{random: rand.New(rand.NewPCG(seed, 2)), faults: faults, attempts: map[trimtab.AttemptID]*job{}, effects: map[trimtab.AttemptID]int{}}
}

func (x *machine) chance() error {
	if x.random.Float64() < x.faults {
		return fmt.Errorf("the machine does not answer")
	}
	return nil
}

func (x *machine) Start(ctx context.Context, o Order, token func() (string, error)) error {
	x.mu.Lock()
	if err := x.chance(); err != nil {
		x.mu.Unlock()
		return err
	}
	if x.attempts[o.Attempt] != nil {
		x.mu.Unlock()
		return nil
	}
	x.mu.Unlock()
	if _, err := token(); err != nil { // never with mu: the store has faults of its own
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.attempts[o.Attempt] == nil {
		now := time.Now()
		j := &job{started: now, ends: now.Add(time.Duration(x.random.Int64N(int64(20 * time.Second))))}
		switch n := x.random.IntN(10); {
		case x.faults == 0 || n < 6:
			j.end = Observation{Sight: Exited}
		case n < 8:
			j.end = Observation{Sight: Exited, Code: 75}
		case n == 8:
			j.end = Observation{Sight: Exited, Code: 1}
		default:
			j.end = Observation{Sight: Exited, Cause: CauseLost}
		}
		x.attempts[o.Attempt] = j
		x.effects[o.Attempt]++
		x.alone(o.Attempt)
	}
	return x.chance()
}

// alone looks for another attempt of the step that still runs.
func (x *machine) alone(id trimtab.AttemptID) {
	step := string(id)[:strings.LastIndexByte(string(id), '.')]
	for other, j := range x.attempts {
		if other != id && strings.HasPrefix(string(other), step+".") && !j.dead && j.ends.After(time.Now()) {
			x.problems = append(x.problems, fmt.Sprintf("%s started while %s runs", id, other))
		}
	}
}

func (x *machine) Observe(ctx context.Context, id trimtab.AttemptID) (Observation, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.chance(); err != nil {
		return Observation{}, err
	}
	j := x.attempts[id]
	switch {
	case j == nil:
		return Observation{Sight: Absent}, nil
	case j.dead:
		return Observation{Sight: Exited, Cause: CauseCanceled}, nil
	case time.Now().Before(j.ends):
		return Observation{Sight: Running, Since: trimtab.TimeOf(j.started)}, nil
	}
	return j.end, nil
}

func (x *machine) Kill(ctx context.Context, id trimtab.AttemptID, cause string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.chance(); err != nil {
		return err
	}
	if j := x.attempts[id]; j == nil {
		x.attempts[id] = &job{dead: true}
	} else if now := time.Now(); now.Before(j.ends) {
		j.ends, j.end = now.Add(time.Duration(x.random.Int64N(int64(5*time.Second)))), Observation{Sight: Exited, Cause: cause, Code: 143}
	}
	return x.chance()
}

func (x *machine) Collect(ctx context.Context, id trimtab.AttemptID, path string) (io.ReadCloser, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return io.NopCloser(strings.NewReader("output of " + string(id))), x.chance()
}

func (x *machine) Log(ctx context.Context, id trimtab.AttemptID) (io.ReadSeekCloser, error) {
	return nil, trimtab.Errorf(trimtab.NotFound, string(id), "no log")
}

func (x *machine) Forget(ctx context.Context, id trimtab.AttemptID) error { return nil }
