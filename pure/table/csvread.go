package table

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// CSVOptions steer reading and writing of CSV; zero fields mean the defaults given.
type CSVOptions struct {
	Comma byte // separator, default ','

	// Types gives the type of columns by name; the others are inferred. A name that the header lacks is an error
	// unless Optional.
	Types    map[string]Type
	Optional bool
	Columns  []string // read only these, in this order; nil = all
	Nulls    []string // unquoted texts that mean null besides the empty one, such as "NA"

	BatchRows     int   // rows of a batch, default 65,536
	MaxRows       int64 // default 50,000,000
	MaxColumns    int   // default 10,000
	MaxFieldBytes int   // default 1 MiB
	MaxBytes      int64 // of the whole input, default 8 GiB

	// Digits17 makes WriteCSV print floats with 17 significant digits (9 for float32) instead of the shortest text
	// that reads back to the same value.
	Digits17 bool
}

func (o CSVOptions) defaults() CSVOptions {
	orDefault(&o.Comma, ',')
	orDefault(&o.BatchRows, 65_536)
	orDefault(&o.MaxRows, 50_000_000)
	orDefault(&o.MaxColumns, 10_000)
	orDefault(&o.MaxFieldBytes, 1<<20)
	orDefault(&o.MaxBytes, 8<<30)
	return o
}

func orDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// ReadCSV reads a whole CSV text with a header line. An empty unquoted field is null; a quoted empty field is null
// too, except in a column of type String (given or inferred) or Bytes, where it is the empty value.
//
// Types that are not given are inferred from all rows: the first of Bool (true/false, True/False, TRUE/FALSE), Int64,
// Float64, String that takes every non-null value; a column of nulls alone is Float64. Unlike pandas an integer column
// stays Int64 when it holds nulls, and whole numbers beyond int64 make a String column. Dates are not inferred; give Datetime (formats: ParseDatetime). Numbers are read
// correctly rounded; Float32 is the rounded Float64, as in numpy. Bytes are base64.
//
// Errors are *Error with line, column, value and what was expected, or those of r.
func ReadCSV(r io.Reader, opt CSVOptions) (*Table, error) {
	opt = opt.defaults()
	c, err := openCSV(r, opt)
	if err != nil {
		return nil, err
	}
	b, err := c.batch(int(min(opt.MaxRows, 1<<40)))
	if err != nil {
		return nil, err
	}
	return b.table(c.types, true)
}

// CSVBatches reads like ReadCSV in tables of at most BatchRows rows, so that the text need not fit into memory. Types
// that are not given are inferred from the first batch, and a later value which they do not take is an error. The last
// pair holds an error when reading failed; the sequence can be ranged over once. A text without rows gives one table
// without rows.
func CSVBatches(r io.Reader, opt CSVOptions) iter.Seq2[*Table, error] {
	return func(yield func(*Table, error) bool) {
		opt := opt.defaults()
		c, err := openCSV(r, opt)
		for first := true; err == nil; first = false {
			var b *batch
			if b, err = c.batch(opt.BatchRows); err != nil {
				break
			}
			if len(b.lines) == 0 && !first {
				return
			}
			var t *Table
			if t, err = b.table(c.types, first); err != nil {
				break
			}
			if first {
				for i, col := range t.Columns {
					c.types[i] = col.Type
				}
			}
			if !yield(t, nil) {
				return
			}
		}
		yield(nil, err)
	}
}

// csvReader reads records and gathers their texts by column.
type csvReader struct {
	s     *scanner
	opt   CSVOptions
	names []string // of the columns kept
	from  []int    // position in the record of each column kept
	width int      // fields of the header
	types []Type   // 0 = to be inferred
	rows  int64
	nulls map[string]bool
}

func openCSV(r io.Reader, opt CSVOptions) (*csvReader, error) {
	if opt.Comma == '"' || opt.Comma == '\n' || opt.Comma == '\r' {
		return nil, fmt.Errorf("table: %q cannot part the fields of a CSV text", opt.Comma)
	}
	c := &csvReader{s: newScanner(r, opt), opt: opt, nulls: map[string]bool{"": true}}
	for _, n := range opt.Nulls {
		c.nulls[n] = true
	}
	line, err := c.s.next()
	if errors.Is(err, io.EOF) {
		return nil, &Error{Format: "csv", Line: line, Row: -1, Msg: "empty text", Expected: "a header line with the names of the columns"}
	}
	if err != nil {
		return nil, err
	}
	c.width = len(c.s.ends)
	at := make(map[string]int, c.width)
	names := make([]string, c.width)
	for i := range names {
		names[i] = string(c.s.at(i))
		if j, twice := at[names[i]]; twice {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Column: names[i], Msg: fmt.Sprintf("fields %d and %d of the header have the same name", j+1, i+1)}
		}
		at[names[i]] = i
	}
	if c.names = names; opt.Columns != nil {
		c.names = opt.Columns
	}
	for _, name := range c.names {
		i, ok := at[name]
		if !ok {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Column: name, Msg: "no such column in the header"}
		}
		c.from = append(c.from, i)
		c.types = append(c.types, opt.Types[name])
	}
	for name, typ := range opt.Types {
		if _, ok := at[name]; !ok && !opt.Optional {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Column: name, Msg: "no such column in the header"}
		}
		if !typ.Known() {
			return nil, fmt.Errorf("table: column %q: no type with number %d", name, typ)
		}
	}
	return c, nil
}

// batch holds the texts of some records, column by column.
type batch struct {
	names []string
	first int64 // row of the data that is the first of these
	lines []int
	texts []texts
}

// texts are the texts of one column: row i is buf[ends[i-1]:ends[i]].
type texts struct {
	buf  []byte
	ends []int
	null []state
}

type state uint8

const (
	value state = iota
	null
	void // quoted and empty: the empty value of a String or Bytes column, else null
)

func (c *csvReader) batch(most int) (*batch, error) {
	b := &batch{names: c.names, first: c.rows, texts: make([]texts, len(c.names))}
	for len(b.lines) < most {
		line, err := c.s.next()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if c.rows++; c.rows > c.opt.MaxRows {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Msg: "more rows than the limit of " + strconv.FormatInt(c.opt.MaxRows, 10)}
		}
		if n := len(c.s.ends); n != c.width {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Msg: fmt.Sprintf("%d fields", n), Expected: fmt.Sprintf("%d as in the header", c.width)}
		}
		b.lines = append(b.lines, line)
		for k, i := range c.from {
			t := &b.texts[k]
			field := c.s.at(i)
			st := value
			switch {
			case c.s.quote[i]:
				if len(field) == 0 {
					st = void
				}
			case c.nulls[string(field)]:
				st, field = null, nil
			}
			t.buf = append(t.buf, field...)
			t.ends = append(t.ends, len(t.buf))
			t.null = append(t.null, st)
		}
	}
	// One row more than the limit must be an error, not a quiet end.
	if int64(most) >= c.opt.MaxRows {
		if line, err := c.s.next(); err == nil {
			return nil, &Error{Format: "csv", Line: line, Row: -1, Msg: "more rows than the limit of " + strconv.FormatInt(c.opt.MaxRows, 10)}
		} else if !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return b, nil
}

func (b *batch) table(types []Type, infer bool) (*Table, error) {
	t := &Table{Columns: make([]*Column, len(b.names)), rows: len(b.lines)}
	for k, name := range b.names {
		x := &b.texts[k]
		typ := types[k]
		if typ == 0 && infer {
			typ = x.infer()
		}
		col := NewColumn(name, typ, len(b.lines))
		if i, expected := x.parse(col); expected != "" {
			return nil, &Error{Format: "csv", Line: b.lines[i], Row: b.first + int64(i), Column: name, Value: shorten(string(x.row(i))), Expected: expected}
		}
		t.Columns[k] = col
	}
	return t, nil
}
