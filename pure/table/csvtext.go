package table

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

func (x *texts) row(i int) []byte {
	if i == 0 {
		return x.buf[:x.ends[0]]
	}
	return x.buf[x.ends[i-1]:x.ends[i]]
}

// infer returns the narrowest type that takes every value without loss: whole numbers beyond int64 stay text.
func (x *texts) infer() Type {
	isBool, isInt, isFloat, any := true, true, true, false
	for i, st := range x.null {
		if st != value {
			continue
		}
		s := x.row(i)
		any = true
		if isBool {
			_, isBool = parseBool(s, false)
		}
		if isFloat {
			if _, err := parseInt(s, 64); err != nil {
				isInt = false
				_, err = parseFloat(s)
				isFloat = err == nil && !whole(s)
			}
		}
		if !isBool && !isFloat {
			return String
		}
	}
	switch {
	case !any && x.voids():
		return String
	case !any:
		return Float64
	case isBool:
		return Bool
	case isInt:
		return Int64
	}
	return Float64
}

// whole reports whether s is an optional sign and digits.
func whole(s []byte) bool {
	for i, c := range s {
		if (c < '0' || c > '9') && (i > 0 || c != '-' && c != '+') {
			return false
		}
	}
	return true
}

func (x *texts) voids() bool {
	for _, st := range x.null {
		if st == void {
			return true
		}
	}
	return false
}

// parse appends all rows to col. When row i does not fit it returns i and what was expected instead.
func (x *texts) parse(col *Column) (i int, expected string) {
	if col.Type == String {
		return x.strings(col)
	}
	for i, st := range x.null {
		if st == null || st == void && col.Type != Bytes {
			col.AppendNull()
			continue
		}
		s := x.row(i)
		switch col.Type {
		case Bool:
			v, ok := parseBool(s, true)
			if !ok {
				return i, "true or false"
			}
			col.AppendBool(v)
		case Int32:
			v, err := parseInt(s, 32)
			if err != nil {
				return i, "a whole number between -2147483648 and 2147483647"
			}
			col.AppendInt32(int32(v))
		case Int64:
			v, err := parseInt(s, 64)
			if err != nil {
				return i, "a whole number between -9223372036854775808 and 9223372036854775807"
			}
			col.AppendInt64(v)
		case Float32:
			v, err := parseFloat(s)
			f := float32(v)
			if err != nil || math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
				return i, "a number within the range of float32"
			}
			col.AppendFloat32(f)
		case Float64:
			v, err := parseFloat(s)
			if err != nil {
				return i, "a number within the range of float64"
			}
			col.AppendFloat64(v)
		case Bytes:
			v := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
			n, err := base64.StdEncoding.Strict().Decode(v, s)
			if err != nil {
				return i, "base64"
			}
			col.AppendBytes(v[:n])
		case Datetime:
			v, err := ParseDatetime(string(s))
			if err != nil {
				return i, "a date and time as 2013-03-01T07:05:00Z, between the years 1678 and 2262"
			}
			col.AppendInt64(v)
		default:
			return i, "a column with a type"
		}
	}
	return 0, ""
}

// strings makes the rows of a String column share one piece of memory.
func (x *texts) strings(col *Column) (int, string) {
	if !utf8.Valid(x.buf) {
		for i := range x.ends {
			if !utf8.Valid(x.row(i)) {
				return i, "text in UTF-8"
			}
		}
	}
	all := string(x.buf)
	begin := 0
	for i, end := range x.ends {
		if x.null[i] == null {
			col.AppendNull()
		} else {
			col.AppendString(all[begin:end])
		}
		begin = end
	}
	return 0, ""
}

// parseBool reads the spellings of pandas; digits takes 0 and 1 as well, which only a declared type allows.
func parseBool(s []byte, digits bool) (v, ok bool) {
	switch string(s) {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	case "1":
		return true, digits
	case "0":
		return false, digits
	}
	return false, false
}

var errNumber = errors.New("not a number")

// parseInt reads a decimal integer with an optional sign.
func parseInt(s []byte, bits int) (int64, error) {
	if len(s) > 0 && len(s) < 19 { // cannot overflow 64 bits
		neg, d := false, s
		if s[0] == '-' || s[0] == '+' {
			neg, d = s[0] == '-', s[1:]
		}
		if len(d) == 0 {
			return 0, errNumber
		}
		v := int64(0)
		for _, c := range d {
			if c < '0' || c > '9' {
				return 0, errNumber
			}
			v = v*10 + int64(c-'0')
		}
		if neg {
			v = -v
		}
		if bits == 32 && v != int64(int32(v)) {
			return 0, errNumber
		}
		return v, nil
	}
	return strconv.ParseInt(string(s), 10, bits)
}

// parseFloat reads a decimal number, nan or inf. Hexadecimal and underscores, which Go's own syntax allows, are not
// numbers in a data file.
func parseFloat(s []byte) (float64, error) {
	for _, c := range s {
		if c == '_' || c == 'x' || c == 'X' || c == 'p' || c == 'P' {
			return 0, errNumber
		}
	}
	return strconv.ParseFloat(string(s), 64)
}
