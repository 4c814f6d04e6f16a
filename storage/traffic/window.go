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
	// Quarantine is the contract rule that quarantines the row, "" for none.
	Quarantine string

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
		case ColumnID, ColumnEventTime, ColumnWatermark, ColumnVersion, ColumnQuarantine:
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
			out, rules := outputsOf(t), t.Column(ColumnQuarantine)
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
				j.Output, j.Score = out.at(i)
				j.Quarantine = textAt(rules, i)
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

// outputs are the columns of the answers of a piece, in which several versions
// with outputs of their own may lie.
type outputs struct {
	all   []*table.Column
	score *table.Column
}

func outputsOf(t *table.Table) (o outputs) {
	for _, c := range t.Columns {
		name, ok := strings.CutPrefix(c.Name, OutputPrefix)
		if !ok {
			continue
		}
		o.all = append(o.all, c)
		if name == ScoreOutput {
			o.score = c
		}
	}
	return o
}

// at returns the answer of row i, which is its first output, and its score: the
// output of that name, else the answer. NaN stands for an output that is missing.
func (o outputs) at(i int) (answer, score float64) {
	answer = nan
	for _, c := range o.all {
		if !c.Null(i) {
			answer = c.Float64s[i]
			break
		}
	}
	if o.score == nil || o.score.Null(i) {
		return answer, answer
	}
	return answer, o.score.Float64s[i]
}

func textAt(c *table.Column, i int) string {
	if c == nil || c.Null(i) {
		return ""
	}
	return c.Strings[i]
}

// label returns the label of k that counts at knownBy: the last known-at, of
// equal ones the last that came.
func (l *Log) label(k key, knownBy trimtab.Time) (best known, ok bool, err error) {
	l.labels.mu.Lock()
	defer l.labels.mu.Unlock()
	return l.labels.label(k, knownBy)
}

// label is Log.label. t.mu is held.
func (t *tape) label(k key, knownBy trimtab.Time) (best known, ok bool, err error) {
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
	return spanOf(ctx, l.predictions.views(), start, end, want)
}

func spanOf(ctx context.Context, views []view, start, end trimtab.Time, want func(string) bool) iter.Seq2[*table.Table, error] {
	return func(yield func(*table.Table, error) bool) {
		for _, v := range views {
			if v.rows == 0 || v.last < start || v.first >= end {
				continue
			}
			v.from, v.to = start, end
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
