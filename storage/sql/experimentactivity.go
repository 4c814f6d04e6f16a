package sql

import (
	"context"
	dbsql "database/sql"

	"github.com/trimtab/trimtab"
)

// ExperimentActivity is what happens in an experiment, by its active runs. Last is
// the newest of them without its children, nil when there is none. Days counts the
// runs that began on each day, the day of from first.
type ExperimentActivity struct {
	Runs map[trimtab.RunStatus]int64
	Last *trimtab.Run
	Days []int64
}

const dayMillis = 24 * 60 * 60 * 1000

// Activity returns what happens in experiments, with a row for each id that can
// exist. It reads indexes and the newest run of each: three queries for all.
func (x *Experiments) Activity(ctx context.Context, ids []trimtab.ExperimentID, from trimtab.Time, days int) (out map[trimtab.ExperimentID]*ExperimentActivity, err error) {
	defer trimtab.Wrap(&err, "Experiments.Activity(%d experiments)", len(ids))
	list := numbersOf(ids)
	ws := trimtab.CallOf(ctx).Workspace
	first := int64(from) / dayMillis
	err = x.db.read(ctx, func(q *Query) error {
		out = make(map[trimtab.ExperimentID]*ExperimentActivity, len(list))
		for _, n := range list {
			out[experimentID(n)] = &ExperimentActivity{Runs: map[trimtab.RunStatus]int64{}, Days: make([]int64, days)}
		}
		if len(list) == 0 {
			return nil
		}
		each := func(columns, more string, args []any, scan func(rows *dbsql.Rows) error) error {
			st := &statement{engine: q.engine}
			st.add("SELECT "+columns+" FROM runs r WHERE r.workspace = ? AND ", string(ws))
			st.experiments("r.experiment", list)
			st.add(" AND r.lifecycle = 'active'"+more, args...)
			rows, err := st.rows(&q.session)
			return collect(rows, err, scan)
		}
		var n, day, count int64
		err := each("r.experiment, r.status, COUNT(*)", " GROUP BY r.experiment, r.status", nil, func(rows *dbsql.Rows) error {
			var status string
			err := rows.Scan(&n, &status, &count)
			out[experimentID(n)].Runs[trimtab.RunStatus(status)] = count
			return err
		})
		if err != nil {
			return err
		}
		err = each("r.experiment, r.start_time / 86400000, COUNT(*)", " AND r.start_time >= ? AND r.start_time < ? GROUP BY r.experiment, r.start_time / 86400000",
			[]any{first * dayMillis, (first + int64(days)) * dayMillis}, func(rows *dbsql.Rows) error {
				err := rows.Scan(&n, &day, &count)
				out[experimentID(n)].Days[day-first] = count
				return err
			})
		if err != nil {
			return err
		}
		rows, err := q.Rows("SELECT "+runColumns+" FROM "+q.engine.numbers()+` p CROSS JOIN runs r
			WHERE r.rid = (SELECT x.rid FROM runs x WHERE x.workspace = ? AND x.experiment = p.id AND x.lifecycle = 'active' ORDER BY x.start_time DESC, x.id LIMIT 1)`, q.engine.list(list), string(ws))
		return collect(rows, err, func(rows *dbsql.Rows) error {
			row, err := scanRun(rows, ws)
			out[row.Experiment].Last = &row.Run
			return err
		})
	})
	return out, err
}
