package evaluate

import (
	"context"
	"encoding/binary"
	"iter"
	"log/slog"
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

// seed makes the same draws for the same evaluation.
func (s *pass) seed() uint64 {
	sum := trimtab.DigestOf([]byte(string(s.digest) + "\n" + s.id)).Hex()
	return binary.BigEndian.Uint64([]byte(sum[:8]))
}
