package contract

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// fitted are the rules that the values of one column suggest.
type fitted struct {
	rule     trimtab.ColumnRule
	why      []string
	outliers []int                                        // rows, ascending
	loose    func(trimtab.ColumnRule) (min, max *float64) // the range with a margin on both sides; nil without a range
}

func (f *fitted) say(format string, args ...any) { f.why = append(f.why, fmt.Sprintf(format, args...)) }

func (f *fitted) outliersIn(lo, hi int) int {
	n := 0
	for _, row := range f.outliers {
		if row >= lo && row < hi {
			n++
		}
	}
	return n
}

// fit makes the rules of a column.
func fit(c *table.Column) fitted {
	var f fitted
	n := c.Len()
	if n == 0 {
		return f
	}
	switch kindOf(c.Type) {
	case boolKind:
		f.rule.Type = "bool"
	case intKind:
		f.rule.Type = "integer"
	case floatKind:
		f.rule.Type = "float"
	case textKind:
		f.rule.Type = "string"
	case timeKind:
		f.rule.Type = "datetime"
	}
	gone, bound := missingBound(c)
	switch {
	case gone == 1:
		f.rule.Type = ""
		f.say("no value at all")
		return f
	case gone == 0 && n >= leastRows:
		zero := 0.0
		f.rule.MaxMissing = &zero
		f.say("never missing")
	case gone > 0 && bound < 0.95:
		bound = roundUp(bound)
		f.rule.MaxMissing = &bound
		f.say("%s missing", percentOf(gone))
	case gone > 0:
		f.say("%s missing", percentOf(gone))
	}
	switch kindOf(c.Type) {
	case intKind, floatKind:
		f.numbers(c)
	case textKind:
		f.texts(c)
	}
	return f
}

func percentOf(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 3, 64) + " %"
}

// numbers proposes a range: the values without those far out, to the bound where many
// values lie on it, and with a margin where few do.
func (f *fitted) numbers(c *table.Column) {
	var v []float64
	for i := range c.Len() {
		if x, ok := c.Float(i); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
			v = append(v, x)
		}
	}
	slices.Sort(v)
	if len(v) < leastRows || v[0] == v[len(v)-1] {
		return
	}
	if isKey(c) != "" {
		return // names of rows: the next one is beyond all ranges
	}
	bulk := bulkOf(v)
	lo, hi := bulk[0], bulk[len(bulk)-1]
	if lo == hi {
		return
	}
	if len(bulk) < len(v) {
		for i := range c.Len() {
			if x, ok := c.Float(i); ok && (x < lo || x > hi) {
				f.outliers = append(f.outliers, i)
			}
		}
	}
	whole := kindOf(c.Type) == intKind
	atLo, atHi := onBound(bulk, whole)
	below, above := margins(bulk, whole)
	f.loose = func(r trimtab.ColumnRule) (*float64, *float64) { return &below, &above }
	low, high := below, above
	if atLo > 0 {
		low = lo
	}
	if atHi > 0 {
		high = hi
	}
	f.rule.Min, f.rule.Max = &low, &high
	from := number(lo) + " to " + number(hi)
	if k := len(f.outliers); k > 0 {
		from += fmt.Sprintf(" but for %d far out", k)
	}
	f.say("%s", from)
	if atHi > 0 {
		f.say("%d rows at %s", atHi, number(hi))
	}
}

// bulkOf leaves out the values that are far from all others at both ends: at most one
// in a thousand, or one value that looks like a stand-in, such as 9999. v is sorted.
func bulkOf(v []float64) []float64 {
	n := len(v)
	middle := v[n/2]
	few := max(1, n/1000)
	lo, hi := 0, n
	for j := max(n-few, n/2+1); j < n; j++ {
		if farOut(v[j]-middle, v[j-1]-middle, middle) {
			hi = j
			break
		}
	}
	for j := min(few, n/2) - 1; j >= 0; j-- {
		if farOut(middle-v[j], middle-v[j+1], 0) {
			lo = j + 1
			break
		}
	}
	if hi == n && standIn(v[n-1]) {
		j, _ := slices.BinarySearch(v, v[n-1])
		if j > n-n/5 && v[n-1]-middle > 3*(v[j-1]-middle) && v[j-1] > middle {
			hi = j
		}
	}
	if lo == 0 && standIn(v[0]) {
		j := n - countFrom(v, v[0])
		if j < n/5 && middle-v[0] > 3*(middle-v[j]) && v[j] < middle {
			lo = j
		}
	}
	return v[lo:hi]
}

// countFrom counts the values above x.
func countFrom(v []float64, x float64) int {
	j, _ := slices.BinarySearchFunc(v, x, func(a, b float64) int {
		if a <= b {
			return -1
		}
		return 1
	})
	return len(v) - j
}

// farOut reports whether a value so far from the middle is far from all others, of
// which the next is so near: five times as far, and twice as far in orders of
// magnitude, for the tails of some quantities are long; ten times where the middle
// gives no order of magnitude.
func farOut(far, next, middle float64) bool {
	switch {
	case next <= 0:
		return false // nearly all values are the same, this one is merely rare
	case middle > 0:
		return far > 5*next && math.Log1p(far/middle) > 2*math.Log1p(next/middle)
	}
	return far > 10*next
}

// standIn reports whether a number is one that people write for "missing".
func standIn(x float64) bool {
	switch math.Abs(x) {
	case 99, 999, 9999, 99999, 999999, 9999999, 99999999:
		return true
	}
	return x == -1
}

// onBound counts the values on the two bounds where they are so many that the bound
// seems to be one by nature, else 0: of measured values one in a hundred, of counts
// and codes, which have fewer values, one in five hundred. v is sorted.
func onBound(v []float64, whole bool) (lo, hi int) {
	many := max(10, len(v)/100)
	if whole {
		many = max(5, len(v)/500)
	}
	if lo = len(v) - countFrom(v, v[0]); lo < many {
		lo = 0
	}
	j, _ := slices.BinarySearch(v, v[len(v)-1])
	if hi = len(v) - j; hi < many {
		hi = 0
	}
	return lo, hi
}

// margins is a range with room for values that have not been seen yet: half as far
// again from the middle, more where the tail is long; not across zero when the values
// come near it from one side, and not beyond 1 for shares. v is sorted.
func margins(v []float64, whole bool) (lo, hi float64) {
	n := len(v)
	middle, least, most := v[n/2], v[0], v[n-1]
	lo = least - max(0.5*(middle-least), v[n/100]-least)
	hi = most + max(0.5*(most-middle), most-v[n-1-n/100])
	step := math.Pow(10, math.Floor(math.Log10(hi-lo))-1)
	lo, hi = clean(math.Floor(lo/step)*step), clean(math.Ceil(hi/step)*step)
	near := 0.1 // of the middle
	if whole {
		near = 0.25 // counts and codes
	}
	if least >= 0 && least <= near*middle {
		lo = max(lo, 0)
	}
	if most <= 0 && most >= near*middle {
		hi = min(hi, 0)
	}
	if least >= 0 && most <= 1 && most > 0.5 {
		hi = min(hi, 1)
	}
	return min(lo, least), max(hi, most)
}

// clean drops the digits that rounding left behind.
func clean(x float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 12, 64), 64)
	if err != nil {
		return x
	}
	return v + 0 // no negative zero
}

// Limits of what is proposed for texts.
const (
	maxSet      = 100 // values of a set
	maxPattern  = 200 // characters of a pattern
	singleShare = 0.1 // of a set's values that may have been seen once
)

// texts proposes a set where few values come again and again, else a pattern that all
// values have, else a length.
func (f *fitted) texts(c *table.Column) {
	counts := map[string]int{}
	n, most, least := 0, 0, math.MaxInt
	for i := range c.Len() {
		if c.Null(i) {
			continue
		}
		v := c.Strings[i]
		n++
		k := len([]rune(v))
		most, least = max(most, k), min(least, k)
		if len(counts) <= maxSet {
			counts[v]++
		}
	}
	if n < leastRows {
		return
	}
	if len(counts) <= maxSet && len(counts) <= n/10 {
		single, rarest := 0, ""
		for _, v := range sortedKeys(counts) {
			if counts[v] == 1 {
				single++
			}
			if rarest == "" || counts[v] < counts[rarest] {
				rarest = v
			}
		}
		if float64(single) <= singleShare*float64(len(counts)) {
			f.rule.InSet = sortedKeys(counts)
			f.say("%d values, the rarest %s in %d rows", len(counts), shown(rarest), counts[rarest])
			return
		}
	}
	if p := patternOf(c); p != "" {
		f.rule.Pattern = p
		f.say("all values look like %s", shown(firstText(c)))
		return
	}
	if least > 0 {
		f.rule.MinLength = 1
	}
	f.rule.MaxLength = 2 * max(most, 1)
	f.say("%d to %d characters", least, most)
}

func firstText(c *table.Column) string {
	for i := range c.Len() {
		if !c.Null(i) {
			return c.Strings[i]
		}
	}
	return ""
}

// run is a piece of a text: signs of one class.
type run struct {
	class       byte // 'd' digits, 'u' upper, 'l' lower, 'a' letters and digits, else the sign itself
	least, most int
}

// patternOf is a regular expression for the common shape of all values, "" when they
// have none: classes of signs in the same order, first letters and digits apart, then
// together.
func patternOf(c *table.Column) string {
	for _, fine := range []bool{true, false} {
		var shape []run
		first := true
		ok := true
		for i := range c.Len() {
			if c.Null(i) {
				continue
			}
			next, plain := shapeOf(c.Strings[i], fine)
			if ok = plain && (first || len(next) == len(shape)); !ok {
				break
			}
			if first {
				shape, first = next, false
				continue
			}
			for k := range shape {
				if shape[k].class != next[k].class {
					ok = false
					break
				}
				shape[k].least, shape[k].most = min(shape[k].least, next[k].least), max(shape[k].most, next[k].most)
			}
			if !ok {
				break
			}
		}
		if !ok || first {
			continue
		}
		if len(shape) == 1 && shape[0].class == 'a' && shape[0].least != shape[0].most {
			return "" // it says no more than a length does
		}
		var b strings.Builder
		for _, r := range shape {
			switch r.class {
			case 'd':
				b.WriteString("[0-9]")
			case 'u':
				b.WriteString("[A-Z]")
			case 'l':
				b.WriteString("[a-z]")
			case 'a':
				b.WriteString("[A-Za-z0-9]")
			default:
				if strings.IndexByte(`\.+*?()|[]{}^$`, r.class) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(r.class)
			}
			switch {
			case r.least == 1 && r.most == 1:
			case r.least == r.most:
				fmt.Fprintf(&b, "{%d}", r.least)
			default:
				b.WriteByte('+')
			}
		}
		if b.Len() <= maxPattern {
			return b.String()
		}
	}
	return ""
}

// shapeOf is the shape of a text; plain is false when it holds other signs than
// printable ASCII, or too many pieces.
func shapeOf(v string, fine bool) (shape []run, plain bool) {
	for i := range len(v) {
		class := v[i]
		switch {
		case class >= '0' && class <= '9':
			class = 'd'
		case class >= 'A' && class <= 'Z':
			class = 'u'
		case class >= 'a' && class <= 'z':
			class = 'l'
		case class < ' ' || class >= 0x7f:
			return nil, false
		}
		if !fine && (class == 'd' || class == 'u' || class == 'l') {
			class = 'a'
		}
		if k := len(shape) - 1; k >= 0 && shape[k].class == class {
			shape[k].least++
			shape[k].most++
			continue
		}
		if len(shape) == 24 {
			return nil, false
		}
		shape = append(shape, run{class, 1, 1})
	}
	return shape, len(v) > 0
}
