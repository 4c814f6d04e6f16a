package contract

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// sheet is one batch of rows with the columns that a contract looks at.
type sheet struct {
	rows int
	cols []*table.Column // by the contract's columns; nil where there is none
	text bool            // the values were read from text without types
	ids  []string        // names of the rows, nil when they have none
	key  []int

	broken error // why the relation that was judged last fits no row of the sheet
}

// scratch is what judging a sheet needs and keeps.
type scratch struct {
	sheet sheet
	bad   []int32
}

type scratchPool struct{ p sync.Pool }

func (p *scratchPool) get() *scratch {
	if s, ok := p.p.Get().(*scratch); ok {
		return s
	}
	return &scratch{}
}

// put gives the scratch back without what it points to.
func (p *scratchPool) put(s *scratch) {
	clear(s.sheet.cols)
	s.sheet.ids, s.sheet.broken = nil, nil
	p.p.Put(s)
}

// lay finds the columns of t.
func (c *Checker) lay(s *sheet, t *table.Table) {
	s.rows, s.key = t.Rows(), c.key
	s.cols = slices.Grow(s.cols[:0], len(c.columns))
	for _, name := range c.columns {
		s.cols = append(s.cols, t.Column(name))
	}
}

// texts is the text of several columns of a row.
func (s *sheet) texts(cols []int, row int) string {
	if len(cols) == 1 {
		return s.cell(cols[0], row)
	}
	parts := make([]string, len(cols))
	for k, i := range cols {
		parts[k] = s.cell(i, row)
	}
	return strings.Join(parts, ", ")
}

// maxValue bounds a value that is shown.
const maxValue = 200

// cell is a value for people: "missing" when there is none, quoted when it cannot
// be printed as it is.
func (s *sheet) cell(col, row int) string {
	c := s.cols[col]
	if c == nil || c.Missing(row) {
		return "missing"
	}
	return shown(c.Text(row))
}

func shown(v string) string {
	if len(v) > maxValue {
		cut := maxValue
		for cut > 0 && v[cut]&0xC0 == 0x80 { // not in the middle of a character
			cut--
		}
		v = v[:cut] + "…"
	}
	if trimtab.CleanText(v) != "" || strings.ContainsAny(v, "\n\t") {
		v = strconv.Quote(v)
	}
	return v
}

// name is how a row is called: its key, the name it came with, else its number from 1.
func (s *sheet) name(row int, first int64) string {
	if len(s.key) > 0 {
		present := false
		for _, k := range s.key {
			present = present || s.cols[k] != nil && !s.cols[k].Missing(row)
		}
		if present {
			return s.texts(s.key, row)
		}
	}
	if s.ids != nil {
		return s.ids[row]
	}
	return "row " + strconv.FormatInt(first+int64(row)+1, 10)
}

func cellValue(col int) func(*sheet, int) string {
	return func(s *sheet, row int) string { return s.cell(col, row) }
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
