package schema

import (
	"bytes"
	"strconv"
)

// split reads {"columns": [...], "data": [[...], ...], "index": ...}.
func (d *Decoder) split() {
	s := &d.s
	if s.kind() != object {
		d.malformed(Problem{Row: -1, Msg: "dataframe_split", Expected: "an object with data and columns"})
		return
	}
	var columns, data span
	s.open('{', "")
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "columns":
			columns = s.skip()
		case "data":
			data = s.skip()
		case "index":
			s.skip()
		default:
			d.malformed(Problem{Row: -1, Msg: "dataframe_split: the key " + quote(string(key)), Expected: "only data, columns and index"})
			s.skip()
		}
	}
	if data.to == 0 {
		d.malformed(Problem{Row: -1, Msg: "dataframe_split", Expected: "the key data"})
	}
	if d.probs.any() {
		return
	}
	named := columns.to > 0 && string(s.b[columns.from:columns.to]) != "null"
	if named && !d.head(columns) {
		return
	}
	s.i, s.depth = data.from, 0
	d.matrix(named)
}

// head reads the names of the columns and finds where each position goes.
func (d *Decoder) head(columns span) bool {
	s := &d.s
	raw := s.b[columns.from:columns.to]
	if d.columns != nil && bytes.Equal(raw, d.columns) {
		// The same columns as in the request before: positions are known, only the loose ones must be entered again.
		for _, t := range d.target {
			if t < 0 {
				d.looseColumn(d.loose[-1-t].name)
			} else {
				d.seen[t] = 1
			}
		}
		return true
	}
	d.columns = nil
	d.target = d.target[:0]
	s.i, s.depth = columns.from, 0
	if s.kind() != list {
		d.malformed(Problem{Row: -1, Msg: "columns", Expected: "a list of names", Got: shorten(raw)})
		return false
	}
	names := map[string]bool{}
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		var name string
		switch s.kind() {
		case text:
			name = string(s.str())
		case number:
			b, _ := s.number()
			name = string(b)
		default:
			v := s.skip()
			d.malformed(Problem{Row: -1, Msg: "columns", Expected: "names", Got: shorten(s.b[v.from:v.to])})
			return false
		}
		if names[name] {
			d.malformed(Problem{Column: name, Row: -1, Msg: "named twice in columns", Expected: "each name once"})
			return false
		}
		names[name] = true
		if !d.place(name) {
			return false
		}
	}
	if s.err == nil {
		d.columns = append([]byte{}, raw...)
	}
	return s.err == nil
}

// place adds a position to target for a column of that name, by name or by position as the signature has it.
func (d *Decoder) place(name string) bool {
	at := len(d.target)
	if at == d.opt.MaxColumns {
		d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(at) + " columns"})
		return false
	}
	k, ok := d.byName[name]
	if d.positional {
		k, ok = at, at < len(d.fields)
	}
	if ok {
		d.seen[k] = 1
		d.target = append(d.target, k)
	} else {
		d.target = append(d.target, -1-d.looseColumn(name))
	}
	return true
}

// matrix reads a list of rows whose positions go where target says; without names the first row tells their number
// and the names are "0", "1", ….
func (d *Decoder) matrix(named bool) {
	s := &d.s
	if s.kind() != list {
		v := s.skip()
		d.malformed(Problem{Row: -1, Msg: "data", Expected: "a list of rows", Got: shorten(s.b[v.from:v.to])})
		return
	}
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		row := d.rows
		if d.rows++; d.rows > d.opt.MaxRows {
			d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(d.opt.MaxRows) + " rows"})
			return
		}
		isList := s.kind() == list
		if !named {
			named = true
			d.columns, d.target = nil, d.target[:0]
			for i := range d.width(isList) {
				if !d.place(strconv.Itoa(i)) {
					return
				}
			}
		}
		if !isList {
			// A row that is no list is a row of one value, as in pandas.
			if len(d.target) != 1 || s.kind() == object {
				v := s.skip()
				d.malformed(Problem{Row: row, Expected: "a list of " + strconv.Itoa(len(d.target)) + " values", Got: shorten(s.b[v.from:v.to])})
				return
			}
			d.value(d.target[0], row)
			continue
		}
		n := 0
		s.open('[', "")
		for begin := true; s.more(']', begin); begin = false {
			if n < len(d.target) {
				d.value(d.target[n], row)
			} else {
				s.skip()
			}
			n++
		}
		if n != len(d.target) && s.err == nil {
			d.malformed(Problem{Row: row, Expected: strconv.Itoa(len(d.target)) + " values", Got: strconv.Itoa(n)})
			return // the columns are out of step
		}
	}
}

// width counts the values of the row that begins here, without reading it.
func (d *Decoder) width(isList bool) int {
	if !isList {
		return 1
	}
	s := &d.s
	at, depth, n := s.i, s.depth, 0
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		s.skip()
		n++
	}
	s.i, s.depth = at, depth
	return n
}

// value reads a value into field k >= 0 or loose column -1-k.
func (d *Decoder) value(k, row int) {
	if k >= 0 {
		d.cell(k, row)
		return
	}
	l := &d.loose[-1-k]
	l.cells = append(l.cells, d.s.skip())
}

// records reads a list of objects. In a strict one a column is there in all rows or in none; otherwise a key that is
// absent is a null, as pandas has it.
func (d *Decoder) records(strict bool) {
	s := &d.s
	d.keys = d.keys[:0]
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		row := d.rows
		if d.rows++; d.rows > d.opt.MaxRows {
			d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(d.opt.MaxRows) + " rows"})
			return
		}
		if s.kind() != object {
			v := s.skip()
			d.malformed(Problem{Row: row, Expected: "a record, which is an object", Got: shorten(s.b[v.from:v.to])})
			return
		}
		at := 0
		s.open('{', "")
		for begin := true; s.more('}', begin); begin = false {
			k, ok := d.key(s.key(), at)
			if !ok {
				return
			}
			at++
			d.entry(k, row, strict)
		}
		d.absent(row, strict)
	}
}

// key returns where the values of a key go. Records mostly repeat their keys in order, so the place of the same
// position in the record before is looked at first.
func (d *Decoder) key(key []byte, at int) (int, bool) {
	if at < len(d.keys) {
		k := d.keys[at]
		if k >= 0 && d.fields[k].name == string(key) || k < 0 && d.loose[-1-k].name == string(key) {
			return k, true
		}
	}
	k, ok := d.byName[string(key)]
	if !ok && d.positional {
		// Without names only the position counts.
		if k, ok = at, at < len(d.fields); ok {
			return k, true
		}
	}
	if !ok {
		k = d.looseNamed(key)
	}
	if at < len(d.keys) {
		d.keys[at] = k
		return k, true
	}
	if at == d.opt.MaxColumns || d.nLoose > d.opt.MaxColumns {
		d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(d.opt.MaxColumns) + " columns"})
		return 0, false
	}
	d.keys = append(d.keys, k)
	return k, true
}

func (d *Decoder) looseNamed(key []byte) int {
	for i := range d.nLoose {
		if d.loose[i].name == string(key) {
			return -1 - i
		}
	}
	return -1 - d.looseColumn(string(key))
}

// entry reads the value of one key of a record.
func (d *Decoder) entry(k, row int, strict bool) {
	if k < 0 {
		l := &d.loose[-1-k]
		for len(l.cells) < row {
			l.cells = append(l.cells, span{})
		}
		l.cells = append(l.cells[:row], d.s.skip())
		return
	}
	c := d.out[k]
	if d.seen[k] == 0 {
		for i := range row {
			d.gap(k, i, strict)
		}
	}
	if d.seen[k] == row+1 {
		c.Truncate(row) // the key is repeated: the last one counts
	}
	d.seen[k] = row + 1
	d.cell(k, row)
}

// absent fills the columns that a record did not have.
func (d *Decoder) absent(row int, strict bool) {
	for k, seen := range d.seen {
		if seen > 0 && seen <= row {
			d.gap(k, row, strict)
			d.seen[k] = row + 1
		}
	}
}

func (d *Decoder) gap(k, row int, strict bool) {
	f := &d.fields[k]
	if strict || !nullable(f.typ) {
		d.probs.add(Problem{Column: f.name, Row: row, Expected: d.expected(f), Got: "no such key in the record"})
	}
	d.out[k].AppendNull()
}

// tensors reads the value of instances or inputs: a list of records, an object of columns, a list of rows or values,
// or one value.
func (d *Decoder) tensors() {
	s := &d.s
	switch s.kind() {
	case object:
		d.byColumns()
		return
	case list:
	default:
		d.single("one value")
		return
	}
	at := s.i
	s.i++
	first := s.kind()
	s.i = at
	switch {
	case first == object:
		d.records(true)
	case d.untyped || d.positional:
		d.matrix(false)
		d.tensorWidth()
	case len(d.fields) == 1:
		d.seen[0] = 1
		d.list(0)
	case first == bad: // an empty list
		s.skip()
	default:
		s.skip()
		d.malformed(Problem{Row: -1, Msg: "a list without names", Expected: "the values by column, because the signature names " + strconv.Itoa(len(d.fields)) + " columns"})
	}
}

// tensorWidth checks that a tensor has no more columns than the signature's.
func (d *Decoder) tensorWidth() {
	if d.positional && len(d.sig.Inputs.Tensors) > 0 && len(d.target) > len(d.fields) {
		d.malformed(Problem{Row: -1, Msg: "shape", Expected: "[-1, " + strconv.Itoa(len(d.fields)) + "]", Got: "[" + strconv.Itoa(d.rows) + ", " + strconv.Itoa(len(d.target)) + "]"})
	}
}

// single reads one value as the one row of the one column.
func (d *Decoder) single(what string) {
	s := &d.s
	switch {
	case len(d.fields) == 1:
		d.rows, d.seen[0] = 1, 1
		d.cell(0, 0)
	case d.untyped:
		d.rows = 1
		d.value(-1-d.looseColumn("0"), 0)
	default:
		s.skip()
		d.malformed(Problem{Row: -1, Msg: what, Expected: strconv.Itoa(len(d.fields)) + " columns"})
	}
}

// list reads the values of field k, one a row, and returns their number.
func (d *Decoder) list(k int) {
	s := &d.s
	n := 0
	s.open('[', "")
	for first := true; s.more(']', first); first = false {
		if n == d.opt.MaxRows {
			d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(d.opt.MaxRows) + " rows"})
			return
		}
		d.value(k, n)
		n++
	}
	d.rows = n
}

// byColumns reads {"column": [values], …}; values outside of lists make one row.
func (d *Decoder) byColumns() {
	s := &d.s
	rows, name := -1, ""
	if d.positional {
		d.malformed(Problem{Row: -1, Msg: "columns by name", Expected: "a list of rows, because the signature has no names"})
		return
	}
	s.open('{', "")
	for first := true; s.more('}', first); first = false {
		key := s.key()
		k, ok := d.byName[string(key)]
		if !ok {
			k = d.looseNamed(key)
		}
		if d.nLoose > d.opt.MaxColumns {
			d.malformed(Problem{Row: -1, Msg: "more than " + strconv.Itoa(d.opt.MaxColumns) + " columns"})
			return
		}
		var column string
		if ok {
			column = d.fields[k].name
			d.out[k].Truncate(0) // of a repeated key the last one counts
			d.seen[k] = 1
		} else {
			column = d.loose[-1-k].name
			d.loose[-1-k].cells = d.loose[-1-k].cells[:0]
		}
		if s.kind() == list {
			d.list(k)
		} else {
			d.value(k, 0)
			d.rows = 1
		}
		if rows < 0 {
			rows, name = d.rows, column
		}
		if rows != d.rows {
			d.malformed(Problem{Column: column, Row: -1, Expected: strconv.Itoa(rows) + " values as in column " + quote(name), Got: strconv.Itoa(d.rows)})
			return
		}
	}
	d.rows = max(rows, 0)
}
