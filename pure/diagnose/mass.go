package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// massBase returns the noise base of the share of one value, and its usual share. A value never seen has that of values
// new to their stretch.
func (k *known) massBase(value float64, level int) (b spread, usual float64, seen bool) {
	i := sort.SearchFloat64s(k.seen, value)
	if i == len(k.seen) || k.seen[i] != value {
		return k.bases[level].mass, 0, false
	}
	usual = float64(k.count[i]) / float64(k.values)
	for j, v := range k.often {
		if int(v) == i {
			return k.bases[level].often[j], usual, true
		}
	}
	return k.bases[level].heavy, usual, true
}

// stand-ins that programs write for "no value".
var standIns = []float64{-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999, 1e9, 1e10, 1e20, 1e30, 32767, 65535, 2147483647, -2147483648, -32768, -200, -99.9, -999.9, 999.9, 9999.9, 99.99, 999.99}

func standIn(v float64) bool {
	if v == 0 || math.IsInf(v, 0) {
		return true
	}
	for _, s := range standIns {
		if math.Abs(v-s) <= 1e-6*math.Abs(s) {
			return true
		}
	}
	return false
}

// sentinel finds one value that takes the place of many: its share is above anything before, and it lies apart from the
// other values, is a known stand-in, or goes with the other columns as if by chance.
func (x *exam) sentinel(c int, parts []part) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	if k.text {
		return nil
	}
	values, counts := parts[0].values, parts[0].counts
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	excess := make([]float64, len(values)) // over the usual count
	for i, y := range values {
		_, usual, _ := k.massBase(y, 0)
		excess[i] = float64(counts[i]) - usual*float64(x.n)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(excess[b], excess[a]) })
	var best suspect
	for _, o := range order[:min(len(order), 5)] {
		value, n := values[o], int(counts[o])
		if n < 10 || k.high == k.low && !standIn(value) {
			continue
		}
		_, usual, seen := k.massBase(value, 0)
		hit := make([]float64, x.n)
		s, inside := span{0, x.n}, min(1, usual+0.3)
		for range 3 {
			for i, y := range v.vals {
				switch cut := (usual + inside) / 2; {
				case y == value:
					hit[i] = 1 - cut
				case y != y:
					hit[i] = 0
				default:
					hit[i] = -cut
				}
			}
			t, sum := heaviest(hit)
			if sum <= 0 {
				break
			}
			s = t
			inside = x.shareOf(c, value, s)
			if inside <= usual {
				break
			}
		}
		for _, t := range []span{s.widen(hit), {0, x.n}} {
			if t.rows() < x.r.opt.MinRows {
				continue
			}
			level := x.r.levelFor(t.rows())
			b, _, _ := k.massBase(value, level)
			if b.n == 0 {
				continue
			}
			share := x.shareOf(c, value, t)
			limit := b.limit(0.02, t.rows())
			gap, wide := k.apart(value), k.high-k.low
			if wide == 0 {
				wide = math.Abs(k.high)
			}
			if wide == 0 {
				continue
			}
			far := gap > 3*wide
			// Where a stretch has only one or two values anyway, as a calendar's month, a new one says little.
			if k.bases[level].distinct.med <= 2 && !far || x.others(c, value, t) > 0.5 {
				continue
			}
			p := proof{}
			p.add("share", "share of one value", share, limit, beyond(embed(share, b.med, t.rows(), x.r.lengths[level].rows), b.med, limit, 0.8))
			if far {
				p.add("share", "share of one value", share, limit, 0.6)
			}
			if len(p.list) == 0 {
				continue
			}
			if gap > 0.05*wide {
				p.add("place", "distance from all values seen, in ranges", gap/wide, 0, min(0.98, 0.2+0.8*gap/wide))
			}
			if standIn(value) {
				p.add("stand-in", "a usual stand-in", value, 0, 0.3)
			}
			if !seen {
				p.add("new", "never seen", 1, 0, 0.2)
			}
			x.unrelated(&p, c, t, value)
			if p.confidence() > best.proof.confidence()+0.02 {
				bad := 0
				for _, y := range v.vals[t.lo:t.hi] {
					if y == value {
						bad++
					}
				}
				best = suspect{cols: []int{c}, span: t, proof: p, Finding: Finding{
					Columns: []string{k.name}, Kind: Sentinel, Bad: int64(bad),
					Cause: fmt.Sprintf("%.0f %% of the values are %s, in the reference %.2f %%; it looks like a stand-in for another or no value.",
						100*share, format(value), 100*usual),
				}}
			}
		}
	}
	if len(best.cols) == 0 {
		return nil
	}
	return []suspect{best}
}

func (x *exam) shareOf(c int, value float64, s span) float64 {
	n, hit := 0, 0
	for _, y := range x.cols[c].vals[s.lo:s.hi] {
		if y == y {
			n++
			if y == value {
				hit++
			}
		}
	}
	return float64(hit) / float64(max(n, 1))
}

// others is the share of never-seen values among the values of a stretch that are not the given one; 0 when there are
// few. Where all are strange, the one is no stand-in.
func (x *exam) others(c int, value float64, s span) float64 {
	k, v := x.r.columns[c], x.cols[c]
	n, novel := 0, 0
	stride := max(1, s.rows()/lookRows)
	for i := s.lo; i < s.hi; i += stride {
		if y := v.vals[i]; y == y && y != value {
			n++
			if !closeTo(k.seen, y, 0) {
				novel++
			}
		}
	}
	if n < 10 {
		return 0
	}
	return max(0, float64(novel)/float64(n)-k.bases[x.r.levelFor(s.rows())].novel.max)
}

// apart is the distance from a value to the nearest seen, 0 when it lies within the range.
func (k *known) apart(value float64) float64 {
	return max(k.low-value, value-k.high, 0)
}

// unrelated adds as evidence that rows with the value go with the other columns no better than by chance, where such
// rows otherwise go with them.
func (x *exam) unrelated(p *proof, c int, s span, value float64) {
	k, v := x.r.columns[c], x.cols[c]
	level := x.r.levelFor(s.rows())
	for _, li := range k.with {
		l := x.r.relations[li]
		if l.lag() || !l.reliable(level) || x.needs(l, c, nil) {
			continue
		}
		sum, n := 0.0, 0
		for i := s.lo; i < s.hi; i++ {
			if v.vals[i] != value {
				continue
			}
			if sc, ok := x.pair(li, i); ok {
				sum += sc
				n++
			}
		}
		if n < 10 {
			continue
		}
		if mean := sum / float64(n); mean < -0.5*l.mean && l.mean > 0.1 {
			p.add("relation", x.nameOf(l, c)+" of these rows", mean, l.mean, 0.6)
		}
	}
}

// pair scores row i in a relation.
func (x *exam) pair(li, i int) (float64, bool) {
	l := x.r.relations[li]
	switch v := x.cols[l.a]; {
	case l.inputs != nil:
		if x.fits[li] == nil {
			return 0, false
		}
		return l.score(v.group[i], x.fits[li][i])
	case l.a == l.b:
		if v.last[i] < 0 {
			return 0, false
		}
		return l.score(v.group[i], v.group[v.last[i]])
	default:
		return l.score(v.group[i], x.cols[l.b].group[i])
	}
}
