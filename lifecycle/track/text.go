package track

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
)

// Limits of lengths, in characters, as MLflow has them.
const (
	MaxKey                = 250 // of a metric, param or tag
	MaxParamValue         = 6000
	MaxTagValue           = 8000
	MaxExperimentName     = 500
	MaxExperimentTagValue = 20000
	MaxDatasetName        = 500
	MaxDatasetDigest      = 36
	MaxDatasetSource      = 65535
	MaxDatasetSchema      = 1048575
	MaxDatasetProfile     = 16777215
	MaxInputTagKey        = 255
	MaxInputTagValue      = 500
)

func invalid(subject, format string, args ...any) error {
	return trimtab.Errorf(trimtab.Invalid, subject, format, args...)
}

// invalidValue is MLflow's sentence about a value at a place of the request.
func invalidValue(place, value, why string) error {
	return invalid(place, "Invalid value %s for parameter '%s' supplied: %s", Quoted(value), place, why)
}

// checkKey refuses a key that could not be the name of a file: MLflow keeps to
// that so that every store can hold every key.
func checkKey(key, place string) error {
	for _, r := range key {
		if !keyRune(r) {
			return invalidValue(place, key, "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).")
		}
	}
	if clean := path.Clean(key); clean != key || clean == "." || strings.HasPrefix(clean, "..") || strings.HasPrefix(clean, "/") {
		return invalidValue(place, key, "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to "+PythonString(clean))
	}
	return nil
}

func keyRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r == '_', r == '-', r == '.', r == ' ', r == ':', r == '/':
		return true
	case r < utf8.RuneSelf:
		return false
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// tooLong reports whether s has more than limit characters.
func tooLong(s string, limit int) bool {
	return len(s) > limit && utf8.RuneCountInString(s) > limit
}

func checkLength(what, s string, limit int) error {
	if tooLong(s, limit) {
		return invalid(what, "'%s' exceeds the maximum length of %d characters", what, limit)
	}
	return nil
}

// cut shortens s to limit characters. MLflow cuts the values of params and tags
// by default instead of refusing them.
func cut(s string, limit int) string {
	if !tooLong(s, limit) {
		return s
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

// Quoted spells a string as Python's json.dumps does: ASCII only.
func Quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	var b strings.Builder
	for _, r := range unescaped.Replace(string(raw)) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			b.WriteString(unicodeEscape(hi) + unicodeEscape(lo))
		default:
			b.WriteString(unicodeEscape(r))
		}
	}
	return b.String()
}

// unescaped undoes what Go escapes for HTML and Python does not.
var unescaped = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

func unicodeEscape(r rune) string {
	h := strconv.FormatInt(int64(r), 16)
	return `\u` + strings.Repeat("0", max(0, 4-len(h))) + h
}

// PythonString spells a string as Python's repr does, near enough for a message.
func PythonString(s string) string {
	q := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = `"`
	}
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
	if q == "'" {
		s = strings.ReplaceAll(s, "'", `\'`)
	}
	return q + s + q
}

// PythonFloat spells a number as Python does: always with a point or an exponent.
func PythonFloat(v float64) string { return string(AppendFloat(nil, v)) }

// AppendFloat appends a finite number as Python spells it.
func AppendFloat(b []byte, v float64) []byte {
	abs := max(v, -v)
	if abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	from := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	for _, c := range b[from:] {
		if c == '.' || c == 'N' || c == 'I' {
			return b
		}
	}
	return append(b, '.', '0')
}

// PythonList spells a list of strings as Python does.
func PythonList(items []string) string {
	parts := make([]string, len(items))
	for i, s := range items {
		parts[i] = PythonString(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
