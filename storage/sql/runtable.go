package sql

import (
	"context"
	dbsql "database/sql"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// RunColumn names a metric, param or tag of runs.
type RunColumn struct {
	Entity filter.Entity
	Key    string
}

// RunTableQuery asks for one page of the runs of an experiment with the columns
// that are looked at, and no others.
type RunTableQuery struct {
	Experiment trimtab.ExperimentID
	Filter     filter.Expr
	Order      []filter.Order
	View       RunView // default ActiveOnly
	Columns    []RunColumn
	Limit      int
	After      trimtab.PageToken
	// Bytes, when positive, is about how much of JSON the page may become: a page
	// that would be larger is shorter than Limit. It has one run at least.
	Bytes int
}

// RunTable is a page of runs, with the cells of each column in the order of the
// runs. The runs carry no params, tags, metrics, inputs or outputs. A Next that is
// "" says that no run follows.
type RunTable struct {
	Runs  []trimtab.Run
	Cells []RunCells
	Next  trimtab.PageToken
}

// RunCells are the cells of one column: Numbers of a metric, else Texts. Has says
// which runs have a value at all; a Number can be NaN.
type RunCells struct {
	Numbers []float64
	Texts   []string
	Has     []bool
}

// Bounds of a table: of columns, of cells (a page of many columns is shorter), and
// of the runes of a text, which is cut with an ellipsis.
const (
	MaxTableColumns = 400
	maxTableCells   = 100_000
	maxCellRunes    = 256
)

// Table returns a page of the runs that match, in the order asked for, see Search.
func (r *Runs) Table(ctx context.Context, query RunTableQuery) (out RunTable, err error) {
	defer trimtab.Wrap(&err, "Runs.Table(%s, %d columns)", query.Experiment, len(query.Columns))
	if err := checkLimit("runs", query.Limit); err != nil {
		return out, err
	}
	if n := len(query.Columns); n > MaxTableColumns {
		return out, trimtab.Errorf(trimtab.Invalid, "columns", "%d columns, a page shows at most %d: ask for those that are looked at", n, MaxTableColumns)
	}
	limit := min(query.Limit, max(1, maxTableCells/max(1, len(query.Columns))))
	f, err := newRunFinder(trimtab.CallOf(ctx).Workspace, RunQuery{Experiments: []trimtab.ExperimentID{query.Experiment}, Filter: query.Filter, Order: query.Order, View: query.View, Limit: limit + 1, After: query.After})
	if err != nil {
		return out, err
	}
	f.keep = true
	err = r.db.read(ctx, func(q *Query) error {
		out = RunTable{}
		f.places = nil
		rids, _, err := f.find(q)
		if err != nil {
			return err
		}
		more := len(rids) > limit
		rids = rids[:min(len(rids), limit)]
		found, err := r.byRID(q, rids)
		if err != nil {
			return err
		}
		if out.Cells, err = cellsOf(&q.session, rids, query.Columns); err != nil {
			return err
		}
		n := len(rids)
		if query.Bytes > 0 {
			n = fitting(found, out.Cells, query.Bytes)
		}
		for _, row := range found[:n] {
			out.Runs = append(out.Runs, row.Run)
		}
		for i, c := range out.Cells {
			out.Cells[i].Has = c.Has[:n]
			if c.Numbers != nil {
				out.Cells[i].Numbers = c.Numbers[:n]
			} else {
				out.Cells[i].Texts = c.Texts[:n]
			}
		}
		if n > 0 && (more || n < len(rids)) {
			out.Next = f.places[n-1].token(f.scope)
		}
		return nil
	})
	return out, err
}

// fitting is how many of the runs stay within a size, one at least.
func fitting(rows []*runRow, cells []RunCells, bytes int) int {
	const perRun, perCell = 180, 20
	used := 0
	for i, row := range rows {
		used += perRun + spelled(row.Name) + spelled(row.User)
		for _, c := range cells {
			switch {
			case !c.Has[i]:
				used += 5
			case c.Texts != nil:
				used += 10 + spelled(c.Texts[i])
			default:
				used += perCell
			}
		}
		if used > bytes && i > 0 {
			return i
		}
	}
	return len(rows)
}

// spelled is how many bytes a text becomes in JSON, at most: some characters are
// written as six.
func spelled(text string) int {
	n := len(text)
	for _, r := range text {
		switch {
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
			n += 5
		case r == '"' || r == '\\':
			n++
		}
	}
	return n
}

// cellsOf reads the values of columns of runs: one query per kind of column,
// which looks at no other key.
func cellsOf(s *session, rids []int64, columns []RunColumn) ([]RunCells, error) {
	cells := make([]RunCells, len(columns))
	row := make(map[int64]int, len(rids))
	for i, rid := range rids {
		row[rid] = i
	}
	at := [...]map[string]int{filter.Metric: {}, filter.Param: {}, filter.Tag: {}}
	keys := [...][]string{filter.Metric: nil, filter.Param: nil, filter.Tag: nil}
	for i, c := range columns {
		cells[i].Has = make([]bool, len(rids))
		switch c.Entity {
		case filter.Metric:
			cells[i].Numbers = make([]float64, len(rids))
		case filter.Param, filter.Tag:
			cells[i].Texts = make([]string, len(rids))
		default:
			return nil, trimtab.Errorf(trimtab.Invalid, "columns", "%s is no column: expected a metric, a param or a tag", filter.Spell(c.Entity, c.Key))
		}
		if why := trimtab.CleanText(c.Key); why != "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "columns", "the key %q %s", c.Key, why)
		}
		if _, twice := at[c.Entity][c.Key]; twice {
			return nil, trimtab.Errorf(trimtab.Invalid, "columns", "%s is asked for twice", filter.Spell(c.Entity, c.Key))
		}
		at[c.Entity][c.Key] = i
		keys[c.Entity] = append(keys[c.Entity], c.Key)
	}
	if len(rids) == 0 {
		return cells, nil
	}
	read := func(of filter.Entity, from, values string, scan func(rows *dbsql.Rows) error) error {
		if len(keys[of]) == 0 {
			return nil
		}
		st := &statement{engine: s.engine}
		st.add("SELECT c.rid, c.key, "+values+" FROM "+s.engine.numbers()+" p CROSS JOIN "+from+" c WHERE c.rid = p.id AND ", s.engine.list(rids))
		st.among("c.key", keys[of])
		rows, err := st.rows(s)
		return collect(rows, err, scan)
	}
	var rid, nan int64
	var key, text string
	var value float64
	number := []any{&rid, &key, &value, &nan}
	err := read(filter.Metric, "series", "c.last_value, c.last_nan", func(rows *dbsql.Rows) error {
		if err := rows.Scan(number...); err != nil {
			return err
		}
		c, i := &cells[at[filter.Metric][key]], row[rid]
		if nan != 0 {
			value = math.NaN()
		}
		c.Numbers[i], c.Has[i] = value, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	for kind, table := range map[filter.Entity]string{filter.Param: "params", filter.Tag: "tags"} {
		err := read(kind, table, "substr(c.value, 1, 257)", func(rows *dbsql.Rows) error {
			if err := rows.Scan(&rid, &key, &text); err != nil {
				return err
			}
			c, i := &cells[at[kind][key]], row[rid]
			c.Texts[i], c.Has[i] = cut(text), true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// cut shortens a text to what a cell shows.
func cut(text string) string {
	if utf8.RuneCountInString(text) <= maxCellRunes {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:maxCellRunes-1])) + "…"
}

// Count counts the runs of an experiment that match, up to a bound: n equal to
// most means that many or more.
func (r *Runs) Count(ctx context.Context, id trimtab.ExperimentID, expr filter.Expr, view RunView, most int) (n int, err error) {
	defer trimtab.Wrap(&err, "Runs.Count(%s)", id)
	if err := checkLimit("runs", most); err != nil {
		return 0, err
	}
	f, err := newRunFinder(trimtab.CallOf(ctx).Workspace, RunQuery{Experiments: []trimtab.ExperimentID{id}, Filter: expr, View: view, Limit: most})
	if err != nil {
		return 0, err
	}
	err = r.db.read(ctx, func(q *Query) error {
		st := &statement{engine: q.engine}
		st.add("SELECT COUNT(*) FROM (SELECT 1 FROM runs r WHERE ")
		if err := f.conditions(st); err != nil {
			return err
		}
		st.add(" LIMIT ?) counted", int64(most))
		return q.on.QueryRowContext(q.ctx, st.text.String(), st.args...).Scan(&n)
	})
	return n, err
}
