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
		Long: `Show what a monitor found in each closed window of event time: which versions
answered, how many predictions there were and how many have a label, and the quality
with its interval.`,
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
	g := grid{head: []string{"WINDOW", "VERSION", "ROWS#", "LABELLED#"}}
	for _, m := range metrics {
		name := metricNames[m]
		if name == "" {
			name = strings.ToUpper(m)
		}
		g.head = append(g.head, name)
	}
	if a.wide() {
		g.head = append(g.head, "POSITIVES#", "LATE#", "LABELS KNOWN BY")
	}
	g.head = append(g.head, "NOTE")
	for _, x := range windows {
		row := []string{windowLabel(x), versionsText(x.Versions), thousands(x.Rows), thousands(x.Labelled)}
		for _, m := range metrics {
			row = append(row, qualityText(x.Quality, m))
		}
		if a.wide() {
			row = append(row, thousands(x.Positives), thousands(x.Late), x.Through.String())
		}
		g.add(append(row, x.Reason)...)
	}
	return a.table(w, g, "No window is closed yet: a window closes when the endpoint's watermark has passed its end.")
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
