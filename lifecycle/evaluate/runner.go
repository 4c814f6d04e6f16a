package evaluate

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Resources are the declared suites, monitors, endpoints and models.
type Resources interface {
	Get(ctx context.Context, kind, name string) (trimtab.Resource, error)
	List(ctx context.Context, kind string) ([]trimtab.Resource, error)
}

// Windows are what monitors found, in order of time.
type Windows interface {
	List(ctx context.Context, monitor string) ([]trimtab.WindowResult, error)
}

// States tells how far an endpoint has come.
type States interface {
	State(ctx context.Context, endpoint string) (trimtab.EndpointState, error)
}

// Rollouts are the changes of the version that answers.
type Rollouts interface {
	List(ctx context.Context, q trimtab.DocumentQuery) ([]trimtab.Rollout, error)
}

// Evaluations keeps what was found.
type Evaluations interface {
	Get(ctx context.Context, name string) (trimtab.Evaluation, error)
	Move(ctx context.Context, name string, rule func(old *trimtab.Evaluation) (trimtab.Evaluation, trimtab.Change, error)) (trimtab.Evaluation, error)
}

// Holds tells which rows of an endpoint are kept out, and which were released.
type Holds interface {
	Holds(ctx context.Context, endpoint string) ([]trimtab.Hold, error)
}

// Models tells what versions are.
type Models interface {
	Version(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (trimtab.ModelVersion, error)
	// Champion is the version that an alias points to, 0 for none.
	Champion(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.Version, error)
	// Lineage: ok is false when nobody knows what the version has learnt from.
	Lineage(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (l trimtab.Lineage, ok bool, err error)
	// Signature is what the version takes; that of a version without one names its features.
	Signature(ctx context.Context, model trimtab.ModelName, version trimtab.Version) (schema.Signature, error)
}

// Scorer scores rows with any version of a model; a row that the version refuses has the score NaN.
type Scorer interface {
	Score(ctx context.Context, ws trimtab.Workspace, model trimtab.ModelName, version trimtab.Version, inputs *table.Table) ([]float64, error)
}

// Source reads golden rows: Rows have the source's columns, Labels the label, both with the columns of [Columns].
type Source interface {
	Rows(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error]
	Labels(ctx context.Context, source string, from, to trimtab.Time) iter.Seq2[*table.Table, error]
}

// Columns names what a [Source] adds to the columns of its file.
type Columns struct{ ID, EventTime, Label string }

// Runs takes the metrics of runs.
type Runs interface {
	LogBatch(ctx context.Context, id trimtab.RunID, b trimtab.RunBatch) error
}

// Config is what a Runner works with. Zero fields have the meaning said with them.
type Config struct {
	Resources   Resources
	Windows     Windows
	States      States
	Rollouts    Rollouts
	Evaluations Evaluations
	Holds       Holds
	Models      Models
	Scorer      Scorer
	Traffic     *traffic.Store
	Source      Source // nil: suites with golden rows are Unsupported
	Columns     Columns
	Runs        Runs             // nil: no metrics are logged
	Clock       trimtab.Clock    // for endpoints in clock mode; default the system's
	Now         func() time.Time // measures latency; default time.Now
	Log         *slog.Logger     // default discards
}

// Runner evaluates versions. It is safe for concurrent use.
type Runner struct{ cfg Config }

// New makes a Runner.
func New(cfg Config) *Runner {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{cfg}
}

// Request says what is evaluated.
type Request struct {
	// Suite is the name of a declared suite; "" is the built-in one over Monitor. With neither, the only suite that is
	// declared for the model is taken, or the built-in one over the only monitor of the model.
	Suite   string
	Monitor string // of the built-in suite; a declared suite names its own
	Model   trimtab.ModelName
	Version trimtab.Version
	// At is the moment whose knowledge counts; 0 is the newest at which a window had matured.
	At trimtab.Time
	// Again evaluates anew what was evaluated before.
	Again bool
}

// builtIn begins the id of evaluations with the built-in suite; no resource has such a name.
const builtIn = "built-in:"

// Evaluate evaluates a challenger with a declared suite, or with the built-in one when suite is "". Of the same suite
// as it is declared, the same version and moment it gives the record that it gave before. What cannot be evaluated is
// Invalid, NotFound, Precondition or Unsupported; too little data is a verdict, not an error.
func (r *Runner) Evaluate(ctx context.Context, suite, monitor string, model trimtab.ModelName, version trimtab.Version, at trimtab.Time) (trimtab.Evaluation, error) {
	return r.Run(ctx, Request{Suite: suite, Monitor: monitor, Model: model, Version: version, At: at})
}

// Run is Evaluate with all that can be asked.
func (r *Runner) Run(ctx context.Context, q Request) (e trimtab.Evaluation, err error) {
	defer trimtab.Wrap(&err, "evaluate.Run(%s, %s/%d)", q.Suite, q.Model, q.Version)
	if q.Suite == "" && q.Monitor == "" {
		if q.Suite, q.Monitor, err = r.only(ctx, q.Model); err != nil {
			return e, err
		}
	}
	s, err := r.resolve(ctx, q)
	if err != nil {
		return e, err
	}
	if !q.Again {
		e, err := r.cfg.Evaluations.Get(ctx, s.id)
		if err == nil && e.SuiteHash == s.digest {
			return e, nil
		}
		if err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return e, err
		}
	}
	facts, err := s.facts(ctx)
	if err != nil {
		return e, err
	}
	e = Judge(s.spec, facts)
	e.Workspace, e.ID, e.Suite, e.Model, e.Version, e.At, e.SuiteHash = s.ws, s.id, q.Suite, q.Model, q.Version, s.at, s.digest
	if err := s.log(ctx, facts); err != nil {
		return e, err
	}
	e, err = r.cfg.Evaluations.Move(ctx, s.id, func(old *trimtab.Evaluation) (trimtab.Evaluation, trimtab.Change, error) {
		if old != nil && (trimtab.StateDigest(*old) == trimtab.StateDigest(e) || !q.Again && old.SuiteHash == e.SuiteHash) {
			return *old, trimtab.Change{}, nil
		}
		return e, trimtab.Changed("evaluation."+e.Verdict, old, e, e.Reason), nil
	})
	if err == nil {
		r.cfg.Log.InfoContext(ctx, "evaluated", "project", s.ws, "model", q.Model, "version", q.Version, "against", e.Against, "verdict", e.Verdict, "reason", e.Reason)
	}
	return e, err
}

// pass is one evaluation.
type pass struct {
	*Runner
	ws       trimtab.Workspace
	id       string
	model    trimtab.ModelName
	version  trimtab.ModelVersion
	spec     trimtab.EvaluationSuiteSpec // with defaults
	digest   trimtab.Digest              // of spec
	task     Task
	at       trimtab.Time
	against  trimtab.Version
	monitor  *trimtab.MonitorSpec // nil: the suite has none
	endpoint trimtab.EndpointSpec
	state    trimtab.EndpointState
	refusal  string       // the challenger's first
	sample   *table.Table // rows to measure the time on
}

// declared reads the spec of a resource.
func (r *Runner) declared(ctx context.Context, kind, name string, spec any) error {
	x, err := r.cfg.Resources.Get(ctx, kind, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return trimtab.Errorf(trimtab.NotFound, kind+" "+name, "there is no %s %q: declare it and apply", kind, name)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(x.Spec, spec); err != nil {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
	}
	return nil
}

// only finds the suite of a model when there is no choice, else its monitor.
func (r *Runner) only(ctx context.Context, model trimtab.ModelName) (suite, monitor string, err error) {
	names := func(kind string, of func(body []byte) (trimtab.ModelName, error)) (out []string, err error) {
		all, err := r.cfg.Resources.List(ctx, kind)
		for _, x := range all {
			name, err := of(x.Spec)
			if err != nil {
				return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: x.Ref(), Err: err}
			}
			if name == model {
				out = append(out, x.Name)
			}
		}
		return out, err
	}
	suites, err := names(trimtab.KindEvaluationSuite, func(body []byte) (trimtab.ModelName, error) {
		var s trimtab.EvaluationSuiteSpec
		err := json.Unmarshal(body, &s)
		return s.Model, err
	})
	if err != nil || len(suites) == 1 {
		return strings.Join(suites, ""), "", err
	}
	if len(suites) > 1 {
		return "", "", trimtab.Errorf(trimtab.Invalid, "suite", "model %s has the suites %s: name one", model, strings.Join(suites, ", "))
	}
	monitors, err := names(trimtab.KindMonitor, func(body []byte) (trimtab.ModelName, error) {
		var m trimtab.MonitorSpec
		if err := json.Unmarshal(body, &m); err != nil {
			return "", err
		}
		var e trimtab.EndpointSpec
		if err := r.declared(ctx, trimtab.KindEndpoint, m.Endpoint, &e); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return "", err
		}
		return e.Model.Name, nil
	})
	switch {
	case err != nil || len(monitors) == 1:
		return "", strings.Join(monitors, ""), err
	case len(monitors) > 1:
		return "", "", trimtab.Errorf(trimtab.Invalid, "monitor", "model %s has no suite, and its endpoints have the monitors %s: name one", model, strings.Join(monitors, ", "))
	}
	return "", "", trimtab.Errorf(trimtab.NotFound, "evaluationsuite", "there is no EvaluationSuite for model %s, and no Monitor of an endpoint that serves it: declare one and apply", model)
}

// resolve reads the suite with what it refers to.
func (r *Runner) resolve(ctx context.Context, q Request) (*pass, error) {
	s := &pass{Runner: r, ws: trimtab.CallOf(ctx).Workspace, model: q.Model}
	name := q.Suite
	if name != "" {
		if err := r.declared(ctx, trimtab.KindEvaluationSuite, name, &s.spec); err != nil {
			return nil, err
		}
		if s.spec.Model != q.Model {
			return nil, trimtab.Errorf(trimtab.Invalid, "evaluationsuite "+name, "EvaluationSuite %q is for model %s, not for model %s", name, s.spec.Model, q.Model)
		}
		if s.spec.Fresh != nil && s.spec.Monitor == "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "evaluationsuite "+name, "EvaluationSuite %q takes fresh rows and names no monitor", name)
		}
	} else {
		name = builtIn + q.Monitor
		s.spec.Monitor = q.Monitor
	}
	if s.spec.Monitor != "" {
		s.monitor = &trimtab.MonitorSpec{}
		if err := r.declared(ctx, trimtab.KindMonitor, s.spec.Monitor, s.monitor); err != nil {
			return nil, err
		}
		*s.monitor = s.monitor.WithDefaults()
		if err := r.declared(ctx, trimtab.KindEndpoint, s.monitor.Endpoint, &s.endpoint); err != nil {
			return nil, err
		}
		if s.endpoint.Model.Name != q.Model {
			return nil, trimtab.Errorf(trimtab.Invalid, "monitor "+s.spec.Monitor, "Monitor %q watches endpoint %q, which serves model %s, not model %s", s.spec.Monitor, s.monitor.Endpoint, s.endpoint.Model.Name, q.Model)
		}
		var err error
		if s.state, err = r.cfg.States.State(ctx, s.monitor.Endpoint); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return nil, err
		}
	}
	if err := s.tasked(ctx); err != nil {
		return nil, err
	}
	if q.Suite == "" {
		s.spec = BuiltIn(s.task)
		s.spec.Model, s.spec.Monitor = q.Model, q.Monitor
	}
	s.spec = s.spec.WithDefaults()
	s.digest = trimtab.StateDigest(s.spec)
	var err error
	if s.version, err = r.cfg.Models.Version(ctx, q.Model, q.Version); err != nil {
		return nil, err
	}
	if s.version.Manifest == "" {
		return nil, trimtab.Errorf(trimtab.Precondition, s.version.Object().String(), "version %d of model %s is not complete: its files are frozen when the run that made it ends", q.Version, q.Model)
	}
	if s.at = q.At; s.at == 0 {
		if s.at, err = s.newest(ctx); err != nil {
			return nil, err
		}
	}
	if s.monitor != nil {
		if mark := s.mark(); s.at > mark {
			return nil, trimtab.Errorf(trimtab.Precondition, "endpoint "+s.monitor.Endpoint, "endpoint %s has come to %s: what will be known by %s cannot be evaluated yet", s.monitor.Endpoint, mark, s.at)
		}
	}
	s.against, err = s.served(ctx)
	s.id = trimtab.EvaluationID(name, q.Model, q.Version, s.at)
	return s, err
}

// tasked finds what the model predicts: as the monitor says, or the model's declaration, or the metrics that are asked.
func (s *pass) tasked(ctx context.Context) error {
	if s.monitor != nil {
		s.task = Task(s.monitor.Performance.Task)
	} else {
		var m trimtab.ModelSpec
		if err := s.declared(ctx, trimtab.KindModel, string(s.model), &m); err != nil && !trimtab.IsKind(err, trimtab.NotFound) {
			return err
		}
		s.task = Task(m.Task)
	}
	if s.task == "" {
		s.task = Binary
		for _, g := range s.spec.Gates {
			if m := metrics[g.Metric]; m != nil {
				s.task = m.task
			}
		}
	}
	for _, g := range s.spec.Gates {
		if m := metrics[g.Metric]; m == nil || m.task != s.task {
			return trimtab.Errorf(trimtab.Invalid, "evaluation suite", "the suite asks for %s, which is no metric of a %s model", g.Metric, s.task)
		}
	}
	return nil
}

// newest is the newest moment at which a window of the monitor had matured, or the one that is under way.
func (s *pass) newest(ctx context.Context) (trimtab.Time, error) {
	if s.monitor == nil {
		return floor(s.cfg.Clock(), day) * day, nil // golden rows do not age; once a day is often enough
	}
	mark := s.mark()
	if mark == 0 {
		return 0, trimtab.Errorf(trimtab.Precondition, "endpoint "+s.monitor.Endpoint, "endpoint %s has served nothing yet: there is no moment to evaluate at", s.monitor.Endpoint)
	}
	windows, err := s.mature(ctx, mark)
	if err != nil {
		return 0, err
	}
	if len(windows) == 0 {
		start, _ := s.monitor.Window.Bounds(mark)
		return start, nil
	}
	return s.border(windows[len(windows)-1]), nil
}

// mark is the watermark of the endpoint.
func (s *pass) mark() trimtab.Time {
	lateness := s.endpoint.AllowedLateness
	if lateness == 0 {
		lateness = trimtab.Duration(time.Hour)
	}
	return s.state.WatermarkAt(s.cfg.Clock(), lateness)
}

// border is when the labels of a window have matured.
func (s *pass) border(w trimtab.WindowResult) trimtab.Time {
	return w.End.Add(time.Duration(s.monitor.LabelMaturity))
}

// mature are the windows whose labels had matured by a moment, oldest first.
func (s *pass) mature(ctx context.Context, at trimtab.Time) ([]trimtab.WindowResult, error) {
	all, err := s.cfg.Windows.List(ctx, s.spec.Monitor)
	var out []trimtab.WindowResult
	for _, w := range all {
		if w.Closed() && s.border(w) <= at {
			out = append(out, w)
		}
	}
	return out, err
}

// seed makes the same draws for the same evaluation.
func (s *pass) seed() uint64 {
	sum := trimtab.DigestOf([]byte(string(s.digest) + "\n" + s.id)).Hex()
	return binary.BigEndian.Uint64([]byte(sum[:8]))
}
