package contract

import (
	"math"
	"regexp"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/trimtab/trimtab/pure/table"
)

// test looks at one sheet: it returns how many rows it judged, and appends those
// that break the rule. It is safe for concurrent use.
type test interface {
	judge(s *sheet, bad []int32) (judged int, out []int32)
}

// wholeSet stands for rules that look at no values.
type wholeSet struct{}

func (wholeSet) judge(_ *sheet, bad []int32) (int, []int32) { return 0, bad }

// absent fails every row of a sheet that lacks the column.
type absent struct{ col int }

func (t absent) judge(s *sheet, bad []int32) (int, []int32) {
	if s.cols[t.col] == nil {
		bad = all(s.rows, bad)
	}
	return s.rows, bad
}

func all(rows int, bad []int32) []int32 {
	for i := range rows {
		bad = append(bad, int32(i))
	}
	return bad
}

// missing fails rows without a value: null, or NaN.
type missing struct{ col int }

func (t missing) judge(s *sheet, bad []int32) (int, []int32) {
	c := s.cols[t.col]
	if c == nil {
		return 0, bad
	}
	for i, ok := range c.Valid {
		if !ok {
			bad = append(bad, int32(i))
		}
	}
	nulls := c.Valid
	switch c.Type {
	case table.Float64:
		for i, v := range c.Float64s {
			if v != v && (nulls == nil || nulls[i]) {
				bad = append(bad, int32(i))
			}
		}
	case table.Float32:
		for i, v := range c.Float32s {
			if v != v && (nulls == nil || nulls[i]) {
				bad = append(bad, int32(i))
			}
		}
	}
	return s.rows, bad
}

// kind is what values are to a contract, whatever their width.
type kind byte

const (
	boolKind kind = iota + 1
	intKind
	floatKind
	textKind
	timeKind
	bytesKind
)

// kindOf is the kind of a column in the data.
func kindOf(t table.Type) kind {
	switch t {
	case table.Bool:
		return boolKind
	case table.Int32, table.Int64:
		return intKind
	case table.Float32, table.Float64:
		return floatKind
	case table.String:
		return textKind
	case table.Datetime:
		return timeKind
	}
	return bytesKind
}

// typed fails values that are not of a kind. A float column holds integers where
// its values are whole: integers with missing values come as floats. Texts that
// were read without types are what they read as.
type typed struct {
	col  int
	kind kind
}

func (t typed) judge(s *sheet, bad []int32) (int, []int32) {
	c := s.cols[t.col]
	if c == nil {
		return 0, bad
	}
	judged := 0
	have := kindOf(c.Type)
	switch {
	case have == t.kind, have == intKind && t.kind == floatKind:
		return s.rows - c.Nulls(), bad
	case have == floatKind && t.kind == intKind:
		for i := range s.rows {
			if c.Missing(i) {
				continue
			}
			judged++
			if v, _ := c.Float(i); v != math.Trunc(v) || math.IsInf(v, 0) {
				bad = append(bad, int32(i))
			}
		}
	case have == textKind && s.text:
		for i := range s.rows {
			if c.Null(i) {
				continue
			}
			judged++
			if !reads(c.Strings[i], t.kind) {
				bad = append(bad, int32(i))
			}
		}
	case t.kind == textKind && s.text:
		return s.rows - c.Nulls(), bad // numbers are texts too in a file of texts
	default:
		for i := range s.rows {
			if !c.Missing(i) {
				judged++
				bad = append(bad, int32(i))
			}
		}
	}
	return judged, bad
}

// reads reports whether a text is a value of the kind.
func reads(v string, k kind) bool {
	var err error
	switch k {
	case boolKind:
		return v == "true" || v == "false" || v == "True" || v == "False" || v == "TRUE" || v == "FALSE"
	case intKind:
		_, err = strconv.ParseInt(v, 10, 64)
	case floatKind:
		_, err = strconv.ParseFloat(v, 64)
	case timeKind:
		_, err = table.ParseDatetime(v)
	}
	return err == nil
}

// ranged fails values beyond its bounds, and values that are no numbers.
type ranged struct {
	col    int
	lo, hi float64
	// The whole numbers within the bounds: an int64 is compared as what it is.
	ilo, ihi int64
	none     bool // no whole number lies within
}

func newRanged(col int, lo, hi *float64) ranged {
	t := ranged{col: col, lo: math.Inf(-1), hi: math.Inf(1), ilo: math.MinInt64, ihi: math.MaxInt64}
	if lo != nil {
		t.lo = *lo
	}
	if hi != nil {
		t.hi = *hi
	}
	const edge = 1 << 63 // as a float64 the first number beyond int64
	if l := math.Ceil(t.lo); l >= edge {
		t.none = true
	} else if l > -edge {
		t.ilo = int64(l)
	}
	if h := math.Floor(t.hi); h < -edge {
		t.none = true
	} else if h < edge {
		t.ihi = int64(h)
	}
	return t
}

func (t ranged) judge(s *sheet, bad []int32) (int, []int32) {
	c := s.cols[t.col]
	if c == nil {
		return 0, bad
	}
	lo, hi := t.lo, t.hi
	judged := s.rows
	switch c.Type {
	case table.Float64:
		for i, v := range c.Float64s {
			if v >= lo && v <= hi {
				continue
			}
			if v != v || c.Valid != nil && !c.Valid[i] {
				judged--
				continue
			}
			bad = append(bad, int32(i))
		}
		if c.Valid != nil { // a null holds zero, which may have passed
			judged = 0
			for i, ok := range c.Valid {
				if ok && c.Float64s[i] == c.Float64s[i] {
					judged++
				}
			}
		}
		return judged, bad
	case table.Float32:
		judged = 0
		for i, v := range c.Float32s {
			if c.Missing(i) {
				continue
			}
			judged++
			if w := float64(v); w < lo || w > hi {
				bad = append(bad, int32(i))
			}
		}
		return judged, bad
	case table.Int64:
		for i, v := range c.Int64s {
			if v >= t.ilo && v <= t.ihi && !t.none || c.Valid != nil && !c.Valid[i] {
				continue
			}
			bad = append(bad, int32(i))
		}
		return s.rows - c.Nulls(), bad
	case table.Int32:
		for i, v := range c.Int32s {
			if w := int64(v); w >= t.ilo && w <= t.ihi && !t.none || c.Valid != nil && !c.Valid[i] {
				continue
			}
			bad = append(bad, int32(i))
		}
		return s.rows - c.Nulls(), bad
	}
	judged = 0
	for i := range s.rows {
		if c.Missing(i) {
			continue
		}
		judged++
		v, ok := c.Float(i)
		if c.Type == table.String {
			var err error
			v, err = strconv.ParseFloat(c.Strings[i], 64)
			ok = err == nil
		}
		if !ok || !(v >= lo && v <= hi) {
			bad = append(bad, int32(i))
		}
	}
	return judged, bad
}

// member fails values outside a set. Numbers are compared as numbers: "3" names the
// integer 3 and the float 3.
type member struct {
	col   int
	texts map[string]struct{}
	ints  map[int64]struct{}
	nums  map[float64]struct{}
}

func newMember(col int, set []string) member {
	t := member{col: col, texts: map[string]struct{}{}, ints: map[int64]struct{}{}, nums: map[float64]struct{}{}}
	for _, v := range set {
		t.texts[v] = struct{}{}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			t.ints[n] = struct{}{}
		}
		if f, err := strconv.ParseFloat(v, 64); err == nil && f == f {
			t.nums[f] = struct{}{}
			if n := int64(f); float64(n) == f && math.Abs(f) < 1<<53 {
				t.ints[n] = struct{}{}
			}
		}
	}
	return t
}

func (t member) judge(s *sheet, bad []int32) (int, []int32) {
	c := s.cols[t.col]
	if c == nil {
		return 0, bad
	}
	if c.Type == table.String {
		return eachText(c, bad, func(v string) bool { _, ok := t.texts[v]; return ok })
	}
	judged := 0
	for i := range s.rows {
		if c.Missing(i) {
			continue
		}
		judged++
		var ok bool
		switch c.Type {
		case table.Int64:
			_, ok = t.ints[c.Int64s[i]]
		case table.Int32:
			_, ok = t.ints[int64(c.Int32s[i])]
		case table.Float64:
			_, ok = t.nums[c.Float64s[i]]
		case table.Float32:
			_, ok = t.nums[float64(c.Float32s[i])]
		default:
			_, ok = t.texts[c.Text(i)]
		}
		if !ok {
			bad = append(bad, int32(i))
		}
	}
	return judged, bad
}

// matching fails texts that a pattern does not match as a whole. Values that are no
// texts are matched as they print.
type matching struct {
	col int
	re  *regexp.Regexp
}

func (t matching) judge(s *sheet, bad []int32) (int, []int32) {
	return eachValue(s, t.col, bad, t.re.MatchString)
}

// long fails texts with too few or too many characters.
type long struct{ col, least, most int }

func (t long) judge(s *sheet, bad []int32) (int, []int32) {
	return eachValue(s, t.col, bad, func(v string) bool {
		if len(v) >= t.least*utf8.UTFMax && (t.most == 0 || len(v) <= t.most) { // enough whatever the characters are
			return true
		}
		n := utf8.RuneCountInString(v)
		return n >= t.least && (t.most == 0 || n <= t.most)
	})
}

// eachValue asks about each value as text.
func eachValue(s *sheet, col int, bad []int32, ok func(string) bool) (int, []int32) {
	c := s.cols[col]
	if c == nil {
		return 0, bad
	}
	if c.Type == table.String {
		return eachText(c, bad, ok)
	}
	judged := 0
	for i := range s.rows {
		if c.Missing(i) {
			continue
		}
		judged++
		if !ok(c.Text(i)) {
			bad = append(bad, int32(i))
		}
	}
	return judged, bad
}

// memoFrom is the number of rows from which remembered answers pay.
const memoFrom = 512

// eachText asks about each text. Readers share the memory of repeated texts, so that
// the answer for a text can be remembered under its address while the column holds it.
func eachText(c *table.Column, bad []int32, ok func(string) bool) (int, []int32) {
	judged := len(c.Strings)
	if c.Valid != nil {
		judged -= c.Nulls()
	}
	if len(c.Strings) < memoFrom {
		for i, v := range c.Strings {
			if (c.Valid == nil || c.Valid[i]) && !ok(v) {
				bad = append(bad, int32(i))
			}
		}
		return judged, bad
	}
	var memo [1024]struct {
		at   *byte
		size int
		ok   bool
	}
	for i, v := range c.Strings {
		if c.Valid != nil && !c.Valid[i] {
			continue
		}
		at := unsafe.StringData(v)
		slot := &memo[(uintptr(unsafe.Pointer(at))>>3*0x9E3779B1>>7)%uintptr(len(memo))]
		if slot.at != at || slot.size != len(v) || at == nil {
			slot.at, slot.size, slot.ok = at, len(v), ok(v)
		}
		if !slot.ok {
			bad = append(bad, int32(i))
		}
	}
	return judged, bad
}
