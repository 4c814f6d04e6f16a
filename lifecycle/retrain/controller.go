package retrain

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Resources are the declared policies, monitors, endpoints.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
	SetStatus(ctx context.Context, kind, name string, status json.RawMessage) error
}

// States tells how far an endpoint and its listeners have come.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Settle(ctx context.Context, s trimtab.Settlement) error
	Settlements(ctx context.Context, endpoint string) ([]trimtab.Settlement, error)
}

// Windows are what monitors found, in order of time.
type Windows interface {
	List(ctx context.Context, monitor string) ([]trimtab.WindowResult, error)
	// Recent are the newest of those that start before a moment, 0 for all, at most limit of them.
	Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
}

// Documents keeps the records of one kind.
type Documents[T trimtab.Document] interface {
	Get(ctx context.Context, name string) (T, error)
	Move(ctx context.Context, name string, rule func(old *T) (T, trimtab.Change, error)) (T, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]T, error)
	// Open lists those of all projects that have not ended.
	Open(ctx context.Context) ([]T, error)
}

// Scorer scores logged inputs with any version of a model.
type Scorer interface {
	Score(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version, inputs *table.Table) ([]float64, error)
}

// Models tells what versions are, and makes recalibrated ones.
type Models interface {
	// Lineage: ok is false when nobody knows what the version has learnt from.
	Lineage(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (l trimtab.Lineage, ok bool, err error)
	// Champion is the version that an alias points to, 0 for none.
	Champion(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.Version, error)
	// Recalibrated registers the child of a version that corrects its score; of one cause there is one child.
	Recalibrated(ctx context.Context, model trimtab.ModelName, parent trimtab.Version, task Task, c Calibrator, until trimtab.Time, cause string) (trimtab.Version, error)
}

// Engine runs pipelines; of one key there is one run.
type Engine interface {
	Train(ctx context.Context, pipeline string, params map[string]string, key, cause string) (trimtab.PipelineRun, error)
	Run(ctx context.Context, id trimtab.PipelineRunID) (trimtab.PipelineRun, error)
	Registered(ctx context.Context, id trimtab.PipelineRunID, model trimtab.ModelName) (trimtab.ModelVersion, error)
}

// Evaluator evaluates a challenger with a declared suite, or with the built-in one when
// suite is "". Of the same version, suite and moment it gives the same record.
type Evaluator interface {
	Evaluate(ctx context.Context, suite, monitor string, model trimtab.ModelName, version trimtab.Version, at trimtab.Time) (trimtab.Evaluation, error)
}

// Rollouts puts versions into service. Of one cause there is one rollout.
type Rollouts interface {
	Begin(ctx context.Context, endpoint string, to trimtab.Version, origin, cause string, at trimtab.Time) (trimtab.Rollout, error)
}

// Config is what policies work with. Zero fields have the meaning said with them.
type Config struct {
	Resources Resources
	States    States
	Windows   Windows
	Traffic   *traffic.Store
	Policies  Documents[trimtab.PolicyState]
	Decisions Documents[trimtab.Decision]
	Incidents Documents[trimtab.Incident]
	History   Documents[trimtab.Rollout]
	Pauses    Documents[trimtab.Pause]
	Scorer    Scorer
	Models    Models
	Engine    Engine
	Gate      Evaluator
	Rollouts  Rollouts
	Clock     trimtab.Clock // for endpoints in clock mode; default the system's
	Log       *slog.Logger  // default discards
	// Crash is called between any two effects and stops the pass there with its
	// error: for tests; nil never stops.
	Crash func(point string) error
}

// Policies decides for all declared RetrainPolicies and carries decisions out.
type Policies struct {
	cfg        Config
	controller *control.Controller
	declared   atomic.Pointer[map[place]declared]
	rows       rowCache
	// mu guards running: pipeline runs that a policy waits for.
	mu      sync.Mutex
	running map[trimtab.PipelineRunID]string
	// people lets a person and a pass take turns at what a policy remembers.
	people sync.Mutex
	// passing is held during a pass: who marks a border as unsettled waits for the pass that might settle it.
	passing sync.Mutex
}

type place struct {
	ws   trimtab.Workspace
	name string
}

func (p place) key() string { return string(p.ws) + "/" + p.name }

// declared is a policy with what it refers to, defaults filled in.
type declared struct {
	place
	spec     trimtab.RetrainPolicySpec
	digest   trimtab.Digest
	monitor  trimtab.MonitorSpec
	endpoint trimtab.EndpointSpec
	task     Task
	window   time.Duration
	problem  string // why it cannot decide, "" when it can
}

// Listener is the name under which a policy settles borders.
func Listener(policy string) string { return "policy/" + policy }

// Status is what is written as the status of a RetrainPolicy.
type Status struct {
	Through    trimtab.Time        `json:"through,omitempty"`
	Served     trimtab.Version     `json:"served,omitempty"`
	Decision   string              `json:"decision,omitempty"` // the newest
	Conditions []trimtab.Condition `json:"conditions,omitempty"`
}

// New makes policies that do nothing before Run.
func New(cfg Config) *Policies {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	p := &Policies{cfg: cfg, running: map[trimtab.PipelineRunID]string{}}
	p.declared.Store(&map[place]declared{})
	p.controller = control.New(control.Config{Name: "policy", Reconcile: p.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: 1})
	return p
}

// Run follows what is declared until ctx ends. It is called once.
func (p *Policies) Run(ctx context.Context) error {
	return p.controller.Follow(ctx, 30*time.Second, p.Resync)
}

// Resync reads what is declared and looks at every policy, those too that are not
// declared any more and have left a decision open.
func (p *Policies) Resync(ctx context.Context) error {
	all, err := p.read(ctx)
	if err != nil {
		return err
	}
	for at := range all {
		p.controller.Add(at.key())
	}
	open, err := p.cfg.Decisions.Open(ctx)
	for _, d := range open {
		p.controller.Add(place{d.Workspace, d.Policy}.key())
	}
	return err
}

// read takes the declared policies over.
func (p *Policies) read(ctx context.Context) (map[place]declared, error) {
	resources, err := p.cfg.Resources.Everywhere(ctx, trimtab.KindRetrainPolicy)
	if err != nil {
		return nil, err
	}
	all := make(map[place]declared, len(resources))
	for _, r := range resources {
		d, err := p.resolve(ctx, r)
		if err != nil {
			return nil, err
		}
		all[d.place] = d
	}
	p.declared.Store(&all)
	return all, nil
}

// resolve reads a policy with its monitor and endpoint.
func (p *Policies) resolve(ctx context.Context, r trimtab.Resource) (d declared, err error) {
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("policy"), Workspace: r.Workspace})
	d = declared{place: place{r.Workspace, r.Name}, digest: trimtab.DigestOf(r.Spec)}
	if err := json.Unmarshal(r.Spec, &d.spec); err != nil {
		d.problem = fmt.Sprintf("the policy cannot be read: %s", err)
		return d, nil
	}
	d.spec = withDefaults(d.spec)
	m, err := p.cfg.Resources.Get(ctx, trimtab.KindMonitor, d.spec.Monitor)
	if trimtab.IsKind(err, trimtab.NotFound) {
		d.problem = fmt.Sprintf("monitor %s is not declared", d.spec.Monitor)
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(m.Spec, &d.monitor); err != nil {
		d.problem = fmt.Sprintf("monitor %s cannot be read: %s", d.spec.Monitor, err)
		return d, nil
	}
	d.task = Task(d.monitor.Performance.Task)
	if d.task == "" {
		d.task = Binary
	}
	if err := d.monitor.Window.Validate(); err != nil {
		d.problem = fmt.Sprintf("monitor %s: %s", d.spec.Monitor, trimtab.Message(err))
		return d, nil
	}
	start, end := d.monitor.Window.Bounds(0)
	d.window = end.Sub(start)
	e, err := p.cfg.Resources.Get(ctx, trimtab.KindEndpoint, d.monitor.Endpoint)
	if trimtab.IsKind(err, trimtab.NotFound) {
		d.problem = fmt.Sprintf("endpoint %s is not declared", d.monitor.Endpoint)
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(e.Spec, &d.endpoint); err != nil {
		d.problem = fmt.Sprintf("endpoint %s cannot be read: %s", d.monitor.Endpoint, err)
	}
	return d, nil
}

func withDefaults(s trimtab.RetrainPolicySpec) trimtab.RetrainPolicySpec {
	if s.AsOfParam == "" {
		s.AsOfParam = "asOf"
	}
	if s.Mode == "" {
		s.Mode = "advise"
	}
	if s.Strategy == "" {
		s.Strategy = "cost-aware"
	}
	if s.Keep == 0 {
		s.Keep = DefaultKeep
	}
	return s
}

// Consumer follows the journal: declarations, watermarks, and what became of decisions.
// Before the word of a person on a decision counts as read, the border is marked as unsettled.
func (p *Policies) Consumer() control.Consumer {
	return control.Consumer{Name: "policy", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		stale := false
		for _, e := range entries {
			switch e.Object.Kind {
			case "retrainpolicy", "monitor", "endpoint":
				stale = true
			case "decision":
				if e.Actor != trimtab.Controller("policy") {
					if err := p.pend(ctx, e); err != nil {
						return err
					}
				}
			}
		}
		if stale {
			return p.Resync(ctx)
		}
		for _, e := range entries {
			switch e.Object.Kind {
			case "endpointState", "window", "rollout", "decision", "incident", "pause", "policyState":
				for at := range *p.declared.Load() {
					if at.ws == e.Workspace && !(e.Object.Kind == "policyState" && e.Actor == trimtab.Controller("policy")) {
						p.controller.Add(at.key())
					}
				}
			case "pipelineRun":
				p.mu.Lock()
				if key, ok := p.running[trimtab.PipelineRunID(e.Object.Name)]; ok {
					p.controller.Add(key)
				}
				p.mu.Unlock()
			}
		}
		return nil
	}}
}

// pend marks the border as unsettled until a pass has gone over the policy of a decision.
func (p *Policies) pend(ctx context.Context, e trimtab.Entry) error {
	policy, _, _ := strings.Cut(e.Object.Name, "@")
	d, ok := (*p.declared.Load())[place{e.Workspace, policy}]
	if !ok || d.problem != "" {
		return nil // it settles nothing
	}
	p.passing.Lock() // a pass that is under way settles before this, not after
	defer p.passing.Unlock()
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("policy"), Workspace: e.Workspace})
	state, err := p.cfg.States.State(ctx, d.monitor.Endpoint)
	if err != nil || state.Mode != trimtab.DrivenMode {
		return err
	}
	p.controller.Add(d.key())
	return p.cfg.States.Settle(ctx, trimtab.Settlement{Workspace: e.Workspace, Endpoint: d.monitor.Endpoint, Listener: Listener(policy),
		Through: state.Watermark, Wait: trimtab.WaitProcess, Detail: "has the word of a person on a decision to look at"})
}

// Wake looks at the policies of an endpoint soon: for one who has settled a border in this process.
func (p *Policies) Wake(ws trimtab.Workspace, endpoint string) {
	for at, d := range *p.declared.Load() {
		if at.ws == ws && d.monitor.Endpoint == endpoint {
			p.controller.Add(at.key())
		}
	}
}

// Listeners names the policies that must settle a border of the endpoint.
func (p *Policies) Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error) {
	all, err := p.read(ctx)
	var names []string
	for at, d := range all {
		if at.ws == ws && d.problem == "" && d.monitor.Endpoint == endpoint {
			names = append(names, Listener(at.name))
		}
	}
	return names, err
}

// Border returns the first moment after t at which a policy of the endpoint puts into
// service what it has trained: a training takes its assumed duration of event time. It is
// 0 when there is none.
func (p *Policies) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (first trimtab.Time, err error) {
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("policy"), Workspace: ws})
	for at, d := range *p.declared.Load() {
		if at.ws != ws || d.problem != "" || d.monitor.Endpoint != endpoint || d.spec.AssumedDuration <= 0 {
			continue
		}
		open, err := p.cfg.Decisions.List(ctx, trimtab.DocumentQuery{Scope: at.name, Open: true})
		if err != nil {
			return 0, err
		}
		for _, o := range open {
			if b := d.effect(o); o.Rollout == "" && b > t && (first == 0 || b < first) {
				first = b
			}
		}
	}
	return first, nil
}

// effect is the moment of event time from which the cure of a decision can serve.
func (d declared) effect(o trimtab.Decision) trimtab.Time {
	if o.Action == trimtab.DoRetrain {
		return o.At.Add(time.Duration(d.spec.AssumedDuration))
	}
	return o.At
}

// Reconcile brings one policy up to date and returns when it is done: for tests.
func (p *Policies) Reconcile(ctx context.Context, ws trimtab.Workspace, policy string) error {
	_, err := p.reconcile(ctx, place{ws, policy}.key())
	return err
}

func split(key string) place {
	ws, name, _ := strings.Cut(key, "/")
	return place{trimtab.Workspace(ws), name}
}
