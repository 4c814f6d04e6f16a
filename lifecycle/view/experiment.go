package view

import (
	"math"
	"strings"

	"github.com/trimtab/trimtab"
)

// ExperimentRow is an experiment with what happens in it. Days counts the runs that
// began on each of the last days, today last. Note is what people wrote about it,
// from the tag that MLflow keeps it in.
type ExperimentRow struct {
	ID        trimtab.ExperimentID `json:"id"`
	Name      string               `json:"name"`
	Lifecycle trimtab.Lifecycle    `json:"lifecycle"`
	Created   trimtab.Time         `json:"created"`
	Note      string               `json:"note,omitempty"`
	Artifacts string               `json:"artifacts,omitempty"`
	Runs      ExperimentRuns       `json:"runs"`
	Last      *ExperimentRun       `json:"last,omitempty"`
	Days      []int64              `json:"days"`
}

// ExperimentRuns counts the active runs of an experiment by state.
type ExperimentRuns struct {
	Total     int64 `json:"total"`
	Running   int64 `json:"running"`
	Scheduled int64 `json:"scheduled"`
	Finished  int64 `json:"finished"`
	Failed    int64 `json:"failed"`
	Killed    int64 `json:"killed"`
}

// ExperimentRun is the newest run of an experiment.
type ExperimentRun struct {
	ID     trimtab.RunID     `json:"id"`
	Name   string            `json:"name"`
	Status trimtab.RunStatus `json:"status"`
	User   string            `json:"user,omitempty"`
	Start  trimtab.Time      `json:"start,omitzero"`
	End    trimtab.Time      `json:"end,omitzero"`
}

// ExperimentPage is one page of experiments.
type ExperimentPage struct {
	Items []ExperimentRow   `json:"items"`
	Next  trimtab.PageToken `json:"next,omitempty"`
}

// maxNote bounds a note in a listing, in runes.
const maxNote = 400

// OfExperiment completes an experiment; the counts and days are what its store found.
func OfExperiment(e trimtab.Experiment, states map[trimtab.RunStatus]int64, last *trimtab.Run, days []int64) ExperimentRow {
	row := ExperimentRow{ID: e.ID, Name: e.Name, Lifecycle: e.Lifecycle, Created: e.Created, Artifacts: e.ArtifactLocation, Note: excerpt(e.Tags["mlflow.note.content"], maxNote), Days: days}
	if row.Days == nil {
		row.Days = []int64{}
	}
	row.Runs = ExperimentRuns{Running: states[trimtab.RunRunning], Scheduled: states[trimtab.RunScheduled], Finished: states[trimtab.RunFinished],
		Failed: states[trimtab.RunFailed], Killed: states[trimtab.RunKilled]}
	for _, n := range states {
		row.Runs.Total += n
	}
	if last != nil {
		row.Last = &ExperimentRun{ID: last.ID, Name: last.Name, Status: last.Status, User: last.User, Start: last.Start, End: last.End}
	}
	return row
}

func excerpt(text string, most int) string {
	if all := []rune(text); len(all) > most {
		return strings.TrimSpace(string(all[:most-1])) + "…"
	}
	return text
}

// RunTable is a page of the runs of an experiment by columns: place i of every
// list is about the same run. Times are milliseconds since 1970, 0 for none. Total
// counts the runs of the view without the filter, Matching those with it: -1 where
// they have not been counted, as behind the first page. A count that equals
// CountedTo means that many or more.
type RunTable struct {
	IDs       []string         `json:"ids"`
	Names     []string         `json:"names"`
	States    []string         `json:"states"`
	Users     []string         `json:"users"`
	Starts    []int64          `json:"starts"`
	Ends      []int64          `json:"ends"`
	Deleted   []bool           `json:"deleted"`
	Columns   []RunTableColumn `json:"columns"`
	Total     int64            `json:"total"`
	Matching  int64            `json:"matching"`
	CountedTo int64            `json:"countedTo"`
	Filter    string           `json:"filter"` // in its canonical form
	Next      string           `json:"next,omitempty"`
}

// RunTableColumn are the cells of one column. A metric has Numbers: null where the
// run has no value; NaN lists the places whose value is NaN, which JSON cannot
// spell. A param or tag has Codes into Texts, its different values, -1 where the
// run has none; long texts are cut with an ellipsis.
type RunTableColumn struct {
	ID      string    `json:"id"`
	Numbers []*Figure `json:"numbers,omitempty"`
	NaN     []int     `json:"nan,omitempty"`
	Codes   []int     `json:"codes,omitempty"`
	Texts   []string  `json:"texts,omitempty"`
}

// AddRun appends a run to the lists.
func (t *RunTable) AddRun(r trimtab.Run) {
	t.IDs = append(t.IDs, string(r.ID))
	t.Names = append(t.Names, r.Name)
	t.States = append(t.States, string(r.Status))
	t.Users = append(t.Users, r.User)
	t.Starts = append(t.Starts, int64(r.Start))
	t.Ends = append(t.Ends, int64(r.End))
	t.Deleted = append(t.Deleted, r.Lifecycle == trimtab.Deleted)
}

// NumberColumn makes the column of a metric.
func NumberColumn(id string, values []float64, has []bool) RunTableColumn {
	c := RunTableColumn{ID: id, Numbers: make([]*Figure, len(values))}
	for i, v := range values {
		switch {
		case !has[i]:
		case math.IsNaN(v):
			c.NaN = append(c.NaN, i)
		default:
			f := Figure(v)
			c.Numbers[i] = &f
		}
	}
	return c
}

// TextColumn makes the column of a param or tag.
func TextColumn(id string, values []string, has []bool) RunTableColumn {
	c := RunTableColumn{ID: id, Codes: make([]int, len(values))}
	seen := map[string]int{}
	for i, v := range values {
		if !has[i] {
			c.Codes[i] = -1
			continue
		}
		code, known := seen[v]
		if !known {
			code = len(c.Texts)
			seen[v] = code
			c.Texts = append(c.Texts, v)
		}
		c.Codes[i] = code
	}
	return c
}

// RunTableQuery asks for a page of the runs of an experiment. Filter and Order are
// in the search language of runs; Columns are metrics.KEY, params.KEY and tags.KEY,
// the key as it was logged; name, state, user and times of a run come with every
// row. View is active (the default), deleted or all.
type RunTableQuery struct {
	Filter  string   `json:"filter,omitempty"`
	Order   []string `json:"order,omitempty"`
	Columns []string `json:"columns,omitempty"`
	View    string   `json:"view,omitempty"`
	After   string   `json:"after,omitempty"`
	Limit   int      `json:"limit,omitempty"` // default 200, at most 1000
	Count   bool     `json:"count,omitempty"` // count what the filter matches as well
}

// RunKeys is a page of the keys that runs of an experiment have logged, those that
// most runs have first.
type RunKeys struct {
	Items []RunKey `json:"items"`
	Next  string   `json:"next,omitempty"`
}

// RunKey is a key and how many runs have it. ID is the name of its column.
type RunKey struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // metric | param | tag
	Key  string `json:"key"`
	Name string `json:"name"` // as a filter names it, quoted where it must be
	Runs int64  `json:"runs"`
}

// tellingMetrics are parts of names of metrics, the one that says most about a model first.
var tellingMetrics = []string{"auc", "accuracy", "f1", "r2", "rmse", "mae", "loss", "error", "score", "brier"}

// MetricRank orders metrics of runs by how much they mostly say; lower says more.
// What was measured on held-out rows comes before what was measured in training,
// and what the machine did comes last.
func MetricRank(key string) int {
	key = strings.ToLower(key)
	rank := len(tellingMetrics)
	for i, t := range tellingMetrics {
		if strings.Contains(key, t) {
			rank = i
			break
		}
	}
	switch {
	case strings.HasPrefix(key, "system/"):
		rank += 3 * (len(tellingMetrics) + 1)
	case strings.Contains(key, "train"):
		rank += len(tellingMetrics) + 1
	}
	return rank
}

// RunSearchCheck says whether a filter and an order are understood. Filter is the
// canonical form of a good filter.
type RunSearchCheck struct {
	Filter string           `json:"filter"`
	Faults []RunSearchFault `json:"faults"`
}

// RunSearchFault says where a text is not understood: the word at Offset, of Length
// bytes of UTF-8, 0 where something is missing. Part is filter or order, Clause the
// index of the order.
type RunSearchFault struct {
	Part    string `json:"part"`
	Clause  int    `json:"clause"`
	Offset  int    `json:"offset"`
	Length  int    `json:"length"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}
