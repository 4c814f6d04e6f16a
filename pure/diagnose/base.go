package diagnose

import (
	"math"
	"slices"
)

// spread is how a statistic behaved over stretches of the reference.
type spread struct {
	n             int
	med, max, min float64
}

func spreadOf(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	s := slices.Clone(v)
	slices.Sort(s)
	return spread{n: len(s), med: s[len(s)/2], max: s[len(s)-1], min: s[0]}
}

// limit is the most that the next stretch is expected to show: the largest so far and part of the way that led there,
// more of it when stretches were few, and what a few of n values make. The sampling error is in the spread already.
func (s spread) limit(floor float64, n int) float64 {
	l := s.max + (s.max-s.med)*(0.5+4/float64(s.n+1)) + floor
	if s.n < 4 {
		l += floor * float64(4-s.n)
	}
	if n > 0 {
		l += 3 / float64(n)
	}
	return l
}

// trust is how far evidence against so few stretches counts.
func (s spread) trust() float64 { return math.Sqrt(min(1, float64(s.n)/8)) }

// embed is what a statistic would be in a stretch of the length that the base is of, were the rest as usual: short runs
// of rows show extremes that longer stretches never show.
func embed(value, usual float64, rows, length int) float64 {
	if rows >= length {
		return value
	}
	return usual + (value-usual)*float64(rows)/float64(length)
}

// least is limit for a statistic that is suspicious when it is small.
func (s spread) least(floor float64) float64 {
	l := s.min - (s.med-s.min)*(0.5+4/float64(s.n+1)) - floor
	if s.n < 4 {
		l -= floor * float64(4-s.n)
	}
	return l
}

// beyond turns how far a value lies above its limit, in units of the way from the usual value to the limit, into a
// strength of evidence: none at the limit, a half at one and a half times, at most most.
func beyond(value, usual, limit, most float64) float64 {
	if !(value > limit) {
		return 0
	}
	z := (value - usual) / max(limit-usual, 1e-9)
	return most * (1 - math.Exp2(-2*(z-1)))
}

// base is the noise base of one column at one length of stretch.
type base struct {
	missing  spread   // share of missing values
	novel    spread   // share of values not seen before the stretch
	mass     spread   // largest share of one value not seen before
	outside  spread   // share of values beyond the range before
	reach    spread   // how far the median lies beyond the range before, in widths of that range
	distance spread   // distance to the nearest earlier stretch
	jump     spread   // distance to the stretch right before
	distinct spread   // distinct values
	heavy    spread   // largest share of one value that is rare in the reference as a whole
	often    []spread // share of each of the values that are not, in the order of known.often
	cdf      [][]float32
}

// length is one length of stretch: blocks merged.
type length struct {
	merge  int
	rows   int
	starts []int // first block of each stretch
	judged int   // index of the first stretch that has enough before it
}

// lengthsOf doubles the stretch as long as at least five fit.
func lengthsOf(blocks, rows int) []length {
	var l []length
	for m := 1; m == 1 || blocks/m >= 5; m *= 2 {
		x := length{merge: m, rows: rows * m}
		for s := 0; s+m <= blocks; s += m {
			x.starts = append(x.starts, s)
		}
		x.judged = max(1, len(x.starts)/3)
		if len(x.starts) >= 16 {
			x.judged = len(x.starts) / 2
		}
		l = append(l, x)
	}
	return l
}

// cdfDistance is the largest difference of two distribution functions over the same edges.
func cdfDistance(a, b []float32) float64 {
	d := float32(0)
	for i, x := range a {
		if y := x - b[i]; y > d {
			d = y
		} else if -y > d {
			d = -y
		}
	}
	return float64(d)
}

// cumulate turns counts of bins into a distribution function; nil when there are none.
func cumulate(count []int32) []float32 {
	n := int32(0)
	for _, c := range count {
		n += c
	}
	if n == 0 {
		return nil
	}
	f, sum := make([]float32, len(count)), int32(0)
	for i, c := range count {
		sum += c
		f[i] = float32(sum) / float32(n)
	}
	return f
}
