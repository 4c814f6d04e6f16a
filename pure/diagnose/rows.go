package diagnose

import (
	"fmt"
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/table"
)

// pace is how densely rows come in time.
type pace struct {
	begin, end int64
	gap        int64 // longest time without a row
	times      []int64
}

func paceOf(times []int64) pace {
	p := pace{begin: times[0], end: times[len(times)-1]}
	for i := 1; i < len(times); i++ {
		p.gap = max(p.gap, times[i]-times[i-1])
	}
	p.times = slices.Clone(times)
	return p
}

// between counts the rows of the reference in a span of time.
func (p *pace) between(from, to int64) int {
	a, _ := slices.BinarySearch(p.times, from)
	b, _ := slices.BinarySearch(p.times, to)
	return b - a
}

// volume finds a time without rows that is longer than any in the reference, and a span with far fewer rows than any
// span of that length.
func (x *exam) volume(s Sample) {
	p := &x.r.rate
	width := p.end - p.begin
	if width <= 0 {
		return
	}
	begin, end := s.Begin, s.End
	if x.n > 0 && (begin == 0 || begin > x.times[0]) {
		begin = x.times[0]
	}
	if x.n > 0 && (end == 0 || end <= x.times[x.n-1]) {
		end = x.times[x.n-1]
	}
	if end <= begin {
		return
	}
	rate := float64(len(p.times)) / float64(width)
	from, longest := begin, int64(0)
	gapAt := begin
	for _, t := range append(slices.Clone(x.times), end) {
		if g := t - from; g > longest {
			longest, gapAt = g, from
		}
		from = t
	}
	usual := max(p.gap, int64(1/rate))
	lost := float64(longest) * rate
	if longest > 2*usual && lost >= 20 {
		q := suspect{}
		ratio := float64(longest) / float64(usual)
		q.proof.add("gap", "longest time without a row, ms", float64(longest), float64(usual), min(0.97, 1-1.5/ratio))
		q.Finding = Finding{Kind: Volume, Begin: gapAt, End: gapAt + longest, Bad: int64(lost), Rows: int64(lost), Share: 1,
			Cause: fmt.Sprintf("No rows came for %s; the longest such time in the reference is %s.", duration(longest), duration(usual)), Healed: gapAt+longest < end}
		if !q.Healed {
			q.End = 0
		}
		x.found = append(x.found, q)
		return
	}
	// Spans of the same length, and at the same distance from each other, over the reference.
	w := end - begin
	if width < 4*w || w <= 0 {
		return
	}
	var counts []float64
	for to := p.end; to-w >= p.begin; to -= max(w/2, 1) {
		counts = append(counts, float64(p.between(to-w, to)))
	}
	b := spreadOf(counts)
	least := b.min - 4*math.Sqrt(b.min)
	if float64(x.n) < 0.7*least && least >= 30 {
		q := suspect{}
		q.proof.add("rows", "rows in the span, least in the reference", float64(x.n), b.min, min(0.85, 1-float64(x.n)/least))
		lost := b.med - float64(x.n)
		q.Finding = Finding{Kind: Volume, Bad: int64(lost), Rows: int64(b.med), Share: lost / b.med,
			Cause: fmt.Sprintf("%d rows came; in the reference it is %.0f, at least %.0f in a time of this length.", x.n, b.med, b.min)}
		x.found = append(x.found, q)
	}
}

func duration(ms int64) string {
	switch {
	case ms < 120_000:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	case ms < 7_200_000:
		return fmt.Sprintf("%.1f minutes", float64(ms)/60_000)
	case ms < 172_800_000:
		return fmt.Sprintf("%.1f hours", float64(ms)/3_600_000)
	}
	return fmt.Sprintf("%.1f days", float64(ms)/86_400_000)
}

// key tells whether nearly every value is its own, as an id's are; measurements that are so are no keys.
func (k *known) key() bool {
	return k.typ != table.Float64 && k.typ != table.Float32 && float64(len(k.seen)) > 0.98*float64(k.values)
}

// twins marks the rows whose event time and values are those of an earlier row of the same time. Columns in which
// nearly every value is its own (keys) are left out.
func (r *Reference) twins(t *table.Table, times []int64) []bool {
	hash := make([]uint64, len(times))
	mix := func(i int, v uint64) { hash[i] = (hash[i]^v)*0x9E3779B97F4A7C15 + (hash[i] >> 29) }
	for i, ms := range times {
		mix(i, uint64(ms))
	}
	used := 0
	for _, k := range r.columns {
		c := t.Column(k.name)
		if c == nil || !alike(k.typ, c.Type) || k.key() {
			continue
		}
		used++
		for i, v := range numbers(c, k.dict) {
			mix(i, math.Float64bits(v))
		}
	}
	twin := make([]bool, len(times))
	if used == 0 {
		return twin
	}
	seen := map[uint64]struct{}{}
	for i, h := range hash {
		if i > 0 && times[i] != times[i-1] {
			clear(seen)
		}
		_, twin[i] = seen[h]
		seen[h] = struct{}{}
	}
	return twin
}

func (r *Reference) repeats(t *table.Table, times []int64) []spread {
	twin := r.twins(t, times)
	list := make([]spread, len(r.lengths))
	for li, l := range r.lengths {
		var share []float64
		for _, s := range l.starts {
			n := 0
			lo, hi := r.blocks[s], r.blocks[s+l.merge]
			for _, is := range twin[lo:hi] {
				if is {
					n++
				}
			}
			share = append(share, float64(n)/float64(hi-lo))
		}
		list[li] = spreadOf(share)
	}
	return list
}

// repeated finds a stretch in which rows come again.
func (x *exam) repeated(t *table.Table) {
	twin := x.r.twins(t, x.times)
	all := 0
	for _, is := range twin {
		if is {
			all++
		}
	}
	if all < 10 {
		return
	}
	usual := x.r.twice[0].med
	gain := make([]float64, x.n)
	s, inside := span{0, x.n}, min(1, usual+0.2)
	for range 3 {
		for i, is := range twin {
			gain[i] = -(usual + inside) / 2
			if is {
				gain[i]++
			}
		}
		t, sum := heaviest(gain)
		if sum <= 0 {
			break
		}
		s, inside = t, float64(trues(twin[t.lo:t.hi]))/float64(t.rows())
		if inside <= usual {
			break
		}
	}
	best := suspect{}
	for _, s := range []span{{0, x.n}, s} {
		if s.rows() < x.r.opt.MinRows {
			continue
		}
		n := trues(twin[s.lo:s.hi])
		share := float64(n) / float64(s.rows())
		b := x.r.twice[x.r.levelFor(s.rows())]
		limit := b.limit(0.01, s.rows())
		q := suspect{span: s}
		q.proof.add("share", "share of rows that repeat one of the same time", share, limit, beyond(share, b.med, limit, 0.95))
		if q.proof.confidence() > best.proof.confidence()+0.02 {
			q.Finding = Finding{Kind: Duplicate, Bad: int64(n),
				Cause: fmt.Sprintf("%.1f %% of the rows repeat a row of the same event time; in the reference at most %.2f %% do.", 100*share, 100*b.max)}
			best = q
		}
	}
	if best.Kind != "" {
		x.found = append(x.found, best)
	}
}

func trues(b []bool) int {
	n := 0
	for _, t := range b {
		if t {
			n++
		}
	}
	return n
}
