package profile

import "math"

const (
	// fewestBlocks is the number of blocks from which on the spread between them is told.
	fewestBlocks = 4
	// prior is how many blocks the dispersion of the whole column counts for in that of a single bin, whose own
	// estimate from a few blocks would be chance.
	prior = 10
)

// freedom is the number of degrees of freedom that a dispersion rests on; infinite without blocks.
func (x *comparison) freedom() float64 {
	if x.blocks == nil {
		return math.Inf(1)
	}
	return float64(len(x.blocks)-1) + prior
}

// dispersion returns by how much the variance of a mean over blocks exceeds that of as many independent rows: at least
// 1, and 1 without blocks. mean gives the sum over a block's rows and their number; the variance of a row is that of a
// share unless given. Neighbouring blocks are also taken together, up to the size of the window, because what lasts for
// several blocks shows only there.
func (x *comparison) dispersion(mean func(*ColumnCounts) (total, rows float64), variance ...float64) float64 {
	if x.blocks == nil {
		return 1
	}
	phi := x.Dispersion
	for width := 1; ; width *= 2 {
		own, groups, rows := spread(x.blocks, width, mean, variance)
		if width > 1 && (groups < 8 || rows > 1.5*float64(x.cur.Rows)) {
			return phi
		}
		if groups > 1 {
			g := float64(groups - 1)
			phi = max(phi, (own*g+x.Dispersion*prior)/(g+prior))
		}
	}
}

// spread is the dispersion at one width of blocks, with the number of groups and their mean rows.
func spread(blocks []*ColumnCounts, width int, mean func(*ColumnCounts) (total, rows float64), variance []float64) (phi float64, groups int, rows float64) {
	var all, square, each float64
	var totals, sizes []float64
	for i := 0; i+width <= len(blocks); i += width {
		t, n := 0.0, 0.0
		for _, b := range blocks[i : i+width] {
			bt, bn := mean(b)
			t += bt
			n += bn
		}
		if n == 0 {
			continue
		}
		totals, sizes = append(totals, t), append(sizes, n)
		all += t
		each += n
	}
	groups = len(totals)
	if groups < 2 || each == 0 {
		return 1, groups, 0
	}
	center := all / each
	v := center * (1 - center)
	if len(variance) > 0 {
		v = variance[0]
	}
	if v <= 0 {
		return 1, groups, each / float64(groups)
	}
	for i, t := range totals {
		d := t/sizes[i] - center
		square += sizes[i] * d * d
	}
	return square / v / float64(groups-1), groups, each / float64(groups)
}

// pooled is the dispersion of the column as a whole: the chi-square of homogeneity of the blocks over the coarse bins,
// by its degrees of freedom.
func (x *comparison) pooled() float64 {
	if x.blocks == nil || len(x.c.Coarse) < 2 {
		return 1
	}
	phi := 1.0
	for width := 1; ; width *= 2 {
		sum, weight, rows := 0.0, 0.0, 0.0
		groups := 0
		for i, from := range x.c.Coarse {
			to := len(x.ref.Bins)
			if i+1 < len(x.c.Coarse) {
				to = x.c.Coarse[i+1]
			}
			share := 0.0
			own, g, size := spread(x.blocks, width, func(k *ColumnCounts) (float64, float64) {
				in, all := 0.0, 0.0
				for j, v := range k.Bins {
					all += float64(v)
					if j >= from && j < to {
						in += float64(v)
					}
				}
				share += in
				return in, all
			}, nil)
			if g < 2 || size == 0 {
				continue
			}
			share /= size * float64(g)
			sum += own * (1 - share)
			weight += 1 - share
			groups, rows = g, size
		}
		if width > 1 && (groups < 8 || rows > 1.5*float64(x.cur.Rows)) || weight == 0 {
			return phi
		}
		phi = max(phi, sum/weight)
	}
}
