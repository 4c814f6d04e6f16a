package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/lifecycle/view"
)

func (a *application) pipelineRetryCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Run again what did not succeed of a run",
		Long: `Run again what did not succeed of a run that failed or was cancelled: a new run of the
same frozen declaration and params takes over the results of the steps that succeeded,
and the others start anew. Of one run there is one retry; asking again shows it.`,
		Example: `  trimtab pipeline retry train
  trimtab pipeline retry pr-0123456789abcdef --follow`,
		Args: exactly("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			run, err := resolveRun(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			retry, err := c.RetryPipeline(cmd.Context(), run.ID)
			if err != nil {
				return err
			}
			if follow {
				return a.followRun(cmd.Context(), c, retry)
			}
			return a.show(retry, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s retries %s: %s; follow it with `trimtab pipeline logs %s -f`\n", retry.ID, run.ID, takenOver(retry), retry.ID)
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "show what the steps print and wait for the end")
	return cmd
}

// takenOver counts the steps whose results a retry took over.
func takenOver(r view.PipelineRun) string {
	n := 0
	for _, s := range r.Steps {
		if s.CachedOf != "" {
			n++
		}
	}
	return fmt.Sprintf("%d of %s taken over", n, counted(len(r.Steps), "step"))
}
