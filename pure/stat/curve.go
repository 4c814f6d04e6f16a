package stat

import (
	"math"
	"slices"
)

// ScorePoint is what deciding by a score does at one threshold: rows at or above it are predicted.
type ScorePoint struct {
	Threshold      float64 // +Inf at the beginning, where nothing is predicted
	TruePositives  float64 // weight of rows predicted that happened
	FalsePositives float64 // weight of rows predicted that did not happen
	TPR            float64 // share of what happened that is predicted: recall
	FPR            float64 // share of what did not happen that is predicted
	Precision      float64 // share of the predicted that happened; 1 where nothing is predicted, as scikit-learn draws it
}

// ScoreCurve is the ROC curve and the precision-recall curve of a score at once: a point for each distinct score, from
// the highest threshold down. Thresholds, rates and precisions are those of scikit-learn's roc_curve (with
// drop_intermediate=False) and precision_recall_curve.
type ScoreCurve struct {
	Positives, Negatives float64 // weights of what happened and what did not
	Points               []ScorePoint
}

// NewScoreCurve orders rows by their score. TPR is NaN at all points when nothing happened, FPR when everything did;
// Points is nil without rows or with a NaN among scores or weights.
func NewScoreCurve(y []bool, score, w []float64) ScoreCurve {
	mustMatch(len(y), len(score), weights(w, len(y)))
	rows, ok := order(score)
	if !ok || len(rows) == 0 {
		return ScoreCurve{math.NaN(), math.NaN(), nil}
	}
	slices.Reverse(rows)
	var tp, fp Sum
	c := ScoreCurve{Points: []ScorePoint{{Threshold: math.Inf(1), Precision: 1}}}
	ties(rows, score, func(lo, hi int) {
		for _, i := range rows[lo:hi] {
			if y[i] {
				tp.Add(weigh(w, i))
			} else {
				fp.Add(weigh(w, i))
			}
		}
		c.Points = append(c.Points, ScorePoint{Threshold: score[rows[lo]], TruePositives: tp.Value(), FalsePositives: fp.Value()})
	})
	c.Positives, c.Negatives = tp.Value(), fp.Value()
	if c.Positives != c.Positives || c.Negatives != c.Negatives {
		return ScoreCurve{math.NaN(), math.NaN(), nil}
	}
	for i := range c.Points {
		p := &c.Points[i]
		p.TPR, p.FPR = p.TruePositives/c.Positives, p.FalsePositives/c.Negatives
		if all := p.TruePositives + p.FalsePositives; all > 0 {
			p.Precision = p.TruePositives / all
		} else if i > 0 {
			p.Precision = 0 // rows of weight 0 alone: what scikit-learn says where nothing is predicted
		}
	}
	return c
}

// At returns the confusion at a threshold: rows with a score at or above it are predicted. All weights are NaN when the
// curve has no points.
func (c ScoreCurve) At(threshold float64) Confusion {
	nan := math.NaN()
	if len(c.Points) == 0 || threshold != threshold {
		bad := Sum{nan, 0}
		return Confusion{bad, bad, bad, bad}
	}
	// Points descend: the last one whose threshold is not below the one asked for.
	i, _ := slices.BinarySearchFunc(c.Points, threshold, func(p ScorePoint, t float64) int {
		if p.Threshold >= t {
			return -1
		}
		return 1
	})
	p := c.Points[max(i-1, 0)]
	of := func(v float64) Sum { return Sum{v, 0} }
	return Confusion{tp: of(p.TruePositives), fp: of(p.FalsePositives), tn: of(c.Negatives - p.FalsePositives), fn: of(c.Positives - p.TruePositives)}
}

// Thin returns at most about n of the points: the first, the last, and between them one whenever the ROC curve has gone
// on by 2/n, counting both axes. So no point that is left out lies further than that from one that is there, along
// either axis. A curve of one class is thinned by the axis that it has.
func (c ScoreCurve) Thin(n int) []ScorePoint {
	if n < 2 || len(c.Points) <= n {
		return c.Points
	}
	way := func(p ScorePoint) float64 {
		var s float64
		if c.Positives > 0 {
			s += p.TPR
		}
		if c.Negatives > 0 {
			s += p.FPR
		}
		return s
	}
	out := c.Points[:1:1]
	step, gone := 2/float64(n-1), 0.0
	for i, p := range c.Points[1:] {
		if i == len(c.Points)-2 || way(p)-gone >= step {
			out = append(out, p)
			gone = way(p)
		}
	}
	return out
}
