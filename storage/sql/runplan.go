package sql

import (
	"slices"
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/filter"
)

// runPlan says from where a search enters the runs. Planners know little of how
// many runs have a key and less of what one value of it selects; SQLite has no
// statistics here at all, and PostgreSQL none of a table that has just grown. So
// the plan is made here, from counts that stop early, and both engines follow it.
type runPlan struct {
	// driver, when not nil, appends the rest of "SELECT rid FROM …": the narrowest
	// condition that an index answers.
	driver func(st *statement) error
	// walk follows the index of the metric that is ordered by.
	walk bool
	// merge follows the indexes of the experiments in the default order.
	merge bool
}

// maxProbes bounds how many conditions are counted to find the narrowest.
const maxProbes = 8

// maxMerge bounds the experiments whose indexes are followed side by side.
// PostgreSQL finds that way by itself.
const maxMerge = 32

// narrow is how many runs a driver may name for a page: looking at each of them
// costs about as much as walking an order past runs that do not match.
func narrow(limit int) int64 { return int64(1024 + 4*min(limit, 2000)) }

func (f *runFinder) plan(q *Query) (runPlan, error) {
	if err := q.followIndexes(); err != nil {
		return runPlan{}, err
	}
	byMetric := f.orders[0].Entity == filter.Metric
	byStart := slices.Equal(f.orders, filter.Runs.DefaultOrder())
	plan := runPlan{walk: byMetric, merge: byStart && !q.Postgres() && len(f.experiments) > 0 && len(f.experiments) <= maxMerge}
	if f.Filter == nil && byStart {
		return plan, nil
	}
	best := narrow(f.Limit)
	for _, enter := range f.drivers() {
		st := &statement{engine: q.engine}
		st.add("SELECT COUNT(*) FROM (SELECT ")
		if err := enter(st); err != nil {
			return plan, err
		}
		st.add(" LIMIT ?) counted", best)
		var n int64
		if err := q.on.QueryRowContext(q.ctx, st.text.String(), st.args...).Scan(&n); err != nil {
			return plan, err
		}
		if n < best {
			best, plan = n, runPlan{driver: enter}
		}
	}
	return plan, nil
}

// drivers are the conditions that every match fulfils and that an index answers.
func (f *runFinder) drivers() []func(st *statement) error {
	all := []func(st *statement) error{func(st *statement) error {
		st.add("r.rid FROM runs r WHERE r.workspace = ? AND ", string(f.ws))
		st.experiments("r.experiment", f.experiments)
		return nil
	}}
	clauses := []filter.Expr{f.Filter}
	if and, ok := f.Filter.(filter.And); ok {
		clauses = and.Exprs
	}
	// What is asked of one key is one range of its index.
	type target struct {
		entity filter.Entity
		key    string
	}
	var order []target
	byTarget := map[target][]filter.Expr{}
	for _, clause := range clauses {
		entity, key, ok := indexed(clause)
		if !ok {
			continue
		}
		t := target{entity, key}
		if byTarget[t] == nil {
			order = append(order, t)
		}
		byTarget[t] = append(byTarget[t], clause)
	}
	for _, t := range order[:min(len(order), maxProbes)] {
		all = append(all, driverOf(t.entity, t.key, filter.All(byTarget[t]...)))
	}
	return all
}

// indexed returns the key that a clause is about when an index on its values
// answers it.
func indexed(e filter.Expr) (entity filter.Entity, key string, ok bool) {
	switch x := e.(type) {
	case filter.Cmp:
		entity, key = x.Entity, x.Key
		ok = !x.Value.IsNaN() && short(x.Value) && (x.Op == filter.Equal || entity == filter.Metric && x.Op != filter.NotEqual)
	case filter.In:
		entity, key = x.Entity, x.Key
		ok = !x.Negated && !slices.ContainsFunc(x.Values, func(v filter.Value) bool { return !short(v) })
	case filter.Between:
		entity, key = x.Entity, x.Key
		ok = !x.Negated
	}
	if entity == filter.Attribute && key == "run_name" {
		entity, key = filter.Tag, runNameTag
	}
	return entity, key, ok && (entity == filter.Metric || entity == filter.Param || entity == filter.Tag)
}

// driverOf makes the driver of a condition on one key.
func driverOf(entity filter.Entity, key string, e filter.Expr) func(st *statement) error {
	f, from := field{expr: "c.value"}, ""
	switch entity {
	case filter.Metric:
		f, from = field{kind: floatField, expr: "c.last_value", nan: "c.last_nan"}, "series c WHERE c.key = ? AND "
	case filter.Param:
		from = "params c WHERE length(c.value) <= 256 AND c.key = ? AND "
	default:
		from = "tags c WHERE length(c.value) <= 256 AND c.key = ? AND "
	}
	return func(st *statement) error {
		st.add("c.rid FROM "+from, key)
		return st.where(e, func(filter.Entity, string) (field, bool) { return f, true })
	}
}

// short reports whether the value is within the index on values.
func short(v filter.Value) bool { return utf8.RuneCountInString(v.Text) <= 256 }

// followIndexes makes PostgreSQL join row by row along indexes for the rest of
// the transaction, as SQLite does: the tables come in the order of the plan, and
// what a page does not need is not read.
func (q *Query) followIndexes() error {
	if !q.Postgres() {
		return nil
	}
	_, err := q.on.ExecContext(q.ctx, `SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
		set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('join_collapse_limit', '1', true), set_config('jit', 'off', true)`)
	return err
}
