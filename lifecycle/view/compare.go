package view

import "github.com/trimtab/trimtab"

// Bounds of a comparison: of one value of a param in bytes, and of all of them.
const (
	compareValue  = 300
	compareParams = 900_000
)

// Comparison is runs side by side. Values are one per run, null where a run has none.
type Comparison struct {
	Runs         []ComparedRun    `json:"runs"`
	More         bool             `json:"more,omitempty"` // the search finds more runs
	Params       []ComparedParam  `json:"params"`
	ParamsEqual  int              `json:"paramsEqual"`          // that all runs have with one value
	ParamsLeft   int              `json:"paramsLeft,omitempty"` // that would be too much to show
	Metrics      []ComparedMetric `json:"metrics"`
	MetricKeys   int              `json:"metricKeys"`   // that one of the runs has
	MetricsFound int              `json:"metricsFound"` // of which so many match
}

// ComparedRun is one of the runs.
type ComparedRun struct {
	ID         trimtab.RunID        `json:"id"`
	Name       string               `json:"name"`
	Experiment trimtab.ExperimentID `json:"experiment"`
	Status     trimtab.RunStatus    `json:"status"`
	Start      trimtab.Time         `json:"start"`
	End        trimtab.Time         `json:"end,omitempty"`
}

// ComparedParam is a param of the runs; Same when all have one value.
type ComparedParam struct {
	Key    string    `json:"key"`
	Same   bool      `json:"same,omitempty"`
	Values []*string `json:"values"`
}

// ComparedMetric is a metric of the runs by its latest values. Runs counts those
// that have it; Step is the last step of any: it is a curve when it is not 0.
type ComparedMetric struct {
	Key    string    `json:"key"`
	Runs   int       `json:"runs"`
	Step   int64     `json:"step"`
	Values []*Number `json:"values"`
}

// Add adds a param, unless it is the same in all runs and those are not wanted, or
// there is no more room.
func (c *Comparison) Add(key string, values []*string, same bool, room *int) {
	p := ComparedParam{Key: key, Same: len(values) > 1, Values: make([]*string, len(values))}
	size := len(key) + 30
	for i, v := range values {
		if p.Same = p.Same && v != nil && *v == *values[0]; v == nil {
			size += 5
			continue
		}
		short := *v
		if len(short) > compareValue {
			short = cutText(short, compareValue) + "…"
		}
		size += len(short) + 3
		p.Values[i] = &short
	}
	if p.Same {
		c.ParamsEqual++
		if !same {
			return
		}
	}
	if *room -= size; *room < 0 {
		c.ParamsLeft++
		return
	}
	c.Params = append(c.Params, p)
}

// CompareRoom is how many bytes the params of a comparison may take.
func CompareRoom() int { return compareParams }
