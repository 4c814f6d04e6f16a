package serving_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/replay"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// rng is a linear congruential generator (Knuth, MMIX): the tests' rows are the same on every machine.
type rng uint64

func (r *rng) float() float64 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return float64(*r>>11) / (1 << 53)
}

var march = trimtab.TimeOf(time.Date(2013, 3, 1, 0, 0, 0, 0, time.UTC))

// history makes n flights over three months: every tenth has no label, the others
// become known within two days, some of them after the end of their month. Some
// share their event time.
func history(n int) *table.Table {
	r := rng(7)
	key, at := table.NewColumn("flight", table.String, n), table.NewColumn("scheduled", table.Datetime, n)
	size, colour := table.NewColumn("size", table.Float64, n), table.NewColumn("colour", table.String, n)
	label, known := table.NewColumn("late", table.Int64, n), table.NewColumn("known_at", table.Datetime, n)
	const span = 92 * 24 * 3600
	for i := range n {
		key.AppendString(fmt.Sprintf("flight-%04d", i))
		sec := int64(i) * span / int64(n)
		if i%7 == 0 && i > 0 {
			sec = int64(i-1) * span / int64(n) // the same moment as the flight before
		}
		t := int64(march)*1e6 + sec*1e9
		at.AppendInt64(t)
		x := r.float()
		size.AppendFloat64(x)
		c := []string{"red", "green", "blue", "violet"}[int(r.float()*4)]
		colour.AppendString(c)
		p := .3
		if x > .5 {
			p = .7
		}
		y := int64(0)
		if r.float() < p {
			y = 1
		}
		if i%10 == 3 {
			label.AppendNull()
			known.AppendNull()
			continue
		}
		label.AppendInt64(y)
		known.AppendInt64(t + int64(r.float()*48*3600)*1e9)
	}
	t, err := table.New(key, at, size, colour, label, known)
	if err != nil {
		panic(err)
	}
	return t
}

// loop declares source, endpoint and monitor, and makes a version champion.
func (w *world) loop(rows int, endpoint trimtab.EndpointSpec) {
	w.t.Helper()
	w.declare(trimtab.KindDataSource, "flights", trimtab.SourceSpec{Path: "flights.parquet", Digest: w.upload(history(rows)), Key: []string{"flight"}, EventTime: "scheduled",
		Label: &trimtab.SourceLabel{Column: "late", AvailableAt: "known_at"}})
	w.declare(trimtab.KindEndpoint, "flights", endpoint)
	w.declare(trimtab.KindMonitor, "quality", trimtab.MonitorSpec{Endpoint: "flights", Window: trimtab.Monthly})
	w.declare(trimtab.KindMonitor, "ripe", trimtab.MonitorSpec{Endpoint: "flights", Window: "30d", LabelMaturity: trimtab.Duration(36 * time.Hour)})
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
}

func (w *world) start() trimtab.Replay {
	w.t.Helper()
	r, err := w.replays.Start(w.t.Context(), replay.StartOptions{Endpoint: "flights", Source: "flights"})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) ended(id trimtab.ReplayID) trimtab.Replay {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	r, err := w.follow(ctx, id)
	if err != nil {
		s, _ := w.db.Endpoints.State(w.t.Context(), r.Endpoint)
		set, _ := w.db.Endpoints.Settlements(w.t.Context(), r.Endpoint)
		w.t.Fatalf("the replay does not end: %v: %+v; %+v; %+v", err, r, s, set)
	}
	return r
}

// follow returns the replay when it has ended: every end is an entry of the journal.
func (w *world) follow(ctx context.Context, id trimtab.ReplayID) (trimtab.Replay, error) {
	for {
		head, err := w.db.Journal.Head(ctx)
		if err != nil {
			return trimtab.Replay{}, err
		}
		r, err := w.db.Replays.Get(ctx, id)
		if err != nil || r.State != "running" {
			return r, err
		}
		if err := w.db.Journal.Wait(ctx, head); err != nil {
			return r, err
		}
	}
}

func (w *world) windows(monitor string) []trimtab.WindowResult {
	w.t.Helper()
	all, err := w.db.Windows.List(w.t.Context(), monitor)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range all {
		all[i].Computed = 0
	}
	return all
}

func (w *world) export() *table.Table {
	w.t.Helper()
	l, err := w.traffic.Endpoint(traffic.Endpoint{Workspace: "default", Name: "flights"})
	if err != nil {
		w.t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := l.Export(w.t.Context(), &buf, 0, 0); err != nil {
		w.t.Fatal(err)
	}
	t, err := table.ReadParquet(bytes.NewReader(buf.Bytes()), int64(buf.Len()), table.ParquetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// recompute measures the exported rows of one window by the definitions.
func recompute(t *table.Table, start, end, knownBy trimtab.Time) (rows, labelled int64, auc, logLoss, brier, accuracy float64) {
	at, label, known, score := t.Column(traffic.ColumnEventTime), t.Column(traffic.ColumnLabel), t.Column(traffic.ColumnLabelKnownAt), t.Column("output.prediction")
	var pos, neg []float64
	var right int
	for i := range t.Rows() {
		ms := trimtab.Time(at.Int64s[i] / 1e6)
		if ms < start || ms >= end {
			continue
		}
		rows++
		if label.Null(i) || trimtab.Time(known.Int64s[i]/1e6) > knownBy {
			continue
		}
		labelled++
		p := score.Float64s[i]
		if label.Float64s[i] == 1 {
			pos = append(pos, p)
			logLoss -= math.Log(p)
			brier += (1 - p) * (1 - p)
			if p > .5 {
				right++
			}
		} else {
			neg = append(neg, p)
			logLoss -= math.Log(1 - p)
			brier += p * p
			if p <= .5 {
				right++
			}
		}
	}
	for _, a := range pos {
		for _, b := range neg {
			switch {
			case a > b:
				auc++
			case a == b:
				auc += .5
			}
		}
	}
	n := float64(labelled)
	return rows, labelled, auc / float64(len(pos)) / float64(len(neg)), logLoss / n, brier / n, float64(right) / n
}

func TestReplayMeasuresHistory(t *testing.T) {
	for _, c := range []struct {
		name string
		spec trimtab.EndpointSpec
		id   string
	}{
		{"row ids", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}}, ""},
		{"the endpoint's own ids", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}, Logging: trimtab.EndpointLogging{RequestID: "flight", EventTime: "scheduled"}}, "flight-0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, t.TempDir(), options{sealRows: 700})
			const n = 3000
			w.loop(n, c.spec)
			r := w.ended(w.start().ID)
			if r.State != "succeeded" || r.Rows != n || r.Labels != n*9/10 || r.Failed != 0 {
				t.Fatalf("%+v", r)
			}
			all := w.windows("quality")
			if len(all) != 3 {
				t.Fatalf("%d windows, want 3", len(all))
			}
			exported := w.export()
			if exported.Rows() != n {
				t.Fatalf("%d rows exported, want %d", exported.Rows(), n)
			}
			if c.id != "" && !slices.Contains(exported.Column("id").Strings, c.id) {
				t.Errorf("id %s is not among the exported", c.id)
			}
			late := int64(0)
			for _, monitor := range []string{"quality", "ripe"} {
				for _, x := range w.windows(monitor) {
					rows, labelled, auc, logLoss, brier, accuracy := recompute(exported, x.Start, x.End, x.Through)
					if x.Rows != rows || x.Labelled != labelled || x.Reason != "" || !slices.Equal(x.Versions, []trimtab.Version{1}) {
						t.Errorf("%s %s: %+v; want %d rows, %d labelled", monitor, x.Start, x, rows, labelled)
					}
					late += x.Late
					want := map[string]float64{"auc": auc, "log_loss": logLoss, "brier": brier, "accuracy": accuracy}
					for _, q := range x.Quality {
						if math.Abs(q.Value-want[q.Metric]) > 1e-12 {
							t.Errorf("%s %s: %s = %v, want %v", monitor, x.Start, q.Metric, q.Value, want[q.Metric])
						}
						if !q.HasInterval || !(q.Lo < q.Value && q.Value < q.Hi) || q.StdErr <= 0 {
							t.Errorf("%s %s: %s has no interval: %+v", monitor, x.Start, q.Metric, q)
						}
						delete(want, q.Metric)
					}
					if len(want) > 0 {
						t.Errorf("%s %s: lacks %v", monitor, x.Start, want)
					}
				}
			}
			if late != 0 {
				t.Errorf("%d late rows in a replay", late)
			}
			// Labels that come late have corrected all windows but the newest.
			ripe := w.windows("ripe")
			if newest := ripe[len(ripe)-1]; len(ripe) < 4 || newest.Revision != 0 || newest.Through != newest.End.Add(36*time.Hour) {
				t.Errorf("ripe: %+v", newest)
			}

			// Again: nothing is sent, nothing changes.
			if again := w.start(); again.ID != r.ID || again.State != "succeeded" {
				t.Errorf("again: %+v", again)
			}
			// Live traffic and labels of others are refused while the lease is held, rows also after.
			if x := w.post("/endpoints/flights/invocations", "application/json", `{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"red"]]}}`); x.status != 409 || !strings.Contains(x.body, "driven by replay") {
				t.Errorf("live request: %d %s", x.status, x.body)
			}
			// A span that reaches into closed windows is refused.
			if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "flights", Source: "flights", From: march}); !trimtab.IsKind(err, trimtab.Precondition) {
				t.Errorf("into closed windows: %v", err)
			}
			s, err := w.db.Endpoints.State(t.Context(), "flights")
			if err != nil || s.Holder != "" || s.Mode != trimtab.DrivenMode {
				t.Errorf("state: %+v, %v", s, err)
			}
			// A label that comes now belongs to a closed window, and changes none.
			x := w.post("/endpoints/flights/labels", "text/csv", "id,value\n"+exported.Column("id").Strings[3]+",1\n")
			if x.status != 200 || !strings.Contains(x.body, `"matched":1,"unmatched":0,"repeated":0,"late":1`) {
				t.Errorf("late label: %d %s", x.status, x.body)
			}
			if d := cmp.Diff(all, w.windows("quality")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{})
	w.loop(50, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}})
	if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "none", Source: "flights"}); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no endpoint: %v", err)
	}
	if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "flights", Source: "none"}); !trimtab.IsKind(err, trimtab.NotFound) {
		t.Errorf("no source: %v", err)
	}
	if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "flights", Source: "flights", From: 5, To: 5}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("empty span: %v", err)
	}
	if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "flights", Source: "flights", From: 1000 * march}); !trimtab.IsKind(err, trimtab.Invalid) {
		t.Errorf("beyond all data: %v", err)
	}
	r, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "flights", Source: "flights", From: trimtab.TimeOf(time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	if x := w.ended(r.ID); x.State != "failed" || !strings.Contains(x.Reason, "no rows") {
		t.Errorf("span without rows: %+v", x)
	}
	// The failed replay gave its lease back, but the endpoint is driven now: a new one can go on.
	if x := w.ended(w.start().ID); x.State != "succeeded" {
		t.Errorf("%+v", x)
	}
	// An endpoint with live traffic.
	w.declare(trimtab.KindEndpoint, "live", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}})
	w.await("live", 1)
	if x := w.post("/endpoints/live/invocations", "application/json", `{"dataframe_split":{"columns":["size","colour"],"data":[[0.1,"red"]]}}`); x.status != 200 {
		t.Fatalf("%d %s", x.status, x.body)
	}
	if _, err := w.replays.Start(t.Context(), replay.StartOptions{Endpoint: "live", Source: "flights"}); !trimtab.IsKind(err, trimtab.Precondition) || !strings.Contains(trimtab.Message(err), "live traffic since") {
		t.Errorf("live endpoint: %v", err)
	}
}

// TestBadRowsAreCounted replays rows of which some have no value where the model needs one.
func TestBadRowsAreCounted(t *testing.T) {
	w := newWorld(t, t.TempDir(), options{batch: 64})
	rows := history(200)
	bad := rows.Column("size")
	text := table.NewColumn("size", table.String, 200) // a column of the wrong type in three rows only
	for i := range 200 {
		if i == 5 || i == 77 || i == 78 {
			text.AppendString("many")
		} else {
			text.AppendString(bad.Text(i))
		}
	}
	rows.Columns[2] = text
	w.declare(trimtab.KindDataSource, "flights", trimtab.SourceSpec{Path: "flights.parquet", Digest: w.upload(rows), Key: []string{"flight"}, EventTime: "scheduled",
		Label: &trimtab.SourceLabel{Column: "late", AvailableAt: "known_at"}})
	w.declare(trimtab.KindEndpoint, "flights", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}})
	v := w.register("flights", modelFiles(-1, 1, 2))
	w.alias("flights", v)
	w.await("flights", v)
	if r := w.ended(w.start().ID); r.State != "succeeded" || r.Rows != 197 || r.Failed != 3 {
		t.Errorf("%+v", r)
	}
}

func TestCancelAndResume(t *testing.T) {
	var mu sync.Mutex
	reached, calls := make(chan struct{}), 0
	w := newWorld(t, t.TempDir(), options{batch: 20, crash: func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls == 12 {
			close(reached)
		}
		return nil
	}})
	w.loop(2000, trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}})
	r := w.start()
	<-reached
	if _, err := w.replays.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	x := w.ended(r.ID)
	if x.State != "canceled" {
		t.Fatalf("%+v", x)
	}
	if s, err := w.db.Endpoints.State(t.Context(), "flights"); err != nil || s.Holder != "" {
		t.Errorf("the lease is held by %q, %v", s.Holder, err)
	}
	again := w.start()
	if again.ID != r.ID {
		t.Errorf("another replay began: %+v", again)
	}
	if x := w.ended(r.ID); x.State != "succeeded" || x.Rows != 2000 {
		t.Errorf("%+v", x)
	}
}

// TestEveryCrash stops replay and monitors at every point between two effects,
// opens everything anew, and finds the windows, the rows and the counts of a run
// that was never stopped.
func TestEveryCrash(t *testing.T) {
	const n = 120
	spec := trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "flights"}}
	run := func(k int) (quality, ripe []trimtab.WindowResult, r trimtab.Replay, reached bool) {
		dir := t.TempDir()
		var mu sync.Mutex
		calls := 0
		dead := make(chan struct{})
		w := newWorld(t, dir, options{batch: 16, sealRows: 50, crash: func(point string) error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls < k {
				return nil
			}
			if calls == k {
				close(dead)
			}
			return errors.New("stopped at " + point)
		}})
		w.loop(n, spec)
		id := w.start().ID
		ctx, cancel := context.WithCancel(t.Context())
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			if _, err := w.follow(ctx, id); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}()
		select {
		case <-dead:
		case <-finished:
		}
		cancel()
		<-finished
		select {
		case <-dead:
			reached = true
			w.stop()
			w = newWorld(t, dir, options{batch: 16, sealRows: 50})
		default:
		}
		r = w.ended(id)
		quality, ripe = w.windows("quality"), w.windows("ripe")
		if rows := w.export().Rows(); rows != n {
			t.Errorf("crash %d: %d rows, want %d", k, rows, n)
		}
		w.stop()
		return quality, ripe, r, reached
	}
	quality, ripe, want, _ := run(math.MaxInt)
	if want.State != "succeeded" || want.Rows != n || len(quality) != 3 {
		t.Fatalf("never stopped: %+v, %d windows", want, len(quality))
	}
	k := 1
	for ; ; k++ {
		q, p, r, reached := run(k)
		if !reached {
			break
		}
		if d := cmp.Diff(quality, q); d != "" {
			t.Fatalf("crash %d: %s", k, d)
		}
		if d := cmp.Diff(ripe, p); d != "" {
			t.Fatalf("crash %d: %s", k, d)
		}
		if r.State != want.State || r.Rows != want.Rows || r.Labels != want.Labels || r.Position != want.Position {
			t.Fatalf("crash %d: %+v, want %+v", k, r, want)
		}
	}
	if k < 20 {
		t.Errorf("only %d crash points", k)
	}
	t.Logf("%d crash points", k-1)
}
