package schema

import (
	"strconv"

	"github.com/trimtab/trimtab/pure/table"
)

// FromTensors makes a table of the inputs of a V2 request. Three forms are understood: one input of shape [n] or
// [n, 1] for each column, by name; one input of shape [n, k] for all k columns in order, when its name is no column's;
// and for a signature without names the inputs in order. The columns are then cast as Cast does; inputs that the
// signature does not name are Extra. Without a signature [n, k] makes the columns "0", "1", …. Errors are *Error and
// name the input and its shape.
func (s Signature) FromTensors(inputs []Tensor, opt Options) (*Request, error) {
	opt = opt.defaults()
	fields, positional, err := s.Inputs.fields()
	if err != nil {
		return nil, err
	}
	if len(inputs) == 0 {
		return nil, one(Problem{Row: -1, Msg: "no inputs", Expected: "at least one"})
	}
	t := &table.Table{}
	for _, in := range inputs {
		width, ok := in.width()
		switch {
		case !ok || in.Data == nil || int64(in.Data.Len()) != in.Shape[0]*width:
			return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape", Expected: "[n], [n, 1] or one input [n, k]", Got: shape(in.Shape)})
		case in.Shape[0] != inputs[0].Shape[0]:
			return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape " + shape(in.Shape), Expected: plural(int(inputs[0].Shape[0]), "row") + " as in input " + quote(inputs[0].Name)})
		case in.Shape[0] > int64(opt.MaxRows):
			return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape " + shape(in.Shape), Expected: "at most " + plural(opt.MaxRows, "row")})
		case width > int64(opt.MaxColumns):
			return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape " + shape(in.Shape), Expected: "at most " + plural(opt.MaxColumns, "column")})
		}
		whole := len(inputs) == 1 && (len(in.Shape) == 2 && width > 1 || positional || len(fields) == 1)
		if whole && !positional {
			for _, f := range fields {
				whole = whole && (f.name != in.Name || width > 1)
			}
		}
		if !whole {
			if width != 1 {
				return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape", Expected: "[n] or [n, 1] beside other inputs", Got: shape(in.Shape)})
			}
			c := *in.Data
			c.Name = in.Name
			t.Columns = append(t.Columns, &c)
			continue
		}
		if !s.Inputs.Empty() && width != int64(len(fields)) {
			return nil, one(Problem{Column: in.Name, Row: -1, Msg: "shape", Expected: "[n, " + strconv.Itoa(len(fields)) + "] for the columns of the signature", Got: shape(in.Shape)})
		}
		t.Columns = in.columns(int(width))
		for k, c := range t.Columns {
			if c.Name = strconv.Itoa(k); k < len(fields) {
				c.Name = fields[k].name
			}
		}
	}
	return s.Cast(t, opt)
}

// width returns the columns that the tensor makes, and false when it makes none.
func (t *Tensor) width() (int64, bool) {
	switch len(t.Shape) {
	case 1:
		return 1, true
	case 2:
		return t.Shape[1], t.Shape[1] > 0
	}
	return 0, false
}

// columns parts a tensor of shape [n, k] into its k columns.
func (t *Tensor) columns(width int) []*table.Column {
	out := make([]*table.Column, width)
	rows := make([]int, t.Data.Len()/width)
	for k := range out {
		for i := range rows {
			rows[i] = i*width + k
		}
		out[k] = t.Data.Take(rows)
	}
	return out
}
