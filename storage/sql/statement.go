package sql

import (
	dbsql "database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// statement is SQL text that grows together with its arguments. It is for
// queries of many shapes, which are not worth keeping prepared.
type statement struct {
	engine engine
	text   strings.Builder
	args   []any
}

// add appends text, with one argument for each ? in it.
func (s *statement) add(text string, args ...any) {
	if s.engine == sqliteEngine || len(args) == 0 {
		s.text.WriteString(text)
	} else {
		n := len(s.args)
		for {
			i := strings.IndexByte(text, '?')
			if i < 0 {
				break
			}
			n++
			s.text.WriteString(text[:i])
			s.text.WriteByte('$')
			s.text.WriteString(strconv.Itoa(n))
			text = text[i+1:]
		}
		s.text.WriteString(text)
	}
	s.args = append(s.args, args...)
}

// among appends "expr IN (values)" with the whole list as one argument.
func (s *statement) among(expr string, values any) {
	if s.engine == postgresEngine {
		s.add(expr+" = ANY(?)", values)
		return
	}
	s.add(expr+" IN (SELECT value FROM json_each(?))", s.engine.list(values))
}

// numbersOf returns the ids as columns have them, each once, without what is no
// id of an experiment.
func numbersOf(ids []trimtab.ExperimentID) []int64 {
	list := make([]int64, 0, len(ids))
	for _, id := range ids {
		if n, ok := number(id); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// experiments appends the condition that a column holds one of the numbers.
func (s *statement) experiments(expr string, list []int64) {
	switch {
	case len(list) == 0:
		s.add(never)
	case len(list) > 50:
		s.among(expr, list)
	default: // spelled out, the planner knows how many there are
		s.add(expr + " IN (")
		for i, n := range list {
			if i > 0 {
				s.add(", ")
			}
			s.add("?", n)
		}
		s.add(")")
	}
}

// rows runs the statement without keeping it prepared.
func (s *statement) rows(on *session) (*dbsql.Rows, error) {
	return on.on.QueryContext(on.ctx, s.text.String(), s.args...)
}

// list makes one argument of a []int64 or []string: an array for PostgreSQL,
// JSON for SQLite.
func (e engine) list(values any) any {
	if e == postgresEngine {
		return values
	}
	raw, err := json.Marshal(values)
	if err != nil {
		panic("sql: a list of " + err.Error())
	}
	return string(raw)
}

// numbers and strs are tables of one column, id, whose rows come in one argument
// made by list.
func (e engine) numbers() string {
	if e == postgresEngine {
		return "(SELECT unnest(CAST(? AS BIGINT[])) AS id)"
	}
	return "(SELECT value AS id FROM json_each(?))"
}

func (e engine) strs() string {
	if e == postgresEngine {
		return `(SELECT unnest(CAST(? AS TEXT[])) COLLATE "C" AS id)`
	}
	return "(SELECT value AS id FROM json_each(?))"
}

// pairs is a table of names and numbers of equal count, with its arguments.
func (e engine) pairs(names []string, numbers []int64) (table string, args []any) {
	if e == postgresEngine {
		return `(SELECT u.name COLLATE "C" AS name, u.number FROM unnest(CAST(? AS TEXT[]), CAST(? AS BIGINT[])) AS u (name, number))`, []any{names, numbers}
	}
	list := make([][2]any, len(names))
	for i := range names {
		list[i] = [2]any{names[i], numbers[i]}
	}
	return "(SELECT value->>0 AS name, value->>1 AS number FROM json_each(?))", []any{e.list(list)}
}

// forShare is the row-lock clause of a writer that only needs the row to stay as it is.
func (e engine) forShare() string {
	if e == postgresEngine {
		return " FOR SHARE"
	}
	return ""
}

// collect reads all rows of a query with scan and closes them.
func collect(rows *dbsql.Rows, err error, scan func(rows *dbsql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
