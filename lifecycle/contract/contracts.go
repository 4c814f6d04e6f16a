package contract

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
)

// Resources are the declared contracts.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
}

// Results keeps what contracts found.
type Results interface {
	Move(ctx context.Context, name string, rule func(old *trimtab.ContractResult) (trimtab.ContractResult, trimtab.Change, error)) (trimtab.ContractResult, error)
}

// Incidents keeps what is wrong.
type Incidents interface {
	Move(ctx context.Context, name string, rule func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error)) (trimtab.Incident, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Incident, error)
}

// Config is what contracts work with. Zero fields have the meaning said with them.
type Config struct {
	Resources  Resources
	Results    Results               // nil: results are returned, not kept
	Incidents  Incidents             // nil: no incident is opened
	Blobs      blob.Store            // nil: failing rows are not kept
	Log        *slog.Logger          // default discards
	Registerer prometheus.Registerer // nil: metrics are kept, not exported
	// Crash is called between any two effects and stops there with its error: for
	// tests; nil never stops.
	Crash func(point string) error
}

// Contracts judges by the declared contracts of all projects. It is safe for
// concurrent use.
type Contracts struct {
	cfg     Config
	stopped *prometheus.CounterVec
	table   atomic.Pointer[map[place][]*Checker] // by what they are about; nil before the first reading

	// mu is held while what is declared is read, so that the newest reading stays; it
	// guards compiled.
	mu       sync.Mutex
	compiled map[declaration]*Checker
}

// declaration names a contract as it was declared once; its compilation is kept.
type declaration struct {
	ws         trimtab.Workspace
	name, uid  string
	generation int64
}

// place is an endpoint or a source of a project.
type place struct {
	ws   trimtab.Workspace
	kind string
	name string
}

// New makes contracts that read what is declared when they are first asked.
func New(cfg Config) (*Contracts, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	c := &Contracts{cfg: cfg, stopped: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "trimtab_contract_rows_total",
		Help: "Rows that broke a data contract at the door of an endpoint, by what was done with them.",
	}, []string{"project", "endpoint", "contract", "action"})}
	if cfg.Registerer != nil {
		if err := cfg.Registerer.Register(c.stopped); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Resync reads what is declared. A contract that does not compile is logged and left
// out: apply refuses it, so that it can only be one of an older program.
func (c *Contracts) Resync(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	resources, err := c.cfg.Resources.Everywhere(ctx, trimtab.KindDataContract)
	if err != nil {
		return err
	}
	slices.SortFunc(resources, func(a, b trimtab.Resource) int { return strings.Compare(a.Name, b.Name) })
	next, compiled := map[place][]*Checker{}, map[declaration]*Checker{}
	for _, r := range resources {
		d := declaration{r.Workspace, r.Name, r.UID, r.Generation}
		checker := c.compiled[d]
		if checker == nil {
			var spec trimtab.DataContractSpec
			err := json.Unmarshal(r.Spec, &spec)
			if err == nil {
				checker, err = Compile(r.Name, spec)
			}
			if err != nil {
				c.cfg.Log.ErrorContext(ctx, "a declared contract cannot be used", "project", r.Workspace, "contract", r.Name, "error", err)
				continue
			}
		}
		compiled[d] = checker
		p := place{r.Workspace, trimtab.KindEndpoint, checker.spec.Endpoint}
		if p.name == "" {
			p = place{r.Workspace, trimtab.KindDataSource, checker.spec.Source}
		}
		next[p] = append(next[p], checker)
	}
	c.compiled = compiled
	c.table.Store(&next)
	return nil
}

// firstReading bounds the time in which the first rows wait for what is declared.
const firstReading = 5 * time.Second

// of returns the contracts about something, as they were last read.
func (c *Contracts) of(p place) ([]*Checker, error) {
	table := c.table.Load()
	if table == nil {
		ctx, cancel := context.WithTimeout(context.Background(), firstReading)
		defer cancel()
		if err := c.Resync(ctx); err != nil {
			c.cfg.Log.WarnContext(ctx, "declared contracts cannot be read", "error", err)
			return nil, trimtab.Errorf(trimtab.Unavailable, "contracts", "the data contracts have not been read yet: try again")
		}
		table = c.table.Load()
	}
	return (*table)[p], nil
}

// Consumer follows the journal: a contract that was applied is in force before the
// entry counts as handled, so that a settled border has seen it.
func (c *Contracts) Consumer() control.Consumer {
	return control.Consumer{Name: "contract", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		for _, e := range entries {
			if e.Object.Kind == "datacontract" {
				return c.Resync(ctx)
			}
		}
		return nil
	}}
}

// Validate reports, as an Invalid error, why the spec of a DataContract does not compile.
func Validate(name string, spec json.RawMessage) error {
	var s trimtab.DataContractSpec
	if err := json.Unmarshal(spec, &s); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "datacontract "+name, "DataContract %q: %v", name, err)
	}
	_, err := Compile(name, s)
	return err
}

// Check judges rows at the door of an endpoint by all its contracts: see
// Checker.Door. Without a contract everything passes. It is Unavailable while what is
// declared has never been read: rows are not let in unjudged.
func (c *Contracts) Check(ws trimtab.Workspace, endpoint string, t *table.Table) (rows []string, reject error) {
	checkers, err := c.of(place{ws, trimtab.KindEndpoint, endpoint})
	if err != nil {
		return nil, err
	}
	for _, checker := range checkers {
		found, reject := checker.Door(t)
		if reject != nil {
			c.stopped.WithLabelValues(string(ws), endpoint, checker.name, trimtab.OnFailReject).Add(float64(t.Rows()))
			return nil, reject
		}
		if found == nil {
			continue
		}
		n := 0
		for i, rule := range found {
			if rule == "" {
				continue
			}
			n++
			if rows != nil && rows[i] == "" {
				rows[i] = rule
			}
		}
		c.stopped.WithLabelValues(string(ws), endpoint, checker.name, trimtab.OnFailQuarantine).Add(float64(n))
		if rows == nil {
			rows = found
		}
	}
	return rows, nil
}
