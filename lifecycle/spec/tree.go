package spec

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Limits of one document. They bound what a hostile file can make the reader do.
const (
	maxDepth   = 32
	maxAliases = 100
	maxNodes   = 100_000
)

type shape uint8

const (
	scalar shape = iota
	mapping
	sequence
)

// scalarType is how YAML 1.2 reads a plain scalar.
type scalarType uint8

const (
	textScalar scalarType = iota
	intScalar
	floatScalar
	boolScalar
	nullScalar
)

var scalarNames = [...]string{"text", "a whole number", "a number", "true or false", "nothing"}

// span is a place in a file.
type span struct{ line, column, end int }

// node is a document's tree with anchors, aliases, merge keys and tags resolved.
type node struct {
	shape   shape
	at      span
	typ     scalarType
	text    string
	entries []entry
	items   []*node
}

type entry struct {
	key    string
	at     span
	value  *node
	merged bool // comes from a merge key: an entry of the mapping itself wins
}

func (n *node) get(key string) *node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

func (n *node) describe() string {
	switch n.shape {
	case mapping:
		return "a mapping"
	case sequence:
		return "a list"
	}
	if n.typ == nullScalar {
		return "nothing"
	}
	return fmt.Sprintf("%s %q", scalarNames[n.typ], n.text)
}

// builder turns the parser's tree into nodes.
type builder struct {
	report  func(at span, summary, expected string)
	anchors map[string]ast.Node
	aliases int
	nodes   int
	stopped bool
}

func spanOf(t *token.Token) span {
	if t == nil || t.Position == nil {
		return span{}
	}
	text := strings.TrimSpace(t.Origin)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	return span{line: t.Position.Line, column: t.Position.Column, end: t.Position.Column + max(1, utf8.RuneCountInString(text))}
}

func (b *builder) stop(at span, summary, expected string) {
	if !b.stopped {
		b.report(at, summary, expected)
	}
	b.stopped = true
}

// build returns nil after a limit was passed.
func (b *builder) build(n ast.Node, depth int) *node {
	if b.stopped {
		return nil
	}
	if n == nil {
		return &node{typ: nullScalar}
	}
	at := spanOf(n.GetToken())
	if b.nodes++; b.nodes > maxNodes {
		b.stop(at, "the document is too large", fmt.Sprintf("at most %d values after its aliases are written out", maxNodes))
		return nil
	}
	if depth > maxDepth {
		b.stop(at, "the document is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
		return nil
	}
	switch v := n.(type) {
	case *ast.DocumentNode:
		return b.build(v.Body, depth)
	case *ast.AnchorNode:
		b.anchors[v.Name.GetToken().Value] = v.Value
		return b.build(v.Value, depth)
	case *ast.AliasNode:
		return b.alias(v, depth)
	case *ast.TagNode:
		b.report(at, fmt.Sprintf("tag %s is not used in declarations", v.Start.Value), "a plain value")
		return &node{at: at, typ: nullScalar}
	case *ast.MappingNode:
		out := &node{shape: mapping, at: at}
		if len(v.Values) > 0 && !v.IsFlowStyle {
			out.at = spanOf(v.Values[0].Key.GetToken())
		}
		for _, pair := range v.Values {
			b.pair(out, pair, depth)
		}
		return out
	case *ast.MappingValueNode:
		out := &node{shape: mapping, at: spanOf(v.Key.GetToken())}
		b.pair(out, v, depth)
		return out
	case *ast.SequenceNode:
		out := &node{shape: sequence, at: at}
		for _, item := range v.Values {
			out.items = append(out.items, b.build(item, depth+1))
		}
		return out
	case *ast.NullNode:
		return &node{at: at, typ: nullScalar}
	case *ast.BoolNode:
		return &node{at: at, typ: boolScalar, text: v.GetToken().Value}
	case *ast.IntegerNode:
		return &node{at: at, typ: intScalar, text: v.GetToken().Value}
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{at: at, typ: floatScalar, text: v.GetToken().Value}
	case *ast.StringNode:
		return &node{at: at, text: v.Value}
	case *ast.LiteralNode:
		return &node{at: at, text: v.Value.Value}
	}
	b.report(at, fmt.Sprintf("%s is not used in declarations", strings.ToLower(n.Type().YAMLName())), "a mapping, a list, text or a number")
	return &node{at: at, typ: nullScalar}
}

func (b *builder) alias(v *ast.AliasNode, depth int) *node {
	at := spanOf(v.GetToken())
	name := v.Value.GetToken().Value
	target, ok := b.anchors[name]
	if !ok {
		b.report(at, fmt.Sprintf("alias *%s has no anchor", name), "an anchor &"+name+" earlier in the same document")
		return &node{at: at, typ: nullScalar}
	}
	if b.aliases++; b.aliases > maxAliases {
		b.stop(at, "too many aliases", fmt.Sprintf("at most %d in one document", maxAliases))
		return nil
	}
	return b.build(target, depth)
}

func (b *builder) pair(out *node, pair *ast.MappingValueNode, depth int) {
	if b.stopped {
		return
	}
	keyNode := pair.Key
	at := spanOf(keyNode.GetToken())
	if keyNode.IsMergeKey() {
		b.merge(out, b.build(pair.Value, depth+1), at)
		return
	}
	key := keyNode.GetToken().Value
	if s, ok := keyNode.(*ast.StringNode); ok {
		key = s.Value
	} else if k, ok := keyNode.(*ast.MappingKeyNode); ok {
		key = k.Value.GetToken().Value
	}
	value := b.build(pair.Value, depth+1)
	if value == nil {
		return
	}
	if value.at.line == 0 {
		value.at = at
	}
	for i := range out.entries {
		if out.entries[i].key != key {
			continue
		}
		if out.entries[i].merged {
			out.entries[i] = entry{key: key, at: at, value: value}
		} else {
			b.report(at, fmt.Sprintf("key %q is given twice", key), fmt.Sprintf("it once; the first stands in line %d", out.entries[i].at.line))
		}
		return
	}
	out.entries = append(out.entries, entry{key: key, at: at, value: value})
}

func (b *builder) merge(out, from *node, at span) {
	switch {
	case from == nil:
	case from.shape == sequence:
		for _, item := range from.items {
			b.merge(out, item, at)
		}
	case from.shape != mapping:
		b.report(at, "a merge key (<<) takes "+from.describe(), "a mapping, mostly an alias of one")
	default:
		for _, e := range from.entries {
			if out.get(e.key) == nil {
				e.merged = true
				out.entries = append(out.entries, e)
			}
		}
	}
}

// tooDeep finds the first token that nests deeper than the limit. The parser
// recurses, so depth is checked on the tokens before it runs.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, tags := 0, 0
	var columns []int
	for _, t := range tokens {
		if t.Type == token.TagType || t.Type == token.AnchorType {
			if tags++; tags > maxDepth {
				return t
			}
			continue
		}
		if t.Type != token.StringType {
			tags = 0
		}
		column := 0
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType:
			column = t.Position.Column
		case token.MappingValueType:
			if t.Prev != nil {
				column = t.Prev.Position.Column
			}
		}
		if column > 0 && flow == 0 {
			for len(columns) > 0 && columns[len(columns)-1] > column {
				columns = columns[:len(columns)-1]
			}
			if len(columns) == 0 || columns[len(columns)-1] < column {
				columns = append(columns, column)
			}
		}
		if flow+len(columns) > 2*maxDepth {
			return t
		}
	}
	return nil
}
