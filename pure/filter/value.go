package filter

import (
	"math"
	"strconv"
)

// Kind is the kind of what a key holds and of what it is compared with.
type Kind uint8

const (
	KindText   Kind = iota // strings, compared byte for byte
	KindNumber             // numbers, compared as numbers
)

func (k Kind) String() string {
	if k == KindNumber {
		return "number"
	}
	return "string"
}

// Value is a literal of a filter. A string is in Text. A number is in Number,
// and Text keeps it as it was written, so that an integer beyond 2^53 loses
// nothing: see [Value.Int64]. A literal beyond the range of float64 is an
// infinity, as it is in MLflow.
type Value struct {
	Kind   Kind
	Text   string
	Number float64
}

// Text makes a string value.
func Text(s string) Value { return Value{Kind: KindText, Text: s} }

// Number makes a numeric value.
func Number(f float64) Value {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	switch {
	case math.IsInf(f, 1):
		text = "Infinity"
	case math.IsInf(f, -1):
		text = "-Infinity"
	}
	return Value{Kind: KindNumber, Text: text, Number: f}
}

// Int64 returns the exact integer of a number that was written as one and fits,
// and false for every other value.
func (v Value) Int64() (int64, bool) {
	if v.Kind != KindNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil
}

// IsNaN reports whether v is the literal NaN. It occurs only as the value of
// = and != on a metric.
func (v Value) IsNaN() bool { return v.Kind == KindNumber && math.IsNaN(v.Number) }

// String spells v so that the parser reads it back.
func (v Value) String() string {
	if v.Kind == KindNumber {
		return v.Text
	}
	return quote(v.Text, '\'', '"')
}

// quote encloses text in the first of the two quotes that can hold it: one
// whose every run inside the text has even length. A text that neither can
// hold is never the result of parsing; its quotes are doubled.
func quote(text string, first, second byte) string {
	for _, q := range [...]byte{first, second} {
		if holds(text, q) {
			return string(q) + text + string(q)
		}
	}
	doubled := make([]byte, 0, len(text)+8)
	doubled = append(doubled, first)
	for i := range len(text) {
		if text[i] == first {
			doubled = append(doubled, first)
		}
		doubled = append(doubled, text[i])
	}
	return string(append(doubled, first))
}

// holds reports whether text can stand between two q.
func holds(text string, q byte) bool {
	run := 0
	for i := range len(text) {
		if text[i] == q {
			run++
			continue
		}
		if run%2 != 0 {
			return false
		}
		run = 0
	}
	return run%2 == 0
}

// parseNumber reads a decimal literal: digits with an optional point, sign and
// exponent. Hexadecimal, underscores and names are not numbers here.
func parseNumber(text string) (Value, bool) {
	body := text
	if body != "" && (body[0] == '+' || body[0] == '-') {
		body = body[1:]
	}
	digits := 0
	i := 0
	for ; i < len(body) && isDigit(body[i]); i++ {
		digits++
	}
	if i < len(body) && body[i] == '.' {
		for i++; i < len(body) && isDigit(body[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return Value{}, false
	}
	if i < len(body) && (body[i] == 'e' || body[i] == 'E') {
		i++
		if i < len(body) && (body[i] == '+' || body[i] == '-') {
			i++
		}
		from := i
		for ; i < len(body) && isDigit(body[i]); i++ {
		}
		if i == from {
			return Value{}, false
		}
	}
	if i != len(body) {
		return Value{}, false
	}
	if text[0] == '+' {
		text = body
	}
	// The only error left is a value out of range, for which the result is the
	// infinity of the right sign.
	f, _ := strconv.ParseFloat(text, 64)
	return Value{Kind: KindNumber, Text: text, Number: f}, true
}

// parseSpecial reads the numbers that have no digits.
func parseSpecial(text string) (Value, bool) {
	body, negative := text, false
	if body != "" && (body[0] == '+' || body[0] == '-') {
		body, negative = body[1:], body[0] == '-'
	}
	switch {
	case equalFold(body, "nan") && body == text:
		return Number(math.NaN()), true
	case equalFold(body, "infinity"), equalFold(body, "inf"):
		if negative {
			return Number(math.Inf(-1)), true
		}
		return Number(math.Inf(1)), true
	}
	return Value{}, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
