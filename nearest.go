package trimtab

import (
	"fmt"
	"strings"
)

// Nearest returns the candidate that name was probably meant to be, "" when none is
// near enough: at most a third of its letters differ, one at least may.
func Nearest(name string, candidates []string) string {
	return nearest(name, candidates, max(1, len(name)/3))
}

// DidYouMean returns ", did you mean …?" for the nearest of the known names, or "".
func DidYouMean(name string, known []string) string {
	if best := nearest(name, known, max(2, len(name)/3)); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// nearest returns the first candidate with the least distance, which is at most most. Case does not count.
func nearest(name string, candidates []string, most int) string {
	best, least := "", min(most, len(name)-1)+1 // a name of which every letter differs is another one
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
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
