package schema

import (
	"math"
	"strconv"
)

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseFloat returns the float64 nearest to a number of JSON, and false when it is beyond the range. Up to 2^53 times
// or by a power of ten that is exact, one rounding gives the right answer (Clinger 1990); the rest is the standard
// library's.
func parseFloat(b []byte) (float64, bool) {
	var m uint64
	digits, exp, i := 0, 0, 0
	neg := b[0] == '-'
	if neg {
		i = 1
	}
	point := false
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' {
			point = true
			continue
		}
		if c-'0' > 9 {
			break
		}
		m = m*10 + uint64(c-'0')
		if m > 0 {
			digits++
		}
		if point {
			exp--
		}
	}
	if i == len(b) && digits <= 18 && m <= 1<<53 && exp >= -22 {
		// Python reads "-0" as an integer, which has no sign: plus zero.
		if m == 0 && !point {
			return 0, true
		}
		f := float64(m) / pow10[-exp]
		if neg {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// parseInt returns a number that is whole as an int64, and false when it is beyond.
func parseInt(b []byte) (int64, bool) {
	if len(b) < 19 {
		var v int64
		i := 0
		if b[0] == '-' {
			i = 1
		}
		for ; i < len(b); i++ {
			v = v*10 + int64(b[i]-'0')
		}
		if b[0] == '-' {
			v = -v
		}
		return v, true
	}
	v, err := strconv.ParseInt(string(b), 10, 64)
	return v, err == nil
}

// integer turns a float64 into an int64: exactly, or cut to the whole part when lossy.
func integer(f float64, lossy bool) (int64, bool) {
	if lossy {
		f = math.Trunc(f)
	}
	// -2^63 is a float64, 2^63 is the first beyond.
	if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
		return 0, false // NaN is unequal to itself
	}
	return int64(f), true
}
