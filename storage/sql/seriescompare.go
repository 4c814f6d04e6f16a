package sql

import (
	"cmp"
	"context"
	dbsql "database/sql"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// CompareQuery asks for runs side by side: the named ones, or with Find those
// that a search finds. Of the metrics those named by Keys come first, and then up
// to Limit others whose key contains Search.
type CompareQuery struct {
	Runs   []trimtab.RunID
	Find   *RunQuery
	Keys   []string
	Search string
	Limit  int
}

// Comparison is runs side by side, without their children: every param that one
// of them has, and the chosen metrics. Values are one per run.
type Comparison struct {
	Runs         []trimtab.Run
	More         bool // the search finds more runs
	Params       []ComparedParam
	Metrics      []ComparedMetric
	MetricKeys   int // that one of the runs has
	MetricsFound int // of which so many match
}

// ComparedParam is a param; nil where a run does not have it.
type ComparedParam struct {
	Key    string
	Values []*string
}

// ComparedMetric is the latest value of a metric; nil where a run does not have
// it. Runs counts those that do, and Step is the last step of any.
type ComparedMetric struct {
	Key    string
	Runs   int
	Step   int64
	Values []*float64
}

// Compare reads runs side by side. Runs that do not exist are left out.
func (r *Runs) Compare(ctx context.Context, query CompareQuery) (out Comparison, err error) {
	defer trimtab.Wrap(&err, "Runs.Compare(%d runs)", len(query.Runs))
	var finder *runFinder
	if query.Find != nil {
		if err := checkLimit("runs", query.Find.Limit); err != nil {
			return out, err
		}
		find := *query.Find
		find.Limit++ // one more tells whether there are more
		if finder, err = newRunFinder(trimtab.CallOf(ctx).Workspace, find); err != nil {
			return out, err
		}
	}
	err = r.db.read(ctx, func(q *Query) error {
		out = Comparison{}
		var rids []int64
		if finder != nil {
			found, _, err := finder.find(q)
			if err != nil {
				return err
			}
			rids, out.More = found[:min(len(found), query.Find.Limit)], len(found) > query.Find.Limit
		} else {
			found, err := r.ridsOf(&q.session, query.Runs)
			if err != nil {
				return err
			}
			rids = found
		}
		rows, err := r.byRID(q, rids)
		if err != nil {
			return err
		}
		at := make(map[int64]int, len(rows))
		for i, row := range rows {
			at[row.rid] = i
			out.Runs = append(out.Runs, row.Run)
		}
		if err := out.params(&q.session, rids, at); err != nil {
			return err
		}
		return out.metrics(&q.session, rids, at, query)
	})
	return out, err
}

// ridsOf finds runs in the order of their ids, each once, without those that do not exist.
func (r *Runs) ridsOf(s *session, ids []trimtab.RunID) ([]int64, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	found := map[trimtab.RunID]int64{}
	rows, err := s.Rows("SELECT r.id, r.rid FROM "+s.engine.strs()+" i CROSS JOIN runs r WHERE r.workspace = ? AND r.id = i.id", s.engine.list(names), string(trimtab.CallOf(s.ctx).Workspace))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var id trimtab.RunID
		var rid int64
		err := rows.Scan(&id, &rid)
		found[id] = rid
		return err
	})
	var out []int64
	for _, id := range ids {
		if rid, ok := found[id]; ok {
			out = append(out, rid)
			delete(found, id)
		}
	}
	return out, err
}

func (c *Comparison) params(s *session, rids []int64, at map[int64]int) error {
	byKey := map[string]*ComparedParam{}
	var rid int64
	var key, value string
	dest := []any{&rid, &key, &value}
	rows, err := s.Rows("SELECT c.rid, c.key, c.value FROM "+s.engine.numbers()+" p CROSS JOIN params c WHERE c.rid = p.id", s.engine.list(rids))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		p := byKey[key]
		if p == nil {
			p = &ComparedParam{Key: key, Values: make([]*string, len(at))}
			byKey[key] = p
		}
		v := value
		p.Values[at[rid]] = &v
		return nil
	})
	for _, p := range byKey {
		c.Params = append(c.Params, *p)
	}
	slices.SortFunc(c.Params, func(a, b ComparedParam) int { return strings.Compare(a.Key, b.Key) })
	return err
}

func (c *Comparison) metrics(s *session, rids []int64, at map[int64]int, query CompareQuery) error {
	var all []ComparedMetric
	rows, err := s.Rows("SELECT c.key, COUNT(*), MAX(c.last_step) FROM "+s.engine.numbers()+" p CROSS JOIN series c WHERE c.id BETWEEN p.id * 1048576 AND p.id * 1048576 + 1048575 GROUP BY c.key", s.engine.list(rids))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		var m ComparedMetric
		err := rows.Scan(&m.Key, &m.Runs, &m.Step)
		all = append(all, m)
		return err
	})
	if err != nil {
		return err
	}
	c.MetricKeys = len(all)
	text := strings.ToLower(query.Search)
	named := func(m ComparedMetric) bool { return slices.Contains(query.Keys, m.Key) }
	// What most runs have is what they can be compared by.
	slices.SortFunc(all, func(a, b ComparedMetric) int {
		return cmp.Or(cmp.Compare(rank(named(a)), rank(named(b))), cmp.Compare(b.Runs, a.Runs), strings.Compare(a.Key, b.Key))
	})
	others := 0
	for _, m := range all {
		matches := text == "" || strings.Contains(strings.ToLower(m.Key), text)
		if matches {
			c.MetricsFound++
		}
		if !named(m) {
			if !matches || others >= query.Limit {
				continue
			}
			others++
		}
		m.Values = make([]*float64, len(at))
		c.Metrics = append(c.Metrics, m)
	}
	keys := make([]string, len(c.Metrics))
	index := make(map[string]int, len(c.Metrics))
	for i, m := range c.Metrics {
		keys[i], index[m.Key] = m.Key, i
	}
	var rid, nan int64
	var key string
	var value float64
	dest := []any{&rid, &key, &value, &nan}
	rows, err = s.Rows("SELECT c.rid, c.key, c.last_value, c.last_nan FROM "+s.engine.numbers()+" p CROSS JOIN "+s.engine.strs()+" k CROSS JOIN series c WHERE c.rid = p.id AND c.key = k.id", s.engine.list(rids), s.engine.list(keys))
	return collect(rows, err, func(rows *dbsql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		v := value
		if nan != 0 {
			v = math.NaN()
		}
		c.Metrics[index[key]].Values[at[rid]] = &v
		return nil
	})
}

// rank puts what is named in front.
func rank(named bool) int {
	if named {
		return 0
	}
	return 1
}
