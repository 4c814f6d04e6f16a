package filter

import "math"

// Row is an object to evaluate a filter on. Values returns all values of a
// key, canonical as in the dialect: none when the object does not have it.
type Row interface {
	Values(e Entity, key string) []Value
}

// Eval reports whether the row passes the filter. It is the meaning of the
// language: what a store compiles must agree with it on every row. The NaN of
// a metric equals only the literal NaN; it differs from every number and lies
// on no side of one.
func Eval(e Expr, row Row) bool {
	switch e := e.(type) {
	case And:
		for _, x := range e.Exprs {
			if !Eval(x, row) {
				return false
			}
		}
		return true
	case Or:
		for _, x := range e.Exprs {
			if Eval(x, row) {
				return true
			}
		}
		return false
	case Not:
		return !Eval(e.Expr, row)
	case IsNull:
		return (len(row.Values(e.Entity, e.Key)) == 0) != e.Negated
	case Cmp:
		return anyValue(row, e.Entity, e.Key, func(v Value) bool { return compare(v, e.Op, e.Value) })
	case In:
		return anyValue(row, e.Entity, e.Key, func(v Value) bool {
			for _, w := range e.Values {
				if compare(v, Equal, w) {
					return !e.Negated
				}
			}
			return e.Negated
		})
	case Between:
		return anyValue(row, e.Entity, e.Key, func(v Value) bool {
			return (compare(v, GreaterEqual, e.Low) && compare(v, LessEqual, e.High)) != e.Negated
		})
	}
	return true
}

func anyValue(row Row, e Entity, key string, fits func(Value) bool) bool {
	for _, v := range row.Values(e, key) {
		if fits(v) {
			return true
		}
	}
	return false
}

// compare applies an operator to a value of a row and a literal.
func compare(v Value, op Op, literal Value) bool {
	if v.Kind == KindText || literal.Kind == KindText {
		return v.Kind == literal.Kind && compareText(v.Text, op, literal.Text)
	}
	if op == Equal || op == NotEqual {
		same := v.Number == literal.Number || math.IsNaN(v.Number) && literal.IsNaN()
		if a, ok := v.Int64(); ok {
			if b, ok := literal.Int64(); ok {
				same = a == b
			}
		}
		return same == (op == Equal)
	}
	if a, ok := v.Int64(); ok {
		if b, ok := literal.Int64(); ok {
			return ordered(a, op, b)
		}
	}
	return ordered(v.Number, op, literal.Number)
}

func ordered[T int64 | float64](a T, op Op, b T) bool {
	switch op {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	case GreaterEqual:
		return a >= b
	}
	return false
}

func compareText(text string, op Op, literal string) bool {
	switch op {
	case Equal:
		return text == literal
	case NotEqual:
		return text != literal
	case LikeOp, NotLike:
		return Like{Pattern: literal}.Match(text) == (op == LikeOp)
	case ILikeOp, NotILike:
		return Like{Pattern: literal, CaseInsensitive: true}.Match(text) == (op == ILikeOp)
	}
	return false
}
