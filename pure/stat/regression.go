package stat

import "math"

// Errors gathers the errors of predicted numbers. The zero value is empty.
type Errors struct {
	square, absolute, signed Mean
	w, wy, wyy               Sum
	most                     float64
	lo, hi                   float64 // of what happened, among rows with weight
	any                      bool
}

// Add adds a row: what happened, what was predicted, and its weight.
func (e *Errors) Add(y, predicted, w float64) {
	w = valid(w)
	d := predicted - y
	e.square.Add(float64(d*d), w)
	e.absolute.Add(math.Abs(d), w)
	e.signed.Add(d, w)
	e.w.Add(w)
	v := float64(w * y)
	e.wy.addProduct(w, y)
	e.wyy.addProduct(v, y)
	if rest := math.FMA(w, y, -v); rest != 0 && rest == rest {
		e.wyy.Add(rest * y)
	}
	if w > 0 {
		e.span(y, y)
	}
	e.most = max(e.most, math.Abs(d)) // NaN stays
}

func (e *Errors) span(lo, hi float64) {
	if !e.any {
		e.lo, e.hi, e.any = lo, hi, true
		return
	}
	e.lo, e.hi = min(e.lo, lo), max(e.hi, hi)
}

// AddAll adds rows.
func (e *Errors) AddAll(y, predicted, w []float64) {
	mustMatch(len(y), len(predicted), weights(w, len(y)))
	for i := range y {
		e.Add(y[i], predicted[i], weigh(w, i))
	}
}

// Merge adds all rows of o.
func (e *Errors) Merge(o Errors) {
	e.square.Merge(o.square)
	e.absolute.Merge(o.absolute)
	e.signed.Merge(o.signed)
	e.w.Merge(o.w)
	e.wy.Merge(o.wy)
	e.wyy.Merge(o.wyy)
	e.most = max(e.most, o.most)
	if o.any {
		e.span(o.lo, o.hi)
	}
}

// Count returns the number of rows.
func (e Errors) Count() int64 { return e.square.n }

// MSE returns the mean squared error.
func (e Errors) MSE() float64 { return e.square.Mean() }

// MSESE returns the standard error of MSE.
func (e Errors) MSESE() float64 { return e.square.SE() }

// RMSE returns the square root of MSE.
func (e Errors) RMSE() float64 { return math.Sqrt(e.square.Mean()) }

// MAE returns the mean absolute error.
func (e Errors) MAE() float64 { return e.absolute.Mean() }

// MAESE returns the standard error of MAE.
func (e Errors) MAESE() float64 { return e.absolute.SE() }

// Bias returns the mean of predicted minus happened.
func (e Errors) Bias() float64 { return e.signed.Mean() }

// MaxError returns the largest absolute error, regardless of weight; NaN without rows.
func (e Errors) MaxError() float64 {
	if e.square.n == 0 {
		return math.NaN()
	}
	return e.most
}

// R2 returns the share of the variance of what happened that the predictions explain; below 0 they are worse than its
// mean. NaN for fewer than two rows. As in scikit-learn, when what happened is constant it is 1 for perfect
// predictions and 0 for others.
func (e Errors) R2() float64 {
	residual := e.square.wx
	if e.square.n < 2 || !e.wyy.finite() || !residual.finite() || !(e.w.Value() > 0) {
		return math.NaN()
	}
	if e.lo == e.hi {
		if residual.Value() == 0 {
			return 1
		}
		return 0
	}
	wy := e.wy.big()
	variation := sub(e.wyy.big(), quo(mul(wy, wy), e.w.big()))
	if variation.Sign() <= 0 {
		return math.NaN() // values so close together that even twice the digits do not part them
	}
	r, _ := sub(float(1), quo(residual.big(), variation)).Float64()
	return r
}
