package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

// foresee prints what a start would do, step by step.
func (a *application) foresee(ctx context.Context, c *client.Client, start view.StartRun) error {
	all, err := c.ForeseePipeline(ctx, start)
	if err != nil {
		return err
	}
	return a.show(all, func(w io.Writer) error {
		for _, p := range all {
			does := map[string]string{"cached": a.paint(w, green, "from the cache"), "run": a.paint(w, blue, "runs"), "open": a.paint(w, faint, "open")}[p.Does]
			if _, err := fmt.Fprintf(w, "%s  %s  %s\n", a.paint(w, bold, p.Step), does, p.Text); err != nil {
				return err
			}
			for _, d := range p.Differs {
				if _, err := fmt.Fprintf(w, "    %s: %s -> %s\n", d.Part, dash(brief(d.Then)), dash(brief(d.Now))); err != nil {
					return err
				}
			}
		}
		_, err := fmt.Fprintln(w, "Nothing was started.")
		return err
	})
}
