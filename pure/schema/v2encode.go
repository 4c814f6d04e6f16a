package schema

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/table"
)

// V2Response is the JSON body of an inference response.
type V2Response struct {
	ModelName    string
	ModelVersion string // "" = left out
	ID           string // "" = left out
	Parameters   json.RawMessage
	Outputs      []Tensor
}

// AppendJSON appends the response. Data is flat, in row-major order; NaN and null are null, floats are printed so that
// they read back to the same float64 (FP32 as the float64 it equals). An infinity has no JSON form and is an *Error
// that names output and element.
func (r *V2Response) AppendJSON(b []byte) ([]byte, error) {
	b = append(b, `{"model_name":`...)
	b = AppendString(b, r.ModelName)
	if r.ModelVersion != "" {
		b = AppendString(append(b, `,"model_version":`...), r.ModelVersion)
	}
	if r.ID != "" {
		b = AppendString(append(b, `,"id":`...), r.ID)
	}
	if len(r.Parameters) > 0 {
		b = append(append(b, `,"parameters":`...), r.Parameters...)
	}
	b = append(b, `,"outputs":[`...)
	for i, o := range r.Outputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(append(b, `{"name":`...), o.Name)
		b = AppendString(append(b, `,"datatype":`...), o.Datatype)
		b = append(b, `,"shape":[`...)
		for k, n := range o.Shape {
			if k > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		b = append(b, ']')
		if len(o.Parameters) > 0 {
			b = append(append(b, `,"parameters":`...), o.Parameters...)
		}
		b = append(b, `,"data":[`...)
		for row := range o.Data.Len() {
			if row > 0 {
				b = append(b, ',')
			}
			var ok bool
			if b, ok = AppendValue(b, o.Data, row); !ok {
				return nil, one(Problem{Column: o.Name, Row: row, Expected: "a number that JSON can hold", Got: o.Data.Text(row)})
			}
		}
		b = append(b, `]}`...)
	}
	return append(b, `]}`...), nil
}

// AppendValue appends row i of a column as JSON: null and NaN as null, floats in the shortest form that reads back to
// the same float64 and a float32 as the float64 it equals, times in RFC 3339, bytes in base64. It reports false and
// appends nothing for an infinity, which JSON does not have.
func AppendValue(b []byte, c *table.Column, i int) ([]byte, bool) {
	if c.Missing(i) {
		return append(b, "null"...), true
	}
	switch c.Type {
	case table.Float32:
		return AppendFloat(b, float64(c.Float32s[i]))
	case table.Float64:
		return AppendFloat(b, c.Float64s[i])
	case table.String:
		return AppendString(b, c.Strings[i]), true
	case table.Bytes, table.Datetime:
		b = append(b, '"')
		return append(c.AppendText(b, i), '"'), true
	}
	return c.AppendText(b, i), true
}

// AppendFloat appends a float64 as JSON, as Python prints it: with a fraction or an exponent always, NaN as null. It
// reports false and appends nothing for an infinity.
func AppendFloat(b []byte, v float64) ([]byte, bool) {
	switch {
	case v != v:
		return append(b, "null"...), true
	case math.IsInf(v, 0):
		return b, false
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, v, 'e', -1, 64), true
	}
	n := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	for _, c := range b[n:] {
		if c == '.' {
			return b, true
		}
	}
	return append(b, ".0"...), true
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string; bytes that are no UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}
