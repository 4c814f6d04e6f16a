package retrain

import (
	"cmp"
	"math"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// Cure is one thing that could replace what is served.
type Cure struct {
	Action  trimtab.Action
	Version trimtab.Version // of promoteOlder
}

// Name is the key of the cure in a PolicyState: "recalibrate", "retrain", "version 3".
func (c Cure) Name() string {
	if c.Action == trimtab.DoPromoteOlder {
		return "version " + versionText(c.Version)
	}
	return string(c.Action)
}

// Measured is what one cure would have saved in one window, in pairs with what was served.
type Measured struct {
	Cure
	Blocks []trimtab.GainBlock // of loss saved, by block, in order of the block's key; empty when it was not measured
	Fitted int                 // rows that the cure was fitted on
	Why    string              // why it was not measured
	// Calibrator is that of a recalibration, as it would be applied.
	Calibrator Calibrator
}

// Evidence is what one mature window says.
type Evidence struct {
	Start, End trimtab.Time
	Task       Task
	Served     trimtab.Version
	Trained    trimtab.Time // up to when the served version has learnt, 0 when nobody knows
	Rows       int          // clean and labelled
	Held       int          // under a fault
	Positives  int          // among the clean, of a binary task
	Loss       float64      // mean over the clean rows of what is served now; NaN without rows
	Measured   []Measured
	// Learnable are the clean rows since the served version was trained, this window included, that a training would
	// take; of a binary task also how many of them are positive.
	Learnable, LearnablePositives int
}

// Question is what Measure is asked.
type Question struct {
	Task Task
	// Served is the version that is served now; its scores must be in Versions, or it is 0 and Score is meant.
	Served trimtab.Version
	// Trained is the moment up to which the served version has learnt: earlier rows flatter it and fit nothing.
	Trained trimtab.Time
	// Older are the versions that could be promoted instead.
	Older []trimtab.Version
	// Takes is what a training would take: the zero value is everything.
	Takes Takes
	// Probe and Recalibrate say whether these cures are wanted.
	Probe, Recalibrate bool
	// Memo, when it is given, remembers probes between questions about the same records: the served version is then
	// told apart by Trained and Calibrator.
	Memo       *Memo
	Calibrator Calibrator
}

// Memo remembers what probes have measured, for simulations of several policies over the same records. It is not safe
// for concurrent use.
type Memo struct{ probes map[memoKey]Measured }

type memoKey struct {
	window, trained trimtab.Time
	calibrator      Calibrator
}

// Measure compares what is served with every cure on the newest mature window, row by row on the same rows. Cures that
// must be fitted are fitted on the clean rows of earlier windows since the served version was trained, so that no row
// witnesses for a cure that has learnt from it. Earlier windows come oldest first; labels that were not known at the
// border must not be in any of them.
func Measure(q Question, window *Rows, earlier []*Rows) (e Evidence, err error) {
	defer trimtab.Wrap(&err, "retrain.Measure(%s)", window.Start)
	if err := q.Task.Validate(); err != nil {
		return e, err
	}
	for _, w := range append(slices.Clip(earlier), window) {
		if err := w.Check(q.Task); err != nil {
			return e, err
		}
	}
	e = Evidence{Start: window.Start, End: window.End, Task: q.Task, Served: q.Served, Trained: q.Trained, Loss: math.NaN()}
	served := window.score(q.Served)
	if served == nil {
		return e, trimtab.Errorf(trimtab.Invalid, "window "+window.Start.String(),
			"window %s has no scores of version %d, which is served: every retained version is to be scored on every mature window", window.Start, q.Served)
	}
	var sum stat.Sum
	for i, y := range window.Label {
		switch {
		case window.held(i):
			e.Held++
			continue
		case math.IsNaN(served[i]):
			continue
		}
		e.Rows++
		if y == 1 && q.Task == Binary {
			e.Positives++
		}
		sum.Add(q.Task.Loss(y, served[i]))
	}
	if e.Rows > 0 {
		e.Loss = sum.Value() / float64(e.Rows)
	}
	e.learnable(q, append(slices.Clip(earlier), window))
	if q.Recalibrate {
		e.Measured = append(e.Measured, measureRecalibration(q, window, earlier, served))
	}
	if q.Probe {
		key := memoKey{window.Start, q.Trained, q.Calibrator}
		m, ok := Measured{}, false
		if q.Memo != nil {
			m, ok = q.Memo.probes[key]
		}
		if !ok {
			m = measureProbe(q, window, earlier, served)
		}
		if q.Memo != nil && !ok {
			if q.Memo.probes == nil {
				q.Memo.probes = map[memoKey]Measured{}
			}
			q.Memo.probes[key] = m
		}
		e.Measured = append(e.Measured, m)
	}
	older := slices.Clone(q.Older)
	slices.Sort(older)
	for _, v := range slices.Compact(older) {
		if v == q.Served {
			continue
		}
		m := Measured{Cure: Cure{trimtab.DoPromoteOlder, v}}
		if scores := window.score(v); scores == nil {
			m.Why = "it has no scores in this window"
		} else {
			m.Blocks = Pair(q.Task, window, served, scores)
		}
		e.Measured = append(e.Measured, m)
	}
	return e, nil
}

// learnable counts what a training would take of windows that come oldest first.
func (e *Evidence) learnable(q Question, windows []*Rows) {
	from := max(q.Trained, q.Takes.From)
	for _, w := range slices.Backward(windows) {
		if w.End <= from {
			continue
		}
		for i := len(w.Label) - 1; i >= 0; i-- {
			if w.Time[i] < from || w.held(i) {
				continue
			}
			if q.Takes.Most > 0 && e.Learnable >= q.Takes.Most {
				return
			}
			e.Learnable++
			if w.Label[i] == 1 && q.Task == Binary {
				e.LearnablePositives++
			}
		}
	}
}

// calibrationMemory is the number of windows after which a row counts half in a recalibration: it answers to what has
// changed, and a longer memory answers too late.
const calibrationMemory = 2

func measureRecalibration(q Question, window *Rows, earlier []*Rows, served []float64) Measured {
	m := Measured{Cure: Cure{Action: trimtab.DoRecalibrate}, Calibrator: Identity}
	l := gather(q.Task, earlier, q.Served, q.Trained, probeMaxRows, calibrationMemory, false)
	m.Fitted = l.rows
	c, err := FitCalibrator(q.Task, l.label, l.score, l.weight)
	if err != nil {
		m.Why = trimtab.Message(err)
		return m
	}
	m.Calibrator = c
	scores := make([]float64, len(served))
	for i, p := range served {
		scores[i] = c.Score(q.Task, p)
	}
	m.Blocks = Pair(q.Task, window, served, scores)
	return m
}

func measureProbe(q Question, window *Rows, earlier []*Rows, served []float64) Measured {
	m := Measured{Cure: Cure{Action: trimtab.DoRetrain}}
	if len(window.Features) == 0 {
		m.Why = "the log holds no inputs: a retrain cannot be estimated"
		return m
	}
	most := probeMaxRows
	if q.Takes.Most > 0 {
		most = min(most, q.Takes.Most)
	}
	l := gather(q.Task, earlier, q.Served, max(q.Trained, q.Takes.From), most, 0, true)
	m.Fitted = l.rows
	if l.rows < probeMinRows || len(l.features) == 0 {
		m.Why = "too few rows since the training to estimate a retrain"
		return m
	}
	model, err := fitProbe(q.Task, l)
	if err != nil {
		m.Why = err.Error()
		return m
	}
	probe := probeScores(q.Task, model, l, window, served)
	m.Blocks = Pair(q.Task, window, served, probe)
	share := q.Takes.forgets(q.Trained, window.Start, rateSince(earlier, q.Trained), l.rows)
	if share == 0 {
		return m
	}
	lost, err := fewer(q.Task, l, window)
	if err != nil {
		m.Blocks, m.Why = nil, err.Error()
		return m
	}
	m.Blocks = pair(window, func(i int, y float64) float64 {
		return q.Task.Loss(y, served[i]) - q.Task.Loss(y, probe[i]) - share*lost[i]
	})
	return m
}

// rateSince is the clean rows per unit of time of the windows after a moment.
func rateSince(windows []*Rows, from trimtab.Time) float64 {
	rows, span := 0, trimtab.Time(0)
	for _, w := range windows {
		if w.End > from {
			rows, span = rows+w.Clean(), span+w.End-max(w.Start, from)
		}
	}
	return float64(rows) / float64(max(span, 1))
}

// Pair returns the loss that scores b save against scores a on the clean rows of w, by block.
func Pair(task Task, w *Rows, a, b []float64) []trimtab.GainBlock {
	return pair(w, func(i int, y float64) float64 { return task.Loss(y, a[i]) - task.Loss(y, b[i]) })
}

// pair sums a gain over the clean rows of w by block; a row whose gain is no number does not count.
func pair(w *Rows, gain func(i int, y float64) float64) []trimtab.GainBlock {
	at := map[int64]int{}
	var blocks []trimtab.GainBlock
	for i, y := range w.Label {
		if w.held(i) {
			continue
		}
		d := gain(i, y)
		if math.IsNaN(d) {
			continue
		}
		k := w.key(i)
		j, ok := at[k]
		if !ok {
			j = len(blocks)
			at[k] = j
			blocks = append(blocks, trimtab.GainBlock{Key: k})
		}
		blocks[j].N++
		blocks[j].Sum += d
		blocks[j].Sum2 += d * d
	}
	slices.SortFunc(blocks, func(a, b trimtab.GainBlock) int { return cmp.Compare(a.Key, b.Key) })
	return blocks
}
