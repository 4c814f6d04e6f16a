package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// pointTerms is the order of a metric history.
var pointTerms = []term{
	{kind: integerField, expr: "c.time"},
	{kind: integerField, expr: "c.step"},
	{kind: floatField, expr: "c.value"},
	{kind: integerField, expr: "c.nan"},
}

// seriesOf finds the series of a metric of a run; ok is false when the run has
// never logged it. A run that does not exist is NotFound.
func (r *Runs) seriesOf(s *session, id trimtab.RunID, key string) (series int64, ok bool, err error) {
	row, err := r.load(s, id, "")
	if err != nil {
		return 0, false, err
	}
	err = s.Row("SELECT id FROM series WHERE rid = ? AND key = ?", row.rid, key).Scan(&series)
	if errors.Is(err, dbsql.ErrNoRows) {
		return 0, false, nil
	}
	return series, err == nil, err
}

// History returns a page of the points of a metric, ordered by time, step and
// value. A key that was never logged has none; a run that does not exist is NotFound.
func (r *Runs) History(ctx context.Context, id trimtab.RunID, key string, limit int, after trimtab.PageToken) (out []trimtab.Metric, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Runs.History(%s, %s)", id, key)
	if err := checkLimit("metric history", limit); err != nil {
		return nil, "", err
	}
	scope := scope("history", trimtab.CallOf(ctx).Workspace, nil, nil, id, key)
	from, err := placeOf(after, scope, pointTerms)
	if err != nil {
		return nil, "", err
	}
	err = r.db.read(ctx, func(q *Query) error {
		out, next = nil, ""
		series, ok, err := r.seriesOf(&q.session, id, key)
		if err != nil || !ok {
			return err
		}
		st := &statement{engine: q.engine}
		st.add("SELECT c.time, c.step, c.value, c.nan FROM points c WHERE c.series = ?", series)
		if from != nil {
			st.add(" AND ")
			st.beyond(pointTerms, from)
		}
		st.orderBy(pointTerms)
		st.add(" LIMIT ?", int64(limit)+1)
		out, err = scanPoints(&q.session, st, key)
		if err == nil && len(out) > limit {
			out = out[:limit]
			last := out[limit-1]
			value, nan := stored(last)
			next = trimtab.NewPageToken(scope, int64(last.Time), last.Step, value, nan)
		}
		return err
	})
	return out, next, err
}

func scanPoints(s *session, st *statement, key string) ([]trimtab.Metric, error) {
	var out []trimtab.Metric
	var at, step, nan int64
	var value float64
	dest := []any{&at, &step, &value, &nan}
	rows, err := st.rows(s)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		out = append(out, withNaN(trimtab.Metric{Key: key, Value: value, Time: trimtab.Time(at), Step: step}, nan))
		return nil
	})
	return out, err
}

// HistoryBulk returns the points of a metric of several runs, ordered by run id
// and then as History does, cut after maxResults points in all. Runs that do
// not exist or never logged the metric have none.
func (r *Runs) HistoryBulk(ctx context.Context, ids []trimtab.RunID, key string, maxResults int) (out []RunMetric, err error) {
	defer trimtab.Wrap(&err, "Runs.HistoryBulk(%d runs, %s)", len(ids), key)
	if err := checkLimit("metric history", maxResults); err != nil {
		return nil, err
	}
	err = r.db.read(ctx, func(q *Query) error {
		out = nil
		all, err := r.seriesOfRuns(&q.session, ids, key)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b runSeries) int { return strings.Compare(string(a.run), string(b.run)) })
		for _, s := range all {
			st := &statement{engine: q.engine}
			st.add("SELECT c.time, c.step, c.value, c.nan FROM points c WHERE c.series = ?", s.series)
			st.orderBy(pointTerms)
			st.add(" LIMIT ?", int64(maxResults-len(out)))
			points, err := scanPoints(&q.session, st, key)
			if err != nil {
				return err
			}
			for _, m := range points {
				out = append(out, RunMetric{Run: s.run, Metric: m})
			}
			if len(out) >= maxResults {
				break
			}
		}
		return nil
	})
	return out, err
}

type runSeries struct {
	run    trimtab.RunID
	series int64
}

// seriesOfRuns finds the series of a metric of several runs, in the order of the
// ids, without those that have none.
func (r *Runs) seriesOfRuns(s *session, ids []trimtab.RunID, key string) ([]runSeries, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	found := map[trimtab.RunID]runSeries{}
	rows, err := s.Rows(`SELECT r.id, c.id FROM `+s.engine.strs()+` i CROSS JOIN runs r CROSS JOIN series c WHERE r.workspace = ? AND r.id = i.id AND c.rid = r.rid AND c.key = ?`,
		s.engine.list(names), string(trimtab.CallOf(s.ctx).Workspace), key)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var x runSeries
		err := rows.Scan(&x.run, &x.series)
		found[x.run] = x
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []runSeries
	for _, id := range ids {
		if x, ok := found[id]; ok {
			out = append(out, x)
			delete(found, id)
		}
	}
	return out, nil
}

// stepTerms is the order in which the points of a metric are sampled; it is the
// order in which they are stored.
var stepTerms = []term{
	{kind: integerField, expr: "c.step"},
	{kind: integerField, expr: "c.time"},
	{kind: floatField, expr: "c.value"},
	{kind: integerField, expr: "c.nan"},
}

// HistoryInterval samples the points of a metric of several runs, each run by
// itself: at most maxResults points, taken evenly by their rank in the order of
// step, time and value, with the first and the last among them; of a single
// result, the last. start and end bound the steps, both inclusive; without them
// all points count. The points come in the order of the runs.
func (r *Runs) HistoryInterval(ctx context.Context, ids []trimtab.RunID, key string, start, end *int64, maxResults int) (out []RunMetric, err error) {
	defer trimtab.Wrap(&err, "Runs.HistoryInterval(%d runs, %s)", len(ids), key)
	if err := checkLimit("metric history", maxResults); err != nil {
		return nil, err
	}
	if (start == nil) != (end == nil) {
		return nil, trimtab.Errorf(trimtab.Invalid, "metric history", "If either start step or end step are specified, both must be specified.")
	}
	err = r.db.read(ctx, func(q *Query) error {
		out = nil
		all, err := r.seriesOfRuns(&q.session, ids, key)
		if err != nil {
			return err
		}
		for _, s := range all {
			points, err := samplePoints(&q.session, s.series, key, start, end, int64(maxResults))
			if err != nil {
				return err
			}
			for _, m := range points {
				out = append(out, RunMetric{Run: s.run, Metric: m})
			}
		}
		return nil
	})
	return out, err
}

// samplePoints chooses from the points of one series.
func samplePoints(s *session, series int64, key string, start, end *int64, want int64) ([]trimtab.Metric, error) {
	within := func(st *statement) {
		st.add(" FROM points c WHERE c.series = ?", series)
		if start != nil {
			st.add(" AND c.step BETWEEN ? AND ?", *start, *end)
		}
	}
	count := &statement{engine: s.engine}
	count.add("SELECT COUNT(*)")
	within(count)
	var n int64
	if err := s.on.QueryRowContext(s.ctx, count.text.String(), count.args...).Scan(&n); err != nil {
		return nil, err
	}
	st := &statement{engine: s.engine}
	st.add("SELECT c.time, c.step, c.value, c.nan")
	if n <= want {
		within(st)
	} else {
		st.add(" FROM (SELECT c.time, c.step, c.value, c.nan, ROW_NUMBER() OVER (")
		st.orderBy(stepTerms)
		st.add(") - 1 AS rank")
		within(st)
		st.add(") c WHERE ")
		st.among("c.rank", sampleRanks(n, want))
	}
	st.orderBy(stepTerms)
	return scanPoints(s, st, key)
}

// sampleRanks divides n ranks into want groups, of which the first ones have one
// rank more than the others, and takes the first rank of each; the last rank of
// all stands in place of the last group's first. want is less than n.
func sampleRanks(n, want int64) []int64 {
	ranks := make([]int64, want)
	size, longer := n/want, n%want
	for i := range want {
		ranks[i] = i*size + min(i, longer)
	}
	ranks[want-1] = n - 1
	return ranks
}
