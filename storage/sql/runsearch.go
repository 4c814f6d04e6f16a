package sql

import (
	"context"
	dbsql "database/sql"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// Search returns a page of runs with params, tags, latest metrics, inputs and
// outputs. A key of the filter or the order that a run does not have never
// matches and comes last; NaN comes before that and after all other values.
func (r *Runs) Search(ctx context.Context, query RunQuery) (out []trimtab.Run, next trimtab.PageToken, err error) {
	defer trimtab.Wrap(&err, "Runs.Search(%d experiments)", len(query.Experiments))
	if err := checkLimit("runs", query.Limit); err != nil {
		return nil, "", err
	}
	f, err := newRunFinder(trimtab.CallOf(ctx).Workspace, query)
	if err != nil {
		return nil, "", err
	}
	err = r.db.read(ctx, func(q *Query) error {
		rids, last, err := f.find(q)
		if err != nil {
			return err
		}
		found, err := r.byRID(q, rids)
		if err != nil {
			return err
		}
		if err := r.children(&q.session, found, everything); err != nil {
			return err
		}
		out, next = make([]trimtab.Run, len(found)), ""
		for i, row := range found {
			out[i] = row.Run
		}
		if len(out) == query.Limit {
			next = last.token(f.scope)
		}
		return nil
	})
	return out, next, err
}

// byRID reads runs in the order of their rids.
func (r *Runs) byRID(q *Query, rids []int64) ([]*runRow, error) {
	ws := trimtab.CallOf(q.ctx).Workspace
	at := make(map[int64]int, len(rids))
	for i, rid := range rids {
		at[rid] = i
	}
	out := make([]*runRow, len(rids))
	rows, err := q.Rows("SELECT "+runColumns+" FROM "+q.engine.numbers()+" p CROSS JOIN runs r WHERE r.rid = p.id", q.engine.list(rids))
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		row, err := scanRun(rows, ws)
		if err == nil {
			out[at[row.rid]] = &row
		}
		return err
	})
	return out, err
}

// runFinder finds the rids of one page.
type runFinder struct {
	RunQuery
	ws trimtab.Workspace
	// experiments are those of the query that can exist, each once.
	experiments []int64
	orders      []filter.Order
	terms       []term
	joins       []join
	after       place
	scope       string
	// keep asks for the places of all rids that find returns, for pages that are
	// cut short.
	keep   bool
	places []place
}

// join brings the values of a key that runs are ordered by.
type join struct {
	table, alias, key string
}

func newRunFinder(ws trimtab.Workspace, query RunQuery) (*runFinder, error) {
	f := &runFinder{RunQuery: query, ws: ws, experiments: numbersOf(query.Experiments), orders: filter.Runs.Complete(query.Order)}
	if err := checkOrder(f.orders); err != nil {
		return nil, err
	}
	for _, o := range f.orders {
		if err := f.order(o); err != nil {
			return nil, err
		}
	}
	f.scope = scope("runs", ws, query.Filter, f.orders, query.Experiments, query.View)
	var err error
	f.after, err = placeOf(query.After, f.scope, f.terms)
	return f, err
}

// order adds the terms of one field: first whether there is a real value, and
// then the value.
func (f *runFinder) order(o filter.Order) error {
	if why := trimtab.CleanText(o.Key); why != "" {
		return trimtab.Errorf(trimtab.Invalid, "order_by", "Invalid order_by: the key %q %s", o.Key, why)
	}
	alias := fmt.Sprintf("o%d", len(f.joins))
	switch {
	case o.Entity == filter.Metric:
		f.joins = append(f.joins, join{"series", alias, o.Key})
		f.terms = append(f.terms,
			term{kind: integerField, expr: "CASE WHEN " + alias + ".rid IS NULL THEN 2 ELSE " + alias + ".last_nan END"},
			term{kind: floatField, expr: "COALESCE(" + alias + ".last_value, 0)", desc: o.Descending})
	case o.Entity == filter.Param, o.Entity == filter.Tag, o.Entity == filter.Attribute && o.Key == "run_name":
		table, key := "tags", o.Key
		switch o.Entity {
		case filter.Param:
			table = "params"
		case filter.Attribute:
			key = runNameTag
		}
		f.joins = append(f.joins, join{table, alias, key})
		f.terms = append(f.terms,
			term{kind: integerField, expr: "CASE WHEN " + alias + ".rid IS NULL THEN 1 ELSE 0 END"},
			term{kind: textField, expr: "COALESCE(" + alias + ".value, '')", desc: o.Descending})
	default:
		terms := runAttributeTerms(o)
		if terms == nil {
			return trimtab.Errorf(trimtab.Invalid, "order_by", "Invalid order_by: runs cannot be ordered by %s", filter.Spell(o.Entity, o.Key))
		}
		f.terms = append(f.terms, terms...)
	}
	return nil
}

var runAttributeTerms = attributeTerms(runField, nil)

// find returns the rids of the page and the place of its last run.
func (f *runFinder) find(q *Query) ([]int64, place, error) {
	p, err := f.plan(q)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case p.merge:
		return f.merged(q)
	case !p.walk:
		return f.sorted(q, p)
	}
	// Walk the metric's own order: real values, then NaN, then the runs without
	// the metric; each part is read only as far as the page needs it.
	var rids []int64
	var last place
	for class := range int64(3) {
		if f.after != nil && f.after.value(0).(int64) > class {
			continue
		}
		more, at, err := f.part(q, class, f.Limit-len(rids))
		if err != nil {
			return nil, nil, err
		}
		if len(more) > 0 {
			rids, last = append(rids, more...), at
		}
		if len(rids) == f.Limit {
			break
		}
	}
	return rids, last, nil
}

// sorted finds a page by sorting what matches, or by the index of the default
// order. With a driver it looks only at the runs that the driver names.
func (f *runFinder) sorted(q *Query, p runPlan) ([]int64, place, error) {
	st := &statement{engine: q.engine}
	st.selectTerms(f.terms)
	if p.driver != nil {
		st.add(" FROM (SELECT ")
		if err := p.driver(st); err != nil {
			return nil, nil, err
		}
		st.add(") d")
		st.runsOf("d")
	} else {
		st.add(" FROM runs r")
	}
	f.leftJoins(st, f.joins)
	st.add(" WHERE ")
	if err := f.conditions(st); err != nil {
		return nil, nil, err
	}
	if f.after != nil {
		st.add(" AND ")
		st.beyond(f.terms, f.after)
	}
	st.orderBy(f.terms)
	st.add(" LIMIT ?", int64(f.Limit))
	return f.scan(q, st, f.terms)
}

// merged finds a page of the default order by walking the index of each
// experiment and stage in that order, side by side, only as far as the page goes.
func (f *runFinder) merged(q *Query) ([]int64, place, error) {
	st := &statement{engine: q.engine}
	for i, n := range f.experiments {
		for j, stage := range f.stages() {
			if i+j > 0 {
				st.add(" UNION ALL ")
			}
			st.selectTerms(f.terms)
			st.add(" FROM runs r WHERE r.workspace = ? AND r.experiment = ? AND r.lifecycle = ? AND ", string(f.ws), n, stage)
			if err := st.where(f.Filter, runField); err != nil {
				return nil, nil, err
			}
			if f.after != nil {
				st.add(" AND ")
				st.beyond(f.terms, f.after)
			}
		}
	}
	st.add(" ORDER BY 2 DESC, 3 LIMIT ?", int64(f.Limit))
	return f.scan(q, st, f.terms)
}

// stages are the lifecycle stages of the view.
func (f *runFinder) stages() []string {
	switch f.View {
	case DeletedOnly:
		return []string{string(trimtab.Deleted)}
	case AllRuns:
		return []string{string(trimtab.Active), string(trimtab.Deleted)}
	}
	return []string{string(trimtab.Active)}
}

// part finds up to limit runs of one class of the leading metric: 0 real values, 1 NaN, 2 missing.
func (f *runFinder) part(q *Query, class int64, limit int) ([]int64, place, error) {
	lead, after := f.joins[0], f.after
	if after != nil && after.value(0).(int64) < class {
		after = nil
	}
	terms := append([]term(nil), f.terms...)
	terms[0].expr = fmt.Sprint(class)
	st := &statement{engine: q.engine}
	if class < 2 {
		terms[1].expr = lead.alias + ".last_value"
		if class == 1 {
			terms[1].expr = "0.0" // the stored value of NaN
		}
		st.selectTerms(terms)
		st.add(" FROM series " + lead.alias)
		st.runsOf(lead.alias)
		f.leftJoins(st, f.joins[1:])
		st.add(" WHERE "+lead.alias+".key = ? AND "+lead.alias+".last_nan = ? AND ", lead.key, class)
	} else {
		terms[1].expr = "0.0"
		st.selectTerms(terms)
		st.add(" FROM runs r")
		f.leftJoins(st, f.joins[1:])
		st.add(" WHERE NOT EXISTS (SELECT 1 FROM series c WHERE c.rid = r.rid AND c.key = ?) AND ", lead.key)
	}
	if err := f.conditions(st); err != nil {
		return nil, nil, err
	}
	// Within a part the class is the same for all, and among NaN and missing the value, too.
	from := 1
	if class > 0 {
		from = 2
	}
	if after != nil {
		st.add(" AND ")
		st.beyond(terms[from:], after[from:])
	}
	st.orderBy(terms[from:])
	st.add(" LIMIT ?", int64(limit))
	return f.scan(q, st, terms)
}

func (s *statement) selectTerms(terms []term) {
	s.add("SELECT r.rid")
	for _, t := range terms {
		s.add(", " + t.expr)
	}
}

// runsOf joins the run of each row of a table, which stays the outer one.
func (s *statement) runsOf(table string) {
	if s.engine == postgresEngine {
		s.add(" CROSS JOIN LATERAL (SELECT x.* FROM runs x WHERE x.rid = " + table + ".rid OFFSET 0) r")
		return
	}
	s.add(" CROSS JOIN runs r ON r.rid = " + table + ".rid")
}

func (f *runFinder) leftJoins(st *statement, joins []join) {
	for _, j := range joins {
		st.add(" LEFT JOIN "+j.table+" "+j.alias+" ON "+j.alias+".rid = r.rid AND "+j.alias+".key = ?", j.key)
	}
}

// conditions appends workspace, experiments, stage and filter.
func (f *runFinder) conditions(st *statement) error {
	st.add("r.workspace = ? AND ", string(f.ws))
	st.experiments("r.experiment", f.experiments)
	st.add(" AND r.lifecycle IN (")
	for i, stage := range f.stages() {
		if i > 0 {
			st.add(", ")
		}
		st.add("?", stage)
	}
	st.add(")")
	st.add(" AND ")
	return st.where(f.Filter, runField)
}

// scan reads rids with their places; it returns the last one's.
func (f *runFinder) scan(q *Query, st *statement, terms []term) ([]int64, place, error) {
	var rids []int64
	var rid int64
	last := newPlace(terms)
	dest := append([]any{&rid}, last...)
	rows, err := st.rows(&q.session)
	err = collect(rows, err, func(rows *dbsql.Rows) error {
		if f.keep {
			last = newPlace(terms)
			f.places = append(f.places, last)
			dest = append(dest[:1], last...)
		}
		err := rows.Scan(dest...)
		rids = append(rids, rid)
		return err
	})
	return rids, last, err
}

// runField finds the fields of runs for the filter language. The plus signs keep
// SQLite from entering a subquery by the value, where it would meet all runs.
func runField(e filter.Entity, key string) (field, bool) {
	switch e {
	case filter.Metric:
		return field{kind: floatField, expr: "+c.last_value", nan: "+c.last_nan", from: "series c WHERE c.rid = r.rid AND c.key = ?", args: []any{key}}, true
	case filter.Param:
		return field{expr: "c.value", from: "params c WHERE c.rid = r.rid AND c.key = ?", args: []any{key}}, true
	case filter.Tag:
		return field{expr: "c.value", from: "tags c WHERE c.rid = r.rid AND c.key = ?", args: []any{key}}, true
	case filter.Dataset:
		switch key {
		case "name", "digest":
			return field{expr: "d." + key, from: "run_datasets c CROSS JOIN datasets d WHERE c.rid = r.rid AND d.id = c.dataset"}, true
		case "context":
			return field{expr: "c.context", from: "run_datasets c WHERE c.rid = r.rid AND c.context IS NOT NULL"}, true
		}
	case filter.Attribute:
		switch key {
		case "run_id":
			return field{expr: "r.id"}, true
		case "run_name":
			return runField(filter.Tag, runNameTag)
		case "status":
			return field{expr: "r.status"}, true
		case "artifact_uri":
			return field{expr: "r.artifact_uri"}, true
		case "user_id":
			return field{expr: "r.user_id", absent: "(r.user_id = '')"}, true
		case "start_time":
			return field{kind: integerField, expr: "r.start_time"}, true
		case "end_time":
			return field{kind: integerField, expr: "r.end_time", absent: "(r.end_time = 0)"}, true
		}
	}
	return field{}, false
}
