package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/client"
)

func (a *application) pipelineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "pipeline",
		Aliases: []string{"pipelines"},
		Short:   "Start pipelines and look at their runs",
		Long: `Start pipelines and look at their runs. A run is named by its id (pr-…); the name of
a pipeline stands for its newest run.`,
		RunE: needsSubcommand,
	}
	cmd.AddCommand(a.pipelineRunCommand(), a.pipelineListCommand(), a.pipelineShowCommand(), a.pipelineLogsCommand(), a.pipelineCancelCommand(), a.pipelineRetryCommand(), a.pipelineExplainCommand())
	return cmd
}

func (a *application) pipelineRunCommand() *cobra.Command {
	var params []string
	var cache, cause string
	var follow, dryRun bool
	cmd := &cobra.Command{
		Use:   "run PIPELINE",
		Short: "Start a pipeline",
		Long: `Start a declared pipeline. Params override the defaults of its declaration.

With --follow the steps' output is shown as it is printed, and the command ends with
the run: exit code 0 when it succeeded, 1 when not. Interrupting the command leaves
the run alone. With --dry-run nothing is started: it says which steps would come from
the cache, and what differs for those that would not.`,
		Example: `  trimtab pipeline run train
  trimtab pipeline run train -p asOf=2013-04-01 -p rounds=300 --follow
  trimtab pipeline run train --cache refresh
  trimtab pipeline run train -p rounds=300 --dry-run`,
		Args: exactly("PIPELINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			start := view.StartRun{Pipeline: args[0], Cache: cache, Cause: cause}
			for _, p := range params {
				name, value, ok := strings.Cut(p, "=")
				if !ok || name == "" {
					return usage{fmt.Errorf("param %q: expected NAME=VALUE", p)}
				}
				if start.Params == nil {
					start.Params = map[string]string{}
				}
				start.Params[name] = value
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			if dryRun {
				return a.foresee(cmd.Context(), c, start)
			}
			run, err := c.StartPipeline(cmd.Context(), start)
			if err != nil {
				return err
			}
			if !follow {
				return a.show(run, func(w io.Writer) error {
					fmt.Fprintf(w, "%s started; follow it with `trimtab pipeline logs %s -f`\n", run.ID, run.ID)
					return nil
				})
			}
			return a.followRun(cmd.Context(), c, run)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&params, "param", "p", nil, "NAME=VALUE; may be given several times")
	f.StringVar(&cache, "cache", "", "off: compute every step; refresh: compute and keep anew")
	f.StringVar(&cause, "cause", "cli", "why it is started, for the record")
	f.BoolVarP(&follow, "follow", "f", false, "show what the steps print and wait for the end")
	f.BoolVar(&dryRun, "dry-run", false, "say what each step would do, and start nothing")
	return cmd
}

func (a *application) pipelineListCommand() *cobra.Command {
	var pipeline string
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List pipeline runs, newest first",
		Example: `  trimtab pipeline list
  trimtab pipeline list --pipeline train --limit 5`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			page, err := c.PipelineRuns(cmd.Context(), pipeline, limit, "")
			if err != nil {
				return err
			}
			return a.show(page.Items, func(w io.Writer) error {
				g := grid{head: []string{"RUN", "PIPELINE", "STATE", "STARTED", "TOOK#"}}
				if a.wide() {
					g.head = append(g.head, "CAUSE", "PARAMS")
				}
				now := trimtab.SystemClock()
				for _, r := range page.Items {
					row := []string{string(r.ID), r.Pipeline, a.state(w, string(r.State)), ago(r.Created, now), took(r.Created, r.Ended, now)}
					if a.wide() {
						row = append(row, dash(r.Cause), dash(labelText(r.Params)))
					}
					g.add(row...)
				}
				return a.table(w, g, "No pipeline has run yet; start one with `trimtab pipeline run NAME`.")
			})
		},
	}
	cmd.Flags().StringVar(&pipeline, "pipeline", "", "only runs of this pipeline")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	return cmd
}

func (a *application) pipelineShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RUN",
		Short: "Show a pipeline run with its steps",
		Example: `  trimtab pipeline show train
  trimtab pipeline show pr-0123456789abcdef -o json`,
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
			return a.show(run, func(w io.Writer) error { return a.writeRun(w, run) })
		},
	}
}

func (a *application) writeRun(w io.Writer, run view.PipelineRun) error {
	now := trimtab.SystemClock()
	if err := facts(w, "run", string(run.ID), "pipeline", run.Pipeline, "state", a.state(w, string(run.State)), "reason", run.Reason,
		"cause", run.Cause, "started", run.Created.String(), "took", took(run.Created, run.Ended, now), "params", labelText(run.Params)); err != nil {
		return err
	}
	fmt.Fprintln(w)
	g := grid{head: []string{"STEP", "STATE", "ATTEMPTS#", "TOOK#", "MLFLOW RUN", "DETAIL"}}
	for _, s := range run.Steps {
		mlflow := "-"
		if n := len(s.Attempts); n > 0 {
			mlflow = dash(string(s.Attempts[n-1].MLflowRun))
		}
		detail := s.Reason
		if s.CachedOf != "" {
			detail = "outputs of " + string(s.CachedOf)
		}
		spent := "-"
		if s.Started != 0 {
			spent = took(s.Started, s.Ended, now)
		}
		g.add(s.Name, a.state(w, string(s.State)), fmt.Sprint(s.Attempt), spent, mlflow, dash(detail))
	}
	return a.table(w, g, "The run has no steps.")
}

func took(from, to, now trimtab.Time) string {
	if to == 0 {
		to = now
	}
	return short(to.Sub(from))
}

// state colours a state by what it means.
func (a *application) state(w io.Writer, s string) string {
	switch s {
	case "succeeded", "cached", "FINISHED", "READY":
		return a.paint(w, green, s)
	case "failed", "FAILED", "KILLED", "lost", "timeout":
		return a.paint(w, red, s)
	case "running", "starting", "pending", "canceling", "RUNNING":
		return a.paint(w, blue, s)
	case "waiting", "skipped", "canceled":
		return a.paint(w, faint, s)
	}
	return s
}

func (a *application) pipelineLogsCommand() *cobra.Command {
	var follow bool
	var attempt int
	cmd := &cobra.Command{
		Use:   "logs RUN [STEP]",
		Short: "Print what the steps of a run printed",
		Example: `  trimtab pipeline logs train
  trimtab pipeline logs pr-0123456789abcdef train --attempt 1
  trimtab pipeline logs train -f`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			run, err := resolveRun(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 && follow {
				return a.followRun(cmd.Context(), c, run)
			}
			for _, s := range run.Steps {
				if len(args) == 2 && s.Name != args[1] || s.Attempt == 0 && len(args) == 1 {
					continue
				}
				if len(args) == 1 {
					a.progress("--- %s (%s)", s.Name, s.State)
				}
				logs, err := c.StepLogs(cmd.Context(), run.ID, s.Name, attempt, follow)
				if trimtab.IsKind(err, trimtab.NotFound) && len(args) == 1 {
					continue // the step runs inside the server and prints nothing
				}
				if err != nil {
					return err
				}
				_, err = io.Copy(a.env.Out, logs)
				logs.Close()
				if err != nil {
					return err
				}
				if len(args) == 2 {
					return nil
				}
			}
			if len(args) == 2 {
				return trimtab.Errorf(trimtab.NotFound, "step "+args[1], "run %s has no step %q: it has %s", run.ID, args[1], strings.Join(stepNames(run), ", "))
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the end")
	cmd.Flags().IntVar(&attempt, "attempt", 0, "number of the attempt; the newest without it")
	return cmd
}

func stepNames(run view.PipelineRun) []string {
	var out []string
	for _, s := range run.Steps {
		out = append(out, s.Name)
	}
	return out
}

func (a *application) pipelineCancelCommand() *cobra.Command {
	var reason string
	var all, wait bool
	cmd := &cobra.Command{
		Use:   "cancel RUN... | --all",
		Short: "Cancel pipeline runs",
		Long:  "Cancel pipeline runs: their steps get SIGTERM, and SIGKILL after five seconds.",
		Example: `  trimtab pipeline cancel train --reason "wrong data"
  trimtab pipeline cancel --all --wait`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage{errors.New("name the runs to cancel, or give --all")}
			}
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			var runs []view.PipelineRun
			if all {
				if runs, err = openRuns(ctx, c); err != nil {
					return err
				}
			}
			for _, arg := range args {
				run, err := resolveRun(ctx, c, arg)
				if err != nil {
					return err
				}
				runs = append(runs, run)
			}
			for i := range runs {
				if runs[i], err = c.CancelPipeline(ctx, runs[i].ID, reason); err != nil {
					return err
				}
			}
			for i := range runs {
				for wait && !runs[i].State.Ended() {
					if err := pause(ctx, lookEvery); err != nil {
						return err
					}
					if runs[i], err = c.PipelineRun(ctx, runs[i].ID); err != nil {
						return err
					}
				}
			}
			return a.show(runs, func(w io.Writer) error {
				for _, r := range runs {
					fmt.Fprintf(w, "%s is %s\n", r.ID, r.State)
				}
				if len(runs) == 0 {
					fmt.Fprintln(w, "No pipeline runs.")
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "cancelled by the command line", "why, for the record")
	cmd.Flags().BoolVar(&all, "all", false, "every run of the project that has not ended")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until they have ended")
	return cmd
}

// openRuns lists the runs that have not ended.
func openRuns(ctx context.Context, c *client.Client) ([]view.PipelineRun, error) {
	var out []view.PipelineRun
	var after trimtab.PageToken
	for {
		page, err := c.PipelineRuns(ctx, "", 500, after)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			if !r.State.Ended() {
				out = append(out, r)
			}
		}
		if after = page.Next; after == "" {
			return out, nil
		}
	}
}

func (a *application) pipelineExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain RUN",
		Short:   "Say why each step ran or came from the cache",
		Example: `  trimtab pipeline explain train`,
		Args:    exactly("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			run, err := resolveRun(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			all, err := c.ExplainPipeline(cmd.Context(), run.ID)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) error {
				for _, x := range all {
					fmt.Fprintf(w, "%s  %s  %s\n", a.paint(w, bold, x.Step), a.state(w, string(x.State)), x.Text)
					for _, d := range x.Differs {
						fmt.Fprintf(w, "    %s: %s -> %s\n", d.Part, dash(brief(d.Then)), dash(brief(d.Now)))
					}
				}
				return nil
			})
		},
	}
}

// brief cuts digests and long texts to what people compare.
func brief(s string) string {
	if d := trimtab.Digest(s); d.Hex() != "" {
		return d.Short()
	}
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:77], "") + "..."
	}
	return s
}

// resolveRun finds a run by its id, or the newest run of a pipeline by its name.
func resolveRun(ctx context.Context, c *client.Client, typed string) (view.PipelineRun, error) {
	if strings.HasPrefix(typed, "pr-") {
		run, err := c.PipelineRun(ctx, trimtab.PipelineRunID(typed))
		if !trimtab.IsKind(err, trimtab.NotFound) {
			return run, err
		}
	}
	page, err := c.PipelineRuns(ctx, typed, 1, "")
	if err != nil {
		return view.PipelineRun{}, err
	}
	if len(page.Items) == 0 {
		return view.PipelineRun{}, trimtab.Errorf(trimtab.NotFound, "pipeline run "+typed, "there is no pipeline run %s and no run of a pipeline of that name; `trimtab pipeline list` shows them", typed)
	}
	return c.PipelineRun(ctx, page.Items[0].ID)
}
