package diagnose

import (
	"cmp"
	"math"
	"slices"
)

const (
	partners   = 4      // most other columns that a column is held against
	sampleRows = 20_000 // rows from which partners are chosen
	leastLift  = 0.05   // nats a row below which a relation says nothing
)

// relation is how two columns go together, or a column with its own value one row before (a == b). Its score of a row
// is the logarithm of how much more often the pair of groups occurs than it would by chance; the mean over rows is the
// mutual information while the relation holds, and negative when values are paired at random.
type relation struct {
	a, b int
	wide int // groups of b
	lift []float32
	base []spread // by length: mean score, cross-fitted
	mean float64

	// For the relation of a column (a == b) to its prediction from others: the terms, and the edges of the prediction.
	inputs []input
	edges  []float64
}

// score of a pair of groups; 0 and false when one is absent.
func (l *relation) score(a, b uint8) (float64, bool) {
	if a == absent || b == absent {
		return 0, false
	}
	return float64(l.lift[int(a)*l.wide+int(b)]), true
}

func liftOf(count []float64, tall, wide int) []float32 {
	rows, cols := make([]float64, tall), make([]float64, wide)
	n := 0.0
	for a := range tall {
		for b := range wide {
			c := count[a*wide+b]
			rows[a] += c
			cols[b] += c
			n += c
		}
	}
	lift := make([]float32, tall*wide)
	for a := range tall {
		for b := range wide {
			e := 0.0
			if n > 0 {
				e = rows[a] * cols[b] / n
			}
			lift[a*wide+b] = float32(math.Log((count[a*wide+b] + 1) / (e + 1)))
		}
	}
	return lift
}

// before returns each row's group of the last row before that has one.
func before(group []uint8) []uint8 {
	p := make([]uint8, len(group))
	last := uint8(absent)
	for i, g := range group {
		p[i] = last
		if g != absent {
			last = g
		}
	}
	return p
}

// relate chooses and learns the relations.
func (r *Reference) relate() {
	type pair struct {
		a, b int
		info float64
	}
	var usable []int
	for i, k := range r.columns {
		if !k.idle && len(k.seen) > 1 {
			usable = append(usable, i)
		}
	}
	var pairs []pair
	for i, a := range usable {
		for _, b := range usable[i+1:] {
			pairs = append(pairs, pair{a: a, b: b})
		}
	}
	stride := max(1, r.rows/sampleRows, r.rows*len(pairs)/100_000_000)
	parallel(len(pairs), func(i int) {
		p := &pairs[i]
		x, y := r.columns[p.a], r.columns[p.b]
		tall, wide := len(x.coarse)+1, len(y.coarse)+1
		count := make([]float64, tall*wide)
		n := 0
		for row := 0; row < r.rows; row += stride {
			if g, h := x.group[row], y.group[row]; g != absent && h != absent {
				count[int(g)*wide+int(h)]++
				n++
			}
		}
		if n < leastReference {
			return
		}
		for j, l := range liftOf(count, tall, wide) {
			p.info += count[j] * float64(l)
		}
		p.info = p.info/float64(n) - float64((tall-2)*(wide-2))/2/float64(n)
	})
	slices.SortStableFunc(pairs, func(x, y pair) int { return cmp.Compare(y.info, x.info) })
	with := map[int]int{}
	for _, p := range pairs {
		if p.info < leastLift || with[p.a] >= partners && with[p.b] >= partners {
			continue
		}
		with[p.a]++
		with[p.b]++
		r.relations = append(r.relations, &relation{a: p.a, b: p.b})
	}
	for _, a := range usable {
		r.relations = append(r.relations, &relation{a: a, b: a})
	}
	r.relations = append(r.relations, r.predictions(usable)...)
	parallel(len(r.relations), func(i int) { r.fitRelation(r.relations[i]) })
	kept := r.relations[:0]
	for _, l := range r.relations {
		if l.mean < leastLift || l.base[0].n == 0 {
			continue
		}
		r.columns[l.a].with = append(r.columns[l.a].with, len(kept))
		if l.a != l.b {
			r.columns[l.b].with = append(r.columns[l.b].with, len(kept))
		}
		kept = append(kept, l)
	}
	r.relations = kept
}

// fitRelation learns the lifts on all rows, and on two halves made of eighths in turn the scores of the other half, so
// that the base is that of rows not learnt from.
func (r *Reference) fitRelation(l *relation) {
	x, y := r.columns[l.a], r.columns[l.b]
	ga, gb := x.group, y.group
	tall, wide := len(x.coarse)+1, len(y.coarse)+1
	switch {
	case l.inputs != nil:
		gb = l.grouped(l.predict(r.rows, func(c int) []float64 { return r.columns[c].vals }))
		wide = len(l.edges) + 1
	case l.lag():
		gb = before(gb)
	}
	l.wide = wide
	var count [2][]float64
	for f := range count {
		count[f] = make([]float64, tall*wide)
	}
	blocks := len(r.blocks) - 1
	fold := func(b int) int { return b * 8 / blocks % 2 }
	for b := range blocks {
		c := count[fold(b)]
		for i := r.blocks[b]; i < r.blocks[b+1]; i++ {
			if ga[i] != absent && gb[i] != absent {
				c[int(ga[i])*wide+int(gb[i])]++
			}
		}
	}
	lift := [2][]float32{liftOf(count[1], tall, wide), liftOf(count[0], tall, wide)}
	sum, n := make([]float64, blocks), make([]float64, blocks)
	for b := range blocks {
		f := lift[fold(b)]
		for i := r.blocks[b]; i < r.blocks[b+1]; i++ {
			if ga[i] != absent && gb[i] != absent {
				sum[b] += float64(f[int(ga[i])*wide+int(gb[i])])
				n[b]++
			}
		}
	}
	total, rows := 0.0, 0.0
	for b := range blocks {
		total += sum[b]
		rows += n[b]
	}
	if rows > 0 {
		l.mean = total / rows
	}
	for j := range count[0] {
		count[0][j] += count[1][j]
	}
	l.lift = liftOf(count[0], tall, wide)
	for _, x := range r.lengths {
		var means []float64
		for _, s := range x.starts {
			t, m := 0.0, 0.0
			for b := s; b < s+x.merge; b++ {
				t += sum[b]
				m += n[b]
			}
			if m >= 10 {
				means = append(means, t/m)
			}
		}
		l.base = append(l.base, spreadOf(means))
	}
}

// reliable tells whether the relation held in every stretch of the length, so that its absence says something.
func (l *relation) reliable(level int) bool {
	b := l.base[level]
	return b.n >= 4 && b.min > 0.2*b.med && b.med >= leastLift
}
