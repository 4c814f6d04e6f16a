package profile

import (
	"errors"
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/pure/table"
)

// evidently are the methods of Evidently 0.7.23 (evidently/legacy/calculations/stattests), with their names, default
// thresholds and faults: mannw is one-sided, g_test and fisher_exact want samples of one size, psi, kl_div and
// jensenshannon ignore their number of bins. Those whose p-value comes from numpy's random permutations are not here.
var evidently = map[string]scorer{
	"ks": {numbers: true, f: func(p *pairing) (Score, error) {
		v, _ := stat.SmirnovTwoSample(int64(len(p.ref)), int64(len(p.cur)), smirnov(p.ref, p.cur))
		return tested(v, 0.05, v <= 0.05)
	}},
	"wasserstein": {numbers: true, f: func(p *pairing) (Score, error) {
		_, sd := meanSD(p.ref)
		v := wasserstein(p.ref, p.cur) / max(sd, 0.001)
		return scored(v, 0.1, v >= 0.1)
	}},
	"psi": {numbers: true, categories: true, f: func(p *pairing) (Score, error) {
		ref, cur := p.evidentlyBins(true)
		s := 0.0
		for i := range ref {
			s += (ref[i] - cur[i]) * math.Log(ref[i]/cur[i])
		}
		return scored(s, 0.1, s >= 0.1)
	}},
	"kl_div": {numbers: true, categories: true, f: func(p *pairing) (Score, error) {
		ref, cur := p.evidentlyBins(true)
		a, b := pairwise(ref), pairwise(cur)
		s := 0.0
		for i := range ref {
			s += ref[i] / a * math.Log(ref[i]/a/(cur[i]/b))
		}
		return scored(s, 0.1, s >= 0.1)
	}},
	"jensenshannon": {numbers: true, categories: true, f: func(p *pairing) (Score, error) {
		v := jensenShannon(p.evidentlyBins(false))
		return scored(v, 0.1, v >= 0.1)
	}},
	"hellinger":        {numbers: true, categories: true, f: evidentlyHellinger},
	"chisquare":        {categories: true, f: evidentlyChiSquare},
	"z":                {categories: true, f: evidentlyZ},
	"g_test":           {categories: true, f: evidentlyG},
	"fisher_exact":     {categories: true, f: evidentlyFisher},
	"t_test":           {numbers: true, f: evidentlyT},
	"mannw":            {numbers: true, f: evidentlyMannWhitney},
	"cramer_von_mises": {numbers: true, f: evidentlyCramer},
	"es":               {numbers: true, f: evidentlyEpps},
	"ed": {numbers: true, f: func(p *pairing) (Score, error) {
		var s pair
		merged(p.ref, p.cur, func(x, y, width float64) {
			if width > 0 {
				s.add((x - y) * (x - y) * width)
			}
		})
		v := math.Sqrt(2 * s.value())
		return scored(v, 0.1, v > 0.1)
	}},
}

// evidentlyDefault is its registry's choice by the rows of the reference and the distinct values of both.
func (p *pairing) evidentlyDefault(ref, cur *table.Column) string {
	p.asKind(ref.Type.Numeric() && cur.Type.Numeric())
	if p.number && ref.Type != table.Float32 && ref.Type != table.Float64 && distinct(p.ref) <= 10 {
		p.number = false // its data definition takes whole numbers of few values for categories
	}
	both, _ := p.frequencies()
	values := len(both)
	few := !p.number || values <= 5
	small := p.nRef <= 1000
	switch {
	case small && !few:
		return "ks"
	case small && values > 2:
		return "chisquare"
	case small:
		return "z"
	case few:
		return "jensenshannon"
	}
	return "wasserstein"
}

// evidentlyBins are the shares in bins of equal width over both samples, or by value; zero is filled with its small
// numbers where asked for.
func (p *pairing) evidentlyBins(fill bool) (ref, cur []float64) {
	if p.number && distinct(p.ref) > 20 {
		lo, hi := min(p.ref[0], p.cur[0]), max(p.ref[len(p.ref)-1], p.cur[len(p.cur)-1])
		edges := sturges(lo, hi, len(p.ref)+len(p.cur), p.integer)
		ref, cur = histogram(p.ref, edges), histogram(p.cur, edges)
	} else {
		ref, cur = p.frequencies()
	}
	for _, side := range []struct {
		v []float64
		n int
	}{{ref, p.nRef}, {cur, p.nCur}} {
		least := math.Inf(1)
		for i := range side.v {
			side.v[i] /= float64(side.n)
			if side.v[i] > 0 {
				least = min(least, side.v[i])
			}
		}
		zero := 0.0001
		if least <= 0.0001 {
			zero = least / 1e6
		}
		for i := range side.v {
			if fill && side.v[i] == 0 {
				side.v[i] = zero
			}
		}
	}
	return ref, cur
}

func evidentlyHellinger(p *pairing) (Score, error) {
	s := 0.0
	if p.number {
		all := slices.Concat(p.ref, p.cur)
		slices.Sort(all)
		all = slices.Compact(all)
		edges := sturges(all[0], all[len(all)-1], len(all), p.integer)
		a, b := histogram(p.ref, edges), histogram(p.cur, edges)
		width := (edges[len(edges)-1] - edges[0]) / float64(len(edges)-1)
		for i := range a {
			w := edges[i+1] - edges[i]
			s += math.Sqrt(a[i]/w/float64(p.nRef)*(b[i]/w/float64(p.nCur))) * width
		}
	} else {
		a, b := p.frequencies()
		for i := range a {
			s += math.Sqrt(a[i] / float64(p.nRef) * (b[i] / float64(p.nCur)))
		}
	}
	v := math.Sqrt(1 - min(1, max(0, s)))
	return scored(v, 0.1, v >= 0.1)
}

func evidentlyChiSquare(p *pairing) (Score, error) {
	ref, cur := p.frequencies()
	scale := float64(p.nCur) / float64(p.nRef)
	s := 0.0
	for i := range ref {
		d := cur[i] - ref[i]*scale
		s += d * d / (ref[i] * scale) // a value new to the reference makes it infinite
	}
	v := stat.ChiSquareTail(s, float64(len(ref)-1))
	if len(ref) == 1 {
		v = math.NaN()
	}
	return finite(v, 0.05, v < 0.05)
}

// finite refuses a p-value that the peer could not compute.
func finite(p, threshold float64, drift bool) (Score, error) {
	if p != p {
		return Score{}, errors.New("it is not defined here (NaN)")
	}
	return tested(p, threshold, drift)
}

func evidentlyZ(p *pairing) (Score, error) {
	ref, cur := p.frequencies()
	if len(ref) == 1 {
		return tested(1, 0.05, false)
	}
	n, m := float64(p.nRef), float64(p.nCur)
	a, b := 1-ref[0]/n, 1-cur[0]/m
	both := (a*n + b*m) / (n + m)
	z := (a - b) / math.Sqrt(both*(1-both)*(1/n+1/m))
	v := 2 * stat.NormalTail(math.Abs(z))
	return finite(v, 0.05, v < 0.05)
}

func evidentlyG(p *pairing) (Score, error) {
	if p.nRef != p.nCur {
		return Score{}, errors.New("it refuses samples of two sizes")
	}
	ref, cur := p.frequencies()
	s := 0.0
	for i := range ref {
		if cur[i] > 0 {
			s += 2 * cur[i] * math.Log(cur[i]/ref[i])
		}
	}
	v := stat.ChiSquareTail(s, float64(len(ref)-1))
	return finite(v, 0.1, v < 0.1)
}

func evidentlyFisher(p *pairing) (Score, error) {
	ref, cur := p.frequencies()
	if p.nRef != p.nCur {
		return Score{}, errors.New("it refuses samples of two sizes")
	}
	if len(ref) != 2 {
		return Score{}, errors.New("it is for two categories")
	}
	v := stat.FisherExact(int64(ref[0]), int64(p.nRef), int64(cur[0]), int64(p.nCur))
	return tested(v, 0.1, v < 0.1)
}

func evidentlyT(p *pairing) (Score, error) {
	n, m := float64(len(p.ref)), float64(len(p.cur))
	a, sa := meanSD(p.ref)
	b, sb := meanSD(p.cur)
	df := n + m - 2
	pooled := (sa*sa*n + sb*sb*m) / df
	v := 2 * stat.StudentTail(math.Abs((a-b)/math.Sqrt(pooled*(1/n+1/m))), df)
	return finite(v, 0.05, v < 0.05)
}

// ranks of the reference in both samples, ties at their middle: their sum, and the sum of t³-t over ties.
func (p *pairing) midRanks(f func(rank float64, refs, curs int)) (ties float64) {
	ref, cur := p.frequencies()
	before := 0.0
	for i := range ref {
		t := ref[i] + cur[i]
		f(before+(t+1)/2, int(ref[i]), int(cur[i]))
		before += t
		ties += t*t*t - t
	}
	return ties
}

func evidentlyMannWhitney(p *pairing) (Score, error) {
	n, m := float64(len(p.ref)), float64(len(p.cur))
	sum := 0.0
	ties := p.midRanks(func(rank float64, refs, _ int) { sum += rank * float64(refs) })
	if min(n, m) <= 8 && ties == 0 {
		return Score{}, errors.New("at most 8 rows: its exact form is not reproduced")
	}
	u := n*m - (sum - n*(n+1)/2)
	all := n + m
	sd := math.Sqrt(n * m / 12 * (all + 1 - ties/(all*(all-1))))
	v := stat.NormalTail((u - n*m/2 - 0.5) / sd)
	return finite(v, 0.05, v < 0.05)
}

func evidentlyCramer(p *pairing) (Score, error) {
	n, m := float64(len(p.ref)), float64(len(p.cur))
	if max(n, m) <= 20 {
		return Score{}, errors.New("at most 20 rows: its exact form is not reproduced")
	}
	var a, b pair
	i, j := 0.0, 0.0
	p.midRanks(func(rank float64, refs, curs int) {
		for range refs {
			i++
			a.add((rank - i) * (rank - i))
		}
		for range curs {
			j++
			b.add((rank - j) * (rank - j))
		}
	})
	u := n*a.value() + m*b.value()
	k, all := n*m, n+m
	t := u/(k*all) - (4*k-1)/(6*all)
	mean := (1 + 1/all) / 6
	variance := (all + 1) * (4*k*all - 3*(n*n+m*m) - 2*k) / (45 * all * all * 4 * k)
	v := stat.CramerVonMisesTail(1.0/6 + (t-mean)/math.Sqrt(45*variance))
	return finite(v, 0.1, v <= 0.1)
}

// evidentlyEpps is the test of Epps and Singleton with t = 0.4 and 0.8 (Goerg and Kaiser, Stata Journal 9, 2009).
func evidentlyEpps(p *pairing) (Score, error) {
	n, m := float64(len(p.ref)), float64(len(p.cur))
	if n < 5 || m < 5 {
		return Score{}, errors.New("it wants at least 5 rows of each")
	}
	all := slices.Concat(p.ref, p.cur)
	slices.Sort(all)
	sigma := (quantile(all, 0.75) - quantile(all, 0.25)) / 2
	if sigma == 0 {
		return Score{}, errors.New("it refuses a column half of whose rows have one value")
	}
	side := func(v []float64) (mean [4]float64, cov [4][4]float64) {
		rows := make([][4]float64, len(v))
		var sums [4]pair
		for i, x := range v {
			for k, t := range []float64{0.4, 0.8} {
				s, c := math.Sincos(t / sigma * x)
				rows[i][k], rows[i][2+k] = c, s
			}
			for k := range sums {
				sums[k].add(rows[i][k])
			}
		}
		for k := range mean {
			mean[k] = sums[k].value() / float64(len(v))
		}
		for a := range 4 {
			for b := range 4 {
				var s pair
				for _, r := range rows {
					s.add((r[a] - mean[a]) * (r[b] - mean[b]))
				}
				cov[a][b] = s.value() / float64(len(v))
			}
		}
		return mean, cov
	}
	ma, ca := side(p.ref)
	mb, cb := side(p.cur)
	size := n + m
	var joint [4][5]float64
	var d [4]float64
	for a := range 4 {
		d[a] = ma[a] - mb[a]
		for b := range 4 {
			joint[a][b] = size/n*ca[a][b] + size/m*cb[a][b]
		}
		joint[a][4] = d[a]
	}
	x, ok := solve(joint)
	if !ok {
		return Score{}, errors.New("its covariance matrix is singular here")
	}
	w := 0.0
	for a := range 4 {
		w += size * d[a] * x[a]
	}
	if max(n, m) < 25 {
		w *= 1 / (1 + math.Pow(size, -0.45) + 10.1*(math.Pow(n, -1.7)+math.Pow(m, -1.7)))
	}
	v := stat.ChiSquareTail(w, 4)
	return finite(v, 0.05, v < 0.05)
}

// quantile is numpy's default: linear between order statistics.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// solve solves four equations by elimination with pivots.
func solve(a [4][5]float64) (x [4]float64, ok bool) {
	for c := range 4 {
		best := c
		for r := c; r < 4; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[best][c]) {
				best = r
			}
		}
		if math.Abs(a[best][c]) < 1e-14 {
			return x, false
		}
		a[c], a[best] = a[best], a[c]
		for r := range 4 {
			if r == c {
				continue
			}
			f := a[r][c] / a[c][c]
			for k := c; k < 5; k++ {
				a[r][k] -= f * a[c][k]
			}
		}
	}
	for c := range 4 {
		x[c] = a[c][4] / a[c][c]
	}
	return x, true
}
