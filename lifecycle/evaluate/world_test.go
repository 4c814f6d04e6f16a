package evaluate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/journal"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/traffic"
)

const day = trimtab.Time(24 * 3600 * 1000)

// began is where the stories of these tests begin: 2013-03-01.
const began = 15765 * day

// world is a database, a traffic store, and versions 1 to 5 of model m: version N scores a row by its column vN.
type world struct {
	t       testing.TB
	db      *sql.DB
	traffic *traffic.Store
	trained map[trimtab.Version]trimtab.Time
	alias   trimtab.Version
	holds   []trimtab.Hold
	sig     map[trimtab.Version]schema.Signature
	golden  *table.Table // with the label
	logged  trimtab.RunBatch
	scored  int
	now     time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	key, err := journal.LoadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(context.Background(), sql.Config{URL: filepath.Join(t.TempDir(), "trimtab.db"), Key: key})
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
	return &world{t: t, db: db, traffic: store, trained: map[trimtab.Version]trimtab.Time{}, alias: 1, sig: map[trimtab.Version]schema.Signature{}, now: time.Unix(0, 0)}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) runner() *evaluate.Runner {
	return evaluate.New(evaluate.Config{Resources: w.db.Resources, Windows: w.db.Windows, States: w.db.Endpoints, Rollouts: w.db.Rollouts,
		Evaluations: w.db.Evaluations, Holds: w, Models: w, Scorer: w, Traffic: w.traffic, Source: w, Columns: evaluate.Columns{ID: "id", EventTime: "time", Label: "label"},
		Runs: w, Now: func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now }})
}

func (w *world) apply(kind, name string, spec any) {
	w.t.Helper()
	body, err := trimtab.Canonical(spec)
	w.check(err)
	verb := trimtab.CreateVerb
	if _, err := w.db.Resources.Get(context.Background(), kind, name); err == nil {
		verb = trimtab.UpdateVerb
	}
	w.check(w.db.Resources.Apply(context.Background(), []trimtab.ResourceWrite{{Verb: verb,
		Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: kind, Name: name, Spec: json.RawMessage(body)}}}))
}

// serve declares endpoint e and monitor e of windows of seven days whose labels mature in one, and logs weeks windows of
// rows a day: version 2 knows more than version 1, version 3 less; version 4 is version 1 with noise, version 5 answers
// only rows of the slice a.
func (w *world) serve(weeks, perDay int) {
	w.t.Helper()
	w.apply(trimtab.KindEndpoint, "e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}})
	w.apply(trimtab.KindMonitor, "e", trimtab.MonitorSpec{Endpoint: "e", Window: "7d", LabelMaturity: trimtab.Duration(24 * time.Hour)})
	log, err := w.traffic.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: "e"})
	w.check(err)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	start, _ := trimtab.Window("7d").Bounds(began)
	for week := range weeks {
		from := start + trimtab.Time(week)*7*day
		for d := range 7 {
			b := traffic.Batch{Version: 1, OutputNames: []string{"score"}, Inputs: table.Blank(perDay), Watermark: from, Arrival: from}
			labels := traffic.LabelBatch{Watermark: from + trimtab.Time(d)*day, Arrival: from}
			columns := map[string]*table.Column{}
			for v := 1; v <= 5; v++ {
				name := fmt.Sprintf("v%d", v)
				columns[name] = table.NewColumn(name, table.Float64, perDay)
				b.Inputs.Columns = append(b.Inputs.Columns, columns[name])
			}
			slice := table.NewColumn("part", table.String, perDay)
			size := table.NewColumn("size", table.Float64, perDay)
			b.Inputs.Columns = append(b.Inputs.Columns, slice, size)
			for i := range perDay {
				id := fmt.Sprintf("%d-%d-%d", week, d, i)
				at := from + trimtab.Time(d)*day + trimtab.Time(i)*(day/trimtab.Time(perDay))
				x, z, u := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
				y := 0.0
				if r.Float64() < sigmoid(x+z) {
					y = 1
				}
				columns["v1"].AppendFloat64(sigmoid(0.85 * x))
				columns["v2"].AppendFloat64(sigmoid(x + z))
				columns["v3"].AppendFloat64(sigmoid(0.2 * x))
				columns["v4"].AppendFloat64(sigmoid(0.85*x + 0.15*u))
				part := string(rune('a' + i%3))
				slice.AppendString(part)
				size.AppendFloat64(x)
				if part == "a" {
					columns["v5"].AppendFloat64(sigmoid(x + z))
				} else {
					columns["v5"].AppendNull()
				}
				b.IDs, b.EventTimes = append(b.IDs, id), append(b.EventTimes, at)
				b.Outputs = append(b.Outputs, sigmoid(0.85*x))
				labels.Labels = append(labels.Labels, traffic.Label{ID: id, Value: y, KnownAt: at})
			}
			_, err := log.Append(ctx, &b)
			w.check(err)
			_, err = log.AppendLabels(ctx, &labels)
			w.check(err)
		}
		w.check(w.db.Windows.Put(ctx, trimtab.WindowResult{Monitor: "e", Endpoint: "e", Start: from, End: from + 7*day, Through: from + 8*day, Rows: int64(7 * perDay)}))
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// border is when the labels of a week had matured.
func border(week int) trimtab.Time {
	start, _ := trimtab.Window("7d").Bounds(began)
	return start + trimtab.Time(week+1)*7*day + day
}

func (w *world) Holds(context.Context, string) ([]trimtab.Hold, error) { return w.holds, nil }

func (w *world) Version(_ context.Context, m trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	if v < 1 || v > 5 {
		return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "version", "there is no version %d", v)
	}
	return trimtab.ModelVersion{Model: m, Version: v, Manifest: "sha256:1", Run: "run", Created: began + 1000*day}, nil
}

func (w *world) Champion(context.Context, trimtab.ModelName, trimtab.Alias) (trimtab.Version, error) {
	return w.alias, nil
}

func (w *world) Lineage(_ context.Context, _ trimtab.ModelName, v trimtab.Version) (trimtab.Lineage, bool, error) {
	at, ok := w.trained[v]
	return trimtab.Lineage{Until: at}, ok, nil
}

func (w *world) Signature(_ context.Context, _ trimtab.ModelName, v trimtab.Version) (schema.Signature, error) {
	return w.sig[v], nil
}

func (w *world) Score(_ context.Context, _ trimtab.Workspace, _ trimtab.ModelName, v trimtab.Version, inputs *table.Table) ([]float64, error) {
	w.scored++
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

func (w *world) Rows(_ context.Context, source string, _, _ trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		if source != "golden" {
			yield(nil, trimtab.Errorf(trimtab.NotFound, source, "there is no DataSource %q", source))
			return
		}
		t := table.Blank(w.golden.Rows())
		for _, c := range w.golden.Columns {
			if c.Name != "label" {
				t.Columns = append(t.Columns, c)
			}
		}
		yield(t, nil)
	}
}

func (w *world) Labels(_ context.Context, source string, _, _ trimtab.Time) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		if source != "golden" {
			yield(nil, trimtab.Errorf(trimtab.NotFound, source, "there is no DataSource %q", source))
			return
		}
		yield(w.golden, nil)
	}
}

func (w *world) LogBatch(_ context.Context, _ trimtab.RunID, b trimtab.RunBatch) error {
	w.logged = b
	return nil
}
