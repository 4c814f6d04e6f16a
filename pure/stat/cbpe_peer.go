package stat

import "math"

// NannyMLCurves returns ROC AUC and average precision as NannyML estimates them from probabilities, in the order of the
// scores: running sums rounded to 5 decimals, ties not merged but by descending row, which is one of the orders that its
// sort may leave them in. It is there to compare numbers with NannyML's; CBPE's own have neither rounding nor an order
// among ties. NaN for a NaN score.
func NannyMLCurves(p, score []float64) (auc, ap float64) {
	mustMatch(len(p), len(score))
	rows, ok := order(score)
	if !ok || len(rows) == 0 {
		return math.NaN(), math.NaN()
	}
	five := func(x float64) float64 { return math.RoundToEven(x*1e5) / 1e5 }
	n := len(rows)
	tps, fps := make([]float64, n+1), make([]float64, n+1)
	sum := 0.0
	for k := range n {
		sum += p[rows[n-1-k]]
		tps[k+1], fps[k+1] = five(sum), five(float64(k+1)-sum)
	}
	var area, precision Sum
	for k := 1; k <= n; k++ {
		area.Add((fps[k]/fps[n] - fps[k-1]/fps[n]) * (tps[k]/tps[n] + tps[k-1]/tps[n]) / 2)
		precision.Add((tps[k]/tps[n] - tps[k-1]/tps[n]) * (tps[k] / float64(k)))
	}
	return area.Value(), precision.Value()
}

// SamplingError is NannyML's: the standard deviation of a metric's share per row on the reference, which for a window of
// n rows becomes Std/√(n·Fraction). It says how a metric varies from sample to sample while nothing changes.
type SamplingError struct{ Std, Fraction float64 }

// At returns the standard error for a window of n rows.
func (s SamplingError) At(n int) float64 { return s.Std / math.Sqrt(float64(n)*s.Fraction) }

// SamplingErrors returns those of accuracy, precision, recall, specificity, f1 and roc_auc from reference rows, under
// these names. What is not defined is NaN. NannyML's for average precision is a random one and has no equal here.
func SamplingErrors(y, predicted []bool, score []float64) map[string]SamplingError {
	mustMatch(len(y), len(predicted), len(score))
	var tp, fp, tn, fn float64
	for i := range y {
		switch {
		case y[i] && predicted[i]:
			tp++
		case predicted[i]:
			fp++
		case y[i]:
			fn++
		default:
			tn++
		}
	}
	n := tp + fp + tn + fn
	// A component is `value` for the hits among the relevant rows and 0 for the others.
	component := func(hits, relevant, value float64) SamplingError {
		share := hits / relevant
		return SamplingError{value * math.Sqrt(share*(1-share)), relevant / n}
	}
	wrong := fp + fn
	return map[string]SamplingError{
		"accuracy":    component(tp+tn, n, 1),
		"precision":   component(tp, tp+fp, 1),
		"recall":      component(tp, tp+fn, 1),
		"specificity": component(tn, tn+fp, 1),
		"f1":          component(tp, tp+wrong, (tp+wrong)/(wrong/2+tp)),
		"roc_auc":     aucSamplingError(y, score, tp+fn, tn+fp),
	}
}

func aucSamplingError(y []bool, score []float64, pos, neg float64) SamplingError {
	nan := math.NaN()
	rows, ok := order(score)
	if !ok || pos == 0 || neg == 0 {
		return SamplingError{nan, nan}
	}
	// Of the rarer class, the share of the other that is on its right side.
	rare := pos <= neg
	var m, other float64
	var sum, sum2 Sum
	if !rare {
		pos, neg = neg, pos
	}
	for k := range rows {
		i := rows[k]
		if !rare {
			i = rows[len(rows)-1-k]
		}
		if y[i] == rare {
			v := other / neg
			m++
			sum.Add(v)
			sum2.Add(v * v)
		} else {
			other++
		}
	}
	mean := sum.Value() / m
	return SamplingError{math.Sqrt(max(sum2.Value()/m-mean*mean, 0)), pos / (pos + neg)}
}
