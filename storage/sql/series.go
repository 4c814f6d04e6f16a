package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"math"
	"strings"

	"github.com/trimtab/trimtab"
)

// SeriesAxis says what the points of a series are placed by.
type SeriesAxis string

const (
	ByStep     SeriesAxis = "step"
	ByTime     SeriesAxis = "time"     // milliseconds since 1970
	ByRelative SeriesAxis = "relative" // milliseconds since the start of the run
)

// SeriesQuery asks for metrics of runs as lines. From and To bound the axis, both
// inclusive; without them all points count. Each line gets Points buckets.
type SeriesQuery struct {
	Runs     []trimtab.RunID
	Keys     []string
	Axis     SeriesAxis
	From, To *float64
	Points   int
}

// RunSeries is one metric of one run: all of its points within the bounds when
// Exact, and else of each bucket the lowest, the highest and one NaN, with the
// first and the last point. Count is how many there are.
type RunSeries struct {
	Run    trimtab.RunID
	Key    string
	Start  trimtab.Time // of the run
	Count  int64
	Exact  bool
	Points []SeriesPoint
}

// Series reads metrics of runs as lines, run by run and key by key in the order
// of the query, without those that were never logged. Every point counts, also
// several of one step. What is read is folded while it is read: the memory is
// that of the answer. Runs that do not exist have no lines.
func (r *Runs) Series(ctx context.Context, query SeriesQuery) (out []RunSeries, err error) {
	defer trimtab.Wrap(&err, "Runs.Series(%d runs, %d keys)", len(query.Runs), len(query.Keys))
	if err := checkLimit("series", query.Points); err != nil {
		return nil, err
	}
	err = r.db.read(ctx, func(q *Query) error {
		out = nil
		all, err := r.linesOf(&q.session, query.Runs, query.Keys)
		if err != nil {
			return err
		}
		for _, l := range all {
			if err := l.read(&q.session, query); err != nil {
				return err
			}
			out = append(out, l.RunSeries)
		}
		return nil
	})
	return out, err
}

// seriesLine is a line with the number of its series.
type seriesLine struct {
	RunSeries
	series int64
}

func (r *Runs) linesOf(s *session, runs []trimtab.RunID, keys []string) ([]seriesLine, error) {
	type place struct {
		run trimtab.RunID
		key string
	}
	names := make([]string, len(runs))
	for i, id := range runs {
		names[i] = string(id)
	}
	found := map[place]seriesLine{}
	rows, err := s.Rows(`SELECT r.id, r.start_time, c.id, c.key FROM `+s.engine.strs()+` i CROSS JOIN runs r CROSS JOIN `+s.engine.strs()+` k CROSS JOIN series c
		WHERE r.workspace = ? AND r.id = i.id AND c.rid = r.rid AND c.key = k.id`,
		s.engine.list(names), s.engine.list(keys), string(trimtab.CallOf(s.ctx).Workspace))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var l seriesLine
		err := rows.Scan(&l.Run, &l.Start, &l.series, &l.Key)
		found[place{l.Run, l.Key}] = l
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []seriesLine
	for _, id := range runs {
		for _, key := range keys {
			p := place{id, key}
			if l, ok := found[p]; ok {
				out = append(out, l)
				delete(found, p)
			}
		}
	}
	return out, nil
}

// errMany stops a stream whose points are better found bucket by bucket.
var errMany = errors.New("many points")

// read folds the points of the line.
func (l *seriesLine) read(s *session, q SeriesQuery) error {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	column, shift := "p.step", 0.0
	if q.Axis != ByStep {
		column = "p.time"
	}
	if q.Axis == ByRelative {
		shift = float64(l.Start)
	}
	if q.From != nil {
		from = whole(math.Ceil(*q.From + shift))
	}
	if q.To != nil {
		to = whole(math.Floor(*q.To + shift))
	}
	fold := &seriesFold{most: q.Points}
	if q.Axis == ByStep {
		// The order in which points are stored gives both ends at once.
		var first, last dbsql.NullInt64
		if err := s.Row("SELECT (SELECT MIN(step) FROM points WHERE series = ?), (SELECT MAX(step) FROM points WHERE series = ?)", l.series, l.series).Scan(&first, &last); err != nil {
			return err
		}
		if first.Valid && last.Valid {
			from, to = max(from, first.Int64), min(to, last.Int64)
		}
		if from > to {
			l.Exact = true
			return nil
		}
		fold.span(float64(from), float64(to))
	}
	// SQLite aggregates five times as fast as it hands over rows.
	buckets := q.Axis == ByStep && s.engine == sqliteEngine
	var nan int64
	var p SeriesPoint
	dest := []any{&p.step, &p.time, &p.Value, &nan}
	rows, err := s.Rows("SELECT p.step, p.time, p.value, p.nan FROM points p WHERE p.series = ? AND "+column+" BETWEEN ? AND ?", l.series, from, to)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if nan != 0 {
			p.Value = math.NaN()
		}
		if p.X = float64(p.step); q.Axis != ByStep {
			p.X = float64(p.time) - shift
		}
		fold.add(p)
		if buckets && !fold.exact() {
			return errMany
		}
		return nil
	})
	if errors.Is(err, errMany) {
		fold, err = foldBuckets(s, l.series, from, to, q.Points)
	}
	l.Count, l.Exact, l.Points = fold.count, fold.exact(), fold.points()
	return err
}

// foldBuckets finds the extremes of each bucket of steps in the database. A
// column beside MIN or MAX is, in SQLite, of the row that holds the extreme.
func foldBuckets(s *session, series, from, to int64, most int) (*seriesFold, error) {
	fold := &seriesFold{most: most, buckets: make([]seriesBucket, most)}
	fold.span(float64(from), float64(to))
	width := (float64(to) - float64(from) + 1) / float64(most)
	at := from
	for i := 1; i <= most && at <= to; i++ {
		end := to
		if i < most {
			end = min(to, max(at, whole(float64(from)+width*float64(i)-1)))
		}
		for _, extreme := range []string{"MIN", "MAX"} {
			var value dbsql.NullFloat64
			var step, time, holes dbsql.NullInt64
			var n int64
			if err := s.Row("SELECT "+extreme+"(CASE WHEN nan = 0 THEN value END), step, time, COUNT(*), SUM(nan) FROM points WHERE series = ? AND step BETWEEN ? AND ?", series, at, end).
				Scan(&value, &step, &time, &n, &holes); err != nil {
				return fold, err
			}
			if n == 0 {
				break
			}
			if value.Valid {
				fold.put(SeriesPoint{X: float64(step.Int64), Value: value.Float64, step: step.Int64, time: time.Int64})
			}
			if extreme == "MAX" {
				continue
			}
			fold.count += n
			if holes.Int64 > 0 {
				p := SeriesPoint{Value: math.NaN()}
				if err := s.Row("SELECT step, time FROM points WHERE series = ? AND step BETWEEN ? AND ? AND nan <> 0 LIMIT 1", series, at, end).Scan(&p.step, &p.time); err != nil {
					return fold, err
				}
				p.X = float64(p.step)
				fold.put(p)
			}
		}
		at = end + 1
	}
	// The ends of the line are its first and its last point.
	for _, order := range []string{"", " DESC"} {
		var p SeriesPoint
		var nan int64
		text := strings.ReplaceAll("SELECT step, time, value, nan FROM points WHERE series = ? AND step BETWEEN ? AND ? ORDER BY step<>, time<>, value<>, nan<> LIMIT 1", "<>", order)
		if err := s.Row(text, series, from, to).Scan(&p.step, &p.time, &p.Value, &nan); err != nil {
			return fold, err
		}
		if p.X = float64(p.step); nan != 0 {
			p.Value = math.NaN()
		}
		if order == "" {
			fold.min = p
		} else {
			fold.max = p
		}
	}
	return fold, nil
}

// whole is a bound as the column has it: bounds beyond int64 mean its ends.
func whole(v float64) int64 {
	switch {
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64 || math.IsNaN(v):
		return math.MinInt64
	}
	return int64(v)
}
