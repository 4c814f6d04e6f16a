package filter

import (
	"fmt"
	"slices"
	"strings"
)

// name is what a comparison or an order starts with.
type name struct {
	entity       Entity
	key          string // canonical
	kind         Kind
	quotedNumber bool
	spelled      string // as the text has it
	from, keyAt  int
}

// example is a comparison that the name could be part of.
func (n name) example() string {
	if n.kind == KindNumber {
		return n.spelled + " > 0"
	}
	return n.spelled + " = 'x'"
}

// quoteHint spells the name as if rest belonged to its key.
func (n name) quoteHint(rest string) string {
	if i := strings.IndexAny(rest, "<>=!"); i >= 0 {
		rest = rest[:i]
	}
	prefix := n.spelled[:n.keyAt-n.from]
	return prefix + "`" + excerpt(strings.Trim(n.spelled[len(prefix):], "`\"")+strings.Trim(rest, "`")) + "`"
}

// name reads an attribute or an entity with its key. White space before it has
// been skipped, and something is left.
func (p *parser) name() (name, *SyntaxError) {
	from := p.at
	var first string
	switch c := p.peek(); {
	case c == '\'':
		return name{}, fail(p.text, from, from+len(p.chunk(from)), "a name must come first, this is a string", "write the name on the left of the operator and the value on its right")
	case c == '`', c == '"':
		inner, closed := p.quoted()
		if !closed {
			return name{}, fail(p.text, from, len(p.text), "this quote is never closed", "")
		}
		first = inner
	default:
		first = p.word(false)
		if first == "" || isDigit(first[0]) && p.peek() != '.' {
			p.at = from
			if bad := p.junk(); bad != nil && !isDigit(c) {
				return name{}, bad
			}
			chunk := p.chunk(from)
			hint := "write the name on the left of the operator and the value on its right"
			if p.forOrder {
				hint = "write an attribute, or a key with its prefix"
			}
			return name{}, fail(p.text, from, from+len(chunk), "a name must come first, found "+excerpt(chunk), hint)
		}
	}
	if p.peek() != '.' {
		n := name{from: from, keyAt: from, spelled: p.text[from:p.at]}
		bad := p.attribute(&n, first)
		return n, bad
	}
	prefixEnd := p.at
	p.at++
	n := name{from: from, keyAt: p.at}
	var raw string
	switch c := p.peek(); {
	case c == '\'' && !p.forOrder:
		return n, fail(p.text, p.at, p.at+len(p.chunk(p.at)), "single quotes enclose values, not names", "put the key in backticks")
	case c == '`', c == '"', c == '\'':
		at := p.at
		inner, closed := p.quoted()
		if !closed {
			return n, fail(p.text, at, len(p.text), "this quote is never closed", "")
		}
		raw = inner
	default:
		raw = p.word(true)
	}
	n.spelled = p.text[from:p.at]
	entity, known := p.dialect.prefixes[first]
	if !known {
		return n, fail(p.text, from, prefixEnd, fmt.Sprintf("%s have no %s", p.dialect.noun, excerpt(first)), p.entityHint(first, raw))
	}
	if raw == "" {
		return n, fail(p.text, from, p.at, "the key is missing behind "+excerpt(p.text[from:prefixEnd+1]), "")
	}
	n.entity, n.key = entity, raw
	switch entity {
	case Attribute:
		bad := p.attribute(&n, raw)
		return n, bad
	case Dataset:
		if !slices.Contains(datasetKeys, raw) {
			hint := "datasets have " + listing(datasetKeys, "and")
			if near := nearest(raw, datasetKeys); near != "" {
				hint = "did you mean datasets." + near + "?"
			}
			return n, fail(p.text, n.keyAt, p.at, "datasets have no "+excerpt(raw), hint)
		}
	case Metric:
		n.kind = KindNumber
	}
	return n, nil
}

// attribute resolves a spelling of an attribute.
func (p *parser) attribute(n *name, spelling string) *SyntaxError {
	c, ok := p.dialect.column(spelling, p.forOrder)
	if ok {
		n.entity, n.key, n.kind, n.quotedNumber = Attribute, c.Name, c.Kind, c.quotedNumber
		return nil
	}
	known := p.dialect.names(p.forOrder)
	var hint string
	prefix, key, dotted := strings.Cut(spelling, ".")
	if _, ok := p.dialect.prefixes[prefix]; dotted && ok {
		hint = "put the key alone in backticks: " + prefix + ".`" + excerpt(key) + "`"
	} else if there, ok := p.dialect.elsewhere[spelling]; ok {
		hint = there
	} else if near := nearest(spelling, known); near != "" {
		hint = "did you mean " + near + "?"
	} else {
		hint = "attributes are " + listing(known, "and")
		allowed := func(e Entity) bool { return !p.forOrder || slices.Contains(p.dialect.orderable, e) }
		if keyed := p.dialect.keyed(excerpt(spelling), allowed); keyed != "" {
			hint += "; any other key needs a prefix: " + keyed
		}
	}
	verb := "have no attribute "
	if p.forOrder {
		verb = "cannot be ordered by "
	}
	return fail(p.text, n.keyAt, p.at, p.dialect.noun+" "+verb+excerpt(spelling), hint)
}

func (p *parser) entityHint(prefix, key string) string {
	known := make([]string, 0, len(p.dialect.prefixes))
	for k := range p.dialect.prefixes {
		known = append(known, k)
	}
	slices.Sort(known)
	if _, ok := Runs.prefixes[prefix]; ok {
		return p.dialect.noun + " have " + listing(p.dialect.names(p.forOrder), "and") + ", and keys under " + listing(known, "or")
	}
	if near := nearest(prefix, known); near != "" {
		return "did you mean " + near + "." + excerpt(key) + "?"
	}
	allowed := func(e Entity) bool { return !p.forOrder || slices.Contains(p.dialect.orderable, e) }
	if keyed := p.dialect.keyed(excerpt(prefix+"."+key), allowed); keyed != "" {
		return "a key needs a prefix: " + keyed
	}
	return ""
}
