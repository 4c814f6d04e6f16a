package table

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// decoder appends values to a column up to the first one that does not fit, which it describes; the caller adds
// where it is.
type decoder func(c *cursor, col *Column, values []parquet.Value, limit int) *Error

func booleans(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendBool(v.Boolean())
		}
	}
	return nil
}

func int32s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendInt32(v.Int32())
		}
	}
	return nil
}

func int64s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendInt64(v.Int64())
		}
	}
	return nil
}

func uint32s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendInt64(int64(v.Uint32()))
		}
	}
	return nil
}

func uint64s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		switch u := v.Uint64(); {
		case v.IsNull():
			col.AppendNull()
		case u > math.MaxInt64:
			return &Error{Value: strconv.FormatUint(u, 10), Expected: "at most 9223372036854775807, the largest int64"}
		default:
			col.AppendInt64(int64(u))
		}
	}
	return nil
}

func floats(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendFloat32(v.Float())
		}
	}
	return nil
}

func doubles(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
		} else {
			col.AppendFloat64(v.Double())
		}
	}
	return nil
}

func float16s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
			continue
		}
		b := v.ByteArray()
		if len(b) != 2 {
			return &Error{Msg: "a float16 of " + strconv.Itoa(len(b)) + " bytes"}
		}
		col.AppendFloat32(half(uint16(b[0]) | uint16(b[1])<<8))
	}
	return nil
}

// half widens an IEEE 754 binary16, which is exact.
func half(h uint16) float32 {
	sign := 1.0
	if h&0x8000 != 0 {
		sign = -1
	}
	exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
	switch exp {
	case 0:
		return float32(math.Copysign(math.Ldexp(frac, -24), sign))
	case 31:
		if frac != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}

// internMost bounds the texts kept to share the memory of repeated ones.
const internMost = 4096

func texts8(c *cursor, col *Column, values []parquet.Value, limit int) *Error {
	if c.intern == nil {
		c.intern = make(map[string]string)
	}
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
			continue
		}
		b := v.ByteArray()
		if s, ok := c.intern[string(b)]; ok {
			col.AppendString(s)
			continue
		}
		if len(b) > limit {
			return &Error{Msg: "a text of " + strconv.Itoa(len(b)) + " bytes", Expected: "at most " + strconv.Itoa(limit)}
		}
		if !utf8.Valid(b) {
			return &Error{Value: strings.ToValidUTF8(shorten(string(b)), "?"), Expected: "text in UTF-8"}
		}
		s := string(b)
		if len(c.intern) < internMost && len(s) <= 256 {
			c.intern[s] = s
		}
		col.AppendString(s)
	}
	return nil
}

func binaries(_ *cursor, col *Column, values []parquet.Value, limit int) *Error {
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
			continue
		}
		b := v.ByteArray()
		if len(b) > limit {
			return &Error{Msg: "a value of " + strconv.Itoa(len(b)) + " bytes", Expected: "at most " + strconv.Itoa(limit)}
		}
		col.AppendBytes(append([]byte{}, b...))
	}
	return nil
}

const expectTime = "a time between the years 1678 and 2262, which nanoseconds in an int64 can hold"

// timestamps decodes times counted in units of the given number of nanoseconds.
func timestamps(unit int64) decoder {
	most, least := math.MaxInt64/unit, -(math.MaxInt64 / unit)
	return func(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
		for _, v := range values {
			if v.IsNull() {
				col.AppendNull()
				continue
			}
			t := v.Int64()
			if t > most || t < least {
				return &Error{Value: strconv.FormatInt(t, 10), Expected: expectTime}
			}
			col.AppendInt64(t * unit)
		}
		return nil
	}
}

const day = 86_400_000_000_000

func dates(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	const most = math.MaxInt64 / day
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
			continue
		}
		d := int64(v.Int32())
		if d > most || d < -most {
			return &Error{Value: "day " + strconv.FormatInt(d, 10), Expected: expectTime}
		}
		col.AppendInt64(d * day)
	}
	return nil
}

// int96s decodes the timestamps of Hive, Impala and old Spark: nanoseconds of the day and the Julian day number.
func int96s(_ *cursor, col *Column, values []parquet.Value, _ int) *Error {
	const epoch = 2_440_588 // Julian day number of 1970-01-01
	for _, v := range values {
		if v.IsNull() {
			col.AppendNull()
			continue
		}
		w := v.Int96()
		nano := uint64(w[0]) | uint64(w[1])<<32
		d := int64(int32(w[2])) - epoch
		t, err := nanoseconds(d*86_400+int64(nano/1_000_000_000), int64(nano%1_000_000_000))
		if err != nil || nano >= day {
			return &Error{Value: "day " + strconv.FormatInt(d, 10), Expected: expectTime}
		}
		col.AppendInt64(t)
	}
	return nil
}
