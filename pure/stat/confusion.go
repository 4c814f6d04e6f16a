package stat

// Confusion counts what happened against what was predicted, by weight. The zero value is empty.
type Confusion struct{ tp, fp, tn, fn Sum }

// Add adds a row: what happened, what was predicted, and its weight.
func (c *Confusion) Add(y, predicted bool, w float64) {
	w = valid(w)
	switch {
	case y && predicted:
		c.tp.Add(w)
	case y:
		c.fn.Add(w)
	case predicted:
		c.fp.Add(w)
	default:
		c.tn.Add(w)
	}
}

// ConfusionAt counts rows as predicted when their score is at or above the threshold. A NaN score makes all results
// NaN.
func ConfusionAt(y []bool, score, w []float64, threshold float64) Confusion {
	mustMatch(len(y), len(score), weights(w, len(y)))
	var c Confusion
	for i := range y {
		v := weigh(w, i)
		if score[i] != score[i] {
			v = score[i]
			c.Add(!y[i], false, v) // into two cells at least, so that no metric misses it
			c.Add(!y[i], true, v)
			c.Add(y[i], false, v)
		}
		c.Add(y[i], score[i] >= threshold, v)
	}
	return c
}

// Merge adds all rows of o.
func (c *Confusion) Merge(o Confusion) {
	c.tp.Merge(o.tp)
	c.fp.Merge(o.fp)
	c.tn.Merge(o.tn)
	c.fn.Merge(o.fn)
}

// TruePositives returns the weight of rows predicted and happened.
func (c Confusion) TruePositives() float64 { return c.tp.Value() }

// FalsePositives returns the weight of rows predicted that did not happen.
func (c Confusion) FalsePositives() float64 { return c.fp.Value() }

// TrueNegatives returns the weight of rows neither predicted nor happened.
func (c Confusion) TrueNegatives() float64 { return c.tn.Value() }

// FalseNegatives returns the weight of rows that happened unpredicted.
func (c Confusion) FalseNegatives() float64 { return c.fn.Value() }

func total(sums ...Sum) float64 {
	var s Sum
	for _, t := range sums {
		s.Merge(t)
	}
	return s.Value()
}

// Accuracy returns the share of rows predicted right; NaN without rows.
func (c Confusion) Accuracy() float64 { return total(c.tp, c.tn) / total(c.tp, c.fp, c.tn, c.fn) }

// Precision returns the share of predicted rows that happened; NaN when none was predicted (scikit-learn says 0).
func (c Confusion) Precision() float64 { return c.tp.Value() / total(c.tp, c.fp) }

// Recall returns the share of rows that happened which were predicted; NaN when none happened (scikit-learn says 0).
func (c Confusion) Recall() float64 { return c.tp.Value() / total(c.tp, c.fn) }

// Specificity returns the share of rows that did not happen which were not predicted; NaN when all happened.
func (c Confusion) Specificity() float64 { return c.tn.Value() / total(c.tn, c.fp) }

// F1 returns the harmonic mean of precision and recall; NaN when nothing happened and nothing was predicted.
func (c Confusion) F1() float64 { return 2 * c.tp.Value() / total(c.tp, c.tp, c.fp, c.fn) }
