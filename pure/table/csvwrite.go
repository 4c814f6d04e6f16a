package table

import (
	"io"
	"strings"
)

// WriteCSV writes t with a header line: LF line ends, null as an empty field, an empty string as "", quotes where a
// reader needs them, numbers, times and bytes as Column.Text. What it writes, ReadCSV with the types of t reads back
// to an equal table.
func WriteCSV(w io.Writer, t *Table, opt CSVOptions) error {
	c, err := NewCSVWriter(w, t.Fields(), opt)
	if err != nil {
		return err
	}
	return c.Write(t)
}

// CSVWriter writes tables with the same columns as one CSV text. It keeps nothing back between calls.
type CSVWriter struct {
	w      io.Writer
	opt    CSVOptions
	fields []Field
	buf    []byte
}

// NewCSVWriter writes the header line.
func NewCSVWriter(w io.Writer, fields []Field, opt CSVOptions) (*CSVWriter, error) {
	c := &CSVWriter{w: w, opt: opt.defaults(), fields: fields}
	for i, f := range fields {
		if i > 0 {
			c.buf = append(c.buf, c.opt.Comma)
		}
		c.buf = c.appendString(c.buf, f.Name)
	}
	c.buf = append(c.buf, '\n')
	return c, c.flush()
}

// Write appends the rows of t, whose fields must be those of the header.
func (c *CSVWriter) Write(t *Table) error {
	if err := sameFields("csv", c.fields, t); err != nil {
		return err
	}
	for i := range t.Rows() {
		for k, col := range t.Columns {
			if k > 0 {
				c.buf = append(c.buf, c.opt.Comma)
			}
			c.buf = c.appendValue(c.buf, col, i)
		}
		// A line that is empty would be skipped by every reader.
		if len(t.Columns) == 1 && t.Columns[0].Null(i) {
			c.buf = append(c.buf, `""`...)
		}
		c.buf = append(c.buf, '\n')
		if len(c.buf) > 60<<10 {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return c.flush()
}

func (c *CSVWriter) flush() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *CSVWriter) appendValue(b []byte, col *Column, i int) []byte {
	if col.Null(i) {
		return b
	}
	switch {
	case col.Type == String:
		return c.appendString(b, col.Strings[i])
	case col.Type == Float64 && c.opt.Digits17:
		return appendFloat(b, col.Float64s[i], 17, 64)
	case col.Type == Float32 && c.opt.Digits17:
		return appendFloat(b, float64(col.Float32s[i]), 9, 64)
	case col.Type == Bytes && len(col.Bytes[i]) == 0:
		return append(b, `""`...)
	}
	return col.AppendText(b, i)
}

func (c *CSVWriter) appendString(b []byte, s string) []byte {
	if s != "" && strings.IndexByte(s, c.opt.Comma) < 0 && !strings.ContainsAny(s, "\"\r\n") && !c.null(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		b = append(append(b, s[:i+1]...), '"')
		s = s[i+1:]
	}
	return append(append(b, s...), '"')
}

// null reports whether a reader with the same options would take the unquoted text for a null.
func (c *CSVWriter) null(s string) bool {
	for _, n := range c.opt.Nulls {
		if s == n {
			return true
		}
	}
	return false
}

func sameFields(format string, fields []Field, t *Table) error {
	if err := t.Check(); err != nil {
		return err
	}
	if len(t.Columns) != len(fields) {
		return &Error{Format: format, Row: -1, Msg: "a table with another number of columns than the first"}
	}
	for i, f := range fields {
		if c := t.Columns[i]; c.Name != f.Name || c.Type != f.Type {
			return &Error{Format: format, Row: -1, Column: c.Name, Msg: "a column " + c.Type.String(), Expected: f.Name + " " + f.Type.String()}
		}
	}
	return nil
}
