package api

import (
	"context"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/pure/filter"
	"github.com/trimtab/trimtab/storage/sql"
)

// Comparer reads runs side by side.
type Comparer interface {
	Compare(ctx context.Context, q sql.CompareQuery) (sql.Comparison, error)
}

// compareMost bounds the runs of one comparison, and compareCells its metrics
// times its runs.
const (
	compareMost  = 500
	compareCells = 30_000
)

// CompareIn names the runs, or an experiment and what to search in it.
type CompareIn struct {
	ProjectIn
	Runs       string   `query:"runs" doc:"Ids of runs with commas between, at most 500."`
	Experiment string   `query:"experiment" doc:"Instead of runs: the newest of this experiment."`
	Filter     string   `query:"filter" doc:"Of the experiment, in MLflow's filter language."`
	Keys       []string `query:"key,explode" doc:"A metric that is wanted in any case; may be repeated."`
	Search     string   `query:"search" maxLength:"250" doc:"A part of the keys of metrics."`
	Limit      int      `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many metrics at most, besides the wanted ones; fewer for many runs."`
	Same       bool     `query:"same" doc:"Also the params that all runs have with one value."`
}

func (t *table) comparisons() {
	add(t, operation{id: "compareRuns", method: "GET", path: "/compare", summary: "Put runs side by side: params that differ and the latest values of metrics", auth: route.Reader},
		func(ctx context.Context, in *CompareIn) (view.Comparison, error) {
			out := view.Comparison{Runs: []view.ComparedRun{}, Params: []view.ComparedParam{}, Metrics: []view.ComparedMetric{}}
			if t.cfg.Comparer == nil {
				return out, absent("tracking store")
			}
			q, err := in.query()
			if err != nil {
				return out, err
			}
			c, err := t.cfg.Comparer.Compare(ctx, q)
			if err != nil {
				return out, err
			}
			for _, r := range c.Runs {
				out.Runs = append(out.Runs, view.ComparedRun{ID: r.ID, Name: r.Name, Experiment: r.Experiment, Status: r.Status, Start: r.Start, End: r.End})
			}
			room := view.CompareRoom()
			for _, p := range c.Params {
				out.Add(p.Key, p.Values, in.Same, &room)
			}
			for _, m := range c.Metrics {
				one := view.ComparedMetric{Key: m.Key, Runs: m.Runs, Step: m.Step, Values: make([]*view.Number, len(m.Values))}
				for i, v := range m.Values {
					one.Values[i] = (*view.Number)(v)
				}
				out.Metrics = append(out.Metrics, one)
			}
			out.More, out.MetricKeys, out.MetricsFound = c.More, c.MetricKeys, c.MetricsFound
			return out, nil
		})
}

func (in *CompareIn) query() (sql.CompareQuery, error) {
	q := sql.CompareQuery{Keys: in.Keys, Search: in.Search, Limit: in.Limit}
	for id := range strings.SplitSeq(in.Runs, ",") {
		if id != "" {
			q.Runs = append(q.Runs, trimtab.RunID(id))
		}
	}
	n := len(q.Runs)
	switch {
	case in.Experiment != "" && n > 0:
		return q, trimtab.Errorf(trimtab.Invalid, "compare", "both runs and an experiment were given: expected one of them")
	case in.Experiment != "":
		e, err := filter.Parse(filter.Runs, in.Filter)
		if err != nil {
			return q, notUnderstood(err)
		}
		n = compareMost
		q.Find = &sql.RunQuery{Experiments: []trimtab.ExperimentID{trimtab.ExperimentID(in.Experiment)}, Filter: e, Limit: 200}
	case n == 0 || n > compareMost:
		return q, trimtab.Errorf(trimtab.Invalid, "compare", "%d runs were given: expected 1 to %d", n, compareMost)
	}
	if len(q.Keys) > 50 {
		return q, trimtab.Errorf(trimtab.Invalid, "compare", "%d metrics are wanted in any case: expected 50 at most", len(q.Keys))
	}
	q.Limit = max(10, min(q.Limit, compareCells/max(1, min(n, 200))))
	return q, nil
}
