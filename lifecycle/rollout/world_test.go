package rollout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/lifecycle/rollout"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

const hour = trimtab.Time(3600 * 1000)

// began is where the stories of these tests begin: 2013-03-01.
const began = 15765 * 24 * hour

// databases runs a test on both databases.
func databases(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, filepath.Join(t.TempDir(), "trimtab.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.URL(t))) })
}

// world is a database and a traffic store.
type world struct {
	t       testing.TB
	db      *sql.DB
	traffic *traffic.Store
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	key, err := journal.LoadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(context.Background(), sql.Config{URL: url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	store, err := traffic.Open(traffic.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, db, store}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// frozen gives every version a manifest: rollouts ask for complete versions.
type frozen struct{ *sql.Versions }

func (f frozen) Get(ctx context.Context, m trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	x, err := f.Versions.Get(ctx, m, v)
	x.Manifest = trimtab.DigestOf(fmt.Appendf(nil, "version %d", v))
	return x, err
}

// columns scores a row with version N by its column vN.
type columns struct{}

func (columns) Score(_ context.Context, _ trimtab.Workspace, _ trimtab.ModelName, v trimtab.Version, inputs *table.Table) ([]float64, error) {
	c := inputs.Column(fmt.Sprintf("v%d", v))
	if c == nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "version", "version %d has no column", v)
	}
	out := make([]float64, c.Len())
	for i := range out {
		var ok bool
		if out[i], ok = c.Float(i); !ok {
			out[i] = math.NaN()
		}
	}
	return out, nil
}

func (w *world) config() rollout.Config {
	return rollout.Config{Resources: w.db.Resources, States: w.db.Endpoints, Rollouts: w.db.Rollouts, Incidents: w.db.Incidents, Pauses: w.db.Pauses,
		Aliases: w.db.Models, Versions: frozen{w.db.Versions}, Traffic: w.traffic, Scorer: columns{}}
}

// declare declares an endpoint, its model of the same name with four versions, and
// takes the endpoint's lease at began.
func (w *world) declare(name string, spec *trimtab.RolloutSpec) {
	w.t.Helper()
	ctx := context.Background()
	w.apply(name, spec, trimtab.CreateVerb)
	_, err := w.db.Models.Create(ctx, trimtab.RegisteredModel{Name: trimtab.ModelName(name)})
	w.check(err)
	for range 4 {
		_, err := w.db.Versions.Create(ctx, trimtab.ModelVersion{Model: trimtab.ModelName(name)}, "")
		w.check(err)
	}
	w.move(name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) {
		return s.AcquireLease("test", 1, time.Hour)
	})
	w.advance(name, began)
}

func (w *world) apply(name string, spec *trimtab.RolloutSpec, verb trimtab.Verb) {
	w.t.Helper()
	body, err := trimtab.Canonical(trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: trimtab.ModelName(name)}, Rollout: spec})
	w.check(err)
	w.check(w.db.Resources.Apply(context.Background(), []trimtab.ResourceWrite{{Verb: verb,
		Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: trimtab.KindEndpoint, Name: name, Spec: json.RawMessage(body)}}}))
}

func (w *world) move(name string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) {
	w.t.Helper()
	_, err := w.db.Endpoints.Move(context.Background(), name, rule)
	w.check(err)
}

func (w *world) advance(name string, to trimtab.Time) {
	w.t.Helper()
	w.move(name, func(s trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error) { return s.Advance(1, to) })
}

// alias moves the alias as a client does.
func (w *world) alias(name string, to trimtab.Version) {
	w.t.Helper()
	_, err := w.db.Models.SetAlias(context.Background(), trimtab.ModelName(name), trimtab.MoveAlias{Alias: "champion", To: to})
	w.check(err)
}

func (w *world) points(name string) trimtab.Version {
	w.t.Helper()
	m, err := w.db.Models.Get(context.Background(), trimtab.ModelName(name))
	w.check(err)
	return m.Aliases["champion"]
}

// all are the rollouts of an endpoint, the oldest first.
func (w *world) all(name string) []trimtab.Rollout {
	w.t.Helper()
	list, err := w.db.Rollouts.List(context.Background(), trimtab.DocumentQuery{Scope: name})
	w.check(err)
	out := make([]trimtab.Rollout, len(list))
	for _, r := range list {
		out[r.Ordinal()-1] = r
	}
	return out
}

// open is the open rollout, nil without one.
func (w *world) open(name string) *trimtab.Rollout {
	for _, r := range w.all(name) {
		if !r.State.Ended() {
			return &r
		}
	}
	return nil
}

// quality is how a version of a story predicts: the spread of its errors on the logit,
// the spread of what all rows of a day share, a constant error, and the share of rows
// that it cannot score.
type quality struct{ noise, daily, bias, fails float64 }

// stream is the traffic of a story.
type stream struct {
	perHour int
	seed    uint64
	quality map[trimtab.Version]quality
	share   float64      // of the rows that the candidate answers in a step; 0: as the rollout says
	delay   trimtab.Time // from a row to its label
	silent  bool         // no labels come
	rule    string       // quarantines all rows
	n       int          // rows sent
	waiting []waitingRow // labels to come
	daily   map[trimtab.Version]float64
	day     trimtab.Time
}

type waitingRow struct {
	label traffic.Label
}

func normal(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

// send logs the rows of a span as the data plane would answer them, and the labels that
// become known in it. The rows depend on the seed and their number alone.
func (w *world) send(name string, s *stream, from, to trimtab.Time) {
	w.t.Helper()
	log, err := w.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: name})
	w.check(err)
	var stable, next trimtab.Version
	share := 0.0
	if all := w.all(name); len(all) > 0 {
		last := all[len(all)-1]
		stable = last.Answers()
		if !last.State.Ended() && stable == last.From {
			next, share = last.To, last.Share
		}
	}
	if stable == 0 {
		stable = w.points(name)
	}
	if s.share != 0 && share != 0 {
		share = s.share
	}
	batches := map[trimtab.Version]*traffic.Batch{}
	every := hour / trimtab.Time(s.perHour)
	for at := (from + every - 1) / every * every; at < to; at += every {
		r := rand.New(rand.NewPCG(s.seed, uint64(at)))
		if d := at / (24 * hour); s.daily == nil || d != s.day {
			s.day, s.daily = d, map[trimtab.Version]float64{}
			days := rand.New(rand.NewPCG(s.seed+1, uint64(d)))
			for v := range trimtab.Version(4) {
				s.daily[v+1] = days.NormFloat64()
			}
		}
		id := fmt.Sprintf("r%d", at)
		truth := -1 + 1.2*r.NormFloat64()
		label := 0.0
		if r.Float64() < normal(truth) {
			label = 1
		}
		scores := map[trimtab.Version]float64{}
		for v := range trimtab.Version(4) {
			v++
			q, known := s.quality[v]
			if !known {
				q = quality{noise: 0.5}
			}
			e := r.NormFloat64()
			scores[v] = normal(truth + q.noise*e + q.daily*s.daily[v] + q.bias)
			if r.Float64() < q.fails {
				scores[v] = math.NaN()
			}
		}
		answer := stable
		h := fnv.New32a()
		fmt.Fprintf(h, "%d:%s", next, id) // the salt would name the endpoint
		if share > 0 && float64(h.Sum32()%10_000) < share*10_000 {
			answer = next
		}
		b := batches[answer]
		if b == nil {
			b = &traffic.Batch{Version: answer, Watermark: from, OutputNames: []string{"score"}, Inputs: table.Empty(fields, 64)}
			batches[answer] = b
		}
		b.IDs, b.EventTimes, b.Outputs = append(b.IDs, id), append(b.EventTimes, at), append(b.Outputs, scores[answer])
		if s.rule != "" {
			b.Quarantine = append(b.Quarantine, s.rule)
		}
		for v := range 4 {
			b.Inputs.Columns[v].AppendFloat64(scores[trimtab.Version(v+1)])
		}
		s.waiting = append(s.waiting, waitingRow{traffic.Label{ID: id, Value: label, EventTime: at, KnownAt: at + s.delay}})
		s.n++
	}
	for v := range trimtab.Version(5) {
		if b := batches[v]; b != nil {
			inputs, err := table.New(b.Inputs.Columns...)
			w.check(err)
			b.Inputs = inputs
			_, err = log.Append(context.Background(), b)
			w.check(err)
		}
	}
	var labels []traffic.Label
	rest := s.waiting[:0]
	for _, x := range s.waiting {
		if !s.silent && x.label.KnownAt < to {
			labels = append(labels, x.label)
		} else {
			rest = append(rest, x)
		}
	}
	s.waiting = rest
	if len(labels) > 0 {
		_, err := log.AppendLabels(context.Background(), &traffic.LabelBatch{Labels: labels, Watermark: from})
		w.check(err)
	}
}

var fields = []table.Field{{Name: "v1", Type: table.Float64}, {Name: "v2", Type: table.Float64}, {Name: "v3", Type: table.Float64}, {Name: "v4", Type: table.Float64}}
