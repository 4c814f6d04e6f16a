package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
)

func (a *application) monitorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "monitor",
		Aliases: []string{"monitors"},
		Short:   "Look at the quality of what is served",
		RunE:    needsSubcommand,
	}
	var last int
	show := &cobra.Command{
		Use:   "show MONITOR",
		Short: "Show the quality of each window",
		Long: `Show what a monitor found in each window of event time: which versions answered, how
many predictions there were and how many have a label, and the quality with its
interval.

EXPECTED is the first metric as the scores alone let expect it, with the interval in
which it lies if the scores mean what they meant in the first windows of the version;
a ? says that the estimate cannot be trusted. DRIFT names the columns that have moved
against their reference in several windows, with a ? those that did in this one. HELD
counts the rows that an incident or a contract keeps out of all figures.

A window is looked at when it ends and closed when its labels have matured; labels that
come later correct it, which REVISION counts. -o wide shows more, -o json everything.`,
		Example: `  trimtab monitor show quality
  trimtab monitor show quality --last 3 -o json`,
		Args: exactly("MONITOR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			windows, err := c.Windows(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if last > 0 && len(windows) > last {
				windows = windows[len(windows)-last:]
			}
			return a.show(windows, func(w io.Writer) error { return a.writeWindows(w, windows) })
		},
	}
	show.Flags().IntVar(&last, "last", 0, "only the last N windows")
	cmd.AddCommand(show)
	return cmd
}

// metricNames are the headers of metrics whose own name is not what people read.
var metricNames = map[string]string{"auc": "AUC", "log_loss": "LOG-LOSS", "brier": "BRIER", "accuracy": "ACCURACY", "rmse": "RMSE", "mae": "MAE", "r2": "R2"}

// writeWindows prints the quality table. Metrics come in the order in which the
// windows have them; those with an interval show it.
func (a *application) writeWindows(w io.Writer, windows []trimtab.WindowResult) error {
	var metrics []string
	for _, x := range windows {
		for _, q := range x.Quality {
			if !slices.Contains(metrics, q.Metric) {
				metrics = append(metrics, q.Metric)
			}
		}
	}
	some := func(of func(x trimtab.WindowResult) bool) bool { return slices.ContainsFunc(windows, of) }
	lead := ""
	if len(metrics) > 0 {
		lead = metrics[0]
	}
	expected := some(func(x trimtab.WindowResult) bool { return len(x.Estimated) > 0 })
	if lead == "" && expected {
		for _, x := range windows {
			if len(x.Estimated) > 0 {
				lead = x.Estimated[0].Metric
				break
			}
		}
	}
	drift := some(func(x trimtab.WindowResult) bool { return len(x.Drift) > 0 })
	held := a.wide() || some(func(x trimtab.WindowResult) bool { return x.Held+x.Quarantined > 0 })
	incidents := some(func(x trimtab.WindowResult) bool { return len(x.Incidents) > 0 })
	g := grid{head: []string{"WINDOW", "VERSION", "ROWS#", "LABELLED#"}}
	for _, m := range metrics {
		g.head = append(g.head, metricHead(m))
	}
	column := func(shown bool, head string) {
		if shown {
			g.head = append(g.head, head)
		}
	}
	column(expected, "EXPECTED "+metricHead(lead))
	column(held, "HELD#")
	column(drift, "DRIFT")
	column(incidents, "INCIDENTS")
	if a.wide() {
		g.head = append(g.head, "POSITIVES#", "LATE#", "LABELS KNOWN BY", "REVISION#")
	}
	g.head = append(g.head, "NOTE")
	for _, x := range windows {
		row := []string{windowLabel(x), versionsText(x.Versions), thousands(x.Rows), thousands(x.Labelled)}
		for _, m := range metrics {
			row = append(row, qualityText(x.Quality, m))
		}
		cell := func(shown bool, text string) {
			if shown {
				row = append(row, text)
			}
		}
		cell(expected, expectedText(x, lead))
		cell(held, thousands(x.Held+x.Quarantined))
		cell(drift, driftText(x.Drift, a.wide()))
		cell(incidents, incidentsText(x.Incidents, a.wide()))
		if a.wide() {
			row = append(row, thousands(x.Positives), thousands(x.Late), x.Through.String(), strconv.Itoa(x.Revision))
		}
		g.add(append(row, x.Reason)...)
	}
	return a.table(w, g, "No window has ended yet: a window ends when the endpoint's watermark has passed its end.")
}

func metricHead(metric string) string {
	if name := metricNames[metric]; name != "" {
		return name
	}
	return strings.ToUpper(metric)
}

// expectedText is an estimate; one that cannot be trusted is marked.
func expectedText(x trimtab.WindowResult, metric string) string {
	text := qualityText(x.Estimated, metric)
	if text != "-" && x.Reliable != nil && !*x.Reliable {
		text += " ?"
	}
	return text
}

// driftText names the columns that drift, then those that moved in this window alone.
func driftText(drift []trimtab.ColumnDrift, all bool) string {
	var names, suspects []string
	for _, d := range drift {
		switch {
		case d.State == "drift":
			names = append(names, d.Column)
		case d.Alone == "drift":
			suspects = append(suspects, d.Column+"?")
		}
	}
	return shortened(append(names, suspects...), all)
}

// incidentsText names the kinds of incidents that touch a window; wide, their ids.
func incidentsText(ids []string, all bool) string {
	if all {
		return shortened(ids, true)
	}
	var kinds []string
	for _, id := range ids {
		kind := id // ENDPOINT.KIND.WHAT.BEGIN, and an endpoint may have dots
		for _, k := range incidentKinds {
			if strings.Contains(id, "."+string(k)+".") {
				kind = string(k)
			}
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return shortened(kinds, false)
}

var incidentKinds = []trimtab.IncidentKind{trimtab.DataFault, trimtab.Breach, trimtab.Drift, trimtab.Decay, trimtab.Miscalibration,
	trimtab.LabelsStopped, trimtab.TrafficStopped}

// shortened joins names, the first few unless all are wanted.
func shortened(names []string, all bool) string {
	const shown = 3
	if n := len(names); !all && n > shown {
		names = append(slices.Clone(names[:shown]), fmt.Sprintf("+%d", n-shown))
	}
	return dash(strings.Join(names, ","))
}

func qualityText(quality []trimtab.Quality, metric string) string {
	for _, q := range quality {
		if q.Metric != metric {
			continue
		}
		text := strconv.FormatFloat(q.Value, 'f', 4, 64)
		if q.HasInterval {
			text += fmt.Sprintf(" [%.4f, %.4f]", q.Lo, q.Hi)
		}
		return text
	}
	return "-"
}

// windowLabel names a window by its bounds: "2013-03" for a month, else its
// start to the precision that its length needs.
func windowLabel(x trimtab.WindowResult) string {
	if start, end := trimtab.Monthly.Bounds(x.Start); start == x.Start && end == x.End {
		return trimtab.Monthly.Label(x.Start)
	}
	g := x.Start.Go()
	if g.Hour() == 0 && g.Minute() == 0 && x.End.Sub(x.Start).Hours() >= 24 {
		return g.Format("2006-01-02")
	}
	return g.Format("2006-01-02 15:04")
}

func versionsText(versions []trimtab.Version) string {
	var parts []string
	for _, v := range versions {
		parts = append(parts, strconv.FormatInt(int64(v), 10))
	}
	return dash(strings.Join(parts, ","))
}
