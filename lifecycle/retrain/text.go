package retrain

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab"
)

// Text writes a decision for people: the verdict and its reason, the alternatives as a table, the guards that stopped
// it. It ends with a newline.
func Text(d trimtab.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  serves version %d\n", d.At, d.Served)
	fmt.Fprintf(&b, "  %s (%s)\n", d.Reason, d.State)
	if d.Command != "" {
		fmt.Fprintf(&b, "  by hand: %s\n", d.Command)
	}
	if d.Outcome != "" {
		fmt.Fprintf(&b, "  outcome: %s\n", d.Outcome)
	}
	rows := [][]string{{"", "cure", "windows", "gain per row", "expected", "cost", "net", ""}}
	for _, a := range d.Alternatives {
		mark := ""
		if a.Chosen {
			mark = "→"
		}
		name := string(a.Action)
		if a.Version != 0 {
			name += " " + versionText(a.Version)
		}
		if a.Windows == 0 {
			rows = append(rows, []string{mark, name, "", "", "", "", "", a.Why})
			continue
		}
		rows = append(rows, []string{mark, name, fmt.Sprint(a.Windows), signed(a.Gain) + " ± " + number(a.StdErr),
			signed(a.Expected), number(a.Cost), signed(a.Net), a.Why})
	}
	align(&b, rows)
	for _, g := range d.Guards {
		if !g.Passed {
			fmt.Fprintf(&b, "  guard %q: %s\n", g.Name, g.Why)
		}
	}
	return b.String()
}

// align writes rows with columns aligned, indented by two.
func align(b *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, c := range r {
			if i == len(r)-1 {
				line.WriteString(c)
				break
			}
			line.WriteString(c + strings.Repeat(" ", width[i]-len([]rune(c))+2))
		}
		b.WriteString("  " + strings.TrimRight(line.String(), " ") + "\n")
	}
}
