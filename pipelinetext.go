package trimtab

import (
	"slices"
	"strings"
)

// A Word is one word of a command line: literal text and references such as
// {{ params.days }} in the order in which they stand. A value that replaces a
// reference never makes more words, whatever it contains.
type Word []WordPart

// WordPart is literal text, or a reference when Ref is set ("params.days").
type WordPart struct {
	Text string
	Ref  string
}

// Expand replaces each reference by its value. A reference that lookup does not
// know is Invalid.
func (w Word) Expand(lookup func(ref string) (string, bool)) (string, error) {
	var b strings.Builder
	for _, p := range w {
		if p.Ref == "" {
			b.WriteString(p.Text)
			continue
		}
		v, ok := lookup(p.Ref)
		if !ok {
			return "", Errorf(Invalid, "template", "{{ %s }} has no value", p.Ref)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// Refs lists the references of the words, sorted, each once.
func Refs(words ...Word) []string {
	var refs []string
	for _, w := range words {
		for _, p := range w {
			if p.Ref != "" && !slices.Contains(refs, p.Ref) {
				refs = append(refs, p.Ref)
			}
		}
	}
	slices.Sort(refs)
	return refs
}

// ParseTemplate reads text with references as one word, without splitting it.
func ParseTemplate(s string) (Word, error) {
	var w Word
	for s != "" {
		i := strings.Index(s, "{{")
		if i < 0 {
			return append(w, WordPart{Text: s}), nil
		}
		if i > 0 {
			w = append(w, WordPart{Text: s[:i]})
		}
		ref, n, err := parseRef(s[i:])
		if err != nil {
			return nil, err
		}
		w = append(w, WordPart{Ref: ref})
		s = s[i+n:]
	}
	return w, nil
}

// parseRef reads "{{ a.b }}" at the beginning of s and returns its length.
func parseRef(s string) (ref string, n int, err error) {
	end := strings.Index(s, "}}")
	if end < 0 {
		return "", 0, Errorf(Invalid, "template", "%q opens with {{ and never closes: expected }}", clip(s))
	}
	ref = strings.TrimSpace(s[2:end])
	space, name, ok := strings.Cut(ref, ".")
	if !ok || (space != "params" && space != "run") || !refName(name) {
		return "", 0, Errorf(Invalid, "template", "{{ %s }} is no reference: expected {{ params.NAME }} or {{ run.NAME }}", ref)
	}
	return ref, end + 2, nil
}

func refName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// ParseCommand splits a command line into words as a POSIX shell would with
// quotes and backslashes, and nothing else of a shell: an unquoted operator or
// variable is Invalid and the message says what to write instead.
func ParseCommand(s string) ([]Word, error) {
	var words []Word
	var w Word
	var lit strings.Builder
	open := false // a word has begun, if only with empty quotes
	flush := func() {
		if lit.Len() > 0 {
			w = append(w, WordPart{Text: lit.String()})
			lit.Reset()
		}
	}
	done := func() {
		flush()
		if open || len(w) > 0 {
			if len(w) == 0 {
				w = Word{{Text: ""}}
			}
			words = append(words, w)
		}
		w, open = nil, false
	}
	quote := byte(0)
	for i := 0; i < len(s); {
		c := s[i]
		if strings.HasPrefix(s[i:], "{{") {
			ref, n, err := parseRef(s[i:])
			if err != nil {
				return nil, err
			}
			flush()
			w, open = append(w, WordPart{Ref: ref}), true
			i += n
			continue
		}
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			done()
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == quote && quote != 0:
			quote = 0
		case c == '\\' && quote != '\'':
			if i+1 == len(s) {
				return nil, Errorf(Invalid, "command", "the command ends with a backslash")
			}
			i++
			if n := s[i]; n == '\n' && quote == 0 { // a line continued
			} else if quote == '"' && n != '"' && n != '\\' && n != '$' && n != '`' {
				lit.WriteByte('\\')
				lit.WriteByte(n)
			} else {
				lit.WriteByte(n)
				open = true
			}
		case quote == 0 && strings.IndexByte("|&;<>()`", c) >= 0:
			return nil, Errorf(Invalid, "command", "%q is a shell's operator and there is no shell: quote it, or write sh -c '…'", string(c))
		case quote != '\'' && c == '$' && i+1 < len(s) && (refName(s[i+1:i+2]) && s[i+1] != '-' || s[i+1] == '{' || s[i+1] == '('):
			return nil, Errorf(Invalid, "command", "%q is not replaced because there is no shell: let the program read its environment, or write sh -c '…'", clip(s[i:]))
		default:
			lit.WriteByte(c)
			open = true
		}
		i++
	}
	if quote != 0 {
		return nil, Errorf(Invalid, "command", "the quote %c never closes", quote)
	}
	done()
	if len(words) == 0 {
		return nil, Errorf(Invalid, "command", "the command is empty")
	}
	return words, nil
}

// clip shortens s to its first line and 40 bytes, for messages.
func clip(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
