package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Resources are the declared endpoints.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
	SetStatus(ctx context.Context, kind, name string, status json.RawMessage) error
}

// Versions finds versions, by number and by what an alias points to.
type Versions interface {
	Get(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (trimtab.ModelVersion, error)
	ByAlias(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.ModelVersion, error)
}

// Rollouts are the changes of version of all endpoints.
type Rollouts interface {
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Rollout, error)
}

// Contracts judges the rows of requests.
type Contracts interface {
	// Check returns, per row, the rule that quarantines it, "" for none; nil rows quarantine
	// nothing. reject refuses the request as a whole and names row, rule and value.
	Check(ws trimtab.Workspace, endpoint string, t *table.Table) (rows []string, reject error)
}

// Manifests reads the frozen tree of a version.
type Manifests interface {
	Manifest(ctx context.Context, d trimtab.Digest) (trimtab.Manifest, error)
}

// States keeps watermark, mode and lease.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Move(ctx context.Context, endpoint string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) (trimtab.EndpointState, error)
}

// Blobs opens the objects of a manifest.
type Blobs interface {
	Open(ctx context.Context, d trimtab.Digest) (blob.Reader, error)
}

// Closed says which windows of event time are closed: the monitors know.
type Closed interface {
	// ClosedBefore returns the moment before which every event of the endpoint lies in
	// a window that some monitor has closed when the watermark stands at mark; 0 for none.
	ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) trimtab.Time
}

// Config is what a Server works with. Zero fields have the meaning said with them.
type Config struct {
	Resources  Resources
	Versions   Versions
	Manifests  Manifests
	States     States
	Blobs      Blobs
	Traffic    *traffic.Store
	Closed     Closed                // nil: no label is late
	Rollouts   Rollouts              // nil: aliases alone say what answers
	Contracts  Contracts             // nil: every row that a model takes is answered
	Clock      trimtab.Clock         // default the system's
	Random     trimtab.Random        // default the system's
	Log        *slog.Logger          // default discards
	Registerer prometheus.Registerer // nil: metrics are kept, not exported
}

// Server serves all endpoints of all projects.
type Server struct {
	cfg Config
	vectors
	table      atomic.Pointer[map[place]*Endpoint]
	controller *control.Controller
	scorer     *Scorer
	shadow     shadow

	// mu guards changes of table; readers take the pointer.
	mu sync.Mutex
}

type place struct {
	ws   trimtab.Workspace
	name string
}

func (p place) key() string { return string(p.ws) + "/" + p.name }

// New makes a server that serves nothing before Run has loaded what is declared.
func New(cfg Config) (*Server, error) {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Random == nil {
		cfg.Random = trimtab.CryptoRandom
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, vectors: newVectors()}
	s.scorer = &Scorer{server: s}
	s.shadow.queue = make(chan shadowed, shadowQueue)
	s.table.Store(&map[place]*Endpoint{})
	s.controller = control.New(control.Config{Name: "serve", Reconcile: s.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: 2})
	if cfg.Registerer != nil {
		for _, c := range append(s.vectors.all(), logCollector{s}) {
			if err := cfg.Registerer.Register(c); err != nil {
				return nil, fmt.Errorf("serve: metrics: %w", err)
			}
		}
	}
	return s, nil
}

// Endpoint finds a declared endpoint; NotFound when there is none.
func (s *Server) Endpoint(ws trimtab.Workspace, name string) (*Endpoint, error) {
	if e := (*s.table.Load())[place{ws, name}]; e != nil {
		return e, nil
	}
	return nil, trimtab.Errorf(trimtab.NotFound, "endpoint "+name, "endpoint %s is not declared", name)
}

// Endpoints lists the endpoints of a project in the order of their names.
func (s *Server) Endpoints(ws trimtab.Workspace) []*Endpoint {
	return slices.DeleteFunc(s.all(), func(e *Endpoint) bool { return e.Workspace != ws })
}

func (s *Server) all() []*Endpoint {
	return slices.SortedFunc(maps.Values(*s.table.Load()), func(a, b *Endpoint) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Name, b.Name))
	})
}

// put makes a new table with the endpoint, unless one is there already, and returns the one that is.
func (s *Server) put(p place, e *Endpoint) *Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := (*s.table.Load())[p]; old != nil {
		return old
	}
	next := maps.Clone(*s.table.Load())
	next[p] = e
	s.table.Store(&next)
	return e
}

// drop makes a new table without the endpoint.
func (s *Server) drop(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.table.Load())
	delete(next, p)
	s.table.Store(&next)
}
