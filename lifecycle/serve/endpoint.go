package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Endpoint is one declared endpoint as this process serves it. It is safe for
// concurrent use.
type Endpoint struct {
	Workspace trimtab.Workspace
	Name      string

	server *Server
	log    *traffic.Log
	config atomic.Pointer[config]
	served atomic.Pointer[served]
	state  atomic.Pointer[trimtab.EndpointState]
	status atomic.Pointer[Status]
	last   atomic.Pointer[lastServed]
	// counted holds the counters of every version that has answered.
	counted atomic.Pointer[map[trimtab.Version]*meters]
	// failures are the errors of the versions that could not be loaded at the last look.
	failures atomic.Pointer[map[trimtab.Version]error]

	// live guards the one-time record of the first live request and refreshes of the state.
	live sync.Mutex
	// moving guards load and swap: one at a time.
	moving sync.Mutex
	// swap guards changes of served, and aborted: the rollout that was stopped in this process. It is never
	// held over I/O, so that a stop waits for nothing.
	swap    sync.Mutex
	aborted string
}

// lastServed is what an endpoint served when it was last looked at, in this process or the one before.
type lastServed struct {
	model   trimtab.ModelName
	version trimtab.Version
	rollout string // the newest that was taken into account
	ended   bool   // it had ended
}

// config is the declared side of an endpoint with its defaults filled in.
type config struct {
	generation int64
	spec       trimtab.EndpointSpec
	alias      trimtab.Alias
	output     string
	lateness   trimtab.Duration
	skewClock  time.Duration
	skewDriven time.Duration
	maxRows    int
	maxBody    int64
	durability string
}

func newConfig(generation int64, s trimtab.EndpointSpec) *config {
	c := &config{generation: generation, spec: s, alias: s.Model.Alias, output: s.Model.Output, lateness: s.AllowedLateness,
		skewClock: time.Duration(s.MaxSkew), skewDriven: time.Duration(s.MaxSkew), maxRows: s.Limits.MaxRows, maxBody: s.Limits.MaxBodySize, durability: s.Logging.Durability}
	if c.alias == "" {
		c.alias = "champion"
	}
	if c.output == "" {
		c.output = Predict
	}
	if c.lateness == 0 {
		c.lateness = trimtab.Duration(time.Hour)
	}
	if c.skewClock == 0 {
		c.skewClock, c.skewDriven = time.Hour, 400*24*time.Hour
	}
	if c.maxRows == 0 {
		c.maxRows = 10_000
	}
	if c.maxBody == 0 {
		c.maxBody = 10 << 20
	}
	if c.durability == "" {
		c.durability = "async"
	}
	return c
}

// Current is the version that answers now, nil when there is none; during a canary the one that answers the rest.
func (e *Endpoint) Current() *Model {
	if s := e.served.Load(); s != nil {
		return s.model
	}
	return nil
}

// MaxBody bounds the body of a request in bytes.
func (e *Endpoint) MaxBody() int64 { return e.config.Load().maxBody }

// Model names what the endpoint serves.
func (e *Endpoint) Model() (trimtab.ModelName, trimtab.Alias) {
	c := e.config.Load()
	return c.spec.Model.Name, c.alias
}

// Log is the endpoint's log of traffic.
func (e *Endpoint) Log() *traffic.Log { return e.log }

// current returns what answers now, or the error that says why nothing does.
func (e *Endpoint) current() (*served, error) {
	if s := e.served.Load(); s != nil {
		return s, nil
	}
	why := "it is being loaded"
	if st := e.status.Load(); st != nil {
		for _, c := range st.Conditions {
			if !c.Status && c.Message != "" {
				why = c.Message
			}
		}
	}
	return nil, &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + e.Name, RetryAfter: 5 * time.Second,
		Msg: "endpoint " + e.Name + " has no version to answer with: " + why}
}

// call is the context in which the endpoint's controller acts.
func (e *Endpoint) call(ctx context.Context) context.Context {
	return trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("serve"), Workspace: e.Workspace})
}

// loadState reads watermark, mode and lease from the store.
func (e *Endpoint) loadState(ctx context.Context) (*trimtab.EndpointState, error) {
	s, err := e.server.cfg.States.State(e.call(ctx), e.Name)
	if err != nil {
		return nil, err
	}
	e.keepState(s)
	return e.state.Load(), nil
}

// keepState takes a state over unless a newer one is known: fence, watermark and
// the moment of going live only ever grow.
func (e *Endpoint) keepState(s trimtab.EndpointState) {
	for {
		old := e.state.Load()
		if old != nil && (s.Fence < old.Fence || (s.Fence == old.Fence && (s.Watermark < old.Watermark || (s.Holder != "" && old.Holder == "" && s.Watermark == old.Watermark))) || (old.LiveSince != 0 && s.LiveSince == 0)) {
			return
		}
		if e.state.CompareAndSwap(old, &s) {
			return
		}
	}
}

// Watermark is the endpoint's watermark now, 0 while its state is unknown.
func (e *Endpoint) Watermark() trimtab.Time {
	s := e.state.Load()
	if s == nil {
		return 0
	}
	return s.WatermarkAt(e.server.cfg.Clock(), e.config.Load().lateness)
}
