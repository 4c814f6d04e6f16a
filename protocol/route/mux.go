package route

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
)

// Config is what a table needs. Zero fields have the meaning said with them.
type Config struct {
	Log *slog.Logger // nil: nothing is logged
	// Prefix is a path below which everything lies, such as "/trimtab"; "" for none.
	Prefix string
	// AllowedHosts are host names (no port) under which the server may be
	// addressed besides the loopback names. "*" allows every name and is for a
	// server behind a proxy that has checked it.
	AllowedHosts []string
	Random       trimtab.Random        // nil: CryptoRandom
	Clock        func() time.Time      // for durations; nil: time.Now
	Registerer   prometheus.Registerer // nil: metrics are kept, not exported
	// Authenticate finds who calls a route that is not public; nil takes
	// everybody for the local user, which is right on the loopback interface only.
	Authenticate func(r *http.Request) (trimtab.Actor, error)
	// Attempts resolves attempt tokens; nil refuses them all.
	Attempts AttemptTokens
}

// Mux answers requests by the table. It is safe for concurrent use and never
// changes after New.
type Mux struct {
	cfg    Config
	guard  *guard
	mux    *http.ServeMux
	routes []Route
}

// New makes a table of the groups. The error names every route that cannot be
// in it: one without auth class, handler or pattern, or one that clashes with
// another.
func New(cfg Config, groups ...[]Route) (*Mux, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Random == nil {
		cfg.Random = trimtab.CryptoRandom
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Authenticate == nil {
		cfg.Authenticate = func(*http.Request) (trimtab.Actor, error) { return trimtab.Local, nil }
	}
	if cfg.Prefix = strings.TrimSuffix(cfg.Prefix, "/"); cfg.Prefix != "" && !strings.HasPrefix(cfg.Prefix, "/") {
		cfg.Prefix = "/" + cfg.Prefix
	}
	m := &Mux{cfg: cfg, guard: newGuard(cfg.AllowedHosts), mux: http.NewServeMux()}
	routes := slices.Concat(groups...)
	if !slices.ContainsFunc(routes, func(r Route) bool { return r.Method == "" && r.Pattern == "/" }) {
		routes = append(routes, Route{Pattern: "/", Auth: Public, Handle: nothingHere})
	}
	meters, err := newMeters(cfg.Registerer, routes)
	if err != nil {
		return nil, err
	}
	var bad []error
	for i, r := range routes {
		if err := m.add(r, meters[i]); err != nil {
			bad = append(bad, err)
		}
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("route table: %w", errors.Join(bad...))
	}
	return m, nil
}

// Routes returns the table in the order of its groups. The caller owns the slice.
func (m *Mux) Routes() []Route { return slices.Clone(m.routes) }

func (m *Mux) add(r Route, meter *meter) (err error) {
	switch {
	case !strings.HasPrefix(r.Pattern, "/"):
		return fmt.Errorf("%s %q: a pattern begins with a slash", r.Method, r.Pattern)
	case r.Auth == unclassified || r.Auth.String() == "":
		return fmt.Errorf("%s: it names no auth class", r.pattern())
	case r.Handle == nil:
		return fmt.Errorf("%s: it has no handler", r.pattern())
	}
	// ServeMux reports a clash of patterns by a panic; here it is an error like the others.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", r.pattern(), p)
		}
	}()
	m.mux.Handle(r.pattern(), &entry{Route: r, mux: m, meter: meter})
	m.routes = append(m.routes, r)
	return nil
}

func nothingHere(_ http.ResponseWriter, r *http.Request) error {
	return trimtab.Errorf(trimtab.NotFound, r.URL.Path, "nothing is served at %s %s", r.Method, r.URL.Path)
}

// ServeHTTP finds the route of the request and answers it.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := m.cfg.Prefix; p != "" {
		rest, ok := strings.CutPrefix(r.URL.Path, p)
		if !ok || rest != "" && rest[0] != '/' {
			WriteError(w, r, trimtab.Errorf(trimtab.NotFound, r.URL.Path, "everything on this server lies below %s/", p))
			return
		}
		if rest == "" {
			rest = "/"
		}
		r2 := *r
		u := *r.URL
		u.Path, u.RawPath = rest, strings.TrimPrefix(r.URL.RawPath, p)
		r2.URL = &u
		r = &r2
	}
	if dotted(r.URL.EscapedPath()) {
		m.refuseDotted(w, r)
		return
	}
	m.mux.ServeHTTP(w, r)
}

// dotted reports whether a path steps upwards or stays in place. ServeMux would
// redirect to where the steps lead; nobody means that who is honest, and a
// redirected upload would arrive under another name.
func dotted(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// refuseDotted refuses the request in the way of the route that it would have
// reached with other parts instead of the steps.
func (m *Mux) refuseDotted(w http.ResponseWriter, r *http.Request) {
	refusal := trimtab.Errorf(trimtab.Invalid, "path", "Invalid path: %q has a '.' or '..' part", r.URL.Path)
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range parts {
		if part == "." || part == ".." {
			parts[i] = "-"
		}
	}
	stepless := *r
	stepless.URL = &url.URL{Path: path.Clean("/" + strings.Join(parts, "/"))}
	h, _ := m.mux.Handler(&stepless)
	if e, ok := h.(*entry); ok {
		e.serve(w, r, refusal)
		return
	}
	WriteError(w, r, refusal)
}

// entry is a route as ServeMux holds it.
type entry struct {
	Route
	mux   *Mux
	meter *meter
}

func (e *entry) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.serve(w, r, nil) }

// serve answers a request, with refusal when it is not nil.
func (e *entry) serve(w http.ResponseWriter, r *http.Request, refusal error) {
	m := e.mux
	began := m.cfg.Clock()
	rec := &recorder{ResponseWriter: w}
	id := requestID(r, m.cfg.Random)
	rec.Header().Set(RequestIDHeader, id)
	call := trimtab.Call{RequestID: id, Workspace: trimtab.DefaultWorkspace}
	e.meter.inFlight.Inc()

	aborted := false
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler {
			m.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.String("request", id),
				slog.String("route", e.pattern()), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			if !rec.wrote {
				e.fail(rec, r, trimtab.Errorf(trimtab.Internal, "", "handler panicked"))
			} else {
				aborted = true
			}
		}
		e.meter.inFlight.Dec()
		took := m.cfg.Clock().Sub(began)
		e.meter.observe(rec.code(), took)
		e.access(r, rec, call, took)
		if p == http.ErrAbortHandler || aborted {
			panic(http.ErrAbortHandler)
		}
	}()

	err := e.admit(r, &call)
	if err == nil {
		err = refusal
	}
	if err == nil {
		if limit := e.limit(); limit > 0 {
			if r.ContentLength > limit {
				err = TooLarge(limit)
			} else {
				r.Body = http.MaxBytesReader(w, r.Body, limit)
			}
		}
	}
	r = r.WithContext(trimtab.WithCall(r.Context(), call))
	if err == nil {
		err = e.Handle(rec, r)
	}
	if err == nil {
		return
	}
	e.logFailure(r, id, err)
	if rec.wrote {
		aborted = true
		return
	}
	drain(w, r)
	e.fail(rec, r, err)
}

// Bounds of what is read of a refused request.
const (
	drainBytes = 64 << 20
	drainTime  = 10 * time.Second
)

// drain reads the rest of the body of a request that is refused. A client that
// is still sending when the connection closes sees a broken connection instead
// of the refusal, and MLflow's sends the same again for minutes.
func drain(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody || r.Header.Get("Expect") != "" {
		return
	}
	// A writer that knows no deadline (a test's) has its body at hand.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, r.Body, drainBytes)
}

// admit checks the request before its handler sees it and completes the call.
func (e *entry) admit(r *http.Request, call *trimtab.Call) error {
	if err := e.mux.guard.check(r); err != nil {
		return err
	}
	named, err := workspaceOf(r)
	if err != nil {
		return err
	}
	if named != "" {
		call.Workspace = named
	}
	if e.Auth == Public {
		return nil
	}
	actor, home, err := e.mux.authenticate(r)
	if err != nil {
		return err
	}
	if home != "" {
		if named != "" && named != home {
			return trimtab.Errorf(trimtab.Denied, "project "+string(named), "the attempt token belongs to project %s and opens nothing in project %s", home, named)
		}
		call.Workspace = home
	}
	actor.Via = e.Via
	call.Actor = actor
	if actor.Attempt != "" && e.Auth == Writer {
		return trimtab.Errorf(trimtab.Denied, "attempt "+string(actor.Attempt), "a pipeline step may not call %s; use your own credentials for it", e.pattern())
	}
	return nil
}

// logFailure tells the operator what the caller is not told.
func (e *entry) logFailure(r *http.Request, id string, err error) {
	level := slog.LevelError
	switch trimtab.KindOf(err) {
	case trimtab.Internal:
	case trimtab.Unavailable:
		level = slog.LevelWarn
	default:
		return
	}
	if r.Context().Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return // the caller went away; nobody is left to tell
	}
	if tooLarge(err) {
		return
	}
	e.mux.cfg.Log.LogAttrs(r.Context(), level, "request failed", slog.String("request", id),
		slog.String("route", e.pattern()), slog.String("error", err.Error()))
}

// access logs a request. What was answered is for debugging, as in a database's
// log; what was refused or failed stands in the log as it comes.
func (e *entry) access(r *http.Request, rec *recorder, call trimtab.Call, took time.Duration) {
	log, level := e.mux.cfg.Log, slog.LevelDebug
	if rec.code() >= 400 {
		level = slog.LevelInfo
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("request", call.RequestID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.code()), slog.Int64("bytes", rec.bytes), slog.String("took", strconv.FormatFloat(float64(took)/1e6, 'f', 3, 64)+"ms"),
		slog.String("project", string(call.Workspace)))
	if call.Actor.ID != "" {
		attrs = append(attrs, slog.String("actor", call.Actor.ID))
	}
	if call.Actor.Attempt != "" {
		attrs = append(attrs, slog.String("attempt", string(call.Actor.Attempt)))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// WorkspaceHeader names the project of a request.
const WorkspaceHeader = "X-MLFLOW-WORKSPACE"

func workspaceOf(r *http.Request) (trimtab.Workspace, error) {
	name := trimtab.Workspace(strings.TrimSpace(r.Header.Get(WorkspaceHeader)))
	if name == "" {
		return "", nil
	}
	return name, name.Validate()
}

// RequestIDHeader carries the id of a request in both directions.
const RequestIDHeader = "X-Request-Id"

// requestID takes over an id of the caller that is short and plain, and makes
// one otherwise: a caller must not write into the log through its id.
func requestID(r *http.Request, random trimtab.Random) string {
	id := r.Header.Get(RequestIDHeader)
	if id == "" || len(id) > 128 {
		return random.RequestID()
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ':', c == '/':
		default:
			return random.RequestID()
		}
	}
	return id
}
