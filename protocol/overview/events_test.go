package overview

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
	"github.com/trimtab/trimtab/protocol/route"
)

// journal is a journal in memory.
type journal struct {
	mu      sync.Mutex // guards the rest
	entries []trimtab.Entry
	moved   chan struct{}
}

func newJournal() *journal { return &journal{moved: make(chan struct{})} }

func (j *journal) add(ws trimtab.Workspace, c trimtab.Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, trimtab.Entry{Index: int64(len(j.entries)) + 1, Workspace: ws, Time: now, Actor: trimtab.Local, Change: c})
	close(j.moved)
	j.moved = make(chan struct{})
}

func (j *journal) Newest(ctx context.Context, _ int64, limit int) (out []trimtab.Entry, _ error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range slices.Backward(j.entries) {
		if e.Workspace == trimtab.CallOf(ctx).Workspace && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (j *journal) Entries(_ context.Context, after int64, limit int) ([]trimtab.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	rest := j.entries[after:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (j *journal) Head(context.Context) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(len(j.entries)), nil
}

func (j *journal) Wait(ctx context.Context, after int64) error {
	for {
		j.mu.Lock()
		head, moved := int64(len(j.entries)), j.moved
		j.mu.Unlock()
		if head > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen opens a stream and returns a function that reads its next event as "id data".
func listen(t *testing.T, url, lastID string) (next func() string, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req := must(http.NewRequestWithContext(ctx, "GET", url+"/api/trimtab/v1alpha1/default/overview/events", nil))
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	next = func() string {
		id, data := "", ""
		for lines.Scan() {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "id: "):
				id = line[4:]
			case strings.HasPrefix(line, "data: "):
				data = line[6:]
			case line == "" && data != "":
				return id + " " + data
			}
		}
		return "end"
	}
	return next, func() { cancel(); resp.Body.Close() }
}

func TestEvents(t *testing.T) {
	w := newWorld()
	run := func(name string) trimtab.Change {
		return trimtab.Change{Action: "run.create", Object: trimtab.Object{Kind: "run", Name: name}}
	}
	w.journal.add("default", run("one"))
	w.journal.add("default", run("two"))
	srv := httptest.NewServer(must(route.New(route.Config{}, w.service().Routes())))
	defer srv.Close()

	next, end := listen(t, srv.URL, "")
	expect := func(want string) {
		t.Helper()
		if got := next(); got != want {
			t.Errorf("event %s, want %s", got, want)
		}
	}
	expect(`2 {"index":2,"kind":"head","name":""}`)
	w.journal.add("default", run("three"))
	expect(`3 {"index":3,"time":"2026-01-02T03:04:05Z","action":"run.create","kind":"run","name":"three"}`)
	w.journal.add("other", run("foreign"))
	w.journal.add("default", trimtab.Change{Action: "model.version.create", Object: trimtab.Object{Kind: "modelVersion", Name: "m", Version: "1"}})
	expect(`5 {"index":5,"time":"2026-01-02T03:04:05Z","action":"model.version.create","kind":"modelVersion","name":"m","version":"1"}`)
	end()

	// One that comes back hears what it missed.
	next, end = listen(t, srv.URL, "1")
	expect(`1 {"index":5,"kind":"head","name":""}`)
	expect(`2 {"index":2,"time":"2026-01-02T03:04:05Z","action":"run.create","kind":"run","name":"two"}`)
	expect(`3 {"index":3,"time":"2026-01-02T03:04:05Z","action":"run.create","kind":"run","name":"three"}`)
	expect(`5 {"index":5,"time":"2026-01-02T03:04:05Z","action":"model.version.create","kind":"modelVersion","name":"m","version":"1"}`)
	end()

	// One that has seen the future, or sends nonsense, begins anew.
	for _, id := range []string{"99", "x", "-4"} {
		next, end = listen(t, srv.URL, id)
		expect(`5 {"index":5,"kind":"reset","name":""}`)
		end()
	}

	next, end = listen(t, srv.URL, "")
	defer end()
	expect(`5 {"index":5,"kind":"head","name":""}`)
	close(w.stop)
	expect("end")
}

// The client of the API yields what is in the journal, not where it began.
func TestClientFollows(t *testing.T) {
	w := newWorld()
	run := func(name string) trimtab.Change {
		return trimtab.Change{Action: "run.create", Object: trimtab.Object{Kind: "run", Name: name}}
	}
	w.journal.add("default", run("one"))
	w.journal.add("default", run("two"))
	w.journal.add("other", run("foreign"))
	srv := httptest.NewServer(must(route.New(route.Config{}, w.service().Routes())))
	defer srv.Close()
	c := client.New(client.Target{Server: srv.URL, Project: "default"}, nil)
	for _, tc := range []struct {
		after int64
		want  []view.Notice // the last is added while the client listens
	}{
		{1, []view.Notice{{Index: 2, Time: now, Action: "run.create", Kind: "run", Name: "two"}, {Index: 4, Time: now, Action: "run.create", Kind: "run", Name: "added"}}},
		{99, []view.Notice{{Index: 4, Kind: "reset"}, {Index: 5, Time: now, Action: "run.create", Kind: "run", Name: "added"}}},
	} {
		var got []view.Notice
		for n, err := range c.Events(t.Context(), tc.after) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, n); len(got) == len(tc.want) {
				break
			}
			w.journal.add("default", run("added"))
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("after %d (-want +got)\n%s", tc.after, d)
		}
	}
	// A stream that the server ends is an error, not silence.
	close(w.stop)
	var all []view.Notice
	var last error
	for n, err := range c.Events(t.Context(), 0) {
		all, last = append(all, n), err
	}
	if len(all) != 1 || !trimtab.IsKind(last, trimtab.Unavailable) {
		t.Errorf("after the end: %+v, %v", all, last)
	}
}

// A replay that has come further each time it is looked at is told of without an entry.
func TestEventsTellProgress(t *testing.T) {
	s := flights().service()
	s.cfg.Replays = &movingReplay{}
	srv := httptest.NewServer(must(route.New(route.Config{}, s.Routes())))
	defer srv.Close()
	next, end := listen(t, srv.URL, "")
	defer end()
	for _, want := range []string{`0 {"index":0,"kind":"head","name":""}`, ` {"index":0,"kind":"replay","name":"rp-1"}`} {
		if got := next(); got != want {
			t.Errorf("event %s, want %s", got, want)
		}
	}
}

type movingReplay struct{ rows atomic.Int64 }

func (m *movingReplay) Last(_ context.Context, endpoint string) (trimtab.Replay, error) {
	return trimtab.Replay{ID: "rp-1", Endpoint: endpoint, State: "running", Rows: m.rows.Add(1)}, nil
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld()
	s := w.service()
	s.streams.Store(maxStreams)
	m := must(route.New(route.Config{}, s.Routes()))
	r := httptest.NewRequest("GET", "/api/trimtab/v1alpha1/default/overview/events", nil)
	r.Host = "localhost"
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, r)
	var body struct{ Kind string }
	if json.Unmarshal(rec.Body.Bytes(), &body) != nil || rec.Code != http.StatusTooManyRequests || body.Kind != "exhausted" || rec.Header().Get("Retry-After") != "5" {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if n := s.streams.Load(); n != maxStreams {
		t.Errorf("%d streams are counted after the refusal", n)
	}
}
