// Command scale fills a data folder with as much as the pages have to stay fast
// with: experiments of many runs and many keys, a metric of a million points, a
// model of two thousand versions, a year of hourly windows of a hundred columns.
// It writes through the store's own methods, so that what it makes is what clients
// would have made; everything follows from a seed. It refuses a folder that holds
// data already, and it measures nothing: scale.test.mjs does, in a browser.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// size is how much of everything is made.
type size struct {
	denseRuns, denseKeys int // one experiment in which every run has every metric
	thin                 int // experiments of a few runs
	wideRuns             int // one experiment of many runs
	families, own        int // in it, each run has the metrics of one of the families, own of them, and a few that all have
	points               int // of one metric of one run
	versions             int // of one model
	windows, columns     int // of one monitor
}

var (
	full  = size{denseRuns: 1500, denseKeys: 1500, thin: 49, wideRuns: 25_000, families: 299, own: 40, points: 1_000_000, versions: 2000, windows: 365 * 24, columns: 100}
	small = size{denseRuns: 60, denseKeys: 150, thin: 5, wideRuns: 600, families: 20, own: 40, points: 50_000, versions: 60, windows: 240, columns: 20}
)

func main() {
	data := flag.String("data", "", "the data folder to fill, or a postgres:// address")
	little := flag.Bool("small", false, "a fiftieth of it: for trying the seed")
	flag.Parse()
	s := full
	if *little {
		s = small
	}
	if err := run(context.Background(), *data, s); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data string, s size) error {
	if data == "" {
		return errors.New("name the folder to fill with --data")
	}
	file := filepath.Join(data, "trimtab.db")
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("%s exists: fill an empty folder", file)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	db, err := sql.Open(ctx, sql.Config{URL: file})
	if err != nil {
		return err
	}
	stop, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- db.Run(stop) }()
	m := &maker{db: db, size: s, began: time.Now().Add(-40 * 24 * time.Hour)}
	for _, step := range []struct {
		name string
		make func(ctx context.Context) error
	}{
		{fmt.Sprintf("%d runs of %d metrics each", s.denseRuns, s.denseKeys), m.dense},
		{fmt.Sprintf("%d thin experiments", s.thin), m.thin},
		{fmt.Sprintf("%d runs, %d keys in all", s.wideRuns, s.families*s.own+len(common)), m.wide},
		{fmt.Sprintf("a metric of %d points", s.points), m.long},
		{fmt.Sprintf("a model of %d versions", s.versions), m.versions},
		{fmt.Sprintf("%d windows of %d columns", s.windows, s.columns), m.windows},
	} {
		at := time.Now()
		if err = step.make(ctx); err != nil {
			err = fmt.Errorf("%s: %w", step.name, err)
			break
		}
		fmt.Printf("%-46s %6.1f s\n", step.name, time.Since(at).Seconds())
	}
	cancel()
	return errors.Join(err, <-done, db.Close())
}

// common are the metrics that all runs of the wide experiment have.
var common = []string{"val_auc", "val_loss", "train_loss", "accuracy", "f1", "precision", "recall", "seconds", "system/cpu", "system/memory",
	"rows", "trees", "leaves", "brier", "ece", "lift", "gini", "ks", "rmse", "mae"}

type maker struct {
	db    *sql.DB
	size  size
	began time.Time
}

// mixed is a number in [0, 1) that follows from its arguments.
func mixed(a, b int) float64 {
	x := uint64(a)*0x9E3779B97F4A7C15 + uint64(b)*0xD1B54A32D192ED03 + 0x2545F4914F6CDD1D
	x ^= x >> 31
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 29
	return float64(x>>11) / (1 << 53)
}

func (m *maker) experiment(ctx context.Context, name string) (trimtab.ExperimentID, error) {
	e, err := m.db.Experiments.Create(ctx, trimtab.Experiment{Name: name})
	return e.ID, err
}

// runs makes n runs, many at once: the writer commits them in groups.
func (m *maker) runs(ctx context.Context, exp trimtab.ExperimentID, n int, every time.Duration, batch func(i int, at trimtab.Time) trimtab.RunBatch) error {
	work := make(chan int)
	errs := make(chan error, 1)
	var all sync.WaitGroup
	for range 48 {
		all.Go(func() {
			for i := range work {
				if err := m.run(ctx, exp, i, trimtab.TimeOf(m.began.Add(time.Duration(i)*every)), batch); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (m *maker) run(ctx context.Context, exp trimtab.ExperimentID, i int, at trimtab.Time, batch func(i int, at trimtab.Time) trimtab.RunBatch) error {
	r, err := m.db.Runs.Create(ctx, trimtab.Run{Experiment: exp, Name: fmt.Sprintf("run-%05d", i), User: []string{"ada", "grace", "linus"}[i%3], Start: at}, "")
	if err != nil {
		return err
	}
	if err := m.db.Runs.LogBatch(ctx, r.ID, batch(i, at)); err != nil {
		return err
	}
	status, end := trimtab.RunFinished, at.Add(time.Duration(60+i%600)*time.Second)
	if i%37 == 5 {
		status = trimtab.RunFailed
	}
	_, err = m.db.Runs.Update(ctx, r.ID, trimtab.RunUpdate{Status: &status, End: &end})
	return err
}

func params(i, n int) []trimtab.Param {
	out := []trimtab.Param{{Key: "model", Value: []string{"tree", "line", "net"}[i%3]}, {Key: "learning_rate", Value: []string{"0.3", "0.1", "0.03"}[i/3%3]}, {Key: "depth", Value: fmt.Sprint(3 + i%7)}}
	for k := range n - len(out) {
		out = append(out, trimtab.Param{Key: fmt.Sprintf("opt/%03d", k), Value: fmt.Sprintf("%.3f", mixed(i, k))})
	}
	return out
}

// dense is the published load: each of 1,500 runs has 1,500 metrics, 150 params and 50 tags.
func (m *maker) dense(ctx context.Context) error {
	exp, err := m.experiment(ctx, "dense")
	if err != nil {
		return err
	}
	return m.runs(ctx, exp, m.size.denseRuns, 20*time.Minute, func(i int, at trimtab.Time) trimtab.RunBatch {
		b := trimtab.RunBatch{Params: params(i, 150)}
		for k := range m.size.denseKeys {
			b.Metrics = append(b.Metrics, trimtab.Metric{Key: fmt.Sprintf("metric/%04d", k), Value: mixed(i, k), Time: at})
		}
		for k := range 50 {
			b.Tags = append(b.Tags, trimtab.Tag{Key: fmt.Sprintf("tag.%02d", k), Value: fmt.Sprint(i % (k + 2))})
		}
		return b
	})
}

func (m *maker) thin(ctx context.Context) error {
	for e := range m.size.thin {
		exp, err := m.experiment(ctx, fmt.Sprintf("thin-%02d", e))
		if err != nil {
			return err
		}
		err = m.runs(ctx, exp, 10, 12*time.Hour, func(i int, at trimtab.Time) trimtab.RunBatch {
			return trimtab.RunBatch{Params: params(i, 5), Metrics: []trimtab.Metric{{Key: "val_auc", Value: mixed(i, e), Time: at}}}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wide is many runs of many teams: twenty metrics that all have, forty of the
// run's own family, so that most of the 12,000 keys are in some eighty runs.
func (m *maker) wide(ctx context.Context) error {
	exp, err := m.experiment(ctx, "wide")
	if err != nil {
		return err
	}
	return m.runs(ctx, exp, m.size.wideRuns, 2*time.Minute, func(i int, at trimtab.Time) trimtab.RunBatch {
		b := trimtab.RunBatch{Params: params(i, 8)}
		for k, key := range common {
			b.Metrics = append(b.Metrics, trimtab.Metric{Key: key, Value: mixed(i, k), Time: at})
		}
		family := i % m.size.families
		for k := range m.size.own {
			b.Metrics = append(b.Metrics, trimtab.Metric{Key: fmt.Sprintf("team-%03d/metric-%02d", family, k), Value: mixed(i, k+100), Time: at})
		}
		return b
	})
}

func (m *maker) long(ctx context.Context) error {
	exp, err := m.experiment(ctx, "long")
	if err != nil {
		return err
	}
	at := trimtab.TimeOf(m.began)
	for r := range 2 {
		run, err := m.db.Runs.Create(ctx, trimtab.Run{Experiment: exp, Name: fmt.Sprintf("long-%d", r), Start: at}, "")
		if err != nil {
			return err
		}
		const batch = 10_000
		for from := 0; from < m.size.points; from += batch {
			var b trimtab.RunBatch
			for i := from; i < min(from+batch, m.size.points); i++ {
				x := float64(i) / float64(m.size.points)
				b.Metrics = append(b.Metrics, trimtab.Metric{Key: "loss", Value: math.Exp(-4*x) + 0.05*mixed(i, r), Step: int64(i), Time: at + trimtab.Time(i*100)})
			}
			if err := m.db.Runs.LogBatch(ctx, run.ID, b); err != nil {
				return err
			}
			if r == 1 {
				break
			}
		}
	}
	return nil
}

func (m *maker) versions(ctx context.Context) error {
	if _, err := m.db.Models.Create(ctx, trimtab.RegisteredModel{Name: "scale", Description: "A model of many versions"}); err != nil {
		return err
	}
	for i := range m.size.versions {
		v := trimtab.ModelVersion{Model: "scale", Source: fmt.Sprintf("s3://models/scale/%d", i), Description: fmt.Sprintf("Trained on day %d", i), User: "pipeline", Tags: map[string]string{"auc": fmt.Sprintf("%.3f", 0.7+0.2*mixed(i, 1))}}
		if _, err := m.db.Versions.Create(ctx, v, ""); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) windows(ctx context.Context) error {
	declare := func(kind, name string, spec any) error {
		raw, err := json.Marshal(spec)
		if err != nil {
			return err
		}
		return m.db.Resources.Apply(ctx, []trimtab.ResourceWrite{{Verb: trimtab.CreateVerb, Resource: trimtab.Resource{Workspace: trimtab.DefaultWorkspace, Kind: kind, Name: name, Spec: raw, Manager: "scale"}}})
	}
	type object = map[string]any
	if err := declare(trimtab.KindEndpoint, "scale", object{"model": object{"name": "scale", "alias": "champion"}}); err != nil {
		return err
	}
	if err := declare(trimtab.KindMonitor, "scale", object{"endpoint": "scale", "window": "1h", "performance": object{"task": "binary", "metrics": []string{"auc", "log_loss"}}}); err != nil {
		return err
	}
	// Phase is closed: the labels of all windows have matured.
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range m.size.windows {
		at := trimtab.TimeOf(first.Add(time.Duration(i) * time.Hour))
		w := trimtab.WindowResult{Workspace: trimtab.DefaultWorkspace, Monitor: "scale", Endpoint: "scale", Start: at, End: at.Add(time.Hour), Through: at.Add(2 * time.Hour), Rows: int64(900 + i%200), Labelled: int64(880 + i%200),
			Versions: []trimtab.Version{trimtab.Version(1 + i/5)}, Served: trimtab.Version(1 + i/5), Phase: trimtab.WindowClosed}
		season := math.Sin(float64(i) / 24 / 58)
		w.Quality = []trimtab.Quality{{Metric: "auc", Value: 0.78 + 0.03*season + 0.01*mixed(i, 0), HasInterval: true, Lo: 0.75 + 0.03*season, Hi: 0.82 + 0.03*season}, {Metric: "log_loss", Value: 0.4 - 0.03*season}}
		for c := range m.size.columns {
			psi := 0.02*mixed(i, c) + 0.05*math.Max(0, math.Sin(float64(i)/24/30+float64(c)))
			d := trimtab.ColumnDrift{Column: fmt.Sprintf("column_%03d", c), PSI: psi, Noise: 0.03, Effect: 0.05, P: mixed(i, c+7), Q: mixed(i, c+9), State: "ok"}
			if psi > 0.06 {
				d.State = "drift"
			}
			w.Drift = append(w.Drift, d)
		}
		if err := m.db.Windows.Put(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
