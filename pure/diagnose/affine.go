package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// affine looks for the change that explains why a column is strange: a unit, a sign, a shift, a scale.
func (x *exam) affine(c int, except map[int]bool) []suspect {
	k := x.r.columns[c]
	if k.text || len(k.seen) < 3 || k.iqr == 0 && len(k.seen) < 8 {
		return nil
	}
	var best *suspect
	for _, s := range x.candidates(c, except) {
		q := x.explain(c, s, except)
		if q == nil {
			continue
		}
		if best == nil || q.proof.confidence() > best.proof.confidence()+0.02 {
			best = q
		}
	}
	if best == nil {
		return nil
	}
	return []suspect{*best}
}

// candidates are the stretches in which a column is strange: pieces of the sample, and where single rows tell, the
// stretch in which they are dense.
func (x *exam) candidates(c int, except map[int]bool) []span {
	k, v := x.r.columns[c], x.cols[c]
	list := x.pieces()
	level := x.r.levelFor(x.n)
	b := &k.bases[level]
	add := func(s span) {
		if s.rows() >= x.r.opt.MinRows {
			list = append(list, s)
		}
	}
	if limit := b.novel.limit(0.02, x.n); b.novel.n > 0 && limit < 0.6 {
		flag := make([]float64, x.n)
		for i, y := range v.vals {
			if y != y {
				continue
			}
			flag[i] = -(0.25 + limit/2)
			if !closeTo(k.seen, y, 0) {
				flag[i]++
			}
		}
		s, _ := heaviest(flag)
		add(s)
	}
	if limit := b.outside.limit(0.02, x.n); b.outside.n > 0 && limit < 0.6 {
		flag := make([]float64, x.n)
		for i, y := range v.vals {
			if y != y {
				continue
			}
			flag[i] = -(0.1 + limit/2)
			if y < k.low || y > k.high {
				flag[i]++
			}
		}
		s, _ := heaviest(flag)
		add(s)
	}
	flag, any := x.brokenness(c, level, except)
	if any {
		s, _ := heaviest(flag)
		add(s)
	}
	seen := map[span]bool{}
	kept := list[:0]
	for _, s := range list {
		if seen[s] {
			continue
		}
		seen[s] = true
		if s.rows() > 3*x.r.lengths[len(x.r.lengths)-1].rows && s.rows() > x.n/4 {
			continue // the reference has no stretches to compare it with
		}
		if f := x.look(c, s, v.at, 0, except); f.strange(x.bounds(c, f)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// brokenness scores each row by how much worse than half of usual its relations are, averaged; false without a
// reliable relation.
func (x *exam) brokenness(c, level int, except map[int]bool) ([]float64, bool) {
	k := x.r.columns[c]
	flag, n := make([]float64, x.n), make([]float64, x.n)
	any := false
	for _, li := range k.with {
		l := x.r.relations[li]
		if !l.reliable(level) || x.needs(l, c, except) {
			continue
		}
		any = true
		for i := range flag {
			if sc, ok := x.pair(li, i); ok {
				flag[i] += 0.5 - max(sc, -4)/l.mean
				n[i]++
			}
		}
	}
	for i := range flag {
		if n[i] > 0 {
			flag[i] /= n[i]
		}
	}
	return flag, any
}

// explain tries every change on a stretch that is strange and returns the best that leaves it plausible, nil when none
// does.
func (x *exam) explain(c int, s span, except map[int]bool) *suspect {
	k, v := x.r.columns[c], x.cols[c]
	asIs := x.look(c, s, v.at, 0, except)
	limits := x.bounds(c, asIs)
	if !asIs.strange(limits) {
		return nil
	}
	values, counts := distinct(v.vals[s.lo:s.hi])
	if len(values) < 2 {
		return nil
	}
	slack := grainOf(values) / 2
	middle, width := at(values, counts, 0.5), at(values, counts, 0.75)-at(values, counts, 0.25)
	type trial struct {
		kind string
		change
		f     figures
		score float64
	}
	var trials []trial
	try := func(kind string, u change) {
		if u.factor == 0 || u.factor == 1 && u.offset == 0 {
			return
		}
		// Most of the table is out of the question already by where it would put the middle.
		if reachOf(u.undo(middle), k.low, k.high) > limits.reach+0.1 || width/math.Abs(u.factor) > 20*max(k.iqr, (k.high-k.low)/20) {
			return
		}
		f := x.look(c, s, func(i int) float64 { return u.undo(v.vals[i]) }, slack/math.Abs(u.factor), except)
		if !f.plausible(limits) || f.spots < 3 || f.spots*3 < asIs.spots { // not everything squeezed into one place
			return
		}
		t := trial{kind: kind, change: u, f: f}
		t.score = 2*(asIs.novel-f.novel) + f.exact - f.distance
		for j, r := range f.rel {
			if l := x.r.relations[k.with[j]]; r == r {
				t.score += 0.5 * r / l.mean
			}
		}
		trials = append(trials, t)
	}
	for _, u := range changes() {
		try(Unit, u)
	}
	if k.low < 0 || values[0] < 0 {
		try(Sign, change{"", -1, 0})
	}
	if len(trials) == 0 {
		for _, u := range k.fitted(values, counts) {
			kind := Scale
			if u.factor == 1 {
				kind = Shift
			}
			try(kind, u)
		}
	}
	if len(trials) == 0 {
		return nil
	}
	slices.SortStableFunc(trials, func(a, b trial) int { return cmp.Compare(b.score, a.score) })
	t := trials[0]
	q := &suspect{cols: []int{c}, span: s}
	near := func(factor float64) figures {
		return x.look(c, s, func(i int) float64 { return t.undo(v.vals[i]) * factor }, slack/math.Abs(t.factor), except)
	}
	x.weigh(&q.proof, c, s, asIs, t.f, limits, near)
	if len(q.proof.list) == 0 {
		return nil
	}
	// What a few percent more or less would explain as well is what growth and seasons look like, unless it is far off or
	// the values lie on a grid; a mild factor is never more, and one that no close relation to others tells.
	if q.proof.strength("values") < 0.8 && asIs.reach < 2 {
		l := math.Abs(math.Log(math.Abs(t.factor)))
		switch {
		case l < math.Log(1.5) || l < math.Log(12) && !x.told(c, asIs, t.f, limits):
			q.proof.most = 0.88
		case l < math.Log(8) && near(1.0449).plausible(limits) && near(0.9531).plausible(limits):
			q.proof.temper(0.8)
		}
	}
	undo := func(i int) float64 { return t.undo(v.vals[i]) }
	if was := q.span; x.sharpen(q, c, undo, slack/math.Abs(t.factor), except) {
		asIs := x.look(c, q.span, v.at, 0, except)
		back := x.look(c, q.span, undo, slack/math.Abs(t.factor), except)
		if !back.plausible(x.bounds(c, asIs)) || asIs.plausible(x.bounds(c, asIs)) {
			q.span = was
		}
	}
	q.Finding = Finding{
		Columns: []string{k.name}, Kind: t.kind, Bad: int64(q.span.rows() - count(v.group[q.span.lo:q.span.hi], absent)),
		Factor: t.factor, Offset: t.offset, Unit: t.name,
	}
	switch t.kind {
	case Unit:
		q.Cause = fmt.Sprintf("The unit changed, as from %s: values are %s × what they were%s; undone, they are like the reference.", t.name, format(t.factor), plus(t.offset))
	case Sign:
		q.Cause = "The sign is turned; turned back, the values are like the reference."
	case Shift:
		q.Cause = fmt.Sprintf("%s was added to the values; taken off, they are like the reference.", format(t.offset))
		q.proof.most = 0.88 // fits too easily to hold rows for it
	case Scale:
		q.Cause = fmt.Sprintf("Values are %s × what they were%s, which is no usual unit; undone, they are like the reference.", format(t.factor), plus(t.offset))
		q.proof.most = 0.88
	}
	return q
}

func plus(offset float64) string {
	switch {
	case offset > 0:
		return " plus " + format(offset)
	case offset < 0:
		return " minus " + format(-offset)
	}
	return ""
}

// fitted estimates a factor and a shift from quantiles.
func (k *known) fitted(values []float64, counts []int32) []change {
	m, w := at(values, counts, 0.5), at(values, counts, 0.75)-at(values, counts, 0.25)
	m0 := at(k.seen, k.count, 0.5)
	list := []change{{"", 1, m - m0}}
	if m0 != 0 && m/m0 > 0 && (m/m0 > 1.5 || m/m0 < 0.67) {
		list = append(list, change{"", m / m0, 0})
	}
	if k.iqr > 0 && w > 0 && (w/k.iqr > 1.5 || w/k.iqr < 0.67) {
		list = append(list, change{"", w / k.iqr, m - m0*w/k.iqr})
	}
	return list
}
