package sql

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// errExclusive says that a batch must have the run for itself: it brings new
// metric keys, or is the first write after a seal, or renames the run.
var errExclusive = errors.New("the batch needs the run's row for itself")

// LogBatch writes metrics, params and tags of an active run in one transaction.
// Points that are there already change nothing. A param keeps its first value:
// the error for another one is Invalid and lists every conflict. Of one tag the
// last value in the batch holds; the tag mlflow.runName renames the run.
func (r *Runs) LogBatch(ctx context.Context, id trimtab.RunID, b trimtab.RunBatch) (err error) {
	defer trimtab.Wrap(&err, "Runs.LogBatch(%s)", id)
	return r.batch(ctx, id, b)
}

// SetTag sets a tag of an active run; the tag mlflow.runName renames the run.
func (r *Runs) SetTag(ctx context.Context, id trimtab.RunID, tag trimtab.Tag) (err error) {
	defer trimtab.Wrap(&err, "Runs.SetTag(%s, %s)", id, tag.Key)
	return r.batch(ctx, id, trimtab.RunBatch{Tags: []trimtab.Tag{tag}})
}

func (r *Runs) batch(ctx context.Context, id trimtab.RunID, b trimtab.RunBatch) error {
	tags := make(map[string]string, len(b.Tags))
	for _, t := range b.Tags {
		tags[t.Key] = t.Value
	}
	class, exclusive := measured, r.db.engine == sqliteEngine
	if tags[runNameTag] != "" {
		class, exclusive = governed, true
	}
	points := sortedPoints(b.Metrics)
	params := slices.SortedFunc(slices.Values(b.Params), func(x, y trimtab.Param) int { return strings.Compare(x.Key, y.Key) })
	write := func(tx *Tx) error {
		lock := tx.engine.forShare()
		if exclusive {
			lock = tx.engine.forUpdate()
		}
		row, err := r.load(&tx.session, id, lock)
		if err != nil {
			return err
		}
		if err := row.Writable(); err != nil {
			return err
		}
		if row.dirty == 0 {
			if !exclusive {
				return errExclusive
			}
			if err := r.touch(tx, &row); err != nil {
				return err
			}
		}
		// Every writer takes rows in this order, each kind sorted by its key, so
		// no two wait for each other. What many writers share comes last.
		var fresh newKeys
		if fresh.params, err = r.putParams(tx, row, params); err != nil {
			return err
		}
		if fresh.tags, err = r.putTags(tx, row.rid, tags); err != nil {
			return err
		}
		if name := tags[runNameTag]; name != "" && name != row.Name {
			if err := r.apply(tx, &row, func(run trimtab.Run) (trimtab.Run, trimtab.Change, error) {
				return run.Update(trimtab.RunUpdate{Name: &name})
			}); err != nil {
				return err
			}
		}
		if fresh.metrics, err = r.putPoints(tx, row, points, exclusive); err != nil {
			return err
		}
		return r.countKeys(tx, row.Experiment, fresh, 1)
	}
	err := r.db.write(ctx, class, write)
	if errors.Is(err, errExclusive) {
		exclusive = true
		err = r.db.write(ctx, class, write)
	}
	return err
}

// DeleteTag removes a tag of an active run; one that is absent is NotFound.
func (r *Runs) DeleteTag(ctx context.Context, id trimtab.RunID, key string) (err error) {
	defer trimtab.Wrap(&err, "Runs.DeleteTag(%s, %s)", id, key)
	return r.db.write(ctx, measured, func(tx *Tx) error {
		row, err := r.load(&tx.session, id, tx.engine.forUpdate())
		if err != nil {
			return err
		}
		if err := row.Writable(); err != nil {
			return err
		}
		gone, err := tx.Exec("DELETE FROM tags WHERE rid = ? AND key = ?", row.rid, key)
		if err != nil {
			return err
		}
		if gone == 0 {
			return trimtab.Errorf(trimtab.NotFound, "tag "+key, "No tag with name: %s in run with id %s", key, id)
		}
		if err := r.touch(tx, &row); err != nil {
			return err
		}
		return r.countKeys(tx, row.Experiment, newKeys{tags: []string{key}}, -1)
	})
}

// putTags sets tags in the order of their keys and returns those that are new to the run.
func (r *Runs) putTags(tx *Tx, rid int64, tags map[string]string) (fresh []string, err error) {
	keys := sortedKeys(tags)
	if tx.Postgres() && len(keys) > 1 {
		values := make([]string, len(keys))
		for i, key := range keys {
			values[i] = tags[key]
		}
		// A row that was inserted has no transaction that ended its last version.
		rows, err := tx.Rows(`INSERT INTO tags (rid, key, value) SELECT CAST(? AS BIGINT), u.key, u.value FROM unnest(CAST(? AS TEXT[]), CAST(? AS TEXT[])) AS u (key, value)
			ON CONFLICT (rid, key) DO UPDATE SET value = excluded.value RETURNING key, xmax = 0`, rid, keys, values)
		return fresh, collect(rows, err, func(rows *dbsql.Rows) error {
			var key string
			var inserted bool
			err := rows.Scan(&key, &inserted)
			if inserted {
				fresh = append(fresh, key)
			}
			return err
		})
	}
	for _, key := range keys {
		n, err := tx.Exec("INSERT INTO tags (rid, key, value) VALUES (?, ?, ?) ON CONFLICT (rid, key) DO NOTHING", rid, key, tags[key])
		if err != nil {
			return nil, err
		}
		if n > 0 {
			fresh = append(fresh, key)
		} else if _, err := tx.Exec("UPDATE tags SET value = ? WHERE rid = ? AND key = ?", tags[key], rid, key); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// putParams adds params, sorted by key, and refuses other values for those that
// are there. It returns the keys that are new to the run.
func (r *Runs) putParams(tx *Tx, row runRow, params []trimtab.Param) (fresh []string, err error) {
	if len(params) == 0 {
		return nil, nil
	}
	if tx.Postgres() {
		keys, values := make([]string, len(params)), make([]string, len(params))
		for i, p := range params {
			keys[i], values[i] = p.Key, p.Value
		}
		rows, err := tx.Rows(`INSERT INTO params (rid, key, value) SELECT CAST(? AS BIGINT), u.key, u.value FROM unnest(CAST(? AS TEXT[]), CAST(? AS TEXT[])) AS u (key, value)
			ON CONFLICT (rid, key) DO NOTHING RETURNING key`, row.rid, keys, values)
		if err := collect(rows, err, func(rows *dbsql.Rows) error {
			var key string
			err := rows.Scan(&key)
			fresh = append(fresh, key)
			return err
		}); err != nil {
			return nil, err
		}
	} else {
		for _, p := range params {
			n, err := tx.Exec("INSERT INTO params (rid, key, value) VALUES (?, ?, ?) ON CONFLICT (rid, key) DO NOTHING", row.rid, p.Key, p.Value)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				fresh = append(fresh, p.Key)
			}
		}
	}
	if len(fresh) == len(params) {
		return fresh, nil
	}
	return fresh, r.paramConflicts(tx, row, params)
}

func (r *Runs) paramConflicts(tx *Tx, row runRow, params []trimtab.Param) error {
	keys := make([]string, len(params))
	for i, p := range params {
		keys[i] = p.Key
	}
	have := make(map[string]string, len(params))
	rows, err := tx.Rows("SELECT c.key, c.value FROM "+tx.engine.strs()+" p CROSS JOIN params c WHERE c.rid = ? AND c.key = p.id", tx.engine.list(keys), row.rid)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var p trimtab.Param
		err := rows.Scan(&p.Key, &p.Value)
		have[p.Key] = p.Value
		return err
	})
	if err != nil {
		return err
	}
	var conflicts []string
	for _, p := range params {
		if old := have[p.Key]; old != p.Value {
			conflicts = append(conflicts, "Param with key='"+p.Key+"' was already logged with value='"+old+"' for run ID='"+string(row.ID)+"'. Attempted logging new value '"+p.Value+"'.")
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	return trimtab.Errorf(trimtab.Invalid, row.Object().String(), "Changing param values is not allowed. %s", strings.Join(conflicts, " "))
}

// point is a metric in its stored form.
type point struct {
	metric *trimtab.Metric
	value  float64
	nan    int64
}

// comparePoints orders the points of a series; the greatest is its latest.
func comparePoints(a, b point) int {
	return cmp.Or(cmp.Compare(a.metric.Step, b.metric.Step), cmp.Compare(a.metric.Time, b.metric.Time), cmp.Compare(a.value, b.value), cmp.Compare(a.nan, b.nan))
}

// sortedPoints orders metrics by key and within a key as the points are
// clustered: writers meet rows in one order, and each batch appends.
func sortedPoints(metrics []trimtab.Metric) []point {
	points := make([]point, len(metrics))
	for i := range metrics {
		points[i].metric = &metrics[i]
		points[i].value, points[i].nan = stored(metrics[i])
	}
	slices.SortStableFunc(points, func(a, b point) int {
		return cmp.Or(strings.Compare(a.metric.Key, b.metric.Key), comparePoints(a, b))
	})
	return points
}

// span is the points of one series within a batch: points[from:to].
type span struct {
	key      string
	series   int64 // 0: new
	from, to int
}

func spans(points []point) []span {
	var out []span
	for i, p := range points {
		if n := len(out); n == 0 || out[n-1].key != p.metric.Key {
			out = append(out, span{key: p.metric.Key, from: i})
		}
		out[len(out)-1].to = i + 1
	}
	return out
}

// maxSeries is how many metric keys a run can have; see the table series.
const maxSeries = 1 << 20

// putPoints adds sorted points to a run whose row is locked, and returns the keys
// that are new to the run.
func (r *Runs) putPoints(tx *Tx, row runRow, points []point, exclusive bool) (fresh []string, err error) {
	if len(points) == 0 {
		return nil, nil
	}
	all := spans(points)
	missing, err := r.intern(tx, row, all)
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		if !exclusive {
			return nil, errExclusive
		}
		for _, s := range all {
			if s.series == 0 {
				fresh = append(fresh, s.key)
			}
		}
		if err := r.number(tx, row, all, missing); err != nil {
			return nil, err
		}
	}
	if tx.Postgres() {
		err = r.insertArrays(tx, row, all, points)
	} else {
		err = r.insertRows(tx, row, all, points)
	}
	if err != nil {
		return nil, err
	}
	return fresh, r.db.LoggedModels.putMetrics(tx, row.ID, points)
}

// intern fills in the series of the spans and returns how many do not exist yet.
func (r *Runs) intern(tx *Tx, row runRow, all []span) (fresh int, err error) {
	keys := make([]string, len(all))
	at := make(map[string]int, len(all))
	for i, s := range all {
		keys[i] = s.key
		at[s.key] = i
	}
	fresh = len(all)
	rows, err := tx.Rows("SELECT c.key, c.id FROM "+tx.engine.strs()+" p CROSS JOIN series c WHERE c.rid = ? AND c.key = p.id", tx.engine.list(keys), row.rid)
	return fresh, collect(rows, err, func(rows *dbsql.Rows) error {
		var key string
		var id int64
		if err := rows.Scan(&key, &id); err != nil {
			return err
		}
		all[at[key]].series = id
		fresh--
		return nil
	})
}

// number gives new series the next numbers of the run.
func (r *Runs) number(tx *Tx, row runRow, all []span, fresh int) error {
	first := row.rid * maxSeries
	var next int64
	if err := tx.Row("SELECT COALESCE(MAX(id) + 1, ?) FROM series WHERE id BETWEEN ? AND ?", first, first, first+maxSeries-1).Scan(&next); err != nil {
		return err
	}
	if next+int64(fresh) > first+maxSeries {
		return trimtab.Errorf(trimtab.Exhausted, row.Object().String(), "run %s has %d metric keys, at most %d are kept; nothing was written", row.ID, next-first, maxSeries)
	}
	for i := range all {
		if all[i].series == 0 {
			all[i].series = next
			next++
		}
	}
	return nil
}

const upsertSeries = ` ON CONFLICT (id) DO UPDATE SET last_step = excluded.last_step, last_time = excluded.last_time, last_value = excluded.last_value, last_nan = excluded.last_nan
	WHERE (excluded.last_step, excluded.last_time, excluded.last_value, excluded.last_nan) > (series.last_step, series.last_time, series.last_value, series.last_nan)`

// insertRows writes a batch row by row: on SQLite nothing is faster than one
// prepared statement.
func (r *Runs) insertRows(tx *Tx, row runRow, all []span, points []point) error {
	for _, s := range all {
		for _, p := range points[s.from:s.to] {
			if _, err := tx.Exec("INSERT INTO points (series, step, time, value, nan) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
				s.series, p.metric.Step, int64(p.metric.Time), p.value, p.nan); err != nil {
				return err
			}
		}
		p := points[s.to-1]
		if _, err := tx.Exec("INSERT INTO series (id, rid, key, last_step, last_time, last_value, last_nan) VALUES (?, ?, ?, ?, ?, ?, ?)"+upsertSeries,
			s.series, row.rid, s.key, p.metric.Step, int64(p.metric.Time), p.value, p.nan); err != nil {
			return err
		}
	}
	return nil
}

// insertArrays writes a batch in two statements, whose rows PostgreSQL takes in
// the order of the arrays: by series.
func (r *Runs) insertArrays(tx *Tx, row runRow, all []span, points []point) error {
	bySeries := slices.SortedFunc(slices.Values(all), func(a, b span) int { return cmp.Compare(a.series, b.series) })
	n := len(points)
	ids, steps, times, values, nans := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]float64, 0, n), make([]int64, 0, n)
	add := func(id int64, p point) {
		ids, steps, times = append(ids, id), append(steps, p.metric.Step), append(times, int64(p.metric.Time))
		values, nans = append(values, p.value), append(nans, p.nan)
	}
	for _, s := range bySeries {
		for _, p := range points[s.from:s.to] {
			add(s.series, p)
		}
	}
	if _, err := tx.Exec(`INSERT INTO points (series, step, time, value, nan)
		SELECT * FROM unnest(CAST(? AS BIGINT[]), CAST(? AS BIGINT[]), CAST(? AS BIGINT[]), CAST(? AS DOUBLE PRECISION[]), CAST(? AS BIGINT[]))
		ON CONFLICT DO NOTHING`, ids, steps, times, values, nans); err != nil {
		return err
	}
	ids, steps, times, values, nans = nil, nil, nil, nil, nil
	keys := make([]string, 0, len(all))
	for _, s := range bySeries {
		add(s.series, points[s.to-1])
		keys = append(keys, s.key)
	}
	_, err := tx.Exec(`INSERT INTO series (rid, id, key, last_step, last_time, last_value, last_nan)
		SELECT CAST(? AS BIGINT), u.* FROM unnest(CAST(? AS BIGINT[]), CAST(? AS TEXT[]), CAST(? AS BIGINT[]), CAST(? AS BIGINT[]), CAST(? AS DOUBLE PRECISION[]), CAST(? AS BIGINT[])) AS u`+upsertSeries,
		row.rid, ids, keys, steps, times, values, nans)
	return err
}
