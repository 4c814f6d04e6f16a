package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// together looks for the faults that need more than one column to be seen, or whose explanation competes between
// columns. A column that is explained is no witness against the others any more.
func (x *exam) together() {
	except := map[int]bool{}
	alone := len(x.found)
	stuck := x.stuck()
	x.inTurn(func(cols []int, except map[int]bool) []suspect {
		return x.swaps(slices.DeleteFunc(cols, func(c int) bool { return stuck[c] }), except)
	}, except, stuck)
	x.inTurn(x.affines, except, stuck)
	x.inTurn(x.recodings, except, stuck)
	for _, s := range x.found[:alone] {
		if s.proof.confidence() >= 0.7 && len(s.cols) == 1 && s.Kind != Missing {
			except[s.cols[0]] = true
		}
	}
	x.inTurn(x.shuffles, except, nil)
}

// stuck are the columns of which one value stands for most. Another unit may explain that, as where nearly all values
// lie at a bound; but nothing can be told from them about the columns that went with them, nor have they changed places.
func (x *exam) stuck() map[int]bool {
	stuck := map[int]bool{}
	for _, s := range x.found {
		if s.proof.confidence() >= 0.9 && len(s.cols) == 1 && (s.Kind == Frozen || s.Kind == Sentinel) && 2*int(s.Bad) >= s.span.rows() {
			stuck[s.cols[0]] = true
		}
	}
	return stuck
}

// inTurn takes the surest finding of a step, sets its columns aside and looks again, until none is sure. Columns in
// except are set aside already; those in mute may be explained, but are no witnesses.
func (x *exam) inTurn(step func([]int, map[int]bool) []suspect, except, mute map[int]bool) {
	for range 4 {
		var open []int
		for c, k := range x.r.columns {
			if x.cols[c] != nil && !k.idle && !except[c] {
				open = append(open, c)
			}
		}
		silent := maps.Clone(except)
		maps.Copy(silent, mute)
		list := step(open, silent)
		if len(list) == 0 {
			return
		}
		sort.SliceStable(list, func(i, j int) bool { return list[i].weight() > list[j].weight() })
		if list[0].proof.confidence() < 0.85 {
			x.found = append(x.found, list...)
			return
		}
		x.found = append(x.found, list[0])
		for _, c := range list[0].cols {
			except[c] = true
		}
	}
}

func (x *exam) affines(cols []int, except map[int]bool) []suspect {
	each := make([][]suspect, len(cols))
	parallel(len(cols), func(i int) { each[i] = x.affine(cols[i], except) })
	return slices.Concat(each...)
}

// swaps tries pairs of columns of one kind of which at least one is strange.
func (x *exam) swaps(cols []int, except map[int]bool) []suspect {
	type odd struct {
		c     int
		spans []span
	}
	each := make([]odd, len(cols))
	parallel(len(cols), func(i int) { each[i] = odd{cols[i], x.candidates(cols[i], except)} })
	type task struct {
		a, b int
		s    span
	}
	var tasks []task
	for i, p := range each {
		for _, q := range each[i+1:] {
			if x.r.columns[p.c].text != x.r.columns[q.c].text || x.r.columns[p.c].text {
				continue
			}
			seen := map[span]bool{}
			for _, s := range slices.Concat(p.spans, q.spans) {
				if !seen[s] {
					seen[s] = true
					tasks = append(tasks, task{p.c, q.c, s})
				}
			}
		}
	}
	found := make([]*suspect, len(tasks))
	parallel(len(tasks), func(i int) { found[i] = x.swap(tasks[i].a, tasks[i].b, tasks[i].s, except) })
	var list []suspect
	for _, f := range found {
		if f != nil {
			list = append(list, *f)
		}
	}
	slices.SortStableFunc(list, func(a, b suspect) int { return cmp.Compare(b.weight(), a.weight()) })
	return list
}

func (x *exam) swap(a, b int, s span, except map[int]bool) *suspect {
	// The relation between the two and to the rows before is judged with both put back; leave the one between them out.
	both := map[int]bool{a: true, b: true}
	for c := range except {
		both[c] = true
	}
	q := &suspect{cols: []int{a, b}, span: s}
	between := x.between(&q.proof, a, b, s)
	for _, p := range [][2]int{{a, b}, {b, a}} {
		own, other := x.cols[p[0]], x.cols[p[1]]
		asIs := x.look(p[0], s, own.at, 0, both)
		limits := x.bounds(p[0], asIs)
		back := x.look(p[0], s, other.at, 0, both)
		if !asIs.ok || !back.plausible(limits) {
			return nil
		}
		var one proof
		x.weigh(&one, p[0], s, asIs, back, limits, nil)
		if one.confidence() < 0.4 && !(between && one.confidence() > 0.1) { // both must be out of place
			return nil
		}
		for _, e := range one.list {
			e.Name = x.r.columns[p[0]].name + ": " + e.Name
			q.proof.list = append(q.proof.list, e)
		}
		for reason, d := range one.doubt {
			q.proof.merge(x.r.columns[p[0]].name+": "+reason, d)
		}
	}
	if q.proof.confidence() < 0.5 {
		return nil
	}
	only := true // both beyond their range, as in a heat, is not enough
	for reason := range q.proof.doubt {
		only = only && (strings.HasSuffix(reason, "distribution") || strings.HasSuffix(reason, "sharp"))
	}
	if only {
		q.proof.most = 0.88
	}
	x.sharpen(q, a, x.cols[b].at, 0, both)
	q.Finding = Finding{
		Columns: []string{x.r.columns[a].name, x.r.columns[b].name}, Kind: Swapped, Bad: int64(q.span.rows()),
		Cause: fmt.Sprintf("%s and %s have changed places; put back, both are like the reference.", x.r.columns[a].name, x.r.columns[b].name),
	}
	return q
}

// between adds as evidence that the relation of two columns to each other is broken as they stand and whole when they
// are put back.
func (x *exam) between(p *proof, a, b int, s span) bool {
	level := x.r.levelFor(s.rows())
	for _, li := range x.r.columns[a].with {
		l := x.r.relations[li]
		if l.a == l.b || l.a+l.b-a != b || !l.reliable(level) {
			continue
		}
		va, vb := x.cols[l.a].vals, x.cols[l.b].vals
		ka, kb := x.r.columns[l.a], x.r.columns[l.b]
		is, back, n := 0.0, 0.0, 0.0
		for i := s.lo; i < s.hi; i += max(1, s.rows()/lookRows) {
			if u, w := va[i], vb[i]; u == u && w == w {
				sc, _ := x.pair(li, i)
				is += sc
				sc, _ = l.score(uint8(bin(ka.coarse, w)), uint8(bin(kb.coarse, u)))
				back += sc
				n++
			}
		}
		base := l.base[level]
		if least := base.least(0.05 * l.mean); n >= 20 && is/n < least && back/n >= least {
			p.add("between", "relation to each other; put back "+format(back/n), is/n, least, beyond(-is/n, -base.med, -least, 0.85))
			return true
		}
	}
	return false
}

func (p *proof) merge(reason string, doubt float64) {
	if p.doubt == nil {
		p.doubt = map[string]float64{}
	}
	p.doubt[reason] = doubt
}

// shuffles finds a column whose relations are gone while its distribution is as before.
func (x *exam) shuffles(cols []int, except map[int]bool) []suspect {
	each := make([]*suspect, len(cols))
	parallel(len(cols), func(i int) { each[i] = x.shuffle(cols[i], except) })
	var list []suspect
	for _, f := range each {
		if f != nil {
			list = append(list, *f)
		}
	}
	return list
}

func (x *exam) shuffle(c int, except map[int]bool) *suspect {
	k, v := x.r.columns[c], x.cols[c]
	var best *suspect
	for _, s := range x.candidates(c, except) {
		f := x.look(c, s, v.at, 0, except)
		limits := x.bounds(c, f)
		if !f.ok || f.novel > limits.novel+0.05 || f.outside > limits.outside+0.02 {
			continue
		}
		q := &suspect{cols: []int{c}, span: s}
		broken, whole := 0, 0
		for j, li := range k.with {
			l := x.r.relations[li]
			if limits.rel[j] != limits.rel[j] || f.rel[j] != f.rel[j] {
				continue
			}
			b := l.base[f.level]
			if f.rel[j] >= limits.rel[j] || f.rel[j] > 0.25*b.med {
				whole++
				continue
			}
			broken++
			name := x.nameOf(l, c)
			q.proof.add(fmt.Sprintf("relation %d", min(broken, 3)), name, f.rel[j], limits.rel[j], beyond(-f.rel[j], -b.med, -limits.rel[j], 0.75))
		}
		if broken == 0 || whole > 0 {
			continue
		}
		if best == nil || q.proof.confidence() > best.proof.confidence()+0.02 {
			best = q
		}
	}
	if best == nil {
		return nil
	}
	// The rows that go worst with the others, as one stretch; a few rows at an edge go well by chance.
	if flag, ok := x.brokenness(c, x.r.levelFor(best.span.rows()), except); ok {
		if t, _ := heaviest(flag); t.rows() >= x.r.opt.MinRows && (t.within(best.span) > 0.5 || best.span.within(t) > 0.5) {
			if slack := 3 + x.n/100; t.lo <= slack {
				t.lo = 0
			}
			if slack := 3 + x.n/100; x.n-t.hi <= slack {
				t.hi = x.n
			}
			best.span = t
		}
	}
	best.Finding = Finding{
		Columns: []string{k.name}, Kind: Shuffled, Bad: int64(best.span.rows()),
		Cause: "The values are distributed as before, but no longer go with the other columns: they seem to belong to other rows.",
	}
	return best
}
