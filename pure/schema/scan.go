package schema

import (
	"unicode/utf16"
	"unicode/utf8"
)

// scan walks over JSON. The first syntax error sticks: after it every method returns at once and peek returns 0, so
// that callers look at err once at the end. As Python's json does, it takes NaN, Infinity and -Infinity for numbers.
type scan struct {
	b     []byte
	i     int
	err   *SyntaxError
	text  []byte // of a string with escapes
	depth int
}

// maxDepth bounds the nesting of a body.
const maxDepth = 64

// span is a piece of the body; an empty one means absent.
type span struct{ from, to int }

func (s *scan) reset(b []byte) { s.b, s.i, s.err, s.depth = b, 0, nil, 0 }

func (s *scan) fail(msg string) { s.failAt(s.i, msg) }

func (s *scan) failAt(at int, msg string) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: at, Msg: msg}
	}
	s.i = len(s.b)
}

// peek skips blanks and returns the next byte, 0 at the end.
func (s *scan) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scan) expect(c byte, where string) {
	if s.peek() != c {
		s.fail("expected '" + string(rune(c)) + "' " + where)
		return
	}
	s.i++
}

// open enters a list or object.
func (s *scan) open(c byte, where string) {
	s.expect(c, where)
	if s.depth++; s.depth > maxDepth {
		s.fail("nested too deeply")
	}
}

// more steps to the next element of what open has entered, or leaves it at the closing byte. first tells the first
// call.
func (s *scan) more(closing byte, first bool) bool {
	if s.err != nil {
		return false
	}
	c := s.peek()
	if c == closing {
		s.i++
		s.depth--
		return false
	}
	if first {
		return true
	}
	if c != ',' {
		s.fail("expected ',' or '" + string(rune(closing)) + "'")
		return false
	}
	s.i++
	if s.peek() == closing {
		s.fail("a comma before the end")
		return false
	}
	return true
}

// key reads a key and its colon; the bytes are valid until the next string.
func (s *scan) key() []byte {
	if s.peek() != '"' {
		s.fail("expected a key in quotes")
		return nil
	}
	k := s.str()
	s.expect(':', "behind a key")
	return k
}

// str reads a string at its opening quote; the bytes are valid until the next call.
func (s *scan) str() []byte {
	s.i++
	begin := s.i
	for i := begin; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[begin:i]
		case c == '\\':
			return s.escaped(begin, i)
		case c < ' ':
			s.failAt(i, "a control character in a string")
			return nil
		}
	}
	s.failAt(begin-1, "a string that never ends")
	return nil
}

// escaped reads on a string from its first backslash at i.
func (s *scan) escaped(begin, i int) []byte {
	s.text = append(s.text[:0], s.b[begin:i]...)
	for i < len(s.b) {
		c := s.b[i]
		switch {
		case c == '"':
			s.i = i + 1
			return s.text
		case c < ' ':
			s.failAt(i, "a control character in a string")
			return nil
		case c != '\\':
			s.text = append(s.text, c)
			i++
			continue
		}
		if i+1 == len(s.b) {
			break
		}
		i += 2
		switch s.b[i-1] {
		case '"', '\\', '/':
			s.text = append(s.text, s.b[i-1])
		case 'b':
			s.text = append(s.text, '\b')
		case 'f':
			s.text = append(s.text, '\f')
		case 'n':
			s.text = append(s.text, '\n')
		case 'r':
			s.text = append(s.text, '\r')
		case 't':
			s.text = append(s.text, '\t')
		case 'u':
			r := s.hex(i)
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+1 < len(s.b) && s.b[i] == '\\' && s.b[i+1] == 'u' {
					low = s.hex(i + 2)
					i += 6
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					s.failAt(min(i, len(s.b)), "half a surrogate pair in a string")
				}
			}
			if s.err != nil {
				return nil
			}
			s.text = utf8.AppendRune(s.text, r)
		default:
			s.failAt(i-2, "an unknown escape in a string")
			return nil
		}
	}
	s.failAt(begin-1, "a string that never ends")
	return nil
}

func (s *scan) hex(i int) rune {
	if i+4 > len(s.b) {
		s.failAt(len(s.b), "a string that never ends")
		return 0
	}
	var r rune
	for _, c := range s.b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			s.failAt(i, "an escape without four hexadecimal digits")
			return 0
		}
	}
	return r
}

// word reads one of true, false, null, NaN, Infinity and -Infinity.
func (s *scan) word(w string) {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		s.fail("expected a value")
		return
	}
	s.i += len(w)
}

// number reads a number of JSON and reports whether it is whole, without fraction and exponent.
func (s *scan) number() (text []byte, whole bool) {
	begin, i, b := s.i, s.i, s.b
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	from := i
	ok := digits() && !(zero && i > from+1)
	whole = true
	if ok && i < len(b) && b[i] == '.' {
		i++
		whole, ok = false, digits()
	}
	if ok && i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		whole, ok = false, digits()
	}
	if !ok {
		s.failAt(begin, "expected a value")
		return nil, false
	}
	s.i = i
	return b[begin:i], whole
}

// kind is what a value is, seen from its first byte.
type kind uint8

const (
	bad kind = iota
	null
	boolean
	number
	special // NaN, Infinity, -Infinity
	text
	list
	object
)

func (s *scan) kind() kind {
	switch c := s.peek(); c {
	case 'n':
		return null
	case 't', 'f':
		return boolean
	case 'N', 'I':
		return special
	case '"':
		return text
	case '[':
		return list
	case '{':
		return object
	case '-':
		if s.i+1 < len(s.b) && s.b[s.i+1] == 'I' {
			return special
		}
		return number
	default:
		if c-'0' <= 9 {
			return number
		}
	}
	return bad
}

// skip reads over one value of any kind and returns where it lies.
func (s *scan) skip() span {
	k := s.kind()
	from := s.i
	switch k {
	case null:
		s.word("null")
	case boolean:
		s.bool()
	case special:
		s.special()
	case number:
		s.number()
	case text:
		s.str()
	case list:
		s.open('[', "")
		for first := true; s.more(']', first); first = false {
			s.skip()
		}
	case object:
		s.open('{', "")
		for first := true; s.more('}', first); first = false {
			s.key()
			s.skip()
		}
	default:
		s.fail("expected a value")
	}
	return span{from, s.i}
}

func (s *scan) bool() bool {
	if s.b[s.i] == 't' {
		s.word("true")
		return true
	}
	s.word("false")
	return false
}

// special returns 'N' for NaN, '+' and '-' for the infinities.
func (s *scan) special() byte {
	switch s.b[s.i] {
	case 'N':
		s.word("NaN")
		return 'N'
	case 'I':
		s.word("Infinity")
		return '+'
	}
	s.word("-Infinity")
	return '-'
}

// end checks that nothing follows.
func (s *scan) end() {
	if s.err == nil && s.peek() != 0 || s.i < len(s.b) {
		s.fail("text behind the value")
	}
}
