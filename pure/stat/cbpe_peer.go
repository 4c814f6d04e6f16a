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
