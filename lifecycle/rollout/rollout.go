package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Resources are the declared endpoints and models.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
}

// States tells how far an endpoint has come and is told how far its rollouts have.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Settle(ctx context.Context, s trimtab.Settlement) error
}

// Documents keeps the records of one kind.
type Documents[T trimtab.Document] interface {
	Get(ctx context.Context, name string) (T, error)
	Move(ctx context.Context, name string, rule func(old *T) (T, trimtab.Change, error)) (T, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]T, error)
	Open(ctx context.Context) ([]T, error)
}

// Aliases says where the aliases of a model point, and moves them.
type Aliases interface {
	Get(ctx context.Context, model trimtab.ModelName) (trimtab.RegisteredModel, error)
	SetAlias(ctx context.Context, model trimtab.ModelName, move trimtab.MoveAlias) (trimtab.RegisteredModel, error)
}

// Versions are the registered versions of models.
type Versions interface {
	Get(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (trimtab.ModelVersion, error)
}

// Scorer scores logged inputs with any version of a model: a score a row, NaN where
// the model gives none.
type Scorer interface {
	Score(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version, inputs *table.Table) ([]float64, error)
}

// Plane is the data plane.
type Plane interface {
	// Loaded is nil when the version can answer requests of the endpoint. Errors of the
	// kinds Invalid and Unsupported say that it never will; others may pass.
	Loaded(ws trimtab.Workspace, endpoint string, version trimtab.Version) error
	// Abort lets the old version answer everything at once, whatever is recorded. An
	// error says that there was nothing to stop.
	Abort(ws trimtab.Workspace, endpoint string) error
}

// Meter counts requests by version since the process began.
type Meter interface {
	// Requests has p99 0 where it is not known.
	Requests(ws trimtab.Workspace, endpoint string, version trimtab.Version) (requests, errors int64, p99 time.Duration)
}

// Config is what rollouts work with. Zero fields have the meaning said with them.
type Config struct {
	Resources Resources
	States    States
	Rollouts  Documents[trimtab.Rollout]
	Incidents Documents[trimtab.Incident]
	Pauses    Documents[trimtab.Pause]
	Aliases   Aliases
	Versions  Versions
	Traffic   *traffic.Store
	Scorer    Scorer
	Plane     Plane         // nil: every version is taken to be loaded
	Meter     Meter         // nil: requests that fail are not counted, only rows that cannot be scored
	Clock     trimtab.Clock // for endpoints in clock mode; default the system's
	Log       *slog.Logger  // default discards
	// Crash is called between any two effects and stops the pass there with its
	// error: for tests; nil never stops.
	Crash func(point string) error
}

// Rollouts carries out the rollouts of all projects.
type Rollouts struct {
	cfg        Config
	controller *control.Controller
	declared   atomic.Pointer[map[place]trimtab.EndpointSpec]

	mu     sync.Mutex
	places map[place]*held // guarded by mu
}

// held is what the process keeps of one endpoint.
type held struct {
	sync.Mutex // one at a time: passes, and those who begin a rollout
	scores     scoreCache
	live       liveBase
}

type place struct {
	ws   trimtab.Workspace
	name string
}

func (p place) key() string { return string(p.ws) + "/" + p.name }

func split(key string) place {
	ws, name, _ := strings.Cut(key, "/")
	return place{trimtab.Workspace(ws), name}
}

// Listener is the name under which the rollouts of an endpoint settle borders.
func Listener(endpoint string) string { return "rollout/" + endpoint }

const actor = "rollout"

// New makes rollouts that do nothing before Run.
func New(cfg Config) *Rollouts {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	c := &Rollouts{cfg: cfg, places: map[place]*held{}}
	c.declared.Store(&map[place]trimtab.EndpointSpec{})
	c.controller = control.New(control.Config{Name: actor, Reconcile: c.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: 2})
	return c
}

// Run follows endpoints and aliases until ctx ends. It is called once.
func (c *Rollouts) Run(ctx context.Context) error {
	return c.controller.Follow(ctx, 30*time.Second, c.Resync)
}

// Resync looks at every endpoint that declares a rollout or has one open.
func (c *Rollouts) Resync(ctx context.Context) error {
	all, err := c.read(ctx)
	if err != nil {
		return err
	}
	for p, spec := range all {
		if spec.Rollout != nil {
			c.controller.Add(p.key())
		}
	}
	open, err := c.cfg.Rollouts.Open(ctx)
	for _, r := range open {
		c.controller.Add(place{r.Workspace, r.Endpoint}.key())
	}
	return err
}

// read takes the declared endpoints over.
func (c *Rollouts) read(ctx context.Context) (map[place]trimtab.EndpointSpec, error) {
	resources, err := c.cfg.Resources.Everywhere(ctx, trimtab.KindEndpoint)
	if err != nil {
		return nil, err
	}
	all := make(map[place]trimtab.EndpointSpec, len(resources))
	for _, r := range resources {
		spec, err := specOf(r)
		if err != nil {
			c.cfg.Log.ErrorContext(ctx, "a declared endpoint cannot be read", "project", r.Workspace, "endpoint", r.Name, "error", err)
			continue
		}
		all[place{r.Workspace, r.Name}] = spec
	}
	c.declared.Store(&all)
	return all, nil
}

// specOf reads an endpoint, with the defaults that matter here.
func specOf(r trimtab.Resource) (spec trimtab.EndpointSpec, err error) {
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return spec, trimtab.Errorf(trimtab.Invalid, r.Ref(), "endpoint %s cannot be read: %s", r.Name, err)
	}
	spec.Model.Alias = cmp.Or(spec.Model.Alias, "champion")
	spec.AllowedLateness = cmp.Or(spec.AllowedLateness, trimtab.Duration(time.Hour))
	return spec, nil
}

// of returns what the process keeps of an endpoint.
func (c *Rollouts) of(p place) *held {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.places[p]
	if h == nil {
		h = &held{}
		c.places[p] = h
	}
	return h
}

// call is the context in which the controller acts.
func call(ctx context.Context, ws trimtab.Workspace) context.Context {
	return trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller(actor), Workspace: ws})
}

// history lists the rollouts of an endpoint, the newest first.
func (c *Rollouts) history(ctx context.Context, endpoint string) ([]trimtab.Rollout, error) {
	all, err := c.cfg.Rollouts.List(ctx, trimtab.DocumentQuery{Scope: endpoint})
	slices.SortStableFunc(all, func(a, b trimtab.Rollout) int { return cmp.Compare(b.Ordinal(), a.Ordinal()) })
	return all, err
}

// openOf is the open rollout among those of an endpoint, nil when there is none.
func openOf(all []trimtab.Rollout) *trimtab.Rollout {
	for i := range all {
		if !all[i].State.Ended() {
			return &all[i]
		}
	}
	return nil
}

// answering is the version that answers when no rollout is open, as the newest ended
// one left it; 0 when there has been none.
func answering(all []trimtab.Rollout) trimtab.Version {
	if len(all) == 0 {
		return 0
	}
	return all[0].Answers()
}
