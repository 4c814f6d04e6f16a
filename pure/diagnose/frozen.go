package diagnose

import (
	"fmt"
	"math"
	"strconv"
)

// frozen finds a run of one value much longer than the reference has runs of it.
func (x *exam) frozen(c int) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	if len(k.seen) < 3 {
		return nil
	}
	var list []suspect
	best, lo, n, ticks := 0.0, -1, 0, 0
	var longest suspect
	flush := func(hi int) {
		if n < x.r.opt.MinRows {
			return
		}
		value := v.vals[lo]
		run, moments, share, seen := k.runOf(value)
		// In rows, and in event times: rows of one time may lie in any order.
		usual := float64(run)
		ratio := min(float64(n)/(usual+10), float64(ticks)/(float64(moments)+10)) // a few more than few are no fault
		if ratio < 1.5 {
			return
		}
		s := suspect{cols: []int{c}, span: span{lo, hi}}
		s.proof.add("run", "rows with one value", float64(n), usual, min(0.95, 1-math.Pow(ratio, -1.2)))
		b := k.bases[x.r.levelFor(n)].distinct
		if b.n > 0 && b.min >= 2 {
			s.proof.add("variety", "distinct values", 1, b.min, min(0.75, 1-1.5/b.min))
		}
		if f := x.look(c, s.span, v.at, 0, nil); f.ok {
			for j, low := range x.bounds(c, f).rel {
				if l := x.r.relations[k.with[j]]; f.rel[j] < low && !l.lag() {
					s.proof.add("relation", x.nameOf(l, c), f.rel[j], low, beyond(-f.rel[j], -l.base[f.level].med, -low, 0.6))
				}
			}
		}
		if p := s.proof.confidence(); p > best {
			best = p
			text := k.show(v, lo)
			s.Finding = Finding{
				Columns: []string{k.name}, Kind: Frozen, Bad: int64(n),
				Cause: fmt.Sprintf("The value is stuck at %s for %d rows; the reference has runs of at most %d, and the value in %.1f %% of its rows.", text, n, int(usual), 100*share),
			}
			if !seen {
				s.Cause = fmt.Sprintf("The value is stuck at %s, which was never seen, for %d rows.", text, n)
				if !k.text && (reachOf(value, k.low, k.high) > 1 || standIn(value)) {
					s.Kind = Sentinel
					s.Cause = fmt.Sprintf("All values are %s, which was never seen, for %d rows; it looks like a stand-in for no value.", text, n)
				}
			}
			longest = s
		}
	}
	end := 0
	for i, val := range v.vals {
		if val != val {
			continue
		}
		if lo < 0 || val != v.vals[lo] {
			if lo >= 0 {
				flush(end)
			}
			lo, n, ticks = i, 0, 0
		}
		if n == 0 || x.times[i] != x.times[end-1] {
			ticks++
		}
		n++
		end = i + 1
	}
	if lo >= 0 {
		if n >= x.n-lo-count(v.group[lo:], absent) {
			end = x.n
		}
		flush(end)
	}
	if best > 0 {
		list = append(list, longest)
	}
	return list
}

// runOf returns the longest run of a value in rows and in event times, and its share. A value that was never seen, or
// rarely, has the longest run of the rare ones; where all are frequent, that of any but a dominant one.
func (k *known) runOf(value float64) (run, ticks int, share float64, seen bool) {
	run, ticks = k.rare.rows, k.rare.ticks
	if i := bin(k.seen, value); i < len(k.seen) && k.seen[i] == value {
		seen = true
		share = float64(k.count[i]) / float64(k.values)
		run, ticks = max(int(k.run[i]), min(run, 4*int(k.run[i])+run/2)), max(int(k.ticks[i]), min(ticks, 4*int(k.ticks[i])+ticks/2))
	}
	if share < 0.05 && k.rare.values < 5 {
		run, ticks = max(run, k.common.rows), max(ticks, k.common.ticks)
	}
	return run, ticks, share, seen
}

// show prints the value of a row.
func (k *known) show(v *current, i int) string {
	if k.text {
		return strconv.Quote(v.src.Text(i))
	}
	return v.src.Text(i)
}
