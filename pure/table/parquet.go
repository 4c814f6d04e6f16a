package table

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// ParquetOptions steer reading and writing of Parquet; zero fields mean the defaults given.
type ParquetOptions struct {
	Columns []string // read only these, in this order; nil = all

	BatchRows     int   // rows of a batch, default 65,536
	MaxRows       int64 // default 50,000,000
	MaxColumns    int   // default 10,000
	MaxFieldBytes int   // default 1 MiB

	// For writing.
	GroupRows   int    // rows of a row group, default 131,072
	Compression string // "snappy" (default), "zstd" or "none"
}

func (o ParquetOptions) defaults() ParquetOptions {
	orDefault(&o.BatchRows, 65_536)
	orDefault(&o.MaxRows, 50_000_000)
	orDefault(&o.MaxColumns, 10_000)
	orDefault(&o.MaxFieldBytes, 1<<20)
	orDefault(&o.GroupRows, 131_072)
	orDefault(&o.Compression, "snappy")
	return o
}

// ParquetFile is an opened Parquet file. Its methods may be called from any number of goroutines when the reader
// under it allows concurrent ReadAt.
type ParquetFile struct {
	file   *parquet.File
	opt    ParquetOptions
	leaves []leaf
}

// leaf is one column to read: where it lies and how its values become those of a column.
type leaf struct {
	field  Field
	index  int // of the leaf in the file
	decode decoder
}

// OpenParquet reads the footer of the file of the given size. Columns become these types:
//
//	boolean                                Bool
//	int8, int16, int32, uint8, uint16      Int32
//	int64, uint32, uint64                  Int64 (a uint64 beyond int64 is an error when it is met)
//	float16, float                         Float32
//	double                                 Float64
//	string, large string, enum, json       String
//	binary, fixed length, uuid             Bytes
//	timestamp s/ms/us/ns, int96, date      Datetime; without a zone it counts as UTC, a date is its midnight;
//	                                       one outside of 1678 to 2262 is an error when it is met
//
// Dictionary encoding (pandas' category) is resolved. Nested columns, decimals, times of day and intervals are refused
// by name, unless opt.Columns leaves them out. Errors are *Error, or those of r.
func OpenParquet(r io.ReaderAt, size int64, opt ParquetOptions) (f *ParquetFile, err error) {
	defer rescue(&err)
	opt = opt.defaults()
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, &Error{Format: "parquet", Row: -1, Msg: "cannot read the file", Err: err}
	}
	if n := file.NumRows(); n > opt.MaxRows || n < 0 {
		return nil, &Error{Format: "parquet", Row: -1, Msg: fmt.Sprintf("%d rows", n), Expected: fmt.Sprintf("at most %d", opt.MaxRows)}
	}
	columns := file.Root().Columns()
	if opt.Columns == nil && len(columns) > opt.MaxColumns {
		return nil, &Error{Format: "parquet", Row: -1, Msg: fmt.Sprintf("%d columns", len(columns)), Expected: fmt.Sprintf("at most %d", opt.MaxColumns)}
	}
	names := opt.Columns
	byName := make(map[string]*parquet.Column, len(columns))
	for _, c := range columns {
		if byName[c.Name()] != nil {
			return nil, &Error{Format: "parquet", Row: -1, Column: c.Name(), Msg: "two columns of that name"}
		}
		byName[c.Name()] = c
		if opt.Columns == nil {
			names = append(names, c.Name())
		}
	}
	elements := topLevel(file.Metadata().Schema)
	f = &ParquetFile{file: file, opt: opt}
	for i, name := range names {
		c := byName[name]
		switch {
		case c == nil:
			return nil, &Error{Format: "parquet", Row: -1, Column: name, Msg: "no such column in the file"}
		case slices.Contains(names[:i], name):
			return nil, &Error{Format: "parquet", Row: -1, Column: name, Msg: "asked for twice"}
		}
		l, err := newLeaf(c, elements[name])
		if err != nil {
			return nil, err
		}
		f.leaves = append(f.leaves, l)
	}
	return f, nil
}

// maxFooter bounds the footer; a thousand columns in a thousand row groups take about as much.
const maxFooter = 256 << 20

// checkFooter looks at the end of the file: the library would get the memory for whatever length stands there.
func checkFooter(r io.ReaderAt, size int64) error {
	var end [8]byte
	const least = 12 // the magic bytes at both ends and the length
	if size < least {
		return &Error{Format: "parquet", Row: -1, Msg: "not a Parquet file: " + strconv.FormatInt(size, 10) + " bytes"}
	}
	if _, err := r.ReadAt(end[:], size-int64(len(end))); err != nil {
		return &Error{Format: "parquet", Row: -1, Msg: "cannot read the file", Err: err}
	}
	if string(end[4:]) != "PAR1" {
		return &Error{Format: "parquet", Row: -1, Msg: "not a Parquet file: it does not end with PAR1"}
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-least || n > maxFooter {
		return &Error{Format: "parquet", Row: -1, Msg: "damaged file: a footer of " + strconv.FormatInt(n, 10) + " bytes",
			Expected: "at most " + strconv.FormatInt(min(size-least, maxFooter), 10)}
	}
	return nil
}

// rescue turns a panic of the Parquet library into an error: it panics on some damaged files, and a damaged file must
// never end the process.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = &Error{Format: "parquet", Row: -1, Msg: "damaged file", Err: fmt.Errorf("%v", p)}
	}
}

// topLevel returns the fields of the root as the footer describes them: the library's columns drop annotations that it
// does not know, float16 among them.
func topLevel(schema []format.SchemaElement) map[string]*format.SchemaElement {
	fields := make(map[string]*format.SchemaElement)
	for i := 1; i < len(schema); {
		fields[schema[i].Name] = &schema[i]
		for open := 1; open > 0 && i < len(schema); i++ {
			open--
			if n := schema[i].NumChildren; n.Valid {
				open += int(n.V)
			}
		}
	}
	return fields
}

func newLeaf(c *parquet.Column, e *format.SchemaElement) (leaf, error) {
	refuse := func(what string) (leaf, error) {
		return leaf{}, &Error{Format: "parquet", Row: -1, Column: c.Name(), Msg: "a column of " + what + " is not supported",
			Expected: "bool, integer, float, string, binary, date or timestamp"}
	}
	if !c.Leaf() || c.Repeated() {
		return refuse("nested values")
	}
	l := leaf{field: Field{Name: c.Name()}, index: c.Index()}
	var logical format.LogicalTypeValue
	if e != nil && e.LogicalType.Value != nil {
		logical = e.LogicalType.Value
	} else if t := c.Type().LogicalType(); t != nil {
		logical = t.Value
	}
	if ct := c.Type().ConvertedType(); logical == nil && ct != nil {
		// An old annotation without a logical counterpart.
		if *ct == deprecated.Interval {
			return refuse("intervals")
		}
	}
	switch t := logical.(type) {
	case *format.DecimalType:
		return refuse("decimals (cast it to double or string)")
	case *format.TimeType:
		return refuse("times of day")
	case *format.BsonType, *format.GeometryType, *format.GeographyType, *format.VariantType:
		return refuse(t.String())
	case *format.TimestampType:
		unit := int64(1)
		switch t.Unit.Value.(type) {
		case *format.MilliSeconds:
			unit = 1_000_000
		case *format.MicroSeconds:
			unit = 1_000
		}
		l.field.Type, l.decode = Datetime, timestamps(unit)
		return l, nil
	case *format.DateType:
		l.field.Type, l.decode = Datetime, dates
		return l, nil
	case *format.IntType:
		if !t.IsSigned && t.BitWidth == 32 {
			l.field.Type, l.decode = Int64, uint32s
			return l, nil
		}
		if !t.IsSigned && t.BitWidth == 64 {
			l.field.Type, l.decode = Int64, uint64s
			return l, nil
		}
	case *format.Float16Type:
		l.field.Type, l.decode = Float32, float16s
		return l, nil
	case *format.StringType, *format.EnumType, *format.JsonType:
		l.field.Type, l.decode = String, texts8
		return l, nil
	case *format.NullType:
		l.field.Type, l.decode = Float64, doubles
		return l, nil
	}
	switch c.Type().Kind() {
	case parquet.Boolean:
		l.field.Type, l.decode = Bool, booleans
	case parquet.Int32:
		l.field.Type, l.decode = Int32, int32s
	case parquet.Int64:
		l.field.Type, l.decode = Int64, int64s
	case parquet.Int96:
		l.field.Type, l.decode = Datetime, int96s
	case parquet.Float:
		l.field.Type, l.decode = Float32, floats
	case parquet.Double:
		l.field.Type, l.decode = Float64, doubles
	case parquet.ByteArray, parquet.FixedLenByteArray:
		l.field.Type, l.decode = Bytes, binaries
	default:
		return refuse("an unknown kind")
	}
	return l, nil
}

// Fields returns name and type of the columns that are read.
func (f *ParquetFile) Fields() []Field {
	fields := make([]Field, len(f.leaves))
	for i, l := range f.leaves {
		fields[i] = l.field
	}
	return fields
}

// Rows returns the number of rows as the footer states it.
func (f *ParquetFile) Rows() int64 { return f.file.NumRows() }

// Batches reads the rows in order in tables of at most BatchRows rows; no table reaches over a row group. The last
// pair holds an error when reading failed. It may be ranged over more than once; each table is new.
func (f *ParquetFile) Batches() iter.Seq2[*Table, error] {
	return func(yield func(*Table, error) bool) {
		first := int64(0)
		for _, group := range f.file.RowGroups() {
			g := f.group(group, first)
			for left := group.NumRows(); left > 0; {
				n := min(left, int64(f.opt.BatchRows))
				t, err := g.read(int(n))
				if err != nil {
					g.close()
					yield(nil, err)
					return
				}
				if !yield(t, nil) {
					g.close()
					return
				}
				left -= n
			}
			g.close()
			first += group.NumRows()
		}
	}
}

// ReadParquet reads a whole Parquet file; see OpenParquet for the types.
func ReadParquet(r io.ReaderAt, size int64, opt ParquetOptions) (*Table, error) {
	f, err := OpenParquet(r, size, opt)
	if err != nil {
		return nil, err
	}
	all := Empty(f.Fields(), 0)
	all.rows = 0
	for t, err := range f.Batches() {
		if err != nil {
			return nil, err
		}
		if err := all.Append(t); err != nil {
			return nil, err
		}
	}
	if n := int64(all.Rows()); len(all.Columns) > 0 && n != f.Rows() {
		return nil, &Error{Format: "parquet", Row: -1, Msg: "damaged file: " + strconv.FormatInt(n, 10) + " rows",
			Expected: strconv.FormatInt(f.Rows(), 10) + " as the footer states"}
	}
	return all, nil
}
