package diagnose

import "math"

// grain is a step 10^power on which values may lie, and how many of the reference's do.
type grain struct {
	step    float64
	inverse bool // step is 1/scale: test by multiplying, which is exact where dividing is not
	scale   float64
	kinds   float64 // share of distinct values on it
	most    float64 // largest share of rows on it in a block
}

func (g grain) on(x float64) bool {
	var y float64
	if g.inverse {
		y = x * g.scale
	} else {
		y = x / g.step
	}
	return math.Abs(y-math.Round(y)) <= 1e-6*max(1, min(math.Abs(y), 1e3))
}

// grainsOf measures the powers of ten from 1e-6 to 1e6 between the column's spread and its finest step.
func grainsOf(k *known, rank []int32, blocks []int) []grain {
	var list []grain
	for p := -6; p <= 6; p++ {
		g := grain{step: math.Pow10(p), inverse: p < 0, scale: math.Pow10(-p)}
		on := make([]bool, len(k.seen))
		n := 0
		for i, v := range k.seen {
			if on[i] = g.on(v); on[i] {
				n++
			}
		}
		if len(k.seen) > 0 {
			g.kinds = float64(n) / float64(len(k.seen))
		}
		for b := 0; b+1 < len(blocks); b++ {
			rows, hit := 0, 0
			for i := blocks[b]; i < blocks[b+1]; i++ {
				if v := rank[i]; v >= 0 {
					rows++
					if on[v] {
						hit++
					}
				}
			}
			if rows > 0 {
				g.most = max(g.most, float64(hit)/float64(rows))
			}
		}
		list = append(list, g)
	}
	return list
}

// grainOf returns the coarsest power of ten on which at least 99 of 100 of the values lie, 0 when they lie on none.
func grainOf(values []float64) float64 {
	for p := 6; p >= -6; p-- {
		g := grain{step: math.Pow10(p), inverse: p < 0, scale: math.Pow10(-p)}
		off := 0
		for _, v := range values {
			if !g.on(v) {
				off++
			}
		}
		if off*100 <= len(values) {
			return g.step
		}
	}
	return 0
}
