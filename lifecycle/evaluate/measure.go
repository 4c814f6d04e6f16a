package evaluate

import (
	"math"

	"github.com/trimtab/trimtab/pure/stat"
)

// Measure is a metric of a sample. Bounds are NaN where the metric has none. Other, Diff and its bounds are of the
// version that it is compared with, NaN without one; Diff is by how much the first is better.
type Measure struct {
	Metric               string
	Value, Lo, Hi        float64
	Other                float64
	Diff, DiffLo, DiffHi float64
}

// slow are the metrics whose difference is known by drawing rows again many times, which nobody waits for here.
var slow = map[string]bool{"ece": true, "calibration_slope": true, "calibration_intercept": true}

// Measures computes the metrics of the sample's task. The rows of a day depend on each other, so intervals are by days:
// of means from their blocks, of the AUC by DeLong's placements summed over blocks, of the line of calibration by the
// sandwich, of the calibration error by the bootstrap. level is that of the intervals, 0 means 0.95.
func (x *Sample) Measures(level float64) []Measure {
	names := []string{"auc", "log_loss", "brier", "accuracy", "ece", "calibration_slope", "calibration_intercept"}
	if x.Task == Regression {
		names = []string{"rmse", "mae", "r2"}
	}
	var out []Measure
	for _, name := range names {
		if x.Rows.Len() == 0 {
			break
		}
		nan := math.NaN()
		m := metrics[name]
		v := Measure{Metric: name, Value: m.value(x.Rows, x.Rows.Challenger), Lo: nan, Hi: nan, Other: nan, Diff: nan, DiffLo: nan, DiffHi: nan}
		ci := x.interval(name, v.Value, level)
		v.Lo, v.Hi = ci.Lo, ci.Hi
		if x.Rows.Champion != nil {
			p := paired{challenger: v.Value, champion: m.value(x.Rows, x.Rows.Champion), diff: nan, se: nan, df: nan, by: m}
			if !slow[name] {
				m.compare(x.Rows, &p, 1)
			}
			v.Other, v.Diff = p.champion, p.gain()
			if p.known() {
				d := p.interval(level)
				v.Diff, v.DiffLo, v.DiffHi = p.diff, d.Lo, d.Hi
			}
		}
		out = append(out, v)
	}
	return out
}

// interval bounds a metric, with NaN for those whose error is not known.
func (x *Sample) interval(name string, value, level float64) stat.Interval {
	r := x.Rows
	switch name {
	case "auc":
		block, _ := r.blocks()
		d := stat.PairedDeLongBlocks(r.outcomes(), r.Challenger, r.Challenger, block)
		ci := around(value, math.Sqrt(d.Covariance[0][0]), d.DF, level)
		return stat.Interval{Lo: max(ci.Lo, 0), Hi: min(ci.Hi, 1)} // NaN stays
	case "log_loss":
		return x.byDay(value, level, func(y, p float64) float64 {
			if y != 1 {
				p = 1 - p
			}
			return -math.Log(min(max(p, 0x1p-52), 1-0x1p-52))
		})
	case "brier":
		return x.byDay(value, level, squaredError)
	case "accuracy":
		return x.byDay(value, level, hit)
	case "mae":
		return x.byDay(value, level, absoluteError)
	case "ece":
		block, n := r.blocks()
		g := gapsOf(r, r.Challenger, block, n)
		se, df := bootstrapped(1, n, g.error)
		ci := around(value, se, df, level)
		ci.Lo = max(ci.Lo, 0) // NaN stays
		return ci
	case "calibration_slope", "calibration_intercept":
		block, _ := r.blocks()
		l := stat.FitCalibrationLine(r.outcomes(), r.Challenger, nil, block)
		if name == "calibration_slope" {
			return around(value, l.SlopeSE, l.DF, level)
		}
		return around(value, l.LargeSE, l.DF, level)
	case "rmse":
		// The root of the bounds of the squared error.
		ci := x.byDay(value*value, level, squaredError)
		return stat.Interval{Lo: math.Sqrt(max(ci.Lo, 0)), Hi: math.Sqrt(max(ci.Hi, 0))}
	}
	return stat.Interval{Lo: math.NaN(), Hi: math.NaN()}
}

// around bounds a value whose error is known, with NaN where one block alone tells nothing of it.
func around(value, se, df, level float64) stat.Interval {
	if !(df > 0) || math.IsNaN(se) || math.IsInf(se, 0) {
		return stat.Interval{Lo: math.NaN(), Hi: math.NaN()}
	}
	return stat.TInterval(value, se, df, level)
}

func (x *Sample) byDay(value, level float64, loss func(y, p float64) float64) stat.Interval {
	block, n := x.Rows.blocks()
	sums := make([]stat.Block, n)
	for i, y := range x.Rows.Label {
		sums[block[i]].Add(loss(y, x.Rows.Challenger[i]))
	}
	_, se, df := stat.BlockMean(sums)
	return around(value, se, df, level)
}
