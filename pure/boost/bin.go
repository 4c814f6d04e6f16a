package boost

import (
	"cmp"
	"slices"
)

// Feature is a column. NaN is a missing value; infinities are ordered like other numbers. The values of a categorical
// feature are codes, whole numbers from 0 to MaxCode; any other value counts as missing.
type Feature struct {
	Name        string
	Values      []float64
	Categorical bool
}

// Binned holds features as small whole numbers, for many fits on the same rows or on parts of them. It keeps no
// reference to the values that it was made from, is never changed, and is safe for concurrent use.
//
// Borders of bins come from all rows given to Bin, whatever part a fit uses: they say how finely a feature can be
// split, never where.
type Binned struct {
	rows    int
	columns []column // as given
	sorted  []int    // the columns that can be split, by name: order of columns must not decide a draw or a tie
}

type column struct {
	name        string
	categorical bool
	bins        []uint8   // per row; 0 is missing, 1 and up are places in upper or codes, counted from 1
	upper       []float64 // numeric: the largest value of each bin, ascending
	codes       []uint16  // categorical: the code of each bin, ascending
	missing     bool      // some row has bin 0
}

// Rows returns the number of rows.
func (b *Binned) Rows() int { return b.rows }

// values returns the number of bins without that of missing values.
func (c *column) values() int {
	if c.categorical {
		return len(c.codes)
	}
	return len(c.upper)
}

// splittable reports whether rows differ in the column at all.
func (c *column) splittable() bool { return c.values() > 1 || c.values() == 1 && c.missing }

// Bin quantises features. bins is the most bins of a numeric feature, 0 meaning 255: a feature with no more distinct
// values than that is kept exactly, others in bins of about equally many rows. Of a categorical feature the bins-many
// most frequent codes are kept (the smaller of two alike first) and all others count as missing.
// Names must be unique, lengths equal, and there must be at least one feature and one row.
func Bin(features []Feature, bins int) (*Binned, error) {
	if bins == 0 {
		bins = MaxBins
	}
	if bins < 2 || bins > MaxBins {
		return nil, bad(span(2, MaxBins), "%d bins", bins)
	}
	if len(features) == 0 || len(features) > MaxFeatures {
		return nil, bad(span(1, MaxFeatures), "%d features", len(features))
	}
	rows := len(features[0].Values)
	if rows == 0 || rows > MaxRows {
		return nil, bad(span(1, MaxRows), "%d rows", rows)
	}
	b := &Binned{rows: rows, columns: make([]column, len(features)), sorted: make([]int, len(features))}
	for i := range features {
		b.sorted[i] = i
	}
	slices.SortStableFunc(b.sorted, func(i, j int) int { return cmp.Compare(features[i].Name, features[j].Name) })
	for k, i := range b.sorted {
		f := &features[i]
		switch {
		case len(f.Name) > maxName:
			return nil, bad("at most 4096 bytes", "the name of feature %d has %d bytes", i, len(f.Name))
		case len(f.Values) != rows:
			return nil, bad("as many as the first feature", "feature %q has %d rows and the first one %d", f.Name, len(f.Values), rows)
		case k > 0 && features[b.sorted[k-1]].Name == f.Name:
			return nil, bad("unique names", "two features are named %q", f.Name)
		}
	}
	var scratch []float64
	for i := range features {
		c := &b.columns[i]
		c.name, c.categorical = features[i].Name, features[i].Categorical
		c.bins = make([]uint8, rows)
		if c.categorical {
			c.binCodes(features[i].Values, bins)
		} else {
			scratch = c.binNumbers(features[i].Values, bins, scratch[:0])
		}
		c.missing = slices.Contains(c.bins, 0)
	}
	b.sorted = slices.DeleteFunc(b.sorted, func(i int) bool { return !b.columns[i].splittable() })
	return b, nil
}

// binNumbers returns the scratch it used.
func (c *column) binNumbers(values []float64, bins int, scratch []float64) []float64 {
	for _, v := range values {
		if v == v {
			if v == 0 {
				v = 0 // not -0, or the order of rows would decide which of the two becomes a border
			}
			scratch = append(scratch, v)
		}
	}
	slices.Sort(scratch)
	c.upper = borders(scratch, bins)
	for i, v := range values {
		if v == v {
			// The last bin holds the largest value, so the search never ends behind it.
			at, _ := slices.BinarySearch(c.upper, v)
			c.bins[i] = uint8(at + 1)
		}
	}
	return scratch
}

// borders returns the upper values of at most bins-many bins over sorted values: each distinct value its own if they
// fit, else bins that close once they hold their even share of the rows left.
func borders(sorted []float64, bins int) []float64 {
	var upper []float64
	for i, v := range sorted {
		if i+1 == len(sorted) || sorted[i+1] != v {
			if len(upper) == bins {
				upper = upper[:0]
				break
			}
			upper = append(upper, v)
		}
	}
	if len(upper) > 0 || len(sorted) == 0 {
		return upper
	}
	for lo := 0; lo < len(sorted); {
		left := bins - len(upper)
		// The bin takes its share of what is left, and then the rest of the run of equal values it ends in.
		hi := lo + max(1, (len(sorted)-lo)/left)
		if left == 1 {
			hi = len(sorted)
		}
		v := sorted[hi-1]
		start, _ := slices.BinarySearch(sorted[lo:], v)
		end := hi
		for end < len(sorted) && sorted[end] == v {
			end++
		}
		// A long run that begins late in the bin would swell it: the run gets the next bin for itself.
		if start > 0 && left > 1 && end-hi > hi-lo {
			v, end = sorted[lo+start-1], lo+start
		}
		upper = append(upper, v)
		lo = end
	}
	return upper
}

func (c *column) binCodes(values []float64, bins int) {
	count := make([]int, MaxCode+1)
	for _, v := range values {
		if code, ok := codeOf(v); ok {
			count[code]++
		}
	}
	for code, n := range count {
		if n > 0 {
			c.codes = append(c.codes, uint16(code))
		}
	}
	if len(c.codes) > bins {
		slices.SortStableFunc(c.codes, func(a, b uint16) int { return cmp.Compare(count[b], count[a]) })
		c.codes = slices.Clip(c.codes[:bins])
		slices.Sort(c.codes)
	}
	place := make([]uint8, MaxCode+1)
	for k, code := range c.codes {
		place[code] = uint8(k + 1)
	}
	for i, v := range values {
		if code, ok := codeOf(v); ok {
			c.bins[i] = place[code]
		}
	}
}

// codeOf returns the code of a category, false for a value that is none.
func codeOf(v float64) (uint16, bool) {
	if !(v >= 0 && v <= MaxCode) {
		return 0, false
	}
	code := uint16(v)
	return code, float64(code) == v
}
