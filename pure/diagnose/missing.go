package diagnose

import "fmt"

// missing finds a stretch in which values are absent more often than in any stretch of the reference.
func (x *exam) missing(c int) []suspect {
	k, v := x.r.columns[c], x.cols[c]
	gone := 0
	for _, g := range v.group {
		if g == absent {
			gone++
		}
	}
	if gone < 5 {
		return nil
	}
	usual := 1 - float64(k.values)/float64(x.r.rows)
	share := float64(gone) / float64(x.n)
	sum := make([]float64, x.n)
	fill := func(cut float64) {
		for i, g := range v.group {
			sum[i] = -cut
			if g == absent {
				sum[i] = 1 - cut
			}
		}
	}
	// Twice: the cut between the usual share and that of the stretch, which is known only when it is found.
	s, inside := span{0, x.n}, max(share, min(1, usual+0.3))
	for range 3 {
		fill((usual + inside) / 2)
		t, total := heaviest(sum)
		if total <= 0 {
			break
		}
		s, inside = t, float64(count(v.group[t.lo:t.hi], absent))/float64(t.rows())
		if inside <= usual {
			break
		}
	}
	best := suspect{}
	for _, t := range []span{s, {0, x.n}} {
		if t.rows() < x.r.opt.MinRows {
			continue
		}
		bad := count(v.group[t.lo:t.hi], absent)
		share := float64(bad) / float64(t.rows())
		level := x.r.levelFor(t.rows())
		b := k.bases[level].missing
		limit := b.limit(0.01, t.rows())
		value := embed(share, b.med, t.rows(), x.r.lengths[level].rows)
		q := suspect{cols: []int{c}, span: t}
		switch {
		case k.values == x.r.rows: // never absent before
			most := 0.9
			if bad >= 100 || share >= 0.5 {
				most = 0.96
			}
			q.proof.add("share", "share missing", share, 0, most*min(1, share/0.04))
		default:
			q.proof.add("share", "share missing", share, limit, max(beyond(value, b.med, limit, 0.98), 0.95*min(1, 1.4*(value-limit)/max(1-limit, 0.3))))
		}
		// Sharpness: the rows of the current sample outside of the stretch miss no more than usual.
		if t.lo >= x.r.opt.MinRows || x.n-t.hi >= x.r.opt.MinRows {
			out := float64(gone-bad) / float64(x.n-t.rows())
			if out <= usual+(share-usual)/4 {
				q.proof.add("sharp", "share missing in the rows around it", out, share, 0.4*(share-usual))
			}
		}
		if q.proof.confidence() > best.proof.confidence()+0.05 {
			q.Finding = Finding{
				Columns: []string{k.name}, Kind: Missing, Bad: int64(bad),
				Cause: fmt.Sprintf("%.0f %% of the values are missing; in the reference it is %.1f %%, at most %.1f %% in a stretch of this length.", 100*share, 100*usual, 100*b.max),
			}
			best = q
		}
	}
	if len(best.cols) == 0 {
		return nil
	}
	return []suspect{best}
}

func count(g []uint8, x uint8) int {
	n := 0
	for _, y := range g {
		if y == x {
			n++
		}
	}
	return n
}
