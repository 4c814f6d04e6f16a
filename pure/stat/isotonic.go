package stat

import (
	"math"
	"slices"
)

// isotonic returns the points of the rising step-and-slope function that is nearest to y in weighed squares: rows of
// equal x averaged, neighbours that fall pooled (Ayer, Brunk, Ewing, Reid and Silverman, Annals of Mathematical
// Statistics 26, 1955), and of a flat stretch only the two ends kept, as scikit-learn does. Rows without weight are left
// out; ok is false when nothing is left, or when a value is not finite or a weight is below 0.
func isotonic(y, x, w []float64) (xs, ys []float64, ok bool) {
	mustMatch(len(y), len(x), weights(w, len(y)))
	rows := make([]int, 0, len(x))
	for i := range x {
		v := weigh(w, i)
		switch {
		case v != v || math.IsNaN(x[i]+y[i]) || math.IsInf(x[i], 0) || math.IsInf(y[i], 0):
			return nil, nil, false
		case v > 0:
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil, nil, false
	}
	// Sorting keys with their row beside them is several times faster than sorting rows through x.
	type key struct {
		x float64
		i int
	}
	keys := make([]key, len(rows))
	for k, i := range rows {
		keys[k] = key{x[i], i}
	}
	slices.SortFunc(keys, func(a, b key) int {
		switch {
		case a.x < b.x:
			return -1
		case a.x > b.x:
			return 1
		}
		return a.i - b.i
	})
	type pool struct {
		w, wy      float64
		first, end int // of xs
	}
	var pools []pool
	for k := 0; k < len(keys); {
		// As scikit-learn: what is nearer than 1e-15 to the first of a run is equal to it.
		var sw, swy Sum
		at := keys[k].x
		for ; k < len(keys) && keys[k].x-at < 1e-15; k++ {
			v := weigh(w, keys[k].i)
			sw.Add(v)
			swy.addProduct(v, y[keys[k].i])
		}
		xs = append(xs, at)
		p := pool{sw.Value(), swy.Value(), len(xs) - 1, len(xs)}
		for len(pools) > 0 && pools[len(pools)-1].wy*p.w >= p.wy*pools[len(pools)-1].w {
			last := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			p = pool{last.w + p.w, last.wy + p.wy, last.first, p.end}
		}
		pools = append(pools, p)
	}
	// Only the ends of each pool are kept.
	var kept []float64
	for _, p := range pools {
		kept = append(kept, xs[p.first])
		ys = append(ys, p.wy/p.w)
		if p.end-1 > p.first {
			kept = append(kept, xs[p.end-1])
			ys = append(ys, p.wy/p.w)
		}
	}
	return kept, ys, true
}

// interpolate returns the value at x of the points, that of the end beyond them.
func interpolate(xs, ys []float64, x float64) float64 {
	if x != x {
		return x
	}
	lo, hi := 0, len(xs)
	for lo < hi { // the first point at or above x
		mid := int(uint(lo+hi) / 2)
		if xs[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	switch {
	case lo == 0:
		return ys[0]
	case lo == len(xs):
		return ys[lo-1]
	}
	slope := (ys[lo] - ys[lo-1]) / (xs[lo] - xs[lo-1])
	return slope*(x-xs[lo-1]) + ys[lo-1]
}
