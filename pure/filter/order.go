package filter

import (
	"fmt"
	"slices"
	"strings"
)

// Order is one field of an order. Missing values come last in both directions,
// and before them the NaN of a metric.
type Order struct {
	Entity     Entity
	Key        string
	Descending bool

	// DatasetName and DatasetDigest narrow a metric of a logged model to the
	// value that was measured on that dataset; "" where any will do.
	DatasetName, DatasetDigest string
}

// String spells o as an order_by clause; the dataset has no place in one.
func (o Order) String() string {
	if o.Descending {
		return Spell(o.Entity, o.Key) + " DESC"
	}
	return Spell(o.Entity, o.Key) + " ASC"
}

func (o Order) sameField(p Order) bool {
	o.Descending, p.Descending = false, false
	return o == p
}

// ParseOrder reads order_by clauses, each of them one field and perhaps ASC or
// DESC. It returns what was asked for and nothing else, see [Dialect.Complete];
// the error is a *SyntaxError whose Clause tells which one is refused. A field
// may occur once.
func ParseOrder(d *Dialect, clauses []string) ([]Order, error) {
	if bad := tooMany(len(clauses)); bad != nil {
		return nil, bad
	}
	var orders []Order
	for i, text := range clauses {
		o, _, bad := parseOrder(d, text)
		if bad == nil {
			bad = repeated(text, orders, o)
		}
		if bad != nil {
			bad.Clause, bad.order = i, true
			return nil, bad
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// parseOrder reads one clause and reports whether it states a direction.
func parseOrder(d *Dialect, text string) (o Order, directed bool, bad *SyntaxError) {
	if len(text) > MaxLength {
		return Order{}, false, fail(text, MaxLength, len(text), fmt.Sprintf("the clause has %d bytes, at most %d are read", len(text), MaxLength), "")
	}
	p := &parser{scanner: scanner{text: text}, dialect: d, forOrder: true}
	if !p.space() {
		return Order{}, false, fail(text, 0, len(text), "the clause is empty", "leave it out")
	}
	n, bad := p.name()
	if bad != nil {
		return Order{}, false, bad
	}
	if bad := orderable(d, text, n, p.at); bad != nil {
		return Order{}, false, bad
	}
	o = Order{Entity: n.entity, Key: n.key}
	from := p.at
	p.space()
	o.Descending = p.keyword("DESC")
	directed = o.Descending || p.keyword("ASC")
	if !p.space() {
		return o, directed, nil
	}
	chunk := p.chunk(p.at)
	hint := "write the field and then ASC or DESC"
	switch {
	case p.peek() == ',':
		hint = "send every field as a clause of its own"
	case p.sees("NULLS"):
		hint = "missing values are last in any case, leave NULLS out"
	case p.at == from:
		hint = "put a key with such characters in backticks: " + n.quoteHint(chunk)
	}
	return Order{}, false, fail(text, p.at, p.at+len(chunk), "found "+excerpt(chunk)+" behind "+excerpt(strings.TrimSpace(text[:p.at])), hint)
}

func orderable(d *Dialect, text string, n name, end int) *SyntaxError {
	if n.entity == Attribute || slices.Contains(d.orderable, n.entity) {
		return nil
	}
	hint := "order by " + listing(d.names(true), "or")
	return fail(text, n.from, end, fmt.Sprintf("%s cannot be ordered by a %s", d.noun, n.entity), hint)
}

func repeated(text string, before []Order, o Order) *SyntaxError {
	if !slices.ContainsFunc(before, o.sameField) {
		return nil
	}
	return fail(text, 0, len(text), Spell(o.Entity, o.Key)+" is ordered by twice", "name every field once")
}

func tooMany(n int) *SyntaxError {
	if n <= MaxClauses {
		return nil
	}
	bad := fail("", 0, 0, fmt.Sprintf("there are %d clauses, at most %d are read", n, MaxClauses), "")
	bad.Clause, bad.order = MaxClauses, true
	return bad
}

// Field is an order in the form of the search for logged models: an object
// with a name, not a text.
type Field struct {
	Name                       string // an attribute, or metrics.KEY
	Descending                 bool
	DatasetName, DatasetDigest string
}

// OrderBy resolves fields as [ParseOrder] does clauses. A dataset goes with a
// metric only, its digest with its name only.
func OrderBy(d *Dialect, fields []Field) ([]Order, error) {
	if bad := tooMany(len(fields)); bad != nil {
		return nil, bad
	}
	var orders []Order
	for i, f := range fields {
		o, bad := resolve(d, f)
		if bad == nil {
			bad = repeated(f.Name, orders, o)
		}
		if bad != nil {
			bad.Clause, bad.order = i, true
			return nil, bad
		}
		orders = append(orders, o)
	}
	return orders, nil
}

func resolve(d *Dialect, f Field) (Order, *SyntaxError) {
	text := f.Name
	o, directed, bad := parseOrder(d, text)
	if bad != nil {
		return o, bad
	}
	if directed {
		return o, fail(text, 0, len(text), "a field name has no direction", "set ascending instead")
	}
	o.Descending, o.DatasetName, o.DatasetDigest = f.Descending, f.DatasetName, f.DatasetDigest
	switch {
	case o.DatasetDigest != "" && o.DatasetName == "":
		return o, fail(text, 0, len(text), "the digest of a dataset goes with its name", "set dataset_name as well")
	case o.DatasetName != "" && o.Entity != Metric:
		return o, fail(text, 0, len(text), "only a metric is measured on a dataset", "leave dataset_name out")
	}
	return o, nil
}
