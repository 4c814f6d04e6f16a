package profile

import (
	"math"
	"slices"
	"sort"
)

// pairwise is numpy's sum: blocks of at most 128 terms in eight accumulators, halves above.
func pairwise(v []float64) float64 {
	n := len(v)
	switch {
	case n < 8:
		s := 0.0
		for i, x := range v {
			if i == 0 {
				s = x
			} else {
				s += x
			}
		}
		return s
	case n <= 128:
		var r [8]float64
		copy(r[:], v)
		i := 8
		for ; i < n-n%8; i += 8 {
			for k := range r {
				r[k] += v[i+k]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			s += v[i]
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return pairwise(v[:half]) + pairwise(v[half:])
}

// linspace is numpy's for n intervals.
func linspace(lo, hi float64, n int) []float64 {
	e := make([]float64, n+1)
	step := (hi - lo) / float64(n)
	for i := range e {
		e[i] = float64(i)*step + lo
	}
	e[n] = hi
	return e
}

// binEdges are numpy's for a width, of sorted values. In numpy 2 bins of integers are at least 1 wide.
func binEdges(lo, hi, width float64, integer bool) []float64 {
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	n := 1
	if width > 0 {
		if integer && width < 1 {
			width = 1
		}
		n = int(math.Ceil((hi - lo) / width))
	}
	return linspace(lo, hi, max(1, n))
}

func sturges(lo, hi float64, n int, integer bool) []float64 {
	return binEdges(lo, hi, (hi-lo)/(math.Log2(float64(n))+1), integer)
}

func doane(sorted []float64) []float64 {
	lo, hi := sorted[0], sorted[len(sorted)-1]
	n := float64(len(sorted))
	width := 0.0
	mean, sd := meanSD(sorted)
	if n > 2 && sd > 0 {
		cube := make([]float64, len(sorted))
		for i, v := range sorted {
			d := (v - mean) / sd
			cube[i] = d * d * d
		}
		g := pairwise(cube) / n
		width = (hi - lo) / (1 + math.Log2(n) + math.Log2(1+math.Abs(g)/math.Sqrt(6*(n-2)/((n+1)*(n+3)))))
	}
	return binEdges(lo, hi, width, false)
}

// meanSD returns mean and population deviation.
func meanSD(v []float64) (mean, sd float64) {
	n := float64(len(v))
	mean = pairwise(v) / n
	square := make([]float64, len(v))
	for i, x := range v {
		square[i] = (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(pairwise(square) / n)
}

// histogram counts sorted values between edges: half open bins, the last one closed.
func histogram(sorted, edges []float64) []float64 {
	counts := make([]float64, len(edges)-1)
	before, _ := slices.BinarySearch(sorted, edges[0])
	for i := range counts {
		var end int
		if e := edges[i+1]; i == len(counts)-1 {
			end = sort.Search(len(sorted), func(k int) bool { return sorted[k] > e })
		} else {
			end, _ = slices.BinarySearch(sorted, e)
		}
		counts[i] = float64(end - before)
		before = end
	}
	return counts
}

// merged walks the distribution functions of two sorted samples: f gets both shares at or below a value and the
// distance to the next value, in ascending order.
func merged(a, b []float64, f func(below, belowOther, width float64)) {
	i, j := 0, 0
	n, m := float64(len(a)), float64(len(b))
	for i < len(a) || j < len(b) {
		var v float64
		if j == len(b) || i < len(a) && a[i] <= b[j] {
			v = a[i]
		} else {
			v = b[j]
		}
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		next := v
		switch {
		case i < len(a) && j < len(b):
			next = min(a[i], b[j])
		case i < len(a):
			next = a[i]
		case j < len(b):
			next = b[j]
		}
		f(float64(i)/n, float64(j)/m, next-v)
	}
}

// smirnov returns the largest distance of two distribution functions.
func smirnov(a, b []float64) float64 {
	d := 0.0
	merged(a, b, func(x, y, _ float64) { d = max(d, math.Abs(x-y)) })
	return d
}

// wasserstein returns the area between two distribution functions.
func wasserstein(a, b []float64) float64 {
	var s pair
	merged(a, b, func(x, y, width float64) {
		if width > 0 {
			s.add(math.Abs(x-y) * width)
		}
	})
	return s.value()
}

// jensenShannon is scipy's distance in nats, of weights that need not sum to 1.
func jensenShannon(p, q []float64) float64 {
	sp, sq := pairwise(p), pairwise(q)
	s := 0.0
	for i := range p {
		a, b := p[i]/sp, q[i]/sq
		mid := (a + b) / 2
		if a > 0 {
			s += a * math.Log(a/mid)
		}
		if b > 0 {
			s += b * math.Log(b/mid)
		}
	}
	return math.Sqrt(max(0, s) / 2)
}
