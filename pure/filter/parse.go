package filter

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of one text. Exceeding one is a SyntaxError.
const (
	MaxLength  = 64 << 10 // bytes of a filter or of one order_by clause
	MaxNesting = 32       // parentheses and NOTs inside one another
	MaxClauses = 1000     // comparisons of a filter; clauses of an order_by
)

// Parse reads a filter. The Expr is nil when the filter matches everything,
// which the empty text does; the error is a *SyntaxError.
func Parse(d *Dialect, text string) (Expr, error) {
	e, bad := parse(d, text)
	if bad != nil {
		return nil, bad
	}
	return e, nil
}

func parse(d *Dialect, text string) (Expr, *SyntaxError) {
	if text == "" {
		return nil, nil
	}
	if len(text) > MaxLength {
		return nil, fail(text, MaxLength, len(text), fmt.Sprintf("the text has %d bytes, at most %d are read", len(text), MaxLength), "")
	}
	p := &parser{scanner: scanner{text: text}, dialect: d}
	if !p.space() {
		return nil, fail(text, 0, len(text), "there is nothing but white space", "send an empty filter to match everything")
	}
	e, bad := p.or()
	if bad != nil {
		return nil, bad
	}
	if p.space() {
		return nil, fail(text, p.at, p.at+1, "this parenthesis closes nothing", "")
	}
	return e, nil
}

type parser struct {
	scanner
	dialect  *Dialect
	forOrder bool
	depth    int
	clauses  int
}

// or reads operands up to the end or a closing parenthesis. It returns nil when
// there are only ANDs, which the filter as a whole may consist of.
func (p *parser) or() (Expr, *SyntaxError) {
	first, bad := p.and()
	if bad != nil {
		return nil, bad
	}
	if !p.sees("OR") {
		return first, nil
	}
	operands := []Expr{first}
	for {
		if operands[len(operands)-1] == nil {
			return nil, fail(p.text, p.at, p.at+2, "OR has nothing on its left", "write a comparison on both sides of OR")
		}
		from := p.at
		if !p.keyword("OR") {
			break
		}
		next, bad := p.and()
		if bad != nil {
			return nil, bad
		}
		if next == nil {
			return nil, fail(p.text, from, from+2, "OR has nothing on its right", "write a comparison on both sides of OR")
		}
		operands = append(operands, next)
	}
	return anyOf(operands), nil
}

func (p *parser) and() (Expr, *SyntaxError) {
	var operands []Expr
	joined := true
	for p.space() && p.peek() != ')' && !p.sees("OR") {
		if p.keyword("AND") {
			joined = true
			continue
		}
		if !joined {
			if bad := p.junk(); bad != nil {
				return nil, bad
			}
		}
		inQuotes := p.at > 0 && p.text[p.at-1] == '\''
		e, bad := p.unary()
		if bad != nil {
			if inQuotes { // as in 'it's'
				bad.Hint = "write a text with a ' in double quotes"
			}
			return nil, bad
		}
		operands = append(operands, e)
		joined = false
	}
	return All(operands...), nil
}

// junk refuses what cannot follow a comparison.
func (p *parser) junk() *SyntaxError {
	c, end := p.peek(), p.at+1
	switch {
	case c == ',':
		return fail(p.text, p.at, end, "a comma does not join comparisons", "write AND or OR instead")
	case c == ';':
		return fail(p.text, p.at, end, "a filter is one expression without a separator", "remove the semicolon, or write AND")
	case c == '#', strings.HasPrefix(p.text[p.at:], "--"), strings.HasPrefix(p.text[p.at:], "/*"):
		return fail(p.text, p.at, len(p.text), "comments are not allowed", "remove "+excerpt(p.text[p.at:]))
	case c == '&', c == '|':
		chunk := p.chunk(p.at)
		return fail(p.text, p.at, p.at+len(chunk), "found "+excerpt(chunk)+" behind a comparison", "join comparisons with AND or OR")
	case c == '\'', '0' <= c && c <= '9':
		return fail(p.text, p.at, p.at+len(p.chunk(p.at)), "there is a second value "+excerpt(p.chunk(p.at)), "join comparisons with AND or OR")
	case p.dialect.strictAnd:
		chunk := p.chunk(p.at)
		return fail(p.text, p.at, p.at+len(chunk), "AND or OR is missing before "+excerpt(chunk), "quote a value that has spaces")
	}
	return nil
}

func (p *parser) unary() (Expr, *SyntaxError) {
	if p.depth++; p.depth > MaxNesting {
		return nil, fail(p.text, p.at, p.at+1, fmt.Sprintf("parentheses and NOTs are nested more than %d deep", MaxNesting), "")
	}
	defer func() { p.depth-- }()
	from := p.at
	if p.keyword("NOT") {
		if !p.space() || p.peek() == ')' || p.sees("AND") || p.sees("OR") {
			return nil, fail(p.text, from, from+len("NOT"), "NOT has nothing to negate", "write NOT before a comparison or a parenthesis")
		}
		e, bad := p.unary()
		if bad != nil {
			return nil, bad
		}
		return Not{e}, nil
	}
	if p.peek() != '(' {
		return p.compare()
	}
	p.at++
	e, bad := p.or()
	if bad != nil {
		return nil, bad
	}
	if p.peek() != ')' {
		return nil, fail(p.text, from, from+1, "this parenthesis is never closed", "")
	}
	p.at++
	if e == nil {
		return nil, fail(p.text, from, p.at, "there is no comparison between the parentheses", "")
	}
	return e, nil
}

// compare reads a name, an operator and what the operator needs.
func (p *parser) compare() (Expr, *SyntaxError) {
	if p.clauses++; p.clauses > MaxClauses {
		return nil, fail(p.text, p.at, p.at, fmt.Sprintf("there are more than %d comparisons", MaxClauses), "")
	}
	n, bad := p.name()
	if bad != nil {
		return nil, bad
	}
	from := p.at
	if !p.space() || p.peek() == ')' {
		return nil, fail(p.text, p.at, p.at, n.spelled+" is compared with nothing", "write an operator and a value: "+n.example())
	}
	negated := p.keyword("NOT")
	if negated {
		p.space()
	}
	switch {
	case p.keyword("IN"):
		values, bad := p.list(n, not(negated)+" IN")
		return In{n.entity, n.key, values, negated}, bad
	case p.keyword("BETWEEN"):
		return p.between(n, negated)
	case p.keyword("LIKE"):
		return p.like(n, LikeOp, NotLike, negated)
	case p.keyword("ILIKE"):
		return p.like(n, ILikeOp, NotILike, negated)
	case p.keyword("RLIKE"):
		return nil, fail(p.text, p.at-len("RLIKE"), p.at, "RLIKE is for traces only", "write LIKE or ILIKE, with % for any characters and _ for one")
	case negated:
		return nil, fail(p.text, p.at, p.at+len(p.chunk(p.at)), "NOT needs IN, LIKE, ILIKE or BETWEEN behind it", "to negate a comparison write NOT before it: NOT "+n.example())
	case p.keyword("IS"):
		p.space()
		negated := p.keyword("NOT")
		p.space()
		if !p.keyword("NULL") {
			return nil, fail(p.text, p.at, p.at+len(p.chunk(p.at)), "IS needs NULL or NOT NULL behind it", "write "+n.spelled+" IS NULL")
		}
		return IsNull{n.entity, n.key, negated}, nil
	}
	p.space()
	return p.symbolic(n, from)
}

var symbols = map[string]Op{"=": Equal, "==": Equal, "!=": NotEqual, "<>": NotEqual,
	"<": Less, "<=": LessEqual, ">": Greater, ">=": GreaterEqual}

func (p *parser) symbolic(n name, from int) (Expr, *SyntaxError) {
	at := p.at
	symbol := p.symbol()
	op, ok := symbols[symbol]
	if !ok {
		p.at = at
		shown := symbol
		if shown == "" {
			shown = p.chunk(at)
		}
		hint := "write one of = != > >= < <= LIKE ILIKE IN BETWEEN IS"
		if from == at && symbol == "" {
			whole := p.text[n.from:at] + shown
			return nil, fail(p.text, n.from, at+len(shown), excerpt(whole)+" is not a plain name", "put a key with such characters in backticks: "+n.quoteHint(shown))
		}
		if near := nearest(shown, []string{"LIKE", "ILIKE", "IN", "BETWEEN", "IS"}); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, fail(p.text, at, at+len(shown), "no operator is spelled "+excerpt(shown), hint)
	}
	if n.kind == KindText && op != Equal && op != NotEqual {
		return nil, fail(p.text, at, p.at, fmt.Sprintf("%s holds strings, which %s does not compare", n.spelled, op), "strings compare with = != LIKE ILIKE IN")
	}
	v, bad := p.value(n, string(op))
	if bad != nil {
		return nil, bad
	}
	if v.IsNaN() && op != Equal && op != NotEqual {
		return nil, fail(p.text, at, p.at, fmt.Sprintf("%s never holds for NaN", op), "compare with NaN by = or !=")
	}
	return Cmp{n.entity, n.key, op, v}, nil
}

func (p *parser) like(n name, plain, negative Op, negated bool) (Expr, *SyntaxError) {
	op := plain
	if negated {
		op = negative
	}
	if n.kind != KindText {
		return nil, fail(p.text, p.at-len(plain), p.at, fmt.Sprintf("%s holds numbers, which %s does not compare", n.spelled, op), "numbers compare with = != > >= < <= IN BETWEEN")
	}
	v, bad := p.value(n, string(op))
	if bad != nil {
		return nil, bad
	}
	return Cmp{n.entity, n.key, op, v}, nil
}

func (p *parser) between(n name, negated bool) (Expr, *SyntaxError) {
	from := p.at - len("BETWEEN")
	if n.kind != KindNumber {
		return nil, fail(p.text, from, p.at, n.spelled+" holds strings, which BETWEEN does not compare", "strings compare with = != LIKE ILIKE IN")
	}
	low, bad := p.value(n, "BETWEEN")
	if bad != nil {
		return nil, bad
	}
	p.space()
	if !p.keyword("AND") {
		return nil, fail(p.text, p.at, p.at, "BETWEEN needs AND and a second number", "write "+n.spelled+" BETWEEN 0 AND 1")
	}
	high, bad := p.value(n, "BETWEEN 0 AND")
	if bad != nil {
		return nil, bad
	}
	if low.IsNaN() || high.IsNaN() {
		return nil, fail(p.text, from, p.at, "nothing lies between NaN and a number", "compare with NaN by = or !=")
	}
	return Between{n.entity, n.key, low, high, negated}, nil
}

// list reads the values of IN. A comma may stand behind the last one: that is
// how Python prints a tuple of one.
func (p *parser) list(n name, op string) ([]Value, *SyntaxError) {
	op = strings.TrimSpace(op)
	example := n.spelled + " " + op + " ('a', 'b')"
	if n.kind == KindNumber {
		example = n.spelled + " " + op + " (1, 2)"
	}
	p.space()
	from := p.at
	if p.peek() != '(' {
		return nil, fail(p.text, p.at, p.at+len(p.chunk(p.at)), op+" needs a list in parentheses", "write "+example)
	}
	p.at++
	var values []Value
	for {
		if !p.space() {
			return nil, fail(p.text, from, p.at, "the list is never closed", "write "+example)
		}
		if p.peek() == ')' {
			break
		}
		at := p.at
		if p.peek() == ',' {
			return nil, fail(p.text, at, at+1, "a value is missing before this comma", "write "+example)
		}
		v, bad := p.value(n, op+" (")
		if bad != nil {
			return nil, bad
		}
		if v.IsNaN() {
			return nil, fail(p.text, at, p.at, "NaN cannot be in a list", "compare with NaN by = or !=")
		}
		values = append(values, v)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case ')':
		default:
			return nil, fail(p.text, p.at, min(p.at+1, len(p.text)), "a comma or the end of the list is missing", "write "+example)
		}
	}
	p.at++
	if len(values) == 0 {
		return nil, fail(p.text, from, p.at, "the list is empty", "write "+example)
	}
	return values, nil
}

// value reads one literal of the kind that the name holds.
func (p *parser) value(n name, op string) (Value, *SyntaxError) {
	if !p.space() || p.peek() == ')' {
		return Value{}, fail(p.text, p.at, p.at, fmt.Sprintf("%s %s has no value", n.spelled, op), "")
	}
	from := p.at
	if c := p.peek(); c == '\'' || c == '"' {
		inner, closed := p.quoted()
		if !closed {
			return Value{}, fail(p.text, from, len(p.text), "this quote is never closed", "write a text with a ' in double quotes and one with a \" in single ones")
		}
		if n.kind == KindText {
			return Text(inner), nil
		}
		v, isNumber := parseNumber(inner)
		if isNumber && n.quotedNumber {
			return v, nil
		}
		hint := ""
		if isNumber {
			hint = "write the number without quotes: " + n.spelled + " " + op + " " + inner
		}
		return Value{}, fail(p.text, from, p.at, fmt.Sprintf("%s holds numbers, %s is a string", n.spelled, excerpt(p.text[from:p.at])), hint)
	}
	raw := p.number()
	if n.kind == KindNumber {
		if v, ok := parseNumber(raw); ok {
			return v, nil
		}
		if v, ok := parseSpecial(raw); ok && n.entity == Metric {
			return v, nil
		}
		return Value{}, fail(p.text, from, from+len(p.chunk(from)), fmt.Sprintf("%s holds numbers, %s is none", n.spelled, excerpt(p.chunk(from))), "numbers are written like 12, -0.5 or 1e-3")
	}
	return p.bare(n, op, raw, from)
}

// bare takes or refuses a string without quotes.
func (p *parser) bare(n name, op, raw string, from int) (Value, *SyntaxError) {
	reserved := slices.ContainsFunc([]string{"AND", "OR", "NOT"}, func(w string) bool { return equalFold(raw, w) })
	if reserved {
		return Value{}, fail(p.text, from, p.at, fmt.Sprintf("%s %s has no value", n.spelled, op), "quote the value if it is the word "+raw)
	}
	chunk, rest := strings.TrimRight(p.chunk(from), "),;"), ""
	if strings.HasSuffix(op, "(") {
		chunk, _, _ = strings.Cut(chunk, ",")
		rest = ", …)"
	}
	whole := p.at == len(p.text) || strings.IndexByte("),;", p.peek()) >= 0 || len(chunk) == len(raw)
	if p.dialect.bareValues && raw != "" && whole {
		return Text(raw), nil
	}
	if chunk == "" {
		return Value{}, fail(p.text, from, from+1, fmt.Sprintf("%s %s has no value", n.spelled, op), "")
	}
	if chunk[0] == '(' {
		return Value{}, fail(p.text, from, from+1, op+" takes one value, not a list", "write "+n.spelled+" IN ('a', 'b')")
	}
	if chunk[0] == '`' {
		return Value{}, fail(p.text, from, from+len(chunk), "backticks enclose names, not values", "quote the value: "+n.spelled+" "+op+" "+quote(strings.Trim(chunk, "`"), '\'', '"'))
	}
	return Value{}, fail(p.text, from, from+len(chunk), fmt.Sprintf("%s holds strings, %s is not quoted", n.spelled, excerpt(chunk)),
		strings.Replace("quote the value: "+n.spelled+" "+op+" "+quote(excerpt(chunk), '\'', '"')+rest, "( ", "(", 1))
}
