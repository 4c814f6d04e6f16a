package table

import (
	"strconv"
	"strings"
)

// Error says what was wrong with a value, a record or a file. Fields without meaning for the problem are empty.
type Error struct {
	Format   string // "csv" or "parquet"
	Line     int    // line of the text, from 1; 0 = unknown or not a text
	Row      int64  // row of the data, from 0; -1 = not one row's problem
	Column   string // name of the column
	Value    string // the offending value, shortened
	Expected string // what should have been there
	Msg      string // what is wrong, when not told by Value and Expected
	Err      error  // cause, or nil
}

// Error renders the problem on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Format)
	if e.Line > 0 {
		b.WriteString(": line ")
		b.WriteString(strconv.Itoa(e.Line))
	} else if e.Row >= 0 {
		b.WriteString(": row ")
		b.WriteString(strconv.FormatInt(e.Row, 10))
	}
	if e.Column != "" {
		b.WriteString(": column ")
		b.WriteString(strconv.Quote(e.Column))
	}
	if e.Msg != "" {
		b.WriteString(": ")
		b.WriteString(e.Msg)
	}
	if e.Value != "" {
		b.WriteString(": value ")
		b.WriteString(strconv.Quote(e.Value))
	}
	if e.Expected != "" {
		b.WriteString(": expected ")
		b.WriteString(e.Expected)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// shorten cuts a value for display so that a message stays on one line.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
