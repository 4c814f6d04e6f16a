package spec

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Severity says whether a diagnostic stops the caller.
type Severity string

const (
	// SevError stops: the declaration can not be used.
	SevError Severity = "error"
	// SevWarning does not stop: the declaration can be used, but is probably not meant so.
	SevWarning Severity = "warning"
)

// Diagnostic is one problem of a declaration. Line and Column count from 1; a
// problem of a whole file has line 0. EndColumn is one past the last column of
// the offending text. Path is the place inside the document ("spec.model.name").
type Diagnostic struct {
	Severity   Severity `json:"severity"`
	Summary    string   `json:"summary"`
	Detail     string   `json:"detail,omitempty"`
	Path       string   `json:"path,omitempty"`
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line,omitempty"`
	Column     int      `json:"column,omitempty"`
	EndColumn  int      `json:"endColumn,omitempty"`
	Excerpt    string   `json:"excerpt,omitempty"`
	Expected   string   `json:"expected,omitempty"`
	DidYouMean string   `json:"didYouMean,omitempty"`
}

// Place is "file:line:column", as far as each is known.
func (d Diagnostic) Place() string {
	s := d.File
	if d.Line > 0 {
		s += ":" + strconv.Itoa(d.Line)
		if d.Column > 0 {
			s += ":" + strconv.Itoa(d.Column)
		}
	}
	return s
}

// Write prints the diagnostic for people: the place, the line with the
// offending text marked, what was expected and what was probably meant.
func (d Diagnostic) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Summary)
	if place := d.Place(); place != "" {
		fmt.Fprintf(&b, "  --> %s\n", place)
	}
	if d.Excerpt != "" && d.Line > 0 {
		number := strconv.Itoa(d.Line)
		gutter := strings.Repeat(" ", len(number))
		fmt.Fprintf(&b, "  %s | %s\n", number, d.Excerpt)
		if d.Column > 0 {
			width := max(1, d.EndColumn-d.Column)
			fmt.Fprintf(&b, "  %s | %s%s\n", gutter, indentLike(d.Excerpt, d.Column-1), strings.Repeat("^", width))
		}
	}
	if d.Detail != "" {
		fmt.Fprintf(&b, "  %s\n", d.Detail)
	}
	if d.Expected != "" {
		fmt.Fprintf(&b, "  expected %s\n", d.Expected)
	}
	if d.DidYouMean != "" {
		fmt.Fprintf(&b, "  did you mean %q?\n", d.DidYouMean)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// indentLike returns blanks as wide as the first n runes of line, keeping its tabs.
func indentLike(line string, n int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= n {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	for b.Len() < n {
		b.WriteByte(' ')
	}
	return b.String()
}

// Diagnostics are the problems of a set, in the order of files and lines.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them stops the caller.
func (ds Diagnostics) HasErrors() bool { return ds.Errors() > 0 }

// Errors counts the ones that stop the caller.
func (ds Diagnostics) Errors() int {
	n := 0
	for _, d := range ds {
		if d.Severity == SevError {
			n++
		}
	}
	return n
}

// Write prints all of them, separated by empty lines.
func (ds Diagnostics) Write(w io.Writer) error {
	for i, d := range ds {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := d.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// Error makes diagnostics an error whose text is one line per problem.
func (ds Diagnostics) Error() string {
	lines := make([]string, 0, len(ds))
	for _, d := range ds {
		line := d.Summary
		if place := d.Place(); place != "" {
			line = place + ": " + line
		} else if d.Path != "" {
			line = d.Path + ": " + line
		}
		if d.Expected != "" {
			line += "; expected " + d.Expected
		}
		if d.DidYouMean != "" {
			line += fmt.Sprintf("; did you mean %q?", d.DidYouMean)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
