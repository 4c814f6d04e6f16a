package schema

import (
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/pure/table"
)

// DataType is MLflow's name of a column's type.
type DataType string

// The types of columns. Array, Object, Map and Any are known so that a signature with them can be read and printed;
// no table holds them.
const (
	Boolean  DataType = "boolean"
	Integer  DataType = "integer"
	Long     DataType = "long"
	Float    DataType = "float"
	Double   DataType = "double"
	String   DataType = "string"
	Binary   DataType = "binary"
	Datetime DataType = "datetime"
	Array    DataType = "array"
	Object   DataType = "object"
	Map      DataType = "map"
	Any      DataType = "any"
)

var dataTypes = map[DataType]table.Type{
	Boolean: table.Bool, Integer: table.Int32, Long: table.Int64, Float: table.Float32,
	Double: table.Float64, String: table.String, Binary: table.Bytes, Datetime: table.Datetime,
	Array: 0, Object: 0, Map: 0, Any: 0,
}

// Table returns the column type for t, and false when a table has none for it.
func (t DataType) Table() (table.Type, bool) {
	typ := dataTypes[t]
	return typ, typ.Known()
}

// TypeOf returns the MLflow type of a table's column type.
func TypeOf(t table.Type) DataType {
	for d, typ := range dataTypes {
		if typ == t && typ.Known() {
			return d
		}
	}
	return ""
}

var dtypes = map[string]table.Type{
	"bool": table.Bool, "int8": table.Int32, "int16": table.Int32, "int32": table.Int32, "int64": table.Int64,
	"uint8": table.Int32, "uint16": table.Int32, "uint32": table.Int64, "float32": table.Float32,
	"float64": table.Float64, "str": table.String, "object": table.String,
	"datetime64[ns]": table.Datetime, "datetime64": table.Datetime,
}

// dtype returns the column type for a numpy type name.
func dtype(name string) (table.Type, bool) {
	if strings.HasPrefix(name, "<U") {
		return table.String, true
	}
	typ, ok := dtypes[name]
	return typ, ok
}

// field is one column that a table for a model has.
type field struct {
	name     string
	typ      table.Type
	declared string // the type as the signature says it, for messages
	required bool
	unwrap   bool // a value may stand in a list of one, as a tensor of shape [-1, 1] has it
}

// fields returns the columns of a table for the schema, and whether they go by position instead of by name.
func (s Schema) fields() (fields []field, positional bool, err error) {
	for i, c := range s.Columns {
		name := c.Name
		if !c.Named {
			name, positional = strconv.Itoa(i), true
		}
		typ, ok := c.Type.Table()
		if !ok {
			return nil, false, one(Problem{Column: name, Row: -1, Msg: "the signature's type " + string(c.Type) + " is not supported",
				Expected: "boolean, integer, long, float, double, string, binary or datetime"})
		}
		fields = append(fields, field{name: name, typ: typ, declared: string(c.Type), required: c.Required})
	}
	for _, t := range s.Tensors {
		typ, ok := dtype(t.DType)
		if !ok {
			return nil, false, one(Problem{Column: t.Name, Row: -1, Msg: "the signature's tensor type " + t.DType + " is not supported"})
		}
		width := int64(1)
		if len(t.Shape) == 2 {
			width = t.Shape[1]
		}
		if len(t.Shape) == 0 || len(t.Shape) > 2 || width < 1 || width > maxWidth || width > 1 && len(s.Tensors) > 1 {
			return nil, false, one(Problem{Column: t.Name, Row: -1, Msg: "the signature's tensor shape " + shape(t.Shape) + " is not supported",
				Expected: "[-1] or [-1, 1] for each input, or one input of shape [-1, k]"})
		}
		f := field{name: t.Name, typ: typ, declared: t.DType, required: true, unwrap: len(t.Shape) == 2}
		if width == 1 && t.Named {
			fields = append(fields, f)
			continue
		}
		positional = true
		for i := range width {
			f.name, f.unwrap = strconv.FormatInt(i, 10), width == 1
			fields = append(fields, f)
		}
	}
	return fields, positional, nil
}

// maxWidth bounds the columns that a tensor's shape may ask for.
const maxWidth = 100_000

func shape(dims []int64) string {
	parts := make([]string, len(dims))
	for i, d := range dims {
		parts[i] = strconv.FormatInt(d, 10)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
