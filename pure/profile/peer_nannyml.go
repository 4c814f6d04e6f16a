package profile

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab/pure/stat"
)

// nannyml are the methods of NannyML 0.13.1 (nannyml/drift/univariate/methods.py). The current rows are one chunk. The
// threshold is its default: mean and three deviations of the method's values on ten chunks of the reference, so that it
// depends on how the reference happens to be cut; chi2 goes by its p-value instead.
var nannyml = map[string]scorer{
	"jensen_shannon": {numbers: true, categories: true, f: func(p *pairing) (Score, error) {
		return p.chunked(p.doaneDistance(func(a, b []float64) float64 { return jensenShannon(a, b) / math.Sqrt(math.Ln2) }), math.Inf(1))
	}},
	"hellinger": {numbers: true, categories: true, f: func(p *pairing) (Score, error) {
		return p.chunked(p.doaneDistance(func(a, b []float64) float64 {
			s := make([]float64, len(a))
			for i := range a {
				d := math.Sqrt(a[i]) - math.Sqrt(b[i])
				s[i] = d * d
			}
			return math.Sqrt(pairwise(s)) / math.Sqrt2
		}), math.Inf(1))
	}},
	"kolmogorov_smirnov": {numbers: true, f: func(p *pairing) (Score, error) {
		d := func(chunk []float64, _ map[string]int, _ int) float64 { return smirnov(p.ref, chunk) }
		if len(p.ref) >= gridRows {
			d = p.gridSmirnov()
		}
		return p.chunked(d, 1)
	}},
	"wasserstein": {numbers: true, f: func(p *pairing) (Score, error) {
		d := func(chunk []float64, _ map[string]int, _ int) float64 { return wasserstein(p.ref, chunk) }
		if len(p.ref) >= gridRows {
			d = p.gridWasserstein()
		}
		return p.chunked(d, math.Inf(1))
	}},
	"l_infinity": {categories: true, f: func(p *pairing) (Score, error) {
		return p.chunked(func(chunk []float64, texts map[string]int, n int) float64 {
			q := &pairing{numeric: p.numeric, ref: p.ref, cur: chunk, refText: p.refText, curText: texts}
			a, b := q.frequencies()
			d := 0.0
			for i := range a {
				d = max(d, math.Abs(a[i]/float64(p.nRef)-b[i]/float64(n)))
			}
			return d
		}, math.Inf(1))
	}},
	"chi2": {categories: true, f: func(p *pairing) (Score, error) {
		ref, cur := p.frequencies()
		n, m := float64(p.nRef), float64(p.nCur)
		s := 0.0
		for i := range ref {
			for _, cell := range [][2]float64{{ref[i], n}, {cur[i], m}} {
				expected := (ref[i] + cur[i]) * cell[1] / (n + m)
				d := math.Abs(expected - cell[0])
				if len(ref) == 2 { // Yates
					d -= min(0.5, d)
				}
				s += d * d / expected
			}
		}
		if len(ref) < 2 {
			s = 0
		}
		p2 := 1.0
		if len(ref) > 1 {
			p2 = stat.ChiSquareTail(s, float64(len(ref)-1))
		}
		return Score{Value: s, Drift: p2 < 0.05}, nil
	}},
}

// gridRows is the size of the reference from which on NannyML estimates KS and Wasserstein on gridBins bins.
const gridRows, gridBins = 10_000, 10_000

// distance is a method's value for a chunk: its sorted numbers, or its categories with their number of rows.
type distance func(chunk []float64, texts map[string]int, n int) float64

// chunked scores the current rows and finds the threshold.
func (p *pairing) chunked(f distance, most float64) (Score, error) {
	value := f(p.cur, p.curText, p.nCur)
	var values []float64
	rows := max(len(p.rowsRef), len(p.textRows))
	if size := rows / 10; size > 0 {
		for lo := 0; lo < rows; lo += size {
			hi := min(rows, lo+size)
			var chunk []float64
			texts, n := map[string]int{}, 0
			if p.numeric {
				chunk = slices.DeleteFunc(slices.Clone(p.rowsRef[lo:hi]), func(v float64) bool { return v != v })
				slices.Sort(chunk)
				n = len(chunk)
			} else {
				for i := lo; i < hi; i++ {
					if !p.nullRef[i] {
						texts[p.textRows[i]]++
						n++
					}
				}
			}
			if n > 0 {
				values = append(values, f(chunk, texts, n))
			}
		}
	}
	if len(values) == 0 {
		return Score{Value: value}, nil
	}
	mean, sd := meanSD(values)
	limit := min(most, mean+3*sd)
	return scored(value, limit, value > limit)
}

// doaneDistance compares shares over Doane's bins of the reference, or over its categories; what lies outside is one
// bin more.
func (p *pairing) doaneDistance(f func(a, b []float64) float64) distance {
	var edges, ref []float64
	var keys []string
	if p.number {
		edges = doane(p.ref)
		ref = histogram(p.ref, edges)
	} else if p.numeric {
		ref, _ = (&pairing{numeric: true, ref: p.ref}).frequencies()
	} else {
		for k := range p.refText {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			ref = append(ref, float64(p.refText[k]))
		}
	}
	for i := range ref {
		ref[i] /= float64(p.nRef)
	}
	values := slices.Compact(slices.Clone(p.ref))
	return func(chunk []float64, texts map[string]int, n int) float64 {
		var cur []float64
		switch {
		case p.number:
			cur = histogram(chunk, edges)
		case p.numeric:
			cur = make([]float64, len(ref))
			for _, v := range chunk {
				if i, ok := slices.BinarySearch(values, v); ok {
					cur[i]++
				}
			}
		default:
			for _, k := range keys {
				cur = append(cur, float64(texts[k]))
			}
		}
		for i := range cur {
			cur[i] /= float64(n)
		}
		then := ref
		// A remainder of the order of rounding is a bin, too: it is so in NannyML.
		if left := 1 - pairwise(cur); left > 0 {
			cur = append(cur, left)
			then = append(slices.Clone(ref), 0)
		}
		return f(then, cur)
	}
}

func (p *pairing) grid() (edges, cumulative []float64) {
	lo, hi := p.ref[0], p.ref[len(p.ref)-1]
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	edges = linspace(lo, hi, gridBins)
	return edges, cumulate(histogram(p.ref, edges), float64(len(p.ref)))
}

func cumulate(counts []float64, n float64) []float64 {
	sum := 0.0
	for i := range counts {
		sum += counts[i] / n
		counts[i] = sum
	}
	return counts
}

func (p *pairing) gridSmirnov() distance {
	edges, ref := p.grid()
	return func(chunk []float64, _ map[string]int, n int) float64 {
		cur := cumulate(histogram(chunk, edges), float64(n))
		below, _ := slices.BinarySearch(chunk, edges[0])
		share := float64(below) / float64(n)
		d := 0.0
		for i := range ref {
			d = max(d, math.Abs(ref[i]-(share+cur[i])))
		}
		return d
	}
}

// gridWasserstein repeats the peer's tails, of (rows+1)/n where rows/n was meant.
func (p *pairing) gridWasserstein() distance {
	edges, ref := p.grid()
	lo, hi := edges[0], edges[len(edges)-1]
	return func(chunk []float64, _ map[string]int, n int) float64 {
		below, _ := slices.BinarySearch(chunk, lo)
		above := len(chunk)
		for above > 0 && chunk[above-1] > hi {
			above--
		}
		tail := func(v []float64, share func(cdf float64) float64) (term, amount float64) {
			for i := 0; i+1 < len(v); i++ {
				if v[i+1] > v[i] {
					term += share(float64(i+1)/float64(len(v))) * (v[i+1] - v[i])
				}
			}
			amount = float64(len(v)) / float64(n)
			return term * amount, amount
		}
		var left, right, shift float64
		if below > 0 {
			left, shift = tail(append(slices.Clone(chunk[:below]), lo), func(cdf float64) float64 { return cdf })
		}
		if above < len(chunk) {
			right, _ = tail(append([]float64{hi}, chunk[above:]...), func(cdf float64) float64 { return 1 - cdf })
		}
		cur := cumulate(histogram(chunk, edges), float64(n))
		width := edges[1] - edges[0]
		within := 0.0
		for i := range ref {
			within += math.Abs(ref[i]-(cur[i]+shift)) * width
		}
		return within + left + right
	}
}
