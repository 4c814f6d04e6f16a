package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner reads the words of a filter on demand. What a character begins
// depends on the place (a double quote opens a key on the left of an operator
// and a string on its right), so the parser asks for what it expects.
type scanner struct {
	text string
	at   int // byte offset of the next character
}

// space skips white space and reports whether anything is left.
func (s *scanner) space() bool {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !unicode.IsSpace(r) {
			return true
		}
		s.at += size
	}
	return false
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// word reads a run of characters of bare names, with dots if asked to.
func (s *scanner) word(dots bool) string {
	from := s.at
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !isWordRune(r) && (!dots || r != '.') {
			break
		}
		s.at += size
	}
	return s.text[from:s.at]
}

// keyword consumes the given upper-case word, in any case, if it is next.
func (s *scanner) keyword(word string) bool {
	if !s.sees(word) {
		return false
	}
	s.at += len(word)
	return true
}

// sees reports whether the given upper-case word comes next, as a whole and
// without a dot behind it.
func (s *scanner) sees(word string) bool {
	rest := s.text[s.at:]
	if len(rest) < len(word) || !equalFold(rest[:len(word)], word) {
		return false
	}
	if len(rest) == len(word) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(rest[len(word):])
	return r != '.' && !isWordRune(r)
}

// quoted reads a text in the quotes that come next and returns what is between
// them, doubled quotes left doubled. It returns false, having moved nowhere,
// when the closing quote is missing.
func (s *scanner) quoted() (string, bool) {
	q := s.text[s.at]
	for i := s.at + 1; i < len(s.text); i++ {
		if s.text[i] != q {
			continue
		}
		if i+1 < len(s.text) && s.text[i+1] == q {
			i++
			continue
		}
		inner := s.text[s.at+1 : i]
		s.at = i + 1
		return inner, true
	}
	return "", false
}

// number reads everything that could have been meant as one number, also what
// is none: 0x10, 1_000, 1e-3, .5, +1.
func (s *scanner) number() string {
	from := s.at
	if c := s.peek(); c == '+' || c == '-' {
		s.at++
	}
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		exponent := s.at > from && (r == '+' || r == '-') && s.text[s.at-1]|0x20 == 'e' && strings.ContainsAny(s.text[from:s.at], "0123456789")
		if !isWordRune(r) && r != '.' && !exponent {
			break
		}
		s.at += size
	}
	return s.text[from:s.at]
}

// symbol reads a run of operator characters.
func (s *scanner) symbol() string {
	from := s.at
	for s.at < len(s.text) && strings.IndexByte("<>=!~", s.text[s.at]) >= 0 {
		s.at++
	}
	return s.text[from:s.at]
}

// chunk returns the text from an offset up to the next white space, for
// messages.
func (s *scanner) chunk(from int) string {
	rest := s.text[from:]
	if i := strings.IndexFunc(rest, unicode.IsSpace); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// isWordRune reports whether r can stand in a name without quotes.
func isWordRune(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	case r == utf8.RuneError:
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isBareKey reports whether a key can stand without quotes.
func isBareKey(key string) bool {
	s := scanner{text: key}
	return key != "" && s.word(true) == key
}

// equalFold compares with an ASCII word without its case.
func equalFold(s, ascii string) bool {
	if len(s) != len(ascii) {
		return false
	}
	for i := range len(s) {
		if lowerASCII(s[i]) != lowerASCII(ascii[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
