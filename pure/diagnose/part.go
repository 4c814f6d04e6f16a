package diagnose

// part is a piece of the sample with the distinct values of a column there.
type part struct {
	span
	values []float64
	counts []int32
}

// parts returns the pieces; those of the whole are merged from those of the quarters.
func (x *exam) parts(c int) []part {
	v := x.cols[c].vals
	list := []part{{span: span{0, x.n}}}
	for _, s := range x.pieces() {
		if s.rows() < x.n {
			list = append(list, part{span: s})
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		p := &list[i]
		var halves []part
		for _, q := range list[i+1:] {
			if q.rows() < p.rows() && q.within(p.span) == 1 && (len(halves) == 0 && q.lo == p.lo || len(halves) == 1 && q.lo == halves[0].hi) {
				halves = append(halves, q)
			}
		}
		if len(halves) == 2 && halves[1].hi == p.hi {
			p.values, p.counts = union(halves[0], halves[1])
		} else {
			p.values, p.counts = distinct(v[p.lo:p.hi])
		}
	}
	return list
}

// union merges the distinct values of two parts.
func union(a, b part) (values []float64, counts []int32) {
	i, j := 0, 0
	for i < len(a.values) || j < len(b.values) {
		switch {
		case j == len(b.values) || i < len(a.values) && a.values[i] < b.values[j]:
			values, counts = append(values, a.values[i]), append(counts, a.counts[i])
			i++
		case i == len(a.values) || b.values[j] < a.values[i]:
			values, counts = append(values, b.values[j]), append(counts, b.counts[j])
			j++
		default:
			values, counts = append(values, a.values[i]), append(counts, a.counts[i]+b.counts[j])
			i++
			j++
		}
	}
	return values, counts
}

// pieces are the whole, the halves and the quarters, the longer first, of at least MinRows rows.
func (x *exam) pieces() []span {
	var list []span
	for _, parts := range []int{1, 2, 4} {
		for p := range parts {
			if s := (span{p * x.n / parts, (p + 1) * x.n / parts}); s.rows() >= x.r.opt.MinRows {
				list = append(list, s)
			}
		}
	}
	return list
}

func (v *current) at(i int) float64 { return v.vals[i] }

// refit moves a stretch to where single rows speak for it, when that is about where it was.
func (s *suspect) refit(x *exam, gain []float64) {
	t, sum := heaviest(gain)
	if t = t.widen(gain); sum <= 0 || t.rows() < x.r.opt.MinRows || s.span.within(t) < 0.7 {
		return
	}
	if s.Kind == Truncated {
		s.Bad = int64(t.rows())
	}
	s.span = t
}

// strongest keeps of findings about overlapping stretches the surest and of those the longest.
func strongest(list []suspect) []suspect {
	best := -1
	for i := range list {
		if best < 0 || list[i].proof.confidence() > list[best].proof.confidence()+0.02 {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return list[best : best+1]
}
