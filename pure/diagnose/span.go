package diagnose

// span is rows lo to hi-1 of the current sample.
type span struct{ lo, hi int }

func (s span) rows() int { return s.hi - s.lo }

func (s span) meets(t span) bool { return s.lo < t.hi && t.lo < s.hi }

// within tells how much of s lies in t.
func (s span) within(t span) float64 {
	lo, hi := max(s.lo, t.lo), min(s.hi, t.hi)
	if hi <= lo || s.rows() == 0 {
		return 0
	}
	return float64(hi-lo) / float64(s.rows())
}

// heaviest returns the span of the largest sum, empty when nothing is above zero.
func heaviest(v []float64) (best span, sum float64) {
	run, lo := 0.0, 0
	for i, x := range v {
		if run <= 0 {
			run, lo = 0, i
		}
		run += x
		if run > sum {
			sum, best = run, span{lo, i + 1}
		}
	}
	return best, sum
}

// widen extends the span over rows that say nothing (0) as far as the sample's edge, when it can be reached so: where
// nothing contradicts, the fault was on already, or is on still.
func (s span) widen(v []float64) span {
	lo := s.lo
	for lo > 0 && v[lo-1] >= 0 {
		lo--
	}
	if lo == 0 {
		s.lo = 0
	}
	hi := s.hi
	for hi < len(v) && v[hi] >= 0 {
		hi++
	}
	if hi == len(v) {
		s.hi = hi
	}
	return s
}
