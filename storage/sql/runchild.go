package sql

import (
	dbsql "database/sql"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// childSet says which children of runs are read.
type childSet bool

const (
	metricsOnly childSet = false
	everything  childSet = true
)

// childChunk bounds the runs whose children one query reads.
const childChunk = 2000

// children reads what belongs to a page of runs: one query per kind of child,
// however many runs there are.
func (r *Runs) children(s *session, all []*runRow, what childSet) error {
	for chunk := range slices.Chunk(all, childChunk) {
		c := newChunk(s, chunk)
		if err := c.metrics(); err != nil {
			return err
		}
		if what == metricsOnly {
			continue
		}
		for _, run := range chunk {
			run.Params, run.Tags = map[string]string{}, map[string]string{}
		}
		if err := c.pairs("params", func(run *runRow) map[string]string { return run.Params }); err != nil {
			return err
		}
		if err := c.pairs("tags", func(run *runRow) map[string]string { return run.Tags }); err != nil {
			return err
		}
		if err := c.inputs(); err != nil {
			return err
		}
		if err := c.models(); err != nil {
			return err
		}
	}
	return nil
}

// chunk is a set of runs by rid.
type chunk struct {
	s    *session
	rids any // an argument for numbers
	runs map[int64]*runRow
	last *runRow // rows of a run come one after the other
}

func newChunk(s *session, all []*runRow) *chunk {
	c := &chunk{s: s, runs: make(map[int64]*runRow, len(all))}
	rids := make([]int64, len(all))
	for i, run := range all {
		rids[i] = run.rid
		c.runs[run.rid] = run
	}
	c.rids = s.engine.list(rids)
	return c
}

func (c *chunk) run(rid int64) *runRow {
	if c.last == nil || c.last.rid != rid {
		c.last = c.runs[rid]
	}
	return c.last
}

// each runs a query whose first column is the rid.
func (c *chunk) each(query string, scan func(rows *dbsql.Rows) error) error {
	rows, err := c.s.Rows(strings.Replace(query, "<rids>", c.s.engine.numbers(), 1), c.rids)
	return collect(rows, err, scan)
}

func (c *chunk) pairs(table string, of func(*runRow) map[string]string) error {
	var rid int64
	var key, value string
	dest := []any{&rid, &key, &value}
	return c.each("SELECT c.rid, c.key, c.value FROM <rids> p CROSS JOIN "+table+" c WHERE c.rid = p.id", func(rows *dbsql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		of(c.run(rid))[key] = value
		return nil
	})
}

func (c *chunk) metrics() error {
	var rid, at, nan int64 // plain types scan without reflection
	var m trimtab.Metric
	dest := []any{&rid, &m.Key, &m.Value, &at, &m.Step, &nan}
	err := c.each("SELECT c.rid, c.key, c.last_value, c.last_time, c.last_step, c.last_nan FROM <rids> p CROSS JOIN series c WHERE c.id BETWEEN p.id * 1048576 AND p.id * 1048576 + 1048575",
		func(rows *dbsql.Rows) error {
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			m.Time = trimtab.Time(at)
			run := c.run(rid)
			run.Metrics = append(run.Metrics, withNaN(m, nan))
			return nil
		})
	for _, run := range c.runs {
		slices.SortFunc(run.Metrics, func(a, b trimtab.Metric) int { return strings.Compare(a.Key, b.Key) })
	}
	return err
}

// withNaN turns the stored form of a value into the value.
func withNaN(m trimtab.Metric, nan int64) trimtab.Metric {
	if nan != 0 {
		m.Value = math.NaN()
	}
	return m
}

// stored turns a value into its stored form: NaN is 0 and marked, infinities
// are clamped, and zero has one sign, since the databases differ about it.
func stored(m trimtab.Metric) (value float64, nan int64) {
	if math.IsNaN(m.Value) {
		return 0, 1
	}
	return m.Clamped().Value + 0, 0
}

func (c *chunk) inputs() error {
	return c.each(`SELECT c.rid, c.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
		FROM <rids> p CROSS JOIN run_datasets c CROSS JOIN datasets d WHERE c.rid = p.id AND d.id = c.dataset ORDER BY c.rid, d.name, d.digest`,
		func(rows *dbsql.Rows) error {
			var rid int64
			var tags string
			var in trimtab.DatasetInput
			d := &in.Dataset
			if err := rows.Scan(&rid, &tags, &d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(tags), &in.Tags); err != nil {
				return err
			}
			run := c.run(rid)
			run.Inputs = append(run.Inputs, in)
			return nil
		})
}

func (c *chunk) models() error {
	return c.each("SELECT c.rid, c.direction, c.model, c.step FROM <rids> p CROSS JOIN run_models c WHERE c.rid = p.id ORDER BY c.rid, c.direction, c.step, c.model",
		func(rows *dbsql.Rows) error {
			var rid, step int64
			var direction string
			var model trimtab.LoggedModelID
			if err := rows.Scan(&rid, &direction, &model, &step); err != nil {
				return err
			}
			run := c.run(rid)
			if direction == modelOutput {
				run.Outputs = append(run.Outputs, trimtab.ModelOutput{Model: model, Step: step})
			} else {
				run.ModelInputs = append(run.ModelInputs, trimtab.ModelInput{Model: model})
			}
			return nil
		})
}
