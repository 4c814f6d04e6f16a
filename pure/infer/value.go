package infer

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// value is a parsed piece of a JSON or UBJSON document. Arrays of numbers stay as they stand in the file
// and are decoded when asked for, straight into the type that the model needs: a decimal read as float64
// and then rounded to float32 would sometimes be rounded twice.
type value struct {
	kind  valueKind
	off   int
	text  string   // of a text or a single JSON number
	keys  []string // of an object, beside items
	items []value
	raw   []byte // of numbers
	elem  byte   // of numbers: the UBJSON type, or 0 for JSON text
	count int    // of numbers
}

type valueKind byte

const (
	kindNull valueKind = iota
	kindText
	kindNumber  // one number
	kindNumbers // an array of numbers; also the empty array
	kindList    // an array of anything else
	kindObject
)

func (k valueKind) String() string {
	return [...]string{"null", "text", "number", "array of numbers", "array", "object"}[k]
}

// maxDepth bounds nesting; XGBoost's documents are seven levels deep.
const maxDepth = 64

// get returns a member of an object, or nil when v is no object or has no such member.
func (v *value) get(key string) *value {
	if v == nil || v.kind != kindObject {
		return nil
	}
	for i, k := range v.keys {
		if k == key {
			return &v.items[i]
		}
	}
	return nil
}

// wrong says that v, found at path, is not what belongs there. v may be nil.
func (v *value) wrong(path, want string) error {
	if v == nil {
		return &FormatError{What: path + " is absent", Want: want}
	}
	return &FormatError{Offset: v.off, What: path + " is " + v.kind.String(), Want: want}
}

// object returns v when it is an object.
func (v *value) object(path string) (*value, error) {
	if v == nil || v.kind != kindObject {
		return nil, v.wrong(path, "an object")
	}
	return v, nil
}

// str returns a text.
func (v *value) str(path string) (string, error) {
	if v == nil || v.kind != kindText {
		return "", v.wrong(path, "a text")
	}
	return v.text, nil
}

// integer returns a whole number, which XGBoost's parameters write as text.
func (v *value) integer(path string, low, high int) (int, error) {
	if v == nil || v.kind != kindText {
		return 0, v.wrong(path, "a whole number as text")
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < low || n > high {
		return 0, &FormatError{Offset: v.off, What: fmt.Sprintf("%s is %q", path, v.text), Want: fmt.Sprintf("a whole number from %d to %d", low, high)}
	}
	return n, nil
}

// list returns the items of an array of non-numbers; an empty array has none.
func (v *value) list(path string) ([]value, error) {
	switch {
	case v != nil && v.kind == kindList:
		return v.items, nil
	case v != nil && v.kind == kindNumbers && v.count == 0:
		return nil, nil
	}
	return nil, v.wrong(path, "an array")
}

// texts returns an array of texts.
func (v *value) texts(path string) ([]string, error) {
	items, err := v.list(path)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i := range items {
		if out[i], err = items[i].str(fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// elemSize is the width of a UBJSON number, or 0 for anything else.
func elemSize(elem byte) int {
	switch elem {
	case 'i', 'U':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

// numbers checks that v is an array of numbers and gives each of them to text (JSON) or binary (UBJSON).
func (v *value) numbers(path string, n int, text func(i int, token string) bool, bin func(i int, b []byte) bool) error {
	if v == nil || v.kind != kindNumbers {
		return v.wrong(path, "an array of numbers")
	}
	if n >= 0 && v.count != n {
		return &FormatError{Offset: v.off, What: fmt.Sprintf("%s has %d numbers", path, v.count), Want: strconv.Itoa(n)}
	}
	if v.elem != 0 {
		size := elemSize(v.elem)
		for i := range v.count {
			if !bin(i, v.raw[i*size:(i+1)*size]) {
				return &FormatError{Offset: v.off, What: fmt.Sprintf("%s[%d] is of type %q and out of range", path, i, v.elem), Want: "a number that fits"}
			}
		}
		return nil
	}
	rest := v.raw
	for i := range v.count {
		token, tail := nextToken(rest)
		if !text(i, string(token)) {
			return &FormatError{Offset: v.off, What: fmt.Sprintf("%s[%d] is %.40q", path, i, token), Want: "a number that fits"}
		}
		rest = tail
	}
	return nil
}

// integers returns an array of n whole numbers from low to high; n < 0 means any length. JSON booleans
// count as 0 and 1, as files before XGBoost 1.6 write them.
func (v *value) integers(path string, n int, low, high int64) ([]int64, error) {
	if v == nil {
		return nil, v.wrong(path, "an array of numbers")
	}
	out := make([]int64, v.count)
	err := v.numbers(path, n, func(i int, token string) bool {
		switch token {
		case "true":
			token = "1"
		case "false":
			token = "0"
		}
		x, err := strconv.ParseInt(token, 10, 64)
		out[i] = x
		return err == nil && x >= low && x <= high
	}, func(i int, b []byte) bool {
		x, ok := binaryInteger(v.elem, b)
		out[i] = x
		return ok && x >= low && x <= high
	})
	return out, err
}

func binaryInteger(elem byte, b []byte) (int64, bool) {
	switch elem {
	case 'i':
		return int64(int8(b[0])), true
	case 'U':
		return int64(b[0]), true
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(b))), true
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(b))), true
	case 'L':
		return int64(binary.BigEndian.Uint64(b)), true
	}
	return 0, false
}

// float32s returns an array of n numbers, each rounded once.
func (v *value) float32s(path string, n int) ([]float32, error) {
	if v == nil {
		return nil, v.wrong(path, "an array of numbers")
	}
	out := make([]float32, v.count)
	err := v.numbers(path, n, func(i int, token string) bool {
		x, ok := parseFloat(token, 32)
		out[i] = float32(x)
		return ok
	}, func(i int, b []byte) bool {
		switch v.elem {
		case 'd':
			out[i] = math.Float32frombits(binary.BigEndian.Uint32(b))
			return true
		case 'D':
			out[i] = float32(math.Float64frombits(binary.BigEndian.Uint64(b)))
			return true
		}
		x, ok := binaryInteger(v.elem, b)
		out[i] = float32(x)
		return ok
	})
	return out, err
}

// parseFloat reads a decimal number, or the tokens that XGBoost writes for the others.
func parseFloat(token string, bits int) (float64, bool) {
	switch token {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if !numeric(token) { // strconv would also read hexadecimal digits and other words
		return 0, false
	}
	x, err := strconv.ParseFloat(token, bits)
	return x, err == nil
}
