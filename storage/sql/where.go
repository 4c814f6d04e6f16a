package sql

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/filter"
)

// field says where the values of a key lie and how they compare.
type field struct {
	kind   fieldKind
	expr   string
	absent string // the condition under which an attribute was never set; "" when it always is
	// from makes a subquery of it, "params c WHERE c.rid = r.rid AND c.key = ?":
	// the key holds no, one or many values.
	from string
	args []any  // of from
	nan  string // 1 for the NaN of a metric
}

type fieldKind uint8

const (
	textField fieldKind = iota
	integerField
	floatField
)

// fields finds the field of a key; ok is false for what the noun does not have.
type fields func(e filter.Entity, key string) (f field, ok bool)

const (
	always = "1=1"
	never  = "1=0"
)

// where appends the condition of a filter, as filter.Eval has it. No part of it
// is ever null, so NOT is plain negation.
func (s *statement) where(e filter.Expr, of fields) error {
	switch e := e.(type) {
	case nil:
		s.add(always)
	case filter.And:
		return s.join(e.Exprs, " AND ", of)
	case filter.Or:
		return s.join(e.Exprs, " OR ", of)
	case filter.Not:
		s.add("NOT (")
		if err := s.where(e.Expr, of); err != nil {
			return err
		}
		s.add(")")
	case filter.Cmp:
		return s.leaf(of, e.Entity, e.Key, func(f field) { s.compare(f, e.Op, e.Value) }, e.Value)
	case filter.In:
		return s.leaf(of, e.Entity, e.Key, func(f field) { s.in(f, e.Values, e.Negated) }, e.Values...)
	case filter.Between:
		return s.leaf(of, e.Entity, e.Key, func(f field) {
			if e.Negated {
				s.add("NOT ")
			}
			s.add("(")
			s.compare(f, filter.GreaterEqual, e.Low)
			s.add(" AND ")
			s.compare(f, filter.LessEqual, e.High)
			s.add(")")
		})
	case filter.IsNull:
		f, err := s.field(of, e.Entity, e.Key)
		if err != nil {
			return err
		}
		s.isNull(f, e.Negated)
	}
	return nil
}

// join halves long lists: SQLite bounds the depth of an expression.
func (s *statement) join(exprs []filter.Expr, by string, of fields) error {
	if len(exprs) == 0 {
		s.add(always)
		return nil
	}
	s.add("(")
	defer s.add(")")
	if len(exprs) == 1 {
		return s.where(exprs[0], of)
	}
	half := len(exprs) / 2
	if err := s.join(exprs[:half], by, of); err != nil {
		return err
	}
	s.add(by)
	return s.join(exprs[half:], by, of)
}

func (s *statement) field(of fields, e filter.Entity, key string) (field, error) {
	if why := trimtab.CleanText(key); why != "" {
		return field{}, trimtab.Errorf(trimtab.Invalid, "filter", "Invalid filter: the key %q %s", key, why)
	}
	f, ok := of(e, key)
	if !ok {
		return field{}, trimtab.Errorf(trimtab.Invalid, "filter", "Invalid filter: %s cannot be searched here", filter.Spell(e, key))
	}
	return f, nil
}

// leaf appends a condition on one of the values of a key.
func (s *statement) leaf(of fields, e filter.Entity, key string, condition func(field), values ...filter.Value) error {
	f, err := s.field(of, e, key)
	if err != nil {
		return err
	}
	for _, v := range values {
		if why := trimtab.CleanText(v.Text); why != "" {
			return trimtab.Errorf(trimtab.Invalid, "filter", "Invalid filter: the value %q %s", v.Text, why)
		}
	}
	switch {
	case f.from != "":
		s.add("EXISTS (SELECT 1 FROM "+f.from+" AND (", f.args...)
		condition(f)
		// PostgreSQL must not turn the question into a join, and then the join around.
		if s.engine == postgresEngine {
			s.add(") OFFSET 0)")
		} else {
			s.add("))")
		}
	case f.absent != "":
		s.add("(NOT " + f.absent + " AND (")
		condition(f)
		s.add("))")
	default:
		s.add("(")
		condition(f)
		s.add(")")
	}
	return nil
}

func (s *statement) isNull(f field, negated bool) {
	switch {
	case f.from != "":
		if !negated {
			s.add("NOT ")
		}
		s.add("EXISTS (SELECT 1 FROM "+f.from+")", f.args...)
	case f.absent != "":
		if negated {
			s.add("NOT ")
		}
		s.add(f.absent)
	case negated:
		s.add(always)
	default:
		s.add(never)
	}
}

// compare appends "field op literal".
func (s *statement) compare(f field, op filter.Op, v filter.Value) {
	if (f.kind == textField) != (v.Kind == filter.KindText) {
		s.add(never)
		return
	}
	switch f.kind {
	case textField:
		s.compareText(f.expr, op, v.Text)
	case integerField:
		s.compareInteger(f.expr, op, v)
	default:
		s.compareFloat(f, op, v)
	}
}

func (s *statement) compareText(expr string, op filter.Op, text string) {
	switch op {
	case filter.Equal:
		s.add(expr+" = ?", text)
	case filter.NotEqual:
		s.add(expr+" <> ?", text)
	case filter.LikeOp, filter.ILikeOp:
		s.like(expr, text, op == filter.ILikeOp)
	case filter.NotLike, filter.NotILike:
		s.add("NOT (")
		s.like(expr, text, op == filter.NotILike)
		s.add(")")
	default:
		s.add(never)
	}
}

// compareInteger compares with whole numbers only: x > 1.5 is x > 1.
func (s *statement) compareInteger(expr string, op filter.Op, v filter.Value) {
	n, whole := v.Int64()
	if !whole {
		bound := v.Number
		switch op {
		case filter.Less, filter.GreaterEqual:
			bound = math.Ceil(bound)
		case filter.LessEqual, filter.Greater:
			bound = math.Floor(bound)
		}
		low := bound < math.MinInt64
		high := bound >= math.MaxInt64
		if low || high || bound != math.Trunc(bound) { // of the same kind for all rows; NaN is on no side
			holds := op == filter.NotEqual ||
				high && (op == filter.Less || op == filter.LessEqual) || low && (op == filter.Greater || op == filter.GreaterEqual)
			s.add(map[bool]string{true: always, false: never}[holds])
			return
		}
		n = int64(bound)
	}
	if sign := operator(op); sign != "" {
		s.add(expr+" "+sign+" ?", n)
		return
	}
	s.add(never)
}

// compareFloat knows NaN, which equals only itself and lies on no side.
func (s *statement) compareFloat(f field, op filter.Op, v filter.Value) {
	sign := operator(op)
	switch {
	case sign == "" || v.IsNaN() && op != filter.Equal && op != filter.NotEqual:
		s.add(never)
	case v.IsNaN() && op == filter.Equal:
		s.add(f.nan + " = 1")
	case v.IsNaN():
		s.add(f.nan + " = 0")
	case op == filter.NotEqual:
		s.add("("+f.nan+" = 1 OR "+f.expr+" <> ?)", v.Number)
	default:
		s.add("("+f.nan+" = 0 AND "+f.expr+" "+sign+" ?)", v.Number)
	}
}

func operator(op filter.Op) string {
	switch op {
	case filter.Equal, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual:
		return string(op)
	case filter.NotEqual:
		return "<>"
	}
	return ""
}

// in appends "field [NOT] IN (values)".
func (s *statement) in(f field, values []filter.Value, negated bool) {
	if negated {
		s.add("NOT (")
		defer s.add(")")
	}
	switch f.kind {
	case textField:
		var list []string
		for _, v := range values {
			if v.Kind == filter.KindText {
				list = append(list, v.Text)
			}
		}
		if len(list) == 0 {
			s.add(never)
			return
		}
		s.among(f.expr, list)
	case integerField:
		var list []int64
		for _, v := range values {
			n, ok := v.Int64()
			if !ok && v.Kind == filter.KindNumber && v.Number == math.Trunc(v.Number) && v.Number >= math.MinInt64 && v.Number < math.MaxInt64 {
				n, ok = int64(v.Number), true
			}
			if ok {
				list = append(list, n)
			}
		}
		if len(list) == 0 {
			s.add(never)
			return
		}
		s.among(f.expr, list)
	default:
		// Floats go one by one: as text in a list they could lose their last bit.
		var list []any
		var seen []float64
		for _, v := range values {
			if v.Kind == filter.KindNumber && !math.IsNaN(v.Number) {
				seen = append(seen, v.Number)
			}
		}
		slices.Sort(seen)
		for _, x := range slices.Compact(seen) {
			list = append(list, x)
		}
		if len(list) == 0 {
			s.add(never)
			return
		}
		s.add("(" + f.nan + " = 0 AND " + f.expr + " IN (")
		for i, x := range list {
			if i > 0 {
				s.add(", ")
			}
			s.add("?", x)
		}
		s.add("))")
	}
}
