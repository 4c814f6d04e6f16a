package diagnose

import (
	"math"
	"slices"
)

const (
	mostInputs = 4    // columns that a column is predicted from
	leastFit   = 0.25 // share of variance below which a prediction is not kept
	leastGain  = 0.01 // share of variance that an input must add
)

// input is one term of a linear prediction, of a column held within the range that it had.
type input struct {
	column               int
	weight, mean, lo, hi float64
}

// predictions chooses for each numeric column the few others that together predict it best by least squares, and adds
// the relation between the column and its prediction: often far tighter than that to any one column.
func (r *Reference) predictions(usable []int) []*relation {
	var cols []int
	for _, c := range usable {
		if k := r.columns[c]; !k.text && len(k.seen) >= 8 && k.high > k.low {
			cols = append(cols, c)
		}
	}
	m := len(cols)
	if m < 3 || m > 200 {
		return nil
	}
	stride := max(1, r.rows/sampleRows)
	n := (r.rows + stride - 1) / stride
	terms := make([]input, m) // how each column is standardised: weight is 1/deviation
	z := make([][]float64, m)
	parallel(m, func(i int) {
		k := r.columns[cols[i]]
		t := input{column: cols[i], lo: at(k.seen, k.count, 0.002), hi: at(k.seen, k.count, 0.998)}
		v := make([]float64, 0, n)
		sum, rows := 0.0, 0.0
		for row := 0; row < r.rows; row += stride {
			y := min(max(k.vals[row], t.lo), t.hi) // NaN stays
			v = append(v, y)
			if y == y {
				sum += y
				rows++
			}
		}
		t.mean = sum / max(rows, 1)
		square := 0.0
		for j, y := range v {
			if y != y {
				v[j] = t.mean
			}
			v[j] -= t.mean
			square += v[j] * v[j]
		}
		if square > 0 {
			t.weight = 1 / math.Sqrt(square/float64(n))
		}
		for j := range v {
			v[j] *= t.weight
		}
		terms[i], z[i] = t, v
	})
	corr := make([][]float64, m)
	parallel(m, func(i int) {
		corr[i] = make([]float64, m)
		for j := range m {
			sum := 0.0
			for row, y := range z[i] {
				sum += y * z[j][row]
			}
			corr[i][j] = sum / float64(n)
		}
	})
	found := make([]*relation, m)
	parallel(m, func(i int) {
		chosen, beta, fit := choose(corr, i)
		if len(chosen) < 2 || fit < leastFit {
			return
		}
		l := &relation{a: cols[i], b: cols[i]}
		for j, c := range chosen {
			t := terms[c]
			t.weight *= beta[j]
			l.inputs = append(l.inputs, t)
		}
		predicted := l.predict(r.rows, func(c int) []float64 { return r.columns[c].vals })
		values, counts := distinct(predicted)
		l.edges = edgesOf(values, counts, max(len(r.columns[cols[i]].coarse), 4))
		found[i] = l
	})
	return slices.DeleteFunc(found, func(l *relation) bool { return l == nil })
}

// choose adds to a prediction of column i, one at a time, the column that lowers the error most.
func choose(corr [][]float64, i int) (chosen []int, beta []float64, fit float64) {
	for len(chosen) < mostInputs {
		best, with, gain := -1, []float64(nil), leastGain
		for j := range corr {
			// A copy of the column, or nearly so, would share its faults without telling whose they are.
			if j == i || slices.Contains(chosen, j) || math.Abs(corr[i][j]) > 0.9999 {
				continue
			}
			set := append(slices.Clone(chosen), j)
			b := solve(corr, set, i)
			if b == nil {
				continue
			}
			f := 0.0
			for k, c := range set {
				f += b[k] * corr[i][c]
			}
			if f-fit > gain {
				best, with, gain = j, b, f-fit
			}
		}
		if best < 0 {
			break
		}
		chosen, beta, fit = append(chosen, best), with, fit+gain
	}
	return chosen, beta, fit
}

// solve returns the least-squares weights of the set for column i by elimination with a slight ridge; nil when the set
// is all but collinear.
func solve(corr [][]float64, set []int, i int) []float64 {
	n := len(set)
	a := make([][]float64, n)
	for r, c := range set {
		a[r] = make([]float64, n+1)
		for k, d := range set {
			a[r][k] = corr[c][d]
		}
		a[r][r] += 1e-3
		a[r][n] = corr[c][i]
	}
	for p := range n {
		if a[p][p] < 5e-3 {
			return nil
		}
		for r := range n {
			if r == p {
				continue
			}
			f := a[r][p] / a[p][p]
			for k := p; k <= n; k++ {
				a[r][k] -= f * a[p][k]
			}
		}
	}
	b := make([]float64, n)
	for p := range b {
		b[p] = a[p][n] / a[p][p]
	}
	return b
}

// predict computes the prediction row by row; NaN where an input is missing.
func (l *relation) predict(rows int, values func(int) []float64) []float64 {
	p := make([]float64, rows)
	for _, t := range l.inputs {
		for i, y := range values(t.column) {
			p[i] += t.weight * (min(max(y, t.lo), t.hi) - t.mean)
		}
	}
	return p
}

// grouped bins predictions.
func (l *relation) grouped(p []float64) []uint8 {
	g := make([]uint8, len(p))
	for i, y := range p {
		g[i] = absent
		if y == y {
			g[i] = uint8(bin(l.edges, y))
		}
	}
	return g
}

// lag tells whether the relation is that to the row before.
func (l *relation) lag() bool { return l.a == l.b && l.inputs == nil }

// needs tells whether the relation cannot be told of column c without a column in except, or one that is absent.
func (x *exam) needs(l *relation, c int, except map[int]bool) bool {
	for _, t := range l.inputs {
		if except[t.column] || x.cols[t.column] == nil {
			return true
		}
	}
	if other := l.a + l.b - c; l.a != l.b {
		return except[other] || x.cols[other] == nil
	}
	return false
}

// nameOf says what column c is related to.
func (x *exam) nameOf(l *relation, c int) string {
	switch {
	case l.lag():
		return "relation to the row before"
	case l.inputs != nil:
		s := "relation to what is expected from "
		for i, t := range l.inputs {
			if i > 0 {
				s += ", "
			}
			s += x.r.columns[t.column].name
		}
		return s
	}
	return "relation to " + x.r.columns[l.a+l.b-c].name
}
