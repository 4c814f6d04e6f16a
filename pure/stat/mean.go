package stat

import "math"

// Mean gathers a weighted mean and its standard error. The zero value is empty.
type Mean struct {
	n                    int64
	w, wx, ww, wwx, wwxx Sum // sums of w, w·x, w², w²·x, w²·x²
}

// Add adds x with weight w.
func (m *Mean) Add(x, w float64) {
	w = valid(w)
	m.n++
	m.w.Add(w)
	m.wx.addProduct(w, x)
	m.ww.addProduct(w, w)
	v := float64(w * x)
	m.wwx.addProduct(w, v)
	m.wwxx.addProduct(v, v)
	if rest := math.FMA(w, x, -v); rest != 0 && rest == rest {
		// What rounding took from w·x, so that a mean far from zero does not drown a small spread.
		m.wwx.Add(w * rest)
		m.wwxx.Add(2 * v * rest)
	}
}

// Merge adds all values of o.
func (m *Mean) Merge(o Mean) {
	m.n += o.n
	m.w.Merge(o.w)
	m.wx.Merge(o.wx)
	m.ww.Merge(o.ww)
	m.wwx.Merge(o.wwx)
	m.wwxx.Merge(o.wwxx)
}

// Count returns the number of values.
func (m Mean) Count() int64 { return m.n }

// Weight returns the sum of the weights.
func (m Mean) Weight() float64 { return m.w.Value() }

// Mean returns the weighted mean; NaN without weight.
func (m Mean) Mean() float64 { return m.wx.Value() / m.w.Value() }

// SE returns the standard error of the mean: the square root of n/(n-1) · Σ w²(x-mean)² / (Σw)². With weights 1 it is
// the sample deviation over √n; with others it is Cochran's ratio variance (Gatz and Smith, Atmospheric Environment 29,
// 1995), which agrees with the bootstrap. NaN for fewer than two values.
func (m Mean) SE() float64 {
	if m.n < 2 || !m.w.finite() || !m.wx.finite() || !m.wwxx.finite() || m.w.Value() <= 0 {
		return math.NaN()
	}
	w := m.w.big()
	mean := quo(m.wx.big(), w)
	// Σ(wx)² - 2·mean·Σw(wx) + mean²·Σw²
	ss := sub(m.wwxx.big(), mul(mean, sub(mul(float(2), m.wwx.big()), mul(mean, m.ww.big()))))
	v, _ := quo(mul(ss, quo(float(float64(m.n)), float(float64(m.n-1)))), mul(w, w)).Float64()
	return math.Sqrt(max(v, 0)) // equal values may leave a rounding error below zero
}
