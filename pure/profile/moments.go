package profile

import (
	"encoding/json"
	"math"
)

// Moments are count, sums and ends of the finite values of a column. They add up exactly: neither the order of rows nor
// how they were split into batches shows in mean and variance.
type Moments struct {
	N        int64
	Min, Max float64 // both 0 without values

	sum, squares pair
}

// pair is a number of about twice the digits of a float64.
type pair struct{ hi, lo float64 }

func (s *pair) add(x float64) {
	sum := s.hi + x
	b := sum - s.hi
	s.lo += (s.hi - (sum - b)) + (x - b)
	s.hi = sum
}

func (s *pair) merge(t pair) {
	s.add(t.hi)
	s.lo += t.lo
}

func (s pair) value() float64 { return s.hi + s.lo }

// times returns the product.
func (s pair) times(t pair) pair {
	p := s.hi * t.hi
	return pair{p, math.FMA(s.hi, t.hi, -p) + s.hi*t.lo + s.lo*t.hi}
}

func (m *Moments) add(x float64) {
	if m.N == 0 {
		m.Min, m.Max = x, x
	} else {
		m.Min, m.Max = min(m.Min, x), max(m.Max, x)
	}
	m.N++
	m.sum.add(x)
	p := x * x
	m.squares.add(p)
	m.squares.lo += math.FMA(x, x, -p)
}

// Merge adds all values of o.
func (m *Moments) Merge(o Moments) {
	switch {
	case o.N == 0:
		return
	case m.N == 0:
		*m = o
		return
	}
	m.N += o.N
	m.Min, m.Max = min(m.Min, o.Min), max(m.Max, o.Max)
	m.sum.merge(o.sum)
	m.squares.merge(o.squares)
}

// Mean returns the mean; NaN without values.
func (m Moments) Mean() float64 {
	if m.N == 0 {
		return math.NaN()
	}
	return m.sum.value() / float64(m.N)
}

// Variance returns the sample variance (n-1); NaN for fewer than two values, or when the squares leave float64.
func (m Moments) Variance() float64 {
	if m.N < 2 {
		return math.NaN()
	}
	n := float64(m.N)
	// (Σx² - (Σx)²/n) with the difference taken in double digits.
	square := m.sum.times(m.sum)
	q := square.hi / n
	r := (math.FMA(-q, n, square.hi) + square.lo) / n
	d := m.squares
	d.add(-q)
	d.lo -= r
	if v := d.value() / (n - 1); !(v < 0) {
		return v
	}
	return 0
}

// SD returns the square root of Variance.
func (m Moments) SD() float64 { return math.Sqrt(m.Variance()) }

type momentsJSON struct {
	N       int64       `json:"n"`
	Min     float64     `json:"min"`
	Max     float64     `json:"max"`
	Sum     *[2]float64 `json:"sum"` // null: beyond float64
	Squares *[2]float64 `json:"squares"`
}

func (s pair) encode() *[2]float64 {
	if v := s.hi + s.lo; math.IsInf(v, 0) || v != v {
		return nil
	}
	return &[2]float64{s.hi, s.lo}
}

func decodePair(p *[2]float64) pair {
	if p == nil {
		return pair{hi: math.NaN()}
	}
	return pair{p[0], p[1]}
}

// MarshalJSON writes the sums with all their digits.
func (m Moments) MarshalJSON() ([]byte, error) {
	return json.Marshal(momentsJSON{m.N, m.Min, m.Max, m.sum.encode(), m.squares.encode()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Moments) UnmarshalJSON(raw []byte) error {
	var j momentsJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	if j.N < 0 || j.Min > j.Max {
		return fail("", "moments of %d values between %v and %v", j.N, j.Min, j.Max)
	}
	*m = Moments{j.N, j.Min, j.Max, decodePair(j.Sum), decodePair(j.Squares)}
	return nil
}
