package view

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Performance is how good a version is on labelled rows, and on which. Binary or Regression is there by the task when
// there are rows; without any, Why says why. Against is the version scored on the same rows beside it, 0 for none, and
// AgainstBinary or AgainstRegression what that one does.
type Performance struct {
	Model             trimtab.ModelName      `json:"model"`
	Version           trimtab.Version        `json:"version"`
	Against           trimtab.Version        `json:"against,omitempty"`
	Rows              PerformanceRows        `json:"rows"`
	Task              string                 `json:"task,omitempty"`
	Metrics           []PerformanceMetric    `json:"metrics"`
	Binary            *BinaryPerformance     `json:"binary,omitempty"`
	Regression        *RegressionPerformance `json:"regression,omitempty"`
	AgainstBinary     *BinaryPerformance     `json:"againstBinary,omitempty"`
	AgainstRegression *RegressionPerformance `json:"againstRegression,omitempty"`
	Why               string                 `json:"why,omitempty"`
	Digest            trimtab.Digest         `json:"digest,omitempty"` // of what was read
}

// PerformanceRows says which rows were taken. Source is "answered" (the version answered them itself) or "scored" (new
// to it, whoever answered). Share is below 1 when rows were thinned, by a digest of their ids.
type PerformanceRows struct {
	Source     string       `json:"source,omitempty"`
	Endpoint   string       `json:"endpoint,omitempty"`
	Monitor    string       `json:"monitor,omitempty"`
	From       trimtab.Time `json:"from,omitzero"` // event time of the first
	To         trimtab.Time `json:"to,omitzero"`   // and of the last
	Until      trimtab.Time `json:"until,omitzero"`
	Used       int64        `json:"used"`
	Seen       int64        `json:"seen"`
	Unlabelled int64        `json:"unlabelled"`
	Held       int64        `json:"held"`
	Refused    int64        `json:"refused"`
	Share      Figure       `json:"share"`
}

// PerformanceMetric is a metric with its interval, where it has one, and the difference to the other version: positive
// is better.
type PerformanceMetric struct {
	Metric string  `json:"metric"`
	Value  Figure  `json:"value"`
	Lo     *Figure `json:"lo,omitempty"`
	Hi     *Figure `json:"hi,omitempty"`
	Other  *Figure `json:"other,omitempty"`
	Diff   *Figure `json:"diff,omitempty"`
	DiffLo *Figure `json:"diffLo,omitempty"`
	DiffHi *Figure `json:"diffHi,omitempty"`
}

// BinaryPerformance is what a probability does. The curve has a point for each threshold that is kept, from the highest
// down; its first threshold, which is infinite, is null. Cells are counts at the thresholds of Cuts.
type BinaryPerformance struct {
	Positives   int64            `json:"positives"`
	Negatives   int64            `json:"negatives"`
	AUC         Figure           `json:"auc"`
	AP          Figure           `json:"ap"`
	Thresholds  []Figure         `json:"thresholds"`
	TPR         []Figure         `json:"tpr"`
	FPR         []Figure         `json:"fpr"`
	Precision   []Figure         `json:"precision"`
	Cuts        []Figure         `json:"cuts"`
	TP          []int64          `json:"tp"`
	FP          []int64          `json:"fp"`
	Reliability []ReliabilityBin `json:"reliability"`
	ECE         Figure           `json:"ece"`
	MCE         Figure           `json:"mce"`
	Brier       BrierSplit       `json:"brier"`
	Bins        []ScoreBin       `json:"bins"` // of the score by what happened
}

// ReliabilityBin is a bin of the reliability diagram. Lo and Hi bound what happened, by Wilson.
type ReliabilityBin struct {
	Predicted Figure `json:"predicted"`
	Observed  Figure `json:"observed"`
	Lo        Figure `json:"lo"`
	Hi        Figure `json:"hi"`
	Rows      int64  `json:"rows"`
}

// BrierSplit parts the Brier score: reliability is better when small, resolution when great.
type BrierSplit struct {
	Brier       Figure `json:"brier"`
	Reliability Figure `json:"reliability"`
	Resolution  Figure `json:"resolution"`
	Uncertainty Figure `json:"uncertainty"`
}

// ScoreBin counts rows of a range of the score.
type ScoreBin struct {
	From      Figure `json:"from"`
	To        Figure `json:"to"`
	Positives int64  `json:"positives"`
	Negatives int64  `json:"negatives"`
}

// RegressionPerformance is what a predicted number does. Points are rows at equal distances in time.
type RegressionPerformance struct {
	Bias      Figure           `json:"bias"`
	MaxError  Figure           `json:"maxError"`
	Predicted []Figure         `json:"predicted"`
	Actual    []Figure         `json:"actual"`
	Bins      []ReliabilityBin `json:"bins"` // by predicted value: mean predicted, mean happened with its interval
	Residuals []ResidualBin    `json:"residuals"`
}

// ResidualBin counts rows of a range of what happened less what was predicted.
type ResidualBin struct {
	From Figure `json:"from"`
	To   Figure `json:"to"`
	Rows int64  `json:"rows"`
}

// Sizes of what a page is sent.
const (
	curvePoints    = 300
	cutSteps       = 200
	scoreBins      = 40
	reliabilityN   = 15
	scatterPoints  = 800
	residualBins   = 40
	regressionBins = 20
)

// BinaryOf computes what a probability does from scores in [0, 1] and labels that are 0 or 1. Nil when a score is not
// a probability.
func BinaryOf(label, score []float64) *BinaryPerformance {
	y := make([]bool, len(label))
	for i, v := range label {
		y[i] = v == 1
		if !(score[i] >= 0 && score[i] <= 1) {
			return nil
		}
	}
	curve := stat.NewScoreCurve(y, score, nil)
	if curve.Points == nil {
		return nil
	}
	out := &BinaryPerformance{Positives: int64(curve.Positives), Negatives: int64(curve.Negatives), AUC: Figure(stat.AUC(y, score, nil)), AP: Figure(stat.AveragePrecision(y, score, nil))}
	for _, p := range curve.Thin(curvePoints) {
		out.Thresholds = append(out.Thresholds, Figure(p.Threshold))
		out.TPR, out.FPR, out.Precision = append(out.TPR, Figure(p.TPR)), append(out.FPR, Figure(p.FPR)), append(out.Precision, Figure(p.Precision))
	}
	for k := range cutSteps + 1 {
		at := float64(k) / cutSteps
		c := curve.At(at)
		out.Cuts = append(out.Cuts, Figure(at))
		out.TP, out.FP = append(out.TP, int64(c.TruePositives())), append(out.FP, int64(c.FalsePositives()))
	}
	edges := stat.EqualMass(score, reliabilityN)
	if edges == nil {
		edges = stat.EqualWidth(reliabilityN)
	}
	bins := stat.NewReliability(edges)
	bins.AddAll(y, score, nil)
	out.Reliability = []ReliabilityBin{}
	for _, b := range bins.Curve(0) {
		out.Reliability = append(out.Reliability, ReliabilityBin{Predicted: Figure(b.Predicted), Observed: Figure(b.Observed), Lo: Figure(b.CI.Lo), Hi: Figure(b.CI.Hi), Rows: int64(b.Weight)})
	}
	tens := stat.NewReliability(nil) // the usual ten bins of equal width
	tens.AddAll(y, score, nil)
	parts := tens.Brier()
	out.ECE, out.MCE = Figure(tens.ECE()), Figure(tens.MCE())
	out.Brier = BrierSplit{Figure(parts.Brier), Figure(parts.Reliability), Figure(parts.Resolution), Figure(parts.Uncertainty)}
	out.Bins = make([]ScoreBin, scoreBins)
	for k := range out.Bins {
		out.Bins[k].From, out.Bins[k].To = Figure(float64(k)/scoreBins), Figure(float64(k+1)/scoreBins)
	}
	for i, p := range score {
		b := &out.Bins[min(int(p*scoreBins), scoreBins-1)]
		if y[i] {
			b.Positives++
		} else {
			b.Negatives++
		}
	}
	return out
}

// RegressionOf computes what a predicted number does. Nil without rows.
func RegressionOf(label, score []float64) *RegressionPerformance {
	if len(label) == 0 {
		return nil
	}
	var e stat.Errors
	e.AddAll(label, score, nil)
	out := &RegressionPerformance{Bias: Figure(e.Bias()), MaxError: Figure(e.MaxError()), Predicted: []Figure{}, Actual: []Figure{}, Bins: []ReliabilityBin{}, Residuals: []ResidualBin{}}
	stride := max(1, (len(label)+scatterPoints-1)/scatterPoints)
	for i := 0; i < len(label); i += stride {
		out.Predicted, out.Actual = append(out.Predicted, Figure(score[i])), append(out.Actual, Figure(label[i]))
	}
	order := make([]int, len(label))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return a - b
	})
	parts := min(regressionBins, len(order))
	for k := range parts {
		rows := order[k*len(order)/parts : (k+1)*len(order)/parts]
		var p, y stat.Mean
		for _, i := range rows {
			p.Add(score[i], 1)
			y.Add(label[i], 1)
		}
		ci := stat.NormalInterval(y.Mean(), y.SE(), 0)
		out.Bins = append(out.Bins, ReliabilityBin{Predicted: Figure(p.Mean()), Observed: Figure(y.Mean()), Lo: Figure(ci.Lo), Hi: Figure(ci.Hi), Rows: int64(len(rows))})
	}
	out.Residuals = residualsOf(label, score)
	return out
}

// residualsOf counts what happened less what was predicted in bins of equal width over the middle 99 % of it; the first
// and the last bin hold what lies beyond.
func residualsOf(label, score []float64) []ResidualBin {
	rest := make([]float64, len(label))
	for i := range rest {
		rest[i] = label[i] - score[i]
	}
	sorted := slices.Clone(rest)
	slices.Sort(sorted)
	n := len(sorted)
	lo, hi := sorted[n/200], sorted[n-1-n/200]
	if lo == hi {
		return []ResidualBin{{From: Figure(lo), To: Figure(hi), Rows: int64(n)}}
	}
	out := make([]ResidualBin, residualBins)
	width := (hi - lo) / residualBins
	for k := range out {
		out[k].From, out[k].To = Figure(lo+float64(k)*width), Figure(lo+float64(k+1)*width)
	}
	for _, v := range rest {
		k := int(math.Floor((v - lo) / width))
		out[min(max(k, 0), residualBins-1)].Rows++
	}
	return out
}
