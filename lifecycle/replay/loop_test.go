package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/lifecycle/rollout"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

// pace is what must not show: how many rows a request has, how long what happens in the
// world takes, whether the loop is stopped and started again on the way.
type pace struct {
	batch    int
	slow     time.Duration // at most, of everything
	restarts bool
	seed     uint64
}

// loop is the closed loop with the parts that settle borders, real and following the
// journal, around a data plane, an engine, a gate and a person that are none.
type loop struct {
	t       *testing.T
	db      *sql.DB
	blobs   *blob.Disk
	traffic *traffic.Store
	server  *httptest.Server
	pace    pace

	// asked are parts that are only asked for listeners and borders.
	monitors *monitor.Monitors
	rollouts *rollout.Rollouts
	asked    *retrain.Policies

	mu       sync.Mutex // guards all below
	chance   *rand.Rand
	policies *retrain.Policies // those that run
	keys     []string          // of pipeline runs
	ends     []time.Time       // of pipeline runs
	waited   []string          // what people were asked
	starts   int
}

func newLoop(t *testing.T, url string, p pace) *loop {
	t.Helper()
	l := &loop{t: t, pace: p, chance: rand.New(rand.NewPCG(p.seed, 1))}
	key, err := journal.LoadKey(t.TempDir())
	l.must(err)
	l.db, err = sql.Open(t.Context(), sql.Config{URL: url, Key: key})
	l.must(err)
	l.blobs, err = blob.OpenDisk(t.TempDir())
	l.must(err)
	l.traffic, err = traffic.Open(traffic.Config{Dir: t.TempDir()})
	l.must(err)
	l.server = httptest.NewServer(http.HandlerFunc(l.serve))
	l.monitors, l.rollouts, l.asked = l.parts()

	database, stopDatabase := context.WithCancel(context.Background())
	ctx, stopLoop := context.WithCancel(context.Background())
	var data, parts sync.WaitGroup
	data.Go(func() {
		if err := l.db.Run(database); err != nil {
			t.Error(err)
		}
	})
	parts.Go(func() { l.run(ctx) })
	parts.Go(func() { l.person(ctx) })
	t.Cleanup(func() {
		l.server.Close()
		stopLoop()
		parts.Wait()
		stopDatabase()
		data.Wait()
		l.must(l.traffic.Close())
		l.must(l.blobs.Close())
		l.db.Close()
	})
	return l
}

func (l *loop) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// parts are new ones, as of a process that starts.
func (l *loop) parts() (*monitor.Monitors, *rollout.Rollouts, *retrain.Policies) {
	db := l.db
	m := monitor.New(monitor.Config{Resources: db.Resources, States: db.Endpoints, Windows: db.Windows, Traffic: l.traffic, Incidents: db.Incidents, Rollouts: db.Rollouts, Scorer: l})
	r := rollout.New(rollout.Config{Resources: db.Resources, States: db.Endpoints, Rollouts: db.Rollouts, Incidents: db.Incidents, Pauses: db.Pauses,
		Aliases: db.Models, Versions: frozen{db.Versions}, Traffic: l.traffic, Scorer: l})
	p := retrain.New(retrain.Config{Resources: db.Resources, States: db.Endpoints, Windows: db.Windows, Traffic: l.traffic, Policies: db.Policies, Decisions: db.Decisions,
		Incidents: db.Incidents, History: db.Rollouts, Pauses: db.Pauses, Scorer: l, Models: l, Engine: l, Gate: l, Rollouts: r})
	return m, r, p
}

// run runs the parts, and others in their place after a while where restarts are wanted.
func (l *loop) run(ctx context.Context) {
	for ctx.Err() == nil {
		life, stop := context.WithCancel(ctx)
		if l.pace.restarts {
			life, stop = context.WithTimeout(ctx, l.some(150*time.Millisecond)+20*time.Millisecond)
		}
		m, r, p := l.parts()
		l.mu.Lock()
		l.policies = p
		l.starts++
		l.mu.Unlock()
		var group sync.WaitGroup
		for _, f := range []func(context.Context) error{m.Run, r.Run, p.Run, func(ctx context.Context) error {
			return control.Consume(ctx, l.db.Journal, nil, m.Consumer(), r.Consumer(), p.Consumer())
		}} {
			group.Go(func() {
				if err := f(life); err != nil {
					l.t.Error(err)
				}
			})
		}
		group.Wait()
		stop()
	}
}

// some is a span up to most, by chance.
func (l *loop) some(most time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.chance.Int64N(int64(most) + 1))
}

func (l *loop) dawdle() { time.Sleep(l.some(l.pace.slow)) }

// frozen gives every version a manifest: rollouts ask for complete versions.
type frozen struct{ *sql.Versions }

func (f frozen) Get(ctx context.Context, m trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	x, err := f.Versions.Get(ctx, m, v)
	x.Manifest = trimtab.DigestOf(fmt.Appendf(nil, "version %d", v))
	return x, err
}

// Score scores a row with version N by its column vN.
func (l *loop) Score(_ context.Context, _ trimtab.Workspace, _ trimtab.ModelName, v trimtab.Version, inputs *table.Table) ([]float64, error) {
	l.dawdle()
	c := inputs.Column(fmt.Sprintf("v%d", v))
	if c == nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "version", "version %d has no column", v)
	}
	out := make([]float64, c.Len())
	c.Floats(out, 1)
	return out, nil
}

// Train is the engine's part: of one key one run, of which the first fails.
func (l *loop) Train(_ context.Context, pipeline string, _ map[string]string, key, cause string) (trimtab.PipelineRun, error) {
	took := l.some(l.pace.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := slices.Index(l.keys, key)
	if n < 0 {
		n = len(l.keys)
		l.keys, l.ends = append(l.keys, key), append(l.ends, time.Now().Add(took))
	}
	return trimtab.PipelineRun{ID: trimtab.PipelineRunID(fmt.Sprintf("run%d", n+1)), Pipeline: pipeline, State: trimtab.PipelineRunning, Cause: cause}, nil
}

func (l *loop) Run(_ context.Context, id trimtab.PipelineRunID) (run trimtab.PipelineRun, err error) {
	var n int
	if _, err := fmt.Sscanf(string(id), "run%d", &n); err != nil {
		return run, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	run = trimtab.PipelineRun{ID: id, State: trimtab.PipelineSucceeded}
	switch {
	case time.Now().Before(l.ends[n-1]):
		run.State = trimtab.PipelineRunning
	case n == 1:
		run.State, run.Reason = trimtab.PipelineFailed, "step fit: exit code 1"
	}
	return run, nil
}

func (l *loop) Registered(context.Context, trimtab.PipelineRunID, trimtab.ModelName) (trimtab.ModelVersion, error) {
	return trimtab.ModelVersion{Model: "m", Version: 2}, nil
}

func (l *loop) Evaluate(_ context.Context, suite, _ string, model trimtab.ModelName, v trimtab.Version, when trimtab.Time) (trimtab.Evaluation, error) {
	l.dawdle()
	return trimtab.Evaluation{ID: trimtab.EvaluationID(suite, model, v, when), Verdict: trimtab.VerdictPass, Reason: "it wins"}, nil
}

func (l *loop) Lineage(context.Context, trimtab.ModelName, trimtab.Version) (trimtab.Lineage, bool, error) {
	return trimtab.Lineage{}, false, nil
}

func (l *loop) Champion(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.Version, error) {
	m, err := l.db.Models.Get(ctx, model)
	return m.Aliases[alias], err
}

func (l *loop) Recalibrated(context.Context, trimtab.ModelName, trimtab.Version, retrain.Task, retrain.Calibrator, trimtab.Time, string) (trimtab.Version, error) {
	return 0, trimtab.Errorf(trimtab.Unsupported, "m", "nothing is recalibrated here")
}

// person approves what the loop asks for, after a while in which the watermark stands.
func (l *loop) person(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		all, err := l.db.Endpoints.Settlements(ctx, "e")
		if err != nil {
			continue
		}
		for _, x := range all {
			id, _, ok := strings.Cut(strings.TrimPrefix(x.Detail, "trimtab decisions approve "), ", or reject it")
			if x.Wait != trimtab.WaitHuman || !ok {
				continue
			}
			before, err := l.db.Endpoints.State(ctx, "e")
			if err != nil {
				continue
			}
			time.Sleep(30 * time.Millisecond) // the replay asks every few milliseconds
			l.dawdle()
			after, err := l.db.Endpoints.State(ctx, "e")
			if err != nil {
				continue
			}
			if d, err := l.db.Decisions.Get(ctx, id); err != nil || d.State != trimtab.DecisionAwaiting {
				continue // approved already, and not looked at yet
			}
			if before.Watermark != after.Watermark || before.Watermark != x.Through {
				l.t.Errorf("the replay went on from %s to %s while decision %s waits for a person at %s", before.Watermark, after.Watermark, id, x.Through)
			}
			l.mu.Lock()
			if !slices.Contains(l.waited, x.Detail) {
				l.waited = append(l.waited, x.Detail)
			}
			p := l.policies
			l.mu.Unlock()
			if _, err := p.Approve(ctx, id, "go on"); err != nil && ctx.Err() == nil && !trimtab.IsKind(err, trimtab.Precondition) {
				l.t.Errorf("approve %s: %v", id, err)
			}
		}
	}
}

// serve is a data plane: it answers a share of the requests with the version that is
// rolled out, as the record of the rollout says.
func (l *loop) serve(w http.ResponseWriter, r *http.Request) {
	l.dawdle()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		if strings.HasSuffix(r.URL.Path, "/labels") {
			err = l.takeLabels(r.Context(), body)
		} else {
			err = l.takeRows(r.Context(), body)
		}
	}
	if err != nil {
		l.t.Error(err)
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprint(w, `{"predictions":[]}`)
}

func (l *loop) takeRows(ctx context.Context, body []byte) error {
	var in struct {
		Frame struct {
			Columns []string `json:"columns"`
			Data    [][]any  `json:"data"`
		} `json:"dataframe_split"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	column := func(name string) int { return slices.Index(in.Frame.Columns, name) }
	id, at := column(traffic.ReplayIDColumn), column(traffic.ReplayTimeColumn)
	state, err := l.db.Endpoints.State(ctx, "e")
	if err != nil {
		return err
	}
	alias, err := l.Champion(ctx, "m", "champion")
	if err != nil {
		return err
	}
	all, err := l.db.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: "e"})
	if err != nil {
		return err
	}
	stable, next, share := trimtab.ServedVersion(all, alias), trimtab.Version(0), 0.0
	if len(all) > 0 && !all[0].State.Ended() && all[0].Answers() == all[0].From {
		next, share = all[0].To, all[0].Share
	}
	log, err := l.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: "e"})
	if err != nil {
		return err
	}
	for _, v := range []trimtab.Version{stable, next} {
		b := &traffic.Batch{Version: v, Watermark: state.Watermark, OutputNames: []string{"score"}}
		inputs := table.Empty([]table.Field{{Name: "v1", Type: table.Float64}, {Name: "v2", Type: table.Float64}}, len(in.Frame.Data))
		for _, row := range in.Frame.Data {
			h := fnv.New32a()
			fmt.Fprint(h, row[id])
			if answers := float64(h.Sum32()%1000) < share*1000; answers != (v == next) {
				continue
			}
			when, err := trimtab.ParseTime(row[at].(string))
			if err != nil {
				return err
			}
			b.IDs, b.EventTimes = append(b.IDs, fmt.Sprint(row[id])), append(b.EventTimes, when)
			for j := range 2 {
				inputs.Columns[j].AppendFloat64(row[column(fmt.Sprintf("v%d", j+1))].(float64))
			}
			b.Outputs = append(b.Outputs, row[column(fmt.Sprintf("v%d", v))].(float64))
		}
		if len(b.IDs) == 0 {
			continue
		}
		if b.Inputs, err = table.New(inputs.Columns...); err != nil {
			return err
		}
		if _, err := log.Append(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) takeLabels(ctx context.Context, body []byte) error {
	s := &stage{t: l.t, db: l.db}
	state, err := l.db.Endpoints.State(ctx, "e")
	if err != nil {
		return err
	}
	log, err := l.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: "e"})
	if err != nil {
		return err
	}
	return s.takeLabels(ctx, log, state, body)
}

// changed is a source over ten days in which the truth moves away from version 1 on the third.
func changed() string {
	r := rand.New(rand.NewPCG(3, 9))
	sigmoid := func(v float64) float64 { return math.Round(1e6/(1+math.Exp(-v))) / 1e6 }
	var b bytes.Buffer
	b.WriteString("id,at,v1,v2,y,known\n")
	start := time.Date(2013, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 1200 {
		at := start.Add(time.Duration(r.IntN(10*24*60)) * time.Minute)
		x, shift := 2*r.NormFloat64(), 0.0
		if at.Sub(start) > 2*24*time.Hour {
			shift = -3
		}
		y := 0
		if r.Float64() < sigmoid(x+shift) {
			y = 1
		}
		fmt.Fprintf(&b, "r%d,%s,%v,%v,%d,%s\n", i, at.Format(time.RFC3339), sigmoid(x), sigmoid(x+shift), y, at.Add(time.Duration(1+r.IntN(5))*time.Hour).Format(time.RFC3339))
	}
	return b.String()
}

// listening joins the listeners of a border, as the program does.
type listening struct{ *loop }

func (l listening) Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) (names []string, err error) {
	for _, f := range []func(context.Context, trimtab.Workspace, string) ([]string, error){l.monitors.Listeners, l.rollouts.Listeners, l.asked.Listeners} {
		more, err := f(ctx, ws, endpoint)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

func (l listening) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (first trimtab.Time, err error) {
	for _, f := range []func(context.Context, trimtab.Workspace, string, trimtab.Time) (trimtab.Time, error){l.monitors.Border, l.rollouts.Border, l.asked.Border} {
		b, err := f(ctx, ws, endpoint, t)
		if err != nil {
			return 0, err
		}
		if b != 0 && (first == 0 || b < first) {
			first = b
		}
	}
	return first, nil
}

func (l listening) Closing(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error) {
	return l.monitors.Closing(ctx, ws, endpoint, t)
}

func (l listening) ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) trimtab.Time {
	return l.monitors.ClosedBefore(ws, endpoint, mark)
}

// live replays the source to its end and returns all that the loop has recorded.
func (l *loop) live() string {
	l.t.Helper()
	ctx := l.t.Context()
	d, _, err := l.blobs.Put(ctx, strings.NewReader(changed()))
	l.must(err)
	_, err = l.db.Models.Create(ctx, trimtab.RegisteredModel{Name: "m"})
	l.must(err)
	for range 2 {
		_, err := l.db.Versions.Create(ctx, trimtab.ModelVersion{Model: "m"}, "")
		l.must(err)
	}
	_, err = l.db.Models.SetAlias(ctx, "m", trimtab.MoveAlias{Alias: "champion", To: 1})
	l.must(err)
	above := 0.55
	apply := func(kind, name string, spec any) {
		body, err := trimtab.Canonical(spec)
		l.must(err)
		l.must(l.db.Resources.Apply(ctx, []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: kind, Name: name, Spec: body}}}))
	}
	apply(trimtab.KindDataSource, "s", trimtab.SourceSpec{Path: "f.csv", Digest: d, Key: []string{"id"}, EventTime: "at", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}})
	apply(trimtab.KindEndpoint, "e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}, Rollout: &trimtab.RolloutSpec{
		Canary: &trimtab.CanarySpec{Steps: []float64{0.3, 0.6}, Each: trimtab.Duration(20 * time.Hour), MinRows: 10}, Look: trimtab.Duration(7 * time.Hour), OnInconclusive: "promote", MaxFor: trimtab.Duration(25 * time.Hour)}})
	apply(trimtab.KindMonitor, "e", trimtab.MonitorSpec{Endpoint: "e", Window: "1d", LabelMaturity: trimtab.Duration(6 * time.Hour)})
	apply(trimtab.KindRetrainPolicy, "e", trimtab.RetrainPolicySpec{Monitor: "e", Pipeline: "train", Mode: "approve", Strategy: "threshold",
		Threshold: &trimtab.ThresholdSpec{Metric: "log_loss", Above: &above, Windows: 1}, Require: trimtab.RequireSpec{MinRows: 10, MinPositives: 1},
		Limits: trimtab.LoopLimits{Cooldown: trimtab.Duration(time.Hour), AfterRejection: 1}, AssumedDuration: trimtab.Duration(3 * time.Hour)})

	replays := replay.New(replay.Config{Store: l.db.Replays, States: l.db.Endpoints, Endpoints: l.db.Resources, Listeners: listening{l},
		Source:  dataset.New(dataset.Config{Blobs: l.blobs, Sources: l.db.Resources, Snapshots: l.db.Snapshots}),
		Columns: replay.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, KnownAt: dataset.KnownAtColumn, Label: dataset.LabelColumn},
		URL:     l.server.URL, BatchRows: l.pace.batch})
	x, err := replays.Start(ctx, replay.StartOptions{Endpoint: "e", Source: "s"})
	l.must(err)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	l.must(replays.Reconcile(ctx, trimtab.DefaultWorkspace, x.ID))
	return l.told()
}

func (l *loop) told() string {
	ctx := l.t.Context()
	var out strings.Builder
	write := func(v any) {
		body, err := trimtab.Canonical(v)
		l.must(err)
		out.Write(append(body, '\n'))
	}
	decisions, err := l.db.Decisions.List(ctx, trimtab.DocumentQuery{})
	l.must(err)
	for _, d := range decisions {
		fmt.Fprintf(&out, "%s %s %s: %s | %s\n", d.At, d.Action, d.State, d.Reason, d.Outcome)
		write(d)
	}
	rollouts, err := l.db.Rollouts.List(ctx, trimtab.DocumentQuery{})
	l.must(err)
	for _, r := range rollouts {
		write(r)
	}
	incidents, err := l.db.Incidents.List(ctx, trimtab.DocumentQuery{})
	l.must(err)
	for _, i := range incidents {
		write(i)
	}
	state, err := l.db.Policies.Get(ctx, "e")
	l.must(err)
	write(state)
	windows, err := l.db.Windows.List(ctx, "e")
	l.must(err)
	for _, w := range windows {
		w.Computed = 0
		write(w)
	}
	champion, err := l.Champion(ctx, "m", "champion")
	l.must(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&out, "champion %d\nruns %q\npeople %q\n", champion, l.keys, l.waited)
	return out.String()
}

// TestLoopFixpoint replays a change through a loop with a failing step, an approval and a
// canary: whatever the size of requests, the pace of the world, the number of restarts
// and the database, every record comes out the same.
func TestLoopFixpoint(t *testing.T) {
	var want string
	for _, database := range []struct {
		name string
		url  func(t *testing.T) string
	}{
		{"sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "trimtab.db") }},
		{"postgres", func(t *testing.T) string { return postgres.URL(t) }},
	} {
		for _, p := range []pace{{batch: 500, seed: 1}, {batch: 23, seed: 2, slow: 5 * time.Millisecond}, {batch: 100, seed: 3, slow: 30 * time.Millisecond}, {batch: 60, seed: 4, slow: 10 * time.Millisecond, restarts: true}} {
			t.Run(fmt.Sprintf("%s/batch%d-slow%s-restarts%t", database.name, p.batch, p.slow, p.restarts), func(t *testing.T) {
				l := newLoop(t, database.url(t), p)
				got := l.live()
				if want == "" {
					want = got
					for _, say := range []string{"retrain failed", "step fit: exit code 1", "retrain done", `"approver":"local"`, `"state":"promoted"`, "rollout", "champion 2", `"trimtab decisions approve e@`, `"share":1`} {
						if !strings.Contains(want, say) {
							t.Errorf("the story lacks %q:\n%s", say, want)
						}
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("the records differ:\n%s", d)
				}
				if p.restarts && l.starts < 3 {
					t.Errorf("%d starts, want more", l.starts)
				}
			})
		}
	}
}
