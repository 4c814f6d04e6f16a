package table

import (
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// WriteParquet writes t as a Parquet file that pyarrow reads back to the same values: every column is nullable,
// strings are dictionary encoded while that pays, Datetime is a timestamp in nanoseconds, UTC.
func WriteParquet(w io.Writer, t *Table, opt ParquetOptions) error {
	p, err := NewParquetWriter(w, t.Fields(), opt)
	if err != nil {
		return err
	}
	if err := p.Write(t); err != nil {
		return err
	}
	return p.Close()
}

// ParquetWriter writes tables with the same columns as one Parquet file. It holds one row group in memory. Not safe
// for concurrent use.
type ParquetWriter struct {
	w      *parquet.Writer
	fields []Field
	opt    ParquetOptions
	rows   int // in the open row group
	buf    []parquet.Value
	text   []byte // memory of the strings in buf
}

// NewParquetWriter begins a file. No columns, a repeated name, an unknown type or compression is an error.
func NewParquetWriter(w io.Writer, fields []Field, opt ParquetOptions) (p *ParquetWriter, err error) {
	defer rescue(&err)
	opt = opt.defaults()
	var codec compress.Codec
	switch opt.Compression {
	case "snappy":
		codec = &parquet.Snappy
	case "zstd":
		codec = &parquet.Zstd
	case "none":
		codec = &parquet.Uncompressed
	default:
		return nil, fmt.Errorf("table: no Parquet compression %q; expected snappy, zstd or none", opt.Compression)
	}
	if len(fields) == 0 {
		return nil, &Error{Format: "parquet", Row: -1, Msg: "a file without columns", Expected: "at least one"}
	}
	if err := Empty(fields, 0).Check(); err != nil {
		return nil, err
	}
	root := ordered{Group: parquet.Group{}}
	for _, f := range fields {
		n := parquet.Compressed(parquet.Optional(node(f.Type)), codec)
		root.Group[f.Name] = n
		root.fields = append(root.fields, &namedNode{Node: n, name: f.Name})
	}
	return &ParquetWriter{
		w: parquet.NewWriter(w, parquet.NewSchema("schema", root), parquet.CreatedBy("trimtab", "1", ""),
			parquet.DictionaryMaxBytes(1<<20)),
		fields: fields, opt: opt, buf: make([]parquet.Value, 0, 1024),
	}, nil
}

func node(t Type) parquet.Node {
	switch t {
	case Bool:
		return parquet.Leaf(parquet.BooleanType)
	case Int32:
		return parquet.Leaf(parquet.Int32Type)
	case Int64:
		return parquet.Leaf(parquet.Int64Type)
	case Float32:
		return parquet.Leaf(parquet.FloatType)
	case Float64:
		return parquet.Leaf(parquet.DoubleType)
	case Datetime:
		return parquet.TimestampAdjusted(parquet.Nanosecond, true)
	case Bytes:
		return parquet.Leaf(parquet.ByteArrayType)
	}
	return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
}

// ordered is a group that keeps the order of its fields; the library's own sorts them by name.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

type namedNode struct {
	parquet.Node
	name string
}

func (n *namedNode) Name() string { return n.name }

// Value is what the library asks of a field when it writes Go values by reflection, which nothing here does.
func (n *namedNode) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(n.name))
}

// Write appends the rows of t, whose fields must be those the file was begun with.
func (p *ParquetWriter) Write(t *Table) (err error) {
	defer rescue(&err)
	if err := sameFields("parquet", p.fields, t); err != nil {
		return err
	}
	for lo := 0; lo < t.Rows(); {
		hi := min(t.Rows(), lo+p.opt.GroupRows-p.rows)
		for k, w := range p.w.ColumnWriters() {
			if err := p.column(w, t.Columns[k], k, lo, hi); err != nil {
				return err
			}
		}
		p.rows += hi - lo
		lo = hi
		if p.rows == p.opt.GroupRows {
			if err := p.w.Flush(); err != nil {
				return err
			}
			p.rows = 0
		}
	}
	return nil
}

func (p *ParquetWriter) column(w *parquet.ColumnWriter, c *Column, k, lo, hi int) error {
	for i := lo; i < hi; i++ {
		if c.Null(i) {
			p.buf = append(p.buf, parquet.NullValue().Level(0, 0, k))
		} else {
			p.buf = append(p.buf, p.value(c, i).Level(0, 1, k))
		}
		if len(p.buf) == cap(p.buf) || i == hi-1 {
			if _, err := w.WriteRowValues(p.buf); err != nil {
				return err
			}
			p.buf, p.text = p.buf[:0], p.text[:0]
		}
	}
	return nil
}

func (p *ParquetWriter) value(c *Column, i int) parquet.Value {
	switch c.Type {
	case Bool:
		return parquet.BooleanValue(c.Bools[i])
	case Int32:
		return parquet.Int32Value(c.Int32s[i])
	case Int64, Datetime:
		return parquet.Int64Value(c.Int64s[i])
	case Float32:
		return parquet.FloatValue(c.Float32s[i])
	case Float64:
		return parquet.DoubleValue(c.Float64s[i])
	case String:
		// When text moves to a larger array, the values made so far keep the old one.
		begin := len(p.text)
		p.text = append(p.text, c.Strings[i]...)
		return parquet.ByteArrayValue(p.text[begin:len(p.text):len(p.text)])
	}
	return parquet.ByteArrayValue(c.Bytes[i])
}

// Close writes the footer. It does not close the writer under it. Without it there is no file.
func (p *ParquetWriter) Close() (err error) {
	defer rescue(&err)
	return p.w.Close()
}
