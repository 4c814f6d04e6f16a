package traffic

import (
	"bytes"
	"slices"

	"github.com/trimtab/trimtab"
)

// joinRows is the number of labels that are looked up while the log of labels is held.
const joinRows = 4096

// join gives the rows the labels that count at knownBy.
func (l *Log) join(r *Rows, knownBy trimtab.Time) error {
	n := r.Len()
	r.Label, r.LabelKnownAt, r.HasLabel = make([]float64, n), make([]trimtab.Time, n), make([]bool, n)
	keys, order := make([]key, n), make([]int, n)
	for i, id := range r.IDs {
		r.Label[i] = nan
		keys[i], order[i] = keyOf([]byte(id)), i
	}
	// In the order of the keys, so that a block of an index is read once, not once a row.
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a][:], keys[b][:]) })
	for len(order) > 0 {
		part := order[:min(joinRows, len(order))]
		order = order[len(part):]
		if err := l.joinPart(r, keys, part, knownBy); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) joinPart(r *Rows, keys []key, part []int, knownBy trimtab.Time) error {
	t := l.labels
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range part {
		lab, ok, err := t.label(keys[i], knownBy)
		if err != nil {
			return err
		}
		if ok && !lab.null {
			r.Label[i], r.LabelKnownAt[i], r.HasLabel[i] = lab.value, lab.at, true
		}
	}
	return nil
}
