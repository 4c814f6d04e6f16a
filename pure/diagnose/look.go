package diagnose

import (
	"math"
	"strconv"
)

// figures are the statistics of one column in one stretch of the current rows, as they stand or as a supposed fault
// undone would leave them.
type figures struct {
	ok       bool
	level    int
	rows     int // not missing, of those looked at
	kinds    int // distinct novel values, at most manyKinds counted
	novel    float64
	outside  float64
	distance float64
	rel      []float64 // mean score by relation of the column; NaN where it cannot be told
}

const (
	lookRows  = 2000 // rows looked at in a stretch
	manyKinds = 16
)

// look measures a column over a stretch with the given values. Relations with a column in except are left out.
func (x *exam) look(c int, s span, value func(int) float64, slack float64, except map[int]bool) figures {
	k, v := x.r.columns[c], x.cols[c]
	f := figures{level: x.r.levelFor(s.rows()), rel: make([]float64, len(k.with))}
	b := &k.bases[f.level]
	stride := (s.rows() + lookRows - 1) / lookRows
	hist := make([]int32, len(k.edges)+1)
	sum, n := make([]float64, len(k.with)), make([]float64, len(k.with))
	var strange [manyKinds]float64
	novel, outside := 0, 0
	for i := s.lo; i < s.hi; i += max(stride, 1) {
		y := value(i)
		if y != y {
			continue
		}
		f.rows++
		hist[bin(k.edges, y)]++
		if !closeTo(k.seen, y, slack) {
			novel++
			known := false
			for _, z := range strange[:f.kinds] {
				known = known || z == y
			}
			if !known && f.kinds < manyKinds {
				strange[f.kinds] = y
				f.kinds++
			}
			if y < k.low || y > k.high {
				outside++
			}
		}
		g := uint8(bin(k.coarse, y))
		for j, li := range k.with {
			l := x.r.relations[li]
			var sc float64
			var ok bool
			switch {
			case l.a == l.b:
				if p := int(v.last[i]); p >= s.lo {
					if z := value(p); z == z {
						sc, ok = l.score(g, uint8(bin(k.coarse, z)))
					}
				}
			case l.a == c:
				if o := x.cols[l.b]; o != nil && !except[l.b] {
					sc, ok = l.score(g, o.group[i])
				}
			default:
				if o := x.cols[l.a]; o != nil && !except[l.a] {
					sc, ok = l.score(o.group[i], g)
				}
			}
			if ok {
				sum[j] += sc
				n[j]++
			}
		}
	}
	for j := range sum {
		f.rel[j] = math.NaN()
		if n[j] >= 20 {
			f.rel[j] = sum[j] / n[j]
		}
	}
	if f.rows < 20 {
		return f
	}
	f.ok = true
	f.novel = float64(novel) / float64(f.rows)
	f.outside = float64(outside) / float64(f.rows)
	f.distance = nearest(cumulate(hist), b.cdf)
	return f
}

// bounds are what the reference lets expect of figures.
type bounds struct {
	novel, outside, distance float64
	rel                      []float64 // least; NaN where the relation is not reliable at this length
}

func (x *exam) bounds(c int, f figures) bounds {
	k := x.r.columns[c]
	b := &k.bases[f.level]
	l := bounds{
		novel:    min(b.novel.limit(0.02, f.rows), 1),
		outside:  min(b.outside.limit(0.02, f.rows), 1),
		distance: min(b.distance.limit(0.02, 0)+0.5/math.Sqrt(float64(f.rows)), 1),
		rel:      make([]float64, len(k.with)),
	}
	if b.novel.n == 0 {
		l.novel, l.outside, l.distance = 1, 1, 1
	}
	for j, li := range k.with {
		l.rel[j] = math.NaN()
		if r := x.r.relations[li]; r.reliable(f.level) {
			l.rel[j] = r.base[f.level].least(0.05 * r.mean)
		}
	}
	return l
}

// plausible tells whether figures are such as the reference lets expect.
func (f figures) plausible(l bounds) bool {
	if !f.ok || f.novel > l.novel+0.05 || f.outside > l.outside+0.02 || f.distance > l.distance*1.1+0.02 {
		return false
	}
	for j, v := range f.rel {
		if v < l.rel[j]-0.1*math.Abs(l.rel[j]) { // false for NaN
			return false
		}
	}
	return true
}

// strange tells whether anything is out of bounds.
func (f figures) strange(l bounds) bool {
	if !f.ok {
		return false
	}
	if f.novel > l.novel || f.outside > l.outside || f.distance > l.distance {
		return true
	}
	for j, v := range f.rel {
		if v < l.rel[j] {
			return true
		}
	}
	return false
}

func format(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
