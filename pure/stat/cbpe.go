package stat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// CBPE estimates how good a binary classifier is on rows whose labels are not known yet, from its scores alone
// (confidence-based performance estimation, as NannyML made known): a score is turned into the probability that it had on
// reference rows, and the confusion matrix, AUC and average precision that these probabilities lead one to expect are
// computed. It holds as long as a score means what it meant on the reference, that is, under a change of inputs but not
// of concept; nothing in the scores can tell whether that is so.
//
// A fitted CBPE is plain numbers, does not change, and is safe for concurrent use.
type CBPE struct {
	// Threshold is the score from which on a row counts as predicted, where predictions are not given.
	Threshold float64 `json:"threshold"`
	// Calibrated says whether Calibrator is applied; scores that it does not improve are taken as they are.
	Calibrated bool       `json:"calibrated"`
	Calibrator Calibrator `json:"calibrator"`
	// Edges are the inner borders of bins of equal mass of the reference's scores, Counts its rows in them.
	Edges  []float64 `json:"edges"`
	Counts []int64   `json:"counts"`
	// Lo and Hi are the least and the greatest score of the reference.
	Lo float64 `json:"lo"`
	Hi float64 `json:"hi"`

	group []int     // of bins, by which the reference's error is counted
	rows  []float64 // of the reference in each group
}

// CBPEOptions steer FitCBPE. The zero value is right for probabilities with the threshold 1/2.
type CBPEOptions struct {
	Threshold float64 // 0 means 0.5
	// Calibrate is "auto" (or empty: when scores need it), "always" or "never".
	Calibrate string
}

// The number of bins: fine ones, so that scores in one bin are as good as tied, and groups, so that each has rows enough
// to have an error of its own.
const (
	cbpeBins   = 1024
	cbpeGroups = 64
)

// ErrCBPE is returned for reference rows, or stored numbers, that are none.
var ErrCBPE = errors.New("stat: CBPE")

// FitCBPE learns from reference rows what scores mean: an isotonic calibration on all of them, used when slope or level of
// the scores' CalibrationLine are off by 1.96 standard errors, or when it lowers the expected calibration error, in 10 bins
// of equal count, of rows that it was not fitted on, in turn each tenth of them. NannyML has the second rule alone, which
// leaves scores that are off as they are in a fifth of references of 500 rows; and it draws tenths at random, here they are
// drawn by score and always alike, so that equal rows in any order give equal results. As there, rows of a single class, or
// with an AUC above 0.999, are not calibrated.
//
// The error is ErrCBPE with the reason: fewer than 20 rows, a score that is NaN or outside of [0, 1], an unknown option.
func FitCBPE(y []bool, score []float64, opt CBPEOptions) (*CBPE, error) {
	mustMatch(len(y), len(score))
	if len(y) < 20 {
		return nil, fmt.Errorf("%w: %d reference rows, want at least 20", ErrCBPE, len(y))
	}
	c := &CBPE{Threshold: opt.Threshold, Lo: math.Inf(1), Hi: math.Inf(-1)}
	if c.Threshold == 0 {
		c.Threshold = 0.5
	}
	for i, s := range score {
		if !(s >= 0 && s <= 1) {
			return nil, fmt.Errorf("%w: score %v in reference row %d, want a probability", ErrCBPE, s, i)
		}
		c.Lo, c.Hi = min(c.Lo, s), max(c.Hi, s)
	}
	rows := sortRows(y, score)
	switch opt.Calibrate {
	case "", "auto":
		c.Calibrated = rows.improvedByIsotonic()
	case "always":
		c.Calibrated = true
	case "never":
	default:
		return nil, fmt.Errorf("%w: calibrate %q, want auto, always or never", ErrCBPE, opt.Calibrate)
	}
	x, v, ok := isotonicSorted(rows.x, rows.y, nil)
	if !ok {
		return nil, fmt.Errorf("%w: no calibration for %d rows", ErrCBPE, len(y))
	}
	c.Calibrator = Calibrator{Kind: Isotonic, X: x, Y: v}
	for i := 1; i < cbpeBins; i++ {
		if e := percentile(rows.x, float64(i)/cbpeBins); len(c.Edges) == 0 || e > c.Edges[len(c.Edges)-1] {
			c.Edges = append(c.Edges, e)
		}
	}
	c.Counts = make([]int64, len(c.Edges)+1)
	for _, s := range rows.x {
		c.Counts[c.bin(s)]++
	}
	c.prepare()
	return c, nil
}

// sortedRows are rows by ascending score, y as 0 or 1.
type sortedRows struct{ x, y []float64 }

func sortRows(y []bool, score []float64) sortedRows {
	pairs := make([]scored, len(y))
	for i, s := range score {
		pairs[i] = scored{s, y[i]}
	}
	sortScored(pairs)
	r := sortedRows{make([]float64, len(y)), make([]float64, len(y))}
	for i, p := range pairs {
		r.x[i] = p.score
		if p.mark {
			r.y[i] = 1
		}
	}
	return r
}

// scored is a score with a mark: what happened, or what was predicted.
type scored struct {
	score float64
	mark  bool
}

// sortScored sorts by score, those with a mark after those without: equal rows in any order give the same result.
func sortScored(p []scored) {
	slices.SortFunc(p, func(a, b scored) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		case a.mark == b.mark:
			return 0
		case b.mark:
			return -1
		}
		return 1
	})
}

// improvedByIsotonic says whether the scores are plainly off, or isotonic calibration lowers the calibration error of rows
// that it has not seen. A proper score of such rows would not do: with few of them it prefers scores that are off to a
// calibration that is noisy, while sums, which are all that is wanted here, suffer from the former alone; the calibration
// error by itself does so too, if less.
func (r sortedRows) improvedByIsotonic() bool {
	const folds = 10
	y := make([]bool, len(r.y))
	positives := 0
	for i, v := range r.y {
		y[i] = v == 1
		if y[i] {
			positives++
		}
	}
	if positives == 0 || positives == len(y) || AUC(y, r.x, nil) > 0.999 {
		return false
	}
	line := FitCalibrationLine(y, r.x, nil, nil)
	if z := Z(0.95); math.Abs(line.Slope-1) > z*line.SlopeSE || math.Abs(line.Large) > z*line.LargeSE {
		return true
	}
	// Drawn, and blind to what happened: folds with their share of each class would let the rows fitted on tell of those
	// left out.
	fold := make([]int8, len(y))
	random := rand.New(rand.NewPCG(0, 0))
	for i := range fold {
		fold[i] = int8(random.IntN(folds))
	}
	calibrated := make([]float64, len(y))
	keep := make([]bool, len(y))
	for f := range int8(folds) {
		for i := range keep {
			keep[i] = fold[i] != f
		}
		xs, ys, ok := isotonicSorted(r.x, r.y, keep)
		if !ok {
			return false
		}
		for i, v := range r.x {
			if !keep[i] {
				calibrated[i] = interpolate(xs, ys, v)
			}
		}
	}
	return ECEByRank(y, r.x, 10) > ECEByRank(y, calibrated, 10)
}

// isotonicSorted is isotonic for rows that are sorted and of weight 1, those with keep false left out.
func isotonicSorted(x, y []float64, keep []bool) (xs, ys []float64, ok bool) {
	if keep == nil {
		return pool(len(x), func(i int) (float64, float64, float64) { return x[i], y[i], 1 })
	}
	kept := make([]int, 0, len(x))
	for i, k := range keep {
		if k {
			kept = append(kept, i)
		}
	}
	return pool(len(kept), func(i int) (float64, float64, float64) { return x[kept[i]], y[kept[i]], 1 })
}

// bin returns the bin of a score.
func (c *CBPE) bin(score float64) int {
	lo, hi := 0, len(c.Edges)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if c.Edges[mid] < score {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// prepare gathers neighbouring bins into groups of about equal count.
func (c *CBPE) prepare() {
	var all int64
	for _, n := range c.Counts {
		all += n
	}
	c.group = make([]int, len(c.Counts))
	c.rows = []float64{0}
	for i, n := range c.Counts {
		if last := len(c.rows) - 1; int64(c.rows[last])*cbpeGroups >= all && len(c.rows) < cbpeGroups {
			c.rows = append(c.rows, 0)
		}
		c.group[i] = len(c.rows) - 1
		c.rows[len(c.rows)-1] += float64(n)
	}
}

// ParseCBPE reads the JSON of a CBPE and checks it.
func ParseCBPE(b []byte) (*CBPE, error) {
	if len(b) > 64*maxCalibratorPoints {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrCBPE, len(b), 64*maxCalibratorPoints)
	}
	c := new(CBPE)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCBPE, err)
	}
	if err := c.Calibrator.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCBPE, err)
	}
	for i, v := range c.Calibrator.Y {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("%w: point %d of the calibrator is %v, want a probability", ErrCBPE, i, v)
		}
	}
	switch {
	case c.Calibrator.Kind == Linear:
		return nil, fmt.Errorf("%w: a calibrator of kind linear does not make probabilities", ErrCBPE)
	case len(c.Counts) != len(c.Edges)+1 || len(c.Edges) >= cbpeBins:
		return nil, fmt.Errorf("%w: %d counts for %d edges, want one more, and fewer than %d edges", ErrCBPE, len(c.Counts), len(c.Edges), cbpeBins)
	case !(c.Lo >= 0 && c.Lo <= c.Hi && c.Hi <= 1):
		return nil, fmt.Errorf("%w: reference scores from %v to %v, want a range of probabilities", ErrCBPE, c.Lo, c.Hi)
	}
	for i, e := range c.Edges {
		if !(e >= c.Lo && e <= c.Hi) || i > 0 && !(e > c.Edges[i-1]) {
			return nil, fmt.Errorf("%w: edge %d is %v, want it above the one before it and within the scores", ErrCBPE, i, e)
		}
	}
	var all int64
	for i, n := range c.Counts {
		if n < 0 || n > math.MaxInt64/cbpeGroups/cbpeBins {
			return nil, fmt.Errorf("%w: count %d is %d", ErrCBPE, i, n)
		}
		all += n
	}
	if all == 0 {
		return nil, fmt.Errorf("%w: no reference rows", ErrCBPE)
	}
	c.prepare()
	return c, nil
}

// Probability returns what a score says about the chance of a positive.
func (c *CBPE) Probability(score float64) float64 {
	if !c.Calibrated {
		return score
	}
	return c.Calibrator.Apply(score)
}

// Estimate estimates from rows at once, scores ordered exactly. predicted nil means score >= Threshold. level is that of
// the intervals, 0 means DefaultLevel. Rows whose score is NaN or outside of [0, 1] make all NaN.
func (c *CBPE) Estimate(score []float64, predicted []bool, level float64) CBPEEstimate {
	if predicted != nil {
		mustMatch(len(score), len(predicted))
	}
	rows := make([]scored, len(score))
	s := newCBPESums(c)
	for i, v := range score {
		rows[i] = scored{v, v >= c.Threshold}
		if predicted != nil {
			rows[i].mark = predicted[i]
		}
		if !(v >= 0 && v <= 1) {
			s.bad = true
		}
	}
	if s.bad {
		return s.estimate(c, nil, level)
	}
	sortScored(rows)
	cells := make([]cbpeCell, 0, min(len(rows), 1<<20))
	bin := 0
	for lo := 0; lo < len(rows); {
		v := rows[lo].score
		for bin < len(c.Edges) && c.Edges[bin] < v {
			bin++
		}
		cell := cbpeCell{group: c.group[bin]}
		p := c.Probability(v)
		for ; lo < len(rows) && rows[lo].score == v; lo++ {
			s.add(c, cell.group, v, p, rows[lo].mark)
			cell.add(p, rows[lo].mark)
		}
		cells = append(cells, cell)
	}
	return s.estimate(c, cells, level)
}

// CBPEWindow gathers rows for an estimate in memory that does not grow: scores within one of 1,024 bins of the
// reference's distribution count as tied, which moves AUC and average precision by less than their standard errors, and
// the other metrics not at all.
type CBPEWindow struct {
	of    *CBPE
	sums  cbpeSums
	cells []cbpeCell
}

// NewWindow returns an empty window.
func (c *CBPE) NewWindow() *CBPEWindow {
	w := &CBPEWindow{of: c, sums: newCBPESums(c), cells: make([]cbpeCell, len(c.Counts))}
	for i := range w.cells {
		w.cells[i].group = c.group[i]
	}
	return w
}

// Add adds a row: its score, and whether it was predicted.
func (w *CBPEWindow) Add(score float64, predicted bool) {
	if !(score >= 0 && score <= 1) {
		w.sums.bad = true
		return
	}
	p, bin := w.of.Probability(score), w.of.bin(score)
	w.sums.add(w.of, w.of.group[bin], score, p, predicted)
	w.cells[bin].add(p, predicted)
}

// Merge adds the rows of a window of the same CBPE; of another one it makes all NaN.
func (w *CBPEWindow) Merge(o *CBPEWindow) {
	if o.of != w.of && !(slices.Equal(o.of.Edges, w.of.Edges) && slices.Equal(o.of.Counts, w.of.Counts)) {
		w.sums.bad = true
		return
	}
	w.sums.merge(&o.sums)
	for i := range w.cells {
		w.cells[i].merge(&o.cells[i])
	}
}

// Estimate estimates from the rows so far.
func (w *CBPEWindow) Estimate(level float64) CBPEEstimate {
	return w.sums.estimate(w.of, w.cells, level)
}
