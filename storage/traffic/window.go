package traffic

import (
	"context"
	"iter"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Joined is one logged prediction with what is known of its label.
type Joined struct {
	ID        string
	EventTime trimtab.Time
	Version   trimtab.Version
	// Output is the answer: the first output. Score is what quality is measured
	// on: the output named "score", else the answer. NaN when the output is missing.
	Output float64
	Score  float64
	// Late says that the row came when the watermark had passed its event time.
	Late bool

	Label    float64
	HasLabel bool
}

// Window returns the predictions with start <= event time < end, joined with
// their labels, as they are known by the moment knownBy: predictions that came
// when the watermark stood at knownBy or later are left out, and so are labels
// whose known-at lies after knownBy or that came so late. knownBy 0 takes
// everything. The answer depends on the records alone, never on when it is asked
// or on what has been sealed. Rows come in the order in which they were logged;
// memory stays bounded. The last pair holds an error when reading failed.
func (l *Log) Window(ctx context.Context, start, end, knownBy trimtab.Time) iter.Seq2[Joined, error] {
	want := func(name string) bool {
		switch name {
		case ColumnID, ColumnEventTime, ColumnWatermark, ColumnVersion:
			return true
		}
		return strings.HasPrefix(name, OutputPrefix)
	}
	return func(yield func(Joined, error) bool) {
		for t, err := range l.span(ctx, start, end, want) {
			if err != nil {
				yield(Joined{}, err)
				return
			}
			ids, times, marks, versions := t.Column(ColumnID), t.Column(ColumnEventTime), t.Column(ColumnWatermark), t.Column(ColumnVersion)
			answer, score := outputsOf(t)
			for i := range t.Rows() {
				j := Joined{ID: ids.Strings[i], EventTime: timeAt(times, i), Version: trimtab.Version(versions.Int64s[i])}
				if j.EventTime < start || j.EventTime >= end {
					continue
				}
				mark := timeAt(marks, i)
				if knownBy != 0 && mark >= knownBy {
					continue
				}
				j.Late = j.EventTime < mark
				j.Output, j.Score = valueAt(answer, i), valueAt(score, i)
				lab, ok, err := l.label(keyOf([]byte(j.ID)), knownBy)
				if err != nil {
					yield(Joined{}, err)
					return
				}
				if ok && !lab.null {
					j.Label, j.HasLabel = lab.value, true
				}
				if !yield(j, nil) {
					return
				}
			}
		}
	}
}

// outputsOf finds the columns of the answer and of the score.
func outputsOf(t *table.Table) (answer, score *table.Column) {
	for _, c := range t.Columns {
		name, ok := strings.CutPrefix(c.Name, OutputPrefix)
		if !ok {
			continue
		}
		if answer == nil {
			answer = c
		}
		if name == ScoreOutput {
			score = c
		}
	}
	if score == nil {
		score = answer
	}
	return answer, score
}

func valueAt(c *table.Column, i int) float64 {
	if c == nil || c.Null(i) {
		return nan
	}
	return c.Float64s[i]
}

// label returns the label of k that counts at knownBy: the last known-at, of
// equal ones the last that came.
func (l *Log) label(k key, knownBy trimtab.Time) (best known, ok bool, err error) {
	t := l.labels
	t.mu.Lock()
	defer t.mu.Unlock()
	err = t.labelsOf(k, func(o known) bool {
		if knownBy != 0 && (o.at > knownBy || o.mark >= knownBy) {
			return true
		}
		if !ok || o.at > best.at {
			best, ok = o, true
		}
		return true
	})
	return best, ok, err
}

// span reads the pieces that reach into [start, end).
func (l *Log) span(ctx context.Context, start, end trimtab.Time, want func(string) bool) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		for _, v := range l.predictions.views() {
			if v.rows == 0 || v.last < start || v.first >= end {
				continue
			}
			for t, err := range v.tables(ctx, want) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// Begin returns the first event time among the predictions that were not late; ok
// is false when there is none. Late rows do not count, so that one row of the year
// 1970 does not make a monitor begin there.
func (l *Log) Begin() (at trimtab.Time, ok bool) {
	t := l.predictions
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pieces {
		if p.onTime != 0 && (!ok || p.onTime < at) {
			at, ok = p.onTime, true
		}
	}
	return at, ok
}
