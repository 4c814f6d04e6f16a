package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

const dayMS = trimtab.Time(24 * 3600 * 1000)

// began is the first moment of the history that these tests tell: 2013-03-01.
const began = 15765 * dayMS

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
	key, err := journal.LoadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(t.Context(), sql.Config{URL: url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	store, err := traffic.Open(traffic.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, db, store}
}

// declare declares an endpoint and a monitor on it, both of the same name, and takes the endpoint's lease.
func (w *world) declare(name string, spec trimtab.MonitorSpec) {
	w.t.Helper()
	w.apply(name, spec)
	w.move(name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.AcquireLease("test", 1, time.Hour)
	})
}

// apply declares an endpoint and a monitor on it.
func (w *world) apply(name string, spec trimtab.MonitorSpec) {
	w.t.Helper()
	spec.Endpoint = name
	var writes []trimtab.ResourceWrite
	for _, r := range []trimtab.Resource{
		{Kind: trimtab.KindEndpoint, Name: name, Spec: encode(w.t, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}})},
		{Kind: trimtab.KindMonitor, Name: name, Spec: encode(w.t, spec)},
	} {
		r.Workspace = trimtab.DefaultWorkspace
		writes = append(writes, trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: r})
	}
	if err := w.db.Resources.Apply(w.t.Context(), writes); err != nil {
		w.t.Fatal(err)
	}
}

// redeclare changes the spec of a monitor.
func (w *world) redeclare(name string, spec trimtab.MonitorSpec) {
	w.t.Helper()
	r, err := w.db.Resources.Get(w.t.Context(), trimtab.KindMonitor, name)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Spec = encode(w.t, spec)
	if err := w.db.Resources.Apply(w.t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.UpdateVerb, Resource: r}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) advance(name string, to trimtab.Time) {
	w.t.Helper()
	w.move(name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) { return s.Advance(1, to) })
}

func (w *world) move(name string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) {
	w.t.Helper()
	if _, err := w.db.Endpoints.Move(w.t.Context(), name, rule); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) log(name string) *traffic.Log {
	w.t.Helper()
	l, err := w.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// windows lists what a monitor closed, without what tells two monitors apart.
func (w *world) windows(name string) []trimtab.WindowResult {
	w.t.Helper()
	all, err := w.db.Windows.List(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range all {
		all[i].Monitor, all[i].Endpoint, all[i].Computed = "", "", 0
	}
	return all
}

func (w *world) config() monitor.Config {
	return monitor.Config{Resources: w.db.Resources, States: w.db.Endpoints, Windows: w.db.Windows, Traffic: w.traffic}
}

func encode(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := trimtab.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// event is one prediction of the history and its label.
type event struct {
	id    string
	at    trimtab.Time
	score float64
	label float64
	known trimtab.Time // 0: never
}

// history is five days of predictions, none on the third. Every seventh label
// comes after the maturity of a day, every eleventh never.
func history() []event {
	r := rand.New(rand.NewPCG(1, 2))
	var out []event
	for d := range trimtab.Time(5) {
		if d == 2 {
			continue
		}
		for range 60 {
			e := event{id: fmt.Sprintf("f%d", len(out)), at: began + d*dayMS + trimtab.Time(r.Int64N(int64(dayMS))), score: r.Float64()}
			if r.Float64() < e.score {
				e.label = 1
			}
			switch {
			case len(out)%11 == 3:
			case len(out)%7 == 5:
				e.known = e.at + 5*dayMS
			default:
				e.known = e.at + dayMS/4
			}
			out = append(out, e)
		}
	}
	return out
}

// send logs the predictions below the border and the labels known by it, as a replay does, in batches of a random cut.
func (w *world) send(name string, events []event, from, border trimtab.Time, r *rand.Rand) {
	w.t.Helper()
	l := w.log(name)
	order := r.Perm(len(events))
	b := &traffic.Batch{Version: 2, Watermark: from, OutputNames: []string{"prediction"}}
	flush := func() {
		if len(b.IDs) == 0 {
			return
		}
		if _, err := l.Append(w.t.Context(), b); err != nil {
			w.t.Fatal(err)
		}
		b.IDs, b.EventTimes, b.Outputs = nil, nil, nil
	}
	var labels []traffic.Label
	for _, i := range order {
		e := events[i]
		if e.at >= from && e.at < border {
			b.IDs, b.EventTimes, b.Outputs = append(b.IDs, e.id), append(b.EventTimes, e.at), append(b.Outputs, e.score)
			if r.IntN(9) == 0 {
				flush()
			}
		}
		if e.known > from && e.known <= border {
			labels = append(labels, traffic.Label{ID: e.id, Value: e.label, EventTime: e.at, KnownAt: e.known})
		}
	}
	flush()
	if _, err := l.AppendLabels(w.t.Context(), &traffic.LabelBatch{Labels: labels, Watermark: from}); err != nil {
		w.t.Fatal(err)
	}
}

// borders is where the watermark rests: inside of windows as well as at their ends.
var borders = []trimtab.Time{began + dayMS, began + 2*dayMS, began + 2*dayMS + dayMS/3, began + 4*dayMS, began + 5*dayMS, began + 9*dayMS}

var errCrash = errors.New("killed here")

// crashing makes the n-th call of what a monitor does fail, before or after its
// effect; so do all later calls, for the process is dead.
type crashing struct {
	monitor.Resources
	monitor.States
	monitor.Windows
	calls, at int
	after     bool
}

func (c *crashing) around(f func() error) error {
	c.calls++
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

func (c *crashing) Get(ctx context.Context, kind, name string) (r trimtab.Resource, err error) {
	err = c.around(func() error { r, err = c.Resources.Get(ctx, kind, name); return err })
	return r, err
}

func (c *crashing) SetStatus(ctx context.Context, kind, name string, status json.RawMessage) error {
	return c.around(func() error { return c.Resources.SetStatus(ctx, kind, name, status) })
}

func (c *crashing) State(ctx context.Context, endpoint string) (s trimtab.EndpointState, err error) {
	err = c.around(func() error { s, err = c.States.State(ctx, endpoint); return err })
	return s, err
}

func (c *crashing) Settle(ctx context.Context, s trimtab.Settlement) error {
	return c.around(func() error { return c.States.Settle(ctx, s) })
}

func (c *crashing) Put(ctx context.Context, r trimtab.WindowResult) error {
	return c.around(func() error { return c.Windows.Put(ctx, r) })
}

func (c *crashing) Last(ctx context.Context, name string) (r trimtab.WindowResult, err error) {
	err = c.around(func() error {
		r, err = c.Windows.Last(ctx, name)
		if trimtab.IsKind(err, trimtab.NotFound) { // an answer like any other
			return nil
		}
		return err
	})
	if err == nil && r.End == 0 {
		return r, trimtab.Errorf(trimtab.NotFound, "monitor "+name, "none")
	}
	return r, err
}

func (c *crashing) Estimated(ctx context.Context, name string) (all []trimtab.WindowResult, err error) {
	err = c.around(func() error { all, err = c.Windows.Estimated(ctx, name); return err })
	return all, err
}

func (c *crashing) Recent(ctx context.Context, name string, before trimtab.Time, limit int) (all []trimtab.WindowResult, err error) {
	err = c.around(func() error { all, err = c.Windows.Recent(ctx, name, before, limit); return err })
	return all, err
}

// live tells the history to a monitor that is killed at the given call, 0 for
// never, and started again. It returns the windows and the number of calls.
func (w *world) live(name string, at int, after bool, seed uint64) ([]trimtab.WindowResult, int) {
	w.t.Helper()
	w.declare(name, trimtab.MonitorSpec{Window: "1d", LabelMaturity: trimtab.Duration(24 * time.Hour)})
	events := history()
	r := rand.New(rand.NewPCG(seed, 3))
	cfg := w.config()
	c := &crashing{Resources: cfg.Resources, States: cfg.States, Windows: cfg.Windows, at: at, after: after}
	cfg.Resources, cfg.States, cfg.Windows = c, c, c
	m := monitor.New(cfg)
	from := trimtab.Time(0)
	for _, b := range borders {
		w.send(name, events, from, b, r)
		w.advance(name, b)
		err := m.Reconcile(w.t.Context(), trimtab.DefaultWorkspace, name)
		if errors.Is(err, errCrash) {
			c.at = 0 // started again
			m = monitor.New(cfg)
			err = m.Reconcile(w.t.Context(), trimtab.DefaultWorkspace, name)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		settled, err := w.db.Endpoints.Settlements(w.t.Context(), name)
		if err != nil || len(settled) != 1 || settled[0].Through != b || settled[0].Listener != monitor.Listener(name) {
			w.t.Fatalf("border %s: settled %+v, %v", b, settled, err)
		}
		from = b
	}
	return w.windows(name), c.calls
}

// TestMonitorKilledAnywhere kills a monitor before and after every call that it
// makes: the table of windows is the same as without a kill.
func TestMonitorKilledAnywhere(t *testing.T) { databases(t, killedAnywhere) }

func killedAnywhere(t *testing.T, w *world) {
	want, calls := w.live("whole", 0, false, 1)
	if len(want) != 9 || !want[7].Closed() || want[8].Closed() { // 1 to 8 March closed with the labels of a day later, the 9th only looked at
		t.Fatalf("%d windows, want 9: %+v", len(want), want)
	}
	for n := 1; n <= calls; n++ {
		for _, after := range []bool{false, true} {
			// Another cut into batches each time: it must not show either.
			got, _ := w.live(fmt.Sprintf("m%d-%t", n, after), n, after, uint64(n))
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("killed at call %d (after its effect: %t), the windows differ:\n%s", n, after, d)
			}
		}
	}
}

// TestMonitorMeasures recomputes the windows by the definitions of the metrics.
func TestMonitorMeasures(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))
	got, _ := w.live("m", 0, false, 9)
	events := history()
	for i, win := range got[:8] {
		start := began + trimtab.Time(i)*dayMS
		closes := start + 2*dayMS
		var rows, labelled int64
		var pos, neg []float64
		var loss, brier, hits float64
		for _, e := range events {
			if e.at < start || e.at >= start+dayMS {
				continue
			}
			rows++
			if e.known == 0 || e.known > closes {
				continue
			}
			labelled++
			p := e.score
			if e.label == 1 {
				pos = append(pos, e.score)
			} else {
				neg = append(neg, e.score)
				p = 1 - p
			}
			loss -= math.Log(p)
			brier += (1 - p) * (1 - p)
			if (e.score >= 0.5) == (e.label == 1) {
				hits++
			}
		}
		if win.Start != start || win.End != start+dayMS || win.Through != closes || win.Rows != rows || win.Labelled != labelled || win.Positives != int64(len(pos)) || win.Late != 0 {
			t.Errorf("window %d: %+v; want %d rows, %d labelled, %d positive", i, win, rows, labelled, len(pos))
		}
		if rows == 0 {
			if win.Reason == "" || len(win.Quality) != 0 {
				t.Errorf("window %d has no rows: %+v", i, win)
			}
			continue
		}
		pairs := 0.0
		for _, p := range pos {
			for _, n := range neg {
				if p > n {
					pairs++
				}
			}
		}
		n := float64(labelled)
		want := map[string]float64{"auc": pairs / float64(len(pos)*len(neg)), "log_loss": loss / n, "brier": brier / n, "accuracy": hits / n}
		if len(win.Quality) != len(want) {
			t.Fatalf("window %d: %+v", i, win.Quality)
		}
		for _, q := range win.Quality {
			if math.Abs(q.Value-want[q.Metric]) > 1e-12 {
				t.Errorf("window %d: %s is %v, want %v", i, q.Metric, q.Value, want[q.Metric])
			}
			if !q.HasInterval || q.Lo >= q.Value || q.Hi <= q.Value || q.StdErr <= 0 {
				t.Errorf("window %d: interval of %s: %+v", i, q.Metric, q)
			}
		}
	}
}
