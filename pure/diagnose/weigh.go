package diagnose

import (
	"fmt"
	"math"
)

// weigh compares a stretch as it stands with the same undone: each respect in which it was out of bounds and is within
// them after. near returns the figures of what is undone times a factor close to 1, as a control: where any factor
// leads to values seen before, that they were seen says little.
func (x *exam) weigh(p *proof, c int, s span, asIs, undone figures, limits bounds, near func(float64) figures) {
	k := x.r.columns[c]
	b := &k.bases[asIs.level]
	if asIs.novel > limits.novel && undone.novel < asIs.novel/2 {
		strength := beyond(asIs.novel, b.novel.med, limits.novel, 0.9)
		if asIs.novel-limits.novel > 0.3 && undone.novel < 0.1+limits.novel {
			strength = max(strength, 0.9)
		}
		if near != nil {
			chance := 0.0
			for _, f := range []float64{1.013, 0.9707, 1.0449, 0.9531} {
				chance = max(chance, (1-near(f).novel)/max(1-undone.novel, 1e-9))
			}
			switch {
			case chance < 0.3 && asIs.kinds >= 5:
				strength = max(strength, 0.9)
				if asIs.novel-limits.novel > 0.3 {
					strength = max(strength, 0.97)
				}
			case chance < 0.7:
			default:
				strength = min(strength, 0.5)
			}
		}
		if asIs.kinds < 3 {
			strength *= 0.6
		}
		p.add("values", "share never seen; undone "+percent(undone.novel), asIs.novel, limits.novel, strength)
	}
	if asIs.distance > limits.distance && undone.distance <= limits.distance*1.25+0.03 {
		p.add("distribution", "distance to the nearest stretch; undone "+format(undone.distance), asIs.distance, limits.distance,
			draws(asIs.runs)*b.distance.trust()*beyond(asIs.distance, b.distance.med, limits.distance, 0.8))
	}
	if asIs.reach > limits.reach && undone.reach <= limits.reach {
		p.add("distribution", "median beyond the range, in ranges; undone "+format(undone.reach), asIs.reach, limits.reach,
			draws(asIs.far)*max(b.reach.trust(), min(1, asIs.reach/2))*beyond(asIs.reach, b.reach.med, limits.reach, 0.93))
	}
	if asIs.outside > limits.outside && undone.outside <= limits.outside+0.1 {
		p.add("distribution", "share beyond the range; undone "+percent(undone.outside), asIs.outside, limits.outside,
			draws(asIs.far)*b.outside.trust()*beyond(asIs.outside, b.outside.med, limits.outside, 0.85))
	}
	x.weighRelations(p, c, asIs, undone, limits)
	if last := x.previous(c, s, asIs.level); last != nil {
		if f := x.shape(c, s); f != nil {
			d, limit := cdfDistance(f, last), b.jump.limit(0.05, 0)
			p.add("sharp", "distance to the rows right before", d, limit, beyond(d, b.jump.med, limit, 0.5))
		}
	}
}

// draws is how far a distribution that rests on n values counts. Rows that repeat the value of the row before, as those
// of a day repeat its weather, are one value: a few days of a storm lie beyond a range as well as a change of unit does.
func draws(n int) float64 { return 1 - math.Exp2(-float64(n)) }

// weighRelations adds the relations that are broken as the rows stand and whole when undone.
func (x *exam) weighRelations(p *proof, c int, asIs, undone figures, limits bounds) (broken int) {
	k := x.r.columns[c]
	for j, li := range k.with {
		l := x.r.relations[li]
		if !(asIs.rel[j] < limits.rel[j]) || !(undone.rel[j] >= limits.rel[j]-0.1*math.Abs(limits.rel[j])) {
			continue
		}
		if l.lag() {
			continue // a map keeps neighbours neighbours: that says no more than the distribution does
		}
		broken++
		b := l.base[asIs.level]
		name := x.nameOf(l, c)
		strength := b.trust() * beyond(-asIs.rel[j], -b.med, -limits.rel[j], 0.8)
		// Each relation is one more witness, though not an independent one.
		p.add(fmt.Sprintf("relation %d", min(broken, 2)), name+"; undone "+format(undone.rel[j]), asIs.rel[j], limits.rel[j], strength)
	}
	return broken
}

// told tells whether a close relation to other columns is broken as the rows stand and whole when undone.
func (x *exam) told(c int, asIs, undone figures, limits bounds) bool {
	for j, li := range x.r.columns[c].with {
		l := x.r.relations[li]
		if !l.lag() && l.mean >= 0.3 && asIs.rel[j] < limits.rel[j] && undone.rel[j] >= limits.rel[j]-0.1*math.Abs(limits.rel[j]) {
			return true
		}
	}
	return false
}

// shape is the distribution of a column in a stretch as it stands.
func (x *exam) shape(c int, s span) []float32 {
	k, v := x.r.columns[c], x.cols[c]
	hist := make([]int32, len(k.edges)+1)
	for _, y := range v.vals[s.lo:s.hi] {
		if y == y {
			hist[bin(k.edges, y)]++
		}
	}
	return cumulate(hist)
}

// previous is the distribution right before a stretch: of as many current rows as a stretch of the level has, or else
// of the last stretch of the reference; nil when there is no value.
func (x *exam) previous(c int, s span, level int) []float32 {
	if n := x.r.lengths[level].rows; s.lo >= n {
		return x.shape(c, span{s.lo - n, s.lo})
	}
	cdf := x.r.columns[c].bases[level].cdf
	return cdf[len(cdf)-1]
}

func percent(v float64) string { return format(math.Round(1000*v)/10) + " %" }

// sharpen finds the rows at which a change begins and ends: those that are better undone against those that are better
// as they stand.
func (x *exam) sharpen(q *suspect, c int, undo func(int) float64, slack float64, except map[int]bool) bool {
	k, v := x.r.columns[c], x.cols[c]
	gain := make([]float64, x.n)
	level := x.r.levelFor(q.span.rows())
	values := k.bases[level].novel.n > 0 && k.bases[level].novel.med < 0.5
	for i, y := range v.vals {
		if y != y {
			continue
		}
		z := undo(i)
		if z != z {
			continue
		}
		z, seen := snap(k.seen, z, slack)
		if values {
			a, b := closeTo(k.seen, y, 0), seen
			switch {
			case b && !a:
				gain[i] += 2
			case a && !b:
				gain[i] -= 2
			}
		}
		switch inside, back := y >= k.low && y <= k.high, z >= k.low && z <= k.high; {
		case back && !inside:
			gain[i]++
		case inside && !back:
			gain[i]--
		}
		g, h := uint8(bin(k.coarse, y)), uint8(bin(k.coarse, z))
		for _, li := range k.with {
			l := x.r.relations[li]
			if l.lag() || !l.reliable(level) || x.needs(l, c, except) {
				continue
			}
			var o uint8
			if l.inputs != nil {
				o = x.fits[li][i]
			} else {
				o = x.cols[l.a+l.b-c].group[i]
			}
			var was, is float64
			if l.a == c {
				was, _ = l.score(g, o)
				is, _ = l.score(h, o)
			} else {
				was, _ = l.score(o, g)
				is, _ = l.score(o, h)
			}
			gain[i] += max(-2, min(2, is-was))
		}
	}
	s, sum := heaviest(gain)
	if sum <= 5 || s.rows() < x.r.opt.MinRows || s.within(q.span) < 0.3 && q.span.within(s) < 0.5 {
		return false
	}
	q.span = s.widen(gain)
	return true
}

// strength of a kind of reason, 0 when there is none.
func (p *proof) strength(reason string) float64 {
	if d, ok := p.doubt[reason]; ok {
		return 1 - d
	}
	return 0
}

// temper caps what is proved, for explanations that fit too easily.
func (p *proof) temper(most float64) {
	for k, d := range p.doubt {
		p.doubt[k] = 1 - (1-d)*most
	}
}
