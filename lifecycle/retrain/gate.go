package retrain

import (
	"fmt"

	"github.com/trimtab/trimtab"
)

// Gated is what the built-in gate found.
type Gated struct {
	Passed       bool
	Gain, StdErr float64 // mean loss that the challenger saves per row
	Rows, Blocks int
	Sentence     string
}

// gateBlocks is the least number of blocks of a gate: a window of fewer days is cut into so many equal spans.
const gateBlocks = 8

// Gate compares a challenger with what is served on a window that it has not learnt from: it passes when it wins by one
// standard error. Without enough rows to know the error it does not pass.
func Gate(task Task, window *Rows, served, challenger []float64) Gated {
	w := *window
	blocks := Pair(task, &w, served, challenger)
	if len(blocks) < 6 && w.Block == nil && w.End > w.Start {
		w.Block = make([]uint64, w.Len())
		keys := map[trimtab.Time]bool{}
		for i, t := range w.Time {
			k := (t - w.Start) * gateBlocks / (w.End - w.Start)
			w.Block[i] = uint64(k)
			keys[k] = true
		}
		if len(keys) > len(blocks) {
			blocks = Pair(task, &w, served, challenger)
		}
	}
	s := spanOf(blocks, 1)
	g := Gated{Gain: s.mean, StdErr: s.stderr, Rows: int(s.rows), Blocks: len(blocks)}
	switch {
	case s.rows == 0:
		g.Sentence = "no labelled rows to compare on"
	case s.df == 0:
		g.Sentence = "all rows are of one block: too little to compare on"
	case s.mean > 0 && s.mean >= standard.gate*s.stderr:
		g.Passed = true
		g.Sentence = fmt.Sprintf("the challenger saves %s ± %s of loss per row on %d rows that it has not seen", number(s.mean), number(s.stderr), g.Rows)
	default:
		g.Sentence = fmt.Sprintf("the challenger saves %s ± %s of loss per row on %d rows that it has not seen: not one standard error", signed(s.mean), number(s.stderr), g.Rows)
	}
	return g
}
