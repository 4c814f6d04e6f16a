package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show everything on one screen, with what needs attention",
		Long: `Show models, endpoints, quality, pipelines and replays of a project on one screen, and
what needs attention, each with what to do about it.

Exit code 0: all is well. 2: something needs attention. 1: error.`,
		Example: `  trimtab status
  trimtab status -o json
  trimtab status > /dev/null || echo "look at it"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			err = a.show(s, func(w io.Writer) error { return a.writeStatus(w, s) })
			if err == nil && len(s.Attention) > 0 {
				return code(exitChanges)
			}
			return err
		},
	}
}

func (a *application) writeStatus(w io.Writer, s view.Summary) error {
	section := func(title string) { fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, title)) }
	fmt.Fprintf(w, "project %s at %s\n", s.Project, s.Now)
	if len(s.Models)+len(s.Endpoints)+len(s.Monitors)+len(s.Pipelines) == 0 {
		fmt.Fprintln(w, "\nNothing is here yet; begin with `trimtab init` and `trimtab apply`.")
		return nil
	}
	if len(s.Models) > 0 {
		section("models")
		g := grid{head: []string{"MODEL", "NEWEST#", "ALIASES"}}
		for _, m := range s.Models {
			g.add(string(m.Name), versionText(m.Newest), dash(aliasText(m.Aliases)))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(s.Endpoints) > 0 {
		section("endpoints")
		if err := a.writeEndpoints(w, s.Endpoints); err != nil {
			return err
		}
	}
	if len(s.Monitors) > 0 {
		section("quality")
		if err := a.writeMonitors(w, s); err != nil {
			return err
		}
	}
	if len(s.Pipelines) > 0 {
		section("pipelines")
		g := grid{head: []string{"PIPELINE", "LAST RUN", "STATE", "STARTED", "TOOK#"}}
		for _, p := range s.Pipelines {
			if p.Last == nil {
				g.add(p.Name, "-", "never run", "-", "-")
				continue
			}
			g.add(p.Name, string(p.Last.ID), a.state(w, string(p.Last.State)), ago(p.Last.Created, s.Now), took(p.Last.Created, p.Last.Ended, s.Now))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(s.Replays) > 0 {
		section("replays")
		g := grid{head: []string{"ENDPOINT", "SOURCE", "STATE", "POSITION", "ROWS#", "LABELS#"}}
		for _, r := range s.Replays {
			g.add(r.Endpoint, r.Source, a.state(w, r.State), dash(r.Position.String()), thousands(r.Rows), thousands(r.Labels))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	return a.writeAttention(w, s.Attention)
}

func (a *application) writeMonitors(w io.Writer, s view.Summary) error {
	g := grid{head: []string{"MONITOR", "ENDPOINT", "WINDOW", "ROWS#", "LABELLED#", "QUALITY", "LABEL AGE"}}
	watermarks := map[string]trimtab.Time{}
	for _, e := range s.Endpoints {
		watermarks[e.Name] = e.Watermark
	}
	for _, m := range s.Monitors {
		if len(m.Recent) == 0 {
			g.add(m.Name, m.Endpoint, "-", "-", "-", "no window is closed yet", "-")
			continue
		}
		last := m.Recent[len(m.Recent)-1]
		quality := last.Reason
		if len(last.Quality) > 0 {
			quality = last.Quality[0].Metric + " " + qualityText(last.Quality, last.Quality[0].Metric)
			if len(m.Recent) > 1 {
				quality += trend(m.Recent, last.Quality[0].Metric)
			}
		}
		age := "-"
		if d, ok := m.LabelAge(watermarks[m.Endpoint]); ok {
			age = short(d)
		}
		g.add(m.Name, m.Endpoint, windowLabel(last), thousands(last.Rows), thousands(last.Labelled), dash(quality), age)
	}
	return a.table(w, g, "")
}

// trend draws a metric over the windows as a line of blocks.
func trend(windows []trimtab.WindowResult, metric string) string {
	var values []float64
	for _, x := range windows {
		for _, q := range x.Quality {
			if q.Metric == metric {
				values = append(values, q.Value)
			}
		}
	}
	if len(values) < 2 {
		return ""
	}
	lo, hi := values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	out := []rune("  ")
	for _, v := range values {
		i := len(blocks) / 2
		if hi > lo {
			i = int((v - lo) / (hi - lo) * float64(len(blocks)-1))
		}
		out = append(out, blocks[i])
	}
	return string(out)
}

func (a *application) writeAttention(w io.Writer, all []view.Attention) error {
	if len(all) == 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, green, "Nothing needs attention."))
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "needs attention"))
	for _, x := range all {
		c := yellow
		if x.Level == view.Critical {
			c = red
		}
		fmt.Fprintf(w, "  %s %s: %s\n", a.paint(w, c, string(x.Level)), x.Subject, x.Text)
		if x.Remedy != "" {
			fmt.Fprintf(w, "           %s\n", a.paint(w, faint, x.Remedy))
		}
	}
	return nil
}
