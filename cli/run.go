package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run",
		Aliases: []string{"runs"},
		Short:   "Look at tracked runs",
		Long:    "Look at the runs that MLflow clients and pipeline steps have logged.",
		RunE:    needsSubcommand,
	}
	var limit int
	list := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the newest runs",
		Example: `  trimtab run list --limit 5 -o wide`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Runs(cmd.Context(), limit)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				g := grid{head: []string{"RUN", "NAME", "EXPERIMENT", "STATUS", "STARTED", "TOOK#"}}
				if a.wide() {
					g.head = append(g.head, "USER", "METRICS")
				}
				now := trimtab.SystemClock()
				for _, r := range all {
					row := []string{string(r.ID), dash(r.Name), dash(r.ExperimentName), a.state(w, string(r.Status)), ago(r.Start, now), took(r.Start, r.End, now)}
					if a.wide() {
						row = append(row, dash(r.User), dash(metricText(r.Metrics)))
					}
					g.add(row...)
				}
				return a.table(w, g, "No run was logged yet; point MLFLOW_TRACKING_URI at this server.")
			})
		},
	}
	list.Flags().IntVar(&limit, "limit", 20, "how many at most")
	show := &cobra.Command{
		Use:     "show RUN",
		Short:   "Show a run with params, metrics and tags",
		Example: `  trimtab run show 0123456789abcdef0123456789abcdef`,
		Args:    exactly("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := c.Run(cmd.Context(), trimtab.RunID(args[0]))
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error { return a.writeTracked(w, r) })
		},
	}
	cmd.AddCommand(list, show)
	return cmd
}

func (a *application) writeTracked(w io.Writer, r view.Run) error {
	if err := facts(w, "run", string(r.ID), "name", r.Name, "experiment", r.ExperimentName, "status", a.state(w, string(r.Status)),
		"user", r.User, "started", r.Start.String(), "ended", r.End.String(), "attempt", string(r.Attempt), "sealed", r.Seal.Short()); err != nil {
		return err
	}
	if len(r.Params) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "params"))
		for k, v := range sorted(r.Params) {
			fmt.Fprintf(w, "  %s = %s\n", k, v)
		}
	}
	if len(r.Metrics) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "metrics"))
		for _, m := range r.Metrics {
			fmt.Fprintf(w, "  %s = %s  (step %d)\n", m.Key, float(float64(m.Value)), m.Step)
		}
	}
	if len(r.Tags) > 0 && a.wide() {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "tags"))
		for k, v := range sorted(r.Tags) {
			fmt.Fprintf(w, "  %s = %s\n", k, v)
		}
	}
	return nil
}

func metricText(metrics []view.Metric) string {
	text := ""
	for i, m := range metrics {
		if i == 3 {
			return text + fmt.Sprintf(" +%d", len(metrics)-i)
		}
		if i > 0 {
			text += " "
		}
		text += m.Key + "=" + strconv.FormatFloat(float64(m.Value), 'g', 5, 64)
	}
	return text
}

// float is a number for people.
func float(f float64) string { return strconv.FormatFloat(f, 'g', 8, 64) }
