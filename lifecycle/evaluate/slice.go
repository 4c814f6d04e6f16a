package evaluate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
	"github.com/trimtab/trimtab/pure/table"
)

const (
	// A column of numbers with more values than this is cut into quarters.
	maxValues = 20
	// maxSlices bounds the slices of one column that are judged: those with most rows.
	maxSlices = 100
	// minClass is the least of either class in a slice.
	minClass = 10
)

// slices judges the comparison within the values of columns. A slice fails on evidence only: when chance does not
// explain a loss beyond the margin, with the rate of false discoveries over all slices controlled (Benjamini and
// Hochberg). Slices that are too small to judge are left out.
func (j *judge) slices() {
	on := "fresh"
	if j.suite.Fresh == nil {
		on = "golden"
	}
	type found struct {
		result trimtab.GateResult
		p      float64
	}
	var all []found
	for _, s := range j.suite.Slices {
		base := trimtab.GateResult{Gate: fmt.Sprintf("%s by %s", s.Metric, s.Column), On: on, Metric: s.Metric, Limit: s.NonInferior, Verdict: trimtab.VerdictInsufficient}
		m, rows := metrics[s.Metric], j.rows(on)
		switch {
		case m == nil || m.task != j.facts.Task:
			base.Why = fmt.Sprintf("%s is no metric of a %s model", s.Metric, j.facts.Task)
		case j.facts.Against == 0:
			base.Why = "no version serves that it could be compared with"
		default:
			if base.Why = j.short(on); base.Why == "" && rows.Slices[s.Column] == nil {
				base.Why = fmt.Sprintf("the rows have no column %q", s.Column)
			}
		}
		if base.Why != "" {
			j.add(base, "block")
			continue
		}
		for _, part := range parts(rows.Slices[s.Column]) {
			if int64(len(part.rows)) < s.MinRows {
				continue
			}
			within := rows.take(part.rows)
			if n := within.positives(); j.facts.Task == Binary && min(n, int64(within.Len())-n) < minClass {
				continue
			}
			p := measure(m, within, j.facts.Seed)
			if !p.known() {
				continue
			}
			r := base
			r.Slice, r.Rows, r.Challenger, r.Champion = s.Column+"="+part.value, int64(within.Len()), p.challenger, p.champion
			j.difference(&r, p)
			all = append(all, found{r, stat.AboveP(-p.diff, p.se, p.df, s.NonInferior)})
		}
	}
	ps := make([]float64, len(all))
	for i, x := range all {
		ps[i] = x.p
	}
	for i, q := range stat.BenjaminiHochberg(ps) {
		r := all[i].result
		r.Why = fmt.Sprintf("%s %s against %s, %s ± %s", r.Metric, short(r.Challenger), short(r.Champion), direction(r.Diff), short(r.StdErr))
		switch {
		case q <= 1-j.suite.Confidence:
			r.Verdict = trimtab.VerdictFail
			r.Why += fmt.Sprintf(": worse by more than the margin (q %s of %d slices)", short(q), len(all))
		default:
			r.Verdict = trimtab.VerdictPass
			if r.Diff < -r.Limit {
				r.Why += ": no more than chance among so many slices makes"
			}
		}
		j.add(r, "block")
	}
}

type part struct {
	value string
	rows  []int
}

// parts are the rows by value, the largest part first; numbers of many values go by quarters of the rows.
func parts(c *table.Column) []part {
	byValue := map[string][]int{}
	for i := range c.Len() {
		text := "missing"
		if !c.Missing(i) {
			text = c.Text(i)
		}
		byValue[text] = append(byValue[text], i)
	}
	numeric := c.Type.Numeric()
	if numeric && len(byValue) > maxValues {
		byValue = quarters(c)
	}
	out := make([]part, 0, len(byValue))
	for _, value := range slices.Sorted(maps.Keys(byValue)) {
		out = append(out, part{value, byValue[value]})
	}
	slices.SortStableFunc(out, func(a, b part) int { return cmp.Compare(len(b.rows), len(a.rows)) })
	return out[:min(len(out), maxSlices)]
}

func quarters(c *table.Column) map[string][]int {
	var values []float64
	for i := range c.Len() {
		if v, ok := c.Float(i); ok && !c.Missing(i) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	var edges []float64
	for k := 1; k < 4; k++ {
		if e := values[len(values)*k/4]; len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	name := func(i int) string {
		switch i {
		case 0:
			return "below " + short(edges[0])
		case len(edges):
			return "from " + short(edges[i-1])
		}
		return short(edges[i-1]) + " to " + short(edges[i])
	}
	out := map[string][]int{}
	for i := range c.Len() {
		text := "missing"
		if v, ok := c.Float(i); ok && !c.Missing(i) {
			at, exact := slices.BinarySearch(edges, v)
			if exact {
				at++
			}
			text = name(at)
		}
		out[text] = append(out[text], i)
	}
	return out
}
