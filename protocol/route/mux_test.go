package route

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

func ok(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "fine")
	return err
}

func table(t *testing.T, cfg Config, routes ...Route) *Mux {
	t.Helper()
	m, err := New(cfg, routes)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func do(h http.Handler, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:5000"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTableIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		routes []Route
		want   string
	}{
		"no class":   {[]Route{{Method: "GET", Pattern: "/a", Handle: ok}}, "GET /a: it names no auth class"},
		"bad class":  {[]Route{{Method: "GET", Pattern: "/a", Auth: 99, Handle: ok}}, "names no auth class"},
		"no handler": {[]Route{{Method: "GET", Pattern: "/a", Auth: Public}}, "it has no handler"},
		"no slash":   {[]Route{{Method: "GET", Pattern: "a", Auth: Public, Handle: ok}}, "begins with a slash"},
		"clash": {[]Route{{Method: "GET", Pattern: "/a/{x}", Auth: Public, Handle: ok},
			{Method: "GET", Pattern: "/a/{y}", Auth: Public, Handle: ok}}, "conflicts"},
		"all at once": {[]Route{{Method: "GET", Pattern: "/a", Handle: ok}, {Method: "GET", Pattern: "/b", Auth: Public}}, "/b: it has no handler"},
	} {
		if _, err := New(Config{}, tc.routes); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestFallback(t *testing.T) {
	m := table(t, Config{}, Route{Method: "GET", Pattern: "/a", Auth: Public, Handle: ok})
	for _, target := range []string{"/b", "/a/b", "/"} {
		if w := do(m, "GET", target, nil); w.Code != 404 || !strings.Contains(w.Body.String(), "nothing is served") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := do(m, "POST", "/a", nil); w.Code != 404 {
		t.Errorf("POST /a: %d", w.Code)
	}
	own := table(t, Config{}, Route{Pattern: "/", Auth: Public, Handle: ok})
	if w := do(own, "GET", "/b", nil); w.Body.String() != "fine" {
		t.Errorf("own fallback: %s", w.Body)
	}
}

func TestHostAndOrigin(t *testing.T) {
	m := table(t, Config{AllowedHosts: []string{"Models.Example.org"}}, Route{Pattern: "/", Auth: Public, Handle: ok})
	for _, tc := range []struct {
		method, host, origin, site string
		want                       int
	}{
		{"GET", "127.0.0.1:5000", "", "", 200},
		{"GET", "127.8.8.8", "", "", 200},
		{"GET", "localhost", "", "", 200},
		{"GET", "LOCALHOST.:80", "", "", 200},
		{"GET", "[::1]:5000", "", "", 200},
		{"GET", "[::1]", "", "", 200},
		{"GET", "models.example.org:443", "", "", 200},
		{"GET", "evil.example", "", "", 403},
		{"GET", "localhost.evil.example", "", "", 403},
		{"GET", "127.0.0.1.evil.example", "", "", 403},
		{"GET", "10.0.0.1", "", "", 403},
		{"GET", "", "", "", 403},
		{"GET", "localhost", "http://evil.example", "", 200},
		{"POST", "localhost", "http://evil.example", "", 403},
		{"POST", "localhost:5000", "http://localhost:3000", "", 403},
		{"POST", "localhost:5000", "http://localhost:5000", "", 200},
		{"POST", "localhost:5000", "https://models.example.org", "", 200},
		{"POST", "localhost:5000", "null", "", 403},
		{"POST", "localhost:5000", "", "cross-site", 403},
		{"DELETE", "localhost:5000", "http://evil.example", "", 403},
		{"PUT", "localhost:5000", "", "", 200},
	} {
		w := do(m, tc.method, "/x", func(r *http.Request) {
			r.Host = tc.host
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			if tc.site != "" {
				r.Header.Set("Sec-Fetch-Site", tc.site)
			}
		})
		if w.Code != tc.want {
			t.Errorf("%s host %q origin %q site %q: %d, want %d", tc.method, tc.host, tc.origin, tc.site, w.Code, tc.want)
		}
	}
	open := table(t, Config{AllowedHosts: []string{"*"}}, Route{Pattern: "/", Auth: Public, Handle: ok})
	if w := do(open, "GET", "/", func(r *http.Request) { r.Host = "anything" }); w.Code != 200 {
		t.Errorf("any host: %d", w.Code)
	}
}

func TestRequestID(t *testing.T) {
	m := table(t, Config{Random: func(p []byte) { clear(p) }}, Route{Pattern: "/", Auth: Public, Handle: ok})
	made := strings.Repeat("0", 32)
	for in, want := range map[string]string{
		"":                       made,
		"abc-1.2:3/4_5":          "abc-1.2:3/4_5",
		"two words":              made,
		"line\nbreak":            made,
		strings.Repeat("x", 129): made,
	} {
		w := do(m, "GET", "/", func(r *http.Request) { r.Header[RequestIDHeader] = []string{in} })
		if got := w.Header().Get(RequestIDHeader); got != want {
			t.Errorf("id %q became %q, want %q", in, got, want)
		}
	}
}

type tokens map[string]trimtab.Attempt

func (t tokens) AttemptByToken(_ context.Context, hash string) (trimtab.Attempt, error) {
	a, ok := t[hash]
	if !ok {
		return a, trimtab.Errorf(trimtab.NotFound, "token", "no such token")
	}
	return a, nil
}

func (t tokens) give(token string, a trimtab.Attempt) {
	sum := sha256.Sum256([]byte(token))
	t[hex.EncodeToString(sum[:])] = a
}

func TestAttemptTokens(t *testing.T) {
	known := tokens{}
	known.give("ttk_live", trimtab.Attempt{Workspace: "team", Run: "pr-1", Step: "train", N: 2, State: trimtab.AttemptRunning})
	known.give("ttk_over", trimtab.Attempt{Workspace: "team", Run: "pr-1", Step: "train", N: 1, State: trimtab.AttemptLost})
	var call trimtab.Call
	note := func(w http.ResponseWriter, r *http.Request) error {
		call = trimtab.CallOf(r.Context())
		return ok(w, r)
	}
	m := table(t, Config{Attempts: known},
		Route{Method: "GET", Pattern: "/public", Auth: Public, Handle: note},
		Route{Method: "GET", Pattern: "/read", Auth: Reader, Via: "mlflow", Handle: note},
		Route{Method: "POST", Pattern: "/write", Auth: Writer, Handle: note},
		Route{Method: "POST", Pattern: "/log", Auth: Attempt, Handle: note})
	for _, tc := range []struct {
		method, target, auth, workspace string
		want                            int
		body                            string
	}{
		{"POST", "/log", "Bearer ttk_live", "", 200, ""},
		{"POST", "/log", "bearer ttk_live", "", 200, ""},
		{"POST", "/log", "Bearer ttk_live", "team", 200, ""},
		{"POST", "/log", "Bearer ttk_live", "other", 403, "belongs to project team"},
		{"GET", "/read", "Bearer ttk_live", "", 200, ""},
		{"POST", "/write", "Bearer ttk_live", "", 403, "a pipeline step may not call POST /write"},
		{"POST", "/log", "Bearer ttk_over", "", 403, "attempt pr-1.train.1 has ended (lost); its writes are refused"},
		{"GET", "/read", "Bearer ttk_over", "", 403, "has ended"},
		{"POST", "/log", "Bearer ttk_unknown", "", 401, "not known"},
		{"GET", "/public", "Bearer ttk_unknown", "", 200, ""},
		{"POST", "/write", "", "", 200, ""},
		{"POST", "/write", "Basic eDp5", "", 200, ""},
		{"POST", "/log", "", "Bad_Name", 400, "project \\\"Bad_Name\\\""},
	} {
		w := do(m, tc.method, tc.target, func(r *http.Request) {
			r.Header.Set("Authorization", tc.auth)
			r.Header.Set(WorkspaceHeader, tc.workspace)
		})
		if w.Code != tc.want || !strings.Contains(w.Body.String(), tc.body) {
			t.Errorf("%s %s with %q in %q: %d %s, want %d %q", tc.method, tc.target, tc.auth, tc.workspace, w.Code, w.Body, tc.want, tc.body)
		}
	}
	do(m, "GET", "/read", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ttk_live") })
	if call.Workspace != "team" || call.Actor.Attempt != "pr-1.train.2" || call.Actor.Kind != trimtab.ServiceActor || call.Actor.Via != "mlflow" || call.RequestID == "" {
		t.Errorf("call %+v", call)
	}
	do(m, "GET", "/read", nil)
	if call.Workspace != trimtab.DefaultWorkspace || call.Actor.ID != trimtab.Local.ID {
		t.Errorf("call without credentials %+v", call)
	}
	none := table(t, Config{}, Route{Method: "GET", Pattern: "/read", Auth: Reader, Handle: ok})
	if w := do(none, "GET", "/read", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ttk_live") }); w.Code != 401 {
		t.Errorf("server without attempts: %d", w.Code)
	}
}

// Every class but Public asks who calls; the test walks the table as the
// server's own test of all its routes does.
func TestEveryRouteAsks(t *testing.T) {
	stranger := func(*http.Request) (trimtab.Actor, error) {
		return trimtab.Actor{}, trimtab.Errorf(trimtab.Unauthenticated, "", "who are you?")
	}
	m := table(t, Config{Authenticate: stranger},
		Route{Method: "GET", Pattern: "/public", Auth: Public, Handle: ok},
		Route{Method: "GET", Pattern: "/read", Auth: Reader, Handle: ok},
		Route{Method: "POST", Pattern: "/write", Auth: Writer, Handle: ok},
		Route{Method: "POST", Pattern: "/log", Auth: Attempt, Handle: ok})
	for _, r := range m.Routes() {
		method := r.Method
		if method == "" {
			method = "GET"
		}
		want := http.StatusUnauthorized
		if r.Auth == Public {
			want = http.StatusOK
			if r.Pattern == "/" {
				want = http.StatusNotFound
			}
		}
		if w := do(m, method, r.Pattern, nil); w.Code != want {
			t.Errorf("%s %s without credentials: %d, want %d", method, r.Pattern, w.Code, want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request) error {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	m := table(t, Config{},
		Route{Method: "POST", Pattern: "/small", Auth: Public, MaxBody: 4, Handle: read},
		Route{Method: "POST", Pattern: "/usual", Auth: Public, Handle: read},
		Route{Method: "POST", Pattern: "/raw", Auth: Public, Raw: true, Handle: read})
	for _, tc := range []struct {
		path string
		size int
		said bool // the length is announced
		want int
	}{
		{"/small", 4, true, 200}, {"/small", 5, true, 413}, {"/small", 5, false, 413},
		{"/usual", DefaultMaxBody + 1, true, 413}, {"/raw", DefaultMaxBody + 1, false, 200},
	} {
		r := httptest.NewRequest("POST", tc.path, bytes.NewReader(make([]byte, tc.size)))
		r.Host = "localhost"
		if !tc.said {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s with %d bytes: %d, want %d", tc.path, tc.size, w.Code, tc.want)
		}
		if tc.want == 413 && !strings.Contains(w.Body.String(), "larger than") {
			t.Errorf("%s: %s", tc.path, w.Body)
		}
	}
}

// A client that sends a large body to a route that refuses it can send all of it
// and then reads why.
func TestRefusedBodiesAreRead(t *testing.T) {
	m := table(t, Config{Authenticate: func(*http.Request) (trimtab.Actor, error) {
		return trimtab.Actor{}, trimtab.Errorf(trimtab.Denied, "", "not you")
	}}, Route{Method: "PUT", Pattern: "/up", Auth: Attempt, Raw: true, Handle: ok})
	srv := httptest.NewServer(m)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 16 << 20
	if _, err := fmt.Fprintf(conn, "PUT /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatalf("the body could not be sent: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestPanicAndErrors(t *testing.T) {
	var log bytes.Buffer
	cfg := Config{Log: slog.New(slog.NewTextHandler(&log, nil))}
	m := table(t, cfg,
		Route{Method: "GET", Pattern: "/panic", Auth: Public, Handle: func(http.ResponseWriter, *http.Request) error { panic("boom") }},
		Route{Method: "GET", Pattern: "/internal", Auth: Public, Handle: func(http.ResponseWriter, *http.Request) error { return errors.New("secret detail") }},
		Route{Method: "GET", Pattern: "/busy", Auth: Public, Handle: func(http.ResponseWriter, *http.Request) error {
			return &trimtab.Error{Kind: trimtab.Unavailable, Msg: "busy", RetryAfter: 1200 * time.Millisecond}
		}},
		Route{Method: "GET", Pattern: "/own", Auth: Public, Handle: func(http.ResponseWriter, *http.Request) error { return errors.New("x") },
			Fail: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusTeapot) }},
		Route{Method: "GET", Pattern: "/half", Auth: Public, Handle: func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half")
			return errors.New("disk gone")
		}})
	if w := do(m, "GET", "/panic", nil); w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("panic: %d %s", w.Code, w.Body)
	}
	if w := do(m, "GET", "/internal", nil); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("internal: %d %s", w.Code, w.Body)
	}
	if w := do(m, "GET", "/busy", nil); w.Code != 503 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("busy: %d retry after %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w := do(m, "GET", "/own", nil); w.Code != http.StatusTeapot {
		t.Errorf("own error function: %d", w.Code)
	}
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("half an answer ended with %v, want the connection cut", p)
			}
		}()
		do(m, "GET", "/half", nil)
	}()
	for _, want := range []string{"boom", "secret detail", "disk gone", "busy", "status=500", "path=/busy", "request="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for k := trimtab.Internal; k <= trimtab.Unsupported; k++ {
		if _, ok := statuses[k]; !ok {
			t.Errorf("kind %s has no status", k)
		}
	}
	if Status(errors.New("x")) != 500 || Status(TooLarge(1)) != 413 {
		t.Error("status of foreign errors")
	}
}

func TestPrefix(t *testing.T) {
	m := table(t, Config{Prefix: "trimtab/"}, Route{Method: "GET", Pattern: "/a/{p...}", Auth: Public,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, r.PathValue("p"))
			return err
		}})
	for target, want := range map[string]string{"/trimtab/a/x%2Fy%20z": "x/y z", "/trimtab/a/": ""} {
		if w := do(m, "GET", target, nil); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", target, w.Code, w.Body, want)
		}
	}
	for _, target := range []string{"/a/x", "/trimtabx/a/x", "/"} {
		if w := do(m, "GET", target, nil); w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

// A path with steps is refused by the route it names, and never redirected.
func TestDottedPaths(t *testing.T) {
	teapot := func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, Message(err))
	}
	m := table(t, Config{}, Route{Method: "PUT", Pattern: "/a/{p...}", Auth: Public, Handle: ok, Fail: teapot})
	for target, want := range map[string]int{"/a/b/../c": 418, "/a/./b": 418, "/a/..": 418, "/../etc": 400, "/a/..b": 200, "/a/b.": 200} {
		if w := do(m, "PUT", target, nil); w.Code != want {
			t.Errorf("%s: %d %s, want %d", target, w.Code, w.Body, want)
		}
	}
	if w := do(m, "PUT", "/a/b/../c", func(r *http.Request) { r.Host = "evil.example" }); !strings.Contains(w.Body.String(), "does not answer to the name") {
		t.Errorf("a foreign host: %s", w.Body)
	}
}

func TestMetricsBeginAtZero(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := table(t, Config{Registerer: reg}, Route{Method: "GET", Pattern: "/a", Auth: Public, Handle: ok})
	count := func(status string) float64 {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, s := range f.GetMetric() {
				labels := map[string]string{}
				for _, l := range s.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				if f.GetName() == "trimtab_http_requests_total" && labels["route"] == "GET /a" && labels["status"] == status {
					return s.GetCounter().GetValue()
				}
			}
		}
		t.Fatalf("no series for status %s", status)
		return 0
	}
	if n := count("5xx"); n != 0 {
		t.Errorf("5xx begins at %v", n)
	}
	do(m, "GET", "/a", nil)
	if n := count("2xx"); n != 1 {
		t.Errorf("2xx after a request: %v", n)
	}
	if _, err := New(Config{Registerer: reg}); err == nil {
		t.Error("a second table on one registry was accepted")
	}
}

func TestStream(t *testing.T) {
	m := table(t, Config{}, Route{Method: "GET", Pattern: "/events", Auth: Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
		e, err := Stream(w, r)
		if err != nil {
			return err
		}
		if err := e.Send("run\nx", LastEventID(r)+"1", map[string]string{"a": "b\nc"}); err != nil {
			return err
		}
		if err := e.Beat(); err != nil {
			return err
		}
		<-e.Done()
		if e.Send("late", "", 1) == nil {
			t.Error("sending to a client that has gone succeeded")
		}
		return nil
	}})
	srv := httptest.NewServer(m)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/events", nil)
	req.Header.Set("Last-Event-ID", "7")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	want := "id: 71\nevent: run x\ndata: {\"a\":\"b\\nc\"}\n\n: \n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
		t.Errorf("stream %q, %v; want %q", got, err, want)
	}
	cancel()
	_ = resp.Body.Close()
}

func FuzzRequestID(f *testing.F) {
	f.Add("a b")
	f.Add("x-1")
	f.Fuzz(func(t *testing.T, in string) {
		r := &http.Request{Header: http.Header{RequestIDHeader: {in}}}
		id := requestID(r, func(p []byte) { clear(p) })
		if len(id) == 0 || len(id) > 128 || strings.ContainsAny(id, " \n\r\"\x00") {
			t.Errorf("id %q became %q", in, id)
		}
	})
}
