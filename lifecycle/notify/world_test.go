package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/lifecycle/notify"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
)

// databases runs a test on both databases.
func databases(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.URL(t))) })
}

// world is a database, a notifier and a clock that only tests move, ahead of the database's.
type world struct {
	t     testing.TB
	db    *sql.DB
	data  string
	env   map[string]string
	ahead time.Duration
	log   *lockedBuffer
	crash func(point string) error
	cfg   notify.Config
	n     *notify.Notifier
	last  trimtab.Change // of an incident that the journal must hold before it is followed
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	key, err := journal.LoadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(context.Background(), sql.Config{URL: url, Key: key})
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
	w := &world{t: t, db: db, data: t.TempDir(), env: map[string]string{}, log: &lockedBuffer{}}
	w.restart()
	return w
}

// restart makes a new notifier, as after a kill: nothing but the database is left.
func (w *world) restart() {
	w.cfg = notify.Config{
		Resources: w.db.Resources, Incidents: w.db.Incidents, Decisions: w.db.Decisions, Rollouts: w.db.Rollouts, Deliveries: w.db.Deliveries,
		Data: w.data, Getenv: func(k string) string { return w.env[k] }, URL: "https://trimtab.example", Timeout: 2 * time.Second, Roots: w.cfg.Roots,
		Clock: func() trimtab.Time { return trimtab.SystemClock().Add(w.ahead) }, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Crash: func(point string) error {
			if w.crash == nil {
				return nil
			}
			return w.crash(point)
		},
	}
	w.n = notify.New(w.cfg)
}

func (w *world) ctx() context.Context { return context.Background() }

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// declare declares a channel.
func (w *world) declare(name string, spec trimtab.ChannelSpec) {
	w.t.Helper()
	raw, err := json.Marshal(spec)
	w.check(err)
	r := trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: trimtab.KindChannel, Name: name, Spec: raw}
	write := trimtab.ResourceWrite{Verb: trimtab.CreateVerb, Resource: r}
	if old, err := w.db.Resources.Get(w.ctx(), trimtab.KindChannel, name); err == nil {
		old.Spec = raw
		write = trimtab.ResourceWrite{Verb: trimtab.UpdateVerb, Resource: old}
	}
	w.check(w.db.Resources.Apply(w.ctx(), []trimtab.ResourceWrite{write}))
}

// began is where the stories of these tests begin: 2013-03-01.
const began = trimtab.Time(15765 * 24 * 3600 * 1000)

func fault(what string) trimtab.Incident {
	return trimtab.Incident{ID: trimtab.IncidentID("flights", trimtab.DataFault, what, began), Kind: trimtab.DataFault, Endpoint: "flights", Columns: []string{what},
		Severity: trimtab.Critical, Begin: began, Found: began.Add(time.Hour), Cause: what + " is in km/h instead of mph", Remedy: "correct the feed", Hold: true}
}

func (w *world) open(i trimtab.Incident) {
	w.t.Helper()
	_, err := w.db.Incidents.Move(w.ctx(), i.ID, func(*trimtab.Incident) (trimtab.Incident, trimtab.Change, error) {
		w.last = trimtab.Changed("incident.open", nil, i, i.Cause)
		return i, w.last, nil
	})
	w.check(err)
}

func (w *world) close(i trimtab.Incident) {
	w.t.Helper()
	_, err := w.db.Incidents.Move(w.ctx(), i.ID, func(old *trimtab.Incident) (next trimtab.Incident, _ trimtab.Change, err error) {
		next, w.last, err = old.Close(began.Add(24*time.Hour), began.Add(25*time.Hour), "the data are right again")
		return next, w.last, err
	})
	w.check(err)
}

// follow hands the notifier the whole journal, from its beginning: it must be idempotent.
func (w *world) follow() error {
	ctx, cancel := context.WithTimeout(w.ctx(), 10*time.Second)
	defer cancel()
	for {
		entries, err := w.db.Journal.Entries(ctx, 0, 10_000)
		if err != nil {
			return err
		}
		if w.last.Action == "" || slices.ContainsFunc(entries, func(e trimtab.Entry) bool { return e.Action == w.last.Action && e.Object == w.last.Object }) {
			return w.n.Consumer().Handle(ctx, entries)
		}
		if err := w.db.Journal.Wait(ctx, int64(len(entries))); err != nil { // PostgreSQL's sequencer is on its way
			return err
		}
	}
}

// pass looks at a channel once, d later.
func (w *world) pass(d time.Duration, channel string) (control.Result, error) {
	w.ahead += d
	return w.n.Pass(w.ctx(), "default/"+channel)
}

// say handles the journal and sends all that is due after the time to gather.
func (w *world) say(channel string) {
	w.t.Helper()
	w.check(w.follow())
	_, err := w.pass(3*time.Second, channel)
	w.check(err)
}

// deliveries are all, the oldest first.
func (w *world) deliveries(channel string) []trimtab.Delivery {
	w.t.Helper()
	all, err := w.db.Deliveries.List(w.ctx(), trimtab.DocumentQuery{Scope: channel})
	w.check(err)
	return notify.Ordered(all)
}

func (w *world) states(channel string) string {
	s := ""
	for _, d := range w.deliveries(channel) {
		s += fmt.Sprintf("%s %s %d;", d.Event, d.State, d.Tries)
	}
	return s
}

// receiver is a real HTTP server that keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header http.Header
	answer string
	got    []request
}

type request struct {
	path   string
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{status: 200, header: http.Header{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, request{q.URL.Path, q.Header, body})
		for k, v := range r.header {
			w.Header()[k] = v
		}
		w.WriteHeader(r.status)
		io.WriteString(w, r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer = status, text
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

// message is the n-th message that a webhook got.
func (r *receiver) message(t testing.TB, n int) (m notify.Message) {
	t.Helper()
	got := r.requests()
	if len(got) <= n {
		t.Fatalf("the receiver got %d requests, want more than %d", len(got), n)
	}
	if err := json.Unmarshal(got[n].body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

var errCrash = errors.New("crash")

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx, cancel
}
