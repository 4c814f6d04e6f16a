package sql_test

import (
	"path/filepath"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/sql/sqltest"
)

// FuzzSearchRuns runs what the filter language accepts: the text becomes SQL
// that the database accepts, too, and never an internal error. Any page token is
// answered or refused as invalid.
func FuzzSearchRuns(f *testing.F) {
	for _, seed := range [][3]string{
		{"", "", ""}, {"metrics.a > 1 AND params.`x y` LIKE '%'", "metrics.a DESC", "e30"}, {"NOT (tags.a ILIKE 'Ä_' OR dataset.context IS NULL)", "tags.a", "x"},
		{"run_id IN ('a', \"it's\") AND start_time BETWEEN -1e400 AND 1.5", "run_name", ""}, {"metrics.a NOT IN (1, 2e308, -0) OR metrics.b = NaN", "end_time", "bnVsbA"},
		{"user_id NOT LIKE '\\' AND end_time >= 9223372036854775807", "params.`\"`", "eyJzIjoiIiwiayI6W119"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	db, err := sql.Open(f.Context(), sql.Config{URL: filepath.Join(f.TempDir(), "trimtab.db")})
	if err != nil {
		f.Fatal(err)
	}
	sqltest.Start(f, db)
	for _, name := range []string{"a", "b"} {
		run, err := db.Runs.Create(f.Context(), trimtab.Run{Experiment: "0", Name: name}, "")
		if err != nil {
			f.Fatal(err)
		}
		if err := db.Runs.LogBatch(f.Context(), run.ID, trimtab.RunBatch{Metrics: []trimtab.Metric{{Key: "a", Value: 1}}, Params: []trimtab.Param{{Key: "x y", Value: name}}}); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text, clause, token string) {
		var err error
		q := sql.RunQuery{Experiments: []trimtab.ExperimentID{"0"}, Limit: 1, After: trimtab.PageToken(token)}
		if q.Filter, err = filter.Parse(filter.Runs, text); err != nil {
			return
		}
		if q.Order, err = filter.ParseOrder(filter.Runs, []string{clause}); err != nil {
			q.Order = nil
		}
		for range 3 {
			_, next, err := db.Runs.Search(t.Context(), q)
			if err != nil && !trimtab.IsKind(err, trimtab.Invalid) {
				t.Fatalf("%q by %q after %q: %v", text, clause, q.After, err)
			}
			if q.After = next; next == "" {
				return
			}
		}
	})
}
