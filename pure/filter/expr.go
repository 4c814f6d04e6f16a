package filter

import (
	"slices"
	"strings"
)

// Expr is a node of a filter. The nodes are [And], [Or], [Not], [Cmp], [In],
// [IsNull] and [Between], all as plain values; a nil Expr matches everything.
// Nodes are never changed after parsing, so they may be shared.
//
// A key can hold several values (a run has many datasets, a version many
// aliases). Cmp, In and Between hold when one of the values fits, and so never
// hold for a key that is absent, != and NOT IN included: MLflow joins. [Not] is
// plain negation and therefore does hold then: NOT params.a = 'x' finds the
// runs without a, params.a != 'x' does not.
type Expr interface {
	// String spells the node in the canonical form, which parses to an equal
	// tree in every dialect that has its keys.
	String() string
	node()
}

// Entity is the part of an object that a key belongs to.
type Entity uint8

const (
	Attribute Entity = iota // a column of the object itself
	Metric                  // the latest value of a metric
	Param
	Tag
	Dataset // a dataset that a run read; its keys are name, digest and context
)

var entityNames = [...]string{"attribute", "metric", "param", "tag", "dataset"}

// String is the singular name: attribute, metric, param, tag, dataset.
func (e Entity) String() string {
	if int(e) < len(entityNames) {
		return entityNames[e]
	}
	return "entity"
}

// Op is the operator of a [Cmp], spelled in its canonical form.
type Op string

const (
	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	LikeOp       Op = "LIKE"
	ILikeOp      Op = "ILIKE"
	NotLike      Op = "NOT LIKE"
	NotILike     Op = "NOT ILIKE"
)

// And holds when all of its at least two operands hold. No operand is an And.
type And struct{ Exprs []Expr }

// Or holds when one of its at least two operands holds. No operand is an Or.
type Or struct{ Exprs []Expr }

// Not holds when its operand does not.
type Not struct{ Expr Expr }

// Cmp compares a key with a literal. Less, LessEqual, Greater and GreaterEqual
// occur with numbers only, the LIKE family with strings only.
type Cmp struct {
	Entity Entity
	Key    string
	Op     Op
	Value  Value
}

// In looks a key up in a list of at least one literal, all of the kind of the
// key. NaN is never in it.
type In struct {
	Entity  Entity
	Key     string
	Values  []Value
	Negated bool
}

// IsNull holds when a key has no value, or with Negated when it has one. For
// an attribute that means that it was never set. A metric whose value is NaN
// is not null.
type IsNull struct {
	Entity  Entity
	Key     string
	Negated bool
}

// Between holds when Low <= key <= High; both are numbers. Low > High matches
// nothing.
type Between struct {
	Entity    Entity
	Key       string
	Low, High Value
	Negated   bool
}

func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}
func (Cmp) node()     {}
func (In) node()      {}
func (IsNull) node()  {}
func (Between) node() {}

// All joins the filters that are not nil with AND: nil when there is none.
func All(exprs ...Expr) Expr {
	var flat []Expr
	for _, e := range exprs {
		switch e := e.(type) {
		case nil:
		case And:
			flat = append(flat, e.Exprs...)
		default:
			flat = append(flat, e)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return And{flat}
}

// anyOf joins filters, none of them nil, with OR.
func anyOf(exprs []Expr) Expr {
	var flat []Expr
	for _, e := range exprs {
		if or, ok := e.(Or); ok {
			flat = append(flat, or.Exprs...)
			continue
		}
		flat = append(flat, e)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return Or{flat}
}

func (e And) String() string {
	parts := make([]string, len(e.Exprs))
	for i, x := range e.Exprs {
		parts[i] = enclosed(x, func(x Expr) bool { _, or := x.(Or); _, and := x.(And); return or || and })
	}
	return strings.Join(parts, " AND ")
}

func (e Or) String() string {
	parts := make([]string, len(e.Exprs))
	for i, x := range e.Exprs {
		parts[i] = enclosed(x, func(x Expr) bool { _, or := x.(Or); return or })
	}
	return strings.Join(parts, " OR ")
}

func (e Not) String() string {
	return "NOT " + enclosed(e.Expr, func(x Expr) bool { _, or := x.(Or); _, and := x.(And); return or || and })
}

func (e Cmp) String() string {
	return Spell(e.Entity, e.Key) + " " + string(e.Op) + " " + e.Value.String()
}

func (e In) String() string {
	parts := make([]string, len(e.Values))
	for i, v := range e.Values {
		parts[i] = v.String()
	}
	return Spell(e.Entity, e.Key) + not(e.Negated) + " IN (" + strings.Join(parts, ", ") + ")"
}

func (e IsNull) String() string {
	return Spell(e.Entity, e.Key) + " IS" + not(e.Negated) + " NULL"
}

func (e Between) String() string {
	return Spell(e.Entity, e.Key) + not(e.Negated) + " BETWEEN " + e.Low.String() + " AND " + e.High.String()
}

func enclosed(e Expr, needed func(Expr) bool) string {
	if e == nil {
		return "()"
	}
	if needed(e) {
		return "(" + e.String() + ")"
	}
	return e.String()
}

func not(negated bool) string {
	if negated {
		return " NOT"
	}
	return ""
}

// Spell writes a name as a filter has it: an attribute bare, any other key with
// the plural prefix of its entity, in backticks where it needs them.
func Spell(e Entity, key string) string {
	if !isBareKey(key) {
		key = quote(key, '`', '"')
	}
	if e == Attribute {
		return key
	}
	return e.String() + "s." + key
}

// Walk calls visit for e and all below it, parents first, left to right, until
// visit returns false. It returns false when it was cut short.
func Walk(e Expr, visit func(Expr) bool) bool {
	if e == nil {
		return true
	}
	if !visit(e) {
		return false
	}
	below := func(x Expr) bool { return Walk(x, visit) }
	switch e := e.(type) {
	case And:
		return !slices.ContainsFunc(e.Exprs, func(x Expr) bool { return !below(x) })
	case Or:
		return !slices.ContainsFunc(e.Exprs, func(x Expr) bool { return !below(x) })
	case Not:
		return below(e.Expr)
	}
	return true
}
