package infer

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// ubjReader reads the part of Universal Binary JSON (draft 12) that XGBoost writes: objects without a
// count, counted arrays with and without a type, texts, integers and floats, all big-endian.
type ubjReader struct {
	data []byte
	pos  int
}

func parseUBJ(data []byte) (*value, error) {
	r := &ubjReader{data: data}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.pos != len(data) {
		return nil, r.fail("bytes after the document", "the end of the file")
	}
	return &v, nil
}

func (r *ubjReader) fail(what, want string) error {
	return &FormatError{Offset: r.pos, What: what, Want: want}
}

func (r *ubjReader) marker() (byte, error) {
	if r.pos >= len(r.data) {
		return 0, r.fail("end of file", "a type")
	}
	r.pos++
	return r.data[r.pos-1], nil
}

// take returns the next n bytes; n comes from the file.
func (r *ubjReader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(r.data)-r.pos) {
		return nil, r.fail(fmt.Sprintf("length of %d bytes", n), fmt.Sprintf("at most the %d bytes left", len(r.data)-r.pos))
	}
	b := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// length reads a typed integer that counts something.
func (r *ubjReader) length() (int64, error) {
	at := r.pos
	m, err := r.marker()
	if err != nil {
		return 0, err
	}
	if size := elemSize(m); size > 0 && m != 'd' && m != 'D' {
		b, err := r.take(int64(size))
		if err != nil {
			return 0, err
		}
		if n, _ := binaryInteger(m, b); n >= 0 {
			return n, nil
		}
	}
	r.pos = at
	return 0, r.fail(fmt.Sprintf("%q", m), "a length")
}

func (r *ubjReader) text() (string, error) {
	n, err := r.length()
	if err != nil {
		return "", err
	}
	b, err := r.take(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", r.fail("text that is not UTF-8", "UTF-8")
	}
	return string(b), nil
}

func (r *ubjReader) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, r.fail("deep nesting", fmt.Sprintf("at most %d levels", maxDepth))
	}
	off := r.pos
	m, err := r.marker()
	if err != nil {
		return value{}, err
	}
	if size := elemSize(m); size > 0 {
		b, err := r.take(int64(size))
		return value{kind: kindNumber, off: off, elem: m, raw: b, count: 1}, err
	}
	switch m {
	case '{':
		return r.object(off, depth)
	case '[':
		return r.array(off, depth)
	case 'S':
		s, err := r.text()
		return value{kind: kindText, off: off, text: s}, err
	case 'Z':
		return value{kind: kindNull, off: off}, nil
	case 'T', 'F':
		b := []byte{0}
		if m == 'T' {
			b[0] = 1
		}
		return value{kind: kindNumber, off: off, elem: 'U', raw: b, count: 1}, nil
	}
	r.pos = off
	return value{}, r.fail(fmt.Sprintf("%q", m), "a type of UBJSON")
}

func (r *ubjReader) object(off, depth int) (value, error) {
	v := value{kind: kindObject, off: off}
	seen := map[string]bool{}
	for {
		if r.pos < len(r.data) && r.data[r.pos] == '}' {
			r.pos++
			return v, nil
		}
		key, err := r.text()
		if err != nil {
			return v, err
		}
		if seen[key] {
			return v, r.fail(fmt.Sprintf("second key %.40q", key), "each key once")
		}
		seen[key] = true
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys, v.items = append(v.keys, key), append(v.items, item)
	}
}

func (r *ubjReader) array(off, depth int) (value, error) {
	v := value{kind: kindList, off: off}
	peek := func() byte {
		if r.pos < len(r.data) {
			return r.data[r.pos]
		}
		return 0
	}
	if peek() == '$' {
		r.pos++
		elem, err := r.marker()
		if err != nil {
			return v, err
		}
		size := elemSize(elem)
		if size == 0 || peek() != '#' {
			return v, r.fail(fmt.Sprintf("array of %q", elem), "a counted array of numbers")
		}
		r.pos++
		n, err := r.length()
		if err != nil {
			return v, err
		}
		if n > int64(len(r.data)) {
			return v, r.fail(fmt.Sprintf("array of %d", n), "an array that the file holds")
		}
		v.kind, v.elem, v.count = kindNumbers, elem, int(n)
		v.raw, err = r.take(n * int64(size))
		return v, err
	}
	n := int64(-1)
	if peek() == '#' {
		r.pos++
		var err error
		if n, err = r.length(); err != nil {
			return v, err
		}
	}
	for i := int64(0); n < 0 || i < n; i++ {
		if n < 0 && peek() == ']' {
			r.pos++
			break
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	return r.numeric(v)
}

// numeric turns an untyped array of numbers, which must be all whole or all of one float type, into an
// array of numbers.
func (r *ubjReader) numeric(v value) (value, error) {
	numbers := 0
	for i := range v.items {
		if v.items[i].kind == kindNumber {
			numbers++
		}
	}
	switch {
	case numbers == 0:
		if len(v.items) == 0 {
			v.kind = kindNumbers
		}
		return v, nil
	case numbers < len(v.items):
		return v, r.fail("array that mixes numbers and other things", "an array of one kind")
	}
	out := value{kind: kindNumbers, off: v.off, elem: v.items[0].elem, count: numbers}
	float := out.elem == 'd' || out.elem == 'D'
	if !float {
		out.elem = 'L'
	}
	for i := range v.items {
		item := &v.items[i]
		x, whole := binaryInteger(item.elem, item.raw)
		switch {
		case float && item.elem == out.elem:
			out.raw = append(out.raw, item.raw...)
		case !float && whole:
			out.raw = binary.BigEndian.AppendUint64(out.raw, uint64(x))
		default:
			return v, r.fail("array that mixes types of numbers", "an array of one kind")
		}
	}
	return out, nil
}
