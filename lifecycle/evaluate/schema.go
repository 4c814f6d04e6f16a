package evaluate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
)

// schemaMetric names the results about what a version takes.
const schemaMetric = "schema"

// Narrower lists why a row that the signature of the champion takes is not taken by the challenger's: a column that it
// demands in addition, or a type that holds fewer values. None: the challenger takes every row. An empty signature
// takes anything.
func Narrower(challenger, champion schema.Signature) (out []string) {
	to, from := challenger.Inputs, champion.Inputs
	if to.Empty() || from.Empty() {
		return nil
	}
	if len(to.Tensors) > 0 || len(from.Tensors) > 0 {
		return narrowerTensors(to, from)
	}
	for i, c := range to.Columns {
		at := i
		if c.Named {
			at = slices.IndexFunc(from.Columns, func(d schema.ColumnSpec) bool { return d.Named && d.Name == c.Name })
		} else if at >= len(from.Columns) {
			at = -1
		}
		name := fmt.Sprintf("column %q", c.Name)
		if !c.Named {
			name = fmt.Sprintf("column %d", i)
		}
		switch {
		case at < 0 && c.Required:
			out = append(out, name+" is required, and the other version does not have it")
		case at < 0:
		case c.Required && !from.Columns[at].Required:
			out = append(out, name+" is required, and the other version takes rows without it")
		case !takes(c.Type, from.Columns[at].Type):
			out = append(out, fmt.Sprintf("%s is %s, the other version takes %s", name, c.Type, from.Columns[at].Type))
		}
	}
	return out
}

func narrowerTensors(to, from schema.Schema) (out []string) {
	if len(to.Tensors) != len(from.Tensors) {
		return []string{fmt.Sprintf("it takes %d tensors and %d columns, the other version %d and %d", len(to.Tensors), len(to.Columns), len(from.Tensors), len(from.Columns))}
	}
	for i, t := range to.Tensors {
		f := from.Tensors[i]
		wider := len(t.Shape) == len(f.Shape)
		for k := range t.Shape {
			wider = wider && (t.Shape[k] == -1 || t.Shape[k] == f.Shape[k])
		}
		if t.DType != f.DType || !wider {
			out = append(out, fmt.Sprintf("tensor %d is %s%v, the other version takes %s%v", i, t.DType, t.Shape, f.DType, f.Shape))
		}
	}
	return out
}

// takes reports whether a column of type to holds every value of type from.
func takes(to, from schema.DataType) bool {
	switch to {
	case from, schema.Any:
		return true
	case schema.Long:
		return from == schema.Integer
	case schema.Float:
		return from == schema.Integer || from == schema.Long
	case schema.Double:
		return from == schema.Integer || from == schema.Long || from == schema.Float
	}
	return false
}

// Different lists how two signatures do not take the same columns.
func Different(challenger, champion schema.Signature) []string {
	out := Narrower(challenger, champion)
	for _, text := range Narrower(champion, challenger) {
		out = append(out, "the other way round: "+text)
	}
	has := func(s schema.Signature, c schema.ColumnSpec) bool {
		return !c.Named || slices.ContainsFunc(s.Inputs.Columns, func(d schema.ColumnSpec) bool { return d.Named && d.Name == c.Name })
	}
	for _, c := range champion.Inputs.Columns {
		if !has(challenger, c) {
			out = append(out, fmt.Sprintf("column %q is not taken any more", c.Name))
		}
	}
	for _, c := range challenger.Inputs.Columns {
		if !has(champion, c) && !c.Required {
			out = append(out, fmt.Sprintf("column %q is new", c.Name))
		}
	}
	return out
}

// schema judges what the challenger takes: by signatures, and by the rows that were logged.
func (j *judge) schema(refused map[string]int64) {
	all := refused["fresh"] + refused["golden"]
	r := trimtab.GateResult{Gate: "schema " + j.suite.Schema, Metric: schemaMetric, Verdict: trimtab.VerdictPass, Why: "it takes every row that the other version takes"}
	var on []string
	for _, name := range []string{"fresh", "golden"} {
		if x := j.raw(name); x != nil {
			on = append(on, name)
			r.Rows += int64(x.Len())
		}
	}
	r.On = strings.Join(on, "+")
	refusal := fmt.Sprintf("it refuses %s of %d that the other version answers", counted(all, "row"), r.Rows)
	if j.facts.Refusal != "" {
		refusal += ": " + j.facts.Refusal
	}
	switch {
	case j.suite.Schema == "any" && all == 0:
		return
	case j.suite.Schema == "any":
		// Nothing is demanded, but rows that are left out of every comparison must show.
		r.Verdict, r.Why = trimtab.VerdictFail, refusal
		j.add(r, "warn")
		return
	case len(j.facts.Schema) > 0:
		r.Verdict, r.Why = trimtab.VerdictFail, join(j.facts.Schema)
	case all > 0:
		r.Verdict, r.Why = trimtab.VerdictFail, refusal
	case j.facts.Against == 0:
		r.Why = "no version serves that takes other rows"
	case j.suite.Schema == "equal":
		r.Why = "it takes the same columns"
	}
	j.add(r, "block")
}
