package sql

import (
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/filter"
)

// runPlan says from where a search enters the runs. SQLite knows no statistics
// here, so it is told; PostgreSQL plans the sorted form by itself.
type runPlan struct {
	// driver, when not nil, appends the rest of "SELECT rid FROM …": the narrowest
	// condition that an index answers.
	driver func(st *statement) error
	// walk follows the index of the metric that is ordered by.
	walk bool
}

// maxProbes bounds how many conditions are counted to find the narrowest.
const maxProbes = 8

// narrow is how many runs a driver may name for a page: looking at each of them
// costs about as much as walking an order past runs that do not match.
func narrow(limit int) int64 { return int64(1024 + 4*min(limit, 2000)) }

func (f *runFinder) plan(q *Query) (runPlan, error) {
	byMetric := f.orders[0].Entity == filter.Metric
	byStart := f.orders[0].Entity == filter.Attribute && f.orders[0].Key == "start_time" && f.orders[0].Descending
	if q.Postgres() {
		return runPlan{walk: byMetric}, nil
	}
	plan := runPlan{walk: byMetric}
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
		st.add(" LIMIT ?)", best)
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
		st.experiments("r.experiment", f.Experiments)
		return nil
	}}
	clauses := []filter.Expr{f.Filter}
	if and, ok := f.Filter.(filter.And); ok {
		clauses = and.Exprs
	}
	for _, clause := range clauses {
		if d := driverOf(clause); d != nil && len(all) < maxProbes {
			all = append(all, d)
		}
	}
	return all
}

// driverOf turns a clause into the runs that it names, nil when no index answers it.
func driverOf(e filter.Expr) func(st *statement) error {
	var entity filter.Entity
	var key string
	switch x := e.(type) {
	case filter.Cmp:
		entity, key = x.Entity, x.Key
		switch {
		case x.Value.IsNaN() || x.Op == filter.NotEqual || entity != filter.Metric && x.Op != filter.Equal || !short(x.Value):
			return nil
		}
	case filter.In:
		entity, key = x.Entity, x.Key
		if x.Negated {
			return nil
		}
		for _, v := range x.Values {
			if !short(v) {
				return nil
			}
		}
	case filter.Between:
		entity, key = x.Entity, x.Key
		if x.Negated {
			return nil
		}
	default:
		return nil
	}
	var f field
	var head string
	switch {
	case entity == filter.Metric:
		f = field{kind: floatField, expr: "c.last_value", nan: "c.last_nan"}
		head = "c.rid FROM series c WHERE c.key = ? AND "
	case entity == filter.Param:
		f = field{expr: "c.value"}
		head = "c.rid FROM params c WHERE length(c.value) <= 256 AND c.key = ? AND "
	case entity == filter.Tag, entity == filter.Attribute && key == "run_name":
		if entity == filter.Attribute {
			key = runNameTag
		}
		f = field{expr: "c.value"}
		head = "c.rid FROM tags c WHERE length(c.value) <= 256 AND c.key = ? AND "
	default:
		return nil
	}
	return func(st *statement) error {
		st.add(head, key)
		return st.where(e, func(filter.Entity, string) (field, bool) { return f, true })
	}
}

// short reports whether the value is within the index on values.
func short(v filter.Value) bool { return utf8.RuneCountInString(v.Text) <= 256 }
