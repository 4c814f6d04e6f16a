package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show everything on one screen, with what needs attention",
		Long: `Show models, endpoints, quality, pipelines, replays and the loop of a project on one screen,
and what needs attention, each with what to do about it.

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
			o, err := c.Overview(cmd.Context())
			if err != nil {
				return err
			}
			err = a.show(o, func(w io.Writer) error { return a.writeStatus(w, o) })
			if err == nil && len(o.Attention) > 0 {
				return code(exitChanges)
			}
			return err
		},
	}
}

func (a *application) writeStatus(w io.Writer, o view.Overview) error {
	now := o.Server.Now
	section := func(title string) { fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, title)) }
	fmt.Fprintf(w, "project %s at %s\n", o.Server.Project, now)
	if len(o.Models)+len(o.Endpoints)+len(o.Monitors)+len(o.Pipelines)+len(o.NeverRun) == 0 {
		fmt.Fprintln(w, "\nNothing is here yet; begin with `trimtab init` and `trimtab apply`.")
		if len(o.Attention) == 0 {
			return nil
		}
		return a.writeAttention(w, o)
	}
	if len(o.Models) > 0 {
		section("models")
		g := grid{head: []string{"MODEL", "NEWEST#", "ALIASES"}}
		for _, m := range o.Models {
			newest := "-"
			if m.Latest != nil {
				newest = versionText(m.Latest.Version)
			}
			aliases := map[trimtab.Alias]trimtab.Version{}
			for _, alias := range m.Aliases {
				aliases[alias.Name] = alias.Version
			}
			g.add(string(m.Name), newest, dash(aliasText(aliases)))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(o.Endpoints) > 0 {
		section("endpoints")
		g := grid{head: []string{"ENDPOINT", "SERVES", "VERSION#", "READY", "WATERMARK", "PREDICTIONS#"}}
		for _, e := range o.Endpoints {
			g.add(e.Name, fmt.Sprintf("%s@%s", e.Model, e.Alias), versionText(e.Serving), a.health(w, e.State), dash(e.Watermark.String()), thousands(e.Predictions))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(o.Monitors) > 0 {
		section("quality")
		if err := a.writeMonitors(w, o); err != nil {
			return err
		}
	}
	if len(o.Pipelines)+len(o.NeverRun) > 0 {
		section("pipelines")
		g := grid{head: []string{"PIPELINE", "LAST RUN", "STATE", "STARTED", "TOOK#"}}
		for _, p := range o.Pipelines {
			g.add(p.Pipeline, string(p.ID), a.state(w, string(p.State)), ago(p.Created, now), took(p.Created, p.Ended, now))
		}
		for _, name := range o.NeverRun {
			g.add(name, "-", "never run", "-", "-")
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if len(o.Replays) > 0 {
		section("replays")
		g := grid{head: []string{"ENDPOINT", "SOURCE", "STATE", "POSITION", "ROWS#", "LABELS#"}}
		for _, r := range o.Replays {
			g.add(r.Endpoint, r.Source, a.state(w, r.State), dash(r.Position.String()), thousands(r.Rows), thousands(r.Labels))
		}
		if err := a.table(w, g, ""); err != nil {
			return err
		}
	}
	if err := a.writeStatusLoop(w, o.Loop); err != nil {
		return err
	}
	return a.writeAttention(w, o)
}

// health says whether an endpoint answers, coloured by what it means.
func (a *application) health(w io.Writer, h view.EndpointHealth) string {
	switch h {
	case view.EndpointServing:
		return a.paint(w, green, "yes")
	case view.EndpointBehind:
		return a.paint(w, yellow, "yes, behind")
	case view.EndpointLoading:
		return a.paint(w, blue, "loading")
	case view.EndpointNoVersion:
		return a.paint(w, red, "no version")
	}
	return a.paint(w, red, "no")
}

func (a *application) writeMonitors(w io.Writer, o view.Overview) error {
	g := grid{head: []string{"MONITOR", "ENDPOINT", "WINDOW", "ROWS#", "LABELLED#", "QUALITY", "LABEL AGE"}}
	watermarks := map[string]trimtab.Time{}
	for _, e := range o.Endpoints {
		watermarks[e.Name] = e.Watermark
	}
	for _, m := range o.Monitors {
		if len(m.Windows) == 0 {
			g.add(m.Name, m.Endpoint, "-", "-", "-", "no window is closed yet", "-")
			continue
		}
		recent := m.Windows[max(0, len(m.Windows)-trendOf):]
		last := recent[len(recent)-1]
		quality := last.Reason
		if len(last.Quality) > 0 {
			metric := last.Quality[0].Metric
			quality = metric + " " + qualityText(qualityOf(last), metric) + trend(recent, metric)
		}
		age := "-"
		if mark := watermarks[m.Endpoint]; mark != 0 {
			if d, ok := m.LabelAge(mark); ok {
				age = short(d)
			}
		}
		g.add(m.Name, m.Endpoint, last.Label, thousands(last.Rows), thousands(last.Labelled), dash(quality), age)
	}
	return a.table(w, g, "")
}

// qualityOf is the quality of a window as the tables of a monitor print it.
func qualityOf(w view.OverviewWindow) (out []trimtab.Quality) {
	for _, q := range w.Quality {
		x := trimtab.Quality{Metric: q.Metric, Value: float64(q.Value)}
		if q.Lo != nil && q.Hi != nil {
			x.HasInterval, x.Lo, x.Hi = true, float64(*q.Lo), float64(*q.Hi)
		}
		out = append(out, x)
	}
	return out
}

// trendOf is how many of the newest windows a trend shows.
const trendOf = 12

// trend draws a metric over the windows as a line of blocks; "" for fewer than two.
func trend(windows []view.OverviewWindow, metric string) string {
	var values []float64
	for _, x := range windows {
		for _, q := range x.Quality {
			if q.Metric == metric {
				values = append(values, float64(q.Value))
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

// writeAttention prints what needs attention, in the words of the start page.
func (a *application) writeAttention(w io.Writer, o view.Overview) error {
	if len(o.Attention) == 0 {
		text, c := "Nothing needs attention.", green
		if left := leftOut(o.LeftOut); left != "" {
			text, c = "Nothing that is shown needs attention.", yellow
		}
		fmt.Fprintf(w, "\n%s\n", a.paint(w, c, text))
	} else {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "needs attention"))
	}
	for _, x := range o.Attention {
		word, c := "warning", yellow
		if x.Severity == view.Bad {
			word, c = "critical", red
		}
		fmt.Fprintf(w, "  %s %s\n", a.paint(w, c, word), strings.TrimSuffix(x.Title+": "+x.Detail, ": "))
		if x.Command != "" {
			fmt.Fprintf(w, "           %s\n", a.paint(w, faint, x.Command))
		}
	}
	if left := leftOut(o.LeftOut); left != "" {
		fmt.Fprintf(w, "\nNot shown: %s.\n", left)
	}
	return nil
}

// leftOut says what there is beyond what is shown, "" for nothing.
func leftOut(l view.LeftOut) string {
	var parts []string
	for _, x := range []struct {
		n    int
		noun string
	}{{l.Models, "model"}, {l.Endpoints, "endpoint"}, {l.Monitors, "monitor"}, {l.Pipelines, "pipeline"}} {
		switch {
		case x.n == 1:
			parts = append(parts, "1 more "+x.noun)
		case x.n > 1:
			parts = append(parts, fmt.Sprintf("%s more %ss", thousands(int64(x.n)), x.noun))
		}
	}
	if l.More {
		parts = append(parts, "models beyond those counted")
	}
	return strings.Join(parts, ", ")
}
