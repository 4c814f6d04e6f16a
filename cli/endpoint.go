package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) endpointCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "endpoint",
		Aliases: []string{"endpoints"},
		Short:   "Look at endpoints and export what they logged",
		RunE:    needsSubcommand,
	}
	list := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List endpoints as they are",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Endpoints(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error { return a.writeEndpoints(w, all) })
		},
	}
	show := &cobra.Command{
		Use:     "show ENDPOINT",
		Short:   "Show an endpoint: version, watermark, conditions, counts",
		Example: `  trimtab endpoint show flights`,
		Args:    exactly("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			e, err := c.Endpoint(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(e, func(w io.Writer) error { return a.writeEndpoint(w, e) })
		},
	}
	cmd.AddCommand(list, show, a.exportCommand())
	return cmd
}

func (a *application) writeEndpoints(w io.Writer, all []view.Endpoint) error {
	g := grid{head: []string{"ENDPOINT", "SERVES", "VERSION#", "READY", "WATERMARK", "PREDICTIONS#"}}
	for _, e := range all {
		g.add(e.Name, fmt.Sprintf("%s@%s", e.Model, e.Alias), versionText(e.Version), a.ready(w, e), dash(e.Watermark.String()), thousands(e.Counts["predictions"]))
	}
	return a.table(w, g, "No endpoint is declared.")
}

func (a *application) ready(w io.Writer, e view.Endpoint) string {
	if e.Version == 0 {
		return a.paint(w, red, "no version")
	}
	for _, c := range e.Conditions {
		if c.Type == "Ready" && !c.Status {
			return a.paint(w, red, "no")
		}
	}
	return a.paint(w, green, "yes")
}

func (a *application) writeEndpoint(w io.Writer, e view.Endpoint) error {
	driver := ""
	if e.State.Holder != "" {
		driver = e.State.Holder
	}
	if err := facts(w, "endpoint", e.Name, "serves", fmt.Sprintf("%s@%s", e.Model, e.Alias), "version", versionText(e.Version), "since", e.Since.String(),
		"ready", a.ready(w, e), "time", string(e.State.Mode), "watermark", e.Watermark.String(), "driven by", driver, "live since", e.State.LiveSince.String(), "url", e.URL); err != nil {
		return err
	}
	if len(e.Conditions) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "conditions"))
		for _, c := range e.Conditions {
			text := c.Message
			if text == "" {
				text = c.Reason
			}
			fmt.Fprintf(w, "  %s: %s  %s\n", c.Type, yes(c.Status), text)
		}
	}
	if len(e.Counts) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "counts"))
		var pairs []string
		for k, v := range sorted(e.Counts) {
			pairs = append(pairs, "  "+k, thousands(v))
		}
		if err := facts(w, pairs...); err != nil {
			return err
		}
	}
	if len(e.Settled) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.paint(w, bold, "settled"))
		for _, s := range e.Settled {
			fmt.Fprintf(w, "  %s through %s, waits for: %s %s\n", s.Listener, dash(s.Through.String()), s.Wait, s.Detail)
		}
	}
	return nil
}

func (a *application) exportCommand() *cobra.Command {
	var from, to, file string
	cmd := &cobra.Command{
		Use:   "export ENDPOINT",
		Short: "Export predictions with their labels as Parquet",
		Long: `Export what an endpoint logged: request id, event time, version, inputs, output and
the label when it is known, in the order of event time. Every number of a monitor can
be computed again from it.`,
		Example: `  trimtab endpoint export flights --out march.parquet --from 2013-03-01 --to 2013-04-01
  trimtab endpoint export flights --out - > all.parquet`,
		Args: exactly("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			start, end, err := span(from, to)
			if err != nil {
				return err
			}
			if file == "" {
				file = args[0] + ".parquet"
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			in, err := c.ExportEndpoint(cmd.Context(), args[0], start, end)
			if err != nil {
				return err
			}
			defer in.Close()
			if file == "-" {
				_, err := io.Copy(a.env.Out, in)
				return err
			}
			n, err := writeWhole(file, in)
			if err != nil {
				return err
			}
			a.progress("wrote %s: %s", file, size(n))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "event time from here on")
	f.StringVar(&to, "to", "", "event time before")
	f.StringVar(&file, "out", "", "file to write, - for standard output (default ENDPOINT.parquet)")
	return cmd
}

func span(from, to string) (a, b trimtab.Time, err error) {
	if from != "" {
		if a, err = trimtab.ParseTime(from); err != nil {
			return 0, 0, err
		}
	}
	if to != "" {
		if b, err = trimtab.ParseTime(to); err != nil {
			return 0, 0, err
		}
		if from != "" && b <= a {
			return 0, 0, trimtab.Errorf(trimtab.Invalid, "span", "the span ends at %s, before or where it begins", b)
		}
	}
	return a, b, nil
}

// writeWhole writes a file beside its name and renames it at the end, so that
// nobody takes half a file for a whole one.
func writeWhole(path string, r io.Reader) (int64, error) {
	temp := path + ".part"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		return n, trimtab.Errorf(trimtab.Unavailable, path, "%s was not written whole: %v", path, err)
	}
	return n, nil
}
