package contract

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Limits of an expression: its length, and what judging one row with it may cost in
// the units of CEL.
const (
	maxExpr     = 4096
	maxExprCost = 100_000
)

// relation is a condition between columns of one row. It is compiled for the kinds
// that its columns turn out to have; the compilation is kept until they change.
type relation struct {
	name, expr string
	vars       []variable
	last       atomic.Pointer[bound]
	cells      sync.Pool // of *activation
}

// variable is a column in an expression.
type variable struct {
	name     string
	col      int
	declared kind // 0: that of the data
	asked    bool // compared with null: rows without it are judged
}

// bound is a relation compiled for columns of certain types.
type bound struct {
	types   []table.Type
	text    bool
	cells   []reader
	program cel.Program                              // judges a row when native does not
	native  func(cols []*table.Column, row int) bool // nil when the expression is not one of the simple ones
	broken  error                                    // the expression does not fit the columns
}

// relation compiles rule i.
func (c *compiler) relation(i int, r trimtab.RelationRule) {
	where := fmt.Sprintf("rule %s", r.Name)
	if r.Name == "" {
		where = fmt.Sprintf("rules[%d]", i)
		c.problem("%s: it has no name", where)
	}
	if !(r.MaxFailed >= 0 && r.MaxFailed <= 1) {
		c.problem("%s: maxFailed %v is no share: expected 0 to 1", where, r.MaxFailed)
	}
	if len(r.Expr) > maxExpr {
		c.problem("%s: the expression has %d bytes, expected at most %d", where, len(r.Expr), maxExpr)
		return
	}
	env, err := newEnv()
	if err != nil {
		c.problem("%s: %v", where, err)
		return
	}
	parsed, issues := env.Parse(r.Expr)
	if issues.Err() != nil {
		c.problem("%s", told(where, r.Expr, issues))
		return
	}
	rel := &relation{name: r.Name, expr: r.Expr}
	for _, use := range idents(parsed.NativeRep()) {
		v := variable{name: use.name, asked: use.asked}
		if rule, ok := c.spec.Columns[use.name]; ok {
			v.declared = typeOf(rule.Type)
		} else if !slices.Contains(c.spec.Key, use.name) {
			if near := trimtab.Nearest(use.name, sortedKeys(c.spec.Columns)); near != "" {
				at := parsed.NativeRep().SourceInfo().GetStartLocation(use.id)
				c.problem("%s: %d:%d: there is no column %q; did you mean %q? (a column of that name must be declared under columns)\n%s", where, at.Line(), at.Column()+1, use.name, near, marked(r.Expr, at.Line(), at.Column()))
				return
			}
		}
		v.col = c.use(use.name)
		rel.vars = append(rel.vars, v)
	}
	if err := rel.possible(where); err != nil {
		c.problem("%v", err)
		return
	}
	cols := make([]int, len(rel.vars))
	for k, v := range rel.vars {
		cols[k] = v.col
	}
	c.add(&rule{name: "rule " + r.Name, severity: r.Severity, onFail: r.OnFail, allowed: r.MaxFailed, expected: r.Expr, col: -1,
		door: true, named: true, test: rel, value: func(s *sheet, row int) string {
			parts := make([]string, len(cols))
			for k, col := range cols {
				parts[k] = rel.vars[k].name + " " + s.cell(col, row)
			}
			return strings.Join(parts, ", ")
		}})
}

// possible reports why the expression compiles for no kinds of the columns whose kind
// is not declared; nil when it does for some.
func (r *relation) possible(where string) error {
	var first error
	for _, open := range []kind{0, floatKind, intKind, textKind, timeKind, boolKind} {
		kinds := make([]kind, len(r.vars))
		for k, v := range r.vars {
			if kinds[k] = v.declared; kinds[k] == 0 {
				kinds[k] = open
			}
		}
		_, _, err := r.check(kinds, where)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if !slices.ContainsFunc(r.vars, func(v variable) bool { return v.declared == 0 }) {
			break
		}
	}
	return first
}

// language is that of relations: CEL with math and strings, in which has(column) asks
// whether a value is there.
var language = sync.OnceValues(func() (*cel.Env, error) {
	has := cel.GlobalMacro("has", 1, func(h parser.ExprHelper, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if args[0].Kind() != ast.IdentKind {
			return nil, h.NewError(args[0].ID(), "has() takes the name of a column")
		}
		return h.NewCall(operators.NotEquals, args[0], h.NewLiteral(types.NullValue)), nil
	})
	options := []cel.EnvOption{
		cel.ClearMacros(), cel.Macros(has, cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro, cel.MapMacro, cel.FilterMacro),
		ext.Math(), ext.Strings(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.ParserRecursionLimit(64), cel.ParserExpressionSizeLimit(maxExpr),
	}
	return cel.NewEnv(options...)
})

// newEnv is the language with columns.
func newEnv(vars ...cel.EnvOption) (*cel.Env, error) {
	env, err := language()
	if err != nil || len(vars) == 0 {
		return env, err
	}
	return env.Extend(vars...)
}

// told makes the message of a problem with its place.
func told(where, expr string, issues *cel.Issues) string {
	e := issues.Errors()[0]
	msg := e.Message
	if rest, ok := strings.CutPrefix(msg, "undeclared reference to '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		msg = fmt.Sprintf("there is no %q", name)
		if near := trimtab.Nearest(name, functions); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
	}
	return fmt.Sprintf("%s: %d:%d: %s\n%s", where, e.Location.Line(), e.Location.Column()+1, msg, marked(expr, e.Location.Line(), e.Location.Column()))
}

// functions are offered for a misspelt one.
var functions = []string{"size", "contains", "startsWith", "endsWith", "matches", "timestamp", "duration", "has", "int", "double", "string",
	"bool", "math.abs", "math.greatest", "math.least", "math.ceil", "math.floor", "math.round", "math.sqrt", "getHours", "getMinutes", "getDayOfWeek",
	"getDayOfMonth", "getMonth", "getFullYear", "lowerAscii", "upperAscii", "trim", "split", "substring"}

// marked shows the line of an expression with its place marked.
func marked(expr string, line, column int) string {
	lines := strings.Split(expr, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	return "  " + lines[line-1] + "\n  " + strings.Repeat(" ", max(column, 0)) + "^"
}

// identUse is a name that stands for a column in an expression.
type identUse struct {
	name  string
	id    int64
	asked bool
}

// idents lists the names of columns in the order of their first use.
func idents(parsed *ast.AST) []identUse {
	local, skip, asked := map[string]bool{}, map[int64]bool{}, map[int64]bool{}
	ast.PostOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			x := e.AsComprehension()
			local[x.IterVar()], local[x.IterVar2()], local[x.AccuVar()] = true, true, true
		case ast.CallKind:
			x := e.AsCall()
			if x.IsMemberFunction() && x.Target().Kind() == ast.IdentKind && (x.Target().AsIdent() == "math" || x.Target().AsIdent() == "strings") {
				skip[x.Target().ID()] = true // part of the function's name
			}
			if x.FunctionName() == operators.NotEquals || x.FunctionName() == operators.Equals {
				for k, a := range x.Args() {
					if b := x.Args()[1-k]; a.Kind() == ast.IdentKind && b.Kind() == ast.LiteralKind && b.AsLiteral() == types.NullValue {
						asked[a.ID()] = true
					}
				}
			}
		}
	}))
	var out []identUse
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind || skip[e.ID()] || local[e.AsIdent()] || typeNames[e.AsIdent()] {
			return
		}
		name := e.AsIdent()
		for k := range out {
			if out[k].name == name {
				out[k].asked = out[k].asked || asked[e.ID()]
				return
			}
		}
		out = append(out, identUse{name, e.ID(), asked[e.ID()]})
	}))
	return out
}

// typeNames stand for types in expressions and never for columns.
var typeNames = map[string]bool{"bool": true, "int": true, "uint": true, "double": true, "string": true, "bytes": true,
	"list": true, "map": true, "null_type": true, "type": true}

// check compiles the expression for the kinds of its variables; 0 leaves one open.
func (r *relation) check(kinds []kind, where string) (*cel.Env, *cel.Ast, error) {
	var vars []cel.EnvOption
	known := map[string]kind{}
	for i, v := range r.vars {
		t := celType(kinds[i])
		if v.asked && kinds[i] != 0 && kinds[i] != timeKind {
			t = cel.NullableType(t)
		}
		vars = append(vars, cel.Variable(v.name, t))
		known[v.name] = kinds[i]
	}
	env, err := newEnv(vars...)
	if err != nil {
		return nil, nil, trimtab.Errorf(trimtab.Invalid, where, "%s: %v", where, err)
	}
	parsed, issues := env.Parse(r.expr)
	if issues.Err() != nil {
		return nil, nil, trimtab.Errorf(trimtab.Invalid, where, "%s", told(where, r.expr, issues))
	}
	tree := parsed.NativeRep()
	p := promotion{known: known, next: ast.MaxID(tree), factory: ast.NewExprFactory()}
	p.expr(tree.Expr())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, nil, trimtab.Errorf(trimtab.Invalid, where, "%s", told(where, r.expr, issues))
	}
	if out := checked.OutputType(); !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		return nil, nil, trimtab.Errorf(trimtab.Invalid, where, "%s: 1:1: the expression is %s, expected a condition that is true or false\n%s", where, out, marked(r.expr, 1, 0))
	}
	return env, checked, nil
}

func celType(k kind) *cel.Type {
	switch k {
	case boolKind:
		return cel.BoolType
	case intKind:
		return cel.IntType
	case floatKind:
		return cel.DoubleType
	case textKind:
		return cel.StringType
	case timeKind:
		return cel.TimestampType
	case bytesKind:
		return cel.BytesType
	}
	return cel.DynType
}

// judge judges the rows of a sheet. Rows that lack a column which the expression
// does not ask for are not judged.
func (r *relation) judge(s *sheet, bad []int32) (int, []int32) {
	a, _ := r.cells.Get().(*activation)
	if a == nil {
		a = &activation{rel: r, cols: make([]*table.Column, len(r.vars))}
	}
	defer func() { clear(a.cols); r.cells.Put(a) }()
	for i, v := range r.vars {
		if a.cols[i] = s.cols[v.col]; a.cols[i] == nil && !v.asked {
			return 0, bad // a column that is not there is told by its own rule
		}
	}
	b := r.bind(a.cols, s.text)
	if s.broken = b.broken; b.broken != nil {
		return s.rows, all(s.rows, bad)
	}
	a.bound = b
	judged := 0
rows:
	for i := range s.rows {
		for k, v := range r.vars {
			if !v.asked && !b.cells[k].there(a.cols[k], i) {
				continue rows
			}
		}
		judged++
		if b.native != nil {
			if !b.native(a.cols, i) {
				bad = append(bad, int32(i))
			}
			continue
		}
		a.row = i
		out, _, err := b.program.Eval(a)
		if err != nil || out != types.True {
			bad = append(bad, int32(i))
		}
	}
	return judged, bad
}

// bind compiles the relation for the types that the columns have.
func (r *relation) bind(cols []*table.Column, text bool) *bound {
	if b := r.last.Load(); b != nil && b.text == text && b.fits(cols) {
		return b
	}
	b := &bound{text: text}
	kinds := make([]kind, len(cols))
	for i, c := range cols {
		t, declared := table.Type(0), r.vars[i].declared
		if c != nil {
			t = c.Type
			kinds[i] = kindOf(t)
		}
		if declared != 0 {
			kinds[i] = declared
		}
		b.types = append(b.types, t)
		b.cells = append(b.cells, newReader(t, kinds[i], text))
	}
	env, checked, err := r.check(kinds, "rule "+r.name)
	if err == nil {
		b.program, err = env.Program(checked, cel.CostLimit(maxExprCost), cel.EvalOptions(cel.OptOptimize))
	}
	if err != nil {
		b.broken = err
	} else {
		b.native = compileNative(checked.NativeRep().Expr(), r.vars, b)
	}
	r.last.Store(b)
	return b
}

func (b *bound) fits(cols []*table.Column) bool {
	for i, c := range cols {
		if c == nil && b.types[i] != 0 || c != nil && b.types[i] != c.Type {
			return false
		}
	}
	return true
}

// promotion makes integers beside floats floats, as people expect of numbers; CEL
// would refuse 2 * x for a float x.
type promotion struct {
	known   map[string]kind
	next    int64
	factory ast.ExprFactory
}

// expr returns the kind of the number that the expression is, 0 when it is none or
// not known, after promoting within it.
func (p *promotion) expr(e ast.Expr) kind {
	switch e.Kind() {
	case ast.IdentKind:
		return p.known[e.AsIdent()]
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Int:
			return intKind
		case types.Double:
			return floatKind
		}
		return 0
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			p.expr(call.Target())
		}
		args := call.Args()
		kinds := make([]kind, len(args))
		for i, a := range args {
			kinds[i] = p.expr(a)
		}
		switch call.FunctionName() {
		case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
			if len(args) != 2 || !isNumber(kinds[0]) || !isNumber(kinds[1]) {
				return 0
			}
			if kinds[0] == kinds[1] {
				return kinds[0]
			}
			p.widenAll(args, kinds)
			return floatKind
		case operators.Equals, operators.NotEquals:
			if len(args) == 2 && kinds[0] != kinds[1] && isNumber(kinds[0]) && isNumber(kinds[1]) {
				p.widenAll(args, kinds)
			}
			return boolKind
		case operators.In:
			if len(args) == 2 && kinds[0] == floatKind && args[1].Kind() == ast.ListKind {
				list := args[1].AsList().Elements()
				of := make([]kind, len(list))
				for i, x := range list {
					of[i] = p.expr(x)
				}
				p.widenAll(list, of)
			}
			return boolKind
		case operators.Negate:
			return kinds[0]
		case operators.Conditional:
			if len(kinds) == 3 && kinds[1] == kinds[2] {
				return kinds[1]
			}
			if len(kinds) == 3 && isNumber(kinds[1]) && isNumber(kinds[2]) {
				p.widenAll(args[1:], kinds[1:])
				return floatKind
			}
		case "double":
			return floatKind
		case "int", "size":
			return intKind
		case "abs":
			if len(kinds) == 1 {
				return kinds[0]
			}
		case "math.@min", "math.@max":
			if len(kinds) == 2 && kinds[0] == kinds[1] {
				return kinds[0]
			}
		}
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			p.expr(x)
		}
	case ast.SelectKind:
		p.expr(e.AsSelect().Operand())
	case ast.ComprehensionKind:
		x := e.AsComprehension()
		for _, part := range []ast.Expr{x.IterRange(), x.AccuInit(), x.LoopCondition(), x.LoopStep(), x.Result()} {
			p.expr(part)
		}
	}
	return 0
}

func isNumber(k kind) bool { return k == intKind || k == floatKind }

func (p *promotion) widenAll(args []ast.Expr, kinds []kind) {
	for i, a := range args {
		if kinds[i] == intKind {
			p.widen(a)
		}
	}
}

// widen makes an integer a float.
func (p *promotion) widen(e ast.Expr) {
	if e.Kind() == ast.LiteralKind {
		if n, ok := e.AsLiteral().(types.Int); ok {
			e.SetKindCase(p.factory.NewLiteral(e.ID(), types.Double(n)))
			return
		}
	}
	p.next++
	inner := p.factory.CopyExpr(e)
	inner.RenumberIDs(func(id int64) int64 {
		if id == e.ID() {
			return p.next
		}
		return id
	})
	e.SetKindCase(p.factory.NewCall(e.ID(), "double", inner))
}
