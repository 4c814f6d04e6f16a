package retrain_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

const (
	hour = trimtab.Time(3600 * 1000)
	day  = 24 * hour
	// began is the first moment of the histories that these tests tell: 2013-03-01.
	began    = 15765 * day
	maturity = 6 * hour
)

// databases runs a test on both databases.
func databases(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.URL(t))) })
}

// world is a database and a traffic store.
type world struct {
	t       *testing.T
	db      *sql.DB
	traffic *traffic.Store
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t}
	key, err := journal.LoadKey(t.TempDir())
	w.must(err)
	w.db, err = sql.Open(t.Context(), sql.Config{URL: url, Key: key})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.db.Close()
	})
	w.traffic, err = traffic.Open(traffic.Config{Dir: t.TempDir()})
	w.must(err)
	t.Cleanup(func() { w.must(w.traffic.Close()) })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) apply(verb trimtab.Verb, kind, name string, spec any) {
	w.t.Helper()
	r := trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: kind, Name: name}
	if verb != trimtab.CreateVerb {
		var err error
		r, err = w.db.Resources.Get(w.t.Context(), kind, name)
		w.must(err)
	}
	body, err := trimtab.Canonical(spec)
	w.must(err)
	r.Spec = body
	w.must(w.db.Resources.Apply(w.t.Context(), []trimtab.ResourceWrite{{Verb: verb, Resource: r}}))
}

var errCrash = errors.New("killed here")

// crashing makes the n-th effect of a policy fail, before or after it; so do all later
// ones, for the process is dead. The named points between effects count as effects.
type crashing struct {
	calls, at int
	after     bool
	effects   []string // what the calls were
}

func (c *crashing) around(what string, f func() error) error {
	c.calls++
	c.effects = append(c.effects, what)
	switch {
	case c.at == 0 || c.calls < c.at:
		return f()
	case c.calls == c.at && c.after:
		if err := f(); err != nil {
			return err
		}
	}
	return errCrash
}

type crashingStates struct {
	*crashing
	retrain.States
}

func (c crashingStates) Settle(ctx context.Context, s trimtab.Settlement) error {
	return c.around("settle", func() error { return c.States.Settle(ctx, s) })
}

type crashingDocuments[T trimtab.Document] struct {
	*crashing
	retrain.Documents[T]
}

func (c crashingDocuments[T]) Move(ctx context.Context, name string, rule func(old *T) (T, trimtab.Change, error)) (out T, err error) {
	var zero T
	err = c.around(zero.Object().Kind, func() error { out, err = c.Documents.Move(ctx, name, rule); return err })
	return out, err
}

// versions are what the versions of a life are: a column of the log and a correction of it.
type versions struct {
	column  []string
	correct []retrain.Calibrator
	until   []trimtab.Time
	parent  []trimtab.Version
}

func (v *versions) add(column string, c retrain.Calibrator, until trimtab.Time, parent trimtab.Version) trimtab.Version {
	v.column, v.correct, v.until, v.parent = append(v.column, column), append(v.correct, c), append(v.until, until), append(v.parent, parent)
	return trimtab.Version(len(v.column))
}

// life is one endpoint with a policy that lives through a story in which it may be
// killed. Around the policy stand those who are no part of it: an engine, a gate, a
// registry and rollouts, each doing of one key one thing, as the real ones.
type life struct {
	*world
	*crashing
	name  string
	p     *retrain.Policies
	now   trimtab.Time
	days  int
	story story

	versions
	alias   trimtab.Version
	runs    []trimtab.PipelineRun
	keys    []string // of runs
	asked   []string // evaluations, each once
	derived map[string]trimtab.Version
	unable  map[trimtab.Version]bool // cannot be scored
	waits   []string                 // what people were asked
	kills   int
	asleep  bool            // nobody passes over the policy
	late    trimtab.Version // answers instead of the one that serves
	clock   bool            // the clock moves the watermark
}

// story is what happens, by the number of the day.
type story struct {
	spec    trimtab.RetrainPolicySpec
	rollout *trimtab.RolloutSpec
	loss    []float64 // that the monitor measured: what a threshold goes by
	shift   []float64 // of the truth, on the logit, against what version 1 knows
	silent  []int     // days without labels
	train   []string  // outcome of the runs in order: a column, "fails", "lost"
	gate    []string  // verdicts in order
	rolls   []string  // outcome of the rollouts in order: "promoted" (default), "rolledBack", "undone": promoted and taken back a day later
	people  map[int]func(l *life)
	paused  map[int]bool
	human   func(l *life, n int) // the n-th time that the policy waits for a person
}

func at[T any](list []T, i int, absent T) T {
	if i >= 0 && i < len(list) {
		return list[i]
	}
	return absent
}

func (w *world) prepare(name string, s story, kill int, after bool) *life {
	w.t.Helper()
	l := &life{world: w, crashing: &crashing{at: kill, after: after}, name: name, story: s, now: began, derived: map[string]trimtab.Version{}, unable: map[trimtab.Version]bool{}}
	l.alias = l.add("a", retrain.Identity, began, 0)
	w.apply(trimtab.CreateVerb, trimtab.KindEndpoint, name, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}})
	w.apply(trimtab.CreateVerb, trimtab.KindMonitor, name, trimtab.MonitorSpec{Endpoint: name, Window: "1d", LabelMaturity: trimtab.Duration(6 * time.Hour)})
	s.spec.Monitor, s.spec.Pipeline, s.spec.Block = name, "train", "unit"
	w.apply(trimtab.CreateVerb, trimtab.KindRetrainPolicy, name, s.spec)
	return l
}

// born is a life in which the test moves the watermark, as a replay does.
func (w *world) born(name string, s story, kill int, after bool) *life {
	w.t.Helper()
	l := w.prepare(name, s, kill, after)
	l.move(func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.AcquireLease("test", 1, time.Hour)
	})
	l.start()
	return l
}

// bornToTheClock is a life in which the clock moves the watermark, and nobody settles.
func (w *world) bornToTheClock(name string, s story) *life {
	w.t.Helper()
	l := w.prepare(name, s, 0, false)
	l.clock, l.asleep = true, true
	l.start()
	return l
}

// start is a new process: what the old one had in memory is gone.
func (l *life) start() {
	l.p = retrain.New(retrain.Config{Resources: l.db.Resources, States: crashingStates{l.crashing, l.db.Endpoints}, Windows: l.db.Windows, Traffic: l.traffic,
		Policies:  crashingDocuments[trimtab.PolicyState]{l.crashing, l.db.Policies},
		Decisions: crashingDocuments[trimtab.Decision]{l.crashing, l.db.Decisions},
		Incidents: crashingDocuments[trimtab.Incident]{l.crashing, l.db.Incidents},
		Clock:     func() trimtab.Time { return l.now + maturity + hour }, // the default lateness of an hour behind it
		History:   l.db.Rollouts, Pauses: l.db.Pauses, Scorer: l, Models: l, Engine: l, Gate: l, Rollouts: l,
		Crash: func(point string) error {
			return l.around("point "+point, func() error { return nil })
		}})
}

func (l *life) move(rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) {
	l.t.Helper()
	_, err := l.db.Endpoints.Move(l.t.Context(), l.name, rule)
	l.must(err)
}

// try does something until it is not killed on the way.
func (l *life) try(f func() error) {
	l.t.Helper()
	err := f()
	if errors.Is(err, errCrash) {
		l.crashing.at = 0
		l.kills++
		l.start()
		err = f()
	}
	l.must(err)
}

var logged = []table.Field{{Name: "a", Type: table.Float64}, {Name: "b", Type: table.Float64}, {Name: "x", Type: table.Float64}, {Name: "unit", Type: table.Int64}}

func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

// send logs the rows of a day and their labels. What is truth by the shift of the day is
// known to the column b; a has learnt that of the first.
func (l *life) send() {
	l.t.Helper()
	log, err := l.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: l.name})
	l.must(err)
	r := rand.New(rand.NewPCG(uint64(l.days), 5))
	serves := l.serves()
	if l.late != 0 {
		serves = l.late
	}
	b := &traffic.Batch{Version: serves, Watermark: l.mark(), OutputNames: []string{"score"}, Inputs: table.Empty(logged, 64)}
	var labels []traffic.Label
	shift := at(l.story.shift, l.days, 0)
	for i := range trimtab.Time(160) {
		t := l.now + i*day/160
		id, x := fmt.Sprintf("r%d", t), r.NormFloat64()
		row := []float64{logistic(x), logistic(x + shift), x}
		score, err := l.scored(b.Version, row[0], row[1])
		l.must(err)
		y := 0.0
		if r.Float64() < logistic(x+shift) {
			y = 1
		}
		b.IDs, b.EventTimes, b.Outputs = append(b.IDs, id), append(b.EventTimes, t), append(b.Outputs, score)
		for j, v := range row {
			b.Inputs.Columns[j].AppendFloat64(v)
		}
		b.Inputs.Columns[3].AppendInt64(int64(i % 16))
		labels = append(labels, traffic.Label{ID: id, Value: y, EventTime: t, KnownAt: t + hour})
	}
	b.Inputs, err = table.New(b.Inputs.Columns...)
	l.must(err)
	_, err = log.Append(l.t.Context(), b)
	l.must(err)
	if !slices.Contains(l.story.silent, l.days) {
		_, err = log.AppendLabels(l.t.Context(), &traffic.LabelBatch{Labels: labels, Watermark: l.mark()})
		l.must(err)
	}
}

func (l *life) mark() trimtab.Time {
	s, err := l.db.Endpoints.State(l.t.Context(), l.name)
	l.must(err)
	return s.Watermark
}

// day lets one day pass: traffic, its window, what rollouts do, and then the policy
// until the border is settled.
func (l *life) day() {
	l.t.Helper()
	ctx := l.t.Context()
	l.send()
	start := l.now
	l.now += day
	border := l.now + maturity
	if !l.clock {
		l.move(func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
			return s.Advance(1, border)
		})
	}
	l.must(l.db.Windows.Put(ctx, trimtab.WindowResult{Monitor: l.name, Endpoint: l.name, Start: start, End: l.now, Through: border, Rows: 160, Labelled: 160,
		Quality: []trimtab.Quality{{Metric: "log_loss", Value: at(l.story.loss, l.days, 0.3)}}, Phase: trimtab.WindowClosed}))
	l.roll(border)
	if paused, said := l.story.paused[l.days]; said {
		l.pause(paused)
	}
	if f := l.story.people[l.days]; f != nil {
		f(l)
	}
	l.days++
	l.must(l.db.Endpoints.Settle(ctx, trimtab.Settlement{Endpoint: l.name, Listener: "monitor/" + l.name, Through: border, Wait: trimtab.WaitEventTime}))
	if !l.asleep {
		l.settled(border)
	}
}

// settled passes over the policy until it has settled the border.
func (l *life) settled(border trimtab.Time) {
	l.t.Helper()
	for range 30 {
		l.try(func() error { return l.p.Reconcile(l.t.Context(), trimtab.DefaultWorkspace, l.name) })
		s := l.settlement()
		if s.Through != border {
			l.t.Fatalf("at %s: settled %+v", border, s)
		}
		switch s.Wait {
		case trimtab.WaitEventTime:
			return
		case trimtab.WaitProcess:
			l.finish()
			l.roll(border)
		case trimtab.WaitHuman:
			n := len(l.waits)
			l.waits = append(l.waits, s.Detail)
			if l.story.human == nil {
				l.t.Fatalf("at %s the policy waits for a person: %s", border, s.Detail)
			}
			l.story.human(l, n)
		}
	}
	l.t.Fatalf("border %s is not settled: %+v", border, l.settlement())
}

func (l *life) settlement() trimtab.Settlement {
	l.t.Helper()
	all, err := l.db.Endpoints.Settlements(l.t.Context(), l.name)
	l.must(err)
	for _, s := range all {
		if s.Listener == retrain.Listener(l.name) {
			return s
		}
	}
	l.t.Fatalf("the policy has settled nothing: %+v", all)
	panic("unreachable")
}

func (l *life) pause(paused bool) {
	l.t.Helper()
	_, err := l.p.Pause(l.t.Context(), l.name, paused, "maintenance")
	l.must(err)
}

// decision is the newest one that is open or was advised.
func (l *life) decision() string {
	l.t.Helper()
	all, err := l.db.Decisions.List(l.t.Context(), trimtab.DocumentQuery{Scope: l.name})
	l.must(err)
	for _, d := range all {
		if !d.State.Ended() || d.State == trimtab.DecisionAdvised {
			return d.ID
		}
	}
	l.t.Fatal("no decision is open")
	return ""
}

// serves is the version that answers requests.
func (l *life) serves() trimtab.Version { return trimtab.ServedVersion(l.rollouts(), l.alias) }

func (l *life) rollouts() []trimtab.Rollout {
	all, err := l.db.Rollouts.List(l.t.Context(), trimtab.DocumentQuery{Scope: l.name})
	l.must(err)
	return all
}

// roll lets the open rollout go on, as its controller would at a border.
func (l *life) roll(border trimtab.Time) {
	l.t.Helper()
	for _, r := range l.rollouts() {
		outcome := at(l.story.rolls, r.Ordinal()-1, "promoted")
		to := trimtab.RolloutPromoted
		switch {
		case r.State == trimtab.RolloutPromoting && outcome == "undone":
			to = trimtab.RolloutBaking
		case r.State == trimtab.RolloutBaking && r.Since < border:
			to = trimtab.RolloutRolledBack
		case r.State.Ended() || r.State == trimtab.RolloutBaking || r.State == trimtab.RolloutCanary && r.Since == border:
			continue
		case outcome == "rolledBack":
			to = trimtab.RolloutRolledBack
		}
		next, err := l.db.Rollouts.Move(l.t.Context(), r.ID, func(old *trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
			return old.Move(to, 0, 1, border, "as the story goes")
		})
		l.must(err)
		l.alias = next.Answers()
	}
}

// Begin is the rollouts' part: of one cause there is one.
func (l *life) Begin(ctx context.Context, endpoint string, to trimtab.Version, origin, cause string, when trimtab.Time) (r trimtab.Rollout, err error) {
	err = l.around("begin", func() error {
		all := l.rollouts()
		for _, old := range all {
			if r = old; old.Cause == cause {
				return nil
			}
		}
		for _, old := range all {
			if !old.State.Ended() && old.State != trimtab.RolloutBaking {
				return trimtab.Errorf(trimtab.Conflict, endpoint, "rollout %s is under way", old.ID)
			}
		}
		if to == l.serves() {
			return trimtab.Errorf(trimtab.Precondition, endpoint, "version %d serves", to)
		}
		spec := trimtab.RolloutSpec{}
		if l.story.rollout != nil {
			spec = *l.story.rollout
		}
		r, _ = trimtab.NewRollout(endpoint, len(all)+1, "m", "champion", l.serves(), to, spec, "", origin, cause, max(when, l.mark()))
		r, err = l.db.Rollouts.Move(ctx, r.ID, func(*trimtab.Rollout) (trimtab.Rollout, trimtab.Change, error) {
			return r, trimtab.Changed("rollout.begin", nil, r, cause), nil
		})
		return err
	})
	return r, err
}

// Train is the engine's part: of one key there is one run.
func (l *life) Train(_ context.Context, pipeline string, params map[string]string, key, cause string) (run trimtab.PipelineRun, err error) {
	err = l.around("train", func() error {
		if i := slices.Index(l.keys, key); i >= 0 {
			run = l.runs[i]
			return nil
		}
		run = trimtab.PipelineRun{ID: trimtab.PipelineRunID(fmt.Sprintf("run%d", len(l.runs)+1)), Pipeline: pipeline, Params: params, State: trimtab.PipelineRunning, Cause: cause}
		l.runs, l.keys = append(l.runs, run), append(l.keys, key)
		return nil
	})
	return run, err
}

// finish lets the runs come to their ends.
func (l *life) finish() {
	for i := range l.runs {
		if r := &l.runs[i]; !r.State.Ended() {
			switch column := at(l.story.train, i, "b"); column {
			case "fails":
				r.State, r.Reason = trimtab.PipelineFailed, "step fit: exit code 1"
			default:
				until, err := trimtab.ParseTime(r.Params["asOf"])
				l.must(err)
				r.State = trimtab.PipelineSucceeded
				l.add(column, retrain.Identity, until, 0)
				l.derived[string(r.ID)] = trimtab.Version(len(l.column))
			}
		}
	}
}

func (l *life) Run(_ context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error) {
	for _, r := range l.runs {
		if r.ID == id {
			return r, nil
		}
	}
	return trimtab.PipelineRun{}, trimtab.Errorf(trimtab.NotFound, string(id), "there is no run %s", id)
}

func (l *life) Registered(_ context.Context, id trimtab.PipelineRunID, _ trimtab.ModelName) (trimtab.ModelVersion, error) {
	return trimtab.ModelVersion{Model: "m", Version: l.derived[string(id)]}, nil
}

// Evaluate is the gate's part: the same question has the same answer.
func (l *life) Evaluate(_ context.Context, suite, _ string, model trimtab.ModelName, v trimtab.Version, when trimtab.Time) (e trimtab.Evaluation, err error) {
	err = l.around("evaluate", func() error {
		e.ID = trimtab.EvaluationID(suite, model, v, when)
		n := slices.Index(l.asked, e.ID)
		if n < 0 {
			n = len(l.asked)
			l.asked = append(l.asked, e.ID)
		}
		e.Verdict, e.Reason = at(l.story.gate, n, trimtab.VerdictPass), "as the story goes"
		return nil
	})
	return e, err
}

func (l *life) Lineage(_ context.Context, _ trimtab.ModelName, v trimtab.Version) (trimtab.Lineage, bool, error) {
	return trimtab.Lineage{Version: v, Until: l.until[v-1], Parent: l.parent[v-1]}, true, nil
}

func (l *life) Champion(context.Context, trimtab.ModelName, trimtab.Alias) (trimtab.Version, error) {
	return l.alias, nil
}

func (l *life) Recalibrated(_ context.Context, _ trimtab.ModelName, parent trimtab.Version, _ retrain.Task, c retrain.Calibrator, until trimtab.Time, cause string) (v trimtab.Version, err error) {
	err = l.around("recalibrate", func() error {
		if v = l.derived[cause]; v == 0 {
			v = l.add(l.column[parent-1], c.After(l.correct[parent-1]), until, parent)
			l.derived[cause] = v
		}
		return nil
	})
	return v, err
}

func (l *life) scored(v trimtab.Version, a, b float64) (float64, error) {
	if l.unable[v] {
		return 0, trimtab.Errorf(trimtab.Unsupported, "version", "version %d cannot be loaded", v)
	}
	p := a
	if l.column[v-1] == "b" {
		p = b
	}
	return l.correct[v-1].Score(retrain.Binary, p), nil
}

func (l *life) Score(_ context.Context, _ trimtab.Workspace, _ trimtab.ModelName, v trimtab.Version, inputs *table.Table) (out []float64, err error) {
	for i := range inputs.Rows() {
		a, _ := inputs.Column("a").Float(i)
		b, _ := inputs.Column("b").Float(i)
		p, err := l.scored(v, a, b)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// told is all that a life leaves: documents, what was asked of others, and the journal.
func (l *life) told() string {
	l.t.Helper()
	ctx := l.t.Context()
	var out strings.Builder
	write := func(v any) {
		body, err := trimtab.Canonical(v)
		l.must(err)
		out.Write(append(body, '\n'))
	}
	decisions, err := l.db.Decisions.List(ctx, trimtab.DocumentQuery{Scope: l.name})
	l.must(err)
	slices.Reverse(decisions)
	for _, d := range decisions {
		fmt.Fprintf(&out, "%s %s %s: %s | %s\n", d.At, d.Action, d.State, d.Reason, d.Outcome)
	}
	for _, d := range decisions {
		d.PolicyDigest = "" // it names the monitor
		write(d)
	}
	state, err := l.db.Policies.Get(ctx, l.name)
	l.must(err)
	write(state)
	incidents, err := l.db.Incidents.List(ctx, trimtab.DocumentQuery{Scope: l.name})
	l.must(err)
	for _, i := range incidents {
		write(i)
	}
	for _, r := range l.rollouts() {
		write(r)
	}
	for i, r := range l.runs {
		fmt.Fprintf(&out, "run %s of %s: %s %s\n", r.ID, l.keys[i], r.State, r.Params["asOf"])
	}
	fmt.Fprintf(&out, "asked %v\nversions %v %v\nwaits %q\nserves %d\n", l.asked, l.column, l.correct, slices.Compact(l.waits), l.serves())
	for _, e := range l.journal() {
		if own, _, _ := strings.Cut(e.Object.Name, "@"); own == l.name || strings.HasPrefix(e.Object.Name, l.name+".") {
			fmt.Fprintf(&out, "%s %s %s\n", e.Action, e.Object, e.Actor.ID)
		}
	}
	return strings.ReplaceAll(out.String(), l.name, "NAME")
}

// journal reads every entry, behind a mark of its own: an entry may come into order late.
func (l *life) journal() (out []trimtab.Entry) {
	l.t.Helper()
	ctx := l.t.Context()
	mark := "mark-" + l.name
	_, err := l.db.Pauses.Move(ctx, mark, func(old *trimtab.Pause) (trimtab.Pause, trimtab.Change, error) {
		next := trimtab.Pause{Name: mark}
		return next, trimtab.Changed("pause.set", old, next, ""), nil
	})
	l.must(err)
	for after := int64(0); ; {
		l.must(l.db.Journal.Wait(ctx, after))
		entries, err := l.db.Journal.Entries(ctx, after, 1000)
		l.must(err)
		for _, e := range entries {
			after = e.Index
			if e.Object.Name == mark {
				return out
			}
			switch e.Object.Kind {
			case "decision", "policyState", "incident", "rollout":
				out = append(out, e)
			}
		}
	}
}
