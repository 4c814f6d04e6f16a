package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says why a filter or order_by text is refused. Offset and Length
// are bytes of the text given to the parser and always lie inside it; Length
// is 0 where something is missing. Clause is the index of the refused order_by
// clause, and 0 for a filter.
type SyntaxError struct {
	Clause int
	Offset int
	Length int
	Msg    string // what is wrong, a clause without a full stop
	Hint   string // what to write instead; "" when there is no good guess
	column int
	order  bool
}

// Error is one line that names the place as a 1-based column in characters.
func (e *SyntaxError) Error() string {
	where := "invalid filter"
	if e.order {
		where = fmt.Sprintf("invalid order_by clause %d", e.Clause+1)
	}
	text := fmt.Sprintf("%s at column %d: %s", where, e.column, e.Msg)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// fail makes the error for text[from:to].
func fail(text string, from, to int, msg, hint string) *SyntaxError {
	from = min(max(from, 0), len(text))
	to = min(max(to, from), len(text))
	return &SyntaxError{
		Offset: from,
		Length: to - from,
		Msg:    msg,
		Hint:   hint,
		column: utf8.RuneCountInString(text[:from]) + 1,
	}
}

// excerpt shortens text that is repeated in a message and keeps it on a line.
func excerpt(text string) string {
	const most = 40
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// nearest returns the candidate that name was probably meant to be, "" when
// none is near: equal but for case, or at most a third of its letters (and at
// most two) changed.
func nearest(name string, candidates []string) string {
	const longest = 64
	if len(name) > longest {
		return ""
	}
	best, bestAt := "", min(2, (utf8.RuneCountInString(name)+1)/3)
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return c
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d <= bestAt && (best == "" || d < bestAt) {
			best, bestAt = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance: insertions, deletions,
// changes and swaps of neighbours each count one.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(y)]
}
