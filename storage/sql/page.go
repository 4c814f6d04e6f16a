package sql

import (
	dbsql "database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// term is one field of an order: an expression that is never null.
type term struct {
	kind fieldKind
	expr string
	args []any
	desc bool
}

// place is the position of a row in an order: one value per term, as the row
// that ends a page has them.
type place []any

// newPlace makes room to scan or decode the values of the terms.
func newPlace(terms []term) place {
	p := make(place, len(terms))
	for i, t := range terms {
		switch t.kind {
		case textField:
			p[i] = new(string)
		case integerField:
			p[i] = new(int64)
		default:
			p[i] = new(float64)
		}
	}
	return p
}

// token is the page token of a row at p.
func (p place) token(scope string) trimtab.PageToken { return trimtab.NewPageToken(scope, p...) }

// placeOf decodes a token; nil for the beginning.
func placeOf(t trimtab.PageToken, scope string, terms []term) (place, error) {
	if t == "" {
		return nil, nil
	}
	p := newPlace(terms)
	if err := t.Keys(scope, p...); err != nil {
		return nil, err
	}
	for _, v := range p {
		if text, ok := v.(*string); ok && trimtab.CleanText(*text) != "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "page token", "Invalid page token: it was not given by this query; ask for the first page again")
		}
	}
	return p, nil
}

// value is the argument for a comparison with the i-th value.
func (p place) value(i int) any {
	switch v := p[i].(type) {
	case *string:
		return *v
	case *int64:
		return *v
	case *float64:
		return *v
	}
	return nil
}

// beyond appends the condition that a row comes after p. The outer comparison
// of each step is what an index can use.
func (s *statement) beyond(terms []term, p place) {
	for i, t := range terms {
		sign := " > ?"
		if t.desc {
			sign = " < ?"
		}
		if i == len(terms)-1 {
			s.add(t.expr+sign, p.value(i))
			continue
		}
		s.add("("+t.expr+strings.Replace(sign, " ?", "= ?", 1)+" AND ("+t.expr+sign+" OR ", p.value(i), p.value(i))
	}
	s.add(strings.Repeat("))", len(terms)-1))
}

// orderBy appends the order of the terms.
func (s *statement) orderBy(terms []term) {
	for i, t := range terms {
		if i == 0 {
			s.add(" ORDER BY ")
		} else {
			s.add(", ")
		}
		s.add(t.expr)
		if t.desc {
			s.add(" DESC")
		}
	}
}

// maxOrder bounds the fields of an order: each may cost a join.
const maxOrder = 16

func checkOrder(orders []filter.Order) error {
	if len(orders) > maxOrder {
		return trimtab.Errorf(trimtab.Invalid, "order_by", "Invalid order_by: %d fields, at most %d are ordered by", len(orders), maxOrder)
	}
	return nil
}

func checkLimit(noun string, limit int) error {
	if limit <= 0 {
		return trimtab.Errorf(trimtab.Invalid, noun, "the page size of a search must be positive, got %d", limit)
	}
	return nil
}

// scope binds page tokens to a query.
func scope(noun string, ws trimtab.Workspace, f filter.Expr, orders []filter.Order, more ...any) string {
	text := ""
	if f != nil {
		text = f.String()
	}
	raw, err := json.Marshal([]any{noun, ws, text, orders, more})
	if err != nil {
		panic("sql: the scope of a query: " + err.Error())
	}
	return trimtab.DigestOf(raw).Short()
}

// search is a search of a noun whose rows are few enough to be found in one
// step: everything but runs.
type search struct {
	noun    string
	columns string              // of the noun's table, which is called r
	from    string              // the table and the condition that always holds
	args    []any               // of from
	also    func(st *statement) // adds conditions behind from, each beginning with AND; nil: none
	fields  fields
	terms   func(o filter.Order) []term
	scan    func(rows *dbsql.Rows, place ...any) error

	filter filter.Expr
	orders []filter.Order // complete, with tie-break
	limit  int
	after  trimtab.PageToken
	scope  string
}

// run calls scan for each row of a page and returns the token of the next one.
func (f search) run(q *Query) (trimtab.PageToken, error) {
	if err := checkLimit(f.noun, f.limit); err != nil {
		return "", err
	}
	if err := checkOrder(f.orders); err != nil {
		return "", err
	}
	var terms, outer []term
	for _, o := range f.orders {
		terms = append(terms, f.terms(o)...)
	}
	after, err := placeOf(f.after, f.scope, terms)
	if err != nil {
		return "", err
	}
	// The inner query gives the terms names, so that their arguments stand once.
	st := &statement{engine: q.engine}
	st.add("SELECT * FROM (SELECT " + f.columns)
	for i, t := range terms {
		name := "term" + string(rune('a'+i%26)) + strings.Repeat("z", i/26)
		st.add(", "+t.expr+" AS "+name, t.args...)
		outer = append(outer, term{kind: t.kind, expr: name, desc: t.desc})
	}
	st.add(" FROM "+f.from, f.args...)
	if f.also != nil {
		f.also(st)
	}
	st.add(" AND ")
	if err := st.where(f.filter, f.fields); err != nil {
		return "", err
	}
	st.add(") found")
	if after != nil {
		st.add(" WHERE ")
		st.beyond(outer, after)
	}
	st.orderBy(outer)
	st.add(" LIMIT ?", int64(f.limit)+1)
	rows, err := st.rows(&q.session)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	last, n := newPlace(terms), 0
	for rows.Next() {
		if n++; n > f.limit {
			return last.token(f.scope), rows.Close()
		}
		if err := f.scan(rows, last...); err != nil {
			return "", err
		}
	}
	return "", rows.Err()
}

// attributeTerms makes the terms of attributes that are columns: missing values
// come last in both directions.
func attributeTerms(of fields, instead map[string]string) func(o filter.Order) []term {
	return func(o filter.Order) []term {
		f, ok := of(o.Entity, o.Key)
		if !ok || f.from != "" {
			return nil
		}
		expr := f.expr
		if other := instead[o.Key]; other != "" {
			expr = other
		}
		value := term{kind: f.kind, expr: expr, desc: o.Descending}
		if f.absent == "" {
			return []term{value}
		}
		return []term{{kind: integerField, expr: "CASE WHEN " + f.absent + " THEN 1 ELSE 0 END"}, value}
	}
}

// pointers returns the addresses of the elements.
func pointers[T any](all []T) []*T {
	out := make([]*T, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}

// sortedKeys returns the keys in order: all writers take rows in the same order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
