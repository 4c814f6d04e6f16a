package evaluate

import (
	"math"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Task is what the model predicts.
type Task string

const (
	Binary     Task = "binary"     // a probability
	Regression Task = "regression" // a number
)

// Rows are labelled rows with the score that each version gives them, one entry of every slice a row.
type Rows struct {
	Start, End trimtab.Time // the span of event time that they come from, half open
	Time       []trimtab.Time
	Label      []float64 // binary: 0 or 1
	Challenger []float64 // NaN: the version refused the row
	Champion   []float64 // nil: there is nothing to compare with
	// Slices are the columns that slices go by.
	Slices map[string]*table.Column
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.Label) }

// scored returns the rows that both versions have scored, and how many the challenger refused of those that the champion answered.
func (r *Rows) scored() (out *Rows, refused int64) {
	var keep []int
	for i, c := range r.Challenger {
		other := r.Champion == nil || !math.IsNaN(r.Champion[i])
		switch {
		case other && !math.IsNaN(c):
			keep = append(keep, i)
		case other:
			refused++
		}
	}
	if len(keep) == r.Len() {
		return r, refused
	}
	return r.take(keep), refused
}

// take returns some of the rows, in the order given.
func (r *Rows) take(keep []int) *Rows {
	out := &Rows{Start: r.Start, End: r.End, Time: pick(r.Time, keep), Label: pick(r.Label, keep), Challenger: pick(r.Challenger, keep)}
	if r.Champion != nil {
		out.Champion = pick(r.Champion, keep)
	}
	for name, c := range r.Slices {
		if out.Slices == nil {
			out.Slices = map[string]*table.Column{}
		}
		out.Slices[name] = c.Take(keep)
	}
	return out
}

func pick[T any](s []T, rows []int) []T {
	out := make([]T, len(rows))
	for k, i := range rows {
		out[k] = s[i]
	}
	return out
}

// outcomes are the labels of a binary task.
func (r *Rows) outcomes() []bool {
	out := make([]bool, len(r.Label))
	for i, y := range r.Label {
		out[i] = y == 1
	}
	return out
}

func (r *Rows) positives() (n int64) {
	for _, y := range r.Label {
		if y == 1 {
			n++
		}
	}
	return n
}

const day = trimtab.Time(24 * time.Hour / time.Millisecond)

// Rows of one UTC day are a block. Fewer than minDays of them are cut into so many equal spans instead, so that a
// window of an hour can be judged too.
const (
	minDays = 6
	spans   = 8
)

// blocks numbers the block of each row in the order of first appearance.
func (r *Rows) blocks() (block []int, n int) {
	days, n := number(r.Time, func(t trimtab.Time) trimtab.Time { return floor(t, day) })
	if n >= minDays || r.End <= r.Start {
		return days, n
	}
	span := r.End - r.Start
	parts, m := number(r.Time, func(t trimtab.Time) trimtab.Time {
		return min(max((t-r.Start)*spans/span, 0), spans-1)
	})
	if m > n {
		return parts, m
	}
	return days, n
}

func floor(t, by trimtab.Time) trimtab.Time {
	q := t / by
	if t < 0 && t%by != 0 {
		q--
	}
	return q
}

func number(times []trimtab.Time, key func(trimtab.Time) trimtab.Time) (block []int, n int) {
	seen := map[trimtab.Time]int{}
	block = make([]int, len(times))
	for i, t := range times {
		k := key(t)
		b, ok := seen[k]
		if !ok {
			b = len(seen)
			seen[k] = b
		}
		block[i] = b
	}
	return block, len(seen)
}
