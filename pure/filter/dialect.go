package filter

import (
	"slices"
	"strings"
)

// A Dialect is the table of what one search may name: prefixes of entities,
// attributes with their kinds and spellings, and the order that applies where
// a request has none. The dialects of this package are complete and constant;
// they are safe for concurrent use.
type Dialect struct {
	name       string
	noun       string // what is searched, plural, for messages
	prefixes   map[string]Entity
	attributes []Column
	elsewhere  map[string]string // names that are not searchable here -> what to do instead

	// bareValues takes an unquoted word or number for a string.
	bareValues bool
	// strictAnd demands an AND between two comparisons.
	strictAnd bool
	// orderable are the entities besides attributes that can be ordered by.
	orderable []Entity

	order    []Order
	tieBreak []Order
}

// Column is an attribute of a dialect.
type Column struct {
	Name string
	Kind Kind
	// Several says that an object can have more than one value, or none.
	Several bool

	aliases       []string // other spellings, for filters and order
	filterAliases []string // other spellings, for filters alone
	quotedNumber  bool     // a number may stand in quotes
	noFilter      bool
	noOrder       bool
}

// datasetKeys are the only keys of the entity Dataset.
var datasetKeys = []string{"name", "digest", "context"}

// Name is the dialect's name in test vectors and messages, such as "runs".
func (d *Dialect) Name() string { return d.name }

// Columns returns the attributes that filters or order may name, in the order
// of the documentation. The caller owns the slice.
func (d *Dialect) Columns() []Column { return slices.Clone(d.attributes) }

// Kind returns the kind of the values under a key; false when the dialect has
// no such entity or attribute.
func (d *Dialect) Kind(e Entity, key string) (Kind, bool) {
	if e == Attribute {
		i := slices.IndexFunc(d.attributes, func(c Column) bool { return c.Name == key })
		if i < 0 {
			return KindText, false
		}
		return d.attributes[i].Kind, true
	}
	if !d.has(e) || e == Dataset && !slices.Contains(datasetKeys, key) {
		return KindText, false
	}
	if e == Metric {
		return KindNumber, true
	}
	return KindText, true
}

// DefaultOrder is the order of a search that asks for none, tie-break
// included. The caller owns the slice.
func (d *Dialect) DefaultOrder() []Order { return slices.Clone(d.order) }

// TieBreak is what makes the result of any order total. The caller owns the
// slice.
func (d *Dialect) TieBreak() []Order { return slices.Clone(d.tieBreak) }

// Complete returns the order that a search must use: the default where nothing
// was asked for, else what was asked for and the tie-breaks that it lacks. The
// caller owns the result.
func (d *Dialect) Complete(orders []Order) []Order {
	if len(orders) == 0 {
		return d.DefaultOrder()
	}
	full := slices.Clone(orders)
	for _, tie := range d.tieBreak {
		if !slices.ContainsFunc(full, tie.sameField) {
			full = append(full, tie)
		}
	}
	return full
}

func (d *Dialect) has(e Entity) bool {
	for _, have := range d.prefixes {
		if have == e {
			return true
		}
	}
	return false
}

// column finds the attribute that name spells in a filter or an order.
func (d *Dialect) column(name string, forOrder bool) (Column, bool) {
	for _, c := range d.attributes {
		if forOrder && c.noOrder || !forOrder && c.noFilter {
			continue
		}
		if c.Name == name || slices.Contains(c.aliases, name) || !forOrder && slices.Contains(c.filterAliases, name) {
			return c, true
		}
	}
	return Column{}, false
}

// names are the attributes that a filter or an order may name.
func (d *Dialect) names(forOrder bool) []string {
	var names []string
	for _, c := range d.attributes {
		if forOrder && c.noOrder || !forOrder && c.noFilter {
			continue
		}
		names = append(names, c.Name)
	}
	return names
}

// keyed returns an example of a key under each open entity, "metrics.x,
// params.x or tags.x".
func (d *Dialect) keyed(key string, allowed func(Entity) bool) string {
	var forms []string
	for e := Metric; e <= Tag; e++ {
		if d.has(e) && allowed(e) {
			forms = append(forms, Spell(e, key))
		}
	}
	return listing(forms, "or")
}

func listing(items []string, last string) string {
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	default:
		return strings.Join(items[:n-1], ", ") + " " + last + " " + items[n-1]
	}
}
