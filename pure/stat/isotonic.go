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
	return pool(len(keys), func(k int) (x, v, wt float64) { return keys[k].x, y[keys[k].i], weigh(w, keys[k].i) })
}

// pool is isotonic for n rows that come by ascending x.
func pool(n int, row func(k int) (x, y, w float64)) (xs, ys []float64, ok bool) {
	type block struct {
		w, wy      float64
		first, end float64 // of x
	}
	var blocks []block
	for k := 0; k < n; {
		// As scikit-learn: what is nearer than 1e-15 to the first of a run is equal to it.
		var sw, swy Sum
		at, _, _ := row(k)
		for k < n {
			x, y, w := row(k)
			if x-at >= 1e-15 {
				break
			}
			sw.Add(w)
			swy.addProduct(w, y)
			k++
		}
		b := block{sw.Value(), swy.Value(), at, at}
		for len(blocks) > 0 && blocks[len(blocks)-1].wy*b.w >= b.wy*blocks[len(blocks)-1].w {
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			b = block{last.w + b.w, last.wy + b.wy, last.first, b.end}
		}
		blocks = append(blocks, b)
	}
	// Of a flat stretch only the ends are kept.
	for _, b := range blocks {
		xs, ys = append(xs, b.first), append(ys, b.wy/b.w)
		if b.end > b.first {
			xs, ys = append(xs, b.end), append(ys, b.wy/b.w)
		}
	}
	return xs, ys, len(blocks) > 0
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
