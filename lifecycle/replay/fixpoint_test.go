package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
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
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

// stage is everything that a replay meets, real but for the model: database,
// data sets, traffic, monitors that follow the journal, and a server that answers
// each row with its column score.
type stage struct {
	t       *testing.T
	db      *sql.DB
	blobs   *blob.Disk
	traffic *traffic.Store
	data    *dataset.Datasets
	monitor *monitor.Monitors
	server  *httptest.Server
	refuse  string // the id of a row that the server refuses; "*": every row
	batch   int    // rows of a request
}

func databases(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newStage(t, postgres.URL(t))) })
}

func newStage(t *testing.T, url string) *stage {
	t.Helper()
	s := &stage{t: t, batch: 2}
	key, err := journal.LoadKey(t.TempDir())
	s.must(err)
	s.db, err = sql.Open(t.Context(), sql.Config{URL: url, Key: key})
	s.must(err)
	s.blobs, err = blob.OpenDisk(t.TempDir())
	s.must(err)
	s.traffic, err = traffic.Open(traffic.Config{Dir: t.TempDir()})
	s.must(err)
	s.data = dataset.New(dataset.Config{Blobs: s.blobs, Sources: s.db.Resources, Snapshots: s.db.Snapshots})
	s.monitor = monitor.New(monitor.Config{Resources: s.db.Resources, States: s.db.Endpoints, Windows: s.db.Windows, Traffic: s.traffic})
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))

	database, stopDatabase := context.WithCancel(context.Background())
	loop, stopLoop := context.WithCancel(context.Background())
	var one, two sync.WaitGroup
	run := func(wg *sync.WaitGroup, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		})
	}
	run(&one, func() error { return s.db.Run(database) })
	run(&two, func() error { return s.monitor.Run(loop) })
	run(&two, func() error { return control.Consume(loop, s.db.Journal, nil, s.monitor.Consumer()) })
	t.Cleanup(func() {
		s.server.Close()
		stopLoop()
		two.Wait()
		stopDatabase()
		one.Wait()
		s.must(s.traffic.Close())
		s.must(s.blobs.Close())
		s.db.Close()
	})
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// serve is the scoring front as its contract has it.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 3 || parts[0] != "endpoints" || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	answer := func(code int, message string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error_code":"X","message":%q}`, message)
	}
	name := parts[1]
	state, err := s.db.Endpoints.State(r.Context(), name)
	if err != nil {
		answer(500, err.Error())
		return
	}
	if fence, _ := strconv.ParseInt(r.Header.Get("Trimtab-Replay-Fence"), 10, 64); fence != state.Fence || state.Holder == "" {
		answer(409, "the lease is lost")
		return
	}
	log, err := s.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: name})
	if err != nil {
		answer(500, err.Error())
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		if parts[2] == "labels" {
			err = s.takeLabels(r.Context(), log, state, body)
		} else {
			err = s.takeRows(r.Context(), log, state, body)
		}
	}
	switch {
	case trimtab.IsKind(err, trimtab.Invalid):
		answer(400, trimtab.Message(err))
	case err != nil:
		answer(500, err.Error())
	default:
		fmt.Fprint(w, `{"predictions":[]}`)
	}
}

func (s *stage) takeRows(ctx context.Context, log *traffic.Log, state trimtab.EndpointState, body []byte) error {
	var in struct {
		Frame struct {
			Columns []string `json:"columns"`
			Data    [][]any  `json:"data"`
		} `json:"dataframe_split"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	spec, err := s.endpoint(ctx, log, state.Endpoint)
	if err != nil {
		return err
	}
	column := func(names ...string) int {
		for _, n := range names {
			if i := slices.Index(in.Frame.Columns, n); n != "" && i >= 0 {
				return i
			}
		}
		return -1
	}
	id, at, score := column(traffic.ReplayIDColumn, spec.Logging.RequestID), column(traffic.ReplayTimeColumn, spec.Logging.EventTime), column("score")
	if id < 0 || at < 0 || score < 0 {
		return trimtab.Errorf(trimtab.Invalid, "request", "columns %v", in.Frame.Columns)
	}
	b := &traffic.Batch{Version: 1, Watermark: state.Watermark, OutputNames: []string{"prediction"}}
	for _, row := range in.Frame.Data {
		when, err := trimtab.ParseTime(row[at].(string))
		if err != nil {
			return err
		}
		if s.refuse == "*" || slices.Contains(row, any(s.refuse)) {
			return trimtab.Errorf(trimtab.Invalid, "request", "row %v is refused", row[id])
		}
		skew := time.Duration(spec.MaxSkew)
		if skew == 0 {
			skew = 400 * 24 * time.Hour
		}
		if state.Watermark != 0 && when > state.Watermark.Add(skew) {
			return trimtab.Errorf(trimtab.Invalid, "request", "the event time %s lies too far ahead of %s", when, state.Watermark)
		}
		b.IDs = append(b.IDs, fmt.Sprint(row[id]))
		b.EventTimes = append(b.EventTimes, when)
		b.Outputs = append(b.Outputs, row[score].(float64))
	}
	_, err = log.Append(ctx, b)
	return err
}

func (s *stage) endpoint(ctx context.Context, _ *traffic.Log, name string) (spec trimtab.EndpointSpec, err error) {
	r, err := s.db.Resources.Get(ctx, trimtab.KindEndpoint, name)
	if err == nil {
		err = json.Unmarshal(r.Spec, &spec)
	}
	return spec, err
}

func (s *stage) takeLabels(ctx context.Context, log *traffic.Log, state trimtab.EndpointState, body []byte) error {
	var in struct {
		IDs        []string       `json:"ids"`
		Values     []float64      `json:"values"`
		EventTimes []trimtab.Time `json:"event_times"`
		KnownAts   []trimtab.Time `json:"known_ats"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "labels", "%s", err)
	}
	b := &traffic.LabelBatch{Watermark: state.Watermark}
	for i, id := range in.IDs {
		b.Labels = append(b.Labels, traffic.Label{ID: id, Value: in.Values[i], EventTime: in.EventTimes[i], KnownAt: in.KnownAts[i]})
	}
	_, err := log.AppendLabels(ctx, b)
	return err
}

// history is a source of n rows over ten days from 1 March 2013: not in order,
// several at one moment, labels late, or never known.
func history(n int, key func(i int) string, head string) string {
	r := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	b.WriteString(head + ",at,score,y,known\n")
	start := time.Date(2013, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(r.IntN(10*24)) * time.Hour)
		score, y := float64(r.IntN(1000))/1000, 0
		if r.Float64() < score {
			y = 1
		}
		known := at.Add(time.Duration(1+r.IntN(60)) * time.Hour).Format(time.RFC3339)
		if i%13 == 4 {
			known = ""
		}
		fmt.Fprintf(&b, "%s,%s,%v,%d,%s\n", key(i), at.Format(time.RFC3339), score, y, known)
	}
	return b.String()
}

func single(i int) string { return "f" + strconv.Itoa(i) }

func (s *stage) source(name, csv string, key ...string) {
	s.t.Helper()
	d, _, err := s.blobs.Put(s.t.Context(), strings.NewReader(csv))
	s.must(err)
	s.apply(trimtab.KindDataSource, name, trimtab.SourceSpec{Path: "f.csv", Digest: d, Key: key, EventTime: "at", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}})
}

func (s *stage) apply(kind, name string, spec any) {
	s.t.Helper()
	body, err := trimtab.Canonical(spec)
	s.must(err)
	s.must(s.db.Resources.Apply(s.t.Context(), []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb,
		Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: kind, Name: name, Spec: body}}}))
}

// declare declares an endpoint and a daily monitor of the same name on it.
func (s *stage) declare(name string, endpoint trimtab.EndpointSpec, window trimtab.Window) {
	s.t.Helper()
	endpoint.Model.Name = "m"
	s.apply(trimtab.KindEndpoint, name, endpoint)
	s.apply(trimtab.KindMonitor, name, trimtab.MonitorSpec{Endpoint: name, Window: window, LabelMaturity: trimtab.Duration(30 * time.Hour)})
}

func (s *stage) config() replay.Config {
	return replay.Config{Store: s.db.Replays, States: s.db.Endpoints, Endpoints: s.db.Resources, Listeners: s.monitor, Source: s.data,
		Columns: replay.Columns{ID: dataset.RowIDColumn, EventTime: dataset.EventTimeColumn, KnownAt: dataset.KnownAtColumn, Label: dataset.LabelColumn},
		URL:     s.server.URL, BatchRows: s.batch}
}

// found is what a replay leaves behind.
type found struct {
	Windows              []trimtab.WindowResult
	State, Reason        string
	Rows, Labels, Failed int64
	Kept, KeptLabels     int64 // in the traffic log
	Watermark            trimtab.Time
	Holder               string
}

func (s *stage) found(name string, id trimtab.ReplayID) found {
	s.t.Helper()
	x, err := s.db.Replays.Get(s.t.Context(), id)
	s.must(err)
	state, err := s.db.Endpoints.State(s.t.Context(), name)
	s.must(err)
	log, err := s.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: name})
	s.must(err)
	f := found{State: x.State, Reason: x.Reason, Rows: x.Rows, Labels: x.Labels, Failed: x.Failed, Watermark: state.Watermark, Holder: state.Holder,
		Kept: log.Stats().Rows, KeptLabels: log.Stats().Labels}
	f.Windows, err = s.db.Windows.List(s.t.Context(), name)
	s.must(err)
	for i := range f.Windows {
		f.Windows[i].Monitor, f.Windows[i].Endpoint, f.Windows[i].Computed = "", "", 0
	}
	return f
}

var errKilled = errors.New("killed here")

// killer makes the n-th call that a replay does fail, before or after its effect;
// after that the process is dead: its context ends and every call fails.
type killer struct {
	replay.Store
	replay.States
	http.RoundTripper

	mu    sync.Mutex
	calls int
	at    int
	after bool
	dead  bool
	kill  context.CancelFunc
}

func (k *killer) around(f func() error) error {
	k.mu.Lock()
	k.calls++
	here := k.calls == k.at
	if here {
		k.dead = true
	}
	dead := k.dead
	k.mu.Unlock()
	if !dead {
		return f()
	}
	if here && k.after {
		if err := f(); err != nil {
			return err
		}
	}
	k.kill()
	return errKilled
}

func (k *killer) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	err = k.around(func() error { resp, err = k.RoundTripper.RoundTrip(r); return err })
	if err != nil && resp != nil {
		resp.Body.Close()
	}
	return resp, err
}

func (k *killer) Get(ctx context.Context, id trimtab.ReplayID) (x trimtab.Replay, err error) {
	err = k.around(func() error { x, err = k.Store.Get(ctx, id); return err })
	return x, err
}

func (k *killer) Progress(ctx context.Context, id trimtab.ReplayID, position trimtab.Time, rows, labels, failed int64) error {
	return k.around(func() error { return k.Store.Progress(ctx, id, position, rows, labels, failed) })
}

func (k *killer) State(ctx context.Context, endpoint string) (st trimtab.EndpointState, err error) {
	err = k.around(func() error { st, err = k.States.State(ctx, endpoint); return err })
	return st, err
}

func (k *killer) Settled(ctx context.Context, endpoint string, w trimtab.Time, listeners []string) (bool, *trimtab.Settlement, error) {
	k.mu.Lock()
	dead := k.dead
	k.mu.Unlock()
	if dead { // asked as often as it takes: not a call that is counted
		return false, nil, errKilled
	}
	return k.States.Settled(ctx, endpoint, w, listeners)
}

// states and store split the two Move methods of the interfaces.
type states struct{ *killer }

func (s states) Move(ctx context.Context, endpoint string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) (st trimtab.EndpointState, err error) {
	err = s.around(func() error { st, err = s.killer.States.Move(ctx, endpoint, rule); return err })
	return st, err
}

type store struct{ *killer }

func (s store) Move(ctx context.Context, id trimtab.ReplayID, rule func(trimtab.Replay) (trimtab.Replay, trimtab.Change, error)) (x trimtab.Replay, err error) {
	err = s.around(func() error { x, err = s.killer.Store.Move(ctx, id, rule); return err })
	return x, err
}

// live replays the source through an endpoint, killed at the given call, 0 for
// never, and taken up again by another process. It returns the number of calls.
func (s *stage) live(name string, opt replay.StartOptions, at int, after bool) (found, int) {
	s.t.Helper()
	opt.Endpoint = name
	cfg := s.config()
	ctx, kill := context.WithCancel(s.t.Context())
	defer kill()
	k := &killer{Store: cfg.Store, States: cfg.States, RoundTripper: http.DefaultTransport, at: at, after: after, kill: kill}
	x, err := replay.New(cfg).Start(s.t.Context(), opt)
	s.must(err)
	first := cfg
	first.Store, first.States, first.Client = store{k}, states{k}, &http.Client{Transport: k}
	err = replay.New(first).Reconcile(ctx, trimtab.DefaultWorkspace, x.ID)
	if k.dead {
		if err == nil && at < k.calls {
			s.t.Fatalf("killed at call %d, and no error", at)
		}
		err = replay.New(cfg).Reconcile(s.t.Context(), trimtab.DefaultWorkspace, x.ID)
	}
	s.must(err)
	return s.found(name, x.ID), k.calls
}

// TestReplayKilledAnywhere kills a replay before and after every call that has an
// effect: what it leaves is the same as without a kill.
func TestReplayKilledAnywhere(t *testing.T) { databases(t, killedAnywhere) }

func killedAnywhere(t *testing.T, s *stage) {
	const rows, unknown = 44, 4 // unknown: of the labels, one in thirteen
	s.source("s", history(rows, single, "id"), "id")
	s.declare("whole", trimtab.EndpointSpec{}, "1d")
	want, calls := s.live("whole", replay.StartOptions{Source: "s"}, 0, false)
	if want.State != "succeeded" || want.Rows != rows || want.Kept != rows || want.Labels != rows-unknown || want.KeptLabels != rows-unknown || want.Failed != 0 || want.Holder != "" {
		t.Fatalf("the whole replay: %+v", want)
	}
	n := int64(0)
	for _, w := range want.Windows {
		n += w.Rows
		if w.Late != 0 {
			t.Errorf("late rows: %+v", w)
		}
	}
	if n != rows {
		t.Fatalf("the windows hold %d rows, want %d", n, rows)
	}
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			name := fmt.Sprintf("e%d-%t", at, after)
			s.declare(name, trimtab.EndpointSpec{}, "1d")
			got, _ := s.live(name, replay.StartOptions{Source: "s"}, at, after)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("killed at call %d of %d (after its effect: %t):\n%s", at, calls, after, d)
			}
		}
	}
}

// TestReplayKeepsRowsOfAPartKey replays a source whose key has two columns, one of
// which the endpoint takes for the request id: no row may be taken for another.
func TestReplayKeepsRowsOfAPartKey(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	const rows = 60
	s.source("s", history(rows, func(i int) string { return fmt.Sprintf("d%d,n%d", i/10, i%10) }, "day,number"), "day", "number")
	s.declare("e", trimtab.EndpointSpec{Logging: trimtab.EndpointLogging{RequestID: "number", EventTime: "at"}}, "1d")
	got, _ := s.live("e", replay.StartOptions{Source: "s"}, 0, false)
	if got.Rows != rows || got.Kept != rows {
		t.Errorf("%d rows sent, %d kept, want %d of both", got.Rows, got.Kept, rows)
	}
}

// TestReplayWithinSkew replays over windows that are longer than the endpoint lets event times run ahead.
func TestReplayWithinSkew(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	const rows = 60
	s.source("s", history(rows, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{MaxSkew: trimtab.Duration(24 * time.Hour)}, "3d")
	got, _ := s.live("e", replay.StartOptions{Source: "s"}, 0, false)
	if got.Rows != rows || got.Failed != 0 || got.Kept != rows {
		t.Errorf("%d rows sent, %d failed, %d kept; want %d, none, %d", got.Rows, got.Failed, got.Kept, rows, rows)
	}
}

// TestReplayCountsRefusedRows lets the server refuse one row: it is found and counted, its neighbours arrive.
func TestReplayCountsRefusedRows(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.refuse = "f17"
	s.source("s", history(60, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	got, _ := s.live("e", replay.StartOptions{Source: "s"}, 0, false)
	if got.State != "succeeded" || got.Rows != 59 || got.Failed != 1 || got.Kept != 59 {
		t.Errorf("%+v", got)
	}
}

// TestReplayTwice starts a replay again after its end: nothing is sent, the same one is answered.
func TestReplayTwice(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(30, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	want, _ := s.live("e", replay.StartOptions{Source: "s"}, 0, false)
	first, err := s.db.Replays.Last(t.Context(), "e")
	s.must(err)
	again, err := replay.New(s.config()).Start(t.Context(), replay.StartOptions{Endpoint: "e", Source: "s"})
	s.must(err)
	if again.ID != first.ID || again.State != "succeeded" {
		t.Errorf("started again: %+v", again)
	}
	if d := cmp.Diff(want, s.found("e", first.ID)); d != "" {
		t.Error(d)
	}
}

// TestReplayRefusesLiveTraffic refuses an endpoint that has answered a live request.
func TestReplayRefusesLiveTraffic(t *testing.T) {
	s := newStage(t, filepath.Join(t.TempDir(), "trimtab.db"))
	s.source("s", history(30, single, "id"), "id")
	s.declare("e", trimtab.EndpointSpec{}, "1d")
	_, err := s.db.Endpoints.Move(t.Context(), "e", func(st trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) { return st.FirstLive(5) })
	s.must(err)
	_, err = replay.New(s.config()).Start(t.Context(), replay.StartOptions{Endpoint: "e", Source: "s"})
	if !trimtab.IsKind(err, trimtab.Precondition) || !strings.Contains(trimtab.Message(err), "live traffic") {
		t.Errorf("error %v", err)
	}
}
