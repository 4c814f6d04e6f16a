package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a request.
type Problem struct {
	Column   string // "" = not one column's
	Row      int    // from 0; -1 = not one row's
	Expected string // what should have been there
	Got      string // what was there, shortened
	Msg      string // what is wrong when Expected and Got do not say it
}

// String renders the problem on one line.
func (p Problem) String() string {
	var parts []string
	if p.Column != "" {
		parts = append(parts, "column "+strconv.Quote(p.Column))
	}
	if p.Row >= 0 {
		parts = append(parts, "row "+strconv.Itoa(p.Row))
	}
	s := strings.Join(parts, ", ")
	add := func(sep, t string) {
		if s != "" {
			s += sep
		}
		s += t
	}
	if p.Msg != "" {
		add(": ", p.Msg)
	}
	if p.Expected != "" {
		add(": ", "expected "+p.Expected)
	}
	if p.Got != "" {
		add(", ", "got "+p.Got)
	}
	return s
}

// Error holds what is wrong with a request, in the order found.
type Error struct {
	Problems []Problem
	More     int // problems beyond those listed
}

// Error lists the problems, one a line when there are several.
func (e *Error) Error() string {
	if len(e.Problems) == 1 && e.More == 0 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(e.Problems)+e.More)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String()
}

// SyntaxError says where a body is no JSON, or not the JSON of the format.
type SyntaxError struct {
	Offset int // in bytes, from 0
	Msg    string
}

// Error names offset and problem.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Msg
}

// ContentTypeError says that a body is of a type that is not read.
type ContentTypeError struct{ Got string }

// Error names the type and those that are read.
func (e *ContentTypeError) Error() string {
	return fmt.Sprintf("content type %q is not read; expected application/json or text/csv in UTF-8", e.Got)
}

// problems collects up to a limit.
type problems struct {
	list []Problem
	more int
	most int
}

func (p *problems) add(q Problem) {
	if len(p.list) < p.most {
		p.list = append(p.list, q)
	} else {
		p.more++
	}
}

func (p *problems) any() bool { return len(p.list) > 0 || p.more > 0 }

func (p *problems) err() error {
	if !p.any() {
		return nil
	}
	return &Error{Problems: append([]Problem(nil), p.list...), More: p.more}
}

func one(q Problem) error { return &Error{Problems: []Problem{q}} }

// shorten cuts a value for display.
func shorten(b []byte) string {
	const most = 40
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return string(b)
}
