package schema

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/trimtab/trimtab/pure/table"
)

// V2Request is the JSON body of an inference request of the Open Inference Protocol V2.
type V2Request struct {
	ID         string
	Parameters json.RawMessage // the object as sent; nil = absent
	Inputs     []Tensor
	Outputs    []RequestedOutput // nil = all
}

// RequestedOutput names an output that is wanted.
type RequestedOutput struct {
	Name       string
	Parameters json.RawMessage
}

// Tensor is a named array. Data holds the elements in row-major order: BOOL as Bool; INT8, INT16, INT32, UINT8 and
// UINT16 as Int32; INT64, UINT32 and UINT64 as Int64; FP32 as Float32; FP64 as Float64; BYTES as String.
type Tensor struct {
	Name       string
	Datatype   string
	Shape      []int64
	Parameters json.RawMessage
	Data       *table.Column
}

// datatype is what a tensor of that type takes.
type datatype struct {
	typ         table.Type
	least, most int64 // of integers
}

var datatypes = map[string]datatype{
	"BOOL":   {typ: table.Bool},
	"INT8":   {table.Int32, math.MinInt8, math.MaxInt8},
	"INT16":  {table.Int32, math.MinInt16, math.MaxInt16},
	"INT32":  {table.Int32, math.MinInt32, math.MaxInt32},
	"INT64":  {table.Int64, math.MinInt64, math.MaxInt64},
	"UINT8":  {table.Int32, 0, math.MaxUint8},
	"UINT16": {table.Int32, 0, math.MaxUint16},
	"UINT32": {table.Int64, 0, math.MaxUint32},
	"UINT64": {table.Int64, 0, math.MaxInt64},
	"FP32":   {typ: table.Float32},
	"FP64":   {typ: table.Float64},
	"BYTES":  {typ: table.String},
}

// Datatype returns the V2 name of the type of a table's column; a Datetime has none and travels as BYTES.
func Datatype(t table.Type) string {
	switch t {
	case table.Bool:
		return "BOOL"
	case table.Int32:
		return "INT32"
	case table.Int64:
		return "INT64"
	case table.Float32:
		return "FP32"
	case table.Float64:
		return "FP64"
	}
	return "BYTES"
}

// V2Limits bound a V2 body; zero fields mean the defaults given.
type V2Limits struct {
	Tensors  int // default 10,000
	Elements int // of all tensors together, default 100,000,000
}

// DecodeV2 reads the JSON of an inference request. Data may be nested as the shape says or flat; null in a tensor of
// FP32 or FP64 is NaN, in one of BYTES a null. Numbers must be exact in their datatype, floats are rounded to it. FP16
// and BF16 have no JSON form. Errors are *Error, with the tensor's name as Column and the element's place as Row, or
// *SyntaxError.
func DecodeV2(body []byte, lim V2Limits) (*V2Request, error) {
	if lim.Tensors == 0 {
		lim.Tensors = 10_000
	}
	if lim.Elements == 0 {
		lim.Elements = 100_000_000
	}
	if !utf8.Valid(body) {
		return nil, &SyntaxError{Offset: invalid(body), Msg: "not UTF-8"}
	}
	d := v2{lim: lim, left: lim.Elements}
	d.s.reset(body)
	r := &V2Request{}
	d.request(r)
	d.s.end()
	switch {
	case d.s.err != nil:
		return nil, d.s.err
	case d.problem != nil:
		return nil, one(*d.problem)
	}
	return r, nil
}

// v2 reads one body; the first problem ends it.
type v2 struct {
	s       scan
	lim     V2Limits
	left    int
	problem *Problem
}

func (d *v2) fail(p Problem) {
	if d.problem == nil {
		d.problem = &p
	}
}

func (d *v2) request(r *V2Request) {
	s := &d.s
	inputs := false
	s.open('{', "of an inference request")
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "id":
			r.ID = d.text("id")
		case "parameters":
			r.Parameters = d.raw("parameters")
		case "inputs":
			inputs = true
			r.Inputs = r.Inputs[:0]
			s.open('[', "of inputs")
			for first := true; s.more(']', first); first = false {
				if len(r.Inputs) == d.lim.Tensors {
					s.fail("more than " + strconv.Itoa(d.lim.Tensors) + " inputs")
					return
				}
				r.Inputs = append(r.Inputs, d.tensor(len(r.Inputs)))
			}
		case "outputs":
			r.Outputs = r.Outputs[:0]
			s.open('[', "of outputs")
			for first := true; s.more(']', first); first = false {
				if len(r.Outputs) == d.lim.Tensors {
					s.fail("more than " + strconv.Itoa(d.lim.Tensors) + " outputs")
					return
				}
				r.Outputs = append(r.Outputs, d.output())
			}
		default:
			s.skip()
		}
	}
	if s.err == nil && !inputs {
		d.fail(Problem{Row: -1, Expected: "the key inputs"})
	}
	for i, a := range r.Inputs {
		for _, b := range r.Inputs[:i] {
			if a.Name == b.Name {
				d.fail(Problem{Column: a.Name, Row: -1, Msg: "two inputs of that name"})
			}
		}
	}
}

func (d *v2) text(where string) string {
	if d.s.kind() != text {
		v := d.s.skip()
		d.fail(Problem{Row: -1, Msg: where, Expected: "a string", Got: shorten(d.s.b[v.from:v.to])})
		return ""
	}
	return string(d.s.str())
}

func (d *v2) raw(where string) json.RawMessage {
	k := d.s.kind()
	v := d.s.skip()
	if k == null || d.s.err != nil {
		return nil
	}
	if k != object {
		d.fail(Problem{Row: -1, Msg: where, Expected: "an object", Got: shorten(d.s.b[v.from:v.to])})
	}
	return append(json.RawMessage{}, d.s.b[v.from:v.to]...)
}

func (d *v2) output() (o RequestedOutput) {
	s := &d.s
	s.open('{', "of an output")
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "name":
			o.Name = d.text("name of an output")
		case "parameters":
			o.Parameters = d.raw("parameters of an output")
		default:
			s.skip()
		}
	}
	if s.err == nil && o.Name == "" {
		d.fail(Problem{Row: -1, Msg: "an output without a name"})
	}
	return o
}

func (d *v2) tensor(at int) (t Tensor) {
	s := &d.s
	var data, dims span
	s.open('{', "of an input")
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "name":
			t.Name = d.text("name of input " + strconv.Itoa(at))
		case "datatype":
			t.Datatype = d.text("datatype of input " + strconv.Itoa(at))
		case "shape":
			dims = s.skip()
		case "data":
			data = s.skip()
		case "parameters":
			t.Parameters = d.raw("parameters of input " + strconv.Itoa(at))
		default:
			s.skip()
		}
	}
	if s.err != nil || d.problem != nil {
		return t
	}
	end, depth := s.i, s.depth
	dt, ok := datatypes[t.Datatype]
	switch {
	case t.Name == "":
		d.fail(Problem{Row: -1, Msg: "input " + strconv.Itoa(at) + " without a name"})
	case !ok:
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "datatype", Expected: "BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64 or BYTES", Got: quote(t.Datatype)})
	case dims.to == 0:
		d.fail(Problem{Column: t.Name, Row: -1, Expected: "the key shape"})
	case data.to == 0:
		d.fail(Problem{Column: t.Name, Row: -1, Expected: "the key data"})
	default:
		if n, ok := d.shape(&t, dims); ok {
			d.data(&t, dt, data, n)
		}
	}
	if s.err == nil {
		s.i, s.depth = end, depth
	}
	return t
}

// shape reads the dimensions and returns the number of elements.
func (d *v2) shape(t *Tensor, dims span) (int, bool) {
	s := &d.s
	wrong := func() (int, bool) {
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "shape", Expected: "a list of sizes that make at most " + strconv.Itoa(d.lim.Elements) + " elements", Got: shorten(s.b[dims.from:dims.to])})
		return 0, false
	}
	s.i, s.depth = dims.from, 0
	if s.kind() != list {
		return wrong()
	}
	n := int64(1)
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		if s.kind() != number || len(t.Shape) == maxDepth/2 {
			return wrong()
		}
		b, whole := s.number()
		v, ok := parseInt(b)
		if !whole || !ok || v < 0 || v > int64(d.lim.Elements) {
			return wrong()
		}
		t.Shape = append(t.Shape, v)
		// Both are at most the limit, so the product of a sane limit cannot overflow.
		if n *= v; n > int64(d.lim.Elements) {
			return wrong()
		}
	}
	if len(t.Shape) == 0 {
		return wrong()
	}
	return int(n), true
}

func (d *v2) data(t *Tensor, dt datatype, data span, n int) {
	s := &d.s
	s.i, s.depth = data.from, 0
	if n > d.left {
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "more than " + strconv.Itoa(d.lim.Elements) + " elements in all inputs"})
		return
	}
	d.left -= n
	// A body that claims more elements than it has bytes must not get the memory for them.
	t.Data = table.NewColumn(t.Name, dt.typ, min(n, data.to-data.from))
	if s.kind() != list {
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "data", Expected: "a list", Got: shorten(s.b[data.from:data.to])})
		return
	}
	s.i++
	nested := s.kind() == list
	s.i--
	d.level(t, dt, 0, nested, n)
	if got := t.Data.Len(); d.problem == nil && got != n {
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "data", Expected: plural(n, "element") + " for shape " + shape(t.Shape), Got: strconv.Itoa(got)})
	}
}

// level reads a list at a depth of nested data, or the one list of flat data.
func (d *v2) level(t *Tensor, dt datatype, depth int, nested bool, most int) {
	s := &d.s
	s.open('[', "")
	n := int64(0)
	inner := nested && depth < len(t.Shape)-1
	for first := true; s.more(']', first) && d.problem == nil; first = false {
		n++
		if (s.kind() == list) != inner {
			from := s.i
			v := s.skip()
			want := "a value of " + t.Datatype
			if inner {
				want = "a list, as shape " + shape(t.Shape) + " says"
			}
			d.fail(Problem{Column: t.Name, Row: t.Data.Len(), Expected: want, Got: shorten(s.b[from:v.to])})
			return
		}
		switch {
		case inner:
			d.level(t, dt, depth+1, true, most)
		case t.Data.Len() == most:
			s.skip()
			d.fail(Problem{Column: t.Name, Row: -1, Msg: "data", Expected: plural(most, "element") + " for shape " + shape(t.Shape), Got: "more"})
		default:
			d.element(t, dt)
		}
	}
	if nested && d.problem == nil && n != t.Shape[depth] {
		d.fail(Problem{Column: t.Name, Row: -1, Msg: "data", Expected: "lists of " + strconv.FormatInt(t.Shape[depth], 10) + " at depth " + strconv.Itoa(depth) + " for shape " + shape(t.Shape), Got: "one of " + strconv.FormatInt(n, 10)})
	}
}

func (d *v2) element(t *Tensor, dt datatype) {
	s, c := &d.s, t.Data
	k, from := s.kind(), s.i
	ok := false
	switch {
	case k == number && (dt.typ == table.Int32 || dt.typ == table.Int64):
		b, whole := s.number()
		var v int64
		if whole {
			v, ok = parseInt(b)
		} else if f, fine := parseFloat(b); fine {
			v, ok = integer(f, false)
		}
		if ok = ok && v >= dt.least && v <= dt.most; ok && dt.typ == table.Int32 {
			c.AppendInt32(int32(v))
		} else if ok {
			c.AppendInt64(v)
		}
	case k == number && dt.typ == table.Float64:
		b, _ := s.number()
		var f float64
		if f, ok = parseFloat(b); ok {
			c.AppendFloat64(f)
		}
	case k == number && dt.typ == table.Float32:
		b, _ := s.number()
		if f, fine := parseFloat(b); fine {
			ok = appendFloat32(c, f)
		}
	case (k == null || k == special) && (dt.typ == table.Float32 || dt.typ == table.Float64):
		f := math.NaN()
		if k == null {
			s.word("null")
		} else if w := s.special(); w == '+' {
			f = math.Inf(1)
		} else if w == '-' {
			f = math.Inf(-1)
		}
		if ok = true; dt.typ == table.Float32 {
			c.AppendFloat32(float32(f))
		} else {
			c.AppendFloat64(f)
		}
	case k == boolean && dt.typ == table.Bool:
		c.AppendBool(s.bool())
		ok = true
	case k == number && dt.typ == table.Bool:
		b, _ := s.number()
		if ok = string(b) == "0" || string(b) == "1"; ok {
			c.AppendBool(string(b) == "1")
		}
	case k == text && dt.typ == table.String:
		c.AppendString(string(s.str()))
		ok = true
	case k == null && dt.typ == table.String:
		s.word("null")
		c.AppendNull()
		ok = true
	default:
		s.skip()
	}
	if !ok && s.err == nil {
		d.fail(Problem{Column: t.Name, Row: c.Len(), Expected: "a value of " + t.Datatype, Got: shorten(s.b[from:s.i])})
	}
}
