package infer

import (
	"encoding/json"
	"fmt"
)

// jsonReader reads the JSON that XGBoost writes, which is JSON with bare NaN and Infinity. It allows no
// duplicate keys, no array that mixes numbers with other things, and nothing after the document.
type jsonReader struct {
	data []byte
	pos  int
}

func parseJSON(data []byte) (*value, error) {
	r := &jsonReader{data: data}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.peek() != 0 || r.pos < len(data) {
		return nil, r.fail("text after the document", "the end of the file")
	}
	return &v, nil
}

func (r *jsonReader) fail(what, want string) error {
	return &FormatError{Offset: r.pos, What: what, Want: want}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (r *jsonReader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) found() string {
	if r.pos >= len(r.data) {
		return "end of file"
	}
	return fmt.Sprintf("%q", r.data[r.pos])
}

func (r *jsonReader) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, r.fail("deep nesting", fmt.Sprintf("at most %d levels", maxDepth))
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		off := r.pos
		s, err := r.text()
		return value{kind: kindText, off: off, text: s}, err
	case isTokenByte(c):
		off := r.pos
		token := r.token()
		if string(token) == "null" {
			return value{kind: kindNull, off: off}, nil
		}
		if !isNumber(token) {
			r.pos = off
			return value{}, r.fail(fmt.Sprintf("%.40q", token), "a value")
		}
		return value{kind: kindNumber, off: off, text: string(token)}, nil
	}
	return value{}, r.fail(r.found(), "a value")
}

func (r *jsonReader) object(depth int) (value, error) {
	v := value{kind: kindObject, off: r.pos}
	r.pos++
	if r.peek() == '}' {
		r.pos++
		return v, nil
	}
	seen := map[string]bool{}
	for {
		if r.peek() != '"' {
			return v, r.fail(r.found(), "a key")
		}
		at := r.pos
		key, err := r.text()
		if err != nil {
			return v, err
		}
		if seen[key] {
			r.pos = at
			return v, r.fail(fmt.Sprintf("second key %.40q", key), "each key once")
		}
		seen[key] = true
		if r.peek() != ':' {
			return v, r.fail(r.found(), "':'")
		}
		r.pos++
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys, v.items = append(v.keys, key), append(v.items, item)
		switch r.peek() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			return v, nil
		default:
			return v, r.fail(r.found(), "',' or '}'")
		}
	}
}

func (r *jsonReader) array(depth int) (value, error) {
	v := value{kind: kindNumbers, off: r.pos}
	r.pos++
	first := r.peek()
	if first == ']' {
		r.pos++
		return v, nil
	}
	numbers := isTokenByte(first)
	if !numbers {
		v.kind = kindList
	}
	start := r.pos
	for {
		if c := r.peek(); isTokenByte(c) != numbers {
			return v, r.fail(r.found(), "an array of one kind")
		}
		if numbers {
			at := r.pos
			if token := r.token(); !isNumber(token) {
				r.pos = at
				return v, r.fail(fmt.Sprintf("%.40q", token), "a number")
			}
			v.count++
		} else {
			item, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
		switch r.peek() {
		case ',':
			r.pos++
		case ']':
			if numbers {
				v.raw = r.data[start:r.pos]
			}
			r.pos++
			return v, nil
		default:
			return v, r.fail(r.found(), "',' or ']'")
		}
	}
}

func (r *jsonReader) text() (string, error) {
	start := r.pos
	for r.pos++; r.pos < len(r.data); r.pos++ {
		switch r.data[r.pos] {
		case '\\':
			r.pos++
		case '"':
			r.pos++
			raw := r.data[start:r.pos]
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				r.pos = start
				return "", r.fail("broken text", "a JSON text")
			}
			return s, nil
		}
	}
	r.pos = start
	return "", r.fail("text without end", `'"'`)
}

func (r *jsonReader) token() []byte {
	start := r.pos
	for r.pos < len(r.data) && isTokenByte(r.data[r.pos]) {
		r.pos++
	}
	return r.data[start:r.pos]
}

// isTokenByte tells the bytes that numbers and bare words are made of.
func isTokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

// isNumber tells the tokens that may stand where a number belongs. Whether the digits make one is found
// out when the number is decoded; most arrays of a model never are.
func isNumber(token []byte) bool {
	switch string(token) {
	case "true", "false", "NaN", "Infinity", "-Infinity":
		return true
	}
	return len(token) > 0 && len(token) < 64 && numeric(token)
}

// numeric tells whether s has only the bytes of a decimal number.
func numeric[S []byte | string](s S) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return false
		}
	}
	return true
}

// nextToken cuts the first number off an array's inside.
func nextToken(b []byte) (token, rest []byte) {
	for len(b) > 0 && !isTokenByte(b[0]) {
		b = b[1:]
	}
	n := 0
	for n < len(b) && isTokenByte(b[n]) {
		n++
	}
	return b[:n], b[n:]
}
