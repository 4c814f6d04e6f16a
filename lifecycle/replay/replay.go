package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Store keeps replays.
type Store interface {
	Create(ctx context.Context, r trimtab.Replay) (trimtab.Replay, error)
	Get(ctx context.Context, id trimtab.ReplayID) (trimtab.Replay, error)
	Last(ctx context.Context, endpoint string) (trimtab.Replay, error)
	Running(ctx context.Context) ([]trimtab.Replay, error)
	Move(ctx context.Context, id trimtab.ReplayID, rule func(trimtab.Replay) (trimtab.Replay, trimtab.Change, error)) (trimtab.Replay, error)
	Progress(ctx context.Context, id trimtab.ReplayID, position trimtab.Time, rows, labels, failed int64) error
}

// States keeps watermarks, leases and how far listeners have come.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Move(ctx context.Context, endpoint string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) (trimtab.EndpointState, error)
	Settled(ctx context.Context, endpoint string, w trimtab.Time, listeners []string) (bool, *trimtab.Settlement, error)
}

// Endpoints reads what is declared.
type Endpoints interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
}

// Listeners are those who must settle a border before a replay goes on.
type Listeners interface {
	// Listeners names them for an endpoint.
	Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error)
	// Border is the first moment after t at which one of them wants to be asked, 0 for never.
	Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error)
	// Closing is the moment at which all of them are done with an event at t, 0 for at once.
	Closing(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (trimtab.Time, error)
	// ClosedBefore is the moment before which some of them are done with all events when the watermark stands at mark.
	ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) trimtab.Time
}

// Config is what replays work with. Zero fields have the meaning said with them.
type Config struct {
	Store     Store
	States    States
	Endpoints Endpoints
	Listeners Listeners
	Source    Source
	Columns   Columns
	// URL is the server's own address, such as http://127.0.0.1:5000: rows go out as real requests.
	URL    string
	Client *http.Client // default one of its own
	// Moved is told of each state that a replay has moved an endpoint to; nil: nobody.
	Moved func(trimtab.EndpointState)
	Clock trimtab.Clock // for leases; default the system's
	Log   *slog.Logger  // default discards

	BatchRows int // rows or labels of a request, default 500

	// Crash is called between any two effects and stops the replay there with its error: for tests; nil never stops.
	Crash func(point string) error
}

// Replays runs replays. It is safe for concurrent use.
type Replays struct {
	cfg        Config
	controller *control.Controller

	// mu guards running: what to call to stop a replay of this process.
	mu      sync.Mutex
	running map[trimtab.ReplayID]context.CancelFunc
}

// New makes replays that do nothing before Run.
func New(cfg Config) *Replays {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}}
	}
	if cfg.BatchRows == 0 {
		cfg.BatchRows = 500
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	r := &Replays{cfg: cfg, running: map[trimtab.ReplayID]context.CancelFunc{}}
	r.controller = control.New(control.Config{Name: "replay", Reconcile: r.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: 4})
	return r
}

// Run takes up the replays that have not ended and runs what is started, until
// ctx ends. It is called once.
func (r *Replays) Run(ctx context.Context) error {
	return r.controller.Follow(ctx, 30*time.Second, func(ctx context.Context) error {
		open, err := r.cfg.Store.Running(ctx)
		for _, x := range open {
			r.controller.Add(key(x))
		}
		return err
	})
}

func key(x trimtab.Replay) string { return string(x.Workspace) + "/" + string(x.ID) }

// StartOptions say what is replayed.
type StartOptions struct {
	Endpoint string
	Source   string
	From, To trimtab.Time // of event time; 0 is open
	// Faults of a drill are injected in this order.
	Faults []trimtab.Fault
}

// latest bounds moments: columns of times count nanoseconds in 64 bits.
const latest = trimtab.Time(9_214_646_400_000) // 2262-01-01

// The states of a replay.
const (
	running   = "running"
	succeeded = "succeeded"
	failed    = "failed"
	canceled  = "canceled"
)

// Start begins a replay, or takes up the newest one of the endpoint when it is of
// the same source, bytes and span: one that has succeeded is returned as it is,
// one that was stopped goes on where it stopped. It is refused on an endpoint with
// live traffic, while another replay runs, where the span reaches into windows
// that are closed, and when it would go on with other faults than it began with.
func (r *Replays) Start(ctx context.Context, opt StartOptions) (x trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "replay.Start(%s, %s)", opt.Endpoint, opt.Source)
	ws := trimtab.CallOf(ctx).Workspace
	subject := "endpoint " + opt.Endpoint
	spec, id, err := r.admit(ctx, opt)
	if err != nil {
		return x, err
	}
	last, err := r.cfg.Store.Last(ctx, opt.Endpoint)
	if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
		return x, err
	}
	if err == nil {
		same := last.Source == opt.Source && last.Data == spec.Digest && last.From == opt.From && last.To == opt.To
		untouched := last.Position == 0 && last.Rows == 0 && last.Labels == 0 && last.Failed == 0
		alike := slices.Equal(last.Faults, opt.Faults)
		switch {
		case same && !alike && last.State != succeeded && !(untouched && last.State != running):
			return x, trimtab.Errorf(trimtab.Conflict, subject, "replay %s of the same source and span is %s with %s: it goes on with the same ones; replay with %s into another endpoint", last.ID, last.State, faults(last.Faults), faults(opt.Faults))
		case same && !alike:
		case same && (last.State == running || last.State == succeeded):
			r.controller.Add(key(last))
			return last, nil
		case same:
			if x, err = r.cfg.Store.Move(ctx, last.ID, func(x trimtab.Replay) (trimtab.Replay, trimtab.Change, error) {
				if x.State == running || x.State == succeeded {
					return x, trimtab.Change{}, nil
				}
				old := x
				x.State, x.Reason, x.Ended = running, "", 0
				return x, x.Change("replay.resume", &old), nil
			}); err != nil {
				return x, err
			}
			r.controller.Add(key(x))
			return x, nil
		case last.State == running:
			return x, trimtab.Errorf(trimtab.Conflict, subject, "replay %s of source %s runs through endpoint %s: wait for it, or cancel it", last.ID, last.Source, opt.Endpoint)
		}
	}
	state, err := r.cfg.States.State(ctx, opt.Endpoint)
	if err != nil {
		return x, err
	}
	if _, _, err := state.AcquireLease("new replay", r.cfg.Clock(), time.Minute); err != nil {
		return x, err
	}
	if state.Mode == trimtab.DrivenMode && state.Watermark != 0 {
		if closed := r.cfg.Listeners.ClosedBefore(ws, opt.Endpoint, state.Watermark); opt.From < closed {
			return x, trimtab.Errorf(trimtab.Precondition, subject, "the watermark of endpoint %s stands at %s and its windows before %s are closed: replay from then on, or into another endpoint", opt.Endpoint, state.Watermark, closed)
		}
	}
	x = opt.replay(spec)
	if len(x.Faults) > 0 {
		if err := r.examine(ctx, x, spec, id); err != nil {
			return trimtab.Replay{}, err
		}
	}
	if x, err = r.cfg.Store.Create(ctx, x); err != nil {
		return x, err
	}
	r.controller.Add(key(x))
	return x, nil
}

func (o StartOptions) replay(spec trimtab.SourceSpec) trimtab.Replay {
	return trimtab.Replay{Endpoint: o.Endpoint, Source: o.Source, Data: spec.Digest, From: o.From, To: o.To, Faults: o.Faults, State: running}
}

// admit checks what can be checked before the data are looked at. id is the
// endpoint's own column of request ids where that names the source's rows.
func (r *Replays) admit(ctx context.Context, opt StartOptions) (spec trimtab.SourceSpec, id string, err error) {
	subject := "endpoint " + opt.Endpoint
	if opt.To != 0 && opt.To <= opt.From {
		return spec, "", trimtab.Errorf(trimtab.Invalid, subject, "the span from %s to %s is empty", opt.From, opt.To)
	}
	if max(opt.From, opt.To) > latest || min(opt.From, opt.To) < -latest {
		return spec, "", trimtab.Errorf(trimtab.Invalid, subject, "the span from %s to %s reaches beyond the times that data can hold (1678 to 2261)", opt.From, opt.To)
	}
	if err := trimtab.CheckFaults(opt.Faults, opt.From, opt.To); err != nil {
		return spec, "", err
	}
	endpoint, err := r.endpoint(ctx, opt.Endpoint)
	if err != nil {
		return spec, "", err
	}
	if spec, err = r.cfg.Source.Source(ctx, opt.Source); err != nil {
		return spec, "", err
	}
	return spec, requestID(endpoint, spec), nil
}

func (r *Replays) endpoint(ctx context.Context, name string) (spec trimtab.EndpointSpec, err error) {
	resource, err := r.cfg.Endpoints.Get(ctx, trimtab.KindEndpoint, name)
	if err != nil {
		return spec, err
	}
	if err := json.Unmarshal(resource.Spec, &spec); err != nil {
		return spec, &fatal{fmt.Errorf("endpoint %s: %w", name, err)}
	}
	return spec, nil
}

// requestID is the endpoint's own column of request ids when it is the key of the
// source, so that labels can be matched by people as well; else "": the row id names rows.
func requestID(endpoint trimtab.EndpointSpec, spec trimtab.SourceSpec) string {
	if id := endpoint.Logging.RequestID; slices.Equal(spec.Key, []string{id}) { // a part of a key names no row
		return id
	}
	return ""
}

func faults(all []trimtab.Fault) string {
	if len(all) == 0 {
		return "no faults"
	}
	var texts []string
	for _, f := range all {
		texts = append(texts, "`"+f.String()+"`")
	}
	return "the faults " + strings.Join(texts, ", ")
}

// Cancel ends a replay where it stands; what was sent stays. Cancelling one that
// has ended changes nothing.
func (r *Replays) Cancel(ctx context.Context, id trimtab.ReplayID) (x trimtab.Replay, err error) {
	defer trimtab.Wrap(&err, "replay.Cancel(%s)", id)
	if x, err = r.end(ctx, id, canceled, "canceled by "+trimtab.CallOf(ctx).Actor.ID); err != nil {
		return x, err
	}
	r.mu.Lock()
	stop := r.running[id]
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
	return x, r.release(ctx, x)
}

// end moves a running replay to a final state.
func (r *Replays) end(ctx context.Context, id trimtab.ReplayID, state, reason string) (trimtab.Replay, error) {
	return r.cfg.Store.Move(ctx, id, func(x trimtab.Replay) (trimtab.Replay, trimtab.Change, error) {
		if x.State != running {
			return x, trimtab.Change{}, nil
		}
		old := x
		x.State, x.Reason, x.Ended = state, reason, r.cfg.Clock()
		return x, x.Change("replay."+state, &old), nil
	})
}

// release gives the endpoint's lease back when this replay holds it.
func (r *Replays) release(ctx context.Context, x trimtab.Replay) error {
	s, err := r.cfg.States.Move(ctx, x.Endpoint, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		if s.Holder != holder(x) {
			return s, trimtab.Change{}, nil
		}
		return s.ReleaseLease(s.Fence)
	})
	if err == nil && r.cfg.Moved != nil {
		r.cfg.Moved(s)
	}
	return err
}

func holder(x trimtab.Replay) string { return "replay " + string(x.ID) }

// Reconcile runs one replay to its end, and returns then: for tests.
func (r *Replays) Reconcile(ctx context.Context, ws trimtab.Workspace, id trimtab.ReplayID) error {
	_, err := r.reconcile(ctx, string(ws)+"/"+string(id))
	return err
}

func (r *Replays) reconcile(ctx context.Context, k string) (control.Result, error) {
	ws, id, _ := strings.Cut(k, "/")
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("replay"), Workspace: trimtab.Workspace(ws)})
	x, err := r.cfg.Store.Get(ctx, trimtab.ReplayID(id))
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, nil
	}
	if err != nil {
		return control.Result{}, err
	}
	if x.State != running {
		return control.Result{}, r.release(ctx, x)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	r.running[x.ID] = cancel
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.running, x.ID)
		r.mu.Unlock()
	}()
	err = r.drive(ctx, x)
	if err == nil {
		return control.Result{}, nil
	}
	if final, ok := errors.AsType[*fatal](err); ok {
		reason := trimtab.Message(final.err)
		r.cfg.Log.WarnContext(ctx, "replay failed", "replay", x.ID, "endpoint", x.Endpoint, "error", final.err)
		// The lease first: who sees that the replay has ended can start another.
		if err := r.release(ctx, x); err != nil {
			return control.Result{}, err
		}
		_, err = r.end(ctx, x.ID, failed, reason)
		return control.Result{}, err
	}
	if ctx.Err() != nil {
		if now, e := r.cfg.Store.Get(context.WithoutCancel(ctx), x.ID); e == nil && now.State != running {
			return control.Result{}, nil // cancelled
		}
	}
	return control.Result{}, err
}

// fatal is an error that trying again cannot cure: the replay fails with it.
type fatal struct{ err error }

func (f *fatal) Error() string { return f.err.Error() }
func (f *fatal) Unwrap() error { return f.err }

// cure marks errors that are about the request itself as fatal.
func cure(err error) error {
	switch trimtab.KindOf(err) {
	case trimtab.NotFound, trimtab.Invalid, trimtab.Precondition, trimtab.Unsupported, trimtab.Denied:
		return &fatal{err}
	}
	return err
}

func noRows(x trimtab.Replay) error {
	return &fatal{trimtab.Errorf(trimtab.Precondition, "datasource "+x.Source, "source %s has no rows with event time in %s", x.Source, span(x))}
}

func span(x trimtab.Replay) string {
	from, to := "the beginning", "the end"
	if x.From != 0 {
		from = x.From.String()
	}
	if x.To != 0 {
		to = x.To.String()
	}
	return fmt.Sprintf("[%s, %s)", from, to)
}
