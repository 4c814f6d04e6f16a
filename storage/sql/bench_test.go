package sql_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/sql/sqltest"
)

// openBench opens an empty database of an engine for a benchmark.
func openBench(b *testing.B, engine string) *sql.DB {
	b.Helper()
	url := filepath.Join(b.TempDir(), "trimtab.db")
	if engine == "postgres" {
		url = postgres.URL(b)
	}
	db, err := sql.Open(b.Context(), sql.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return sqltest.Start(b, db)
}

var engines = []string{"sqlite", "postgres"}

// fill makes n runs with 20 metrics, 10 params and 5 tags each, in five experiments.
func fill(b *testing.B, db *sql.DB, n int) []trimtab.ExperimentID {
	b.Helper()
	var exps []trimtab.ExperimentID
	for i := range 5 {
		e, err := db.Experiments.Create(b.Context(), trimtab.Experiment{Name: fmt.Sprint("e", i)})
		if err != nil {
			b.Fatal(err)
		}
		exps = append(exps, e.ID)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > n {
					return
				}
				run, err := db.Runs.Create(b.Context(), trimtab.Run{Experiment: exps[i%5], Name: fmt.Sprint("run-", i), Start: trimtab.Time(1_700_000_000_000 + i*1000)}, "")
				if err != nil {
					b.Error(err)
					return
				}
				var batch trimtab.RunBatch
				for j := range 20 {
					batch.Metrics = append(batch.Metrics, trimtab.Metric{Key: fmt.Sprint("metric_", j), Value: float64((i*7919+j*104729)%25013) / 25013, Time: run.Start, Step: 1})
				}
				for j := range 10 {
					batch.Params = append(batch.Params, trimtab.Param{Key: fmt.Sprint("param_", j), Value: fmt.Sprint((i*7919/31 + j) % 10)})
				}
				for j := range 5 {
					batch.Tags = append(batch.Tags, trimtab.Tag{Key: fmt.Sprint("tag_", j), Value: fmt.Sprint((i*17 + j) % 100)})
				}
				if err := db.Runs.LogBatch(b.Context(), run.ID, batch); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return exps
}

// BenchmarkSearchRuns searches 25,000 runs.
func BenchmarkSearchRuns(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine, func(b *testing.B) {
			db := openBench(b, engine)
			exps := fill(b, db, 25_000)
			for _, c := range []struct{ name, filter, order string }{
				{"default", "", ""},
				{"filtered", "metrics.metric_3 > 0.5", ""},
				{"metric order", "", "metrics.metric_4 DESC"},
				{"filtered and ordered", "metrics.metric_3 > 0.5 AND params.param_1 = '3'", "metrics.metric_4 DESC"},
				{"narrow", "metrics.metric_3 > 0.999 AND tags.tag_1 = '7'", "metrics.metric_4"},
				{"half and ordered", "metrics.metric_3 > 0.5", "metrics.metric_4 DESC"},
				{"param order", "", "params.param_2"},
				{"like", "params.param_1 LIKE '3%'", ""},
				{"nothing", "metrics.metric_3 > 0.5 AND metrics.metric_3 < 0.4", "metrics.metric_4"},
			} {
				f, err := filter.Parse(filter.Runs, c.filter)
				if err != nil {
					b.Fatal(err)
				}
				var clauses []string
				if c.order != "" {
					clauses = []string{c.order}
				}
				order, err := filter.ParseOrder(filter.Runs, clauses)
				if err != nil {
					b.Fatal(err)
				}
				for _, limit := range []int{100, 1000} {
					b.Run(fmt.Sprintf("%s/%d", c.name, limit), func(b *testing.B) {
						for b.Loop() {
							if _, _, err := db.Runs.Search(b.Context(), sql.RunQuery{Experiments: exps, Filter: f, Order: order, Limit: limit}); err != nil {
								b.Fatal(err)
							}
						}
					})
				}
			}
		})
	}
}

// BenchmarkLogBatch logs batches of 1,000 points of ten keys to one run.
func BenchmarkLogBatch(b *testing.B) {
	for _, engine := range engines {
		for _, keys := range []int{10, 1000} {
			b.Run(fmt.Sprintf("%s/%d keys", engine, keys), func(b *testing.B) {
				db := openBench(b, engine)
				run, err := db.Runs.Create(b.Context(), trimtab.Run{Experiment: "0"}, "")
				if err != nil {
					b.Fatal(err)
				}
				step := int64(0)
				b.ReportAllocs()
				for b.Loop() {
					batch := trimtab.RunBatch{Metrics: make([]trimtab.Metric, 1000)}
					for i := range batch.Metrics {
						batch.Metrics[i] = trimtab.Metric{Key: fmt.Sprint("metric_", i%keys), Value: float64(i), Step: step + int64(i/keys), Time: trimtab.Time(step)}
					}
					step += int64(1000 / keys)
					if err := db.Runs.LogBatch(context.Background(), run.ID, batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// BenchmarkHistory reads and samples a history of 50,000 points.
func BenchmarkHistory(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine, func(b *testing.B) {
			db := openBench(b, engine)
			run, err := db.Runs.Create(b.Context(), trimtab.Run{Experiment: "0"}, "")
			if err != nil {
				b.Fatal(err)
			}
			for i := range 50 {
				batch := trimtab.RunBatch{Metrics: make([]trimtab.Metric, 1000)}
				for j := range batch.Metrics {
					batch.Metrics[j] = trimtab.Metric{Key: "loss", Value: float64(j), Step: int64(i*1000 + j), Time: trimtab.Time(i*1000 + j)}
				}
				if err := db.Runs.LogBatch(b.Context(), run.ID, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.Run("raw", func(b *testing.B) {
				for b.Loop() {
					for after := trimtab.PageToken(""); ; {
						_, next, err := db.Runs.History(b.Context(), run.ID, "loss", 25_000, after)
						if err != nil {
							b.Fatal(err)
						}
						if after = next; next == "" {
							break
						}
					}
				}
			})
			b.Run("sampled to 320", func(b *testing.B) {
				for b.Loop() {
					if _, err := db.Runs.HistoryInterval(b.Context(), []trimtab.RunID{run.ID}, "loss", nil, nil, 320); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
