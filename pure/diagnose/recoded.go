package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab/pure/table"
)

// recodings looks for categories that are written otherwise or have changed places.
func (x *exam) recodings(cols []int, except map[int]bool) []suspect {
	each := make([]*suspect, len(cols))
	parallel(len(cols), func(i int) {
		c := cols[i]
		if x.r.columns[c].text {
			each[i] = x.rewritten(c)
		}
		if each[i] == nil {
			each[i] = x.permuted(c, except)
		}
	})
	var list []suspect
	for _, f := range each {
		if f != nil {
			list = append(list, *f)
		}
	}
	return list
}

// spelling is one way in which the writing of text changes without its meaning.
type spelling struct {
	name string
	key  func(string) string
}

var spellings = []spelling{
	{"spaces around them", strings.TrimSpace},
	{"upper or lower case", strings.ToLower},
	{"case and spaces around them", func(s string) string { return strings.ToLower(strings.TrimSpace(s)) }},
	{"leading zeros", func(s string) string { return strings.TrimLeft(s, "0") }},
	{"a fraction of nought", func(s string) string { return strings.TrimSuffix(s, ".0") }},
	{"quotes", func(s string) string { return strings.Trim(s, `"'`) }},
	{"punctuation and spaces", func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, s)
	}},
}

// rewritten finds texts never seen that are seen ones but for their spelling, a prefix or a cut-off end.
func (x *exam) rewritten(c int) *suspect {
	k, v := x.r.columns[c], x.cols[c]
	flag := make([]float64, x.n)
	for i, y := range v.vals {
		if y == y {
			flag[i] = -0.5
			if int(y) >= len(k.words) {
				flag[i] = 0.5
			}
		}
	}
	s, sum := heaviest(flag)
	if sum < 5 || s.rows() < x.r.opt.MinRows {
		return nil
	}
	s = s.widen(flag)
	level := x.r.levelFor(s.rows())
	words := map[string]int{} // never seen, rows of each
	rows, bad := 0, 0
	for i := s.lo; i < s.hi; i++ {
		if y := v.vals[i]; y == y {
			rows++
			if int(y) >= len(k.words) {
				words[word(v.src, i)]++
				bad++
			}
		}
	}
	b := k.bases[level].novel
	share := float64(bad) / float64(max(rows, 1))
	limit := min(1, b.limit(0.02, rows))
	if b.n == 0 || share <= limit {
		return nil
	}
	matched := func(find func(string) (string, bool)) float64 {
		hit, targets := 0, map[string]bool{}
		for w, n := range words {
			if to, ok := find(w); ok {
				hit += n
				targets[to] = true
			}
		}
		if len(targets) < min(len(words), 2) { // all onto one is no spelling
			return 0
		}
		return float64(hit) / float64(bad)
	}
	best, how := 0.0, ""
	for _, sp := range spellings {
		seen := map[string]string{}
		for _, w := range k.words {
			seen[sp.key(w)] = w
		}
		if m := matched(func(w string) (string, bool) { to, ok := seen[sp.key(w)]; return to, ok && sp.key(w) != "" }); m > best {
			best, how = m, "the writing differs in "+sp.name
		}
	}
	if p := prefix(words); p != "" {
		if m := matched(func(w string) (string, bool) { _, ok := k.dict[w[len(p):]]; return w, ok }); m > best+0.02 {
			best, how = m, fmt.Sprintf("%q stands before them", p)
		}
	}
	if p := prefix(counted(k.words)); p != "" {
		if m := matched(func(w string) (string, bool) { _, ok := k.dict[p+w]; return w, ok }); m > best+0.02 {
			best, how = m, fmt.Sprintf("%q is gone from before them", p)
		}
	}
	if width := longestOf(words); width > 1 {
		cut := map[string]string{}
		for _, w := range k.words {
			if len(w) > width {
				cut[w[:width]] = w
			}
		}
		if m := matched(func(w string) (string, bool) { to, ok := cut[w]; return to, ok }); m > best+0.02 {
			best, how = m, fmt.Sprintf("they are cut off after %d bytes", width)
		}
	}
	q := &suspect{cols: []int{c}, span: s}
	q.proof.add("values", "share never seen", share, limit, beyond(share, b.med, limit, 0.85))
	if best > 0.8 {
		q.proof.add("spelling", "of these, seen but for the spelling", best, 0.8, 0.97*best)
	}
	q.Finding = Finding{Columns: []string{k.name}, Kind: Recoded, Bad: int64(bad),
		Cause: fmt.Sprintf("%.0f %% of the values were never seen, but %.0f %% of them are known ones: %s.", 100*share, 100*best, how)}
	if best <= 0.8 {
		q.Kind, q.Cause = Changed, fmt.Sprintf("%.0f %% of the values were never seen; in the reference at most %.1f %% in a stretch.", 100*share, 100*b.max)
		q.proof.temper(0.8)
	}
	return q
}

func counted(words []string) map[string]int {
	m := map[string]int{}
	for _, w := range words {
		m[w]++
	}
	return m
}

// prefix is what all words begin with, short of a whole word; "" for fewer than two words.
func prefix(words map[string]int) string {
	p, first := "", true
	for w := range words {
		if first {
			p, first = w, false
		}
		n := 0
		for n < len(p) && n < len(w)-1 && p[n] == w[n] {
			n++
		}
		p = p[:n]
	}
	if len(words) < 2 {
		return ""
	}
	return p
}

func longestOf(words map[string]int) int {
	n := 0
	for w := range words {
		n = max(n, len(w))
	}
	return n
}

// permuted finds codes that have changed places: the values are those seen, their shares are not, the relations are gone,
// and a pairing of codes by what they go with brings them back, tested on rows that it was not made from.
func (x *exam) permuted(c int, except map[int]bool) *suspect {
	k, v := x.r.columns[c], x.cols[c]
	if len(k.seen) < 3 || len(k.seen) > 64 || len(k.coarse) != len(k.seen) && !k.text && k.typ != table.Int32 && k.typ != table.Int64 && k.iqr != math.Trunc(k.iqr) {
		return nil
	}
	var best *suspect
	for _, s := range x.candidates(c, except) {
		f := x.look(c, s, v.at, 0, except)
		limits := x.bounds(c, f)
		if !f.ok || f.novel > limits.novel+0.05 {
			continue
		}
		to := x.pairing(c, s, except)
		if to == nil {
			continue
		}
		back := x.look(c, s, func(i int) float64 {
			y := v.vals[i]
			if i%2 == 0 || y != y { // the other half made the pairing
				return math.NaN()
			}
			if j := bin(k.seen, y); j < len(k.seen) && k.seen[j] == y {
				return k.seen[to[j]]
			}
			return y
		}, 0, except)
		if !back.ok {
			continue
		}
		q := &suspect{cols: []int{c}, span: s}
		broken := 0
		for j, li := range k.with {
			l := x.r.relations[li]
			if l.a == l.b || !(f.rel[j] < limits.rel[j]) {
				continue
			}
			b := l.base[f.level]
			if gain := back.rel[j] - f.rel[j]; gain > 0.5*(b.med-f.rel[j]) && back.rel[j] > b.med/2 {
				broken++
				q.proof.add(fmt.Sprintf("relation %d", min(broken, 2)), "relation to "+x.r.columns[l.a+l.b-c].name+"; with codes put back "+format(back.rel[j]),
					f.rel[j], limits.rel[j], beyond(-f.rel[j], -b.med, -limits.rel[j], 0.93))
			}
		}
		b := k.bases[f.level].distance
		if f.distance > limits.distance && back.distance < f.distance/2 {
			q.proof.add("shares", "distance of the shares; with codes put back "+format(back.distance), f.distance, limits.distance, beyond(f.distance, b.med, limits.distance, 0.8))
		}
		if broken == 0 {
			continue
		}
		if best == nil || q.proof.confidence() > best.proof.confidence()+0.02 {
			best = q
		}
	}
	if best == nil {
		return nil
	}
	best.Finding = Finding{Columns: []string{k.name}, Kind: Recoded, Bad: int64(best.span.rows()),
		Cause: "The codes have changed places: with each given back the meaning that what it goes with suggests, the values are like the reference."}
	return best
}

// pairing gives each value the one of the reference whose company and share are most like its own, one to one, from the
// even rows of a stretch; nil when it leaves all as it is.
func (x *exam) pairing(c int, s span, except map[int]bool) []int {
	k, v := x.r.columns[c], x.cols[c]
	n := len(k.seen)
	type like struct {
		from, to int
		gain     float64
	}
	score := make([][]float64, n) // log-likelihood of the rows of a value, were it another
	rows := make([]float64, n)
	for i := range score {
		score[i] = make([]float64, n)
	}
	total := 0.0
	for i := s.lo; i < s.hi; i++ {
		y := v.vals[i]
		if y != y || i%2 != 0 {
			continue
		}
		from := bin(k.seen, y)
		if from == n || k.seen[from] != y {
			continue
		}
		rows[from]++
		total++
		for _, li := range k.with {
			l := x.r.relations[li]
			if l.a == l.b {
				continue
			}
			other := l.a + l.b - c
			if x.cols[other] == nil || except[other] {
				continue
			}
			o := x.cols[other].group[i]
			for to, z := range k.seen {
				g := uint8(bin(k.coarse, z))
				var sc float64
				if l.a == c {
					sc, _ = l.score(g, o)
				} else {
					sc, _ = l.score(o, g)
				}
				score[from][to] += sc
			}
		}
	}
	if total < 50 {
		return nil
	}
	var list []like
	for from := range n {
		for to := range n {
			share := (float64(k.count[to]) + 1) / float64(k.values)
			list = append(list, like{from, to, score[from][to] + rows[from]*math.Log(share)})
		}
	}
	// The value with most to lose by a wrong partner goes first: by the gap between its best and its mean.
	mean := make([]float64, n)
	for _, p := range list {
		mean[p.from] += p.gain / float64(n)
	}
	slices.SortStableFunc(list, func(a, b like) int { return cmp.Compare(b.gain-mean[b.from], a.gain-mean[a.from]) })
	to := make([]int, n)
	taken := make([]bool, n)
	for i := range to {
		to[i] = -1
	}
	for _, p := range list {
		if to[p.from] < 0 && !taken[p.to] && rows[p.from] > 0 {
			to[p.from], taken[p.to] = p.to, true
		}
	}
	same := true
	for i := range to {
		if to[i] < 0 {
			to[i] = i
		}
		same = same && to[i] == i
	}
	if same {
		return nil
	}
	return to
}
