package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
)

type colour string

const (
	red    colour = "1"
	green  colour = "2"
	yellow colour = "3"
	blue   colour = "4"
	bold   colour = "bold"
	faint  colour = "faint"
)

// coloured reports whether a stream takes colours.
func (a *application) coloured(w io.Writer) bool {
	return !a.noColor && a.env.Getenv("NO_COLOR") == "" && a.env.Getenv("TERM") != "dumb" && terminal(w)
}

// paint colours text for a stream that takes colours.
func (a *application) paint(w io.Writer, c colour, text string) string {
	if !a.coloured(w) {
		return text
	}
	s := lipgloss.NewStyle()
	switch c {
	case bold:
		s = s.Bold(true)
	case faint:
		s = s.Faint(true)
	default:
		s = s.Foreground(lipgloss.Color(string(c)))
	}
	return s.Render(text)
}

// show prints a value as -o asks: as JSON or YAML, or for people by human.
func (a *application) show(v any, human func(w io.Writer) error) error {
	switch a.output {
	case "json":
		enc := json.NewEncoder(a.env.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		raw, err := spec.YAML(v)
		if err != nil {
			return err
		}
		_, err = a.env.Out.Write(raw)
		return err
	}
	return human(a.env.Out)
}

// wide reports whether more columns are wanted.
func (a *application) wide() bool { return a.output == "wide" }

// grid is a table for people. Columns whose header ends with "#" hold numbers
// and are set flush right.
type grid struct {
	head []string
	rows [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// table prints a grid: columns aligned, the header emphasised on a terminal. A
// grid without rows prints the sentence instead.
func (a *application) table(w io.Writer, g grid, empty string) error {
	if len(g.rows) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	right := make([]bool, len(g.head))
	head := make([]string, len(g.head))
	widths := make([]int, len(g.head))
	for i, h := range g.head {
		head[i], right[i] = strings.CutSuffix(h, "#")
		widths[i] = lipgloss.Width(head[i])
	}
	for _, row := range g.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-lipgloss.Width(cell))
			switch {
			case right[i]:
				b.WriteString(pad + cell)
			case i == len(cells)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(cells)-1 {
				b.WriteString("  ")
			}
		}
		return strings.TrimRight(b.String(), " ")
	}
	if _, err := fmt.Fprintln(w, a.paint(w, bold, line(head))); err != nil {
		return err
	}
	for _, row := range g.rows {
		if _, err := fmt.Fprintln(w, line(row)); err != nil {
			return err
		}
	}
	return nil
}

// facts prints names and values, aligned; empty values are left out.
func facts(w io.Writer, pairs ...string) error {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, len(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", width, pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// progress prints a line about work that takes long.
func (a *application) progress(format string, args ...any) {
	fmt.Fprintf(a.env.Err, "%s\n", a.paint(a.env.Err, faint, fmt.Sprintf(format, args...)))
}

// ago says how long a moment is past, for lists.
func ago(t, now trimtab.Time) string {
	if t == 0 {
		return "-"
	}
	return short(now.Sub(t)) + " ago"
}

// short is a duration in its largest unit.
func short(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// thousands groups the digits of a count.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	var parts []string
	for len(s) > 3 {
		parts = append(parts, s[len(s)-3:])
		s = s[:len(s)-3]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	s = strings.Join(parts, ",")
	if neg {
		s = "-" + s
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
