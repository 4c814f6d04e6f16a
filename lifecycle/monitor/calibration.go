package monitor

import (
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Names of what is said of calibration. Slope and intercept are those of the line
// log-odds of what happened = intercept + slope times those that were predicted; in
// the large it is the intercept with the slope held at 1.
const (
	calibrationError     = "ece"
	calibrationSlope     = "calibration_slope"
	calibrationIntercept = "calibration_intercept"
	calibrationLarge     = "calibration_in_the_large"
	brierReliability     = "brier_reliability"
	brierResolution      = "brier_resolution"
	brierUncertainty     = "brier_uncertainty"
)

const calibrationBins = 10

// calibration says whether probabilities mean what they say. Errors go by days when
// there are enough of them: rows of one day resemble each other.
func calibration(y []bool, p []float64, days []int, level float64) (out []trimtab.Quality) {
	for _, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil
		}
	}
	distinct := map[int]bool{}
	for _, d := range days {
		distinct[d] = true
	}
	if len(distinct) < 2*leastBlocks {
		days = nil
	}
	bins := stat.NewReliability(stat.EqualMass(p, calibrationBins))
	bins.AddAll(y, p, nil)
	line := stat.FitCalibrationLine(y, p, nil, days)
	parts := bins.Brier()
	var missing note
	add := func(name string, value, se float64, ci stat.Interval) {
		if finite(value) {
			quality(name, value, se, ci, "", &out, &missing)
		}
	}
	none := stat.Interval{Lo: math.NaN(), Hi: math.NaN()}
	add(calibrationError, bins.ECE(), math.NaN(), none)
	add(calibrationSlope, line.Slope, line.SlopeSE, stat.TInterval(line.Slope, line.SlopeSE, line.DF, level))
	add(calibrationIntercept, line.Intercept, line.InterceptSE, stat.TInterval(line.Intercept, line.InterceptSE, line.DF, level))
	add(calibrationLarge, line.Large, line.LargeSE, stat.TInterval(line.Large, line.LargeSE, line.DF, level))
	add(brierReliability, parts.Reliability, math.NaN(), none)
	add(brierResolution, parts.Resolution, math.NaN(), none)
	add(brierUncertainty, parts.Uncertainty, math.NaN(), none)
	return out
}
