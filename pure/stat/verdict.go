package stat

import (
	"math"
	"slices"
)

// Verdict says how a challenger compares with a champion.
type Verdict string

// The verdicts, from best to worst; Inconclusive where the data cannot tell, which is never a pass.
const (
	Superior     Verdict = "superior"     // better than the champion
	NonInferior  Verdict = "non-inferior" // not worse by the margin or more
	Inconclusive Verdict = "inconclusive"
	Inferior     Verdict = "inferior" // worse by more than the margin
)

// Compare judges the interval of challenger minus champion, for a metric of which more is better (negate both the
// estimate and the bounds for a loss), against a margin >= 0 that may be lost: superior when all of the interval is above
// 0, non-inferior when all is above -margin, inferior when all is below -margin. With an interval of level 1-2α each of
// the first two is wrong with probability α at most. NaN in the interval or in the margin, or a margin below 0, is
// inconclusive.
func Compare(difference Interval, margin float64) Verdict {
	switch {
	case !(margin >= 0) || !(difference.Lo <= difference.Hi):
		return Inconclusive
	case difference.Lo > 0:
		return Superior
	case difference.Lo > -margin:
		return NonInferior
	case difference.Hi < -margin:
		return Inferior
	}
	return Inconclusive
}

// AboveP returns the one-sided probability of an estimate as high as this, or higher, if the truth were null: for
// superiority null is 0, for non-inferiority minus the margin. df as of BlockMean; +Inf for a normal estimate. It is 1
// when the error is infinite or df is 0, so that unknown is never significant, and NaN for NaN.
func AboveP(estimate, se, df, null float64) float64 {
	d := estimate - null
	switch {
	case d != d || se != se || df != df || se < 0:
		return math.NaN()
	case df <= 0 || math.IsInf(se, 1):
		return 1
	case se == 0 && d > 0:
		return 0
	case se == 0:
		return 1
	}
	return TCDF(-d/se, df)
}

// BenjaminiHochberg returns for each p-value the least false discovery rate at which it is a discovery (Benjamini and
// Hochberg, JRSS B 57, 1995). NaN among them stays NaN and does not count as a test.
func BenjaminiHochberg(p []float64) []float64 {
	out := make([]float64, len(p))
	var rows []int
	for i, v := range p {
		out[i] = math.NaN()
		if v == v {
			rows = append(rows, i)
		}
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	least := 1.0
	for k := len(rows) - 1; k >= 0; k-- {
		least = min(least, p[rows[k]]*float64(len(rows))/float64(k+1))
		out[rows[k]] = least
	}
	return out
}
