package retrain

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Columns names the columns of files of predictions, labels and inputs; an empty name means a usual one.
type Columns struct {
	ID, Time, Score, Label string
	Except                 []string // input columns that are left out
}

// The names under which a column is looked for, in this order and in any case of letters.
var usual = map[string][]string{
	"id":    {"id", "prediction_id", "row_id", "request_id", "uid", "key"},
	"time":  {"event_time", "timestamp", "time", "ts", "datetime", "date", "created_at"},
	"score": {"score", "prediction", "predicted", "probability", "proba", "y_score", "y_prob", "y_pred", "pred", "p"},
	"label": {"label", "y_true", "y", "target", "actual", "outcome", "truth", "value"},
}

// Records are what a model predicted and what became of it, in order of time. All slices have one value per row.
type Records struct {
	Time   []trimtab.Time
	Score  []float64
	Label  []float64         // NaN: not known
	Known  []trimtab.Time    // when the label became known, 0 when nobody says; nil when no file does
	Served []string          // version that answered; nil when no file says
	Held   []bool            // rows that a contract quarantined; nil without
	Inputs *table.Table      // nil without inputs
	Notes  []string          // what was left out on the way, in sentences
	Names  map[string]string // role ("time", "score", "label") to the column that was taken for it
}

// RecordsOf reads records from a table of predictions, joined by id with labels and inputs when these come in tables of
// their own (else nil). An export of an endpoint is such a table. It fails where a column that is needed is missing or
// holds what it cannot hold, where ids are not unique, and where nothing joins.
func RecordsOf(predictions, labels, inputs *table.Table, c Columns) (r Records, err error) {
	exported := isExport(predictions)
	r.Names = map[string]string{}
	at, err := needed(predictions, "predictions", "time", c.Time)
	if err != nil {
		return r, err
	}
	score, err := scoreColumn(predictions, c.Score, exported)
	if err != nil {
		return r, err
	}
	r.Names["time"], r.Names["score"] = at.Name, score.Name
	n := predictions.Rows()
	times, err := moments(at)
	if err != nil {
		return r, err
	}
	scores, err := numbers(score, "score")
	if err != nil {
		return r, err
	}
	taken := []string{at.Name, score.Name}

	id := lookup(predictions, "id", c.ID)
	if c.ID != "" && id == nil {
		return r, absentColumn(predictions, "predictions", "id", c.ID)
	}
	if (labels != nil || inputs != nil) && id == nil {
		return r, absentColumn(predictions, "predictions", "id", "")
	}
	var label *table.Column
	known := make([]trimtab.Time, n)
	if labels == nil {
		if label, err = needed(predictions, "predictions (no file of labels is given)", "label", c.Label); err != nil {
			return r, err
		}
		if k := predictions.Column(traffic.ColumnLabelKnownAt); k != nil && k.Type == table.Datetime {
			if known, err = moments(k); err != nil {
				return r, err
			}
			r.Known = known
			taken = append(taken, k.Name)
		}
		taken = append(taken, label.Name)
	} else {
		if label, err = needed(labels, "labels", "label", c.Label); err != nil {
			return r, err
		}
		lid, err := needed(labels, "labels", "id", c.ID)
		if err != nil {
			return r, err
		}
		rows, matched, err := joined(id, lid, "labels")
		if err != nil {
			return r, err
		}
		if matched == 0 {
			return r, trimtab.Errorf(trimtab.Invalid, "labels", "no id of the labels (column %q) is among the ids of the predictions (column %q): are these files of the same rows?", lid.Name, id.Name)
		}
		if extra := labels.Rows() - matched; extra > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s of the labels belong to no prediction and were left out.", count(extra, "row")))
		}
		label = arranged(label, rows)
		for _, name := range []string{traffic.ColumnLabelKnownAt, traffic.ColumnKnownAt} {
			if k := labels.Column(name); k != nil && k.Type == table.Datetime {
				if known, err = moments(arranged(k, rows)); err != nil {
					return r, err
				}
				r.Known = known
				break
			}
		}
	}
	r.Names["label"] = label.Name
	values, err := numbers(label, "label")
	if err != nil {
		return r, err
	}
	if id != nil {
		taken = append(taken, id.Name)
	}
	var served *table.Column
	if exported {
		served = predictions.Column(traffic.ColumnVersion)
		taken = append(taken, traffic.ColumnOrdinal, traffic.ColumnArrival, traffic.ColumnWatermark, traffic.ColumnVersion,
			traffic.ColumnVariant, traffic.ColumnPropensity, traffic.ColumnQuarantine)
	}
	var columns []*table.Column
	add := func(t *table.Table, rows []int) {
		for _, col := range t.Columns {
			if slices.Contains(taken, col.Name) || slices.Contains(c.Except, col.Name) {
				continue
			}
			if rows != nil {
				col = arranged(col, rows)
			}
			if exported {
				if strings.HasPrefix(col.Name, traffic.OutputPrefix) {
					continue
				}
				plain := *col
				plain.Name = strings.TrimPrefix(col.Name, traffic.InputPrefix)
				if col = &plain; slices.Contains(c.Except, col.Name) {
					continue
				}
			}
			columns = append(columns, col)
			taken = append(taken, col.Name)
		}
	}
	if inputs == nil {
		add(predictions, nil)
	} else {
		iid, err := needed(inputs, "inputs", "id", c.ID)
		if err != nil {
			return r, err
		}
		rows, matched, err := joined(id, iid, "inputs")
		if err != nil {
			return r, err
		}
		if matched == 0 {
			return r, trimtab.Errorf(trimtab.Invalid, "inputs", "no id of the inputs (column %q) is among the ids of the predictions (column %q): are these files of the same rows?", iid.Name, id.Name)
		}
		taken = append(taken, iid.Name)
		add(inputs, rows)
	}

	// In order of time, rows without a time or score left out.
	keep := make([]int, 0, n)
	for i := range n {
		if times[i] != 0 && !math.IsNaN(scores[i]) && !math.IsInf(scores[i], 0) {
			keep = append(keep, i)
		}
	}
	if gone := n - len(keep); gone > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s without a time or without a score were left out.", count(gone, "row")))
	}
	if len(keep) == 0 {
		return r, trimtab.Errorf(trimtab.Invalid, "predictions", "the predictions hold no row with a time (column %q) and a score (column %q)", at.Name, score.Name)
	}
	slices.SortStableFunc(keep, func(a, b int) int { return cmp.Compare(times[a], times[b]) })
	for _, i := range keep {
		r.Time = append(r.Time, times[i])
		r.Score = append(r.Score, scores[i])
		r.Label = append(r.Label, values[i])
		if served != nil {
			r.Served = append(r.Served, served.Text(i))
		}
	}
	if q := predictions.Column(traffic.ColumnQuarantine); exported && q != nil {
		r.Held = make([]bool, len(keep))
		for k, i := range keep {
			r.Held[k] = !q.Missing(i) && q.Text(i) != ""
		}
	}
	if r.Known != nil {
		sorted := make([]trimtab.Time, len(keep))
		for k, i := range keep {
			sorted[k] = known[i]
		}
		r.Known = sorted
	}
	var dropped []string
	for _, col := range columns {
		col = col.Take(keep)
		if why := useless(col); why != "" {
			dropped = append(dropped, col.Name+" ("+why+")")
			continue
		}
		if r.Inputs == nil {
			r.Inputs = table.Blank(len(keep))
		}
		r.Inputs.Columns = append(r.Inputs.Columns, col)
	}
	if len(dropped) > 0 {
		r.Notes = append(r.Notes, "Not taken for inputs: "+strings.Join(dropped, ", ")+".")
	}
	return r, nil
}

// isExport reports whether the table is an export of an endpoint.
func isExport(t *table.Table) bool {
	return t.Column(traffic.ColumnEventTime) != nil && t.Column(traffic.ColumnWatermark) != nil && t.Column(traffic.ColumnPropensity) != nil
}

// scoreColumn finds the score; an export has the output of the model that is one, or else its first number.
func scoreColumn(t *table.Table, asked string, exported bool) (*table.Column, error) {
	if exported && asked == "" {
		var first *table.Column
		for _, c := range t.Columns {
			if c.Name == traffic.OutputPrefix+traffic.ScoreOutput {
				return c, nil
			}
			if first == nil && strings.HasPrefix(c.Name, traffic.OutputPrefix) && c.Type.Numeric() {
				first = c
			}
		}
		if first != nil {
			return first, nil
		}
	}
	return needed(t, "predictions", "score", asked)
}

// lookup finds a column by the name asked for or a usual one, nil when there is none.
func lookup(t *table.Table, role, asked string) *table.Column {
	if asked != "" {
		return t.Column(asked)
	}
	for _, name := range usual[role] {
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, name) {
				return c
			}
		}
	}
	return nil
}

func needed(t *table.Table, file, role, asked string) (*table.Column, error) {
	if c := lookup(t, role, asked); c != nil {
		return c, nil
	}
	return nil, absentColumn(t, file, role, asked)
}

func absentColumn(t *table.Table, file, role, asked string) error {
	var have []string
	for _, c := range t.Columns {
		if len(have) == 30 {
			have = append(have, "…")
			break
		}
		have = append(have, c.Name)
	}
	if asked != "" {
		return trimtab.Errorf(trimtab.Invalid, file, "the %s have no column %q; they have %s", file, asked, strings.Join(have, ", "))
	}
	return trimtab.Errorf(trimtab.Invalid, file, "which column of the %s is the %s? None is called %s; say --%s NAME, one of %s",
		file, role, strings.Join(usual[role], ", "), role, strings.Join(have, ", "))
}

// joined returns for each row of a the row of b with the same id, -1 where there is none, and how many rows of b were met.
func joined(a, b *table.Column, file string) (rows []int, matched int, err error) {
	at := make(map[string]int, b.Len())
	for i := range b.Len() {
		if b.Null(i) {
			continue
		}
		key := b.Text(i)
		if _, twice := at[key]; twice {
			return nil, 0, trimtab.Errorf(trimtab.Invalid, file, "the %s have the id %q twice (column %q): one row per id is expected", file, key, b.Name)
		}
		at[key] = i
	}
	rows = make([]int, a.Len())
	met := make([]bool, b.Len())
	for i := range rows {
		rows[i] = -1
		if a.Null(i) {
			continue
		}
		if j, ok := at[a.Text(i)]; ok {
			rows[i] = j
			if !met[j] {
				met[j] = true
				matched++
			}
		}
	}
	return rows, matched, nil
}

// arranged is a column in another order of rows; -1 gives null.
func arranged(c *table.Column, rows []int) *table.Column {
	out := table.NewColumn(c.Name, c.Type, len(rows))
	for _, i := range rows {
		if i < 0 {
			out.AppendNull()
		} else {
			out.AppendRow(c, i)
		}
	}
	return out
}

// numbers reads a score or a label; a missing one is NaN, true and false are 1 and 0.
func numbers(c *table.Column, role string) ([]float64, error) {
	out := make([]float64, c.Len())
	if c.Type == table.String || c.Type == table.Bytes || c.Type == table.Datetime {
		shown := ""
		for i := range c.Len() {
			if !c.Missing(i) {
				shown = c.Text(i)
				break
			}
		}
		return nil, trimtab.Errorf(trimtab.Invalid, role, "column %q is taken for the %s and holds %s such as %q: expected numbers (or true and false)", c.Name, role, c.Type, shown)
	}
	for i := range out {
		out[i] = math.NaN()
		if c.Missing(i) {
			continue
		}
		if c.Type == table.Bool {
			out[i] = 0
			if c.Bools[i] {
				out[i] = 1
			}
			continue
		}
		if v, ok := c.Float(i); ok && !math.IsInf(v, 0) {
			out[i] = v
		}
	}
	return out, nil
}

// moments reads times: a datetime, a text of one, or whole seconds or milliseconds since 1970. A missing one is 0.
func moments(c *table.Column) ([]trimtab.Time, error) {
	out := make([]trimtab.Time, c.Len())
	wrong := func(i int) error {
		return trimtab.Errorf(trimtab.Invalid, "time", "column %q is taken for the time and row %d holds %q: expected a time such as 2026-03-01T12:00:00Z, or seconds or milliseconds since 1970", c.Name, i+1, c.Text(i))
	}
	for i := range out {
		if c.Missing(i) {
			continue
		}
		switch c.Type {
		case table.Datetime:
			out[i] = trimtab.TimeOf(c.Time(i))
		case table.String:
			ns, err := table.ParseDatetime(c.Strings[i])
			if err != nil {
				return nil, wrong(i)
			}
			out[i] = trimtab.TimeOf(time.Unix(0, ns))
		case table.Int32, table.Int64, table.Float32, table.Float64:
			v, _ := c.Float(i)
			switch { // 1e8 s is 1973, 1e11 ms too; 1e11 s would be the year 5138
			case v >= 1e8 && v < 1e11:
				v *= 1000
			case v >= 1e11 && v < 1e14:
			default:
				return nil, wrong(i)
			}
			out[i] = trimtab.Time(math.Round(v))
		default:
			return nil, wrong(i)
		}
	}
	return out, nil
}

// useless says why a column can be no input: "" when it can.
func useless(c *table.Column) string {
	switch c.Type {
	case table.Datetime:
		return "a time"
	case table.Bytes:
		return "bytes"
	case table.String:
		seen := map[string]bool{}
		n := 0
		for i := range c.Len() {
			if !c.Missing(i) {
				n++
				seen[c.Strings[i]] = true
			}
		}
		if n > 100 && len(seen)*2 > n {
			return "most values are unlike all others, as an identifier's"
		}
	}
	return ""
}
