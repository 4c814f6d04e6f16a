package table

import "fmt"

// Table is a set of columns of equal length with distinct names, in order.
type Table struct {
	Columns []*Column

	rows int // of a table without columns
}

// New returns a table of the given columns. Unequal lengths or a repeated name are an error that names the columns.
func New(columns ...*Column) (*Table, error) {
	t := &Table{Columns: columns}
	if err := t.Check(); err != nil {
		return nil, err
	}
	return t, nil
}

// Empty returns a table without rows that has the given fields and room for the given number of rows.
func Empty(fields []Field, room int) *Table {
	t := &Table{Columns: make([]*Column, len(fields))}
	for i, f := range fields {
		t.Columns[i] = NewColumn(f.Name, f.Type, room)
	}
	return t
}

// Blank returns a table that has rows but no columns.
func Blank(rows int) *Table { return &Table{rows: rows} }

// Check reports what makes t no table: unequal lengths, a repeated name, an unknown type, a wrong length of Valid.
func (t *Table) Check() error {
	seen := make(map[string]struct{}, len(t.Columns))
	for _, c := range t.Columns {
		if !c.Type.Known() {
			return fmt.Errorf("table: column %q has no type", c.Name)
		}
		if c.Len() != t.Columns[0].Len() {
			return fmt.Errorf("table: column %q has %d rows, column %q has %d", c.Name, c.Len(), t.Columns[0].Name, t.Columns[0].Len())
		}
		if c.Valid != nil && len(c.Valid) != c.Len() {
			return fmt.Errorf("table: column %q has %d rows and validity for %d", c.Name, c.Len(), len(c.Valid))
		}
		if _, twice := seen[c.Name]; twice {
			return fmt.Errorf("table: two columns named %q", c.Name)
		}
		seen[c.Name] = struct{}{}
	}
	return nil
}

// Rows returns the number of rows.
func (t *Table) Rows() int {
	if len(t.Columns) > 0 {
		return t.Columns[0].Len()
	}
	return t.rows
}

// Column returns the column with the name, nil when there is none.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Fields returns name and type of each column.
func (t *Table) Fields() []Field {
	f := make([]Field, len(t.Columns))
	for i, c := range t.Columns {
		f[i] = Field{Name: c.Name, Type: c.Type}
	}
	return f
}

// Select returns a table of the named columns in that order, sharing them with t. A name that t lacks is an error that
// lists what t has.
func (t *Table) Select(names ...string) (*Table, error) {
	byName := make(map[string]*Column, len(t.Columns))
	for _, c := range t.Columns {
		byName[c.Name] = c
	}
	s := &Table{Columns: make([]*Column, len(names)), rows: t.Rows()}
	for i, name := range names {
		c := byName[name]
		if c == nil {
			return nil, fmt.Errorf("table: no column %q; there are %s", name, list(t.Columns))
		}
		s.Columns[i] = c
	}
	return s, nil
}

func list(columns []*Column) string {
	const most = 20
	s := ""
	for i, c := range columns {
		if i == most {
			return s + fmt.Sprintf(" and %d more", len(columns)-most)
		}
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%q", c.Name)
	}
	if s == "" {
		return "none"
	}
	return s
}

// Slice returns the rows lo to hi-1, sharing memory with t.
func (t *Table) Slice(lo, hi int) *Table {
	s := &Table{Columns: make([]*Column, len(t.Columns)), rows: hi - lo}
	for i, c := range t.Columns {
		s.Columns[i] = c.Slice(lo, hi)
	}
	return s
}

// Take returns a new table of the given rows in the given order.
func (t *Table) Take(rows []int) *Table {
	s := &Table{Columns: make([]*Column, len(t.Columns)), rows: len(rows)}
	for i, c := range t.Columns {
		s.Columns[i] = c.Take(rows)
	}
	return s
}

// Append adds all rows of u, which must have the same fields in the same order; else nothing is added and the error
// names the first difference. A table without columns and rows takes the fields of u.
func (t *Table) Append(u *Table) error {
	if len(t.Columns) == 0 && t.rows == 0 {
		*t = *Empty(u.Fields(), u.Rows())
	}
	if len(t.Columns) != len(u.Columns) {
		return fmt.Errorf("table: cannot append rows of %d columns to %d columns", len(u.Columns), len(t.Columns))
	}
	for i, c := range t.Columns {
		if d := u.Columns[i]; c.Name != d.Name || c.Type != d.Type {
			return fmt.Errorf("table: cannot append column %q (%s) to column %q (%s)", d.Name, d.Type, c.Name, c.Type)
		}
	}
	for i, c := range t.Columns {
		if err := c.Extend(u.Columns[i]); err != nil {
			return err
		}
	}
	t.rows += u.rows
	return nil
}
