package profile

import "math"

const (
	// fewestBlocks is the number of blocks from which on the spread between them is told.
	fewestBlocks = 4
	// prior is how many degrees of freedom the dispersion of the whole column counts for in that of one statistic,
	// whose own estimate from a few blocks would be chance.
	prior = 2
)

// spans sets how many successive blocks a window is as long as.
func (x *comparison) spans() {
	x.span = 1
	if x.blocks == nil {
		return
	}
	rows := int64(0)
	for _, b := range x.blocks {
		rows += b.Rows
	}
	if rows > 0 {
		blocks := float64(x.cur.Rows) * float64(len(x.blocks)) / float64(rows)
		x.span = max(1, min(len(x.blocks)/4, int(math.Round(blocks))))
	}
}

// freedom is the number of degrees of freedom that a dispersion rests on: those of blocks, or of overlapping runs of
// blocks, of which about three in two count. Infinite without blocks.
func (x *comparison) freedom() float64 {
	if x.blocks == nil {
		return math.Inf(1)
	}
	own := float64(len(x.blocks) - 1)
	if x.span > 1 {
		own = max(1, 1.5*float64(len(x.blocks))/float64(x.span)-1)
	}
	return own + prior
}

// dispersion returns by how much the variance of a mean over the rows of a window exceeds that of as many independent
// rows: at least 1, and 1 without blocks. mean gives the sum over a block's rows and their number; the variance of a
// row is that of a share unless given. What lasts for several blocks shows only in runs of them as long as the window.
func (x *comparison) dispersion(mean func(*ColumnCounts) (total, rows float64), variance ...float64) float64 {
	if x.blocks == nil {
		return 1
	}
	own := x.freedom() - prior
	phi := x.Dispersion
	for _, width := range x.widths() {
		shares, sizes, center := runs(x.blocks, width, mean)
		v := center * (1 - center)
		if len(variance) > 0 {
			v = variance[0]
		}
		if len(shares) < 2 || v <= 0 {
			continue
		}
		square := 0.0
		for i, s := range shares {
			square += sizes[i] * (s - center) * (s - center)
		}
		found := square / v / x.degrees(len(shares), width)
		phi = max(phi, (found*own+x.Dispersion*prior)/(own+prior))
	}
	return phi
}

func (x *comparison) widths() []int {
	if x.span > 1 {
		return []int{1, x.span}
	}
	return []int{1}
}

// degrees is what a sum of squares over runs is divided by: each run lies in the mean that it is compared with.
func (x *comparison) degrees(n, width int) float64 {
	return float64(n) * (1 - float64(width)/float64(len(x.blocks)))
}

// runs returns the mean over each run of successive blocks of one length, overlapping, with its rows; and over all.
func runs(blocks []*ColumnCounts, width int, mean func(*ColumnCounts) (total, rows float64)) (shares, sizes []float64, center float64) {
	totals, rows := make([]float64, len(blocks)+1), make([]float64, len(blocks)+1)
	for i, b := range blocks {
		t, n := mean(b)
		totals[i+1], rows[i+1] = totals[i]+t, rows[i]+n
	}
	for i := width; i <= len(blocks); i++ {
		if n := rows[i] - rows[i-width]; n > 0 {
			shares, sizes = append(shares, (totals[i]-totals[i-width])/n), append(sizes, n)
		}
	}
	if all := rows[len(blocks)]; all > 0 {
		center = totals[len(blocks)] / all
	}
	return shares, sizes, center
}

// pooled sets the dispersion of the column as a whole and how many independent directions it is spread over: from the
// covariance of the shares of the coarse bins over runs of blocks, relative to that of independent rows. The chi-square
// statistic is then a sum of as many squares with these weights, which Rao and Scott (Ann. Statist. 12, 1984) replace
// by one of equal mean and variance.
func (x *comparison) pooled() {
	x.Dispersion, x.directions = 1, 0
	k := len(x.c.Coarse)
	if x.blocks == nil || k < 2 {
		return
	}
	best := 0.0
	for _, width := range x.widths() {
		shares := make([][]float64, k)
		var sizes []float64
		centers := make([]float64, k)
		for i, from := range x.c.Coarse {
			to := len(x.ref.Bins)
			if i+1 < k {
				to = x.c.Coarse[i+1]
			}
			shares[i], sizes, centers[i] = runs(x.blocks, width, func(c *ColumnCounts) (float64, float64) {
				in, all := 0.0, 0.0
				for j, v := range c.Bins {
					all += float64(v)
					if j >= from && j < to {
						in += float64(v)
					}
				}
				return in, all
			})
		}
		if len(sizes) < 2 {
			return
		}
		trace, square := 0.0, 0.0
		for i := range k {
			for j := range k {
				if centers[i] <= 0 || centers[j] <= 0 {
					continue
				}
				s := 0.0
				for b, n := range sizes {
					s += n * (shares[i][b] - centers[i]) * (shares[j][b] - centers[j])
				}
				s /= x.degrees(len(sizes), width) * math.Sqrt(centers[i]*centers[j])
				if i == j {
					trace += s
				}
				square += s * s
			}
		}
		if trace > best && square > 0 {
			best = trace
			x.Dispersion = max(1, trace/float64(k-1))
			x.directions = max(1, min(float64(k-1), trace*trace/square))
		}
	}
}
