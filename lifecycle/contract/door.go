package contract

import (
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

// Door judges rows by the row rules whose OnFail is more than to report. rows has per
// row the name under which it is quarantined, "" for none; it is nil when no row is.
// When a row breaks a rule of onFail reject, reject says which, by an Invalid error,
// and rows means nothing. Rows that pass cost no allocation.
func (c *Checker) Door(t *table.Table) (rows []string, reject error) { return c.door(t, "") }

// door is Door; only, unless "", leaves rules of another onFail out.
func (c *Checker) door(t *table.Table, only string) (rows []string, reject error) {
	w := c.pool.get()
	defer c.pool.put(w)
	s := &w.sheet
	c.lay(s, t)
	for _, r := range c.rules {
		if !r.door || !r.blocks() || r.onFail == trimtab.OnFailReport || only != "" && r.onFail != only {
			continue
		}
		_, w.bad = r.test.judge(s, w.bad[:0])
		if len(w.bad) == 0 {
			continue
		}
		if s.broken != nil {
			s.broken = nil
			continue // no row is to blame: the windows tell it
		}
		if r.onFail == trimtab.OnFailReject {
			return nil, c.refused(r, s, int(w.bad[0]), len(w.bad))
		}
		if rows == nil {
			rows = make([]string, s.rows)
		}
		for _, i := range w.bad {
			if rows[i] == "" {
				rows[i] = r.quarantine
			}
		}
	}
	return rows, nil
}

// Rejected is why rows were refused.
type Rejected struct {
	Contract, Rule string
	Rows           int
}

func (r *Rejected) Error() string {
	return fmt.Sprintf("%d rows break %s of the contract %s", r.Rows, r.Rule, r.Contract)
}

func (c *Checker) refused(r *rule, s *sheet, row, n int) error {
	value := ""
	if r.named {
		value = r.value(s, row)
	}
	if r.column != "" {
		value = r.column + " " + value
	}
	more := ""
	if n > 1 {
		more = fmt.Sprintf(" (and %d more)", n-1)
	}
	return &trimtab.Error{Kind: trimtab.Invalid, Subject: "request", Err: &Rejected{c.name, r.name, n},
		Msg: fmt.Sprintf("row %d%s: %s; the contract %s demands %s (%s)", row, more, value, c.name, r.expected, r.name)}
}
