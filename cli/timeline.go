package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

// pageWidth is how wide pages for people are.
const pageWidth = 100

func (a *application) timelineCommand() *cobra.Command {
	var from, to, monitor string
	cmd := &cobra.Command{
		Use:   "timeline ENDPOINT",
		Short: "Show what happened at an endpoint, and what it brought",
		Long: `Show the history of an endpoint in its event time: a line for each window of its monitor
and below it what was found, decided and done in it, then which version served when, and
what all of it brought.

SAVED PER ROW is how much less loss the answers had than the version that served first
would have had on the same rows, with twice its standard error by days; the plot shows
it with its interval, right of the line is better. DRIFT names the columns that have moved
against their reference. -o json prints everything.`,
		Example: `  trimtab timeline flights
  trimtab timeline flights --from 2013-04-01 --to 2013-06-01
  trimtab timeline flights -o json`,
		Args: exactly("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			start, end, err := span(from, to)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			t, err := c.Timeline(cmd.Context(), args[0], monitor, start, end)
			if err != nil {
				return err
			}
			return a.show(t, func(w io.Writer) error { return a.writeTimeline(w, t) })
		},
		ValidArgsFunction: a.completes(endpointNames),
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "windows from here on")
	f.StringVar(&to, "to", "", "windows before")
	f.StringVar(&monitor, "monitor", "", "whose windows (default: the one that a policy decides on)")
	return cmd
}

func endpointNames(ctx context.Context, c *client.Client) (names []string, err error) {
	all, err := c.Endpoints(ctx)
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names, err
}

// writeTimeline prints the page.
func (a *application) writeTimeline(w io.Writer, t view.Timeline) error {
	if len(t.Windows) == 0 {
		_, err := fmt.Fprintf(w, "%s: monitor %s has looked at no window of that span yet.\n", t.Endpoint, t.Monitor)
		return err
	}
	first, last := t.Windows[0], t.Windows[len(t.Windows)-1]
	fmt.Fprintf(w, "%s  %s to %s, as monitor %s saw it\n\n", a.paint(w, bold, t.Endpoint), date(first.Start), date(last.End), t.Monitor)
	if err := a.writeTimelineWindows(w, t); err != nil {
		return err
	}
	a.writeServices(w, t)
	return a.writeTimelineSum(w, t)
}

// writeTimelineWindows prints a line for each window and below it what happened.
func (a *application) writeTimelineWindows(w io.Writer, t view.Timeline) error {
	held := slices.ContainsFunc(t.Windows, func(x view.TimelineWindow) bool { return x.Held > 0 })
	gain := slices.ContainsFunc(t.Windows, compared)
	drift := slices.ContainsFunc(t.Windows, func(x view.TimelineWindow) bool { return len(x.Drift) > 0 })
	g := grid{head: []string{"WINDOW", "SERVED", "ROWS#"}}
	if held {
		g.head = append(g.head, "HELD#")
	}
	if t.Metric != "" {
		g.head = append(g.head, metricHead(t.Metric)+"#")
	}
	p := plotOf(t.Windows)
	if gain {
		g.head = append(g.head, "SAVED PER ROW", p.head())
	}
	if drift {
		g.head = append(g.head, "DRIFT")
	}
	for _, x := range t.Windows {
		row := []string{windowLabel(trimtab.WindowResult{Start: x.Start, End: x.End}), "v" + strings.ReplaceAll(versionsText(x.Versions), ",", ",v"), thousands(x.Rows)}
		if len(x.Versions) == 0 {
			row[1] = "-"
		}
		if held {
			row = append(row, dash(strings.TrimPrefix(thousands(x.Held), "0")))
		}
		if t.Metric != "" {
			value := "-"
			if x.Value != nil {
				value = view.LossText(x.Value.Value, false)
			}
			row = append(row, value)
		}
		if gain {
			row = append(row, savedText(x), a.paintGain(w, x, p.line(x)))
		}
		if drift {
			row = append(row, driftColumns(x.Drift))
		}
		g.add(row...)
	}
	var table bytes.Buffer
	if err := a.table(&table, g, ""); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
	fmt.Fprintln(w, a.paint(w, bold, lines[0]))
	services := t.Services[min(len(t.Services), 1):] // the first served before
	for i, line := range lines[1:] {
		x := t.Windows[i]
		fmt.Fprintln(w, line)
		events := slices.Clone(x.Events)
		for _, s := range services {
			if s.From != 0 && s.From < x.End && s.From >= t.Windows[0].Start && (i == 0 || s.From >= t.Windows[i-1].End) {
				events = append(events, view.TimelineEvent{At: s.From, Kind: "service", ID: s.Why, Text: fmt.Sprintf("version %d serves from here on", s.Version)})
			}
		}
		slices.SortStableFunc(events, func(a, b view.TimelineEvent) int { return cmp.Compare(a.At, b.At) })
		for _, e := range events {
			a.writeEvent(w, e)
		}
	}
	return nil
}

// eventMarks are the sign and the colour of each kind of event.
var eventMarks = map[string]struct {
	sign string
	colour
}{"fault": {"▲", red}, "incident": {"●", yellow}, "decision": {"◆", blue}, "rollout": {"■", yellow}, "service": {"▶", green}}

func (a *application) writeEvent(w io.Writer, e view.TimelineEvent) {
	mark := eventMarks[e.Kind]
	const indent = 17
	lines := wrapped(e.Text, pageWidth-indent)
	when := e.At.Go().Format("01-02 15:04")
	if strings.HasSuffix(when, " 00:00") {
		when = when[:5] + "      "
	}
	fmt.Fprintf(w, "  %s %s  %s\n", a.paint(w, mark.colour, cmp.Or(mark.sign, "·")), a.paint(w, faint, when), lines[0])
	for _, l := range lines[1:] {
		fmt.Fprintf(w, "%*s%s\n", indent, "", l)
	}
}

// compared reports whether a window says something about what was done: where the first
// version answered everything, nothing was.
func compared(x view.TimelineWindow) bool {
	return x.Gain != nil && (*x.Gain != 0 || x.StdErr != 0)
}

func savedText(x view.TimelineWindow) string {
	if !compared(x) {
		return ""
	}
	if x.StdErr == 0 {
		return view.LossText(*x.Gain, true)
	}
	return view.LossText(*x.Gain, true) + " ± " + view.LossText(2*x.StdErr, false)
}

// paintGain colours what is certain: green where it is better than nothing, red where worse.
func (a *application) paintGain(w io.Writer, x view.TimelineWindow, text string) string {
	switch {
	case x.Gain == nil || x.StdErr == 0:
		return text
	case *x.Gain > 2*x.StdErr:
		return a.paint(w, green, text)
	case *x.Gain < -2*x.StdErr:
		return a.paint(w, red, text)
	}
	return text
}

// driftColumns fits the names of drifting columns in a narrow column.
func driftColumns(names []string) string {
	if len(names) == 0 {
		return ""
	}
	const room = 12
	more := ""
	if len(names) > 1 {
		more = fmt.Sprintf(" +%d", len(names)-1)
	}
	name := []rune(names[0])
	if len(name)+len(more) > room {
		name = append(name[:room-len(more)-1], '…')
	}
	return string(name) + more
}

// plot draws gains with their intervals around a line at nothing.
type plot struct{ scale float64 }

// plotHalf is how many columns lie on each side of the line.
const plotHalf = 10

// plotOf finds the scale: most intervals fit, the widest few are cut off.
func plotOf(windows []view.TimelineWindow) plot {
	var reach []float64
	for _, x := range windows {
		if compared(x) {
			reach = append(reach, math.Abs(*x.Gain)+2*x.StdErr)
		}
	}
	if len(reach) == 0 {
		return plot{}
	}
	slices.Sort(reach)
	most := max(reach[(len(reach)-1)*9/10], 1e-6)
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, step := range []float64{1, 2, 5, 10} {
		if step*unit >= most*0.999 {
			return plot{step * unit}
		}
	}
	return plot{10 * unit}
}

// head labels the ends and the middle.
func (p plot) head() string {
	label := fmt.Sprintf("%.3g", p.scale)
	left, right := "-"+label, "+"+label
	pad := strings.Repeat(" ", max(plotHalf-len(left), 1))
	back := strings.Repeat(" ", max(plotHalf-len(right), 1))
	return left + pad + "0" + back + right
}

func (p plot) line(x view.TimelineWindow) string {
	cells := []rune(strings.Repeat(" ", 2*plotHalf+1))
	cells[plotHalf] = '│'
	if !compared(x) || p.scale == 0 {
		return string(cells)
	}
	column := func(v float64) int { return plotHalf + int(math.Round(v/p.scale*plotHalf)) }
	lo, hi := column(*x.Gain-2*x.StdErr), column(*x.Gain+2*x.StdErr)
	for i := max(lo, 0); i <= min(hi, 2*plotHalf); i++ {
		cells[i] = '─'
		if i == plotHalf {
			cells[i] = '┼'
		}
	}
	if lo < 0 {
		cells[0] = '‹'
	}
	if hi > 2*plotHalf {
		cells[2*plotHalf] = '›'
	}
	cells[min(max(column(*x.Gain), 0), 2*plotHalf)] = '●'
	return string(cells)
}

// writeServices prints which version served when.
func (a *application) writeServices(w io.Writer, t view.Timeline) {
	if len(t.Services) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "served"))
	first, last := t.Windows[0].Start, t.Windows[len(t.Windows)-1].End
	for _, s := range t.Services {
		from, to := max(s.From, first), cmp.Or(s.To, last)
		if to <= first || from >= last {
			continue
		}
		spoken := fmt.Sprintf("from %s to %s", date(from), date(to))
		if s.To == 0 {
			spoken = fmt.Sprintf("from %s on", date(from))
		}
		const indent = 61
		lines := wrapped(s.Why, pageWidth-indent)
		fmt.Fprintf(w, "  version %-4d %-36s %6s   %s\n", s.Version, spoken, days(min(to, last).Sub(from).Hours()/24), lines[0])
		for _, l := range lines[1:] {
			fmt.Fprintf(w, "%*s%s\n", indent, "", l)
		}
	}
}

// writeTimelineSum prints what the whole span brought.
func (a *application) writeTimelineSum(w io.Writer, t view.Timeline) error {
	s := t.Summary
	fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "all in all"))
	rows := fmt.Sprintf("%s, %s labelled", thousands(s.Rows), thousands(s.Labelled))
	if s.Held > 0 {
		rows += fmt.Sprintf(", %s held back from learning and from every figure", thousands(s.Held))
	}
	found := fmt.Sprintf("%s held, %s", counted(s.Faults, "data fault"), counted(s.Notices, "notice"))
	if s.ColumnWindows > 0 {
		found += fmt.Sprintf("; drift in %s of %s columns × windows", thousands(int64(s.DriftWindows)), thousands(int64(s.ColumnWindows)))
	}
	done := fmt.Sprintf("%s, %s; %d put into service, %d rejected, %d rolled back", counted(s.Retrains, "training"), counted(s.Recalibrated, "recalibration"), s.Promoted, s.Rejected, s.RolledBack)
	pairs := []string{"  rows", rows, "  found", found, "  done", done}
	acted := s.Days > 0 && (s.Gain != 0 || s.Lo != 0 || s.Hi != 0)
	if acted {
		pairs = append(pairs, "  frozen", fmt.Sprintf("%s mean loss, had version %d answered everything", view.LossText(s.FrozenLoss, false), t.Frozen),
			"  served", view.LossText(s.ServedLoss, false)+" mean loss")
	}
	if err := facts(w, pairs...); err != nil {
		return err
	}
	said := view.SaidOf(s, t.Frozen)
	fmt.Fprintln(w)
	for _, l := range wrapped(said.Text, pageWidth) {
		if acted {
			l = a.paint(w, saidColours[said.Tone], l)
		}
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

// saidColours are those of what a span has brought.
var saidColours = map[string]colour{"ok": green, "bad": red, "off": yellow}

func date(t trimtab.Time) string {
	if g := t.Go(); g.Hour() != 0 || g.Minute() != 0 {
		return g.Format("2006-01-02 15:04")
	}
	return t.Go().Format("2006-01-02")
}

func days(n float64) string {
	if n < 1 {
		return fmt.Sprintf("%.0fh", n*24)
	}
	return fmt.Sprintf("%.0fd", n)
}
