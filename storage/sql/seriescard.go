package sql

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"errors"
	"math"
	"strings"

	"github.com/trimtab/trimtab"
)

// cardMost bounds the versions, and the models, of one card.
const cardMost = 100

// RunCard is a run with what surrounds it: its experiment, its neighbours there,
// the models that it logged and the versions that were registered from it.
// Metrics of the run are left out; MetricKeys counts them.
type RunCard struct {
	trimtab.Run
	ExperimentName string
	MetricKeys     int64
	Newer, Older   trimtab.RunID // "" at the ends
	Models         []trimtab.LoggedModel
	Versions       []trimtab.ModelVersion
}

// Card reads a run for its page, whatever its lifecycle stage. Absence is NotFound.
func (r *Runs) Card(ctx context.Context, id trimtab.RunID) (out RunCard, err error) {
	defer trimtab.Wrap(&err, "Runs.Card(%s)", id)
	err = r.db.read(ctx, func(q *Query) error {
		s, ws := &q.session, string(trimtab.CallOf(ctx).Workspace)
		row, err := r.load(s, id, "")
		if err != nil {
			return err
		}
		if err := r.belongings(s, &row); err != nil {
			return err
		}
		out = RunCard{Run: row.Run}
		experiment, _ := number(row.Experiment)
		if err := s.Row("SELECT name FROM experiments WHERE workspace = ? AND id = ?", ws, experiment).Scan(&out.ExperimentName); err != nil && !errors.Is(err, dbsql.ErrNoRows) {
			return err
		}
		if err := s.Row("SELECT COUNT(*) FROM series WHERE rid = ?", row.rid).Scan(&out.MetricKeys); err != nil {
			return err
		}
		for _, n := range []struct {
			into                 *trimtab.RunID
			than, tie, direction string
		}{{&out.Newer, ">", "<", " ASC, id DESC"}, {&out.Older, "<", ">", " DESC, id ASC"}} {
			err := s.Row("SELECT id FROM runs WHERE workspace = ? AND experiment = ? AND lifecycle = 'active' AND (start_time "+n.than+" ? OR start_time = ? AND id "+n.tie+" ?) ORDER BY start_time"+n.direction+" LIMIT 1",
				ws, experiment, int64(row.Start), int64(row.Start), string(id)).Scan(n.into)
			if err != nil && !errors.Is(err, dbsql.ErrNoRows) {
				return err
			}
		}
		rows, err := s.Rows("SELECT "+loggedColumns+" FROM logged_models r WHERE r.workspace = ? AND r.source_run = ? AND r.lifecycle = 'active' ORDER BY r.created, r.id LIMIT ?", ws, string(id), int64(cardMost))
		err = collect(rows, err, func(rows *dbsql.Rows) error {
			m, err := scanLogged(rows, row.Workspace)
			out.Models = append(out.Models, m.LoggedModel)
			return err
		})
		if err != nil {
			return err
		}
		versions, err := r.db.Versions.rows(s, "WHERE r.workspace = ? AND r.run_id = ? AND r.stage <> ? ORDER BY r.name, r.version LIMIT ?", ws, string(id), trimtab.DeletedStage, int64(cardMost))
		for _, v := range versions {
			out.Versions = append(out.Versions, v.ModelVersion)
		}
		return err
	})
	return out, err
}

// belongings reads what belongs to a run, but for its metrics.
func (r *Runs) belongings(s *session, row *runRow) error {
	c := newChunk(s, []*runRow{row})
	row.Params, row.Tags = map[string]string{}, map[string]string{}
	return cmp.Or(
		c.pairs("params", func(run *runRow) map[string]string { return run.Params }),
		c.pairs("tags", func(run *runRow) map[string]string { return run.Tags }),
		c.inputs(),
		c.models(),
	)
}

// MetricSummary is a metric of a run: its latest point, how many points it has,
// and the least and the greatest of them; with NaNs alone both are NaN.
type MetricSummary struct {
	trimtab.Metric
	Count, NaNs int64
	Min, Max    float64
}

// MetricPage is a page of the metrics of a run by their keys.
type MetricPage struct {
	Items []MetricSummary
	Total int64  // keys of the run
	Found int64  // keys that match
	Next  string // the last key of the page when there are more, else ""
}

// Metrics lists the metrics of a run whose keys contain a text, whatever the
// case of its letters, behind the key after. A run that does not exist is NotFound.
func (r *Runs) Metrics(ctx context.Context, id trimtab.RunID, text string, limit int, after string) (out MetricPage, err error) {
	defer trimtab.Wrap(&err, "Runs.Metrics(%s)", id)
	if err := checkLimit("metrics", limit); err != nil {
		return out, err
	}
	text = strings.ToLower(text)
	err = r.db.read(ctx, func(q *Query) error {
		out = MetricPage{}
		row, err := r.load(&q.session, id, "")
		if err != nil {
			return err
		}
		var ids []int64
		var series, nan, at int64
		var m trimtab.Metric
		dest := []any{&series, &m.Key, &m.Value, &at, &m.Step, &nan}
		rows, err := q.Rows("SELECT id, key, last_value, last_time, last_step, last_nan FROM series WHERE rid = ? ORDER BY key", row.rid)
		err = collect(rows, err, func(rows *dbsql.Rows) error {
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			out.Total++
			if text != "" && !strings.Contains(strings.ToLower(m.Key), text) {
				return nil
			}
			out.Found++
			if m.Key <= after && after != "" {
				return nil
			}
			if len(ids) == limit {
				out.Next = out.Items[limit-1].Key
				return nil
			}
			m.Time = trimtab.Time(at)
			ids = append(ids, series)
			out.Items = append(out.Items, MetricSummary{Metric: withNaN(m, nan)})
			return nil
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		return summarize(&q.session, ids, out.Items)
	})
	return out, err
}

// summarize counts the points of series and finds their extremes.
func summarize(s *session, ids []int64, items []MetricSummary) error {
	at := make(map[int64]*MetricSummary, len(ids))
	for i, id := range ids {
		at[id] = &items[i]
	}
	rows, err := s.Rows(`SELECT c.series, COUNT(*), SUM(c.nan), MIN(CASE WHEN c.nan = 0 THEN c.value END), MAX(CASE WHEN c.nan = 0 THEN c.value END)
		FROM `+s.engine.numbers()+` p CROSS JOIN points c WHERE c.series = p.id GROUP BY c.series`, s.engine.list(ids))
	return collect(rows, err, func(rows *dbsql.Rows) error {
		var id int64
		var count, nans int64
		var low, high dbsql.NullFloat64
		if err := rows.Scan(&id, &count, &nans, &low, &high); err != nil {
			return err
		}
		m := at[id]
		m.Count, m.NaNs, m.Min, m.Max = count, nans, math.NaN(), math.NaN()
		if low.Valid {
			m.Min, m.Max = low.Float64, high.Float64
		}
		return nil
	})
}
