package monitor

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/storage/traffic"
)

// measured is one prediction with a label, under the digest of its id: the order
// in which rows are summed, so that the order in which they came changes no bit.
type measured struct {
	key   [16]byte
	score float64
	label float64
	day   int
}

// tally gathers the rows of one window.
type tally struct {
	result   trimtab.WindowResult
	rows     []measured
	versions map[trimtab.Version]int64 // rows that each answered
}

func newTally(monitor, endpoint string, start, end, through trimtab.Time) *tally {
	return &tally{versions: map[trimtab.Version]int64{},
		result: trimtab.WindowResult{Monitor: monitor, Endpoint: endpoint, Start: start, End: end, Through: through}}
}

// add counts a row; one that is kept out is in no figure but the counts.
func (t *tally) add(j traffic.Joined, out outcome) {
	t.result.Rows++
	t.versions[j.Version]++
	if j.Late {
		t.result.Late++
	}
	switch out {
	case held:
		t.result.Held++
		return
	case quarantined:
		t.result.Quarantined++
		return
	}
	if !j.HasLabel {
		return
	}
	t.result.Labelled++
	sum := sha256.Sum256([]byte(j.ID))
	t.rows = append(t.rows, measured{key: [16]byte(sum[:16]), score: j.Score, label: j.Label, day: int(dayOf(j.EventTime))})
}

// counted is the result without any metric.
func (t *tally) counted() trimtab.WindowResult {
	r := t.result
	for v := range t.versions {
		r.Versions = append(r.Versions, v)
	}
	slices.Sort(r.Versions)
	return r
}

// look is the result before labels have matured.
func (t *tally) look(matures trimtab.Time) trimtab.WindowResult {
	r := t.counted()
	r.Phase = trimtab.WindowEstimated
	if r.Reason = "labels mature at " + matures.String(); r.Rows == 0 {
		r.Reason = nothing
	}
	return r
}

const nothing = "no predictions in the window"

// close computes the metrics. It is a function of the rows alone, as a set.
func (t *tally) close(spec trimtab.PerformanceSpec) trimtab.WindowResult {
	r := t.counted()
	slices.SortFunc(t.rows, func(a, b measured) int { return bytes.Compare(a.key[:], b.key[:]) })
	least := max(spec.MinRows, 1)
	switch {
	case r.Rows == 0:
		r.Reason = nothing
	case r.Rows == r.Held+r.Quarantined:
		r.Reason = "all rows are held or quarantined"
	case r.Labelled == 0:
		r.Reason = "no labels known by " + r.Through.String()
	case r.Labelled < least:
		r.Reason = fmt.Sprintf("%d labelled predictions, at least %d are needed", r.Labelled, least)
	}
	if spec.Task == "regression" {
		return t.regression(r, spec)
	}
	for _, x := range t.rows {
		if x.label == 1 {
			r.Positives++
		}
	}
	if r.Reason != "" {
		return r
	}
	return t.binary(r, spec)
}

// note collects why metrics are missing.
type note []string

func (n *note) add(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

func (n note) String() string { return strings.Join(n, "; ") }

// quality makes a metric, or a note when it is not defined.
func quality(name string, value, se float64, ci stat.Interval, why string, into *[]trimtab.Quality, missing *note) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		missing.add("%s: %s", name, why)
		return
	}
	q := trimtab.Quality{Metric: name, Value: value}
	if finite(ci.Lo) && finite(ci.Hi) {
		q.HasInterval, q.Lo, q.Hi = true, ci.Lo, ci.Hi
	}
	if finite(se) {
		q.StdErr = se
	}
	*into = append(*into, q)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (t *tally) binary(r trimtab.WindowResult, spec trimtab.PerformanceSpec) trimtab.WindowResult {
	n := len(t.rows)
	y, score, days := make([]bool, n), make([]float64, n), make([]int, n)
	var losses stat.Losses
	var confusion stat.Confusion
	odd, lost := 0, 0
	for i, x := range t.rows {
		if x.label != 0 && x.label != 1 {
			odd++
		}
		if math.IsNaN(x.score) {
			lost++
		}
		y[i], score[i], days[i] = x.label == 1, x.score, x.day
		losses.Add(y[i], x.score, 1)
		confusion.Add(y[i], x.score > 0.5, 1)
	}
	switch {
	case odd > 0:
		r.Reason = fmt.Sprintf("%d labels are neither 0 nor 1, which task binary needs", odd)
		return r
	case lost > 0:
		r.Reason = fmt.Sprintf("%d labelled predictions are missing (NaN)", lost)
		return r
	}
	var missing note
	oneClass := fmt.Sprintf("all %d labels are of one class", n)
	outside := "the scores are no probabilities between 0 and 1"
	for _, m := range metricsOf(spec) {
		switch m {
		case "auc":
			auc, variance := stat.DeLong(y, score)
			_, ci := stat.AUCInterval(y, score, stat.AUCOptions{Level: spec.Confidence})
			quality(m, auc, math.Sqrt(variance), ci, oneClass, &r.Quality, &missing)
		case "log_loss":
			quality(m, losses.LogLoss(), losses.LogLossSE(), floor(stat.NormalInterval(losses.LogLoss(), losses.LogLossSE(), spec.Confidence)), outside, &r.Quality, &missing)
		case "brier":
			quality(m, losses.Brier(), losses.BrierSE(), floor(stat.NormalInterval(losses.Brier(), losses.BrierSE(), spec.Confidence)), outside, &r.Quality, &missing)
		case "accuracy":
			p := confusion.Accuracy()
			right := confusion.TruePositives() + confusion.TrueNegatives()
			quality(m, p, math.Sqrt(p*(1-p)/float64(n)), stat.Wilson(right, float64(n), spec.Confidence), "no rows", &r.Quality, &missing)
		default:
			missing.add("%s: no metric of task binary", m)
		}
	}
	r.Calibration = calibration(y, score, days, spec.Confidence)
	r.Reason = missing.String()
	return r
}

func (t *tally) regression(r trimtab.WindowResult, spec trimtab.PerformanceSpec) trimtab.WindowResult {
	if r.Reason != "" {
		return r
	}
	var errs stat.Errors
	for _, x := range t.rows {
		errs.Add(x.label, x.score, 1)
	}
	var missing note
	none := stat.Interval{Lo: math.NaN(), Hi: math.NaN()}
	for _, m := range metricsOf(spec) {
		switch m {
		case "rmse":
			// The standard error by the delta method from that of the mean squared error.
			v := errs.RMSE()
			se := errs.MSESE() / (2 * v)
			quality(m, v, se, floor(stat.NormalInterval(v, se, spec.Confidence)), "a prediction is missing (NaN)", &r.Quality, &missing)
		case "mae":
			quality(m, errs.MAE(), errs.MAESE(), floor(stat.NormalInterval(errs.MAE(), errs.MAESE(), spec.Confidence)), "a prediction is missing (NaN)", &r.Quality, &missing)
		case "r2":
			quality(m, errs.R2(), math.NaN(), none, "the labels do not vary", &r.Quality, &missing)
		default:
			missing.add("%s: no metric of task regression", m)
		}
	}
	r.Reason = missing.String()
	return r
}

// floor cuts the interval of a loss at 0.
func floor(ci stat.Interval) stat.Interval {
	ci.Lo = max(ci.Lo, 0)
	return ci
}
