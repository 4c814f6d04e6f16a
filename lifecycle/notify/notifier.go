package notify

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
)

// Resources are the declared channels.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	List(ctx context.Context, kind string) ([]trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
}

// Records reads the documents that messages are about.
type Records[T trimtab.Document] interface {
	Get(ctx context.Context, name string) (T, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]T, error)
}

// Deliveries keeps the messages.
type Deliveries interface {
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Delivery, error)
	Open(ctx context.Context) ([]trimtab.Delivery, error)
	Move(ctx context.Context, name string, rule func(old *trimtab.Delivery) (trimtab.Delivery, trimtab.Change, error)) (trimtab.Delivery, error)
}

// Config is what a notifier works with. Zero fields have the meaning said with them.
type Config struct {
	Resources  Resources
	Incidents  Records[trimtab.Incident]
	Decisions  Records[trimtab.Decision]
	Rollouts   Records[trimtab.Rollout]
	Deliveries Deliveries
	// Data is the server's data folder: secrets that are files lie in its folder secrets. "": there are none.
	Data   string
	Getenv func(string) string // default os.Getenv
	URL    string              // what links begin with; "": messages have no link
	Roots  *x509.CertPool      // whom TLS trusts; default the system's
	// Timeout bounds one attempt to send. Default 15 s.
	Timeout    time.Duration
	Clock      trimtab.Clock // default the system's
	Log        *slog.Logger  // default discards
	Registerer prometheus.Registerer
	// Crash is called between any two effects and stops the pass there with its
	// error: for tests; nil never stops.
	Crash func(point string) error
}

// Notifier brings messages to channels. It is safe for concurrent use.
type Notifier struct {
	cfg        Config
	out        *egress
	metrics    metrics
	controller *control.Controller

	mu    sync.Mutex
	lines map[string]*line // by key of the channel, guarded by mu
}

// line is what the process remembers of a channel; losing it costs one attempt.
type line struct {
	failures int          // in a row
	repeated trimtab.Time // when the firing alerts were sent last
}

const actor = "notify"

// workers is how many channels are served at once. Each may hang for a timeout.
const workers = 16

// New makes a notifier that does nothing before Run.
func New(cfg Config) *Notifier {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	n := &Notifier{cfg: cfg, out: newEgress(cfg.Timeout, cfg.Roots), metrics: newMetrics(), lines: map[string]*line{}}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(n.metrics.all()...)
	}
	n.controller = control.New(control.Config{Name: actor, Reconcile: n.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: workers, MaxBackoff: 30 * time.Second})
	return n
}

// Run sends until ctx ends; then it lets attempts in flight be cut off and returns nil.
func (n *Notifier) Run(ctx context.Context) error {
	return n.controller.Follow(ctx, time.Minute, n.Resync)
}

// Resync asks for every channel to be looked at that has something to send.
func (n *Notifier) Resync(ctx context.Context) error {
	open, err := n.cfg.Deliveries.Open(ctx)
	if err != nil {
		return err
	}
	for _, d := range open {
		n.controller.Add(key(d.Workspace, d.Channel))
	}
	declared, err := n.cfg.Resources.Everywhere(ctx, trimtab.KindChannel)
	if err != nil {
		return err
	}
	for _, r := range declared {
		if spec, err := specOf(r); err == nil && spec.Alertmanager != nil {
			n.controller.Add(key(r.Workspace, r.Name))
		}
	}
	return nil
}

func specOf(r trimtab.Resource) (spec trimtab.ChannelSpec, err error) {
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return spec, trimtab.Errorf(trimtab.Invalid, r.Ref(), "the declaration of %s cannot be read: %v", r.Ref(), err)
	}
	return spec.WithDefaults(), nil
}

func key(ws trimtab.Workspace, channel string) string { return string(ws) + "/" + channel }

func split(key string) (trimtab.Workspace, string) {
	ws, channel, _ := strings.Cut(key, "/")
	return trimtab.Workspace(ws), channel
}

func call(ctx context.Context, ws trimtab.Workspace) context.Context {
	return trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller(actor), Workspace: ws})
}

func (n *Notifier) line(key string) *line {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lines[key]
	if l == nil {
		l = &line{}
		n.lines[key] = l
	}
	return l
}
