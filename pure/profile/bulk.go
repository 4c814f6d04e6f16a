package profile

import (
	"fmt"
	"math"

	"github.com/trimtab/trimtab/pure/stat"
)

// bulk tests the distribution within the range: the coarse bins by chi-square, place and spread by rank scores, and
// each region by itself, where a mixture shows that moves few rows.
func (x *comparison) bulk() {
	bins := len(x.ref.Bins)
	if bins < 2 && (x.c.Kind != Category || bins == 0) {
		return
	}
	r, c := make([]float64, bins+1), make([]float64, bins+1) // cumulative
	for i := range bins {
		r[i+1] = r[i] + float64(x.ref.Bins[i])
		c[i+1] = c[i] + float64(x.cur.Bins[i])
	}
	n, m := r[bins], c[bins]
	if x.c.Kind == Category {
		// Unseen categories are rare ones of which the reference had none: without them its rare ones would seem to
		// have become rarer.
		n += float64(x.ref.Unseen)
		m += float64(x.cur.Unseen)
	}
	if n == 0 || m == 0 {
		return
	}
	if x.c.Kind == Number {
		for i := 1; i < bins; i++ {
			x.KS = max(x.KS, math.Abs(r[i]/n-c[i]/m))
		}
	}
	region := x.scan(r, c, n, m)
	matters := x.PSI-x.NullMean >= x.opt.EffectPSI || x.Moved >= x.opt.EffectShare
	why := region.why
	if region.p > 0.001 {
		why = x.shape()
	}
	region.matters = matters
	if region.name != "" {
		x.tests = append(x.tests, region)
	}
	if p, df := x.chiSquare(n, m); df > 0 {
		x.tests = append(x.tests, test{"chi-square", p, matters, why})
	}
	if x.c.Kind == Number {
		if p, df := x.ranks(n, m); df > 0 {
			x.tests = append(x.tests, test{"ranks", p, matters, x.shape()})
		}
	}
}

// shape says in words how the distribution moved.
func (x *comparison) shape() string {
	if x.c.Kind == Category {
		return fmt.Sprintf("the mix of categories changed: %s of rows moved", percent(x.TVD))
	}
	r, c := x.ref.Moments, x.cur.Moments
	sd, now := r.SD(), c.SD()
	d := (c.Mean() - r.Mean()) / sd
	switch {
	case sd > 0 && now > 0 && math.Abs(d) < 0.05 && math.Abs(math.Log(now/sd)) > 0.05:
		return fmt.Sprintf("spread %s, %s before (standard deviation)", x.difference(now), x.difference(sd))
	case sd > 0 && d == d && math.Abs(d) >= 0.02:
		return fmt.Sprintf("mean %s, %s before: %+.2f standard deviations", x.print(c.Mean()), x.print(r.Mean()), d)
	}
	return fmt.Sprintf("the shape changed: the cumulative shares differ by up to %s", percent(x.KS))
}

// difference prints a length on the scale of the column.
func (x *comparison) difference(v float64) string { return fmt.Sprintf("%.4g", v) }

// chiSquare is the test of homogeneity over the coarse bins, the sparse ones merged with their neighbours.
func (x *comparison) chiSquare(n, m float64) (p, df float64) {
	const fewest = 5 // rows expected of the smaller sample
	small := min(n, m)
	var a, b float64
	var cells [][2]float64
	for i, from := range x.c.Coarse {
		to := len(x.ref.Bins)
		if i+1 < len(x.c.Coarse) {
			to = x.c.Coarse[i+1]
		}
		for j := from; j < to; j++ {
			a += float64(x.ref.Bins[j])
			b += float64(x.cur.Bins[j])
		}
		if to == len(x.ref.Bins) && x.c.Kind == Category {
			a += float64(x.ref.Unseen)
			b += float64(x.cur.Unseen)
		}
		if (a+b)/(n+m)*small/x.Dispersion >= fewest {
			cells = append(cells, [2]float64{a, b})
			a, b = 0, 0
		}
	}
	if len(cells) > 0 {
		cells[len(cells)-1][0] += a
		cells[len(cells)-1][1] += b
	}
	if len(cells) < 2 {
		return 1, 0
	}
	s := 0.0
	for _, k := range cells {
		share := (k[0] + k[1]) / (n + m)
		d := k[1]/m - k[0]/n
		s += d * d / share
	}
	s *= n * m / (n + m) / x.Dispersion
	df = float64(len(cells) - 1)
	if x.blocks != nil {
		d := df
		if x.directions > 0 {
			d = min(df, x.directions)
		}
		return stat.FTail(s/df, d, x.freedom()), df
	}
	return stat.ChiSquareTail(s, df), df
}

// ranks tests place and spread together by two orthogonal scores of the pooled mid-ranks, a straight line and a
// parabola (Lepage's idea with the first two components of Neyman's smooth test): the sum of their squares is
// chi-square with two degrees of freedom.
func (x *comparison) ranks(n, m float64) (p, df float64) {
	bins := len(x.ref.Bins)
	weight, line, bend := make([]float64, bins), make([]float64, bins), make([]float64, bins)
	before := 0.0
	for i := range bins {
		weight[i] = float64(x.ref.Bins[i]+x.cur.Bins[i]) / (n + m)
		u := before + weight[i]/2
		before += weight[i]
		line[i] = 2*u - 1
		bend[i] = line[i] * line[i]
	}
	orthogonal(weight, line, nil)
	orthogonal(weight, bend, line)
	s := 0.0
	for _, score := range [][]float64{line, bend} {
		v := 0.0
		d := 0.0
		for i, w := range weight {
			v += w * score[i] * score[i]
			d += score[i] * (float64(x.cur.Bins[i])/m - float64(x.ref.Bins[i])/n)
		}
		if v < 1e-9 {
			continue
		}
		phi := x.dispersion(func(k *ColumnCounts) (float64, float64) {
			value, rows := 0.0, 0.0
			for i, c := range k.Bins {
				value += score[i] * float64(c)
				rows += float64(c)
			}
			return value / math.Sqrt(v), rows
		}, 1)
		s += d * d / v * n * m / (n + m) / phi
		df++
	}
	if df == 0 {
		return 1, 0
	}
	if x.blocks != nil {
		return stat.FTail(s/df, df, x.freedom()), df
	}
	return stat.ChiSquareTail(s, df), df
}

// orthogonal takes mean and multiples of another score out of a score.
func orthogonal(weight, score, other []float64) {
	mean := 0.0
	for i, w := range weight {
		mean += w * score[i]
	}
	for i := range score {
		score[i] -= mean
	}
	if other == nil {
		return
	}
	dot, square := 0.0, 0.0
	for i, w := range weight {
		dot += w * score[i] * other[i]
		square += w * other[i] * other[i]
	}
	if square > 0 {
		for i := range score {
			score[i] -= dot / square * other[i]
		}
	}
}

// widths are the bins of a region that scan looks at; regions of one width overlap by half.
var widths = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48}

// scan tests each region by itself: for numbers neighbouring bins of several widths and the tails; for categories each.
// Their p-values are combined like those of the tests of a column, over the regions that had rows enough to differ: a
// place where rows came together shows in the regions around it, too.
func (x *comparison) scan(r, c []float64, n, m float64) (best test) {
	const fewest = 5
	bins := len(r) - 1
	regions, lowest, heat := 0, 1.0, 0.0
	from, to := 0, 0
	try := func(lo, hi int) {
		a, b := r[hi]-r[lo], c[hi]-c[lo]
		if a+b < fewest || a+b == n+m {
			return
		}
		regions++
		d := b/m - a/n
		share := (a + b) / (n + m)
		z := math.Abs(d) / math.Sqrt(share*(1-share)*(1/n+1/m))
		x.Moved = max(x.Moved, math.Abs(d))
		if z < 2 || z*z < x.Dispersion {
			return
		}
		phi := x.dispersion(func(k *ColumnCounts) (float64, float64) {
			in, all := 0.0, 0.0
			for i, v := range k.Bins {
				all += float64(v)
				if i >= lo && i < hi {
					in += float64(v)
				}
			}
			return in, all
		})
		p := x.twoShares(int64(a), int64(n), int64(b), int64(m), phi)
		if p < 0.5 {
			heat += 1 / math.Tan(math.Pi*max(p, 1e-300))
		}
		if p < lowest {
			lowest, from, to = p, lo, hi
		}
	}
	if x.c.Kind == Category {
		for i := range len(x.c.Categories) {
			try(i, i+1)
		}
	} else {
		for _, width := range widths {
			for lo := 0; lo+width <= bins && width <= (bins+1)/2; lo += max(1, width/2) {
				try(lo, lo+width)
			}
		}
		for k := 5; k <= 15 && k <= bins/2; k += 5 {
			try(0, k)
			try(bins-k, bins)
		}
		x.Moved = max(x.Moved, x.KS)
	}
	if regions == 0 {
		return test{}
	}
	best = test{name: "region", p: 1}
	if heat > 0 {
		best.p = math.Atan(float64(regions)/heat) / math.Pi
	}
	if to > from {
		now, then := (c[to]-c[from])/m, (r[to]-r[from])/n
		if x.c.Kind == Category {
			best.why = fmt.Sprintf("category %q: %s of rows, %s before", x.c.Categories[from], percent(now), percent(then))
		} else {
			best.why = fmt.Sprintf("%s: %s of rows, %s before", x.between(from, to), percent(now), percent(then))
		}
	}
	return best
}

// between names the bins from … to-1.
func (x *comparison) between(from, to int) string {
	edges := x.c.Edges
	lo, hi := edges[from], edges[to]
	if to == from+1 && len(x.c.Values) > 0 {
		single := 0
		var value float64
		for _, v := range x.c.Values {
			if v >= lo && (v < hi || to == len(edges)-1 && v == hi) {
				single++
				value = v
			}
		}
		if single == 1 {
			return "value " + x.print(value)
		}
	}
	if to == len(edges)-1 {
		return fmt.Sprintf("values from %s to %s", x.print(lo), x.print(hi))
	}
	return fmt.Sprintf("values from %s to below %s", x.print(lo), x.print(hi))
}
