package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/keep"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Resources are the declared monitors and endpoints.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	Everywhere(ctx context.Context, kind string) ([]trimtab.Resource, error)
	SetStatus(ctx context.Context, kind, name string, status json.RawMessage) error
}

// States tells how far an endpoint has come and is told how far its listeners have.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
	Settle(ctx context.Context, s trimtab.Settlement) error
}

// Windows keeps what was found. Putting an equal result again changes nothing.
type Windows interface {
	Put(ctx context.Context, w trimtab.WindowResult) error
	// Last is the newest window that was looked at; NotFound when there is none.
	Last(ctx context.Context, monitor string) (trimtab.WindowResult, error)
	// Estimated are the windows that were looked at and are not closed, in order of time.
	Estimated(ctx context.Context, monitor string) ([]trimtab.WindowResult, error)
	// Recent are the newest windows that start before a moment, in order of time.
	Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
}

// Incidents keeps what is wrong.
type Incidents interface {
	Move(ctx context.Context, name string, rule func(old *trimtab.Incident) (trimtab.Incident, trimtab.Change, error)) (trimtab.Incident, error)
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Incident, error)
}

// Contracts judges the rows of a window by the endpoint's data contracts. Judging a window again changes nothing.
type Contracts interface {
	Judge(ctx context.Context, w trimtab.ContractWindow, rows iter.Seq2[*traffic.Rows, error]) ([]trimtab.ContractResult, error)
}

// Rollouts are the changes of the version that answers.
type Rollouts interface {
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Rollout, error)
}

// Models tells what versions have learnt from.
type Models interface {
	// Lineage: ok is false when nobody knows.
	Lineage(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (l trimtab.Lineage, ok bool, err error)
}

// Scorer scores logged inputs with any version of a model.
type Scorer interface {
	Score(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version, inputs *table.Table) ([]float64, error)
}

// Config is what monitors work with. Zero fields have the meaning said with them.
type Config struct {
	Resources Resources
	States    States
	Windows   Windows
	Traffic   *traffic.Store
	Incidents Incidents     // nil: nothing is diagnosed, nothing is held
	Contracts Contracts     // nil: no window is judged by contracts
	Rollouts  Rollouts      // nil: the versions that answered are all that there were
	Models    Models        // nil: nobody knows what versions have learnt from
	Scorer    Scorer        // nil: no version is scored but by what it answered
	Blobs     blob.Store    // of training snapshots; nil: none is read
	Clock     trimtab.Clock // for endpoints in clock mode; default the system's
	Log       *slog.Logger  // default discards
	// Crash is called between any two effects and stops the pass there with its
	// error: for tests; nil never stops.
	Crash func(point string) error
}

// Monitors closes the windows of all monitors of all projects. It is a
// prometheus.Collector of what they have found last.
type Monitors struct {
	cfg        Config
	controller *control.Controller
	declared   atomic.Pointer[map[place]declared]
	references *keep.Last[string, *baseline]
	trainings  *keep.Last[string, *sample]
	censuses   *keep.Last[censusKey, *census]
	gauges     gauges
}

type place struct {
	ws   trimtab.Workspace
	name string
}

func (p place) key() string { return string(p.ws) + "/" + p.name }

type declared struct {
	place
	spec trimtab.MonitorSpec
}

// Listener is the name under which a monitor settles borders.
func Listener(monitor string) string { return "monitor/" + monitor }

// Status is what is written as the status of a Monitor.
type Status struct {
	Through    trimtab.Time        `json:"through,omitempty"`    // watermark up to which everything is done
	LastWindow trimtab.Time        `json:"lastWindow,omitempty"` // start of the newest closed window
	Conditions []trimtab.Condition `json:"conditions,omitempty"`
}

// New makes monitors that do nothing before Run.
func New(cfg Config) *Monitors {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Crash == nil {
		cfg.Crash = func(string) error { return nil }
	}
	m := &Monitors{cfg: cfg, references: keep.New[string, *baseline](maxBaselines), trainings: keep.New[string, *sample](keptTrainings), censuses: keep.New[censusKey, *census](keptCensuses)}
	m.declared.Store(&map[place]declared{})
	m.controller = control.New(control.Config{Name: "monitor", Reconcile: m.reconcile, Clock: cfg.Clock, Log: cfg.Log, Workers: 1})
	return m
}

// Run follows what is declared until ctx ends. It is called once.
func (m *Monitors) Run(ctx context.Context) error {
	return m.controller.Follow(ctx, 30*time.Second, m.Resync)
}

// Resync reads what is declared and looks at every monitor.
func (m *Monitors) Resync(ctx context.Context) error {
	all, err := m.read(ctx)
	if err != nil {
		return err
	}
	for p := range all {
		m.controller.Add(p.key())
	}
	return nil
}

// read takes the declared monitors over.
func (m *Monitors) read(ctx context.Context) (map[place]declared, error) {
	resources, err := m.cfg.Resources.Everywhere(ctx, trimtab.KindMonitor)
	if err != nil {
		return nil, err
	}
	all := make(map[place]declared, len(resources))
	for _, r := range resources {
		var spec trimtab.MonitorSpec
		if err := json.Unmarshal(r.Spec, &spec); err != nil {
			m.cfg.Log.ErrorContext(ctx, "a declared monitor cannot be read", "project", r.Workspace, "monitor", r.Name, "error", err)
			continue
		}
		if spec.Window.Validate() != nil {
			m.cfg.Log.ErrorContext(ctx, "a declared monitor has no usable window", "project", r.Workspace, "monitor", r.Name, "window", spec.Window)
			continue
		}
		p := place{r.Workspace, r.Name}
		all[p] = declared{p, spec}
	}
	m.declared.Store(&all)
	return all, nil
}

// Consumer follows the journal: watermarks, monitors, endpoints.
func (m *Monitors) Consumer() control.Consumer {
	return control.Consumer{Name: "monitor", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		stale := false
		for _, e := range entries {
			stale = stale || e.Object.Kind == "monitor" || e.Object.Kind == "endpoint"
		}
		if stale {
			return m.Resync(ctx)
		}
		for _, e := range entries {
			if e.Object.Kind != "endpointState" {
				continue
			}
			for p, d := range *m.declared.Load() {
				if p.ws == e.Workspace && d.spec.Endpoint == e.Object.Name {
					m.controller.Add(p.key())
				}
			}
		}
		return nil
	}}
}

// of returns the monitors of an endpoint as declared now.
func (m *Monitors) of(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]declared, error) {
	all, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []declared
	for p, d := range all {
		if p.ws == ws && d.spec.Endpoint == endpoint {
			out = append(out, d)
		}
	}
	return out, nil
}

// Listeners names the listeners that must settle a border of the endpoint.
func (m *Monitors) Listeners(ctx context.Context, ws trimtab.Workspace, endpoint string) ([]string, error) {
	all, err := m.of(ctx, ws, endpoint)
	var names []string
	for _, d := range all {
		names = append(names, Listener(d.name))
	}
	return names, err
}

// Border returns the first moment after t at which a window of a monitor of the
// endpoint ends or closes, 0 when the endpoint has no monitor.
func (m *Monitors) Border(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (first trimtab.Time, err error) {
	all, err := m.of(ctx, ws, endpoint)
	for _, d := range all {
		if b := border(d.spec, t); first == 0 || b < first {
			first = b
		}
	}
	return first, err
}

// Closing returns the moment at which every window of the endpoint that holds t is closed, 0 without a monitor.
func (m *Monitors) Closing(ctx context.Context, ws trimtab.Workspace, endpoint string, t trimtab.Time) (at trimtab.Time, err error) {
	all, err := m.of(ctx, ws, endpoint)
	for _, d := range all {
		_, end := d.spec.Window.Bounds(t)
		at = max(at, end.Add(time.Duration(d.spec.LabelMaturity)))
	}
	return at, err
}

// ClosedBefore returns the moment before which every event of the endpoint lies
// in a window that some monitor has closed when the watermark stands at mark.
func (m *Monitors) ClosedBefore(ws trimtab.Workspace, endpoint string, mark trimtab.Time) (before trimtab.Time) {
	for p, d := range *m.declared.Load() {
		if p.ws == ws && d.spec.Endpoint == endpoint {
			before = max(before, closedBefore(d.spec, mark))
		}
	}
	return before
}

// Reconcile closes the windows of one monitor that are due, and returns when it is done: for tests.
func (m *Monitors) Reconcile(ctx context.Context, ws trimtab.Workspace, monitor string) error {
	_, err := m.reconcile(ctx, place{ws, monitor}.key())
	return err
}

func (m *Monitors) reconcile(ctx context.Context, key string) (control.Result, error) {
	ws, name, _ := strings.Cut(key, "/")
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("monitor"), Workspace: trimtab.Workspace(ws)})
	r, err := m.cfg.Resources.Get(ctx, trimtab.KindMonitor, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, nil
	}
	if err != nil {
		return control.Result{}, err
	}
	s := &pass{Monitors: m, ws: r.Workspace, name: name}
	if err := json.Unmarshal(r.Spec, &s.spec); err != nil {
		return control.Result{}, control.Terminal(fmt.Errorf("monitor %s: %w", name, err))
	}
	if err := s.spec.Window.Validate(); err != nil {
		return control.Result{}, control.Terminal(err)
	}
	s.spec = s.spec.WithDefaults()
	if s.log, err = m.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: r.Workspace, Name: s.spec.Endpoint}); err != nil {
		return control.Result{}, err
	}
	// Before the state: rows that a replay has sent imply a state in which the clock no longer moves the watermark.
	begin, _ := s.log.Begin()
	mark, clock, err := m.watermark(ctx, s.spec.Endpoint, &s.endpoint)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return control.Result{}, m.report(ctx, r, Status{Conditions: []trimtab.Condition{{Type: "Ready", Reason: "NoEndpoint", Message: fmt.Sprintf("endpoint %s is not declared", s.spec.Endpoint)}}})
	}
	if err != nil {
		return control.Result{}, err
	}
	s.live = clock
	p, err := s.run(ctx, begin, mark)
	if err != nil {
		return control.Result{}, err
	}
	if p.more { // the border is not settled yet
		return control.Result{After: time.Millisecond}, nil
	}
	through := mark
	if clock { // borders are a replay's: none is settled before the monitor has seen its watermark
		through = 0
	}
	if err := m.cfg.States.Settle(ctx, trimtab.Settlement{Workspace: r.Workspace, Endpoint: s.spec.Endpoint, Listener: Listener(name), Through: through, Wait: trimtab.WaitEventTime}); err != nil {
		return control.Result{}, err
	}
	if err := m.cfg.Crash("settled"); err != nil {
		return control.Result{}, err
	}
	if err := m.report(ctx, r, Status{LastWindow: s.closed, Through: mark, Conditions: []trimtab.Condition{{Type: "Ready", Status: true}}}); err != nil {
		return control.Result{}, err
	}
	if !clock {
		return control.Result{}, nil // an entry announces the next move of the watermark
	}
	if p.next == 0 {
		return control.Result{After: time.Minute}, nil
	}
	return control.Result{After: min(max(p.next.Sub(mark), time.Second), time.Hour)}, nil
}

// watermark returns the watermark of an endpoint and whether the clock moves it, and reads its spec.
func (m *Monitors) watermark(ctx context.Context, endpoint string, spec *trimtab.EndpointSpec) (mark trimtab.Time, clock bool, err error) {
	r, err := m.cfg.Resources.Get(ctx, trimtab.KindEndpoint, endpoint)
	if err != nil {
		return 0, false, err
	}
	if err := json.Unmarshal(r.Spec, spec); err != nil {
		return 0, false, fmt.Errorf("endpoint %s: %w", endpoint, err)
	}
	s, err := m.cfg.States.State(ctx, endpoint)
	if err != nil {
		return 0, false, err
	}
	lateness := spec.AllowedLateness
	if lateness == 0 {
		lateness = trimtab.Duration(time.Hour)
	}
	return s.WatermarkAt(m.cfg.Clock(), lateness), s.Mode != trimtab.DrivenMode, nil
}

// report stores the status when something but the watermark of a clock has changed.
func (m *Monitors) report(ctx context.Context, r trimtab.Resource, st Status) error {
	var old Status
	if err := json.Unmarshal(r.Status, &old); err != nil {
		old = Status{}
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		c.Since = m.cfg.Clock()
		for _, o := range old.Conditions {
			if o.Type == c.Type && o.Status == c.Status && o.Reason == c.Reason {
				c.Since = o.Since
			}
		}
	}
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if before, err := json.Marshal(old); err == nil && string(before) == string(body) {
		return nil
	}
	err = m.cfg.Resources.SetStatus(ctx, trimtab.KindMonitor, r.Name, body)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	}
	return err
}
