package stat

import "math"

// CalibrationLine says how probabilities relate to outcomes: log-odds of what happened = Intercept + Slope·logit(p). A
// slope below 1 means too extreme, above 1 too timid. Large is the intercept with the slope held at 1: calibration in the
// large, above 0 when more happens than predicted (Cox, Biometrika 45, 1958; Van Calster et al., "A calibration hierarchy
// for risk models", J. Clin. Epidemiol. 74, 2016). Perfect are 0, 1 and 0.
type CalibrationLine struct {
	Intercept, Slope, Large       float64
	InterceptSE, SlopeSE, LargeSE float64
	// DF are the degrees of freedom of the errors: +Inf by rows, one less than the number of blocks by blocks.
	DF float64
}

// FitCalibrationLine fits the line by maximum likelihood, with errors by rows, or by blocks when block names one for each
// row (the sandwich with the factor G/(G-1)). Numbers that do not exist, as with one class, equal probabilities, or rows
// that a line separates, are NaN, Large by itself.
func FitCalibrationLine(y []bool, p, w []float64, block []int) CalibrationLine {
	mustMatch(len(y), len(p), weights(w, len(y)))
	nan := math.NaN()
	out := CalibrationLine{nan, nan, nan, nan, nan, nan, math.Inf(1)}
	d := logisticRows{x: make([]float64, len(y)), t: make([]float64, len(y)), w: make([]float64, len(y))}
	for i := range y {
		v := weigh(w, i)
		if v != v || !(p[i] >= 0 && p[i] <= 1) {
			return out
		}
		d.x[i], d.w[i] = logit(p[i]), v
		if y[i] {
			d.t[i] = 1
		}
	}
	index, groups := groupBlocks(len(y), block)
	if block != nil {
		out.DF = float64(groups - 1)
	}
	if f, ok := d.fit(0, 1, true); ok {
		out.Intercept, out.Slope = f.a, f.b
		va, vb := f.variances(&d, index, groups)
		out.InterceptSE, out.SlopeSE = math.Sqrt(va), math.Sqrt(vb)
	}
	if f, ok := d.fit(0, 1, false); ok {
		out.Large = f.a
		va, _ := f.variances(&d, index, groups)
		out.LargeSE = math.Sqrt(va)
	}
	return out
}

// groupBlocks numbers the blocks in order of first appearance; nil for no blocks.
func groupBlocks(n int, block []int) (index []int, groups int) {
	if block == nil {
		return nil, 0
	}
	mustMatch(n, len(block))
	number := make(map[int]int)
	index = make([]int, n)
	for i, b := range block {
		g, seen := number[b]
		if !seen {
			g = len(number)
			number[b] = g
		}
		index[i] = g
	}
	return index, len(number)
}

// logisticRows are rows of a logistic regression on one variable: target t in [0, 1], weight w.
type logisticRows struct{ x, t, w []float64 }

type logisticFit struct {
	a, b          float64
	haa, hab, hbb float64 // information
	both          bool
}

// gradient returns slope and curvature of the likelihood at a, b.
func (d *logisticRows) gradient(a, b float64) (ga, gb, haa, hab, hbb, loss float64) {
	var sa, sb, saa, sab, sbb, sl Sum
	for i, x := range d.x {
		w := d.w[i]
		if w == 0 {
			continue
		}
		u := a + b*x
		q := logistic(u)
		r := w * (d.t[i] - q)
		v := w * q * logistic(-u)
		sa.Add(r)
		sb.Add(r * x)
		saa.Add(v)
		sab.Add(v * x)
		sbb.Add(v * x * x)
		// log(1+e^u) - t·u without overflow
		sl.Add(w * (max(u, 0) + math.Log1p(math.Exp(-math.Abs(u))) - d.t[i]*u))
	}
	return sa.Value(), sb.Value(), saa.Value(), sab.Value(), sbb.Value(), sl.Value()
}

// fit maximises the likelihood by Newton's steps, halved while they do not improve; with both false the slope stays. ok is
// false when there is no finite maximum.
func (d *logisticRows) fit(a, b float64, both bool) (f logisticFit, ok bool) {
	ga, gb, haa, hab, hbb, loss := d.gradient(a, b)
	if len(d.x) == 0 || loss != loss {
		return f, false
	}
	var all Sum
	for _, w := range d.w {
		all.Add(w)
	}
	for range 200 {
		// With (nearly) no information left all rows are told to be certain: the likelihood rises for ever.
		if !(haa > 1e-12*all.Value()) {
			return f, false
		}
		var da, db float64
		if both {
			det := haa*hbb - hab*hab
			if !(det > 1e-14*haa*hbb) {
				return f, false
			}
			da, db = (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		} else {
			da = ga / haa
		}
		small := math.Abs(da) <= 1e-12*(1+math.Abs(a)) && math.Abs(db) <= 1e-12*(1+math.Abs(b))
		step := 1.0
		for {
			na, nb := a+step*da, b+step*db
			ga2, gb2, haa2, hab2, hbb2, loss2 := d.gradient(na, nb)
			if loss2 <= loss+1e-13*math.Abs(loss) {
				a, b, ga, gb, haa, hab, hbb, loss = na, nb, ga2, gb2, haa2, hab2, hbb2, loss2
				break
			}
			if step /= 2; step < 1e-10 {
				small = true
				break
			}
		}
		if small && haa > 1e-12*all.Value() {
			return logisticFit{a, b, haa, hab, hbb, both}, true
		}
	}
	return f, false
}

// variances returns those of intercept and slope: the inverse information, or the sandwich by blocks.
func (f logisticFit) variances(d *logisticRows, index []int, groups int) (va, vb float64) {
	iaa, iab, ibb := 1/f.haa, 0.0, 0.0
	if f.both {
		det := f.haa*f.hbb - f.hab*f.hab
		iaa, iab, ibb = f.hbb/det, -f.hab/det, f.haa/det
	}
	if index == nil {
		return iaa, ibb
	}
	if groups < 2 {
		return math.Inf(1), math.Inf(1)
	}
	type score struct{ a, b Sum }
	scores := make([]score, groups)
	for i, x := range d.x {
		r := d.w[i] * (d.t[i] - logistic(f.a+f.b*x))
		scores[index[i]].a.Add(r)
		scores[index[i]].b.Add(r * x)
	}
	var sa, sb Sum
	for _, s := range scores {
		ea := iaa*s.a.Value() + iab*s.b.Value()
		eb := iab*s.a.Value() + ibb*s.b.Value()
		sa.Add(ea * ea)
		sb.Add(eb * eb)
	}
	g := float64(groups) / float64(groups-1)
	return g * sa.Value(), g * sb.Value()
}
