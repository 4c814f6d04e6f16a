package diagnose

import (
	"fmt"
	"math"
)

// clipped finds a bound at which values pile up and beyond which there are none, where the reference has values beyond
// it in every stretch.
func (x *exam) clipped(c int, parts []part) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	if k.text || len(k.seen) < 8 {
		return nil
	}
	var list []suspect
	for _, p := range parts {
		s, values, counts := p.span, p.values, p.counts
		level := x.r.levelFor(s.rows())
		if len(values) < 4 {
			continue
		}
		n := 0
		for _, c := range counts {
			n += int(c)
		}
		for _, up := range []bool{true, false} {
			bound, piled := values[len(values)-1], counts[len(counts)-1]
			if !up {
				bound, piled = values[0], counts[0]
			}
			share := float64(piled) / float64(n)
			if piled < 10 || share < 0.02 || x.others(c, bound, s) > 0.5 {
				continue
			}
			past := k.past(bound, up, level)
			if past.n < 4 || past.min < 0.02 || share < past.min/2 { // what was beyond lies at the bound
				continue
			}
			b, usual, _ := k.massBase(bound, level)
			limit := b.limit(0.02, n)
			q := suspect{cols: []int{c}, span: s}
			q.proof.add("pile", "share of values at the bound", share, limit, beyond(share, max(b.med, usual), limit, 0.85))
			if len(q.proof.list) == 0 {
				continue
			}
			q.proof.add("beyond", "share of values beyond the bound, least in the reference", 0, past.min, min(0.75, 1-math.Exp(-12*past.min*min(1, float64(past.n)/12))))
			word := "above"
			if !up {
				word = "below"
			}
			q.Finding = Finding{
				Columns: []string{k.name}, Kind: Clipped, Bad: int64(piled),
				Cause: fmt.Sprintf("Values are cut off at %s: %.1f %% of them are just that and none lie %s; in the reference at least %.1f %% do in every stretch.",
					format(bound), 100*share, word, 100*past.min),
			}
			gain := make([]float64, x.n)
			for i, y := range v.vals {
				switch {
				case y == bound:
					gain[i] = 1
				case y > bound == up && y == y:
					gain[i] = -1 / past.med
				}
			}
			q.refit(x, gain)
			list = append(list, q)
		}
	}
	return strongest(list)
}

// past is how the share of values beyond a bound behaved over stretches, counted in whole bins, so rather too small.
func (k *known) past(bound float64, up bool, level int) spread {
	j := bin(k.edges, bound)
	var share []float64
	for _, f := range k.bases[level].cdf {
		if f == nil {
			continue
		}
		switch {
		case up:
			share = append(share, 1-float64(f[j]))
		case j == 0:
			share = append(share, 0)
		default:
			share = append(share, float64(f[j-1]))
		}
	}
	return spreadOf(share)
}

// truncated finds values on a much coarser grain than the reference's, over the same range.
func (x *exam) truncated(c int, parts []part) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	if k.text || len(k.seen) < 12 {
		return nil
	}
	var list []suspect
	for _, p := range parts {
		s, values, counts := p.span, p.values, p.counts
		if len(values) < 2 {
			continue
		}
		rows := 0
		for _, n := range counts {
			rows += int(n)
		}
		for g := len(k.grains) - 1; g >= 0; g-- {
			gr := k.grains[g]
			if gr.most > 0.9 || gr.step > k.high-k.low {
				continue
			}
			off := 0
			for i, y := range values {
				if !gr.on(y) {
					off += int(counts[i])
				}
			}
			if off*200 > rows {
				continue
			}
			// Each distinct value is one draw; values may all lie off a grain, but hardly all on it.
			chance := float64(len(values)) * math.Log(max(gr.kinds, gr.most*gr.most, 1e-3))
			q := suspect{cols: []int{c}, span: s}
			q.proof.add("grain", "share of values on the grain, most in the reference", 1, gr.most, min(0.97, (1-math.Exp(chance/3))*min(1, 2*(1-gr.most))))
			d := x.look(c, s, v.at, 0, nil)
			wide, b := k.high-k.low, &k.bases[d.level]
			if values[0] < k.low-wide/2 || values[len(values)-1] > k.high+wide/2 || !d.ok ||
				d.distance > b.distance.limit(0.05, 0)+0.15 || d.outside > b.outside.limit(0.05, d.rows) {
				break // not the same range: a unit, rather
			}
			q.Finding = Finding{
				Columns: []string{k.name}, Kind: Truncated, Bad: int64(s.rows()),
				Cause: fmt.Sprintf("All values are multiples of %s; in the reference at most %.0f %% are in any stretch: rounded or cut off.", format(gr.step), 100*gr.most),
			}
			gain := make([]float64, x.n)
			for i, y := range v.vals {
				switch {
				case y != y:
				case gr.on(y):
					gain[i] = -math.Log(max(gr.kinds, gr.most, 1e-3))
				default:
					gain[i] = -8
				}
			}
			q.refit(x, gain)
			list = append(list, q)
			break
		}
	}
	return strongest(list)
}
