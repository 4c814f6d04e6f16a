package stat

import "math"

// Expected is a metric that is estimated without labels: what to expect, and within which bounds the metric will lie
// when the labels come, if scores mean what they meant on the reference.
//
// Outcomes are drawn anew in every window, so the confusion matrix is random even when all probabilities are known: its
// parts are Poisson-binomial (Kivimäki, Białek, Kuberski and Nurminen, "Performance estimation in binary classification
// using calibrated confidence", arXiv 2505.05295, 2025). The interval holds for the ratios of these, with their skew
// (Cornish and Fisher) and half a count to either side as they are whole, and adds what the reference's own finite number
// of rows leaves unknown of the probabilities. AUC, average precision and losses have it from their linear part in the
// outcomes.
type Expected struct {
	Value, SE float64
	CI        Interval
}

// CBPEEstimate holds the estimated metrics of a window. What is not defined, as a precision without predicted rows, is
// NaN (NannyML says 0).
type CBPEEstimate struct {
	Rows                                         int64
	Accuracy, Precision, Recall, Specificity, F1 Expected
	AUC, AveragePrecision                        Expected // ties merged
	LogLoss, Brier                               Expected // of the scores as they are
	Positives                                    Expected // share of rows that happen
	// The confusion matrix to expect, in rows.
	TruePositives, FalsePositives, TrueNegatives, FalseNegatives float64
	// Outside is the share of rows whose score lies beyond all of the reference.
	Outside float64
	// Effective is the number of reference rows that the estimate rests on: all of them when scores are distributed as
	// they were, few when most rows fall where the reference had few.
	Effective float64
	// Reliable is false when more than a twentieth of the rows is outside or fewer than 100 rows are effective: the scores
	// have gone where the reference says nothing about them. True says only that this is not so.
	Reliable bool
}

// cbpeSums are what the metrics but AUC and average precision need, by whether rows were predicted.
type cbpeSums struct {
	bad        bool
	n          [2]int64
	p, v, skew [2]Sum // Σ p, Σ p(1-p), Σ p(1-p)(1-2p)
	loss, lossV,
	brier, brierV Sum
	outside int64
	slopes  []cbpeSlopes // by group
}

// cbpeSlopes say how the summed losses of a group move with its probability.
type cbpeSlopes struct{ loss, brier Sum }

func newCBPESums(c *CBPE) cbpeSums { return cbpeSums{slopes: make([]cbpeSlopes, len(c.rows))} }

func (s *cbpeSums) add(c *CBPE, group int, score, p float64, predicted bool) {
	i := 0
	if predicted {
		i = 1
	}
	v := p * (1 - p)
	s.n[i]++
	s.p[i].Add(p)
	s.v[i].Add(v)
	s.skew[i].Add(v * (1 - 2*p))
	q := min(max(score, Eps64), 1-Eps64)
	yes, no := -math.Log(q), -math.Log1p(-q)
	s.loss.Add(p*yes + (1-p)*no)
	s.lossV.Add(v * (yes - no) * (yes - no))
	s.brier.Add(p*(1-score)*(1-score) + (1-p)*score*score)
	s.brierV.Add(v * (1 - 2*score) * (1 - 2*score))
	s.slopes[group].loss.Add(yes - no)
	s.slopes[group].brier.Add(1 - 2*score)
	if score < c.Lo || score > c.Hi {
		s.outside++
	}
}

func (s *cbpeSums) merge(o *cbpeSums) {
	s.bad = s.bad || o.bad
	for i := range s.n {
		s.n[i] += o.n[i]
		s.p[i].Merge(o.p[i])
		s.v[i].Merge(o.v[i])
		s.skew[i].Merge(o.skew[i])
	}
	s.loss.Merge(o.loss)
	s.lossV.Merge(o.lossV)
	s.brier.Merge(o.brier)
	s.brierV.Merge(o.brierV)
	s.outside += o.outside
	for i := range s.slopes {
		s.slopes[i].loss.Merge(o.slopes[i].loss)
		s.slopes[i].brier.Merge(o.slopes[i].brier)
	}
}

// cbpeCell are rows whose scores count as tied.
type cbpeCell struct {
	n, predicted int64
	p, v         Sum
	group        int
}

func (c *cbpeCell) add(p float64, predicted bool) {
	c.n++
	if predicted {
		c.predicted++
	}
	c.p.Add(p)
	c.v.Add(p * (1 - p))
}

func (c *cbpeCell) merge(o *cbpeCell) {
	c.n += o.n
	c.predicted += o.predicted
	c.p.Merge(o.p)
	c.v.Merge(o.v)
}

// cbpeGroup is what the rows of a group of bins say about the reference's error.
type cbpeGroup struct {
	n, predicted float64
	p            float64 // Σ p
	unit         float64 // variance of the group's probability, from the reference's rows
}

// estimate computes all metrics; cells come by ascending score.
func (s cbpeSums) estimate(c *CBPE, cells []cbpeCell, level float64) CBPEEstimate {
	nan := math.NaN()
	none := Expected{nan, nan, Interval{nan, nan}}
	out := CBPEEstimate{
		Rows: s.n[0] + s.n[1], Accuracy: none, Precision: none, Recall: none, Specificity: none, F1: none, AUC: none, AveragePrecision: none,
		LogLoss: none, Brier: none, Positives: none, TruePositives: nan, FalsePositives: nan, TrueNegatives: nan, FalseNegatives: nan, Outside: nan, Effective: nan,
	}
	n := float64(out.Rows)
	if s.bad || n == 0 {
		return out
	}
	groups := make([]cbpeGroup, len(c.rows))
	for i := range cells {
		g := &groups[cells[i].group]
		g.n += float64(cells[i].n)
		g.predicted += float64(cells[i].predicted)
		g.p += cells[i].p.Value()
	}
	r := cbpeRatio{z: Z(level)}
	happen := total(s.p[0], s.p[1])
	base := happen / n
	var effective Sum
	for i := range groups {
		g := &groups[i]
		if g.n == 0 {
			continue
		}
		rows := max(c.rows[i], 1)
		// With a row of the base rate put in, as a group whose few rows were all alike is not certain.
		p := (rows*g.p/g.n + base) / (rows + 1)
		g.unit = p * (1 - p) / rows
		rest := g.n - g.predicted
		r.s11 += g.predicted * g.predicted * g.unit
		r.s10 += g.predicted * rest * g.unit
		r.s00 += rest * rest * g.unit
		effective.Add(g.n / n * (g.n / n) / rows)
	}
	n0, n1 := float64(s.n[0]), float64(s.n[1])
	r.m1, r.m0 = s.p[1].Value(), s.p[0].Value()
	r.v1, r.v0 = s.v[1].Value(), s.v[0].Value()
	r.k1, r.k0 = s.skew[1].Value(), s.skew[0].Value()

	out.TruePositives, out.FalsePositives, out.FalseNegatives, out.TrueNegatives = r.m1, n1-r.m1, r.m0, n0-r.m0
	// Each metric is at most x when a·TP + b·FN is at most c, where a, b and c depend on x; c - a·E(TP) - b·E(FN) grows
	// with x at the rate given.
	out.Accuracy = r.expect((r.m1+n0-r.m0)/n, n, func(x float64) (a, b, c float64) { return 1, -1, x*n - n0 })
	out.Precision = r.expect(r.m1/n1, n1, func(x float64) (a, b, c float64) { return 1, 0, x * n1 })
	out.Recall = r.expect(r.m1/happen, happen, func(x float64) (a, b, c float64) { return 1 - x, -x, 0 })
	out.Specificity = r.expect((n0-r.m0)/(n-happen), n-happen, func(x float64) (a, b, c float64) { return x, x - 1, x*n - n0 })
	out.F1 = r.expect(2*r.m1/(n1+happen), n1+happen, func(x float64) (a, b, c float64) { return 2 - x, -x, x * n1 })
	out.Positives = r.expect(happen/n, n, func(x float64) (a, b, c float64) { return 1, 1, x * n })

	out.AUC = expectedAUC(cells, groups, happen, n-happen, r.z)
	out.AveragePrecision = expectedAP(cells, groups, happen, r.z)
	for i, d := range s.slopes {
		s.lossV.Add(d.loss.Value() * d.loss.Value() * groups[i].unit)
		s.brierV.Add(d.brier.Value() * d.brier.Value() * groups[i].unit)
	}
	out.LogLoss = expectedLoss(s.loss, s.lossV, n, r.z)
	out.Brier = expectedLoss(s.brier, s.brierV, n, r.z)

	out.Outside = float64(s.outside) / n
	out.Effective = 1 / effective.Value()
	out.Reliable = out.Outside <= 0.05 && out.Effective >= 100
	return out
}

func expectedLoss(sum, variance Sum, n, z float64) Expected {
	m, se := sum.Value()/n, math.Sqrt(variance.Value())/n
	return Expected{m, se, Interval{max(m-z*se, 0), m + z*se}}
}

// cbpeRatio finds the interval of a ratio of true positives and false negatives, each Poisson-binomial with mean m,
// variance v and third cumulant k (1: predicted, 0: not), and what the reference adds to the variances.
type cbpeRatio struct {
	m1, m0, v1, v0, k1, k0 float64
	s11, s10, s00          float64
	z                      float64
}

// above returns how far, in standard deviations, c is above what a·TP + b·FN is at the quantile z. slack is the part of
// a count that is given away.
func (r *cbpeRatio) above(a, b, c, z, slack float64) (distance, sd float64) {
	v := a*a*(r.v1+r.s11) + 2*a*b*r.s10 + b*b*(r.v0+r.s00)
	d := c - a*r.m1 - b*r.m0 + slack*max(math.Abs(a), math.Abs(b))
	sd = math.Sqrt(max(v, 0))
	if sd == 0 {
		return d, 0
	}
	skew := (a*a*a*r.k1 + b*b*b*r.k0) / (sd * sd * sd)
	return d/sd - z - skew*(z*z-1)/6, sd
}

func (r *cbpeRatio) expect(value, rate float64, terms func(x float64) (a, b, c float64)) Expected {
	nan := math.NaN()
	if value != value || !(rate > 0) {
		return Expected{nan, nan, Interval{nan, nan}}
	}
	a, b, c := terms(value)
	_, sd := r.above(a, b, c, 0, 0)
	e := Expected{value, sd / rate, Interval{value, value}}
	if r.v1+r.v0 == 0 {
		return e // all rows are certain
	}
	find := func(z, slack float64) float64 {
		lo, hi := 0.0, 1.0
		for range 60 {
			mid := (lo + hi) / 2
			a, b, c := terms(mid)
			if d, _ := r.above(a, b, c, z, slack); d < 0 {
				lo = mid
			} else {
				hi = mid
			}
		}
		return (lo + hi) / 2
	}
	e.CI = Interval{min(find(-r.z, 0.5), value), max(find(r.z, -0.5), value)}
	return e
}

// between makes an interval that stays within (0, 1).
func between(value, variance, z float64) Expected {
	se := math.Sqrt(max(variance, 0))
	if !(value > 0 && value < 1) {
		return Expected{value, se, Interval{max(value-z*se, 0), min(value+z*se, 1)}}
	}
	u, d := math.Log(value)-math.Log1p(-value), z*se/(value*(1-value))
	return Expected{value, se, Interval{logistic(u - d), logistic(u + d)}}
}

// expectedAUC is the expected number of ordered pairs over the product of the expected class sizes; its variance that of
// the linear part in the outcomes.
func expectedAUC(cells []cbpeCell, groups []cbpeGroup, pos, neg, z float64) Expected {
	nan := math.NaN()
	if !(pos > 0 && neg > 0) {
		return Expected{nan, nan, Interval{nan, nan}}
	}
	var u, below Sum
	for i := range cells {
		p := cells[i].p.Value()
		q := float64(cells[i].n) - p
		u.addProduct(p, below.Value()+q/2)
		below.Add(q)
	}
	auc := u.Value() / (pos * neg)
	shift := make([]float64, len(groups))
	var variance, negBelow, posBelow Sum
	for i := range cells {
		c := &cells[i]
		p := c.p.Value()
		q := float64(c.n) - p
		d := negBelow.Value() + q/2 - (pos - posBelow.Value() - p/2)
		d = (d - auc*(neg-pos)) / (pos * neg)
		variance.Add(c.v.Value() * d * d)
		shift[c.group] += float64(c.n) * d
		negBelow.Add(q)
		posBelow.Add(p)
	}
	for g, d := range shift {
		variance.Add(d * d * groups[g].unit)
	}
	// The linear part leaves out terms of the order of one over the class sizes.
	return between(auc, variance.Value()*(1+1/pos+1/neg), z)
}

// expectedAP is the sum over cells of the expected recall gained there times the expected precision.
func expectedAP(cells []cbpeCell, groups []cbpeGroup, pos, z float64) Expected {
	nan := math.NaN()
	if !(pos > 0) {
		return Expected{nan, nan, Interval{nan, nan}}
	}
	var tp, area, later Sum // later: Σ p/rows of the cells at and below
	all := 0.0
	for i := len(cells) - 1; i >= 0; i-- {
		c := &cells[i]
		if c.n == 0 {
			continue
		}
		all += float64(c.n)
		tp.Merge(c.p)
		area.addProduct(c.p.Value(), tp.Value()/all)
		later.Add(c.p.Value() / all)
	}
	ap := area.Value() / pos
	shift := make([]float64, len(groups))
	var variance Sum
	tp, all = Sum{}, 0
	for i := len(cells) - 1; i >= 0; i-- {
		c := &cells[i]
		if c.n == 0 {
			continue
		}
		all += float64(c.n)
		tp.Merge(c.p)
		d := (tp.Value()/all + later.Value() - ap) / pos
		later.Add(-c.p.Value() / all)
		variance.Add(c.v.Value() * d * d)
		shift[c.group] += float64(c.n) * d
	}
	for g, d := range shift {
		variance.Add(d * d * groups[g].unit)
	}
	return between(ap, variance.Value()*(1+1/pos), z)
}
