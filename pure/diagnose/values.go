package diagnose

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/trimtab/trimtab/pure/table"
)

// numbers returns a column as floats: numbers as they are, times as milliseconds, text and bytes as codes of dict. A
// value that dict lacks gets a code of its own beyond it. Missing and NaN are NaN.
func numbers(c *table.Column, dict map[string]float64) []float64 {
	v := make([]float64, c.Len())
	if c.Floats(v, 1) {
		return v
	}
	if c.Type == table.Datetime {
		for i := range v {
			v[i] = float64(c.Int64s[i]) / 1e6
			if c.Null(i) {
				v[i] = math.NaN()
			}
		}
		return v
	}
	var fresh map[string]float64
	for i := range v {
		if c.Null(i) {
			v[i] = math.NaN()
			continue
		}
		s := word(c, i)
		code, ok := dict[s]
		if !ok {
			code, ok = fresh[s]
		}
		if !ok {
			if fresh == nil {
				fresh = map[string]float64{}
			}
			code = float64(len(dict) + len(fresh))
			fresh[s] = code
		}
		v[i] = code
	}
	return v
}

func textual(t table.Type) bool { return t == table.String || t == table.Bytes }

func word(c *table.Column, i int) string {
	if c.Type == table.Bytes {
		return string(c.Bytes[i])
	}
	return c.Strings[i]
}

// dictionary numbers the distinct texts of a column, the most frequent first.
func dictionary(c *table.Column) (dict map[string]float64, words []string) {
	count := map[string]int{}
	for i := range c.Len() {
		if !c.Null(i) {
			count[word(c, i)]++
		}
	}
	for s := range count {
		words = append(words, s)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	dict = make(map[string]float64, len(words))
	for i, s := range words {
		dict[s] = float64(i)
	}
	return dict, words
}

// distinct returns the sorted distinct values of v without NaN, and their counts.
func distinct(v []float64) (values []float64, count []int32) {
	s := make([]float64, 0, len(v))
	for _, x := range v {
		if x == x {
			s = append(s, x)
		}
	}
	slices.Sort(s)
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && s[j] == s[i] {
			j++
		}
		values, count = append(values, s[i]), append(count, int32(j-i))
		i = j
	}
	return values, count
}

// edgesOf returns at most bins-1 ascending upper edges that cut the values into groups of like weight; a value heavy
// enough has a group of its own, and with few distinct values each has.
func edgesOf(values []float64, count []int32, bins int) []float64 {
	if len(values) <= bins-1 {
		return slices.Clone(values)
	}
	rest, left := 0, bins-1
	for _, c := range count {
		rest += int(c)
	}
	var edges []float64
	sum := 0
	for i, c := range count {
		sum += int(c)
		if sum*left >= rest || i == len(count)-1 || left > 0 && int(count[i+1])*left >= rest && sum*4*left >= rest {
			edges = append(edges, values[i])
			rest -= sum
			left--
			sum = 0
			if left == 0 {
				break
			}
		}
	}
	return edges
}

// bin returns the group of x: the first edge at or above it, len(edges) when it is above all.
func bin(edges []float64, x float64) int { return sort.SearchFloat64s(edges, x) }

// closeTo tells whether x is one of the sorted values, as snap does.
func closeTo(values []float64, x, slack float64) bool {
	_, ok := snap(values, x, slack)
	return ok
}

// snap returns the one of the sorted values that x is, as far as single precision can tell, or within slack where slack
// is small beside the spacing of the values there; else x and false. What is undone differs from what was in the last
// digits, and must not fall into the next bin for it.
func snap(values []float64, x, slack float64) (float64, bool) {
	k := sort.SearchFloat64s(values, x)
	d, at := math.Inf(1), -1
	if k < len(values) {
		d, at = values[k]-x, k
	}
	if k > 0 && x-values[k-1] < d {
		d, at = x-values[k-1], k-1
	}
	if at < 0 {
		return x, false
	}
	if d <= 3e-7*math.Abs(values[at]) {
		return values[at], true
	}
	if d > slack {
		return x, false
	}
	gap := math.Inf(1)
	if at > 0 {
		gap = values[at] - values[at-1]
	}
	if at+1 < len(values) {
		gap = math.Min(gap, values[at+1]-values[at])
	}
	if slack > 0.1*gap {
		return x, false
	}
	return values[at], true
}

// at returns the q-quantile of sorted distinct values with counts, NaN without values.
func at(values []float64, count []int32, q float64) float64 {
	var n float64
	for _, c := range count {
		n += float64(c)
	}
	need := q * n
	for i, c := range count {
		need -= float64(c)
		if need <= 0 {
			return values[i]
		}
	}
	if len(values) == 0 {
		return math.NaN()
	}
	return values[len(values)-1]
}
