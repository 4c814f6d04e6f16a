package diagnose

import (
	"fmt"
	"strconv"
)

// frozen finds a run of one value much longer than the reference has runs of it.
func (x *exam) frozen(c int) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	if len(k.seen) < 3 {
		return nil
	}
	var list []suspect
	best, lo, n := 0.0, -1, 0
	var longest suspect
	flush := func(hi int) {
		if n < x.r.opt.MinRows {
			return
		}
		value := v.vals[lo]
		run, share, seen := k.runOf(value)
		usual := float64(max(run, min(k.rare, run*4+k.rare/2)))
		ratio := float64(n) / (usual + 1)
		if ratio < 1.5 {
			return
		}
		s := suspect{cols: []int{c}, span: span{lo, hi}}
		s.proof.add("run", "rows with one value", float64(n), usual, min(0.95, 1-1/(ratio*ratio)))
		b := k.bases[x.r.levelFor(n)].distinct
		if b.n > 0 && b.min >= 2 {
			s.proof.add("variety", "distinct values", 1, b.min, min(0.9, 1-1.5/b.min))
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
			lo, n = i, 0
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

// runOf returns the longest run and the share of a value, and whether it was seen.
func (k *known) runOf(value float64) (run int, share float64, seen bool) {
	i := bin(k.seen, value)
	if i == len(k.seen) || k.seen[i] != value {
		return k.rare, 0, false
	}
	return int(k.run[i]), float64(k.count[i]) / float64(k.values), true
}

// show prints the value of a row.
func (k *known) show(v *current, i int) string {
	if k.text {
		return strconv.Quote(v.src.Text(i))
	}
	return v.src.Text(i)
}
