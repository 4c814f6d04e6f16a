package contract

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/pure/table"
)

// native compiles the simple expressions, which are nearly all of them: comparisons
// of columns, constants and float arithmetic, joined by && and ||. What it judges it
// judges as CEL does; what it is not sure of it leaves to CEL. Of an expression that
// CEL ends with an error (NaN has no order) nothing but "it is not true" is asked,
// and && and || keep that; this is why there is no ! here.
type native struct {
	vars  []variable
	bound *bound
}

type (
	condition = func(cols []*table.Column, row int) bool
	numeric   = func(cols []*table.Column, row int) float64
	integral  = func(cols []*table.Column, row int) int64
	textual   = func(cols []*table.Column, row int) string
)

// compileNative returns nil when the expression is not one of the simple ones.
func compileNative(e ast.Expr, vars []variable, b *bound) condition {
	for _, v := range vars {
		if v.asked {
			return nil
		}
	}
	for _, c := range b.cells {
		if !c.direct && !(c.kind == floatKind && (c.typ == table.Int32 || c.typ == table.Int64)) {
			return nil
		}
	}
	return (&native{vars, b}).condition(e)
}

func (n *native) condition(e ast.Expr) condition {
	if e.Kind() != ast.CallKind || e.AsCall().IsMemberFunction() {
		return nil
	}
	call := e.AsCall()
	args := call.Args()
	if len(args) != 2 {
		return nil
	}
	op := call.FunctionName()
	switch op {
	case operators.LogicalAnd, operators.LogicalOr:
		a, b := n.condition(args[0]), n.condition(args[1])
		switch {
		case a == nil || b == nil:
			return nil
		case op == operators.LogicalAnd:
			return func(c []*table.Column, i int) bool { return a(c, i) && b(c, i) }
		}
		return func(c []*table.Column, i int) bool { return a(c, i) || b(c, i) }
	case operators.In:
		return n.in(args[0], args[1])
	}
	ka, kb := n.kindOf(args[0]), n.kindOf(args[1])
	switch {
	case ka == intKind && kb == intKind, ka == timeKind && kb == timeKind:
		return compare(op, n.integral(args[0]), n.integral(args[1]))
	case isNumber(ka) && isNumber(kb):
		return compare(op, n.numeric(args[0]), n.numeric(args[1]))
	case ka == textKind && kb == textKind:
		return compare(op, n.textual(args[0]), n.textual(args[1]))
	}
	return nil
}

func compare[T int64 | float64 | string](op string, a, b func([]*table.Column, int) T) condition {
	if a == nil || b == nil {
		return nil
	}
	switch op {
	case operators.Less:
		return func(c []*table.Column, i int) bool { return a(c, i) < b(c, i) }
	case operators.LessEquals:
		return func(c []*table.Column, i int) bool { return a(c, i) <= b(c, i) }
	case operators.Greater:
		return func(c []*table.Column, i int) bool { return a(c, i) > b(c, i) }
	case operators.GreaterEquals:
		return func(c []*table.Column, i int) bool { return a(c, i) >= b(c, i) }
	case operators.Equals:
		return func(c []*table.Column, i int) bool { return a(c, i) == b(c, i) }
	case operators.NotEquals:
		return func(c []*table.Column, i int) bool { return a(c, i) != b(c, i) }
	}
	return nil
}

// in is x in [constants].
func (n *native) in(x, list ast.Expr) condition {
	if list.Kind() != ast.ListKind {
		return nil
	}
	texts, ints := map[string]bool{}, map[int64]bool{}
	for _, e := range list.AsList().Elements() {
		if e.Kind() != ast.LiteralKind {
			return nil
		}
		switch v := e.AsLiteral().(type) {
		case types.String:
			texts[string(v)] = true
		case types.Int:
			ints[int64(v)] = true
		default:
			return nil
		}
	}
	switch n.kindOf(x) {
	case textKind:
		if get := n.textual(x); get != nil && len(ints) == 0 {
			return func(c []*table.Column, i int) bool { return texts[get(c, i)] }
		}
	case intKind:
		if get := n.integral(x); get != nil && len(texts) == 0 {
			return func(c []*table.Column, i int) bool { return ints[get(c, i)] }
		}
	}
	return nil
}

// column finds the variable of a name, -1 when there is none.
func (n *native) column(name string) int {
	for k, v := range n.vars {
		if v.name == name {
			return k
		}
	}
	return -1
}

// kindOf is the kind of an operand, 0 when it is not one of the simple ones.
func (n *native) kindOf(e ast.Expr) kind {
	switch e.Kind() {
	case ast.IdentKind:
		if k := n.column(e.AsIdent()); k >= 0 {
			return n.bound.cells[k].kind
		}
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Int:
			return intKind
		case types.Double:
			return floatKind
		case types.String:
			return textKind
		}
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
			if !call.IsMemberFunction() && len(call.Args()) == 2 && n.kindOf(call.Args()[0]) == floatKind && n.kindOf(call.Args()[1]) == floatKind {
				return floatKind
			}
		case "double":
			if len(call.Args()) == 1 && isNumber(n.kindOf(call.Args()[0])) {
				return floatKind
			}
		}
	}
	return 0
}

// numeric is an operand as a float; integers are widened, as CEL compares them with floats.
func (n *native) numeric(e ast.Expr) numeric {
	switch e.Kind() {
	case ast.IdentKind:
		k := n.column(e.AsIdent())
		r := n.bound.cells[k]
		if r.typ == table.Float64 {
			return func(c []*table.Column, i int) float64 { return c[k].Float64s[i] }
		}
		return func(c []*table.Column, i int) float64 { return r.float(c[k], i) }
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Int:
			return func([]*table.Column, int) float64 { return float64(v) }
		case types.Double:
			return func([]*table.Column, int) float64 { return float64(v) }
		}
		return nil
	}
	call := e.AsCall()
	if call.FunctionName() == "double" {
		return n.numeric(call.Args()[0])
	}
	a, b := n.numeric(call.Args()[0]), n.numeric(call.Args()[1])
	if a == nil || b == nil {
		return nil
	}
	switch call.FunctionName() {
	case operators.Add:
		return func(c []*table.Column, i int) float64 { return a(c, i) + b(c, i) }
	case operators.Subtract:
		return func(c []*table.Column, i int) float64 { return a(c, i) - b(c, i) }
	case operators.Multiply:
		return func(c []*table.Column, i int) float64 { return float64(a(c, i) * b(c, i)) } // never fused with an addition
	}
	return func(c []*table.Column, i int) float64 { return a(c, i) / b(c, i) }
}

func (n *native) integral(e ast.Expr) integral {
	switch e.Kind() {
	case ast.IdentKind:
		k := n.column(e.AsIdent())
		r := n.bound.cells[k]
		return func(c []*table.Column, i int) int64 { return r.whole(c[k], i) }
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Int); ok {
			return func([]*table.Column, int) int64 { return int64(v) }
		}
	}
	return nil
}

func (n *native) textual(e ast.Expr) textual {
	switch e.Kind() {
	case ast.IdentKind:
		k := n.column(e.AsIdent())
		return func(c []*table.Column, i int) string { return c[k].Strings[i] }
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.String); ok {
			return func([]*table.Column, int) string { return string(v) }
		}
	}
	return nil
}
