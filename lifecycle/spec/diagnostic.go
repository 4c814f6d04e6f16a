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

// nearest returns the candidate that name was probably meant to be, "" when
// none is near enough.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(c))
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that lead from a to b (optimal string alignment). Names are short;
// longer ones are cut.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 {
		x = x[:64]
	}
	if len(y) > 64 {
		y = y[:64]
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
