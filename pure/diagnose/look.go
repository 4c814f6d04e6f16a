package diagnose

import (
	"math"
	"slices"
	"strconv"
)

// figures are the statistics of one column in one stretch of the current rows, as they stand or as a supposed fault
// undone would leave them.
type figures struct {
	ok       bool
	level    int
	rows     int // not missing, of those looked at
	kinds    int // distinct novel values, at most manyKinds counted
	spots    int // bins of the distribution that hold values
	runs     int // runs of one value, looked at as they follow each other
	far      int // of them novel and beyond the range
	novel    float64
	blurred  bool    // rounded more coarsely than seen values lie, so that novel says nothing
	exact    float64 // share seen to the last digits
	outside  float64
	reach    float64
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
	novel, outside, exact := 0, 0, 0
	var sample []float64
	run := math.NaN() // the value of the row before
	for i := s.lo; i < s.hi; i += max(stride, 1) {
		y := value(i)
		if y != y {
			continue
		}
		f.rows++
		if slack > 0 && closeTo(k.seen, y, 0) {
			exact++
		}
		y, seen := snap(k.seen, y, slack)
		hist[bin(k.edges, y)]++
		sample = append(sample, y)
		begins := y != run
		run = y
		if begins {
			f.runs++
		}
		if !seen {
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
				if begins {
					f.far++
				}
			}
		}
		g := uint8(bin(k.coarse, y))
		for j, li := range k.with {
			l := x.r.relations[li]
			var sc float64
			var ok bool
			switch {
			case l.inputs != nil:
				if f := x.fits[li]; f != nil && !x.needs(l, c, except) {
					sc, ok = l.score(g, f[i])
				}
			case l.a == l.b:
				if p := int(v.last[i]); p >= s.lo {
					if z := value(p); z == z {
						z, _ = snap(k.seen, z, slack)
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
	f.blurred = slack > 0.1*k.gap
	for _, n := range hist {
		if n > 0 {
			f.spots++
		}
	}
	length := x.r.lengths[f.level].rows
	f.exact = float64(exact) / float64(f.rows)
	f.novel = embed(float64(novel)/float64(f.rows), b.novel.med, s.rows(), length)
	f.outside = embed(float64(outside)/float64(f.rows), b.outside.med, s.rows(), length)
	f.distance = embed(nearest(cumulate(hist), b.cdf), b.distance.med, s.rows(), length)
	slices.Sort(sample)
	f.reach = reachOf(sample[len(sample)/2], k.low, k.high)
	for j, li := range k.with {
		f.rel[j] = embed(f.rel[j], x.r.relations[li].base[f.level].med, s.rows(), length)
	}
	return f
}

// bounds are what the reference lets expect of figures.
type bounds struct {
	novel, outside, reach, distance float64
	rel                             []float64 // least; NaN where the relation is not reliable at this length
}

func (x *exam) bounds(c int, f figures) bounds {
	k := x.r.columns[c]
	b := &k.bases[f.level]
	l := bounds{
		novel:    min(b.novel.limit(0.02, f.rows), 1),
		outside:  min(b.outside.limit(0.02, f.rows), 1),
		reach:    b.reach.limit(0.1, 0),
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

// plausible tells whether figures are about such as the reference lets expect; good rows are out of bounds now and then.
func (f figures) plausible(l bounds) bool {
	if !f.ok || f.novel > l.novel+0.1 && !f.blurred || f.outside > l.outside+0.1 || f.distance > l.distance*1.25+0.03 || f.reach > l.reach+0.1 {
		return false
	}
	told, broken := 0, 0
	for j, v := range f.rel {
		if v == v && l.rel[j] == l.rel[j] {
			told++
			if v < l.rel[j]-0.1*math.Abs(l.rel[j]) {
				broken++
			}
		}
	}
	return broken == 0 || told >= 4 && broken == 1
}

// strange tells whether anything is out of bounds.
func (f figures) strange(l bounds) bool {
	if !f.ok {
		return false
	}
	if f.novel > l.novel || f.outside > l.outside || f.distance > l.distance || f.reach > l.reach {
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
